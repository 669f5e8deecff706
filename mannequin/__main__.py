"""Where the ``mannequin`` command begins."""

import os
import sys


def main() -> None:
    """Run the command, whose parts take a second to import, and exit with its status."""
    try:
        from mannequin.cli.main import main as run
    except KeyboardInterrupt:
        print("mannequin: Interrupted before anything was begun.", file=sys.stderr, flush=True)
        os._exit(130)  # by itself Python would say something else if the signal came amid exec()
    run()


if __name__ == "__main__":
    main()

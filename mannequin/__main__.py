"""Where the ``mannequin`` command begins."""

import os
import sys


def main() -> None:
    """Run the command, whose parts take a second to import, and exit with its status."""
    here, met = os.path.dirname(os.path.abspath(__file__)), getattr(sys.modules.get("mannequin"), "__file__", None)
    if met and os.path.realpath(os.path.dirname(met)) != os.path.realpath(here):
        print(
            f"mannequin: Python finds another package of this name first, {met!r}; this one is in {here!r}. Take that "
            "folder out of PYTHONPATH, rename it, or run the command from elsewhere.",
            file=sys.stderr,
            flush=True,
        )
        sys.exit(2)
    try:
        from mannequin.cli.main import main as run
    except KeyboardInterrupt:
        print("mannequin: Interrupted before anything was begun.", file=sys.stderr, flush=True)
        os._exit(130)  # by itself Python would say something else if the signal came amid exec()
    run()


if __name__ == "__main__":
    main()

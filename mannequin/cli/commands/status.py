"""``mannequin status``"""

from dataclasses import asdict, dataclass

import tyro
from rich.table import Table

from mannequin.cli.progress import duration
from mannequin.generator.io.remote import Place
from mannequin.terminal import Console, print_json


@dataclass(frozen=True)
class Status:
    """Show how far a dataset has come, and how fast it grows.

    Counts files and reads the ends of logs, so it is quick on a million clips and
    sees the work of all machines. Exit status 0 if every clip is there, else 1.

    examples:
      mannequin status out
      mannequin status out --json
      mannequin status out --quiet && mannequin export out surreal_out
          go on only when it is complete
    """

    dataset: tyro.conf.Positional[Place]
    """Folder of the dataset, or its URL."""

    quiet: bool = False
    """Print nothing; the exit status tells."""

    json: bool = False
    """Print it as JSON."""

    def run(self) -> int:
        from mannequin.generator.dataset.progress import read_progress

        found = read_progress(self.dataset)
        if self.json:
            print_json(asdict(found))
        elif not self.quiet:
            _print(self.dataset, found)
        return 0 if found.is_complete else 1


def _print(path: Place, found) -> None:
    table = Table(show_header=False, box=None)
    for name, value in rows(found):
        table.add_row(name, value)
    console = Console()
    console.print(table)
    if found.failed:
        console.print(
            f"What is known of the failed clips: {path / 'failed'}\nTry them again: the same command with "
            "--retry-failed"
        )


def rows(found) -> list[tuple[str, str]]:
    """(name, value) lines for a person of a ``mannequin.generator.dataset.progress.DatasetProgress``."""
    lines = [("clips", f"{found.done} of {found.total} done, {found.failed} failed, {found.missing} missing")]
    if found.unread:
        lines.append(("not read", f"{_count(found.unread, 'log')}: no regular files, or not for us to read"))
    if len(found.processors) > 1:
        lines.append(("processors", f"{' and '.join(found.processors)}: only Cycles' colours tell them apart"))
    if not found.clips_per_second:
        return lines
    hosts = _count(found.hosts, "machine")
    when = f"{_count(found.running, 'run')} on {hosts}" if found.running else f"not running; last seen on {hosts}"
    lines += [
        ("runs", when),
        (
            "rate",
            f"{3600 * found.clips_per_second:.0f} clips per hour, {found.frames_per_second:.1f} frames per second",
        ),
        (
            "left",
            duration(found.left)
            if found.running or not found.missing
            else f"{duration(found.left)} once it runs again",
        ),
        ("memory", f"{found.peak_mb:.0f} MB at most for a process"),
    ]
    if busy := sum(found.seconds.values()):
        lines.append(("time", ", ".join(f"{name} {100 * value / busy:.0f} %" for name, value in found.seconds.items())))
    if found.disagreement:
        lines.append(
            (
                "disagreement",
                ", ".join(f"{name} {value:.2g}" for name, value in found.disagreement.items()) + " at worst",
            )
        )
    if found.died:
        lines.append(("died", f"{_count(found.died, 'process', 'processes')} lately; each was replaced"))
    return lines


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"

"""``mannequin validate``"""

from dataclasses import dataclass

import tyro
from rich.console import JustifyMethod
from rich.table import Table
from rich.text import Text

from mannequin.generator.io.remote import Place
from mannequin.terminal import Console, print_json

_FAILED = ("failed", "bold red")


@dataclass(frozen=True)
class Validate:
    """Prove the labels of a dataset.

    Checks files and checksums, value ranges, cameras, joints against the posed body, every label
    against rays cast onto the posed meshes, flow by carrying frame t onto t + 1, left and right,
    and renders sampled frames again with the other renderer. Prints a table and leaves it in the
    dataset's .log/validation.json, for `mannequin report`; exit status 1 if anything fails.

    examples:
      mannequin validate out
      mannequin validate out --clips 200 --frames 5
    """

    dataset: tyro.conf.Positional[Place]
    """Folder of the dataset, or its URL."""

    clips: int = 20
    """How many clips to examine closely (all files are checked for damage)."""

    frames: int = 2
    """Frames of each of these to render again."""

    json: bool = False
    """Print what would be left in .log/validation.json, in place of the table."""

    def run(self) -> int:
        from mannequin.generator.dataset.folder import open_dataset
        from mannequin.renderers.validation.record import leave, to_plain
        from mannequin.renderers.validation.validate import validate

        with Console(stderr=True).doing("validating") as tell:
            report = validate(
                self.dataset,
                self.clips,
                self.frames,
                lambda done, total: tell(f"validated {done} of {total} clips"),
            )
        plain = to_plain(report, len(open_dataset(self.dataset)))
        leave(self.dataset, plain)
        if self.json:
            print_json(plain)
        else:
            _print(Console(soft_wrap=False), report)
        return 1 if report.failed else 0


def _print(console: Console, report) -> None:
    """The table, then what failed, then what could not be checked."""
    console.print(_table(report.rows.values()))
    for row in report.rows.values():
        if not row.ok:
            note = f": {row.worst.note}" if row.worst.note else ""
            console.print(
                Text.assemble(_FAILED, f" {row.check} in {row.failed} of {row.examined}, worst in {row.where}{note}")
            )
    for note in report.notes:
        console.print(Text.assemble(("note", "yellow"), f" {note}"))
    failed = len(report.failed)
    console.print(
        Text.assemble(("not valid", "bold red"), f": {failed} checks failed") if failed else Text("valid", "green")
    )


def _table(rows) -> Table:
    """One line per check, at most 80 columns wide."""
    table = Table(box=None, pad_edge=False)
    columns: tuple[tuple[str, JustifyMethod], ...] = (
        ("check", "left"),
        ("clips", "right"),
        ("worst", "right"),
        ("", "left"),
        ("limit", "right"),
        ("unit", "left"),
        ("", "left"),
    )
    for heading, justify in columns:
        table.add_column(heading, justify=justify, no_wrap=True)
    for row in rows:
        finding = row.worst
        table.add_row(
            row.check,
            str(row.examined),
            f"{finding.value:.2g}" if finding.value < 99.5 else f"{finding.value:.0f}",
            "≥" if finding.at_least else "≤",
            f"{finding.limit:g}",
            finding.unit,
            Text("ok", "green") if row.ok else Text.assemble(_FAILED),
        )
    return table

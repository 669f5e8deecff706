"""``mannequin validate``"""

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Validate:
    """Prove the labels of a dataset.

    Checks files and checksums, value ranges, cameras, joints against the posed body, flow against
    the motion of vertices and by carrying frame t onto t + 1, left and right, and renders sampled
    frames again with the other renderer. Prints a table; exit status 1 if anything fails.
    """

    dataset: tyro.conf.Positional[Path]
    """Folder of the dataset."""

    clips: int = 20
    """How many clips to examine closely (all files are checked for damage)."""

    frames: int = 2
    """Frames of each of these to render again."""

    def run(self) -> int:
        from renderers.validation.validate import validate

        console = Console()
        with console.status("validating") as status:
            rows = validate(self.dataset, self.clips, self.frames, lambda done, total: status.update(f"validating clip {done} of {total}"))
        table = Table(box=None)
        for heading in ("check", "n", "worst", "limit", "", "where"):
            table.add_column(heading, no_wrap=heading != "where")
        for row in rows.values():
            finding = row.worst
            sign = "≥" if finding.at_least else "≤"
            table.add_row(
                row.check,
                str(row.examined),
                f"{finding.value:.4g} {finding.unit}",
                f"{sign} {finding.limit:g}",
                "[green]ok[/]" if row.ok else f"[bold red]{row.failed} failed[/]",
                row.where if row.ok else f"{row.where} {finding.note}",
            )
        console.print(table)
        bad = [row.check for row in rows.values() if not row.ok]
        console.print("[green]valid[/]" if not bad else f"[bold red]not valid[/]: {', '.join(bad)}")
        return 1 if bad else 0

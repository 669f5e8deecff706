"""``mannequin report``"""

from dataclasses import dataclass
from pathlib import Path

import tyro

from mannequin.cli.progress import ClipBar
from mannequin.generator.io.remote import Place
from mannequin.terminal import Console


@dataclass(frozen=True)
class Report:
    """Describe a dataset in one HTML file.

    Pictures of every channel, distributions, validation, speed and failures, and a
    datasheet with the command that makes it again. The file needs no network and
    opens anywhere; print it for paper.

    examples:
      mannequin report out
          writes out/report.html
      mannequin report out --clips 0 --out people.html
          reads every clip
      mannequin report surreal/cmu/val --out val.html
          a folder in SURREAL's layout
    """

    path: tyro.conf.Positional[Place]
    """Folder of a dataset, in our layout or in SURREAL's, or its URL; or a clip file."""

    out: Path | None = None
    """File to write (.html). Left out: report.html in the dataset or, where that cannot be written (a clip file, a URL,
    a read-only disk), NAME-report.html in this folder."""

    clips: int = 200
    """How many clips to read, evenly spread. 0: all."""

    quiet: bool = False
    """Say nothing but what went wrong."""

    def run(self) -> int:
        from mannequin.report.html import size
        from mannequin.report.page import write_report

        with ClipBar(self.quiet) as bar:
            file, written = write_report(self.path, self.out, self.clips, bar.show)
        if not self.quiet:
            Console().print(f"report: {file}, {size(written)}. Open it in a browser.")
        return 0

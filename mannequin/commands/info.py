"""``mannequin info``"""

from dataclasses import dataclass
from pathlib import Path

import tyro

from generator.remote import Place


@dataclass(frozen=True)
class Info:
    """Show what is in a clip or a dataset.

    examples:
      mannequin info out
          the clips of a dataset
      mannequin info out --picture sheet.png
          six clips of it as a picture
      mannequin info out/clips/000/000000.h5 --frame 5 --picture channels.png
          every channel of one frame
      mannequin info out/clips/000/000000.h5 --json
          everything that was drawn for a clip
    """

    path: tyro.conf.Positional[Place]
    """A clip file, or a dataset folder; or the URL of one."""

    json: bool = False
    """Print the full description of the clip (or of the dataset) as JSON."""

    picture: Path | None = None
    """Write a picture here (.png): every channel of a clip, or six clips of a dataset."""

    frame: int = 0
    """Which frame the picture shows."""

    def run(self) -> int:
        from mannequin.info import show

        return show(self)

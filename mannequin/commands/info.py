"""``mannequin info``"""

from dataclasses import dataclass
from pathlib import Path

import tyro


@dataclass(frozen=True)
class Info:
    """Show what is in a clip or a dataset."""

    path: tyro.conf.Positional[Path]
    """A clip file, or a dataset folder."""

    json: bool = False
    """Print the full description of the clip (or of the dataset) as JSON."""

    picture: Path | None = None
    """Write a picture of every channel of one frame here (.png)."""

    frame: int = 0
    """Which frame the picture shows."""

    def run(self) -> int:
        from mannequin.info import show

        return show(self)

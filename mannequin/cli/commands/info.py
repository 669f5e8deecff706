"""``mannequin info``"""

from dataclasses import dataclass

import tyro

from mannequin.generator.io.remote import Place


@dataclass(frozen=True)
class Info:
    """Say what is in a clip or a dataset.

    examples:
      mannequin info out
          the clips of a dataset
      mannequin info out/clips/000/000000.h5
          its people, cameras and channels
      mannequin info out/clips/000/000000.h5 --json
          everything that was drawn for a clip
    """

    path: tyro.conf.Positional[Place]
    """A clip file, or a dataset folder; or the URL of one."""

    json: bool = False
    """Print the full description of the clip (or of the dataset) as JSON."""

    def run(self) -> int:
        from mannequin.cli.info import show

        return show(self)

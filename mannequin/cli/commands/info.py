"""``mannequin info``"""

from dataclasses import dataclass
from typing import Annotated

import tyro

from mannequin.generator.io.remote import Place


@dataclass(frozen=True)
class Info:
    """Say what is in a clip, a dataset or a motion.

    examples:
      mannequin info out
          the clips of a dataset
      mannequin info out/clips/000/000000.h5
          its people, cameras and channels
      mannequin info out/clips/000/000000.h5 --json
          everything that was drawn for a clip
      mannequin info walk.bvh --picture walk.png
          how a motion was read, and stick figures of it
    """

    path: tyro.conf.Positional[Place]
    """A clip file, a dataset folder, or a motion (.bvh, .npz); or the URL of one."""

    json: bool = False
    """Print the full description of the clip (or of the dataset, or motion) as JSON."""

    picture: Annotated[str, tyro.conf.arg(metavar="PNG")] = ""
    """Of a motion: write a film strip of stick figures to this file, the motion as it will be used."""

    def run(self) -> int:
        from mannequin.cli.info import show

        return show(self)

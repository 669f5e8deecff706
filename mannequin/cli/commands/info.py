"""``mannequin info``"""

from dataclasses import dataclass
from typing import Annotated

import tyro

from mannequin.generator.io.remote import Place


@dataclass(frozen=True)
class Info:
    """Say what a file or folder is taken for, and what it holds.

    examples:
      mannequin info out
          the clips of a dataset
      mannequin info out/clips/000/000000.h5
          its people, cameras and channels
      mannequin info out/clips/000/000000.h5 --json
          everything that was drawn for a clip
      mannequin info walk.bvh --picture walk.png
          how a motion was read, and stick figures of it
      mannequin info vibe_output.pkl
          who is in a video, in which frames, and beside whom
      mannequin info walk.bvh --joint-map-template
          which joint is taken for what, to correct and give to --joint-map
      mannequin info camera.yaml
          which field was taken for what
      mannequin info motions/
          what can be used of a folder, what not, and why
    """

    path: tyro.conf.Positional[Place]
    """A clip, dataset, motion, body model, image, environment, film, camera, or a folder of them; or the URL of one."""

    json: bool = False
    """Print the full description of the clip (or of whatever it is) as JSON."""

    picture: Annotated[str, tyro.conf.arg(metavar="FILE.png")] = ""
    """Of a motion: write a film strip of stick figures to this file, the motion as it will be used."""

    joint_map: Annotated[str, tyro.conf.arg(metavar="MAP.json")] = ""
    """Of a .bvh motion: a file that says which joint is what, as --joint-map of generate takes it."""

    joint_map_template: bool = False
    """Of a .bvh motion: print such a map, with what was recognised, to be corrected."""

    def run(self) -> int:
        from mannequin.cli.info import show

        return show(self)

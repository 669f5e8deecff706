"""``mannequin show``"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from mannequin.generator.io.remote import Place


@dataclass(frozen=True)
class Show:
    """Draw clips as a picture or a film: channels, named, with legends.

    The default colours are told apart by colour-blind readers.

    examples:
      mannequin show out
          up to six clips of a dataset, into out.png
      mannequin show out/clips/000/000000.h5 --frame 5
          every channel of one frame, joints too; of several cameras, all of them
      mannequin show out/clips/000/000000.h5 --channels rgb amodal
          outlines of people as if nothing hid them; a row for each camera
      mannequin show out/clips/000/000000.h5 --out film.mp4 --channels rgb segm depth
          all frames as a film
      mannequin show surreal_out --channels rgb segm --palette surreal
          clips in SURREAL's layout
    """

    path: tyro.conf.Positional[Place]
    """A clip file, a dataset folder, or a folder in SURREAL's layout; or the URL of one."""

    channels: tuple[str, ...] = ()
    """What to show, in this order: channels, segm14 (parts merged to 14), joints, amodal (whole outlines). Of a
    dataset, six of them by default; of several cameras, joints."""

    frame: int = 0
    """Which frame, from 0. Of a dataset, clips that are too short show their last."""

    frames: Annotated[str, tyro.conf.arg(metavar="A:B")] = ""
    """Make a film of frames A to B - 1; either may be left out."""

    camera: str = ""
    """Which camera. None: all of a clip side by side; of a dataset's clips the first of each."""

    out: Path | None = None
    """Where to write: .png, .jpg, or .mp4 for a film. By default a name after PATH, in the working folder."""

    palette: Literal["default", "surreal"] = "default"
    """Colours of the parts. surreal: the map "jet", as SURREAL's are commonly shown."""

    depth_range: Annotated[tuple[float, float], tyro.conf.arg(metavar="NEAR FAR")] = (0.0, 0.0)
    """Metres that the colours of depth span. 0 0: fitted to what is shown."""

    flow_range: float = 0.0
    """Pixels of flow at which colours are fullest. 0: fitted to what is shown."""

    columns: int = 0
    """Pictures in a row. 0: at most five, in even rows. A dataset has a row for each clip, channels of
    several cameras a row for each camera."""

    scale: float = 0.0
    """How many times as large. 0: so that pictures are about 320 pixels wide."""

    plain: bool = False
    """Leave the legends out."""

    def run(self) -> int:
        from mannequin.show import show

        return show(self)

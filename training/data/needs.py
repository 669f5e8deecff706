"""What a task needs of a clip for one sample."""

from dataclasses import dataclass
from typing import Literal

from mannequin.generator.errors import ConfigError


@dataclass(frozen=True)
class Needs:
    """One sample.

    frames: of a window, ``spacing`` frames of the clip from one to the next; None for a single frame, whose values have
    no axis of time. cameras: synchronised views of the same frames; with several, values have a first axis for them.
    subject: one person, whatever else is seen, or everybody in the image. crop: the square round the person, in all
    frames of the window, as of mannequin.training.data.crop; or the square that holds the whole image.
    image: whether the colour image is part of the sample; without it clips need none.

    The label channels that a sample is made from follow from the targets.
    """

    frames: int | None = None
    spacing: int = 1
    cameras: int = 1
    subject: Literal["person", "everybody"] = "person"
    crop: Literal["person", "image"] = "person"
    image: bool = True

    def __post_init__(self):
        for name in ("frames", "spacing", "cameras"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise ConfigError(f"{name} of a sample is {value}; expected 1 or more.")
        if self.crop == "person" and self.subject != "person":
            raise ConfigError("A crop round the person needs subject = 'person'; crop = 'image' shows everybody.")

    @property
    def length(self) -> int:
        """Frames that are read of a camera."""
        return self.frames or 1

    @property
    def reach(self) -> int:
        """Frames of the clip from the first of a window to its last."""
        return (self.length - 1) * self.spacing

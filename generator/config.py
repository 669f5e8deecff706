"""The options of drawing clips."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class SampleConfig:
    """What to draw. Fields left at None take the preset's value."""

    preset: str = "studio"
    """Named set of distributions: "studio" (HDRI light, framed people) or "surreal" (those of SURREAL)."""

    frames: int | None = None
    """Frames per clip."""

    fps: float | None = None
    """Frames per second; motions are resampled from their own rate."""

    size: tuple[int, int] | None = None
    """Image height and width in pixels."""

    samples: int | None = None
    """Light samples per pixel of the colour image."""

    split: Literal["all", "train", "test"] = "all"
    """Which subjects, textures, backgrounds and shapes may be drawn: a fixed fifth of each is for testing."""

    joints: Literal[24, 52] = 24
    """24 joints (SMPL) or 52 (SMPL-H, with fingers)."""

    keep_in_frame: bool | None = None
    """Choose camera distances so that the whole body stays in the image through the clip."""

    light: Literal["sh", "hdri", "lamps"] | None = None
    """Spherical harmonics, an environment image, or lamps."""

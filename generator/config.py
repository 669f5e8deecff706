"""The options of drawing clips."""

from dataclasses import dataclass, field
from typing import Literal

from mannequin.generator.rigs.names import Movement


@dataclass(frozen=True)
class SampleConfig:
    """What to draw. What is left out takes the preset's value."""

    preset: str = "studio"
    """Set of distributions: studio (dressed people large in the image, environment light), crowd (several of them,
    close to each other), surreal (those of SURREAL) or surreact (those of SURREACT: eight views of every motion)."""

    frames: int | None = None
    """Frames per clip. studio 30, crowd 30, surreal 100, surreact 300 (at most: clips are as long as motions)."""

    fps: float | None = None
    """Frames per second; motions are resampled from their own rate. studio 30, crowd 30, surreal 30,
    surreact 30."""

    size: tuple[int, int] | None = None
    """Image height and width in pixels. studio 480 640, crowd 480 640, surreal 240 320, surreact 240 320."""

    samples: int | None = None
    """Light samples per pixel of the colour image. studio 16, crowd 16, surreal 16, surreact 16."""

    split: Literal["all", "train", "test"] = "all"
    """Which subjects, textures, backgrounds and shapes may be drawn; a fixed fifth of each is for testing."""

    joints: Literal[24, 52] = 24
    """24 joints (SMPL), or 52 (SMPL-H, with fingers)."""

    keep_in_frame: bool | None = None
    """Choose camera distances so that the whole body stays in the image through the clip. studio True,
    crowd True, surreal False, surreact False."""

    light: Literal["sh", "hdri", "lamps"] | None = None
    """Spherical harmonics, an environment image, or lamps. studio hdri, crowd hdri, surreal sh, surreact sh."""

    people: str | None = None
    """People in a clip, or a range such as 1-4 from which every clip draws; or recorded: as many as were recorded
    together, where they were, the first one facing the first camera on the average. studio 1, crowd 4-8, surreal 1,
    surreact recorded."""

    arrangement: Literal["any", "apart", "near", "crowd", "facing", "together"] | None = None
    """How several people stand to each other: apart, near, in a crowd, in pairs that face each other, or together in
    a row that does the same; any: drawn for every clip. Nobody passes through anybody. studio any, crowd crowd,
    surreal any, surreact any."""

    cameras: str | None = None
    """Synchronised cameras: fixed (the preset's one), ring:N (at even angles around the people), sphere:N (over the
    upper half of a sphere), stereo:METRES (two side by side), head (on the first person's), or a calibration of yours
    (.json, .yaml, .npz, or a folder of COLMAP's text files). studio fixed, crowd fixed, surreal fixed,
    surreact ring:8."""

    camera_motion: Movement = "still"
    """How they move: still, orbit, dolly (near or away), zoom, track (beside the people), handheld."""

    cameras_up: Literal["x", "-x", "y", "-y", "z", "-z"] = "z"
    """The axis of your calibration's world that points up."""

    cameras_unit: Literal["m", "cm", "mm"] = "m"
    """The unit of your calibration's world."""

    looks: Literal["same", "view"] = "same"
    """Of surreact. same: all views of a motion are one clip with synchronised cameras. view: each view is a clip of its
    own, with its own body, clothes, light, background, camera distance and height, as in the released data."""

    pose_noise: float = 0.0
    """Up to how much is added to each component of the quaternions of 24 joints, the same through a clip: 0 to 0.5;
    0.05 in SURREACT's experiments."""


@dataclass(frozen=True, kw_only=True)
class ResolvedConfig(SampleConfig):
    """Options of which none is left out, as presets take them; see :func:`mannequin.generator.sampling.resolve`."""

    # field() keeps the None of SampleConfig from being their default.
    frames: int = field()
    fps: float = field()
    size: tuple[int, int] = field()
    samples: int = field()
    keep_in_frame: bool = field()
    light: Literal["sh", "hdri", "lamps"] = field()
    people: str = field()
    arrangement: Literal["any", "apart", "near", "crowd", "facing", "together"] = field()
    cameras: str = field()

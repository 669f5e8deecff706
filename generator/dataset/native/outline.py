"""What the shapes of a clip's arrays follow from, known without parsing its whole description."""

from dataclasses import dataclass

from mannequin.generator.errors import ConfigError


@dataclass(frozen=True)
class Who:
    """Of a camera's or a person's description, what tells where it is in the file. joints: of a person."""

    name: str
    joints: int = 24


@dataclass(frozen=True)
class Outline:
    """Of a description, what the shapes of arrays follow from: its own parsing takes longer than reading a frame."""

    num_frames: int
    resolution: tuple[int, int]
    people: tuple[Who, ...]
    cameras: tuple[Who, ...]

    def __post_init__(self):
        if self.num_frames < 1 or min(self.resolution) < 1:
            raise ConfigError(f"ClipSpec has {self.num_frames} frames of {self.resolution} pixels; expected some.")


def outline_of(description) -> Outline:
    """Of a description, or an outline, as plain values. Raises ConfigError where it is none.

    Checked here and not by :mod:`mannequin.generator.records`, which takes as long as a frame.
    """
    whole = description if isinstance(description, dict) else {}
    frames, size = whole.get("num_frames"), whole.get("resolution")
    if type(frames) is not int or not isinstance(size, list) or [type(n) for n in size] != [int, int]:
        raise ConfigError("ClipSpec has no num_frames, or no resolution, of whole numbers.")
    people, cameras = (_whose(whole.get(kind), kind) for kind in ("people", "cameras"))
    return Outline(frames, (size[0], size[1]), people, cameras)


def _whose(items, kind: str) -> tuple[Who, ...]:
    if not isinstance(items, list):
        raise ConfigError(f"ClipSpec has no list of {kind}.")
    found = []
    for item in items:
        name, joints = (item.get("name"), item.get("joints", 24)) if isinstance(item, dict) else (None, None)
        if not isinstance(name, str) or type(joints) is not int:
            raise ConfigError(f"ClipSpec has {kind} without a name, or whose joints are no number.")
        found.append(Who(name, joints))
    return tuple(found)

"""The names of rigs and of their movements, as users write them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mannequin.generator.errors import ConfigError, unknown_name

MOST_CAMERAS = 64

Movement = Literal["still", "orbit", "dolly", "zoom", "track", "handheld"]


@dataclass(frozen=True)
class Rig:
    """kind: one of RIGS, or "file". number: of cameras, or metres from eye to eye. path: of a calibration."""

    kind: str
    number: float = 1.0
    path: str = ""


@dataclass(frozen=True)
class Kind:
    """number: what it is when it is left out, None where there is none to give. check: whether it may be so."""

    number: float | None
    check: Callable[[float], bool]
    expected: str


def _count(number: float) -> bool:
    return 2 <= number <= MOST_CAMERAS and number == int(number)


RIGS = {
    "fixed": Kind(None, lambda _: True, ""),
    "ring": Kind(8.0, _count, f"a whole number of cameras from 2 to {MOST_CAMERAS}"),
    "sphere": Kind(12.0, _count, f"a whole number of cameras from 2 to {MOST_CAMERAS}"),
    "stereo": Kind(0.12, lambda metres: 0.001 <= metres <= 10, "metres from one camera to the other, 0.001 to 10"),
    "head": Kind(None, lambda _: True, ""),
}
"""fixed: the one camera of the preset. ring:N: around the people, at even angles. sphere:N: over the upper half of a
sphere. stereo:METRES: two side by side. head: on the head of the first person."""

SUFFIXES = (".json", ".yaml", ".yml", ".npz", ".txt")
"""Of calibrations; a folder of COLMAP's text files is one too."""


def parse_rig(text: str) -> Rig:
    """Raises ConfigError for an unknown rig, naming the nearest, and for a number that it cannot have."""
    if Path(text).suffix.lower() in SUFFIXES or "/" in text or Path(text).is_dir():
        return Rig("file", path=text)
    kind, colon, number = text.partition(":")
    if kind not in RIGS:
        raise unknown_name("rig of cameras", kind, (*RIGS, "FILE.json"))
    known = RIGS[kind]
    if not colon:
        return Rig(kind, known.number or 1.0)
    if known.number is None:
        raise ConfigError(f"cameras is {text!r}; {kind} takes no number.")
    try:
        value = float(number)
    except ValueError:
        value = float("nan")
    if not known.check(value):
        raise ConfigError(
            f"cameras is {text!r}; expected after {kind}: {known.expected}, as in {kind}:{known.number:g}."
        )
    return Rig(kind, value)

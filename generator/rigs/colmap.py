"""Cameras of a reconstruction by COLMAP, in its text format.

Source: COLMAP's documentation, "Output format": cameras.txt and images.txt. The poses take the world to the camera, in
OpenCV's axes; the scale and the axes of the world are arbitrary unless they were set.
"""

from pathlib import Path

import numpy as np

from mannequin.generator import exact
from mannequin.generator.errors import AssetError
from mannequin.generator.io import limits
from mannequin.generator.io.reading import read_bytes
from mannequin.generator.rotations import to_matrices

MODELS = {
    "SIMPLE_PINHOLE": ("f", "cx", "cy"),
    "PINHOLE": ("fx", "fy", "cx", "cy"),
    "SIMPLE_RADIAL": ("f", "cx", "cy", "k1"),
    "RADIAL": ("f", "cx", "cy", "k1", "k2"),
    "OPENCV": ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2"),
    "FULL_OPENCV": ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"),
}
"""Of lenses that can be drawn: the names of their parameters, in the order of the file."""

DISTORTION = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")

EXPECTED = "COLMAP's cameras.txt and images.txt beside each other (colmap model_converter --output_type TXT)"


def read_colmap(folder: Path) -> dict[str, dict]:
    """Name of the image → the fields that ``calibration.make_camera`` reads, by ascending name.

    Raises AssetError for missing or damaged files and for lenses of other models than MODELS.
    """
    lenses = dict(_lens(folder / "cameras.txt", number, words) for number, words in _lines(folder / "cameras.txt"))
    path, found = folder / "images.txt", {}
    for number, words in _lines(path, every=2):
        if len(words) < 10:
            raise _damaged(path, number, "expected IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME")
        turn, shift = (np.array(_numbers(path, number, words[a:b])) for a, b in ((1, 5), (5, 8)))
        if not 0.5 < exact.norm(turn) < 2:
            raise _damaged(path, number, f"the quaternion {turn.tolist()} has no length of 1")
        if words[8] not in lenses:
            raise _damaged(path, number, f"camera {words[8]} is not in cameras.txt")
        rotation = to_matrices(np.roll(turn, -1))  # ours have w last
        name = Path(" ".join(words[9:])).as_posix().replace("/", "_")
        found[name] = lenses[words[8]] | {"R": rotation.tolist(), "t": shift.tolist()}
    if not found:
        raise AssetError(f"{path} names no image. Expected {EXPECTED}.")
    return dict(sorted(found.items()))


def _lens(path: Path, number: int, words: list[str]) -> tuple[str, dict]:
    if len(words) < 5:
        raise _damaged(path, number, "expected CAMERA_ID MODEL WIDTH HEIGHT PARAMS…")
    name, model = words[:2]
    if model not in MODELS:
        raise _damaged(path, number, f"the lens model {model} cannot be drawn; expected one of {', '.join(MODELS)}")
    width, height, *values = _numbers(path, number, words[2:])
    if len(values) != len(MODELS[model]):
        raise _damaged(path, number, f"{model} has {len(values)} parameters; expected {', '.join(MODELS[model])}")
    told = dict(zip(MODELS[model], values))
    fx, fy = told.get("fx", told.get("f")), told.get("fy", told.get("f"))
    bent = [told.get(key, 0.0) for key in DISTORTION]
    return name, {
        "width": width,
        "height": height,
        "fx": fx,
        "fy": fy,
        "cx": told["cx"],
        "cy": told["cy"],
        "distortion": bent if any(bent) else [],
    }


def _lines(path: Path, every: int = 1):
    """(number from 1, words) of every ``every``-th line that is no comment; images.txt has a line of points after each
    image, which may be empty."""
    text = read_bytes(path, limits.COLMAP_BYTES, EXPECTED).decode("utf-8", "replace")
    kept = [(n, line) for n, line in enumerate(text.splitlines(), start=1) if not line.startswith("#")]
    while kept and not kept[0][1].strip():
        kept.pop(0)
    rows = kept[::every] if every > 1 else [(n, line) for n, line in kept if line.strip()]
    return ((n, line.split()) for n, line in rows if line.strip())


def _numbers(path: Path, number: int, words: list[str]) -> list[float]:
    try:
        values = [float(word) for word in words]
    except ValueError as e:
        raise _damaged(path, number, str(e)) from e
    if not np.isfinite(values).all():
        raise _damaged(path, number, "a number is not finite")
    return values


def _damaged(path: Path, number: int, what: str) -> AssetError:
    return AssetError(f"{path}, line {number}: {what}. Expected {EXPECTED}.")

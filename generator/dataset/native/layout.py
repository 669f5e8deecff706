"""What a clip file holds and where: the tables that reader and writer share, and the sha256 over all of it.

/                            spec, versions, agreement
/views/<camera>              VIEW
/views/<camera>/rgb          RGB
/views/<camera>/labels       LABEL_INDEX, and a dataset for each channel (see :func:`channel_kinds`)
/views/<camera>/people/<person>  PERSON_VIEW, and AMONG_OTHERS where the clip holds anything else
/views/<camera>/hands/<hand>     the same
/views/<camera>/objects/<object> OBJECT_VIEW, and AMODAL where the clip holds anything else
/people/<person>             TRACK, and VERTICES on request
/hands/<hand>                TRACK, and VERTICES on request
/objects/<object>            OBJECT_TRACK
"""

import hashlib
import json
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from mannequin.generator.clip import CHANNELS
from mannequin.generator.dataset.packing import WIDTHS
from mannequin.generator.io import limits
from mannequin.generator.io.hdf5 import Hdf5Array

FORMAT = "mannequin-clip"
FORMAT_VERSION = 2
READABLE = (1, 2)
"""Versions of clips that are read. 1: without a table (see :mod:`mannequin.generator.dataset.native.table`)."""

SUFFIX = ".h5"


class Kind(NamedTuple):
    """Of a dataset. axes: a letter each: T frames, F frames + 1, J joints, C the channel's components, a digit that
    many; R runs, N pixels, B bytes, S shape coefficients and V vertices may be any number."""

    dtype: str
    axes: str


TEXT = Kind("uint8", "B")
"""UTF-8 JSON."""

VIEW = {"K": Kind("float64", "33"), "T_world_camera": Kind("float64", "T44")}
MOVING_K = Kind("float64", "T33")
"""Of a camera that zooms."""
RGB = {"frame_offsets": Kind("int64", "F"), "data": Kind("uint8", "B")}
LABEL_INDEX = {
    "frame_offsets": Kind("int64", "F"),
    "run_offsets": Kind("int64", "F"),
    "runs": Kind("uint32", "2R"),
}
PERSON_VIEW = {
    "joints2d": Kind("float32", "TJ2"),
    "joints_camera": Kind("float32", "TJ3"),
    "in_frame": Kind("bool", "TJ"),
    "visible": Kind("bool", "TJ"),
    "box": Kind("float32", "T4"),
    "pixels": Kind("int32", "T"),
}
AMODAL = {
    "amodal_box": PERSON_VIEW["box"],
    "amodal_pixels": PERSON_VIEW["pixels"],
    "amodal_run_offsets": LABEL_INDEX["run_offsets"],
    "amodal_runs": LABEL_INDEX["runs"],
}
AMONG_OTHERS = {"visibility": Kind("uint8", "TJ")} | AMODAL
TRACK = {
    "pose": Kind("float32", "TJ3"),
    "betas": Kind("float32", "S"),
    "transl": Kind("float32", "T3"),
    "joints": Kind("float32", "TJ3"),
}
OBJECT_VIEW = {"box": PERSON_VIEW["box"], "pixels": PERSON_VIEW["pixels"]}
OBJECT_TRACK = {"scale": Kind("float64", "3"), "T_world_object": Kind("float64", "T44")}
VERTICES = Kind("float32", "TV3")


def channel_kinds(name: str) -> tuple[Kind, ...]:
    """Those that a label channel may have: of the first whose integers hold its values. The pixel axis is last."""
    axes = "".join(str(n) for n in CHANNELS[name].shape) + "N"
    return tuple(Kind(dtype, axes) for dtype in WIDTHS.get(name, (CHANNELS[name].dtype,)))


def sizes(kind: Kind, frames: int, joints: int | None = None) -> tuple[int | None, ...]:
    """Sizes of the axes, None for any."""
    known = {"T": frames, "F": frames + 1, "J": joints}
    return tuple(int(a) if a.isdigit() else known.get(a) for a in kind.axes)


MOST = {"S": limits.BETAS, "V": limits.VERTICES}
"""Largest sizes of axes that may have any."""


def within(shape: tuple[int, ...], kind: Kind) -> bool:
    """Whether no axis of an array is longer than what a person has."""
    return all(size <= MOST.get(axis, size) for size, axis in zip(shape, kind.axes))


def fits(shape: tuple[int, ...] | None, want: tuple[int | None, ...]) -> bool:
    """Whether an array of ``shape`` has the sizes ``want``."""
    return shape is not None and len(shape) == len(want) and all(w is None or w == s for w, s in zip(want, shape))


def plain(value):
    """An attribute as JSON has it."""
    if isinstance(value, (tuple, list, np.ndarray)):
        return [plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


def digest(arrays: Mapping[str, np.ndarray] | Mapping[str, Hdf5Array], attributes: dict[str, dict]) -> str:
    """sha256 of names, types, shapes, values and (plain) attributes, in the order of the names.

    What is in a file is read in pieces, so that memory does not follow its size.
    """
    total = hashlib.sha256()
    for path in sorted(arrays):
        array = arrays[path]
        total.update(f"{path} {array.dtype.str} {array.shape}\n".encode())
        for piece in [array] if isinstance(array, np.ndarray) else array.pieces():
            total.update(np.ascontiguousarray(piece).data if piece.size else b"")
    noted = {path: values for path, values in attributes.items() if values}
    total.update(json.dumps(noted, sort_keys=True).encode())
    return total.hexdigest()

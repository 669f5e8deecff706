"""Which arrays of a file are SMPL parameters, by whatever names and shapes their writer gave them.

Only names and headers are looked at here. Names are compared without prefixes such as ``smpl_`` and ``pred_``.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from mannequin.generator.errors import AssetError

Shape = tuple[int, ...]


class Arrays(Protocol):
    """Arrays by their keys, of one file: ``NpzFile``, or :class:`HeldArrays`. They raise AssetError."""

    @property
    def path(self) -> Path | str: ...

    @property
    def keys(self) -> tuple[str, ...]: ...

    def shape(self, key: str) -> Shape: ...

    def shapes(self) -> dict[str, Shape]: ...

    def array(self, key: str) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class HeldArrays:
    """Arrays in memory. path: of what they are, for messages."""

    path: Path | str
    held: Mapping[str, np.ndarray]

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self.held)

    def shape(self, key: str) -> Shape:
        return self.held[key].shape

    def shapes(self) -> dict[str, Shape]:
        return {key: array.shape for key, array in self.held.items()}

    def array(self, key: str) -> np.ndarray:
        return self.held[key]


NAMES = {
    "whole": (
        *("poses", "pose", "fullpose", "full_pose", "thetas", "theta", "pose_aa", "poses_aa"),
        *("rotmat", "rotmats", "pose_rotmat", "rotations"),
    ),
    "root": (
        *("root_orient", "global_orient", "root_pose", "root_rot", "root_rotation", "root_orientation"),
        *("global_orientation", "global_rot", "orient"),
    ),
    "body": ("pose_body", "body_pose"),
    "hands": ("pose_hand", "pose_hands", "hand_pose", "hands_pose"),
    "left_hand": ("left_hand_pose", "lhand_pose", "pose_lhand", "pose_left_hand"),
    "right_hand": ("right_hand_pose", "rhand_pose", "pose_rhand", "pose_right_hand"),
    "transl": (
        *("trans", "transl", "translation", "translations", "root_trans", "root_transl", "root_translation"),
        *("global_trans", "global_transl", "root_trans_offset", "cam_trans"),
    ),
    "betas": ("betas", "beta", "shape", "shapes", "shape_params"),
    "rate": (
        *("mocap_framerate", "mocap_frame_rate", "mocap_frequency", "mocap_fps", "mocap_rate"),
        *("fps", "framerate", "frame_rate", "frequency", "sampling_rate", "rate"),
    ),
    "length": ("mocap_time_length",),
    "scale": ("scaling",),
}
"""What an array is → names that it goes by, the most usual first."""

_PREFIX = re.compile(r"^(?:smpl[xh]?|pred|est|opt|gt|params)_(?:params_)?")
_ROLE = {name: role for role, names in NAMES.items() for name in names}
_PLACE = {name: k for names in NAMES.values() for k, name in enumerate(names)}

WHOLE = {22: "SMPL's body", 24: "SMPL", 52: "SMPL-H", 55: "SMPL-X"}
"""Joints of poses that begin with the root."""

WITHOUT_ROOT = {joints - 1 for joints in WHOLE}

HAND, HANDS = 15, 30

FEW_PER_JOINT = {6: "6D rotations", 4: "quaternions"}
"""Numbers per joint whose order differs from writer to writer."""


@dataclass(frozen=True)
class Part:
    """Rotations in one array: (frames, joints) of axis-angles or of matrices."""

    key: str
    frames: int
    joints: int
    matrices: bool


@dataclass(frozen=True)
class Layout:
    """Where a file of SMPL parameters has what.

    parts: rotations, root first. hands: of the fingers, left and right, or both in one. transl, betas, rate, length
    and scale: keys, or None. notes: what a user should know of the reading.
    """

    parts: tuple[Part, ...]
    hands: tuple[Part, ...]
    transl: str | None
    betas: str | None
    rate: str | None
    length: str | None
    scale: str | None
    notes: tuple[str, ...] = ()

    @property
    def frames(self) -> int:
        return self.parts[0].frames

    @property
    def keys(self) -> tuple[str, ...]:
        """Of poses and translation."""
        return tuple(part.key for part in self.parts + self.hands) + ((self.transl,) if self.transl else ())


def roles_of(keys: Iterable[str], world: bool = True) -> dict[str, str]:
    """What is there → its key. world: which of the two is meant where a file has poses both in the camera's and in
    the world's axes (``pose`` beside ``pose_world``)."""
    found: dict[str, tuple] = {}
    for key in keys:
        name, of_world = _plain(key)
        role = _ROLE.get(name)
        if role is None:
            continue
        order = (of_world != world, _PLACE[name], len(key), key)
        if role not in found or order < found[role]:
            found[role] = order
    return {role: order[-1] for role, order in found.items()}


def has_poses(keys: Iterable[str]) -> bool:
    """Whether a file with these keys is one of SMPL parameters."""
    roles = roles_of(keys)
    return "whole" in roles or ("body" in roles and "root" in roles)


def _plain(key: str) -> tuple[str, bool]:
    """A key without prefixes, and whether it says that it is of the world."""
    *groups, name = re.split(r"[/.]", key.lower().replace("-", "_"))
    while (shorter := _PREFIX.sub("", name)) not in (name, ""):
        name = shorter
    return name.removesuffix("_world"), name.endswith("_world") or any(("global" in g or "world" in g) for g in groups)


def is_of_world(key: str) -> bool:
    """Whether a key says that it is of the world, not of the camera."""
    return _plain(key)[1]


def find_layout(file: Arrays, world: bool = True, needs_transl: bool = False) -> Layout:
    """Of SMPL parameters in ``file``. Raises AssetError that lists what it holds if they are none."""
    return layout_of(file, roles_of(file.keys, world), file.shapes(), needs_transl)


def layout_of(file: Arrays, roles: Mapping[str, str], shapes: dict[str, Shape], needs_transl: bool) -> Layout:
    """Of a ``file`` that holds, of sound arrays, these ``shapes``, with given ``roles``."""
    path, keys = file.path, file.keys
    for key in roles.values():
        if key not in shapes:
            shapes[key] = file.shape(key)  # raises what is wrong with it
    missing = _missing(roles, needs_transl)
    if missing:
        raise AssetError(f"{path} has no {missing}. It has: {held(shapes, keys)}.")
    notes: list[str] = []
    parts, hands = _parts(path, shapes, roles), _hands(shapes, roles, notes)
    frames = parts[0].frames
    transl = roles.get("transl")
    counts = {part.key: part.frames for part in parts + hands}
    if transl:
        counts[transl] = _frames(path, transl, shapes[transl], shapes[transl][:-1], shapes[transl][-1:] == (3,))
    if frames < 1 or set(counts.values()) != {frames}:
        listed = ", ".join(f"{key!r} {shapes[key]}" for key in counts)
        raise AssetError(f"{path} has {listed}. Expected as many frames in each, at least one frame.")
    if transl is None:
        notes.append("no translation in the file: the person stays in place")
    betas, rate, length, scale = (roles.get(role) for role in ("betas", "rate", "length", "scale"))
    return Layout(parts, hands, transl, betas, rate, length, scale, tuple(notes))


def _missing(roles: Mapping[str, str], needs_transl: bool) -> str:
    if "whole" not in roles and not ("body" in roles and "root" in roles):
        if "body" in roles or "root" in roles:
            absent = "root" if "body" in roles else "body"
            return f"{' or '.join(map(repr, NAMES[absent][:2]))} beside {next(iter(roles.values()))!r}"
        return "poses: 'poses', or 'root_orient' and 'pose_body', or 'global_orient' and 'body_pose'"
    if needs_transl and "transl" not in roles:
        return f"translation ({', '.join(map(repr, NAMES['transl'][:3]))})"
    return ""


def held(shapes: Mapping[str, Shape], keys: Iterable[str], most: int = 20) -> str:
    """Keys with their shapes, for messages."""
    listed = [f"{k} {shapes[k]}" if k in shapes else f"{k} (Python objects, which are not read)" for k in sorted(keys)]
    return ", ".join(listed[:most]) + (", …" if len(listed) > most else "") or "nothing"


def _parts(path: Path | str, shapes: Mapping[str, Shape], roles: Mapping[str, str]) -> tuple[Part, ...]:
    """The rotations of root and body."""
    if "whole" in roles:
        key = roles["whole"]
        whole = _part(key, shapes[key], WHOLE)
        if whole:
            return (whole,)
        rest = _part(key, shapes[key], WITHOUT_ROOT) if "root" in roles else None
        if rest is None and "body" not in roles:
            raise _bad_shape(path, key, shapes[key], WHOLE, without_root="root" not in roles)
    else:
        key, rest = roles["body"], None
    if rest is None:
        key = roles["body"]
        rest = _part(key, shapes[key], WITHOUT_ROOT)
    root = _part(roles["root"], shapes[roles["root"]], {1}) if "root" in roles else None
    if root is None and "root" in roles:
        raise _bad_shape(path, roles["root"], shapes[roles["root"]], {1})
    if rest is None or root is None:
        raise _bad_shape(path, key, shapes[key], WITHOUT_ROOT)
    return root, rest


def _hands(shapes: Mapping[str, Shape], roles: Mapping[str, str], notes: list[str]) -> tuple[Part, ...]:
    """The rotations of the fingers; () where there are none, or other numbers."""
    sides = [role for role in ("left_hand", "right_hand") if role in roles]
    if "hands" in roles:
        asked = [("hands", HANDS)]
    else:
        asked = [(role, HAND) for role in sides] if len(sides) == 2 else []
    found = [_part(roles[role], shapes[roles[role]], {joints}) for role, joints in asked]
    whole = tuple(part for part in found if part)
    if len(whole) == len(found):
        return whole
    key = roles[asked[0][0]]
    what = "holds no rotations of fingers (coefficients of a hand space?): they are relaxed"
    notes.append(f"{key} {shapes[key]} {what}")
    return ()


def _part(key: str, shape: Shape, joints: Iterable[int]) -> Part | None:
    """How ``shape`` holds rotations of one of these numbers of joints; None if it does not.

    An axis of length 1, of people or of joints, is passed over wherever it stands.
    """
    for count in joints:
        kinds = (((3, 3), True), ((9,), True), ((3,), False))
        for each, matrices in kinds:
            ends = ((count, *each), (count * math.prod(each),), *((each,) if count == 1 else ()))
            for end in ends:
                lead = shape[: -len(end)]
                if len(shape) > len(end) and shape[-len(end) :] == end:
                    frames = [n for n in lead if n != 1]
                    if len(frames) <= 1:
                        return Part(key, frames[0] if frames else 1, count, matrices)
    return None


def _frames(path: Path | str, key: str, shape: Shape, lead: Shape, fits: bool) -> int:
    frames = [n for n in lead if n != 1]
    if not fits or not lead or len(frames) > 1:
        raise AssetError(f"{key!r} in {path} has shape {shape}. Expected (frames, 3).{_people(shape)}")
    return frames[0] if frames else 1


def _people(shape: Shape) -> str:
    return (
        f" If it holds {shape[0]} people, give their translations as ({shape[0]}, frames, 3)."
        if len(shape) == 3
        else ""
    )


def _bad_shape(path: Path | str, key: str, shape: Shape, joints, without_root: bool = False) -> AssetError:
    about = ", ".join(f"{3 * n} ({joints[n]})" if isinstance(joints, dict) else str(3 * n) for n in sorted(joints))
    why = _people(shape)
    for numbers, what in FEW_PER_JOINT.items():
        if shape[-1:] == (numbers,) or any(shape[-1:] == (numbers * n,) for n in joints):
            why = f" It seems to hold {what}, whose order differs; convert them to axis-angles or matrices."
    if without_root and _part(key, shape, WITHOUT_ROOT):
        why = f" It lacks the root's orientation; expected {NAMES['root'][0]!r} or {NAMES['root'][1]!r} beside it."
    return AssetError(
        f"{key!r} in {path} has shape {shape}. Expected (frames, n) with n one of {about}, or "
        f"(frames, joints, 3 or 3 x 3).{why}"
    )

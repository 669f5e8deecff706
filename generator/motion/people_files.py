"""Who is in a file of several people: results of VIBE, HMR2.0 (4D-Humans, PHALP), HMMR, WHAM and GVHMR, and others
that hold dictionaries of SMPL parameters for each person.

Known are dictionaries (person → parameters), (frame → lists over people) as PHALP has them, lists of people, and
parameters of one person alone; of arrays in .npz files, keys that begin with a person (``person1/trans``) and arrays
whose first axis is people.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from mannequin.generator.errors import AssetError
from mannequin.generator.io import limits
from mannequin.generator.io.npz import NpzFile
from mannequin.generator.io.results import array_of, read_results
from mannequin.generator.io.unpickle import Record
from mannequin.generator.motion.smpl_keys import HeldArrays, has_poses, roles_of

SUFFIXES = (".pkl", ".pt", ".npy")
"""Of files that programs save results in."""

CAMERAS = ("orig_cam", "pred_cam", "cams")
"""Weak-perspective cameras: of the whole image [sx, sy, tx, ty], and two of a crop."""

FRAMES = ("frame_ids", "frame_id")
_PER_FRAME = ("tid", "tracked_time", "time", "smpl", "camera", "size")
_PERSON = re.compile(r"^((?:person|human|people|subject|actor|track|p)_?\d+)[/._](.+)$", re.IGNORECASE)

PHALP_FOCAL = 5000.0
"""Pixels: the focal length with which PHALP turns sizes into depths, whatever the camera."""


@dataclass(frozen=True, eq=False)
class Person:
    """One person of a file. label: what the file calls them, "" for who is alone. arrays: parameters of T frames.
    frames: (T,) rising numbers of the frames. single: whether each frame was estimated on its own."""

    label: str
    arrays: HeldArrays
    frames: np.ndarray
    single: bool


@dataclass(frozen=True, eq=False)
class People:
    """of a file. faults: reasons why others cannot be used, by label. held: what is in it, for messages."""

    people: tuple[Person, ...]
    faults: tuple[tuple[str, str], ...]
    held: str


def people_of(path: Path) -> People:
    """Everybody in the file at ``path``, once for each state of it. Raises AssetError where it cannot be read."""
    try:
        about = os.stat(path)
    except OSError as e:
        raise AssetError(f"{path} cannot be opened ({e.strerror or e}). Check the path and its permissions.") from e
    return _people_of(path, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=4)
def _people_of(path: Path, _time: int, _size: int) -> People:
    tree = _npz_tree(path) if path.suffix.lower() == ".npz" else read_results(path, _wanted)
    found: list[Person] = []
    faults: list[tuple[str, str]] = []
    for label, arrays, single in _listed(tree):
        label = _unique(label, {person.label for person in found} | {fault[0] for fault in faults})
        try:
            found.append(_person(label, arrays, single, f"{path}#{label}" if label else str(path)))
        except AssetError as e:
            faults.append((label, str(e)))
        if len(found) + len(faults) > limits.PEOPLE:
            raise AssetError(f"{path} holds more than {limits.PEOPLE} people. Expected fewer; split the file.")
    return People(tuple(found), tuple(faults), _told(tree))


def _wanted(key: str) -> bool:
    return bool(roles_of([key])) or key in CAMERAS or key in FRAMES or key in _PER_FRAME


def _unique(label: Any, taken: set[str]) -> str:
    """A label of a few plain characters that nobody else has."""
    plain = re.sub(r"[^\w.-]", "_", str(label))[:40]
    name, number = plain, 2
    while name in taken:
        name, number = f"{plain}_{number}", number + 1
    return name


def _told(tree) -> str:
    if isinstance(tree, dict):
        first = next((value for value in tree.values() if isinstance(value, dict)), {})
        within = f", the first of them with {', '.join(map(str, list(first)[:20]))}" if first else ""
        return f"{', '.join(map(str, list(tree)[:10])) or 'nothing'}{within}"
    return f"a {type(tree).__name__}"


def _listed(tree) -> Iterable[tuple[Any, dict[str, Any], bool]]:
    """(label, raw arrays, estimated frame by frame) of everybody."""
    if isinstance(tree, (list, tuple)):
        tree = {str(k): value for k, value in enumerate(tree, start=1)}
    if not isinstance(tree, dict):
        return
    if any(isinstance(frame, dict) and {"tid", "smpl"} <= frame.keys() for frame in tree.values()):
        yield from _of_frames(tree)
        return
    alone = _flat(tree)
    if has_poses(alone):
        yield "", alone, _single(alone)
        return
    common = {key: value for key, value in alone.items() if roles_of([key]).keys() & {"rate", "length"}}
    for label, value in tree.items():
        arrays = _flat(value) if isinstance(value, dict) else {}
        if has_poses(arrays):
            yield label, common | arrays, _single(arrays)


def _flat(tree: Mapping[Any, Any]) -> dict[str, Any]:
    """What may be arrays, those of groups of parameters by names such as smpl_params_global/transl."""
    found = {str(key): value for key, value in tree.items() if _may_be_array(value)}
    for group, values in tree.items():
        if isinstance(values, dict) and str(group).startswith("smpl_params"):
            found |= {f"{group}/{key}": value for key, value in values.items() if _may_be_array(value)}
    return found


def _may_be_array(value) -> bool:
    return isinstance(value, (np.ndarray, np.generic, Record, int, float, str))


def _single(arrays: Mapping[str, Any]) -> bool:
    return any(key in arrays for key in CAMERAS) and "transl" not in roles_of(arrays)


def _person(label: str, raw: Mapping[str, Any], single: bool, where: str) -> Person:
    """Raises AssetError for what cannot be used."""
    asked = {key: value for key, value in raw.items() if _wanted(key)}
    arrays = {key: array_of(value, f"{key!r} in {where}") for key, value in asked.items()}
    sound = {key: array for key, array in arrays.items() if array is not None}
    roles = roles_of(sound)
    main = sound[roles["whole"] if "whole" in roles else roles["body"]]
    if main.ndim == 0 or len(main) == 0:
        raise AssetError(f"{where} has no frames.")
    numbers = next((sound[key] for key in FRAMES if key in sound), None)
    frames = np.arange(len(main))
    if numbers is not None:
        if numbers.size != len(main) or numbers.dtype.kind not in "fiu":
            raise AssetError(f"{where} has {numbers.size} frame_ids for {len(main)} frames. Expected one for each.")
        values = numbers.reshape(-1).astype(np.float64)
        if not (np.abs(values) < limits.FRAME_NUMBER).all():
            raise AssetError(f"{where} has frame_ids that are no whole numbers below {limits.FRAME_NUMBER}.")
        frames = values.astype(np.int64)
    order, first = np.unique(frames, return_index=True)
    if len(order) < len(frames) or (first != np.arange(len(frames))).any():
        sound = {k: a[first] if a.ndim and len(a) == len(frames) else a for k, a in sound.items()}
    return Person(label, HeldArrays(where, sound), order, single)


def _of_frames(tree: Mapping[Any, Any]) -> Iterable[tuple[Any, dict[str, Any], bool]]:
    """PHALP's tracks. What it repeats of people whom it lost sight of is left out."""
    tracks: dict[Any, list[tuple[int, Any, Any, Any]]] = {}
    for number, frame in enumerate(tree.values()):
        if not isinstance(frame, dict):
            continue
        time = frame.get("time")
        time = time if isinstance(time, int) else number
        people, ids = _list(frame.get("smpl")), _list(frame.get("tid"))
        lost, cameras, sizes = (_list(frame.get(key)) for key in ("tracked_time", "camera", "size"))
        for k, (label, parameters) in enumerate(zip(ids, people)):
            if isinstance(label, (int, str)) and isinstance(parameters, dict) and not (k < len(lost) and lost[k]):
                camera, size = (values[k] if k < len(values) else None for values in (cameras, sizes))
                tracks.setdefault(label, []).append((time, parameters, camera, size))
    for label in sorted(tracks, key=str):
        yield label, _stacked(tracks[label]), True


def _list(value) -> list:
    return value if isinstance(value, list) else []


def _stacked(track: list[tuple[int, Any, Any, Any]]) -> dict[str, Any]:
    """Of one track the arrays over its frames; frames that lack something are left out."""
    rows: dict[str, list[np.ndarray]] = {"global_orient": [], "body_pose": [], "transl": []}
    frames = []
    for time, parameters, camera, size in track:
        row = [array_of(parameters.get(key), "PHALP's smpl") for key in ("global_orient", "body_pose")]
        place = _place(camera, size)
        if any(part is None or part.dtype.kind != "f" for part in row) or (rows["transl"] and place is None):
            continue
        for key, part in zip(rows, (*row, place)):
            if part is not None:
                rows[key].append(part)
        frames.append(time)
    shapes = {key: {part.shape for part in parts} for key, parts in rows.items()}
    if not frames or any(len(each) > 1 for each in shapes.values()):
        return {"global_orient": np.zeros((0, 3)), "body_pose": np.zeros((0, 69))}
    if len(rows["transl"]) < len(frames):
        del rows["transl"]
    return {key: np.stack(parts) for key, parts in rows.items()} | {"frame_ids": np.array(frames)}


def _place(camera, size) -> np.ndarray | None:
    """(3,) metres in the camera's axes, as by a camera whose focal length is the image's diagonal: PHALP's is so long
    that people are several times too far away, and come near as many times too fast."""
    place = array_of(camera, "PHALP's camera") if camera is not None else None
    if place is None or place.size != 3 or place.dtype.kind != "f":
        return None
    place = place.reshape(3).astype(np.float64)
    image = array_of(size, "PHALP's size") if isinstance(size, (list, tuple, np.ndarray, Record)) else None
    if image is not None and image.size == 2 and image.dtype.kind in "fiu" and (image > 0).all():
        height, width = (float(n) for n in image.reshape(2))
        place[2] *= float(np.sqrt(height * height + width * width)) / PHALP_FOCAL
    return place


def _npz_tree(path: Path) -> dict[str, Any]:
    """Person → arrays, of an .npz that holds several; {} of others."""
    file = NpzFile(path)
    groups: dict[str, dict[str, str]] = {}
    for key in file.keys:
        if match := _PERSON.match(key):
            groups.setdefault(match[1], {})[match[2]] = key
    groups = {label: keys for label, keys in groups.items() if has_poses(keys)}
    if len(groups) > 1:
        common = {key: file.array(key) for key in file.keys if roles_of([key]).keys() & {"rate", "length"}}
        wanted = {label: {k: v for k, v in keys.items() if _wanted(k)} for label, keys in groups.items()}
        return common | {label: {k: file.array(v) for k, v in keys.items()} for label, keys in wanted.items()}
    return _by_first_axis(file)


def _by_first_axis(file: NpzFile) -> dict[str, Any]:
    if not _several(file):
        return {}
    roles = roles_of(file.keys)
    arrays = {key: file.array(key) for role, key in roles.items() if role != "betas"}
    count = arrays[roles["transl"]].shape[:2]
    split = {key for key, array in arrays.items() if array.shape[:2] == count}
    return {str(n + 1): {k: a[n] if k in split else a for k, a in arrays.items()} for n in range(count[0])}


def has_people(file: NpzFile) -> bool:
    """Whether a file holds several people."""
    labels = {match[1] for match in map(_PERSON.match, file.keys) if match}
    return len(labels) > 1 or bool(_several(file))


def _several(file: NpzFile) -> bool:
    roles = roles_of(file.keys)
    shape = file.shape(roles["transl"]) if "transl" in roles and has_poses(file.keys) else ()
    return len(shape) == 3 and 1 < shape[0] <= limits.PEOPLE and shape[1] > 1 and shape[2] == 3


def none_in(path: Path, people: People) -> AssetError:
    """The error where nobody of a file can be used."""
    if people.faults:
        return AssetError("\n".join(reason for _, reason in people.faults[:5]))
    return AssetError(
        f"{path} holds no people that Mannequin knows. Expected results of VIBE, PHALP (4D-Humans), HMMR, WHAM or "
        f"GVHMR, or 'trans', 'root_orient' and 'pose_body' of each person. It has: {people.held}."
    )

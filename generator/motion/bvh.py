"""Biovision hierarchy files (.bvh): strict reading and forward kinematics.

Source of the format: M. Meredith and S. Maddock, "Motion Capture File Formats Explained", 2001.
Whatever a damaged file does, it raises one AssetError that says where.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mannequin.generator import exact
from mannequin.generator.errors import AssetError
from mannequin.generator.io import limits
from mannequin.generator.io.reading import read_bytes

POSITIONS = ("Xposition", "Yposition", "Zposition")
ROTATIONS = ("Xrotation", "Yrotation", "Zrotation")
_CHANNELS = {name.lower(): name for name in POSITIONS + ROTATIONS}


@dataclass(frozen=True, eq=False)
class Bvh:
    """A recorded skeleton. Axes and unit of length are the file's own.

    names: J names; an End Site is called after its parent, "<parent> End Site".
    parents: (J,) int, -1 at the root, every parent before its children.
    offsets: (J, 3) float64, from the parent at rest.
    channels: for every joint its channel names in the file's order, () where it has none.
    frame_time: seconds. stated_frames: T, unless only the first frames were asked for.
    values: (T, C) float64, positions in the file's unit and rotations in degrees.
    """

    names: tuple[str, ...]
    parents: np.ndarray
    offsets: np.ndarray
    channels: tuple[tuple[str, ...], ...]
    frame_time: float
    stated_frames: int
    values: np.ndarray

    @property
    def num_frames(self) -> int:
        return len(self.values)

    def local_transforms(self) -> tuple[np.ndarray, np.ndarray]:
        """(T, J, 3, 3) rotations and (T, J, 3) translations from every joint to its parent.

        Rotations apply in the order of the channels, the first outermost. A position channel
        replaces its component of the offset, on the root and elsewhere.
        """
        rotation = np.broadcast_to(np.eye(3), (self.num_frames, len(self.names), 3, 3)).copy()
        translation = np.broadcast_to(self.offsets, (self.num_frames, len(self.names), 3)).copy()
        first = np.cumsum([0] + [len(c) for c in self.channels])
        groups: dict[tuple[str, ...], list[int]] = {}
        for j, names in enumerate(self.channels):
            groups.setdefault(names, []).append(j)
        for names, joints in groups.items():
            for k, name in enumerate(names):
                value = self.values[:, first[joints] + k]
                if name in POSITIONS:
                    translation[:, joints, POSITIONS.index(name)] = value
                else:
                    rotation[:, joints] = _times_axis_rotation(
                        rotation[:, joints], ROTATIONS.index(name), np.deg2rad(value)
                    )
        return rotation, translation

    def world_transforms(self) -> tuple[np.ndarray, np.ndarray]:
        """(T, J, 3, 3) orientations and (T, J, 3) positions in the file's world."""
        rotation, position = self.local_transforms()
        for j, parent in enumerate(self.parents):
            if parent >= 0:
                turn = rotation[:, parent]
                position[:, j] = position[:, parent] + (exact.matmul(turn, position[:, j, :, None]))[..., 0]
                rotation[:, j] = exact.matmul(turn, rotation[:, j])
        return rotation, position

    def rest_positions(self) -> np.ndarray:
        """(J, 3) positions with all rotations zero, the root at the origin."""
        position = self.offsets.copy()
        position[0] = 0.0
        for j, parent in enumerate(self.parents[1:], start=1):
            position[j] += position[parent]
        return position


def _times_axis_rotation(matrix: np.ndarray, axis: int, angle: np.ndarray) -> np.ndarray:
    """(…, 3, 3) times the rotation by ``angle`` (…) about a coordinate axis, columns mixed."""
    b, c = (axis + 1) % 3, (axis + 2) % 3
    cos, sin = exact.cos(angle)[..., None], exact.sin(angle)[..., None]
    out = matrix.copy()
    out[..., b] = matrix[..., b] * cos + matrix[..., c] * sin
    out[..., c] = matrix[..., c] * cos - matrix[..., b] * sin
    return out


def read_bvh(path, first: int | None = None) -> Bvh:
    """Read a file, or only its ``first`` frames, which is quick and trusts the stated number.

    Raises AssetError naming the file, what is wrong, and what was expected.
    """
    path = Path(path)
    data = read_bytes(path, limits.BVH_BYTES, "a BVH file of one recorded sequence")
    head, found, tail = data.partition(b"MOTION")
    if not found:
        raise _error(path, "has no MOTION section", "HIERARCHY followed by MOTION; the file may be truncated")
    if len(head) > limits.BVH_HEAD_BYTES:
        raise _error(path, f"has a hierarchy of {len(head)} bytes", f"at most {limits.BVH_HEAD_BYTES}, one skeleton")
    names, parents, offsets, channels = _Hierarchy(path, head.decode("utf-8-sig", "replace")).parse()
    frames, frame_time, body = _motion_header(path, tail)
    wanted = frames
    if first is not None and first < frames:
        body, wanted = b"\n".join(body.lstrip().split(b"\n", first)[:first]), first
    advice = "Cut it into shorter recordings, or leave it out."
    asked = wanted * len(names) * limits.BVH_COST
    limits.check_room(str(path), f"{wanted} frames of {len(names)} joints", asked, len(data), AssetError, advice)
    values = _motion_values(path, body, wanted, sum(map(len, channels)))
    return Bvh(names, parents, offsets, channels, frame_time, frames, values)


def _error(path: Path, wrong: str, expected: str) -> AssetError:
    return AssetError(f"The BVH file {path} {wrong}. Expected {expected}.")


class _Hierarchy:
    """Reads the HIERARCHY section token by token, without recursion."""

    def __init__(self, path: Path, text: str):
        self.path = path
        self.tokens = text.split()
        self.at = 0
        self.names: list[str] = []
        self.parents: list[int] = []
        self.offsets: list[list[float] | None] = []
        self.channels: list[tuple[str, ...]] = []

    def parse(self):
        """Names, parents (J,), offsets (J, 3), channels."""
        if self._next("HIERARCHY").upper() != "HIERARCHY":
            raise _error(self.path, "does not begin with HIERARCHY", "a Biovision hierarchy file")
        open_joints: list[int] = []
        while self.at < len(self.tokens):
            word = self._next("a keyword")
            self._keyword(word, open_joints)
        if open_joints:
            raise _error(
                self.path,
                f"never closes {self.names[open_joints[-1]]!r}",
                "a '}' for every '{'; the file may be truncated",
            )
        self._check()
        return tuple(self.names), np.array(self.parents), np.array(self.offsets, np.float64), tuple(self.channels)

    def _keyword(self, word: str, open_joints: list[int]) -> None:
        key = word.upper()
        if key in ("ROOT", "JOINT", "END"):
            self._joint(key, open_joints)
        elif key == "}" and open_joints:
            open_joints.pop()
        elif key == "OFFSET" and open_joints:
            self.offsets[open_joints[-1]] = [self._number() for _ in range(3)]
        elif key == "CHANNELS" and open_joints:
            self.channels[open_joints[-1]] = self._channels()
        else:
            raise _error(
                self.path,
                f"has an unexpected {word!r} in its hierarchy",
                "ROOT, JOINT, End Site, OFFSET, CHANNELS or braces",
            )

    def _joint(self, key: str, open_joints: list[int]) -> None:
        words = []
        while (word := self._next("'{'")) != "{":
            words.append(word)
        if (key == "ROOT") != (not self.names) or (key != "ROOT" and not open_joints):
            raise _error(
                self.path, f"has {key} {' '.join(words)!r} out of place", "one ROOT that holds every other joint"
            )
        if sum(map(len, words)) > limits.BVH_NAME:
            raise _error(
                self.path, f"has a joint whose name begins {words[0][:40]!r}", f"at most {limits.BVH_NAME} characters"
            )
        if len(self.names) >= limits.BVH_JOINTS:
            raise _error(self.path, f"has more than {limits.BVH_JOINTS} joints", "one skeleton")
        parent = open_joints[-1] if open_joints else -1
        self.names.append(f"{self.names[parent]} End Site" if key == "END" else " ".join(words))
        self.parents.append(parent)
        self.offsets.append(None)
        self.channels.append(())
        open_joints.append(len(self.names) - 1)

    def _channels(self) -> tuple[str, ...]:
        count = self._number()
        if count not in range(7):
            raise _error(self.path, f"gives {count:g} channels to {self.names[-1]!r}", "0 to 6")
        words = [self._next("a channel") for _ in range(int(count))]
        names = tuple(_CHANNELS.get(w.lower(), "") for w in words)
        if "" in names or len(set(names)) < len(names):
            raise _error(
                self.path,
                f"gives the channels {' '.join(words)!r} to {self.names[-1]!r}",
                "different ones of " + ", ".join(_CHANNELS.values()),
            )
        return names

    def _next(self, expected: str) -> str:
        if self.at >= len(self.tokens):
            raise _error(self.path, "ends within its hierarchy", f"{expected}; the file may be truncated")
        self.at += 1
        return self.tokens[self.at - 1]

    def _number(self) -> float:
        word = self._next("a number")
        try:
            value = float(word)
        except ValueError:
            value = np.nan
        if not abs(value) <= limits.COORDINATE:  # NaN included
            raise _error(
                self.path,
                f"has {word[:40]!r} at joint {self.names[-1]!r}",
                f"a finite number up to {limits.COORDINATE:g}",
            )
        return value

    def _check(self) -> None:
        if not any(ROTATIONS[0] in c or ROTATIONS[1] in c or ROTATIONS[2] in c for c in self.channels):
            raise _error(self.path, "has no usable joints: none has rotation channels", "a skeleton that moves")
        for name, offset in zip(self.names, self.offsets):
            if offset is None:
                raise _error(self.path, f"has no OFFSET for {name!r}", "one for every joint")


def _motion_header(path: Path, tail: bytes) -> tuple[int, float, bytes]:
    """Frames, frame time (s) and the numbers that follow."""
    lines = tail.lstrip().split(b"\n", 2)
    try:
        first, second, body = lines
        frames = int(_labelled(first, [b"Frames"]))
        frame_time = float(_labelled(second, [b"Frame", b"Time"]))
    except ValueError as e:
        raise _error(
            path,
            "has no legible 'Frames:' and 'Frame Time:' lines with numbers after them",
            "both right after MOTION; the file may be truncated",
        ) from e
    if not 1 <= frames <= len(body):
        raise _error(
            path,
            f"has {frames} frames in {len(body)} bytes of numbers",
            "at least one, and as many as follow; the file may be truncated",
        )
    if not (1.0 / limits.MOTION_RATES[1] <= frame_time <= 1.0 / limits.MOTION_RATES[0]):
        raise _error(
            path,
            f"has a frame time of {frame_time:g} s",
            f"{1 / limits.MOTION_RATES[1]:g} to {1 / limits.MOTION_RATES[0]:g} s; correct its 'Frame Time:' line",
        )
    return frames, frame_time, body


def _labelled(line: bytes, label: list[bytes]) -> bytes:
    """What follows the ``label`` and its colon. Raises ValueError for another line."""
    words, value = line.split(b":")
    if words.split() != label:
        raise ValueError(f"{words!r} where {label} was expected")
    return value


def _motion_values(path: Path, body: bytes, frames: int, columns: int) -> np.ndarray:
    """(frames, columns) float64, read line by line so that memory follows the numbers asked for."""
    held = sum(1 for _ in _lines(body))
    if held != frames:
        raise _error(path, f"says 'Frames: {frames}' and holds {held}", "both to agree; the file may be truncated")
    values = np.empty((frames, columns))
    for frame, line in enumerate(_lines(body)):
        words = line.split(maxsplit=columns)
        if len(words) != columns:
            found = len(words) if len(words) < columns else f"more than {columns}"
            raise _error(
                path,
                f"has {found} numbers in frame {frame}",
                f"{columns}, one for every channel; the file may be truncated",
            )
        try:
            values[frame] = [float(word) for word in words]
        except ValueError as e:
            raise _error(path, f"has something that is no number in frame {frame} ({str(e)[:80]})", "numbers") from e
    bad = np.argwhere(~(np.abs(values) <= limits.COORDINATE))  # NaN included
    if len(bad):
        raise _error(
            path,
            f"has {values[tuple(bad[0])]} in frame {bad[0][0]}, column {bad[0][1]}",
            f"finite numbers up to {limits.COORDINATE:g}",
        )
    return values


def _lines(body: bytes):
    """The lines that are not blank."""
    return (line for line in io.BytesIO(body) if not line.isspace())

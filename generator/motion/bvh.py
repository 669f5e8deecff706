"""Biovision hierarchy files (.bvh): reading and forward kinematics.

Source of the format: M. Meredith and S. Maddock, "Motion Capture File Formats Explained", 2001.
Whatever a damaged file does, it raises one AssetError that says where. What a careless writer does
is read, and told in ``notes``: see ``bvh_text``.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mannequin.generator import exact
from mannequin.generator.errors import AssetError
from mannequin.generator.io import limits
from mannequin.generator.io.reading import read_bytes
from mannequin.generator.motion.bvh_text import POSITIONS, ROTATIONS, read_hierarchy, read_motion, sections


@dataclass(frozen=True, eq=False)
class Bvh:
    """A recorded skeleton. Axes and unit of length are the file's own.

    names: J names; an End Site is called after its parent, with END_SITE.
    parents: (J,) int, -1 at the root, every parent before its children.
    offsets: (J, 3) float64, from the parent at rest.
    channels: for every joint its channel names in the file's order, () where it has none.
    frame_time: seconds. held_frames: T, unless only the first frames were asked for.
    values: (T, C) float64, positions in the file's unit and rotations in degrees.
    notes: sentences on what the file has otherwise than the format, and how it was read.
    """

    names: tuple[str, ...]
    parents: np.ndarray
    offsets: np.ndarray
    channels: tuple[tuple[str, ...], ...]
    frame_time: float
    held_frames: int
    values: np.ndarray
    notes: tuple[str, ...] = ()

    @property
    def num_frames(self) -> int:
        return len(self.values)

    def frames(self, chosen: np.ndarray) -> "Bvh":
        """The same skeleton with the ``chosen`` frames (K,) alone."""
        return replace(self, values=self.values[chosen])

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
    """Read a file, or only its ``first`` frames, which is quick: the others are counted.

    Raises AssetError naming the file, what is wrong, and what was expected.
    """
    path = Path(path)
    data = read_bytes(path, limits.BVH_BYTES, "a BVH file of one recorded sequence")
    notes: list[str] = []
    head, tail = sections(path, data, notes)
    joints = read_hierarchy(path, head, notes)
    columns = sum(map(len, joints.channels))

    def check_room(frames: int) -> None:
        advice = "Cut it into shorter recordings, or leave it out."
        what, asked = f"{frames} frames of {len(joints.names)} joints", frames * len(joints.names) * limits.BVH_COST
        limits.check_room(str(path), what, asked, len(data), AssetError, advice)

    motion = read_motion(path, tail, columns, first, check_room, notes)
    kept = slice(*joints.main())
    if kept != slice(0, len(joints.names)):
        others = [joints.names[r] for r in joints.roots if r != kept.start]
        shown = ", ".join(map(repr, others[:5]))
        notes.append(
            f"has {len(joints.roots)} ROOTs; {joints.names[kept.start]!r}, of most joints, is read, not {shown}"
        )
    start = sum(len(c) for c in joints.channels[: kept.start])
    channels = joints.channels[kept]
    values = motion.values[:, start : start + sum(map(len, channels))]
    parents = np.where(joints.parents[kept] < 0, -1, joints.parents[kept] - kept.start)
    return Bvh(
        joints.names[kept],
        parents,
        joints.offsets[kept],
        channels,
        motion.frame_time,
        motion.frames,
        values,
        tuple(dict.fromkeys(notes)),
    )

"""Rotation matrices, vectorised: elementary turns, frames, blending, and splitting off a twist."""

import numpy as np
from scipy.spatial.transform import Rotation

DEG = np.pi / 180.0


def about(axis: int, angle) -> np.ndarray:
    """Right-handed rotation about coordinate axis 0, 1 or 2 by ``angle`` (…) rad: (…, 3, 3)."""
    angle = np.asarray(angle, float)
    c, s = np.cos(angle), np.sin(angle)
    out = np.zeros(angle.shape + (3, 3))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    out[..., axis, axis] = 1.0
    out[..., i, i] = out[..., j, j] = c
    out[..., i, j], out[..., j, i] = -s, s
    return out


def rx(angle) -> np.ndarray:
    return about(0, angle)


def ry(angle) -> np.ndarray:
    return about(1, angle)


def rz(angle) -> np.ndarray:
    return about(2, angle)


def to_rotvec(matrices: np.ndarray) -> np.ndarray:
    """(…, 3, 3) to axis-angles (…, 3) with angles in [0, pi]."""
    return Rotation.from_matrix(matrices.reshape(-1, 3, 3)).as_rotvec().reshape(matrices.shape[:-1])


def from_rotvec(rotvec: np.ndarray) -> np.ndarray:
    """Axis-angles (…, 3) to (…, 3, 3), by Rodrigues' formula."""
    rotvec = np.asarray(rotvec, float)
    angle = np.linalg.norm(rotvec, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(rotvec, -1, 0)
    o = np.zeros_like(x)
    cross = np.stack([o, -z, y, z, o, -x, -y, x, o], -1).reshape(rotvec.shape + (3,))
    first = np.sinc(angle / np.pi)
    second = 0.5 * np.sinc(angle / (2.0 * np.pi)) ** 2
    return np.eye(3) + first * cross + second * (cross @ cross)


def part_of(matrices: np.ndarray, share) -> np.ndarray:
    """The ``share`` (a number or (T,)) of each rotation (T, 3, 3), about its own axis."""
    return from_rotvec(to_rotvec(matrices) * np.asarray(share, float)[..., None])


def blend(start: np.ndarray, end: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Shortest turn from start (T, 3, 3) to end (T, 3, 3) at weight (T,) in [0, 1]."""
    return start @ part_of(transpose(start) @ end, weight)


def transpose(matrices: np.ndarray) -> np.ndarray:
    return np.swapaxes(matrices, -1, -2)


def turn(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Rotate vectors (…, 3) by matrices (…, 3, 3)."""
    return np.einsum("...ij,...j->...i", matrices, vectors)


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def frame(first: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Rotations whose first column is along ``first`` and whose second is nearest to ``near``."""
    x = unit(first)
    y = unit(near - (near * x).sum(-1, keepdims=True) * x)
    return np.stack([x, y, np.cross(x, y)], -1)


def split_twist(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Write (T, 3, 3) as rx(twist) @ swing. Returns twist (T,) rad in (-pi, pi] and swing."""
    quaternion = Rotation.from_matrix(matrices).as_quat()
    twist = 2.0 * np.arctan2(quaternion[:, 0], quaternion[:, 3])
    twist = (twist + np.pi) % (2.0 * np.pi) - np.pi
    return twist, transpose(rx(twist)) @ matrices

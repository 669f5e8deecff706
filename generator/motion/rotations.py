"""Rotations: directions and turns between them, and quaternions (x, y, z, w); all along the last axes."""

import numpy as np
from scipy.spatial.transform import Rotation


def unit(v: np.ndarray) -> np.ndarray:
    """(…, 3) vectors of length 1; zero vectors stay zero."""
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12)


def turn(rotation: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(…, 3, 3) rotations of (…, 3) vectors."""
    return (rotation @ v[..., None])[..., 0]


def angle_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(…) radians between directions, exact near 0 and π."""
    a, b = unit(a), unit(b)
    return 2.0 * np.arctan2(np.linalg.norm(a - b, axis=-1), np.linalg.norm(a + b, axis=-1))


def rotation_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(…, 3, 3) smallest rotation from direction a to direction b (…, 3).

    For opposite directions any axis is as short; one at right angles to a is taken.
    """
    a, b = np.broadcast_arrays(unit(a), unit(b))
    axis = np.cross(a, b)
    cosine = np.sum(a * b, axis=-1)
    opposite = cosine < -1.0 + 1e-9
    side = unit(np.cross(a, np.where(np.abs(a[..., :1]) < 0.7, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])))
    x, y, z = np.moveaxis(axis, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(axis.shape + (3,))
    turn = np.eye(3) + cross + cross @ cross / np.maximum(1.0 + cosine, 1e-9)[..., None, None]
    half = 2.0 * side[..., :, None] * side[..., None, :] - np.eye(3)
    return np.where(opposite[..., None, None], half, turn)


def to_quaternions(rotation: np.ndarray) -> np.ndarray:
    """(…, 3, 3) to (…, 4)."""
    return Rotation.from_matrix(rotation.reshape(-1, 3, 3)).as_quat().reshape(rotation.shape[:-2] + (4,))


def from_axis_angle(axis_angle: np.ndarray) -> np.ndarray:
    """(…, 3) radians to quaternions (…, 4)."""
    return Rotation.from_rotvec(axis_angle.reshape(-1, 3)).as_quat().reshape(axis_angle.shape[:-1] + (4,))


def to_axis_angle(quaternion: np.ndarray) -> np.ndarray:
    """(…, 4) to axis-angles (…, 3) of at most π radians."""
    return Rotation.from_quat(quaternion.reshape(-1, 4)).as_rotvec().reshape(quaternion.shape[:-1] + (3,))


def to_matrices(quaternion: np.ndarray) -> np.ndarray:
    """(…, 4) to (…, 3, 3)."""
    return Rotation.from_quat(quaternion.reshape(-1, 4)).as_matrix().reshape(quaternion.shape[:-1] + (3, 3))


def slerp(a: np.ndarray, b: np.ndarray, share) -> np.ndarray:
    """(…, 4) spherical interpolation from a (share 0) to b (share 1), the short way round."""
    share = np.asarray(share, np.float64)[..., None]
    cosine = np.sum(a * b, axis=-1, keepdims=True)
    b = np.where(cosine < 0.0, -b, b)
    angle = np.arccos(np.clip(np.abs(cosine), 0.0, 1.0))
    sine = np.sin(angle)
    near = sine < 1e-6
    safe = np.where(near, 1.0, sine)
    first = np.where(near, 1.0 - share, np.sin((1.0 - share) * angle) / safe)
    second = np.where(near, share, np.sin(share * angle) / safe)
    q = first * a + second * b
    return q / np.linalg.norm(q, axis=-1, keepdims=True)

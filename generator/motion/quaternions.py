"""Quaternions (x, y, z, w) along the last axis: conversions and interpolation."""

import numpy as np
from scipy.spatial.transform import Rotation


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

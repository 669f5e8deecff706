"""Directions: angles and turns between them, vectors along the last axis."""

import numpy as np


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

"""A space of plausible hand poses in MANO's layout, drawn from a synthetic distribution.

Fingers curl together with some freedom of their own; the last joint follows the middle one, as
tendons make it; fingers spread less the more they are bent; the thumb opposes.
"""

from dataclasses import dataclass

import numpy as np

from mannequin.generator.body.model import FINGERS

SAMPLES = 1500
SPREAD_DEG = {"index": 8.0, "middle": 1.0, "ring": -5.0, "pinky": -12.0}
MIRROR = np.array([1.0, -1.0, -1.0])
"""Turns an axis-angle of one side into that of the other."""


@dataclass(frozen=True, eq=False)
class HandPoseSpace:
    """First axis: left, right. Radians, axis-angle, joints in MANO's order.

    mean: (2, 45); components: (2, 45, 45), one per row, by falling variance; deviation: (45,)
    standard deviations along them; relaxed: (2, 15, 3) a hand hanging at rest.
    """

    mean: np.ndarray
    components: np.ndarray
    deviation: np.ndarray
    relaxed: np.ndarray


def finger_angles(curl: np.ndarray, spread: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """(N, 3, 3) right-hand axis-angles of a finger.

    curl (N,) in [0, 1]; spread (N,) radians; noise (N, 2) degrees. The flat right hand points
    along -x with its palm down, so flexion is a turn about +z.
    """
    out = np.zeros((len(curl), 3, 3))
    middle = 2.0 + 95.0 * curl**0.9 + noise[:, 1]
    out[:, 0, 2] = np.deg2rad(-8.0 + 85.0 * curl + noise[:, 0])
    out[:, 1, 2] = np.deg2rad(middle)
    out[:, 2, 2] = 0.62 * np.deg2rad(middle)
    out[:, 0, 1] = -spread * (1.0 - curl)
    return out


def thumb_angles(curl: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """(N, 3, 3) right-hand axis-angles of the thumb: in front of the palm, then inwards."""
    degrees = np.stack(
        [
            np.stack([-5 + 48 * curl, 8 - 30 * curl, 4 + 14 * curl], axis=1),
            np.stack([8 * curl, 4 - 32 * curl, 0 * curl], axis=1),
            np.stack([6 * curl, 4 - 48 * curl, 0 * curl], axis=1),
        ],
        axis=1,
    )
    return np.deg2rad(degrees) * strength[:, None, None]


def sample_right_hands(count: int, rng: np.random.Generator) -> np.ndarray:
    """(N, 15, 3) axis-angles."""
    common = rng.beta(1.3, 1.5, count)
    poses = np.zeros((count, 15, 3))
    for place, finger in enumerate(FINGERS):
        odd = (rng.random(count) < 0.12) * rng.uniform(-0.8, 0.8, count)
        curl = np.clip(0.72 * common + 0.28 * rng.random(count) + odd, 0.0, 1.0)
        if finger == "thumb":
            pose = thumb_angles(curl, rng.uniform(0.75, 1.15, count))
        else:
            spread = np.deg2rad(SPREAD_DEG[finger]) * rng.uniform(-0.6, 1.3, count)
            pose = finger_angles(curl, spread, rng.normal(0.0, (5.0, 4.0), (count, 2)))
        poses[:, 3 * place : 3 * place + 3] = pose
    return poses


def relaxed_right_hand() -> np.ndarray:
    """(15, 3) axis-angles of a hand at rest, curling more towards the little finger."""
    one, none = np.ones(1), np.zeros((1, 2))
    curl = {"index": 0.22, "middle": 0.28, "ring": 0.32, "pinky": 0.36}
    fingers = [
        thumb_angles(0.30 * one, one)
        if f == "thumb"
        else finger_angles(curl[f] * one, np.deg2rad(0.4 * SPREAD_DEG[f]) * one, none)
        for f in FINGERS
    ]
    return np.concatenate(fingers, axis=1)[0]


def hand_pose_space(seed: int = 0) -> HandPoseSpace:
    """Principal components of the synthetic distribution."""
    poses = sample_right_hands(SAMPLES, np.random.default_rng(seed)).reshape(SAMPLES, 45)
    mean = poses.mean(0)
    variance, vectors = np.linalg.eigh((poses - mean).T @ (poses - mean) / (SAMPLES - 1))
    variance, basis = np.maximum(variance[::-1], 0.0), vectors[:, ::-1].T
    basis = _settle(basis, variance)
    sides = np.stack([np.tile(MIRROR, 15), np.ones(45)])  # left, right
    relaxed = relaxed_right_hand()
    return HandPoseSpace(
        mean * sides,
        basis * sides[:, None],
        np.sqrt(variance),
        np.stack([relaxed * MIRROR, relaxed]),
    )


def _settle(basis: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Fix what an eigenvalue solver leaves open: signs, and the basis of the null space.

    The rows without variance become the coordinate axes, made orthogonal to all before them.
    """
    used = variance > 1e-9
    rows = []
    for row in basis[used]:
        largest = np.argmax(np.round(np.abs(row), 6))
        rows.append(row * np.sign(row[largest]))
    for axis in np.eye(basis.shape[1]):
        if len(rows) == basis.shape[1]:
            break
        known = np.array(rows)
        rest = axis - known.T @ (known @ axis)
        rest -= known.T @ (known @ rest)
        if np.linalg.norm(rest) > 0.1:
            rows.append(rest / np.linalg.norm(rest))
    return np.array(rows)

"""Analytic two-bone limbs: one hinge (knee or elbow), one ball joint (hip or shoulder)."""

import numpy as np

from mannequin.generator import exact
from mannequin.generator.rotations import about, frame, split_twist, transpose, turn


def hinge_angle(upper: np.ndarray, lower: np.ndarray, axis: int, sign: float, distance: np.ndarray) -> np.ndarray:
    """Flexion (T,) rad that brings the end of a limb to ``distance`` (T,) from its root.

    upper, lower: (3,) bones at rest. The hinge turns about coordinate ``axis``; flexion is positive
    in the direction ``sign``. Distances out of reach give the straightest or most bent limb.
    """
    i, j = (axis + 1) % 3, (axis + 2) % 3
    along = upper[axis] * lower[axis]
    cosine = upper[i] * lower[i] + upper[j] * lower[j]
    sine = sign * (upper[j] * lower[i] - upper[i] * lower[j])
    wanted = 0.5 * (distance**2 - exact.matmul(upper, upper) - exact.matmul(lower, lower)) - along
    size = exact.hypot(cosine, sine)
    return exact.arctan2(sine, cosine) + exact.arccos(np.clip(wanted / size, -1.0, 1.0))


def longest(upper: np.ndarray, lower: np.ndarray, axis: int) -> float:
    """Greatest distance that the limb can span."""
    i, j = (axis + 1) % 3, (axis + 2) % 3
    flat = exact.hypot(upper[i], upper[j]) + exact.hypot(lower[i], lower[j])
    return float(exact.hypot(flat, upper[axis] + lower[axis]))


def two_bone(upper, lower, axis: int, sign: float, target: np.ndarray, hinge: np.ndarray):
    """Solve a limb whose root is at the origin.

    target: (T, 3) where the limb should end, in the frame the rotation is wanted in. hinge: (T, 3)
    direction that the flexion axis should have there, as near as the target allows.
    Returns (rotation of the upper bone (T, 3, 3), flexion (T,)).
    """
    flexion = hinge_angle(upper, lower, axis, sign, exact.norm(target))
    span = upper + turn(about(axis, sign * flexion), lower)
    at_rest = np.zeros(3)
    at_rest[axis] = sign
    source = frame(span, np.broadcast_to(at_rest, span.shape))
    return exact.matmul(frame(target, hinge), transpose(source)), flexion


def soften(distance: np.ndarray, reach: float, margin: float) -> np.ndarray:
    """Distances that approach, and never pass, ``reach``; unchanged below reach - margin."""
    beyond = np.maximum(distance - (reach - margin), 0.0)
    return np.minimum(distance, reach - margin) + margin * (1.0 - exact.exp(-beyond / margin))


def forearm_and_wrist(palm: np.ndarray, elbow: np.ndarray, most: float = 1.9):
    """Share the turn of the hand between forearm and wrist, as the two bones of a forearm do.

    palm: (T, 3, 3) wanted orientation of the hand and elbow: (T, 3, 3) orientation of the flexed
    forearm, in one frame. most: limit of the twist in rad. Returns (half twist about the forearm (T, 3, 3) for the
    elbow joint, rest for the wrist joint (T, 3, 3)).
    """
    twist, swing = split_twist(exact.matmul(transpose(elbow), palm))
    half = about(0, 0.5 * most * exact.tanh(twist / most))
    return half, exact.matmul(half, swing)

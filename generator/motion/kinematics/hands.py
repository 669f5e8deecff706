"""Finger poses of SMPL-H skeletons: relaxed, open, flat, loose, fist and pointing."""

import numpy as np

from mannequin.generator.motion.kinematics.figure import SIDE_SIGN, Figure
from mannequin.generator.motion.skeletons import WRIST
from mannequin.generator.rotations import DEG, unit

FINGER_START = (22, 37)
"""First finger joint of the (left, right) hand."""

# Flexion in degrees of (index, middle, pinky, ring) at the three knuckles, spread at the first in
# degrees (positive towards the thumb), and of the thumb at its three.
_SHAPES = {
    "relaxed": (((14, 22, 12), (20, 26, 14), (28, 30, 18), (24, 28, 16)), (0, 0, 0, 0), (10, 10, 14)),
    "open": (((-2, 3, 2), (-2, 3, 2), (-2, 4, 2), (-2, 3, 2)), (7, 0, -13, -6), (-6, 0, 0)),
    "flat": (((2, 4, 3), (2, 4, 3), (3, 4, 3), (2, 4, 3)), (1, 0, -2, -1), (0, 4, 4)),
    "fist": (((62, 78, 44), (64, 80, 46), (68, 76, 46), (66, 78, 46)), (0, 0, 0, 0), (28, 24, 30)),
    "loose": (((34, 46, 26), (38, 48, 28), (44, 46, 30), (42, 48, 28)), (0, 0, 0, 0), (18, 16, 22)),
    "point": (((0, 5, 3), (60, 76, 42), (66, 72, 44), (64, 76, 44)), (0, 0, 0, 0), (30, 26, 30)),
}


def finger_pose(figure: Figure, side: int, shape: str) -> np.ndarray:
    """(15, 3) axis-angles of one hand in SMPL-H's order, fitted to its fingers at rest."""
    flexion, spread, thumb = _SHAPES[shape]
    sign, joints = SIDE_SIGN[side], figure.joints
    start = FINGER_START[side]
    pose = np.zeros((15, 3))
    for f in range(4):
        chain = joints[start + 3 * f : start + 3 * f + 3]
        curl = _curl_axis(chain[2] - chain[0], np.array([0.0, -1.0, 0.0]))
        pose[3 * f : 3 * f + 3] = np.outer(flexion[f], curl) * DEG
        pose[3 * f, 1] -= sign * spread[f] * DEG
    pose[12:] = np.outer(thumb, _thumb_axis(joints, side)) * DEG
    return pose


def _curl_axis(bone: np.ndarray, palmward: np.ndarray) -> np.ndarray:
    """Axis about which a bone turns towards the palm."""
    return unit(np.cross(bone, palmward))


def _thumb_axis(joints: np.ndarray, side: int) -> np.ndarray:
    """The thumb flexes across the palm, half towards the fingers' roots and half under them."""
    start = FINGER_START[side]
    bone = joints[start + 14] - joints[start + 12]
    across = unit(joints[start + 6] - joints[start + 12]) + np.array([0.0, -0.7, 0.0])
    return _curl_axis(bone, across)


def hand_pose(figure: Figure, side: int, rest: str, act: str, weight: np.ndarray) -> np.ndarray:
    """(T, 15, 3) from the shape ``rest`` to ``act`` at weight (T,)."""
    start, end = finger_pose(figure, side, rest), finger_pose(figure, side, act)
    return start + weight[:, None, None] * (end - start)


def mitten_pose(side: int, count: int) -> np.ndarray:
    """(T, 1, 3) of SMPL's single hand joint: slightly closed."""
    return np.broadcast_to([0.0, 0.0, -SIDE_SIGN[side] * 12.0 * DEG], (count, 1, 3))


def palm_centre(figure: Figure, side: int) -> np.ndarray:
    """(3,) middle of the palm relative to the wrist, at rest."""
    if len(figure.joints) == 24:
        return figure.joints[22 + side] - figure.joints[WRIST[side]]
    knuckles = FINGER_START[side] + np.array([0, 3, 6, 9])
    return figure.joints[knuckles].mean(0) - figure.joints[WRIST[side]]

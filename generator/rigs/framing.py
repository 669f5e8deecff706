"""Keeping people in the picture: where their joints are, and how far a camera must stand."""

import numpy as np

from mannequin.generator import exact
from mannequin.generator.people import frame_times, person_pose
from mannequin.generator.spec import PersonSpec

BODY_MARGIN = 0.20
"""Metres by which skin, shoes and hair may reach beyond the joints (head top and toes included)."""


def clip_joints(person: PersonSpec, catalog, frames: int, fps: float, ground: float = 0.0) -> np.ndarray:
    """(T, J, 3) float64 world joints through the clip. ground: world metres of what the person stands on."""
    return person_pose(person, catalog, frame_times(person, frames, fps), ground).joints[1:-1]


def distance_to_fit(joints, target, direction, focal, size, at_least: float) -> float:
    """Distance from ``target`` along unit ``direction`` at which all joints and a margin fit.

    joints: (T, J, 3) world metres. focal: (fx, fy) pixels. size: (height, width), principal point
    in the middle. A point at (x, y, z) from the target, z towards the camera, fits when
    f (|x| + margin) <= half (distance - z - margin).
    """
    right = np.cross([0.0, 0.0, 1.0], direction)
    right /= exact.norm(right)
    up = np.cross(direction, right)
    offset = joints.reshape(-1, 3) - target
    depth = exact.matmul(offset, direction) + BODY_MARGIN
    half_h, half_w = size[0] / 2, size[1] / 2
    across = (np.abs(exact.matmul(offset, right)) + BODY_MARGIN) * focal[0] / half_w
    along = (np.abs(exact.matmul(offset, up)) + BODY_MARGIN) * focal[1] / half_h
    return float(max(at_least, np.max(depth + np.maximum(across, along))))

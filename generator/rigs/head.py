"""A camera on somebody's head, which sees what they see: their hands, their feet, and whom they meet."""

import numpy as np

from mannequin.generator import exact
from mannequin.generator.body.model import SMPL_JOINTS, SMPL_PARENTS
from mannequin.generator.rotations import rodrigues

FORWARD, UP = 0.16, 0.13
"""m from the joint of the head, which is in the neck, to a camera in front of the forehead."""

DOWN = np.deg2rad(25.0)
"""By which it looks down from straight ahead, as action cameras on helmets do."""

VIEW = np.deg2rad(100.0)
"""Across the longer side of its image."""


def head_poses(pose: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """(T, 4, 4) T_world_camera from axis-angles (T, J, 3) and joints (T, J, 3) world metres of a body."""
    turned = np.broadcast_to(np.eye(3), (len(pose), 3, 3))
    for joint in _chain(SMPL_JOINTS.index("head")):
        turned = exact.matmul(turned, rodrigues(pose[:, joint]))
    c, s = float(exact.cos(DOWN)), float(exact.sin(DOWN))
    axes = np.array([[-1.0, 0.0, 0.0], [0.0, -c, -s], [0.0, -s, c]])  # right, down, forward of a body facing +Z, Y up
    poses = np.tile(np.eye(4), (len(pose), 1, 1))
    poses[:, :3, :3] = exact.matmul(turned, axes)
    place = exact.matmul(turned, np.array([[0.0], [UP], [FORWARD]]))[..., 0]
    poses[:, :3, 3] = joints[:, SMPL_JOINTS.index("head")] + place
    return poses


def head_focal(size: tuple[int, int]) -> float:
    """Pixels, for images of ``size`` (height, width)."""
    return float(max(size) / 2 / (exact.sin(VIEW / 2) / exact.cos(VIEW / 2)))


def _chain(joint: int) -> list[int]:
    """From the root to ``joint``."""
    chain = [joint]
    while SMPL_PARENTS[chain[0]] >= 0:
        chain.insert(0, SMPL_PARENTS[chain[0]])
    return chain

"""Joint numbers of SMPL and SMPL-H, and where a posed skeleton has its joints and soles."""

from functools import cache

import numpy as np

from mannequin.generator import exact
from mannequin.generator.motion.base import Skeleton
from mannequin.generator.rotations import turn

PELVIS, SPINE1, SPINE2, SPINE3, NECK, HEAD = 0, 3, 6, 9, 12, 15
HIP, KNEE, ANKLE, FOOT = (1, 2), (4, 5), (7, 8), (10, 11)
COLLAR, SHOULDER, ELBOW, WRIST = (13, 14), (16, 17), (18, 19), (20, 21)
"""Joint numbers of (left, right), the same in SMPL and SMPL-H."""

SPINE = (SPINE1, SPINE2, SPINE3)


@cache
def usual_skeleton() -> Skeleton:
    """Of usual proportions, with SMPL's 24 joints, for what a file alone must tell."""
    from mannequin.generator.body.builtin import load_builtin
    from mannequin.generator.body.lbs import make_skeleton

    model = load_builtin("neutral", 24)
    return make_skeleton(model, np.zeros(model.num_betas))


def leg_length(joints: np.ndarray, hips, knees, ankles) -> float:
    """Mean over both sides of thigh and shin, in the unit of ``joints`` (J, 3)."""
    bones = [joints[list(a)] - joints[list(b)] for a, b in ((hips, knees), (knees, ankles))]
    return float(exact.norm(bones).sum() / 2.0)


def local_rotations(orientation: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """(T, J, 3, 3) rotations within the parents, from orientations in the world."""
    local = orientation.copy()
    local[:, 1:] = exact.matmul(np.swapaxes(orientation[:, parents[1:]], -1, -2), orientation[:, 1:])
    return local


def world_orientations(local: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """Inverse of :func:`local_rotations`."""
    world = local.copy()
    for j in range(1, len(parents)):
        world[:, j] = exact.matmul(world[:, parents[j]], local[:, j])
    return world


def joint_positions(orientation: np.ndarray, pelvis: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """(T, J, 3) metres, from world orientations (T, J, 3, 3) and the pelvis (T, 3)."""
    position = np.empty(orientation.shape[:-1])
    position[:, 0] = pelvis
    for j, parent in enumerate(skeleton.parents[1:], start=1):
        position[:, j] = position[:, parent] + turn(
            orientation[:, parent], skeleton.joints[j] - skeleton.joints[parent]
        )
    return position


def sole_points(orientation: np.ndarray, position: np.ndarray, skeleton: Skeleton, side: int) -> np.ndarray:
    """(T, K, 3) metres: points of one shod sole."""
    joints = skeleton.sole_joints[side]
    arms = skeleton.soles[side] - skeleton.joints[joints]
    return position[:, joints] + turn(orientation[:, joints], arms)

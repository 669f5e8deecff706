"""Motion that is recorded as SMPL parameters: AMASS and SURREAL.

Local rotations go over as they are, as every skeleton here is SMPL's. Where a motion stands on the
floor without slipping on the asked skeleton, its path is left exactly as recorded too. Otherwise
the path is scaled so that the feet slip least, and the feet are planted on the floor.
"""

from dataclasses import dataclass

import numpy as np

from mannequin.generator import exact
from mannequin.generator.motion.base import Skeleton
from mannequin.generator.motion.foot_contact import contacts, plant_feet, slip
from mannequin.generator.motion.retarget import Retargeted
from mannequin.generator.motion.skeletons import joint_positions, local_rotations, sole_points, world_orientations
from mannequin.generator.rotations import from_axis_angle, to_axis_angle, to_matrices, to_quaternions

BODY = 22
"""Joints that SMPL, SMPL-H and SMPL-X share, first in all of them."""

WIDTHS = {66: "22 joints of SMPL's body", 72: "SMPL", 156: "SMPL-H", 165: "SMPL-X"}
"""Numbers per pose that are understood."""

Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Takes a world with Y up to one with Z up."""

TRUE_FLOOR = 0.03
TRUE_SLIDE = 0.05
"""Metres off the floor, and m/s along it, up to which a motion is taken to fit a skeleton as it is."""

SCALES = (0.7, 1.4)
"""Of a person's size to another's."""


@dataclass(frozen=True, eq=False)
class SmplSource:
    """Recorded parameters in a world with Z up.

    pose: (T, 52, 3) axis-angles of SMPL-H. palms: (T, 2, 3) of SMPL's last two joints.
    transl: (T, 3) metres. rate: Hz. has_hands: whether fingers were recorded.
    """

    pose: np.ndarray
    palms: np.ndarray
    transl: np.ndarray
    rate: float
    has_hands: bool


def make_smpl_source(poses: np.ndarray, transl: np.ndarray, rate: float) -> SmplSource:
    """From (T, W) poses of a width in ``WIDTHS``. A world with Y up, as some converters leave, is turned."""
    poses = np.asarray(poses, np.float64).reshape(len(poses), -1, 3)
    transl = np.asarray(transl, np.float64)
    pose, palms = np.zeros((len(poses), 52, 3)), np.zeros((len(poses), 2, 3))
    pose[:, :BODY] = poses[:, :BODY]
    if poses.shape[1] == 24:
        palms[:] = poses[:, BODY:]
    elif poses.shape[1] >= 52:
        pose[:, BODY:] = poses[:, -30:]  # SMPL-X has jaw and eyes between body and fingers
    root = to_matrices(from_axis_angle(pose[:, 0]))
    up = root[:, :, 1].mean(axis=0)
    if up[1] > max(0.6, up[2]):
        pose[:, 0] = to_axis_angle(to_quaternions(exact.matmul(Y_UP, root)))
        transl = exact.matmul(transl, Y_UP.T)
    return SmplSource(pose, palms, transl, rate, bool(np.abs(pose[:, BODY:]).max(initial=0.0) > 1e-3))


def fit(source: SmplSource, skeleton: Skeleton) -> Retargeted:
    """``source`` performed by ``skeleton``."""
    pose = source.pose
    if len(skeleton.joints) == 24:
        pose = np.concatenate([pose[:, :BODY], source.palms], axis=1)
    rotations = from_axis_angle(pose)
    if fits(rotations, source.transl, source.rate, skeleton):
        return Retargeted(rotations, source.transl)
    orientation = world_orientations(to_matrices(rotations), skeleton.parents)
    pelvis = skeleton.joints[0] + source.transl * path_scale(orientation, source.transl, skeleton)
    orientation, pelvis = plant_feet(orientation, pelvis, skeleton, source.rate)
    local = local_rotations(orientation, skeleton.parents)
    return Retargeted(to_quaternions(local), pelvis - skeleton.joints[0])


def fits(rotations: np.ndarray, transl: np.ndarray, rate: float, skeleton: Skeleton) -> bool:
    """Whether the motion as recorded stands on the floor z = 0 without slipping."""
    if len(transl) < 2:
        return False
    soles = _soles(world_orientations(to_matrices(rotations), skeleton.parents), skeleton.joints[0] + transl, skeleton)
    touching = [contacts(points, rate) for points in soles]
    heights = np.concatenate([p[t][..., 2].min(axis=1) for p, t in zip(soles, touching)])
    lowest = min(points[..., 2].min() for points in soles)
    speeds = (
        np.concatenate([np.linalg.norm(slip(p)[t[1:] & t[:-1], :2], axis=1) for p, t in zip(soles, touching)]) * rate
    )
    if not len(heights) or not len(speeds):
        return False
    return bool(np.abs(heights).max() < TRUE_FLOOR and lowest > -TRUE_FLOOR and speeds.mean() < TRUE_SLIDE)


def path_scale(orientation: np.ndarray, transl: np.ndarray, skeleton: Skeleton) -> float:
    """By how much to scale the path for the lower foot to slip least; 1 where nobody walks.

    Least absolute deviations by reweighting, as the feet are off the floor in some frames.
    """
    if len(transl) < 2:
        return 1.0
    soles = _soles(orientation, np.zeros_like(transl), skeleton)
    lower = np.argmin([points[..., 2].min(axis=1) for points in soles], axis=0)[1:]
    feet = np.where((lower == 0)[:, None], *(slip(points)[:, :2] for points in soles))
    path = np.diff(transl[:, :2], axis=0)
    scale, prior = 1.0, 1e-4 * len(path)
    for _ in range(30):
        weight = 1.0 / (np.linalg.norm(feet + scale * path, axis=1) + 1e-3)
        scale = (prior - np.sum(weight[:, None] * feet * path)) / (prior + np.sum(weight[:, None] * path * path))
    return float(np.clip(scale, *SCALES))


def _soles(orientation: np.ndarray, pelvis: np.ndarray, skeleton: Skeleton) -> list[np.ndarray]:
    position = joint_positions(orientation, pelvis, skeleton)
    return [sole_points(orientation, position, skeleton, side) for side in (0, 1)]

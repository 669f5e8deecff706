"""Poses that are not quite those of the recording, as SURREACT varies them.

To every component of the unit quaternion of 24 joints a constant is added, and the sum is made a rotation again: one
that leaves a joint up to 0.2 rad away for components within ± 0.05 (SURREACT's experiments). It is the same
through a clip, so nothing trembles.
"""

import numpy as np

from mannequin.generator.body.lbs import global_transforms
from mannequin.generator.motion.base import PoseTrack, Skeleton
from mannequin.generator.motion.ground_contact import lowest
from mannequin.generator.motion.skeletons import sole_points
from mannequin.generator.rotations import from_axis_angle, of_one_sign, rodrigues, to_axis_angle

COMPONENTS = 96
"""Of 24 joints in SMPL's order, (x, y, z, w) of each."""

_OF_52 = 22
"""Joints that bodies with fingers share with those of 24."""


def with_noise(track: PoseTrack, noise: tuple[float, ...], skeleton: Skeleton) -> PoseTrack:
    """``track`` with ``noise`` (COMPONENTS numbers) in its joints, as high above the floor as before: whoever stands
    stands still, and a jump keeps its height. Planted feet may slide, by as much as the noise bends the legs."""
    count = 24 if len(skeleton.joints) == 24 else _OF_52
    pose = track.pose.copy()
    added = np.asarray(noise, np.float64).reshape(24, 4)[:count]
    pose[:, :count] = to_axis_angle(of_one_sign(from_axis_angle(pose[:, :count])) + added)
    transl = track.transl.copy()
    transl[:, 2] += _lowest(track.pose, transl, skeleton) - _lowest(pose, transl, skeleton)
    return PoseTrack(pose, transl)


def _lowest(pose: np.ndarray, transl: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """(T,) metres of the lowest point of body and soles."""
    transforms = global_transforms(rodrigues(pose[:, : len(skeleton.joints)]), skeleton.joints, skeleton.parents)
    joints = transforms[:, :, :3, 3] + transl[:, None]
    soles = (sole_points(transforms[:, :, :3, :3], joints, skeleton, side)[..., 2].min(axis=1) for side in (0, 1))
    return np.minimum.reduce([lowest(joints), *soles])

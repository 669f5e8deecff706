"""The performer's measures, taken from a skeleton, and its mirror image."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from mannequin.generator.errors import ConfigError
from mannequin.generator.motion.base import PoseTrack, Skeleton
from mannequin.generator.motion.ik import longest
from mannequin.generator.motion.skeletons import ANKLE, ELBOW, FOOT, HEAD, HIP, KNEE, PELVIS, SHOULDER, WRIST

LEFT, RIGHT = 0, 1
SIDE_SIGN = (1.0, -1.0)
"""Sign of x of (left, right)."""

_MIRROR = np.array([1.0, -1.0, -1.0])
"""Signs of an axis-angle's components under reflection of x."""


T = TypeVar("T")


def both(of: Callable[[int], T]) -> tuple[T, T]:
    """(left, right) of what ``of`` gives for a side."""
    return of(LEFT), of(RIGHT)


@dataclass(frozen=True, eq=False)
class Figure:
    """A skeleton and what the actions measure on it (metres; Y up, facing +Z)."""

    skeleton: Skeleton

    @property
    def joints(self) -> np.ndarray:
        return self.skeleton.joints

    def bone(self, start: int, end: int) -> np.ndarray:
        """(3,) from joint to joint at rest."""
        return self.joints[end] - self.joints[start]

    @cached_property
    def floor(self) -> tuple[float, float]:
        """Height of the lowest point of the (left, right) sole in the model frame."""
        return both(lambda s: float(self.skeleton.soles[s][:, 1].min()))

    @cached_property
    def ankle_height(self) -> tuple[float, float]:
        """Of the (left, right) ankle over the floor when the foot is flat."""
        return both(lambda s: float(self.joints[ANKLE[s], 1] - self.floor[s]))

    @cached_property
    def leg_reach(self) -> tuple[float, float]:
        """Greatest distance from hip to ankle."""
        return both(lambda s: longest(self.bone(HIP[s], KNEE[s]), self.bone(KNEE[s], ANKLE[s]), 0))

    @cached_property
    def arm_reach(self) -> tuple[float, float]:
        """Greatest distance from shoulder to wrist."""
        return both(lambda s: longest(self.bone(SHOULDER[s], ELBOW[s]), self.bone(ELBOW[s], WRIST[s]), 1))

    @cached_property
    def leg(self) -> float:
        """Mean reach of the legs plus ankle height: hip height of a straight leg."""
        return 0.5 * (sum(self.leg_reach) + sum(self.ankle_height))

    @cached_property
    def pelvis_height(self) -> float:
        """Height of the pelvis joint at rest."""
        return float(self.joints[PELVIS, 1] - 0.5 * sum(self.floor))

    @cached_property
    def stature(self) -> float:
        """About the height of the crown: the head joint lies at 0.915 of it (SMPL's mean bodies)."""
        return float(self.joints[HEAD, 1] - 0.5 * sum(self.floor)) / 0.915

    @cached_property
    def hip_width(self) -> float:
        """Half the distance between the hip joints."""
        return 0.5 * abs(float(self.joints[HIP[LEFT], 0] - self.joints[HIP[RIGHT], 0]))

    @cached_property
    def stance(self) -> float:
        """Half the distance between the ankles of someone who stands at ease."""
        return max(0.085 * self.leg, 1.15 * self.hip_width)

    def heel(self, side: int) -> np.ndarray:
        """(3,) hindmost point of the sole that bears weight, relative to the ankle."""
        points, carriers = self.skeleton.soles[side], self.skeleton.sole_joints[side]
        low = (points[:, 1] < self.floor[side] + 0.01) & (carriers == ANKLE[side])
        candidates = points[low] if low.any() else points
        back = candidates[candidates[:, 2].argmin()]
        return np.array([0.0, self.floor[side], back[2]]) - np.array([0.0, *self.joints[ANKLE[side], 1:]])

    def ball(self, side: int) -> np.ndarray:
        """(3,) the foot joint relative to the ankle."""
        return self.bone(ANKLE[side], FOOT[side])


def check_skeleton(skeleton: Skeleton) -> None:
    """Raise ConfigError unless the skeleton is one that the actions can move."""
    joints = np.asarray(skeleton.joints)
    if joints.shape not in ((24, 3), (52, 3)):
        raise ConfigError(
            f"The skeleton's joints have shape {joints.shape}; procedural motion needs (24, 3) or (52, 3). "
            "Ask for a body with 24 (SMPL) or 52 (SMPL-H) joints."
        )
    if min(len(points) for points in skeleton.soles) == 0:
        raise ConfigError(
            "The skeleton has no sole points; expected at least one for each foot. Rebuild it with the body's soles."
        )


def mirror_skeleton(skeleton: Skeleton) -> Skeleton:
    """The reflection in x: its left is the original's right."""
    order = mirror_order(len(skeleton.joints))
    flip = np.array([-1.0, 1.0, 1.0])
    swap = np.arange(len(skeleton.joints))[order]
    return Skeleton(
        joints=skeleton.joints[order] * flip,
        parents=skeleton.parents,
        soles=both(lambda s: skeleton.soles[1 - s] * flip),
        sole_joints=both(lambda s: swap[skeleton.sole_joints[1 - s]]),
    )


def mirror_track(track: PoseTrack) -> PoseTrack:
    """The reflection in x of the floor frame (the model frame's axes)."""
    order = mirror_order(track.pose.shape[1])
    return PoseTrack(track.pose[:, order] * _MIRROR, track.transl * np.array([-1.0, 1.0, 1.0]))


def mirror_order(num_joints: int) -> np.ndarray:
    """(J,) number of the joint on the other side, of 24 or 52 joints."""
    order = np.arange(num_joints)
    pairs = [(1, 2), (4, 5), (7, 8), (10, 11), (13, 14), (16, 17), (18, 19), (20, 21)]
    pairs += [(22, 23)] if num_joints == 24 else [(22 + k, 37 + k) for k in range(15)]
    for left, right in pairs:
        order[left], order[right] = right, left
    return order

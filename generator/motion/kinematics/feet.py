"""Feet on the floor: from where a foot stands and how it rolls to the poses of ankle and toes.

A foot rolls over its heel (toes up) or over its ball (heel up); the pivot rests where the foot
stands, so a foot whose base does not move cannot slide.
"""

from dataclasses import dataclass

import numpy as np

from mannequin.generator import exact
from mannequin.generator.motion.kinematics.figure import SIDE_SIGN, Figure
from mannequin.generator.motion.skeletons import ANKLE, FOOT
from mannequin.generator.rotations import rx, ry, turn


@dataclass(eq=False)
class FootTrack:
    """One foot over T times, in the floor frame (Y up, floor y = 0).

    base: (T, 3) where the point under the ankle would be if the foot were put flat; y is the lift
    of the pivot. heading: (T,) rad about +Y, 0 faces +Z. pitch: (T,) rad, positive with the toes up
    (pivot: heel), negative with the heel up (pivot: ball). toe: (T,) rad, toes bent up against
    the foot; toes lie flat where toe = -pitch.
    """

    base: np.ndarray
    heading: np.ndarray
    pitch: np.ndarray
    toe: np.ndarray


@dataclass(frozen=True, eq=False)
class FootPose:
    """ankle: (T, 3) in the floor frame. foot: (T, 3, 3) orientation. toe: (T, 3, 3) local rotation."""

    ankle: np.ndarray
    foot: np.ndarray
    toe: np.ndarray


def planted(side: int, count: int, width: float, toe_out: float) -> FootTrack:
    """A foot that stands flat, ``width`` from the middle, turned out by ``toe_out`` rad."""
    sign = SIDE_SIGN[side]
    still = np.zeros(count)
    base = np.broadcast_to([sign * width, 0.0, 0.0], (count, 3)).copy()
    return FootTrack(base, np.full(count, sign * toe_out), still.copy(), still.copy())


def ankle_offset(figure: Figure, side: int, pitch: np.ndarray) -> np.ndarray:
    """(T, 3) ankle relative to the base, in the foot's heading frame."""
    rise = np.array([0.0, figure.ankle_height[side], 0.0])
    pivot = np.where(pitch[:, None] > 0, figure.heel(side), figure.ball(side))
    return rise + pivot - turn(rx(-pitch), pivot)


def foot_pose(figure: Figure, side: int, track: FootTrack) -> FootPose:
    """Place the foot; where part of the sole would be below the floor, the foot is lifted onto it."""
    heading = ry(track.heading)
    ankle = track.base + turn(heading, ankle_offset(figure, side, track.pitch))
    ankle[:, 1] -= np.minimum(_lowest(figure, side, ankle[:, 1], track), 0.0)
    return FootPose(ankle, exact.matmul(heading, rx(-track.pitch)), rx(-track.toe))


def _lowest(figure: Figure, side: int, ankle_height: np.ndarray, track: FootTrack) -> np.ndarray:
    """(T,) height of the lowest sole point. Heights do not depend on the heading."""
    points, carriers = figure.skeleton.soles[side], figure.skeleton.sole_joints[side]
    on_toe = carriers == FOOT[side]
    heel = points[~on_toe] - figure.joints[ANKLE[side]]
    toes = points[on_toe] - figure.joints[FOOT[side]]
    heights = []
    if len(heel):
        heights.append(_height(heel, track.pitch).min(1))
    if len(toes):
        ball = _height(figure.ball(side)[None], track.pitch)
        heights.append((ball + _height(toes, track.pitch + track.toe)).min(1))
    return ankle_height + np.min(heights, axis=0)


def _height(points: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """(T, K) heights of (K, 3) points turned toes up by ``pitch`` (T,)."""
    return np.outer(exact.cos(pitch), points[:, 1]) + np.outer(exact.sin(pitch), points[:, 2])

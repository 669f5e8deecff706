"""Arms: hanging, held at angles, or reaching for a point; the elbow is a pure hinge.

Angles are written for the left arm and mirrored for the right, so one set of numbers serves both.
"""

from dataclasses import dataclass

import numpy as np

from mannequin.generator import exact
from mannequin.generator.motion.ik import forearm_and_wrist, soften, two_bone
from mannequin.generator.motion.kinematics.figure import SIDE_SIGN, Figure
from mannequin.generator.motion.skeletons import COLLAR, ELBOW, SHOULDER, WRIST
from mannequin.generator.rotations import DEG, blend, frame, rx, ry, rz, transpose, turn, unit

Angle = float | np.ndarray
"""One, or (T,)."""


@dataclass(eq=False)
class ArmPose:
    """Local rotations of one arm over T times.

    collar, shoulder, wrist: (T, 3, 3). elbow: (T,) flexion in rad. forearm: (T, 3, 3) twist of the
    forearm about its own axis, applied after the flexion at the elbow joint.
    """

    collar: np.ndarray
    shoulder: np.ndarray
    elbow: np.ndarray
    forearm: np.ndarray
    wrist: np.ndarray


@dataclass(frozen=True, eq=False)
class Trunk:
    """What an arm hangs on and may rest on, in the floor frame: chest (T, 3, 3) orientation; collars and
    hips, joints of (left, right), (T, 3) each."""

    chest: np.ndarray
    collars: tuple[np.ndarray, np.ndarray]
    hips: tuple[np.ndarray, np.ndarray]


def elbow_rotation(side: int, flexion: np.ndarray) -> np.ndarray:
    """(T, 3, 3): flexion carries the forearm forward from the T-pose."""
    return ry(-SIDE_SIGN[side] * flexion)


def held(
    side: int,
    count: int,
    swing: Angle = 0.0,
    out: Angle = 0.0,
    inward: Angle = 0.0,
    twist: Angle = 0.0,
    elbow: Angle = 0.0,
    pronate: Angle = 0.0,
    shrug: Angle = 0.0,
) -> ArmPose:
    """An arm at given angles, each a number or (T,) in rad.

    swing: upper arm forward of hanging. out: away from the body (0 hangs, pi / 2 is the T-pose).
    inward: turned about the vertical towards the other side, after the rest. twist: about the
    upper arm, positive turns a flexed forearm in towards the belly, negative out and up. elbow: flexion. pronate: turns
    the palm backward when hanging. shrug: collar up.
    """
    sign = SIDE_SIGN[side]
    swing, out, inward, twist, elbow, pronate, shrug = (
        np.broadcast_to(np.asarray(v, float), (count,)) for v in (swing, out, inward, twist, elbow, pronate, shrug)
    )
    droop = 8.0 * DEG * np.clip(1.0 - out / (0.5 * np.pi), -1.0, 1.0) - shrug
    collar = rz(-sign * droop)
    down = 0.5 * np.pi - out - droop
    shoulder = exact.matmul(ry(-sign * inward), rx(-swing), rz(-sign * down), rx(twist))
    half = rx(0.5 * pronate)
    return ArmPose(np.ascontiguousarray(collar), shoulder, elbow.copy(), half, half.copy())


def reaching(
    figure: Figure,
    side: int,
    trunk: Trunk,
    target: np.ndarray,
    elbow_towards: np.ndarray,
    palm: np.ndarray | None = None,
    shrug: Angle = 0.0,
) -> ArmPose:
    """An arm whose wrist goes to ``target`` (T, 3) in the floor frame, as far as it reaches.

    elbow_towards: (3,) or (T, 3) where the elbow points, on the chest (its axes at rest). palm:
    (T, 3, 3) orientation of the hand in the floor frame (identity: the T-pose's), or None to leave the
    wrist straight. shrug: (T,) rad, the collar lifts.
    """
    sign, count = SIDE_SIGN[side], len(target)
    collar = np.broadcast_to(rz(sign * np.asarray(shrug, float)), (count, 3, 3))
    girdle = exact.matmul(trunk.chest, collar)
    shoulder_at = trunk.collars[side] + turn(girdle, figure.bone(COLLAR[side], SHOULDER[side]))
    local = turn(transpose(girdle), target - shoulder_at)
    distance = np.linalg.norm(local, axis=-1, keepdims=True)
    reach = 0.995 * figure.arm_reach[side]
    local = local * soften(distance, reach, 0.06 * reach) / np.maximum(distance, 1e-9)
    hinge = np.cross(np.broadcast_to(elbow_towards, local.shape), unit(local))
    upper, lower = figure.bone(SHOULDER[side], ELBOW[side]), figure.bone(ELBOW[side], WRIST[side])
    shoulder, flexion = two_bone(upper, lower, 1, -sign, local, hinge)
    straight = np.broadcast_to(np.eye(3), (count, 3, 3))
    if palm is None:
        return ArmPose(collar, shoulder, flexion, straight, straight)
    forearm = exact.matmul(girdle, shoulder, elbow_rotation(side, flexion))
    half, wrist = forearm_and_wrist(palm, forearm)
    return ArmPose(collar, shoulder, flexion, half, wrist)


def hand_frame(side: int, fingers: np.ndarray, palm: np.ndarray) -> np.ndarray:
    """Orientation of a hand whose fingers point along ``fingers`` and whose palm faces ``palm``
    (each (3,) or (T, 3)); identity is the T-pose, fingers sideways and palm down."""
    sign = SIDE_SIGN[side]
    return frame(sign * np.asarray(fingers, float), -np.asarray(palm, float))


def mixed(start: ArmPose, end: ArmPose, weight: np.ndarray) -> ArmPose:
    """From one pose of an arm to another at ``weight`` (T,) in [0, 1]."""
    return ArmPose(
        blend(start.collar, end.collar, weight),
        blend(start.shoulder, end.shoulder, weight),
        start.elbow + (end.elbow - start.elbow) * weight,
        blend(start.forearm, end.forearm, weight),
        blend(start.wrist, end.wrist, weight),
    )

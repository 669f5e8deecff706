"""Recorded motion onto the skeleton of another person.

Every joint of ours gets a world orientation: that of the recorded joint relative to its reference
pose, after a constant turn (``alignment``) that lays our rest limb along the recorded reference
limb. Arms and legs therefore point exactly where the recorded ones do; trunk, head and feet, whose
bones differ in anatomy from one skeleton to the next, turn as the recorded ones turn from standing
straight. The pelvis travels in proportion to the length of the legs.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_dilation

from mannequin.generator import exact
from mannequin.generator.motion.base import Skeleton
from mannequin.generator.motion.foot_contact import plant_feet
from mannequin.generator.motion.joint_names import FINGERS
from mannequin.generator.motion.shared import CARRIED_TOLD
from mannequin.generator.motion.skeletons import (
    ANKLE,
    COLLAR,
    ELBOW,
    FOOT,
    HEAD,
    HIP,
    KNEE,
    NECK,
    PELVIS,
    SHOULDER,
    SPINE,
    WRIST,
    leg_length,
    local_rotations,
)
from mannequin.generator.motion.source import Source
from mannequin.generator.rotations import (
    angle_between,
    from_axis_angle,
    rotation_between,
    slerp,
    to_matrices,
    to_quaternions,
    turn,
    unit,
)

HINGES = {"knee": ((1.0, 0.0, 0.0), (1.0, 0.0, 0.0)), "elbow": ((0.0, -1.0, 0.0), (0.0, 1.0, 0.0))}
"""Axes about which (left, right) knees and elbows bend in our T-pose, model frame."""

BENT = np.deg2rad(20.0)
MAX_HINGE_TURN = np.deg2rad(60.0)
MAX_FOOT_TILT = np.deg2rad(45.0)
MAX_HAND_BEND = np.deg2rad(110.0)
MAX_HAND_SPEED = np.deg2rad(2400.0)
"""What a hand can do against its forearm; per second for the speed."""

HAND_EASE = 0.06
"""Seconds before and after an impossible frame that are bridged with it."""

TRUSTED, PLANTED = "as recorded", "feet that stand are put on the floor"

STANCE_SPEED = 0.12
"""Leg lengths per second below which ankle and toe are taken to stand."""


@dataclass(frozen=True, eq=False)
class Retargeted:
    """A recording on one skeleton, at the recording's own T frames.

    rotations: (T, J, 4) quaternions (x, y, z, w) of SMPL's local rotations. transl: (T, 3) metres.
    floor: what was done about its heights, in words.
    """

    rotations: np.ndarray
    transl: np.ndarray
    floor: str = TRUSTED


def retarget(source: Source, skeleton: Skeleton, trust: bool = False) -> Retargeted:
    """Pose ``skeleton`` like ``source``, feet on the floor. trust: at the heights that were recorded."""
    orientation = target_orientations(source, skeleton)
    pelvis = pelvis_path(source, skeleton, orientation)
    floor, shared = TRUSTED, source.shared
    if shared is not None and shared.carried and not trust:
        floor, pelvis = CARRIED_TOLD, pelvis - np.array([0.0, 0.0, shared.floor])
    elif not trust:
        orientation, pelvis, wrong = plant_feet(orientation, pelvis, skeleton, source.rate)
        floor = wrong or PLANTED
    local = local_rotations(orientation, skeleton.parents)
    return Retargeted(to_quaternions(local), pelvis - skeleton.joints[0], floor)


def source_leg_length(source: Source) -> float:
    """In the unit of the source."""
    return leg_length(source.reference, *(source.pair(r) for r in ("hip", "knee", "ankle")))


def pelvis_path(source: Source, skeleton: Skeleton, orientation: np.ndarray) -> np.ndarray:
    """(T, 3) pelvis in metres: the middle of the hips travels as recorded, scaled by leg length; of several people who
    were recorded together only its height, see ``shared.py``."""
    legs = leg_length(skeleton.joints, HIP, KNEE, ANKLE) / source_leg_length(source)
    scale = legs if source.shared is None else np.array([source.shared.scale, source.shared.scale, legs])
    hips = source.position[:, source.pair("hip")].mean(axis=1) * scale
    offset = skeleton.joints[list(HIP)].mean(axis=0) - skeleton.joints[PELVIS]
    return hips - turn(orientation[:, PELVIS], offset)


def target_orientations(source: Source, skeleton: Skeleton) -> np.ndarray:
    """(T, J, 3, 3) from our model frame at rest to the world, for every joint of ``skeleton``."""
    roles, recorded = source.roles, source.orientation
    out = np.empty((len(recorded), len(skeleton.joints), 3, 3))
    trunk = (roles.pelvis, *roles.spine)
    out[:, PELVIS] = recorded[:, roles.pelvis]
    for k, joint in enumerate(SPINE, start=1):
        out[:, joint] = along(recorded, trunk, k / len(SPINE))
    neck = (roles.chest, *roles.neck)
    out[:, NECK], out[:, HEAD] = along(recorded, neck, 0.5), recorded[:, roles.head]
    for side in (0, 1):
        _leg(source, skeleton, side, out)
        _arm(source, skeleton, side, out)
        _hand(source, skeleton, side, out)
    return out


def along(orientation: np.ndarray, chain, share: float) -> np.ndarray:
    """(T, 3, 3) orientation at a share of the way along a chain of joints of ``orientation`` (T, J, 3, 3)."""
    at = share * (len(chain) - 1)
    low = min(int(np.floor(at + 1e-9)), len(chain) - 1)
    if at - low < 1e-9:
        return orientation[:, chain[low]]
    a, b = (to_quaternions(orientation[:, chain[k]]) for k in (low, low + 1))
    return to_matrices(slerp(a, b, at - low))


def _carrier(source: Source, end: int) -> int:
    """The joint whose rotation moves ``end``."""
    return int(source.parents[end])


def _limb(source: Source, upper: int, lower: int, align: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """(T, 3, 3): our limb of rest direction ``rest`` (3,), turned with the recorded one from upper to lower.

    Twist comes from the joint that carries ``lower``; a last swing makes the direction exact where
    the recorded limb is a chain of several joints.
    """
    turned = exact.matmul(source.orientation[:, _carrier(source, lower)], align)
    wanted = source.position[:, lower] - source.position[:, upper]
    return exact.matmul(rotation_between(turn(turned, rest), wanted), turned)


def _lay(align: np.ndarray, rest: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """(3, 3) ``align`` swung further so that ``rest`` (3,) falls on direction ``reference`` (3,)."""
    return exact.matmul(rotation_between(exact.matmul(align, rest), reference), align)


def _bone(joints: np.ndarray, a: int, b: int) -> np.ndarray:
    return joints[b] - joints[a]


def _two_bones(source: Source, skeleton: Skeleton, side: int, ours, theirs, hinge: str, out) -> np.ndarray:
    """Fill the upper and lower bone of a limb into ``out``; return the lower bone's alignment (3, 3)."""
    a, b, c = (joints[side] for joints in ours)
    i, j, k = (source.roles.sided[role][side] for role in theirs)
    upper, lower = _bone(skeleton.joints, a, b), _bone(skeleton.joints, b, c)
    align = _lay(np.eye(3), upper, _bone(source.reference, i, j))
    align = _turn_to_hinge(source, (i, j, k), np.array(HINGES[hinge][side]), align)
    out[:, a] = _limb(source, i, j, align, upper)
    align = _lay(align, lower, _bone(source.reference, j, k))
    out[:, b] = _limb(source, j, k, align, lower)
    return align


def _turn_to_hinge(source: Source, limb, hinge: np.ndarray, align: np.ndarray) -> np.ndarray:
    """``align`` (3, 3) twisted about the recorded upper bone so that our ``hinge`` lies on theirs.

    Theirs is the axis about which the limb is seen to bend; nothing is done where it hardly bends,
    bends about many axes, or lies too far from ours to be the same anatomy.
    """
    i, j, k = limb
    upper, lower = (source.orientation[:, _carrier(source, end)] for end in (j, k))
    bend = exact.matmul(np.swapaxes(upper, -1, -2), lower)
    bone = unit(_bone(source.reference, i, j))
    before, after = unit(_bone(source.reference, j, k)), turn(bend, unit(_bone(source.reference, j, k)))
    bent = angle_between(before, after) > BENT
    if bent.sum() < 10:
        return align
    seen = unit(np.cross(before, after[bent])).mean(axis=0)
    theirs, ours = (v - bone * (exact.matmul(v, bone)) for v in (seen, exact.matmul(align, hinge)))
    if exact.norm(theirs) < 0.9 or angle_between(theirs, ours) > MAX_HINGE_TURN:
        return align
    return exact.matmul(rotation_between(ours, theirs), align)


def _leg(source: Source, skeleton: Skeleton, side: int, out: np.ndarray) -> None:
    lower = _two_bones(source, skeleton, side, (HIP, KNEE, ANKLE), ("hip", "knee", "ankle"), "knee", out)
    ankle, foot = ANKLE[side], FOOT[side]
    if "toe" not in source.roles.sided:
        out[:, ankle] = exact.matmul(source.orientation[:, source.roles.sided["ankle"][side]], lower)
        out[:, foot] = out[:, ankle]
        return
    toe = source.roles.sided["toe"][side]
    for ours, theirs in ((ankle, _carrier(source, toe)), (foot, toe)):
        align = _foot_alignment(source, side, theirs, _bone(skeleton.joints, ankle, foot))
        out[:, ours] = exact.matmul(source.orientation[:, theirs], align)


def _foot_alignment(source: Source, side: int, joint: int, rest: np.ndarray) -> np.ndarray:
    """(3, 3) our rest foot, flat on the floor, laid on the recorded reference foot.

    joint: the recorded joint that turns it, before or after the ball. Forward goes by ankle and toe
    joint seen from above; upward is what is upright while the recorded foot stands still, as
    reference poses with legs apart or drooping toes hold it tilted.
    """
    ankle, toe = (source.roles.sided[role][side] for role in ("ankle", "toe"))
    ours = _frame(np.array([0.0, 1.0, 0.0]), rest)
    return exact.matmul(_frame(_stance_up(source, ankle, toe, joint), _bone(source.reference, ankle, toe)), ours.T)


def _frame(up: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """(3, 3) columns left, up, forward."""
    left = unit(np.cross(up, forward))
    return np.stack([left, up, np.cross(left, up)], axis=1)


def _stance_up(source: Source, ankle: int, toe: int, joint: int) -> np.ndarray:
    """(3,) the world's up in the reference frame of ``joint``, median over the frames in which the foot stands."""
    upright = np.array([0.0, 1.0, 0.0])
    if len(source.position) < 3:
        return upright
    limit = STANCE_SPEED * source_leg_length(source) / source.rate
    speed = exact.norm(np.gradient(source.position[:, [ankle, toe]], axis=0)).max(axis=1)
    still = speed < limit
    if still.sum() < 10:
        return upright
    up = unit(np.median(source.orientation[still, joint, 2], axis=0))
    return up if angle_between(up, upright) < MAX_FOOT_TILT else upright


def _arm(source: Source, skeleton: Skeleton, side: int, out: np.ndarray) -> None:
    sided = source.roles.sided
    collar = sided["collar"][side] if "collar" in sided else source.roles.chest
    out[:, COLLAR[side]] = source.orientation[:, collar]
    _two_bones(source, skeleton, side, (SHOULDER, ELBOW, WRIST), ("shoulder", "elbow", "wrist"), "elbow", out)


def _hand(source: Source, skeleton: Skeleton, side: int, out: np.ndarray) -> None:
    """Wrist and what hangs from it. Half of the wrist's twist goes into the forearm, as in a body."""
    elbow, wrist = ELBOW[side], WRIST[side]
    align = np.eye(3)
    if "hand_end" in source.roles.sided:
        i, j, k = (source.roles.sided[role][side] for role in ("elbow", "wrist", "hand_end"))
        forearm, hand = _bone(skeleton.joints, elbow, wrist), _knuckles(skeleton, wrist)
        align = _lay(align, forearm, _bone(source.reference, i, j))
        align = _lay(align, hand, _bone(source.reference, j, k))
        out[:, wrist] = _mend(out[:, elbow], _limb(source, j, k, align, hand), hand, source.rate)
        out[:, elbow] = _share_twist(out[:, elbow], out[:, wrist], forearm)
    else:
        out[:, wrist] = out[:, elbow]
    _fingers(source, skeleton, side, align, out)


def _knuckles(skeleton: Skeleton, wrist: int) -> np.ndarray:
    """(3,) from the wrist to the middle of the fingers' first joints, without the thumb's."""
    below = np.flatnonzero(skeleton.parents == wrist)[:4]
    return skeleton.joints[below].mean(axis=0) - skeleton.joints[wrist]


def _mend(forearm: np.ndarray, hand: np.ndarray, rest: np.ndarray, rate: float) -> np.ndarray:
    """(T, 3, 3) hands whose impossible frames are bridged from the possible ones around them.

    Few markers hold a recorded hand: where it is bent far, as when it bears on the floor, it turns
    over within a frame. rest: (3,) direction of our hand.
    """
    relative = exact.matmul(np.swapaxes(forearm, -1, -2), hand)
    q = to_quaternions(relative)
    step = 2.0 * exact.arccos(np.clip(np.abs(np.sum(q[1:] * q[:-1], axis=1)), 0.0, 1.0)) * rate > MAX_HAND_SPEED
    bent = angle_between(turn(relative, rest), rest) > MAX_HAND_BEND
    impossible = np.append(step, False) | np.append(False, step) | bent
    around = np.ones(2 * max(1, round(HAND_EASE * rate)) + 1)
    good = np.flatnonzero(np.logical_not(binary_dilation(impossible, around)))
    if len(good) in (0, len(q)):
        return hand if len(good) else forearm
    frames = np.arange(len(q))
    after = np.searchsorted(good, frames).clip(0, len(good) - 1)
    high = good[after]
    low = np.where(high <= frames, high, good[np.maximum(after - 1, 0)])
    share = ((frames - low) / np.maximum(high - low, 1)).clip(0.0, 1.0)
    return exact.matmul(forearm, to_matrices(slerp(q[low], q[high], share)))


def _share_twist(lower: np.ndarray, hand: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """(T, 3, 3) forearms turned about their own axis by half of the hand's twist against them.

    Beyond 120° the share goes back to nothing at 180°, where half of the twist would change sides.
    """
    axis = unit(rest)
    q = to_quaternions(exact.matmul(np.swapaxes(lower, -1, -2), hand))
    twist = 2.0 * exact.arctan2(exact.matmul(q[:, :3], axis), q[:, 3])
    twist = (twist + np.pi) % (2.0 * np.pi) - np.pi
    share = np.sign(twist) * np.minimum(0.5 * np.abs(twist), np.pi - np.abs(twist))
    return exact.matmul(lower, to_matrices(from_axis_angle(axis * share[:, None])))


def _fingers(source: Source, skeleton: Skeleton, side: int, align: np.ndarray, out: np.ndarray) -> None:
    """Fingers turn as recorded; a joint that was not recorded stays straight."""
    if len(skeleton.joints) == 24:
        out[:, 22 + side] = out[:, WRIST[side]]
        return
    for f, finger in enumerate(FINGERS):
        for k in range(3):
            joint = 22 + 15 * side + 3 * f + k
            theirs = source.roles.fingers.get((side, finger, k))
            if theirs is None:
                out[:, joint] = out[:, skeleton.parents[joint]]
            else:
                out[:, joint] = exact.matmul(source.orientation[:, theirs], align)

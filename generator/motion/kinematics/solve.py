"""From a plan to joint rotations: balance the body, keep the legs in reach, solve the limbs."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mannequin.generator import exact
from mannequin.generator.motion.base import PoseTrack
from mannequin.generator.motion.curves import soft_min
from mannequin.generator.motion.ik import two_bone
from mannequin.generator.motion.kinematics.arms import ArmPose, Trunk, elbow_rotation
from mannequin.generator.motion.kinematics.feet import FootPose, foot_pose
from mannequin.generator.motion.kinematics.figure import LEFT, RIGHT, SIDE_SIGN, Figure, both
from mannequin.generator.motion.kinematics.hands import FINGER_START, hand_pose, mitten_pose
from mannequin.generator.motion.kinematics.plan import Plan
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
    SPINE1,
    SPINE2,
    SPINE3,
    WRIST,
)
from mannequin.generator.rotations import axis_angle, part_of, rx, ry, rz, transpose, turn

KNEE_SLACK = 0.998
"""Greatest share of the leg's reach used: a knee keeps some seven degrees of flexion."""

# Masses of segments as shares of the body's (Winter, Biomechanics, table 4.1), each a point on
# the way from one joint to another.
_TRUNK_MASSES = (
    (PELVIS, SPINE1, 0.5, 0.142),
    (SPINE1, SPINE3, 0.5, 0.139),
    (SPINE3, NECK, 0.4, 0.216),
    (NECK, HEAD, 1.0, 0.081),
)
_ARM_MASSES = ((SHOULDER, ELBOW, 0.436, 0.028), (ELBOW, WRIST, 0.7, 0.022))
_LEG_MASSES = ((HIP, KNEE, 0.433, 0.100), (KNEE, ANKLE, 0.433, 0.0465), (ANKLE, FOOT, 0.5, 0.0145))


@dataclass(frozen=True, eq=False)
class Upper:
    """Trunk, head and arms about the pelvis: local rotations and joint positions, both by joint number."""

    local: dict[int, np.ndarray]
    at: dict[int, np.ndarray]


def solve(plan: Plan, figure: Figure) -> PoseTrack:
    """Pose the figure as planned. The result is in the floor frame (Y up), not yet in the world."""
    feet = both(lambda side: foot_pose(figure, side, plan.feet[side]))
    root = exact.matmul(ry(plan.heading), rx(plan.tilt), rz(-plan.roll))
    spine = _spine(plan)
    pelvis = plan.pelvis.copy()
    upper = _upper(plan, figure, root, spine, pelvis)
    for _ in range(3):
        pelvis[:, 1] = _height_in_reach(plan, figure, root, pelvis, feet)
        legs = _legs(plan, figure, root, pelvis, feet)
        off = plan.support - _centre_of_mass(figure, upper, legs, pelvis)
        pelvis[:, [0, 2]] += plan.balance[:, None] * off
    pelvis[:, 1] = _height_in_reach(plan, figure, root, pelvis, feet)
    upper = _upper(plan, figure, root, spine, pelvis)
    legs = _legs(plan, figure, root, pelvis, feet)
    return _track(plan, figure, root, pelvis, upper, legs, feet)


def _spine(plan: Plan) -> dict[int, np.ndarray]:
    """Local rotations of the spine: bending low, twisting high."""
    shares = {SPINE1: (0.38, 0.20, 0.30), SPINE2: (0.34, 0.35, 0.35), SPINE3: (0.28, 0.45, 0.35)}
    return {
        joint: exact.matmul(ry(twist * plan.twist), rx(bend * plan.bend), rz(-side * plan.side_bend))
        for joint, (bend, twist, side) in shares.items()
    }


def _upper(plan: Plan, figure: Figure, root, spine, pelvis) -> Upper:
    """Trunk by forward kinematics, head by its gaze, arms as the plan says."""
    local, at, rotation = dict(spine), {PELVIS: pelvis}, root
    parent = PELVIS
    for joint in (SPINE1, SPINE2, SPINE3):
        at[joint] = at[parent] + turn(rotation, figure.bone(parent, joint))
        rotation = exact.matmul(rotation, local[joint])
        parent = joint
    chest = rotation
    local[NECK], local[HEAD] = _head(plan, chest)
    at[NECK] = at[SPINE3] + turn(chest, figure.bone(SPINE3, NECK))
    at[HEAD] = at[NECK] + turn(exact.matmul(chest, local[NECK]), figure.bone(NECK, HEAD))
    collars = both(lambda side: at[SPINE3] + turn(chest, figure.bone(SPINE3, COLLAR[side])))
    hips = both(lambda side: pelvis + turn(root, figure.bone(PELVIS, HIP[side])))
    arms = plan.arms(Trunk(chest, collars, hips))
    for side in (LEFT, RIGHT):
        _place_arm(figure, side, arms[side], chest, collars[side], local, at)
    return Upper(local, at)


def _head(plan: Plan, chest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Neck and head share the turn from the chest to the gaze."""
    yaw, pitch, roll = plan.gaze.T
    wanted = exact.matmul(transpose(chest), ry(yaw), rx(pitch), rz(-roll))
    neck = part_of(wanted, 0.42)
    return neck, exact.matmul(transpose(neck), wanted)


def _place_arm(figure: Figure, side: int, arm: ArmPose, chest, collar_at, local, at) -> None:
    local[COLLAR[side]], local[SHOULDER[side]] = arm.collar, arm.shoulder
    local[ELBOW[side]] = exact.matmul(elbow_rotation(side, arm.elbow), arm.forearm)
    local[WRIST[side]] = arm.wrist
    rotation, place = chest, collar_at
    chain = (COLLAR[side], SHOULDER[side], ELBOW[side], WRIST[side])
    for joint, child in pairwise(chain):
        rotation = exact.matmul(rotation, local[joint])
        place = place + turn(rotation, figure.bone(joint, child))
        at[child] = place


def _height_in_reach(plan: Plan, figure: Figure, root, pelvis, feet: tuple[FootPose, FootPose]) -> np.ndarray:
    """(T,) the planned pelvis height, lowered smoothly until both ankles are within reach."""
    limits = []
    for side in (LEFT, RIGHT):
        hip = turn(root, figure.bone(PELVIS, HIP[side]))
        gap = (pelvis + hip - feet[side].ankle)[:, [0, 2]]
        reach = KNEE_SLACK * figure.leg_reach[side]
        rise = np.sqrt(np.maximum(reach**2 - (gap**2).sum(1), (0.2 * reach) ** 2))
        limits.append(feet[side].ankle[:, 1] + rise - hip[:, 1])
    return soft_min(plan.pelvis[:, 1], *limits, width=0.0025 * figure.leg)


def _legs(plan: Plan, figure: Figure, root, pelvis, feet) -> list[tuple]:
    """Per side: (hip local, knee flexion, ankle local, positions of hip, knee and ankle)."""
    legs = []
    for side in (LEFT, RIGHT):
        thigh_bone, shank_bone = figure.bone(HIP[side], KNEE[side]), figure.bone(KNEE[side], ANKLE[side])
        hip_at = pelvis + turn(root, figure.bone(PELVIS, HIP[side]))
        facing = 0.7 * plan.feet[side].heading + 0.3 * plan.heading + SIDE_SIGN[side] * plan.knees_out
        lateral = turn(ry(facing), np.array([1.0, 0.0, 0.0]))
        thigh, flexion = two_bone(thigh_bone, shank_bone, 0, 1.0, feet[side].ankle - hip_at, lateral)
        shank = exact.matmul(thigh, rx(flexion))
        knee_at = hip_at + turn(thigh, thigh_bone)
        ankle_at = knee_at + turn(shank, shank_bone)
        legs.append(
            (
                exact.matmul(transpose(root), thigh),
                flexion,
                exact.matmul(transpose(shank), feet[side].foot),
                (hip_at, knee_at, ankle_at),
            )
        )
    return legs


def _centre_of_mass(figure: Figure, upper: Upper, legs, pelvis) -> np.ndarray:
    """(T, 2) x, z in the floor frame of the centre of mass; ``upper`` may be posed about another pelvis."""
    shift = pelvis - upper.at[PELVIS]
    total, mass = np.zeros_like(pelvis), 0.0

    def add(start, end, share, weight):
        nonlocal total, mass
        total = total + weight * (start + share * (end - start))
        mass += weight

    for start, end, share, weight in _TRUNK_MASSES:
        add(upper.at[start] + shift, upper.at[end] + shift, share, weight)
    for side in (LEFT, RIGHT):
        for start, end, share, weight in _ARM_MASSES:
            add(upper.at[start[side]] + shift, upper.at[end[side]] + shift, share, weight)
        hip, knee, ankle = legs[side][3]
        for (start, end), (_, _, share, weight) in zip(((hip, knee), (knee, ankle), (ankle, ankle)), _LEG_MASSES):
            add(start, end, share, weight)
    return (total / mass)[:, [0, 2]]


def _track(plan: Plan, figure: Figure, root, pelvis, upper: Upper, legs, feet) -> PoseTrack:
    count, joints = len(pelvis), len(figure.joints)
    pose = np.zeros((count, joints, 3))
    numbers, matrices = [PELVIS], [root]
    for joint, rotation in upper.local.items():
        numbers.append(joint)
        matrices.append(rotation)
    for side in (LEFT, RIGHT):
        hip, flexion, ankle, _ = legs[side]
        pose[:, KNEE[side], 0] = flexion
        numbers += [HIP[side], ANKLE[side], FOOT[side]]
        matrices += [hip, ankle, feet[side].toe]
    pose[:, numbers] = axis_angle(np.stack(matrices, 1))
    for side in (LEFT, RIGHT):
        if joints == 24:
            pose[:, 22 + side] = mitten_pose(side, count)[:, 0]
        else:
            first = FINGER_START[side]
            pose[:, first : first + 15] = hand_pose(figure, side, *plan.hands[side])
    return PoseTrack(pose, pelvis - figure.joints[PELVIS])

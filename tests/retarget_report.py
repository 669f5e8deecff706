"""How true a retargeted motion is to its recording, in figures."""

from dataclasses import dataclass

import numpy as np

from mannequin.generator.motion.base import Skeleton
from mannequin.generator.motion.foot_contact import contacts, intervals, slip
from mannequin.generator.motion.retarget import HINGES, Retargeted
from mannequin.generator.motion.skeletons import (
    ANKLE,
    ELBOW,
    FOOT,
    HIP,
    KNEE,
    SHOULDER,
    WRIST,
    joint_positions,
    sole_points,
    world_orientations,
)
from mannequin.generator.motion.source import Source
from mannequin.generator.rotations import angle_between, to_matrices, turn, unit

LIMBS = {
    "thigh": ("hip", "knee", HIP, KNEE),
    "shin": ("knee", "ankle", KNEE, ANKLE),
    "upper arm": ("shoulder", "elbow", SHOULDER, ELBOW),
    "forearm": ("elbow", "wrist", ELBOW, WRIST),
}
BENT = np.deg2rad(25.0)


@dataclass(frozen=True)
class RetargetReport:
    """Angles in degrees, lengths in metres, speeds in m/s.

    limb_mean, limb_max: limb → angle between our limb and the recorded one, left and right together.
    feet_heading: largest angle, seen from above, between our feet and the recorded ones while they
    stand. trunk: largest angle between the directions hips → neck. wrong_bend: share of bent frames
    in which a knee or elbow bends against its hinge. fastest: largest turn of one of our joints
    between two frames, and ``fastest_source`` of a recorded one. twist: largest twist of a thigh,
    upper arm, forearm or hand about its own axis within its parent.
    sink, hover: largest depth and height of the lowest sole point over the floor in contact;
    deepest: depth over all frames. slide: mean speed of the standing sole; drift: its largest
    displacement within one contact. contact: share of frames with a foot on the floor.
    """

    limb_mean: dict[str, float]
    limb_max: dict[str, float]
    feet_heading: float
    trunk: float
    wrong_bend: float
    fastest: float
    fastest_source: float
    twist: float
    sink: float
    hover: float
    deepest: float
    slide: float
    drift: float
    contact: float


def retarget_report(source: Source, skeleton: Skeleton, result: Retargeted) -> RetargetReport:
    """Measure ``result`` against ``source``, from its final rotations alone."""
    local = to_matrices(result.rotations)
    turned = world_orientations(local, skeleton.parents)
    position = joint_positions(turned, skeleton.joints[0] + result.transl, skeleton)
    soles = [sole_points(turned, position, skeleton, side) for side in (0, 1)]
    limbs = {name: _limb_angles(source, position, *spec) for name, spec in LIMBS.items()}
    return RetargetReport(
        limb_mean={name: float(a.mean()) for name, a in limbs.items()},
        limb_max={name: float(a.max()) for name, a in limbs.items()},
        feet_heading=_feet_heading(source, position, soles),
        trunk=_trunk(source, position),
        wrong_bend=_wrong_bend(turned, position),
        fastest=_fastest(local),
        fastest_source=_fastest(_source_local(source)),
        twist=_twist(local, skeleton),
        **_floor(soles, source.rate),
    )


def _limb_angles(source: Source, position, upper: str, lower: str, ours_upper, ours_lower) -> np.ndarray:
    theirs = source.position[:, source.pair(lower)] - source.position[:, source.pair(upper)]
    ours = position[:, list(ours_lower)] - position[:, list(ours_upper)]
    return np.rad2deg(angle_between(theirs, ours))


def _feet_heading(source: Source, position, soles) -> float:
    if "toe" not in source.roles.sided:
        return 0.0
    theirs = (source.position[:, source.pair("toe")] - source.position[:, source.pair("ankle")]) * [1, 1, 0]
    ours = (position[:, list(FOOT)] - position[:, list(ANKLE)]) * [1, 1, 0]
    standing = np.stack([contacts(points, source.rate) for points in soles], axis=1)
    flat = np.linalg.norm(theirs, axis=-1) > 0.5 * np.linalg.norm(theirs, axis=-1).max()
    angles = angle_between(theirs, ours)[standing & flat]
    return float(np.rad2deg(angles.max(initial=0.0)))


def _trunk(source: Source, position) -> float:
    neck, hips = (
        source.position[:, source.pair("shoulder")].mean(axis=1),
        source.position[:, source.pair("hip")].mean(axis=1),
    )
    ours = position[:, list(SHOULDER)].mean(axis=1) - position[:, list(HIP)].mean(axis=1)
    return float(np.rad2deg(angle_between(neck - hips, ours).max()))


def _wrong_bend(turned, position) -> float:
    """Bending carries the lower bone about the hinge; the share of bent limbs where it is the other way."""
    wrong = bent_frames = 0
    for kind, joints in (("knee", (HIP, KNEE, ANKLE)), ("elbow", (SHOULDER, ELBOW, WRIST))):
        for side in (0, 1):
            a, b, c = (j[side] for j in joints)
            upper, lower = position[:, b] - position[:, a], position[:, c] - position[:, b]
            hinge = turn(turned[:, a], np.array(HINGES[kind][side]))
            bent = angle_between(upper, lower) > BENT
            wrong += int((np.sum(np.cross(upper, lower) * hinge, axis=1)[bent] < 0.0).sum())
            bent_frames += int(bent.sum())
    return wrong / max(bent_frames, 1)


def _source_local(source: Source) -> np.ndarray:
    local = source.orientation.copy()
    rest = source.parents >= 0
    local[:, rest] = np.swapaxes(source.orientation[:, source.parents[rest]], -1, -2) @ source.orientation[:, rest]
    return local


def _fastest(local: np.ndarray) -> float:
    if len(local) < 2:
        return 0.0
    trace = np.einsum("tjab,tjab->tj", local[1:], local[:-1])
    return float(np.rad2deg(np.arccos(np.clip((trace - 1.0) / 2.0, -1.0, 1.0)).max()))


def _twist(local: np.ndarray, skeleton: Skeleton) -> float:
    """Twist against the parent about the bone, in degrees: swing away, then measure what is left."""
    largest = 0.0
    for uppers, lowers in ((HIP, KNEE), (SHOULDER, ELBOW), (ELBOW, WRIST)):
        for a, b in zip(uppers, lowers):
            axis = unit(skeleton.joints[b] - skeleton.joints[a])
            r = local[:, a]
            # The part of a quaternion along the axis: (r32 - r23, …) · axis against 1 + trace.
            sine = np.stack([r[:, 2, 1] - r[:, 1, 2], r[:, 0, 2] - r[:, 2, 0], r[:, 1, 0] - r[:, 0, 1]], axis=1) @ axis
            angle = 2.0 * np.arctan2(sine, 1.0 + np.trace(r, axis1=1, axis2=2))
            largest = max(largest, float(np.abs(np.rad2deg(angle)).max()))
    return largest


def _floor(soles, rate: float) -> dict[str, float]:
    low = [points[..., 2].min(axis=1) for points in soles]
    touching = [contacts(points, rate) for points in soles]
    heights = np.concatenate([h[t] for h, t in zip(low, touching)])
    speeds, drifts = [0.0], [0.0]
    for points, flags in zip(soles, touching):
        step = slip(points)[:, :2]
        for first, last in intervals(flags):
            moved = step[first : last - 1]
            speeds.extend(np.linalg.norm(moved, axis=1) * rate)
            path = np.append(np.zeros((1, 2)), np.cumsum(moved, axis=0), axis=0)
            drifts.append(np.linalg.norm(path - path.mean(axis=0), axis=1).max())
    return {
        "sink": float(-heights.min(initial=0.0)),
        "hover": float(heights.max(initial=0.0)),
        "deepest": float(max(0.0, -min(h.min() for h in low))),
        "slide": float(np.mean(speeds)),
        "drift": float(max(drifts)),
        "contact": float(np.mean(touching[0] | touching[1])),
    }

"""Motion that is recorded as SMPL parameters: AMASS and SURREAL.

Local rotations go over as they are, as every skeleton here is SMPL's. Where a motion stands on the
floor without slipping on the asked skeleton, its path is left exactly as recorded too. Otherwise
the path is scaled so that the feet slip least, and the feet are planted on the floor.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mannequin.generator import exact
from mannequin.generator.motion.base import Skeleton
from mannequin.generator.motion.foot_contact import contacts, plant_feet, resting_height, slip, uneven_floor
from mannequin.generator.motion.gravity import Seen, Up, all_seen, find_up
from mannequin.generator.motion.retarget import PLANTED, Retargeted
from mannequin.generator.motion.shared import CARRIED_TOLD, Shared, Way, share
from mannequin.generator.motion.skeletons import (
    joint_positions,
    local_rotations,
    sole_points,
    usual_skeleton,
    world_orientations,
)
from mannequin.generator.motion.smpl_parameters import BODY, Parameters
from mannequin.generator.rotations import from_axis_angle, to_axis_angle, to_matrices, to_quaternions

TRUE_FLOOR = 0.03
TRUE_SLIDE = 0.05
"""Metres off the floor, and m/s along it, up to which a motion is taken to fit a skeleton as it is."""

SCALES = (0.7, 1.4)
"""Of a person's size to another's."""


UNITS = (1.0, 0.01, 0.001, 0.0254)
"""Metres of a metre, centimetre, millimetre and inch."""

TOO_FAST = 15.0
"""m/s that nobody's pelvis keeps to, or exceeds in a twentieth of the frames."""

MOMENTS = 400
"""Of a recording, looked at for which way is up."""

FAR = 0.5
"""Metres on the floor from which the length of the way tells its scale."""

FEET_SLIP, UNIT_GAIN = 1.0, 0.8
"""m/s beyond which a foot slips no worse, and the share of its slip in metres below which another unit is the true
one."""

STILL = 0.35
"""m/s of a foot that stands."""


@dataclass(frozen=True, eq=False)
class SmplSource:
    """Recorded parameters in a world with Z up.

    pose: (T, 52, 3) axis-angles of SMPL-H. palms: (T, 2, 3) of SMPL's last two joints.
    transl: (T, 3) metres, in the file's own axes; see :meth:`pelvis`. rate: Hz. has_hands: whether fingers were
    recorded. up: which way is up in the file. unit: metres, of the file's translations. shared: with others of the
    recording, None where there are none.
    """

    pose: np.ndarray
    palms: np.ndarray
    transl: np.ndarray
    rate: float
    has_hands: bool
    up: Up
    unit: float
    shared: Shared | None = None

    def pelvis(self, skeleton: Skeleton, scale: float = 1.0) -> np.ndarray:
        """(T, 3) metres in the world of ``skeleton``, whose path is ``scale`` times the recorded one: SMPL turns the
        pelvis about itself and adds the translation in the file's axes."""
        return exact.matmul(skeleton.joints[0] + self.transl * scale, self.up.to_world.T)


@dataclass(frozen=True, eq=False)
class Space:
    """That a file's translations are in. up: which way is up. unit: metres."""

    up: Up
    unit: float


def find_space(
    people: Sequence[tuple[Parameters, float]], up: str = "auto", unit: float | None = None, usual: str = "z"
) -> Space:
    """Of one or several people in one space, each with its rate (Hz), or with the axis that is called ``up`` up.

    usual: up where people do not tell. unit: metres, where it is known. Who hardly moves does not tell it; the
    smallest of the others is that of all.
    """
    unit = unit or min(unit_of(parameters, rate) for parameters, rate in people)
    return Space(find_up(all_seen([_seen(p.body, p.transl * unit, rate) for p, rate in people]), up, usual=usual), unit)


def shared_by(sources: Sequence[SmplSource], begins: Sequence[float]) -> list[SmplSource]:
    """People who were recorded together, in one space. begins: seconds on their common clock."""
    shared = share(1.0, [_way(source, begin) for source, begin in zip(sources, begins)])
    return [replace(source, shared=each) for source, each in zip(sources, shared)]


def _way(source: SmplSource, begin: float) -> Way:
    skeleton = usual_skeleton()
    local = to_matrices(from_axis_angle(np.concatenate([source.pose[:, :BODY], source.palms], axis=1)))
    pelvis, orientation = source.pelvis(skeleton), world_orientations(local, skeleton.parents)
    return Way(pelvis, source.rate, begin, resting_height(orientation, pelvis, skeleton, source.rate))


def make_smpl_source(parameters: Parameters, rate: float, space: Space) -> SmplSource:
    """Turned so that Z is up."""
    frames = len(parameters.transl)
    pose = np.zeros((frames, 52, 3))
    pose[:, :BODY] = parameters.body
    if parameters.hands is not None:
        pose[:, BODY:] = parameters.hands
    has_hands = bool(np.abs(pose[:, BODY:]).max(initial=0.0) > 1e-3)
    up, unit = space.up, space.unit
    transl = parameters.transl if unit == 1.0 else parameters.transl * unit
    if not np.array_equal(up.to_world, np.eye(3)):
        root = to_matrices(from_axis_angle(pose[:, 0]))
        pose[:, 0] = to_axis_angle(to_quaternions(exact.matmul(up.to_world, root)))
    return SmplSource(pose, parameters.palms, transl, rate, has_hands, up, unit)


def _posed(body: np.ndarray, transl: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """World orientations (T, 24, 3, 3) and joints (T, 24, 3) of usual proportions, in the file's axes."""
    skeleton = usual_skeleton()
    pose = np.concatenate([body, np.zeros((len(body), 2, 3))], axis=1)
    orientation = world_orientations(to_matrices(from_axis_angle(pose)), skeleton.parents)
    return orientation, joint_positions(orientation, skeleton.joints[0] + transl, skeleton)


def _seen(body: np.ndarray, transl: np.ndarray, rate: float) -> Seen:
    last = len(body) - 1
    picks = np.unique(np.linspace(0, max(last - 1, 0), MOMENTS).round().astype(int))
    orientation, joints = _posed(body[picks], transl[picks])
    following = np.minimum(picks + 1, last)
    speed = exact.norm(_posed(body[following], transl[following])[1][:, [7, 8]] - joints[:, [7, 8]]) * rate
    placed = bool(np.abs(transl).max(initial=0.0) > 0.0)
    return Seen(joints[:, :BODY], orientation[:, [7, 8]][..., 1], speed < STILL, placed)


def unit_of(parameters: Parameters, rate: float) -> float:
    """Metres of the unit in which the translations are: 1 unless people would be faster than they can be, and another
    unit keeps the slower of their feet better in place."""
    step = np.diff(parameters.transl, axis=0)
    if len(step) < 2 or np.percentile(exact.norm(step), 95) * rate < TOO_FAST:
        return 1.0
    picks = np.unique(np.linspace(0, len(step) - 1, MOMENTS).round().astype(int))
    still = np.zeros((len(picks), 3))
    _, before = _posed(parameters.body[picks], still)
    _, after = _posed(parameters.body[picks + 1], still)
    feet = (after - before)[:, [7, 8]]
    slips = [
        float(np.minimum(exact.norm(feet + (unit * step[picks])[:, None]).min(axis=1), FEET_SLIP / rate).sum())
        for unit in UNITS
    ]
    best = int(np.argmin(slips))
    return UNITS[best] if slips[best] < UNIT_GAIN * slips[0] else 1.0


def fit(source: SmplSource, skeleton: Skeleton, trust: bool = False) -> Retargeted:
    """``source`` performed by ``skeleton``. trust: take its path and heights as they are recorded."""
    pose = source.pose
    if len(skeleton.joints) == 24:
        pose = np.concatenate([pose[:, :BODY], source.palms], axis=1)
    rotations = from_axis_angle(pose)
    transl = source.pelvis(skeleton) - skeleton.joints[0]
    if np.array_equal(source.up.to_world, np.eye(3)):
        transl = source.transl
    if trust or fits(rotations, transl, source.rate, skeleton):
        return Retargeted(rotations, transl)
    if source.shared is not None and source.shared.carried:
        return Retargeted(rotations, transl - np.array([0.0, 0.0, source.shared.floor]), CARRIED_TOLD)
    orientation = world_orientations(to_matrices(rotations), skeleton.parents)
    if source.shared is None:
        pelvis = source.pelvis(skeleton, path_scale(orientation, transl, skeleton))
    else:
        pelvis = source.pelvis(skeleton)
        pelvis[:, 2] = source.pelvis(skeleton, path_scale(orientation, transl, skeleton, slice(2, 3)))[:, 2]
    orientation, pelvis, wrong = plant_feet(orientation, pelvis, skeleton, source.rate)
    local = local_rotations(orientation, skeleton.parents)
    return Retargeted(to_quaternions(local), pelvis - skeleton.joints[0], wrong or PLANTED)


def fits(rotations: np.ndarray, transl: np.ndarray, rate: float, skeleton: Skeleton) -> bool:
    """Whether the motion as recorded stands on the floor z = 0 without slipping."""
    if len(transl) < 2:
        return False
    orientation = world_orientations(to_matrices(rotations), skeleton.parents)
    position = joint_positions(orientation, skeleton.joints[0] + transl, skeleton)
    soles = [sole_points(orientation, position, skeleton, side) for side in (0, 1)]
    if uneven_floor(position, soles, rate)[1]:
        return False
    touching = [contacts(points, rate) for points in soles]
    heights = np.concatenate([p[t][..., 2].min(axis=1) for p, t in zip(soles, touching)])
    lowest = min(points[..., 2].min() for points in soles)
    speeds = (
        np.concatenate([np.linalg.norm(slip(p)[t[1:] & t[:-1], :2], axis=1) for p, t in zip(soles, touching)]) * rate
    )
    if not len(heights) or not len(speeds):
        return False
    return bool(np.abs(heights).max() < TRUE_FLOOR and lowest > -TRUE_FLOOR and speeds.mean() < TRUE_SLIDE)


def path_scale(orientation: np.ndarray, transl: np.ndarray, skeleton: Skeleton, axes: slice | None = None) -> float:
    """By how much to scale the path for the lower foot to slip least; 1 where nobody walks.

    axes: that count; None: all, of who goes far those of the floor. Least absolute deviations by reweighting, as the
    feet are off the floor in some frames.
    """
    if len(transl) < 2:
        return 1.0
    soles = _soles(orientation, np.zeros_like(transl), skeleton)
    lower = np.argmin([points[..., 2].min(axis=1) for points in soles], axis=0)[1:]
    if axes is None:  # who walks tells by the way, who squats by the depth
        axes = slice(0, 2 if np.ptp(transl[:, :2], axis=0).max() > FAR else 3)
    feet = np.where((lower == 0)[:, None], *(slip(points)[:, axes] for points in soles))
    path = np.diff(transl[:, axes], axis=0)
    scale, prior = 1.0, 1e-4 * len(path)
    for _ in range(30):
        weight = 1.0 / (np.linalg.norm(feet + scale * path, axis=1) + 1e-3)
        scale = (prior - np.sum(weight[:, None] * feet * path)) / (prior + np.sum(weight[:, None] * path * path))
    return float(np.clip(scale, *SCALES))


def _soles(orientation: np.ndarray, pelvis: np.ndarray, skeleton: Skeleton) -> list[np.ndarray]:
    position = joint_positions(orientation, pelvis, skeleton)
    return [sole_points(orientation, position, skeleton, side) for side in (0, 1)]

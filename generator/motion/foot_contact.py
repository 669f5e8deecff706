"""Feet that stand on the floor and stay where they stand.

A retargeted foot departs from its recorded path by a centimetre or two, as thighs, shins, hips and
feet are not all longer by the same share. Here the recording is put on the floor as a whole, and
then each foot that touches it is held by bending hip and knee: its lowest point neither slips nor
sinks nor floats. Between contacts the correction passes smoothly from one to the next.
"""

import numpy as np
from scipy.ndimage import binary_closing, binary_opening, maximum_filter1d

from mannequin.generator import exact
from mannequin.generator.motion.base import Skeleton
from mannequin.generator.motion.ground_contact import RADIUS
from mannequin.generator.motion.skeletons import ANKLE, HIP, KNEE, joint_positions, sole_points
from mannequin.generator.rotations import rotation_between, turn, unit

CONTACT_SPEED = 0.35
"""m/s below which the lowest point of a sole may be in contact."""

CONTACT_HEIGHT = 0.05
"""Metres above the floor below which it may."""

SHORTEST_CONTACT = 0.06
"""Seconds."""

PIVOT_SOFTNESS = 0.01
"""Metres over which points above the lowest one share its role as pivot."""

YIELD_TIME = 1.0
"""Seconds in which a held foot yields to its recorded place, so that real slow slides survive."""

LIFT_TIME = 0.08
DROP_TIME = 0.05
"""Seconds over which the pelvis follows the feet, and is lowered to their reach."""

FIXED = (0.005, 0.02, 0.04)
"""Metres by which a pelvis moves up and down whose height was not recorded: at most the first, or the second where
that is less than the third times what the body under it does."""

HEIGHT_TIME = 0.02
"""Seconds over which heights that were not recorded are smoothed."""

DRIFT_TIME = 0.7
"""Seconds over which a drift of the heights is steady."""

DRIFT_SHARE = 0.5
"""Of the changes in height from stance to stance that must go on within the stances, for them to be a drift."""

NO_HEIGHT = "the height was not recorded; the lowest point of the body is put on the floor"
DRIFTS = "the height drifts; standing feet tell by how much, and it is taken out"

_NOT_FEET = [j for j in range(len(RADIUS)) if j not in (7, 8, 10, 11)]

REACH = 0.998
"""Share of its length that a leg may be stretched to by a correction."""


def plant_feet(orientation: np.ndarray, pelvis: np.ndarray, skeleton: Skeleton, rate: float):
    """Orientations (T, J, 3, 3) and pelvis (T, 3) with the feet on the floor z = 0, and what was wrong with the
    recorded heights, see :func:`uneven_floor`."""
    position = joint_positions(orientation, pelvis, skeleton)
    soles = [sole_points(orientation, position, skeleton, side) for side in (0, 1)]
    floor, wrong = uneven_floor(position, soles, rate)
    floor = floor + floor_height([points - _vertical(floor)[:, None] for points in soles], rate)
    pelvis = pelvis - _vertical(floor)
    position[..., 2] -= floor[:, None]
    for points in soles:
        points[..., 2] -= floor[:, None]
    if len(pelvis) < 3:
        return orientation, pelvis, wrong
    touching = [contacts(points, rate) for points in soles]
    shifts = [correction(points, flags, rate) for points, flags in zip(soles, touching)]
    targets = [position[:, ANKLE[side]] + shifts[side] for side in (0, 1)]
    lift = _lift(shifts, touching, rate)
    lift -= _drop(position + lift[:, None], targets, rate)
    pelvis, position = pelvis + lift, position + lift[:, None]
    orientation = orientation.copy()
    for side in (0, 1):
        _reach(orientation, position, targets[side], side)
    return orientation, pelvis, wrong


def uneven_floor(position: np.ndarray, soles, rate: float) -> tuple[np.ndarray, str]:
    """(T,) metres at which the floor lies in each frame, and why not at one height throughout; "" if it does.

    position: (T, J, 3). soles: of each foot (T, K, 3). Where the pelvis keeps its height while the body under it
    folds and stretches, heights were not recorded, and the lowest point of the body is on the floor. Where feet that
    stand rise or sink all the time, heights drift. Feet that stand on stairs do neither, nor do those in the air.
    """
    level = np.zeros(len(position))
    body = (position[:, : len(RADIUS), 2] - RADIUS)[:, _NOT_FEET].min(axis=1)
    lowest = np.minimum(body, np.min([points[..., 2].min(axis=1) for points in soles], axis=0))
    folds, moves = np.ptp(lowest), np.ptp(position[:, 0, 2])
    if folds > CONTACT_HEIGHT and moves < max(FIXED[0], min(FIXED[1], FIXED[2] * folds)):
        return exact.gaussian_filter1d(lowest, HEIGHT_TIME * rate), NO_HEIGHT
    rises = _rises(soles, rate)
    return (rises, DRIFTS) if np.ptp(rises) > CONTACT_HEIGHT else (level, "")


def _rises(soles, rate: float) -> np.ndarray:
    """(T,) height of the floor under standing feet, if these rise and sink with it while they stand; else 0."""
    frames = len(soles[0])
    level, heard, rise, known = (np.zeros(frames) for _ in range(4))
    for points in soles:
        still = slow(points, rate)
        level += np.where(still, points[..., 2].min(axis=1), 0.0)
        heard += still
        both = still[1:] & still[:-1]
        rise[1:] += np.where(both, slip(points)[:, 2], 0.0) if frames > 1 else 0.0
        known[1:] += both
    if known.sum() < DRIFT_TIME * rate:
        return np.zeros(frames)
    level, heard, rise, known = (exact.gaussian_filter1d(v, DRIFT_TIME * rate) for v in (level, heard, rise, known))
    floor = level / np.maximum(heard, 1e-6)
    changes, rises = np.diff(floor), (rise / np.maximum(known, 1e-6))[1:]
    explained = exact.dot(changes, rises) / max(float(exact.dot(changes, changes)), 1e-12)
    return floor if explained > DRIFT_SHARE else np.zeros(frames)


def pivot(points: np.ndarray) -> np.ndarray:
    """(T, K) weights of the sole points (T, K, 3) that may bear on the floor, summing to 1."""
    height = points[..., 2]
    weight = exact.exp(-(height - height.min(axis=1, keepdims=True)) / PIVOT_SOFTNESS)
    return weight / weight.sum(axis=1, keepdims=True)


def slip(points: np.ndarray) -> np.ndarray:
    """(T - 1, 3) displacement of the pivot of a sole (T, K, 3) from each frame to the next."""
    weight = pivot(points)
    weight = 0.5 * (weight[1:] + weight[:-1])[..., None]
    return (weight * np.diff(points, axis=0)).sum(axis=1)


def slow(points: np.ndarray, rate: float) -> np.ndarray:
    """(T,) whether the pivot of a sole hardly moves."""
    if len(points) < 2:
        return np.ones(len(points), bool)
    speed = np.linalg.norm(slip(points), axis=1) * rate
    return np.maximum(np.append(speed, speed[-1]), np.append(speed[0], speed)) < CONTACT_SPEED


def floor_height(soles, rate: float) -> float:
    """Metres: where the soles come to rest, over the whole recording.

    Of the lowest points of slow feet, the lower cluster counts: feet also rest on chairs and in
    the air. Without any slow foot it is where the lowest sole passes.
    """
    lowest = [points[..., 2].min(axis=1) for points in soles]
    resting = np.concatenate([h[slow(points, rate)] for h, points in zip(lowest, soles)])
    if len(resting) < 3:
        return float(np.percentile(np.minimum(*lowest), 2))
    low = np.percentile(resting, 5)
    return float(np.median(resting[resting < low + CONTACT_HEIGHT]))


def resting_height(orientation: np.ndarray, pelvis: np.ndarray, skeleton: Skeleton, rate: float) -> float:
    """:func:`floor_height` of orientations (T, J, 3, 3) and a pelvis (T, 3)."""
    position = joint_positions(orientation, pelvis, skeleton)
    return floor_height([sole_points(orientation, position, skeleton, side) for side in (0, 1)], rate)


def contacts(points: np.ndarray, rate: float) -> np.ndarray:
    """(T,) whether a sole (T, K, 3) stands on the floor z = 0."""
    touching = slow(points, rate) & (points[..., 2].min(axis=1) < CONTACT_HEIGHT)
    width = max(1, round(SHORTEST_CONTACT * rate))
    padded = np.pad(touching, width, mode="edge")
    padded = binary_opening(binary_closing(padded, np.ones(width)), np.ones(width))
    return padded[width:-width]


def correction(points: np.ndarray, touching: np.ndarray, rate: float) -> np.ndarray:
    """(T, 3) metres to move a foot by, so that its sole stands still on the floor while it touches."""
    lowest = points[..., 2].min(axis=1)
    shift = np.zeros((len(points), 3))
    if not touching.any():
        shift[:, 2] = np.maximum(0.0, -lowest)
        return shift
    step = slip(points)
    for first, last in intervals(touching):
        shift[first:last, :2] = _held(step[first : last - 1, :2], rate)
        shift[first:last, 2] = -lowest[first:last]
    _bridge(shift, touching)
    shift[:, 2] = np.maximum(shift[:, 2], -lowest)
    return shift


def intervals(flags: np.ndarray) -> list[tuple[int, int]]:
    """[first, last) of every run of true values."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2])]


def _held(step: np.ndarray, rate: float) -> np.ndarray:
    """(N + 1, 2) shifts that undo N steps, yield in YIELD_TIME, and are zero on average."""
    keep = exact.exp(-1.0 / (YIELD_TIME * rate))
    shift = np.zeros((len(step) + 1, 2))
    for t in range(len(step)):
        shift[t + 1] = keep * shift[t] - step[t]
    return shift - shift.mean(axis=0)


def _bridge(shift: np.ndarray, touching: np.ndarray) -> None:
    """Ease the shift (T, 3) of frames without contact from one contact to the next, in place."""
    known = np.flatnonzero(touching)
    for first, last in intervals(~touching):
        before = shift[first - 1] if first > 0 else shift[known[0]]
        after = shift[last] if last < len(shift) else shift[known[-1]]
        share = np.arange(1, last - first + 1)[:, None] / (last - first + 1)
        shift[first:last] = before + (after - before) * share * share * (3.0 - 2.0 * share)


def _vertical(z: np.ndarray) -> np.ndarray:
    """(T, 3) from heights (T,)."""
    return z[:, None] * np.array([0.0, 0.0, 1.0])


def _lift(shifts, touching, rate: float) -> np.ndarray:
    """(T, 3) metres by which the whole body follows the standing feet up and down, smoothly.

    Recorded floors are uneven by centimetres. A leg that stands nearly straight would have to bend
    by 15° to make up for two of them, so the pelvis takes what it can.
    """
    weight = np.stack(touching) + 0.05
    mean = (weight * np.stack([shift[:, 2] for shift in shifts])).sum(axis=0) / weight.sum(axis=0)
    return _vertical(exact.gaussian_filter1d(mean, LIFT_TIME * rate))


def _drop(position: np.ndarray, targets, rate: float) -> np.ndarray:
    """(T, 3) metres to lower the pelvis by, smoothly, so that the legs reach their targets."""
    need = np.zeros(len(position))
    for hip, knee, ankle, target in zip(
        *(np.swapaxes(position[:, list(j)], 0, 1) for j in (HIP, KNEE, ANKLE)), targets
    ):
        line, reach = target - hip, _longest(hip, knee, ankle)
        depth = np.sqrt(np.maximum(reach**2 - np.sum(line[:, :2] ** 2, axis=1), 0.0))
        need = np.maximum(need, np.where(line[:, 2] < 0.0, -line[:, 2] - depth, 0.0))
    width = max(1, round(DROP_TIME * rate))
    return _vertical(exact.gaussian_filter1d(maximum_filter1d(need, 2 * width + 1), width / 2))


def _longest(hip: np.ndarray, knee: np.ndarray, ankle: np.ndarray) -> np.ndarray:
    """(T,) metres to which a leg may be stretched: as far as it was recorded, or almost straight."""
    whole = np.linalg.norm(knee - hip, axis=1) + np.linalg.norm(ankle - knee, axis=1)
    return np.maximum(REACH * whole, np.linalg.norm(ankle - hip, axis=1))


def _reach(orientation: np.ndarray, position: np.ndarray, target: np.ndarray, side: int) -> None:
    """Turn thigh and shin, in place, so that the ankle meets ``target`` (T, 3) and the knee keeps its side."""
    hip, knee, ankle = (position[:, joints[side]] for joints in (HIP, KNEE, ANKLE))
    thigh, shin = knee - hip, ankle - knee
    upper, lower = np.linalg.norm(thigh, axis=1), np.linalg.norm(shin, axis=1)
    line = target - hip
    distance = np.clip(np.linalg.norm(line, axis=1), np.abs(upper - lower) + 1e-3, _longest(hip, knee, ankle))
    axis = unit(line)
    along = (upper**2 - lower**2 + distance**2) / (2.0 * distance)
    height = np.sqrt(np.maximum(upper**2 - along**2, 0.0))
    # The knee's own side is ill-defined on a straight leg: the front of the thigh then decides.
    front = turn(orientation[:, HIP[side]], np.array([0.0, 0.0, 1.0]))
    bulge = turn(rotation_between(ankle - hip, line), thigh - _onto(thigh, unit(ankle - hip)) + 0.01 * front)
    pole = unit(bulge - _onto(bulge, axis))
    new_thigh = axis * along[:, None] + pole * height[:, None]
    new_shin = axis * distance[:, None] - new_thigh
    for joints, old, new in ((HIP, thigh, new_thigh), (KNEE, shin, new_shin)):
        orientation[:, joints[side]] = exact.matmul(rotation_between(old, new), orientation[:, joints[side]])


def _onto(v: np.ndarray, axis: np.ndarray) -> np.ndarray:
    return axis * np.sum(v * axis, axis=-1, keepdims=True)

"""Which way is up in a recording, whatever axes its file has.

Four things tell: where the head is from the ankles, where the insteps point while the feet stand, along which axis
the lowest point of the body keeps its height, and along which axis that is 0, as laboratories put their floor. All
are taken over the whole recording, so that people may lie, crawl and turn cartwheels in it. Where they do not tell, Z
is up, as in AMASS.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mannequin.generator import exact
from mannequin.generator.motion.ground_contact import lowest_along
from mannequin.generator.rotations import angle_between, rotation_between, unit

AXES = {
    "z": (0.0, 0.0, 1.0), "y": (0.0, 1.0, 0.0), "-y": (0.0, -1.0, 0.0),
    "x": (1.0, 0.0, 0.0), "-x": (-1.0, 0.0, 0.0), "-z": (0.0, 0.0, -1.0),
}  # fmt: skip
USUAL = {"z": 0.2, "y": 0.1, "-y": 0.1, "x": -0.3, "-x": -0.3, "-z": -1.5}
"""What is known before anything is seen: AMASS, most converters, cameras; nobody writes the others on purpose."""

REST = 0.3
"""The same of the axis that is up in a rest pose: some converters turn the one without the other."""

FLOOR_WEIGHT, FLOOR_REACH = 3.0, 0.15
"""Weight of a lowest point at height 0, and metres off within which it counts."""

BEARS = (0, 1, 2, 4, 5, 7, 8, 10, 11, 15, 16, 17)
"""Joints that bodies stand, kneel and lie on: pelvis, legs, head and shoulders."""

SPREAD = 0.3
"""Metres over which the lowest point moves along an axis that is not up."""

TURN_MARGIN = 0.5
"""By how much another axis must be better than Z."""

CLEAR, LIKELY = 1.0, 0.5
"""Margins to the second best axis."""

TILT, TILT_AGREE = np.deg2rad(8.0), np.deg2rad(8.0)
"""Of a camera that looks up or down: the least that is taken out, and how well body and insteps must agree on it."""

STANDS, FLAT = 0.8, 0.7
"""Cosines to the axis of a body that stands and of a foot on the floor."""

LEVEL = 0.01
"""Metres by which both soles may lie less level after a tilt is taken out."""


STAYS, STEEPEST = 0.3, 0.12
"""Metres within which somebody who stays does not tell how the floor lies, and the slope up to which it is levelled."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What tells of gravity at T moments, in the file's axes.

    joints: (T, 22, 3) metres, of SMPL's order. insteps: (T, 2, 3) unit normals of (left, right) feet, out of the
    sole. standing: (T, 2) whether the foot hardly moves. placed: whether the positions are real.
    """

    joints: np.ndarray
    insteps: np.ndarray
    standing: np.ndarray
    placed: bool


@dataclass(frozen=True, eq=False)
class Up:
    """The up of a recording. axis: the nearest of the file. told: in words. to_world: (3, 3) to a world with Z up.
    margin: by how much it is surer than another axis.
    """

    axis: str
    told: str
    to_world: np.ndarray
    margin: float


def find_up(seen: Seen, asked: str = "auto", rest: str = "", usual: str = "z") -> Up:
    """Up of what was ``seen``, or the axis that the user ``asked`` for.

    rest: up in the file's rest pose, where it has one: that axis is taken where the others do not tell, in place of
    ``usual``, and no camera was tilted.
    """
    if asked != "auto":
        return Up(asked, f"{asked}, as asked for", _to_world(np.array(AXES[asked])), np.inf)
    body = unit(seen.joints[:, 15] - seen.joints[:, [7, 8]].mean(axis=1))
    known, default = ({rest: REST}, rest) if rest else (USUAL, usual)
    scores = {name: _score(seen, body, name) + known.get(name, 0.0) for name in AXES}
    ranked = sorted(AXES, key=lambda name: -scores[name])
    best = ranked[0] if scores[ranked[0]] > scores[default] + TURN_MARGIN else default
    margin = scores[best] - max(scores[name] for name in AXES if name != best)
    sure = "clear" if margin > CLEAR else "likely" if margin > LIKELY else "a guess; say another by --up"
    axis = np.array(AXES[best])
    up = _tilted(seen, body, axis) if not rest and _floor(seen, axis) < 0.3 else axis
    if up is axis:
        return Up(best, f"{best} ({sure})", _to_world(axis), margin)
    tilt = round(float(np.rad2deg(angle_between(up, axis))))
    return Up(best, f"{best}, tilted by {tilt}° as by a camera that looks up or down ({sure})", _to_world(up), margin)


def all_seen(seen: Sequence[Seen]) -> Seen:
    """What is seen of several people in one space, as of one."""
    arrays = (np.concatenate([getattr(each, name) for each in seen]) for name in ("joints", "insteps", "standing"))
    return Seen(*arrays, placed=any(each.placed for each in seen))


def _score(seen: Seen, body: np.ndarray, name: str) -> float:
    axis = np.array(AXES[name])
    lowest = lowest_along(seen.joints, axis)
    spread = float(np.percentile(lowest, 90) - np.percentile(lowest, 10)) if seen.placed else SPREAD
    insteps = _weighted(exact.matmul(seen.insteps, axis), seen.standing)
    steady = 1.0 - min(1.0, spread / SPREAD)
    return float(exact.matmul(body, axis).mean()) + insteps + steady + FLOOR_WEIGHT * _floor(seen, axis)


def _floor(seen: Seen, axis: np.ndarray) -> float:
    """0 to 1: how well the lowest point of the body, and of what bears it, agree with a floor at 0."""
    if not seen.placed:
        return 0.0
    heights = (lowest_along(seen.joints, axis), lowest_along(seen.joints, axis, BEARS))
    return max(0.0, 1.0 - max(abs(float(np.median(height))) for height in heights) / FLOOR_REACH)


def _weighted(values: np.ndarray, standing: np.ndarray) -> float:
    weight = np.where(standing, 1.0, 0.05)
    return float((weight * values).sum() / weight.sum())


def _tilted(seen: Seen, body: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """``axis``, or the direction off it on which standing bodies and standing feet agree."""
    upright = exact.matmul(body, axis) > STANDS
    flat = seen.standing & (exact.matmul(seen.insteps, axis) > FLAT)
    if upright.mean() < 0.5 or flat.mean() < 0.2:
        return axis
    trunk, instep = unit(body[upright].mean(axis=0)), unit(seen.insteps[flat].mean(axis=0))
    if min(angle_between(trunk, axis), angle_between(instep, axis)) < TILT or angle_between(trunk, instep) > TILT_AGREE:
        return axis
    up = unit(trunk + 2.0 * instep)
    both = flat.all(axis=1)
    if both.any():
        apart = seen.joints[both, 10] - seen.joints[both, 11]
        uneven = [float(np.abs(exact.matmul(apart, way)).mean()) for way in (up, axis)]
        if uneven[0] > uneven[1] + LEVEL:
            return axis
    return _levelled(seen.joints[:, [10, 11]][flat], up)


def _levelled(feet: np.ndarray, up: np.ndarray) -> np.ndarray:
    """``up`` turned so that the floor under ``feet`` (N, 3), which stand, is level along the ways that they went."""
    across = exact.transform(rotation_between(np.array([0.0, 0.0, 1.0]), up), np.eye(3)[:2])
    away = feet - feet.mean(axis=0)
    x, y, h = (exact.matmul(away, axis) for axis in (*across, up))
    stays = len(feet) * STAYS * STAYS
    xx, yy, xy = (x * x).sum() + stays, (y * y).sum() + stays, (x * y).sum()
    xh, yh = (x * h).sum(), (y * h).sum()
    slope = np.array([yy * xh - xy * yh, xx * yh - xy * xh]) / (xx * yy - xy * xy)
    return unit(up - slope[0] * across[0] - slope[1] * across[1]) if exact.norm(slope) < STEEPEST else up


def _to_world(up: np.ndarray) -> np.ndarray:
    """(3, 3) smallest rotation that takes ``up`` to Z; about X where it is -Z."""
    turn = rotation_between(up, np.array([0.0, 0.0, 1.0]))
    if up[2] < -0.999:
        return np.diag([1.0, -1.0, -1.0])
    return np.rint(turn) if np.abs(turn - np.rint(turn)).max() < 1e-9 else turn

"""Places for people, on which nobody passes through anybody in the whole clip.

Everybody is covered by spheres that move with their joints (:func:`cover`), in step with everybody else. Between
frames spheres move evenly along straight lines, and so they are compared. Skin between two joints does not move with
either of them: what is placed here is checked on the meshes afterwards (:mod:`mannequin.generator.penetration`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mannequin.generator import exact
from mannequin.generator.body.lbs import global_transforms, rest_vertices
from mannequin.generator.body.model import BodyModel
from mannequin.generator.compiled import njit
from mannequin.generator.people import Performance
from mannequin.generator.rotations import rodrigues

MOST_DRAWS = 400
"""Of a place for one unit."""

WIDENING = 1.015
"""By which the radius of the area grows with every place that does not fit."""

WIDEST = 12.0
"""Metres round the middle within which places are drawn at most."""

_SPHERE = 0.07
"""Metres of radius from which a sphere is replaced by two."""


@dataclass(frozen=True, eq=False)
class Spheres:
    """middles: (T, S, 3) float64 metres, about the pelvis of frame 0 (the second time). radii: (S,) metres."""

    middles: np.ndarray
    radii: np.ndarray

    def moved(self, yaw: float, x: float, y: float) -> "Spheres":
        """Turned about the vertical by ``yaw`` (rad), then shifted."""
        turn = rodrigues(np.array([0.0, 0.0, yaw]))
        return Spheres(exact.matmul(self.middles, turn.T) + [x, y, 0.0], self.radii)


def cover(model: BodyModel, betas, offsets: np.ndarray, done: Performance) -> Spheres:
    """Spheres that hold the dressed body while it does something, at yaw 0.

    offsets: (V, 3) metres of clothes at rest. Each sphere holds neighbouring vertices that follow the same joint.
    """
    skeleton = done.skeleton
    rest = rest_vertices(model, betas) + offsets
    follows = np.argmax(model.weights[:, : len(skeleton.joints)], axis=1)
    order = np.argsort(follows, kind="stable")
    joint, spheres = _spheres((rest - skeleton.joints[follows])[order], follows[order])
    pelvis = skeleton.joints[0] + done.transl[1]
    transforms = global_transforms(rodrigues(done.pose), skeleton.joints, skeleton.parents)[:, joint]
    middles = exact.transform(transforms[..., :3, :3], spheres[:, :3]) + transforms[..., :3, 3]
    middles += (done.transl - [pelvis[0], pelvis[1], 0.0])[:, None]
    return Spheres(middles, spheres[:, 3])


@njit(cache=True)
def _spheres(points, joints):
    """(joint, middle and radius) of spheres that hold ``points`` (N, 3), none of them larger than _SPHERE and each
    around points of one joint. joints: (N,), ascending."""
    own, spheres = [joints[0] for _ in range(0)], [(0.0, 0.0, 0.0, 0.0) for _ in range(0)]  # numba wants the types
    due, start = [(0, 0) for _ in range(0)], 0
    for n in range(1, len(points) + 1):
        if n == len(points) or joints[n] != joints[start]:
            due.append((start, n))
            start = n
    order = np.arange(len(points))
    while due:
        start, end = due.pop()
        low, high, middle, squared = np.full(3, np.inf), np.full(3, -np.inf), np.empty(3), 0.0
        for n in order[start:end]:
            for a in range(3):
                low[a], high[a] = min(low[a], points[n, a]), max(high[a], points[n, a])
        for a in range(3):
            middle[a] = (low[a] + high[a]) / 2.0
        for n in order[start:end]:
            x, y, z = points[n, 0] - middle[0], points[n, 1] - middle[1], points[n, 2] - middle[2]
            squared = max(squared, x * x + y * y + z * z)
        if squared <= _SPHERE * _SPHERE:
            own.append(joints[order[start]])
            spheres.append((middle[0], middle[1], middle[2], np.sqrt(squared)))
            continue
        axis = np.argmax(high - low)
        below = points[order[start:end], axis] <= middle[axis]
        part = order[start:end].copy()
        half = start + below.sum()
        order[start:half], order[half:end] = part[below], part[~below]
        due.append((half, end))
        due.append((start, half))
    return np.array(own), np.array(spheres)


@dataclass(frozen=True)
class Member:
    """Of a unit. number: of the person. yaw: rad. x, y: metres of their pelvis at frame 0 from the unit's origin."""

    number: int
    yaw: float
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True, eq=False)
class Unit:
    """People who keep their relation to one another: a pair that talks, a row that walks, somebody alone.

    spheres: of all of them, about the unit's origin.
    """

    members: tuple[Member, ...]
    spheres: Spheres
    boxes: np.ndarray = field(init=False)  # (T, 6): lower and upper corner from a time to the next

    def __post_init__(self):
        s = self.spheres
        low, high = (s.middles - s.radii[:, None]).min(axis=1), (s.middles + s.radii[:, None]).max(axis=1)
        after = np.minimum(np.arange(len(low)) + 1, len(low) - 1)
        boxes = np.concatenate([np.minimum(low, low[after]), np.maximum(high, high[after])], axis=1)
        object.__setattr__(self, "boxes", boxes)


def make_unit(members: Sequence[Member], covers: Sequence[Spheres]) -> Unit:
    """covers: of everybody, by number, at yaw 0."""
    each = [covers[m.number].moved(m.yaw, m.x, m.y) for m in members]
    middles = np.concatenate([s.middles for s in each], axis=1)
    return Unit(tuple(members), Spheres(middles, np.concatenate([s.radii for s in each])))


def meet(one: Unit, other: Unit, gap: float, x: float = 0.0, y: float = 0.0) -> bool:
    """Whether ``other``, shifted by (x, y), ever comes within ``gap`` metres of ``one``."""
    a, b = one.spheres, other.spheres
    return bool(_meet(a.middles, a.radii, one.boxes, b.middles, b.radii, other.boxes, np.array([x, y, 0.0]), gap))


def place_units(
    units: Sequence[Unit], rng: np.random.Generator, gap: float, area: float
) -> list[tuple[float, float]] | None:
    """(x, y) of every unit; None if no place was found for one.

    gap: metres between any two units at least. area: square metres for each person to begin with; the radius grows by
    WIDENING for every place where a unit does not fit, up to WIDEST.
    """
    placed: list[tuple[float, float]] = []
    people = sum(len(unit.members) for unit in units)
    radius = float(np.sqrt(people * area / np.pi))
    for k, unit in enumerate(units):
        for _ in range(MOST_DRAWS):
            angle, out = rng.uniform(0, 2 * np.pi), radius * np.sqrt(rng.uniform())
            x, y = float(out * exact.cos(angle)), float(out * exact.sin(angle))
            if not any(meet(units[i], unit, gap, x - placed[i][0], y - placed[i][1]) for i in range(k)):
                placed.append((x, y))
                break
            radius = min(radius * WIDENING, max(WIDEST, radius))
        else:
            return None
    return placed


@njit(cache=True)
def _meet(one, one_radii, one_boxes, other, other_radii, other_boxes, shift, gap):
    """Whether spheres of the two come within ``gap`` of each other at any time; see :func:`meet`."""
    kept = np.empty(len(other_radii), np.int64)
    for t in range(len(one)):
        after, box = min(t + 1, len(one) - 1), one_boxes[t]
        apart = False
        for a in range(3):
            low, high = other_boxes[t, a] + shift[a] - gap, other_boxes[t, 3 + a] + shift[a] + gap
            apart = apart or low > box[3 + a] or high < box[a]
        if apart:
            continue
        count = 0
        for j in range(len(other_radii)):
            if _touches(other[t, j], other[after, j], other_radii[j] + gap, shift, box):
                kept[count], count = j, count + 1
        for i in range(len(one_radii) if count else 0):
            for n in range(count):
                j = kept[n]
                reach = one_radii[i] + other_radii[j] + gap
                if _nearest(one[t, i], one[after, i], other[t, j], other[after, j], shift) < reach * reach:
                    return True
    return False


@njit(cache=True)
def _touches(start, end, reach, shift, box):
    """Whether a shifted sphere that goes from start to end may touch a box."""
    for a in range(3):
        low, high = min(start[a], end[a]) + shift[a] - reach, max(start[a], end[a]) + shift[a] + reach
        if low > box[3 + a] or high < box[a]:
            return False
    return True


@njit(cache=True)
def _nearest(p, p_end, q, q_end, shift):
    """The least squared distance of a point that goes from p to p_end from one that goes from q to q_end, shifted."""
    squared, along, length = 0.0, 0.0, 0.0
    for a in range(3):
        start = q[a] + shift[a] - p[a]
        step = (q_end[a] + shift[a] - p_end[a]) - start
        squared += start * start
        along -= start * step
        length += step * step
    share = min(max(along / length, 0.0), 1.0) if length > 0.0 else 0.0
    return max(0.0, squared - 2.0 * share * along + share * share * length)

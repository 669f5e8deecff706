"""How several people stand to each other: who keeps to whom, how near they are, which way they face."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mannequin.generator import exact
from mannequin.generator.people import Performance, PersonPose, placed_pose
from mannequin.generator.placing import Member, Spheres, Unit, make_unit, meet
from mannequin.generator.spec import PersonSpec

SPACING = {"apart": (1.0, 5.0), "near": (0.25, 1.3), "crowd": (0.03, 0.5), "facing": (0.5, 1.8), "together": (0.5, 1.8)}
"""Arrangement → (metres between people, or between pairs and rows, at least; square metres for each to begin with)."""

_CLEAR = 0.05
"""Metres between people of one pair or row at least."""

_ABREAST = 4
"""People of a row who walk together; more walk in rows behind."""

_FURTHEST = 5.0
"""Times as far as is drawn that people of a pair or row are put from each other before it is given up."""


@dataclass(frozen=True, eq=False)
class Performer:
    """Somebody before they are placed. cover: as they are covered by spheres at yaw 0. heading: rad from the world's x
    of where they face at yaw 0, on the average over the clip."""

    person: PersonSpec
    done: Performance
    cover: Spheres
    heading: float

    def yaw_towards(self, heading: float) -> float:
        return float((heading - self.heading) % (2 * np.pi))


def heading_of(person: PersonSpec, done: Performance) -> float:
    """Which way the hips of ``person`` face at yaw 0, on the average; rad from the world's x."""
    joints = placed_pose(done, PersonSpec(person.name, 1, person.body, (), person.motion, person.appearance)).joints
    x, y, _ = np.add.reduce(joints[:, 1] - joints[:, 2], axis=0)  # to the left
    return float(exact.arctan2(-x, y))


def facing(poses: Sequence[PersonPose]) -> float:
    """Where the first person faces on the average over the clip; of several, whichever side of the line through the
    first two that is. rad from the world's x."""
    x, y, _ = np.add.reduce(poses[0].joints[:, 1] - poses[0].joints[:, 2], axis=0)  # to the left
    front = np.array([y, -x])
    if len(poses) > 1:
        x, y, _ = np.add.reduce(poses[1].joints[:, 0] - poses[0].joints[:, 0], axis=0)
        across = np.array([y, -x])
        front = across if across[0] * front[0] + across[1] * front[1] >= 0.0 else -across
    return float(exact.arctan2(front[1], front[0]))


def as_recorded(people: Sequence[PersonSpec], done: Sequence[Performance], yaw: float) -> list[PersonSpec]:
    """Turned by ``yaw`` as a whole, the first one's pelvis over the origin at frame 0; the others stand to them as they
    did when they were recorded."""
    starts = [_start(d) for d in done]
    s, c = float(exact.sin(yaw)), float(exact.cos(yaw))
    away = [(x - starts[0][0], y - starts[0][1]) for x, y in starts]
    places = [(c * x - s * y, s * x + c * y, 0.0) for x, y in away]
    return [replace(person, yaw=yaw, place=place) for person, place in zip(people, places, strict=True)]


def form_units(
    arrangement: str, performers: Sequence[Performer], groups: Sequence[Sequence[int]], rng: np.random.Generator
) -> list[Unit] | None:
    """Who is placed as one; None where people who belong together get into each other however far they are apart.

    groups: numbers of those who were recorded together, the others each alone.
    """
    covers = [p.cover for p in performers]
    if arrangement == "together":
        found = [_row(performers, rng)]
    else:
        found = [_recorded(performers, group) for group in groups if len(group) > 1]
        alone = [group[0] for group in groups if len(group) == 1]
        if arrangement == "facing":
            while len(alone) > 1:
                found.append(_pair(performers, (alone.pop(0), alone.pop(0)), rng))
        found += [[Member(k, performers[k].person.yaw)] for k in alone]
    units = [make_unit(members, covers) for members in found if members]
    return units if len(units) == len(found) else None


def _recorded(performers: Sequence[Performer], group: Sequence[int]) -> list[Member]:
    """Turned as a whole; they stand to each other as they did when they were recorded."""
    chosen = [performers[k] for k in group]
    placed = as_recorded([p.person for p in chosen], [p.done for p in chosen], chosen[0].person.yaw)
    return [Member(k, person.yaw, *person.place[:2]) for k, person in zip(group, placed, strict=True)]


def _start(done: Performance) -> tuple[float, float]:
    """(x, y) of the pelvis at frame 0 where it was recorded."""
    x, y, _ = done.skeleton.joints[0] + done.transl[1]
    return float(x), float(y)


def _pair(performers: Sequence[Performer], pair: tuple[int, int], rng: np.random.Generator) -> list[Member]:
    """Two who face each other as people do who talk, or as far as what they do needs; [] if nothing is far enough."""
    heading, distance = rng.uniform(0, 2 * np.pi), rng.uniform(0.9, 1.4)
    turned = rng.uniform(-0.25, 0.25, 2)
    x, y = float(exact.cos(heading)), float(exact.sin(heading))
    yaws = [performers[k].yaw_towards(heading + n * np.pi + turned[n]) for n, k in enumerate(pair)]
    return _spread([Member(k, yaws[n], x * n * distance, y * n * distance) for n, k in enumerate(pair)], performers)


def _row(performers: Sequence[Performer], rng: np.random.Generator) -> list[Member]:
    """Side by side with one heading; [] if they get into each other however far they are apart."""
    heading, aside, behind = rng.uniform(0, 2 * np.pi), rng.uniform(0.65, 0.85), rng.uniform(1.1, 1.4)
    members = []
    for k, performer in enumerate(performers):
        line, place = divmod(k, _ABREAST)
        left, back = aside * place, behind * line + rng.uniform(-0.12, 0.12)
        yaw, s, c = performer.yaw_towards(heading), float(exact.sin(heading)), float(exact.cos(heading))
        members.append(Member(k, yaw, -s * left - c * back, c * left - s * back))
    return _spread(members, performers)


def _spread(members: list[Member], performers: Sequence[Performer]) -> list[Member]:
    """The same, as far apart as they must be for nobody to get into anybody; [] beyond _FURTHEST."""
    covers, factor = [p.cover for p in performers], 1.0
    while factor <= _FURTHEST:
        spread = [Member(m.number, m.yaw, m.x * factor, m.y * factor) for m in members]
        units = [make_unit([m], covers) for m in spread]
        if not any(meet(a, b, _CLEAR) for n, a in enumerate(units) for b in units[:n]):
            return spread
        factor *= 1.07
    return []

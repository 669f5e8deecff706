"""What people who were recorded together have in common, so that they stay to each other as they stood.

A recording of one person is scaled to whoever performs it. Of several, ways along the floor keep the recorded metres
whoever performs them, so that distances are kept; heights still follow each performer's legs, and feet that stand are
held where they stand by hips and knees. Somebody who is carried, whose soles rest far above the floor of somebody right
beside them, keeps the recorded heights over that floor.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mannequin.generator import exact

CARRIED, REACH = 0.25, 0.6
"""Metres over the floor of another beyond which resting soles do not stand on it, and metres between them along the
floor within which that other may carry."""

CARRIED_TOLD = "carried: heights are as recorded over the floor of who carries"

MOMENTS = 50
"""At which it is looked how near people are."""


@dataclass(frozen=True)
class Shared:
    """scale: metres of the recording's unit, of ways along the floor. floor: height (m) of the lowest floor on a body
    of usual proportions. carried: whether this person does not stand on it."""

    scale: float
    floor: float = 0.0
    carried: bool = False


@dataclass(frozen=True, eq=False)
class Way:
    """Of a body of usual proportions. pelvis: (T, 3) metres. rate: Hz. begin: seconds on the common clock.
    rests: metres, the height at which the soles come to rest."""

    pelvis: np.ndarray
    rate: float
    begin: float
    rests: float

    def at(self, times: np.ndarray) -> np.ndarray:
        """(N, 2) metres along the floor at ``times`` (N,) of the common clock."""
        picks = np.rint((times - self.begin) * self.rate).astype(int)
        return self.pelvis[picks.clip(0, len(self.pelvis) - 1), :2]


def share(scale: float, people: Sequence[Way]) -> list[Shared]:
    """For each person."""
    floor = min(person.rests for person in people)
    ground = [person for person in people if person.rests - floor <= CARRIED]
    return [
        Shared(scale, floor, person not in ground and any(_near(person, other) for other in ground))
        for person in people
    ]


def _near(one: Way, other: Way) -> bool:
    ends = [person.begin + (len(person.pelvis) - 1) / person.rate for person in (one, other)]
    times = np.linspace(max(one.begin, other.begin), min(ends), MOMENTS)
    return bool(times[-1] >= times[0] and np.median(exact.norm(one.at(times) - other.at(times))) < REACH)

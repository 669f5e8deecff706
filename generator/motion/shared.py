"""What people who were recorded together have in common, so that they stay to each other as they stood.

A recording of one person is scaled to whoever performs it. Of several, ways along the floor keep the recorded metres
whoever performs them, so that distances are kept; heights still follow each performer's legs. Feet that stand are held
where they stand by hips and knees. All have the floor that the lowest of them stands on: somebody whose soles rest far
above it is carried, or stands on something, and keeps the recorded heights.
"""

from collections.abc import Sequence
from dataclasses import dataclass

CARRIED = 0.25
"""Metres over the common floor beyond which resting soles do not stand on it."""

CARRIED_TOLD = "off the floor that the others stand on: heights are as recorded over it"


@dataclass(frozen=True)
class Shared:
    """scale: metres of the recording's unit, of ways along the floor. floor: height (m) of the common floor on a body
    of usual proportions. carried: whether this person does not stand on it."""

    scale: float
    floor: float = 0.0
    carried: bool = False


def share(scale: float, heights: Sequence[float]) -> list[Shared]:
    """For each person, of the heights (m) at which the soles of all come to rest."""
    floor = min(heights)
    return [Shared(scale, floor, height - floor > CARRIED) for height in heights]

"""What an action is, the style parameters that all share, and the timing of repeated gestures."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mannequin.generator.motion.curves import keyed
from mannequin.generator.motion.kinematics.figure import Figure
from mannequin.generator.motion.kinematics.plan import Plan

Range = tuple[float, float, float]
"""(lowest, default, highest)."""

HABITS: dict[str, Range] = {
    "variation": (0.0, 0.0, 9999.0),  # seed of the person's habits and noise, rounded
    "mood": (-1.0, 0.2, 1.0),  # slumped … upright
    "arms_out": (0.0, 0.0, 0.35),  # rad, room between arms and a wide body
}
IDLE: dict[str, Range] = {"idle": (0.3, 1.0, 2.0)}  # size of breathing, sway and head motion
SIDE: dict[str, Range] = {"side": (-1.0, -1.0, 1.0)}  # below 0 the right limb acts, else the left
TEMPO: dict[str, Range] = {"tempo": (0.7, 1.0, 1.4)}  # speed of the gesture


@dataclass(frozen=True)
class Action:
    """A labelled kind of motion.

    parameters: style parameter → (lowest, default, highest). plan: plans a performance in which
    the left limb acts; where "side" is a parameter the right-handed one is its mirror image.
    """

    name: str
    parameters: dict[str, Range]
    plan: Callable[[np.ndarray, Figure, dict[str, float]], Plan]


@dataclass(frozen=True)
class Rhythm:
    """A gesture that repeats: ``knots`` seconds into it, then a pause, ``period`` in all."""

    times: np.ndarray
    knots: tuple[float, ...]
    period: float

    @staticmethod
    def of(times: np.ndarray, durations, pause: float, tempo: float) -> "Rhythm":
        """durations: of the phases at tempo 1, in seconds; the first starts at time 0."""
        knots = np.concatenate([[0.0], np.cumsum(durations)]) / tempo
        return Rhythm(times, tuple(knots), float(knots[-1]) + pause / tempo)

    def curve(self, values, delay: float = 0.0) -> np.ndarray:
        """(T,) or (T, D) through one value per knot, the last equal to the first; ``delay`` in s."""
        return keyed(self.times - delay, self.knots, values, self.period)

    @property
    def within(self) -> np.ndarray:
        """(T,) seconds since the repetition began."""
        return self.times % self.period

"""Where the cameras of a rig stand around what they look at."""

from dataclasses import dataclass, replace

import numpy as np

from mannequin.generator import exact
from mannequin.generator.rotations import rz

LOWEST, HIGHEST = np.deg2rad(5.0), np.deg2rad(75.0)
"""Elevations between which the cameras of a sphere stand: from below the ground would be looked through."""

GOLDEN_ANGLE = 2.399963229728653
"""rad; turned by it from one to the next, points on a sphere lie evenly (Vogel 1979)."""


@dataclass(frozen=True, eq=False)
class Stand:
    """One camera before it moves.

    position, target: (3,) world metres, where it is and what it looks at. focal: pixels.
    aside: metres by which it is shifted to its own right, without turning.
    """

    position: np.ndarray
    target: np.ndarray
    focal: float
    aside: float = 0.0


def fixed(stand: Stand, number: float) -> tuple[Stand, ...]:
    """That one camera."""
    return (stand,)


def ring(stand: Stand, number: float) -> tuple[Stand, ...]:
    """As many at the same height and distance, at even angles around what they look at, the first where it stood."""
    offset = stand.position - stand.target
    turns = (rz(2 * np.pi * i / number) for i in range(int(number)))
    return tuple(replace(stand, position=stand.target + exact.matmul(turn, offset)) for turn in turns)


def sphere(stand: Stand, number: float) -> tuple[Stand, ...]:
    """As many at the same distance, evenly over the upper half of a sphere, from LOWEST to HIGHEST."""
    offset = stand.position - stand.target
    distance, bearing = exact.norm(offset), float(exact.arctan2(offset[1], offset[0]))
    share = (np.arange(int(number)) + 0.5) / number
    height = exact.sin(LOWEST) + share * (exact.sin(HIGHEST) - exact.sin(LOWEST))
    level, angle = np.sqrt(1.0 - height**2), bearing + GOLDEN_ANGLE * np.arange(int(number))
    directions = np.stack([level * exact.cos(angle), level * exact.sin(angle), height], axis=1)
    return tuple(replace(stand, position=stand.target + distance * direction) for direction in directions)


def stereo(stand: Stand, number: float) -> tuple[Stand, ...]:
    """Two with parallel axes, the left and the right one, that many metres apart."""
    return replace(stand, aside=-number / 2), replace(stand, aside=number / 2)

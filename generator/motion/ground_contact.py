"""Where a body touches the floor, by its joints alone: no mesh and no skeleton at rest is needed."""

from dataclasses import dataclass

import numpy as np

from mannequin.generator import exact

RADIUS = np.array(
    [0.10, 0.10, 0.10, 0.10, 0.06, 0.06, 0.11, 0.075, 0.075, 0.11, 0.03, 0.03]
    + [0.06, 0.06, 0.06, 0.10, 0.06, 0.06, 0.04, 0.04, 0.04, 0.04]
)
"""(22,) metres from a joint of SMPL's order to what the body lies or stands on."""

FEET = (7, 8, 10, 11)

NEAR = 0.05
"""Metres off the floor within which a body is taken to touch it: as exact as joints without a mesh are."""


@dataclass(frozen=True)
class Contact:
    """How a motion meets the floor.

    airborne: share of frames in which no part of the body is within NEAR of it. sunk: share in which one is deeper
    than NEAR under it. highest: metres over it of the lower sole in the frame where that is highest.
    """

    airborne: float
    sunk: float
    highest: float


def lowest_along(joints: np.ndarray, up: np.ndarray, among=tuple(range(len(RADIUS)))) -> np.ndarray:
    """(T,) metres along ``up`` (3,) of the lowest point ``among`` some of the joints (T, J ≥ 22, 3) of bodies."""
    return (exact.matmul(joints[:, list(among)], up) - RADIUS[list(among)]).min(axis=1)


def lowest(joints: np.ndarray, ground: float = 0.0) -> np.ndarray:
    """(T,) metres of the lowest point over the floor at height ``ground`` of a Z-up world; joints: (T, J ≥ 22, 3)."""
    return _heights(joints, ground).min(axis=1)


def _heights(joints: np.ndarray, ground: float) -> np.ndarray:
    return joints[:, : len(RADIUS), 2].astype(np.float64) - RADIUS - ground


def ground_contact(joints: np.ndarray, ground: float = 0.0) -> Contact:
    """Of joints (T, J ≥ 22, 3) metres in a Z-up world whose floor is at height ``ground``."""
    heights = _heights(joints, ground)
    low = heights.min(axis=1)
    return Contact(
        float((low > NEAR).mean()),
        float((low < -NEAR).mean()),
        float(heights[:, list(FEET)].min(axis=1).max()),
    )

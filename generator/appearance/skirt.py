"""A skirt from two legs: each leg's skin becomes one half of a closed tube around both.

Seen from above, each half is a D: the skirt's outline outside, the mid-plane inside. When legs
move, the flat sides slide along each other, as long as nobody does the splits.
"""

import numpy as np

from mannequin.generator import exact
from mannequin.generator.appearance.measures import Measures

SQUARENESS = 2.4
"""Exponent of the outline, between an ellipse (2) and a rectangle."""

FLARE = 0.05
"""Metres that the outline grows per metre of drop."""

GAP = 0.002
"""Distance of the flat sides from the mid-plane, metres."""

EASE = 0.008
"""Room between seat and skirt, metres."""

LEVELS = 40


def skirt_form(points: np.ndarray, m: Measures) -> np.ndarray:
    """(V, 3) horizontal ways from the skin of hips and thighs to a skirt; zero elsewhere."""
    out = np.zeros_like(points)
    low = m.knee_y - 0.1
    chosen = (points[:, 1] > low) & (points[:, 1] < m.hip_y + 0.05) & (np.abs(points[:, 0]) < 3.0 * m.hip_x)
    if chosen.sum() < 12:
        return out
    width, front, back = _outline(points[chosen], low, m)
    p = points[chosen]
    level = np.interp(p[:, 1], np.linspace(low, m.hip_y + 0.05, LEVELS), np.arange(LEVELS))
    width, front, back = (np.interp(level, np.arange(LEVELS), side) for side in (width, front, back))
    centre = 0.5 * (front + back)

    side = np.where(p[:, 0] >= 0.0, 1.0, -1.0)
    # Rays start in the trunk's middle above the crotch, and in each leg's middle below it.
    down = (m.hip_y - p[:, 1]) / (m.hip_y - m.knee_y)
    apart = np.clip((m.crotch_y + 0.03 - p[:, 1]) / 0.06, 0.0, 1.0)
    axis = np.stack([apart * (m.hip_x + down * (m.knee_x - m.hip_x)), m.hip_z + down * (m.knee_z - m.hip_z)], 1)
    ray = np.stack([p[:, 0] * side, p[:, 2]], 1) - axis
    ray /= np.maximum(np.linalg.norm(ray, axis=1, keepdims=True), 1e-6)
    reach = _leave(axis[:, 0], axis[:, 1] - centre, ray, width, 0.5 * (front - back))
    inward = np.where(ray[:, 0] < -1e-6, np.maximum(axis[:, 0] - GAP, 0.0) / np.maximum(-ray[:, 0], 1e-6), np.inf)
    target = axis + np.minimum(reach, inward)[:, None] * ray
    begin = np.clip((m.hip_y + 0.05 - p[:, 1]) / 0.13, 0.0, 1.0)
    move = np.stack([target[:, 0] * side, p[:, 1], target[:, 1]], 1) - p
    out[chosen] = move * (begin * begin * (3.0 - 2.0 * begin))[:, None]
    return out


def _outline(points: np.ndarray, low: float, m: Measures) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Half width, front z and back z at ``LEVELS`` heights, bottom first; never narrower than above."""
    level = np.rint((points[:, 1] - low) / (m.hip_y + 0.05 - low) * (LEVELS - 1)).astype(int)
    width, front, back = np.zeros(LEVELS), np.full(LEVELS, -9.0), np.full(LEVELS, 9.0)
    np.maximum.at(width, level, np.abs(points[:, 0]))
    np.maximum.at(front, level, points[:, 2])
    np.minimum.at(back, level, points[:, 2])
    drop = np.linspace(m.hip_y + 0.05 - low, 0.0, LEVELS)
    more = EASE + FLARE * drop
    return (
        np.maximum.accumulate(width[::-1])[::-1] + more,
        np.maximum.accumulate(front[::-1])[::-1] + 0.5 * more,
        np.minimum.accumulate(back[::-1])[::-1] - 0.5 * more,
    )


def _leave(x, z, ray, width, depth) -> np.ndarray:
    """(N,) distance along each ray from (x, z) to the outline of half axes (width, depth)."""
    near, far = np.zeros(len(x)), np.full(len(x), 0.6)
    for _ in range(24):
        middle = 0.5 * (near + far)
        inside = (
            exact.power(np.abs((x + middle * ray[:, 0]) / width), SQUARENESS)
            + exact.power(np.abs((z + middle * ray[:, 1]) / depth), SQUARENESS)
        ) < 1.0
        near, far = np.where(inside, middle, near), np.where(inside, far, middle)
    return near

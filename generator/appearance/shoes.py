"""Turns bare feet into closed shoes: one smooth skin over a last, without toes."""

import numpy as np
from scipy.spatial import ConvexHull

from mannequin.generator import exact
from mannequin.generator.appearance.measures import FOOT_JOINTS, Measures, is_of
from mannequin.generator.appearance.surface import averaging, smooth, vertex_normals
from mannequin.generator.body.model import BodyModel

COLLAR = 0.082
"""Height of a low shoe's opening above the floor, metres."""

SOLE = 0.022
"""Thickness of the sole, below the bare foot."""

LEATHER = 0.005
"""How far the upper stands off the foot."""

RELAXATIONS = 90

WEBS = 0.74
"""Where the toes part, as a share of the foot's length."""


def shoe_form(body: BodyModel, m: Measures) -> tuple[np.ndarray, np.ndarray]:
    """(shod (V, 3) metres, on (V,) 0…1): where each foot's vertices lie on a shoe, and which do.

    The foot's vertices are spread over the shoe by relaxing them on it (a harmonic map), so that
    the toes' many folds come undone.
    """
    shod = body.v_template.astype(np.float64)
    mean = averaging(body.topology.faces, body.num_vertices, shod)
    normals = vertex_normals(shod, body.topology.faces)
    on = np.zeros(len(shod))
    for side in ("left", "right"):
        columns = [j for j, n in enumerate(body.joint_names) if n.startswith(side) and is_of(n, FOOT_JOINTS)]
        foot = (body.weights[:, columns].sum(1) > 0.4) & (shod[:, 1] < m.floor_y + COLLAR + 0.04)
        free = foot & (shod[:, 1] < m.floor_y + COLLAR)
        if free.sum() < 12:
            continue
        planes = _last(shod[free] + LEATHER * normals[free], m.floor_y)
        shod = _relax(shod, free, mean, planes, *_core(shod[free], m.floor_y))
        on[free] = 1.0
    return shod, on


def _core(foot: np.ndarray, floor: float) -> tuple[np.ndarray, np.ndarray]:
    """Ends of a segment inside the foot, from heel to ball; the shoe is star-shaped around it."""
    heel, toe = foot[foot[:, 2].argmin()], foot[foot[:, 2].argmax()]
    middle = foot[np.abs(foot[:, 2] - 0.5 * (heel[2] + toe[2])) < 0.06].mean(0)
    back = 0.72 * heel + 0.28 * middle
    front = 0.45 * toe + 0.55 * middle
    back[1] = front[1] = floor + 0.02
    return back, front


def _last(foot: np.ndarray, floor: float) -> np.ndarray:
    """(P, 4) planes (n, d), n · x + d <= 0 inside, of the convex shoe around a foot's points."""
    forward = foot[:, 2]
    start = forward.min() + 0.62 * np.ptp(forward)
    longer = foot.copy()
    longer[:, 2] += 0.09 * np.maximum(forward - start, 0.0)
    # A toe box is higher than toes are.
    tips = longer[(forward > forward.min() + 0.86 * np.ptp(forward)) & (longer[:, 1] < floor + 0.04)]
    raised = tips * (1, 0, 1) + (0, floor + 0.034, -0.012)
    low = longer[longer[:, 1] < floor + 0.055]
    outline = low[ConvexHull(low[:, [0, 2]]).vertices]
    rims = [outline * (1, 0, 1) + (0, floor + h, 0) for h in (0.008, -SOLE)]
    points = np.concatenate([longer, raised, *rims])
    hull = ConvexHull(points)
    opening = (points[hull.simplices, 1] > floor + COLLAR - 0.02).all(1) & (hull.equations[:, 1] > 0.6)
    return hull.equations[~opening]


def _relax(points, free, mean, planes, back, front) -> np.ndarray:
    """Points (V, 3) with the free ones evenly spread over the planes' surface."""
    out = points.copy()
    rows = mean[free]
    axis = front - back
    # Toes must come undone; the foot behind them keeps its place, or the skin, like a rubber
    # sock, would slip off through the shoe's opening.
    length = points[free, 2]
    share = (length - length.min()) / np.ptp(length)
    hold = 0.02 + 0.48 * np.clip((WEBS - share) / 0.1, 0.0, 1.0)[:, None]
    for _ in range(RELAXATIONS):
        x = exact.matmul(rows, out)
        x += hold * (points[free] - x)
        along = np.clip(exact.matmul(x - back, axis) / (exact.matmul(axis, axis)), 0.0, 1.0)
        centre = back + along[:, None] * axis
        ray = x - centre
        speed = exact.matmul(ray, planes[:, :3].T)
        gap = -(exact.matmul(centre, planes[:, :3].T) + planes[:, 3])
        reach = np.where(speed > 1e-9, gap / np.maximum(speed, 1e-9), np.inf).min(1)
        # Rays that leave through the opening stay where they are.
        reach = np.where(np.linalg.norm(ray, axis=1) * reach < 0.16, reach, 1.0)
        out[free] = centre + reach[:, None] * ray
    rounded = smooth(mean, out, 1, 0.3)
    out[free] = rounded[free]
    return out

"""Moves a body's surface out to that of its clothes, shoes and hair."""

import numpy as np

from mannequin.generator import exact
from mannequin.generator.appearance import garments as kinds
from mannequin.generator.appearance import surface
from mannequin.generator.appearance.choices import Outfit
from mannequin.generator.appearance.fit import Fit
from mannequin.generator.appearance.footwear import Shoe
from mannequin.generator.appearance.garments import Garment, fold, inside
from mannequin.generator.appearance.hair import STYLE_CODES, volume
from mannequin.generator.appearance.noise import ramp
from mannequin.generator.compiled import njit

FOLD_HEIGHT = 0.011
"""Half the height of the deepest folds, metres."""

ROOM_SHARE = 0.7
"""Share of the free room that cloth may take, so that both sides of a gap leave some."""

MOST = 0.06
"""Cloth moves no vertex farther than this, metres; only skirts and shoes do."""

STEP = 0.016
"""Width of the slope from a hem down to the skin, metres: one edge of the mesh, so that it is not ragged."""

SOLE_OF = {"sneakers": 1.0, "boots": 1.1, "dress shoes": 0.6}
"""Thickness of the sole as a share of ``SOLE``."""


@njit(cache=True)
def _cloth(g, m, points, arm, head):
    """(V, 2): how much of garment g lies on each vertex, 0…1, and the height of its folds (m)."""
    out = np.zeros((len(points), 2))
    for v in range(len(points)):
        x, y, z = points[v]
        d = inside(g, m, x, y, z, arm[v], head[v])
        if d > -STEP:
            height, depth = fold(g, m, x, y, z, arm[v])
            out[v, 0] = ramp(d, -STEP, 0.0)
            out[v, 1] = g.folds * depth * height
            if g.collar and d < 0.036 and y > m.shoulder_y and arm[v] < 0.3:
                out[v, 1] += 0.5
    return out


def _garment_offsets(g: Garment, fit: Fit) -> np.ndarray:
    """(V, 3) metres from skin to garment g."""
    cover = _cloth(g, fit.measures, fit.points, fit.arm, fit.head)
    on, relief = cover[:, :1], cover[:, 1:]
    hang = {kinds.TOP: fit.hang_trunk, kinds.BOTTOM: fit.hang_leg, kinds.DRESS: fit.hang_trunk}[g.kind]
    slack = 0.35 + 0.65 * g.loose
    # Loose sleeves and legs stand off more, most of all towards their ends.
    away = g.thickness + 0.006 * g.loose + slack * fit.fill[:, None] + FOLD_HEIGHT * slack * (relief + 0.35 * g.folds)
    out = _within_room(on * (np.maximum(away, 0.0015) * fit.normals + g.loose * hang), fit)
    if g.kind == kinds.DRESS:
        straight = on * (fit.skirt + FOLD_HEIGHT * relief * _outward(fit.skirt))
        out = _longer(straight, out)
    return out


def _outward(way: np.ndarray) -> np.ndarray:
    """(V, 3) unit directions of ways; zero where there is none."""
    return way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 0.004)


def _within_room(offsets: np.ndarray, fit: Fit) -> np.ndarray:
    """Offsets (V, 3) shortened where the surface would meet itself."""
    length = np.linalg.norm(offsets, axis=1)
    limit = np.minimum(ROOM_SHARE * fit.room, MOST)
    share = np.minimum(1.0, limit / np.maximum(length, 1e-9))
    share = np.minimum(share, surface.smooth(fit.mean, share, 3))
    return offsets * share[:, None]


def _shod(outfit: Outfit, fit: Fit) -> np.ndarray:
    """(V, 3) metres from bare feet to shoes."""
    shod = fit.shod.copy()
    floor = fit.measures.floor_y
    below = np.minimum(shod[:, 1] - floor, 0.0)
    shod[:, 1] += below * (SOLE_OF[outfit.shoes] - 1.0)
    return (shod - fit.points) * (fit.shoe > 0.5)[:, None]


def _ankles(outfit: Outfit, shoe: Shoe, fit: Fit) -> np.ndarray:
    """(V, 3) metres from skin to socks and boot shafts above the low shoe."""
    height = fit.points[:, 1] - fit.measures.floor_y
    sock = 0.002 * ramp_array(fit.measures.ankle_y - fit.measures.floor_y + outfit.sock_height - height, -0.004, 0.004)
    shaft = 0.008 * ramp_array(shoe.shaft - height, -0.006, 0.004)
    return np.maximum(sock, shaft)[:, None] * fit.normals


def ramp_array(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """Smooth step of an array: 0 below ``low``, 1 above ``high``."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def _longer(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of two offsets (V, 3), the one that reaches farther."""
    return np.where((np.linalg.norm(a, axis=1) >= np.linalg.norm(b, axis=1))[:, None], a, b)


def clothes_offsets(outfit: Outfit, shoe: Shoe, fit: Fit, ears: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) float64 metres from skin to the outermost surface, in the rest frame.

    ears: (V,) 0…1; faces: (F, 3). Hands, face and eyes stay where they are.
    """
    cloth = _ankles(outfit, shoe, fit)
    for garment in outfit.garments:
        mine = _garment_offsets(garment, fit)
        over = np.linalg.norm(cloth, axis=1, keepdims=True) > 0.0
        covers = np.linalg.norm(mine, axis=1, keepdims=True) > 0.001
        cloth = _longer(mine, cloth) + 0.0015 * fit.normals * (over & covers)
    bare = (fit.hand > 0.5) | (fit.eyes > 0.5)
    cloth = np.where(bare[:, None], 0.0, cloth)
    hair = _hair(outfit, fit, ears)
    out = _longer(hair, cloth)
    out = _keep_sides(_unfold(out, fit, faces), fit)
    return np.where(fit.shoe[:, None] > 0.5, _shod(outfit, fit), out)


def _keep_sides(offsets: np.ndarray, fit: Fit) -> np.ndarray:
    """Offsets (V, 3) with which each leg stays on its own side of the mid-plane."""
    x = fit.points[:, 0]
    side = np.where(x >= 0.0, 1.0, -1.0)
    least = np.minimum(np.abs(x), 0.001) - np.abs(x)
    legs = fit.points[:, 1] < fit.measures.crotch_y
    out = offsets.copy()
    out[:, 0] = np.where(legs, side * np.maximum(side * offsets[:, 0], least), offsets[:, 0])
    return out


def _hair(outfit: Outfit, fit: Fit, ears: np.ndarray) -> np.ndarray:
    """(V, 3) metres from scalp to hair."""
    # Hair lies flat around the ears, or they would be drawn out into points.
    flat = np.maximum(ears, np.minimum(2.5 * surface.smooth(fit.mean, ears, 4), 1.0))
    style, seed = STYLE_CODES[outfit.hair_style], outfit.number % 2**31
    height = volume(fit.measures, style, outfit.hair_volume, fit.points, fit.head, flat, fit.eyes, seed)
    return surface.smooth(fit.mean, height, 1)[:, None] * fit.normals * (fit.eyes < 0.5)[:, None]


def _unfold(offsets: np.ndarray, fit: Fit, faces: np.ndarray) -> np.ndarray:
    """Halve offsets around faces that they would turn over, until none is."""
    a, b, c = (fit.points[faces[:, k]] for k in range(3))
    before = np.cross(b - a, c - a)
    for _ in range(12):
        moved = fit.points + offsets
        a, b, c = (moved[faces[:, k]] for k in range(3))
        after = np.cross(b - a, c - a)
        turned = exact.dot(before, after) <= 0.05 * exact.dot(before, before)
        if not turned.any():
            break
        touched = np.zeros(len(offsets))
        touched[faces[turned].ravel()] = 1.0
        around = np.maximum(touched, exact.matmul(fit.mean, touched))
        offsets = offsets * (1.0 - 0.5 * np.minimum(around, 1.0))[:, None]
    return offsets

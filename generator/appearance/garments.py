"""What a garment is, and where on the body it lies.

A garment's ``inside`` is a signed distance in metres to its border, positive under the cloth, so
that one number gives the mask, the hem's seam, the cuff and the shadow on the skin beside it.
"""

from typing import NamedTuple

import numpy as np

from mannequin.generator import exact
from mannequin.generator.appearance.noise import ramp, value
from mannequin.generator.compiled import njit

TOP, BOTTOM, DRESS, SOCK = range(4)
CREW, VEE, SCOOP, HIGH = range(4)
PLAIN, STRIPES, CHECKS, PRINT, CLOUDS, BLOCKS, HEATHER, DENIM = range(8)
ABSENT = 10.0


class Garment(NamedTuple):
    """Numbers that compiled code reads; lengths in metres of the model frame, colours sRGB.

    hem: height of the lower border (at each leg for trousers). waist: height of the upper border
    of a bottom. sleeve: |x| where sleeves end; 0 for none. strap: |x| of a sleeveless edge.
    neck: one of CREW, VEE, SCOOP, HIGH; neck_drop: how far its front lies below a crew neck.
    collar, placket, pockets, belt, rib, hood, side_stripe: 0 or 1.
    thickness: how far tight cloth stands off; loose: 0…1, how straight it hangs; folds: 0…1.
    red…blue: the main colour; red2…blue2, red3…blue3: those of the pattern.
    """

    kind: int
    hem: float
    waist: float
    sleeve: float
    strap: float
    neck: int
    neck_drop: float
    pattern: int
    scale: float
    red: float
    green: float
    blue: float
    red2: float
    green2: float
    blue2: float
    red3: float
    green3: float
    blue3: float
    collar: int
    placket: int
    pockets: int
    belt: int
    rib: int
    side_stripe: int
    thickness: float
    loose: float
    folds: float
    seed: int


@njit(cache=True)
def _neckline(g, m, x, y, z):
    """Metres below the collar's edge."""
    forward = min(max((z - m.neck_z) * 0.55, -0.03), 0.06)
    edge = m.neck_y + 0.012 - forward
    front = ramp(z, m.neck_z - 0.01, m.neck_z + 0.05)
    across = abs(x)
    if g.neck == VEE:
        edge -= front * g.neck_drop * max(0.0, 1.0 - across / 0.075)
    elif g.neck == SCOOP:
        edge -= front * g.neck_drop * np.sqrt(max(0.0, 1.0 - (across / 0.11) ** 2))
        edge -= 0.025 * (1.0 - front)
    elif g.neck == HIGH:
        edge += 0.028
    return edge - y


@njit(cache=True)
def inside(g, m, x, y, z, arm, head):
    """Metres from the border of garment g, positive where it covers the skin.

    m: Measures; x, y, z: a point of the template; arm, head: skinning shares of arms and head.
    """
    across = abs(x)
    wave = 0.0025 * value(x * 22.0, 0.0, z * 22.0, g.seed)
    if g.kind == BOTTOM:
        return min(g.waist - y, y - g.hem + wave)
    if g.kind == SOCK:
        return min(g.hem - y, 1.0)
    out = min(_neckline(g, m, x, y, z), (0.5 - head) * 0.15)
    out = min(out, y - g.hem + wave if arm < 0.5 else 1.0)
    if g.sleeve > 0.0:
        if arm > 0.2:
            out = min(out, g.sleeve - across + wave)
        return out
    down = min(max(m.shoulder_y + 0.02 - y, 0.0), 0.17)
    edge = g.strap + (down / 0.12) ** 2 * 0.09
    return min(min(out, edge - across), (0.42 - arm) * 0.06)


@njit(cache=True)
def fold(g, m, x, y, z, arm):
    """Height of the cloth's folds at a point, about [-1, 1], and how deep they are there, 0…1.

    Folds run around elbows, knees and waist, and along thighs and shins between.
    """
    across = abs(x)
    side = 7.0 if x > 0.0 else 23.0
    warp = value(x * 6.0, y * 6.0, z * 6.0, g.seed + 11)
    if arm > 0.5 and g.kind != BOTTOM:
        bend = exact.exp(-(((across - m.elbow_x) / 0.07) ** 2))
        near = exact.exp(-(((across - m.shoulder_x - 0.03) / 0.06) ** 2))
        end = exact.exp(-(((across - g.sleeve + 0.02) / 0.06) ** 2))
        along = across * 21.0 + y * 12.0 * warp + 0.8 * warp
        height = value(along, y * 8.0 + side, z * 8.0, g.seed + 12)
        depth = 0.3 + 0.7 * max(bend, 0.8 * near, 0.8 * end)
    elif y > m.crotch_y or g.kind == DRESS:
        waist = exact.exp(-(((y - m.hip_y - 0.24 * m.trunk) / 0.09) ** 2))
        pit = exact.exp(-((across - m.shoulder_x + 0.03) ** 2 + (y - m.shoulder_y + 0.11) ** 2) / 0.009)
        groin = exact.exp(-(((y - m.crotch_y - 0.02) / 0.07) ** 2)) * (1.0 if g.kind == BOTTOM else 0.3)
        slant = y - 0.45 * across if g.kind != BOTTOM else y + 0.7 * across
        upright = ramp(m.hip_y + 0.12 - y, 0.0, 0.16) if g.kind != BOTTOM else 0.0
        height = (1.0 - upright) * value(x * 6.0 + warp, slant * 19.0 + 1.4 * warp, z * 6.0 + side, g.seed + 13)
        height += upright * value(x * 22.0 + warp, y * 4.0, z * 22.0, g.seed + 14)
        depth = 0.22 + 0.78 * max(waist, pit, groin, 0.7 * upright)
    else:
        knee = exact.exp(-(((y - m.knee_y) / 0.075) ** 2))
        ankle = exact.exp(-(((y - max(g.hem, m.ankle_y)) / 0.09) ** 2))
        rings = max(knee, ankle)
        height = rings * value(x * 9.0 + warp, y * 24.0 + 1.5 * warp, z * 9.0 + side, g.seed + 15)
        height += (1.0 - rings) * value(x * 17.0 + warp, y * 4.0, z * 17.0 + side, g.seed + 16)
        depth = 0.3 + 0.7 * rings
    # Folds are sharp ridges between wide valleys.
    ridge = 1.0 - 2.0 * abs(height)
    return 0.6 * ridge + 0.4 * height, depth

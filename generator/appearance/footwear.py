"""The colour of shoes and socks."""

from typing import NamedTuple

from mannequin.generator import exact
from mannequin.generator.appearance.noise import bump, ramp, value
from mannequin.generator.compiled import njit

SNEAKERS, BOOTS, DRESS_SHOES = range(3)
SHOE_CODES = {"sneakers": SNEAKERS, "boots": BOOTS, "dress shoes": DRESS_SHOES}


class Shoe(NamedTuple):
    """Shoes of one outfit; lengths in metres, colours sRGB.

    heel_x, heel_z, toe_x, toe_z: the left shoe's ends on the floor. shaft: height of its opening
    above the floor.
    """

    kind: int
    heel_x: float
    heel_z: float
    toe_x: float
    toe_z: float
    shaft: float
    red: float
    green: float
    blue: float
    sole_r: float
    sole_g: float
    sole_b: float
    trim_r: float
    trim_g: float
    trim_b: float
    seed: int


@njit(cache=True)
def _laces(across, t, first, last, width):
    """(laces, tongue): opacity of laces and of the tongue below them."""
    on = ramp(t, first - 0.01, first) * (1.0 - ramp(t, last, last + 0.01))
    if on <= 0.0:
        return 0.0, 0.0
    row = (t - first) / 0.052
    lace = (1.0 - ramp(abs(row % 1.0 - 0.5), 0.22, 0.3)) * (1.0 - ramp(across, width, width + 0.004))
    return on * lace, on * (1.0 - ramp(across, width * 0.72, width * 0.72 + 0.003))


@njit(cache=True)
def shoe_colour(s, m, x, y, z):
    """sRGB albedo at a point of the shod foot (rest frame)."""
    height = y - m.floor_y
    length = s.toe_z - s.heel_z
    t = (z - s.heel_z) / length
    centre = s.heel_x + t * (s.toe_x - s.heel_x)
    across = abs(abs(x) - centre)
    grain = (
        1.0
        + 0.05 * value(x * 330.0, y * 330.0, z * 330.0, s.seed)
        + 0.05 * value(x * 45.0, y * 45.0, z * 45.0, s.seed + 1)
    )
    crease = 1.0 - 0.12 * bump(t - 0.70, 0.03) * (0.5 + 0.5 * exact.sin(t * 420.0))
    r, g, b = s.red * grain * crease, s.green * grain * crease, s.blue * grain * crease
    rim = 0.013 if s.kind == SNEAKERS else 0.006 if s.kind == BOOTS else -0.006
    top = s.shaft - 0.007
    if height < rim:
        groove = 1.0 - 0.3 * bump(height - rim + 0.006, 0.0015) - 0.35 * bump(height - rim, 0.0015)
        return s.sole_r * groove * grain, s.sole_g * groove * grain, s.sole_b * groove * grain
    welt = 1.0 - 0.3 * bump(height - rim, 0.003)
    r, g, b = r * welt, g * welt, b * welt
    if s.kind == SNEAKERS:
        part = 0.0
        if t < 0.17 and height < 0.075:
            part = 1.0 - ramp(t, 0.155, 0.165)
        elif 0.3 < t < 0.62 and s.seed % 3 < 2:
            slant = t - 0.30 - 2.2 * (height - 0.02)
            second = bump(slant - 0.15, 0.013) if s.seed % 3 == 0 else 0.0
            part = (height < 0.058) * (bump(slant - 0.08, 0.013) + second)
        elif s.seed % 2 == 0 and t > 0.9 and height < 0.032:
            part = 1.0
        part = min(part, 1.0)
        r, g, b = r + part * (s.trim_r - r), g + part * (s.trim_g - g), b + part * (s.trim_b - b)
    if s.kind == DRESS_SHOES:
        line = max(bump(t - 0.77, 0.004), bump(t - 0.36 - 0.9 * (height - 0.02), 0.004) * (height < 0.06))
        r, g, b = r * (1.0 - 0.4 * line), g * (1.0 - 0.4 * line), b * (1.0 - 0.4 * line)
    first, last = (0.46, 0.74) if s.kind != DRESS_SHOES else (0.48, 0.62)
    lace, tongue = (0.0, 0.0)
    if height > 0.035:
        lace, tongue = _laces(across, t, first, last, 0.021 if s.kind == SNEAKERS else 0.017)
    r, g, b = r * (1.0 - 0.25 * tongue), g * (1.0 - 0.25 * tongue), b * (1.0 - 0.25 * tongue)
    if s.kind == SNEAKERS:
        r, g, b = r + lace * (0.88 - r), g + lace * (0.87 - g), b + lace * (0.85 - b)
    else:
        r, g, b = r + lace * (s.trim_r - r), g + lace * (s.trim_g - g), b + lace * (s.trim_b - b)
    lining = ramp(height, top - 0.001, top + 0.001)
    return r * (1.0 - 0.55 * lining), g * (1.0 - 0.55 * lining), b * (1.0 - 0.55 * lining)


@njit(cache=True)
def sock_colour(s, x, y, z):
    """sRGB albedo of knitted socks, dark with leather and mostly light with trainers."""
    base = 0.86 if s.kind == SNEAKERS and s.seed % 3 else 0.10 + 0.12 * (s.seed % 2)
    rib = (
        1.0
        + 0.05 * exact.sin(exact.arctan2(abs(x) - s.heel_x, z - s.heel_z) * 60.0)
        + 0.03 * value(x * 300, y * 300, z * 300, s.seed)
    )
    return base * rib, base * rib, base * rib * 0.98

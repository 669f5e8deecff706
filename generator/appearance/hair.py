"""Hair: where it grows, its strands and colour, and the volume it adds to the head."""

import numpy as np

from mannequin.generator import exact
from mannequin.generator.appearance.noise import bump, fractal, ramp, value
from mannequin.generator.compiled import njit

SHORT, SIDE_PART, BUZZ, CURLY, BALD, LONG, BOB, BUN, PONYTAIL = range(9)
STYLE_CODES = {
    "short": SHORT,
    "side part": SIDE_PART,
    "buzz": BUZZ,
    "curly": CURLY,
    "bald": BALD,
    "long": LONG,
    "bob": BOB,
    "bun": BUN,
    "ponytail": PONYTAIL,
}


@njit(cache=True)
def growth(m, style, x, y, z, head, seed):
    """Metres inside the hairline, positive on hair, for a point of the template.

    The hairline's height goes with the direction seen from between the ears: forehead, temple,
    sideburn, above the ear, nape. Long hair also covers the back of neck and shoulders.
    """
    unit = m.face / 0.11
    across, forward = abs(x), z - m.ear_z
    turn = exact.arctan2(across, forward) * 180.0 / np.pi
    rough = 0.004 * value(x * 130.0, y * 60.0, z * 130.0, seed)
    front = m.eye_y + 0.058 * unit
    front -= 0.012 * unit * ramp(turn, 12.0, 32.0) * (0.0 if style in (LONG, BOB, BUN, PONYTAIL) else -0.8)
    temple = front - 0.014 * unit
    burn = m.eye_y - (0.012 if style in (BUN, PONYTAIL) else 0.022) * unit
    over = m.ear_y + 0.014 * unit
    nape = m.ear_y - 0.058 * unit
    edge = front + (temple - front) * ramp(turn, 25.0, 50.0)
    edge += (burn - temple) * ramp(turn, 52.0, 74.0)
    edge += (over - burn) * ramp(turn, 80.0, 92.0)
    edge += (nape - over) * ramp(turn, 93.0, 106.0)
    out = min(y - edge, (head - 0.35) * 0.1)
    if style == BALD:
        ring = min(m.ear_y + 0.055 * unit - y, out)
        return min(ring, (turn - 62.0) * 0.002) + rough
    if style in (LONG, BOB):
        # A curtain beside the face, behind it and, for long hair, down to the shoulder blades.
        low = m.chin_y - 0.02 if style == BOB else m.shoulder_y - 0.06
        limit = 84.0 - 20.0 * ramp(m.chin_y + 0.03 - y, 0.0, 0.06) + 34.0 * ramp(m.shoulder_y + 0.08 - y, 0.0, 0.06)
        width = 0.105 * unit if y > m.shoulder_y + 0.05 else 0.075
        curtain = min(min(y - low + 3.0 * rough, (turn - limit) * 0.0018 * unit), width - across)
        out = max(out, min(curtain, m.eye_y + 0.03 - y))
    return out + rough


@njit(cache=True)
def strands(m, style, x, y, z, seed):
    """Fine relief of the hair in [-1, 1]."""
    if style == CURLY:
        return 0.6 * fractal(x * 120.0, y * 120.0, z * 120.0, seed, 2) + 0.4 * value(x * 60, y * 60, z * 60, seed + 5)
    if style == BUZZ or style == BALD:
        return value(x * 520.0, y * 520.0, z * 520.0, seed)
    crown_y, crown_z = m.top_y, m.ear_z - 0.03
    if style == SIDE_PART:
        part = 0.028
        along, around = x - part, exact.arctan2(y - m.ear_y, (z - m.ear_z) + 1e-6)
        return 0.65 * value(around * 55.0, along * 9.0, 3.0, seed) + 0.35 * value(
            around * 130.0, along * 14.0, 7.0, seed
        )
    if style in (BUN, PONYTAIL):
        # Combed back: strands run from the face to the knot.
        around = exact.arctan2(x, y - m.ear_y - 0.02)
        return 0.65 * value(around * 34.0, z * 10.0, 3.0, seed) + 0.35 * value(around * 85.0, z * 15.0, 7.0, seed)
    around = exact.arctan2(x, z - crown_z)
    reach = np.sqrt(x * x + (z - crown_z) ** 2) + 0.7 * (crown_y - y)
    around += 0.35 * value(x * 20.0, y * 14.0, z * 20.0, seed + 3)
    fine = 34.0 if style in (LONG, BOB) else 20.0
    long = 7.0 if style in (LONG, BOB) else 40.0
    return 0.65 * value(around * fine, reach * long, 3.0, seed) + 0.35 * value(
        around * 2.6 * fine, reach * 1.5 * long, 7.0, seed
    )


@njit(cache=True)
def cover(style, d):
    """Opacity of hair ``d`` metres inside the hairline."""
    if style == BUZZ:
        return 0.8 * ramp(d, -0.004, 0.014)
    if style == BALD:
        return 0.65 * ramp(d, -0.004, 0.014)
    return ramp(d, -0.0025, 0.005)


@njit(cache=True)
def shine(m, style, x, y, z, seed):
    """Factor on the hair's colour: strands, depth and a soft band of light."""
    s = strands(m, style, x, y, z, seed)
    if style == CURLY:
        return 0.9 + 0.42 * s
    if style == BUZZ or style == BALD:
        return 1.0 + 0.25 * s
    band = bump(y - m.top_y + 0.045, 0.018)
    root = 1.0 - 0.25 * ramp(m.chin_y + 0.02 - y, 0.0, 0.12)
    return (0.92 + 0.5 * s + 0.25 * band) * root


@njit(cache=True)
def volume(m, style, size, points, head, ears, eyes, seed):
    """(V,) metres that hair adds outward."""
    out = np.zeros(len(points))
    unit = m.face / 0.11
    for v in range(len(points)):
        x, y, z = points[v]
        if y < m.shoulder_y - 0.15 or eyes[v] > 0.5:
            continue
        d = growth(m, style, x, y, z, head[v], seed)
        inner = ramp(d, 0.0, 0.022 * unit)
        if inner <= 0.0:
            continue
        s = strands(m, style, x, y, z, seed)
        high = ramp(y, m.ear_y, m.top_y)
        lump = value(x * 28.0, y * 28.0, z * 28.0, seed + 9)
        if style == BUZZ or style == BALD:
            h = 0.002
        elif style == CURLY:
            h = 0.020 + 0.018 * high + 0.006 * lump + 0.004 * s
        elif style == SHORT:
            h = 0.007 + 0.013 * high + 0.004 * lump + 0.002 * s
        elif style == SIDE_PART:
            h = 0.008 + (0.012 + 0.010 * ramp(x, 0.03, 0.0)) * high + 0.002 * s - 0.008 * bump(x - 0.028, 0.006) * high
        elif style in (BUN, PONYTAIL):
            h = 0.007 + 0.003 * high + 0.0015 * s
        else:
            below = ramp(m.ear_y - y, 0.0, 0.10)
            h = 0.013 + 0.004 * high + 0.022 * below + 0.003 * s + 0.002 * lump
        h *= size
        if style in (BUN, PONYTAIL):
            knot_y = m.ear_y + (0.075 if style == BUN else 0.05) * unit
            away = np.sqrt(x * x + (y - knot_y) ** 2) if z < m.ear_z else 1.0
            h += 0.036 * np.sqrt(max(0.0, 1.0 - (away / 0.036) ** 2))
        out[v] = inner * h * (1.0 - ramp(ears[v], 0.3, 0.9))
    return out

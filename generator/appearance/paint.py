"""Paints every texel of an atlas: skin, then shoes, socks, garments from the inside out, hair.

Numba keeps the compiled painter until this file changes: after a change to what it calls (skin,
cloth, hair, …) remove the ``__pycache__`` beside it.
"""

import numpy as np

from mannequin.generator import exact
from mannequin.generator.appearance.cloth import cloth_colour
from mannequin.generator.appearance.footwear import shoe_colour, sock_colour
from mannequin.generator.appearance.garments import inside
from mannequin.generator.appearance.hair import BALD, BUZZ, cover, growth, shine
from mannequin.generator.appearance.noise import ramp
from mannequin.generator.appearance.skin import eye_colour, skin_colour
from mannequin.generator.compiled import njit

CHANNELS = (
    "x",
    "y",
    "z",
    "arm",
    "head",
    "hand",
    "lips",
    "ears",
    "mouth",
    "nails",
    "eye",
    "shoe",
    "shod_x",
    "shod_y",
    "shod_z",
)
"""What is known of a texel, in this order; metres in the rest frame and shares 0…1."""

EDGE = 0.0012
"""Half the width over which cloth fades into what lies below, metres."""

SHADOW = 0.004
"""Reach of the shadow that a hem throws on the skin beside it, metres."""


@njit(cache=True)
def paint(channels, look, shoe, garments, sock_top, m):
    """(N, 3) uint8 sRGB of texels with the given channels (N, len(CHANNELS))."""
    out = np.empty((len(channels), 3), np.uint8)
    for n in range(len(channels)):
        texel = channels[n]
        x, y, z, head = texel[0], texel[1], texel[2], texel[4]
        if texel[10] > 0.5:
            r, g, b = eye_colour(look, m, x, y, z)
        elif texel[11] > 0.5:
            r, g, b = shoe_colour(shoe, m, texel[12], texel[13], texel[14])
        else:
            r, g, b = _dressed(texel, look, shoe, garments, sock_top, m)
            r, g, b = _haired(look, m, x, y, z, head, texel[7], r, g, b)
        out[n, 0] = int(min(max(r, 0.0), 1.0) * 255.0 + 0.5)
        out[n, 1] = int(min(max(g, 0.0), 1.0) * 255.0 + 0.5)
        out[n, 2] = int(min(max(b, 0.0), 1.0) * 255.0 + 0.5)
    return out


@njit(cache=True)
def _dressed(texel, look, shoe, garments, sock_top, m):
    """Skin with all that is worn over it; layers hidden by an outer one are not computed."""
    x, y, z, arm, head, hand = texel[0], texel[1], texel[2], texel[3], texel[4], texel[5]
    d = np.empty(len(garments))
    first = -1
    for k in range(len(garments)):
        d[k] = -1.0 if hand > 0.5 else inside(garments[k], m, x, y, z, arm, head)
        if d[k] > EDGE:
            first = k
    r, g, b = 0.0, 0.0, 0.0
    if y < m.floor_y + shoe.shaft and first < 0:
        return shoe_colour(shoe, m, x, y, z)
    if first < 0:
        if y < sock_top:
            r, g, b = sock_colour(shoe, x, y, z)
        else:
            r, g, b = skin_colour(look, m, x, y, z, head, hand, texel[6], texel[7], texel[8], texel[9])
    for k in range(max(first, 0), len(garments)):
        if d[k] > -EDGE:
            share = ramp(d[k], -EDGE, EDGE)
            cr, cg, cb = cloth_colour(garments[k], m, x, y, z, arm, max(d[k], 0.0))
            r, g, b = r + share * (cr - r), g + share * (cg - g), b + share * (cb - b)
        elif d[k] > -5.0 * SHADOW:
            shade = 1.0 - 0.38 * exact.exp(d[k] / SHADOW)
            r, g, b = r * shade, g * shade, b * shade
    return r, g, b


@njit(cache=True)
def _haired(look, m, x, y, z, head, ears, r, g, b):
    """Hair over the colour (r, g, b)."""
    if y < m.shoulder_y - 0.12:
        return r, g, b
    d = growth(m, look.style, x, y, z, head, look.seed)
    if d < -0.02:
        return r, g, b
    share = cover(look.style, d) * (1.0 - ramp(ears, 0.5, 0.85))
    if share <= 0.0:
        if look.style != BUZZ and look.style != BALD:
            shade = 1.0 - 0.25 * exact.exp(d / 0.005) * (1.0 - ears)
            return r * shade, g * shade, b * shade
        return r, g, b
    k = min(max(shine(m, look.style, x, y, z, look.seed), 0.3), 1.7)
    r += share * (look.hair_r * k - r)
    g += share * (look.hair_g * k - g)
    b += share * (look.hair_b * k - b)
    return r, g, b

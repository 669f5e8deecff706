"""The colour of cloth: patterns, weave, seams, pockets, buttons and the shading of folds."""

import numpy as np

from mannequin.generator import exact
from mannequin.generator.appearance import garments as kinds
from mannequin.generator.appearance.garments import fold
from mannequin.generator.appearance.noise import bump, fractal, lattice, ramp, value
from mannequin.generator.compiled import njit


@njit(cache=True)
def _around(g, m, x, y, z, arm):
    """(around, along): metres around the trunk or limb, and along it."""
    across = abs(x)
    if arm > 0.5 and g.kind != kinds.BOTTOM:
        return exact.arctan2(y - m.shoulder_y, z - m.shoulder_z) * 0.05, across
    if y < m.crotch_y and g.kind != kinds.DRESS:
        t = (m.hip_y - y) / (m.hip_y - m.ankle_y)
        cx, cz = m.hip_x + t * (m.ankle_x - m.hip_x), m.hip_z + t * (m.ankle_z - m.hip_z)
        return exact.arctan2(across - cx, z - cz) * 0.075, y
    return exact.arctan2(x, z - m.trunk_z + 0.02) * 0.15, y


@njit(cache=True)
def _print(g, m, x, y, z, arm):
    """Which ink, 0 (none), 1 or 2, an abstract print on the chest has here."""
    if arm > 0.3 or z < m.trunk_z:
        return 0
    u, v = x / 0.11, (y - m.shoulder_y + 0.13) / 0.11
    if abs(u) > 1.0 or abs(v) > 1.2:
        return 0
    kind = g.seed % 5
    if kind == 0:
        r = np.sqrt(u * u + v * v)
        return 1 if r < 0.55 else 2 if 0.68 < r < 0.8 else 0
    if kind == 1:
        row = np.floor((v + 1.0) * 3.5)
        cell = int(np.floor((u + 1.0) * 14.0))
        inside = abs(v) < 0.55 and 0.2 < ((v + 1.0) * 3.5) % 1.0 < 0.85
        return (1 if row % 2 == 0 else 2) if inside and lattice(cell, int(row), 0, g.seed) < 0.68 else 0
    if kind == 2:
        if v < -0.6 or v > 0.75:
            return 0
        slope = 0.75 - v
        return 1 if abs(u + 0.2) < 0.45 * slope else 2 if abs(u - 0.4) < 0.4 * (slope - 0.4) else 0
    if kind == 3:
        if abs(v) > 0.8 or abs(u) > 0.8:
            return 0
        pick = lattice(int(np.floor(u * 4.0)), int(np.floor(v * 4.0)), 1, g.seed)
        return 1 if pick < 0.4 else 2 if pick < 0.7 else 0
    shape = value(u * 2.3, v * 2.3, 0.0, g.seed) - 0.35 * (u * u + v * v)
    return 1 if shape > 0.1 else 2 if shape > -0.08 else 0


@njit(cache=True)
def _ink(g, m, x, y, z, arm, around, along):
    """(share of the second colour, share of the third) at a point."""
    if g.pattern == kinds.STRIPES:
        t = (along / g.scale) % 1.0
        if g.seed % 3 == 0:
            return ramp(abs(t - 0.5), 0.36, 0.4), 0.0
        return ramp(abs(t - 0.5), 0.22, 0.27), 0.0
    if g.pattern == kinds.CHECKS:
        a, b = (along / g.scale) % 1.0, (around / g.scale) % 1.0
        wide = 0.42 * ramp(abs(a - 0.5), 0.22, 0.26) + 0.42 * ramp(abs(b - 0.5), 0.22, 0.26)
        thin = 0.7 * max(bump(a - 0.5, 0.035), bump(b - 0.5, 0.035)) if g.seed % 2 else 0.0
        return wide, thin
    if g.pattern == kinds.PRINT:
        ink = _print(g, m, x, y, z, arm)
        return 1.0 * (ink == 1), 1.0 * (ink == 2)
    if g.pattern == kinds.CLOUDS:
        f = 0.55 / g.scale
        a = fractal(x * f, y * f, z * f, g.seed + 51, 2)
        return ramp(a, 0.06, 0.12), ramp(-a, 0.16, 0.22)
    if g.pattern == kinds.BLOCKS:
        if g.seed % 2:
            return 1.0 * (arm > 0.5 and g.sleeve > 0.0), bump(arm - 0.5, 0.06)
        level = m.shoulder_y - 0.15
        return ramp(y, level - 0.001, level + 0.001), 0.9 * (abs(y - level + 0.02) < 0.011)
    return 0.0, 0.0


@njit(cache=True)
def _denim(g, m, x, y, z):
    """Factor of denim: worn thighs and knees, twill and slub."""
    front = ramp(z, m.hip_z + 0.02, m.hip_z + 0.08)
    thigh = bump(y - 0.5 * (m.hip_y + m.knee_y), 0.13) * front
    worn = 0.35 * thigh + 0.15 * bump(y - m.knee_y, 0.06) * front
    grain = 0.10 * value(x * 700.0, y * 120.0, z * 700.0, g.seed + 61) + 0.05 * value(
        x * 90.0, y * 25.0, z * 90.0, g.seed + 62
    )
    return 1.0 + worn + grain


@njit(cache=True)
def _bottom_lines(g, m, x, y, z):
    """(dark lines, light stitching, leather) of waistband, fly, pockets and belt, each 0…1."""
    across, below = abs(x), g.waist - y
    front = z > m.hip_z
    dark = 0.8 * bump(below - 0.036, 0.0016)
    stitch = bump(below - 0.032, 0.0012)
    t = (m.hip_y - y) / (m.hip_y - m.ankle_y)
    axis = m.hip_z + t * (m.ankle_z - m.hip_z)
    dark = max(dark, 0.55 * bump(z - axis, 0.0018))
    if g.pockets:
        if front and 0.036 < below < 0.15:
            slant = across - 0.075 - 0.55 * (below - 0.036)
            dark, stitch = max(dark, 0.8 * bump(slant, 0.0018)), max(stitch, bump(slant + 0.006, 0.0012))
        if front and across < 0.03 and 0.036 < below < 0.2 and y > m.crotch_y + 0.02:
            dark, stitch = max(dark, 0.8 * bump(x, 0.0016)), max(stitch, bump(x - 0.022, 0.0012))
        if not front and 0.06 < below < 0.2:
            aside = abs(across - 0.085)
            point = 0.25 * (0.052 - aside) if below > 0.125 else 0.0
            edge = max(aside - 0.052, abs(below - 0.125) - 0.06 + point)
            dark, stitch = max(dark, 0.8 * bump(edge, 0.0018)), max(stitch, bump(edge + 0.006, 0.0012))
    leather = 1.0 * (g.belt == 1 and 0.002 < below < 0.032)
    return dark, stitch, leather


@njit(cache=True)
def _top_lines(g, m, x, y, z, arm):
    """(dark lines, light parts) of seams, collar, placket, buttons, pockets and cords, each 0…1."""
    across = abs(x)
    front = z > m.trunk_z
    dark, light = 0.0, 0.0
    if g.sleeve > 0.0:
        dark = 0.5 * bump(arm - 0.5, 0.05)
    if arm < 0.4 and y < m.shoulder_y - 0.1:
        dark = max(dark, 0.45 * bump(z - m.trunk_z + 0.02, 0.0018) * ramp(across, 0.08, 0.1))
    if g.placket and front and arm < 0.3:
        long = 0.17 if g.placket == 2 else 2.0
        low = m.neck_y - 0.03 - y
        if 0.0 < low < long:
            dark = max(dark, 0.7 * bump(across - 0.016, 0.0014))
            gap = (low % 0.085) - 0.03
            light = max(light, 1.0 - ramp(np.sqrt(x * x + gap * gap), 0.0042, 0.0058))
    if g.pockets and front and arm < 0.3:
        if g.kind == kinds.TOP and g.rib:
            v = y - g.hem
            if 0.06 < v < 0.24:
                edge = across - 0.15 + 0.45 * max(v - 0.12, 0.0)
                dark = max(dark, 0.8 * bump(edge, 0.0022), 0.8 * bump(v - 0.235, 0.0022) * (edge < 0.0))
        elif x > 0.035:
            edge = max(abs(x - 0.09) - 0.048, abs(y - m.shoulder_y + 0.15) - 0.055)
            dark = max(dark, 0.7 * bump(edge, 0.0018))
    if g.rib and g.neck == kinds.HIGH and front and y > m.shoulder_y - 0.12:
        light = max(light, 1.0 - ramp(abs(across - 0.032), 0.0028, 0.0045))
    return dark, light


@njit(cache=True)
def _edges(g, m, x, y, z, arm, d, around):
    """Factor of hems, cuffs and collars at ``d`` metres from the border."""
    out = 1.0 - 0.35 * bump(d, 0.0022)
    to_end = g.sleeve - abs(x) if arm > 0.5 and g.kind == kinds.TOP else y - g.hem
    if g.rib and to_end < 0.055:
        ribs = exact.sin(around * 2 * np.pi / 0.0075)
        return out * (0.9 + 0.08 * ribs) * (1.0 - 0.35 * bump(to_end - 0.055, 0.003))
    collar = g.collar and y > m.shoulder_y + 0.005 and arm < 0.3
    width = 0.034 if collar else 0.019
    if collar and d < width:
        out *= 1.06
    return out * (1.0 - (0.4 if collar else 0.2) * bump(d - width, 0.0014))


@njit(cache=True)
def cloth_colour(g, m, x, y, z, arm, d):
    """sRGB albedo of garment g, ``d`` metres inside its border."""
    around, along = _around(g, m, x, y, z, arm)
    second, third = _ink(g, m, x, y, z, arm, around, along)
    r = g.red + second * (g.red2 - g.red)
    gr = g.green + second * (g.green2 - g.green)
    b = g.blue + second * (g.blue2 - g.blue)
    r, gr, b = r + third * (g.red3 - r), gr + third * (g.green3 - gr), b + third * (g.blue3 - b)

    height, depth = fold(g, m, x, y, z, arm)
    above, _ = fold(g, m, x, y + 0.007, z, arm)
    shade = 1.0 + g.folds * depth * (0.16 * height - 0.30 * (above - height) - 0.05)
    shade *= 1.0 + 0.03 * value(x * 30.0, y * 30.0, z * 30.0, g.seed + 71)
    grain = value(x * 480.0, y * 480.0, z * 480.0, g.seed + 72)
    shade *= 1.0 + (0.16 if g.pattern == kinds.HEATHER else 0.045) * grain
    shade *= _edges(g, m, x, y, z, arm, d, around)
    if g.pattern == kinds.DENIM:
        shade *= _denim(g, m, x, y, z)
    r, gr, b = r * shade, gr * shade, b * shade

    if g.kind == kinds.BOTTOM:
        if g.thickness < 0.003:
            return r, gr, b
        dark, stitch, leather = _bottom_lines(g, m, x, y, z)
        if g.side_stripe:
            t = (m.hip_y - y) / (m.hip_y - m.ankle_y)
            aside = abs(z - m.hip_z - t * (m.ankle_z - m.hip_z))
            if aside < 0.014 and abs(x) > m.hip_x:
                r, gr, b = g.red2 * shade, g.green2 * shade, g.blue2 * shade
        r, gr, b = r * (1 - 0.45 * dark), gr * (1 - 0.45 * dark), b * (1 - 0.45 * dark)
        if g.pattern == kinds.DENIM:
            k = 0.65 * stitch
            r, gr, b = r + k * (0.68 - r), gr + k * (0.45 - gr), b + k * (0.22 - b)
        if leather > 0.0:
            metal = 1.0 * (abs(x) < 0.024 and z > m.hip_z)
            r, gr, b = 0.14 + 0.5 * metal, 0.09 + 0.5 * metal, 0.065 + 0.46 * metal
        return r, gr, b
    dark, light = _top_lines(g, m, x, y, z, arm)
    k = 1.0 - 0.4 * dark
    pale = 0.85 if g.red + g.green + g.blue < 1.6 else 0.35
    return r * k + light * (pale - r * k), gr * k + light * (pale - gr * k), b * k + light * (pale - b * k)

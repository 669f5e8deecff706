"""Skin, face, eyes, nails, brows and beard."""

from typing import NamedTuple

import numpy as np

from mannequin.generator import exact
from mannequin.generator.appearance.noise import bump, fractal, ramp, value
from mannequin.generator.compiled import njit

NO_BEARD, STUBBLE, GOATEE, FULL_BEARD = range(4)
BEARD_CODES = {"none": NO_BEARD, "stubble": STUBBLE, "goatee": GOATEE, "full": FULL_BEARD}


class Look(NamedTuple):
    """What the skin's painter needs to know of an outfit; colours sRGB, amounts 0…1."""

    skin_r: float
    skin_g: float
    skin_b: float
    hair_r: float
    hair_g: float
    hair_b: float
    iris_r: float
    iris_g: float
    iris_b: float
    tone: float
    style: int
    beard: int
    brow: float
    lipstick: float
    blush: float
    freckles: float
    age: float
    seed: int


@njit(cache=True)
def eye_colour(look, m, x, y, z):
    """Eyeball: sclera, iris with a dark rim, pupil; shaded by the upper lid."""
    side = m.eye_x if x > 0.0 else -m.eye_x
    dx, dy = (x - side) / m.eye_radius, (y - m.eye_y) / m.eye_radius
    if z < m.eye_z:
        return 0.55, 0.35, 0.32
    r = np.sqrt(dx * dx + dy * dy)
    red = ramp(r, 0.55, 0.95)
    cr, cg, cb = 0.86 - 0.06 * red, 0.84 - 0.22 * red, 0.81 - 0.22 * red
    inner = 1.0 - ramp(r, 0.46, 0.53)
    spoke = 1.0 + 0.25 * value(exact.arctan2(dy, dx) * 7.0, r * 4.0, 0.0, look.seed)
    rim = 1.0 - 0.55 * ramp(r, 0.36, 0.5)
    cr += inner * (look.iris_r * spoke * rim * 1.15 - cr)
    cg += inner * (look.iris_g * spoke * rim * 1.15 - cg)
    cb += inner * (look.iris_b * spoke * rim * 1.15 - cb)
    pupil = 1.0 - ramp(r, 0.17, 0.24)
    lid = (1.0 - 0.45 * ramp(dy, 0.1, 0.55)) * (1.0 - pupil)
    return cr * lid + 0.015 * pupil, cg * lid + 0.012 * pupil, cb * lid + 0.012 * pupil


@njit(cache=True)
def _flush(look, m, x, y, z, hand, ears):
    """How much blood shows: cheeks, nose, ears, chin, knuckles, knees, elbows."""
    u = m.face / 0.11
    across = abs(x)
    out = 0.45 * ears
    if y > m.chin_y - 0.05:
        if z > m.ear_z:
            cheek = ((across - 0.042 * u) / 0.02) ** 2 + ((y - m.nose_y - 0.002) / 0.018) ** 2
            out += (0.35 + 0.5 * look.blush) * exact.exp(-0.5 * cheek)
            tip = (across / 0.013) ** 2 + ((y - m.nose_y) / 0.012) ** 2
            out += 0.5 * exact.exp(-0.5 * tip) * ramp(z, m.nose_z - 0.03, m.nose_z - 0.008)
            out += 0.25 * exact.exp(-0.5 * ((across / 0.018) ** 2 + ((y - m.chin_y) / 0.014) ** 2))
        return out
    out += 0.35 * ramp(hand, 0.5, 0.9) * ramp(across, m.wrist_x + 0.07, m.wrist_x + 0.1)
    out += 0.4 * bump(across - m.elbow_x, 0.03) * ramp(m.hand_z + 0.02 - z, 0.0, 0.03)
    out += 0.4 * bump(y - m.knee_y - 0.01, 0.04) * ramp(z, m.knee_z, m.knee_z + 0.04)
    return out


@njit(cache=True)
def _brow(look, m, x, y, z):
    """Opacity of the eyebrows."""
    u = m.face / 0.11
    t = (abs(x) - m.eye_x - 0.001) / (0.0225 * u)
    if abs(t) > 1.2 or z < m.eye_z - 0.02:
        return 0.0
    middle = m.eye_y + (0.0225 - 0.0022 * (t - 0.3) ** 2 - 0.002 * ramp(t, 0.5, 1.2)) * u
    half = (0.0042 - 0.0024 * ramp(t, 0.1, 1.0)) * u * (0.75 + 0.5 * look.brow)
    hairs = 0.75 + 0.35 * value(x * 900.0 + y * 500.0, y * 260.0, 1.0, look.seed + 3)
    return look.brow * hairs * (1.0 - ramp(abs(y - middle) / half, 0.55, 1.25)) * (1.0 - ramp(abs(t), 0.85, 1.08))


@njit(cache=True)
def _lashes(m, x, y, z):
    """Opacity of the dark line around the opening of the eyes, and of the shade of the socket."""
    u = m.face / 0.11
    dx, dy = (abs(x) - m.eye_x) / (0.0152 * u), (y - m.eye_y - 0.0004 * u) / (0.0062 * u)
    if z < m.eye_z - 0.012 or abs(dx) > 2.2 or abs(dy) > 3.5:
        return 0.0, 0.0
    e = np.sqrt(dx * dx + dy * dy)
    line = bump(e - 1.0, 0.13) * (0.85 if dy > 0.0 else 0.4)
    socket = exact.exp(-0.5 * ((dx / 1.0) ** 2 + ((dy - 0.4) / 1.5) ** 2))
    return line, socket


@njit(cache=True)
def _beard(look, m, x, y, z, head, lips):
    """Opacity of the beard."""
    if look.beard == NO_BEARD or head < 0.2 or y > m.eye_y:
        return 0.0
    u = m.face / 0.11
    across = abs(x)
    turn = exact.arctan2(across, z - m.ear_z) * 180.0 / np.pi
    low = ramp(y, m.chin_y - 0.035 * u, m.chin_y - 0.015 * u)
    lip_y = m.nose_y - 0.010 * u
    line = lip_y - 0.012 * u * ramp(turn, 8.0, 24.0) + (m.ear_y - lip_y + 0.012 * u) * ramp(turn, 30.0, 74.0)
    area = ramp(line - y, -0.003, 0.009) * low * (1.0 - ramp(turn, 74.0, 84.0)) * (1.0 - lips)
    if look.beard == GOATEE:
        area *= 1.0 - ramp(across, 0.024 * u, 0.031 * u)
    grain = value(x * 420.0, y * 420.0, z * 420.0, look.seed + 21)
    curl = fractal(x * 150.0, y * 110.0, z * 150.0, look.seed + 22, 2)
    if look.beard == STUBBLE:
        return area * (0.34 + 0.16 * grain)
    return area * min(max(0.82 + 0.2 * curl + 0.1 * grain, 0.0), 0.97)


@njit(cache=True)
def _spots(look, m, x, y, z):
    """Factor on the skin's colour from freckles, most of all in the face, and moles."""
    spots = 1.0
    if look.freckles > 0.0:
        f = value(x * 380.0, y * 380.0, z * 380.0, look.seed + 31) - 0.35
        spots -= (0.18 if y > m.chin_y else 0.08) * look.freckles * ramp(f, 0.0, 0.25)
    mole = value(x * 110.0, y * 110.0, z * 110.0, look.seed + 33)
    return spots - 0.4 * ramp(mole, 0.94, 0.97)


@njit(cache=True)
def skin_colour(look, m, x, y, z, head, hand, lips, ears, mouth, nails):
    """sRGB albedo of bare skin with brows, beard and make-up."""
    large = fractal(x * 11.0, y * 11.0, z * 11.0, look.seed + 1, 2)
    fine = fractal(x * 260.0, y * 260.0, z * 260.0, look.seed + 2, 2)
    dark = ramp(look.tone, 3.0, 8.0)
    light = (1.0 + 0.035 * large + 0.035 * fine) * _spots(look, m, x, y, z)
    red = _flush(look, m, x, y, z, hand, ears) * (1.0 - 0.55 * dark)
    r = look.skin_r * light * (1.0 - 0.02 * red)
    g = look.skin_g * light * (1.0 - 0.17 * red)
    b = look.skin_b * light * (1.0 - 0.17 * red)
    if hand > 0.5:
        palm = ramp(m.shoulder_y - 0.012 - y, 0.0, 0.01) * dark
        r, g, b = r + palm * (0.62 - r) * 0.5, g + palm * (0.44 - g) * 0.5, b + palm * (0.36 - b) * 0.5
    if nails > 0.0:
        r, g, b = r + 0.5 * nails * (look.skin_r * 1.05 - r), g - 0.08 * nails * g, b - 0.06 * nails * b
    if head > 0.05 and y > m.chin_y - 0.06:
        r, g, b = _face(look, m, x, y, z, head, lips, mouth, r, g, b, dark)
    return r, g, b


@njit(cache=True)
def _face(look, m, x, y, z, head, lips, mouth, r, g, b, dark):
    """Lips, eyes' surroundings, brows and beard over the skin (r, g, b)."""
    line, socket = _lashes(m, x, y, z)
    shade = 1.0 - 0.16 * socket - 0.12 * look.age * socket
    if abs(x) < 0.012 and y < m.nose_y and y > m.nose_y - 0.012 and z < m.nose_z - 0.006:
        shade *= 1.0 - 0.5 * bump(abs(x) - 0.007, 0.003) * bump(y - m.nose_y + 0.008, 0.004)
    r, g, b = r * shade, g * shade * 0.995, b * shade * 0.99
    if lips > 0.0:
        k = lips * 0.85
        lr, lg, lb = look.skin_r * 0.86, look.skin_g * (0.62 + 0.1 * dark), look.skin_b * (0.62 + 0.12 * dark)
        lr += look.lipstick * (0.62 - lr) * 0.8
        lg += look.lipstick * (0.12 - lg) * 0.8
        lb += look.lipstick * (0.17 - lb) * 0.8
        r, g, b = r + k * (lr - r), g + k * (lg - g), b + k * (lb - b)
    if mouth > 0.4:
        r, g, b = 0.30, 0.10, 0.09
    hair = max(_brow(look, m, x, y, z), _beard(look, m, x, y, z, head, lips))
    darker = 0.8 + 0.25 * value(x * 300.0, y * 200.0, z * 300.0, look.seed + 41)
    r += hair * (look.hair_r * darker - r)
    g += hair * (look.hair_g * darker - g)
    b += hair * (look.hair_b * darker - b)
    return r + line * (0.05 - r), g + line * (0.035 - g), b + line * (0.03 - b)

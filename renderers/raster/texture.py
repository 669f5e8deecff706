"""Textures as linear light, each at a pyramid of sizes."""

from dataclasses import dataclass

import numpy as np

from mannequin.generator.compiled import njit
from mannequin.generator.environment import to_linear

FULL = 65535
"""Stored value of linear 1."""

_DECODE = np.round(to_linear(np.arange(256, dtype=np.uint8)).astype(np.float64) * FULL).astype(np.uint16)


@dataclass(frozen=True, eq=False)
class Textures:
    """texels: (N, 3) uint16 linear, all levels of all textures one after another.

    levels: (M, L, 3) int64 first texel, height and width of each level; beyond a texture's last
    level its last is repeated.
    """

    texels: np.ndarray
    levels: np.ndarray


def build_textures(images) -> Textures:
    """Pyramids of (R, R', 3) uint8 sRGB images; each level halves the one before, in linear light."""
    blocks, tables, position = [], [], 0
    for image in images:
        level, table = _DECODE[image], []
        while True:
            table.append((position, *level.shape[:2]))
            blocks.append(level.reshape(-1, 3))
            position += level.shape[0] * level.shape[1]
            if max(level.shape[:2]) == 1:
                break
            level = halve(level)
        tables.append(table)
    depth = max(map(len, tables), default=1)
    levels = [t + [t[-1]] * (depth - len(t)) for t in tables]
    return Textures(
        np.concatenate(blocks or [np.zeros((1, 3), np.uint16)]), np.array(levels, np.int64).reshape(-1, depth, 3)
    )


@njit(cache=True, nogil=True, error_model="numpy")
def halve(image):
    """Mean of 2 × 2 texels; the last row or column of an odd size stands for two."""
    h, w = image.shape[0], image.shape[1]
    out = np.empty(((h + 1) // 2, (w + 1) // 2, 3), np.uint16)
    for r in range(out.shape[0]):
        r0, r1 = 2 * r, min(2 * r + 1, h - 1)
        for c in range(out.shape[1]):
            c0, c1 = 2 * c, min(2 * c + 1, w - 1)
            for i in range(3):
                total = np.uint32(image[r0, c0, i]) + image[r0, c1, i] + image[r1, c0, i] + image[r1, c1, i]
                out[r, c, i] = (total + 2) // 4
    return out


STEEPEST = 10.0
"""A face seen at a grazing angle is not blurred more than one foreshortened this much."""


@njit(cache=True, nogil=True, error_model="numpy")
def texel_counts(vertices, faces, uv, height, width):
    """(F, 2) float32: twice the texels of a height × width texture on each face, and the most of
    them per square metre of what is seen of it."""
    out = np.zeros((faces.shape[0], 2), np.float32)
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, az = vertices[j, 0] - vertices[i, 0], vertices[j, 1] - vertices[i, 1], vertices[j, 2] - vertices[i, 2]
        bx, by, bz = vertices[k, 0] - vertices[i, 0], vertices[k, 1] - vertices[i, 1], vertices[k, 2] - vertices[i, 2]
        x, y, z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        area = np.sqrt(x * x + y * y + z * z)
        du, dv = uv[f, 1, 0] - uv[f, 0, 0], uv[f, 1, 1] - uv[f, 0, 1]
        eu, ev = uv[f, 2, 0] - uv[f, 0, 0], uv[f, 2, 1] - uv[f, 0, 1]
        if area > 0.0:
            out[f, 0] = abs(du * ev - dv * eu) * height * width
            out[f, 1] = STEEPEST * out[f, 0] / area
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def fetch(texels, level, u, v):
    """Linear RGB in [0, 1], bilinear at (u, v) (v up, clamped) of a level (first, height, width)."""
    first, h, w = level[0], level[1], level[2]
    x = min(max(u * w - 0.5, 0.0), w - 1.0)
    y = min(max((1.0 - v) * h - 0.5, 0.0), h - 1.0)
    c, r = int(x), int(y)
    fx, fy = x - c, y - r
    a = first + r * w + c
    right = 1 if c + 1 < w else 0
    below = w if r + 1 < h else 0
    fy *= 1.0 / FULL
    top = 1.0 / FULL - fy
    wa, wb, wc, wd = (1 - fx) * top, fx * top, (1 - fx) * fy, fx * fy
    b, d, e = a + right, a + below, a + below + right
    red = wa * texels[a, 0] + wb * texels[b, 0] + wc * texels[d, 0] + wd * texels[e, 0]
    green = wa * texels[a, 1] + wb * texels[b, 1] + wc * texels[d, 1] + wd * texels[e, 1]
    blue = wa * texels[a, 2] + wb * texels[b, 2] + wc * texels[d, 2] + wd * texels[e, 2]
    return red, green, blue

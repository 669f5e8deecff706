"""Which point of the surface each texel of an atlas shows."""

from dataclasses import dataclass

import numpy as np

from mannequin.generator.compiled import njit

MARGIN = 8
"""Texels by which every chart is continued beyond its border, for bilinear filtering."""


@dataclass(frozen=True, eq=False)
class Atlas:
    """The texels that show some surface, chart borders continued by ``MARGIN`` texels.

    resolution: R. index: (N,) int64 positions in the flattened R × R image, row 0 at v = 1.
    face: (N,) int32. bary: (N, 3) float32 weights of the face's corners, within the face.
    """

    resolution: int
    index: np.ndarray
    face: np.ndarray
    bary: np.ndarray

    def interpolate(self, faces: np.ndarray, values: np.ndarray) -> np.ndarray:
        """(N, C) float32 texel values of per-vertex values (V, C); faces: (F, 3)."""
        return _interpolate(faces, self.face, self.bary, np.ascontiguousarray(values, np.float32))


def bake_atlas(uv: np.ndarray, resolution: int) -> Atlas:
    """Rasterise the charts; uv: (F, 3, 2), v up, clipped to the unit square."""
    pixels = np.clip(np.asarray(uv, np.float64), 0.0, 1.0) * resolution
    pixels[..., 1] = resolution - pixels[..., 1]
    owner = np.full((resolution, resolution), -1, np.int32)
    _fill(pixels, owner)
    _grow(owner, MARGIN)
    index = np.flatnonzero(owner.ravel() >= 0)
    face = owner.ravel()[index]
    return Atlas(resolution, index, face, _barycentric(pixels, resolution, index, face))


@njit(cache=True)
def _corner_weights(p, x, y):
    """Barycentric coordinates of (x, y) in the triangle p (3, 2); NaN if it has no area."""
    area = (p[1, 0] - p[0, 0]) * (p[2, 1] - p[0, 1]) - (p[2, 0] - p[0, 0]) * (p[1, 1] - p[0, 1])
    if abs(area) < 1e-12:
        return np.nan, np.nan, np.nan
    b = ((x - p[0, 0]) * (p[2, 1] - p[0, 1]) - (p[2, 0] - p[0, 0]) * (y - p[0, 1])) / area
    c = ((p[1, 0] - p[0, 0]) * (y - p[0, 1]) - (x - p[0, 0]) * (p[1, 1] - p[0, 1])) / area
    return 1.0 - b - c, b, c


@njit(cache=True)
def _fill(pixels, owner):
    """Write each face's id at the texel centres inside it, and at its own centre's texel."""
    size = owner.shape[0]
    for f in range(len(pixels)):
        p = pixels[f]
        x0, x1 = max(int(p[:, 0].min() - 0.5), 0), min(int(p[:, 0].max() + 0.5), size - 1)
        y0, y1 = max(int(p[:, 1].min() - 0.5), 0), min(int(p[:, 1].max() + 0.5), size - 1)
        for row in range(y0, y1 + 1):
            for column in range(x0, x1 + 1):
                a, b, c = _corner_weights(p, column + 0.5, row + 0.5)
                if a >= -1e-9 and b >= -1e-9 and c >= -1e-9:
                    owner[row, column] = f
    for f in range(len(pixels)):
        column = min(int(pixels[f, :, 0].mean()), size - 1)
        row = min(int(pixels[f, :, 1].mean()), size - 1)
        if owner[row, column] < 0:
            owner[row, column] = f


@njit(cache=True)
def _grow(owner, steps):
    """Give empty texels the face of a filled neighbour, one ring a step."""
    size = owner.shape[0]
    for _ in range(steps):
        before = owner.copy()
        for row in range(size):
            for column in range(size):
                if before[row, column] >= 0:
                    continue
                for dr, dc in ((0, -1), (0, 1), (-1, 0), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)):
                    r, c = row + dr, column + dc
                    if 0 <= r < size and 0 <= c < size and before[r, c] >= 0:
                        owner[row, column] = before[r, c]
                        break


@njit(cache=True)
def _barycentric(pixels, size, index, face):
    """(N, 3) weights of each texel's centre, moved into the face where it lies outside."""
    out = np.empty((len(index), 3), np.float32)
    for n in range(len(index)):
        x, y = index[n] % size + 0.5, index[n] // size + 0.5
        a, b, c = _corner_weights(pixels[face[n]], x, y)
        if np.isnan(a):
            a = b = c = 1.0 / 3.0
        a, b, c = max(a, 0.0), max(b, 0.0), max(c, 0.0)
        total = a + b + c
        out[n, 0], out[n, 1], out[n, 2] = a / total, b / total, c / total
    return out


@njit(cache=True)
def _interpolate(faces, face, bary, values):
    channels = values.shape[1]
    out = np.empty((len(face), channels), np.float32)
    for n in range(len(face)):
        i, j, k = faces[face[n], 0], faces[face[n], 1], faces[face[n], 2]
        for c in range(channels):
            out[n, c] = bary[n, 0] * values[i, c] + bary[n, 1] * values[j, c] + bary[n, 2] * values[k, c]
    return out

"""Colour before and after Cycles: light at the vertices of a mesh, and its image over the background."""

import numpy as np

from mannequin.generator.compiled import njit
from mannequin.renderers.raster.geometry import add_vertex_normals
from mannequin.renderers.raster.shading import ENCODE, even_light


def vertex_shade(vertices: np.ndarray, faces: np.ndarray, sh: np.ndarray) -> np.ndarray:
    """(V,) float32 radiance over albedo at vertices (V, 3) with smooth normals.

    sh: (9, 3) RGB coefficients of SurfaceLight whose three columns are equal (white light).
    """
    normals = np.zeros((len(vertices), 3))
    add_vertex_normals(vertices, faces, 0, np.ones(len(vertices), np.bool_), normals)
    return _shade(normals, sh)


@njit(cache=True)
def _shade(normals, sh):
    out = np.empty(len(normals), np.float32)
    for i in range(len(normals)):
        x, y, z = normals[i]
        size = 1.0 / max(1e-30, np.sqrt(x * x + y * y + z * z))
        out[i] = even_light(sh, x * size, y * size, z * size)[0]
    return out


def compose(radiance: np.ndarray, background: np.ndarray, out: np.ndarray) -> None:
    """Write premultiplied RGBA radiance (h, w, 4) over linear background (h, w, 3) to ``out``.

    out: (h, w, 3) uint8 sRGB, encoded as the rasteriser does, that shows the background already;
    empty pixels are left alone.
    """
    _compose(radiance, background, ENCODE, out)


@njit(cache=True)
def _compose(radiance, background, table, out):
    h, w = out.shape[:2]
    steps = table.shape[0] - 1
    for y in range(h):
        for x in range(w):
            behind = 1.0 - min(max(radiance[y, x, 3], 0.0), 1.0)
            if behind == 1.0:
                continue
            for c in range(3):
                value = radiance[y, x, c] + behind * background[y, x, c]
                out[y, x, c] = table[int(min(max(value, 0.0), 1.0) * steps + 0.5)]

"""Spherical-harmonic light at the vertices of a mesh."""

import numba
import numpy as np

from mannequin.renderers.raster.geometry import add_vertex_normals
from mannequin.renderers.raster.shading import even_light


def vertex_shade(vertices: np.ndarray, faces: np.ndarray, sh: np.ndarray) -> np.ndarray:
    """(V,) float32 radiance over albedo at vertices (V, 3) with smooth normals.

    sh: (9, 3) RGB coefficients of SurfaceLight whose three columns are equal (white light).
    """
    normals = np.zeros((len(vertices), 3))
    add_vertex_normals(vertices, faces, 0, np.ones(len(vertices), np.bool_), normals)
    return _shade(normals, sh)


@numba.njit(cache=True)
def _shade(normals, sh):
    out = np.empty(len(normals), np.float32)
    for i in range(len(normals)):
        x, y, z = normals[i]
        size = 1.0 / max(1e-30, np.sqrt(x * x + y * y + z * z))
        out[i] = even_light(sh, x * size, y * size, z * size)[0]
    return out

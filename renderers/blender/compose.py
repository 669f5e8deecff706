"""Rendered radiance over the background, as 8-bit sRGB; the same encoding as the rasteriser's."""

import numba
import numpy as np

from mannequin.renderers.raster.shading import ENCODE


def compose(radiance: np.ndarray, background: np.ndarray, out: np.ndarray) -> None:
    """Write premultiplied RGBA radiance (h, w, 4) over linear background (h, w, 3) to ``out``.

    out: (h, w, 3) uint8 sRGB that shows the background already; empty pixels are left alone.
    """
    _compose(radiance, background, ENCODE, out)


@numba.njit(cache=True)
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

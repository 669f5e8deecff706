"""A camera by OpenCV and a caster that tries every triangle on its rays: plain, and nobody's renderer."""

import typing
from typing import Any

import cv2
import numpy as np

from mannequin.generator.compiled import njit

NEAR = 0.01
"""m. Nearer surfaces are not seen, as in the renderers."""

ABSENT = typing.cast(Any, None)
"""Of R and P in undistortPointsIter: OpenCV takes None, its stubs do not say so."""

_ITERATIONS = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 200, 1e-12)


class Eye:
    """One camera. K: (T + 2, 3, 3) pixels. poses: (T + 2, 4, 4) T_world_camera. Index k is frame k - 1."""

    def __init__(self, K: np.ndarray, poses: np.ndarray, distortion, resolution: tuple[int, int]):
        self.K, self.poses, self.resolution = np.asarray(K, float), np.asarray(poses, float), resolution
        self.lens = np.zeros(8)
        self.lens[: len(distortion)] = distortion

    @property
    def distorted(self) -> bool:
        return bool(self.lens.any())

    def to_camera(self, points: np.ndarray, k: int) -> np.ndarray:
        """World points (…, 3) to camera coordinates at index ``k``."""
        return (np.asarray(points, float) - self.poses[k, :3, 3]) @ self.poses[k, :3, :3]

    def project(self, points: np.ndarray, k: int) -> np.ndarray:
        """Camera points (n, 3) to pixels (n, 2) at index ``k``; NaN where they are nearer than NEAR."""
        if len(points) == 0:
            return np.zeros((0, 2))
        safe = np.where(points[:, 2:] < NEAR, (0.0, 0.0, 1.0), points)
        image = cv2.projectPoints(safe, np.zeros(3), np.zeros(3), self.K[k], self.lens)[0][:, 0]
        return np.where(points[:, 2:] < NEAR, np.nan, image)

    def rays(self, pixels: np.ndarray, k: int) -> np.ndarray:
        """(n, 2) directions (x, y, 1) through the centres of flat ``pixels`` (n,) at index ``k``; NaN where the lens
        images nothing."""
        y, x = np.divmod(np.asarray(pixels, np.int64), self.resolution[1])
        at = np.stack([x, y], axis=1) + 0.5
        if len(at) == 0:
            return np.zeros((0, 2))
        rays = cv2.undistortPointsIter(at[:, None], self.K[k], self.lens, ABSENT, ABSENT, _ITERATIONS)[:, 0]
        again = self.project(np.concatenate([rays, np.ones((len(rays), 1))], axis=1), k)
        return np.where(np.abs(again - at).max(1, keepdims=True) < 1e-4, rays, np.nan)

    def sees(self, image: np.ndarray) -> np.ndarray:
        """(n,) bool: pixels (n, 2) inside the image."""
        h, w = self.resolution
        return (image >= 0).all(1) & (image < (w, h)).all(1)


def cast(corners: np.ndarray, rays: np.ndarray, limit: np.ndarray):
    """What rays (n, 2) from the origin along (x, y, 1) meet first, nearer than depths ``limit`` (n,).

    corners: (F, 3, 3) camera coordinates of the triangles. Returns ((n,) face or -1, (n, 3)
    barycentric weights, (n,) depth). Rays that are NaN meet nothing.
    """
    i, j, k = corners[:, 0], corners[:, 1], corners[:, 2]
    sides = np.stack([np.cross(j, k), np.cross(k, i), np.cross(i, j)], axis=1)
    volume = np.einsum("fd,fd->f", i, sides[:, 0])
    return _cast(corners, sides, volume, rays, np.asarray(limit, float))


@njit(cache=True, nogil=True, error_model="numpy")
def _cast(corners, sides, volume, rays, limit):
    """Each triangle with the rays that pass it from left to right: of ``rays``, those between its outermost corners."""
    count = rays.shape[0]
    face, weight, depth = np.full(count, -1), np.zeros((count, 3)), limit.copy()
    order = np.argsort(rays[:, 0])  # NaN last
    across = rays[order, 0]
    seen = np.searchsorted(across, np.inf)
    for f in range(sides.shape[0]):
        first, last = 0, seen
        if corners[f, 0, 2] > NEAR and corners[f, 1, 2] > NEAR and corners[f, 2, 2] > NEAR:
            x0, x1, x2 = corners[f, :, 0] / corners[f, :, 2]
            low, high = min(x0, x1, x2), max(x0, x1, x2)
            rounding = 1e-12 * (1 + abs(low) + abs(high))
            first = np.searchsorted(across[:seen], low - rounding)
            last = np.searchsorted(across[:seen], high + rounding)
        for m in range(first, last):
            n = order[m]
            x, y = rays[n, 0], rays[n, 1]
            a = sides[f, 0, 0] * x + sides[f, 0, 1] * y + sides[f, 0, 2]
            b = sides[f, 1, 0] * x + sides[f, 1, 1] * y + sides[f, 1, 2]
            c = sides[f, 2, 0] * x + sides[f, 2, 1] * y + sides[f, 2, 2]
            if not ((a >= 0 and b >= 0 and c >= 0) or (a <= 0 and b <= 0 and c <= 0)):
                continue
            z = volume[f] / (a + b + c)
            if NEAR <= z < depth[n]:
                face[n], depth[n] = f, z
                weight[n, 0], weight[n, 1], weight[n, 2] = a / (a + b + c), b / (a + b + c), c / (a + b + c)
    return face, weight, depth

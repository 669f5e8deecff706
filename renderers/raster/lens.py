"""A pinhole camera with OpenCV's lens distortion, as compiled functions.

Rays are (x, y) of the direction (x, y, 1) in the camera frame, before distortion. "Pinhole
pixels" are fx x + cx, fy y + cy: where the ray would meet the image of a lens without distortion.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mannequin.generator.compiled import njit


@dataclass(frozen=True, eq=False)
class Lens:
    """fx, fy, cx, cy: pixels; pixel (i, j) has its centre at (j + 0.5, i + 0.5).

    k: (8,) float64 k1, k2, p1, p2, k3, k4, k5, k6, zeros where not given.
    radius: rays of a larger hypot(x, y) are not imaged, because from there on the distortion
    would fold the image back.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    k: np.ndarray
    radius: float

    @property
    def distorted(self) -> bool:
        return bool(np.any(self.k))

    @property
    def pinhole(self) -> np.ndarray:
        """(4,) float64 fx, fy, cx, cy."""
        return np.array([self.fx, self.fy, self.cx, self.cy])


def make_lenses(K: np.ndarray, distortion=()) -> tuple[Lens, ...]:
    """Of each moment of K (T, 3, 3); the very same lens where it is that of the moment before."""
    lenses = [make_lens(K[0], distortion)]
    for before, now in pairwise(K):
        lenses.append(lenses[-1] if np.array_equal(before, now) else make_lens(now, distortion))
    return tuple(lenses)


def make_lens(K: np.ndarray, distortion=()) -> Lens:
    """K: (3, 3) pixels, without skew; distortion: 0, 4, 5 or 8 of OpenCV's coefficients."""
    k = np.zeros(8)
    k[: len(distortion)] = distortion
    return Lens(float(K[0, 0]), float(K[1, 1]), float(K[0, 2]), float(K[1, 2]), k, monotone_radius(k))


def monotone_radius(k: np.ndarray) -> float:
    """Largest r up to which r (1 + k1 r² + k2 r⁴ + k3 r⁶) / (1 + k4 r² + k5 r⁴ + k6 r⁶) grows."""
    top = np.polynomial.Polynomial([1, k[0], k[1], k[4]])  # in s = r²
    bottom = np.polynomial.Polynomial([1, k[5], k[6], k[7]])
    s = np.polynomial.Polynomial([0, 1])
    slope = top * bottom + 2 * s * (top.deriv() * bottom - top * bottom.deriv())
    roots = np.concatenate([slope.trim().roots(), bottom.trim().roots()])
    real = roots[np.abs(roots.imag) < 1e-9 * (1 + np.abs(roots.real))].real
    return float(np.sqrt(real[real > 0].min())) if np.any(real > 0) else np.inf


@njit(cache=True, nogil=True, error_model="numpy")
def distort(x, y, k):
    """Distorted (x, y) of a ray; source: OpenCV's calib3d documentation."""
    s = x * x + y * y
    radial = (1.0 + s * (k[0] + s * (k[1] + s * k[4]))) / (1.0 + s * (k[5] + s * (k[6] + s * k[7])))
    dx = x * radial + 2.0 * k[2] * x * y + k[3] * (s + 2.0 * x * x)
    dy = y * radial + k[2] * (s + 2.0 * y * y) + 2.0 * k[3] * x * y
    return dx, dy


@njit(cache=True, nogil=True, error_model="numpy")
def undistort(dx, dy, k, radius):
    """The ray within ``radius`` that is distorted to (dx, dy), or NaNs where there is none."""
    x, y = _undo_radial(dx, dy, k, radius)
    for _ in range(20):
        ex, ey = distort(x, y, k)
        ex -= dx
        ey -= dy
        if abs(ex) + abs(ey) < 1e-13 * (1.0 + abs(dx) + abs(dy)):
            break
        h = 1e-6
        ax, ay = distort(x + h, y, k)
        bx, by = distort(x, y + h, k)
        cx, cy = distort(x - h, y, k)
        gx, gy = distort(x, y - h, k)
        j00, j10, j01, j11 = (ax - cx) / (2 * h), (ay - cy) / (2 * h), (bx - gx) / (2 * h), (by - gy) / (2 * h)
        det = j00 * j11 - j01 * j10
        if det <= 0.0:
            return np.nan, np.nan
        x -= (j11 * ex - j01 * ey) / det
        y -= (j00 * ey - j10 * ex) / det
    ex, ey = distort(x, y, k)
    if x * x + y * y > radius * radius or not abs(ex - dx) + abs(ey - dy) < 1e-9 * (1.0 + abs(dx) + abs(dy)):
        return np.nan, np.nan
    return x, y


@njit(cache=True, nogil=True, error_model="numpy")
def _undo_radial(dx, dy, k, radius):
    """Bisection on the radial part alone, which is monotone within ``radius``: Newton's start."""
    goal = np.sqrt(dx * dx + dy * dy)
    if goal == 0.0:
        return 0.0, 0.0
    low, high = 0.0, min(radius, 100.0 * (1.0 + goal))
    for _ in range(50):
        r = 0.5 * (low + high)
        s = r * r
        value = r * (1.0 + s * (k[0] + s * (k[1] + s * k[4]))) / (1.0 + s * (k[5] + s * (k[6] + s * k[7])))
        if value < goal:
            low = r
        else:
            high = r
    return dx / goal * low, dy / goal * low


@njit(cache=True, nogil=True, error_model="numpy")
def image_rays(x, y, pinhole, k, radius):
    """(N, 2) float64 rays through image positions x, y (N,) pixels; NaN where nothing is imaged."""
    rays = np.empty((x.shape[0], 2))
    for i in range(x.shape[0]):
        dx, dy = (x[i] - pinhole[2]) / pinhole[0], (y[i] - pinhole[3]) / pinhole[1]
        rays[i, 0], rays[i, 1] = undistort(dx, dy, k, radius)
    return rays


@njit(cache=True, nogil=True, error_model="numpy")
def project_points(points, pinhole, k, radius, near):
    """(N, 2) float64 image positions of camera-frame points (N, 3); NaN where not imaged."""
    out = np.empty((points.shape[0], 2))
    for i in range(points.shape[0]):
        z = points[i, 2]
        x, y = points[i, 0] / max(z, near), points[i, 1] / max(z, near)
        if z < near or x * x + y * y > radius * radius:
            out[i, 0] = out[i, 1] = np.nan
            continue
        x, y = distort(x, y, k)
        out[i, 0] = pinhole[0] * x + pinhole[2]
        out[i, 1] = pinhole[1] * y + pinhole[3]
    return out

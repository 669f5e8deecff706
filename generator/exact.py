"""Arithmetic that has the same bits on every processor.

IEEE 754 fixes sums, products, quotients and square roots to the last bit, not sines or logarithms: numpy
and the C library compute those by other instructions on other processors, and BLAS adds up in another
order. What a seed decides, so everything written but Cycles' colour, is computed by numpy's plain
operations and by these functions, in which each operation and its order are stated. numba neither
reorders nor fuses them.

The functions are numpy ufuncs of float64, also for numba's kernels. They are within 2 units in the last
place of the true value unless said otherwise.
"""

import math
from functools import reduce

import numpy as np
from numba import guvectorize, njit, vectorize
from scipy import ndimage

_LN2_HIGH, _LN2_LOW = 0.6931471804855391, 7.440617110012397e-11
"""ln 2 in two parts, of which the first has 33 bits, so that whole multiples of it are exact."""

_QUARTER = (1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21)
"""π / 2 in three parts, likewise."""

_ARCTAN = (0.0, 0.24497866312686414, 0.4636476090008061, 0.6435011087932844, 0.7853981633974483)
"""The arc tangents of 0, 1/4, 1/2, 3/4 and 1."""


@njit(cache=True, inline="always")
def _reduced(x):
    """x = quarter · π / 2 + rest, |rest| ≤ π / 4: (quarter modulo 4, rest)."""
    quarter = np.rint(x * (2.0 / np.pi))
    rest = ((x - quarter * _QUARTER[0]) - quarter * _QUARTER[1]) - quarter * _QUARTER[2]
    return int(quarter - 4.0 * np.floor(quarter / 4.0)), rest


@njit(cache=True, inline="always")
def _sin_near(x):
    """Taylor's series, |x| ≤ π / 4."""
    z = x * x
    tail = 1.0 - z / 272.0
    for k in (210.0, 156.0, 110.0, 72.0, 42.0, 20.0):
        tail = 1.0 - z / k * tail
    return x - x * z / 6.0 * tail


@njit(cache=True, inline="always")
def _cos_near(x):
    """Taylor's series, |x| ≤ π / 4."""
    z = x * x
    tail = 1.0 - z / 306.0
    for k in (240.0, 182.0, 132.0, 90.0, 56.0, 30.0, 12.0):
        tail = 1.0 - z / k * tail
    return 1.0 - z / 2.0 * tail


@vectorize(["f8(f8)"], cache=True)
def sin(x):
    """Sine of radians, |x| < 10⁶."""
    if not abs(x) < np.inf:
        return np.nan
    quarter, rest = _reduced(x)
    value = _cos_near(rest) if quarter % 2 else _sin_near(rest)
    return -value if quarter >= 2 else value


@vectorize(["f8(f8)"], cache=True)
def cos(x):
    """Cosine of radians, |x| < 10⁶."""
    if not abs(x) < np.inf:
        return np.nan
    quarter, rest = _reduced(x)
    value = _sin_near(rest) if quarter % 2 else _cos_near(rest)
    return -value if quarter == 1 or quarter == 2 else value


@vectorize(["f8(f8)"], cache=True)
def sinc(x):
    """sin(x) / x of radians; 1 at 0."""
    return 1.0 if x == 0.0 else sin(x) / x


@vectorize(["f8(f8)"], cache=True)
def exp(x):
    """e to the power of x."""
    if x != x:
        return x
    if x > 709.7:
        return np.inf
    if x < -708.3:
        return 0.0
    twos = np.rint(x * 1.4426950408889634)
    r = (x - twos * _LN2_HIGH) - twos * _LN2_LOW
    tail = 1.0
    for k in (14.0, 13.0, 12.0, 11.0, 10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0):
        tail = 1.0 + r / k * tail
    return math.ldexp(1.0 + (r + r * r / 2.0 * tail), int(twos))


@vectorize(["f8(f8)"], cache=True)
def log(x):
    """Natural logarithm; NaN below 0."""
    if x == 0.0:
        return -np.inf
    if not 0.0 < x < np.inf:
        return x if x > 0.0 else np.nan
    m, twos = math.frexp(x)
    if m < 0.7071067811865476:
        m, twos = 2.0 * m, twos - 1
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    tail = 1.0 / 23.0
    for k in (21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0):
        tail = 1.0 / k + z * tail
    return twos * _LN2_HIGH + (2.0 * s + (2.0 * s * z * tail + twos * _LN2_LOW))


@vectorize(["f8(f8,f8)"], cache=True)
def power(x, y):
    """x ≥ 0 to the power of y, to a relative error of 10⁻¹³; NaN below 0."""
    return 1.0 if y == 0.0 else exp(y * log(x))


@vectorize(["f8(f8,f8)"], cache=True)
def arctan2(y, x):
    """Angle of the point (x, y) from the x axis, in [-π, π]; 0 for the origin, NaN if both are infinite."""
    if x != x or y != y:
        return np.nan
    far, near = max(abs(x), abs(y)), min(abs(x), abs(y))
    if far == 0.0:
        angle = 0.0
    else:
        t = near / far
        step = int(np.rint(4.0 * t))
        t = (t - 0.25 * step) / (1.0 + 0.25 * step * t)
        z = t * t
        tail = 1.0 / 19.0
        for k in (17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0):
            tail = 1.0 / k - z * tail
        angle = _ARCTAN[step] + (t - t * z * tail)
    if abs(y) > abs(x):
        angle = 0.5 * np.pi - angle
    if np.copysign(1.0, x) < 0.0:
        angle = np.pi - angle
    return np.copysign(angle, y)


@vectorize(["f8(f8)"], cache=True)
def arccos(x):
    """Angle in [0, π] whose cosine is x; NaN beyond -1…1."""
    return 2.0 * arctan2(np.sqrt(1.0 - x), np.sqrt(1.0 + x))


@vectorize(["f8(f8)"], cache=True)
def tanh(x):
    """Hyperbolic tangent, to an absolute error of 10⁻¹⁵."""
    t = exp(-2.0 * abs(x))
    return np.copysign((1.0 - t) / (1.0 + t), x)


def hypot(x, y):
    """Length of the vector (x, y)."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    return np.sqrt(x * x + y * y)


def norm(v):
    """(…) lengths of vectors (…, n)."""
    v = np.asarray(v)
    return np.sqrt(np.add.reduce(v * v, axis=-1))


def dot(a, b):
    """(…) products of vectors (…, n)."""
    return np.add.reduce(np.asarray(a) * b, axis=-1)


def matmul(*factors):
    """``a @ b @ …`` of arrays, in float64; also of scipy's sparse matrices."""
    return reduce(_product, factors)


def transform(matrix, v):
    """(…, n) vectors (…, k), each multiplied by its matrix (…, n, k) from the left, in float64."""
    return _matvec(matrix, v)


def _product(a, b):
    if hasattr(a, "tocsr"):
        return a @ b  # scipy goes through a sparse matrix row by row
    a, b = np.asarray(a), np.asarray(b)
    if a.ndim == 1:
        return dot(a, b) if b.ndim == 1 else _matvec(np.swapaxes(b, -1, -2), a)
    return _matvec(a, b) if b.ndim == 1 else _matmul(a, b)


@guvectorize(["f8[:,:],f8[:,:],f8[:,:]"], "(n,k),(k,m)->(n,m)", cache=True)
def _matmul(a, b, out):
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            total = 0.0
            for k in range(a.shape[1]):
                total += a[i, k] * b[k, j]
            out[i, j] = total


@guvectorize(["f8[:,:],f8[:],f8[:]"], "(n,k),(k)->(n)", cache=True)
def _matvec(a, b, out):
    for i in range(a.shape[0]):
        total = 0.0
        for k in range(a.shape[1]):
            total += a[i, k] * b[k]
        out[i] = total


def normals(rng: np.random.Generator, shape=()) -> np.ndarray:
    """Draws from the standard normal distribution, by Box and Muller's formula."""
    u, v = rng.random(shape), rng.random(shape)
    return np.sqrt(-2.0 * log(1.0 - u)) * cos(2.0 * np.pi * v)


def gaussian_filter1d(values: np.ndarray, sigma: float, axis: int = -1, mode: str = "reflect") -> np.ndarray:
    """``values`` smoothed along ``axis`` by a Gaussian cut at 4 ``sigma``; mode: scipy.ndimage's."""
    reach = int(4.0 * sigma + 0.5)
    weights = exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return ndimage.correlate1d(values, weights / np.add.reduce(weights), axis, mode=mode)

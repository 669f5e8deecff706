"""Arithmetic that has the same bits on every processor.

IEEE 754 fixes sums, products, quotients and square roots to the last bit, not sines or logarithms: numpy
and the C library compute those by other instructions on other processors, and BLAS adds up in another
order. What a seed decides, so everything written but Cycles' colour, is computed by numpy's plain
operations and by these functions, in which each operation and its order are stated. numba neither
reorders nor fuses them.

The functions take scalars and arrays of float64, also in numba's kernels. They are within 3 units in the last
place of the true value unless said otherwise.
"""

import math
from functools import reduce

import numpy as np
from numba.extending import overload
from scipy import ndimage

from mannequin.generator.compiled import njit

_LN2_HIGH, _LN2_LOW = 0.6931471804855391, 7.440617110012397e-11
"""ln 2 in two parts, of which the first has 33 bits, so that whole multiples of it are exact."""

_QUARTER = (1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21)
"""π / 2 in three parts, likewise."""

_SINE = tuple(1.0 / (k * (k + 1)) for k in range(18, 2, -2))
_COSINE = tuple(1.0 / (k * (k + 1)) for k in range(17, 1, -2))
_EXPONENTIAL = tuple(1.0 / k for k in range(14, 2, -1))
_ARCTANGENT = tuple(1.0 / k for k in range(45, 1, -2))
_LOGARITHM = tuple(1.0 / k for k in range(25, 1, -2))
"""What Taylor's series are made of, the last terms first."""

_SIN, _COS, _EXP, _LOG, _ATAN2 = range(5)


def sin(x):
    """Sine of radians, |x| < 10⁶."""
    return _each(_SIN, x)


def cos(x):
    """Cosine of radians, |x| < 10⁶."""
    return _each(_COS, x)


def sinc(x):
    """sin(x) / x of radians; 1 at 0."""
    x = np.asarray(x, np.float64)
    safe = np.where(x == 0.0, 1.0, x)
    return np.where(x == 0.0, 1.0, sin(safe) / safe)


def exp(x):
    """e to the power of x; 0 below -708."""
    return _each(_EXP, x)


def log(x):
    """Natural logarithm; NaN below 0."""
    return _each(_LOG, x)


def power(x, y):
    """x ≥ 0 to the power of y, to a relative error of 10⁻¹³."""
    y = np.asarray(y, np.float64)
    return np.where(y == 0.0, 1.0, exp(np.where(y == 0.0, 1.0, y) * log(x)))


def arctan2(y, x):
    """Angle of the finite point (x, y) from the x axis, in [-π, π]; 0 for the origin."""
    return _each(_ATAN2, *np.broadcast_arrays(y, x))


def arccos(x):
    """Angle in [0, π] whose cosine is x in [-1, 1]."""
    x = np.asarray(x, np.float64)
    return 2.0 * arctan2(np.sqrt(1.0 - x), np.sqrt(1.0 + x))


def tanh(x):
    """Hyperbolic tangent, to an absolute error of 10⁻¹⁵."""
    t = exp(-2.0 * np.abs(x))
    return np.copysign((1.0 - t) / (1.0 + t), x)


def _each(function: int, *arguments):
    """A function of every element."""
    shape = np.shape(arguments[0])
    flat = [np.asarray(a, np.float64).ravel() for a in arguments]
    return _fill(function, flat[0], flat[-1]).reshape(shape)[()]


@njit(cache=True)
def _sin(x):
    quarter, rest = _reduced(x)
    value = _cos_near(rest) if quarter == 1.0 or quarter == 3.0 else _sin_near(rest)
    return -value if quarter >= 2.0 else value


@njit(cache=True)
def _cos(x):
    quarter, rest = _reduced(x)
    value = _sin_near(rest) if quarter == 1.0 or quarter == 3.0 else _cos_near(rest)
    return -value if quarter == 1.0 or quarter == 2.0 else value


@njit(cache=True)
def _reduced(x):
    """x = quarter · π / 2 + rest, |rest| ≤ π / 4: (quarter modulo 4, rest)."""
    quarter = np.rint(x * (2.0 / np.pi))
    rest = ((x - quarter * _QUARTER[0]) - quarter * _QUARTER[1]) - quarter * _QUARTER[2]
    return quarter - 4.0 * np.floor(quarter / 4.0), rest


@njit(cache=True)
def _sin_near(x):
    z, tail = x * x, 1.0
    for share in _SINE:
        tail = 1.0 - z * share * tail
    return x - x * z / 6.0 * tail


@njit(cache=True)
def _cos_near(x):
    z, tail = x * x, 1.0
    for share in _COSINE:
        tail = 1.0 - z * share * tail
    return 1.0 - z / 2.0 * tail


@njit(cache=True)
def _exp(x):
    if not -708.3 <= x <= 710.0:
        return x if x != x else (np.inf if x > 0.0 else 0.0)
    twos = np.rint(x * 1.4426950408889634)
    r = (x - twos * _LN2_HIGH) - twos * _LN2_LOW
    tail = 1.0
    for share in _EXPONENTIAL:
        tail = 1.0 + r * share * tail
    return math.ldexp(1.0 + (r + r * r / 2.0 * tail), int(twos))


@njit(cache=True)
def _log(x):
    if not 0.0 < x < np.inf:
        return -np.inf if x == 0.0 else (x if x > 0.0 else np.nan)
    m, twos = math.frexp(x)
    if m < 0.7071067811865476:
        m, twos = 2.0 * m, twos - 1
    s = (m - 1.0) / (m + 1.0)
    z, tail = s * s, 0.0
    for share in _LOGARITHM:
        tail = share + z * tail
    return twos * _LN2_HIGH + (2.0 * s + (2.0 * s * z * tail + twos * _LN2_LOW))


@njit(cache=True)
def _arctan2(y, x):
    up, along = abs(y), abs(x)
    far, near = max(up, along), min(up, along)
    t, angle = near / (1.0 if far == 0.0 else far), 0.0
    if t > 0.41421356237309503:
        t, angle = (t - 1.0) / (t + 1.0), 0.25 * np.pi
    z, tail = t * t, 0.0
    for share in _ARCTANGENT:
        tail = share - z * tail
    angle += t - t * z * tail
    if up > along:
        angle = 0.5 * np.pi - angle
    if np.copysign(1.0, x) < 0.0:
        angle = np.pi - angle
    return np.copysign(angle, y)


@njit(cache=True)
def _fill(function, x, y):
    out = np.empty(len(x))
    for i in range(len(x)):
        if function == _SIN:
            out[i] = _sin(x[i])
        elif function == _COS:
            out[i] = _cos(x[i])
        elif function == _EXP:
            out[i] = _exp(x[i])
        elif function == _LOG:
            out[i] = _log(x[i])
        else:
            out[i] = _arctan2(x[i], y[i])
    return out


@overload(sin)
def _compiled_sin(x):
    return lambda x: _sin(x)


@overload(exp)
def _compiled_exp(x):
    return lambda x: _exp(x)


@overload(arctan2)
def _compiled_arctan2(y, x):
    return lambda y, x: _arctan2(y, x)


def hypot(x, y):
    """Length of the vector (x, y)."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    return np.sqrt(x * x + y * y)


def norm(v):
    """(…) lengths of vectors (…, n)."""
    return np.sqrt(dot(v, v))


def dot(a, b):
    """(…) products of vectors (…, n)."""
    return np.add.reduce(np.asarray(a, np.float64) * b, axis=-1)


def transform(matrix, v):
    """(…, n) vectors (…, k), each multiplied by its matrix (…, n, k) from the left."""
    return dot(matrix, np.asarray(v)[..., None, :])


def matmul(*factors):
    """``a @ b @ …`` of arrays, in float64; also of scipy's sparse matrices."""
    return reduce(_product, factors)


def _product(a, b):
    if hasattr(a, "tocsr"):
        return a @ b  # scipy goes through a sparse matrix row by row
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim == 1:
        return dot(a, b) if b.ndim == 1 else transform(np.swapaxes(b, -1, -2), a)
    if b.ndim == 1:
        return transform(a, b)
    return np.add.reduce(a[..., :, :, None] * b[..., None, :, :], axis=-2)


def normals(rng: np.random.Generator, shape=()) -> np.ndarray:
    """Draws from the standard normal distribution, by Box and Muller's formula."""
    u, v = rng.random(shape), rng.random(shape)
    return np.sqrt(-2.0 * log(1.0 - u)) * cos(2.0 * np.pi * v)


def gaussian_filter1d(values: np.ndarray, sigma: float, axis: int = -1, mode: str = "reflect") -> np.ndarray:
    """``values`` smoothed along ``axis`` by a Gaussian cut at 4 ``sigma``; mode: scipy.ndimage's."""
    reach = int(4.0 * sigma + 0.5)
    weights = exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return ndimage.correlate1d(values, weights / np.add.reduce(weights), axis, mode=mode)

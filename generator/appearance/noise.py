"""Seeded noise on 3-D points: the same values on every machine and for every array shape.

Lattice values come from an integer hash, not from a random generator, so that a point's value
depends on nothing but the point and the seed.
"""

import numpy as np

from mannequin.generator import exact
from mannequin.generator.compiled import njit

_MASK = 0xFFFFFFFF


@njit(cache=True, inline="always")
def _hash(i, j, k, seed):
    """32 well-mixed bits of a lattice point (constants: Teschner et al. 2003; Wellons' lowbias32)."""
    h = ((i * 73856093) ^ (j * 19349663) ^ (k * 83492791) ^ (seed * 2654435761)) & _MASK
    h ^= h >> 16
    h = (h * 0x7FEB352D) & _MASK
    h ^= h >> 15
    h = (h * 0x846CA68B) & _MASK
    return h ^ (h >> 16)


@njit(cache=True)
def lattice(i, j, k, seed):
    """One value in [0, 1) for a cell with integer coordinates."""
    return _hash(i, j, k, seed) / 4294967296.0


@njit(cache=True)
def value(x, y, z, seed):
    """Smooth noise in [-1, 1] with features of about unit size."""
    fi, fj, fk = np.floor(x), np.floor(y), np.floor(z)
    i, j, k = int(fi), int(fj), int(fk)
    u, v, w = x - fi, y - fj, z - fk
    u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
    low = (1 - v) * ((1 - u) * _hash(i, j, k, seed) + u * _hash(i + 1, j, k, seed)) + v * (
        (1 - u) * _hash(i, j + 1, k, seed) + u * _hash(i + 1, j + 1, k, seed)
    )
    high = (1 - v) * ((1 - u) * _hash(i, j, k + 1, seed) + u * _hash(i + 1, j, k + 1, seed)) + v * (
        (1 - u) * _hash(i, j + 1, k + 1, seed) + u * _hash(i + 1, j + 1, k + 1, seed)
    )
    return ((1 - w) * low + w * high) / 2147483648.0 - 1.0


@njit(cache=True)
def fractal(x, y, z, seed, octaves):
    """Sum of octaves, each of half the size and half the weight, in [-1, 1]."""
    total, weight, scale = 0.0, 1.0, 1.0
    norm = 0.0
    for octave in range(octaves):
        total += weight * value(x * scale, y * scale, z * scale, seed + octave)
        norm += weight
        weight *= 0.5
        scale *= 2.0
    return total / norm


@njit(cache=True, inline="always")
def ramp(x, low, high):
    """Smooth step: 0 below ``low``, 1 above ``high``."""
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


@njit(cache=True, inline="always")
def bump(x, width):
    """A Gaussian of height 1."""
    t = x / width
    return exact.exp(-0.5 * t * t) if t * t < 40.0 else 0.0

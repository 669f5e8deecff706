"""Smooth curves of time: minimum jerk, keyed quintics, and drifting 1/f noise.

Every curve is a pure function of the times it is asked for, so any frame rate, and the frames
before and after a clip, see the same motion.
"""

import zlib

import numpy as np

from mannequin.generator import exact

GRAVITY = 9.81
"""Metres per second squared."""


def min_jerk(u: np.ndarray) -> np.ndarray:
    """0 before u = 0, 1 after u = 1, minimum-jerk between (Flash and Hogan 1985)."""
    u = np.clip(u, 0.0, 1.0)
    return u * u * u * (10.0 + u * (6.0 * u - 15.0))


def bump(u: np.ndarray) -> np.ndarray:
    """0 outside (0, 1), 1 at u = 0.5, twice differentiable."""
    u = np.clip(u, 0.0, 1.0)
    w = u * (1.0 - u)
    return 64.0 * w * w * w


def hermite5(times, knots, values, slopes, curvatures) -> np.ndarray:
    """Quintic through ``values`` (N,) or (N, D) at increasing ``knots`` (N,), with the given first and
    second derivatives there; held at the ends. Returns (T,) or (T, D)."""
    knots = np.asarray(knots, float)
    values, slopes, curvatures = (np.asarray(x, float) for x in (values, slopes, curvatures))
    times = np.clip(times, knots[0], knots[-1])
    i = np.clip(np.searchsorted(knots, times, side="right") - 1, 0, len(knots) - 2)
    h = np.diff(knots)[i]
    u = (times - knots[i]) / h
    shape = (-1,) + (1,) * (values.ndim - 1)
    u, h = u.reshape(shape), h.reshape(shape)
    u3 = u * u * u
    rise = u3 * (10.0 + u * (6.0 * u - 15.0))
    return (
        values[i] * (1.0 - rise)
        + values[i + 1] * rise
        + h * slopes[i] * (u - u3 * (6.0 - 8.0 * u + 3.0 * u * u))
        + h * slopes[i + 1] * (u3 * (-4.0 + 7.0 * u - 3.0 * u * u))
        + h * h * curvatures[i] * 0.5 * (u * u - u3 * (3.0 - 3.0 * u + u * u))
        + h * h * curvatures[i + 1] * 0.5 * u3 * (1.0 - u) ** 2
    )


def keyed(times, knots, values, period: float | None = None) -> np.ndarray:
    """A curve through keys that never overshoots them: quintic pieces with monotone slopes.

    times (T,); knots (N,) increasing; values (N,) or (N, D). With a period the curve repeats (the
    last key must lie before knots[0] + period). Returns (T,) or (T, D).
    """
    times, knots, values = (np.asarray(x, float) for x in (times, knots, values))
    if period is None:
        return hermite5(times, knots, values, _monotone_slopes(knots, values), np.zeros_like(values))
    times = knots[0] + (times - knots[0]) % period
    padded = np.concatenate([knots[-2:] - period, knots, knots[:2] + period])
    wrapped = np.concatenate([values[-2:], values, values[:2]])
    slopes = _monotone_slopes(padded, wrapped)
    return hermite5(times, padded, wrapped, slopes, np.zeros_like(wrapped))


def _monotone_slopes(knots: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Slopes of Fritsch and Carlson's (1980) harmonic mean; 0 at extrema, holds and both ends."""
    h = np.diff(knots).reshape((-1,) + (1,) * (values.ndim - 1))
    d = np.diff(values, axis=0) / h
    w1, w2 = 2.0 * h[1:] + h[:-1], h[1:] + 2.0 * h[:-1]
    same = d[:-1] * d[1:] > 0
    before, after = np.where(same, d[:-1], 1.0), np.where(same, d[1:], 1.0)
    slopes = np.zeros_like(values)
    slopes[1:-1] = np.where(same, (w1 + w2) / (w1 / before + w2 / after), 0.0)
    return slopes


def soft_min(first: np.ndarray, *others: np.ndarray, width: float) -> np.ndarray:
    """A smooth minimum that is never above the true one; ``width`` has the arguments' unit."""
    stack = np.stack(np.broadcast_arrays(first, *others))
    low = stack.min(0)
    return low - width * exact.log(exact.exp((low - stack) / width).sum(0))


def drift(times: np.ndarray, variation: float, channel: str, slowest: float = 0.08, fastest: float = 1.6) -> np.ndarray:
    """Smooth 1/f noise of unit variance.

    times (T,) seconds; variation chooses the person's habits, channel the signal; the band is in
    Hz. A sum of sines whose frequencies are incommensurate, so it does not repeat in a clip.
    """
    rng = np.random.default_rng([round(variation), zlib.crc32(channel.encode())])
    frequencies = np.geomspace(slowest, fastest, 9) * rng.uniform(0.85, 1.15, 9)
    phases = rng.uniform(0.0, 2.0 * np.pi, 9)
    amplitudes = 1.0 / np.sqrt(frequencies)
    amplitudes *= np.sqrt(2.0) / exact.norm(amplitudes)
    return exact.matmul(exact.sin(2.0 * np.pi * np.multiply.outer(times, frequencies) + phases), amplitudes)


def habit(variation: float, channel: str) -> float:
    """One number in [-1, 1] that stays with a variation."""
    return float(np.random.default_rng([round(variation), zlib.crc32(channel.encode())]).uniform(-1.0, 1.0))

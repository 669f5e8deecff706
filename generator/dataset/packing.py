"""Label images as small integers, and back, with a known largest error.

A stored integer times its channel's ``scale`` is the value. Integers are rounded to nearest, so
the error is half a scale: depth 0.05 mm, flow 0.004 px, a normal's component 0.000015, texture
coordinates 0.000008. Indices and flags are stored as they are.
"""

import numpy as np

from mannequin.generator.clip import CHANNELS

SCALES = {
    "depth": 0.0001,
    "normal": 1 / 32767,
    "flow": 1 / 128,
    "flow_backward": 1 / 128,
    "uv": 1 / 65535,
    "chart_uv": 1 / 65535,
}
"""Unit of the stored integers, in the channel's own unit. Channels not named here are exact."""

WIDTHS = {
    "depth": ("uint16", "uint32"),
    "normal": ("int16", "int32"),
    "flow": ("int16", "int32"),
    "flow_backward": ("int16", "int32"),
    "uv": ("uint16", "int32"),
    "chart_uv": ("uint16", "int32"),
}
"""Integer types of a channel: the first that holds all values of a clip is used."""


def quantise(name: str, values: np.ndarray) -> np.ndarray:
    """(N, …) values of channel ``name`` → (…, N) integers, the pixel axis last.

    Raises ValueError for values that are not finite or that no integer type of the channel holds.
    """
    if name not in SCALES:
        return np.ascontiguousarray(values.T)
    scaled = np.multiply(values.T, np.float32(round(1 / SCALES[name])), order="C")
    np.rint(scaled, out=scaled)
    low, high = (scaled.min(), scaled.max()) if scaled.size else (0, 0)
    for width in WIDTHS[name]:
        if np.iinfo(width).min <= low and high <= np.iinfo(width).max:
            return scaled.astype(width)
    unit = CHANNELS[name].unit
    raise ValueError(
        f"Channel {name!r} reaches from {values.min()} to {values.max()} {unit}; "
        f"expected finite values that {WIDTHS[name][-1]} holds in steps of {SCALES[name]:g}."
    )


def dequantise(name: str, stored: np.ndarray) -> np.ndarray:
    """Inverse of :func:`quantise`: (…, N) integers → (N, …) of the channel's own dtype."""
    if name not in SCALES:
        return np.ascontiguousarray(stored.T)
    return np.multiply(stored.T, SCALES[name], order="C").astype(CHANNELS[name].dtype)


def to_runs(pixels: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ascending flat pixel indices per frame → runs of neighbours.

    pixels: (N,) uint32; offsets: (T + 1,) int64 into them. Returns (2, R) uint32 rows (first
    pixel, count), and (T + 1,) int64 offsets into the runs. No run crosses two frames.
    """
    begins = np.ones(len(pixels), bool)
    np.not_equal(pixels[1:], pixels[:-1] + np.uint32(1), out=begins[1:])
    begins[offsets[:-1][offsets[:-1] < len(pixels)]] = True
    first = np.flatnonzero(begins)
    runs = np.stack([pixels[first], np.diff(first, append=len(pixels)).astype(np.uint32)])
    return runs, np.searchsorted(first, offsets).astype(np.int64)


def from_runs(runs: np.ndarray) -> np.ndarray:
    """(2, R) runs of at least one pixel each → (N,) uint32 pixels, in little more memory than these take."""
    first, count = runs.astype(np.uint32)
    steps = np.ones(int(count.sum(dtype=np.int64)), np.uint32)
    if len(steps):
        begins = np.cumsum(count, dtype=np.int64) - count
        ends = first + (count - np.uint32(1))
        steps[begins] = first - np.concatenate([np.zeros(1, np.uint32), ends[:-1]])  # modulo 2³², as is the sum
        np.cumsum(steps, dtype=np.uint32, out=steps)
    return steps

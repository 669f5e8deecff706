"""Counts whose memory does not grow with what is counted."""

from collections import Counter
from collections.abc import Iterable

import numpy as np

MOST_NAMES = 5000
"""Different names that are counted apart."""


class Histogram:
    """How often values fall into ``bins`` equal bins from ``low`` to ``high``.

    A value on the border of two bins belongs to the upper one, ``high`` itself to the last. Values
    outside are counted in under and over, those that are not finite in lost. n, mean, smallest and
    largest are exact, over all finite values.
    """

    def __init__(self, low: float, high: float, bins: int):
        self.low, self.high = low, high
        self.counts = np.zeros(bins, np.int64)
        self.under = self.over = self.lost = self.n = 0
        self.total, self.smallest, self.largest = 0.0, np.inf, -np.inf

    @property
    def width(self) -> float:
        """Of a bin."""
        return (self.high - self.low) / len(self.counts)

    @property
    def mean(self) -> float:
        return self.total / self.n if self.n else float("nan")

    def add(self, values) -> None:
        """Count ``values``, an array of any shape."""
        values = np.asarray(values, np.float64).ravel()
        finite = values[np.isfinite(values)]
        self.lost += values.size - finite.size
        if not finite.size:
            return
        self.n += finite.size
        self.total += float(finite.sum())
        self.smallest, self.largest = min(self.smallest, float(finite.min())), max(self.largest, float(finite.max()))
        self.under += int((finite < self.low).sum())
        self.over += int((finite > self.high).sum())
        inside = finite[(finite >= self.low) & (finite <= self.high)]
        place = ((inside - self.low) / (self.high - self.low) * len(self.counts)).astype(np.int64)
        self.counts += np.bincount(np.minimum(place, len(self.counts) - 1), minlength=len(self.counts))

    def quantile(self, q: float) -> float:
        """The value below which the share ``q`` lies, to the width of a bin; NaN if nothing was counted."""
        if not self.n:
            return float("nan")
        edges = np.concatenate(
            [[self.smallest], self.low + self.width * np.arange(len(self.counts) + 1), [self.largest]]
        )
        below = np.concatenate([[0, self.under], self.under + np.cumsum(self.counts), [self.n]])
        return float(np.clip(np.interp(q * self.n, below, edges), self.smallest, self.largest))


class LogHistogram:
    """Of values from 0 up that span many orders of magnitude: ten bins to each, and one for 0."""

    LOWEST, HIGHEST = -12, 4

    def __init__(self):
        self.zeros, self.decades = 0, Histogram(self.LOWEST, self.HIGHEST, 10 * (self.HIGHEST - self.LOWEST))
        self.largest, self.n = -np.inf, 0

    def add(self, value: float) -> None:
        if not np.isfinite(value):
            return
        self.n += 1
        self.largest = max(self.largest, float(value))
        if value > 0:
            self.decades.add([np.log10(value)])
        else:
            self.zeros += 1

    def quantile(self, q: float) -> float:
        """Below which the share ``q`` lies, to a quarter of itself."""
        if not self.n or q * self.n <= self.zeros:
            return 0.0 if self.n else float("nan")
        return float(10.0 ** self.decades.quantile((q * self.n - self.zeros) / self.decades.n))


class Names:
    """How often names occur. Beyond MOST_NAMES different ones, further ones are counted together, in others."""

    def __init__(self):
        self.counts: Counter[str] = Counter()
        self.others = 0

    def add(self, names: Iterable[str]) -> None:
        for name in names:
            if name in self.counts or len(self.counts) < MOST_NAMES:
                self.counts[name] += 1
            else:
                self.others += 1

    @property
    def n(self) -> int:
        return self.counts.total() + self.others

    def ranked(self) -> list[tuple[str, int]]:
        """(name, count), the most frequent first, equal ones by name."""
        return sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))


class Turns:
    """How far rotations scatter about their mean."""

    def __init__(self):
        self.total, self.n = np.zeros((3, 3)), 0

    def add(self, total: np.ndarray, n: int) -> None:
        """total: (3, 3) sum of ``n`` rotation matrices."""
        self.total, self.n = self.total + total, self.n + n

    @property
    def spread(self) -> float:
        """arccos of the mean cosine of the angle between a rotation and the mean rotation (rad); NaN of none.

        The mean is the one of least squared chordal distance (Hartley et al., "Rotation averaging", 2013,
        section 5.3); for it mean cos = (tr(R̄ᵀ ΣR / n) − 1) / 2, so that no rotation need be kept.
        """
        if not self.n:
            return float("nan")
        u, s, vt = np.linalg.svd(self.total / self.n)
        trace = s[0] + s[1] + s[2] * np.sign(np.linalg.det(u @ vt))
        return float(np.arccos(np.clip((trace - 1.0) / 2.0, -1.0, 1.0)))


class EvenSample:
    """At most ``most`` of the items that come by, evenly spread over them, without knowing how many will come."""

    def __init__(self, most: int):
        self.most, self.stride, self.seen = most, 1, 0
        self._items: list = []

    def add(self, item) -> None:
        if self.seen % self.stride == 0:
            self._items.append(item)
            if len(self._items) > self.most:
                self._items, self.stride = self._items[::2], self.stride * 2
        self.seen += 1

    @property
    def items(self) -> list:
        return list(self._items)

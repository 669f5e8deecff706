"""Differences between arms, paired by seed."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from mannequin.generator.errors import ConfigError

LEVEL = 0.95


@dataclass(frozen=True)
class Paired:
    """The mean of differences, and the interval that covers it at LEVEL by Student's t. verdict: of a direction, see
    plans."""

    mean: float
    low: float
    high: float
    differences: tuple[float, ...]

    @property
    def verdict(self) -> str:
        return "holds" if self.low > 0 else "contrary" if self.high < 0 else "open"


def paired(better, worse) -> Paired:
    """Of values of two arms at the same seeds, in the same order. Raises ConfigError for fewer than two seeds."""
    differences = np.asarray(better, float) - np.asarray(worse, float)
    if len(differences) < 2:
        raise ConfigError(
            f"There are {len(differences)} seeds; expected at least 2, or there is no interval. Raise --seeds."
        )
    mean, reach = mean_and_reach(differences)
    return Paired(mean, mean - reach, mean + reach, tuple(differences.tolist()))


def mean_and_reach(values) -> tuple[float, float]:
    """The mean of two or more values, and how far the interval of it reaches to either side."""
    values = np.asarray(values, float)
    error = values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(stats.t.ppf((1 + LEVEL) / 2, len(values) - 1) * error)

"""Parts of a job that need not know of each other: every n-th clip, for anything that can run a command."""

import re
from dataclasses import dataclass

from mannequin.generator.errors import ConfigError

MOST_SHARDS = 1_000_000


@dataclass(frozen=True)
class Shard:
    """Shard ``number`` of ``of``, counted from 1. Together the shards have every clip once."""

    number: int = 1
    of: int = 1

    def indices(self, total: int) -> range:
        """Its clips among the first ``total``; none when there are more shards than clips."""
        return range(self.number - 1, total, self.of)


def parse_shard(text: str) -> Shard:
    """Read "3/100". Raises ConfigError for anything else, and for a shard beyond the last."""
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text, re.ASCII)
    number, of = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= number <= of <= MOST_SHARDS:
        raise ConfigError(
            f"shard is {text!r}; expected NUMBER/SHARDS with NUMBER from 1 to SHARDS, and SHARDS at most "
            f"{MOST_SHARDS:,}. "
            "Write 3/100 for the third of a hundred."
        )
    return Shard(number, of)

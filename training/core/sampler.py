"""Which samples a step sees: a function of the seed, the step and the process alone.

Samples are asked for by key, (epoch, index). A dataset answers the same key with the same sample, so that
it does not matter which worker loads it, how far workers run ahead, or where a run was continued.
"""

import itertools
from collections.abc import Iterator

import numpy as np

Key = tuple[int, int]


def keys(samples: int | None, seed: int, start: int = 0) -> Iterator[Key]:
    """The endless row of keys from place ``start`` on.

    samples: in one pass; every pass has them all, in an order that follows from (seed, epoch).
    None: data without an end, whose keys are (0, 0), (0, 1), …
    """
    if samples is None:
        yield from ((0, index) for index in itertools.count(start))
        return
    for epoch in itertools.count(start // samples):
        order = np.random.default_rng((seed, epoch)).permutation(samples)
        first = start % samples if epoch == start // samples else 0
        yield from ((epoch, int(index)) for index in order[first:])


class TrainingBatches:
    """Batches of keys for the steps after ``done``, up to ``steps``, of one of several processes.

    Of each ``processes * batch`` keys in a row, process ``rank`` takes the ``rank``-th ``batch``: together
    they see what one process with a batch of that size would see.
    """

    def __init__(
        self,
        samples: int | None,
        seed: int,
        batch: int,
        accumulate: int,
        done: int,
        steps: int,
        rank: int = 0,
        processes: int = 1,
    ):
        self.samples, self.seed, self.batch = samples, seed, batch
        self.rank, self.processes = rank, processes
        self.first, self.end = done * accumulate, steps * accumulate

    def __len__(self) -> int:
        return self.end - self.first

    def __iter__(self) -> Iterator[list[Key]]:
        together = self.batch * self.processes
        row = keys(self.samples, self.seed, self.first * together)
        for _ in range(len(self)):
            turn = list(itertools.islice(row, together))
            yield turn[self.rank * self.batch : (self.rank + 1) * self.batch]


class ValidationBatches:
    """Batches of the keys (0, 0) … (0, samples - 1) in order; process ``rank`` takes every ``processes``-th."""

    def __init__(self, samples: int, batch: int, rank: int = 0, processes: int = 1):
        self.keys = [(0, index) for index in range(rank, samples, processes)]
        self.batch = batch

    def __len__(self) -> int:
        return -(-len(self.keys) // self.batch)

    def __iter__(self) -> Iterator[list[Key]]:
        return (self.keys[k : k + self.batch] for k in range(0, len(self.keys), self.batch))

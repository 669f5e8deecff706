"""Predictions of a trained network over a data set, and how good they are."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from mannequin.generator.errors import TrainingError
from mannequin.training.batch import Batch, one_of
from mannequin.training.core.config import TrainConfig
from mannequin.training.core.evaluation import in_use
from mannequin.training.core.interrupts import begin_loading, in_words
from mannequin.training.data.loading import loader_settings
from mannequin.training.metrics.meter import Meter
from mannequin.training.task import Task


@dataclass(frozen=True, eq=False)
class SampleResult:
    """One sample as it was measured, alone. score: of the task's deciding metric; NaN where it says nothing.

    row: pictures (H, W, 3) uint8 sRGB by title, as the task makes them.
    """

    id: str
    score: float
    row: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Measured:
    """n: samples. results: the meter's, over all. classes: measure → class → value.

    even, worst: some samples, evenly spread over the data, and the worst by their score, worst first.
    """

    n: int
    results: dict[str, float]
    classes: dict[str, dict[str, float]]
    even: tuple[SampleResult, ...]
    worst: tuple[SampleResult, ...]


def evenly(count: int, wanted: int) -> list[int]:
    """At most ``wanted`` of 0…count - 1, evenly spaced; all if ``wanted`` is 0."""
    wanted = min(wanted or count, count)
    return [(2 * k + 1) * count // (2 * wanted) for k in range(wanted)]


def measure(
    task: Task,
    model: nn.Module,
    data: Dataset,
    indices: Sequence[int],
    *,
    device: torch.device,
    batch: int = 8,
    workers: int = 0,
    shown: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Measured:
    """Measure ``model``, which is in use and not in training, on samples ``indices`` of ``data``.

    data: indexed by (epoch, index); the sizes of its labels may differ. shown: samples to keep for each of ``even`` and
    ``worst``. progress: told samples done and samples in all. The batch decides speed and memory, not results.
    Raises what ``data`` raises, and TrainingError when memory is used up.
    """
    meter, direction = task.meter(), task.best[1]
    asked = {indices[k] for k in evenly(len(indices), shown)} if shown else set()
    even, worst = [], []
    model = model.to(device)
    numbers = [list(indices[k : k + batch]) for k in range(0, len(indices), batch)]
    with _in_words(batch, workers):
        done = 0
        loaded = (_on(samples, device) for samples in _loader(task, data, numbers, workers, device.type == "cuda"))
        for some, (step, samples) in zip(numbers, in_use(task, model, loaded), strict=True):
            for k, number in enumerate(some):
                outputs, alone = one_of(step.outputs, k), one_of(samples, k)
                score = _count(task, meter, outputs, alone)
                if number in asked:
                    even.append(_result(task, outputs, alone, score))
                if shown and not np.isnan(score):
                    rank = score if direction == "max" else -score, number
                    _keep_worst(worst, rank, partial(_result, task, outputs, alone, score), shown)
            done += len(some)
            progress(done, len(indices))
    return Measured(len(indices), meter.result(), meter.per_class(), tuple(even), tuple(one for _, one in worst))


def _loader(task: Task, data: Dataset, batches: list[list[int]], workers: int, pin: bool) -> DataLoader:
    settings = loader_settings(workers, pin)
    if workers:
        settings["worker_init_fn"] = partial(begin_loading, settings.get("worker_init_fn"))
    keys = [[(0, index) for index in numbers] for numbers in batches]
    return DataLoader(data, batch_sampler=keys, collate_fn=task.collate, **settings)  # pyright: ignore[reportArgumentType]


def _on(value: Any, device: torch.device) -> Any:
    """A batch on its device."""
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {name: _on(part, device) for name, part in value.items()}
    return [_on(part, device) for part in value] if isinstance(value, list) else value


def _count(task: Task, meter: Meter, outputs: Any, batch: Batch) -> float:
    """Add one sample to ``meter``; returns its own deciding result."""
    own = task.meter()
    own.update(outputs, batch)
    meter.add(own)
    return own.result().get(task.best[0], float("nan"))


def _result(task: Task, outputs: Any, batch: Batch, score: float) -> SampleResult:
    return SampleResult(batch["id"][0], score, next(task.rows(outputs, batch)))


def _keep_worst(worst: list, rank: tuple[float, int], make: Callable[[], SampleResult], count: int) -> None:
    """Put a sample into its place among the ``count`` lowest ranks, if it belongs there."""
    if len(worst) < count or rank < worst[-1][0]:
        worst.append((rank, make()))
        worst.sort(key=lambda entry: entry[0])
        del worst[count:]


@contextmanager
def _in_words(batch: int, workers: int) -> Iterator[None]:
    """As training has it, but for advice on memory."""
    with in_words(TrainConfig(steps=1, batch=batch, workers=workers)):
        try:
            yield
        except (RuntimeError, MemoryError) as e:
            if isinstance(e, (torch.OutOfMemoryError, MemoryError)) or "allocate memory" in str(e):
                raise TrainingError(f"The memory is used up. Lower --batch {batch}.") from e
            raise

"""Predictions of a trained network over a data set, and how good they are."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from mannequin.generator.errors import ConfigError, TrainingError
from mannequin.training.core.config import TrainConfig
from mannequin.training.core.interrupts import begin_loading, in_words
from mannequin.training.data.colour import to_rgb
from mannequin.training.data.loading import loader_settings
from mannequin.training.losses import labels_at
from mannequin.training.metrics import SegmentationMeter
from mannequin.training.models.hourglass import Maps
from mannequin.training.task import Batch
from mannequin.training.tasks.maps import MapsMeter, MapsTask

Device = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True, eq=False)
class Judged:
    """One sample as it was measured, alone. score: of the task's deciding metric; NaN where it says nothing.

    image: (size, size, 3) uint8 sRGB, what the network saw. truth, predicted: (size, size) uint8 classes there.
    """

    id: str
    score: float
    image: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray


@dataclass(frozen=True, eq=False)
class Measured:
    """n: samples. results: the meter's, over all. classes: measure → class → value. scores: of each sample alone, by
    id.

    even, worst: some samples, evenly spread over the data, and the worst by their score, worst first.
    """

    n: int
    results: dict[str, float]
    classes: dict[str, dict[str, float]]
    even: tuple[Judged, ...]
    worst: tuple[Judged, ...]


def device_of(name: Device) -> torch.device:
    """auto is CUDA if there is a device. Raises ConfigError if cuda is asked for and there is none."""
    cuda = torch.cuda.is_available()
    if name == "cuda" and not cuda:
        raise ConfigError(
            "--device cuda: torch finds no CUDA device here. Use auto or cpu, or install a torch built for CUDA."
        )
    return torch.device("cuda" if cuda and name != "cpu" else "cpu")


def evenly(count: int, wanted: int) -> list[int]:
    """At most ``wanted`` of 0…count - 1, evenly spaced; all if ``wanted`` is 0."""
    wanted = min(wanted or count, count)
    return [(2 * k + 1) * count // (2 * wanted) for k in range(wanted)]


def measure(
    task: MapsTask,
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
    meter, best = task.meter(), task.best
    asked = {indices[k] for k in evenly(len(indices), shown)} if shown else set()
    even, worst = [], []
    model = model.to(device)
    batches = [list(indices[k : k + batch]) for k in range(0, len(indices), batch)]
    with _in_words(batch, workers), torch.inference_mode():
        done = 0
        for numbers, samples in zip(batches, _loaded(data, batches, workers, device.type == "cuda"), strict=True):
            outputs = model(torch.stack([sample["image"] for sample in samples]).to(device))
            for k, (number, sample) in enumerate(zip(numbers, samples, strict=True)):
                one, alone = _alone(outputs, k), _batched(sample, device)
                score = _count(task, meter, one, alone)[best[0]]
                if number in asked:
                    even.append(_judged(task, one, alone, score))
                if shown and not np.isnan(score):
                    rank = score if best[1] == "max" else -score, number
                    _keep_worst(worst, rank, partial(_judged, task, one, alone, score), shown)
            done += len(samples)
            progress(done, len(indices))
    return Measured(len(indices), meter.result(), _classes(meter), tuple(even), tuple(judged for _, judged in worst))


def _loaded(data: Dataset, batches: list[list[int]], workers: int, pin: bool) -> DataLoader:
    """Lists of samples."""
    settings = loader_settings(workers, pin)
    if workers:
        settings["worker_init_fn"] = partial(begin_loading, settings.get("worker_init_fn"))
    keys = [[(0, index) for index in numbers] for numbers in batches]
    return DataLoader(data, batch_sampler=keys, collate_fn=_tensors, **settings)


def _tensors(samples: list[dict]) -> list[dict]:
    return [
        {name: value if isinstance(value, str) else torch.as_tensor(value) for name, value in sample.items()}
        for sample in samples
    ]


def _alone(outputs: Maps, k: int) -> Maps:
    """What the network says of sample ``k`` of a batch, as a batch of one."""
    return Maps(
        tuple(maps[k : k + 1] for maps in outputs.stacks), None if outputs.full is None else outputs.full[k : k + 1]
    )


def _batched(sample: dict, device: torch.device) -> Batch:
    return {name: [value] if isinstance(value, str) else value[None].to(device) for name, value in sample.items()}


def _count(task: MapsTask, meter: MapsMeter, outputs: Maps, batch: Batch) -> dict[str, float]:
    """Add one sample to ``meter``; returns its own results."""
    own = task.meter()
    own.update(outputs, batch)
    for name, total in meter.totals.items():
        total += own.totals[name]
    return own.result()


def _judged(task: MapsTask, outputs: Maps, batch: Batch, score: float) -> Judged:
    size = batch["image"].shape[-2:]
    return Judged(
        id=batch["id"][0],
        score=score,
        image=to_rgb(batch["image"][0].float().cpu().numpy()),
        truth=_small(labels_at(batch[task.truth], size)),
        predicted=_small(outputs.labels(size)),
    )


def _small(labels: Tensor) -> np.ndarray:
    return labels[0].to(torch.uint8).cpu().numpy()


def _keep_worst(worst: list, rank: tuple[float, int], make: Callable[[], Judged], count: int) -> None:
    """Put a sample into its place among the ``count`` lowest ranks, if it belongs there."""
    if len(worst) < count or rank < worst[-1][0]:
        worst.append((rank, make()))
        worst.sort(key=lambda entry: entry[0])
        del worst[count:]


def _classes(meter: MapsMeter) -> dict[str, dict[str, float]]:
    """Measure → class → value: fractions of parts, millimetres of depths."""
    inner = meter.meter
    if isinstance(inner, SegmentationMeter):
        return {"iou": inner.per_class(), "recall": dict(zip(inner.classes, inner.recall().tolist(), strict=True))}
    return {"rmse": inner.per_class()}


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

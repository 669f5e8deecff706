"""What tasks share that give every pixel of a crop a class, by the maps of a stacked hourglass."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from torch import Tensor, nn

from mannequin.generator.colours import HIDDEN, SEEN, Legend
from mannequin.generator.pictures import GAP, draw_legend, grid, ground, resized, titled
from mannequin.training.core.checkpoint import fill
from mannequin.training.data.colour import to_rgb
from mannequin.training.losses import IGNORE, stacked_cross_entropy
from mannequin.training.metrics import DepthMeter, SegmentationMeter
from mannequin.training.models.hourglass import HourglassConfig, Maps, StackedHourglass
from mannequin.training.task import Batch
from mannequin.training.tasks.network import NetworkConfig

SHOWN = 8
"""Samples on a picture."""

SIDE = 192
"""Pixels that one image on a picture has, at least."""


@dataclass(frozen=True, eq=False)
class Start:
    """Weights to begin with. where: the checkpoint that they are of."""

    weights: dict[str, Tensor]
    where: str


class MapsTask(ABC):
    """A task of mannequin.training.task, but for what is of its classes.

    truth: the value of a batch that holds the true classes, (B, H, W) uint8. classes: how many, background included.
    """

    name: ClassVar[str]
    truth: ClassVar[str]
    classes: ClassVar[int]
    best: ClassVar[tuple[str, Literal["max", "min"]]]
    legend: ClassVar[Legend]

    def __init__(self, config: NetworkConfig = NetworkConfig(), start: Start | None = None):
        self.config, self.start = config, start

    def model(self) -> nn.Module:
        """Raises TrainingError if the weights to begin with are of another network."""
        c = self.config
        model = StackedHourglass(
            HourglassConfig(self.classes, stacks=c.stacks, features=c.features, depth=c.depth, up=c.up)
        )
        if self.start:
            added = {
                name: value for name, value in model.state_dict().items() if name.startswith("up.")
            }  # --up begins anew
            fill(model, added | self.start.weights, self.start.where)
        return model

    def inputs(self, batch: Batch) -> tuple:
        return (batch["image"],)

    def loss(self, outputs: Maps, batch: Batch) -> dict[str, Tensor]:
        return {"cross_entropy": stacked_cross_entropy(outputs, batch[self.truth])}

    def picture(self, outputs: Maps, batch: Batch) -> np.ndarray:
        """(h, w, 3) uint8: the first SHOWN samples, see :meth:`row`."""
        truth, images = batch[self.truth][:SHOWN].cpu().numpy(), batch["image"][:SHOWN].float().cpu().numpy()
        predicted = outputs.labels(truth.shape[-2:])[:SHOWN].cpu().numpy()
        return self.sheet(self.row(*sample) for sample in zip(to_rgb(images), truth, predicted, strict=True))

    def row(self, image: np.ndarray, truth: np.ndarray, predicted: np.ndarray) -> dict[str, np.ndarray]:
        """Pictures (H, W, 3) uint8 of one sample by title: image, truth, prediction, error.

        image: (H, W, 3) uint8 sRGB. truth, predicted: (H, W) classes; where ``truth`` is IGNORE there is no error.
        """
        labelled = truth != IGNORE
        wrong = np.where(labelled, self.error(truth, predicted), 0.0)[..., None]
        known = np.where(labelled, truth, 0)
        error = np.where((known > 0)[..., None] | (wrong > 0), (1 - wrong) * SEEN + wrong * HIDDEN, 0)
        colours = self.colours()
        pictures = image, colours[known], colours[predicted], np.rint(error).astype(np.uint8)
        return dict(zip(("image", "truth", "prediction", "error"), pictures, strict=True))

    def sheet(self, rows: Iterable[dict[str, np.ndarray]], across: int = 2) -> np.ndarray:
        """(h, w, 3) uint8: rows of pictures by title, as of :meth:`row`, ``across`` of them beside each other, over the
        legend."""
        rows = [{title: _large(picture) for title, picture in row.items()} for row in rows]
        across = min(across, len(rows))
        pictures = [
            picture if n >= across else titled(picture, title)
            for n, row in enumerate(rows)
            for title, picture in row.items()
        ]
        columns = across * len(rows[0])
        parts = [grid(pictures[:columns], columns)]
        if pictures[columns:]:
            parts += [ground(GAP, parts[0].shape[1]), grid(pictures[columns:], columns)]
        return np.concatenate([*parts, draw_legend(self.legend, parts[0].shape[1])])

    @abstractmethod
    def meter(self) -> "MapsMeter":
        """A meter that has counted nothing yet."""

    @abstractmethod
    def colours(self) -> np.ndarray:
        """(classes, 3) uint8 sRGB; the background is black."""

    @abstractmethod
    def error(self, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """(H, W) how wrong a prediction is, 0 right to 1."""


class MapsMeter:
    """A meter of classes that reads a network's maps: at full resolution, where the highest score wins (thesis 3.4).

    truth: the value of a batch with the true classes. others: what else of the batch ``meter`` takes.
    """

    def __init__(self, meter: SegmentationMeter | DepthMeter, truth: str, others: tuple[str, ...] = ()):
        self.meter, self.truth, self.others = meter, truth, others

    @property
    def totals(self) -> dict[str, Tensor]:
        return self.meter.totals

    def update(self, outputs: Maps, batch: Batch) -> None:
        truth = batch[self.truth]
        self.meter.update(outputs.labels(truth.shape[-2:]), truth, *(batch[name] for name in self.others))

    def result(self) -> dict[str, float]:
        return self.meter.result()

    def per_class(self) -> dict[str, float]:
        return self.meter.per_class()


def _large(picture: np.ndarray) -> np.ndarray:
    """The picture at the least whole multiple of its size that has SIDE rows."""
    times = -(-SIDE // picture.shape[0])
    return resized(picture, times * picture.shape[0], times * picture.shape[1])

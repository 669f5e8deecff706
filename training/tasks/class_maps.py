"""What tasks share that give every pixel of a crop a class, by the maps of a stacked hourglass."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from mannequin.generator.colours import HIDDEN, SEEN
from mannequin.training.batch import Batch
from mannequin.training.cost import flops
from mannequin.training.data.colour import NORMALISATION, to_rgb
from mannequin.training.data.needs import Needs
from mannequin.training.losses.class_maps import labels_at, stacked_cross_entropy
from mannequin.training.metrics.labels import IGNORE
from mannequin.training.models.hourglass import HourglassConfig, Maps, StackedHourglass
from mannequin.training.options.hourglass import HourglassOptions
from mannequin.training.predict.class_maps import ClassMapPredictor
from mannequin.training.targets.depth_bins import DepthBins
from mannequin.training.targets.parts import Parts
from mannequin.training.task import Description, Exportable, PredictorOptions, Step, Task


class ClassMapTask(Task):
    """A task of one target of classes at pixels, the first of ``targets``; what is the target's own is in there."""

    needs = Needs()
    truth: ClassVar[Parts | DepthBins]
    says: ClassVar[str]
    limits: ClassVar[tuple[str, ...]]

    def __init__(self, config: HourglassOptions = HourglassOptions()):
        self.config = config
        self.legend = self.truth.legend()

    @property
    def size(self) -> int:
        return self.config.size

    @property
    def classes(self) -> int:
        """How many, background included."""
        return len(self.truth.classes)

    def model(self) -> nn.Module:
        c = self.config
        return StackedHourglass(
            HourglassConfig(self.classes, stacks=c.stacks, features=c.features, depth=c.depth, up=c.up)
        )

    def may_begin_anew(self, name: str) -> bool:
        return name.startswith("up.")

    def step(self, model: nn.Module, batch: Batch) -> Step:
        maps = model(batch["image"])
        truth = batch.get(self.truth.name)
        known = isinstance(truth, Tensor)
        return Step({"cross_entropy": stacked_cross_entropy(maps, truth)} if known else {}, maps)

    @abstractmethod
    def error(self, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """(H, W) how wrong a prediction is, 0 right to 1."""

    def rows(self, outputs: Maps, batch: Batch) -> Iterator[dict[str, np.ndarray]]:
        """Image, truth, prediction and error at the size of the crop; where nobody labelled there is no error."""
        size = batch["image"].shape[-2:]
        images, predicted = to_rgb(batch["image"].float().cpu().numpy()), outputs.labels(size).cpu().numpy()
        for image, truth, found in zip(images, batch[self.truth.name], predicted):
            yield self.row(image, labels_at(truth, size).cpu().numpy(), found)

    def row(self, image: np.ndarray, truth: np.ndarray, predicted: np.ndarray) -> dict[str, np.ndarray]:
        """Pictures (H, W, 3) uint8 of one sample by title: image, truth, prediction, error.

        image: (H, W, 3) uint8 sRGB. truth, predicted: (H, W) classes; where ``truth`` is IGNORE there is no error.
        """
        labelled = truth != IGNORE
        wrong = np.where(labelled, self.error(truth, predicted), 0.0)[..., None]
        known = np.where(labelled, truth, 0)
        error = np.where((known > 0)[..., None] | (wrong > 0), (1 - wrong) * SEEN + wrong * HIDDEN, 0)
        colours = self.truth.colours()
        pictures = image, colours[known], colours[predicted], np.rint(error).astype(np.uint8)
        return dict(zip(("image", "truth", "prediction", "error"), pictures, strict=True))

    def describe(self, model: nn.Module) -> Description:
        c = self.config
        up = ", with learnt upsampling" if c.up else ""
        architecture = (
            f"stacked hourglass (Newell et al. 2016): {c.stacks} stack{'s' * (c.stacks > 1)}, {c.features} features, "
            f"depth {c.depth}{up}"
        )
        cost = flops(model, (1, 3, c.size, c.size))
        operations = f"{cost / 1e9:,.3g} GFLOPs for one image; a multiplication with its addition counts two"
        return Description(
            title="a stacked hourglass network",
            says=self.says,
            loss="the cross-entropy of every stack's maps, summed over stacks",
            network=(
                ("architecture", architecture),
                ("input", f"{c.size} × {c.size} pixels, RGB, whitened"),
                ("output", f"scores of {self.classes} classes, the first the background, at every pixel"),
                ("operations", operations),
            ),
            limits=self.limits,
            measured="at the full size of the crop",
        )

    def predictor(self, model: nn.Module, options: PredictorOptions) -> ClassMapPredictor:
        return ClassMapPredictor(self.truth, model, self.size, options)

    def exportable(self, model: nn.Module) -> Exportable:
        size = self.size
        return Exportable(
            module=Scores(model, size),
            input="image",
            shape=(3, size, size),
            output="scores",
            about={
                "classes": list(self.truth.classes),
                "input": {"name": "image", "shape": ["batch", 3, size, size], "type": "float32", "channels": "RGB"},
                "normalisation": NORMALISATION,
                "output": {
                    "name": "scores",
                    "shape": ["batch", self.classes, size, size],
                    "type": "float32",
                    "rule": "the class of a pixel has the highest score",
                },
            },
        )


class Scores(nn.Module):
    """A network of maps, of which only the best are left, at the size of the image."""

    def __init__(self, model: nn.Module, size: int):
        super().__init__()
        self.model, self.size = model, size

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.model(image).scores((self.size, self.size))

"""Where people are in an image: a box for each."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from mannequin.training.batch import Batch, one_of
from mannequin.training.cost import flops
from mannequin.training.data.colour import NORMALISATION, to_rgb
from mannequin.training.data.needs import Needs
from mannequin.training.losses.centres import centre_losses
from mannequin.training.metrics.average_precision import AveragePrecisionMeter
from mannequin.training.models.centre_detector import STRIDE, CentreDetector, CentreMaps, DetectorConfig
from mannequin.training.options.detection import DetectionOptions
from mannequin.training.predict.boxes import SURE, BoxPredictor, drawn
from mannequin.training.targets.boxes import Boxes, Detections
from mannequin.training.task import Description, Exportable, PredictorOptions, Step, Task

SIZE_WEIGHT = 0.1
"""Of the error of sizes in the loss, as "Objects as Points" has it: they are some ten times as large as offsets."""


class Detection(Task):
    """Boxes of everybody in the whole image."""

    name = "detection"
    best = ("ap", "max")
    needs = Needs(subject="everybody", crop="image")
    targets = (Boxes(),)

    def __init__(self, config: DetectionOptions = DetectionOptions()):
        self.config = config

    @property
    def size(self) -> int:
        return self.config.size

    def model(self) -> nn.Module:
        return CentreDetector(DetectorConfig(self.config.features, self.config.depth))

    def step(self, model: nn.Module, batch: Batch) -> Step:
        """Outputs are :class:`Detections`."""
        maps: CentreMaps = model(batch["image"])
        with torch.no_grad():
            found = maps.detections(self.config.most)
        if Boxes.name not in batch:
            return Step({}, found)
        heat, offset, size = centre_losses(maps.heat, maps.offset, maps.size, batch[Boxes.name], STRIDE)
        return Step({"heat": heat, "offset": offset, "size": SIZE_WEIGHT * size}, found)

    def meter(self) -> AveragePrecisionMeter:
        return AveragePrecisionMeter()

    def rows(self, outputs: Detections, batch: Batch) -> Iterator[dict[str, np.ndarray]]:
        """Image, the true boxes over it, and those found whose score is SURE or more."""
        images = to_rgb(batch["image"].float().cpu().numpy())
        for k, (image, truth) in enumerate(zip(images, batch[Boxes.name])):
            (boxes,), (scores,) = one_of(outputs, k)
            found = boxes[scores >= SURE].cpu().numpy()
            yield {"image": image, "truth": drawn(image, truth.cpu().numpy()), "prediction": drawn(image, found)}

    def describe(self, model: nn.Module) -> Description:
        c = self.config
        cost = flops(model, (1, 3, c.size, c.size))
        return Description(
            title="a centre-based detector",
            says="where people are, as boxes round what is seen of them, each with a score",
            loss=(
                "the focal loss of a map of centres, and the absolute errors of their places within its cells and of "
                f"the boxes' sizes, the last with a weight of {SIZE_WEIGHT:g}"
            ),
            network=(
                (
                    "architecture",
                    f"one hourglass of {c.features} features and depth {c.depth}, and maps of centres (Zhou et al. "
                    "2019)",
                ),
                ("input", f"the whole image in a square of {c.size} × {c.size} pixels, RGB, whitened"),
                ("output", f"at most {c.most} boxes with scores"),
                (
                    "operations",
                    f"{cost / 1e9:,.3g} GFLOPs for one image; a multiplication with its addition counts two",
                ),
            ),
            limits=("Two people whose centres fall into one cell of four pixels are found as one.",),
            measured="at the size of the square",
        )

    def predictor(self, model: nn.Module, options: PredictorOptions) -> BoxPredictor:
        return BoxPredictor(model, self.size, self.config.most, options)

    def exportable(self, model: nn.Module) -> Exportable:
        size, cells = self.size, self.size // STRIDE
        return Exportable(
            module=Joined(model),
            input="image",
            shape=(3, size, size),
            output="maps",
            about={
                "input": {"name": "image", "shape": ["batch", 3, size, size], "type": "float32", "channels": "RGB"},
                "normalisation": NORMALISATION,
                "output": {
                    "name": "maps",
                    "shape": ["batch", 5, cells, cells],
                    "type": "float32",
                    "channels": ["heat", "offset x", "offset y", "width", "height"],
                    "rule": (
                        "a box for each cell whose heat is no lower than that of its 8 neighbours: score = "
                        f"sigmoid(heat), centre = {STRIDE} × (cell + offset), size = {STRIDE} × (width, height), pixels"
                    ),
                },
            },
        )


class Joined(nn.Module):
    """A detector whose maps are the channels of one tensor."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        return torch.cat(self.model(image), dim=1)

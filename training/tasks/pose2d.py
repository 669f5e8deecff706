"""Where a person's joints are in the image, from the image and from a frozen network's parts of the body."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from torch import Tensor, nn

from mannequin.training.batch import Batch
from mannequin.training.cost import flops
from mannequin.training.data.colour import NORMALISATION, to_rgb
from mannequin.training.data.needs import Needs
from mannequin.training.losses.heatmaps import stacked_squares
from mannequin.training.metrics.keypoints import KeypointMeter
from mannequin.training.models.hourglass import HourglassConfig
from mannequin.training.models.parts_pose import PartsPose, PartsPoseMaps
from mannequin.training.options.pose2d import Pose2DOptions
from mannequin.training.predict.joints import JointPredictor, drawn
from mannequin.training.targets.heatmaps import JOINTS, NAMES, STRIDE, Heatmaps, joints_of
from mannequin.training.targets.joints import Joints
from mannequin.training.targets.parts import Parts
from mannequin.training.task import Description, Exportable, PredictorOptions, Step, Task


class Found(NamedTuple):
    """joints: (B, 16, 2) pixel edges of the crop. parts: (B, size, size) classes that the frozen network says."""

    joints: Tensor
    parts: Tensor


class Pose2D(Task):
    """Heatmaps of JOINTS; the network's part ``parts`` is one of the task segmentation, and stays as it is."""

    name = "pose2d"
    best = ("pck", "max")
    needs = Needs()
    targets = (Heatmaps(), Joints())
    frozen = ("parts",)

    def __init__(self, config: Pose2DOptions = Pose2DOptions()):
        self.config = config

    @property
    def size(self) -> int:
        return self.config.size

    def model(self) -> nn.Module:
        c, classes = self.config, len(Parts.classes)
        return PartsPose(
            HourglassConfig(classes, stacks=c.parts.stacks, features=c.parts.features, depth=c.parts.depth),
            HourglassConfig(len(JOINTS), 3 + classes, stacks=c.stacks, features=c.features, depth=c.depth),
        )

    def step(self, model: nn.Module, batch: Batch) -> Step:
        """Outputs are :class:`Found`."""
        maps: PartsPoseMaps = model(batch["image"])
        found = Found(joints_of(maps.joints.stacks[-1].detach())[0], maps.parts.argmax(1))
        truth = batch.get(Heatmaps.name)
        return Step({} if truth is None else {"heatmaps": stacked_squares(maps.joints.stacks, truth)}, found)

    def meter(self) -> KeypointMeter:
        return KeypointMeter()

    def rows(self, outputs: Found, batch: Batch) -> Iterator[dict[str, np.ndarray]]:
        """Image, the parts that the frozen network says, and true and predicted joints over the image."""
        images, colours = to_rgb(batch["image"].float().cpu().numpy()), Parts().colours()
        truths = batch[Joints.name][:, list(JOINTS)].cpu().numpy()
        for image, truth, joints, parts in zip(images, truths, outputs.joints, outputs.parts):
            yield {
                "image": image,
                "parts": colours[parts.cpu().numpy()],
                "truth": drawn(image, truth),
                "prediction": drawn(image, joints.cpu().numpy()),
            }

    def describe(self, model: nn.Module) -> Description:
        c = self.config
        cost = flops(model, (1, 3, c.size, c.size))
        return Description(
            title="two stacked hourglass networks in a row",
            says=f"where {len(JOINTS)} of a person's joints are in the image, hidden ones too",
            loss="the mean squared error of every stack's heatmaps, summed over stacks",
            network=(
                (
                    "architecture",
                    f"stacked hourglass (Newell et al. 2016): {c.stacks} stack{'s' * (c.stacks > 1)}, {c.features} "
                    f"features, depth {c.depth}",
                ),
                (
                    "before it",
                    f"a network of parts of the body, which was not trained with it: {c.parts.stacks} "
                    f"stack{'s' * (c.parts.stacks > 1)}, {c.parts.features} features, depth {c.parts.depth}",
                ),
                (
                    "input",
                    f"{c.size} × {c.size} pixels, RGB, whitened, and the probabilities of {len(Parts.classes)} classes "
                    "that the network before it says",
                ),
                ("output", f"heatmaps of {len(JOINTS)} joints, at a quarter of the input's size"),
                (
                    "operations",
                    f"{cost / 1e9:,.3g} GFLOPs for one image; a multiplication with its addition counts two",
                ),
            ),
            limits=("Left and right are the person's own.",),
            measured="of the joints in the crop, hidden ones too",
        )

    def predictor(self, model: nn.Module, options: PredictorOptions) -> JointPredictor:
        heatmaps = LastMaps(model).to(options.device)
        return JointPredictor(heatmaps, self.size, options)

    def exportable(self, model: nn.Module) -> Exportable:
        size, cells = self.size, self.size // STRIDE
        return Exportable(
            module=LastMaps(model),
            input="image",
            shape=(3, size, size),
            output="heatmaps",
            about={
                "joints": list(NAMES),
                "input": {"name": "image", "shape": ["batch", 3, size, size], "type": "float32", "channels": "RGB"},
                "normalisation": NORMALISATION,
                "output": {
                    "name": "heatmaps",
                    "shape": ["batch", len(JOINTS), cells, cells],
                    "type": "float32",
                    "rule": f"a joint is at {STRIDE} × (cell + 0.5) pixels, of the highest cell of its map",
                },
            },
        )


class LastMaps(nn.Module):
    """A network in a row, of which only the last stack's heatmaps are left."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        return self.model(image).joints.stacks[-1]

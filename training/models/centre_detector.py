"""A detector without anchors: a map of where centres of boxes are, and of how large the boxes are.

Zhou et al., "Objects as Points" (2019), with one hourglass of the kind that hourglass.py stacks, at a quarter of the
image.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mannequin.training.models.hourglass import Hourglass, Residual, Stem
from mannequin.training.targets.boxes import Detections, found_boxes

STRIDE = 4
"""Pixels of the image to a cell of the maps, across and down."""

_RARE = -2.2  # of a cell, before it has learnt: the sigmoid is 0.1


@dataclass(frozen=True)
class DetectorConfig:
    """features: channels inside, a multiple of 8. depth: times that the hourglass halves the resolution."""

    features: int = 256
    depth: int = 4

    @property
    def step(self) -> int:
        """Height and width of images are multiples of this."""
        return STRIDE * 2**self.depth


class CentreMaps(NamedTuple):
    """Of B images of H × W, h = H / STRIDE and w = W / STRIDE.

    heat: (B, 1, h, w) before the sigmoid. offset: (B, 2, h, w) of centres from their cell's first corner, x and y.
    size: (B, 2, h, w) widths and heights. Both in cells.
    """

    heat: Tensor
    offset: Tensor
    size: Tensor

    def detections(self, most: int) -> Detections:
        """The ``most`` likeliest boxes of each image, in pixels."""
        heat, offset, size = (maps.float() for maps in self)
        return found_boxes(heat.sigmoid(), offset, size, STRIDE, most)


class CentreDetector(nn.Module):
    """The whole network: (B, 3, H, W) → :class:`CentreMaps`."""

    def __init__(self, config: DetectorConfig):
        super().__init__()
        self.config = config
        f = config.features
        self.stem = Stem(3, f)
        self.body = nn.Sequential(Hourglass(f, config.depth), Residual(f, f), nn.BatchNorm2d(f), nn.ReLU(inplace=True))
        last = nn.Conv2d(f, 5, 1)
        self.maps = nn.Sequential(nn.Conv2d(f, f, 3, padding=1), nn.ReLU(inplace=True), last)
        with torch.no_grad():
            last.bias[0] = _RARE  # pyright: ignore[reportOptionalSubscript]

    def forward(self, image: Tensor) -> CentreMaps:
        height, width = image.shape[-2:]
        if height % self.config.step or width % self.config.step:
            raise ValueError(
                f"image is {height} × {width} pixels; expected multiples of {self.config.step} for an hourglass of "
                f"depth {self.config.depth}: crop or pad it."
            )
        heat, offset, size = self.maps(self.body(self.stem(image))).split([1, 2, 2], dim=1)
        return CentreMaps(heat, offset, size)

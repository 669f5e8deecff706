"""How far every pixel of a person is from the pelvis along the camera's axis, in classes (thesis 3.4)."""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from mannequin.generator.colours import Bar, Legend, depth_colours
from mannequin.training.data.crop import Crop
from mannequin.training.data.raw import RawSample
from mannequin.training.targets.target import Target

BIN = 0.045
"""Metres of depth that one class covers (thesis 3.4)."""
BINS = 19
"""Depth classes of a person: 1…19, the tenth ending at the pelvis; class 0 is background."""

STEP = 1e-4
"""Metres between two values of a depth file."""
PELVIS = 10_000
"""What stands in a depth file for the depth of the pelvis."""


class DepthBins(Target):
    """``depth_bins``: (T, size, size) uint8, 0 background, 1…19 as of :func:`bins_of_depth`.

    Cropping and scaling leave depth as it is, as in the released code: the bins are of the world, not of the crop.
    """

    name: ClassVar[str] = "depth_bins"
    channels: ClassVar[tuple[str, ...]] = ("depth",)
    classes: ClassVar[tuple[str, ...]] = (
        "background",
        *(f"{(k - 0.5) * BIN:+.4f} m" for k in range(-(BINS // 2), BINS // 2 + 1)),
    )
    """Of each, the distance from the pelvis at its middle."""

    folder, file = "depth", "16-bit PNG"
    meaning: ClassVar[str] = (
        f"0: nobody; any other: depth from the pelvis in metres = (value - {PELVIS}) / {round(1 / STEP)}, "
        "larger is farther"
    )

    def encode(self, raw: RawSample, crop: Crop) -> dict[str, np.ndarray]:
        pelvis = raw.person.joints_camera[:, 0, 2]
        return {self.name: raw.label_images(crop, lambda values, t: bins_of_depth(values["depth"], pelvis[t]))}

    def colours(self) -> np.ndarray:
        """(20, 3) uint8 sRGB."""
        scale = depth_colours()
        return np.concatenate([np.zeros((1, 3), np.uint8), scale[np.linspace(0, len(scale) - 1, BINS).astype(int)]])

    def legend(self) -> Legend:
        """Of these colours."""
        return Bar(-BINS / 2 * BIN, BINS / 2 * BIN, "m from the pelvis", depth_colours())

    def values(self, labels: np.ndarray) -> np.ndarray:
        """(H, W) uint8 classes as they stand in files: uint16 depth."""
        metres = depth_of_bins(torch.from_numpy(labels)).numpy()
        return np.where(labels > 0, np.rint(PELVIS + metres / STEP), 0).astype(np.uint16)


def bins_of_depth(depth: np.ndarray, pelvis) -> np.ndarray:
    """Depths of points of a person as classes 1…19: uint8 of the same shape.

    depth, pelvis: (…) planar z in metres, of the points and of the pelvis joint; they broadcast.

    Class 10 + k is k = clamp(ceil((depth − pelvis) / BIN), −9, 9), as in SURREAL's training code:
    it holds depths in ((k − 1) BIN, k BIN] from the pelvis, and the first and the last class hold
    all that lies farther out.
    """
    side = BINS // 2
    return (np.ceil((depth - pelvis) / BIN).clip(-side, side) + (side + 1)).astype(np.uint8)


def depth_of_bins(bins: Tensor) -> Tensor:
    """Metres from the pelvis at the middle of each class: float32 of the same shape, NaN on background.

    The middle of class 10 + k is (k − ½) BIN; the two open classes get that of their BIN nearest
    the pelvis. NaN also where unlabelled.
    """
    middle = (bins.to(torch.float32) - (BINS // 2 + 1) - 0.5) * BIN
    return middle.masked_fill((bins < 1) | (bins > BINS), torch.nan)

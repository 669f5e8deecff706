"""Which part of the body every pixel shows: PARTS_14, with the background first."""

from typing import ClassVar

import numpy as np

from mannequin.generator.body.model import MERGE_14, PARTS_14
from mannequin.generator.colours import Legend, legend, part_colours
from mannequin.training.data.crop import Crop
from mannequin.training.data.raw import RawSample
from mannequin.training.targets.target import Target


class Parts(Target):
    """``parts``: (T, size, size) uint8, 0 background, 1…14 as PARTS_14."""

    name: ClassVar[str] = "parts"
    channels: ClassVar[tuple[str, ...]] = ("segm",)
    classes: ClassVar[tuple[str, ...]] = ("background", *PARTS_14)

    folder, file = "segm", "8-bit PNG"
    meaning: ClassVar[list[str]] = list(classes)

    def encode(self, raw: RawSample, crop: Crop) -> dict[str, np.ndarray]:
        return {self.name: raw.label_images(crop, lambda values, t: MERGE_14[values["segm"]])}

    def colours(self) -> np.ndarray:
        """(15, 3) uint8 sRGB."""
        return part_colours(parts=14)

    def legend(self) -> Legend:
        """Of these colours."""
        found = legend("segm14")
        assert found is not None
        return found

    def values(self, labels: np.ndarray) -> np.ndarray:
        """(H, W) uint8 classes as they stand in files."""
        return labels

"""Which part of the body every pixel shows (thesis 3.4)."""

import numpy as np

from mannequin.generator.body.model import PARTS_14
from mannequin.generator.colours import legend, part_colours
from mannequin.training.metrics import SegmentationMeter
from mannequin.training.tasks.maps import MapsMeter, MapsTask


class Segmentation(MapsTask):
    """15 classes: background and PARTS_14."""

    name = "segmentation"
    truth = "segm"
    classes = 1 + len(PARTS_14)
    best = ("iou", "max")
    legend = legend("segm14")

    def meter(self) -> MapsMeter:
        return MapsMeter(SegmentationMeter(), self.truth)

    def colours(self) -> np.ndarray:
        return part_colours(parts=14)

    def error(self, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        return (truth != predicted).astype(float)

"""Which part of the body every pixel shows (thesis 3.4)."""

import numpy as np

from mannequin.training.metrics.segmentation import SegmentationMeter
from mannequin.training.targets.parts import Parts
from mannequin.training.tasks.class_maps import ClassMapTask


class Segmentation(ClassMapTask):
    """15 classes: background and PARTS_14."""

    name = "segmentation"
    best = ("iou", "max")
    truth = Parts()
    targets = (truth,)
    says = f"which of {len(Parts.classes) - 1} parts of the body every pixel shows"
    limits = (
        "Left and right are the person's own. Things in front of a person, and other people, are background to it.",
    )

    def meter(self) -> SegmentationMeter:
        return SegmentationMeter()

    def error(self, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        return (truth != predicted).astype(float)

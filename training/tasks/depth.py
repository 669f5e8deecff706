"""How far every pixel of a person is from the pelvis, along the camera's axis (thesis 3.4)."""

import numpy as np

from mannequin.training.metrics.depth import DepthMeter
from mannequin.training.targets.depth_bins import BIN, BINS, DepthBins
from mannequin.training.targets.joints import Joints
from mannequin.training.tasks.class_maps import ClassMapTask

WRONG = 5
"""Classes off that a picture shows as quite wrong."""


class Depth(ClassMapTask):
    """20 classes: background, and BINS of BIN metres, the nearest first."""

    name = "depth"
    best = ("rmse", "min")
    truth = DepthBins()
    targets = (truth, Joints())
    says = (
        f"how far every pixel of a person is from the pelvis along the camera's axis, in {BINS} steps of "
        f"{1000 * BIN:g} mm"
    )
    limits = (
        f"Depth beyond about {BIN * (BINS - 1) / 2:.1f} m from the pelvis is put into the outermost step. It says "
        "nothing of how far the person is from the camera.",
    )

    def meter(self) -> DepthMeter:
        return DepthMeter()

    def error(self, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        off = np.abs(truth.astype(int) - predicted.astype(int)) / WRONG
        return np.where((truth > 0) == (predicted > 0), off, 1.0).clip(0, 1)

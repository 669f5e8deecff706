"""How far every pixel of a person is from the pelvis, along the camera's axis (thesis 3.4)."""

import numpy as np

from mannequin.generator.colours import Bar, depth_colours
from mannequin.training.losses import BIN, BINS
from mannequin.training.metrics import DepthMeter
from mannequin.training.tasks.maps import MapsMeter, MapsTask

WRONG = 5
"""Classes off that a picture shows as quite wrong."""


class Depth(MapsTask):
    """20 classes: background, and BINS of BIN metres, the nearest first."""

    name = "depth"
    truth = "depth"
    classes = 1 + BINS
    best = ("rmse", "min")
    legend = Bar(-BINS / 2 * BIN, BINS / 2 * BIN, "m from the pelvis", depth_colours())

    def meter(self) -> MapsMeter:
        return MapsMeter(DepthMeter(), self.truth, ("joints2d", "joints_visible"))

    def colours(self) -> np.ndarray:
        scale = depth_colours()
        return np.concatenate([np.zeros((1, 3), np.uint8), scale[np.linspace(0, len(scale) - 1, BINS).astype(int)]])

    def error(self, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        off = np.abs(truth.astype(int) - predicted.astype(int)) / WRONG
        return np.where((truth > 0) == (predicted > 0), off, 1.0).clip(0, 1)

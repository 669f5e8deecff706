"""Colour as networks take it: channels first, whitened with SURREAL's mean and deviation."""

import cv2
import numpy as np

MEAN = (0.510, 0.467, 0.411)
STD = (0.230, 0.235, 0.232)
"""Of red, green and blue in [0, 1], as in the released training code of SURREAL and BodyNet."""

NORMALISATION = {
    "mean": list(MEAN),
    "std": list(STD),
    "rule": "(value / 255 - mean) / std, of sRGB values 0 to 255",
}
"""What is done to colour, for other programs."""


def whitened(image: np.ndarray, gains=(1.0, 1.0, 1.0)) -> np.ndarray:
    """(H, W, 3) uint8 sRGB → (3, H, W) float32: (clip(gain · value / 255, 0, 1) - mean) / std."""
    values = np.clip(np.arange(256)[:, None] / 255 * np.asarray(gains), 0, 1)
    table = ((values - MEAN) / STD).astype(np.float32)
    out = np.empty((3, *image.shape[:2]), np.float32)
    for c in range(3):
        cv2.LUT(cv2.extractChannel(image, c), table[:, c], dst=out[c])  # half the time of numpy's take
    return out


def to_rgb(image: np.ndarray) -> np.ndarray:
    """(…, 3, H, W) float32 as from :func:`whitened` → (…, H, W, 3) uint8 sRGB, to look at."""
    values = np.moveaxis(image, -3, -1) * np.asarray(STD, np.float32) + np.asarray(MEAN, np.float32)
    return np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)

"""What predicted classes become: values in files, and pictures over the image."""

import cv2
import numpy as np
import torch

from mannequin.generator.body.model import PARTS_14
from mannequin.generator.pictures import draw_legend, ground, resized
from mannequin.training.losses import depth_of_bins
from mannequin.training.tasks.maps import MapsTask

STEP = 1e-4
"""Metres between two values of a depth file."""

PELVIS = 10_000
"""What stands in a depth file for the depth of the pelvis."""

FORMS = {
    "segmentation": {"folder": "segm", "file": "8-bit PNG", "values": ["background", *PARTS_14]},
    "depth": {
        "folder": "depth",
        "file": "16-bit PNG",
        "values": f"0: nobody; any other: depth from the pelvis in metres = (value - {PELVIS}) / {round(1 / STEP)}, "
        "larger is farther",
    },
}
"""Task → the folder of its files, their format, and what their values mean."""

_LEAST = 256  # pixels across a picture with a legend


def values(task: MapsTask, labels: np.ndarray) -> np.ndarray:
    """(H, W) to be written as PNG, see FORMS: uint8 parts, or uint16 depth."""
    if task.name == "segmentation":
        return labels
    metres = depth_of_bins(torch.from_numpy(labels)).numpy()
    return np.where(labels > 0, np.rint(PELVIS + metres / STEP), 0).astype(np.uint16)


def png(values: np.ndarray) -> bytes:
    """(H, W) uint8 or uint16 as a PNG file."""
    done, data = cv2.imencode(".png", values)
    assert done, f"{values.dtype} {values.shape}"
    return data.tobytes()


def overlay(task: MapsTask, image: np.ndarray, labels: np.ndarray, opacity: float, plain: bool) -> np.ndarray:
    """(h, w, 3) uint8: colours of the classes over the image, as large; or larger, over a legend, unless ``plain``."""
    colours = task.colours()[labels]
    mixed = np.rint(opacity * colours + (1 - opacity) * image.astype(np.float32)).astype(np.uint8)
    picture = np.where((labels > 0)[..., None], mixed, image)
    if plain:
        return picture
    h, w = picture.shape[:2]
    times = max(1, -(-_LEAST // w))
    picture = resized(picture, times * h, times * w)
    return np.concatenate([picture, draw_legend(task.legend, times * w)])


def even(picture: np.ndarray) -> np.ndarray:
    """The picture with a row and a column more where H.264 needs them."""
    h, w = picture.shape[:2]
    whole = ground(h + h % 2, w + w % 2)
    whole[:h, :w] = picture
    return whole

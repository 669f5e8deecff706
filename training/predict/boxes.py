"""Boxes of people in a user's image."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from torch import nn

from mannequin.generator.colours import instance_colours
from mannequin.generator.errors import ConfigError
from mannequin.training.data.crop import Crop
from mannequin.training.models.centre_detector import CentreMaps
from mannequin.training.predict.crops import check_options, crop_outputs
from mannequin.training.task import PredictorOptions

SURE = 0.3
"""Score from which a box is said and drawn."""


@dataclass(frozen=True, eq=False)
class FoundBoxes:
    """boxes: (P, 4) x0 y0 x1 y1, pixel edges of an image. scores: (P,) 0 to 1, falling."""

    boxes: np.ndarray
    scores: np.ndarray

    def content(self) -> bytes:
        """JSON."""
        people = [
            {"box": np.round(box, 2).tolist(), "score": round(score, 4)}
            for box, score in zip(self.boxes.astype(float), self.scores.tolist())
        ]
        return (json.dumps({"people": people}, indent=1) + "\n").encode()

    def draw(self, image: np.ndarray, opacity: float, plain: bool) -> np.ndarray:
        """(H, W, 3) uint8: the image with boxes over it. There is no legend."""
        return drawn(image, self.boxes, opacity)


def drawn(image: np.ndarray, boxes: np.ndarray, opacity: float = 1.0) -> np.ndarray:
    """(H, W, 3) uint8: the image with (P, 4) boxes over it, each in a colour of its own."""
    picture, line = image.copy(), max(1, round(min(image.shape[:2]) / 200))
    for box, colour in zip(boxes, instance_colours(len(boxes))[1:].tolist()):
        x0, y0, x1, y1 = (round(float(v)) for v in box)
        cv2.rectangle(picture, (x0, y0), (x1 - 1, y1 - 1), colour, line)
    return np.rint(opacity * picture + (1 - opacity) * image.astype(np.float32)).astype(np.uint8)


class BoxPredictor:
    """A detector on images of any size, each seen whole, in a square with black borders."""

    folder, suffix, film_only = "boxes", ".json", False

    def __init__(self, model: nn.Module, size: int, most: int, options: PredictorOptions):
        """size: side of the square, pixels. most: boxes of an image. Raises ConfigError for impossible options."""
        check_options(options)
        if options.boxes:
            raise ConfigError("--box says where people are, which this network finds by itself; leave it out.")
        self.model, self.size, self.most, self.options = model.to(options.device), size, most, options
        self.values = {
            "folder": self.folder,
            "file": "JSON",
            "values": f"people: box, [left, top, right, bottom] edges in pixels of the image, and score, {SURE:g} to 1",
        }

    def predict(self, images: Iterable[np.ndarray]) -> Iterator[FoundBoxes]:
        """See :class:`mannequin.training.task.Predictor`."""
        for image, ((maps, crop),) in crop_outputs(images, self.options, self.size, self.model):
            yield self._found(maps, crop, image.shape)

    def _found(self, maps: CentreMaps, crop: Crop, shape: tuple[int, ...]) -> FoundBoxes:
        (boxes,), (scores,) = (values.cpu().numpy() for values in maps.detections(self.most))
        boxes, scores = boxes[scores >= SURE], scores[scores >= SURE]
        h, w = shape[:2]
        edges = crop.back(boxes.reshape(-1, 2).astype(np.float64)).reshape(-1, 4).clip(0, (w, h, w, h))
        whole = (edges[:, 2:] > edges[:, :2]).all(axis=1)  # not in the borders
        return FoundBoxes(edges[whole], scores[whole])

"""Classes at every pixel of a user's image: predicted in crops, and brought back to the image's pixels."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mannequin.generator.pictures import draw_legend, resized
from mannequin.training.data.crop import Crop
from mannequin.training.predict.crops import CropOutput, check_options, crop_outputs
from mannequin.training.targets.depth_bins import DepthBins
from mannequin.training.targets.parts import Parts
from mannequin.training.task import PredictorOptions

_SCORES = 1 << 24  # that are interpolated at once; large images go strip by strip
_LEAST = 256  # pixels across a picture with a legend


@dataclass(frozen=True, eq=False)
class ClassMap:
    """labels: (H, W) uint8 classes of ``target`` at the pixels of an image."""

    labels: np.ndarray
    target: Parts | DepthBins

    def content(self) -> bytes:
        """A PNG of the target's values."""
        values = self.target.values(self.labels)
        done, data = cv2.imencode(".png", values)
        assert done, f"{values.dtype} {values.shape}"
        return data.tobytes()

    def draw(self, image: np.ndarray, opacity: float, plain: bool) -> np.ndarray:
        """(h, w, 3) uint8: colours of the classes over the image, as large; or larger, over a legend, unless
        ``plain``."""
        colours = self.target.colours()[self.labels]
        mixed = np.rint(opacity * colours + (1 - opacity) * image.astype(np.float32)).astype(np.uint8)
        picture = np.where((self.labels > 0)[..., None], mixed, image)
        if plain:
            return picture
        h, w = picture.shape[:2]
        times = max(1, -(-_LEAST // w))
        picture = resized(picture, times * h, times * w)
        return np.concatenate([picture, _legend(self.target, times * w)])


@lru_cache(maxsize=16)
def _legend(target: Parts | DepthBins, width: int) -> np.ndarray:
    """(h, width, 3) uint8, the same array for all images of a width: type takes longer to draw than the rest."""
    return draw_legend(target.legend(), width)


class ClassMapPredictor:
    """A network of maps on images of any size; background beyond the crops, and where crops overlap, the class of the
    one that is surest of a person's."""

    suffix, film_only = ".png", False

    def __init__(self, target: Parts | DepthBins, model: nn.Module, size: int, options: PredictorOptions):
        """size: side of crops, pixels. Raises ConfigError for impossible options."""
        check_options(options)
        self.target, self.model, self.size, self.options = target, model.to(options.device), size, options
        self.folder = target.folder
        self.values = {"folder": target.folder, "file": target.file, "values": target.meaning}

    def predict(self, images: Iterable[np.ndarray]) -> Iterator[ClassMap]:
        """See :class:`mannequin.training.task.Predictor`. Raises ConfigError for a box that is not in an image."""
        size = (self.size, self.size)
        for image, crops in crop_outputs(images, self.options, self.size, lambda x: self.model(x).scores(size)):
            h, w = image.shape[:2]
            yield ClassMap(_merged(crops, (h, w)), self.target)


def _merged(crops: list[CropOutput], resolution: tuple[int, int]) -> np.ndarray:
    """(H, W) uint8: where crops overlap, the class of the one that is surest of a person's."""
    labels, sureness = np.zeros(resolution, np.uint8), np.zeros(resolution, np.float32)
    for (scores,), crop in crops:
        matrix = crop.matrix
        rows, columns = (
            _within(matrix[axis, axis], matrix[axis, 2], scores.shape[-1], resolution[1 - axis]) for axis in (1, 0)
        )
        strip = max(1, _SCORES // (len(scores) * max(1, len(columns))))
        for first in range(rows.start, rows.stop, strip):
            here = slice(first, min(first + strip, rows.stop)), slice(columns.start, columns.stop)
            found, sure = _winners(scores, crop, here)
            better = (found > 0) & (sure > sureness[here])
            labels[here][better], sureness[here][better] = found[better], sure[better]
    return labels


def _within(zoom: float, shift: float, size: int, length: int) -> range:
    """Pixels of an image's axis whose centres fall into a crop; crop = zoom · image + shift."""
    first, last = np.ceil((np.array([0, size]) - shift) / zoom - 0.5).clip(0, length).astype(int)
    return range(first, last)


def _winners(scores: Tensor, crop: Crop, here: tuple[slice, slice]) -> tuple[np.ndarray, np.ndarray]:
    """(classes, their probabilities) at a part of the image's pixels; scores of a crop, interpolated bilinearly."""
    rows, columns = (np.arange(part.start, part.stop) + 0.5 for part in here)
    points = crop.points(np.stack(np.meshgrid(columns, rows), -1))  # (h, w, 2) pixel edges of the crop
    grid = torch.from_numpy(points / scores.shape[-1] * 2 - 1).to(scores)  # −1 and 1 are its outer edges
    with torch.inference_mode():
        there = F.grid_sample(scores[None], grid[None], padding_mode="border", align_corners=False)[0]
        sure, found = there.softmax(0).max(0)
    return found.to(torch.uint8).cpu().numpy(), sure.cpu().numpy()

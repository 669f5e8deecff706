"""A trained network on images of any size: cropped as for training, and brought back to the image's pixels."""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mannequin.generator.errors import ConfigError, TrainingError
from mannequin.training.data.colour import whitened
from mannequin.training.data.crop import Box, crop_matrix, transform, warp_colour
from mannequin.training.tasks.maps import MapsTask

Edges = tuple[float, float, float, float]
"""A box of an image: x0 y0 x1 y1, pixels."""

_SCORES = 1 << 24  # that are interpolated at once; large images go strip by strip


class Predictor:
    """task, model: as of registry.load_trained. boxes: where people are, in every image; none for the whole image.

    batch: crops that go through the network at once; it decides speed and memory.
    """

    def __init__(
        self, task: MapsTask, model: nn.Module, device: torch.device, boxes: tuple[Edges, ...] = (), batch: int = 8
    ):
        if batch < 1:
            raise ConfigError(f"--batch is {batch}; expected at least 1.")
        check_boxes(boxes)
        self.task, self.model, self.device, self.boxes, self.batch = task, model.to(device), device, boxes, batch

    def labels(self, images: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """(H, W) uint8 classes of each image (H, W, 3) uint8 sRGB, in order; background beyond the crops.

        Raises ConfigError for a box that is not in an image, TrainingError when memory is used up, and what ``images``
        raises.
        """
        images, together = iter(images), max(1, self.batch // max(1, len(self.boxes)))
        while group := list(itertools.islice(images, together)):
            crops = [squares(image.shape[:2], self.boxes) for image in group]
            matrices = [crop_matrix(square, size=self.task.config.size) for some in crops for square in some]
            owners = [image for image, some in zip(group, crops, strict=True) for _ in some]
            scores = self._scores(owners, matrices)
            for image, some in zip(group, crops, strict=True):
                yield _merged(itertools.islice(scores, len(some)), image.shape[:2])

    def _scores(self, images: list[np.ndarray], matrices: list[np.ndarray]) -> Iterator[tuple[Tensor, np.ndarray]]:
        """(scores (C, size, size), its crop's matrix) of each pair."""
        size = self.task.config.size
        for k in range(0, len(images), self.batch):
            part = slice(k, k + self.batch)
            crops = [
                whitened(warp_colour(image, matrix, size))
                for image, matrix in zip(images[part], matrices[part], strict=True)
            ]
            yield from zip(self._ask(np.stack(crops)).unbind(), matrices[part], strict=True)

    def _ask(self, crops: np.ndarray) -> Tensor:
        """(B, 3, size, size) → scores (B, C, size, size)."""
        with torch.inference_mode():
            try:
                return self.model(torch.from_numpy(crops).to(self.device)).scores(crops.shape[-2:])
            except torch.OutOfMemoryError as e:
                raise TrainingError(
                    f"The memory of the device is used up. Lower --batch {self.batch}, or use --device cpu."
                ) from e


def check_boxes(boxes: tuple[Edges, ...]) -> None:
    """Raises ConfigError for a box with nothing in it, or without end."""
    for x0, y0, x1, y1 in boxes:
        if not (x0 < x1 and y0 < y1 and np.isfinite((x0, y0, x1, y1)).all()):
            raise ConfigError(
                f"--box {x0:g} {y0:g} {x1:g} {y1:g} is no box; expected left, top, right and bottom edge in "
                "pixels, such as 120 40 380 620."
            )


def squares(resolution: tuple[int, int], boxes: tuple[Edges, ...]) -> list[Box]:
    """What to crop: the square round each box; round the whole image if there are none.

    Raises ConfigError for a box outside the image.
    """
    h, w = resolution
    for x0, y0, x1, y1 in boxes:
        if not (x0 < w and y0 < h and x1 > 0 and y1 > 0):
            raise ConfigError(
                f"--box {x0:g} {y0:g} {x1:g} {y1:g} is outside the image, which is {w} × {h} pixels. Choose one inside."
            )
    return [Box(((x0 + x1) / 2, (y0 + y1) / 2), max(x1 - x0, y1 - y0)) for x0, y0, x1, y1 in boxes or ((0, 0, w, h),)]


def _merged(crops: Iterator[tuple[Tensor, np.ndarray]], resolution: tuple[int, int]) -> np.ndarray:
    """(H, W) uint8: where crops overlap, the class of the one that is surest of a person's."""
    labels, sureness = np.zeros(resolution, np.uint8), np.zeros(resolution, np.float32)
    for scores, matrix in crops:
        rows, columns = (
            _within(matrix[axis, axis], matrix[axis, 2], scores.shape[-1], resolution[1 - axis]) for axis in (1, 0)
        )
        strip = max(1, _SCORES // (len(scores) * max(1, len(columns))))
        for first in range(rows.start, rows.stop, strip):
            here = slice(first, min(first + strip, rows.stop)), slice(columns.start, columns.stop)
            found, sure = _winners(scores, matrix, here)
            better = (found > 0) & (sure > sureness[here])
            labels[here][better], sureness[here][better] = found[better], sure[better]
    return labels


def _within(zoom: float, shift: float, size: int, length: int) -> range:
    """Pixels of an image's axis whose centres fall into a crop; crop = zoom · image + shift."""
    first, last = np.ceil((np.array([0, size]) - shift) / zoom - 0.5).clip(0, length).astype(int)
    return range(first, last)


def _winners(scores: Tensor, matrix: np.ndarray, here: tuple[slice, slice]) -> tuple[np.ndarray, np.ndarray]:
    """(classes, their probabilities) at a part of the image's pixels; scores of a crop, interpolated bilinearly."""
    rows, columns = (np.arange(part.start, part.stop) + 0.5 for part in here)
    points = transform(np.stack(np.meshgrid(columns, rows), -1), matrix)  # (h, w, 2) pixel edges of the crop
    grid = torch.from_numpy(points / scores.shape[-1] * 2 - 1).to(scores)  # −1 and 1 are its outer edges
    with torch.inference_mode():
        there = F.grid_sample(scores[None], grid[None], padding_mode="border", align_corners=False)[0]
        sure, found = there.softmax(0).max(0)
    return found.to(torch.uint8).cpu().numpy(), sure.cpu().numpy()

"""Crops of a user's images: where people are, and what a network makes of each."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mannequin.generator.errors import ConfigError, TrainingError
from mannequin.training.batch import one_of
from mannequin.training.data.crop import Box, Crop, crop_matrix
from mannequin.training.predict.ahead import HELD_BYTES
from mannequin.training.task import Edges, PredictorOptions

CropOutput = tuple[Any, Crop]
"""What a network says of a crop, as a batch of one, and the crop."""


def crop_outputs(
    images: Iterable[np.ndarray], options: PredictorOptions, size: int, ask: Callable[[Tensor], Any]
) -> Iterator[tuple[np.ndarray, list[CropOutput]]]:
    """(image, what is said of each of its crops) of every image (H, W, 3) uint8 sRGB, in order.

    size: side of crops, pixels. ask: takes crops (B, 3, size, size) on the device to outputs with a first axis of B.
    Raises ConfigError for a box that is not in an image, TrainingError when memory is used up, and what ``images``
    raises.
    """
    for group in _groups(images, max(1, options.batch // max(1, len(options.boxes)))):
        crops = [
            [Crop(crop_matrix(square, size=size), size) for square in squares(image.shape[:2], options.boxes)]
            for image in group
        ]
        pairs = [(image, crop) for image, some in zip(group, crops) for crop in some]
        outputs = _outputs(pairs, options, ask)
        for image, some in zip(group, crops):
            yield image, list(itertools.islice(outputs, len(some)))


def _groups(images: Iterable[np.ndarray], most: int) -> Iterator[list[np.ndarray]]:
    """``most`` images at a time; fewer where they are large."""
    group, held = [], 0
    for image in images:
        group.append(image)
        held += image.nbytes
        if len(group) == most or held >= HELD_BYTES:
            yield group
            group, held = [], 0
    if group:
        yield group


def _outputs(pairs: list[tuple[np.ndarray, Crop]], options: PredictorOptions, ask) -> Iterator[CropOutput]:
    for k in range(0, len(pairs), options.batch):
        part = pairs[k : k + options.batch]
        crops = np.stack([crop.colour(image) for image, crop in part])
        outputs = asked(ask, crops, options)
        yield from ((one_of(outputs, i), crop) for i, (_, crop) in enumerate(part))


def asked(ask: Callable[[Tensor], Any], values: np.ndarray, options: PredictorOptions) -> Any:
    """What ``ask`` says of values, put on the device. Raises TrainingError when memory is used up."""
    with torch.inference_mode():
        try:
            return ask(torch.from_numpy(values).to(options.device))
        except torch.OutOfMemoryError as e:
            raise TrainingError(
                f"The memory of the device is used up. Lower --batch {options.batch}, or use --device cpu."
            ) from e


def check_options(options: PredictorOptions) -> None:
    """Raises ConfigError for a batch of nothing, and for a box with nothing in it, or without end."""
    if options.batch < 1:
        raise ConfigError(f"--batch is {options.batch}; expected at least 1.")
    for x0, y0, x1, y1 in options.boxes:
        if not (x0 < x1 and y0 < y1 and np.isfinite((x0, y0, x1, y1)).all()):
            raise ConfigError(
                f"--box {x0:g} {y0:g} {x1:g} {y1:g} is no box; expected left, top, right and bottom edge in "
                "pixels, such as 120 40 380 620."
            )


def squares(resolution: Sequence[int], boxes: tuple[Edges, ...]) -> list[Box]:
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

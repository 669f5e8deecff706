"""Where people are: boxes, as lists of unequal length, and the maps of centres that a network says them by."""

from typing import ClassVar, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mannequin.training.data.crop import Crop
from mannequin.training.data.raw import RawSample
from mannequin.training.targets.target import Target

LEAST = 1.0
"""Pixels of the crop; what is narrower or lower within it is no box."""

SPREAD = 0.09
"""Deviation of the bell round a centre, as a share of the box's width and height."""

_CORNERS = np.array([[0, 1], [2, 1], [2, 3], [0, 3]])  # columns of a box that give (x, y)


class Boxes(Target):
    """``boxes``: of T frames a list of (P, 4) float32, x0 y0 x1 y1, pixel edges of the crop, within it.

    A box holds the visible pixels of one of the P people of whom the crop shows some; everybody in the sample counts.
    In a crop that is turned it is the box round the turned box, so larger than need be.
    """

    name: ClassVar[str] = "boxes"
    people: ClassVar[tuple[str, ...]] = ("box", "pixels")

    def encode(self, raw: RawSample, crop: Crop) -> dict[str, list[np.ndarray]]:
        frames = range(len(raw.people[0].joints2d))
        return {self.name: [_boxes(raw, t, crop) for t in frames]}


def _boxes(raw: RawSample, t: int, crop: Crop) -> np.ndarray:
    """(P, 4) of frame ``t``."""
    seen = [person.arrays["box"][t] for person in raw.people if person.arrays["pixels"][t] > 0]
    corners = crop.points(np.stack(seen)[:, _CORNERS]) if seen else np.zeros((0, 4, 2), np.float32)  # (P, 4, 2)
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1).clip(0, crop.size)
    return boxes[(boxes[:, 2:] - boxes[:, :2] >= LEAST).all(axis=1)]


class Detections(NamedTuple):
    """Of B images. boxes: (B, K, 4) x0 y0 x1 y1, pixel edges. scores: (B, K) 0 to 1, falling."""

    boxes: Tensor
    scores: Tensor


class Centres(NamedTuple):
    """Of P boxes on a map. cell: (P, 2) int64, column and row. offset: (P, 2) of the centre from the cell's first
    corner, 0 to 1. size: (P, 2) width and height. Both in cells."""

    cell: Tensor
    offset: Tensor
    size: Tensor


def centres_of(boxes: Tensor, stride: int, shape: tuple[int, int]) -> Centres:
    """Of (P, 4) boxes on a map of ``shape`` (h, w) whose cells are ``stride`` pixels across."""
    middle, size = (boxes[:, :2] + boxes[:, 2:]) / (2 * stride), (boxes[:, 2:] - boxes[:, :2]) / stride
    last = torch.tensor([shape[1] - 1, shape[0] - 1], device=boxes.device)
    cell = torch.minimum(middle.floor().long(), last)  # a centre on the far edge belongs to the last cell
    return Centres(cell, middle - cell, size)


def heat_of(centres: Centres, shape: tuple[int, int]) -> Tensor:
    """(h, w) float32: 1 in the cells of centres, and round each a bell as wide and high as SPREAD says of its box; the
    highest of all bells."""
    h, w = shape
    if not len(centres.cell):
        return torch.zeros(h, w, device=centres.cell.device)
    column, row = (torch.arange(n, device=centres.cell.device) for n in (w, h))
    spread = SPREAD * centres.size
    across = torch.exp(-0.5 * ((column - centres.cell[:, :1]) / spread[:, :1]) ** 2)  # (P, w)
    down = torch.exp(-0.5 * ((row - centres.cell[:, 1:]) / spread[:, 1:]) ** 2)  # (P, h)
    return (down[:, :, None] * across[:, None, :]).amax(0)


def found_boxes(heat: Tensor, offset: Tensor, size: Tensor, stride: int, most: int) -> Detections:
    """The ``most`` highest local maxima of a map, or as many as it has cells, as boxes within the image.

    heat: (B, 1, h, w) from 0 to 1. offset, size: (B, 2, h, w) as of :class:`Centres`. A cell is a local maximum that is
    no lower than its 8 neighbours; all others score 0.
    """
    h, w = heat.shape[-2:]
    peaks = torch.where(heat == F.max_pool2d(heat, 3, stride=1, padding=1), heat, 0.0).flatten(1)  # (B, h w)
    scores, cells = peaks.sort(dim=1, descending=True, stable=True)
    scores, cells = scores[:, :most], cells[:, :most]
    shift, extent = (maps.flatten(2).gather(2, cells[:, None].expand(-1, 2, -1)).mT for maps in (offset, size))
    middle = torch.stack([cells % w, cells // w], dim=-1) + shift  # (B, K, 2)
    edges = torch.cat([middle - extent / 2, middle + extent / 2], dim=-1) * stride
    limit = stride * torch.tensor([w, h, w, h], device=heat.device)
    return Detections(torch.minimum(edges.clamp(min=0), limit), scores)

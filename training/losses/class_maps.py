"""Losses as functions of a network's outputs and of labels; the classes that depth becomes."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mannequin.training.models.hourglass import Maps

IGNORE = 255
"""Label of a pixel that nobody labelled; it counts in no loss and no metric."""
BIN = 0.045
"""Metres of depth that one class covers (thesis 3.4)."""
BINS = 19
"""Depth classes of a person: 1…19, the tenth ending at the pelvis; class 0 is background."""


def bins_of_depth(depth: np.ndarray, pelvis) -> np.ndarray:
    """Depths of points of a person as classes 1…19: uint8 of the same shape.

    depth, pelvis: (…) planar z in metres, of the points and of the pelvis joint; they broadcast.

    Class 10 + k is k = clamp(ceil((depth − pelvis) / BIN), −9, 9), as in SURREAL's training code:
    it holds depths in ((k − 1) BIN, k BIN] from the pelvis, and the first and the last class hold
    all that lies farther out.
    """
    side = BINS // 2
    return (np.ceil((depth - pelvis) / BIN).clip(-side, side) + (side + 1)).astype(np.uint8)


def depth_of_bins(bins: Tensor) -> Tensor:
    """Metres from the pelvis at the middle of each class: float32 of the same shape, NaN on background.

    The middle of class 10 + k is (k − ½) BIN; the two open classes get that of their BIN nearest
    the pelvis. NaN also where unlabelled.
    """
    middle = (bins.to(torch.float32) - (BINS // 2 + 1) - 0.5) * BIN
    return middle.masked_fill((bins < 1) | (bins > BINS), torch.nan)


def labels_at(labels: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, H, W) labels sampled at the centres of the cells of a (height, width) grid.

    The source pixel is the one in which the centre of the cell lies, or begins below and right of
    it: at a quarter of the resolution half a pixel off. SURREAL's released code samples by torch7's
    ``image.scale`` in mode "simple", the first pixel of the cell, which is 1.5 pixels off: unseen
    while metrics are of the small maps, but not once these are interpolated to the image's size.
    """
    rows, columns = (
        (2 * torch.arange(small, device=labels.device) + 1) * large // (2 * small)
        for large, small in zip(labels.shape[-2:], size)
    )
    return labels[..., rows[:, None], columns]


def cross_entropy(scores: Tensor, labels: Tensor) -> Tensor:
    """Mean over labelled pixels of −log softmax(scores)[label]; 0 where no pixel is labelled.

    scores: (B, C, h, w) raw. labels: (B, H, W) of any integer type, sampled at h × w; IGNORE skips.
    """
    target = labels_at(labels, scores.shape[-2:]).reshape(-1).long()  # (B h w,)
    # Pixels as rows: CUDA's kernel for maps has no deterministic form, that for rows has one.
    rows = scores.movedim(1, -1).reshape(len(target), -1).float()  # (B h w, C)
    total = F.cross_entropy(rows, target, ignore_index=IGNORE, reduction="sum")
    return total / (target != IGNORE).sum().clamp(min=1)


def stacked_cross_entropy(maps: Maps, labels: Tensor) -> Tensor:
    """Sum over stacks of :func:`cross_entropy`, all with the same weight (thesis 3.4).

    labels: (B, H, W), of the image's size. Full-size maps, where there are, take the place of
    the last stack's, as in the released code: stacks but the last see labels at their own resolution.
    """
    supervised = maps.stacks if maps.full is None else (*maps.stacks[:-1], maps.full)
    return torch.stack([cross_entropy(scores, labels) for scores in supervised]).sum()

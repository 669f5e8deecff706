"""Losses of maps of classes."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from mannequin.training.metrics.labels import IGNORE
from mannequin.training.models.hourglass import Maps


def labels_at(labels: Tensor, size: Sequence[int]) -> Tensor:
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

"""Losses of maps that say boxes by their centres (Zhou et al., "Objects as Points", 2019)."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from mannequin.training.targets.boxes import centres_of, heat_of

FOCUS, PARDON = 2, 4
"""Exponents: how little cells count that are nearly right, and those near a centre (CornerNet's α and β)."""


def centre_losses(
    heat: Tensor, offset: Tensor, size: Tensor, boxes: Iterable[Tensor], stride: int
) -> tuple[Tensor, Tensor, Tensor]:
    """(focal loss of the heat, mean absolute error of offsets, of sizes), means over samples.

    heat: (B, 1, h, w) before the sigmoid. offset, size: (B, 2, h, w), in cells. boxes: of each sample (P, 4) pixel
    edges. Within a sample the terms are sums divided by the number of its boxes, at least 1; the second and third are
    of the cells of centres alone, sums over x and y.
    """
    terms = []
    for scores, shift, extent, some in zip(heat.float(), offset.float(), size.float(), boxes, strict=True):
        shape = scores.shape[-2], scores.shape[-1]
        truth = centres_of(some, stride, shape)
        column, row = truth.cell.unbind(1)
        number = max(1, len(some))
        terms.append(
            torch.stack(
                [
                    focal(scores[0], heat_of(truth, shape)),
                    F.l1_loss(shift[:, row, column].T, truth.offset, reduction="sum"),
                    F.l1_loss(extent[:, row, column].T, truth.size, reduction="sum"),
                ]
            )
            / number
        )
    heat_loss, offset_loss, size_loss = torch.stack(terms).mean(0).unbind()
    return heat_loss, offset_loss, size_loss


def focal(scores: Tensor, truth: Tensor) -> Tensor:
    """Sum over cells: −(1 − p)^FOCUS log p where ``truth`` is 1, else −(1 − truth)^PARDON p^FOCUS log(1 − p).

    scores: (h, w) before the sigmoid that makes them p. truth: (h, w) from 0 to 1.
    """
    p = scores.sigmoid()
    centre = (1 - p) ** FOCUS * F.logsigmoid(scores)
    elsewhere = (1 - truth) ** PARDON * p**FOCUS * F.logsigmoid(-scores)
    return -torch.where(truth == 1, centre, elsewhere).sum()

"""Losses of heatmaps."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def stacked_squares(stacks: Sequence[Tensor], truth: Tensor) -> Tensor:
    """Sum over stacks of the mean squared error of all elements; all (B, J, h, w)."""
    return torch.stack([F.mse_loss(maps.float(), truth) for maps in stacks]).sum()

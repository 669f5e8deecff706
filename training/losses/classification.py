"""Losses of one class for a sample, and how the scores of several windows become those of one sample."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def log_shares(scores: Tensor, counts: list[int] | None = None) -> Tensor:
    """(B, C) float32 logarithms of the share that each class has of a sample.

    scores: (N, C) raw, of windows. counts: windows of each of B samples, in order, N together, over whose softmax the
    mean is taken; where None every window is a sample, and B is N.
    """
    logs = scores.float().log_softmax(dim=1)
    if counts is None:
        return logs
    parts = logs.split(counts)
    return torch.stack([part.logsumexp(dim=0) - math.log(len(part)) for part in parts])


def cross_entropy(logs: Tensor, labels: Tensor) -> Tensor:
    """Mean of −log share[label]. logs: (B, C), as of :func:`log_shares`. labels: (B,) of any integer type."""
    return F.nll_loss(logs, labels.long())

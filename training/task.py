"""What there is to learn, as the training loop sees it."""

from typing import Any, Literal, Protocol

import numpy as np
from torch import Tensor, nn

Batch = dict[str, Any]
"""Samples that ``torch.utils.data.default_collate`` has put together; "id" is a list of their names."""


class Meter(Protocol):
    """How good outputs are, over many batches."""

    @property
    def totals(self) -> dict[str, Tensor]:
        """All it knows, as CPU tensors that are sums over samples. Those of several processes are
        added up in place, so these must be the meter's own, not copies."""

    def update(self, outputs, batch: Batch) -> None:
        """Count a batch."""

    def result(self) -> dict[str, float]:
        """Named numbers, computed from ``totals`` alone; NaN for what cannot be said."""


class Task(Protocol):
    """What is trained: a model, what is asked of it and how that is judged. The loop knows nothing else.

    name: "parts", say; stands in checkpoints. config: a frozen dataclass of plain values from which the
    task can be made again; stands there too. best: the result of the meter that decides which
    checkpoint is best, and whether high or low is good; "loss" is the loss on the validation data.
    """

    name: str
    config: Any
    best: tuple[str, Literal["max", "min"]]

    def model(self) -> nn.Module:
        """A new network, its weights drawn from torch's random state. It returns tensors, or tuples
        (named ones too), lists or dicts of them; not frozen dataclasses, into which Fabric cannot look. It may
        have ``regions``, see :func:`mannequin.training.core.learner.compiled`."""

    def inputs(self, batch: Batch) -> tuple:
        """What the network is called with."""

    def loss(self, outputs, batch: Batch) -> dict[str, Tensor]:
        """Named terms, each a number that is a mean over the batch; the loop minimises their sum."""

    def meter(self) -> Meter:
        """A meter that has counted nothing yet."""

    def picture(self, outputs, batch: Batch) -> np.ndarray:
        """(h, w, 3) uint8 sRGB: what to look at, such as predictions beside the truth."""

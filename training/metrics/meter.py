"""What a meter is."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor

from mannequin.training.figures import Figure


class Meter(ABC):
    """How good outputs are, over many batches.

    All it knows are CPU tensors. sums: those of two halves of a set add up to those of the whole. rows: tensors whose
    first axis is the rows', at least one; those of two halves, one after the other, are those of the whole, see
    :meth:`table`. So processes put theirs together. Results are computed from them alone. What cannot be said (no image
    yet, no such class) is NaN.
    figures: what its results are called and how they are written, in the order of tables.
    classes: the same of per_class.
    """

    figures: ClassVar[dict[str, Figure]]
    class_figures: ClassVar[dict[str, Figure]] = {}

    def __init__(self):
        self.sums: dict[str, Tensor] = {}
        self.rows: dict[str, list[Tensor]] = {}

    @abstractmethod
    def update(self, outputs: Any, batch: dict[str, Any]) -> None:
        """Count a batch."""

    @abstractmethod
    def result(self) -> dict[str, float]:
        """Named numbers."""

    def per_class(self) -> dict[str, dict[str, float]]:
        """Measure → class → value; empty where there are no classes."""
        return {}

    def table(self, name: str) -> Tensor:
        """All rows of that name: put together once they are asked for, as many batches would take their square."""
        return torch.cat(self.rows[name])

    def add(self, other: "Meter") -> None:
        """Count what another meter of the same kind has counted."""
        for name, value in other.sums.items():
            self.sums[name] += value
        for name, value in other.rows.items():
            self.rows[name] += value

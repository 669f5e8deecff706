"""How good predicted classes of samples are."""

from typing import ClassVar

import torch
from torch import Tensor

from mannequin.training.batch import Batch
from mannequin.training.figures import LOSS, Figure
from mannequin.training.metrics.meter import Meter


class ClassificationMeter(Meter):
    """Samples of which one class is true.

    classes: their names in the order of the labels. truth: value of a batch with the true ones.
    sums: ``confusion`` (C, C) int64, samples by true class (rows) and predicted class (columns).
    """

    figures: ClassVar[dict[str, Figure]] = {
        "loss": LOSS,
        "top1": Figure("top-1 accuracy", "%", 100),
        "mean_recall": Figure("recall, mean over classes", "%", 100),
    }
    class_figures: ClassVar[dict[str, Figure]] = {
        "recall": Figure("recall", "%", 100),
        "precision": Figure("precision", "%", 100),
    }

    def __init__(self, classes: tuple[str, ...], truth: str):
        super().__init__()
        self.classes, self.truth = classes, truth
        self.sums = {"confusion": torch.zeros(len(classes), len(classes), dtype=torch.int64)}

    def update(self, outputs: Tensor, batch: Batch) -> None:
        """Count a batch. outputs: (B, C), higher where a class is likelier."""
        self.count(outputs.argmax(dim=1), batch[self.truth])

    def count(self, predicted: Tensor, truth: Tensor) -> None:
        """Count a batch of labels (B,) of any integer type. Raises ValueError for other shapes, and labels beyond the
        classes."""
        if predicted.shape != truth.shape or truth.ndim != 1:
            raise ValueError(
                f"predicted is {tuple(predicted.shape)}, truth {tuple(truth.shape)}; expected two lists of labels (B,)."
            )
        classes = len(self.classes)
        predicted, truth = predicted.long().cpu(), truth.long().cpu()
        for name, labels in (("predicted", predicted), ("truth", truth)):
            if labels.numel() and not 0 <= labels.min() <= labels.max() < classes:
                raise ValueError(
                    f"{name} has labels from {labels.min()} to {labels.max()}; expected 0 to {classes - 1}."
                )
        counted = torch.bincount(truth * classes + predicted, minlength=classes**2)
        self.sums["confusion"] += counted.view(classes, classes)

    def recall(self) -> Tensor:
        """(C,) float64 share of each class's samples that were found; NaN for a class not present."""
        confusion = self.sums["confusion"].double()
        return confusion.diag() / confusion.sum(1)

    def precision(self) -> Tensor:
        """(C,) float64 share of the samples predicted as each class that are; NaN for a class never predicted."""
        confusion = self.sums["confusion"].double()
        return confusion.diag() / confusion.sum(0)

    def result(self) -> dict[str, float]:
        """Fractions, not percent. top1: of samples whose likeliest class is the true one. mean_recall: mean over the
        classes that are present of the share of their samples that were found."""
        confusion = self.sums["confusion"].double()
        top1 = confusion.diag().sum() / confusion.sum()
        return {"top1": top1.item(), "mean_recall": self.recall().nanmean().item()}

    def per_class(self) -> dict[str, dict[str, float]]:
        """Recall and precision by name of class."""
        values = {"recall": self.recall(), "precision": self.precision()}
        return {name: dict(zip(self.classes, value.tolist(), strict=True)) for name, value in values.items()}

"""How good predicted classes of pixels are, as the thesis (3.5.1) measures it."""

from typing import ClassVar

import torch
from torch import Tensor

from mannequin.training.batch import Batch, one_of
from mannequin.training.figures import LOSS, Figure
from mannequin.training.metrics.labels import IGNORE, checked_labels
from mannequin.training.metrics.meter import Meter
from mannequin.training.models.hourglass import Maps
from mannequin.training.targets.parts import Parts


class SegmentationMeter(Meter):
    """Overlap of predicted with true classes over a whole set, at the full size of the truth.

    classes: their names in the order of the labels, background first. truth: value of a batch with the true ones.
    sums: ``confusion`` (C, C) int64, pixels by true class (rows) and predicted class (columns).
    """

    figures: ClassVar[dict[str, Figure]] = {
        "loss": LOSS,
        "iou": Figure("IoU, 14 parts", "%", 100),
        "accuracy": Figure("pixel accuracy (recall), 14 parts", "%", 100),
        "iou_with_background": Figure("IoU, with background", "%", 100),
        "accuracy_with_background": Figure("pixel accuracy, with background", "%", 100),
        "pixels": Figure("pixels right, plain", "%", 100),
        "silhouette": Figure("IoU of person", "%", 100),
        "iou_head": Figure("IoU, head", "%", 100),
        "iou_torso": Figure("IoU, torso", "%", 100),
        "iou_upper_legs": Figure("IoU, upper legs", "%", 100),
    }
    class_figures: ClassVar[dict[str, Figure]] = {"iou": Figure("IoU", "%", 100), "recall": Figure("recall", "%", 100)}

    def __init__(self, classes: tuple[str, ...] = Parts.classes, truth: str = Parts.name):
        super().__init__()
        self.classes, self.truth = classes, truth
        self.sums = {"confusion": torch.zeros(len(classes), len(classes), dtype=torch.int64)}

    def update(self, outputs: Maps, batch: Batch) -> None:
        """Count a batch of outputs; where truths differ in size, each for itself."""
        truth = batch[self.truth]
        if isinstance(truth, Tensor):
            self.count(outputs.labels(truth.shape[-2:]), truth)
            return
        for k, one in enumerate(truth):
            self.count(one_of(outputs, k).labels(one.shape[-2:]), one[None])

    def count(self, predicted: Tensor, truth: Tensor) -> None:
        """Count a batch of labels (B, H, W) of any integer type; IGNORE in ``truth`` skips a pixel.

        Raises ValueError for maps of different shapes and for labels beyond the classes.
        """
        count = len(self.classes)
        predicted, truth = checked_labels(predicted, truth, count)
        labelled = truth != IGNORE
        pairs = truth[labelled] * count + predicted[labelled]
        self.sums["confusion"] += torch.bincount(pairs, minlength=count**2).view(count, count).cpu()

    def iou(self) -> Tensor:
        """(C,) float64 intersection over union of each class; NaN for one neither present nor predicted."""
        confusion = self.sums["confusion"].double()
        hit = confusion.diag()
        return hit / (confusion.sum(0) + confusion.sum(1) - hit)

    def recall(self) -> Tensor:
        """(C,) float64 share of each class's pixels that were found; NaN for a class not present."""
        confusion = self.sums["confusion"].double()
        return confusion.diag() / confusion.sum(1)

    def result(self) -> dict[str, float]:
        """Fractions, not percent.

        iou: mean IoU of the classes but background, each from sums over the whole set: the thesis's
        "IOU" (3.5.1), and "fg" of its Table 3.3. accuracy: mean recall of the same classes: its
        "pixel accuracy", as the released code computes it. Both leave out classes that are NaN,
        which over the thesis's sets none is.
        iou_with_background, accuracy_with_background: the same with background, "fg+bg" of Table 3.3.
        pixels: share of all pixels that are right. silhouette: IoU of person, whatever the part.
        """
        confusion = self.sums["confusion"].double()
        iou, recall = self.iou(), self.recall()
        figures = {
            "iou": iou[1:].nanmean(),
            "accuracy": recall[1:].nanmean(),
            "iou_with_background": iou.nanmean(),
            "accuracy_with_background": recall.nanmean(),
            "pixels": confusion.diag().sum() / confusion.sum(),
            "silhouette": confusion[1:, 1:].sum() / (confusion.sum() - confusion[0, 0]),
        }
        return {name: value.item() for name, value in figures.items()}

    def per_class(self) -> dict[str, dict[str, float]]:
        """IoU and recall by name of class."""
        values = {"iou": self.iou(), "recall": self.recall()}
        return {name: dict(zip(self.classes, value.tolist(), strict=True)) for name, value in values.items()}

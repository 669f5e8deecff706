"""How good predicted parts and depths are, as the thesis (3.5.1) measures it.

A meter's state is ``totals``, a dict of sums on the CPU: totals of two halves of a set add up
to those of the whole, so processes sum theirs, and a meter is saved by saving them. Results are
computed from the totals alone. What cannot be said (no image yet, no such class) is NaN.
"""

import torch
from torch import Tensor

from mannequin.generator.body.model import PARTS_14
from mannequin.training.losses import BIN, BINS, IGNORE

MILLIMETRES = 1000 * BIN
"""Of one depth class."""


class SegmentationMeter:
    """Overlap of predicted with true classes over a whole set.

    classes: their names in the order of the labels, background first.
    totals: ``confusion`` (C, C) int64, pixels by true class (rows) and predicted class (columns).
    """

    def __init__(self, classes: tuple[str, ...] = ("background", *PARTS_14)):
        self.classes = classes
        self.totals = {"confusion": torch.zeros(len(classes), len(classes), dtype=torch.int64)}

    def update(self, predicted: Tensor, truth: Tensor) -> None:
        """Count a batch of labels (B, H, W) of any integer type; IGNORE in ``truth`` skips a pixel.

        Raises ValueError for maps of different shapes and for labels beyond the classes.
        """
        count = len(self.classes)
        predicted, truth = _labels(predicted, truth, count)
        labelled = truth != IGNORE
        pairs = truth[labelled] * count + predicted[labelled]
        self.totals["confusion"] += torch.bincount(pairs, minlength=count**2).view(count, count).cpu()

    def iou(self) -> Tensor:
        """(C,) float64 intersection over union of each class; NaN for one neither present nor predicted."""
        confusion = self.totals["confusion"].double()
        hit = confusion.diag()
        return hit / (confusion.sum(0) + confusion.sum(1) - hit)

    def recall(self) -> Tensor:
        """(C,) float64 share of each class's pixels that were found; NaN for a class not present."""
        confusion = self.totals["confusion"].double()
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
        confusion = self.totals["confusion"].double()
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

    def per_class(self) -> dict[str, float]:
        """IoU by name of class."""
        return dict(zip(self.classes, self.iou().tolist()))


class DepthMeter:
    """Errors of predicted depth classes (0 background, 1…19, see ``losses.bins_of_depth``) on people.

    totals: ``images`` and ``posed_images`` int64; ``rmse``, ``st_rmse``, ``pose_rmse``,
    ``st_pose_rmse`` float64, sums over images of millimetres; ``bin_pixels`` and ``bin_squares``
    (20,) int64, pixels by true class and their squared errors in classes.
    """

    def __init__(self):
        errors = ("rmse", "st_rmse", "pose_rmse", "st_pose_rmse")
        self.totals = {name: torch.zeros((), dtype=torch.int64) for name in ("images", "posed_images")}
        self.totals |= {name: torch.zeros((), dtype=torch.float64) for name in errors}
        self.totals |= {name: torch.zeros(BINS + 1, dtype=torch.int64) for name in ("bin_pixels", "bin_squares")}

    def update(
        self, predicted: Tensor, truth: Tensor, joints2d: Tensor | None = None, visible: Tensor | None = None
    ) -> None:
        """Count a batch of classes (B, H, W) of any integer type, IGNORE in ``truth`` for no label.

        joints2d: (B, J, 2) pixels of these maps, x right, y down, pixel centres at +0.5, for the
        pose metrics. visible: (B, J) bool, joints to measure; all where None.
        Raises ValueError for maps of different shapes and for labels beyond the classes.
        """
        predicted, truth = _labels(predicted, truth, BINS + 1)
        on_person = (truth > 0) & (truth != IGNORE)
        self._count(predicted.flatten(1), truth.flatten(1), on_person.flatten(1), "images", "rmse", "st_rmse")
        squares = (predicted - truth)[on_person] ** 2
        self.totals["bin_pixels"] += torch.bincount(truth[on_person], minlength=BINS + 1).cpu()
        self.totals["bin_squares"].index_add_(0, truth[on_person].cpu(), squares.cpu())
        if joints2d is not None:
            rows, columns, inside = _pixels_of(joints2d, truth.shape[1:])
            image = torch.arange(len(truth), device=truth.device)[:, None]
            at = (image, rows, columns)
            measured = inside & on_person[at] & (True if visible is None else visible)
            self._count(predicted[at], truth[at], measured, "posed_images", "pose_rmse", "st_pose_rmse")

    def _count(self, predicted: Tensor, truth: Tensor, mask: Tensor, images: str, plain: str, fitted: str) -> None:
        """Add the errors of rows (B, N) int64; a row without anything in ``mask`` is no image."""
        counted = mask.any(1)
        rmse, st_rmse = _errors(predicted[counted], truth[counted], mask[counted].long())
        self.totals[images] += len(rmse)
        self.totals[plain] += MILLIMETRES * rmse.sum().cpu()
        self.totals[fitted] += MILLIMETRES * st_rmse.sum().cpu()

    def result(self) -> dict[str, float]:
        """Millimetres: means over images of each image's error, the thesis's 3.5.1 and Table 3.4.

        rmse: root mean square over the person's true pixels of the difference of classes, × 45 mm;
        a pixel predicted as background is one class before the first, as in the released code.
        st_rmse: the same after the scale and translation of the predicted classes that make it
        least; neither is bounded, so a prediction the wrong way round is turned.
        pose_rmse, st_pose_rmse: both classes read at the pixels of the joints which lie on the
        person's pixels. An image without such pixels or joints does not count.
        """
        images, posed = self.totals["images"], self.totals["posed_images"]
        by = {"rmse": images, "st_rmse": images, "pose_rmse": posed, "st_pose_rmse": posed}
        return {name: (self.totals[name] / count).item() for name, count in by.items()}

    def per_class(self) -> dict[str, float]:
        """Millimetres by true class, named −9…+9 from the pelvis: root mean square over the whole set's pixels."""
        errors = MILLIMETRES * (self.totals["bin_squares"].double() / self.totals["bin_pixels"]).sqrt()
        return {f"{k:+d}": error for k, error in enumerate(errors[1:].tolist(), start=-(BINS // 2))}


def _labels(predicted: Tensor, truth: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Both as int64 on the same device, or a ValueError."""
    if predicted.shape != truth.shape or truth.ndim != 3:
        raise ValueError(
            f"predicted is {tuple(predicted.shape)}, truth {tuple(truth.shape)}; expected two label maps (B, H, W)."
        )
    predicted, truth = predicted.long(), truth.to(predicted.device).long()
    for name, labels in (("predicted", predicted), ("truth", truth[truth != IGNORE])):
        if labels.numel() and not 0 <= labels.min() <= labels.max() < classes:
            raise ValueError(f"{name} has labels from {labels.min()} to {labels.max()}; expected 0 to {classes - 1}.")
    return predicted, truth


def _pixels_of(joints2d: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    """Rows and columns (B, J) int64 of the pixels that hold joints, and which of them are inside the image."""
    column, row = joints2d.floor().unbind(-1)
    inside = (row >= 0) & (row < size[0]) & (column >= 0) & (column < size[1])
    return torch.where(inside, row, 0).long(), torch.where(inside, column, 0).long(), inside


def _errors(p: Tensor, t: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """RMSE of rows p against t where mask is 1, plain and after the best fit of a p + b: (B,) float64 each.

    The least of Σ(a p + b − t)² is Σt² (1 − r²), r the correlation and both centred; without any
    spread in p it is Σt². All sums are of integers, hence exact.
    """
    n = mask.sum(1)
    p, t = p * mask, t * mask
    pp, tt, pt = (n * (a * b).sum(1) - a.sum(1) * b.sum(1) for a, b in ((p, p), (t, t), (p, t)))
    explained = torch.where(pp > 0, pt.double() ** 2 / pp.clamp(min=1), 0)
    squares = ((p - t) ** 2).sum(1)
    return (squares.double() / n).sqrt(), (tt.double() - explained).clamp(min=0).sqrt() / n

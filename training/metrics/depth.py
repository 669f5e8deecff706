"""How good predicted depths are, as the thesis (3.5.1) measures it."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from mannequin.training.batch import Batch
from mannequin.training.figures import LOSS, Figure
from mannequin.training.metrics.labels import IGNORE, checked_labels
from mannequin.training.metrics.meter import Meter
from mannequin.training.models.hourglass import Maps
from mannequin.training.targets.depth_bins import BIN, BINS, DepthBins

MILLIMETRES = 1000 * BIN
"""Of one depth class."""


class DepthMeter(Meter):
    """Errors of predicted depth classes (0 background, 1…19, see ``targets.depth_bins``) on people.

    sums: ``images`` and ``posed_images`` int64; ``rmse``, ``st_rmse``, ``pose_rmse``,
    ``st_pose_rmse`` float64, sums over images of millimetres; ``bin_pixels`` and ``bin_squares``
    (20,) int64, pixels by true class and their squared errors in classes.
    """

    figures: ClassVar[dict[str, Figure]] = {
        "loss": LOSS,
        "rmse": Figure("RMSE", "mm", 1),
        "st_rmse": Figure("st-RMSE", "mm", 1),
        "pose_rmse": Figure("PoseRMSE", "mm", 1),
        "st_pose_rmse": Figure("st-PoseRMSE", "mm", 1),
    }
    class_figures: ClassVar[dict[str, Figure]] = {"rmse": Figure("RMSE", "mm", 1)}

    def __init__(self):
        super().__init__()
        errors = ("rmse", "st_rmse", "pose_rmse", "st_pose_rmse")
        self.sums = {name: torch.zeros((), dtype=torch.int64) for name in ("images", "posed_images")}
        self.sums |= {name: torch.zeros((), dtype=torch.float64) for name in errors}
        self.sums |= {name: torch.zeros(BINS + 1, dtype=torch.int64) for name in ("bin_pixels", "bin_squares")}

    def update(self, outputs: Maps, batch: Batch) -> None:
        """Count a batch of outputs."""
        truth = batch[DepthBins.name]
        self.count(outputs.labels(truth.shape[-2:]), truth, batch["joints2d"], batch["joints_visible"])

    def count(
        self, predicted: Tensor, truth: Tensor, joints2d: Tensor | None = None, visible: Tensor | None = None
    ) -> None:
        """Count a batch of classes (B, H, W) of any integer type, IGNORE in ``truth`` for no label.

        joints2d: (B, J, 2) pixels of these maps, x right, y down, pixel centres at +0.5, for the
        pose metrics. visible: (B, J) bool, joints to measure; all where None.
        Raises ValueError for maps of different shapes and for labels beyond the classes.
        """
        predicted, truth = checked_labels(predicted, truth, BINS + 1)
        on_person = (truth > 0) & (truth != IGNORE)
        self._add_errors(predicted.flatten(1), truth.flatten(1), on_person.flatten(1), "images", "rmse", "st_rmse")
        squares = (predicted - truth)[on_person] ** 2
        self.sums["bin_pixels"] += torch.bincount(truth[on_person], minlength=BINS + 1).cpu()
        self.sums["bin_squares"].index_add_(0, truth[on_person].cpu(), squares.cpu())
        if joints2d is not None:
            rows, columns, inside = _pixels_of(joints2d, truth.shape[1:])
            image = torch.arange(len(truth), device=truth.device)[:, None]
            at = (image, rows, columns)
            measured = inside & on_person[at] & (True if visible is None else visible)
            self._add_errors(predicted[at], truth[at], measured, "posed_images", "pose_rmse", "st_pose_rmse")

    def _add_errors(self, predicted: Tensor, truth: Tensor, mask: Tensor, images: str, plain: str, fitted: str) -> None:
        """Add the errors of rows (B, N) int64; a row without anything in ``mask`` is no image."""
        counted = mask.any(1)
        rmse, st_rmse = _errors(predicted[counted], truth[counted], mask[counted].long())
        self.sums[images] += len(rmse)
        self.sums[plain] += MILLIMETRES * rmse.sum().cpu()
        self.sums[fitted] += MILLIMETRES * st_rmse.sum().cpu()

    def result(self) -> dict[str, float]:
        """Millimetres: means over images of each image's error, the thesis's 3.5.1 and Table 3.4.

        rmse: root mean square over the person's true pixels of the difference of classes, × 45 mm;
        a pixel predicted as background is one class before the first, as in the released code.
        st_rmse: the same after the scale and translation of the predicted classes that make it
        least; neither is bounded, so a prediction the wrong way round is turned.
        pose_rmse, st_pose_rmse: both classes read at the pixels of the joints which lie on the
        person's pixels. An image without such pixels or joints does not count.
        """
        images, posed = self.sums["images"], self.sums["posed_images"]
        by = {"rmse": images, "st_rmse": images, "pose_rmse": posed, "st_pose_rmse": posed}
        return {name: (self.sums[name] / count).item() for name, count in by.items()}

    def per_class(self) -> dict[str, dict[str, float]]:
        """rmse: millimetres by true class, named −9…+9 from the pelvis: root mean square over the whole set's
        pixels."""
        errors = MILLIMETRES * (self.sums["bin_squares"].double() / self.sums["bin_pixels"]).sqrt()
        return {"rmse": {f"{k:+d}": error for k, error in enumerate(errors[1:].tolist(), start=-(BINS // 2))}}


def _pixels_of(joints2d: Tensor, size: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
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

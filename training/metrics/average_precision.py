"""How good boxes with scores are: average precision."""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from mannequin.training.batch import Batch
from mannequin.training.figures import LOSS, Figure
from mannequin.training.metrics.meter import Meter
from mannequin.training.targets.boxes import Boxes, Detections

THRESHOLDS = tuple(np.round(np.arange(0.5, 1.0, 0.05), 2).tolist())
"""Overlaps (IoU) from which a box counts as found: COCO's ten."""


class AveragePrecisionMeter(Meter):
    """Average precision over a whole set, of one class.

    Boxes are matched as COCO does: in each image by falling score, each to the true box not yet taken that it overlaps
    most, if by at least the threshold. Precision and recall are then taken at every score that occurs, over the whole
    set; so boxes of equal score, whatever the order of images, count at once. Average precision is the area under the
    highest precision that is reached at each recall or beyond: all-point interpolation. (COCO's own program samples the
    same curve at 101 recalls, and orders equal scores by image.)

    rows: ``score`` (N,) float32 and ``hit`` (N, 10) bool, whether the box is a true one at each of THRESHOLDS. sums:
    ``people``, true boxes.
    """

    figures: ClassVar[dict[str, Figure]] = {
        "loss": LOSS,
        "ap": Figure("average precision, mean of IoU .50 to .95", "%", 100),
        "ap50": Figure("average precision, IoU .50", "%", 100),
        "ap75": Figure("average precision, IoU .75", "%", 100),
        "recall50": Figure("people found at any score, IoU .50", "%", 100),
    }

    def __init__(self):
        super().__init__()
        self.sums = {"people": torch.zeros((), dtype=torch.int64)}
        self.rows = {"score": [torch.zeros(0)], "hit": [torch.zeros(0, len(THRESHOLDS), dtype=torch.bool)]}

    def update(self, outputs: Detections, batch: Batch) -> None:
        """Count a batch."""
        truths = [boxes.double().cpu().numpy() for boxes in batch[Boxes.name]]
        found, scores = outputs.boxes.double().cpu().numpy(), outputs.scores.float().cpu()
        hits = [_hits(boxes, own.numpy(), truth) for boxes, own, truth in zip(found, scores, truths, strict=True)]
        self.sums["people"] += sum(map(len, truths))
        self.rows["score"].append(scores.flatten())
        self.rows["hit"] += map(torch.from_numpy, hits)

    def result(self) -> dict[str, float]:
        """Fractions, not percent; NaN where there is nobody to find."""
        people = int(self.sums["people"])
        if not people:
            return dict.fromkeys(("ap", "ap50", "ap75", "recall50"), float("nan"))
        scores, hits = self.table("score"), self.table("hit")
        precisions = [average_precision(scores, hit, people) for hit in hits.T]
        at = dict(zip(THRESHOLDS, precisions, strict=True))
        recall = float(hits[:, 0].sum()) / people
        return {"ap": float(np.mean(precisions)), "ap50": at[0.5], "ap75": at[0.75], "recall50": recall}


def average_precision(scores: Tensor, hits: Tensor, people: int) -> float:
    """Area under the curve that :class:`AveragePrecisionMeter` describes. scores: (N,). hits: (N,) bool."""
    scores, order = scores.sort(descending=True)
    if not len(scores):
        return 0.0
    ends = torch.cat([scores[1:] != scores[:-1], torch.ones(1, dtype=torch.bool)])  # the last of equal scores
    true = hits[order].double().cumsum(0)[ends]
    precision = true / (torch.nonzero(ends)[:, 0] + 1)
    best = precision.flip(0).cummax(0).values.flip(0)
    gained = torch.diff(true, prepend=torch.zeros(1, dtype=torch.float64))
    return float((gained * best).sum() / people)


def _hits(boxes: np.ndarray, scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(K, 10) bool: which boxes of one image are true ones. boxes: (K, 4). truth: (P, 4)."""
    hits = np.zeros((len(boxes), len(THRESHOLDS)), bool)
    if not len(truth):
        return hits
    overlaps, free = overlap(boxes, truth), np.ones((len(THRESHOLDS), len(truth)), bool)
    for k in np.argsort(-scores, kind="stable"):
        fit = free & (overlaps[k] >= np.array(THRESHOLDS)[:, None])  # (10, P)
        taken = np.where(fit, overlaps[k], -1.0).argmax(axis=1)
        hits[k] = fit.any(axis=1)
        free[np.flatnonzero(hits[k]), taken[hits[k]]] = False
    return hits


def overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(K, P) intersection over union of boxes (K, 4) and (P, 4); 0 for boxes without an area."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = (high - low).clip(0).prod(axis=-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).clip(0).prod(axis=-1) for boxes in (a, b)]
    union = areas[0][:, None] + areas[1][None] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)

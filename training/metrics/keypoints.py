"""How good places of joints are: the share that is near enough."""

from typing import Any, ClassVar

import torch

from mannequin.training.batch import Batch
from mannequin.training.figures import LOSS, Figure
from mannequin.training.metrics.meter import Meter
from mannequin.training.targets.heatmaps import JOINTS, NAMES

NEAR, NEARER = 0.1, 0.05
"""Of the longer side of the box round a person's true joints: how far off a joint may be."""


class KeypointMeter(Meter):
    """Percentage of correct keypoints (PCK) of JOINTS.

    A joint is right that is within a share of the longer side of the tight box round all of the person's true joints
    (Yang and Ramanan 2013), also of those outside the crop. Joints in the crop count, hidden ones too.

    sums, by joint: ``near``, ``nearer``, ``joints``; of those seen ``near_seen``, ``seen``; and ``error``, distances as
    shares of that side.
    """

    figures: ClassVar[dict[str, Figure]] = {
        "loss": LOSS,
        "pck": Figure(f"joints right, within {NEAR:g} of the person", "%", 100),
        "pck_seen": Figure(f"the same, of joints that are seen, within {NEAR:g}", "%", 100),
        "pck_fine": Figure(f"joints right, within {NEARER:g} of the person", "%", 100),
        "error": Figure("mean distance, of the person's longer side", "%", 100),
    }
    class_figures: ClassVar[dict[str, Figure]] = {"pck": Figure(f"right, within {NEAR:g}", "%", 100)}

    def __init__(self):
        super().__init__()
        counts = ("near", "nearer", "joints", "near_seen", "seen")
        self.sums = {name: torch.zeros(len(JOINTS), dtype=torch.int64) for name in counts}
        self.sums["error"] = torch.zeros(len(JOINTS), dtype=torch.float64)

    def update(self, outputs: Any, batch: Batch) -> None:
        """Count a batch. outputs: with ``joints`` (B, 16, 2), pixel edges of the crop."""
        size = batch["image"].shape[-1]
        truth = batch["joints2d"][:, list(JOINTS)].double().cpu()
        side = (truth.amax(1) - truth.amin(1)).amax(1).clamp(min=1e-6)  # (B,)
        error = (outputs.joints.double().cpu() - truth).norm(dim=-1) / side[:, None]  # (B, 16)
        inside = ((truth >= 0) & (truth < size)).all(-1)
        seen = batch["joints_visible"][:, list(JOINTS)].cpu() & inside
        found = {
            "near": (error <= NEAR) & inside,
            "nearer": (error <= NEARER) & inside,
            "joints": inside,
            "near_seen": (error <= NEAR) & seen,
            "seen": seen,
            "error": torch.where(inside, error, 0),
        }
        for name, values in found.items():
            self.sums[name] += values.sum(0)

    def result(self) -> dict[str, float]:
        """Fractions, over all joints of the set; NaN where there are none."""
        total = {name: float(value.sum()) for name, value in self.sums.items()}
        pairs = {
            "pck": ("near", "joints"),
            "pck_seen": ("near_seen", "seen"),
            "pck_fine": ("nearer", "joints"),
            "error": ("error", "joints"),
        }
        return {name: total[a] / total[b] if total[b] else float("nan") for name, (a, b) in pairs.items()}

    def per_class(self) -> dict[str, dict[str, float]]:
        """PCK by name of joint."""
        share = self.sums["near"].double() / self.sums["joints"]
        return {"pck": dict(zip(NAMES, share.tolist(), strict=True))}

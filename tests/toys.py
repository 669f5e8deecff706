"""A task so small that it trains in milliseconds, and data for it."""

import os
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset

from mannequin.training.core.config import TrainConfig
from mannequin.training.data.needs import Needs
from mannequin.training.figures import LOSS, Figure
from mannequin.training.metrics.meter import Meter
from mannequin.training.task import Description, Step, Task


@dataclass(frozen=True)
class ToyConfig:
    """width: channels. dropout: share dropped."""

    width: int = 4
    dropout: float = 0.25
    norm: bool = True


class ToyMeter(Meter):
    figures: ClassVar[dict[str, Figure]] = {"loss": LOSS, "accuracy": Figure("accuracy", "%", 100)}

    def __init__(self):
        super().__init__()
        self.sums = {"hits": torch.zeros((), dtype=torch.int64), "samples": torch.zeros((), dtype=torch.int64)}

    def update(self, outputs, batch):
        self.sums["hits"] += (outputs.argmax(1) == batch["label"]).sum().cpu()
        self.sums["samples"] += len(batch["label"])

    def result(self):
        return {"accuracy": float(self.sums["hits"] / self.sums["samples"])}


class ToyTask(Task):
    """Tell bright left halves from bright right halves."""

    name = "toy"
    best = ("loss", "min")
    needs, targets, size = Needs(), (), 8

    def __init__(self, config: ToyConfig = ToyConfig()):
        self.config = config

    def model(self):
        c = self.config
        norm = nn.BatchNorm2d(c.width) if c.norm else nn.Identity()
        return nn.Sequential(
            nn.Conv2d(1, c.width, 3), norm, nn.ReLU(), nn.Flatten(), nn.Dropout(c.dropout), nn.Linear(36 * c.width, 2)
        )

    def step(self, model, batch):
        outputs = model(batch["image"])
        return Step(self.loss(outputs, batch), outputs)

    def loss(self, outputs, batch):
        return {"entropy": nn.functional.cross_entropy(outputs, batch["label"]), "size": 1e-3 * outputs.square().mean()}

    def meter(self):
        return ToyMeter()

    def rows(self, outputs, batch):
        for image in batch["image"]:
            yield {"image": np.repeat((image[0].clip(0, 1) * 255).byte().cpu().numpy()[..., None], 3, axis=2)}

    def describe(self, model):
        return Description("a toy", "which half is bright", "the cross-entropy", ())


class RowMeter(ToyMeter):
    """Keeps a row of each sample: its label, and the middle of its image.

    order: of all rows, such that another order gives another number.
    """

    figures: ClassVar[dict[str, Figure]] = ToyMeter.figures | {
        "rows": Figure("rows", "", 1),
        "order": Figure("", "", 1),
    }

    def __init__(self):
        super().__init__()
        self.rows = {"row": [torch.zeros(0, 2, dtype=torch.float64)], "label": [torch.zeros(0, dtype=torch.int64)]}

    def update(self, outputs, batch):
        super().update(outputs, batch)
        rows = torch.stack([batch["label"].double(), batch["image"][:, 0, 4, 4].double()], 1).cpu()
        self.rows["row"].append(rows)
        self.rows["label"].append(batch["label"].cpu())

    def result(self):
        rows, labels = self.table("row"), self.table("label")
        assert torch.equal(rows[:, 0].long(), labels)
        order = (rows[:, 1] * torch.arange(1, len(rows) + 1)).sum()
        return super().result() | {"rows": float(len(rows)), "order": float(order)}


class RowTask(ToyTask):
    """The toy, measured by rows."""

    def meter(self):
        return RowMeter()


class ToyData(Dataset):
    """length None: without end. bad: the index whose image is not a number."""

    def __init__(self, length: int | None = 22, seed: int = 0, bad: int | None = None):
        self.length, self.seed, self.bad = length, seed, bad

    def __len__(self):
        if self.length is None:
            raise TypeError("no end")
        return self.length

    def __getitem__(self, key):
        epoch, index = key
        rng = np.random.default_rng((self.seed, epoch, index))
        label = int(rng.integers(2))
        image = rng.normal(0, 0.6, (1, 8, 8)).astype(np.float32)
        image[:, :, 4 * label : 4 * label + 4] += 0.7
        if index == self.bad:
            image[:] = np.nan
        return {"id": f"{epoch}/{index}", "image": torch.from_numpy(image), "label": label, "worker": os.getpid()}


SMALL = TrainConfig(
    steps=10,
    batch=3,
    accumulate=2,
    lr=3e-3,
    validate_every=4,
    checkpoint_every=3,
    log_every=2,
    workers=0,
    accelerator="cpu",
    keep=2,
)
"""22 samples, 6 to a step: passes over the data end within steps."""


def small(**changes) -> TrainConfig:
    return replace(SMALL, **changes)

"""A task so small that it trains in milliseconds, and data for it."""

import os
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset

from mannequin.training.core.config import TrainConfig


@dataclass(frozen=True)
class ToyConfig:
    """width: channels. dropout: share dropped."""

    width: int = 4
    dropout: float = 0.25
    norm: bool = True


class ToyMeter:
    def __init__(self):
        self.totals = {"hits": torch.zeros((), dtype=torch.int64), "samples": torch.zeros((), dtype=torch.int64)}

    def update(self, outputs, batch):
        self.totals["hits"] += (outputs.argmax(1) == batch["label"]).sum().cpu()
        self.totals["samples"] += len(batch["label"])

    def result(self):
        return {"accuracy": float(self.totals["hits"] / self.totals["samples"])}


@dataclass(frozen=True)
class ToyTask:
    """Tell bright left halves from bright right halves."""

    config: ToyConfig = ToyConfig()
    name: str = "toy"
    best: tuple[str, Literal["max", "min"]] = ("loss", "min")

    def model(self):
        c = self.config
        norm = nn.BatchNorm2d(c.width) if c.norm else nn.Identity()
        return nn.Sequential(
            nn.Conv2d(1, c.width, 3), norm, nn.ReLU(), nn.Flatten(), nn.Dropout(c.dropout), nn.Linear(36 * c.width, 2)
        )

    def inputs(self, batch):
        return (batch["image"],)

    def loss(self, outputs, batch):
        return {"entropy": nn.functional.cross_entropy(outputs, batch["label"]), "size": 1e-3 * outputs.square().mean()}

    def meter(self):
        return ToyMeter()

    def picture(self, outputs, batch):
        image = (batch["image"][0, 0].clip(0, 1) * 255).byte().cpu().numpy()
        return np.repeat(image[..., None], 3, axis=2)


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

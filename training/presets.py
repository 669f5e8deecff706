"""Named ways to train, and the options of the data. Nothing here needs torch, so that manuals appear at once."""

import math
from dataclasses import dataclass
from typing import Literal

from mannequin.generator.errors import ConfigError
from mannequin.training.core.config import TrainConfig
from mannequin.training.tasks.network import NetworkConfig


@dataclass(frozen=True)
class DataConfig:
    """Which frames are learnt from, and which are only looked at."""

    frames: Literal["all", "middle", "random"] = "all"
    """Frames to learn from: all, the middle one of each clip, or one of each clip, another in every epoch."""

    every: int = 1
    """With --frames all: only every n-th frame."""

    augment: Literal["paper", "none"] = "paper"
    """Change scale, rotation and colour of every sample at random, as the paper does, or take samples as they are."""

    cache: float = 0.0
    """Memory for decoded frames, GiB, in each process that loads data: frames that fit are read only once. Changes
    nothing but the speed."""

    val_share: float = 0.1
    """Share of the clips that is held out for validation where --val-data names none; it follows from their names."""

    val_frames: Literal["all", "middle"] = "all"
    """Frames to validate on: all, or the middle one of each clip, as the thesis does."""

    def __post_init__(self):
        if not 0 < self.val_share < 1:
            raise ConfigError(f"--val-share is {self.val_share}; expected a share between 0 and 1, such as 0.1.")
        if not 0 <= self.cache < math.inf:
            raise ConfigError(f"--cache is {self.cache}; expected 0 or more GiB.")
        if self.every < 1:
            raise ConfigError(f"--every is {self.every}; expected 1 or more frames.")
        if self.every > 1 and self.frames != "all":
            raise ConfigError(f"--every {self.every} goes with --frames all, not {self.frames}; leave one of them out.")


@dataclass(frozen=True)
class Preset:
    """network, train and data: what the options are unless given."""

    network: NetworkConfig
    train: TrainConfig
    data: DataConfig


PRESETS = {
    # Thesis 3.4 and the released code: 8 stacks, RMSprop, batches of 6, 50,000 steps (60,000 in the code).
    "paper": Preset(
        NetworkConfig(),
        TrainConfig(
            steps=50_000,
            batch=6,
            optimiser="rmsprop",
            lr=1e-3,
            smoothing=0.99,
            validate_every=2_000,
            checkpoint_every=1_000,
            workers=4,
        ),
        DataConfig(frames="random", val_frames="middle"),
    ),
    # The same network and number of samples as it is trained today.
    "modern": Preset(
        NetworkConfig(),
        TrainConfig(
            steps=25_000,
            batch=12,
            optimiser="adamw",
            lr=1e-3,
            weight_decay=0.01,
            schedule="cosine",
            warmup=1_000,
            clip=1.0,
            precision="bf16-mixed",
            compile=True,
            channels_last=True,
            validate_every=1_000,
            workers=8,
        ),
        DataConfig(frames="random", val_frames="middle"),
    ),
    # Minutes on two CPU cores. Without augmentation, of which a run this short makes nothing.
    "small": Preset(
        NetworkConfig(stacks=1, features=64, size=128),
        TrainConfig(
            steps=2_000,
            batch=16,
            optimiser="adamw",
            lr=3e-3,
            weight_decay=0.01,
            schedule="cosine",
            warmup=100,
            clip=1.0,
            channels_last=True,
            validate_every=400,
            workers=1,
        ),
        DataConfig(augment="none", cache=1.0),
    ),
}

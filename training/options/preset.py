"""What a preset is, and the options of the data."""

import math
from dataclasses import dataclass
from typing import Any, Literal

from mannequin.generator.errors import ConfigError
from mannequin.training.core.config import TrainConfig


@dataclass(frozen=True)
class DataConfig:
    """Which frames are learnt from, and which are only looked at."""

    sampling: Literal["all", "middle", "random"] = "all"
    """Frames to learn from, or windows of frames: all, the middle one of each clip, or one of each clip, another in
    every epoch."""

    every: int = 1
    """With --sampling all: only every n-th frame, or window."""

    augment: Literal["paper", "none"] = "paper"
    """Change scale, rotation and colour of every sample at random, as the paper does, or take samples as they are."""

    cache: float = 0.0
    """Memory for decoded frames, GiB, in each process that loads data: frames that fit are read only once. Changes
    nothing but the speed."""

    val_share: float = 0.1
    """Share of the clips that is held out for validation where --val-data names none; it follows from their names."""

    val_sampling: Literal["all", "middle", "clip"] = "all"
    """Frames to validate on, or windows: all, the middle one of each clip, as the thesis does, or all windows of a clip
    as one sample, for tasks that put them together."""

    def __post_init__(self):
        if not 0 < self.val_share < 1:
            raise ConfigError(f"--val-share is {self.val_share}; expected a share between 0 and 1, such as 0.1.")
        if not 0 <= self.cache < math.inf:
            raise ConfigError(f"--cache is {self.cache}; expected 0 or more GiB.")
        if self.every < 1:
            raise ConfigError(f"--every is {self.every}; expected 1 or more frames.")
        if self.every > 1 and self.sampling != "all":
            raise ConfigError(
                f"--every {self.every} goes with --sampling all, not {self.sampling}; leave one of them out."
            )


@dataclass(frozen=True)
class Preset:
    """network, train and data: what the options are unless given."""

    network: Any
    train: TrainConfig
    data: DataConfig

"""What a run learns from and is judged by, from the options."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from mannequin.generator.catalog import Assets, Catalog
from mannequin.generator.config import SampleConfig
from mannequin.generator.errors import DatasetError
from mannequin.generator.records import to_plain
from mannequin.training.data.frames import FrameDataset, texts
from mannequin.training.data.index import Selection, split_of
from mannequin.training.data.readers import Readers
from mannequin.training.data.stream import GeneratedFrames
from mannequin.training.presets import DataConfig

ENLARGED = 1.5
"""How many times as high and wide as the crop generated images are, where their size is left open."""


@dataclass(frozen=True)
class Feed:
    """train, val: datasets for mannequin.training.core.loop.train. about: plain values that decide what they hold."""

    train: Dataset
    val: Dataset
    about: dict[str, Any]


class Shuffled(Dataset):
    """A dataset in another order, so that the first samples are of many clips; the same seed, the same order."""

    def __init__(self, data: FrameDataset, seed: int):
        self.data, self.order = data, np.random.default_rng(seed).permutation(len(data))

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, key: tuple[int, int]) -> dict:
        epoch, index = key
        return self.data[epoch, int(self.order[index])]


def from_datasets(
    paths: Sequence, val_paths: Sequence, labels: tuple[str, ...], size: int, config: DataConfig, seed: int
) -> Feed:
    """Frames of the datasets ``paths``, validated on ``val_paths``, or on clips held out where there are none.

    Raises DatasetError for datasets that cannot be read, lack a channel, or leave nothing on one side.
    """
    chosen = Selection(frames=config.frames, every=config.every, labels=labels)
    judged = Selection(frames=config.val_frames, labels=labels)
    if not val_paths:
        chosen, judged = (
            replace(s, split=split, val_share=config.val_share) for s, split in ((chosen, "train"), (judged, "val"))
        )
    try:
        train = FrameDataset(
            paths, chosen, augment=config.augment == "paper", seed=seed, size=size, cache=_bytes(config)
        )
        val = FrameDataset(val_paths or paths, judged, size=size, cache=_bytes(config))
    except DatasetError:
        if not val_paths:
            _check_shares(paths, judged)
        raise
    about = {"train": list(texts(paths)), "val": list(map(str, val_paths)), "options": _options(config)}
    return Feed(train, Shuffled(val, seed), about)


def from_generator(
    sample: SampleConfig,
    assets: Assets,
    open_renderer: Callable[[Catalog], object],
    val_paths: Sequence,
    labels: tuple[str, ...],
    size: int,
    config: DataConfig,
    seed: int,
) -> Feed:
    """Endless new frames, validated on ``val_paths``, or on frames from another seed where there are none."""
    side = round(ENLARGED * size)
    sample = replace(sample, size=sample.size or (side, side))
    train = GeneratedFrames(sample, assets, seed, open_renderer, labels, augment=config.augment == "paper", size=size)
    about = {
        "stream": to_plain(sample),
        "assets": to_plain(assets),
        "seed": seed,
        "val": list(map(str, val_paths)),
        "options": _options(config),
    }
    if not val_paths:
        return Feed(
            train, GeneratedFrames(sample, assets, seed + 1, open_renderer, labels, augment=False, size=size), about
        )
    val = FrameDataset(val_paths, Selection(frames=config.val_frames, labels=labels), size=size, cache=_bytes(config))
    return Feed(train, Shuffled(val, seed), about)


def _options(config: DataConfig) -> dict:
    """Those that decide what the samples are, as plain values."""
    return {name: value for name, value in to_plain(config).items() if name != "cache"}


def _bytes(config: DataConfig) -> int:
    return int(config.cache * 2**30)


def _check_shares(paths: Sequence, held_out: Selection) -> None:
    """Raise DatasetError if all clips are on one side, as happens where they are few."""
    readers = Readers(texts(paths))
    names = [readers.clip(n, key).spec.name for n in range(len(readers.paths)) for key in readers.collection(n).keys]
    readers.close()
    held = sum(split_of(name, "", held_out) == "val" for name in names)
    if not 0 < held < len(names):
        raise DatasetError(
            f"{', '.join(readers.paths)}: --val-share {held_out.val_share:g} holds out {held} of {len(names)} "
            "clips, as follows from their names, "
            "but some are needed on either side. Choose another share, name --val-data, or generate more clips."
        )

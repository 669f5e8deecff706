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
from mannequin.training.data.clips import ClipSamples, texts
from mannequin.training.data.generated import GeneratedSamples, Renderer
from mannequin.training.data.readers import Readers
from mannequin.training.data.selection import Selection, split_of
from mannequin.training.options.preset import DataConfig
from mannequin.training.task import Task

ENLARGED = 1.5
"""How many times as high and wide as the crop generated images are, where their size is left open."""


@dataclass(frozen=True)
class TrainingData:
    """train, val: datasets for mannequin.training.core.loop.train. about: plain values that decide what they hold."""

    train: Dataset
    val: Dataset
    about: dict[str, Any]


class Shuffled(Dataset):
    """A dataset in another order, so that the first samples are of many clips; the same seed, the same order."""

    def __init__(self, data: ClipSamples, seed: int):
        self.data, self.order = data, np.random.default_rng(seed).permutation(len(data))

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, key: tuple[int, int]) -> dict:
        epoch, index = key
        return self.data[epoch, int(self.order[index])]


def from_datasets(paths: Sequence, val_paths: Sequence, task: Task, config: DataConfig, seed: int) -> TrainingData:
    """Samples of the datasets ``paths``, validated on ``val_paths``, or on clips held out where there are none.

    Raises DatasetError for datasets that cannot be read, lack a channel, or leave nothing on one side.
    """
    chosen = Selection(sampling=config.sampling, every=config.every)
    held_out = Selection(sampling=config.val_sampling)
    if not val_paths:
        chosen = replace(chosen, split="train", val_share=config.val_share)
        held_out = replace(held_out, split="val", val_share=config.val_share)
    try:
        train = _clips(paths, task, chosen, config, augment=config.augment == "paper", seed=seed)
        val = _clips(val_paths or paths, task, held_out, config)
    except DatasetError:
        if not val_paths:
            _check_shares(paths, held_out)
        raise
    about = {"train": list(texts(paths)), "val": list(map(str, val_paths)), "options": _options(config)}
    return TrainingData(train, Shuffled(val, seed), about)


def from_generator(
    sample: SampleConfig,
    assets: Assets,
    open_renderer: Callable[[Catalog], Renderer],
    val_paths: Sequence,
    task: Task,
    config: DataConfig,
    seed: int,
) -> TrainingData:
    """Endless new samples, validated on ``val_paths``, or on samples from another seed where there are none."""
    side = round(ENLARGED * task.size)
    sample = replace(sample, size=sample.size or (side, side))

    def generated(seed: int, augment: bool) -> GeneratedSamples:
        return GeneratedSamples(sample, assets, seed, open_renderer, task.needs, task.targets, augment, task.size)

    train = generated(seed, augment=config.augment == "paper")
    about = {
        "stream": to_plain(sample),
        "assets": to_plain(assets),
        "seed": seed,
        "val": list(map(str, val_paths)),
        "options": _options(config),
    }
    if not val_paths:
        return TrainingData(train, generated(seed + 1, augment=False), about)
    val = _clips(val_paths, task, Selection(sampling=config.val_sampling), config)
    return TrainingData(train, Shuffled(val, seed), about)


def _clips(
    paths: Sequence, task: Task, selection: Selection, config: DataConfig, augment: bool = False, seed: int = 0
) -> ClipSamples:
    cache = int(config.cache * 2**30)
    return ClipSamples(paths, task.needs, task.targets, selection, augment, seed, task.size, cache)


def _options(config: DataConfig) -> dict:
    """Those that decide what the samples are, as plain values."""
    return {name: value for name, value in to_plain(config).items() if name != "cache"}


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

"""Which clips, cameras, people and frames a dataset for training is made of."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mannequin.generator.errors import ConfigError, DatasetError
from mannequin.generator.streams import rank
from mannequin.training.data.contents import Contents, Recorded, contents
from mannequin.training.data.readers import Readers
from mannequin.training.data.samples import channels_of

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Selection:
    """Which part of the data."""

    split: Literal["all", "train", "val", "test"] = "all"
    """Clips of this split only, as the clips' own descriptions tell it (or see val_share)."""

    val_share: float = 0.0
    """With val_share or test_share above 0, the split follows from the clip's name instead, so that a clip is always
    whole on one side: this share of the clips is for validation."""

    test_share: float = 0.0
    """Share of the clips for testing; the rest is for training."""

    frames: Literal["all", "middle", "random"] = "all"
    """all: every frame of every clip. middle: one frame a clip, as SURREAL is evaluated. random: one frame a clip,
    another in each epoch, as it is trained."""

    every: int = 1
    """With frames = all: only every n-th."""

    labels: tuple[Literal["segm", "depth", "depth_metres"], ...] = ("segm", "depth")
    """Label images that a sample holds, besides the joints; clips must have the channels for them."""


@dataclass(frozen=True, eq=False)
class Sight:
    """One person seen by one camera through a clip. instance: as in the instance channel. alone: nothing else can be in
    the image.

    frames: those that can be learnt from, ascending; clip_frames: how many the clip has.
    """

    path: int
    key: str
    camera: str
    person: str
    instance: int
    alone: bool
    frames: np.ndarray
    clip_frames: int


def check_selection(selection: Selection) -> None:
    """Raises ConfigError for what makes no sense."""
    shares = selection.val_share, selection.test_share
    if min(shares) < 0 or sum(shares) >= 1:
        raise ConfigError(
            f"val_share is {shares[0]} and test_share {shares[1]}; expected shares from 0 whose sum is below 1."
        )
    if selection.every < 1:
        raise ConfigError(f"every is {selection.every}; expected 1 or more frames.")
    if selection.every > 1 and selection.frames != "all":
        raise ConfigError(
            f"every is {selection.every} but frames is {selection.frames!r}, one frame a clip. Set frames = "
            "all, or leave every out."
        )
    channels_of(selection.labels)


def split_of(name: str, told: str, selection: Selection) -> str:
    """The split of the clip called ``name`` whose description says ``told``."""
    if selection.val_share == selection.test_share == 0:
        return told
    place = rank(f"split/{name}") / 2**64
    if place < selection.test_share:
        return "test"
    return "val" if place < selection.test_share + selection.val_share else "train"


def sights(readers: Readers, selection: Selection) -> list[Sight]:
    """All that ``selection`` takes, in the order of paths, clips, cameras and people.

    People whom a camera never shows well enough are left out. Raises DatasetError if nothing is
    left, or if a clip is damaged or lacks a channel.
    """
    check_selection(selection)
    found, splits = [], set()
    for number in range(len(readers.paths)):
        for clip in contents(readers, number):
            split = split_of(clip.name, clip.split, selection)
            splits.add(split)
            if selection.split in ("all", split):
                found += _sights(readers, number, clip, selection)
    if not found:
        raise _nothing(readers.paths, selection, splits)
    return found


def channels_needed(labels, alone: bool) -> tuple[str, ...]:
    """Label channels to read for ``labels``; with instance, where others or things may be in the image."""
    return channels_of(labels) + (() if alone else ("instance",))


def _sights(readers: Readers, number: int, clip: Contents, selection: Selection) -> list[Sight]:
    found = []
    for view in clip.views:
        if view.people:
            _check_channels(readers, number, clip, view, selection.labels)
        for person in view.people:
            frames = _chosen(person.frames, clip.frames, selection)
            if len(frames):
                found.append(
                    Sight(number, clip.key, view.camera, person.name, person.instance, clip.alone, frames, clip.frames)
                )
    return found


def _chosen(usable: np.ndarray, count: int, selection: Selection) -> np.ndarray:
    """Of the usable frames of ``count``; the middle one is the released code's ceil(count / 2), counted from 1."""
    if selection.frames == "middle":
        return usable[usable == (count + 1) // 2 - 1]
    return usable[usable % selection.every == 0]


def _check_channels(readers: Readers, number: int, clip: Contents, view: Recorded, labels) -> None:
    for name in ("rgb", *channels_needed(labels, clip.alone)):
        if name not in view.channels:
            why = ", which tells several people and things apart" if name == "instance" else ""
            raise DatasetError(
                f"{readers.clip(number, clip.key).path} has no channel {name!r} of camera "
                f"{view.camera!r}{why}; it has {', '.join(view.channels) or 'none'}. "
                "Generate the clips with it (--outputs), or choose other labels to learn."
            )


def _nothing(paths, selection: Selection, splits) -> DatasetError:
    where = ", ".join(paths)
    if selection.split != "all" and selection.split not in splits:
        told = ", ".join(sorted(repr(s) for s in splits)) or "none"
        return DatasetError(
            f"{where} has no clips of the split {selection.split!r} (there are: {told}). Choose one of those, 'all', "
            "or let val_share and test_share divide the clips."
        )
    return DatasetError(
        f"{where} has no frames to learn from: in none of those chosen is a person in the middle of a crop "
        "within the image. "
        "Take other frames, or other clips."
    )

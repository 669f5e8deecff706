"""Which clips, cameras, people and frames a dataset for training is made of."""

from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from mannequin.generator.errors import ConfigError, DatasetError
from mannequin.generator.streams import rank
from mannequin.training.data.contents import Contents, Recorded, contents
from mannequin.training.data.needs import Needs
from mannequin.training.data.readers import Readers
from mannequin.training.targets.target import Target

Split = Literal["all", "train", "val", "test"]


@dataclass(frozen=True)
class Selection:
    """Which part of the data."""

    split: Split = "all"
    """Clips of this split only, as the clips' own descriptions tell it (or see val_share)."""

    val_share: float = 0.0
    """With val_share or test_share above 0, the split follows from the clip's name instead, so that a clip is always
    whole on one side: this share of the clips is for validation."""

    test_share: float = 0.0
    """Share of the clips for testing; the rest is for training."""

    sampling: Literal["all", "middle", "random", "clip"] = "all"
    """all: every frame of every clip, or windows without overlap. middle: one of a clip, as SURREAL is evaluated.
    random: one of a clip, another in each epoch, as it is trained. clip: all windows of a clip together, as one sample
    whose values have a first axis for them."""

    every: int = 1
    """With sampling = all: only every n-th frame, or window."""


@dataclass(frozen=True, eq=False)
class Subject:
    """Who is learnt from, seen by whom, through a clip.

    cameras: that see the same frames, as many as a sample has. people: (name, instance), one, or everybody.
    alone: nothing else can be in the images. starts: first frames of the windows that can be learnt from, ascending.
    """

    path: int
    key: str
    cameras: tuple[str, ...]
    people: tuple[tuple[str, int], ...]
    alone: bool
    starts: np.ndarray


def check_selection(selection: Selection) -> None:
    """Raises ConfigError for what makes no sense."""
    shares = selection.val_share, selection.test_share
    if min(shares) < 0 or sum(shares) >= 1:
        raise ConfigError(
            f"val_share is {shares[0]} and test_share {shares[1]}; expected shares from 0 whose sum is below 1."
        )
    if selection.every < 1:
        raise ConfigError(f"every is {selection.every}; expected 1 or more frames.")
    if selection.every > 1 and selection.sampling != "all":
        raise ConfigError(
            f"every is {selection.every} but sampling is {selection.sampling!r}, one of a clip. Set sampling = all, "
            "or leave every out."
        )


def split_of(name: str, told: str, selection: Selection) -> str:
    """The split of the clip called ``name`` whose description says ``told``."""
    if selection.val_share == selection.test_share == 0:
        return told
    place = rank(f"split/{name}") / 2**64
    if place < selection.test_share:
        return "test"
    return "val" if place < selection.test_share + selection.val_share else "train"


def channels_of(targets: tuple[Target, ...]) -> tuple[str, ...]:
    """Label channels that ``targets`` are made from."""
    return tuple(dict.fromkeys(channel for target in targets for channel in target.channels))


def asked_of_clips(needs: Needs, targets: tuple[Target, ...]) -> dict:
    """What :func:`mannequin.training.data.raw.read_raw` is to read for samples."""
    arrays = tuple(dict.fromkeys(name for target in targets for name in target.people))
    tags = tuple(dict.fromkeys(tag for target in targets for tag in target.tags))
    return {"image": needs.image, "channels": channels_of(targets), "arrays": arrays, "tags": tags}


def subjects(readers: Readers, selection: Selection, needs: Needs, targets: tuple[Target, ...]) -> list[Subject]:
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
                found += _of_clip(readers, number, clip, selection, needs, targets)
    if not found:
        raise _nothing(readers.paths, selection, needs, splits)
    return found


def _of_clip(
    readers: Readers, number: int, clip: Contents, selection: Selection, needs: Needs, targets: tuple[Target, ...]
) -> list[Subject]:
    found = []
    for views in combinations(clip.views, needs.cameras):
        for people, usable in _people(views, needs):
            starts = window_starts(usable, clip.frames, needs, selection)
            if len(starts):
                cameras = tuple(view.camera for view in views)
                found.append(Subject(number, clip.key, cameras, people, clip.alone, starts))
        if any(view.people for view in views):
            for view in views:
                _check_channels(readers, number, clip, view, needs, targets)
    return found


def _people(views: tuple[Recorded, ...], needs: Needs):
    """((name, instance) of the people, usable frames) of each subject that all ``views`` show."""
    if needs.subject == "everybody":
        people = {seen.name: seen.instance for view in views for seen in view.people}
        frames = [np.concatenate([seen.frames for seen in view.people]) for view in views if view.people]
        if len(frames) == len(views):
            yield tuple(people.items()), shared_frames(frames)
        return
    for seen in views[0].people:
        same = [[other for other in view.people if other.name == seen.name] for view in views]
        if all(same):
            yield ((seen.name, seen.instance),), shared_frames([others[0].frames for others in same])


def shared_frames(frames: list[np.ndarray]) -> np.ndarray:
    """Those that are in all, ascending."""
    shared = np.unique(frames[0])
    for others in frames[1:]:
        shared = np.intersect1d(shared, others)
    return shared


def window_starts(usable: np.ndarray, count: int, needs: Needs, selection: Selection) -> np.ndarray:
    """First frames of the windows of a clip of ``count`` frames, all of whose frames are ``usable``.

    The middle frame is the released code's ceil(count / 2), counted from 1.
    """
    fit = np.zeros(count, bool)
    fit[usable] = True
    steps = needs.spacing * np.arange(needs.length)
    starts = np.arange(max(0, count - needs.reach))
    starts = starts[fit[starts[:, None] + steps].all(axis=1)]
    if selection.sampling == "random" or not len(starts):
        return starts
    if selection.sampling == "middle":
        if needs.frames is None:
            return starts[starts == (count + 1) // 2 - 1]
        return starts[[np.argmin(np.abs(starts - (count - 1 - needs.reach) / 2))]]
    if needs.frames is None and selection.sampling == "all":
        return starts[starts % selection.every == 0]
    chosen = [starts[0]]
    for start in starts:
        if start > chosen[-1] + needs.reach:
            chosen.append(start)
    return np.array(chosen)[:: selection.every]


def _check_channels(
    readers: Readers, number: int, clip: Contents, view: Recorded, needs: Needs, targets: tuple[Target, ...]
) -> None:
    labels = channels_of(targets)
    whose = {channel: target.name for target in reversed(targets) for channel in target.channels}
    wanted = {"rgb": "the image"} if needs.image else {}
    wanted |= {channel: whose[channel] for channel in labels}
    if labels and needs.subject == "person" and not clip.alone:
        wanted.setdefault("instance", "telling several people and things apart")
    missing = [name for name in wanted if name not in view.channels]
    if missing:
        raise DatasetError(
            f"{readers.clip(number, clip.key).path} has no channel {missing[0]!r} of camera {view.camera!r}, which "
            f"{wanted[missing[0]]} is made from; it has {', '.join(view.channels) or 'none'}. Generate the clips with "
            f"--outputs {' '.join(dict.fromkeys((*view.channels, *missing)))}, or learn something else."
        )


def _nothing(paths, selection: Selection, needs: Needs, splits) -> DatasetError:
    where = ", ".join(paths)
    if selection.split != "all" and selection.split not in splits:
        told = ", ".join(sorted(repr(s) for s in splits)) or "none"
        return DatasetError(
            f"{where} has no clips of the split {selection.split!r} (there are: {told}). Choose one of those, 'all', "
            "or let val_share and test_share divide the clips."
        )
    if needs.cameras > 1:
        return DatasetError(
            f"{where} has no people whom {needs.cameras} cameras see at once. Generate clips of several cameras."
        )
    if needs.frames:
        return DatasetError(
            f"{where} has no {needs.frames} frames, {needs.spacing} apart, through which a person stays in the image. "
            "Ask for shorter windows, or generate longer clips."
        )
    return DatasetError(
        f"{where} has no frames to learn from: in none of those chosen is a person in the middle of a crop within the "
        "image. Take other frames, or other clips."
    )

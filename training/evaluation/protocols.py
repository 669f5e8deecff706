"""Which images of which data sets count, and how."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mannequin.generator.errors import ConfigError, DatasetError, unknown_name
from mannequin.generator.io.remote import Place, place
from mannequin.training.data.clips import ClipSamples
from mannequin.training.data.selection import Selection, Split
from mannequin.training.evaluation.human36m import EVERY, SUBJECTS, clips_of
from mannequin.training.evaluation.masks import LAYOUT, MaskedImages, MaskLayout, read_layout
from mannequin.training.targets.parts import Parts
from mannequin.training.task import Task

_CLIPS, _PARTS = None, (Parts.name,)
_GUIDE = "see docs/evaluation.md"


@dataclass(frozen=True)
class Protocol:
    """A way to measure.

    splits: those that may be chosen, the default first. targets: names of those that its labels give; None for clips,
    which give what they hold. layout: what the data should look like and where they are from, a sentence for messages.
    every: frames from one that is measured to the next; 0 where that cannot be chosen.
    """

    splits: tuple[Split, ...]
    targets: tuple[str, ...] | None
    layout: str
    every: int = 0


PROTOCOLS = {
    "native": Protocol(
        ("all", "train", "val", "test"),
        _CLIPS,
        "a dataset of mannequin generate, one clip, or a folder in SURREAL's layout.",
        every=1,
    ),
    "surreal": Protocol(
        ("test", "val", "train", "all"),
        _CLIPS,
        "SURREAL as released, …/cmu/test/run0/01_01/01_01_c0001_info.mat with _segm.mat, _depth.mat and .mp4 "
        "beside it. "
        f"Its authors give it out under a licence: https://www.di.ens.fr/willow/research/surreal/data/; {_GUIDE}.",
    ),
    "fsitting": Protocol(
        ("test", "train", "all"),
        _PARTS,
        f"a folder with images/, masks/ and a {LAYOUT} that says what values of masks mean and which images "
        "are of the 4 test "
        f"subjects. Freiburg Sitting People is from the University of Freiburg (Oliveira et al., 2016); {_GUIDE}.",
    ),
    "h36m": Protocol(
        ("test", "val", "train"),
        _CLIPS,
        "S11/<action>.<camera>/, each made by mannequin label --images from Human3.6M and bodies fitted to "
        "it; S9 for val; "
        "S1, S5, S6, S7, S8 for train. The videos are from http://vision.imar.ro/human3.6m, under a licence; "
        f"{_GUIDE}.",
        every=EVERY,
    ),
    "masks": Protocol(
        ("all", "train", "val", "test"),
        _PARTS,
        f"a folder with images/NAME.jpg and masks/NAME.png of values 0…14, or a {LAYOUT} beside them; {_GUIDE}.",
    ),
}


@dataclass(frozen=True, eq=False)
class Opened:
    """Data to measure on. protocol: in words, what of them is measured. note: what spoils the measurement, or ""."""

    data: ClipSamples | MaskedImages
    protocol: str
    note: str = ""


def open_data(
    name: str, paths: Sequence[Place | str], task: Task, trained: dict, split: Split | Literal[""] = "", every: int = 0
) -> Opened:
    """What protocol ``name`` measures of ``paths`` with networks of ``task``.

    trained: what the network has learnt from, as of mannequin.training.data.sources. split, every: other than the
    protocol's, unless "" and 0. "native" data that the network has learnt from are measured on the clips that training
    held out, if it did.
    Raises ConfigError for what the protocol does not know, DatasetError for data that are missing or not as expected.
    """
    if name not in PROTOCOLS:
        raise unknown_name("protocol", name, PROTOCOLS)
    protocol = PROTOCOLS[name]
    if every and not protocol.every:
        raise ConfigError(f"--every {every} has no meaning for the protocol {name!r}; leave it out.")
    known = learnt_from(trained, paths)
    share = _held_out(trained) if known and not split and name == "native" else 0.0
    split, every = split or ("val" if share else protocol.splits[0]), every or protocol.every
    _check(name, protocol, paths, task, split)
    if name in ("fsitting", "masks"):
        return _masks(name, _only(name, paths), task, split)
    if name == "h36m":
        return _human36m(_only(name, paths), task, split, every)
    note = "" if share or not known else f"the network has learnt from {', '.join(known)}: these figures are too good"
    return _clips(name, paths, task, split, every, share, note)


def learnt_from(trained: dict, paths: Sequence[Place | str]) -> list[str]:
    """Those of ``paths`` that a network with the data ``trained`` has learnt from."""
    seen = {str(place(path).absolute()) for path in trained.get("train", ())}
    return [str(path) for path in paths if str(place(path).absolute()) in seen]


def _held_out(trained: dict) -> float:
    """The share of its clips that a training held out; 0 if it was validated on other data."""
    return 0.0 if trained.get("val") else trained.get("options", {}).get("val_share", 0.0)


def _check(name: str, protocol: Protocol, paths: Sequence[Place | str], task: Task, split: str) -> None:
    lacking = [target.name for target in task.targets if protocol.targets and target.name not in protocol.targets]
    if lacking:
        raise ConfigError(
            f"The checkpoint is of the task {task.name!r}, which is measured by {lacking[0]}; the data of the protocol "
            f"{name!r} give {' and '.join(protocol.targets or ())}. Choose another checkpoint, or another protocol."
        )
    if split not in protocol.splits:
        raise ConfigError(f"The protocol {name!r} has no split {split!r}. Choose one of {', '.join(protocol.splits)}.")
    for path in map(place, paths):
        if not (path.is_dir() or path.is_file()):
            raise DatasetError(f"There is no {path}. The protocol {name!r} expects {protocol.layout}")


def _only(name: str, paths: Sequence[Place | str]) -> Path:
    """The one folder on a disk that ``paths`` should be."""
    found = place(paths[0]) if len(paths) == 1 else None
    if not (isinstance(found, Path) and found.is_dir()):
        raise ConfigError(
            f"--data {' '.join(map(str, paths))}: the protocol {name!r} takes one folder on a disk, "
            f"{PROTOCOLS[name].layout}"
        )
    return found


def _clips(
    name: str, paths: Sequence[Place | str], task: Task, split: Split, every: int, share: float, note: str
) -> Opened:
    middle = name == "surreal"
    chosen = Selection(split, share, sampling="middle" if middle else task.test_sampling, every=every or 1)
    data = ClipSamples(paths, task.needs, task.targets, chosen, size=task.size)
    frames = "the middle frame of every clip" if middle else _samples(task, every)
    which = f"the clips that training held out ({100 * share:g} %)" if share else _named(split)
    return Opened(data, f"{which}: {frames}; {_crop(task)}", note)


def _human36m(root: Path, task: Task, split: str, every: int) -> Opened:
    folders = clips_of(root, split, PROTOCOLS["h36m"].layout)
    data = ClipSamples(folders, task.needs, task.targets, Selection(every=every), size=task.size)
    subjects = ", ".join(SUBJECTS[split])
    what = f"{subjects}: {len(folders)} clips, every {_ordinal(every)}frame"
    return Opened(data, f"{what}; {_crop(task)}")


def _masks(name: str, root: Path, task: Task, split: str) -> Opened:
    layout = read_layout(root)
    if layout is None and name == "fsitting":
        raise DatasetError(
            f"There is no {root / LAYOUT}. How the dataset's files are named and coded is not known here, and "
            "a wrong guess would give "
            f"wrong figures: describe them there. The protocol {name!r} expects {PROTOCOLS[name].layout}"
        )
    data = MaskedImages(root, layout or MaskLayout(), split, task.size)
    return Opened(
        data,
        f"{_named(split)}: whole images, as squares of {task.size} × {task.size} pixels, measured in their own pixels",
    )


def _samples(task: Task, every: int) -> str:
    """Which samples of clips count, in words."""
    needs = task.needs
    each = "each person a sample" if needs.subject == "person" else "everybody in one sample"
    if needs.frames is None:
        return f"every {_ordinal(every)}frame, {each}"
    window = f"windows of {needs.frames} frames" + (f", {needs.spacing} apart" if needs.spacing > 1 else "")
    return (
        f"{window}, all of a clip together"
        if task.test_sampling == "clip"
        else f"every {_ordinal(every)}of the {window}"
    )


def _crop(task: Task) -> str:
    what = "crop round the person" if task.needs.crop == "person" else "whole image as a square"
    return f"the {what}, {task.size} × {task.size} pixels"


def _named(split: str) -> str:
    return "all splits" if split == "all" else f"the split {split!r}"


def _ordinal(every: int) -> str:
    return "" if every == 1 else f"{every}th "

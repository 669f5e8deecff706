"""Single frames and whole clips of datasets, as map-style torch datasets."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from torch.utils.data import Dataset

from mannequin.generator.errors import ConfigError, DatasetError
from mannequin.generator.io.remote import Place
from mannequin.generator.streams import stream
from mannequin.training.data.crop import SIZE, Augmentation, augmentation, crop_box, crop_matrix
from mannequin.training.data.index import Selection, Sight, channels_needed, sights
from mannequin.training.data.readers import Readers
from mannequin.training.data.samples import JOINTS, Shot, make_sample, make_shot


class Kept:
    """Shots that stay in the memory of the process that read them, the first that fit; they are not pickled."""

    def __init__(self, room: int):
        """room: bytes."""
        self.room, self._shots, self._left = room, {}, room

    def shot(self, key, read: Callable[[], Shot]) -> Shot:
        """The shot called ``key``, by ``read`` where it is not kept."""
        if key in self._shots:
            return self._shots[key]
        shot = read()
        size = shot.rgb.nbytes + sum(image.nbytes for image in shot.labels.values())
        if size <= self._left:
            self._shots[key], self._left = shot, self._left - size
        return shot

    def __getstate__(self):
        return {"room": self.room}

    def __setstate__(self, state):
        self.__init__(**state)


class FrameDataset(Dataset):
    """Samples as of :func:`mannequin.training.data.samples.make_sample`, one person in one frame each.

    Indexed by (epoch, index), as mannequin.training.core.sampler yields; the same seed and key give the same sample,
    whoever asks and in whatever order. Where several people are seen, each is a sample of their own.
    """

    def __init__(
        self,
        paths,
        selection: Selection = Selection(),
        augment: bool = False,
        seed: int = 0,
        size: int = SIZE,
        cache: int = 0,
    ):
        """paths: folders of datasets, ours or in SURREAL's layout, or single clips. augment: as SURREAL is trained.

        cache: bytes that each process may take for decoded frames, so as to read them once.
        Raises DatasetError for what cannot be read or leaves nothing, ConfigError for a selection without sense.
        """
        self.selection, self.augment, self.seed, self.size = selection, augment, seed, size
        self._readers, self._kept = Readers(texts(paths)), Kept(cache)
        self._sights = sights(self._readers, selection)
        self._readers.close()  # workers open their own
        counts = [1 if selection.frames == "random" else len(sight.frames) for sight in self._sights]
        self._ends = np.cumsum(counts)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, key: tuple[int, int]) -> dict:
        epoch, index = key
        number, place = _find(self._ends, index)
        sight = self._sights[number]
        if self.selection.frames == "random":
            place = stream(self.seed, index, f"frame/{epoch}").integers(len(sight.frames))
        shot = self._kept.shot(
            (number, place), lambda: read_shot(self._readers, sight, int(sight.frames[place]), self.selection.labels)
        )
        drawn = _drawn(self.augment, self.seed, epoch, index)
        return make_sample(shot, crop_matrix(crop_box(shot.joints2d), drawn, self.size), drawn.gains, self.size)


class ClipDataset(Dataset):
    """Runs of frames of one person, for models of video; otherwise as FrameDataset.

    Every value of a sample has a leading axis of ``length`` frames, but id, which names the first.
    One crop, round the person in all frames, and one augmentation serve the whole run.
    """

    def __init__(
        self,
        paths,
        length: int,
        selection: Selection = Selection(),
        augment: bool = False,
        seed: int = 0,
        size: int = SIZE,
    ):
        """length: frames of a sample, selection.every apart. Runs follow each other without overlap (selection.frames =
        all), or there is one to a clip: nearest to the middle, or at random. In every frame of a run the person is fit
        to learn from.
        """
        if length < 1:
            raise ConfigError(f"length is {length}; expected 1 or more frames.")
        self.length, self.selection, self.augment, self.seed, self.size = length, selection, augment, seed, size
        self._readers = Readers(texts(paths))
        found = sights(self._readers, replace(selection, frames="all", every=1))
        self._readers.close()
        starts = [_starts(sight, length, selection) for sight in found]
        self._sights = [sight for sight, some in zip(found, starts, strict=True) if len(some)]
        self._starts = [some for some in starts if len(some)]
        if not self._sights:
            raise DatasetError(
                f"{', '.join(self._readers.paths)} has no {length} frames, {selection.every} apart, through "
                "which a person stays in the image. "
                "Ask for shorter runs, or generate longer clips."
            )
        self._ends = np.cumsum([1 if selection.frames == "random" else len(some) for some in self._starts])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, key: tuple[int, int]) -> dict:
        epoch, index = key
        number, place = _find(self._ends, index)
        sight, starts = self._sights[number], self._starts[number]
        if self.selection.frames == "random":
            place = stream(self.seed, index, f"frame/{epoch}").integers(len(starts))
        frames = int(starts[place]) + self.selection.every * np.arange(self.length)
        shots = [read_shot(self._readers, sight, int(t), self.selection.labels) for t in frames]
        drawn = _drawn(self.augment, self.seed, epoch, index)
        matrix = crop_matrix(crop_box(np.stack([shot.joints2d for shot in shots])), drawn, self.size)
        samples = [make_sample(shot, matrix, drawn.gains, self.size) for shot in shots]
        return {name: np.stack([s[name] for s in samples]) for name in samples[0] if name != "id"} | {
            "id": samples[0]["id"]
        }


def read_shot(readers: Readers, sight: Sight, t: int, labels) -> Shot:
    """Frame ``t`` of ``sight``, not cropped. Raises DatasetError if the clip is damaged."""
    reader, camera = readers.clip(sight.path, sight.key), sight.camera
    rgb = reader.rgb(camera, t, t + 1)[0]
    surface = reader.labels(camera, channels_needed(labels, sight.alone), t, t + 1)
    joints = {name: value[0] for name, value in reader.person_arrays(camera, sight.person, JOINTS, t, t + 1).items()}
    name = "/".join((*readers.prefix(sight.path), sight.key, camera, sight.person, str(t)))
    return make_shot(rgb, surface, 0, sight.instance, joints, labels, name)


def texts(paths) -> tuple[str, ...]:
    """One path or several, as texts."""
    several = [paths] if isinstance(paths, (str, Place)) else list(paths)
    if not several:
        raise ConfigError("No data is given. Name a dataset, or several.")
    return tuple(str(path) for path in several)


def _find(ends: np.ndarray, index: int) -> tuple[int, int]:
    """The number of the sight that sample ``index`` belongs to, and its place there."""
    if not 0 <= index < ends[-1]:
        raise IndexError(f"Sample {index} of {ends[-1]}.")
    number = int(np.searchsorted(ends, index, side="right"))
    return number, index - (int(ends[number - 1]) if number else 0)


def _drawn(augment: bool, seed: int, epoch: int, index: int) -> Augmentation:
    return augmentation(stream(seed, index, f"augmentation/{epoch}")) if augment else Augmentation()


def _starts(sight: Sight, length: int, selection: Selection) -> np.ndarray:
    """First frames of the runs that ``sight`` gives."""
    reach = selection.every * np.arange(length)
    fit = np.zeros(int(sight.frames[-1]) + 1, bool)
    fit[sight.frames] = True
    starts = np.arange(max(0, len(fit) - int(reach[-1])))
    starts = starts[fit[starts[:, None] + reach].all(axis=1)]
    if selection.frames == "random" or not len(starts):
        return starts
    if selection.frames == "middle":
        aim = (sight.clip_frames - 1 - reach[-1]) / 2
        return starts[[np.argmin(np.abs(starts - aim))]]
    chosen = [starts[0]]
    for start in starts:
        if start > chosen[-1] + reach[-1]:
            chosen.append(start)
    return np.array(chosen)

"""Frames, windows of frames and synchronised views out of datasets, as one map-style torch dataset."""

import numpy as np
from torch.utils.data import Dataset

from mannequin.generator.errors import ConfigError
from mannequin.generator.io.remote import Place
from mannequin.generator.streams import stream
from mannequin.training.data.cache import SampleCache
from mannequin.training.data.crop import SIZE, Augmentation
from mannequin.training.data.needs import Needs
from mannequin.training.data.raw import RawSample, read_raw
from mannequin.training.data.readers import Readers
from mannequin.training.data.samples import drawn, make_sample, stacked
from mannequin.training.data.selection import Selection, Subject, asked_of_clips, subjects
from mannequin.training.targets.target import Target


class ClipSamples(Dataset):
    """Samples as of :func:`mannequin.training.data.samples.make_sample`, of clips on disk or behind URLs.

    Indexed by (epoch, index), as mannequin.training.core.sampler yields; the same seed and key give the same sample,
    whoever asks and in whatever order. Where several people are seen and samples are of one, each is a sample of
    their own; where samples are of several cameras, each choice of so many is.
    """

    def __init__(
        self,
        paths,
        needs: Needs,
        targets: tuple[Target, ...],
        selection: Selection = Selection(),
        augment: bool = False,
        seed: int = 0,
        size: int = SIZE,
        cache: int = 0,
    ):
        """paths: folders of datasets, ours or in SURREAL's layout, or single clips. augment: as SURREAL is trained; one
        augmentation serves all frames and views of a sample. size: side of the crop, pixels.

        cache: bytes that each process may take for decoded frames, so as to read them once.
        Raises DatasetError for what cannot be read or leaves nothing, ConfigError for a selection without sense.
        """
        self.needs, self.targets, self.selection = needs, targets, selection
        self.augment, self.seed, self.size = augment, seed, size
        self._asked = asked_of_clips(needs, targets)
        self._readers, self._kept = Readers(texts(paths)), SampleCache(cache)
        self._subjects = subjects(self._readers, selection, needs, targets)
        self._readers.close()  # workers open their own
        counts = [1 if selection.sampling in ("random", "clip") else len(s.starts) for s in self._subjects]
        self._ends = np.cumsum(counts)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, key: tuple[int, int]) -> dict:
        epoch, index = key
        number, place = self._find(index)
        starts = self._subjects[number].starts
        augmentation = drawn(self.augment, self.seed, epoch, index)
        if self.selection.sampling == "clip":
            return stacked([self._window(number, place, augmentation) for place in range(len(starts))])
        if self.selection.sampling == "random":
            place = int(stream(self.seed, index, f"frame/{epoch}").integers(len(starts)))
        return self._window(number, place, augmentation)

    def _window(self, number: int, place: int, augmentation: Augmentation) -> dict:
        """Window ``place`` of a subject."""
        subject = self._subjects[number]
        views = []
        for camera in subject.cameras:
            raw = self._kept.get((number, place, camera), lambda camera=camera: self._read(subject, camera, place))
            views.append(make_sample(raw, self.needs, self.targets, augmentation, self.size))
        return views[0] if self.needs.cameras == 1 else stacked(views)

    def _read(self, subject: Subject, camera: str, place: int) -> RawSample:
        source = self._readers.clip(subject.path, subject.key)
        shown = source.shown(camera)
        one = self.needs.subject == "person"
        who = [subject.people[0][0]] if one else []
        return read_raw(
            source,
            camera,
            [person for person in subject.people if person[0] in shown],
            int(subject.starts[place]) + self.needs.spacing * np.arange(self.needs.length),
            "/".join((*self._readers.prefix(subject.path), subject.key, camera, *who)),
            **self._asked,
            only=subject.people[0][1] if one and not subject.alone else None,
        )

    def _find(self, index: int) -> tuple[int, int]:
        """The number of the subject that sample ``index`` belongs to, and its place there."""
        if not 0 <= index < self._ends[-1]:
            raise IndexError(f"Sample {index} of {self._ends[-1]}.")
        number = int(np.searchsorted(self._ends, index, side="right"))
        return number, index - (int(self._ends[number - 1]) if number else 0)


def texts(paths) -> tuple[str, ...]:
    """One path or several, as texts."""
    several = [paths] if isinstance(paths, (str, Place)) else list(paths)
    if not several:
        raise ConfigError("No data is given. Name a dataset, or several.")
    return tuple(str(path) for path in several)

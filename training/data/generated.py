"""Samples straight from the generator: every clip is new, and nothing is written.

A clip costs its drawing, posing, dressing and background once, whatever its length, and little for each frame more. So
clips are short, their frames far apart in time, and neighbouring samples are frames of one clip.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Protocol

import numpy as np
from torch.utils.data import Dataset

from mannequin.generator.catalog import Assets, Catalog
from mannequin.generator.clip import Clip
from mannequin.generator.config import SampleConfig
from mannequin.generator.dataset.source import MemorySource
from mannequin.generator.errors import ConfigError, RenderError
from mannequin.generator.sampling import resolve, sample_clip
from mannequin.generator.spec import ClipSpec
from mannequin.generator.streams import stream
from mannequin.training.data.crop import SIZE
from mannequin.training.data.needs import Needs
from mannequin.training.data.raw import read_raw, usable_frames
from mannequin.training.data.samples import drawn, make_sample, stacked
from mannequin.training.data.selection import Selection, asked_of_clips, channels_of, shared_frames, window_starts
from mannequin.training.targets.target import Target

FRAMES, FPS = 4, 2.5
"""Of a clip for single frames, where the config leaves them open: 0.4 s apart, a walker's legs have changed places."""

_EPOCH = 2**40  # clips; far above what an epoch uses
_ATTEMPT = 2**36  # clips; further on, another is drawn for one that shows nobody
_ATTEMPTS = 16

_Window = tuple[tuple[str, ...], tuple[str, ...], int]
"""Cameras, people and first frame of a window."""


class Renderer(Protocol):
    """What makes clips; as of mannequin.renderers.choice."""

    def render(self, spec: ClipSpec, outputs: Sequence[str]) -> Clip: ...


class GeneratedSamples(Dataset):
    """Endless samples as of :func:`mannequin.training.data.samples.make_sample`, indexed by (epoch, index).

    A sample follows from seed, config, assets and key alone. Samples index = k n … k n + n - 1 are the n windows of one
    clip, in an order of their own (n = frames of a clip, where samples are single frames); a loader that asks for them
    in order gets each clip for one rendering.
    """

    def __init__(
        self,
        config: SampleConfig,
        assets: Assets,
        seed: int,
        open_renderer: Callable[[Catalog], Renderer],
        needs: Needs,
        targets: tuple[Target, ...],
        augment: bool = True,
        size: int = SIZE,
    ):
        """open_renderer: a picklable function; it is called in the process that renders.

        Raises ConfigError for impossible options.
        """
        self.needs, self.targets = needs, targets
        self.config = resolve(_with_length(config, needs))
        length = self.config.frames
        if length <= needs.reach:
            raise ConfigError(
                f"--frames {length}: a sample of {needs.frames} frames, {needs.spacing} apart, does not fit in such a "
                f"clip. Give {needs.reach + 1} or more, or leave --frames out."
            )
        self.per_clip = length // (needs.reach + 1)
        self.assets, self.seed, self.augment, self.size = assets, seed, augment, size
        self._asked = asked_of_clips(needs, targets)
        self._outputs = (*(("rgb",) if needs.image else ()), *dict.fromkeys(("instance", *channels_of(targets))))
        self._open_renderer = open_renderer
        self._forget()

    def __getitem__(self, key: tuple[int, int]) -> dict:
        epoch, index = key
        if index < 0:
            raise IndexError(f"Sample {index}; expected 0 or more.")
        number, place = divmod(index, self.per_clip)
        for attempt in range(_ATTEMPTS):
            source, windows = self._rendered(epoch * _EPOCH + attempt * _ATTEMPT + number)
            if windows:
                return self._sample(source, windows[place % len(windows)], epoch, index)
        raise RenderError(
            f"{_ATTEMPTS} clips drawn for sample {index} show nobody in the middle of the image. "
            "Set keep_in_frame, or other motions."
        )

    def _sample(self, source: MemorySource, window: _Window, epoch: int, index: int) -> dict:
        cameras, names, start = window
        augmentation = drawn(self.augment, self.seed, epoch, index)
        one = self.needs.subject == "person"
        views = []
        for camera in cameras:
            raw = read_raw(
                source,
                camera,
                [(name, _instance(source, name)) for name in names if name in source.shown(camera)],
                start + self.needs.spacing * np.arange(self.needs.length),
                "/".join((source.spec.name, camera, *(names if one else ()))),
                **self._asked,
                only=_instance(source, names[0]) if one else None,
            )
            views.append(make_sample(raw, self.needs, self.targets, augmentation, self.size))
        return views[0] if self.needs.cameras == 1 else stacked(views)

    def _rendered(self, number: int) -> tuple[MemorySource, list[_Window]]:
        """Clip ``number`` and its windows to learn from, in an order drawn for it; the last one is kept."""
        if self._kept is None or self._kept[0] != number:
            catalog, renderer = self._opened()
            spec = sample_clip(self.config, catalog, self.seed, number)
            source = MemorySource(renderer.render(spec, self._outputs))
            windows = list(self._windows(source))
            order = stream(self.seed, number, "order").permutation(len(windows))
            self._kept = number, (source, [windows[k] for k in order])
        return self._kept[1]

    def _windows(self, source: MemorySource) -> Iterator[_Window]:
        everybody = [source.people] if self.needs.subject == "everybody" else [(name,) for name in source.people]
        for cameras in combinations(source.cameras, self.needs.cameras):
            for names in everybody:
                usable = shared_frames([_usable(source, camera, names) for camera in cameras])
                for start in window_starts(usable, source.num_frames, self.needs, Selection()):
                    yield cameras, names, int(start)

    def _opened(self) -> tuple[Catalog, Renderer]:
        """Catalog and renderer of this process."""
        if self._tools is None:
            catalog = Catalog(self.assets)
            self._tools = catalog, self._open_renderer(catalog)
        return self._tools

    def _forget(self) -> None:
        """What belongs to this process, and is not pickled."""
        self._tools: tuple[Catalog, Renderer] | None = None
        self._kept: tuple[int, tuple[MemorySource, list[_Window]]] | None = None

    def __getstate__(self):
        return self.__dict__ | {"_tools": None, "_kept": None}


def _with_length(config: SampleConfig, needs: Needs) -> SampleConfig:
    """With frames, and for single frames their rate, where they are open."""
    single = needs.frames is None
    frames = (FRAMES if single else needs.reach + 1) if config.frames is None else config.frames
    return replace(config, frames=frames, fps=FPS if single and config.fps is None else config.fps)


def _instance(source: MemorySource, name: str) -> int:
    return next(person.instance for person in source.spec.people if person.name == name)


def _usable(source: MemorySource, camera: str, names: tuple[str, ...]) -> np.ndarray:
    """Frames in which at least one of the people is fit to learn from."""
    found = [np.zeros(0, int)]
    for name in names:
        if name in source.shown(camera):
            found.append(usable_frames(source, camera, name))
    return np.unique(np.concatenate(found))

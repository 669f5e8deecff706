"""Samples straight from the generator: every clip is new, and nothing is written.

A clip costs its drawing, posing, dressing and background once, whatever its length, and little for each frame more. So
clips are short, their frames far apart in time, and neighbouring samples are frames of one clip.
"""

from collections.abc import Callable
from dataclasses import replace

from torch.utils.data import Dataset

from mannequin.generator.catalog import Assets, Catalog
from mannequin.generator.clip import Clip
from mannequin.generator.config import SampleConfig
from mannequin.generator.errors import RenderError
from mannequin.generator.sampling import resolve, sample_clip
from mannequin.generator.streams import stream
from mannequin.training.data.crop import SIZE, Augmentation, augmentation, crop_box, crop_matrix
from mannequin.training.data.samples import JOINTS, channels_of, make_sample, make_shot, usable_frames

FRAMES, FPS = 4, 2.5
"""Of a clip, where the config leaves them open: 0.4 s apart, a walker's legs have changed places."""

_EPOCH = 2**40  # clips; far above what an epoch uses
_ATTEMPT = 2**36  # clips; further on, another is drawn for one that shows nobody
_ATTEMPTS = 16


class GeneratedFrames(Dataset):
    """Endless samples as of :func:`mannequin.training.data.samples.make_sample`, indexed by (epoch, index).

    A sample follows from seed, config, assets and key alone. Samples index = k n … k n + n - 1 are the n frames of one
    clip, in an order of their own; a loader that asks for them in order gets each clip for one rendering.
    """

    def __init__(
        self,
        config: SampleConfig,
        assets: Assets,
        seed: int,
        open_renderer: Callable[[Catalog], object],
        labels: tuple[str, ...] = ("segm", "depth"),
        augment: bool = True,
        size: int = SIZE,
    ):
        """open_renderer: a picklable function of a Catalog; what it returns renders clips: ``render(spec, outputs) ->
        Clip``.

        It is called in the process that renders. Raises ConfigError for impossible options.
        """
        self.config = resolve(
            replace(
                config,
                frames=FRAMES if config.frames is None else config.frames,
                fps=FPS if config.fps is None else config.fps,
            )
        )
        self.assets, self.seed, self.labels, self.augment, self.size = assets, seed, labels, augment, size
        self._outputs = ("rgb", "instance", *channels_of(labels))
        self._open_renderer, self._tools, self._kept = open_renderer, None, (None, None)

    def __getitem__(self, key: tuple[int, int]) -> dict:
        epoch, index = key
        if index < 0:
            raise IndexError(f"Sample {index}; expected 0 or more.")
        number, place = divmod(index, self.config.frames)
        for attempt in range(_ATTEMPTS):
            clip, sights = self._rendered(epoch * _EPOCH + attempt * _ATTEMPT + number)
            if sights:
                return self._sample(clip, sights[place % len(sights)], epoch, index)
        raise RenderError(
            f"{_ATTEMPTS} clips drawn for sample {index} show nobody in the middle of the image. "
            "Set keep_in_frame, or other motions."
        )

    def _sample(self, clip: Clip, sight: tuple[str, str, int], epoch: int, index: int) -> dict:
        camera, name, t = sight
        view, instance = clip.views[camera], [p.name for p in clip.spec.people].index(name) + 1
        joints = {n: getattr(view.people[name], n)[t] for n in JOINTS}
        shot = make_shot(
            view.rgb[t], view.labels, t, instance, joints, self.labels, f"{clip.spec.name}/{camera}/{name}/{t}"
        )
        drawn = augmentation(stream(self.seed, index, f"augmentation/{epoch}")) if self.augment else Augmentation()
        return make_sample(shot, crop_matrix(crop_box(shot.joints2d), drawn, self.size), drawn.gains, self.size)

    def _rendered(self, number: int) -> tuple[Clip, list[tuple[str, str, int]]]:
        """Clip ``number`` and what of it can be learnt from, as (camera, person, frame) in an order drawn for it; the
        last one is kept."""
        if self._kept[0] != number:
            catalog, renderer = self._opened()
            spec = sample_clip(self.config, catalog, self.seed, number)
            clip = renderer.render(spec, self._outputs)
            fit = [
                (camera, name, int(t))
                for camera, view in clip.views.items()
                for name, person in view.people.items()
                for t in usable_frames(person.joints2d, person.pixels > 0, spec.resolution)
            ]
            order = stream(self.seed, number, "order").permutation(len(fit))
            self._kept = number, (clip, [fit[k] for k in order])
        return self._kept[1]

    def _opened(self):
        """Catalog and renderer of this process."""
        if self._tools is None:
            catalog = Catalog(self.assets)
            self._tools = catalog, self._open_renderer(catalog)
        return self._tools

    def __getstate__(self):
        return self.__dict__ | {"_tools": None, "_kept": (None, None)}

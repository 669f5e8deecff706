"""One clip, whatever holds it: what training, viewer, report and exporters ask of it.

:class:`ClipSource` is answered by our own files (:class:`mannequin.generator.dataset.native.ClipReader`), by those in
SURREAL's layout (:class:`mannequin.generator.dataset.surreal_reader.SurrealReader`) and by a clip in memory
(:class:`MemorySource`).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Self

import numpy as np

from mannequin.generator.body.model import MERGE_14
from mannequin.generator.clip import (
    DERIVED,
    LABELS,
    Clip,
    Foreground,
    ObjectTrack,
    ObjectView,
    PersonTrack,
    PersonView,
    View,
    class_of_instance,
)
from mannequin.generator.errors import ConfigError, unknown_name
from mannequin.generator.io.remote import Place
from mannequin.generator.spec import ClipSpec

PERSON_ARRAYS = tuple(field.name for field in fields(PersonView))
OBJECT_ARRAYS = tuple(field.name for field in fields(ObjectView))


class ClipSource(ABC):
    """One open clip of T frames of H × W pixels. A source derives from this class and so gets ``frame``, ``images``,
    ``in_sight``, ``person_view``, ``view`` and ``read``.

    Arrays that it gives are the caller's own. Frames are given as ``start`` and ``stop``, to the end by default.
    Errors: ConfigError for a camera, person, channel or frame that the clip lacks, naming those it has; DatasetError
    for files that are damaged.
    """

    @property
    @abstractmethod
    def path(self) -> Place | str:
        """The file; of a clip in memory its name."""

    @property
    @abstractmethod
    def spec(self) -> ClipSpec:
        """The description of the clip."""

    @property
    @abstractmethod
    def versions(self) -> Mapping[str, str]:
        """Of the software that rendered it; empty where that is not known."""

    @property
    @abstractmethod
    def agreement(self) -> Mapping[str, float]:
        """How far two renderers agreed; empty if one worked alone."""

    @property
    def num_frames(self) -> int:
        """T."""
        return self.spec.num_frames

    @property
    def resolution(self) -> tuple[int, int]:
        """(H, W)."""
        return self.spec.resolution

    @property
    @abstractmethod
    def cameras(self) -> tuple[str, ...]:
        """Names of the cameras recorded, in the order of the description."""

    @property
    @abstractmethod
    def people(self) -> tuple[str, ...]:
        """Names of the people recorded, in the order of the description."""

    @property
    def hands(self) -> tuple[str, ...]:
        """Names of the hands recorded that stand alone; none unless a source knows of them."""
        return ()

    @property
    def objects(self) -> tuple[str, ...]:
        """Names of the objects recorded; none unless a source knows of them."""
        return ()

    @abstractmethod
    def channels(self, camera: str) -> tuple[str, ...]:
        """Names of the image channels of ``camera``, in the order of CHANNELS."""

    @abstractmethod
    def shown(self, camera: str) -> tuple[str, ...]:
        """Names of the people whom ``camera`` recorded, in the order of the description."""

    def hands_shown(self, camera: str) -> tuple[str, ...]:
        """Names of the hands that ``camera`` recorded."""
        return ()

    def objects_shown(self, camera: str) -> tuple[str, ...]:
        """Names of the objects that ``camera`` recorded."""
        return ()

    @abstractmethod
    def K(self, camera: str) -> np.ndarray:
        """(T, 3, 3) float64 intrinsics of ``camera`` at each frame, pixels."""

    @abstractmethod
    def T_world_camera(self, camera: str) -> np.ndarray:
        """(T, 4, 4) float64 pose of ``camera`` at each frame."""

    @abstractmethod
    def rgb(self, camera: str, start: int = 0, stop: int | None = None) -> np.ndarray:
        """(stop - start, H, W, 3) uint8 sRGB."""

    @abstractmethod
    def labels(self, camera: str, channels: Iterable[str], start: int = 0, stop: int | None = None) -> Foreground:
        """Label ``channels`` of frames ``start`` to ``stop``; with none, where there is a surface."""

    @abstractmethod
    def person_arrays(
        self, camera: str, person: str, names: Iterable[str], start: int = 0, stop: int | None = None
    ) -> dict[str, np.ndarray]:
        """Of the PersonView of frames ``start`` to ``stop`` only the arrays ``names``, by name. person: or a hand."""

    @abstractmethod
    def track(self, person: str) -> PersonTrack:
        """``person``, or a hand, in the world."""

    def object_track(self, name: str) -> ObjectTrack:
        """An object in the world."""
        raise unknown_name("object", name, self.objects)

    def object_view(self, camera: str, name: str, start: int = 0, stop: int | None = None) -> ObjectView:
        """What ``camera`` saw of an object in frames ``start`` to ``stop``."""
        raise unknown_name("object", name, self.objects_shown(camera))

    def amodal(self, camera: str, thing: str, start: int = 0, stop: int | None = None) -> Foreground | None:
        """Without channels: the pixels in which ``camera`` would see a person, hand or object in frames ``start`` to
        ``stop`` if nothing else were there. None where that is not recorded."""
        if len(self.spec.things) > 1:
            return None
        known = [item.name for item in self.spec.things]
        if thing not in known:
            raise unknown_name("person, hand or object", thing, known)
        return self.labels(camera, (), start, stop)

    @abstractmethod
    def close(self) -> None:
        """Frees the files; nothing can be read after it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def frame(self, camera: str, channel: str, t: int) -> np.ndarray:
        """(H, W, …) image of ``channel``, those of DERIVED too, at frame ``t``; reads one frame only."""
        if channel == "rgb" or channel in DERIVED:
            return self.images(camera, channel, t, t + 1)[0]
        return self.labels(camera, (channel,), t, t + 1).frame(channel, 0)

    def images(self, camera: str, channel: str, start: int = 0, stop: int | None = None) -> np.ndarray:
        """(stop - start, H, W, …) images of ``channel``, those of DERIVED too."""
        if channel == "rgb":
            return self.rgb(camera, start, stop)
        if channel == "segm14":
            segm = self.images(camera, "segm", start, stop)
            return MERGE_14[np.minimum(segm, len(MERGE_14) - 1)]  # a damaged file may name parts beyond the last
        if channel == "category":
            return class_of_instance(self.spec)[self.images(camera, "instance", start, stop)]
        labels = self.labels(camera, (channel,), start, stop)
        return np.stack([labels.frame(channel, t) for t in range(labels.num_frames)])

    def in_sight(self, camera: str, person: str) -> np.ndarray:
        """(T,) bool, something of ``person`` is seen."""
        return self.person_arrays(camera, person, ("pixels",))["pixels"] > 0

    def person_view(self, camera: str, person: str, start: int = 0, stop: int | None = None) -> PersonView:
        """What ``camera`` saw of ``person`` in frames ``start`` to ``stop``."""
        return PersonView(**self.person_arrays(camera, person, PERSON_ARRAYS, start, stop))

    def view(self, camera: str) -> View:
        """All that ``camera`` recorded."""
        channels = self.channels(camera)
        labels = self.labels(camera, tuple(n for n in channels if n != "rgb"))
        rgb = self.rgb(camera) if "rgb" in channels else None
        people = {p: self.person_view(camera, p) for p in self.shown(camera)}
        hands = {h: self.person_view(camera, h) for h in self.hands_shown(camera)}
        objects = {o: self.object_view(camera, o) for o in self.objects_shown(camera)}
        masks = {name: self.amodal(camera, name) for name in (*people, *hands, *objects)}
        amodal = {name: mask for name, mask in masks.items() if mask is not None}
        return View(self.K(camera), self.T_world_camera(camera), rgb, labels, people, hands, objects, amodal)

    def read(self) -> Clip:
        """The whole clip in memory."""
        views = {c: self.view(c) for c in self.cameras}
        people = {p: self.track(p) for p in self.people}
        hands = {h: self.track(h) for h in self.hands}
        objects = {o: self.object_track(o) for o in self.objects}
        return Clip(self.spec, views, people, dict(self.agreement), dict(self.versions), hands, objects)

    def _span(self, start: int, stop: int | None) -> tuple[int, int]:
        """Frames ``start`` to ``stop``, which must be at least one and in the clip."""
        stop = self.num_frames if stop is None else stop
        if not 0 <= start < stop <= self.num_frames:
            raise ConfigError(
                f"Frames {start} to {stop} of a clip of {self.num_frames}; expected 0 ≤ first < last + 1 ≤ "
                f"{self.num_frames}."
            )
        return start, stop


class MemorySource(ClipSource):
    """A clip in memory, as a renderer gives it."""

    def __init__(self, clip: Clip):
        self.clip = clip

    @property
    def path(self) -> str:
        return self.spec.name

    @property
    def spec(self) -> ClipSpec:
        return self.clip.spec

    @property
    def versions(self) -> Mapping[str, str]:
        return self.clip.versions

    @property
    def agreement(self) -> Mapping[str, float]:
        return self.clip.agreement

    @property
    def cameras(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.spec.cameras if c.name in self.clip.views)

    @property
    def people(self) -> tuple[str, ...]:
        return tuple(p.name for p in self.spec.people if p.name in self.clip.people)

    @property
    def hands(self) -> tuple[str, ...]:
        return tuple(h.name for h in self.spec.hands if h.name in self.clip.hands)

    @property
    def objects(self) -> tuple[str, ...]:
        return tuple(o.name for o in self.spec.objects if o.name in self.clip.objects)

    def channels(self, camera: str) -> tuple[str, ...]:
        return self._view(camera).channels

    def shown(self, camera: str) -> tuple[str, ...]:
        view = self._view(camera)
        return tuple(p.name for p in self.spec.people if p.name in view.people)

    def hands_shown(self, camera: str) -> tuple[str, ...]:
        view = self._view(camera)
        return tuple(h.name for h in self.spec.hands if h.name in view.hands)

    def objects_shown(self, camera: str) -> tuple[str, ...]:
        view = self._view(camera)
        return tuple(o.name for o in self.spec.objects if o.name in view.objects)

    def K(self, camera: str) -> np.ndarray:
        return self._view(camera).K.copy()

    def T_world_camera(self, camera: str) -> np.ndarray:
        return self._view(camera).T_world_camera.copy()

    def rgb(self, camera: str, start: int = 0, stop: int | None = None) -> np.ndarray:
        start, stop = self._span(start, stop)
        view = self._view(camera)
        if view.rgb is None:
            raise unknown_name("channel", "rgb", view.channels)
        return view.rgb[start:stop].copy()

    def labels(self, camera: str, channels: Iterable[str], start: int = 0, stop: int | None = None) -> Foreground:
        start, stop = self._span(start, stop)
        view, labels = self._view(camera), self._view(camera).labels
        part, values = slice(*labels.offsets[[start, stop]]), {}
        for name in channels:
            if name not in LABELS or name not in labels.values:
                raise unknown_name("channel", name, view.channels)
            values[name] = labels.values[name][part].copy()
        offsets = labels.offsets[start : stop + 1] - labels.offsets[start]
        return Foreground(labels.resolution, offsets, labels.pixels[part].copy(), values)

    def person_arrays(
        self, camera: str, person: str, names: Iterable[str], start: int = 0, stop: int | None = None
    ) -> dict[str, np.ndarray]:
        start, stop = self._span(start, stop)
        people = {**self._view(camera).people, **self._view(camera).hands}
        if person not in people:
            raise unknown_name("person", person, people)
        return {name: getattr(people[person], name)[start:stop].copy() for name in names}

    def track(self, person: str) -> PersonTrack:
        tracks = {**self.clip.people, **self.clip.hands}
        if person not in tracks:
            raise unknown_name("person", person, tracks)
        return tracks[person]

    def object_track(self, name: str) -> ObjectTrack:
        if name not in self.clip.objects:
            raise unknown_name("object", name, self.objects)
        return self.clip.objects[name]

    def object_view(self, camera: str, name: str, start: int = 0, stop: int | None = None) -> ObjectView:
        start, stop = self._span(start, stop)
        objects = self._view(camera).objects
        if name not in objects:
            raise unknown_name("object", name, objects)
        return ObjectView(*(getattr(objects[name], key)[start:stop].copy() for key in OBJECT_ARRAYS))

    def amodal(self, camera: str, thing: str, start: int = 0, stop: int | None = None) -> Foreground | None:
        start, stop = self._span(start, stop)
        view = self._view(camera)
        if thing not in view.amodal:
            return super().amodal(camera, thing, start, stop)
        mask = view.amodal[thing]
        offsets = mask.offsets[start : stop + 1]
        return Foreground(mask.resolution, offsets - offsets[0], mask.pixels[offsets[0] : offsets[-1]].copy(), {})

    def read(self) -> Clip:
        """The clip itself."""
        return self.clip

    def close(self) -> None:
        """Nothing is to be freed."""

    def _view(self, camera: str) -> View:
        if camera not in self.clip.views:
            raise unknown_name("camera", camera, self.cameras)
        return self.clip.views[camera]

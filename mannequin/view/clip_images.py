"""The images of a clip as they are drawn: channels in colours, joints over them, several side by side."""

from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from mannequin.generator.colours import Legend, Style, colourise, fitted, legend
from mannequin.generator.dataset.source import ClipSource
from mannequin.generator.pictures import draw_amodal, draw_joints, in_front
from mannequin.sheet import Source
from mannequin.view.image_planes import Tile
from mannequin.view.seen import MOST_LISTED, SeenBy, seen_at

FLAT = ("segm", "segm14", "instance", "occluded", "occluded_backward", "chart")
"""Channels drawn in few colours."""

SAMPLES = 6
"""Frames that the ranges of depth and flow are fitted to."""

AT_REST, WITH_LINES = 900, 400
"""Rows of pixels that pictures are enlarged to at least: at rest, so that the browser does not blur
their pixels, and in motion where joints or outlines are drawn."""

LARGEST = 6
"""Times that a picture is enlarged at most."""


@dataclass(frozen=True)
class ImageOptions:
    """What the user wants to see, side by side: every camera's every channel.

    opacity: channels lie so thickly over the colour image; None shows them alone. joints: with boxes.
    people: whose joints are drawn; those of all if None.
    """

    cameras: tuple[str, ...] = ()
    channels: tuple[str, ...] = ("rgb",)
    opacity: float | None = None
    style: Style = Style()
    joints: bool = False
    names: bool = False
    people: tuple[str, ...] | None = None


@dataclass
class ClipImages:
    """Draws the images of one open clip."""

    reader: ClipSource
    _ranges: dict = field(default_factory=dict)
    _sources: dict[str, Source] = field(default_factory=dict)
    _names: dict = field(default_factory=dict)

    def drawn(self, options: ImageOptions) -> list[tuple[str, str]]:
        """(camera, channel) of each picture; a channel that a camera lacks is passed over."""
        return [
            (c, n)
            for c in options.cameras
            for n in options.channels
            if n in self.channels(c) and not self._beneath(options, c, n)
        ]

    def channels(self, camera: str) -> tuple[str, ...]:
        """Names of all that can be drawn of ``camera``."""
        return tuple(n for n in self.source(camera).shown if n != "joints")

    def source(self, camera: str) -> Source:
        """``camera`` with what was read of it already."""
        if camera not in self._sources:
            self._sources[camera] = Source(self.reader.spec.name, self.reader, camera)
        return self._sources[camera]

    def seen(self, cameras: tuple[str, ...], t: int) -> list[SeenBy]:
        """What each of ``cameras`` sees of everybody at frame ``t``."""
        found = []
        for source in map(self.source, cameras):
            bodies = sorted(source.bodies.items())
            listed = tuple(seen_at(n, i, source.person_view(n), t) for i, n in bodies[:MOST_LISTED])
            found.append(SeenBy(source.camera, listed, len(bodies) - len(listed)))
        return found

    def flat(self, options: ImageOptions) -> list[bool]:
        """For each picture, whether it is of few colours."""
        return [n in FLAT and options.opacity is None for _, n in self.drawn(options)]

    def tiles(self, options: ImageOptions, t: int, at_rest: bool) -> list[Tile]:
        """The pictures of frame ``t``, enlarged if they stay. Raises DatasetError if the file turns out to be
        damaged."""
        return [self._tile(options, camera, name, t, at_rest) for camera, name in self.drawn(options)]

    def legends(self, options: ImageOptions) -> list[tuple[str, Legend]]:
        """(channel, what its colours mean) for the channels shown; those of the first camera where ranges are
        fitted."""
        shown = {name: camera for camera, name in reversed(self.drawn(options))}
        found = []
        for n in (n for n in options.channels if n in shown):
            source = self.source(shown[n])
            names = source.bodies if n == "amodal" else source.instances
            found.append((n, legend(n, self.style(options.style, shown[n], n), names=names)))
        return [(n, meaning) for n, meaning in found if meaning is not None]

    def style(self, style: Style, camera: str, name: str) -> Style:
        """``style`` with its open range fitted to frames from all of the clip, so that playing does not change
        colours."""
        kind = name.removesuffix("_backward")
        if kind not in ("depth", "flow") or getattr(style, kind) is not None:
            return style
        key = camera, name
        if key not in self._ranges:
            frames = sorted({int(t) for t in np.linspace(0, self.reader.spec.num_frames - 1, SAMPLES)})
            values = [self.reader.labels(camera, (name,), t, t + 1).values[name] for t in frames]
            self._ranges[key] = getattr(fitted(Style(), **{kind: np.concatenate(values)}), kind)
        return replace(style, **{kind: self._ranges[key]})

    def _beneath(self, options: ImageOptions, camera: str, name: str) -> bool:
        """Whether the colour image is not shown for itself, since others lie over it."""
        others = set(options.channels) & set(self.channels(camera)) - {"rgb"}
        return name == "rgb" and options.opacity is not None and bool(others)

    def _tile(self, options: ImageOptions, camera: str, name: str, t: int, at_rest: bool) -> Tile:
        picture = self._picture(options, camera, name, t)
        has_lines = options.joints or options.names or name == "amodal"
        rows = AT_REST if at_rest else WITH_LINES if has_lines else 0
        times = max(1, min(LARGEST, -(-rows // len(picture))))
        picture = cv2.resize(picture, None, fx=times, fy=times, interpolation=cv2.INTER_NEAREST)
        if name == "amodal":
            picture = draw_amodal(picture, self.source(camera).amodal(t, options.people))
        if options.joints or options.names:
            picture = self._with_joints(picture, options, camera, t, times)
        return Tile(f"{camera} · {name}" if len(options.cameras) > 1 else name, picture)

    def _picture(self, options: ImageOptions, camera: str, name: str, t: int) -> np.ndarray:
        if name == "rgb" or (name == "amodal" and "rgb" in self.reader.channels(camera)):
            return self.reader.frame(camera, "rgb", t)
        if name == "amodal":
            mask = self.reader.labels(camera, (), t, t + 1).mask(0)
            return np.where(mask, 90, 0)[..., None].repeat(3, -1).astype(np.uint8)
        source = "segm" if name == "segm14" else name
        labels = self.reader.labels(camera, (source,), t, t + 1)
        image = self.reader.frame(camera, name, t) if name == "segm14" else labels.frame(name, 0)
        mask = labels.mask(0)
        colours = colourise(image, mask, name, self.style(options.style, camera, name))
        if options.opacity is None or "rgb" not in self.reader.channels(camera):
            return colours
        under = self.reader.frame(camera, "rgb", t)
        mixed = np.rint(options.opacity * colours + (1 - options.opacity) * under).astype(np.uint8)
        return np.where(mask[..., None], mixed, under)

    def _with_joints(self, picture: np.ndarray, options: ImageOptions, camera: str, t: int, times: int) -> np.ndarray:
        source = self.source(camera)
        shown = [p for p in self.reader.shown(camera) if options.people is None or p in options.people]
        views = {person: source.person_view(person) for person in shown}
        if options.joints:
            picture = draw_joints(picture, views.values(), t, times, source.values(views))
        for person, view in views.items():
            if options.names:
                _write(picture, self._joint_names(person), view.joints2d[t] * times, in_front(view, t))
        return picture

    def _joint_names(self, person: str) -> tuple[str, ...]:
        if person not in self._names:
            self._names[person] = self.reader.track(person).joint_names
        return self._names[person]


def _write(picture: np.ndarray, names: tuple[str, ...], at: np.ndarray, drawn: np.ndarray) -> None:
    """Draws ``names`` on ``picture``, beside the pixels ``at`` (J, 2), where ``drawn`` (J,)."""
    h, w = picture.shape[:2]
    size = max(0.3, h / 2200)
    for name, (x, y), is_drawn in zip(names, at, drawn):
        if is_drawn and 0 <= x < w and 0 <= y < h:
            place = int(x) + 5, int(y) - 3
            cv2.putText(picture, name, place, cv2.FONT_HERSHEY_SIMPLEX, size, (0, 0, 0), 3, cv2.LINE_AA)
            cv2.putText(picture, name, place, cv2.FONT_HERSHEY_SIMPLEX, size, (255, 255, 255), 1, cv2.LINE_AA)

"""The native clip file: one HDF5 file holds one clip. No other module knows the format.

``docs/format.md`` describes it for readers without this package. ``benchmarks/container.py``
holds the measurement behind the choices: labels are kept only where there is a surface, as
integers with the pixel axis last; what compresses well is deflated at level 1, what does not is
stored. Every chunk and every header carries a checksum, and the whole content a sha256.

The file is built in memory and written in one go, so the disk sees no half clip. The same clip
gives the same bytes: nothing of the time, the machine or the process goes in.
"""

import hashlib
import json
import math
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import h5py
import numpy as np

from mannequin.generator.body.model import MERGE_14, PARTS, PARTS_14
from mannequin.generator.clip import CHANNELS, LABELS, Clip, Foreground, PersonTrack, PersonView, View
from mannequin.generator.dataset import images
from mannequin.generator.dataset.packing import SCALES, WIDTHS, dequantise, from_runs, quantise, to_runs
from mannequin.generator.errors import ConfigError, DatasetError, MannequinError, unknown_name
from mannequin.generator.io import limits
from mannequin.generator.io.atomic import write_bytes
from mannequin.generator.io.hdf5 import Hdf5Array, Hdf5File, open_hdf5, open_hdf5_bytes
from mannequin.generator.io.reading import parse_json
from mannequin.generator.io.remote import Place, RemotePath, place
from mannequin.generator.records import from_plain
from mannequin.generator.spec import ClipSpec

FORMAT = "mannequin-clip"
FORMAT_VERSION = 1
SUFFIX = ".h5"

EFFORTS = ("fast", "small")
"""fast: deflate level 1, and only what shrinks readily. small: level 4 on everything."""

_STORED_AS_IS = ("normal", "uv", "chart_uv")  # with "fast": two thirds of the time for a fifth of the bytes
_PIXEL_BYTES = 20  # while runs are expanded
_MB = 1 << 20
_PERSON_VIEW = {
    "joints2d": ("float32", "TJ2"),
    "joints_camera": ("float32", "TJ3"),
    "in_frame": ("bool", "TJ"),
    "visible": ("bool", "TJ"),
    "box": ("float32", "T4"),
    "pixels": ("int32", "T"),
}
_TRACK = {
    "pose": ("float32", "TJ3"),
    "betas": ("float32", "S"),
    "transl": ("float32", "T3"),
    "joints": ("float32", "TJ3"),
}


def write_clip(path: Place | str, clip: Clip, rgb: str = "jpeg", effort: str = "fast") -> int:
    """Write ``clip`` whole or not at all; returns the bytes written.

    rgb: "jpeg" (quality 95, 4:4:4) or "png" (lossless). effort: one of EFFORTS.
    Raises DatasetError if the system refuses to write, ValueError for a clip that contradicts itself.
    """
    return write_bytes(place(path), clip_bytes(clip, rgb, effort))


def clip_bytes(clip: Clip, rgb: str = "jpeg", effort: str = "fast") -> memoryview:
    """The content of the file that :func:`write_clip` writes."""
    if rgb not in images.ENCODINGS:
        raise unknown_name("image encoding", rgb, images.ENCODINGS)
    if effort not in EFFORTS:
        raise unknown_name("effort", effort, EFFORTS)
    with h5py.File("clip", "w", driver="core", backing_store=False, libver=("v110", "v110")) as file:
        _write(_Writer(file, effort), clip, rgb)
        file.flush()
        return memoryview(file.id.get_file_image())


def read_clip(path: Place | str) -> Clip:
    """The whole clip in memory. Raises DatasetError for anything that :func:`write_clip` did not write."""
    with open_clip(path) as reader:
        return reader.read()


def open_clip(path: Place | str) -> "ClipReader":
    """A reader that loads only what is asked for; close it, or use it in a ``with`` block."""
    return ClipReader(place(path))


def verify_clip(path: Place | str) -> list[str]:
    """What is wrong with the file, as sentences; empty if it is sound. Reads and decodes all of it."""
    try:
        with open_clip(path) as reader:
            reader.read()
            return reader.check_content()
    except DatasetError as e:
        return [str(e)]


@dataclass(frozen=True)
class _Who:
    """Of a camera's or a person's description, what tells where it is in the file. joints: of a person."""

    name: str
    joints: int = 24


@dataclass(frozen=True)
class _Outline:
    """Of a description, what the shapes of arrays follow from: its own parsing takes longer than reading a frame."""

    num_frames: int
    resolution: tuple[int, int]
    people: tuple[_Who, ...]
    cameras: tuple[_Who, ...]

    def __post_init__(self):
        if self.num_frames < 1 or min(self.resolution) < 1:
            raise ConfigError(f"ClipSpec has {self.num_frames} frames of {self.resolution} pixels; expected some.")


class ClipReader:
    """One open clip file, of which everything is read and checked when it is asked for."""

    def __init__(self, path: Place):
        self.path = path
        self._file = _open(path)
        self._offsets_of, self._seen_of, self._found = {}, {}, set()
        try:
            with self._guard():
                self._check_format()
                self._spec_text = self._text("spec")
                self._outline = _outline(parse_json(self._spec_text, "/spec", "what the writer left", DatasetError))
        except BaseException:
            self.close()
            raise

    @cached_property
    def spec(self) -> ClipSpec:
        """The description that the clip was rendered from."""
        with self._guard():
            return ClipSpec.from_json(self._spec_text)

    @cached_property
    def versions(self) -> dict[str, str]:
        """Of the software that rendered it."""
        with self._guard():
            return self._json("versions", str)

    @cached_property
    def agreement(self) -> dict[str, float]:
        """How far two renderers agreed; empty if one worked alone."""
        with self._guard():
            return self._json("agreement", (int, float))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        """Frees the file; the reader cannot be used after it."""
        self._file.close()

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names of the cameras recorded, in the order of the description."""
        return self._names("views", self._outline.cameras)

    @property
    def people(self) -> tuple[str, ...]:
        """Names of the people recorded, in the order of the description."""
        return self._names("people", self._outline.people)

    def channels(self, camera: str) -> tuple[str, ...]:
        """Names of the image channels of ``camera``, in the order of CHANNELS."""
        view = self._view(camera)
        return tuple(n for n in CHANNELS if self._has(f"{view}/rgb" if n == "rgb" else f"{view}/labels/{n}"))

    def K(self, camera: str) -> np.ndarray:
        """(3, 3) float64 intrinsics, pixels."""
        group = self._view(camera)
        with self._guard():
            return self._array(f"{group}/K", "float64", (3, 3))

    def T_world_camera(self, camera: str) -> np.ndarray:
        """(T, 4, 4) float64 pose of ``camera`` at each frame."""
        group = self._view(camera)
        with self._guard():
            return self._array(f"{group}/T_world_camera", "float64", (self._outline.num_frames, 4, 4))

    def shown(self, camera: str) -> tuple[str, ...]:
        """Names of the people whom ``camera`` recorded, in the order of the description."""
        group = self._view(camera)
        names = self._names(f"{group}/people", self._outline.people)
        if absent := set(names) - set(self.people):
            raise self._damaged(f"/{group} shows {sorted(absent)[0]!r}, of whom /people holds nothing")
        return names

    def frame(self, camera: str, channel: str, t: int) -> np.ndarray:
        """(H, W, …) image of ``channel`` ("segm14" too) at frame ``t``; reads one frame only."""
        if channel == "rgb":
            return self.rgb(camera, t, t + 1)[0]
        if channel == "segm14":
            return self._merged(self.frame(camera, "segm", t))
        return self.labels(camera, (channel,), t, t + 1).frame(channel, 0)

    def images(self, camera: str, channel: str, start: int = 0, stop: int | None = None) -> np.ndarray:
        """(stop - start, H, W, …) images of frames ``start`` to ``stop``; to the end by default."""
        if channel == "rgb":
            return self.rgb(camera, start, stop)
        if channel == "segm14":
            return self._merged(self.images(camera, "segm", start, stop))
        labels = self.labels(camera, (channel,), start, stop)
        return np.stack([labels.frame(channel, t) for t in range(labels.num_frames)])

    def labels(self, camera: str, channels, start: int = 0, stop: int | None = None) -> Foreground:
        """Label ``channels`` of frames ``start`` to ``stop``; with none, where there is a surface."""
        start, stop = self._span(start, stop)
        group = f"{self._view(camera)}/labels"
        for name in channels:
            if name not in LABELS or not self._has(f"{group}/{name}"):
                raise unknown_name("channel", name, self.channels(camera))
        with self._guard():
            offsets, run_offsets = self._offsets(f"{group}/frame_offsets"), self._offsets(f"{group}/run_offsets")
            runs = self._part(f"{group}/runs", ("uint32",), (2,), run_offsets, start, stop)
            values = {
                n: dequantise(n, self._part(f"{group}/{n}", *_stored_as(n), offsets, start, stop)) for n in channels
            }
            offsets = offsets[start : stop + 1] - offsets[start]
            pixels = self._pixels(runs, run_offsets[start : stop + 1], offsets)
            return Foreground(self._outline.resolution, offsets, pixels, values)

    def rgb(self, camera: str, start: int = 0, stop: int | None = None) -> np.ndarray:
        """(stop - start, H, W, 3) uint8 sRGB."""
        start, stop = self._span(start, stop)
        group = f"{self._view(camera)}/rgb"
        if not self._has(group):
            raise unknown_name("channel", "rgb", self.channels(camera))
        with self._guard():
            offsets = self._offsets(f"{group}/frame_offsets")
            data = self._part(f"{group}/data", ("uint8",), (), offsets, start, stop)
            _check_room(group, (stop - start) * math.prod(self._outline.resolution) * 3)
            at = offsets[start : stop + 1] - offsets[start]
            frames = [images.decode(data[a:b], self._outline.resolution) for a, b in pairwise(at)]
            return frames[0][None] if len(frames) == 1 else np.stack(frames)

    def person_view(self, camera: str, person: str, start: int = 0, stop: int | None = None) -> PersonView:
        """What ``camera`` saw of ``person`` in frames ``start`` to ``stop``; to the end by default."""
        return PersonView(**self.person_arrays(camera, person, _PERSON_VIEW, start, stop))

    def person_arrays(
        self, camera: str, person: str, names, start: int = 0, stop: int | None = None
    ) -> dict[str, np.ndarray]:
        """Of a PersonView only the arrays ``names``, by name."""
        start, stop = self._span(start, stop)
        group = f"{self._view(camera)}/people/{person}"
        if not self._has(group) or person not in self.people:
            raise unknown_name("person", person, self.people)
        return {name: self._seen(group, name, person)[start:stop].copy() for name in names}

    def in_sight(self, camera: str, person: str) -> np.ndarray:
        """(T,) bool, something of ``person`` is seen."""
        return self.person_arrays(camera, person, ("pixels",))["pixels"] > 0

    def track(self, person: str) -> PersonTrack:
        """``person`` in the world."""
        if person not in self.people:
            raise unknown_name("person", person, self.people)
        group, joints = f"people/{person}", self._joints(person)
        with self._guard():
            about = self._file.attributes(group)
            names = tuple(str(n) for n in np.atleast_1d(about["joint_names"]))
            if len(names) != joints:
                raise self._damaged(f"/{group} names {len(names)} joints; expected {joints}")
            vertices = self._array(f"{group}/vertices", "float32", "TV3") if self._has(f"{group}/vertices") else None
            arrays = self._arrays(group, _TRACK, joints)
            return PersonTrack(str(about["body"]), str(about["gender"]), joint_names=names, vertices=vertices, **arrays)

    def view(self, camera: str) -> View:
        """All that ``camera`` recorded."""
        channels = self.channels(camera)
        labels = self.labels(camera, tuple(n for n in channels if n != "rgb"))
        rgb = self.rgb(camera) if "rgb" in channels else None
        people = {p: self.person_view(camera, p) for p in self.shown(camera)}
        with self._guard():
            return View(self.K(camera), self.T_world_camera(camera), rgb, labels, people)

    def read(self) -> Clip:
        """The whole clip in memory."""
        views = {c: self.view(c) for c in self.cameras}
        people = {p: self.track(p) for p in self.people}
        with self._guard():
            return Clip(self.spec, views, people, self.agreement, self.versions)

    def check_content(self) -> list[str]:
        """Compares every dataset and attribute with the sha256 that the writer left."""
        with self._guard():
            arrays, attributes, names = {}, {}, []
            file = self._file.whole()
            file.visit(names.append)
            for name in ("/", *names):
                _collect(file[name], arrays, attributes)
            told = attributes["/"].pop("sha256", None)
            if told != _digest(arrays, attributes):
                return [f"{self.path}: the content does not match its sha256. Delete the clip and render it again."]
        return []

    def _check_format(self):
        about = self._file.attributes("")
        kind, version = about.get("format"), about.get("format_version")
        if not isinstance(kind, str) or kind != FORMAT:
            raise DatasetError(
                f"{self.path} is an HDF5 file, but not a Mannequin clip (no attribute format = {FORMAT!r})."
            )
        if version != FORMAT_VERSION:
            raise DatasetError(
                f"{self.path} has format version {version}; this release reads {FORMAT_VERSION}. "
                "Read it with the release that wrote it, or render the clip again."
            )

    def _has(self, path: str) -> bool:
        if path not in self._found:
            with self._guard():
                if path not in self._file:
                    return False
            self._found.add(path)
        return True

    def _names(self, path: str, items) -> tuple[str, ...]:
        return tuple(item.name for item in items if self._has(f"{path}/{item.name}"))

    def _view(self, camera: str) -> str:
        """Path of the group of ``camera``."""
        if not any(c.name == camera for c in self._outline.cameras) or not self._has(f"views/{camera}"):
            raise unknown_name("camera", camera, self.cameras)
        return f"views/{camera}"

    @staticmethod
    def _merged(segm: np.ndarray) -> np.ndarray:
        return MERGE_14[np.minimum(segm, len(MERGE_14) - 1)]

    def _joints(self, person: str) -> int:
        return next(p.joints for p in self._outline.people if p.name == person)

    def _span(self, start, stop):
        count = self._outline.num_frames
        stop = count if stop is None else stop
        if not 0 <= start < stop <= count:
            raise ConfigError(
                f"Frames {start} to {stop} of a clip of {count}; expected 0 ≤ first < last + 1 ≤ {count}."
            )
        return start, stop

    def _pixels(self, runs, run_offsets, offsets) -> np.ndarray:
        """(2, R) runs → (N,) pixels, having checked that they fit the image and the frames."""
        h, w = self._outline.resolution
        first, count = runs.astype(np.int64)
        ends = np.concatenate([[0], np.cumsum(count)])
        if (
            not np.array_equal(ends[run_offsets - run_offsets[0]], offsets)
            or (first + count > h * w).any()
            or (count < 1).any()
        ):
            raise self._damaged("the runs of pixels do not fit the frames")
        _check_room("the pixels of all frames", int(ends[-1]) * _PIXEL_BYTES)
        return from_runs(runs)

    def _offsets(self, path: str) -> np.ndarray:
        """(T + 1,) int64, kept; checked to start at 0 and never to fall."""
        if path not in self._offsets_of:
            offsets = self._array(path, "int64", (self._outline.num_frames + 1,))
            if offsets[0] != 0 or (offsets[1:] < offsets[:-1]).any():
                raise self._damaged(f"/{path} does not ascend from 0")
            self._offsets_of[path] = offsets
        return self._offsets_of[path]

    def _seen(self, group: str, name: str, person: str) -> np.ndarray:
        """An array of a PersonView over all frames, kept."""
        path = f"{group}/{name}"
        if path not in self._seen_of:
            with self._guard():
                self._seen_of[path] = self._array(path, *_PERSON_VIEW[name], self._joints(person))
        return self._seen_of[path]

    def _part(self, path, dtypes, lead, offsets, start, stop) -> np.ndarray:
        """Entries of frames ``start`` to ``stop`` along the last axis of a dataset shaped ``lead`` + (N,)."""
        item = self._file.array(path)
        want = lead + (int(offsets[-1]),)
        if item.dtype not in dtypes or item.shape != want:
            raise self._damaged(f"/{path} is {item.dtype} {item.shape}; expected {' or '.join(dtypes)} {want}")
        part = int(offsets[stop] - offsets[start])
        _check_room(path, math.prod(lead) * part * item.dtype.itemsize)
        return item.read(int(offsets[start]), int(offsets[stop]))

    def _arrays(self, group: str, layout, joints: int) -> dict[str, np.ndarray]:
        return {name: self._array(f"{group}/{name}", dtype, shape, joints) for name, (dtype, shape) in layout.items()}

    def _array(self, path, dtype, shape, joints=None) -> np.ndarray:
        """A whole dataset. shape: sizes, None for any, or letters as in :func:`_sizes`."""
        item = self._file.array(path)
        want = _sizes(shape, self._outline.num_frames, joints) if isinstance(shape, str) else shape
        if item.dtype != dtype or not _fits(item.shape, want):
            raise self._damaged(f"/{path} is {item.dtype} {item.shape}; expected {dtype} {want}")
        _check_room(path, item.nbytes)
        return self._file.read(path)

    def _text(self, name: str) -> str:
        if self._file.array(name).nbytes > limits.JSON_BYTES:
            raise self._damaged(f"/{name} has more than {limits.JSON_BYTES} bytes of text")
        return self._array(name, "uint8", (None,)).tobytes().decode("utf-8")

    def _json(self, name: str, kind) -> dict:
        plain = parse_json(self._text(name), f"/{name}", "what the writer left", DatasetError)
        if not isinstance(plain, dict) or not all(isinstance(v, kind) for v in plain.values()):
            raise self._damaged(f"/{name} is not a JSON object of plain values")
        return plain

    def _damaged(self, what: str) -> DatasetError:
        return DatasetError(f"{self.path} is damaged: {what}. Delete the clip and render it again.")

    @contextmanager
    def _guard(self):
        """Translates what h5py, JSON and numpy say of a bad file."""
        try:
            yield
        except DatasetError as e:
            raise e if str(self.path) in str(e) else self._damaged(str(e)) from e
        except ConfigError as e:
            if str(e).startswith("Unknown "):
                raise
            raise self._damaged(str(e)) from e
        except MannequinError:
            raise
        except (
            OSError,
            KeyError,
            ValueError,
            TypeError,
            AttributeError,
            RuntimeError,
            OverflowError,
            RecursionError,
            MemoryError,
        ) as e:
            raise self._damaged(f"{type(e).__name__}: {e}") from e


class _Writer:
    """Puts arrays into an HDF5 file and remembers them for the sha256."""

    def __init__(self, file: h5py.File, effort: str):
        self.file, self.effort = file, effort
        self.arrays, self.attributes = {}, {}

    def array(self, path: str, array: np.ndarray, chunk: tuple[int, ...] | None = None, deflate: bool = False):
        """One dataset; ``chunk`` is its chunk shape (default: about 1 MB along the first axis)."""
        array = np.ascontiguousarray(array)
        options = {}
        if array.size:
            options = {"chunks": chunk or _chunk(array), "fletcher32": True}
        if array.size and (deflate or self.effort == "small"):
            level = 1 if self.effort == "fast" else 4
            options |= {"compression": "gzip", "compression_opts": level, "shuffle": array.itemsize > 1}
        self.file.create_dataset(path, data=array, **options)
        self.arrays[path] = array

    def text(self, path: str, text: str):
        self.array(path, np.frombuffer(text.encode("utf-8"), np.uint8), deflate=True)

    def about(self, path: str, **attributes):
        item = self.file.require_group(path) if path not in self.file else self.file[path]
        for name, value in attributes.items():
            item.attrs[name] = value
        self.attributes.setdefault(path, {}).update({n: _plain(v) for n, v in attributes.items()})


def _write(out: _Writer, clip: Clip, encoding: str) -> None:
    _check_names(clip)
    out.about("/", format=FORMAT, format_version=FORMAT_VERSION, parts=PARTS, parts_14=PARTS_14, merge_14=MERGE_14)
    out.text("/spec", clip.spec.to_json())
    out.text("/versions", json.dumps(clip.versions))
    out.text("/agreement", json.dumps(clip.agreement, allow_nan=False))
    out.about("/views")
    out.about("/people")
    for camera in (c.name for c in clip.spec.cameras if c.name in clip.views):
        _write_view(out, f"/views/{camera}", clip.views[camera], clip.spec, encoding)
    for person in (p for p in clip.spec.people if p.name in clip.people):
        _write_track(out, f"/people/{person.name}", clip.people[person.name], clip.spec, person.joints)
    out.file.attrs["sha256"] = _digest(out.arrays, out.attributes)


def _check_names(clip: Clip) -> None:
    for kind, items, given in (("camera", clip.spec.cameras, clip.views), ("person", clip.spec.people, clip.people)):
        known = [item.name for item in items]
        for name in given:
            if name not in known:
                raise unknown_name(kind, name, known)
            if name == "." or "\0" in name:
                raise ConfigError(f"A {kind} is called {name!r}; HDF5 needs a name other than '.' and without NUL.")


def _write_view(out: _Writer, path: str, view: View, spec: ClipSpec, encoding: str) -> None:
    t = spec.num_frames
    out.about(path, resolution=np.array(spec.resolution), fps=float(spec.fps))
    out.array(f"{path}/K", _checked("K", view.K, "float64", (3, 3)))
    out.array(f"{path}/T_world_camera", _checked("T_world_camera", view.T_world_camera, "float64", (t, 4, 4)))
    _write_labels(out, f"{path}/labels", view.labels)
    if view.rgb is not None:
        _write_rgb(out, f"{path}/rgb", view.rgb, encoding)
    out.about(f"{path}/people")
    for person in (p for p in spec.people if p.name in view.people):
        seen = view.people[person.name]
        for name, (dtype, shape) in _PERSON_VIEW.items():
            value = _checked(name, getattr(seen, name), dtype, shape, t, person.joints)
            out.array(f"{path}/people/{person.name}/{name}", value)


def _write_labels(out: _Writer, path: str, labels: Foreground) -> None:
    _check_foreground(labels)
    n, t = len(labels.pixels), labels.num_frames
    length = max(1, min(n, 1 << int(np.clip(n / t * 1.25, 1024, 65536)).bit_length()))
    runs, run_offsets = to_runs(labels.pixels, labels.offsets)
    out.array(f"{path}/frame_offsets", labels.offsets, deflate=True)
    out.array(f"{path}/run_offsets", run_offsets, deflate=True)
    out.array(f"{path}/runs", runs, (2, min(runs.shape[1], 4096)) if n else None, deflate=True)
    for name in (c for c in LABELS if c in labels.values):
        stored, c = quantise(name, labels.values[name]), CHANNELS[name]
        out.array(f"{path}/{name}", stored, stored.shape[:-1] + (length,), deflate=name not in _STORED_AS_IS)
        out.about(
            f"{path}/{name}",
            scale=SCALES.get(name, 1.0),
            unit=c.unit,
            frame=c.frame,
            background=c.background,
            meaning=c.meaning,
        )


def _check_foreground(labels: Foreground) -> None:
    h, w = labels.resolution
    offsets, pixels = labels.offsets, labels.pixels
    inner = np.ones(len(pixels), bool)
    inner[offsets[:-1][offsets[:-1] < len(pixels)]] = False
    ascending = (pixels[1:] > pixels[:-1]) | ~inner[1:]
    if pixels.dtype != np.uint32 or offsets.dtype != np.int64:
        raise ValueError(
            f"Foreground has {pixels.dtype} pixels and {offsets.dtype} offsets; expected uint32 and int64."
        )
    if offsets[0] != 0 or offsets[-1] != len(pixels) or (np.diff(offsets) < 0).any():
        raise ValueError(
            f"Foreground.offsets run from {offsets[0]} to {offsets[-1]}; expected to ascend from 0 to {len(pixels)}."
        )
    if len(pixels) and (pixels.max() >= h * w or not ascending.all()):
        raise ValueError(f"Foreground.pixels must ascend within each frame and stay below {h * w}.")


def _write_rgb(out: _Writer, path: str, rgb: np.ndarray, encoding: str) -> None:
    coded = [images.encode(image, encoding) for image in rgb]
    ends = np.cumsum([len(c) for c in coded])
    out.array(f"{path}/frame_offsets", np.concatenate([[0], ends]).astype(np.int64))
    out.array(f"{path}/data", np.concatenate(coded), (min(int(ends[-1]), 65536),))
    out.about(path, encoding=encoding, unit=CHANNELS["rgb"].unit, meaning=CHANNELS["rgb"].meaning)


def _write_track(out: _Writer, path: str, track: PersonTrack, spec: ClipSpec, joints: int) -> None:
    out.about(path, body=track.body, gender=track.gender, joint_names=track.joint_names)
    for name, (dtype, shape) in _TRACK.items():
        out.array(f"{path}/{name}", _checked(name, getattr(track, name), dtype, shape, spec.num_frames, joints))
    if track.vertices is not None:
        vertices = _checked("vertices", track.vertices, "float32", "TV3", spec.num_frames)
        out.array(f"{path}/vertices", vertices, (1,) + vertices.shape[1:] if vertices.size else None)


def _checked(name, array, dtype, shape, frames=None, joints=None) -> np.ndarray:
    """``array`` if it is what the file promises; shape as in ClipReader._array."""
    want = _sizes(shape, frames, joints) if isinstance(shape, str) else shape
    if array.dtype.name != dtype or not _fits(array.shape, want):
        raise ValueError(f"{name} is {array.dtype} {array.shape}; expected {dtype} {want}.")
    return array


def _sizes(letters: str, frames: int, joints: int | None) -> tuple[int | None, ...]:
    """Sizes of axes: T frames, J joints, S and V any (None), a digit that many."""
    known = {"T": frames, "J": joints, "S": None, "V": None}
    return tuple(known[s] if s in known else int(s) for s in letters)


def _fits(shape, want) -> bool:
    return len(shape) == len(want) and all(w is None or w == s for w, s in zip(want, shape))


def _chunk(array: np.ndarray) -> tuple[int, ...]:
    if array.ndim == 0:
        raise ValueError("A scalar cannot carry a checksum; expected an array.")
    rows = max(1, _MB // max(1, array.nbytes // array.shape[0]))
    return (min(rows, array.shape[0]),) + array.shape[1:]


def _stored_as(name: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Integer types that a channel may have in the file, and its axes before the pixel axis."""
    return WIDTHS.get(name, (CHANNELS[name].dtype,)), CHANNELS[name].shape


def _open(path: Place) -> Hdf5File:
    if isinstance(path, RemotePath):  # fetched whole: its many small parts would each cost a journey
        return open_hdf5_bytes(path.read_bytes(limits.CLIP_ARRAY_BYTES, "a clip file"), path)
    return open_hdf5(path)


def _outline(plain) -> _Outline:
    """Of a description as plain values. Raises ConfigError where it is none."""
    whole = plain if isinstance(plain, dict) else {}
    chosen = {name: whole[name] for name in ("num_frames", "resolution") if name in whole}
    for name, known in (("people", ("name", "joints")), ("cameras", ("name",))):
        items = whole.get(name)
        chosen[name] = (
            [{k: i[k] for k in known if k in i} for i in items if isinstance(i, dict)]
            if isinstance(items, list)
            else []
        )
    return from_plain(_Outline, chosen, "ClipSpec")


def _check_room(what: str, size: int) -> None:
    if size > limits.CLIP_ARRAY_BYTES:
        raise DatasetError(
            f"{what} takes {size} bytes; at most {limits.CLIP_ARRAY_BYTES} are read at once. Read fewer "
            "frames at a time."
        )


def _collect(item, arrays: dict, attributes: dict) -> None:
    """Adds an object of the file to what the sha256 covers."""
    attributes[item.name] = {n: _plain(v) for n, v in item.attrs.items()}
    if isinstance(item, h5py.Dataset):
        stored = Hdf5Array(item.id, item.name[1:])
        _check_room(item.name, stored.nbytes)
        arrays[item.name] = stored.read()


def _plain(value):
    if isinstance(value, (tuple, list, np.ndarray)):
        return [_plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


def _digest(arrays: dict, attributes: dict) -> str:
    """sha256 of names, types, shapes, values and attributes, in the order of the names."""
    total = hashlib.sha256()
    for path in sorted(arrays):
        array = arrays[path]
        total.update(f"{path} {array.dtype.str} {array.shape}\n".encode())
        total.update(np.ascontiguousarray(array).data if array.size else b"")
    noted = {path: values for path, values in attributes.items() if values}
    total.update(json.dumps(noted, sort_keys=True).encode())
    return total.hexdigest()

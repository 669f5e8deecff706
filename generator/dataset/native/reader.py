"""Reads clip files: of everything only what is asked for, and nothing unchecked."""

import io
import math
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import h5py
import numpy as np

from mannequin.generator.clip import (
    CHANNELS,
    LABELS,
    Clip,
    Foreground,
    ObjectTrack,
    ObjectView,
    PersonTrack,
    amodal_of_one,
    described_track,
    told_by_flags,
)
from mannequin.generator.dataset import images
from mannequin.generator.dataset.native.layout import (
    AMODAL,
    AMONG_OTHERS,
    FORMAT,
    LABEL_INDEX,
    MOVING_K,
    OBJECT_TRACK,
    OBJECT_VIEW,
    PERSON_VIEW,
    READABLE,
    RGB,
    TEXT,
    TRACK,
    VERTICES,
    VIEW,
    Kind,
    channel_kinds,
    digest,
    fits,
    plain,
    sizes,
    within,
)
from mannequin.generator.dataset.native.outline import outline_of
from mannequin.generator.dataset.native.table import table_bytes
from mannequin.generator.dataset.native.table_file import TableFile, open_table_bytes, open_table_file
from mannequin.generator.dataset.packing import dequantise, from_runs
from mannequin.generator.dataset.source import OBJECT_ARRAYS, PERSON_ARRAYS, ClipSource
from mannequin.generator.errors import ConfigError, DatasetError, MannequinError, unknown_name
from mannequin.generator.io import limits
from mannequin.generator.io.hdf5 import Hdf5File, open_hdf5, open_hdf5_stream
from mannequin.generator.io.reading import parse_json
from mannequin.generator.io.remote import Place, RemotePath, place
from mannequin.generator.spec import HAND_JOINTS, ClipSpec

_NO_TABLE = "it lacks the table at its end; it was cut, or another program opened it for writing"
_PIXEL_BYTES = 8  # while runs are expanded
_NUMBER_BYTES = 12  # of a component of a label, besides what is returned, while it is unpacked
_POSE_BYTES = 16 * 8
_ALL_LABELS_BYTES = 64  # of a pixel
_PIECE = 64 * limits.MIB


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
            reader.check_frames()
            return reader.check_content()
    except DatasetError as e:
        return [str(e)]


class ClipReader(ClipSource):
    """One open clip file, of which everything is read and checked when it is asked for."""

    def __init__(self, path: Place):
        self._path, self._spec = path, None
        self._offsets_of, self._seen_of, self._found = {}, {}, set()
        self._held, self._reads_whole = 0, False
        with self._guard():
            self._file, self._size = _open(path)
        try:
            with self._guard():
                self._check_format()
                if isinstance(self._file, TableFile):
                    self._outline = outline_of(self._file.table.outline)
                else:
                    self._outline = outline_of(self._description())
                if self.num_frames > limits.frames(self._size):
                    raise self._damaged(
                        f"it tells of {self.num_frames} frames; of a file of {self._size} bytes at most "
                        f"{limits.frames(self._size)} are read"
                    )
        except BaseException:
            self.close()
            raise

    @property
    def path(self) -> Place:
        """The file."""
        return self._path

    @property
    def spec(self) -> ClipSpec:
        """The description that the clip was rendered from."""
        if self._spec is None:
            with self._guard():
                if outline_of(self._description()) != self._outline:
                    raise self._damaged("the table at its end tells of another clip than /spec")
                self._spec = ClipSpec.from_json(self._text("spec"))
        return self._spec

    @property
    def versions(self) -> dict[str, str]:
        """Of the software that rendered it."""
        with self._guard():
            return self._json("versions", str)

    @property
    def agreement(self) -> dict[str, float]:
        """How far two renderers agreed; empty if one worked alone."""
        with self._guard():
            return self._json("agreement", (int, float))

    def close(self) -> None:
        """Frees the file; the reader cannot be used after it."""
        self._file.close()

    @property
    def num_frames(self) -> int:
        """T, known before the whole description is."""
        return self._outline.num_frames

    @property
    def resolution(self) -> tuple[int, int]:
        """(H, W), known before the whole description is."""
        return self._outline.resolution

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names of the cameras recorded, in the order of the description."""
        return self._names("views", self._outline.cameras)

    @property
    def people(self) -> tuple[str, ...]:
        """Names of the people recorded, in the order of the description."""
        return self._names("people", self._outline.people)

    @property
    def hands(self) -> tuple[str, ...]:
        """Names of the hands recorded that stand alone, in the order of the description."""
        return self._names("hands", self.spec.hands)

    @property
    def objects(self) -> tuple[str, ...]:
        """Names of the objects recorded, in the order of the description, which is all that files of version 1 have."""
        if self._version == 1 and not self._has("objects"):
            return tuple(thing.name for thing in self.spec.objects)
        return self._names("objects", self.spec.objects)

    def channels(self, camera: str) -> tuple[str, ...]:
        """Names of the image channels of ``camera``, in the order of CHANNELS."""
        view = self._view(camera)
        return tuple(n for n in CHANNELS if self._has(f"{view}/rgb" if n == "rgb" else f"{view}/labels/{n}"))

    def K(self, camera: str) -> np.ndarray:
        """(T, 3, 3) float64 intrinsics of ``camera`` at each frame, pixels; a file may hold one for all."""
        path = f"{self._view(camera)}/K"
        with self._guard():
            if len(self._file.array(path).shape) == 3:
                return self._array(path, MOVING_K)
            still = self._array(path, VIEW["K"])
            self._take(path, still.nbytes * self.num_frames)
            return np.repeat(still[None], self.num_frames, axis=0)

    def T_world_camera(self, camera: str) -> np.ndarray:
        """(T, 4, 4) float64 pose of ``camera`` at each frame."""
        path = f"{self._view(camera)}/T_world_camera"
        with self._guard():
            return self._array(path, VIEW["T_world_camera"])

    def shown(self, camera: str) -> tuple[str, ...]:
        """Names of the people whom ``camera`` recorded, in the order of the description."""
        group = self._view(camera)
        names = self._names(f"{group}/people", self._outline.people)
        if absent := set(names) - set(self.people):
            raise self._damaged(f"/{group} shows {sorted(absent)[0]!r}, of whom /people holds nothing")
        return names

    def hands_shown(self, camera: str) -> tuple[str, ...]:
        """Names of the hands that ``camera`` recorded, in the order of the description."""
        return self._names(f"{self._view(camera)}/hands", self.spec.hands)

    def objects_shown(self, camera: str) -> tuple[str, ...]:
        """Names of the objects that ``camera`` recorded, in the order of the description."""
        return self._names(f"{self._view(camera)}/objects", self.spec.objects)

    def labels(self, camera: str, channels: Iterable[str], start: int = 0, stop: int | None = None) -> Foreground:
        """Label ``channels`` of frames ``start`` to ``stop``; with none, where there is a surface."""
        start, stop = self._span(start, stop)
        group = f"{self._view(camera)}/labels"
        channels = tuple(channels)
        for name in channels:
            if name not in LABELS or not self._has(f"{group}/{name}"):
                raise unknown_name("channel", name, self.channels(camera))
        with self._guard():
            offsets = self._offsets(f"{group}/frame_offsets", LABEL_INDEX["frame_offsets"])
            run_offsets = self._offsets(f"{group}/run_offsets", LABEL_INDEX["run_offsets"])
            self._check_labels(channels, int(offsets[stop] - offsets[start]))
            runs = self._part(f"{group}/runs", (LABEL_INDEX["runs"],), run_offsets, start, stop)
            values = {
                n: dequantise(n, self._part(f"{group}/{n}", channel_kinds(n), offsets, start, stop)) for n in channels
            }
            offsets = offsets[start : stop + 1] - offsets[start]
            pixels = self._pixels(runs, run_offsets[start : stop + 1], offsets)
            return Foreground(self.resolution, offsets, pixels, values)

    def rgb(self, camera: str, start: int = 0, stop: int | None = None) -> np.ndarray:
        """(stop - start, H, W, 3) uint8 sRGB."""
        start, stop = self._span(start, stop)
        group = f"{self._view(camera)}/rgb"
        if not self._has(group):
            raise unknown_name("channel", "rgb", self.channels(camera))
        with self._guard():
            offsets = self._offsets(f"{group}/frame_offsets", RGB["frame_offsets"])
            data = self._part(f"{group}/data", (RGB["data"],), offsets, start, stop)
            self._take(group, (stop - start) * math.prod(self.resolution) * 3)
            at = offsets[start : stop + 1] - offsets[start]
            if stop - start == 1:
                return images.decode(data, self.resolution)[None]
            frames = np.empty((stop - start, *self.resolution, 3), np.uint8)
            for frame, (a, b) in zip(frames, pairwise(at)):
                frame[:] = images.decode(data[a:b], self.resolution)
            return frames

    def person_arrays(
        self, camera: str, person: str, names: Iterable[str], start: int = 0, stop: int | None = None
    ) -> dict[str, np.ndarray]:
        """Of a PersonView only the arrays ``names``, by name. person: or a hand."""
        start, stop = self._span(start, stop)
        group = f"{self._view(camera)}/{self._group(person)}"
        if not self._has(group):
            raise unknown_name("person", person, (*self.shown(camera), *self.hands_shown(camera)))
        return {name: self._of_person(group, name, person)[start:stop].copy() for name in names}

    def track(self, person: str) -> PersonTrack:
        """``person``, or a hand, in the world."""
        group, joints = self._group(person), self._joints(person)
        with self._guard():
            about = self._file.attributes(group)
            names = tuple(str(n) for n in about["joint_names"])
            if len(names) != joints:
                raise self._damaged(f"/{group} names {len(names)} joints; expected {joints}")
            vertices = self._array(f"{group}/vertices", VERTICES) if self._has(f"{group}/vertices") else None
            arrays = {name: self._array(f"{group}/{name}", kind, joints) for name, kind in TRACK.items()}
            return PersonTrack(str(about["body"]), str(about["gender"]), joint_names=names, vertices=vertices, **arrays)

    def object_track(self, name: str) -> ObjectTrack:
        """An object in the world."""
        if name not in self.objects:
            raise unknown_name("object", name, self.objects)
        group = f"objects/{name}"
        if not self._has(group):
            self._take(f"the poses of {name}", self.num_frames * _POSE_BYTES)
            return described_track(next(o for o in self.spec.objects if o.name == name), self.num_frames)
        with self._guard():
            about = self._file.attributes(group)
            arrays = {key: self._array(f"{group}/{key}", kind) for key, kind in OBJECT_TRACK.items()}
            return ObjectTrack(str(about["mesh"]), str(about["category"]), int(about["instance"]), **arrays)

    def object_view(self, camera: str, name: str, start: int = 0, stop: int | None = None) -> ObjectView:
        """What ``camera`` saw of an object in frames ``start`` to ``stop``."""
        start, stop = self._span(start, stop)
        if name not in self.objects_shown(camera):
            raise unknown_name("object", name, self.objects_shown(camera))
        group = f"{self._view(camera)}/objects/{name}"
        with self._guard():
            recorded = [key for key in OBJECT_ARRAYS if key in AMODAL and self._has(f"{group}/{key}")]
            kinds = OBJECT_VIEW | {key: AMODAL[key] for key in recorded}
            arrays = {key: self._array(f"{group}/{key}", kind) for key, kind in kinds.items()}
        if "amodal_box" not in arrays:
            known = amodal_of_one(arrays["box"], arrays["pixels"], len(self.spec.things) == 1)
            arrays |= dict(zip(("amodal_box", "amodal_pixels"), known))
        return ObjectView(**{key: value[start:stop] for key, value in arrays.items()})

    def amodal(self, camera: str, thing: str, start: int = 0, stop: int | None = None) -> Foreground | None:
        """The pixels in which ``camera`` would see it if nothing else were there; None if that is not recorded."""
        start, stop = self._span(start, stop)
        kind = next((kind for kind in ("people", "hands", "objects") if thing in getattr(self, kind)), "")
        group = f"{self._view(camera)}/{kind}/{thing}"
        if not kind or not self._has(f"{group}/amodal_runs"):
            return super().amodal(camera, thing, start, stop)
        with self._guard():
            run_offsets = self._offsets(f"{group}/amodal_run_offsets", AMODAL["amodal_run_offsets"])
            pixels = self._array(f"{group}/amodal_pixels", AMODAL["amodal_pixels"])[start:stop].astype(np.int64)
            if (pixels < 0).any():
                raise self._damaged(f"/{group}/amodal_pixels has numbers below 0")
            offsets = np.concatenate([[0], np.cumsum(pixels)])
            self._check_labels((), int(offsets[-1]))
            runs = self._part(f"{group}/amodal_runs", (AMODAL["amodal_runs"],), run_offsets, start, stop)
            pixels = self._pixels(runs, run_offsets[start : stop + 1], offsets)
            return Foreground(self.resolution, offsets, pixels, {})

    def read(self) -> Clip:
        """The whole clip in memory."""
        with self._guard():
            held, self._reads_whole = self._held, True
            try:
                return super().read()
            finally:
                self._held, self._reads_whole = held, False

    def check_frames(self) -> None:
        """Reads and decodes everything, some frames at a time, so that any sound clip fits. Raises DatasetError for
        what is damaged."""
        with self._guard():
            for camera in self.cameras:
                _ = self.K(camera), self.T_world_camera(camera)
                channels = self.channels(camera)
                for span in self._spans(camera, "rgb" in channels):
                    self.labels(camera, [name for name in channels if name != "rgb"], *span)
                    if "rgb" in channels:
                        self.rgb(camera, *span)
                for name in (*self.shown(camera), *self.hands_shown(camera)):
                    self.person_arrays(camera, name, PERSON_ARRAYS)
                for name in self.objects_shown(camera):
                    self.object_view(camera, name)
                for name in (*self.shown(camera), *self.hands_shown(camera), *self.objects_shown(camera)):
                    for span in self._spans(camera, False):
                        self.amodal(camera, name, *span)
            for name in (*self.people, *self.hands):
                self.track(name)
            for name in self.objects:
                self.object_track(name)
            _ = self.spec, self.versions, self.agreement

    def _spans(self, camera: str, with_rgb: bool) -> Iterator[tuple[int, int]]:
        """Frames (start, stop) that together take little memory, all in order."""
        offsets = self._offsets(f"{self._view(camera)}/labels/frame_offsets", LABEL_INDEX["frame_offsets"])
        asked = int(offsets[-1]) * _ALL_LABELS_BYTES + with_rgb * self.num_frames * math.prod(self.resolution) * 3
        step = max(1, self.num_frames * _PIECE // max(1, asked))
        return ((t, min(t + step, self.num_frames)) for t in range(0, self.num_frames, step))

    def check_content(self) -> list[str]:
        """Compares every dataset and attribute, as HDF5 reads them, with the sha256 that the writer left, and the table
        with what it should be."""
        with self._guard():
            if not isinstance(self._file, TableFile):
                found = self._check_digest(self._file)
                return found if found or self._version == 1 else [self._damaged(_NO_TABLE).args[0]]
            with self._file.stream() as stream:
                file = open_hdf5_stream(stream, self.path)
                try:
                    return self._check_digest(file) or self._check_table(file, self._file)
                finally:
                    file.close()

    def _check_digest(self, file: Hdf5File) -> list[str]:
        whole = file.whole()
        attributes = {f"/{path}": {n: plain(v) for n, v in about.items()} for path, (_, about) in whole.items()}
        arrays = {f"/{path}": array for path, (array, _) in whole.items() if array is not None}
        told = attributes["/"].pop("sha256", None)
        if told != digest(arrays, attributes):
            return [f"{self.path}: the content does not match its sha256. Delete the clip and render it again."]
        return []

    def _check_table(self, file: Hdf5File, tabled: TableFile) -> list[str]:
        outline, size = outline_of(self._description()), tabled.table.size
        table = table_bytes(h5py.File(file.id), outline, size, tabled.read_at)
        if tabled.read_at(size, len(table) + 1) != table:
            return [f"{self.path}: the table at its end does not match the file. Delete the clip and render it again."]
        return []

    def _check_format(self):
        about = self._file.attributes("")
        kind, version = about.get("format"), about.get("format_version")
        if not isinstance(kind, str) or kind != FORMAT:
            raise DatasetError(
                f"{self.path} is an HDF5 file, but not a Mannequin clip (no attribute format = {FORMAT!r})."
            )
        self._version = version
        if version not in READABLE:
            raise DatasetError(
                f"{self.path} has format version {version}; this release reads {' and '.join(map(str, READABLE))}. "
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

    def _group(self, person: str) -> str:
        """Where the track of a person or a hand is."""
        if person in self.people:
            return f"people/{person}"
        if person in self.hands:
            return f"hands/{person}"
        raise unknown_name("person", person, (*self.people, *self.hands))

    def _joints(self, person: str) -> int:
        return next((p.joints for p in self._outline.people if p.name == person), HAND_JOINTS)

    def _pixels(self, runs, run_offsets, offsets) -> np.ndarray:
        """(2, R) runs → (N,) pixels, having checked that they fit the image and the frames."""
        h, w = self.resolution
        first, count = runs.astype(np.int64)
        ends = np.concatenate([[0], np.cumsum(count)])
        if (
            not np.array_equal(ends[run_offsets - run_offsets[0]], offsets)
            or (first + count > h * w).any()
            or (count < 1).any()
        ):
            raise self._damaged("the runs of pixels do not fit the frames")
        return from_runs(runs)

    def _offsets(self, path: str, kind: Kind) -> np.ndarray:
        """(T + 1,) int64, kept; checked to start at 0 and never to fall."""
        if path not in self._offsets_of:
            offsets = self._array(path, kind, kept=True)
            if offsets[0] != 0 or (offsets[1:] < offsets[:-1]).any():
                raise self._damaged(f"/{path} does not ascend from 0")
            self._offsets_of[path] = offsets
        return self._offsets_of[path]

    def _of_person(self, group: str, name: str, person: str) -> np.ndarray:
        """An array of a PersonView over all frames, stored or told by others."""
        if name in PERSON_VIEW or self._has(f"{group}/{name}"):
            return self._seen(group, name, person)
        is_alone = len(self.spec.things) == 1
        if name == "visibility":
            in_frame, visible = (self._seen(group, key, person) for key in ("in_frame", "visible"))
            return told_by_flags(in_frame, visible, is_alone)
        box, pixels = (self._seen(group, key, person) for key in ("box", "pixels"))
        return amodal_of_one(box, pixels, is_alone)[0 if name == "amodal_box" else 1]

    def _seen(self, group: str, name: str, person: str) -> np.ndarray:
        """A stored array of a PersonView over all frames, kept."""
        path = f"{group}/{name}"
        if path not in self._seen_of:
            with self._guard():
                kind = (PERSON_VIEW | AMONG_OTHERS)[name]
                self._seen_of[path] = self._array(path, kind, self._joints(person), kept=True)
        return self._seen_of[path]

    def _part(self, path: str, kinds: tuple[Kind, ...], offsets: np.ndarray, start: int, stop: int) -> np.ndarray:
        """Entries of frames ``start`` to ``stop`` along the last axis, which ``offsets`` divide."""
        item = self._file.array(path)
        *lead, _ = sizes(kinds[0], self.num_frames)
        want = (*lead, int(offsets[-1]))
        if item.dtype not in [kind.dtype for kind in kinds] or item.shape != want:
            raise self._damaged(
                f"/{path} is {item.dtype} {item.shape}; expected {' or '.join(kind.dtype for kind in kinds)} {want}"
            )
        first, last = int(offsets[start]), int(offsets[stop])
        self._take(path, math.prod(item.shape[:-1]) * (last - first) * item.dtype.itemsize)
        return item.read(first, last)

    def _array(self, path: str, kind: Kind, joints: int | None = None, kept: bool = False) -> np.ndarray:
        """A whole dataset. kept: for as long as the file is open."""
        return self._whole(path, kind, sizes(kind, self.num_frames, joints), kept)

    def _whole(self, path: str, kind: Kind, want: tuple[int | None, ...], kept: bool = False) -> np.ndarray:
        item = self._file.array(path)
        if item.dtype != kind.dtype or not fits(item.shape, want) or not within(item.shape, kind):
            raise self._damaged(f"/{path} is {item.dtype} {item.shape}; expected {kind.dtype} {want}")
        self._take(path, item.nbytes, kept)
        return self._file.read(path)

    def _check_labels(self, channels: tuple[str, ...], pixels: int) -> None:
        """Raises DatasetError for labels, or an image of them, that take more memory than the file may."""
        sizes_of = [(math.prod(CHANNELS[n].shape), np.dtype(CHANNELS[n].dtype).itemsize) for n in channels]
        h, w = self.resolution
        self._check_room("an image of labels", h * w * max([count * each for count, each in sizes_of], default=1))
        held = sum(count * each for count, each in sizes_of)
        most = max([count for count, _ in sizes_of], default=0) * _NUMBER_BYTES
        self._check_room("labels", pixels * (_PIXEL_BYTES + held + most))
        self._take("labels", pixels * held)

    def _take(self, what: str, size: int, kept: bool = False) -> None:
        """Count ``size`` bytes of memory. kept: for as long as the file is open. Raises DatasetError where there is no
        room for them."""
        self._check_room(what, size)
        if kept or self._reads_whole:
            self._held += size

    def _check_room(self, what: str, size: int) -> None:
        advice = "Read fewer frames at a time, or leave the clip out."
        limits.check_room(str(self.path), what, self._held + size, self._size, DatasetError, advice)

    def _text(self, name: str) -> str:
        """A dataset of text; read before the number of frames is known."""
        if self._file.array(name).nbytes > limits.JSON_BYTES:
            raise self._damaged(f"/{name} has more than {limits.JSON_BYTES} bytes of text")
        return self._whole(name, TEXT, (None,)).tobytes().decode("utf-8")

    def _description(self):
        """The clip's description as plain values."""
        return parse_json(self._text("spec"), "/spec", "what the writer left", DatasetError)

    def _json(self, name: str, kind) -> dict:
        values = parse_json(self._text(name), f"/{name}", "what the writer left", DatasetError)
        if not isinstance(values, dict) or not all(isinstance(v, kind) for v in values.values()):
            raise self._damaged(f"/{name} is not a JSON object of plain values")
        return values

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


def _open(path: Place) -> tuple[TableFile | Hdf5File, int]:
    """Through its table; without one, as files of version 1 have none, through HDF5. And its size, bytes."""
    if isinstance(path, RemotePath):  # fetched whole: its many small parts would each cost a journey
        data = path.read_bytes(limits.CLIP_BYTES, "a clip file")
        return open_table_bytes(data) or open_hdf5_stream(io.BytesIO(data), path), len(data)
    found = open_table_file(path) or open_hdf5(path)
    return found, os.stat(path).st_size

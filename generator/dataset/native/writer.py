"""Writes clip files. The file is built in memory and written in one go, so the disk sees no half clip. The same clip
gives the same bytes: nothing of the time, the machine or the process goes in.
"""

import json

import h5py
import numpy as np

from mannequin.generator.body.model import MERGE_14, PARTS, PARTS_14
from mannequin.generator.cameras import is_still
from mannequin.generator.clip import (
    CHANNELS,
    LABELS,
    Clip,
    Foreground,
    ObjectTrack,
    ObjectView,
    PersonTrack,
    PersonView,
    View,
)
from mannequin.generator.dataset import images
from mannequin.generator.dataset.native.layout import (
    AMODAL,
    AMONG_OTHERS,
    FORMAT,
    FORMAT_VERSION,
    MOVING_K,
    OBJECT_TRACK,
    OBJECT_VIEW,
    PERSON_VIEW,
    TRACK,
    VERTICES,
    VIEW,
    Kind,
    digest,
    fits,
    plain,
    sizes,
)
from mannequin.generator.dataset.native.outline import outline_of
from mannequin.generator.dataset.native.table import table_bytes
from mannequin.generator.dataset.packing import SCALES, quantise, to_runs
from mannequin.generator.errors import ConfigError, unknown_name
from mannequin.generator.io.atomic import write_bytes
from mannequin.generator.io.remote import Place, place
from mannequin.generator.records import to_plain
from mannequin.generator.spec import HAND_JOINTS, ClipSpec

EFFORTS = ("fast", "small")
"""fast: deflate level 1, and only what shrinks readily. small: level 4 on everything."""

_STORED_AS_IS = ("normal", "uv", "chart_uv")  # with "fast": two thirds of the time for a fifth of the bytes
_MB = 1 << 20


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
    gathered = _Writer(effort)
    _gather(gathered, clip, rgb)
    with h5py.File("clip", "w", driver="core", backing_store=False, libver=("v110", "v110")) as file:
        gathered.write(file)
        file.flush()
        image = memoryview(file.id.get_file_image())
        table = table_bytes(
            file, outline_of(to_plain(clip.spec)), len(image), lambda offset, size: image[offset : offset + size]
        )
        return memoryview(b"".join((image, table)))


class _Writer:
    """Gathers arrays and attributes, then writes them with their sha256.

    The largest arrays come first, so that the small ones lie together at the end of the file, next to the table: one
    read fetches them all.
    """

    def __init__(self, effort: str):
        self.effort = effort
        self.arrays: dict[str, np.ndarray] = {}
        self.attributes: dict[str, dict] = {}
        self._options: dict[str, dict] = {}

    def array(self, path: str, array: np.ndarray, chunk: tuple[int, ...] | None = None, deflate: bool = False) -> None:
        """One dataset; ``chunk`` is its chunk shape (default: about 1 MB along the first axis)."""
        array = np.ascontiguousarray(array)
        options: dict = {}
        if array.size:
            options = {"chunks": chunk or _chunk(array), "fletcher32": True}
        if array.size and (deflate or self.effort == "small"):
            level = 1 if self.effort == "fast" else 4
            options |= {"compression": "gzip", "compression_opts": level, "shuffle": array.itemsize > 1}
        self.arrays[path], self._options[path] = array, options

    def text(self, path: str, text: str) -> None:
        self.array(path, np.frombuffer(text.encode("utf-8"), np.uint8), deflate=True)

    def about(self, path: str, **attributes) -> None:
        """Attributes of a dataset, or of a group, which there is even with none."""
        self.attributes.setdefault(path, {}).update(attributes)

    def write(self, file: h5py.File) -> None:
        """Puts all of it into ``file``."""
        for path in sorted(self.arrays, key=lambda path: -self.arrays[path].nbytes):
            file.create_dataset(path, data=self.arrays[path], **self._options[path])
        for path, attributes in self.attributes.items():
            item = file[path] if path in file else file.create_group(path)
            for name, value in attributes.items():
                item.attrs[name] = value
        told = {path: {n: plain(v) for n, v in attributes.items()} for path, attributes in self.attributes.items()}
        file.attrs["sha256"] = digest(self.arrays, told)


def _gather(out: _Writer, clip: Clip, encoding: str) -> None:
    _check_names(clip)
    out.about("/", format=FORMAT, format_version=FORMAT_VERSION, parts=PARTS, parts_14=PARTS_14, merge_14=MERGE_14)
    out.text("/spec", clip.spec.to_json())
    out.text("/versions", json.dumps(clip.versions))
    out.text("/agreement", json.dumps(clip.agreement, allow_nan=False))
    out.about("/views")
    out.about("/people")
    for camera in (c.name for c in clip.spec.cameras if c.name in clip.views):
        _gather_view(out, f"/views/{camera}", clip.views[camera], clip.spec, encoding)
    for person in (p for p in clip.spec.people if p.name in clip.people):
        _gather_track(out, f"/people/{person.name}", clip.people[person.name], clip.spec, person.joints)
    for hand in (h for h in clip.spec.hands if h.name in clip.hands):
        _gather_track(out, f"/hands/{hand.name}", clip.hands[hand.name], clip.spec, HAND_JOINTS)
    for thing in (o for o in clip.spec.objects if o.name in clip.objects):
        _gather_object(out, f"/objects/{thing.name}", clip.objects[thing.name], clip.spec)


def _check_names(clip: Clip) -> None:
    for kind, items, given in (
        ("camera", clip.spec.cameras, clip.views),
        ("person", clip.spec.people, clip.people),
        ("hand", clip.spec.hands, clip.hands),
        ("object", clip.spec.objects, clip.objects),
    ):
        known = [item.name for item in items]
        for name in given:
            if name not in known:
                raise unknown_name(kind, name, known)
            if name == "." or "\0" in name:
                raise ConfigError(f"A {kind} is called {name!r}; HDF5 needs a name other than '.' and without NUL.")


def _gather_view(out: _Writer, path: str, view: View, spec: ClipSpec, encoding: str) -> None:
    out.about(path, resolution=np.array(spec.resolution), fps=float(spec.fps))
    K = _checked("K", view.K, MOVING_K, spec.num_frames)
    out.array(f"{path}/K", K[0] if is_still(K) else K)
    poses = _checked("T_world_camera", view.T_world_camera, VIEW["T_world_camera"], spec.num_frames)
    out.array(f"{path}/T_world_camera", poses)
    _gather_labels(out, f"{path}/labels", view.labels)
    if view.rgb is not None:
        _gather_rgb(out, f"{path}/rgb", view.rgb, encoding)
    out.about(f"{path}/people")
    for person in (p for p in spec.people if p.name in view.people):
        where, seen = f"{path}/people/{person.name}", view.people[person.name]
        _gather_seen(out, where, seen, PERSON_VIEW, AMONG_OTHERS, view, spec, person.joints)
    for hand in (h for h in spec.hands if h.name in view.hands):
        where, seen = f"{path}/hands/{hand.name}", view.hands[hand.name]
        _gather_seen(out, where, seen, PERSON_VIEW, AMONG_OTHERS, view, spec, HAND_JOINTS)
    for thing in (o for o in spec.objects if o.name in view.objects):
        where, seen = f"{path}/objects/{thing.name}", view.objects[thing.name]
        _gather_seen(out, where, seen, OBJECT_VIEW, AMODAL, view, spec)


def _gather_seen(
    out: _Writer,
    path: str,
    seen: PersonView | ObjectView,
    kinds: dict[str, Kind],
    among_others: dict[str, Kind],
    view: View,
    spec: ClipSpec,
    joints: int | None = None,
) -> None:
    arrays = {name: getattr(seen, name) for name in kinds}
    mask = view.amodal.get(path.rpartition("/")[2])
    if mask is not None and len(spec.things) > 1:
        _check_foreground(mask)
        runs, run_offsets = to_runs(mask.pixels, mask.offsets)
        told = {"amodal_runs": runs, "amodal_run_offsets": run_offsets}
        arrays |= {name: told[name] if name in told else getattr(seen, name) for name in among_others}
        kinds = kinds | among_others
    for name, array in arrays.items():
        out.array(f"{path}/{name}", _checked(name, array, kinds[name], spec.num_frames, joints))


def _gather_labels(out: _Writer, path: str, labels: Foreground) -> None:
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


def _gather_rgb(out: _Writer, path: str, rgb: np.ndarray, encoding: str) -> None:
    coded = [images.encode(image, encoding) for image in rgb]
    ends = np.cumsum([len(c) for c in coded])
    out.array(f"{path}/frame_offsets", np.concatenate([[0], ends]).astype(np.int64))
    out.array(f"{path}/data", np.concatenate(coded), (min(int(ends[-1]), 65536),))
    out.about(path, encoding=encoding, unit=CHANNELS["rgb"].unit, meaning=CHANNELS["rgb"].meaning)


def _gather_track(out: _Writer, path: str, track: PersonTrack, spec: ClipSpec, joints: int) -> None:
    out.about(path, body=track.body, gender=track.gender, joint_names=track.joint_names)
    for name, kind in TRACK.items():
        out.array(f"{path}/{name}", _checked(name, getattr(track, name), kind, spec.num_frames, joints))
    if track.vertices is not None:
        vertices = _checked("vertices", track.vertices, VERTICES, spec.num_frames)
        out.array(f"{path}/vertices", vertices, (1,) + vertices.shape[1:] if vertices.size else None)


def _gather_object(out: _Writer, path: str, track: ObjectTrack, spec: ClipSpec) -> None:
    out.about(path, mesh=track.mesh, category=track.category, instance=track.instance)
    for name, kind in OBJECT_TRACK.items():
        out.array(f"{path}/{name}", _checked(name, getattr(track, name), kind, spec.num_frames), deflate=True)


def _checked(name: str, array: np.ndarray, kind: Kind, frames: int, joints: int | None = None) -> np.ndarray:
    """``array`` if it is what the file promises."""
    want = sizes(kind, frames, joints)
    if array.dtype.name != kind.dtype or not fits(array.shape, want):
        raise ValueError(f"{name} is {array.dtype} {array.shape}; expected {kind.dtype} {want}.")
    return array


def _chunk(array: np.ndarray) -> tuple[int, ...]:
    if array.ndim == 0:
        raise ValueError("A scalar cannot carry a checksum; expected an array.")
    rows = max(1, _MB // max(1, array.nbytes // array.shape[0]))
    return (min(rows, array.shape[0]),) + array.shape[1:]

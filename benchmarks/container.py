"""Which container for clips? Writes, reads and sizes of the candidates on one rendered-like clip.

    python -m benchmarks.container [--frames 100] [--resolution 240 320] [--repeats 5]

Prints a markdown table. Every candidate keeps all label channels (depth to 0.1 mm, flow to 0.01 px; the PNGs less) and
colour as JPEG (quality 95, 4:4:4), flushes to disk, and reads back what the columns say: "one
frame" is all labels of a random frame, "one channel" the depth of a random frame, both with the file open;
"clip" all labels of all frames. CPU time of one core, best of the repeats. Only the native file
also carries joints, poses, the description and checksums.
"""

import argparse
import io
import tarfile
import tempfile
import time
from pathlib import Path

import cv2
import h5py
import numpy as np

from mannequin.generator.clip import LABELS, Clip, Foreground, View
from mannequin.generator.dataset import images, native
from mannequin.generator.dataset.packing import dequantise, from_runs, quantise, to_runs
from mannequin.generator.io.atomic import write_bytes
from tests.clips import ball_clip


class Packed:
    """The native file: one HDF5, foreground only; ``effort`` as in write_clip."""

    def __init__(self, effort):
        self.name, self.effort = f"HDF5, foreground only, {effort}", effort

    def write(self, path, clip):
        return native.write_clip(path, clip, effort=self.effort)

    def open(self, path):
        return native.open_clip(path)

    def labels(self, reader, t, names=LABELS):
        return reader.labels("camera", names, t, t + 1)

    def clip(self, reader):
        return reader.labels("camera", LABELS)


class Dense:
    """One HDF5 of (T, C, H, W) integers, a chunk a frame."""

    def __init__(self, filters, label):
        self.name, self.filters = f"HDF5, dense, {label}", filters

    def write(self, path, clip):
        view = clip.views["camera"]
        with h5py.File("x", "w", driver="core", backing_store=False) as file:
            for name in LABELS:
                stored = _dense(view.labels, name)
                file.create_dataset(name, data=stored, chunks=(1,) + stored.shape[1:], fletcher32=True, **self.filters)
            _, data, offsets = _colour(view)
            if len(data):
                file["rgb"], file["rgb_offsets"] = data, offsets
            file.flush()
            return write_bytes(path, file.id.get_file_image())

    def open(self, path):
        return h5py.File(path, "r", rdcc_nbytes=0)

    def labels(self, file, t, names=LABELS):
        return {n: dequantise(n, file[n][t].reshape(file[n].shape[1:-2] + (-1,))) for n in names}

    def clip(self, file):
        return {n: file[n][...] for n in LABELS}


class Tar:
    """A tar shard as WebDataset has it: per frame an npz of the foreground and a JPEG; read through an index."""

    name = "tar of npz and JPEG a frame"

    def write(self, path, clip):
        view, labels = clip.views["camera"], clip.views["camera"].labels
        buffer = io.BytesIO()
        coded, _, _ = _colour(view)
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for t in range(labels.num_frames):
                self._add(tar, f"{t:06d}.npz", _npz(_part(labels, t)))
                if coded:
                    self._add(tar, f"{t:06d}.jpg", coded[t].tobytes())
        return write_bytes(path, buffer.getbuffer())

    @staticmethod
    def _add(tar, name, data):
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))

    def open(self, path):
        with tarfile.open(path) as tar:
            index = {m.name: (m.offset_data, m.size) for m in tar}
        return open(path, "rb"), index

    def labels(self, opened, t, names=LABELS):
        file, index = opened
        start, size = index[f"{t:06d}.npz"]
        file.seek(start)
        return _unpack(np.load(io.BytesIO(file.read(size))), names)

    def clip(self, opened):  # pyright: ignore[reportIncompatibleMethodOverride]  # opened differs
        return [self.labels(opened, t) for t in range(sum(n.endswith("npz") for n in opened[1]))]


SIXTEEN = {
    "depth": 0.0005,
    "normal": 1 / 32767,
    "flow": 1 / 128,
    "flow_backward": 1 / 128,
    "uv": 1 / 65535,
    "chart_uv": 1 / 65535,
}
"""Unit of a 16-bit PNG's integers."""


class TarPng(Tar):
    """A tar of one PNG per channel and frame, 16 bits where 8 are too few (depth in 0.5 mm, so that 30 m fit)."""

    name = "tar of PNG a channel and frame"

    def write(self, path, clip):
        view, labels = clip.views["camera"], clip.views["camera"].labels
        buffer = io.BytesIO()
        coded, _, _ = _colour(view)
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for t in range(labels.num_frames):
                for name in LABELS:
                    self._add(tar, f"{t:06d}.{name}.png", self._png(labels.frame(name, t), name))
                if coded:
                    self._add(tar, f"{t:06d}.jpg", coded[t].tobytes())
        return write_bytes(path, buffer.getbuffer())

    def _png(self, image, name):
        if name in SIXTEEN:
            image = (
                np.rint(image / SIXTEEN[name]) + (32768 if name in ("flow", "flow_backward", "normal") else 0)
            ).astype(np.uint16)
        if image.ndim == 3 and image.shape[2] == 2:
            image = np.concatenate([image, np.zeros_like(image[..., :1])], axis=2)
        return cv2.imencode(".png", image)[1].tobytes()

    def labels(self, opened, t, names=LABELS):  # pyright: ignore[reportIncompatibleMethodOverride]  # opened differs
        file, index = opened
        read = {}
        for name in names:
            start, size = index[f"{t:06d}.{name}.png"]
            file.seek(start)
            image = cv2.imdecode(np.frombuffer(file.read(size), np.uint8), cv2.IMREAD_UNCHANGED)
            read[name] = image * np.float32(SIXTEEN[name]) if name in SIXTEEN else image
        return read

    def clip(self, opened):  # pyright: ignore[reportIncompatibleMethodOverride]  # opened differs
        return [self.labels(opened, t) for t in range(sum(n.endswith("depth.png") for n in opened[1]))]


class Npz:
    """One npz a clip, foreground only, the JPEGs within."""

    def __init__(self, compressed):
        self.name, self.save = (
            f"npz a clip, {'deflated' if compressed else 'stored'}",
            np.savez_compressed if compressed else np.savez,
        )

    def write(self, path, clip):
        view, labels = clip.views["camera"], clip.views["camera"].labels
        buffer = io.BytesIO()
        runs, run_offsets = to_runs(labels.pixels, labels.offsets)
        _, data, offsets = _colour(view)
        self.save(
            buffer, offsets=labels.offsets, runs=runs, run_offsets=run_offsets, rgb=data, rgb_offsets=offsets,
            **{n: quantise(n, labels.values[n]) for n in LABELS},
        )  # fmt: skip
        return write_bytes(path, buffer.getbuffer())

    def open(self, path):
        return np.load(path)

    def labels(self, file, t, names=LABELS):
        a, b = file["offsets"][t : t + 2]
        c, d = file["run_offsets"][t : t + 2]
        return from_runs(file["runs"][:, c:d]), {n: dequantise(n, file[n][..., a:b]) for n in names}

    def clip(self, file):
        return from_runs(file["runs"]), {n: dequantise(n, file[n]) for n in LABELS}


CANDIDATES = (
    Packed("fast"),
    Packed("small"),
    Dense({"compression": "lzf", "shuffle": True}, "lzf"),
    Dense({"compression": "gzip", "compression_opts": 1, "shuffle": True}, "gzip 1"),
    Tar(),
    TarPng(),
    Npz(False),
    Npz(True),
)


def measure(candidate, clip: Clip, bare: Clip, folder: Path, repeats: int) -> dict[str, float]:
    """Milliseconds and bytes per frame. bare: ``clip`` without colour."""
    path, frames = folder / "clip", clip.spec.num_frames
    order = np.random.default_rng(0).permutation(frames)[:20]
    labels = best(lambda: candidate.write(path, bare), repeats) / frames
    size = path.stat().st_size / frames
    both = best(lambda: candidate.write(path, clip), repeats) / frames
    reader = candidate.open(path)
    return {
        "write labels": labels,
        "write labels and RGB": both,
        "bytes": size,
        "bytes with RGB": path.stat().st_size / frames,
        "read one channel": best(lambda: [candidate.labels(reader, t, ("depth",)) for t in order], repeats)
        / len(order),
        "read one frame": best(lambda: [candidate.labels(reader, t) for t in order], repeats) / len(order),
        "read clip": best(lambda: candidate.clip(reader), repeats) / frames,
    }


def best(action, repeats: int) -> float:
    """Milliseconds of CPU that ``action`` takes, the least of ``repeats``."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return 1000 * min(times)


def table(rows: dict[str, dict[str, float]]) -> str:
    """Markdown."""
    columns = list(next(iter(rows.values())))
    lines = [
        "| container | " + " | ".join(c if "bytes" in c else f"{c} (ms)" for c in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for name, row in rows.items():
        cells = [f"{v:,.0f}" if "bytes" in c else f"{v:.2f}" for c, v in row.items()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def without_colour(clip: Clip) -> Clip:
    views = {n: View(v.K, v.T_world_camera, None, v.labels, v.people) for n, v in clip.views.items()}
    return Clip(clip.spec, views, clip.people, clip.agreement, clip.versions)


def _dense(labels: Foreground, name: str) -> np.ndarray:
    """(T, …, H, W) integers."""
    stored = quantise(name, labels.values[name])
    h, w = labels.resolution
    image = np.zeros((labels.num_frames,) + stored.shape[:-1] + (h * w,), stored.dtype)
    for t in range(labels.num_frames):
        part = slice(labels.offsets[t], labels.offsets[t + 1])
        image[t][..., labels.pixels[part]] = stored[..., part]
    return image.reshape(image.shape[:-1] + (h, w))


def _colour(view: View):
    """JPEGs one by one, joined, and their offsets; empty without colour."""
    if view.rgb is None:
        return [], np.zeros(0, np.uint8), np.zeros(1, np.int64)
    coded = [images.encode(image, "jpeg") for image in view.rgb]
    return coded, np.concatenate(coded), np.concatenate([[0], np.cumsum([len(c) for c in coded])])


def _part(labels: Foreground, t: int) -> dict[str, np.ndarray]:
    part = slice(labels.offsets[t], labels.offsets[t + 1])
    runs, _ = to_runs(labels.pixels[part], np.array([0, part.stop - part.start]))
    return {"runs": runs} | {n: quantise(n, labels.values[n][part]) for n in LABELS}


def _npz(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _unpack(file, names):
    return from_runs(file["runs"]), {n: dequantise(n, file[n]) for n in names}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--resolution", type=int, nargs=2, default=(240, 320))
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    clip = ball_clip(options.frames, tuple(options.resolution))
    bare, rows = without_colour(clip), {}
    with tempfile.TemporaryDirectory() as folder:
        for candidate in CANDIDATES:
            rows[candidate.name] = measure(candidate, clip, bare, Path(folder), options.repeats)
    covered = len(clip.views["camera"].labels.pixels) / options.frames
    h, w = options.resolution
    print(f"{options.frames} frames of {w} × {h}, {covered:,.0f} pixels covered; per frame:\n")
    print(table(rows))


if __name__ == "__main__":
    main()

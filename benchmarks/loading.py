"""How fast training samples load on one core: native clips against SURREAL's files, and straight from the generator.

    python -m benchmarks.loading [--clips 8] [--frames 100] [--samples 100] [--rounds 5] [--folder DIR]

Prints markdown tables. Clips of the preset "surreal" (240 × 320) are made by the rasteriser and
exported in SURREAL's layout. Then, in turns within one run, every way makes samples of the same
random frames of the same clips, with the same crop and the same augmentation: 256 × 256 colour, parts
and depth classes. SURREAL's files are read as its loaders do: by scipy, of each file the one
variable asked for, and the frame of the video by OpenCV; the row "whole files" loads all variables,
as code does that leaves variable_names out. Native clips are read twice: held open, as when a worker's clips
fit its :data:`mannequin.training.data.readers.KEPT`, and each opened anew, as when it meets a clip once in a
long while. Opened anew they are read in two ways: as format 2 is, through the table at their end, and the same clips
without it, through HDF5, as format 1 is. CPU time of one core, medians over the rounds; files are in the system's
cache, and compiling is not counted.
"""

import argparse
import gc
import os
import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from functools import partial
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before any library starts its threads

import cv2
import h5py
import numpy as np
import torch
from scipy.io import loadmat

from mannequin.generator.catalog import Assets
from mannequin.generator.clip import Foreground
from mannequin.generator.config import SampleConfig
from mannequin.generator.dataset.folder import open_dataset
from mannequin.generator.dataset.native import open_clip
from mannequin.generator.dataset.surreal import export_surreal
from mannequin.renderers.choice import open_renderer
from mannequin.renderers.production.job import Job, job_outputs, run_job
from mannequin.training.data.crop import SIZE, Augmentation, augmentation
from mannequin.training.data.generated import GeneratedSamples
from mannequin.training.data.needs import Needs
from mannequin.training.data.raw import JOINTS, RawPerson, RawSample, read_raw
from mannequin.training.data.readers import Readers
from mannequin.training.data.samples import make_sample
from mannequin.training.data.selection import Selection, asked_of_clips, subjects
from mannequin.training.targets.depth_bins import DepthBins
from mannequin.training.targets.joints import Joints
from mannequin.training.targets.parts import Parts

NEEDS, TARGETS = Needs(), (Parts(), DepthBins(), Joints())
TABLE, PLAIN = "native, each clip opened anew", "the same through HDF5, as format 1"
CROP = "crop, whiten"
"""The stage that is the same work for every way, classes included; what comes before it is reading."""


class Laps:
    """CPU seconds by stage."""

    def __init__(self):
        self.seconds, self.last = defaultdict(float), time.process_time()

    def lap(self, stage: str) -> None:
        now = time.process_time()
        self.seconds[stage] += now - self.last
        self.last = now


class Native:
    """Our clips; ``kept`` of them stay open."""

    def __init__(self, name, folder, kept):
        self.name, self.readers = name, Readers((str(folder),), kept)
        self.subjects = subjects(self.readers, Selection(), NEEDS, TARGETS)

    def raw(self, number, t, laps) -> RawSample:
        subject = self.subjects[number]
        (camera,), ((person, instance),) = subject.cameras, subject.people
        if self.readers.kept == 1:
            self.readers.close()
        source = self.readers.clip(0, subject.key)
        source.person_arrays(camera, person, JOINTS, t, t + 1)
        laps.lap("open, joints")
        only = None if subject.alone else instance
        asked = asked_of_clips(NEEDS, TARGETS)
        raw = read_raw(source, camera, subject.people, np.array([t]), subject.key, **asked, only=only)
        laps.lap("colour, labels")
        return raw


class Surreal:
    """SURREAL's files. whole: load all variables of a file, not the one."""

    def __init__(self, name, stems, whole):
        self.name, self.stems, self.whole = name, stems, whole

    def raw(self, number, t, laps) -> RawSample:
        stem = self.stems[number]
        info = loadmat(f"{stem}_info.mat", variable_names=None if self.whole else ("joints2D", "joints3D", "camLoc"))
        laps.lap("info")
        segm = self._variable(f"{stem}_segm.mat", f"segm_{t + 1}")
        laps.lap("segm")
        depth = self._variable(f"{stem}_depth.mat", f"depth_{t + 1}")
        laps.lap("depth")
        video = cv2.VideoCapture(f"{stem}.mp4")
        video.set(cv2.CAP_PROP_POS_FRAMES, t)
        rgb = cv2.cvtColor(video.read()[1], cv2.COLOR_BGR2RGB)
        video.release()
        laps.lap("video")
        joints_camera = np.zeros((1, 24, 3), np.float32)  # the targets are made from depths alone
        joints_camera[0, :, 2] = info["camLoc"][0, 0] - info["joints3D"][0, :, t]
        joints2d = info["joints2D"][:, :, t].T[None].copy()
        person = RawPerson("person0", 1, joints2d, joints_camera, np.ones((1, 24), bool), {})
        pixels = np.flatnonzero(segm.ravel()).astype(np.uint32)
        values = {"segm": segm.ravel()[pixels], "depth": depth.ravel()[pixels]}
        resolution = segm.shape[0], segm.shape[1]
        surface = Foreground(resolution, np.array([0, len(pixels)]), pixels, values)
        raw = RawSample(str(stem), resolution, rgb[None], surface, (person,), {})
        laps.lap("surface")
        return raw

    def _variable(self, path, name) -> np.ndarray:
        return loadmat(path, variable_names=None if self.whole else (name,))[name]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--samples", type=int, default=100, help="of each way in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--folder", type=Path, help="where the clips are kept, to be used again; default: a temporary one"
    )
    args = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["MANNEQUIN_CACHE"] = f"{temporary}/cache"  # nothing of earlier runs
        native, stems = _data(args.folder or Path(temporary), args.clips, args.frames)
        plain = _without_tables(native, Path(temporary) / "plain")
        ways = [
            Native("native, clips held open", native, kept=args.clips),
            Native(TABLE, native, kept=1),
            Native(PLAIN, plain, kept=1),
            Surreal("SURREAL's files, one variable each", stems, whole=False),
            Surreal("SURREAL's files, whole files", stems, whole=True),
        ]
        _check_alike(ways)
        rounds = [_round(ways, args.samples, k) for k in range(args.rounds)]
        _print_ways(ways, rounds)
        _print_opening(ways, rounds, args.samples)
        _print_lists(native, args.clips)
    _print_streams(args.samples, args.rounds)


def _data(folder: Path, clips: int, frames: int) -> tuple[Path, list[Path]]:
    """The native dataset, and the stem of each of its clips' files in SURREAL's layout."""
    native, surreal = folder / "native", folder / "surreal"
    job = Job(SampleConfig(preset="surreal", frames=frames), Assets(), 0, "raster", job_outputs(()), "jpeg")
    run_job(job, native, clips, workers=0)
    dataset = open_dataset(native)
    if not surreal.exists():
        export_surreal(dataset, surreal)
    stems = []
    for path in dataset.clips():
        with open_clip(path) as reader:
            stems.append(surreal / reader.spec.name)
    return native, stems


def _without_tables(native: Path, out: Path) -> Path:
    """The same clips as plain HDF5 files."""
    shutil.copytree(native, out)
    for path in open_dataset(out).clips():
        with h5py.File(str(path), "r+"):
            pass  # which cuts off what follows HDF5's own bytes
    return out


def _check_alike(ways) -> None:
    """All ways see the same: the labels but for what the native file rounds, the colours but for the video's loss."""
    starts = ways[0].subjects[0].starts
    raws = [way.raw(0, int(starts[len(starts) // 2]), Laps()) for way in ways]
    samples = [make_sample(raw, NEEDS, TARGETS, Augmentation(), SIZE) for raw in raws]
    for raw, sample in zip(raws[1:], samples[1:], strict=True):
        assert (sample["parts"] == samples[0]["parts"]).mean() > 0.999  # crops differ by a hundredth of a pixel
        assert (sample["depth_bins"] == samples[0]["depth_bins"]).mean() > 0.998
        assert np.abs(raw.rgb.astype(int) - raws[0].rgb).mean() < 8
        assert np.allclose(raw.person.joints2d, raws[0].person.joints2d, atol=0.01)


def _round(ways, samples: int, k: int) -> list[dict[str, float]]:
    """CPU milliseconds per sample by stage, of each way: the same samples by one way after the other."""
    rng = np.random.default_rng(k)
    numbers = [int(rng.integers(len(ways[0].subjects))) for _ in range(samples)]
    frames = [int(rng.choice(ways[0].subjects[n].starts)) for n in numbers]
    drawn = [augmentation(rng) for _ in range(samples)]
    found = []
    for way in ways[k % len(ways) :] + ways[: k % len(ways)]:  # nobody is always first
        gc.collect()
        gc.disable()
        laps = Laps()
        for n, t, a in zip(numbers, frames, drawn):
            make_sample(way.raw(n, t, laps), NEEDS, TARGETS, a, SIZE)
            laps.lap(CROP)
        gc.enable()
        found.append((ways.index(way), {stage: 1e3 * s / samples for stage, s in laps.seconds.items()}))
    return [stages for _, stages in sorted(found, key=lambda pair: pair[0])]


def _print_ways(ways, rounds) -> None:
    totals = [[sum(r[w].values()) for r in rounds] for w in range(len(ways))]
    reading = [[total - r[w][CROP] for total, r in zip(totals[w], rounds)] for w in range(len(ways))]
    base = ways.index(next(way for way in ways if isinstance(way, Surreal)))
    print(
        "| way | ms a sample | samples a second | times the files, one variable each | reading alone, times "
        "| stages, ms |"
    )
    print("|---|---|---|---|---|---|")
    for w, way in enumerate(ways):
        ms = statistics.median(totals[w])
        whole, read = (statistics.median(b / a for a, b in zip(times[w], times[base])) for times in (totals, reading))
        stages = ", ".join(f"{stage} {statistics.median(r[w][stage] for r in rounds):.2f}" for stage in rounds[0][w])
        print(f"| {way.name} | {ms:.2f} | {1e3 / ms:.0f} | {whole:.1f} | {read:.1f} | {stages} |")


def _print_opening(ways, rounds, samples: int) -> None:
    """What it takes to open a clip and read nothing, and to read a sample of a clip just opened, without its crop."""
    table, plain = (next(way for way in ways if way.name == name) for name in (TABLE, PLAIN))
    files = [open_dataset(way.readers.paths[0]).clips() for way in (table, plain)]
    opening = {id(way): [] for way in (table, plain)}
    for _ in rounds:
        for way, paths in zip((table, plain), files):
            start = time.process_time()
            for k in range(samples):
                open_clip(paths[k % len(paths)]).close()
            opening[id(way)].append(1e3 * (time.process_time() - start) / samples)
    print("\n| clip opened anew | opening alone, ms | sample read, ms | with the crop, ms |\n|---|---|---|---|")
    for way in (table, plain):
        stages = [r[ways.index(way)] for r in rounds]
        reading = statistics.median(sum(s.values()) - s[CROP] for s in stages)
        whole = statistics.median(sum(s.values()) for s in stages)
        print(f"| {way.name} | {statistics.median(opening[id(way)]):.2f} | {reading:.2f} | {whole:.2f} |")
    a, b = ways.index(table), ways.index(plain)
    ratios = [
        statistics.median(y / x for x, y in zip(opening[id(table)], opening[id(plain)])),
        statistics.median((sum(r[b].values()) - r[b][CROP]) / (sum(r[a].values()) - r[a][CROP]) for r in rounds),
        statistics.median(sum(r[b].values()) / sum(r[a].values()) for r in rounds),
    ]
    print(f"| times | {' | '.join(f'{ratio:.1f}' for ratio in ratios)} |")


def _print_lists(native: Path, clips: int) -> None:
    """What it takes to find out which frames there are: at first, when code and files are new, and from the cache."""
    print("\n| list of frames | ms a clip at first | ms a clip again |\n|---|---|---|")
    for kind in ("native", "surreal"):
        os.environ["MANNEQUIN_CACHE"] += "/again"
        times = []
        for _ in range(2):
            readers, start = Readers((str(native.with_name(kind)),), kept=1), time.process_time()
            subjects(readers, Selection(), NEEDS, TARGETS)
            times.append(1e3 * (time.process_time() - start) / clips)
            readers.close()
        print(f"| {kind} | {times[0]:.1f} | {times[1]:.2f} |", flush=True)


def _print_streams(samples: int, rounds: int) -> None:
    """Samples per second of one core straight from the generator, by preset and frames of a clip."""
    print("\n| generated, 240 × 320 | frames a clip | ms a sample | samples a second |\n|---|---|---|---|")
    for preset in ("surreal", "studio"):
        for frames in (1, 4, 8):
            config = SampleConfig(preset=preset, size=(240, 320), frames=frames)
            data = GeneratedSamples(config, Assets(), 0, partial(open_renderer, "raster"), NEEDS, TARGETS)
            data[0, 0]
            count, times = max(frames, samples // 5 // frames * frames), []
            for k in range(1, rounds + 1):
                start = time.process_time()
                for index in range(k * count, (k + 1) * count):
                    data[0, index]
                times.append(1e3 * (time.process_time() - start) / count)
            ms = statistics.median(times)
            print(f"| {preset} | {frames} | {ms:.1f} | {1e3 / ms:.0f} |", flush=True)


if __name__ == "__main__":
    main()

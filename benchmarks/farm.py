"""What a farm asks of a job beside rendering: scaling, overhead, planning, a million clips.

    python -m benchmarks.farm [--clips 20000] [--no-blender] [--only scaling overhead planning long]

Clips of the long run are fakes of a hundred bytes; everything else about them is real: processes,
records, folders, logs, status. Prints markdown. A million clips take about two hours and 5 GB
of disk (--clips 1000000 --only long).
"""

import argparse
import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mannequin.generator.catalog import Assets, Catalog
from mannequin.generator.config import SampleConfig
from mannequin.generator.dataset.folder import create_or_resume
from mannequin.generator.dataset.inventory import clips, take_inventory, unfinished
from mannequin.generator.dataset.progress import read_progress
from mannequin.generator.io.atomic import write_bytes
from mannequin.generator.sampling import plan_size, sample_clip
from mannequin.renderers.production import worker as task_module
from mannequin.renderers.production.job import Job, job_outputs, run_job
from mannequin.renderers.production.pool import cores, pool

SEQUENCES = 2605
FRAMES = 1680
"""Of a sequence on average, at 120 per second."""


def job(renderer: str = "raster", **config) -> Job:
    return Job(
        SampleConfig(**({"frames": 8, "size": (240, 320)} | config)), Assets(), 0, renderer, job_outputs(()), "jpeg"
    )


# Scaling


def scaling(renderers: tuple[str, ...], folder: Path) -> None:
    """Frames per second of one and of several workers, while all of them work."""
    most = min(len(cores()), 16)
    print(f"| renderer | 1 worker, frames/s | {most} workers, frames/s | ratio |\n|---|---|---|---|")
    for renderer in renderers:
        paces = [steady_pace(job(renderer), folder / f"{renderer}-{n}", n) for n in (1, most)]
        print(f"| {renderer} | {paces[0]:.1f} | {paces[1]:.1f} | {paces[1] / paces[0]:.2f} |", flush=True)


def steady_pace(job: Job, out: Path, workers: int, each: int = 12) -> float:
    """Frames per second between the first clip of the last worker to start and the last but few."""
    ends = []
    total, frames = each * workers, job.sample.frames
    if frames is None:
        raise ValueError("The job says nothing of the frames of a clip; expected a number, to count frames by.")
    run_job(job, out, total, workers, on_progress=lambda p: ends.append(time.perf_counter()) if p.clip else None)
    first, last = 2 * workers, total - workers
    return (last - first) * frames / (ends[last] - ends[first])


# Overhead


class Nothing:
    """Renders what it was given: the time left over is that of the machinery."""

    def __init__(self, clip):
        self.clip = clip

    def render_scene(self, scene, outputs):
        return self.clip


def fake(clip, task, *arguments):
    """In a worker: do ``task`` with a renderer that does nothing, and posing and writing that do little."""
    task_module.open_renderer = lambda *which: Nothing(clip)
    task_module.build_scene = lambda spec, *rest: spec
    task_module.write_clip = lambda path, clip, rgb: write_bytes(path, b"a clip, " * 12)
    task_module.sample_clip = lambda *which: clip.spec
    return task(*arguments)


def pool_with(clip):
    """A pool of such renderers."""

    @contextmanager
    def make_pool(workers):
        with pool(workers) as run_calls:
            yield lambda task, todo: (
                (each[2:], said) for each, said in run_calls(fake, ((clip, task, *each) for each in todo))
            )

    return make_pool


class Stub:
    """A clip of nothing."""

    agreement: dict[str, float] = {}

    def __init__(self, spec):
        self.spec, self.agreement = spec, {}


def stub(job: Job) -> Stub:
    return Stub(sample_clip(job.sample, Catalog(), 0, 0))


def overhead(folder: Path, count: int = 2000) -> None:
    """Milliseconds per clip of everything but the clip itself: processes, files, records, logs."""
    one = job()
    summary = run_job(one, folder / "overhead", count, pool=pool_with(stub(one)))
    print(
        f"overhead per clip: {1000 * summary.wall / count:.2f} ms ({count} clips, one worker, files of 100 "
        "bytes synced to disk)"
    )


# Planning


def planning(folder: Path) -> None:
    """Time and memory before the first clip: counting the clips of SURREAL, and listing what is to do."""
    assets = Assets(motion=(str(surreal_file(folder / "smpl_data.npz")),))
    start = time.perf_counter()
    size = plan_size(SampleConfig(preset="surreal", split="all"), Catalog(assets))
    print(
        f"\nclips of {SEQUENCES} sequences under the SURREAL preset: {size}, counted in "
        f"{time.perf_counter() - start:.1f} s\n"
    )
    print("| clips planned | inventory and list of what is to do, s | memory more, MB |\n|---|---|---|")
    if size is None:
        raise ValueError("The SURREAL preset has no end; expected a plan of its sequences.")
    for total in (size, 1_000_000, 10_000_000):
        before, start = memory_mb(), time.perf_counter()
        dataset = create_or_resume(folder / f"plan-{total}", {}, total)
        assert take_inventory(dataset.path, range(total)).missing == sum(
            1 for _ in unfinished(dataset.path, range(total))
        )
        print(f"| {total} | {time.perf_counter() - start:.1f} | {memory_mb() - before:.1f} |", flush=True)


def surreal_file(path: Path) -> Path:
    """A file like SURREAL's smpl_data.npz whose sequences are as many and, on average, as long."""
    arrays = {f"{gender}shapes": np.zeros((20, 10)) for gender in ("female", "male")}
    for k in range(SEQUENCES):
        length = FRAMES // 2 + FRAMES * k // SEQUENCES
        name = f"{k // 20 + 1:02d}_{k % 20 + 1:02d}"
        arrays |= {
            f"pose_{name}": np.zeros((length, 72), np.float32),
            f"trans_{name}": np.zeros((length, 3), np.float32),
        }
    np.savez_compressed(path, **arrays)
    return path


def memory_mb() -> float:
    """Memory of this process now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


# A long run


def long_run(total: int, folder: Path) -> None:
    """A job of very many clips: memory of the parent as it goes, files per folder, and how long status takes."""
    one, seen = job(), []
    out = folder / "long"

    def watch(progress) -> None:
        if progress.done % max(total // 5, 1) == 0:
            seen.append((progress.done, memory_mb()))

    summary = run_job(one, out, total, pool=pool_with(stub(one)), on_progress=watch)
    print(
        f"\n{total} clips in one run: {1000 * summary.wall / total:.2f} ms per clip\n\n| clips done | "
        "parent's memory, MB |\n|---|---|"
    )
    for done, megabytes in seen:
        print(f"| {done} | {megabytes:.0f} |")
    most = max(len(os.listdir(place)) for place, _, names in os.walk(out) if names)
    start = time.perf_counter()
    assert read_progress(out).is_complete
    print(
        f"\nmost files in a folder: {most}; folders: {len(clips(out).folders())}; status: "
        f"{time.perf_counter() - start:.2f} s"
    )
    start = time.perf_counter()
    again = run_job(one, out, total, pool=pool_with(stub(one)))
    assert again.kept == total
    print(f"the same command again, with nothing to do: {time.perf_counter() - start:.1f} s")


PARTS = ("scaling", "overhead", "planning", "long")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clips", type=int, default=20_000, help="of the long run")
    parser.add_argument("--no-blender", action="store_true")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "scaling" in options.only:
            scaling(("raster",) if options.no_blender else ("raster", "blender"), folder)
        if "overhead" in options.only:
            overhead(folder)
        if "planning" in options.only:
            planning(folder)
        if "long" in options.only:
            long_run(options.clips, folder)


if __name__ == "__main__":
    from benchmarks import farm  # under its own name, by which workers find it

    farm.main()

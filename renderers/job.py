"""A job: clips described, rendered and written, one after the other or on several cores."""

import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import joblib
from joblib.externals.loky.backend import get_context
from joblib.externals.loky.process_executor import BrokenProcessPool
from threadpoolctl import threadpool_limits

from generator.catalog import Assets, Catalog
from generator.clip import DEFAULT_OUTPUTS, EXTRA_OUTPUTS, LABELS
from generator.config import SampleConfig
from generator.dataset.folder import create_or_resume
from generator.dataset.native import write_clip
from generator.errors import ConfigError, RenderError, unknown_name
from generator.records import to_plain
from generator.sampling import plan_size, resolve, sample_clip
from generator.scene import build_scene
from renderers.choice import open_renderer

STAGES = ("sample", "pose", "render", "write")
MOST_CLIPS = 1_000_000_000


@dataclass(frozen=True)
class Job:
    """All that decides what a clip holds; its plain form is written with the dataset."""

    sample: SampleConfig
    assets: Assets
    seed: int
    renderer: str
    outputs: tuple[str, ...]
    rgb: str


@dataclass(frozen=True)
class Progress:
    """Where a job stands. fps: frames per second since the start, all workers together.

    clip: the one just finished, "" at the start. left: seconds still to go, at this pace.
    """

    clip: str
    done: int
    total: int
    fps: float = 0.0
    left: float = 0.0


@dataclass
class Summary:
    """What a job did. seconds: per stage, summed over workers."""

    clips: int = 0
    kept: int = 0
    frames: int = 0
    bytes: int = 0
    wall: float = 0.0
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    failed: list[tuple[str, str]] = field(default_factory=list)

    def rows(self) -> list[tuple[str, str]]:
        """(name, value) lines for a person."""
        busy = sum(self.seconds.values())
        rows = [("clips", f"{self.clips} written, {self.kept} already there, {len(self.failed)} failed")]
        if self.frames:
            slowest = max(self.seconds, key=self.seconds.get)
            rows += [
                ("frames", f"{self.frames} in {self.wall:.1f} s"),
                ("speed", f"{self.frames / self.wall:.1f} frames per second, {self.frames / busy:.1f} per core"),
                ("size", f"{self.bytes / 1e6:.1f} MB, {self.bytes / self.frames / 1e3:.1f} kB per frame"),
                ("slowest stage", f"{slowest}, {100 * self.seconds[slowest] / busy:.0f} % of the time"),
            ]
        return rows


@dataclass(frozen=True)
class _Done:
    """What a worker says of one clip."""

    index: int
    name: str
    frames: int = 0
    bytes: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    error: str = ""


def job_outputs(names: tuple[str, ...]) -> tuple[str, ...]:
    """Expand "labels" and check names; empty means every channel."""
    chosen = []
    for name in names or DEFAULT_OUTPUTS:
        if name != "labels" and name not in DEFAULT_OUTPUTS + EXTRA_OUTPUTS:
            raise unknown_name("output", name, DEFAULT_OUTPUTS + EXTRA_OUTPUTS + ("labels",))
        chosen += LABELS if name == "labels" else (name,)
    return tuple(n for n in DEFAULT_OUTPUTS + EXTRA_OUTPUTS if n in chosen)


def cores() -> list[int]:
    """The cores this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def worker_count(text: str) -> int:
    """ "auto" is one per core."""
    if text == "auto":
        return len(cores())
    if not text.isdigit() or int(text) < 1:
        raise ConfigError(f"workers is {text!r}; expected a number from 1, or auto.")
    return int(text)


def run_job(
    job: Job,
    out: Path,
    clips: int,
    workers: int = 1,
    device: str = "cpu",
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Summary:
    """Write those of the first ``clips`` clips of ``job`` that ``out`` lacks.

    clips: 0 for all that the preset has. A clip whose rendering cannot be trusted is left out and
    reported in Summary.failed; errors of assets, options and folders end the job at once, those
    that the first clip shows before ``out`` is made. Whatever ends it, finished clips stay.
    """
    job = replace(job, sample=resolve(job.sample), assets=job.assets.located())
    total = _total(job, clips)
    with _crew(min(workers, total)) as work:
        list(work(_rehearse, [(job, device)]))
        dataset = create_or_resume(out, to_plain(job), num_clips=total)
        done = {index for index in dataset.done() if index < total}
        todo = ((job, dataset, index, device) for index in range(total) if index not in done)
        return _collect(work(_make, todo), Summary(kept=len(done)), total, on_progress)


def _collect(results, summary: Summary, total: int, on_progress) -> Summary:
    """Sum up what workers say, in the order in which they say it."""
    start = time.perf_counter()
    on_progress(Progress("", summary.kept, total))
    for said in results:
        _add(summary, said)
        summary.wall = time.perf_counter() - start
        new = summary.clips + len(summary.failed)
        finished = summary.kept + new
        left = summary.wall / new * (total - finished)
        on_progress(Progress(said.name, finished, total, summary.frames / summary.wall, left))
    return summary


def _total(job: Job, clips: int) -> int:
    if not 0 <= clips <= MOST_CLIPS:
        raise ConfigError(f"clips is {clips}; expected 1 to {MOST_CLIPS:,}, or 0 for all that the preset has.")
    if clips:
        return clips
    size = plan_size(job.sample, Catalog(job.assets))
    if size is None:
        raise ConfigError(f"The preset {job.sample.preset!r} has no end; say how many clips with --clips.")
    return size


@contextmanager
def _crew(workers: int):
    """A function (task, tuples of arguments) → iterator of results, in the order of finishing.

    One worker is this process; more are processes of their own, each on one core. All compute on a
    single thread, since sums split among threads round differently.
    """
    if workers == 1:
        with _one_thread():
            yield itertools.starmap
        return
    seats = get_context("loky").SimpleQueue()
    for core in cores():
        seats.put(core)
    with joblib.parallel_config("loky", n_jobs=workers, initializer=_start_worker, initargs=(seats,)):
        yield _in_processes


def _in_processes(task, arguments) -> Iterator:
    calls = (joblib.delayed(task)(*each) for each in arguments)
    try:
        yield from joblib.Parallel(return_as="generator_unordered", batch_size=1)(calls)
    except BrokenProcessPool as e:
        raise RenderError(
            "A worker process died, most likely for want of memory. Run the same command again with fewer --workers, "
            "or with shorter clips in a new folder; finished clips are kept."
        ) from e


@contextmanager
def _one_thread():
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        cv2.setNumThreads(threads)


def _start_worker(seats) -> None:
    """Take the core that has waited longest, one thread, and leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with, args=(os.getppid(),), daemon=True).start()
    core = seats.get()
    seats.put(core)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    cv2.setNumThreads(1)
    threadpool_limits(1)


def _leave_with(parent: int) -> None:
    """End this process once its parent is gone, whatever took it."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


_open: dict = {}
"""The catalog and renderer of this process, kept from clip to clip."""


def _tools(job: Job, device: str):
    key = (job, device)
    if key not in _open:
        catalog = Catalog(job.assets)
        _open.clear()
        _open[key] = catalog, open_renderer(job.renderer, catalog, device)
    return _open[key]


def _rehearse(job: Job, device: str) -> None:
    """Open the renderer and pose the first clip: what is wrong with options and files shows here."""
    catalog, _ = _tools(job, device)
    build_scene(sample_clip(job.sample, catalog, job.seed, 0), catalog, job.outputs)


def _make(job: Job, dataset, index: int, device: str) -> _Done:
    """Draw, pose, render and write one clip."""
    catalog, renderer = _tools(job, device)
    seconds, clock = {}, _Clock()
    spec = sample_clip(job.sample, catalog, job.seed, index)
    seconds["sample"] = clock.lap()
    try:
        scene = build_scene(spec, catalog, job.outputs)
        seconds["pose"] = clock.lap()
        clip = renderer.render_scene(scene, job.outputs)
        seconds["render"] = clock.lap()
    except RenderError as e:
        return _Done(index, spec.name, error=str(e))
    size = write_clip(dataset.path_of(index), clip, rgb=job.rgb)
    seconds["write"] = clock.lap()
    return _Done(index, spec.name, spec.num_frames, size, seconds)


class _Clock:
    def __init__(self):
        self.last = time.perf_counter()

    def lap(self) -> float:
        now = time.perf_counter()
        passed, self.last = now - self.last, now
        return passed


def _add(summary: Summary, said: _Done) -> None:
    if said.error:
        summary.failed.append((said.name, said.error))
        return
    summary.clips += 1
    summary.frames += said.frames
    summary.bytes += said.bytes
    for stage, seconds in said.seconds.items():
        summary.seconds[stage] += seconds

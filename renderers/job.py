"""A job: clips described, rendered and written, one after the other or on several cores."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import joblib

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
    """Where a job stands. fps: frames per second since the start, all workers together."""

    clip: str
    done: int
    total: int
    fps: float


@dataclass
class Summary:
    """What a job did. seconds: per stage, summed over workers."""

    clips: int = 0
    kept: int = 0
    frames: int = 0
    bytes: int = 0
    wall: float = 0.0
    workers: int = 1
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
                ("speed", f"{self.frames / busy:.1f} frames per second per core"),
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

    clips: 0 for all that the preset has. A clip whose rendering cannot be trusted is left out and reported in Summary.failed; errors of
    assets, options and folders end the job at once. Whatever ends it, finished clips stay.
    """
    job = replace(job, sample=resolve(job.sample), assets=job.assets.located())
    total = _total(job, clips)
    sample_clip(job.sample, Catalog(job.assets), job.seed, 0)  # what is wrong with assets shows before a folder is made
    dataset = create_or_resume(out, to_plain(job), num_clips=total)
    done = dataset.done()
    todo = [i for i in range(total) if i not in done]
    summary = Summary(kept=total - len(todo), workers=min(workers, max(1, len(todo))))
    start = time.perf_counter()
    on_progress(Progress("", summary.kept, total, 0.0))
    for said in _work(job, dataset, todo, summary.workers, device):
        _add(summary, said)
        summary.wall = time.perf_counter() - start
        finished = summary.kept + summary.clips + len(summary.failed)
        on_progress(Progress(said.name, finished, total, summary.frames / summary.wall))
    return summary


def _total(job: Job, clips: int) -> int:
    if clips < 0:
        raise ConfigError(f"clips is {clips}; expected a positive number, or 0 for all that the preset has.")
    if clips:
        return clips
    size = plan_size(job.sample, Catalog(job.assets))
    if size is None:
        raise ConfigError(f"The preset {job.sample.preset!r} has no end; say how many clips with --clips.")
    return size


def _work(job, dataset, todo, workers, device):
    """Yield a _Done for each index of ``todo``, in the order of finishing."""
    if workers == 1:
        for index in todo:
            yield _make(job, dataset, index, device, cores()[0])
        return
    available = cores()
    tasks = (joblib.delayed(_make)(job, dataset, index, device, None) for index in todo)
    with joblib.parallel_config("loky", n_jobs=workers, initializer=_pin, initargs=(available,)):
        yield from joblib.Parallel(return_as="generator_unordered", batch_size=1)(tasks)


def _pin(available):
    """Give this worker a core of its own, before bpy counts them."""
    worker = int(os.environ.get("LOKY_WORKER_NUMBER", os.getpid()))
    os.sched_setaffinity(0, {available[worker % len(available)]})


_open: dict = {}
"""The catalog and renderer of this process, kept from clip to clip."""


def _tools(job, device, core):
    key = (job, device)
    if key not in _open:
        if core is not None and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {core})
        catalog = Catalog(job.assets)
        _open.clear()
        _open[key] = catalog, open_renderer(job.renderer, catalog, device)
    return _open[key]


def _make(job: Job, dataset, index: int, device: str, core) -> _Done:
    catalog, renderer = _tools(job, device, core)
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

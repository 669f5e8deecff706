"""What a worker does for a job: one clip, described, posed, rendered and written, or recorded as failed."""

import errno
import os
import platform
import socket
import sys
import time
import traceback
from dataclasses import dataclass, field, replace

from mannequin.generator.catalog import Assets, Catalog
from mannequin.generator.config import SampleConfig
from mannequin.generator.dataset import failures
from mannequin.generator.dataset.failures import Failure
from mannequin.generator.dataset.folder import Dataset, software_versions
from mannequin.generator.dataset.native import write_clip
from mannequin.generator.dataset.runlog import now
from mannequin.generator.errors import MannequinError, RenderError
from mannequin.generator.io.atomic import cannot_write
from mannequin.generator.io.listing import LeftOut
from mannequin.generator.records import to_plain
from mannequin.generator.sampling import sample_clip
from mannequin.generator.scene import build_scene
from mannequin.generator.versions import instruction_set
from mannequin.renderers.choice import open_renderer
from mannequin.renderers.production.pool import WorkerCrash, limit_time, uninterrupted

STAGES = ("sample", "pose", "render", "write")

SPARE_FRAMES = 10
"""A clip may take as long as so many frames more than it has: for opening files and compiling."""

PREFLIGHT_CLIPS = 3
"""Clips that are posed before anything is written, if those before fail."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
"""Errors of the machine's storage; every other clip would meet them too."""


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
class ClipResult:
    """What became of one clip.

    seconds: per stage. peak_mb: most memory its process ever had. agreement: as in Clip. error:
    one line if it failed, else "". is_kept: it was there already, made by another run. left_out: files that its process
    found unusable, so far, as it read them.
    """

    index: int
    name: str = ""
    frames: int = 0
    bytes: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    agreement: dict[str, float] = field(default_factory=dict)
    error: str = ""
    is_kept: bool = False
    left_out: tuple[LeftOut, ...] = ()
    attempts: int = 1
    host: str = field(default_factory=socket.gethostname)
    processor: str = field(default_factory=instruction_set)
    pid: int = field(default_factory=os.getpid)
    peak_mb: float = field(default_factory=lambda: _peak_mb())


_open: dict = {}
"""The catalog and renderer of this process, kept from clip to clip."""


def _catalog_and_renderer(job: Job, device: str, left_out: tuple[LeftOut, ...] | None):
    key = (job, device, left_out)
    if key not in _open:
        catalog = Catalog(job.assets, left_out)
        _open.clear()
        _open[key] = catalog, open_renderer(job.renderer, catalog, device)
    return _open[key]


def preflight(job: Job, device: str, total: int, left_out: tuple[LeftOut, ...]) -> None:
    """Open the renderer and pose the first clip: what is wrong with options and files shows here.

    total: clips of the job. left_out: files that its catalog does without.
    Raises what a user can mend. Any other error will be recorded when the clip is made, unless the next clips have it
    too.
    """
    catalog, _ = _catalog_and_renderer(job, device, left_out)
    for index in range(min(total, PREFLIGHT_CLIPS)):
        try:
            build_scene(sample_clip(job.sample, catalog, job.seed, index), catalog, job.outputs)
        except Exception as e:
            if index + 1 == min(total, PREFLIGHT_CLIPS) or (
                isinstance(e, MannequinError) and not isinstance(e, RenderError)
            ):
                raise
        else:
            return


def make_clip(
    job: Job,
    dataset: Dataset,
    index: int,
    device: str,
    seconds_per_frame: float,
    left_out: tuple[LeftOut, ...] | None = None,
) -> ClipResult:
    """Make clip ``index``, or record why that cannot be. Raises what concerns all clips alike.

    left_out: files that its catalog does without; None: those that it finds itself.
    The process ends if the clip takes longer than its frames by ``seconds_per_frame``; 0: never.
    """
    catalog, renderer = _catalog_and_renderer(job, device, left_out)
    if dataset.path_of(index).exists():
        return ClipResult(index, is_kept=True)
    dataset.check_there()
    spec, seconds, stopwatch = None, {}, _Stopwatch()
    try:
        limit_time(seconds_per_frame * SPARE_FRAMES)
        spec = sample_clip(job.sample, catalog, job.seed, index)
        seconds["sample"] = stopwatch.lap()
        limit_time(seconds_per_frame * (SPARE_FRAMES + spec.num_frames))
        scene = build_scene(spec, catalog, job.outputs)
        seconds["pose"] = stopwatch.lap()
        clip = renderer.render_scene(scene, job.outputs)
        seconds["render"] = stopwatch.lap()
    except Exception as e:
        if isinstance(e, OSError) and e.errno in _FULL:
            raise cannot_write(e.filename or dataset.path, e) from e
        return replace(_failed(job, dataset, index, spec, e), left_out=tuple(catalog.files.met))
    with uninterrupted():
        size = write_clip(dataset.path_of(index), clip, rgb=job.rgb)
        failures.forget(dataset.path, index)
    seconds["write"] = stopwatch.lap()
    return ClipResult(
        index, spec.name, spec.num_frames, size, seconds, clip.agreement, left_out=tuple(catalog.files.met)
    )


def record_crash(job: Job, dataset: Dataset, index: int, crash: WorkerCrash) -> ClipResult:
    """Record a clip that took its processes with it."""
    try:
        spec = sample_clip(job.sample, Catalog(job.assets), job.seed, index)
    except Exception:
        spec = None
    _record(dataset, index, spec, crash.reason, crash.log, crash.attempts)
    return ClipResult(index, _name(index, spec), error=crash.reason, attempts=crash.attempts)


def _failed(job: Job, dataset: Dataset, index: int, spec, error: Exception) -> ClipResult:
    line = str(error) if isinstance(error, MannequinError) else f"{type(error).__name__}: {error}"
    with uninterrupted():
        _record(dataset, index, spec, line, "".join(traceback.format_exception(error)), 1)
    return ClipResult(index, _name(index, spec), error=line)


def _record(dataset: Dataset, index: int, spec, error: str, log: str, attempts: int) -> None:
    versions = software_versions() | {"python": platform.python_version()}
    plain = to_plain(spec) if spec else None
    failure = Failure(index, _name(index, spec), error, log, attempts, now(), socket.gethostname(), versions, plain)
    failures.record(dataset.path, failure)


def _name(index: int, spec) -> str:
    return spec.name if spec else f"{index:06d}"


def _peak_mb() -> float:
    """The most memory this process has had, in MB; 0 where the system does not say."""
    try:
        import resource
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3), 1)


class _Stopwatch:
    def __init__(self):
        self.last = time.perf_counter()

    def lap(self) -> float:
        now = time.perf_counter()
        passed, self.last = now - self.last, now
        return passed

"""A job: those of its clips that a dataset lacks, made by a pool, one after the other or side by side."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from mannequin.generator.catalog import Catalog
from mannequin.generator.clip import DEFAULT_OUTPUTS, EXTRA_OUTPUTS, LABELS
from mannequin.generator.dataset.folder import create_or_resume, software_versions
from mannequin.generator.dataset.inventory import take_inventory, unfinished
from mannequin.generator.dataset.runlog import RunLog
from mannequin.generator.errors import ConfigError, RenderError, unknown_name
from mannequin.generator.io.listing import LeftOut
from mannequin.generator.io.remote import Place
from mannequin.generator.records import to_plain
from mannequin.generator.sampling import plan_size, resolve
from mannequin.generator.survey import unusable
from mannequin.renderers.production.pool import WorkerCrash, cores, pool
from mannequin.renderers.production.worker import STAGES, ClipResult, Job, make_clip, preflight, record_crash

MOST_CLIPS = 1_000_000_000

SECONDS_PER_FRAME = 600.0
"""A process that needs longer hangs: a large frame of many samples takes minutes on one core."""


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
    """What a run did. seconds: per stage, summed over workers.

    kept: clips that were there already; skipped: those that failed in earlier runs; failed: (name,
    error) of those that failed in this one; crashes: how many processes did. left_out: files of the user that cannot
    be used; passed_over: what lies beside them.
    """

    clips: int = 0
    kept: int = 0
    skipped: int = 0
    frames: int = 0
    bytes: int = 0
    wall: float = 0.0
    crashes: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    failed: list[tuple[str, str]] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    passed_over: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether all clips are there now."""
        return not self.failed and not self.skipped

    @property
    def is_clean(self) -> bool:
        """Whether all clips are there, and all files of the user could be used."""
        return self.is_complete and not self.left_out

    def rows(self) -> list[tuple[str, str]]:
        """(name, value) lines for a person."""
        busy = sum(self.seconds.values())
        rows = [("clips", f"{self.clips} written, {self.kept} already there, {len(self.failed)} failed")]
        if self.skipped:
            rows.append(("skipped", f"{self.skipped} that failed before; --retry-failed tries them again"))
        if self.left_out:
            kinds = Counter(fault.kind for fault in self.left_out)
            rows.append(("left out", ", ".join(f"{count} {kind}{'s' * (count > 1)}" for kind, count in kinds.items())))
        rows += [("passed over", line) for line in self.passed_over]
        if self.crashes:
            rows.append(("died", f"{self.crashes} worker processes; each was replaced"))
        if self.frames:
            slowest = max(self.seconds, key=lambda stage: self.seconds[stage])
            rows += [
                ("frames", f"{self.frames} in {self.wall:.1f} s"),
                ("speed", f"{self.frames / self.wall:.1f} frames per second, {self.frames / busy:.1f} per core"),
                ("size", f"{self.bytes / 1e6:.1f} MB, {self.bytes / self.frames / 1e3:.1f} kB per frame"),
                ("slowest stage", f"{slowest}, {100 * self.seconds[slowest] / busy:.0f} % of the time"),
            ]
        return rows


def job_outputs(names: tuple[str, ...]) -> tuple[str, ...]:
    """Expand "labels" and check names; empty means every channel."""
    chosen = []
    for name in names or DEFAULT_OUTPUTS:
        if name != "labels" and name not in DEFAULT_OUTPUTS + EXTRA_OUTPUTS:
            raise unknown_name("output", name, DEFAULT_OUTPUTS + EXTRA_OUTPUTS + ("labels",))
        chosen += LABELS if name == "labels" else (name,)
    return tuple(n for n in DEFAULT_OUTPUTS + EXTRA_OUTPUTS if n in chosen)


def worker_count(text: str) -> int:
    """ "auto" is one per core."""
    if text == "auto":
        return len(cores())
    if not text.isdecimal() or not text.isascii():
        raise ConfigError(f"workers is {text!r}; expected a number from 0, or auto.")
    return int(text)


def run_job(
    job: Job,
    out: Place,
    clips: int,
    workers: int = 1,
    device: str = "cpu",
    on_progress: Callable[[Progress], None] = lambda progress: None,
    *,
    indices: Callable[[int], range] = range,
    retry_failed: bool = False,
    strict: bool = False,
    seconds_per_frame: float = SECONDS_PER_FRAME,
    pool=pool,
) -> Summary:
    """Write those of the first ``clips`` clips of ``job`` that ``out`` lacks.

    clips: 0 for all that the preset has. workers: processes; 0 for this very one, which then is not
    safe from crashes and hangs. indices: which of so many clips are this run's share. retry_failed:
    make those too that failed before. strict: refuse, before anything is made, files of the user that cannot be used,
    instead of leaving them out; every one is read for it. seconds_per_frame: a clip that takes longer for each of its
    frames hangs, and its process is ended; 0 for no limit. pool: see mannequin.renderers.production.pool.

    A clip that raises, or takes ATTEMPTS processes with it, is recorded under ``out``/failed and
    reported in Summary.failed. Errors of assets and options that the first clip shows end the job
    before ``out`` is made; a disk that takes no more ends it at once. Finished clips stay.
    """
    job = replace(job, sample=resolve(job.sample), assets=job.assets.located())
    catalog = Catalog(job.assets)
    if strict and (faults := catalog.files.check_all()):
        raise unusable(faults)
    left_out = catalog.files.left_out
    total = _total(job, clips, catalog)
    mine = indices(total)
    with pool(min(workers, len(mine))) as run_calls:
        _preflight(run_calls, job, device, total, left_out)
        dataset = create_or_resume(out, to_plain(job), num_clips=total)
        inventory = take_inventory(out, mine)
        start = Summary(kept=inventory.done, skipped=0 if retry_failed else inventory.failed)
        start.left_out, start.passed_over = list(left_out), catalog.files.passed_over
        todo = (
            (job, dataset, index, device, seconds_per_frame if workers else 0.0, left_out)
            for index in unfinished(out, mine, retry_failed)
        )
        about = {"clips": len(mine), "of": total, "workers": workers, "device": device, "versions": software_versions()}
        if left_out:
            about["left_out"] = [fault.name for fault in left_out]
        with RunLog(out, **about) as log:
            return _collect(_results(run_calls, todo, log), start, len(mine), on_progress)


def _preflight(run_calls, job: Job, device: str, total: int, left_out: tuple[LeftOut, ...]) -> None:
    """Look at the first clip. Raises what is wrong with the job as a whole."""
    for _, result in run_calls(preflight, [(job, device, total, left_out)]):
        if isinstance(result, WorkerCrash) and result.is_final:
            raise RenderError(
                f"Opening the renderer and posing the first clip failed {result.attempts} times. "
                f"{result.reason}\n{result.log}\n"
                "Free some memory, or try --renderer raster; if that works, the other renderer is at fault."
            )


def _results(run_calls, todo, log: RunLog):
    """ClipResult of every clip that is done with, and WorkerCrash of every process that died before; all logged."""
    for (job, dataset, index, *_), result in run_calls(make_clip, todo):
        if isinstance(result, WorkerCrash):
            log.say(clip=index, died=result.reason, attempts=result.attempts)
            yield result
            if not result.is_final:
                continue
            result = record_crash(job, dataset, index, result)
        log.say(**_log_entry(result))
        yield result


def _log_entry(result: ClipResult) -> dict:
    """What is logged of a clip."""
    entry = {
        "clip": result.index,
        "host": result.host,
        "processor": result.processor,
        "pid": result.pid,
        "attempts": result.attempts,
        "peak_mb": result.peak_mb,
    }
    if result.is_kept:
        return entry | {"kept": True}
    if result.error:
        return entry | {"error": result.error}
    seconds = {stage: round(value, 4) for stage, value in result.seconds.items()}
    pace = {
        "frames": result.frames,
        "bytes": result.bytes,
        "seconds": seconds,
        "fps": round(result.frames / sum(result.seconds.values()), 3),
    }
    return entry | pace | {"agreement": result.agreement}


def _collect(results, summary: Summary, total: int, on_progress) -> Summary:
    """Sum up the results as they come."""
    start, new = time.perf_counter(), 0
    before = summary.kept + summary.skipped
    on_progress(Progress("", before, total))
    for result in results:
        if isinstance(result, WorkerCrash):
            summary.crashes += 1
            continue
        _add(summary, result)
        new += 1
        summary.wall = time.perf_counter() - start
        left = summary.wall / new * (total - before - new)
        on_progress(Progress(result.name, before + new, total, summary.frames / summary.wall, left))
    return summary


def _total(job: Job, clips: int, catalog: Catalog) -> int:
    if not 0 <= clips <= MOST_CLIPS:
        raise ConfigError(f"clips is {clips}; expected 1 to {MOST_CLIPS:,}, or 0 for all that the preset has.")
    if clips:
        return clips
    size = plan_size(job.sample, catalog)
    if size is None:
        raise ConfigError(f"The preset {job.sample.preset!r} has no end; say how many clips with --clips.")
    return size


def _add(summary: Summary, result: ClipResult) -> None:
    summary.left_out += [fault for fault in result.left_out if fault not in summary.left_out]
    if result.is_kept:
        summary.kept += 1
        return
    if result.error:
        summary.failed.append((result.name, result.error))
        return
    summary.clips += 1
    summary.frames += result.frames
    summary.bytes += result.bytes
    for stage, seconds in result.seconds.items():
        summary.seconds[stage] += seconds

"""Jobs that are killed, crash, hang and run out of disk: nothing is lost, and what was given up is on record."""

import builtins
import ctypes
import errno
import hashlib
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import pytest

from mannequin.cli.commands.status import rows
from mannequin.generator.catalog import Assets, Catalog
from mannequin.generator.config import SampleConfig
from mannequin.generator.dataset import failures
from mannequin.generator.dataset.folder import create_or_resume, open_dataset
from mannequin.generator.dataset.inventory import Inventory, clips, take_inventory, unfinished
from mannequin.generator.dataset.progress import read_progress
from mannequin.generator.errors import AssetError, ConfigError, DatasetError, RenderError
from mannequin.generator.io import atomic
from mannequin.generator.records import to_plain
from mannequin.generator.sampling import sample_clip
from mannequin.renderers.production import pool as pool_module
from mannequin.renderers.production import worker as task_module
from mannequin.renderers.production.job import Job, job_outputs, run_job
from mannequin.renderers.production.pool import WorkerCrash, pool, uninterrupted
from mannequin.renderers.validation.table import Report
from mannequin.renderers.validation.validate import tell_processors

pytestmark = pytest.mark.usefixtures("fresh_tools")

ROOT = Path(__file__).resolve().parents[1]
CLIPS = 10
COMMAND = [
    "generate",
    "--renderer",
    "raster",
    "--frames",
    "2",
    "--size",
    "32",
    "32",
    "--samples",
    "1",
    "--light",
    "lamps",
]
COMMAND += ["--outputs", "rgb", "segm", "--clips", str(CLIPS)]
NEEDS_PROC = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to find worker processes")


def tiny_job() -> Job:
    """The job of COMMAND."""
    config = SampleConfig(frames=2, size=(32, 32), samples=1, light="lamps")
    return Job(config, Assets(), 0, "raster", job_outputs(("rgb", "segm")), "jpeg")


def digests(out: Path) -> dict[str, str]:
    """SHA-256 of the description and of all there is among the clips."""
    files = [out / "dataset.json", *(p for p in sorted(out.glob("clips/**/*")) if p.is_file())]
    return {p.relative_to(out).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def start(out: Path, *options) -> subprocess.Popen:
    """The job of COMMAND as a process of its own."""
    command = [sys.executable, "-m", "mannequin", COMMAND[0], str(out), *COMMAND[1:], *options]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def wait_for_a_clip(out: Path, process: subprocess.Popen) -> None:
    while process.poll() is None and not list(out.glob("clips/*/*.h5")):
        time.sleep(0.02)


def workers_of(parent: int) -> list[int]:
    """Process ids of the workers of a process."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            above = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if above == parent and "popen_loky" in (folder / "cmdline").read_text():
                found.append(int(folder.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What the dataset of COMMAND holds when nothing happens to it."""
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    run_job(tiny_job(), out, CLIPS, workers=0)
    return digests(out)


# Kills


@pytest.mark.slow
@NEEDS_PROC
def test_thirty_kills_of_workers_change_nothing(tmp_path, undisturbed):
    out, rng, killed, is_over = tmp_path / "out", random.Random(1), [], threading.Event()

    def kill():
        while len(killed) < 30 and not is_over.wait(rng.uniform(0, 1.2)):
            for worker in rng.sample(found := workers_of(os.getpid()), min(len(found), 1)):
                os.kill(worker, signal.SIGKILL)
                killed.append(worker)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        while len(killed) < 30:
            with suppress(RenderError):  # three kills of the worker that looks at the first clip
                run_job(tiny_job(), out, CLIPS, workers=2, retry_failed=True)
            for path in clips(out).root.glob("*/*.h5"):
                if rng.random() < 0.3:
                    path.unlink()  # lest the job be done before its time
    finally:
        is_over.set()
        killer.join()
    run_job(tiny_job(), out, CLIPS, workers=2, retry_failed=True)
    assert len(set(killed)) == 30 and digests(out) == undisturbed and not list(out.glob("failed/*/*"))


@pytest.mark.slow
def test_twenty_kills_of_the_whole_job_change_nothing(tmp_path, undisturbed):
    out, rng, is_killed = tmp_path / "out", random.Random(2), 0
    for _ in range(20):
        with start(out, "--workers", str(rng.choice((1, 2)))) as process:
            until = time.monotonic() + rng.uniform(0.7, 2.3)
            while process.poll() is None and time.monotonic() < until:
                time.sleep(0.01)
            is_killed += process.poll() is None
            process.kill()
        for path in clips(out).root.glob("*/*.h5"):
            if rng.random() < 0.3:
                path.unlink()  # lest the job be done before its time
    with start(out) as process:
        assert process.wait() == 0, process.stderr.read()
    assert is_killed > 10 and digests(out) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("number, status", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_job_that_is_told_to_stop_leaves_nothing_half(tmp_path, undisturbed, number, status):
    out = tmp_path / "out"
    with start(out, "--workers", "2") as process:
        wait_for_a_clip(out, process)
        process.send_signal(number)
        said = process.stderr.read()
        assert process.wait() == status and "same command continues" in said and "Traceback" not in said
    assert not [p for p in out.rglob("*") if p.name.endswith(".part")]
    there = digests(out)
    assert there.items() <= undisturbed.items() and 1 < len(there) < CLIPS + 1
    assert not list(out.glob("failed/*/*"))
    assert '"end"' in next(out.glob(".log/*")).read_text().splitlines()[-1]


@pytest.mark.slow
def test_two_runs_over_one_folder_make_one_dataset(tmp_path, undisturbed):
    out = tmp_path / "out"
    with start(out) as one, start(out) as other:
        assert (one.wait(), other.wait()) == (0, 0), one.stderr.read() + other.stderr.read()
    assert digests(out) == undisturbed
    assert len(list(out.glob(".log/*"))) == 2


# Crashes, hangs, exceptions


class Troubled:
    """Wraps a renderer; in a worker, comes to grief over the clips whose indices it was given."""

    def __init__(self, renderer, troubles):
        self.renderer, self.troubles = renderer, troubles

    def render_scene(self, scene, outputs):
        match self.troubles.get(scene.spec.index):
            case "crash":
                ctypes.string_at(0)
            case "hang":
                pool_module.limit_time(_limits[-1] / 1000)  # the rest of it is over; other clips have all of it
                time.sleep(1e6)
            case "raise":
                raise ValueError("the number of arms is 3")
        return self.renderer.render_scene(scene, outputs)


_real = task_module.open_renderer
_limits: list[float] = []
"""Seconds that clips got, in a worker."""


def remembered(seconds: float) -> None:
    _limits.append(seconds)
    pool_module.limit_time(seconds)


def troubled(troubles, task, *arguments):
    """In a worker: do ``task`` with a troubled renderer."""
    task_module.open_renderer = lambda *which: Troubled(_real(*which), troubles)
    task_module.limit_time = remembered
    return task(*arguments)


def pool_with(troubles: dict):
    """A pool whose renderers have ``troubles``, by the index of the clip."""

    @contextmanager
    def make_pool(workers):
        with pool(workers) as run_calls:
            yield lambda task, todo: (
                (each[2:], said) for each, said in run_calls(troubled, ((troubles, task, *each) for each in todo))
            )

    return make_pool


def record_of(out: Path, index: int) -> dict:
    return json.loads(failures.records(out).path_of(index).read_text("utf-8"))


@pytest.mark.slow
def test_a_clip_that_crashes_its_process_is_recorded_after_three_attempts(tmp_path, undisturbed):
    out = tmp_path / "out"
    summary = run_job(tiny_job(), out, 4, pool=pool_with({1: "crash"}))
    assert (summary.clips, summary.crashes, len(summary.failed)) == (3, 3, 1) and "SIGSEGV" in summary.failed[0][1]
    assert open_dataset(out).done() == {0, 2, 3}
    record = record_of(out, 1)
    assert record["attempts"] == 3 and "SIGSEGV" in record["error"] and "string_at" in record["log"]
    assert record["spec"] == to_plain(sample_clip(run_sample(out), Catalog(), 0, 1))
    assert record["host"] and record["versions"]["mannequin"] and record["versions"]["python"]
    lines = [json.loads(line) for line in next(out.glob(".log/*")).read_text().splitlines()]
    assert [line["attempts"] for line in lines if "died" in line] == [1, 2, 3]

    assert run_job(tiny_job(), out, 4, workers=0).skipped == 1
    assert run_job(tiny_job(), out, CLIPS, workers=0, retry_failed=True).is_complete
    assert digests(out) == undisturbed and not list(out.glob("failed/*/*"))


def run_sample(out: Path) -> SampleConfig:
    """The config a dataset was made with, every field settled."""
    plain = open_dataset(out).config["sample"]
    return SampleConfig(**{name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()})


@pytest.mark.slow
def test_a_clip_that_hangs_is_ended_and_recorded(tmp_path, monkeypatch):
    monkeypatch.setattr(pool_module, "ATTEMPTS", 1)
    summary = run_job(tiny_job(), tmp_path / "out", 2, pool=pool_with({0: "hang"}), seconds_per_frame=60.0)
    assert (summary.clips, summary.crashes) == (1, 1) and "longer than --clip-timeout" in summary.failed[0][1]
    assert "render_scene" in record_of(tmp_path / "out", 0)["log"]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
def test_a_clip_that_raises_anything_is_recorded_with_its_traceback(tmp_path, workers, monkeypatch):
    for name in ("open_renderer", "limit_time"):  # what a pool of none sets, stays not
        monkeypatch.setattr(task_module, name, getattr(task_module, name))
    summary = run_job(tiny_job(), tmp_path / "out", 2, workers, pool=pool_with({0: "raise"}))
    assert summary.clips == 1 and summary.crashes == 0 and summary.failed[0][1] == "ValueError: the number of arms is 3"
    record = record_of(tmp_path / "out", 0)
    assert (
        record["attempts"] == 1
        and "Traceback" in record["log"]
        and "render_scene" in record["log"]
        and record["spec"]["index"] == 0
    )
    run_job(tiny_job(), tmp_path / "out", 2, workers, pool=pool_with({0: "raise"}), retry_failed=True)
    assert record_of(tmp_path / "out", 0)["attempts"] == 2


@pytest.fixture
def refuse_clips(monkeypatch):
    """Makes some clips raise when they are posed."""
    real = task_module.build_scene

    def refuse(error, indices):
        def build(spec, *rest):
            if spec.index in indices:
                raise error
            return real(spec, *rest)

        monkeypatch.setattr(task_module, "build_scene", build)

    return refuse


def test_errors_of_later_assets_are_recorded_and_of_the_first_clip_end_the_job(tmp_path, refuse_clips):
    refuse_clips(AssetError("b.png is damaged"), {1})
    assert run_job(tiny_job(), tmp_path / "later", 3, workers=0).failed[0][1] == "b.png is damaged"
    assert open_dataset(tmp_path / "later").done() == {0, 2}
    refuse_clips(AssetError("a.png is damaged"), {0})
    with pytest.raises(AssetError, match="a.png"):
        run_job(tiny_job(), tmp_path / "first", 3, workers=0)
    assert not (tmp_path / "first").exists()


def test_a_bug_in_the_first_clip_is_recorded_and_one_in_all_ends_the_job(tmp_path, refuse_clips):
    refuse_clips(ZeroDivisionError("no legs"), {0})
    assert run_job(tiny_job(), tmp_path / "first", 3, workers=0).failed[0][1] == "ZeroDivisionError: no legs"
    assert open_dataset(tmp_path / "first").done() == {1, 2}
    refuse_clips(ZeroDivisionError("no legs"), range(CLIPS))
    with pytest.raises(ZeroDivisionError):
        run_job(tiny_job(), tmp_path / "all", CLIPS, workers=0)
    assert not (tmp_path / "all").exists()


def crash(*arguments):
    ctypes.string_at(0)


@pytest.mark.slow
def test_a_renderer_that_never_opens_is_explained_and_makes_no_folder(tmp_path, monkeypatch):
    @contextmanager
    def crashing(workers):
        with pool(workers) as run_calls:
            yield lambda task, todo: run_calls(crash, todo)

    with pytest.raises(RenderError, match=r"(?s)SIGSEGV.*string_at"):
        run_job(tiny_job(), tmp_path / "out", 2, pool=crashing)
    assert not (tmp_path / "out").exists()


# Crews


def say_or_die(number):
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.slow
def test_the_death_of_a_worker_costs_its_own_call_alone():
    with pool(2) as run_calls:
        said = list(run_calls(say_or_die, [(k,) for k in range(6)]))
    assert sorted(k for (k,), answer in said if answer == k) == [0, 2, 3, 4, 5]
    deaths = [(k, answer.attempts, answer.is_final) for (k,), answer in said if isinstance(answer, WorkerCrash)]
    assert deaths == [(1, attempt, attempt == 3) for attempt in (1, 2, 3)]


def refuse():
    raise ConfigError("no such lens")


@pytest.mark.slow
def test_what_a_task_raises_is_raised_with_the_traceback_of_the_worker():
    with pytest.raises(ConfigError, match="no such lens") as caught, pool(1) as run_calls:
        list(run_calls(refuse, [()]))
    assert "in refuse" in caught.value.__notes__[0]


def finish(path, is_slow):
    if is_slow:
        with uninterrupted():
            path.with_name("begun").touch()
            time.sleep(0.5)
            path.write_text("whole")
        time.sleep(1e6)
    while not path.with_name("begun").exists():
        time.sleep(0.01)


@pytest.mark.slow
@NEEDS_PROC
def test_what_must_not_be_broken_is_finished_before_a_worker_leaves(tmp_path):
    with pool(2) as run_calls:
        next(run_calls(finish, [(tmp_path / "file", True), (tmp_path / "file", False)]))
    assert (tmp_path / "file").read_text() == "whole" and not workers_of(os.getpid())


def open_threads(number: int) -> int:
    """How many threads of this process a signal can reach."""
    texts = [(thread / "status").read_text() for thread in Path("/proc/self/task").iterdir()]
    return sum(not int(text.split("SigBlk:")[1].split()[0], 16) >> (number - 1) & 1 for text in texts)


SHIELDED = """
import signal
from mannequin.renderers.production.pool import pool
from tests.test_farm import open_threads
with pool(1) as run_calls:
    print(*(said for _, said in run_calls(open_threads, [(signal.SIGTERM,), (signal.SIGINT,)])))
"""


@pytest.mark.slow
@NEEDS_PROC
def test_the_first_worker_of_a_process_is_shielded_too():
    done = subprocess.run(
        [sys.executable, "-c", SHIELDED], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["1", "0"]  # one waits for SIGTERM


def test_a_process_that_cannot_start_says_why(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(RenderError, match="has been deleted"), pool(1) as run_calls:
        list(run_calls(os.getpid, [()]))
    monkeypatch.undo()

    def fail(number):
        def refuse(*args, **kwargs):
            raise OSError(number, os.strerror(number))

        return refuse

    for number, says in ((errno.EMFILE, "ulimit -n"), (errno.EAGAIN, "ulimit -u"), (errno.ENOENT, "TMPDIR")):
        monkeypatch.setattr(pool_module.tempfile, "TemporaryFile", fail(number))
        with pytest.raises(RenderError, match=says), pool(2) as run_calls:
            list(run_calls(os.getpid, [()]))


def test_what_workers_write_has_no_name_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(pool_module.tempfile, "tempdir", str(tmp_path))
    with pool(1) as run_calls:
        assert next(run_calls(os.listdir, [(tmp_path,)]))[1] == []
        assert not list(tmp_path.iterdir())


def hold(path):
    """Refuse to be ended until ``path`` is gone."""
    with uninterrupted():
        path.with_suffix(".pid").write_text(str(os.getpid()))
        while path.exists():
            time.sleep(0.02)
        os._exit(0)


def held_and_another(path) -> tuple:
    """Arguments of :func:`call` that keep one worker busy, and let the other return once it is."""
    return [(hold, path), (wait_for, path.with_suffix(".pid"))]


def wait_for(path):
    while not (path.exists() and path.read_text()):
        time.sleep(0.02)


def call(task, *arguments):
    return task(*arguments)


@pytest.mark.slow
@NEEDS_PROC
def test_a_worker_that_does_not_leave_in_time_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(pool_module, "EXIT_SECONDS", 0.05)
    path = tmp_path / "held"
    path.touch()
    with pool(2) as run_calls:
        next(run_calls(call, held_and_another(path)))
    while workers_of(os.getpid()):
        time.sleep(0.02)


@pytest.mark.slow
@NEEDS_PROC
def test_a_worker_that_cannot_even_be_killed_holds_nobody_up(tmp_path, monkeypatch):
    monkeypatch.setattr(pool_module, "EXIT_SECONDS", 0.05)
    monkeypatch.setattr(pool_module._Process, "kill", lambda process: None)
    path = tmp_path / "held"
    path.touch()
    with pool(2) as run_calls:
        next(run_calls(call, held_and_another(path)))
    pid = int(path.with_suffix(".pid").read_text())
    assert pid in workers_of(os.getpid()) and pid not in [child.pid for child in multiprocessing.active_children()]
    path.unlink()
    os.waitpid(pid, 0)


@pytest.mark.slow
@NEEDS_PROC
def test_a_second_call_to_stop_kills_workers(tmp_path, monkeypatch):
    def interrupted(process):
        patch.undo()
        raise KeyboardInterrupt

    path = tmp_path / "held"
    path.touch()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt), pool(2) as run_calls:
        patch.setattr(pool_module._Process, "close", interrupted)
        next(run_calls(call, held_and_another(path)))
    while workers_of(os.getpid()):
        time.sleep(0.02)


STOPPED = """
import os, signal, time
from mannequin.renderers.production import pool
pool.EXIT_SECONDS = 0.1
worker = pool._Worker(None)
worker.send(os.getpid, (), 1)
pid = worker.receive()
worker.send(time.sleep, (1e6,), 1)
os.kill(pid, signal.SIGSTOP)
print(pid)
"""


@NEEDS_PROC
def test_python_ends_although_a_worker_takes_no_notice():
    done = subprocess.run(
        [sys.executable, "-c", STOPPED], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert not done.stderr and not Path("/proc", done.stdout.strip()).exists()


# Disks


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 160 kB, and a function that mounts it anew with other options."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(options: str) -> int:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", place]
        return subprocess.run(command, capture_output=True, check=False).returncode

    try:
        if mount("size=160k"):
            pytest.skip("needs the right to mount a small file system")
    except FileNotFoundError:
        pytest.skip("needs the mount command")
    yield place, mount
    subprocess.run(["umount", place], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
def test_a_disk_that_fills_up_stops_the_job_which_goes_on_when_there_is_space(small_disk, undisturbed, workers):
    place, mount = small_disk
    with pytest.raises(DatasetError, match="disk is full"):
        run_job(tiny_job(), place / "out", CLIPS, workers)
    there = digests(place / "out")
    assert there.items() <= undisturbed.items() and 1 < len(there) < CLIPS + 1
    assert not list((place / "out").glob("failed/*/*"))
    assert mount("remount,size=10m") == 0
    run_job(tiny_job(), place / "out", CLIPS, workers)
    assert digests(place / "out") == undisturbed


def test_a_read_only_disk_is_named(small_disk):
    place, mount = small_disk
    run_job(tiny_job(), place / "out", 1, workers=0)
    assert mount("remount,ro") == 0
    with pytest.raises(DatasetError, match=str(place)):
        run_job(tiny_job(), place / "out", 2, workers=0)


def test_a_temporary_file_that_another_machine_sweeps_away_is_written_again(tmp_path, monkeypatch):
    replace, swept = os.replace, []

    def sweep_first(part, path):
        if not swept:
            swept.append(part)
            os.unlink(part)
        replace(part, path)

    monkeypatch.setattr(os, "replace", sweep_first)
    assert atomic.write_bytes(tmp_path / "file", b"data") == 4 and swept
    assert (tmp_path / "file").read_bytes() == b"data" and len(list(tmp_path.iterdir())) == 1


# Status


def fake_dataset(out: Path, total: int, done=(), failed=()) -> Path:
    """A dataset whose files are empty."""
    create_or_resume(out, {}, num_clips=total, versions={})
    for shelf, indices in ((clips(out), done), (failures.records(out), failed)):
        for number in {index // 1000 for index in indices}:
            shelf.path_of(1000 * number).parent.mkdir(parents=True)
        for index in indices:
            os.close(os.open(shelf.path_of(index), os.O_CREAT))
    return out


def test_the_census_counts_a_share_of_the_clips(tmp_path):
    out = fake_dataset(tmp_path / "out", 3000, done=[0, 1, 2, 1500, 2998], failed=[1, 5, 2999])
    assert take_inventory(out, range(3000)) == Inventory(done=5, failed=2, missing=2993)
    assert take_inventory(out, range(1, 3000, 2)) == Inventory(done=1, failed=2, missing=1497)
    assert take_inventory(out, range(0)) == Inventory(0, 0, 0)
    assert list(unfinished(out, range(10))) == [3, 4, 6, 7, 8, 9]
    assert list(unfinished(out, range(1, 10, 2), with_failed=True)) == [3, 5, 7, 9]


def test_what_is_no_clip_is_not_counted(tmp_path):
    out = fake_dataset(tmp_path / "out", 10, done=[1])
    for name in (".000002.h5.host.1-0.part", "000003.h5.bak", "3.h5", "001004.h5", "٠٠٠٠٠٥.h5"):
        (out / "clips" / "000" / name).touch()
    (out / "clips" / "notes").mkdir()
    (out / "clips" / "001").touch()
    assert take_inventory(out, range(10)).done == 1 and open_dataset(out).done() == {1}


@pytest.mark.slow
def test_status_of_a_hundred_thousand_clips_opens_and_examines_none(tmp_path, monkeypatch):
    out = fake_dataset(tmp_path / "out", 120_000, done=range(100_000), failed=range(100_000, 100_010))
    listed, touched = [], []

    def spied(function, seen):
        def spy(path, *args, **kwargs):
            seen.append(str(path))
            return function(path, *args, **kwargs)

        return spy

    monkeypatch.setattr(os, "listdir", spied(os.listdir, listed))
    for module, name in ((os, "stat"), (os, "lstat"), (os, "open"), (builtins, "open")):
        monkeypatch.setattr(module, name, spied(getattr(module, name), touched))
    found = read_progress(out)
    assert (found.done, found.failed, found.missing, found.total) == (100_000, 10, 19_990, 120_000)
    assert 100 <= len(listed) <= 110 and len(touched) < 10
    assert found.left is None and not found.is_complete


def log(out: Path, name: str, lines: list[dict], age: float) -> None:
    (out / ".log").mkdir(exist_ok=True)
    path = out / ".log" / f"{name}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    os.utime(path, (time.time() - age,) * 2)


def clip_lines(count: int, every: float, host: str, **more) -> list[dict]:
    """Lines of a log in which a clip of 30 frames comes every so many seconds."""
    one = {"host": host, "frames": 30, "seconds": {"render": 3.0, "write": 1.0}, "peak_mb": 500.0} | more
    return [{"run": "then", "host": host, "t": 0.0}] + [{"clip": k, "t": (k + 1) * every, **one} for k in range(count)]


def test_processors_of_different_kinds_are_told(tmp_path):
    out = fake_dataset(tmp_path / "out", 4, done=range(4))
    log(out, "a-1", clip_lines(2, 2.0, "a", processor="x86-64-v3"), age=1)
    assert read_progress(out).processors == ("x86-64-v3",) and "processors" not in dict(rows(read_progress(out)))
    log(out, "b-1", clip_lines(2, 2.0, "b", processor="x86-64-v2"), age=9000)
    assert read_progress(out).processors == ("x86-64-v2", "x86-64-v3")
    assert dict(rows(read_progress(out)))["processors"].startswith("x86-64-v2 and x86-64-v3")
    report = Report()
    tell_processors(open_dataset(out), report)
    assert "x86-64-v2 and x86-64-v3" in report.notes[0]


def test_the_rate_is_that_of_the_runs_at_work(tmp_path):
    out = fake_dataset(tmp_path / "out", 100, done=range(40))
    log(out, "a-1", clip_lines(20, 2.0, "a", agreement={"depth_worst": 0.01, "depth_mean": 0.0}), age=1)
    log(
        out,
        "b-1",
        [
            *clip_lines(10, 4.0, "b", peak_mb=900.0, agreement={"depth_worst": 0.02}),
            {"clip": 9, "died": "SIGKILL", "attempts": 1, "t": 40.0},
        ],
        age=3,
    )
    log(out, "b-2", [*clip_lines(10, 0.1, "c"), {"end": "done", "t": 1.0}], age=2)
    log(out, "c-1", clip_lines(10, 0.1, "c"), age=3600)
    (out / ".log" / "d-1.jsonl").write_bytes(b'{"run": "now", "t": 0.0}\n{"clip": 3, "t')
    found = read_progress(out)
    assert found.processors == ()
    assert found.clips_per_second == pytest.approx(0.5 + 0.25) and found.frames_per_second == pytest.approx(22.5)
    assert found.left == pytest.approx(60 / 0.75) and (found.running, found.hosts) == (3, 2)
    assert found.seconds == {"render": 90.0, "write": 30.0} and found.peak_mb == 900.0
    assert found.disagreement == {"depth": 0.02} and found.died == 1


def test_of_a_long_log_only_the_end_is_read(tmp_path):
    out = fake_dataset(tmp_path / "out", 100_000)
    slow, fast = clip_lines(5000, 10.0, "a"), clip_lines(3000, 1.0, "a")[1:]
    log(out, "a-1", slow + [line | {"t": line["t"] + 50_000} for line in fast], age=0)
    assert read_progress(out).clips_per_second == pytest.approx(1.0)


def test_a_run_that_stopped_is_not_called_running(tmp_path):
    out = fake_dataset(tmp_path / "out", 100, done=range(10))
    log(out, "a-1", clip_lines(10, 2.0, "a"), age=86400)
    found = read_progress(out)
    assert found.running == 0 and found.clips_per_second == pytest.approx(0.5) and found.left == pytest.approx(180)


# The command line


def test_status_and_generate_speak_to_people_and_to_programs(run, tmp_path):
    out = tmp_path / "out"
    small = [*COMMAND[1:-1], "2", "--workers", "0"]
    assert run("generate", out, *small, "--quiet") == (0, "", "")
    status, said, _ = run("status", out)
    assert status == 0 and "2 of 2 done, 0 failed, 0 missing" in said and "clips per hour" in said
    status, said, _ = run("status", out, "--json")
    assert status == 0 and json.loads(said) == json.loads(json.dumps(asdict(read_progress(out))))
    status, said, _ = run("generate", out, *small, "--json")
    assert status == 0 and json.loads(said)["kept"] == 2
    clips(out).path_of(1).unlink()
    assert run("status", out, "--quiet") == (1, "", "")
    assert run("status", tmp_path / "absent")[0] == 2


def test_a_dataset_with_given_up_clips_says_so_until_they_are_tried_again(run, tmp_path):
    out = tmp_path / "out"
    small = [*COMMAND[1:-1], "2", "--workers", "0"]
    run("generate", out, *small)
    record = failures.records(out).path_of(1)
    record.parent.mkdir(parents=True)
    clips(out).path_of(1).rename(record)
    status, said, _ = run("generate", out, *small)
    assert status == 1 and "--retry-failed" in said and str(out / "failed") in said
    status, said, _ = run("status", out)
    assert status == 1 and "1 of 2 done, 1 failed, 0 missing" in said and "--retry-failed" in said
    assert run("generate", out, *small, "--retry-failed")[0] == 0
    assert run("status", out)[0] == 0


@pytest.mark.parametrize("value", ["-1", "nan"])
def test_impossible_timeouts_are_refused(run, tmp_path, value):
    status, _, message = run("generate", tmp_path / "out", *COMMAND[1:], "--clip-timeout", value)
    assert status == 2 and "clip-timeout" in message and not (tmp_path / "out").exists()

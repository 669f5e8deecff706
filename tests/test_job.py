"""Jobs: the same bytes every time, however interrupted; what fails is said and stops nothing else."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mannequin.generator.catalog import Assets
from mannequin.generator.config import SampleConfig
from mannequin.generator.dataset.folder import open_dataset
from mannequin.generator.errors import AssetError, ConfigError, DatasetError, RenderError
from mannequin.generator.io import atomic
from mannequin.renderers.blender.session import interrupts_held
from mannequin.renderers.production import worker as task_module
from mannequin.renderers.production.job import Job, Summary, job_outputs, run_job, worker_count
from mannequin.renderers.production.pool import pool

pytestmark = pytest.mark.usefixtures("fresh_tools")

ROOT = Path(__file__).resolve().parents[1]
BLENDER = pytest.param("blender", marks=pytest.mark.blender)


def small_job(renderer="raster", outputs=(), seed=5, frames=2, **assets):
    config = SampleConfig(frames=frames, size=(40, 48), samples=2, light="lamps")
    return Job(config, Assets(**assets), seed, renderer, job_outputs(outputs), "jpeg")


def here(job, out, clips, **options) -> Summary:
    """Run a job in this process, which is faster."""
    return run_job(job, out, clips, workers=0, **options)


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a dataset, hidden ones included; logs, which hold times, are not of it."""
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.parent.name != ".log"]
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A dataset of four clips by one worker in one go."""
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    here(small_job(), out, 4)
    return out


@pytest.mark.parametrize("renderer", ["raster", BLENDER])
def test_the_same_job_gives_the_same_bytes(tmp_path, renderer):
    for name in ("a", "b"):
        here(small_job(renderer), tmp_path / name, 2)
        task_module._open.clear()
    assert len(digests(tmp_path / "a")) == 3
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


@pytest.mark.slow
def test_another_seed_gives_other_clips(tmp_path, undisturbed):
    here(small_job(seed=6), tmp_path / "out", 1)
    assert open_dataset(tmp_path / "out").read(0).spec.people != open_dataset(undisturbed).read(0).spec.people


@pytest.mark.slow
@pytest.mark.parametrize("renderer", ["raster", BLENDER])
def test_two_workers_give_the_same_bytes_as_one(tmp_path, renderer):
    summary = run_job(small_job(renderer), tmp_path / "two", 3, workers=2)
    here(small_job(renderer), tmp_path / "one", 3)
    assert summary.clips == 3
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_a_continued_dataset_is_the_same_as_one_made_at_once(tmp_path, undisturbed):
    assert here(small_job(), tmp_path / "out", 1).clips == 1
    summary = here(small_job(), tmp_path / "out", 4)
    assert (summary.kept, summary.clips) == (1, 3)
    assert digests(tmp_path / "out") == digests(undisturbed)


def test_one_worker_leaves_the_process_as_it_was(tmp_path):
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    here(small_job(outputs=("segm",)), tmp_path / "out", 1)
    assert before == (os.sched_getaffinity(0) if before else None)


def where(folder, number):
    """The cores that a worker may use, once two workers are at it."""
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < 2:
        time.sleep(0.01)
    return tuple(os.sched_getaffinity(0))


@pytest.mark.slow
@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2, reason="needs two cores to share out"
)
def test_workers_sit_on_cores_of_their_own(tmp_path):
    with pool(2) as run_calls:
        cores = {core for _, core in run_calls(where, [(tmp_path, number) for number in range(6)])}
    assert len(cores) == 2 and all(len(core) == 1 for core in cores)


def test_asking_for_less_changes_nothing_of_what_remains(tmp_path, undisturbed):
    here(small_job(outputs=("rgb", "segm")), tmp_path / "out", 2)
    for index in range(2):
        few, all_ = open_dataset(tmp_path / "out").read(index), open_dataset(undisturbed).read(index)
        assert few.spec == all_.spec
        few_view, all_view = few.views["camera0"], all_.views["camera0"]
        assert few_view.channels == ("rgb", "segm")
        assert few_view.rgb.tobytes() == all_view.rgb.tobytes()
        assert all(np.array_equal(few_view.frame("segm", t), all_view.frame("segm", t)) for t in range(2))


# Interruption

COMMAND = [sys.executable, "-m", "mannequin", "generate", "--renderer", "raster", "--frames", "2", "--size", "40", "48"]
COMMAND += ["--samples", "2", "--light", "lamps", "--seed", "5"]


def interrupt(out: Path, workers: int, number: int, *options) -> subprocess.CompletedProcess:
    """Start the job of ``undisturbed`` on 40 clips, and send signal ``number`` once one is there."""
    process = subprocess.Popen(
        [*COMMAND, str(out), "--clips", "40", "--workers", str(workers), *options],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    while process.poll() is None and not list(out.glob("clips/*/*.h5")):
        time.sleep(0.02)
    if process.poll() is None:
        os.killpg(process.pid, number)  # as a terminal does, to the workers too
    said = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, *said)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_is_continued_as_if_nothing_had_been(tmp_path, undisturbed, workers, number):
    out = tmp_path / "out"
    done = interrupt(out, workers, number)
    if number == signal.SIGINT:
        assert done.returncode == 130, done.stderr
        assert "Interrupted" in done.stderr and "Traceback" not in done.stderr
    finished = open_dataset(out).done()
    assert 0 < len(finished) < 40
    (out / "clips" / "000" / f".000039.h5.{atomic._machine()}.0123456789abcdef.part").write_bytes(b"half")
    here(small_job(), out, 4)
    assert not list(out.rglob("*.part"))
    whole, found = digests(undisturbed), digests(out)
    assert {k: v for k, v in found.items() if k in whole and k != "dataset.json"} == {
        k: v for k, v in whole.items() if k != "dataset.json"
    }


def test_an_interrupt_waits_for_the_end_of_a_render():
    done = []
    with pytest.raises(KeyboardInterrupt), interrupts_held():
        os.kill(os.getpid(), signal.SIGINT)
        done.append("frame")
    assert done == ["frame"] and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_end_asked_for_waits_for_the_end_of_a_render():
    """SIGTERM, where a command made it an exception."""

    class Ended(BaseException):
        pass

    def end(number, frame):
        raise Ended

    before, done = signal.signal(signal.SIGTERM, end), []
    try:
        with pytest.raises(Ended), interrupts_held():
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGINT)
            done.append("frame")
        assert done == ["frame"] and signal.getsignal(signal.SIGTERM) is end
    finally:
        signal.signal(signal.SIGTERM, before)


def test_workers_go_on_ignoring_interrupts_while_they_render():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts_held():
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.blender
def test_an_interrupt_reaches_through_blender(tmp_path):
    done = interrupt(tmp_path / "out", 1, signal.SIGINT, "--renderer", "blender")
    assert done.returncode == 130 and "Interrupted" in done.stderr and "Traceback" not in done.stderr
    assert 0 < len(open_dataset(tmp_path / "out")) < 40


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see processes")
def test_workers_do_not_outlive_a_job_that_is_killed(tmp_path):
    out = tmp_path / "out"
    process = subprocess.Popen(
        [*COMMAND, str(out), "--clips", "400", "--workers", "2"],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None and not list(out.glob("clips/*/*.h5")):
        time.sleep(0.02)
    process.kill()
    process.wait()
    while group(process.pid):  # hangs here if one stays
        time.sleep(0.1)


def group(leader: int) -> list[str]:
    """Command lines of the running processes of a group."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, number = stat.read_text().rpartition(")")[2].split()[:3]
            if int(number) == leader and state != "Z":
                found.append((stat.parent / "cmdline").read_text())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


# Failures


class Moody:
    """Wraps a renderer; refuses the clips whose indices it was given."""

    def __init__(self, renderer, refuses):
        self.renderer, self.refuses = renderer, refuses

    def render_scene(self, scene, outputs):
        if scene.spec.index in self.refuses:
            raise RenderError(f"refused {scene.spec.index} [/sic]")
        return self.renderer.render_scene(scene, outputs)


@pytest.fixture
def moody(monkeypatch):
    real = task_module.open_renderer
    monkeypatch.setattr(task_module, "open_renderer", lambda *args: Moody(real(*args), refuses={0, 2}))


def test_a_clip_that_fails_stops_no_other(tmp_path, moody):
    summary = here(small_job(outputs=("segm",)), tmp_path / "out", 4)
    assert open_dataset(tmp_path / "out").done() == {1, 3}
    assert summary.clips == 2 and [error for _, error in summary.failed] == ["refused 0 [/sic]", "refused 2 [/sic]"]
    assert all(name.startswith("00000") for name, _ in summary.failed)


def test_the_next_run_passes_over_failed_clips_unless_told_to_try_them_again(tmp_path, moody, monkeypatch):
    job, out = small_job(outputs=("segm",)), tmp_path / "out"
    here(job, out, 3)
    monkeypatch.undo()
    task_module._open.clear()
    summary = here(job, out, 3)
    assert (summary.kept, summary.skipped, summary.clips) == (1, 2, 0) and not summary.is_complete
    summary = here(job, out, 3, retry_failed=True)
    assert (summary.kept, summary.skipped, summary.clips) == (1, 0, 2) and summary.is_complete
    assert not list((out / "failed").rglob("*.json"))


def test_the_command_says_which_clips_failed_and_exits_with_one(tmp_path, moody, capsys):
    from mannequin.cli.main import main

    with pytest.raises(SystemExit) as exit_:
        main(
            [
                "generate",
                str(tmp_path / "out"),
                "--workers",
                "0",
                *COMMAND[4:8],
                "--size",
                "16",
                "16",
                "--clips",
                "2",
                "--outputs",
                "segm",
            ]
        )
    said = capsys.readouterr()
    assert exit_.value.code == 1
    assert "refused 0 [/sic]" in said.err and "failed" in said.err
    assert "1 written, 0 already there, 1 failed" in said.out


def test_assets_that_cannot_be_used_make_no_folder(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(b"no picture")
    for workers in (1, 2):
        with pytest.raises(AssetError, match=r"a\.png"):
            run_job(small_job(backgrounds=str(tmp_path / "photos")), tmp_path / "out", 4, workers)
        assert not (tmp_path / "out").exists()


def test_a_full_disk_ends_the_job_and_leaves_nothing_half(tmp_path, monkeypatch):
    job = small_job(outputs=("segm",))
    here(job, tmp_path / "out", 1)
    before, fsync = digests(tmp_path / "out"), os.fsync

    def full(descriptor):
        if "000001" in os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DatasetError, match="disk is full"):
        here(job, tmp_path / "out", 3)
    left = digests(tmp_path / "out")
    assert set(left) == set(before) and left["clips/000/000000.h5"] == before["clips/000/000000.h5"]


# What is said


def test_progress_counts_clips_frames_and_the_time_left(tmp_path):
    seen = []
    here(small_job(outputs=("segm",)), tmp_path / "out", 1)
    here(small_job(outputs=("segm",)), tmp_path / "out", 3, on_progress=seen.append)
    assert [(p.done, p.total) for p in seen] == [(1, 3), (2, 3), (3, 3)]
    assert seen[0].clip == "" and all(p.clip for p in seen[1:])
    assert seen[1].fps > 0 and seen[1].left > 0 and seen[2].left == 0


def test_the_summary_names_clips_frames_speed_size_and_the_slowest_stage(tmp_path):
    summary = here(small_job(outputs=("segm",)), tmp_path / "out", 2)
    rows = dict(summary.rows())
    assert set(rows) == {"clips", "frames", "speed", "size", "slowest stage"}
    assert summary.frames == 4 and rows["frames"].startswith("4 in ")
    assert summary.bytes == sum(p.stat().st_size for p in (tmp_path / "out").rglob("*.h5"))
    assert max(summary.seconds, key=summary.seconds.get) in rows["slowest stage"]
    assert sum(summary.seconds.values()) <= summary.wall * 1.001


def test_speed_per_core_counts_the_seconds_of_all_workers():
    summary = Summary(clips=2, frames=60, wall=3.0, seconds={"sample": 1.0, "pose": 1.0, "render": 3.0, "write": 1.0})
    assert dict(summary.rows())["speed"] == "20.0 frames per second, 10.0 per core"
    assert dict(summary.rows())["slowest stage"] == "render, 50 % of the time"


def test_a_run_with_nothing_to_do_says_so(tmp_path):
    here(small_job(outputs=("segm",)), tmp_path / "out", 1)
    assert here(small_job(outputs=("segm",)), tmp_path / "out", 1).rows() == [
        ("clips", "0 written, 1 already there, 0 failed")
    ]


# Options


def test_outputs_expand_and_keep_the_order_of_the_table():
    assert job_outputs(("vertices", "labels"))[0] == "segm"
    assert job_outputs(("depth", "rgb", "depth")) == ("rgb", "depth")
    assert "vertices" not in job_outputs(()) and "rgb" in job_outputs(())
    with pytest.raises(ConfigError, match="'depth'"):
        job_outputs(("detph",))


@pytest.mark.parametrize("text", ["-1", "two", "1.5", "²", ""])
def test_workers_are_a_number_or_auto(text):
    assert worker_count("auto") >= 1 and worker_count("3") == 3 and worker_count("0") == 0
    with pytest.raises(ConfigError, match="workers"):
        worker_count(text)


@pytest.mark.parametrize("clips", [-1, 10**12])
def test_impossible_numbers_of_clips_are_refused(tmp_path, clips):
    with pytest.raises(ConfigError, match="clips"):
        here(small_job(), tmp_path / "out", clips)
    assert not (tmp_path / "out").exists()


def test_an_endless_preset_needs_a_number_of_clips(tmp_path):
    with pytest.raises(ConfigError, match="--clips"):
        here(small_job(), tmp_path / "out", 0)

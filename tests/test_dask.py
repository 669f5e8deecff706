"""A Dask cluster as it is run for real: a scheduler and workers, processes of their own, some of which die."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from distributed import Client
from jobs import OPTIONS, ROOT, digests, here, small_job

from mannequin.cli.main import main
from mannequin.generator.dataset.folder import open_dataset
from mannequin.generator.errors import ConfigError, MissingExtraError, RenderError
from mannequin.renderers.production import dask_pool as dask_module
from mannequin.renderers.production import worker as task_module
from mannequin.renderers.production.dask_pool import dask_pool
from mannequin.renderers.production.job import run_job
from mannequin.renderers.production.pool import ATTEMPTS, WorkerCrash

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")


class Cluster:
    """A scheduler and two workers of one thread each, which can import the tasks of this file."""

    def __init__(self, folder: Path):
        self.folder, self.file = folder, folder / "scheduler.json"
        self.environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{Path(__file__).parent}"}
        self.scheduler = self.start("scheduler", "--port", "0", "--host", "127.0.0.1", "--scheduler-file", self.file)
        while not self.file.exists():
            assert self.scheduler.poll() is None
            time.sleep(0.05)
        self.address = json.loads(self.file.read_text())["address"]
        self.workers = self.start(
            "worker", self.address, "--nworkers", "2", "--nthreads", "1", "--local-directory", folder
        )
        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(2)

    def start(self, *words) -> subprocess.Popen:
        command = [sys.executable, "-m", "dask", *map(str, words), "--no-dashboard"]
        return subprocess.Popen(
            command, env=self.environment, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def stop(self) -> None:
        for process in (self.workers, self.scheduler):
            process.terminate()
            process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("dask"))
    yield cluster
    cluster.stop()


@pytest.fixture(autouse=True)
def fresh_tools():
    task_module._open.clear()
    yield
    task_module._open.clear()


# Tasks


def where(number):
    """(number, own process, Dask's process, whether this is the main thread) after a moment."""
    time.sleep(0.1)
    return number, os.getpid(), os.getppid(), threading.current_thread() is threading.main_thread()


def meet(folder, number):
    """The same, once two processes are at it."""
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < 2:
        time.sleep(0.01)
    return where(number)


def kill_worker_once(marks, number):
    """The Dask worker of the first of these dies."""
    if number == 1 and not os.path.exists(f"{marks}/died"):
        open(f"{marks}/died", "w").close()
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    return number


def kill_workers(number):
    """The Dask workers of number 1 die."""
    if number == 1:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    return number


def die(number):
    """The process of number 1 dies, in whichever worker."""
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def refuse(number):
    raise ConfigError(f"refused {number}")


def count(number):
    return number


# The pool


def test_tasks_run_in_main_threads_of_processes_that_workers_keep(cluster, tmp_path):
    with dask_pool(cluster.address) as run_calls:
        results = [result for _, result in run_calls(meet, ((tmp_path, k) for k in range(8)))]
    assert sorted(number for number, *_ in results) == list(range(8))
    assert len({pid for _, pid, _, _ in results}) == len({parent for _, _, parent, _ in results}) == 2
    assert all(is_main for *_, is_main in results)


def test_calls_of_a_lost_worker_are_given_to_others(cluster, tmp_path):
    with dask_pool(cluster.address) as run_calls:
        results = [result for _, result in run_calls(kill_worker_once, [(str(tmp_path), k) for k in range(6)])]
    assert (tmp_path / "died").exists() and sorted(results) == list(range(6))


def test_a_call_that_takes_its_process_with_it_costs_no_other(cluster):
    with dask_pool(cluster.address) as run_calls:
        results = list(run_calls(die, [(k,) for k in range(4)]))
    deaths = [said for (number,), said in results if number == 1]
    assert (
        [d.attempts for d in deaths] == list(range(1, ATTEMPTS + 1))
        and deaths[-1].is_final
        and "memory" in deaths[-1].reason
    )
    assert sorted(said for _, said in results if not isinstance(said, WorkerCrash)) == [0, 2, 3]


def test_a_call_that_takes_its_workers_with_it_is_given_up(cluster):
    with dask_pool(cluster.address) as run_calls:
        results = dict(run_calls(kill_workers, [(k,) for k in range(4)]))
    death = results.pop((1,))
    assert death.is_final and "one after the other" in death.reason
    assert results == {(0,): 0, (2,): 2, (3,): 3}


def test_errors_come_back_as_they_are(cluster):
    with pytest.raises(ConfigError, match="^refused 3"), dask_pool(cluster.address) as run_calls:
        list(run_calls(refuse, [(3,)]))


def test_few_calls_are_held_at_a_time(cluster, monkeypatch):
    monkeypatch.setattr(dask_module, "QUEUED", 3)
    drawn = []
    with dask_pool(cluster.address) as run_calls:
        for k, _ in enumerate(run_calls(count, ((drawn.append(number) or number,) for number in range(40)))):
            assert len(drawn) <= k + 1 + 4
    assert len(drawn) == 40


# Jobs


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Four clips made without a cluster."""
    out = tmp_path_factory.mktemp("alone") / "out"
    here(small_job(), out, 4)
    return digests(out)


def test_a_cluster_gives_the_same_bytes(cluster, tmp_path, alone, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit_:
        main(["generate", "out", *OPTIONS, "--clips", "4", "--dask", cluster.address])
    assert exit_.value.code == 0 and "4 written" in capsys.readouterr().out
    assert digests(tmp_path / "out") == alone


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see processes")
def test_a_job_whose_workers_are_killed_is_whole_all_the_same(cluster, tmp_path, alone):
    killed = []

    def kill_one(progress):
        if progress.done == 1:
            with dask_pool(cluster.address) as run_calls:
                killed.append(next(result[2] for _, result in run_calls(where, [(0,)])))
            os.kill(killed[0], signal.SIGKILL)

    summary = run_job(
        small_job(), tmp_path / "out", 4, pool=lambda workers: dask_pool(cluster.address), on_progress=kill_one
    )
    assert killed and summary.is_complete and summary.clips + summary.kept == 4
    assert digests(tmp_path / "out") == alone


@pytest.mark.blender
def test_blender_renders_on_a_cluster(cluster, tmp_path):
    job = small_job("blender")
    run_job(job, tmp_path / "dask", 1, pool=lambda workers: dask_pool(cluster.address))
    run_job(job, tmp_path / "one", 1, workers=1)
    assert digests(tmp_path / "dask") == digests(tmp_path / "one")


def test_a_shard_on_a_cluster_is_that_shard(cluster, tmp_path):
    with pytest.raises(SystemExit):
        main(["generate", str(tmp_path / "out"), *OPTIONS, "--clips", "4", "--shard", "2/2", "--dask", cluster.address])
    assert open_dataset(tmp_path / "out").done() == {1, 3}


# What can be wrong


def refused(capsys, address: str) -> str:
    with pytest.raises(SystemExit) as exit_:
        main(["generate", "refused", *OPTIONS, "--dask", address])
    said = capsys.readouterr()
    assert (
        exit_.value.code == 2 and said.out == "" and said.err.count("mannequin: ") == 1 and "Traceback" not in said.err
    )
    assert not Path("refused").exists()
    return said.err


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "foo://host:8786", "nonsense"])
def test_where_no_scheduler_is(capsys, tmp_path, monkeypatch, address):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(dask_module, "CONNECT_SECONDS", 1)
    message = refused(capsys, address)
    assert repr(address) in message and "dask scheduler" in message


def test_something_else_that_listens_is_no_scheduler(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(dask_module, "CONNECT_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert "dask scheduler" in refused(capsys, f"tcp://127.0.0.1:{server.getsockname()[1]}")


def test_workers_with_other_software_are_refused(cluster, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    real = dask_module.software_versions()
    monkeypatch.setattr(dask_module, "software_versions", lambda: real | {"numpy": "1.0.0"})
    message = refused(capsys, cluster.address)
    assert (
        re.search(rf"worker .* has numpy {re.escape(real['numpy'])} \(here 1\.0\.0\)", message)
        and "same versions" in message
    )


def test_another_dask_is_refused(cluster, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    from distributed import Client

    real = Client.get_versions

    def older(client):
        found = real(client)
        found["scheduler"]["packages"]["distributed"] = "1.0"
        return found

    monkeypatch.setattr(Client, "get_versions", older)
    assert "The scheduler has distributed 1.0" in refused(capsys, cluster.address)


def test_workers_that_cannot_import_a_task_say_what(cluster, tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("def task():\n    return 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    import only_here

    with pytest.raises(MissingExtraError, match="'only_here'"), dask_pool(cluster.address) as run_calls:
        list(run_calls(only_here.task, [()]))


def test_without_dask_the_message_names_the_extra(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert "mannequin[cluster]" in refused(capsys, "tcp://127.0.0.1:1")


def test_a_scheduler_that_goes_ends_the_job_with_one_message(tmp_path, monkeypatch):
    import dask

    cluster = Cluster(tmp_path)
    try:
        with (
            dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
            pytest.raises(RenderError, match="is gone"),
            dask_pool(cluster.address) as run_calls,
        ):
            results = run_calls(where, ((k,) for k in range(10_000)))
            next(results)
            cluster.scheduler.kill()
            list(results)
    finally:
        cluster.stop()

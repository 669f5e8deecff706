"""How many threads compute, on machines that are made up."""

import os
from pathlib import Path

import cv2
import pytest
import torch

from mannequin.generator.errors import ConfigError
from mannequin.training.core import threads
from mannequin.training.core.config import MOST_THREADS
from mannequin.training.core.threads import Cores, Threads, begun_with, choose, computing_on, cores


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Makes one up: cores in all and by affinity, the load's mean, how many run now, and files of control groups."""
    for name in threads.VARIABLES:
        monkeypatch.delenv(name, raising=False)

    def made(count=8, affinity=None, load=0.0, running=None, groups="", files=None) -> Path:
        monkeypatch.setattr(os, "cpu_count", lambda: count)
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(affinity or count)), raising=False)
        monkeypatch.setattr(os, "getloadavg", lambda: (load, load, load), raising=False)
        texts = {"proc/self/cgroup": groups} | {f"sys/fs/cgroup/{name}": text for name, text in (files or {}).items()}
        if running is not None:
            texts["proc/loadavg"] = f"{load:.2f} 0.00 0.00 {running}/321 4711\n"
        for name, text in texts.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        monkeypatch.setattr(threads, "cores", lambda: cores(tmp_path))
        return tmp_path

    return made


# Cores


@pytest.mark.parametrize(
    "there, found",
    [
        ({}, (8, 8, 0)),
        ({"affinity": 3}, (3, 8, 0)),
        ({"load": 2.6}, (8, 8, 3)),
        ({"load": 40.0}, (8, 8, 8)),
        ({"load": 6.0, "running": 1}, (8, 8, 0)),  # this process alone: what made the load has ended
        ({"load": 6.0, "running": 5}, (8, 8, 4)),
        ({"load": 0.2, "running": 5}, (8, 8, 0)),  # for a moment
    ],
    ids=str,
)
def test_usable_and_busy_cores(machine, there, found):
    assert cores(machine(**there)) == Cores(*found)


@pytest.mark.parametrize(
    "groups, files, usable",
    [
        ("0::/\n", {"cpu.max": "max 100000\n"}, 8),
        ("0::/\n", {"cpu.max": "350000 100000\n"}, 3),
        ("0::/\n", {"cpu.max": "20000 100000\n"}, 1),
        ("0::/a/b\n", {"cpu.max": "max 100000\n", "a/cpu.max": "200000 100000\n", "a/b/cpu.max": "500000 100000\n"}, 2),
        ("0::/../../elsewhere\n", {"cpu.max": "400000 100000\n"}, 4),
        ("4:memory:/m\n3:cpu,cpuacct:/g\n", {"cpu/g/cpu.cfs_quota_us": "-1", "cpu/g/cpu.cfs_period_us": "100000"}, 8),
        ("3:cpu,cpuacct:/g\n", {"cpu/g/cpu.cfs_quota_us": "50000\n", "cpu/g/cpu.cfs_period_us": "10000\n"}, 5),
        ("3:cpuset:/g\n", {"cpu/g/cpu.cfs_quota_us": "50000\n", "cpu/g/cpu.cfs_period_us": "10000\n"}, 8),
        ("nonsense\n0::/\n", {"cpu.max": "many\n"}, 8),
    ],
    ids=str,
)
def test_control_groups_limit_the_cores(machine, groups, files, usable):
    assert cores(machine(groups=groups, files=files)).usable == usable


def test_a_machine_that_says_nothing_has_its_cores(machine, monkeypatch):
    root = machine(4)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.delattr(os, "getloadavg", raising=False)
    assert cores(root) == Cores(4, 4, 0)


# Threads


@pytest.mark.parametrize(
    "there, workers, processes, line",
    [
        ((2, 2, 1), 0, 1, "2 of 2 cores, 1 busy: 1 thread"),
        ((2, 2, 2), 2, 1, "2 of 2 cores, 2 busy: 1 thread"),
        ((2, 2, 0), 2, 1, "2 of 2 cores, 0 busy, 1 loads data: 1 thread"),
        ((16, 16, 3), 2, 1, "16 of 16 cores, 3 busy, 2 load data: 11 threads"),
        ((4, 64, 10), 0, 1, "4 of 64 cores, 10 busy: 4 threads"),
        ((4, 64, 62), 0, 1, "4 of 64 cores, 62 busy: 2 threads"),
        ((16, 16, 0), 2, 4, "16 of 16 cores, 0 busy, 4 processes, 2 load data: 2 threads"),
        ((2, 2, 0), 2, 8, "2 of 2 cores, 0 busy, 8 processes: 1 thread"),
    ],
    ids=str,
)
def test_threads_by_what_is_free(there, workers, processes, line):
    found = Cores(*there).threads(workers, processes)
    assert found.why == line and line.endswith(f": {found.count} thread{'s' if found.count > 1 else ''}")


def test_what_is_asked_for_counts_first_then_the_environment_then_the_beginning(machine, monkeypatch):
    machine(8, load=3.0)
    assert choose(0) == Threads(5, "8 of 8 cores, 3 busy: 5 threads")
    assert choose(0, begun=7) == Threads(7, "7 threads, as the run began")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert choose(0).count == 2
    for name in threads.VARIABLES:
        with monkeypatch.context() as inner:
            inner.setenv(name, "1")
            assert choose(0, begun=7) == Threads(torch.get_num_threads())
            assert choose(3, begun=7) == Threads(3)


@pytest.mark.parametrize("asked", [-1, MOST_THREADS + 1, 10**12])
def test_numbers_that_cannot_be_are_refused(asked):
    with pytest.raises(ConfigError, match=f"--threads is {asked}; expected 1 to 1024, or 0"):
        choose(asked)


@pytest.mark.parametrize("said", [None, 0, -1, 10**9, True, "4", 2.0, [2]], ids=repr)
def test_a_description_that_says_nothing_sensible_is_passed_over(said):
    assert begun_with({"config": {"threads": said}}) == begun_with({"config": None}) == begun_with({}) == 0
    assert begun_with({"config": {"threads": 4}}) == 4


def test_libraries_compute_on_so_many_and_afterwards_as_before():
    before = torch.get_num_threads(), cv2.getNumThreads()
    with pytest.raises(KeyError), computing_on(3):
        assert (torch.get_num_threads(), cv2.getNumThreads()) == (3, 3)
        raise KeyError
    assert (torch.get_num_threads(), cv2.getNumThreads()) == before

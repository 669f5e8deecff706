"""How many threads compute: as many as there are cores that are free.

On a machine that others use too, threads of one operation wait for the slowest of them at every turn; too many cost
several times what they gain.
"""

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import torch

from mannequin.training.core.config import MOST_THREADS, check_threads

VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Of the environment, by which torch goes when it is imported."""


@dataclass(frozen=True)
class Cores:
    """Of this machine, now. usable: that this process may use. machine: all. busy: with other processes."""

    usable: int
    machine: int
    busy: int

    def threads(self, workers: int = 0, processes: int = 1) -> "Threads":
        """For each of ``processes`` on this machine that compute alike, with ``workers`` that load data for each. At
        most half of the free cores are left to loading, and a thread always remains."""
        free = min(self.usable, self.machine - self.busy)
        share = max(1, free // processes)
        loading = min(workers, share // 2)
        parts = [f"{self.usable} of {self.machine} cores", f"{self.busy} busy"]
        if processes > 1:
            parts.append(f"{processes} processes")
        if loading:
            parts.append(f"{loading} {'loads' if loading == 1 else 'load'} data")
        return Threads(share - loading, f"{', '.join(parts)}: {_counted(share - loading)}")


@dataclass(frozen=True)
class Threads:
    """count: of threads. why: a line for the user, empty where the user has said so."""

    count: int
    why: str = ""


def choose(asked: int, workers: int = 0, begun: int = 0, processes: int | None = None) -> Threads:
    """How many threads compute.

    asked: by --threads; 0 leaves it open. Then what VARIABLES say counts, then ``begun``, with how many the run began,
    whose sums would else round differently; 0 for none. Else it is as of :meth:`Cores.threads`. processes: by default
    those that torchrun has started on this machine. Raises ConfigError for a number that cannot be.
    """
    check_threads(asked)
    if asked:
        return Threads(asked)
    if any(os.environ.get(name) for name in VARIABLES):
        return Threads(torch.get_num_threads())
    if begun:
        return Threads(begun, f"{_counted(begun)}, as the run began")
    if processes is None:
        found = os.environ.get("LOCAL_WORLD_SIZE", "")
        processes = int(found) if found.isdecimal() else 1
    return cores().threads(workers, max(1, processes))


def begun_with(run: dict) -> int:
    """Threads with which a run began, by its description, as of ``resume.describe``; 0 if it does not say."""
    found = (run.get("config") or {}).get("threads")
    return found if type(found) is int and 0 < found <= MOST_THREADS else 0


@contextmanager
def computing_on(count: int) -> Iterator[None]:
    """Let torch and OpenCV compute on ``count`` threads, until the block ends."""
    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(count)
    cv2.setNumThreads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])


@contextmanager
def computing(asked: int, workers: int, say: Callable[[str], None]) -> Iterator[None]:
    """The same on as many as :func:`choose` says, which ``say`` is told in a line unless the user has said so."""
    threads = choose(asked, workers)
    if threads.why:
        say(threads.why)
    with computing_on(threads.count):
        yield


def cores(root: Path = Path("/")) -> Cores:
    """Of this machine, now. root: of /proc and /sys.

    Usable are the cores of this process's affinity, at most so many as its control groups give it the time of. Busy
    are as many as the mean of the last minute has it, and no more than run this moment: what has just ended uses none.
    """
    machine = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else machine
    usable = max(1, math.floor(min(usable, _quota(root))))
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return Cores(usable, machine, min(machine, round(min(load, _running(root)))))


def _running(root: Path) -> float:
    """Other processes that run or wait for a core this moment; infinity where the system does not say."""
    fields = _text(root / "proc/loadavg").split()
    running = fields[3].partition("/")[0] if len(fields) > 3 else ""
    return max(0, int(running) - 1) if running.isdecimal() else math.inf


def _quota(root: Path) -> float:
    """Cores whose time the control groups of this process, and those above them, may use; infinity without a limit."""
    shares = [math.inf]
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = (line + "::").split(":")[:3]
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = root / "sys/fs/cgroup" / ("cpu" if controllers else "")
        inner = os.path.normpath("/" + path).strip("/")  # a container may be shown a path outside of it
        for folder in ((top / inner), *(top / inner).parents):
            if controllers:
                shares.append(_share(_text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")))
            else:
                shares.append(_share(*(_text(folder / "cpu.max") + "  ").split(" ")[:2]))
            if folder == top:
                break
    return min(shares)


def _share(quota: str, period: str) -> float:
    """Both in microseconds; "max" and -1 are none."""
    quota, period = quota.strip(), period.strip()
    return int(quota) / int(period) if quota.isdecimal() and period.isdecimal() and int(period) else math.inf


def _text(path: Path) -> str:
    """Of a file of the system; empty where there is none."""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""


def _counted(count: int) -> str:
    return f"{count} thread" if count == 1 else f"{count} threads"

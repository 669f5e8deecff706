"""What the logs of a dataset's runs say, read line by line."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from mannequin.generator.dataset.runlog import (
    FOLDER,
    log_names,
    number,
    numbers,
    open_log,
    parsed,
    table,
    tails,
    text,
)
from mannequin.generator.io.remote import Place, RemotePath

LONGEST_LINE = 1 << 20
SHORTEST_LINE = 512
"""Bytes that a shorter one counts as: reading it takes as long."""
MOST_BYTES = 1 << 29
"""Of all logs together, half a minute's reading: some million clips."""
MOST_RUNS = 1000
"""Runs that are told apart; what later ones did still counts in the sums."""


@dataclass
class Run:
    """One run. started: time of day as logged. wall: seconds. end: how it ended, "" if it did not say."""

    started: str = ""
    host: str = ""
    workers: int = 0
    device: str = ""
    clips: int = 0
    frames: int = 0
    failed: int = 0
    died: int = 0
    wall: float = 0.0
    peak_mb: float = 0.0
    end: str = ""
    platform: str = ""
    python: str = ""


@dataclass
class Runs:
    """All runs, in the order of their start. seconds: per stage, of all processes. is_whole: whether whole logs were
    read. unread: logs that cannot be read, or lie beyond MOST_BYTES."""

    runs: list[Run] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    clips: int = 0
    frames: int = 0
    wall: float = 0.0
    peak_mb: float = 0.0
    hosts: set[str] = field(default_factory=set)
    versions: dict[str, set[str]] = field(default_factory=dict)
    is_whole: bool = True
    unread: int = 0


def read_runs(path: Place) -> Runs:
    """The runs of the dataset at ``path``; none if there are no logs, or none to be read."""
    found = Runs(is_whole=not isinstance(path, RemotePath))
    for lines in _logs(path, found):
        run = None
        for line in lines:
            if "run" in line or run is None:
                run = Run()
                if len(found.runs) < MOST_RUNS:
                    found.runs.append(run)
            _add(found, run, line)
    found.runs = sorted(
        (r for r in found.runs if r.clips or r.failed or r.died), key=lambda r: (r.started, r.host, r.wall)
    )
    return found


def _logs(path: Place, found: Runs) -> Iterator[Iterable[dict]]:
    """The lines of each log, by name. Of those in an object store, their ends. Counts those that cannot be read."""
    if isinstance(path, RemotePath):
        ends, found.unread = tails(path)
        yield from (lines for _, lines in ends)
        return
    names, found.unread = log_names(path / FOLDER)
    budget = _Budget(MOST_BYTES)
    for name in names:
        try:
            with open_log(path / FOLDER / name) as log:
                yield _lines(log, budget)
                found.unread += log.read(1) != b""
        except FileNotFoundError:
            continue  # deleted meanwhile
        except OSError:
            found.unread += 1


@dataclass
class _Budget:
    left: int


def _lines(log: BinaryIO, budget: _Budget) -> Iterator[dict]:
    """The lines that are whole and say something, as long as there is budget; a short line costs SHORTEST_LINE."""
    while budget.left > 0 and (line := log.readline(LONGEST_LINE)):
        budget.left -= max(len(line), SHORTEST_LINE)
        if plain := parsed(line):
            yield plain


def _add(found: Runs, run: Run, line: dict) -> None:
    if "run" in line:
        run.started, run.host, run.device = (text(line, key) for key in ("run", "host", "device"))
        run.platform, run.python = text(line, "platform"), text(line, "python")
        run.workers = int(number(line, "workers"))
        versions = table(line, "versions")
        for name in islice(versions, 20):
            if name[:100] in found.versions or len(found.versions) < 20:
                found.versions.setdefault(name[:100], set()).add(text(versions, name)[:100])
    if "end" in line:
        run.end = text(line, "end")
    before, run.wall = run.wall, max(run.wall, number(line, "t"))
    found.wall += run.wall - before
    if "died" in line:
        run.died += 1
    elif "error" in line:
        run.failed += 1
    elif "clip" in line and "kept" not in line:
        _add_clip(found, run, line)


def _add_clip(found: Runs, run: Run, line: dict) -> None:
    frames, peak = int(number(line, "frames")), number(line, "peak_mb")
    run.clips, run.frames = run.clips + 1, run.frames + frames
    found.clips, found.frames = found.clips + 1, found.frames + frames
    run.peak_mb, found.peak_mb = max(run.peak_mb, peak), max(found.peak_mb, peak)
    if len(found.hosts) < MOST_RUNS:
        found.hosts.add(text(line, "host"))
    for stage, seconds in numbers(line, "seconds").items():
        if stage in found.seconds or len(found.seconds) < 20:
            found.seconds[stage] = found.seconds.get(stage, 0.0) + seconds

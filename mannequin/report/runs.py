"""What the logs of a dataset's runs say, read line by line."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mannequin.generator.dataset.numbered_files import names_in
from mannequin.generator.dataset.runlog import FOLDER, tails
from mannequin.generator.io.remote import Place, RemotePath

LONGEST_LINE = 1 << 20
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
    read."""

    runs: list[Run] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    clips: int = 0
    frames: int = 0
    wall: float = 0.0
    peak_mb: float = 0.0
    hosts: set[str] = field(default_factory=set)
    versions: dict[str, set[str]] = field(default_factory=dict)
    is_whole: bool = True


def read_runs(path: Place) -> Runs:
    """The runs of the dataset at ``path``; none if there are no logs, or none to be read."""
    found = Runs(is_whole=not isinstance(path, RemotePath))
    for lines in _logs(path):
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


def _logs(path: Place) -> Iterator[Iterable[dict]]:
    """The lines of each log, by name. Of those in an object store, their ends."""
    if isinstance(path, RemotePath):
        yield from (lines for _, lines in tails(path))
        return
    for name in sorted(names_in(path / FOLDER)):
        if name.endswith(".jsonl"):
            yield _lines(path / FOLDER / name)


def _lines(file) -> Iterator[dict]:
    """The lines that are whole and say something."""
    try:
        with open(file, "rb") as log:
            while line := log.readline(LONGEST_LINE):
                try:
                    plain = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(plain, dict):
                    yield plain
    except OSError:
        return  # deleted meanwhile, or not for us to read: logs are no part of the data


def _add(found: Runs, run: Run, line: dict) -> None:
    if "run" in line:
        run.started, run.host, run.device = (_text(line, key) for key in ("run", "host", "device"))
        run.platform, run.python = _text(line, "platform"), _text(line, "python")
        run.workers = int(_number(line, "workers"))
        for name, version in _dict(line, "versions").items():
            found.versions.setdefault(str(name)[:100], set()).add(str(version)[:100])
    if "end" in line:
        run.end = _text(line, "end")
    before, run.wall = run.wall, max(run.wall, _number(line, "t"))
    found.wall += run.wall - before
    if "died" in line:
        run.died += 1
    elif "error" in line:
        run.failed += 1
    elif "clip" in line and "kept" not in line:
        _add_clip(found, run, line)


def _add_clip(found: Runs, run: Run, line: dict) -> None:
    frames, peak = int(_number(line, "frames")), _number(line, "peak_mb")
    run.clips, run.frames = run.clips + 1, run.frames + frames
    found.clips, found.frames = found.clips + 1, found.frames + frames
    run.peak_mb, found.peak_mb = max(run.peak_mb, peak), max(found.peak_mb, peak)
    if len(found.hosts) < MOST_RUNS:
        found.hosts.add(_text(line, "host"))
    stages = _dict(line, "seconds")
    for stage in list(stages)[:20]:
        if stage in found.seconds or len(found.seconds) < 20:
            found.seconds[stage] = found.seconds.get(stage, 0.0) + _number(stages, stage)


def _number(line: dict, key: str) -> float:
    """A finite number from 0; 0 for anything else."""
    value = line.get(key)
    return (
        float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e15 else 0.0
    )


def _text(line: dict, key: str) -> str:
    value = line.get(key)
    return value[:200] if isinstance(value, str) else ""


def _dict(line: dict, key: str) -> dict:
    value = line.get(key)
    return value if isinstance(value, dict) else {}

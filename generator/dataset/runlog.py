"""Logs of runs: <dataset>/.log/<host>-<pid>.jsonl, one per run, one JSON object a line.

    {"run": …, "host": …, "pid": …, "versions": …}             the run begins
    {"clip": 7, "t": 12.3, "host": …, "frames": 30, …}          a clip was made, failed, or its process died
    {"end": "done", "t": 99.1}                                  the run ends; absent after kill -9

t: seconds since the run began, by a clock that is never set. Logs hold times and so differ from
run to run; nothing but ``mannequin status`` reads them, and they may be deleted.
"""

import json
import os
import platform
import re
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from generator.dataset.atomic import cannot_write
from generator.errors import DatasetError

FOLDER = ".log"
TAIL_BYTES = 32 * 1024
"""Of each log, read for a summary: some hundred clips."""


class RunLog:
    """The log of this run, opened for writing."""

    def __init__(self, out: Path, **about):
        self.path = Path(out) / FOLDER / f"{_host()}-{os.getpid()}.jsonl"
        self.start = time.monotonic()
        try:
            self.path.parent.mkdir(exist_ok=True)
            self.file = open(self.path, "ab", buffering=0)
        except OSError as e:
            raise cannot_write(self.path, e) from e
        self.say(run=now(), host=_host(), pid=os.getpid(), python=platform.python_version(), platform=platform.platform(), **about)

    def say(self, **facts) -> None:
        """Add a line, in one piece. Raises DatasetError if the system refuses."""
        line = json.dumps(facts | {"t": round(time.monotonic() - self.start, 3)}, ensure_ascii=False)
        try:
            self.file.write(line.encode("utf-8") + b"\n")
        except OSError as e:
            raise cannot_write(self.path, e) from e

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind, error, trace) -> None:
        """Say how the run ended, if there is still room for that."""
        with self.file, suppress(DatasetError):
            self.say(end="done" if kind is None else kind.__name__)


def now() -> str:
    """The time of day for people, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def tails(out: Path) -> list[tuple[float, list[dict]]]:
    """(time of the last change, last lines) of every log, newest first.

    Only lines of the last run in a log are given; damaged ones are left out.
    """
    found = []
    try:
        with os.scandir(Path(out) / FOLDER) as entries:
            for entry in entries:
                if entry.name.endswith(".jsonl"):
                    found.append((entry.stat().st_mtime, _last_run(Path(entry.path))))
    except OSError:
        pass  # none yet, deleted, or not for us to read: there is nothing to tell
    return sorted((log for log in found if log[1]), key=lambda log: -log[0])


def _last_run(path: Path) -> list[dict]:
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL_BYTES))
        texts = file.read(TAIL_BYTES).split(b"\n")
    lines = [line for line in map(_parsed, texts) if line]
    starts = [k for k, line in enumerate(lines) if "run" in line]
    return lines[starts[-1] :] if starts else lines


def _parsed(text: bytes) -> dict | None:
    """A line; None for half of one."""
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) and isinstance(line.get("t"), (int, float)) else None


def _host() -> str:
    return re.sub(r"[^\w.-]", "-", socket.gethostname()) or "host"

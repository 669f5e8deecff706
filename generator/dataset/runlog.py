"""Logs of runs: <dataset>/.log/<host>-<pid>.jsonl, one per run, one JSON object a line.

    {"run": …, "host": …, "pid": …, "versions": …}             the run begins
    {"clip": 7, "t": 12.3, "host": …, "frames": 30, …}          a clip was made, failed, or its process died
    {"end": "done", "t": 99.1}                                  the run ends; absent after kill -9

t: seconds since the run began, by a clock that is never set. Logs hold times and so differ from run to run; nothing but
``mannequin status`` and ``mannequin report`` read them, and they may be deleted. In an object store, which knows no
appending, a log is the last TAIL_BYTES of its lines, written anew from time to time.
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

from mannequin.generator.errors import DatasetError
from mannequin.generator.io.atomic import cannot_write
from mannequin.generator.io.remote import Place, RemotePath, place

FOLDER = ".log"
TAIL_BYTES = 32 * 1024
"""Of each log, read for a summary: some hundred clips."""


REMOTE_SECONDS = 10.0
"""After which the log in an object store is written anew, once there is something to add."""


class RunLog:
    """The log of this run, opened for writing."""

    def __init__(self, out: Place, **about):
        self.path = place(out) / FOLDER / f"{_host()}-{os.getpid()}.jsonl"
        self.start = time.monotonic()
        self.file = _RemoteFile(self.path) if isinstance(self.path, RemotePath) else _appending(self.path)
        self.say(
            run=now(),
            host=_host(),
            pid=os.getpid(),
            python=platform.python_version(),
            platform=platform.platform(),
            **about,
        )

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


def _appending(path: Path):
    try:
        path.parent.mkdir(exist_ok=True)
        return open(path, "ab", buffering=0)
    except OSError as e:
        raise cannot_write(path, e) from e


class _RemoteFile:
    """The last lines of a log, put into an object store now and then, and when it is closed."""

    def __init__(self, path: RemotePath):
        self.path, self.lines, self.written = path, b"", -REMOTE_SECONDS

    def write(self, line: bytes) -> None:
        self.lines = (self.lines + line)[-TAIL_BYTES:]
        if time.monotonic() - self.written >= REMOTE_SECONDS:
            self._put()

    def _put(self) -> None:
        self.path.write_bytes(self.lines)
        self.written = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind, error, trace) -> None:
        with suppress(DatasetError):
            self._put()


def now() -> str:
    """The time of day for people, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def tails(out: Place) -> list[tuple[float, list[dict]]]:
    """(time of the last change, last lines) of every log, newest first.

    Only lines of the last run in a log are given; damaged ones are left out.
    """
    folder = place(out) / FOLDER
    ends = _remote_ends(folder) if isinstance(folder, RemotePath) else _ends(folder)
    found = [(changed, _last_run(end)) for changed, end in ends]
    return sorted((log for log in found if log[1]), key=lambda log: -log[0])


def _ends(folder: Path) -> list[tuple[float, bytes]]:
    """(time of the last change, last bytes) of every log."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".jsonl"):
                    found.append((entry.stat().st_mtime, _end(Path(entry.path))))
    except OSError:
        pass  # none yet, deleted, or not for us to read: there is nothing to tell
    return found


def _remote_ends(folder: RemotePath) -> list[tuple[float, bytes]]:
    """The same of logs in a store. Logs it has no time for count as old."""
    found = []
    for name, about in folder.entries():
        if name.endswith(".jsonl"):
            changed = next((about[key] for key in ("LastModified", "mtime", "last_modified") if about.get(key)), 0.0)
            changed = changed.timestamp() if isinstance(changed, datetime) else changed
            found.append((changed if isinstance(changed, float) else 0.0, (folder / name).read_bytes(2 * TAIL_BYTES)))
    return found


def _end(path: Path) -> bytes:
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL_BYTES))
        return file.read(TAIL_BYTES)


def _last_run(end: bytes) -> list[dict]:
    """The lines of the last run in a log."""
    lines = [line for line in map(_parsed, end.split(b"\n")) if line]
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

"""Logs of runs: <dataset>/.log/<host>-<pid>.jsonl, one per run, one JSON object a line.

    {"run": …, "host": …, "pid": …, "versions": …}             the run begins
    {"clip": 7, "t": 12.3, "host": …, "frames": 30, …}          a clip was made, failed, or its process died
    {"end": "done", "t": 99.1}                                  the run ends; absent after kill -9

t: seconds since the run began, by a clock that is never set. Logs hold times and so differ from run to run; nothing but
``mannequin status`` and ``mannequin report`` read them, and they may be deleted. In an object store, which knows no
appending, a log is the last TAIL_BYTES of its lines, written anew from time to time.

Logs come with datasets of strangers: only regular files are opened, of what they hold only so much is
read, and of their values only those of the right type.
"""

import errno
import json
import os
import platform
import re
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Self, TypeGuard, cast

from mannequin.generator.errors import DatasetError
from mannequin.generator.io.atomic import cannot_write
from mannequin.generator.io.remote import Place, RemotePath, place

FOLDER = ".log"
TAIL_BYTES = 32 * 1024
"""Of each log, read for a summary: some hundred clips."""

MOST_LOGS = 10_000
"""That are looked at; a run writes one."""

LARGEST = 1e15
"""Numbers in a log are below it."""

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


def _appending(path: Path) -> BinaryIO:
    try:
        path.parent.mkdir(exist_ok=True)
        return _open_regular(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, "ab")
    except OSError as e:
        raise cannot_write(path, e) from e


def open_log(path: Path) -> BinaryIO:
    """A log, to be read. Raises OSError for what is no regular file: pipes, devices, links."""
    return _open_regular(path, os.O_RDONLY, "rb")


def _open_regular(path: Path, flags: int, mode: str) -> BinaryIO:
    handle = os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW, 0o666)  # a pipe would wait for its other end
    file = cast(BinaryIO, open(handle, mode, buffering=-1 if mode == "rb" else 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "not a regular file")
    return file


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


def tails(out: Place) -> tuple[list[tuple[float, list[dict]]], int]:
    """(time of the last change, last lines) of every log, newest first; and how many logs cannot be read.

    Only lines of the last run in a log are given; damaged ones are left out.
    """
    folder = place(out) / FOLDER
    ends = list(_remote_ends(folder) if isinstance(folder, RemotePath) else _ends(folder))
    found = [(end[0], _last_run(end[1])) for end in ends if end]
    return sorted((log for log in found if log[1]), key=lambda log: -log[0]), ends.count(None)


def log_names(folder: Path) -> tuple[list[str], int]:
    """Names of the logs that are looked at, in order; and how many there are beyond MOST_LOGS."""
    try:
        with os.scandir(folder) as entries:
            names = (entry.name for entry in entries if entry.name.endswith(".jsonl"))
            return sorted(islice(names, MOST_LOGS)), sum(1 for _ in names)
    except OSError:
        return [], 0  # none yet, deleted, or not for us to read: there is nothing to tell


def _ends(folder: Path) -> Iterator[tuple[float, bytes] | None]:
    """(time of the last change, last bytes) of every log; None for one that cannot be read."""
    names, more = log_names(folder)
    for name in names:
        try:
            with open_log(folder / name) as file:
                about = os.fstat(file.fileno())
                file.seek(max(0, about.st_size - TAIL_BYTES))
                yield about.st_mtime, file.read(TAIL_BYTES)
        except FileNotFoundError:
            continue  # deleted meanwhile
        except OSError:
            yield None
    yield from [None] * more


def _remote_ends(folder: RemotePath) -> Iterator[tuple[float, bytes] | None]:
    """The same of logs in a store. Logs it has no time for count as old."""
    for name, about in folder.entries():
        if not name.endswith(".jsonl"):
            continue
        if (about.get("size") or 0) > 2 * TAIL_BYTES:
            yield None
            continue
        changed = next((about[key] for key in ("LastModified", "mtime", "last_modified") if about.get(key)), 0.0)
        changed = changed.timestamp() if isinstance(changed, datetime) else changed
        yield changed if isinstance(changed, float) else 0.0, (folder / name).read_bytes(2 * TAIL_BYTES)


def _last_run(end: bytes) -> list[dict]:
    """The lines of the last run in a log."""
    lines = [line for line in map(_parsed, end.split(b"\n")) if line]
    starts = [k for k, line in enumerate(lines) if "run" in line]
    return lines[starts[-1] :] if starts else lines


def _parsed(text: bytes) -> dict | None:
    """A line with a time; None for another, and for half of one."""
    line = parsed(text)
    return line if line and _is_number(line.get("t")) else None


def parsed(text: bytes) -> dict | None:
    """A line of a log; None for what is none."""
    if not text.startswith(b"{"):
        return None
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None


def number(line: dict, key: str) -> float:
    """A number from 0 to LARGEST; 0 for anything else."""
    value = line.get(key)
    return float(value) if _is_number(value) else 0.0


def _is_number(value) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < LARGEST


def text(line: dict, key: str) -> str:
    """A text of at most 200 characters; "" for anything else."""
    value = line.get(key)
    return value[:200] if isinstance(value, str) else ""


def table(line: dict, key: str) -> dict:
    """An object; an empty one for anything else."""
    value = line.get(key)
    return value if isinstance(value, dict) else {}


def numbers(line: dict, key: str) -> dict[str, float]:
    """The numbers of an object by their names; at most 20 of 100 characters."""
    held = table(line, key)
    return {name[:100]: number(held, name) for name in islice(held, 20)}


def _host() -> str:
    return re.sub(r"[^\w.-]", "-", socket.gethostname()) or "host"

"""Files that appear whole or not at all.

Half a file has a name of its own, which says on which machine it is written, and its writer holds the
kernel's lock on it: numbers of processes and names of hosts come again, in restarted containers at once.
"""

import errno
import os
import re
import secrets
import socket
import stat
import time
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from types import ModuleType

from mannequin.generator.errors import DatasetError
from mannequin.generator.io.remote import Place, RemotePath

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows, where files are told by their age alone
    fcntl = None

STALE_SECONDS = 6 * 3600
"""Age at which a temporary file of another machine counts as left behind, unless it is locked."""

_ADVICE = {
    errno.EBADF: "it is closed; leave it open, or send it to a file or /dev/null",
    errno.ENOSPC: "the disk is full; free some space and start again, finished clips are kept",
    errno.EDQUOT: "the disk quota is used up; free some space and start again, finished clips are kept",
    errno.EFBIG: "the file is larger than this system allows (see ulimit -f); raise the limit and start again",
    errno.EACCES: "permission is denied; choose a folder you may write to",
    errno.EPERM: "permission is denied; choose a folder you may write to",
    errno.EROFS: "the disk is read-only; choose another folder",
    errno.ENOTDIR: "a part of the path is a file; choose another folder",
    errno.EEXIST: "a part of the path is a file; choose another folder",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}
_swept: set[Path] = set()
"""Folders that this process has written into."""
_PART = re.compile(r"\..+\.([^.]+)\.[0-9a-f]{16}\.part", re.DOTALL)


class SweptError(DatasetError):
    """A temporary file vanished: another machine, whose clock is far ahead, took it for left behind."""


def write_bytes(path: Place, data, replace: bool = True) -> int:
    """Put ``data`` under ``path`` and return its length; replace: whatever is there.

    A reader sees the old file or the whole new one. Raises DatasetError saying what to do.
    """
    if isinstance(path, RemotePath):
        path.write_bytes(data, replace)
        return len(data)
    try:
        _write(path, data, replace)
    except SweptError:
        _write(path, data, replace)
    return len(data)


def _write(path: Path, data, replace: bool) -> None:
    with part_of(path, replace) as part, open(part, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def part_of(path: Path, replace: bool = True):
    """An empty temporary file beside ``path`` that takes its name if the block succeeds, else goes.

    replace: take the place of a file of that name; otherwise that one stays. The block may open the
    file by its name, not put another one there. The first time that this process writes into a folder,
    half files of dead runs there are deleted.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{_machine()}.{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep_once(path.parent)
        with open(part, "xb") as file:
            _lock(file.fileno())
            yield part
        if replace or not _link(part, path):
            os.replace(part, path)
    except FileNotFoundError as e:
        raise SweptError(f"Cannot write {path}: its temporary file or its folder has been deleted. Start again.") from e
    except OSError as e:
        raise cannot_write(path, e) from e
    finally:
        _unlink(part)


def _link(part: Path, path: Path) -> bool:
    """Give ``part`` the name ``path`` unless that is taken; False where the disk knows no links."""
    try:
        os.link(part, path)
    except FileExistsError:
        return True
    except OSError:
        return path.exists()
    return True


def remove(path: Place) -> None:
    """Delete ``path`` if it is there."""
    try:
        path.unlink(missing_ok=True)
    except OSError as e:
        raise cannot_write(path, e) from e


def cannot_write(path: Place | str, error: OSError) -> DatasetError:
    """The error for a file that the system refused to write."""
    advice = _ADVICE.get(error.errno or 0, f"{error.strerror or error}; check the folder and start again")
    return DatasetError(f"Cannot write {path}: {advice}.")


def sweep(folder: Path) -> int:
    """Delete what dead runs left half-written under ``folder``; returns how many files."""
    return sum(_sweep(Path(place), names) for place, _, names in os.walk(folder))


def is_empty(folder: Path) -> bool:
    """Whether there is nothing in a folder but files that are, or were, being written."""
    return all(name.endswith(".part") for name in os.listdir(folder))


def _sweep(folder: Path, names: list[str]) -> int:
    """Delete those of the files ``names`` in ``folder`` that dead runs left half-written; returns how many."""
    stale = [part for name in names if name.endswith(".part") and _is_stale(part := folder / name)]
    for part in stale:
        _unlink(part)
    return len(stale)


def _sweep_once(folder: Path) -> None:
    """Sweep a folder, without those in it, unless this process did; what it cannot list it leaves."""
    if folder in _swept:
        return
    _swept.add(folder)
    with suppress(OSError):
        _sweep(folder, os.listdir(folder))


def _is_stale(part: Path) -> bool:
    match = _PART.fullmatch(part.name)
    if not match:
        return False
    try:
        with open(os.open(part, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW), "r+b") as file:
            about = os.fstat(file.fileno())
            is_free = _lock(file.fileno())
    except OSError:
        return False
    if not stat.S_ISREG(about.st_mode) or is_free is False:
        return False
    return bool(is_free and match[1] == _machine()) or time.time() - about.st_mtime > STALE_SECONDS


def _lock(number: int) -> bool | None:
    """Lock an open file: True if nobody has, False if somebody has; None where the system or the disk knows no locks.

    The lock ends with the process, and is seen by all of one machine.
    """
    if fcntl is None:
        return None
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


@cache
def _machine() -> str:
    """What tells this machine from others as long as it runs; the same in all of its containers."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except (OSError, ValueError):
        return re.sub(r"[^\w-]", "-", socket.gethostname()) or "host"


def _unlink(path: Path) -> None:
    with suppress(OSError):  # the error that led here is the one to report
        path.unlink(missing_ok=True)

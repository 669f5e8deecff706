"""Results that are slow to compute, kept on disk between runs.

The folder is $MANNEQUIN_CACHE, else $XDG_CACHE_HOME/mannequin, else ~/.cache/mannequin; where that cannot
be written, as in containers without a home, a private one in the folder for temporary files. Anything in them may
be deleted at any time. Where nothing can be read or written, everything is recomputed.
"""

import hashlib
import os
import stat
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np


def cache_dir() -> Path | None:
    """The cache folder, which need not exist; None for somebody without a home."""
    if chosen := os.environ.get("MANNEQUIN_CACHE"):
        return Path(os.path.expanduser(chosen))
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "mannequin"
    home = os.path.expanduser("~")
    return Path(home, ".cache", "mannequin") if os.path.isabs(home) else None


def cache_dirs() -> list[Path]:
    """Where to look for what was kept: the cache folder, and if that cannot be written a private one too."""
    first = cache_dir()
    if first and is_writable(first):
        return [first]
    return [folder for folder in (first, _private_dir()) if folder]


def writable_dir() -> Path | None:
    """The first of these that takes files, made if need be."""
    return next((folder for folder in cache_dirs() if is_writable(folder)), None)


def is_writable(folder: Path) -> bool:
    """Whether a file can be put into ``folder``, which is made if need be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def _private_dir() -> Path | None:
    """A folder for temporary files that nobody else can write into or replace: what is in it is run."""
    try:
        shared = Path(tempfile.gettempdir())
        folder = shared / f"mannequin-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        about, above = os.lstat(folder), os.stat(shared).st_mode
    except (OSError, AttributeError):  # AttributeError: Windows has no such numbers
        return None
    is_ours = stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid() and not about.st_mode & 0o077
    return folder if is_ours and (above & stat.S_ISVTX or not above & 0o022) else None


def content_key(*parts) -> str:
    """A file-name-safe key of arrays (values, shapes and dtypes) and plain values."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype.str}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).data)
        else:
            digest.update(repr(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:32]


def cached_arrays(kind: str, key: str, compute: Callable[[], dict]) -> dict[str, np.ndarray]:
    """``compute()``'s arrays (name → array), from ``<cache>/<kind>/`` where they are there.

    key: stands for what ``compute`` depends on; the source of its package is added, so that other
    code never meets what this code left.
    """
    source = Path(compute.__code__.co_filename).parent
    paths = [folder / kind / f"{key}-{_source_key(source)}.npz" for folder in cache_dirs()]
    for path in paths:
        try:
            with open(path, "rb") as f, np.load(f, allow_pickle=False) as stored:
                return dict(stored)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            continue
    arrays = compute()
    any(_write(path, arrays) for path in paths)
    return arrays


@cache
def _source_key(folder: Path) -> str:
    return content_key(*(path.read_bytes() for path in sorted(folder.glob("*.py"))))[:16]


def _write(path: Path, arrays: dict[str, np.ndarray]) -> bool:
    """Write in full or not at all, so that a reader beside us never sees half a file. Whether it could."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, suffix=".part")
    except OSError:
        return False
    try:
        with os.fdopen(handle, "wb") as f:
            np.savez_compressed(f, **arrays)
        os.replace(draft, path)
    except OSError:
        Path(draft).unlink(missing_ok=True)
        return False
    return True

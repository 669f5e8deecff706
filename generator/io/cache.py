"""Results that are slow to compute, kept on disk between runs.

The folder is $MANNEQUIN_CACHE, else $XDG_CACHE_HOME/mannequin, else ~/.cache/mannequin. Anything
in it may be deleted at any time. Where it cannot be read or written, everything is recomputed.
"""

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np


def cache_dir() -> Path:
    """The cache folder; it need not exist."""
    if chosen := os.environ.get("MANNEQUIN_CACHE"):
        return Path(chosen).expanduser()
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "mannequin"
    return Path("~/.cache/mannequin").expanduser()


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
    path = cache_dir() / kind / f"{key}-{_source_key(source)}.npz"
    try:
        with open(path, "rb") as f, np.load(f, allow_pickle=False) as stored:
            return dict(stored)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        pass
    arrays = compute()
    _write(path, arrays)
    return arrays


@cache
def _source_key(folder: Path) -> str:
    return content_key(*(path.read_bytes() for path in sorted(folder.glob("*.py"))))[:16]


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write in full or not at all, so that a reader beside us never sees half a file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, suffix=".part")
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as f:
            np.savez_compressed(f, **arrays)
        os.replace(draft, path)
    except OSError:
        Path(draft).unlink(missing_ok=True)

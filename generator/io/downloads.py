"""Assets from URLs, copied to the local disk once: readers of assets know nothing but files.

    <cache>/remote/<key>/<name>        a file
    <cache>/remote/<key>/<name>/…      a folder, all that lies under it

The key stands for the URL and for what the store says of every file (size and etag, or time), so
changed assets get a new folder. A file has its name only when whole; an interrupted copy goes on.
"""

from dataclasses import replace
from pathlib import Path

from mannequin.generator.errors import AssetError, DatasetError
from mannequin.generator.io.atomic import part_of
from mannequin.generator.io.cache import cache_dirs, content_key, writable_dir
from mannequin.generator.io.remote import RemotePath, place

_MARKS = ("ETag", "etag", "md5Hash", "LastModified", "mtime", "updated")
"""What stores call that by which a changed file is told from the old one."""


def local(path: str) -> Path:
    """``path`` on the local disk; what lies behind a URL is copied into the cache. Raises AssetError."""
    there = place(path)
    if not isinstance(there, RemotePath):
        return there
    there = replace(there, error=AssetError)
    files = there.tree()
    key = content_key(there.url, *((name, about["size"], _mark(about)) for name, about in files.items()))
    root = _folder(Path("remote", key)) / there.name
    for name, about in files.items():
        _fetch(there / name if name else there, root.joinpath(*_parts(there, name)), about["size"])
    return root


def _folder(name: Path) -> Path:
    """``name`` in a cache: where it is already, else where it can be."""
    cache = next((cache for cache in cache_dirs() if (cache / name).is_dir()), None) or writable_dir()
    if cache is None:
        raise AssetError(
            "No folder can be written to keep copies of remote files in. Set MANNEQUIN_CACHE to one that you may "
            "write to."
        )
    return cache / name


def _mark(about: dict) -> str:
    return next((str(about[mark]) for mark in _MARKS if about.get(mark)), "")


def _parts(there: RemotePath, name: str) -> list[str]:
    """The folders and the file that ``name`` consists of. A store lets objects be called ../../.bashrc."""
    parts = name.split("/") if name else []
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise AssetError(
            f"{there} holds an object called {name!r}, which is no name for a file. Rename it, or name a "
            "folder without it."
        )
    return parts


def _fetch(source: RemotePath, target: Path, size: int) -> None:
    """Copy ``source`` unless it is there already. Several processes may do so at once."""
    if target.is_file() and target.stat().st_size == size:
        return
    try:
        with part_of(target) as part:
            source.download(part)
    except DatasetError as e:
        raise AssetError(f"Cannot keep a copy of {source}: {e} The folder of copies is set by MANNEQUIN_CACHE.") from e
    if target.stat().st_size != size:
        raise AssetError(f"{source} changed while it was copied. Run the same command again.")

"""What lies in a folder that a user named: the files of the wanted kinds, and what is left out or passed over.

A link to a file within the folder counts as a file. Links to folders are not followed: what they lead to within the
folder is found in its own place, and what lies elsewhere must be named itself. Every reader of folders goes through
:func:`list_files`.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from mannequin.generator.errors import AssetError
from mannequin.generator.io.reading import contained

_CLUTTER = {
    "__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "@eadir", "#recycle", "$recycle.bin", "lost+found",
    "system volume information", "license", "licence", "readme", "copying", "checksums", "sha256sums", "md5sums",
}  # fmt: skip
_TEXTS = {
    ".txt", ".md", ".rst", ".rtf", ".html", ".htm", ".pdf", ".csv", ".tsv", ".json", ".yaml", ".yml", ".xml", ".log",
    ".url", ".ini", ".cfg", ".sha256", ".md5", ".lnk", ".bib",
}  # fmt: skip
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class LeftOut:
    """A file that cannot be used. kind: "motion", "texture" …; name: its id, or its path; reason: names the file."""

    kind: str
    name: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """files: in order of their paths. left_out: (path, reason) of what has the right suffix and cannot be used.
    others: suffix → how many files of kinds that are not read; texts and clutter are not counted."""

    folder: Path
    files: tuple[Path, ...]
    left_out: tuple[tuple[Path, str], ...]
    others: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """The files of one kind that a user brought. files: id → file. left_out: what cannot be used. passed_over: what
    lies there besides, for people."""

    files: dict[str, Any]
    left_out: tuple[LeftOut, ...] = ()
    passed_over: tuple[str, ...] = ()


def is_clutter(inner: PurePath) -> bool:
    """Whether a path within a folder is what systems and people leave about: hidden files and folders, AppleDouble
    (``._*``), ``__MACOSX``, ``Thumbs.db``, texts and lists."""
    return (
        any(part.startswith(".") or part.lower() in _CLUTTER for part in inner.parts)
        or inner.suffix.lower() in _TEXTS
        or (not inner.suffix and inner.stem.lower() in _CLUTTER)
    )


def list_files(folder: Path, suffixes: Iterable[str], depth: int | None = None) -> Listing:
    """The files in ``folder`` and below that end in one of ``suffixes``, in lower case. Nothing of them is read.

    depth: of folders within one another that are searched, 0 being ``folder`` alone; None: all.
    """
    wanted, files, left_out, others = set(suffixes), [], [], Counter()
    for where, names, inside in os.walk(folder):
        here = Path(where)
        level = len(here.relative_to(folder).parts)
        names[:] = sorted(name for name in names if not is_clutter(PurePath(name + "/x")))
        for name in names:
            if (here / name).is_symlink():
                left_out.append(
                    (here / name, f"{here / name} is a link to a folder, which is not followed. {_NAME_IT}")
                )
        if depth is not None and level >= depth:
            names[:] = []
        for name in sorted(inside):
            path = here / name
            if is_clutter(PurePath(name)):
                continue
            if path.suffix.lower() not in wanted:
                others[path.suffix.lower() or "no suffix"] += 1
            elif reason := _fault(path, folder):
                left_out.append((path, reason))
            else:
                files.append(path)
    return Listing(folder, tuple(sorted(files)), tuple(sorted(left_out)), dict(sorted(others.items())))


_NAME_IT = "Name the folder itself, or put a copy in place of the link."


def _fault(path: Path, folder: Path) -> str:
    try:
        contained(path, folder)
    except AssetError as e:
        return str(e)
    if path.is_file():
        return ""
    return (
        f"{path} is {'a link to no file' if path.is_symlink() else 'no regular file'}. Put a file there, or delete it."
    )


def found_in(listing: Listing, kind: str, files: dict[str, Any], expected: str) -> Found:
    """What was found in a folder. Raises AssetError if that is nothing."""
    others = told_others(listing.others)
    if not files:
        held = f" (but {others})" if others else ""
        reasons = "".join(f"\n{reason}" for _, reason in listing.left_out)
        raise AssetError(f"The folder {str(listing.folder)!r} holds no {kind}{held}; expected {expected}.{reasons}")
    left_out = tuple(LeftOut(kind, str(path), reason) for path, reason in listing.left_out)
    return Found(files, left_out, (f"{listing.folder}: {others}",) if others else ())


def told_others(others: dict[str, int]) -> str:
    """ "3 .heic, 1 .gif" """
    return ", ".join(f"{count} {suffix}" for suffix, count in others.items())


def natural(name: str) -> tuple:
    """A key by which numbers in names count as numbers: frame_2 before frame_10."""
    parts = _DIGITS.split(name)
    return tuple((int(p) if k % 2 else 0, "" if k % 2 else p.casefold()) for k, p in enumerate(parts)), name

"""Recorded motions among the files that a user names, and by which id each is called.

A motion is called by its file's path within the folder that was named, without suffix; those of smpl_data.npz by their
sequences. Where two would have one id, each gets as much more of its path in front as tells them apart, or its suffix:
the ids depend on which folders are named, not on their order.
"""

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from mannequin.generator.errors import AssetError
from mannequin.generator.io.listing import Found, LeftOut, list_files, told_others
from mannequin.generator.motion import people_files
from mannequin.generator.motion.recorded import EXPECTED, motions_of
from mannequin.generator.motion.recording import RecordedMotion

SUFFIXES = (".bvh", ".npz", *people_files.SUFFIXES)


@dataclass(frozen=True)
class _Item:
    """root: folder that was named, absolute."""

    root: PurePath
    motion: RecordedMotion

    @property
    def full_name(self) -> str:
        """The name with that of the file in it, suffix included."""
        within = PurePath(os.path.abspath(self.motion.path)).relative_to(self.root)
        name = PurePath(self.motion.name)
        return within.as_posix() if name == within.with_suffix("") else (within / name.name).as_posix()


def find_motions(path) -> list[RecordedMotion]:
    """The motions of a file, or of all files below a folder. Raises AssetError if there are none."""
    return list(search_motions([path]).files.values())


def search_motions(paths: Iterable) -> Found:
    """Id → motion, in order of ids, of all files, and of all files below folders.

    Raises AssetError for a path that leads nowhere, a folder without any, and if none can be used.
    """
    found: list[_Item] = []
    left_out: list[LeftOut] = []
    passed_over: list[str] = []
    for path in map(Path, paths):
        if not path.exists():
            raise AssetError(f"No motion file or folder at {str(path)!r}. {EXPECTED}")
        if path.is_file():
            _search(path, path.parent, True, found, left_out)
        else:
            _search_folder(path, found, left_out, passed_over)
    if not found:
        raise AssetError("\n".join(dict.fromkeys(fault.reason for fault in left_out)))
    once = {(item.root / item.full_name): item for item in sorted(found, key=lambda f: (-len(f.root.parts), f.root))}
    motions = sorted(_named(list(once.values())), key=lambda motion: motion.name)
    files = {motion.name: motion for motion in motions}
    return Found(files, tuple(sorted(set(left_out), key=lambda f: f.name)), tuple(passed_over))


def _search_folder(folder: Path, found: list[_Item], left_out: list[LeftOut], passed_over: list[str]) -> None:
    listing, before, empty = list_files(folder, SUFFIXES), len(found) + len(left_out), 0
    left_out += [LeftOut("motion", str(path), reason) for path, reason in listing.left_out]
    for file in listing.files:
        count = len(found) + len(left_out)
        _search(file, folder, False, found, left_out)
        empty += count == len(found) + len(left_out)
    others = listing.others | ({".npz without a motion": empty} if empty else {})
    if others:
        passed_over.append(f"{folder}: {told_others(others)}")
    if len(found) + len(left_out) == before:
        held = f" It has: {told_others(others)}." if others else ""
        raise AssetError(f"The folder {folder} holds no motion.{held} {EXPECTED}")


def _search(file: Path, folder: Path, strict: bool, found: list[_Item], left_out: list[LeftOut]) -> None:
    """The motions of one file. strict: a file without any is at fault."""
    try:
        root = PurePath(os.path.abspath(folder))
        found += [_Item(root, motion) for motion in motions_of(file, folder, strict)]
    except AssetError as e:
        left_out.append(LeftOut("motion", str(file), str(e)))


def _named(found: list[_Item]) -> list[RecordedMotion]:
    """The motions, each by a name of its own."""
    beside = _groups([(item.root, item.motion.name) for item in found])
    short = [item.full_name if len(beside[item.root, item.motion.name]) > 1 else item.motion.name for item in found]
    names, more = list(short), [0] * len(found)
    while doubles := [k for group in _groups(names).values() if len(group) > 1 for k in group]:
        for k in doubles:
            more[k] += 1
            parts = found[k].root.parts[1:]
            inner = short[k] if more[k] <= len(parts) else found[k].full_name
            names[k] = "/".join((*parts[max(0, len(parts) - more[k]) :], inner))
    return [replace(item.motion, name=name) for item, name in zip(found, names)]


def _groups(keys: list) -> dict:
    groups = defaultdict(list)
    for k, key in enumerate(keys):
        groups[key].append(k)
    return groups

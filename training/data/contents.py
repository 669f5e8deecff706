"""What the clips of a collection hold, as far as training chooses by it; found out once, and kept between runs.

To open 67,000 clips takes minutes. What was found is in the cache (mannequin.generator.io.cache), in blocks of a
thousand clips, under the names, sizes and times of their files: a block counts as long as none of its files changed,
came or went.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

import mannequin.generator.dataset
import mannequin.generator.io
from mannequin.generator.dataset.collection import Collection
from mannequin.generator.io.cache import cached_arrays, content_key
from mannequin.training.data.raw import usable_frames
from mannequin.training.data.readers import Readers

BLOCK = 1000


@dataclass(frozen=True, eq=False)
class Seen:
    """A person in a view. instance: as in the instance channel. frames: those to learn from, ascending."""

    name: str
    instance: int
    frames: np.ndarray


@dataclass(frozen=True)
class Recorded:
    """A camera's part of a clip, of which nobody may be shown."""

    camera: str
    channels: tuple[str, ...]
    people: tuple[Seen, ...]


@dataclass(frozen=True)
class Contents:
    """A clip. alone: of one person and no things. frames: how many."""

    key: str
    name: str
    split: str
    alone: bool
    frames: int
    views: tuple[Recorded, ...]


def contents(readers: Readers, number: int) -> Iterator[Contents]:
    """Of each clip of path ``number``, in order. Raises DatasetError for one that is damaged."""
    collection = readers.collection(number)
    for start in range(0, len(collection.keys), BLOCK):
        keys = collection.keys[start : start + BLOCK]
        stamps = _stamps(collection, keys)
        if stamps is None:
            found = _look(readers, number, keys)
        else:
            found = cached_arrays(
                "index", content_key(_source(), *stamps), lambda keys=keys: _look(readers, number, keys)
            )
        yield from _unpacked(keys, found)


def _stamps(collection: Collection, keys) -> list | None:
    """Of the files of clips; None where they have none."""
    stamps = [collection.stamp(key) for key in keys]
    return None if None in stamps else [os.path.abspath(str(collection.path)), *zip(keys, stamps, strict=True)]


@cache
def _source() -> str:
    """Stands for the code that reads clips; that of this package is in the key already."""
    folders = (Path(package.__path__[0]) for package in (mannequin.generator.dataset, mannequin.generator.io))
    return content_key(*(path.read_bytes() for folder in folders for path in sorted(folder.rglob("*.py"))))


def _look(readers: Readers, number: int, keys) -> dict[str, np.ndarray]:
    """What the clips ``keys`` hold, as :func:`_unpacked` takes it."""
    frames, clips = [np.zeros(0, np.int32)], []
    for key in keys:
        reader = readers.clip(number, key)
        spec = reader.spec
        instances = {person.name: person.instance for person in spec.people}
        views = []
        for camera in reader.cameras:
            people = []
            for name in reader.shown(camera):
                frames.append(usable_frames(reader, camera, name).astype(np.int32))
                people.append((name, instances[name], len(frames[-1])))
            views.append((camera, reader.channels(camera), people))
        clips.append((spec.name, spec.split, len(spec.things) == 1, spec.num_frames, views))
    return {"clips": np.frombuffer(json.dumps(clips).encode(), np.uint8), "frames": np.concatenate(frames)}


def _unpacked(keys, found: dict[str, np.ndarray]) -> Iterator[Contents]:
    at = 0
    for key, (name, split, alone, count, views) in zip(keys, json.loads(found["clips"].tobytes()), strict=True):
        recorded = []
        for camera, channels, people in views:
            seen = []
            for person, instance, usable in people:
                seen.append(Seen(person, instance, found["frames"][at : at + usable]))
                at += usable
            recorded.append(Recorded(camera, tuple(channels), tuple(seen)))
        yield Contents(key, name, split, alone, count, tuple(recorded))

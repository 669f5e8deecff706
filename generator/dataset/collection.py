"""One way to open whatever holds clips: a dataset of ours, a folder in SURREAL's layout, or a single clip file.

Opening lists names only. A clip is opened when it is asked for, and what is wrong with it comes out then.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mannequin.generator.dataset import failures
from mannequin.generator.dataset.failures import Failure
from mannequin.generator.dataset.folder import DESCRIPTION, Dataset, open_dataset
from mannequin.generator.dataset.native import SUFFIX, open_clip
from mannequin.generator.dataset.source import ClipSource
from mannequin.generator.dataset.surreal_info import SUFFIX as INFO
from mannequin.generator.dataset.surreal_reader import SurrealReader, clip_files
from mannequin.generator.errors import ConfigError, DatasetError, MannequinError, unknown_name
from mannequin.generator.io.reading import read_json
from mannequin.generator.io.remote import Place, RemotePath, place
from mannequin.generator.records import from_plain

EXPECTED = (
    f"a folder with {DESCRIPTION}, a folder of clips in SURREAL's layout (*{INFO}), or one clip file (*{SUFFIX} "
    f"or *{INFO})"
)


@dataclass(frozen=True)
class ClipSummary:
    """What a list of clips shows of one.

    state: "done", or "damaged" if it cannot be opened; problem then says why, and the rest is empty.
    name, split, action, tags: as its description has them. bodies: of its people, in order.
    people, cameras: how many. resolution: (height, width).
    """

    key: str
    name: str
    state: str
    problem: str = ""
    split: str = ""
    action: str = ""
    bodies: tuple[str, ...] = ()
    people: int = 0
    cameras: int = 0
    frames: int = 0
    fps: float = 0.0
    resolution: tuple[int, int] = (0, 0)
    tags: dict[str, str | float] = field(default_factory=dict)


class Collection:
    """Clips under one path. kind: "native", "surreal" or "clip". keys: their names, in order.

    A key of a dataset of ours is "000123", of SURREAL's layout "run0/01_01/01_01_c0001", of a single file its stem.
    dataset: what our own dataset says of itself, None for other kinds.
    """

    def __init__(
        self,
        path: Place,
        kind: str,
        keys: Sequence[str],
        reader: Callable,
        files: Callable,
        dataset: Dataset | None = None,
    ):
        """reader, files: functions of a key, to its reader and to the paths where its files may be."""
        self.path, self.kind, self.keys, self.dataset = path, kind, keys, dataset
        self._reader, self._files, self._known = reader, files, frozenset(keys)

    def __len__(self) -> int:
        return len(self.keys)

    def open(self, key: str) -> ClipSource:
        """Clip ``key``, to be closed. Raises DatasetError if the clip is damaged, ConfigError for an unknown key."""
        self._check(key)
        return self._reader(key)

    def stamp(self, key: str) -> tuple[tuple[str, int, int], ...] | None:
        """(name, bytes, ns of the last change) of each file of clip ``key``, by which to know it again; None in an
        object store."""
        if isinstance(self.path, RemotePath):
            return None
        found = []
        for path in self._files(key):
            try:
                about = os.stat(path)
            except OSError:
                continue  # as if it were absent; opening the clip will say what is wrong
            found.append((os.path.basename(path), about.st_size, about.st_mtime_ns))
        return tuple(found)

    def failures(self) -> list[Failure]:
        """The clips that were given up and not made since, in order."""
        if self.dataset is None:
            return []
        done = self.dataset.done()
        return [_failure(self.path, index) for index in failures.records(self.path) if index not in done]

    def summary(self, key: str) -> ClipSummary:
        """What a list shows of clip ``key``; a damaged one is told in the value, never raised."""
        self._check(key)
        try:
            with self.open(key) as reader:
                return _summary(key, reader)
        except MannequinError as e:
            return ClipSummary(key, key, "damaged", str(e))

    def _check(self, key: str) -> None:
        if key not in self._known:
            raise unknown_name("clip", key, self.keys)


def open_collection(path: Place | str, handedness: str = "auto") -> Collection:
    """The clips under ``path``. Raises DatasetError if there are none, saying what was expected.

    handedness: of clips in SURREAL's layout, as SurrealReader has it.
    """
    path = place(path)
    if path.is_file():
        return _single(path, handedness)
    if not path.is_dir():
        raise DatasetError(f"There is no {path}. Expected {EXPECTED}; check the path.")
    if (path / DESCRIPTION).exists():
        dataset = open_dataset(path)
        return Collection(
            path,
            "native",
            [f"{index:06d}" for index in dataset],
            lambda key: dataset.open(int(key)),
            lambda key: [dataset.path_of(int(key))],
            dataset,
        )
    if isinstance(path, RemotePath) or not (keys := sorted(_surreal_keys(path))):
        raise DatasetError(
            f"{path} holds no clips. Expected {EXPECTED}; check the path, and copy clips in SURREAL's layout "
            "to a local disk."
        )
    return Collection(
        path,
        "surreal",
        keys,
        lambda key: SurrealReader(path / f"{key}{INFO}", handedness),
        lambda key: clip_files(path / f"{key}{INFO}"),
    )


def _single(path: Place, handedness: str) -> Collection:
    if path.name.endswith(SUFFIX):
        return Collection(path, "clip", [path.stem], lambda _: open_clip(path), lambda _: [path])
    if path.name.endswith(INFO) and isinstance(path, Path):
        return Collection(
            path,
            "clip",
            [path.name.removesuffix(INFO)],
            lambda _: SurrealReader(path, handedness),
            lambda _: clip_files(path),
        )
    raise DatasetError(f"{path} is no clip. Expected {EXPECTED}; check the path.")


def _surreal_keys(root: Path) -> Iterator[str]:
    """Paths below ``root`` of its info files, without their end. Links to folders are followed, each folder once."""
    seen = set()
    for folder, inner, files in os.walk(root, followlinks=True, onerror=_refuse):
        about = os.stat(folder)
        if (about.st_dev, about.st_ino) in seen:
            inner.clear()
            continue
        seen.add((about.st_dev, about.st_ino))
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        below = Path(folder).relative_to(root).as_posix()
        start = "" if below == "." else f"{below}/"
        yield from (
            start + name.removesuffix(INFO) for name in files if name.endswith(INFO) and not name.startswith(".")
        )


def _refuse(e: OSError):
    raise DatasetError(f"Cannot list {e.filename}: {e.strerror}. Check the disk and its permissions.") from e


def _summary(key: str, reader: ClipSource) -> ClipSummary:
    spec = reader.spec
    return ClipSummary(
        key=key,
        name=spec.name,
        state="done",
        split=spec.split,
        action=str(spec.tags.get("action", "")),
        bodies=tuple(person.body for person in spec.people),
        people=len(spec.people),
        cameras=len(reader.cameras),
        frames=spec.num_frames,
        fps=spec.fps,
        resolution=spec.resolution,
        tags=spec.tags,
    )


def _failure(out: Place, index: int) -> Failure:
    """The record of a clip that was given up; if the record itself is damaged, one that says so."""
    path = failures.records(out).path_of(index)
    try:
        return from_plain(Failure, read_json(path, "the record of a failed clip", DatasetError))
    except (DatasetError, ConfigError) as e:
        return Failure(index, f"{index:06d}", str(e), "", 0, "", "", {}, None)

"""A dataset: a folder of clip files beside a description of how they came about.

    <dataset>/dataset.json           what it is: versions, resolved config, channel table
    <dataset>/clips/000/000123.h5    clip 123, a thousand to a folder
    <dataset>/failed/000/000123.json what is known of a clip that was given up
    <dataset>/.log/<host>-<pid>.jsonl  what each run did, a line per clip

Several processes, on several machines, may fill one folder: a clip has its name only when whole.
"""

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import asdict, is_dataclass

from mannequin.generator.clip import CHANNELS, Clip
from mannequin.generator.dataset.native import FORMAT_VERSION as CLIP_FORMAT_VERSION
from mannequin.generator.dataset.native import SUFFIX, ClipReader, open_clip, read_clip
from mannequin.generator.dataset.numbered_files import NumberedFiles, names_in
from mannequin.generator.errors import DatasetError
from mannequin.generator.io import limits
from mannequin.generator.io.atomic import cannot_write, sweep, write_bytes
from mannequin.generator.io.reading import read_json
from mannequin.generator.io.remote import Place, RemotePath, place
from mannequin.generator.records import to_plain
from mannequin.generator.versions import versions_of

FORMAT = "mannequin-dataset"
FORMAT_VERSION = 1
DESCRIPTION = "dataset.json"

_SOFTWARE = ("mannequin", "numpy", "h5py", "opencv-python-headless", "numba", "bpy")


class Dataset:
    """An opened dataset; ``len`` and iteration go over the indices of the finished clips, in order."""

    def __init__(self, path: Place, description: dict):
        self.path, self.description = place(path), description
        self.files = NumberedFiles(self.path / "clips", SUFFIX)

    @property
    def config(self) -> dict:
        """The resolved options it is made with, as plain values."""
        return self.description["config"]

    @property
    def num_clips(self) -> int | None:
        """Clips planned, if it was said."""
        return self.description["num_clips"]

    def path_of(self, index: int) -> Place:
        """Where clip ``index`` is, or will be."""
        if index < 0:
            raise DatasetError(f"Clip {index} of {self.path} cannot exist; expected an index from 0.")
        return self.files.path_of(index)

    def check_there(self) -> None:
        """Raise DatasetError if this machine does not see the folder, as when its shared disk is not mounted."""
        if not (self.path / DESCRIPTION).exists():
            raise DatasetError(
                f"{self.path} is no dataset on {socket.gethostname()} (it has no {DESCRIPTION} there). The "
                "folder must be on a disk that "
                "all machines see under the same path; mount it, or choose another, and run the same command again."
            )

    def done(self) -> set[int]:
        """Indices of the clips that are finished."""
        return set(self.files)

    def clips(self) -> list[Place]:
        """Files of the finished clips, in order."""
        return [self.path_of(index) for index in self]

    def size(self) -> int:
        """Bytes of all finished clips; in an object store, of all that lies beside them too."""
        if isinstance(self.path, RemotePath):
            return (self.path / "clips").size()
        return sum(os.stat(str(path)).st_size for path in self.clips())

    def __len__(self) -> int:
        return sum(1 for _ in self.files)

    def __iter__(self) -> Iterator[int]:
        return iter(self.files)

    def open(self, index: int) -> ClipReader:
        """A lazy reader of clip ``index``."""
        self._check_done(index)
        return open_clip(self.path_of(index))

    def read(self, index: int) -> Clip:
        """Clip ``index`` in memory."""
        self._check_done(index)
        return read_clip(self.path_of(index))

    def _check_done(self, index: int) -> None:
        if not self.path_of(index).exists():
            done = sorted(self.done())
            has = f"{len(done)} from {done[0]} to {done[-1]}" if done else "none"
            raise DatasetError(f"{self.path} has no clip {index}; it has {has}. Generate it first.")


def create_or_resume(
    out: Place | str, config, num_clips: int | None = None, versions: dict[str, str] | None = None
) -> Dataset:
    """Start a dataset in ``out``, or go on with the one that is there.

    config: a dataclass or a dict of plain values, all that decides what the clips hold. num_clips: how many are
    planned; a later call may raise it. versions: of the software; by default those installed here. Raises DatasetError
    for a folder that cannot be written, holds other things, or holds a dataset of another config or of clips of
    another format. Half files of dead runs are deleted.
    """
    out = place(out)
    plain = _plain(config)
    _make_folder(out)
    if not (out / DESCRIPTION).exists():
        _refuse_foreign(out)
        text = _text(_describe(plain, num_clips, versions))
        write_bytes(out / DESCRIPTION, text, replace=False)  # another process may be first; its file stands
    dataset = Dataset(out, _read_description(out))
    _refuse_other_format(dataset)
    _refuse_other(dataset, plain)
    if num_clips is not None and (dataset.num_clips or 0) < num_clips:
        dataset.description["num_clips"] = num_clips
        write_bytes(out / DESCRIPTION, _text(dataset.description))
    if not isinstance(out, RemotePath):
        sweep(out)
    return dataset


def open_dataset(path: Place | str) -> Dataset:
    """A dataset to read. Raises DatasetError if there is none, or it has no clips yet."""
    dataset = find_dataset(path)
    if next(iter(dataset), None) is None:
        raise DatasetError(f"{path} has no finished clips yet. Generate it first.")
    return dataset


def find_dataset(path: Place | str) -> Dataset:
    """A dataset that may have no clips yet. Raises DatasetError if there is none."""
    path = place(path)
    if not path.is_dir():
        raise DatasetError(f"There is no folder {path}. Check the path, or generate a dataset there.")
    return Dataset(path, _read_description(path))


def software_versions() -> dict[str, str]:
    """Versions of the installed software that decides what the clips hold; absent ones left out."""
    return versions_of(_SOFTWARE)


def _plain(config) -> dict:
    """What the config looks like after a trip through JSON."""
    plain = to_plain(config) if is_dataclass(config) else config
    return json.loads(json.dumps(plain, allow_nan=False))


def _describe(config: dict, num_clips: int | None, versions) -> dict:
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "clip_format_version": CLIP_FORMAT_VERSION,
        "num_clips": num_clips,
        "versions": software_versions() if versions is None else versions,
        "config": config,
        "channels": {name: asdict(channel) for name, channel in CHANNELS.items()},
    }


def _text(description: dict) -> bytes:
    return (json.dumps(description, indent=2, ensure_ascii=False) + "\n").encode("utf-8")


def _make_folder(out: Place) -> None:
    if isinstance(out, RemotePath):
        return  # a store makes folders with the files in them
    if out.exists() and not out.is_dir():
        raise DatasetError(f"{out} is a file; expected a folder for the dataset. Choose another name.")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise cannot_write(out, e) from e
    if not os.access(out, os.W_OK | os.X_OK):
        raise DatasetError(f"Cannot write into {out}: permission is denied. Choose a folder you may write to.")


def _refuse_foreign(out: Place) -> None:
    foreign = sorted(name for name in names_in(out) if not name.endswith(".part") and name != DESCRIPTION)
    if foreign and not (out / DESCRIPTION).exists():
        raise DatasetError(
            f"{out} is not empty and not a dataset (it holds "
            f"{', '.join(foreign[:3])}{', …' if len(foreign) > 3 else ''}). "
            "Choose an empty or a new folder."
        )


def _read_description(folder: Place) -> dict:
    path = folder / DESCRIPTION
    if not path.exists():
        raise DatasetError(f"{folder} is not a dataset (it has no {DESCRIPTION}). Check the path.")
    description = read_json(
        path, "the description of a dataset; restore it, or generate the dataset into a new folder", DatasetError
    )
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise DatasetError(f"{path} does not describe a Mannequin dataset (no format = {FORMAT!r}). Check the path.")
    if description.get("format_version") != FORMAT_VERSION:
        raise DatasetError(
            f"{path} has format version {description.get('format_version')!r}; this release reads {FORMAT_VERSION}. "
            "Use the release that wrote it, or generate the dataset into a new folder."
        )
    if type(description.get("num_clips", "")) not in (int, type(None)) or not isinstance(
        description.get("config"), dict
    ):
        raise DatasetError(f"{path} is damaged (num_clips or config is missing). Restore it, or use a new folder.")
    if not 0 <= (description["num_clips"] or 0) <= limits.CLIPS:
        raise DatasetError(
            f"{path} plans {description['num_clips']} clips; expected 0 to {limits.CLIPS}. Restore it, or use a new "
            "folder."
        )
    return description


def _refuse_other_format(dataset: Dataset) -> None:
    """Clips of several formats can be read in one folder, but a release that writes another may also draw others."""
    version = dataset.description.get("clip_format_version")
    if version != CLIP_FORMAT_VERSION:
        raise DatasetError(
            f"{dataset.path} was begun with clips of format {version}; this release writes format "
            f"{CLIP_FORMAT_VERSION}, and may draw other clips from the same seeds. They stay readable; finish the "
            "dataset with the release that began it, or generate into a new folder."
        )


def _refuse_other(dataset: Dataset, config: dict) -> None:
    lines = differences(dataset.config, config)
    if lines:
        shown = "\n".join(f"  {line}" for line in lines[:20]) + ("\n  …" if len(lines) > 20 else "")
        raise DatasetError(
            f"{dataset.path} holds a dataset made with other options:\n{shown}\n"
            "Use the same options to resume it, or choose another folder."
        )


def differences(there, here, path: str = "") -> list[str]:
    """One line for each field in which two plain values differ."""
    if isinstance(there, dict) and isinstance(here, dict):
        names = list(there) + [n for n in here if n not in there]
        absent = _Absent()
        return [
            line
            for n in names
            for line in differences(there.get(n, absent), here.get(n, absent), f"{path}.{n}" if path else n)
        ]
    if type(there) is type(here) and _exact(there) == _exact(here):
        return []
    return [f"{path}: {there!r} there, {here!r} now"]


def _exact(value) -> str:
    """A text that tells 1, 1.0 and True apart, also within lists, which ``==`` does not."""
    return json.dumps(value, sort_keys=True, default=repr)


class _Absent:
    def __repr__(self):
        return "absent"

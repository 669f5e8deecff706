"""Numbered files, a thousand to a folder, counted by listing folders: no file is opened or examined."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mannequin.generator.errors import DatasetError
from mannequin.generator.io.remote import Place, RemotePath

PER_FOLDER = 1000


@dataclass(frozen=True)
class NumberedFiles:
    """The files <root>/000/000123<suffix>. What has another name, or lies in the wrong folder, is no part of it."""

    root: Place
    suffix: str

    def path_of(self, index: int) -> Place:
        """Where file ``index`` is, or would be."""
        return self.root / f"{index // PER_FOLDER:03d}" / f"{index:06d}{self.suffix}"

    def folders(self) -> list[int]:
        """Numbers of the folders there are, in order."""
        return sorted(int(name) for name in names_in(self.root) if re.fullmatch(r"\d{3,}", name, re.ASCII))

    def folder(self, number: int) -> set[int]:
        """Indices of the files in one folder; empty if it does not exist."""
        pattern = re.compile(r"(\d{6,})" + re.escape(self.suffix), re.ASCII)
        matches = map(pattern.fullmatch, names_in(self.root / f"{number:03d}"))
        indices = (int(match[1]) for match in matches if match)
        return {index for index in indices if index // PER_FOLDER == number}

    def __iter__(self) -> Iterator[int]:
        """Indices of all files, in order."""
        for number in self.folders():
            yield from sorted(self.folder(number))


def names_in(folder: Place) -> list[str]:
    """Of what lies in ``folder``; none if there is no such folder."""
    if isinstance(folder, RemotePath):
        return folder.names()
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as e:
        raise DatasetError(f"Cannot list {folder}: {e.strerror}. Check the disk and its permissions.") from e

"""Open clips of several collections: opened in the process that reads, few at a time."""

import os
from collections import OrderedDict

from mannequin.generator.dataset.collection import Collection, open_collection
from mannequin.generator.dataset.source import ClipSource

KEPT = 128
"""Clips a process holds open; each takes a file descriptor and, when many of its frames were read, up to three
megabytes."""


class Readers:
    """Clips by (number of the path, key). What is open stays in its process: HDF5 handles survive neither fork nor
    pickling."""

    def __init__(self, paths: tuple[str, ...], kept: int = KEPT):
        self.paths, self.kept = paths, kept
        self._forget()

    def collection(self, number: int) -> Collection:
        """The collection at path ``number``, listed once in each process."""
        self._check_process()
        if number not in self._collections:
            self._collections[number] = open_collection(self.paths[number])
        return self._collections[number]

    def clip(self, number: int, key: str) -> ClipSource:
        """A reader of clip ``key`` of path ``number``; the one unused for longest is closed for it."""
        self._check_process()
        if (number, key) not in self._clips:
            while len(self._clips) >= self.kept:
                self._clips.popitem(last=False)[1].close()
            self._clips[number, key] = self.collection(number).open(key)
        self._clips.move_to_end((number, key))
        return self._clips[number, key]

    def prefix(self, number: int) -> tuple[str, ...]:
        """What goes before the names of clips of path ``number``: nothing, or if there are several paths, the last part
        of it."""
        return () if len(self.paths) == 1 else (self.paths[number].rstrip("/").rsplit("/", 1)[-1],)

    def close(self) -> None:
        """Closes all clips; they open again when asked for."""
        self._check_process()
        for clip in self._clips.values():
            clip.close()
        self._clips.clear()

    def _check_process(self) -> None:
        if self._process != os.getpid():
            self._forget()

    def _forget(self) -> None:
        self._process, self._collections, self._clips = os.getpid(), {}, OrderedDict()

    def __getstate__(self):
        return {"paths": self.paths, "kept": self.kept}

    def __setstate__(self, state):
        self.__init__(**state)

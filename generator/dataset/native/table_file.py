"""Clip files read through their table (see :mod:`mannequin.generator.dataset.native.table`).

The same questions as :class:`mannequin.generator.io.hdf5.Hdf5File` answers, without HDF5: a dataset's bytes are taken
from where the table says, compared with their checksum, and unpacked here. Nothing is followed, so nothing leads out
of the file; nothing is unpacked beyond what its shape allows.
"""

import io
import itertools
import math
import os
import stat
import zlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mannequin.generator.dataset.native.table import FILTERS, ReadAt, Table, find_table
from mannequin.generator.errors import DatasetError
from mannequin.generator.io import limits
from mannequin.generator.io.hdf5 import CACHE_BYTES, MAX_RATIO

TAIL = 3 << 16
"""Bytes read at once from the end: the table and the small arrays of an ordinary clip."""

MOST_AXES = 8
"""Of an array; the format has three."""

_TYPES = {np.dtype(name).str for name in ("bool", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")}


class _OnDisk:
    """An open file."""

    def __init__(self, handle: int):
        self._handle: int | None = handle

    def read_at(self, offset: int, size: int) -> bytes:
        return os.pread(self._open(), size, offset)

    def stream(self) -> BinaryIO:
        return os.fdopen(os.dup(self._open()), "rb")

    def close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def _open(self) -> int:
        if self._handle is None:  # its number may be another file's by now
            raise ValueError("the file is closed")
        return self._handle


class _InMemory:
    """A file's content."""

    def __init__(self, data: bytes):
        self._data = memoryview(data)

    def read_at(self, offset: int, size: int) -> memoryview:
        return self._data[offset : offset + size]

    def stream(self) -> BinaryIO:
        return io.BytesIO(self._data)

    def close(self) -> None:
        self._data = memoryview(b"")


class TableFile:
    """An open clip file that has a table."""

    def __init__(self, table: Table, store: _OnDisk | _InMemory, tail: bytes | memoryview, start: int):
        """tail: the end of the file, from byte ``start`` on."""
        self.table, self._store, self._tail, self._start = table, store, tail, start
        self._arrays: dict[str, TableArray] = {}
        self._closed = False

    def read_at(self, offset: int, size: int) -> bytes | memoryview:
        """Those bytes of the file; fewer at its end."""
        at = offset - self._start
        return self._tail[at : at + size] if at >= 0 else self._store.read_at(offset, size)

    def stream(self) -> BinaryIO:
        """The same file, even where its name has gone to another since, to be read in another way."""
        return self._store.stream()

    def close(self) -> None:
        """Frees the file; no array can be read after it."""
        self._closed = True
        self._arrays.clear()
        self._store.close()

    def __contains__(self, path: str) -> bool:
        return path in self.table.arrays or path in self.table.groups

    def attributes(self, path: str) -> dict:
        """Of a group; "" for the file."""
        found = self.table.groups[path]
        if not isinstance(found, dict):
            raise DatasetError(f"/{path} has attributes of another kind")
        return found

    def array(self, path: str) -> "TableArray":
        """The dataset at ``path``, checked and kept."""
        if self._closed:
            raise ValueError("the file is closed")
        if path not in self._arrays:
            if path not in self.table.arrays:
                raise DatasetError(f"/{path} is {'not a dataset' if path in self else 'not there'}")
            self._arrays[path] = TableArray(path, self.table, self.read_at)
        return self._arrays[path]

    def read(self, path: str) -> np.ndarray:
        """All of a dataset that was found fit, of which nothing is kept."""
        values = self.array(path).read()
        del self._arrays[path]
        return values


class TableArray:
    """One dataset. Raises DatasetError where the table tells what no writer leaves."""

    def __init__(self, path: str, table: Table, read_at: ReadAt):
        self.path, self._read_at = path, read_at
        told = table.arrays[path]
        try:
            self.shape, self._chunk = tuple(told["shape"]), tuple(told["chunk"])
            self._filters, first, name = tuple(told["filters"]), told["first"], told["dtype"]
            lengths = (*self.shape, *self._chunk, first)
            sound = all(type(n) is int and n >= 0 for n in lengths) and name in _TYPES
            sound &= len(set(self._filters)) == len(self._filters) and set(FILTERS.values()).issuperset(self._filters)
        except (KeyError, TypeError) as e:
            raise DatasetError(f"/{path} is told of as {told!r:.200}") from e
        if not (sound and 1 <= len(self.shape) == len(self._chunk) <= MOST_AXES):
            raise DatasetError(f"/{path} is told of as {told!r:.200}")
        self.dtype = np.dtype(name)
        self.nbytes = math.prod(self.shape) * self.dtype.itemsize
        self._check_storage(table, first)
        self._kept: dict[int, np.ndarray] = {}

    def _check_storage(self, table: Table, first: int) -> None:
        """There are as many chunks as the shape asks for, and no fewer bytes than their content can be packed into."""
        path, shape, chunk = self.path, self.shape, self._chunk
        if any(c > s or (c == 0) != (s == 0) for c, s in zip(chunk, shape)) or self._chunk_bytes > limits.CHUNK_BYTES:
            raise DatasetError(
                f"/{path} of {shape} has chunks of {chunk}; at most its own shape, and {limits.CHUNK_BYTES} bytes, "
                "are read"
            )
        self._grid = tuple(-(-s // c) if c else 0 for s, c in zip(shape, chunk))
        count = math.prod(self._grid)
        if first + count > len(table.chunks):
            raise DatasetError(f"/{path} has {count} chunks from number {first}; {len(table.chunks)} are told of")
        self._places, self._first = table.chunks, first
        stored = int(table.stored[first + count] - table.stored[first])
        if stored > table.size or self.nbytes > stored * MAX_RATIO:
            raise DatasetError(f"/{path} claims {self.nbytes} bytes but stores {stored}")

    def read(self, start: int | None = None, stop: int | None = None) -> np.ndarray:
        """All of it, or entries ``start`` to ``stop`` along the last axis."""
        low = [0] * len(self.shape)
        high = list(self.shape)
        if start is not None and stop is not None:
            low[-1], high[-1] = start, stop
        out = np.empty([b - a for a, b in zip(low, high)], self.dtype)
        if not out.size:
            return out
        for number, corner in self._touched(low[-1], high[-1]):
            into, of = [], []
            for at, length, a, b in zip(corner, self._chunk, low, high):
                first, last = max(at, a), min(at + length, b)
                into.append(slice(first - a, last - a))
                of.append(slice(first - at, last - at))
            out[tuple(into)] = self._values(number)[tuple(of)]
        return out

    def _touched(self, start: int, stop: int) -> Iterator[tuple[int, list[int]]]:
        """(number, first entry along each axis) of the chunks that hold entries ``start`` to ``stop`` of the last
        axis."""
        *rows, width = self._grid
        length = self._chunk[-1]
        columns = range(start // length, (stop - 1) // length + 1)
        for row, lead in enumerate(itertools.product(*(range(n) for n in rows))):
            for column in columns:
                yield row * width + column, [k * c for k, c in zip((*lead, column), self._chunk)]

    def _values(self, number: int) -> np.ndarray:
        """Chunk ``number``; those used last are kept."""
        if number not in self._kept:
            if (len(self._kept) + 1) * self._chunk_bytes > CACHE_BYTES:
                self._kept.clear()
            self._kept[number] = self._load(number)
        return self._kept[number]

    @cached_property
    def _chunk_bytes(self) -> int:
        return math.prod(self._chunk) * self.dtype.itemsize

    def _load(self, number: int) -> np.ndarray:
        offset, size, crc, unfiltered = self._places[self._first + number].item()
        data = self._read_at(offset, size)
        if len(data) != size or zlib.crc32(data) != crc:
            raise DatasetError(f"/{self.path} does not match its checksum")
        applied = [name for bit, name in enumerate(self._filters) if not unfiltered >> bit & 1]
        for name in reversed(applied):
            if name == "fletcher32":
                data = data[:-4]  # its bytes were compared with the CRC-32
            elif name == "deflate":
                data = self._inflated(data)
            else:
                data = np.ascontiguousarray(np.frombuffer(data, np.uint8).reshape(self.dtype.itemsize, -1).T)
        values = np.frombuffer(data, self.dtype)
        if values.nbytes != self._chunk_bytes:
            raise DatasetError(f"/{self.path} has a chunk of {values.nbytes} bytes; expected {self._chunk_bytes}")
        return values.reshape(self._chunk)

    def _inflated(self, data) -> bytes:
        """Never more than a chunk has."""
        inflate = zlib.decompressobj()
        try:
            unpacked = inflate.decompress(data, self._chunk_bytes)
            more = not inflate.eof and inflate.decompress(inflate.unconsumed_tail, 1)
        except zlib.error as e:
            raise DatasetError(f"/{self.path} is not deflated ({e})") from e
        if more:
            raise DatasetError(f"/{self.path} has a chunk of more than {self._chunk_bytes} bytes")
        return unpacked


def open_table_file(path: Path) -> TableFile | None:
    """The file, if it has a table; None for another, or what cannot be opened. Raises DatasetError for a damaged
    table."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe would wait for its other end
    except (OSError, ValueError):
        return None
    found, store = None, _OnDisk(handle)
    try:
        about = os.fstat(handle)
        if stat.S_ISREG(about.st_mode):
            found = _opened(about.st_size, store)
    finally:
        if found is None:
            store.close()
    return found


def open_table_bytes(data: bytes) -> TableFile | None:
    """The same of a file's content."""
    return _opened(len(data), _InMemory(data))


def _opened(size: int, store: _OnDisk | _InMemory) -> TableFile | None:
    start = max(0, size - TAIL)
    tail = store.read_at(start, size - start)
    table = find_table(size, tail, store.read_at)
    return None if table is None else TableFile(table, store, tail, start)

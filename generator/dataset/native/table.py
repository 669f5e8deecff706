"""The table behind the HDF5 file of a clip: where every dataset's bytes lie, found with one read from the end.

HDF5 itself takes some hundred microseconds for each small dataset; with the table a reader goes straight to the bytes.
The file without the table is a plain HDF5 file of the same content. A program that opens it for writing cuts the
table off, because HDF5 ends the file where its own bytes end: a table never outlives what it tells of.

    <HDF5 file> <JSON> <chunks: CHUNK each> <foot: FOOT>
"""

import json
import struct
import zlib
from collections.abc import Callable
from typing import NamedTuple

import h5py
import numpy as np

from mannequin.generator.dataset.native.layout import plain
from mannequin.generator.dataset.native.outline import Outline
from mannequin.generator.errors import DatasetError
from mannequin.generator.io import limits
from mannequin.generator.records import to_plain

MARK = b"clip-table-2"
FOOT = struct.Struct("<QIII12s")
"""Bytes of the HDF5 file, bytes of the JSON, number of chunks, CRC-32 of the JSON, the chunks and these three numbers,
MARK."""

CHUNK = np.dtype([("offset", "<u8"), ("size", "<u4"), ("crc", "<u4"), ("unfiltered", "<u4")])
"""Where the stored bytes of a chunk lie in the file, their CRC-32, and a bit for each filter, in the order of the
dataset's, that was not applied to it."""

FILTERS = {
    h5py.h5z.FILTER_SHUFFLE: "shuffle",
    h5py.h5z.FILTER_DEFLATE: "deflate",
    h5py.h5z.FILTER_FLETCHER32: "fletcher32",
}
"""Names in the table, by HDF5's numbers."""

ReadAt = Callable[[int, int], bytes | memoryview]
"""(offset, size) → those bytes of the file; fewer at its end."""


class Table(NamedTuple):
    """outline: what to know of the description. groups: path → attributes; "" is the file. arrays: path → dtype, shape,
    chunk (its shape), filters, and first, the number of its first chunk; its others follow in C order.

    chunks: (n,) CHUNK. stored: (n + 1,) int64, bytes that the chunks before each take together.
    size: bytes of the HDF5 file. All is as the file has it, unchecked.
    """

    outline: dict
    groups: dict
    arrays: dict
    chunks: np.ndarray
    stored: np.ndarray
    size: int


def table_bytes(file: h5py.File, outline: Outline, size: int, read_at: ReadAt) -> bytes:
    """The table of an open HDF5 file of ``size`` bytes that ``outline`` tells of: a function of the file alone."""
    groups: dict[str, dict] = {"": _attributes(file)}
    arrays: dict[str, dict] = {}
    chunks: list[np.ndarray] = []

    def add(path: str, item) -> None:
        if isinstance(item, h5py.Dataset):
            first = sum(map(len, chunks))
            found = _chunks(item, read_at)
            chunks.append(found)
            arrays[path] = _array(item, first)
        else:
            groups[path] = _attributes(item)

    file.visititems(add)
    told = {"outline": to_plain(outline), "groups": groups, "arrays": arrays}
    text = json.dumps(told, separators=(",", ":")).encode()
    places = np.concatenate(chunks) if chunks else np.zeros(0, CHUNK)
    body = text + places.tobytes()
    return body + _foot(body, size, len(text), len(places))


def find_table(size: int, tail: bytes | memoryview, read_at: ReadAt) -> Table | None:
    """The table of a file of ``size`` bytes that ends in ``tail``; None if it has none. Raises DatasetError for one
    that is damaged."""
    if len(tail) < FOOT.size or bytes(tail[-len(MARK) :]) != MARK:
        return None
    inner, length, count, _, _ = FOOT.unpack_from(tail, len(tail) - FOOT.size)
    whole = length + count * CHUNK.itemsize + FOOT.size
    if inner + whole != size or whole > limits.JSON_BYTES:
        raise DatasetError(f"the table at its end tells of {inner + whole} bytes, of which {whole} are its own")
    data = tail[-whole:] if whole <= len(tail) else read_at(inner, whole)
    body = data[: -FOOT.size]
    if bytes(data[-FOOT.size :]) != _foot(body, inner, length, count):
        raise DatasetError("the table at its end does not match its checksum")
    try:
        told = json.loads(bytes(body[:length]))
        outline, groups, arrays = told["outline"], told["groups"], told["arrays"]
    except (ValueError, KeyError, TypeError, RecursionError) as e:
        raise DatasetError(f"the table at its end holds something else than it should ({e})") from e
    if not all(isinstance(part, dict) for part in (outline, groups, arrays)):
        raise DatasetError("the table at its end holds something else than it should")
    chunks = np.frombuffer(body, CHUNK, count, length)
    stored = np.concatenate([[0], np.cumsum(chunks["size"], dtype=np.int64)])
    return Table(outline, groups, arrays, chunks, stored, inner)


def _foot(body: bytes | memoryview, size: int, length: int, count: int) -> bytes:
    numbers = struct.pack("<QII", size, length, count)
    return FOOT.pack(size, length, count, zlib.crc32(numbers, zlib.crc32(body)), MARK)


def _attributes(item) -> dict:
    return {name: plain(value) for name, value in item.attrs.items()}


def _array(item: h5py.Dataset, first: int) -> dict:
    made = item.id.get_create_plist()
    filters = [FILTERS[made.get_filter(i)[0]] for i in range(made.get_nfilters())]
    return {
        "dtype": item.dtype.str,
        "shape": list(item.shape),
        "chunk": list(item.chunks or item.shape),
        "filters": filters,
        "first": first,
    }


def _chunks(item: h5py.Dataset, read_at: ReadAt) -> np.ndarray:
    """(n,) CHUNK of a dataset, in C order of its chunks."""
    found = []
    if item.chunks:
        item.id.chunk_iter(found.append)
    found.sort(key=lambda chunk: chunk.chunk_offset)
    return np.array(
        [(c.byte_offset, c.size, zlib.crc32(read_at(c.byte_offset, c.size)), c.filter_mask) for c in found], CHUNK
    )

"""The variables of a MATLAB 5 file, one at a time.

``scipy.io.loadmat`` with ``variable_names`` decompresses all that stands before what was asked for
(53 ms for the hundredth depth image of a clip, 1 ms for the first). Here the file is walked once by the
sizes of its elements, of which only the names are decompressed (3 ms), and one element at a time is given to scipy.
"""

import io
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from mannequin.generator.errors import DatasetError
from mannequin.generator.io import limits

_HEADER, _TAG = 128, 8
_COMPRESSED, _MATRIX = 15, 14
_NAME_BYTES = 512  # tag, flags, dimensions and name of a matrix come first
_CELL, _CHAR, _NUMBERS = 1, 4, range(6, 16)  # classes of matrices


class MatFile:
    """Names and places of the variables of ``path``. expected: what the file should be, for messages."""

    def __init__(self, path: Path, expected: str):
        self.path, self._expected = path, expected
        try:
            with open(path, "rb") as stream:
                self._start = stream.read(_HEADER)
                self._order = self._byte_order()
                self._places = dict(self._walk(stream, path.stat().st_size))
        except OSError as e:
            raise DatasetError(f"Cannot read {path} ({e.strerror}). Expected {expected}; check the path.") from e
        except (ValueError, struct.error, zlib.error) as e:
            raise self.damaged(str(e)) from e

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def __iter__(self):
        return iter(self._places)

    def read(self, name: str) -> np.ndarray:
        """The value of a variable as scipy gives it, with at least two axes."""
        if name not in self._places:
            raise self.damaged(f"it has no variable {name}")
        start, size, packed = self._places[name]
        try:
            with open(self.path, "rb") as stream:
                stream.seek(start)
                element = stream.read(size)
            if packed:
                element = _unpack(element)
            else:
                element = struct.pack(f"{self._order}II", _MATRIX, size) + element
            self._check(name, memoryview(element)[_TAG:])
            return loadmat(io.BytesIO(self._start + element))[name]
        except Exception as e:  # scipy has no base class for what it says of a bad file
            raise self.damaged(f"{name} cannot be read ({type(e).__name__}: {e})") from e

    def damaged(self, what: str) -> DatasetError:
        return DatasetError(
            f"{self.path} is damaged: {what}. Expected {self._expected}; copy the file again, or leave the clip out."
        )

    def _byte_order(self) -> str:
        if self._start[:8] == b"\x89HDF\r\n\x1a\n" or self._start[:10] == b"MATLAB 7.3":
            raise ValueError("it is a MATLAB 7.3 file; save it with -v7")
        order = {b"IM": "<", b"MI": ">"}.get(self._start[126:128])
        if order is None:
            raise ValueError("it is no MATLAB 5 file")
        return order

    def _walk(self, stream, end: int):
        """Yields (name, (start, size, whether it is compressed)) of each variable."""
        at = _HEADER
        while at < end:
            stream.seek(at)
            kind, size = struct.unpack(f"{self._order}II", stream.read(_TAG))
            at += _TAG
            if at + size > end:
                raise ValueError(f"it ends within a variable, at byte {end} of {at + size}")
            if kind not in (_COMPRESSED, _MATRIX):
                raise ValueError(f"an element of kind {kind} stands at byte {at - _TAG}")
            head = stream.read(min(size, _NAME_BYTES))
            if kind == _COMPRESSED:
                head = zlib.decompressobj().decompress(head, _NAME_BYTES)[_TAG:]
            yield self._name(head), (at, size, kind == _COMPRESSED)
            at += size

    def _name(self, head: bytes) -> str:
        """The third sub-element of a matrix, after its flags and dimensions."""
        start, size, _ = self._parts(head, 3)[-1]
        if start + size > len(head):
            raise ValueError("a variable has no name")
        return head[start : start + size].decode("ascii")

    def _parts(self, matrix: bytes | memoryview, count: int) -> list[tuple[int, int, int]]:
        """(first byte, bytes, where the next one begins) of the first ``count`` sub-elements of a matrix."""
        found, at = [], 0
        for _ in range(count):
            kind, size = struct.unpack_from(f"{self._order}II", matrix, at)
            if kind >> 16:  # up to four bytes stand within the tag
                found.append((at + 4, kind >> 16, at + _TAG))
            else:
                found.append((at + _TAG, size, at + _TAG + -(-size // 8) * 8))
            at = found[-1][2]
        return found

    def _check(self, name: str, matrix: memoryview) -> None:
        """Raises ValueError for a variable that is no array of numbers, no text and no cells of these, or takes more
        memory than it may; scipy follows cells within cells until the stack ends."""
        kind, entries = self._about(matrix)
        if kind in _NUMBERS:
            asked, room = entries * limits.MATLAB_COST, limits.room(self.path.stat().st_size)
            if asked > room:
                raise ValueError(f"its {entries} numbers take {asked} bytes of memory; at most {room} are read")
            return
        if kind not in (_CELL, _CHAR) or len(matrix) > limits.MATLAB_TEXT_BYTES:
            raise ValueError(
                f"it is of class {kind} and {len(matrix)} bytes; numbers are read, and text and cells of up to "
                f"{limits.MATLAB_TEXT_BYTES} bytes"
            )
        if kind == _CELL:
            at = self._parts(matrix, 3)[-1][2]
            for _ in range(entries):
                inner_kind, inner = struct.unpack_from(f"{self._order}II", matrix, at)
                if inner_kind != _MATRIX or (inner and self._about(matrix[at + _TAG :])[0] not in (_CHAR, *_NUMBERS)):
                    raise ValueError("it holds cells of something else than texts and numbers")
                at += _TAG + inner

    def _about(self, matrix: memoryview) -> tuple[int, int]:
        """(class, number of entries) of a matrix."""
        (flags, _, _), (start, size, _) = self._parts(matrix, 2)
        if size > 4 * 32:
            raise ValueError(f"it has {size // 4} axes")
        dimensions = struct.unpack_from(f"{self._order}{size // 4}i", matrix, start)
        return struct.unpack_from(f"{self._order}I", matrix, flags)[0] & 0xFF, math.prod(map(abs, dimensions))


def _unpack(element: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(element, limits.MATLAB_BYTES)
    if unpacker.unconsumed_tail:
        raise ValueError(f"it takes more than {limits.MATLAB_BYTES} bytes")
    if not unpacker.eof:
        raise ValueError("its compressed data end too early")
    return content

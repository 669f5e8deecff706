"""Arrays of numbers out of .npz files, without running anything in them or being flooded by them."""

import math
import os
import warnings
import zipfile
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from mannequin.generator.errors import AssetError, UnsafeFileError
from mannequin.generator.io import limits


class NpzFile:
    """The arrays of one file. Only its table of contents is read until an array is asked for."""

    def __init__(self, path):
        self.path = Path(path)
        with open_npz(self.path) as archive:
            self.keys = tuple(n.removesuffix(".npy") for n in archive.namelist() if n.endswith(".npy"))

    def shape(self, key: str) -> tuple[int, ...]:
        """Shape of an array, from its header."""
        with open_npz(self.path) as archive, self._member(archive, key) as stream:
            return self._header(archive, stream, key)[0]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of all sound arrays, in one pass: opening an archive of thousands takes as long as reading it."""
        found = {}
        with open_npz(self.path) as archive:
            for key in self.keys:
                with suppress(Exception), self._member(archive, key) as stream:
                    found[key] = self._header(archive, stream, key)[0]
        return found

    def array(self, key: str) -> np.ndarray:
        """One array of numbers or text. Raises UnsafeFileError for Python objects."""
        with open_npz(self.path) as archive, self._member(archive, key) as stream:
            shape, by_columns, dtype = self._header(archive, stream, key)
            count = math.prod(shape)
            try:
                data = stream.read(count * dtype.itemsize)
                return np.frombuffer(data, dtype, count).reshape(shape, order="F" if by_columns else "C")
            except Exception as e:  # zip, zlib or numpy, each with errors of its own
                raise AssetError(f"{key!r} in {self.path} is damaged ({e}). Copy or download the file again.") from e

    def _member(self, archive, key: str):
        try:
            return archive.open(f"{key}.npy")
        except KeyError:
            raise AssetError(
                f"{self.path} has no {key!r}. It has: {', '.join(sorted(self.keys)[:20]) or 'nothing'}."
            ) from None

    def _header(self, archive, stream, key: str):
        """(shape, order, dtype), checked against the size in the table of contents."""
        try:
            shape, by_columns, dtype = read_header(stream)
        except ValueError as e:
            raise AssetError(f"{key!r} in {self.path} is {e}. Copy or download the file again.") from e
        if dtype.hasobject:
            raise UnsafeFileError(
                f"{key!r} in {self.path} is an array of Python objects, which could run code. Expected "
                "numbers; nothing was run."
            )
        size = math.prod(shape) * dtype.itemsize
        advice = "Cut the recording, or leave the file out."
        asked, stored = size * limits.ARRAY_COST, os.stat(self.path).st_size
        limits.check_room(str(self.path), f"{key!r} of shape {shape}", asked, stored, AssetError, advice)
        if size > limits.ARRAY_BYTES or size > archive.getinfo(f"{key}.npy").file_size:
            raise AssetError(
                f"{key!r} in {self.path} says it has shape {shape}, {size} bytes. Expected at most "
                f"{limits.ARRAY_BYTES >> 30} GiB and no more than the file holds."
            )
        return shape, by_columns, dtype


@contextmanager
def open_npz(path: Path | str):
    """The zip archive at ``path``; what zip, zlib and numpy say of a damaged one becomes an AssetError."""
    try:
        with open(path, "rb") as stream:
            _check_directory(stream)
            with zipfile.ZipFile(stream) as archive:
                yield archive
    except AssetError:
        raise
    except Exception as e:  # a damaged archive fails in zip, zlib or numpy, each with errors of its own
        raise AssetError(
            f"{path} cannot be read as an .npz file ({type(e).__name__}: {e}). Copy or download it again."
        ) from e


def _check_directory(stream) -> None:
    """Refuses a table of contents that is larger than that of any real file."""
    # Private, hence unknown to type checkers; the public way reads the whole table of contents first.
    end = zipfile._EndRecData(stream)  # pyright: ignore[reportAttributeAccessIssue]
    size = end[zipfile._ECD_SIZE] if end else 0  # pyright: ignore[reportAttributeAccessIssue]
    if not 0 <= size <= min(limits.ZIP_DIRECTORY_BYTES, os.fstat(stream.fileno()).st_size):
        raise zipfile.BadZipFile(f"a table of contents of {size} bytes")
    stream.seek(0)


def read_header(stream) -> tuple[tuple[int, ...], bool, np.dtype]:
    """(shape, by columns, dtype) of the .npy array that ``stream`` begins with. Raises ValueError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # headers written by Python 2 are fine
            version = np.lib.format.read_magic(stream)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, by_columns, dtype = read(stream)
    except Exception as e:  # the header is parsed as Python, which fails in many ways
        raise ValueError(f"not a numpy array: {e}") from e
    if not all(type(n) is int and 0 <= n < 2**62 for n in shape):
        raise ValueError(f"an array of shape {shape}")
    return shape, by_columns, dtype

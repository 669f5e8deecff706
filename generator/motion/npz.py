"""Arrays of numbers out of .npz files, without running anything in them or being flooded by them."""

import math
import warnings
import zipfile
from pathlib import Path

import numpy as np

from generator.errors import AssetError, UnsafeFileError

MAX_BYTES = 2 << 30
"""Largest array that is unpacked; an hour of AMASS at 120 Hz has 0.5 GiB."""

MAX_MEMBERS = 200_000


class NpzFile:
    """The arrays of one file. Only its table of contents is read until an array is asked for."""

    def __init__(self, path):
        self.path = Path(path)
        with self._open() as archive:
            infos = archive.infolist()
            if len(infos) > MAX_MEMBERS:
                raise AssetError(f"{self.path} holds {len(infos)} arrays. Expected at most {MAX_MEMBERS}; check that it is a motion file.")
            self.keys = tuple(i.filename.removesuffix(".npy") for i in infos if i.filename.endswith(".npy"))

    def shape(self, key: str) -> tuple[int, ...]:
        """Shape of an array, from its header."""
        with self._open() as archive, self._member(archive, key) as stream:
            return self._header(archive, stream, key)[0]

    def array(self, key: str) -> np.ndarray:
        """One array of numbers or text. Raises UnsafeFileError for Python objects."""
        with self._open() as archive, self._member(archive, key) as stream:
            shape, by_columns, dtype = self._header(archive, stream, key)
            count = math.prod(shape)
            try:
                data = stream.read(count * dtype.itemsize)
                flat = np.frombuffer(data, dtype, count)
            except (ValueError, EOFError, zipfile.BadZipFile, RuntimeError, OSError) as e:
                raise AssetError(f"{key!r} in {self.path} is damaged ({e}). Copy or download the file again.") from e
            return flat.reshape(shape, order="F" if by_columns else "C")

    def _open(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self.path)
        except (OSError, zipfile.BadZipFile) as e:
            raise AssetError(f"Cannot read {self.path} ({e}). Expected an .npz file; copy or download it again.") from e

    def _member(self, archive: zipfile.ZipFile, key: str):
        try:
            return archive.open(f"{key}.npy")
        except KeyError:
            raise AssetError(f"{self.path} has no {key!r}. It has: {', '.join(sorted(self.keys)[:20]) or 'nothing'}.") from None
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as e:
            raise AssetError(f"{key!r} in {self.path} is damaged ({e}). Copy or download the file again.") from e

    def _header(self, archive: zipfile.ZipFile, stream, key: str):
        """(shape, order, dtype), checked against the size in the table of contents."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # headers written by Python 2 are fine
                version = np.lib.format.read_magic(stream)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, by_columns, dtype = read(stream)
        except (ValueError, EOFError, zipfile.BadZipFile, zipfile.zlib.error) as e:
            raise AssetError(f"{key!r} in {self.path} is not a numpy array ({e}). Copy or download the file again.") from e
        if dtype.hasobject:
            raise UnsafeFileError(f"{key!r} in {self.path} is an array of Python objects, which could run code. Expected numbers; nothing was run.")
        size = math.prod(shape) * dtype.itemsize
        if size > MAX_BYTES or size > archive.getinfo(f"{key}.npy").file_size:
            raise AssetError(f"{key!r} in {self.path} says it has shape {shape}, {size} bytes. Expected at most {MAX_BYTES >> 30} GiB and no more than the file holds.")
        return shape, by_columns, dtype

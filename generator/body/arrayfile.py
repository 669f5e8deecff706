"""Reads the arrays of a model file, .npz or .pkl, without running anything in it."""

import math
import os
import warnings
import zipfile
from pathlib import Path

import numpy as np

from generator.body.unpickle import MAX_ENTRIES, Record, array_from, as_array, load_pickle
from generator.errors import AssetError

MAX_FILE = 4 << 30
"""Bytes; the largest official model has half a gigabyte."""


def read_arrays(path: Path, wanted) -> dict[str, np.ndarray]:
    """Those of the ``wanted`` arrays that the file has; sparse matrices come as scipy CSR.

    Raises UnsafeFileError where the file asks to run code, AssetError where it cannot be read.
    """
    try:
        with open(path, "rb") as stream:
            size, zipped = os.fstat(stream.fileno()).st_size, stream.read(2) == b"PK"
    except OSError as e:
        raise AssetError(f"{path} cannot be opened ({e.strerror}). Check the path and its permissions.") from e
    if size > MAX_FILE:
        raise AssetError(f"{path} is larger than {MAX_FILE >> 30} GiB; no body model is. Check that the path names the model file.")
    return (_read_npz if zipped else _read_pickle)(path, wanted)


def _read_pickle(path, wanted):
    with open(path, "rb") as stream:
        data = load_pickle(stream, os.path.getsize(path), str(path))
    if not isinstance(data, dict):
        raise AssetError(f"{path} holds a {type(data).__name__}; expected the dictionary that a body model is pickled as.")
    return {key: as_array(data[key], f"{key!r} in {path}") for key in wanted if data.get(key) is not None}


def _read_npz(path, wanted):
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            return {key: _read_member(archive, members[key], f"{key!r} in {path}") for key in wanted if key in members}
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as e:
        raise AssetError(f"{path} is a damaged .npz file ({e}). Copy or download it again.") from e


def _read_member(archive, info: zipfile.ZipInfo, where: str):
    """One array; what it states of itself is checked before memory is taken for it."""
    with archive.open(info) as stream:
        shape, by_columns, dtype = _read_header(stream, where)
        count = math.prod(shape)
        if count > MAX_ENTRIES or dtype.itemsize > 1024 or info.file_size > MAX_ENTRIES * 16:
            raise AssetError(f"{where} would unpack to {info.file_size} bytes of shape {shape}, beyond any body model. Get the file from its official site.")
        if dtype.hasobject:
            return _read_object(stream, info, shape, where)
        data = stream.read(count * dtype.itemsize)
    try:
        return array_from(shape, dtype, by_columns, data)
    except ValueError as e:
        raise AssetError(f"{where} is truncated or damaged ({e}). Copy or download the file again.") from e


def _read_header(stream, where):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # headers written by Python 2 are fine
            version = np.lib.format.read_magic(stream)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            return read(stream)
    except (ValueError, EOFError) as e:
        raise AssetError(f"{where} is not a numpy array ({e}). Copy or download the file again.") from e


def _read_object(stream, info, shape, where):
    """An array of Python objects is a pickle, and read as warily as one."""
    data = load_pickle(stream, info.file_size, where)
    if isinstance(data, Record) and shape == ():
        return as_array(data, where)
    raise AssetError(f"{where} is an array of Python objects; expected numbers. Get the file from its official site.")

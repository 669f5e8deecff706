"""Reads the arrays of a model file, .npz or .pkl, without running anything in it."""

import math
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from mannequin.generator.errors import AssetError
from mannequin.generator.io import limits
from mannequin.generator.io.npz import open_npz, read_header
from mannequin.generator.io.unpickle import Record, array_from, as_array, load_pickle


def read_arrays(path: Path, wanted: Iterable[str]) -> dict[str, np.ndarray | sp.csr_matrix]:
    """Those of the ``wanted`` arrays that the file has; sparse matrices come as scipy CSR.

    Raises UnsafeFileError where the file asks to run code, AssetError where it cannot be read.
    """
    try:
        if not path.is_file():
            raise AssetError(f"{path} is no regular file. Expected a body model file; check the path.")
        with open(path, "rb") as stream:
            size, zipped = os.fstat(stream.fileno()).st_size, stream.read(2) == b"PK"
    except OSError as e:
        raise AssetError(f"{path} cannot be opened ({e.strerror}). Check the path and its permissions.") from e
    if size > limits.BODY_BYTES:
        raise AssetError(
            f"{path} is larger than {limits.BODY_BYTES >> 30} GiB; no body model is. Check that the path "
            "names the model file."
        )
    return (_read_npz if zipped else _read_pickle)(path, wanted)


def _read_pickle(path: Path, wanted: Iterable[str]) -> dict[str, np.ndarray | sp.csr_matrix]:
    with open(path, "rb") as stream:
        data = load_pickle(stream, os.path.getsize(path), str(path))
    if not isinstance(data, dict):
        raise AssetError(
            f"{path} holds a {type(data).__name__}; expected the dictionary that a body model is pickled as."
        )
    return {key: as_array(data[key], f"{key!r} in {path}") for key in wanted if data.get(key) is not None}


def _read_npz(path: Path, wanted: Iterable[str]) -> dict[str, np.ndarray | sp.csr_matrix]:
    with open_npz(path) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        asked = sum(members[key].file_size for key in wanted if key in members) * limits.BODY_COST
        advice = "Get the file from its official site."
        limits.check_room(str(path), "its arrays", asked, os.path.getsize(path), AssetError, advice)
        return {key: _read_member(archive, members[key], f"{key!r} in {path}") for key in wanted if key in members}


def _read_member(archive, info, where: str) -> np.ndarray | sp.csr_matrix:
    """One array; what it states of itself is checked before memory is taken for it."""
    with archive.open(info) as stream:
        shape, by_columns, dtype = _header(stream, where)
        count = math.prod(shape)
        if count > limits.BODY_ENTRIES or dtype.itemsize > 1024 or info.file_size > limits.BODY_ENTRIES * 16:
            raise AssetError(
                f"{where} would unpack to {info.file_size} bytes of shape {shape}, beyond any body model. Get "
                "the file from its official site."
            )
        if dtype.hasobject:
            return _read_object(stream, info, shape, where)
        data = stream.read(count * dtype.itemsize)
    try:
        return array_from(shape, dtype, by_columns, data)
    except (ValueError, OverflowError) as e:
        raise AssetError(f"{where} is truncated or damaged ({e}). Copy or download the file again.") from e


def _header(stream, where):
    try:
        return read_header(stream)
    except ValueError as e:
        raise AssetError(f"{where} is {e}. Copy or download the file again.") from e


def _read_object(stream, info, shape, where):
    """An array of Python objects is a pickle, and read as warily as one."""
    data = load_pickle(stream, info.file_size, where)
    if isinstance(data, Record) and shape == ():
        return as_array(data, where)
    raise AssetError(f"{where} is an array of Python objects; expected numbers. Get the file from its official site.")

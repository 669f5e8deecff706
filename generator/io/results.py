"""Reads what programs save of people in videos: pickles of joblib and of plain Python, and PyTorch's zips.

As with body models nothing that a file names is imported or run, see ``unpickle.py``. Such files are mostly meshes and
images: arrays are kept only under keys that are asked for, and passed over elsewhere.
"""

import io
import math
import os
import pickle
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from mannequin.generator.errors import AssetError
from mannequin.generator.io import limits
from mannequin.generator.io.npz import open_npz, read_header
from mannequin.generator.io.unpickle import (
    ALLOWED,
    Bounded,
    Name,
    Reader,
    Record,
    array_from,
    as_array,
    dtype_of,
    loaded,
)

_WRAPPER = {(f"{package}joblib.numpy_pickle", "NumpyArrayWrapper") for package in ("", "sklearn.externals.")}
_PLAIN = {("builtins", "dict"), ("__builtin__", "dict"), ("numpy", "matrix"), ("numpy", "memmap")}
_REBUILD = {("torch._utils", f"_rebuild_tensor_v{n}") for n in (2, 3)}
_PARAMETER = ("torch._utils", "_rebuild_parameter")
_STORAGES = {
    "DoubleStorage": "f8", "FloatStorage": "f4", "HalfStorage": "f2", "LongStorage": "i8", "IntStorage": "i4",
    "ShortStorage": "i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "b1",
}  # fmt: skip
_TORCH = (
    _REBUILD | {_PARAMETER, ("torch", "BFloat16Storage"), ("torch", "device"), ("torch", "Size")}
    | {("torch", name) for name in _STORAGES}
)  # fmt: skip
_PLACE = Name(("torch", "a place in a storage"))
_ADVICE = "Save its arrays with numpy.savez, or with joblib.dump, compress=3 or none."

_OTHERS = {b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"]\0\0": "lzma", b"\x04\x22\x4d\x18": "lz4"}
_LEGACY = 0x1950A86A20F9469CFC6C
"""With which files of PyTorch before 1.6 begin."""


@dataclass(frozen=True, eq=False)
class Skipped:
    """An array that nobody asked for, or that holds Python objects."""

    shape: tuple[int, ...]


def read_results(path: Path, wanted: Callable[[str], bool]) -> Any:
    """Dictionaries, lists, numbers and texts of a .pkl, .pt or .npy file, with what :func:`array_of` makes arrays of.

    wanted: whether arrays under a key are asked for. Raises UnsafeFileError where the file asks to run code, AssetError
    where it cannot be read.
    """
    try:
        if not path.is_file():
            raise AssetError(f"{path} is no regular file. Expected a file of people in a video; check the path.")
        with open(path, "rb") as stream:
            size, head = os.fstat(stream.fileno()).st_size, stream.read(8)
            if size > limits.RESULT_BYTES:
                raise AssetError(f"{path} is larger than {limits.RESULT_BYTES >> 30} GiB. Cut the video.")
            stream.seek(0)
            if head[:2] == b"PK":
                return _read_tensors(path, size, wanted)
            for start, called in _OTHERS.items():
                if head.startswith(start):
                    raise AssetError(f"{path} is compressed by {called}, which is not read. {_ADVICE}")
            if head[:6] == b"\x93NUMPY":
                return _read_npy(stream, path, size, wanted)
            packed = head[:1] == b"\x78" or head[:2] == b"\x1f\x8b"
            data = io.BufferedReader(_Inflated(stream), 1 << 18) if packed else stream
            return _read_pickle(data, limits.room(size) if packed else size, size, path, wanted)
    except OSError as e:
        raise AssetError(f"{path} cannot be opened ({e.strerror or e}). Check the path and its permissions.") from e


def array_of(value, where: str) -> np.ndarray | None:
    """The array that ``value`` of :func:`read_results` stands for; None for one that was passed over."""
    if isinstance(value, (np.ndarray, Skipped)):
        return value if isinstance(value, np.ndarray) else None
    array = as_array(value, where)
    if not isinstance(array, (np.ndarray, np.generic)):
        raise AssetError(f"{where} is a sparse matrix. Expected numbers of each frame. {_ADVICE}")
    return np.asarray(array)


def _read_pickle(stream, left: int, size: int, path: Path, wanted) -> Any:
    bounded = Bounded(stream, left, _steps(size))
    reader = _ResultReader(bounded, encoding="latin1")
    reader.where, reader.bounded, reader.wanted, reader.room = str(path), bounded, wanted, [limits.room(size)]
    data = loaded(reader)
    if data == _LEGACY and isinstance(data, int):
        raise AssetError(f"{path} is of PyTorch before 1.6. Load and save it again with a newer one, or {_ADVICE}")
    return data


def _steps(size: int) -> int:
    return limits.RESULT_STEPS + size // limits.RESULT_STEP


def _read_npy(stream, path: Path, size: int, wanted) -> Any:
    """A dictionary that was saved as an array of one Python object."""
    try:
        shape, _, dtype = read_header(stream)
    except ValueError as e:
        raise AssetError(f"{path} is {e}. Copy or download the file again.") from e
    if not dtype.hasobject or shape != ():
        return Skipped(shape)
    data = _read_pickle(stream, size, size, path, wanted)
    held = (
        data.state[4] if isinstance(data, Record) and isinstance(data.state, tuple) and len(data.state) == 5 else None
    )
    return held[0] if isinstance(held, list) and len(held) == 1 else data


class _Inflated(io.RawIOBase):
    """What a zlib or gzip stream unpacks to, piece by piece."""

    def __init__(self, stream):
        self.stream, self.machine, self.rest = stream, zlib.decompressobj(wbits=47), b""

    def readable(self):
        return True

    def readinto(self, buffer):
        while not self.machine.eof:
            packed = self.rest or self.stream.read(1 << 16)
            data = self.machine.decompress(packed, len(buffer))
            self.rest = self.machine.unconsumed_tail
            if data or not packed:
                buffer[: len(data)] = data
                return len(data)
        return 0


class _ResultReader(Reader):
    """Knows joblib's arrays, whose numbers follow their description in the stream.

    wanted: see :func:`read_results`. room: bytes of memory that arrays may still take.
    """

    names = ALLOWED | _WRAPPER | _PLAIN
    kind, expected, advice = "file of people in a video", "numpy, joblib and PyTorch", _ADVICE
    bounded: Bounded
    wanted: Callable[[str], bool]
    room: list[int]
    metastack: list[list[Any]]

    def load_build(self):
        super().load_build()
        record = self.stack[-1]
        if isinstance(record, Record) and record.name.path in _WRAPPER:
            self.stack[-1] = self._array(record.state)

    def _array(self, state) -> Any:
        """Of joblib's description: array_of its numbers, which come next."""
        shape, dtype = tuple(int(n) for n in state["shape"]), dtype_of(state["dtype"])
        if len(shape) > 8 or not all(0 <= n < 1 << 40 for n in shape):
            raise ValueError(f"an array of shape {shape}")
        if dtype.hasobject:
            self._inner().load()
            return Skipped(shape)
        if state.get("numpy_array_alignment_bytes") is not None:
            self._skip(self.bounded.read(1)[0])
        size = math.prod(shape) * dtype.itemsize
        if size > self.bounded.left:
            raise ValueError(f"an array of {size} bytes where {self.bounded.left} are left")
        if not self._asked():
            self._skip(size)
            return Skipped(shape)
        take(self.room, size, self.where)
        return array_from(shape, dtype, state["order"] == "F", self.bounded.read(size))

    def _inner(self) -> "_ResultReader":
        """A reader of the pickle within this one."""
        inner = _ResultReader(self.bounded, encoding="latin1")
        inner.where, inner.bounded, inner.room, inner.wanted = self.where, self.bounded, self.room, lambda key: False
        inner.depth = self.depth + 1
        if inner.depth > limits.CLIP_DEPTH:
            raise ValueError("arrays of objects within one another")
        return inner

    depth = 0

    def _asked(self) -> bool:
        """Whether the nearest key, in what the array is part of, is wanted."""
        for level in (self.stack[:-1], *reversed(self.metastack)):
            for value in reversed(level):
                if isinstance(value, str):
                    return self.wanted(value)
        return True

    def _skip(self, count: int) -> None:
        if self.bounded.stream.seekable():
            self.bounded.skip(count)
            return
        while count > 0:
            piece = len(self.bounded.read(min(count, 1 << 20)))
            if not piece:
                raise EOFError("the numbers of an array are missing")
            count -= piece

    dispatch: ClassVar[dict[int, Any]] = {**Reader.dispatch, pickle.BUILD[0]: load_build}


def take(room: list[int], size: int, where: str) -> None:
    """Of the ``room`` that is left, what an array of ``size`` bytes takes. Raises AssetError where it is too much."""
    room[0] -= size * limits.ARRAY_COST
    if room[0] < 0 or size > limits.ARRAY_BYTES:
        raise AssetError(f"{where}: its arrays take more memory than a file of its size may. Cut the video.")


class _TensorReader(Reader):
    """Knows PyTorch's tensors, whose numbers are in other members of the zip."""

    names = ALLOWED | _TORCH | _PLAIN
    kind, expected, advice = _ResultReader.kind, _ResultReader.expected, _ADVICE

    def load_binpersid(self):
        place = self.stack.pop()
        if not isinstance(place, tuple) or len(place) < 5 or not isinstance(place[1], Name):
            raise pickle.UnpicklingError("a place that is in no storage")
        self.append(Record(_PLACE, place))

    dispatch: ClassVar[dict[int, Any]] = {**Reader.dispatch, pickle.BINPERSID[0]: load_binpersid}


def _read_tensors(path: Path, size: int, wanted) -> Any:
    with open_npz(path) as archive:
        found = [info for info in archive.infolist() if info.filename.rpartition("/")[2] == "data.pkl"]
        if len(found) != 1 or found[0].file_size > limits.TENSOR_PICKLE_BYTES:
            raise AssetError(
                f"{path} is a zip, but none of PyTorch's. Expected tensors of people in a video. {_ADVICE}"
            )
        with archive.open(found[0]) as stream:
            steps = _steps(size)
            reader = _TensorReader(Bounded(stream, found[0].file_size, steps), encoding="latin1")
            reader.where = str(path)
            data = loaded(reader)
        folder = found[0].filename.removesuffix("data.pkl")
        order = _member(archive, f"{folder}byteorder") or b"little"
        tensors = _Tensors(
            archive, folder, ">" if order == b"big" else "<", str(path), wanted, [limits.room(size)], [_steps(size)]
        )
        return tensors.resolved(data, "", 4)


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """A small member; nothing where there is none."""
    if name not in archive.namelist():
        return b""
    with archive.open(name) as stream:
        return stream.read(64).strip()


@dataclass(frozen=True, eq=False)
class _Tensors:
    """The storages of a zip. order: of bytes. room: bytes of memory that arrays may still take. values: how many
    there may still be."""

    archive: zipfile.ZipFile
    folder: str
    order: Literal["<", ">"]
    where: str
    wanted: Callable[[str], bool]
    room: list[int]
    values: list[int]

    def resolved(self, value, key: str, depth: int) -> Any:
        """``value`` with tensors as arrays, as deep as people are; what is deeper is left out."""
        if isinstance(value, (dict, list, tuple)):
            self.values[0] -= len(value)
            if self.values[0] < 0:
                raise AssetError(f"{self.where} repeats its values too often. {_ADVICE}")
            if depth == 0:
                return None
            if isinstance(value, dict):
                return {k: self.resolved(v, str(k), depth - 1) for k, v in value.items()}
            return [self.resolved(v, key, depth - 1) for v in value]
        if not isinstance(value, Record):
            return value
        if value.name.path == _PARAMETER and value.args:
            return self.resolved(value.args[0], key, 1)
        if value.name.path not in _REBUILD:
            return value
        return self._tensor(value.args) if self.wanted(key) else Skipped(())

    def _tensor(self, args) -> np.ndarray:
        try:
            place, start, shape, strides = args[0].args, int(args[1]), _numbers(args[2]), _numbers(args[3])
            kind, name, count = _STORAGES.get(place[1].path[1]), str(place[2]), int(place[4])
            if kind is None:
                raise ValueError(f"numbers of {place[1]} are not read; convert them to float32")
            dtype = np.dtype(kind).newbyteorder(self.order)
            last = start + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
            if min(start, count, *shape, *strides, 0) < 0 or (0 not in shape and last >= count):
                raise ValueError("a tensor beyond its storage")
            entries, info = math.prod(shape), self.archive.getinfo(f"{self.folder}data/{name}")
            if entries > limits.BODY_ENTRIES or info.file_size < count * dtype.itemsize:
                raise ValueError("a tensor whose shape is beyond the file")
            take(self.room, (count + entries) * dtype.itemsize, self.where)
            with self.archive.open(info) as stream:
                held = np.frombuffer(stream.read(count * dtype.itemsize), dtype, count)
        except (TypeError, ValueError, AttributeError, IndexError, KeyError, OverflowError) as e:
            raise AssetError(f"{self.where} has a tensor that cannot be read ({e}). {_ADVICE}") from e
        if 0 in shape:
            return np.zeros(shape, dtype)
        steps = [step * dtype.itemsize for step in strides]
        return np.lib.stride_tricks.as_strided(held[start:], shape, steps, writeable=False).copy()


def _numbers(value: Any) -> tuple[int, ...]:
    """Of a shape or of strides."""
    held = value.args[0] if isinstance(value, Record) else value
    return tuple(int(n) for n in held)

"""Reads pickles of arrays without running anything that they name.

A pickle is a program. This reader carries out only the opcodes that build data, and turns every
"call this" into a :class:`Record` of what would have been called with what. Records of known
kinds (numpy arrays, scipy matrices, chumpy arrays) are then read as the data they hold; no class
or function named by a file is ever imported. A name outside the list ends the reading.
"""

import math
import pickle
import re
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from mannequin.generator.errors import AssetError, UnsafeFileError
from mannequin.generator.io import limits

_ARRAY = {(f"numpy.{core}.multiarray", "_reconstruct") for core in ("core", "_core")}
_SCALAR = {(f"numpy.{core}.multiarray", "scalar") for core in ("core", "_core")}
_BUFFER = {(f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core")}
_NDARRAY = ("numpy", "ndarray")
_DTYPE = ("numpy", "dtype")
_SPARSE = {
    (f"scipy.sparse{module}", f"{kind}_{form}"): kind
    for kind in ("csc", "csr")
    for form in ("matrix", "array")
    for module in (f".{kind}", f"._{kind}", "")
}
_ENCODE = ("_codecs", "encode")
_INERT = {(module, name) for module in ("__builtin__", "builtins") for name in ("object", "set", "frozenset")}
_MAPPING = ("collections", "OrderedDict")
_DEFAULTS = ("collections", "defaultdict")
_REBUILD = {("copy_reg", "_reconstructor"), ("copyreg", "_reconstructor")}
_TYPE = re.compile(r"[biuf]\d{1,2}|[SU]\d{1,4}|O[48]?")
ALLOWED = (
    _ARRAY | _BUFFER | _SCALAR | {_NDARRAY, _DTYPE, _ENCODE, _MAPPING, _DEFAULTS} | set(_SPARSE) | _INERT | _REBUILD
)


@dataclass(eq=False)
class Name:
    """A global that the file named; it is not looked up."""

    path: tuple[str, str]

    def __str__(self):
        return ".".join(self.path)


@dataclass(eq=False)
class Record:
    """What calling ``name`` with ``args``, then setting ``state``, would have made."""

    name: Name
    args: tuple
    state: Any = None


def load_pickle(stream, size: int, where: str):
    """The data of a pickle of ``size`` bytes; see :func:`as_array` for its records.

    stream: open for reading bytes. where: what errors call it.
    Raises UnsafeFileError for a name outside the list, AssetError for a damaged file.
    """
    reader = Reader(Bounded(stream, size, limits.PICKLE_STEPS), encoding="latin1")
    reader.where = where
    return loaded(reader)


def loaded(reader: "Reader"):
    """What ``reader`` makes of its stream; whatever it trips over is an AssetError."""
    where = reader.where
    try:
        return reader.load()
    except AssetError:
        raise
    except Exception as e:  # whatever a damaged stream makes the machine trip over
        raise AssetError(
            f"{where} cannot be read as a pickle ({type(e).__name__}: {e}). It is truncated, damaged or "
            "another kind of file. Copy or download it again."
        ) from e


def as_array(value, where: str) -> np.ndarray | sp.csr_matrix:
    """The ndarray or scipy CSR matrix that ``value`` (a number, list, array or record) stands for."""
    try:
        return _value(value, depth=8)
    except (TypeError, ValueError, AttributeError, KeyError, IndexError, OverflowError, MemoryError) as e:
        raise AssetError(
            f"{where} does not hold an array that can be read ({e}). Expected a numpy array, a scipy "
            "csc/csr matrix or a chumpy array that holds its data; copy or download the file again."
        ) from e


class Bounded:
    """Never asks the file for more than is left, however long a length the pickle states, nor more than ``steps``
    times."""

    def __init__(self, stream, size: int, steps: int):
        self.stream, self.left, self.most, self.steps = stream, size, steps, steps

    def read(self, n):
        return self._count(self.stream.read(min(n, self.left)))

    def readline(self):
        return self._count(self.stream.readline(self.left))

    def skip(self, n):
        """Pass over ``n`` bytes of a stream that can be moved in."""
        self.stream.seek(min(n, self.left), 1)
        self.left -= min(n, self.left)

    def _count(self, data):
        self.left -= len(data)
        self.steps -= 1
        if self.steps < 0:
            raise pickle.UnpicklingError(f"it takes more than {self.most} steps, which no honest file of its size does")
        return data


class Reader(pickle._Unpickler):
    """pickle's reference machine, in Python, with the opcodes that call or import replaced.

    names: that the file may use, besides those of chumpy. kind, expected, advice: of files, for messages.
    """

    where = "the file"
    names: ClassVar[Container[tuple[str, str]]] = ALLOWED
    kind, expected, advice = "body model", "numpy, scipy.sparse and chumpy", "Get the file from its official site."
    # Of pickle's machine, which type checkers take for the one in C, that has none of these.
    stack: list[Any]
    append: Callable[[Any], None]
    read: Callable[[int], bytes]
    pop_mark: Callable[[], list[Any]]

    def find_class(self, module, name):
        if (module, name) not in self.names and not module.startswith("chumpy."):
            raise UnsafeFileError(
                f"{self.where} asks to use {module}.{name} while being read, which no {self.kind} needs; "
                f"expected only {self.expected} data. Nothing was run. {self.advice}"
            )
        return Name((module, name))

    def load_reduce(self):
        args = self.stack.pop()
        self.stack[-1] = _record(self.stack[-1], args)

    def load_build(self):
        state = self.stack.pop()
        if not isinstance(self.stack[-1], Record):
            raise pickle.UnpicklingError("a state was given to something that is no object")
        self.stack[-1].state = state

    def load_frame(self):
        self.read(8)  # a frame only says what to read ahead

    def load_bytearray8(self):
        self.append(self.read(int.from_bytes(self.read(8), "little")))

    def load_dict(self):
        items = self.pop_mark()
        self.append(_dictionary(items[::2], items[1::2]))

    def load_setitem(self):
        value, key = self.stack.pop(), self.stack.pop()
        self.stack[-1].update(_dictionary([key], [value]))

    def load_setitems(self):
        items = self.pop_mark()
        self.stack[-1].update(_dictionary(items[::2], items[1::2]))

    def refuse(self):
        raise UnsafeFileError(
            f"{self.where} uses a pickle instruction that no {self.kind} needs. Nothing was run. {self.advice}"
        )

    dispatch: ClassVar[dict[int, Any]] = {
        **pickle._Unpickler.dispatch,
        pickle.REDUCE[0]: load_reduce,
        pickle.NEWOBJ[0]: load_reduce,
        pickle.BUILD[0]: load_build,
        pickle.FRAME[0]: load_frame,
        pickle.BYTEARRAY8[0]: load_bytearray8,
        pickle.DICT[0]: load_dict,
        pickle.SETITEM[0]: load_setitem,
        pickle.SETITEMS[0]: load_setitems,
    }
    for _code in (
        pickle.INST,
        pickle.OBJ,
        pickle.NEWOBJ_EX,
        pickle.EXT1,
        pickle.EXT2,
        pickle.EXT4,
        pickle.PERSID,
        pickle.BINPERSID,
        pickle.NEXT_BUFFER,
        pickle.READONLY_BUFFER,
        pickle.EMPTY_SET,
        pickle.ADDITEMS,
        pickle.FROZENSET,
    ):
        dispatch[_code[0]] = refuse


def _dictionary(keys, values) -> dict:
    """Keys are plain: hashing tuples within tuples, as deep as a file likes, would overflow C's stack."""
    keys = [_value(k, 1).item() if isinstance(k, Record) and k.name.path in _SCALAR else k for k in keys]
    if not all(isinstance(key, (str, bytes, int, float, type(None))) for key in keys):
        raise pickle.UnpicklingError("a dictionary whose keys are neither text nor numbers")
    return dict(zip(keys, values, strict=True))


def _record(name, args) -> Record | dict:
    if not isinstance(name, Name) or not isinstance(args, tuple):
        raise pickle.UnpicklingError("a call of something that is not a name")
    if name.path in _REBUILD:
        name, args = args[0], ()
        if not isinstance(name, Name):
            raise pickle.UnpicklingError("an object without a class")
    if name.path == _DEFAULTS:
        return {}
    if name.path == _MAPPING:
        pairs = args[0] if args and isinstance(args[0], list) else []
        return _dictionary([key for key, _ in pairs], [value for _, value in pairs])
    return Record(name, args)


def _value(value, depth) -> Any:
    if depth == 0:
        raise ValueError("nested too deeply")
    if not isinstance(value, Record):
        return np.asarray(_plain(value))
    path = value.name.path
    if path in _ARRAY:
        return _array(value, depth)
    if path in _BUFFER:
        data, dtype, shape, order = value.args
        return array_from(shape, dtype_of(dtype), order == "F", data)
    if path in _SCALAR:
        return np.frombuffer(_bytes(value.args[1]), dtype_of(value.args[0]), 1)[0]
    if path in _SPARSE:
        return _sparse(_SPARSE[path], value.state, depth)
    if path[0].startswith("chumpy."):
        return _chumpy(path[1], value.state, depth)
    raise ValueError(f"it is a {value.name}")


def _plain(value):
    """``value`` again if it is a text, a number or a flat list or tuple of numbers.

    Not of texts: numpy would give each the room of the longest.
    """
    if not isinstance(value, (str, bytes)) and not all(
        isinstance(n, (int, float)) for n in (value if isinstance(value, (list, tuple)) else [value])
    ):
        raise ValueError(f"it is a {type(value).__name__}")
    return value


def dtype_of(record) -> np.dtype:
    """A plain number, flag or text type; structured and object types are refused."""
    if not isinstance(record, Record) or record.name.path != _DTYPE:
        raise ValueError("the array has no type")
    kind = record.args[0]
    kind = kind.decode("latin1") if isinstance(kind, bytes) else kind
    order = record.state[1] if record.state else "="
    order = order.decode("latin1") if isinstance(order, bytes) else order
    if not isinstance(kind, str) or not _TYPE.fullmatch(kind) or order not in ("<", ">", "=", "|"):
        raise ValueError(f"arrays of type {kind!r} are not read")
    return np.dtype(object) if kind[0] == "O" else np.dtype(kind).newbyteorder(order)


def _array(record: Record, depth):
    _, shape, dtype, by_columns, data = record.state
    return array_from(shape, dtype_of(dtype), bool(by_columns), data, depth)


def array_from(shape, dtype: np.dtype, by_columns: bool, data, depth: int = 1):
    """The array of the given shape whose bytes are ``data``; of objects, only a single one that is data."""
    shape = tuple(int(n) for n in shape)
    if (
        len(shape) > 8
        or not all(0 <= n <= limits.BODY_ENTRIES for n in shape)
        or math.prod(shape) > limits.BODY_ENTRIES
    ):
        raise ValueError("an array whose shape is beyond any body model")
    count = math.prod(shape)
    if dtype.hasobject:
        if count != 1 or len(data) != 1:
            raise ValueError(f"an array of {count} Python objects")
        return _value(data[0], depth - 1)
    data = _bytes(data)
    if len(data) != count * dtype.itemsize:
        raise ValueError(f"{len(data)} bytes for shape {shape} of {dtype}")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if by_columns else "C")


def _bytes(data) -> bytes:
    """Bytes, however Python 2 or 3 spelt them."""
    if isinstance(data, Record) and data.name.path == _ENCODE and data.args[1:] == ("latin1",):
        data = data.args[0]
    if isinstance(data, str):
        return data.encode("latin1")
    if not isinstance(data, bytes):
        raise TypeError("the array has no bytes")
    return data


def _sparse(kind: str, state, depth):
    """A CSR matrix from the state of a csc or csr one, checked before scipy sees it."""
    shape = state["_shape"] if "_shape" in state else state["shape"]
    rows, columns = (int(n) for n in shape)
    data, indices, start = (_value(state[key], depth - 1) for key in ("data", "indices", "indptr"))
    major, minor = (columns, rows) if kind == "csc" else (rows, columns)
    if not (0 <= min(rows, columns) and max(rows, columns, rows * columns) <= limits.BODY_ENTRIES):
        raise ValueError("a sparse matrix beyond any body model")
    if not (len(start) == major + 1 and len(data) == len(indices)):
        raise ValueError("a sparse matrix whose parts do not fit together")
    if start[0] != 0 or start[-1] != len(data) or (np.diff(start) < 0).any():
        raise ValueError("a sparse matrix with damaged rows")
    if len(data) and not (0 <= indices.min() and indices.max() < minor):
        raise ValueError("a sparse matrix with entries outside itself")
    matrix = sp.csc_matrix if kind == "csc" else sp.csr_matrix
    return matrix((data, indices.astype(np.int64), start.astype(np.int64)), (rows, columns)).tocsr()


def _chumpy(kind: str, state, depth):
    """The values of a chumpy array: held in x, or a reordering of another one's."""
    if not isinstance(state, dict):
        raise TypeError(f"chumpy {kind} holds no data")
    if kind == "Select":
        picked = _value(state["a"], depth - 1).ravel()[_value(state["idxs"], depth - 1).ravel()]
        return picked.reshape(_shape(state["preferred_shape"], depth)) if "preferred_shape" in state else picked
    if kind == "Reshape":
        return _value(state["a"], depth - 1).reshape(_shape(state["newshape"], depth))
    if kind == "transpose":
        axes = state.get("axes")
        return _value(state["a"], depth - 1).transpose(None if axes is None else _shape(axes, depth))
    for key in ("x", "r"):
        if kind == "Ch" and key in state:
            return _value(state[key], depth - 1)
    raise ValueError(f"chumpy {kind} holds no data that can be read without chumpy")


def _shape(value, depth) -> tuple[int, ...]:
    return tuple(int(n) for n in np.atleast_1d(np.asarray(_value(value, depth - 1))))

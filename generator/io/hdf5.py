"""HDF5 files that strangers made: opened, checked, and read with little overhead.

h5py's file and dataset objects take 0.1 ms to find a dataset, which is most of the time of a training sample from
a clip met for the first time; here its low-level functions do it in a third of that. A name is followed only
through plain links, and a dataset read only if its bytes lie in the file as our writer leaves them.
"""

import math
import os
import struct
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np
from h5py import h5a, h5d, h5f, h5g, h5i, h5l, h5o, h5p, h5s, h5t, h5z  # pyright: ignore[reportAttributeAccessIssue]  # compiled, thus untyped

from mannequin.generator.errors import DatasetError
from mannequin.generator.io import limits

CACHE_BYTES = 1 << 20
"""Of unpacked chunks that HDF5 keeps for each open dataset; its own choice, 8 MiB, adds up over a hundred open
clips."""

MAX_RATIO = 1100  # deflate cannot expand further than 1032 : 1
_HEAP = b"GCOL\1\0\0\0"  # signature and version of a global heap collection; its size follows
_BLOCK = 1 << 20
_FILTERS = {h5z.FILTER_DEFLATE, h5z.FILTER_SHUFFLE, h5z.FILTER_FLETCHER32}


class Hdf5Array:
    """One dataset of an open file, found to be stored in it. shape: None for a dataset without extent."""

    def __init__(self, id: h5d.DatasetID, path: str):
        self.id, self.path = id, path
        self.shape, self.dtype = id.shape, id.dtype
        self._check_storage()

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    def read(self, start: int | None = None, stop: int | None = None) -> np.ndarray:
        """All of it, or entries ``start`` to ``stop`` along the last axis."""
        lead = self.shape[:-1]
        out = np.empty(self.shape if start is None or stop is None else (*lead, stop - start), self.dtype)
        if not out.size:
            return out
        if start is None:
            self.id.read(h5s.ALL, h5s.ALL, out)
        else:
            self._space.select_hyperslab((*(0,) * len(lead), start), out.shape)
            self.id.read(h5s.create_simple(out.shape), self._space, out)
        return out

    def pieces(self) -> Iterator[np.ndarray]:
        """All of it in C order, a chunk's room at a time."""
        lead, each = 0, self.nbytes  # axes of which one entry is read at once, and the bytes of such an entry
        while each > limits.CHUNK_BYTES and lead < len(self.shape) - 1:
            each //= self.shape[lead]
            lead += 1
        rest = self.shape[lead:]
        step = max(1, limits.CHUNK_BYTES // max(1, each // max(1, rest[0])))
        for at in np.ndindex(*self.shape[:lead]):
            for start in range(0, rest[0], step):
                out = np.empty((min(step, rest[0] - start), *rest[1:]), self.dtype)
                if out.size:
                    place = (*at, start, *(0,) * (len(rest) - 1))
                    self._space.select_hyperslab(place, (*(1,) * lead, *out.shape))
                    self.id.read(h5s.create_simple(out.shape), self._space, out)
                yield out

    @cached_property
    def _space(self) -> h5s.SpaceID:
        """Where its values lie; what is to be read is marked in it."""
        return self.id.get_space()

    def _check_storage(self) -> None:
        """Raises ValueError unless the bytes lie in the file, stored as the writer stores them.

        Others may lie in other files, or be packed so that a small file fills memory: chunks larger
        than the dataset, deflate upon deflate, or nothing stored at all.
        """
        made = self.id.get_create_plist()
        layout = made.get_layout()
        filters = [made.get_filter(i)[0] for i in range(made.get_nfilters())]
        if layout not in (h5d.CHUNKED, h5d.CONTIGUOUS) or made.get_external_count():
            raise ValueError(f"/{self.path} keeps its values elsewhere")
        if len(set(filters)) < len(filters) or not _FILTERS.issuperset(filters):
            raise ValueError(f"/{self.path} is packed by filters {filters}")
        if self.dtype.kind not in "biuf" or self.shape is None:
            raise ValueError(f"/{self.path} holds {self.dtype}, no numbers")
        if not self.shape:
            raise ValueError(f"/{self.path} is no array")
        chunks = made.get_chunk() if layout == h5d.CHUNKED else ()
        each = math.prod(chunks) * self.dtype.itemsize
        if any(chunk > size for chunk, size in zip(chunks, self.shape)) or each > limits.CHUNK_BYTES:
            raise ValueError(
                f"/{self.path} of {self.shape} has chunks of {chunks}; at most its own shape, and "
                f"{limits.CHUNK_BYTES} bytes, are read"
            )
        stored = self.id.get_storage_size()
        if stored > _file_size(self.id) or self.nbytes > stored * MAX_RATIO:
            raise ValueError(f"/{self.path} claims {self.nbytes} bytes but stores {stored}")


class Hdf5File:
    """An open file. Paths have no slash in front: "people/person0/pose". What was found is kept: readers of frames ask
    over and over.

    Other errors than DatasetError are h5py's own, of which there are many kinds.
    """

    def __init__(self, id: h5f.FileID, content: Path | BinaryIO, source: h5py.File | None = None):
        """content: the bytes of the file. source: kept as long as this."""
        self.id, self._content, self._source = id, content, source
        self._groups, self._arrays, self._there = {"": id}, {}, {"": True}

    def __contains__(self, path: str) -> bool:
        """Raises ValueError for a link that leads elsewhere."""
        if path not in self._there:
            parent, _, name = path.rpartition("/")
            self._there[path] = parent in self and self._leads(parent, name)
        return self._there[path]

    def array(self, path: str) -> Hdf5Array:
        """The dataset at ``path``, checked and kept open."""
        if path not in self._arrays:
            parent, _, name = path.rpartition("/")
            if path not in self:
                raise KeyError(f"there is no /{path}")
            try:
                found = h5d.open(self._groups[parent], name.encode())
            except (KeyError, ValueError, TypeError) as e:
                raise ValueError(f"/{path} is not a dataset") from e
            self._arrays[path] = Hdf5Array(found, path)
        return self._arrays[path]

    def read(self, path: str) -> np.ndarray:
        """All of a dataset that was found fit, which is closed again."""
        values = self.array(path).read()
        del self._arrays[path]
        return values

    def attributes(self, path: str) -> Mapping[str, Any]:
        """Of a group; "" for the file."""
        if path not in self:
            raise KeyError(f"there is no /{path}")
        return _Attributes(self, h5g.open(self.id, path.encode() or b"/"), path)

    def whole(self) -> dict[str, tuple[Hdf5Array | None, dict[str, Any]]]:
        """Path → (dataset or None for a group, attributes) of all that is in the file; "" is the file. Raises
        ValueError unless every name in it leads straight to an object, by one way."""
        root = h5g.open(self.id, b"/")
        found: dict[str, tuple[Hdf5Array | None, dict[str, Any]]] = {"": (None, dict(_Attributes(self, root, "")))}
        seen, left = {h5o.get_info(root).addr}, [("", root)]
        while left:
            above, group = left.pop()
            for name in list(group):
                path = f"{above}/{name.decode('utf-8', 'replace')}".lstrip("/")
                if path.count("/") > limits.CLIP_DEPTH:
                    raise ValueError(f"/{path} lies deeper than {limits.CLIP_DEPTH} groups")
                if group.links.get_info(name).type != h5l.TYPE_HARD:
                    raise ValueError(f"/{path} is a link to something else")
                item = h5o.open(group, name)
                address = h5o.get_info(item).addr
                if address in seen:
                    raise ValueError(f"/{path} is a link to something else")
                seen.add(address)
                if isinstance(item, h5g.GroupID):
                    left.append((path, item))
                elif not isinstance(item, h5d.DatasetID):
                    raise ValueError(f"/{path} is neither a group nor a dataset")
                array = Hdf5Array(item, path) if isinstance(item, h5d.DatasetID) else None
                found[path] = array, dict(_Attributes(self, item, path))
        return found

    def close(self) -> None:
        """Frees the file; nothing can be read after it."""
        self._groups, self._arrays, self._there = {"": self.id}, {}, {"": True}
        if self.id.valid:
            self.id.close()

    def _leads(self, parent: str, name: str) -> bool:
        """Whether ``name`` is in the group ``parent``, which exists."""
        if parent not in self._groups:
            outer, _, inner = parent.rpartition("/")
            try:
                self._groups[parent] = h5g.open(self._groups[outer], inner.encode())
            except (KeyError, ValueError, TypeError):  # a dataset
                return False
        links = self._groups[parent].links
        if not links.exists(name.encode()):
            return False
        if links.get_info(name.encode()).type != h5l.TYPE_HARD:
            raise ValueError(f"/{parent}/{name} is a link to something else")
        return True

    @cached_property
    def longest_text(self) -> int:
        """Bytes of the largest collection in which HDF5 keeps texts for attributes: any number of values may point at
        one text, which is not known before all are read."""
        if isinstance(self._content, Path):
            with open(self._content, "rb") as stream:
                return _largest_heap(stream)
        return _largest_heap(self._content)


class _Attributes(Mapping):
    """Those of an open object, read when they are asked for: numbers and texts, few and short. Raises ValueError for
    others before they are read."""

    def __init__(self, file: Hdf5File, item: h5g.GroupID | h5d.DatasetID, path: str):
        self._file, self._item, self._path = file, item, path
        if len(self) > limits.ATTRIBUTE_VALUES:
            raise ValueError(f"/{path} has {len(self)} attributes; at most {limits.ATTRIBUTE_VALUES} are read")

    def __len__(self) -> int:
        return h5a.get_num_attrs(self._item)

    def __iter__(self) -> Iterator[str]:
        return (h5a.open(self._item, index=index).name.decode() for index in range(len(self)))

    def __getitem__(self, name: str):
        if not h5a.exists(self._item, name.encode()):
            raise KeyError(name)
        found, where = h5a.open(self._item, name.encode()), f"/{self._path}.{name}"
        kind, shape = found.get_type(), found.shape or ()
        is_text = isinstance(kind, h5t.TypeStringID)
        is_flag = isinstance(kind, h5t.TypeEnumID) and found.dtype == bool
        if not (is_text or is_flag or isinstance(kind, (h5t.TypeIntegerID, h5t.TypeFloatID))) or len(shape) > 1:
            raise ValueError(f"{where} holds {found.dtype} of shape {shape}; expected numbers or texts")
        each = self._file.longest_text if is_text and kind.is_variable_str() else kind.get_size()
        if math.prod(shape) > limits.ATTRIBUTE_VALUES or each > limits.ATTRIBUTE_BYTES:
            raise ValueError(
                f"{where} has {math.prod(shape)} values of up to {each} bytes; at most {limits.ATTRIBUTE_VALUES} "
                f"of {limits.ATTRIBUTE_BYTES} are read"
            )
        of = h5py.Dataset if isinstance(self._item, h5d.DatasetID) else h5py.Group
        return of(self._item).attrs[name]


def open_hdf5(path: Path) -> Hdf5File:
    """A file to read. Raises DatasetError for anything that is no whole HDF5 file."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise DatasetError(f"{path} is not a regular file. Expected a clip file.")
    try:
        with open(path, "rb"):
            pass  # the system's own error says more than HDF5's
        return Hdf5File(h5f.open(os.fsencode(path), h5f.ACC_RDONLY, fapl=_ACCESS), path)
    except FileNotFoundError as e:
        raise DatasetError(f"There is no clip {path}. Render it first, or check the path.") from e
    except (PermissionError, IsADirectoryError) as e:
        raise DatasetError(f"Cannot read {path}: {e.strerror}. Expected a readable clip file.") from e
    except (OSError, RuntimeError, ValueError) as e:
        raise _not_whole(path, e) from e


def open_hdf5_stream(stream: BinaryIO, where) -> Hdf5File:
    """The same of a file that is open, or a file's content. where: names it in messages."""
    try:
        file = h5py.File(stream, "r", rdcc_nbytes=CACHE_BYTES)
        return Hdf5File(file.id, stream, file)
    except (OSError, RuntimeError, ValueError) as e:
        raise _not_whole(where, e) from e


def _file_size(item: h5d.DatasetID) -> int:
    """Bytes of the file that an object is in."""
    return h5i.get_file_id(item).get_filesize()


def _largest_heap(stream: BinaryIO) -> int:
    """Bytes of the largest of HDF5's global heap collections, found by their mark; 0 if there is none."""
    largest, before = 0, b""
    stream.seek(0)
    while block := stream.read(_BLOCK):
        data = before + block
        found = data.find(_HEAP)
        while found >= 0 and found + 16 <= len(data):
            largest = max(largest, struct.unpack_from("<Q", data, found + 8)[0])
            found = data.find(_HEAP, found + 1)
        before = data[-15:]
    return largest


def _not_whole(where, e: Exception) -> DatasetError:
    return DatasetError(f"{where} is not a whole HDF5 file ({e}). Delete it and render the clip again.")


def _access() -> h5p.PropFAID:
    """How files are opened: no locks, for a clip never changes once it has its name, and small caches."""
    made = h5p.create(h5p.FILE_ACCESS)
    made.set_file_locking(False, False)
    made.set_fclose_degree(h5f.CLOSE_STRONG)  # closing it closes its datasets, whoever still holds them
    *_, preemption = made.get_cache()
    made.set_cache(0, 521, CACHE_BYTES, preemption)
    return made


_ACCESS = _access()

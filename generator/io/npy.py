"""Members of .npz files and headers of .npy arrays, read without running or being flooded by them."""

import os
import warnings
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mannequin.generator.errors import AssetError
from mannequin.generator.io import limits


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

"""Arrays to bytes and back, the same bytes on every machine.

The archive stores its members uncompressed: compressed bytes depend on the zlib at hand. Steps
of quantisation are fixed numbers rather than fitted to the data, so that noise in the last
digits of a computation stays in the last digits.
"""

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np

EPOCH = (1980, 1, 1, 0, 0, 0)


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write an ``.npz`` that ``numpy.load`` reads, with sorted names and fixed time stamps."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            array = np.ascontiguousarray(arrays[name])
            little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
            member = io.BytesIO()
            np.lib.format.write_array(member, little_endian, version=(1, 0), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", EPOCH)
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, member.getvalue())


def quantise(values: np.ndarray, step: float, dtype) -> np.ndarray:
    """Multiples of ``step`` as integers; raises OverflowError where they do not fit."""
    counts = np.rint(np.asarray(values) / step)
    limits = np.iinfo(dtype)
    if counts.min(initial=0) < limits.min or counts.max(initial=0) > limits.max:
        raise OverflowError(
            f"values in [{np.min(values)}, {np.max(values)}] do not fit {np.dtype(dtype)} at step {step}"
        )
    return counts.astype(dtype)


def settled(values: np.ndarray, decimals: int = 6) -> np.ndarray:
    """float32 values rounded, and without negative zeros, which rounding makes of noise."""
    return (np.round(np.asarray(values, dtype=np.float64), decimals) + 0.0).astype(np.float32)


def sha256_file(path: Path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()

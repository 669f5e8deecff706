"""Reading files that strangers made: whole but within a size, JSON but within a depth, and from
within their folder only. Every reader of assets goes through here or through :mod:`mannequin.generator.io.npz`.
"""

import json
import math
import os
import re
import stat
from dataclasses import replace
from pathlib import Path

from mannequin.generator.errors import AssetError, MannequinError
from mannequin.generator.io import limits
from mannequin.generator.io.remote import Place, RemotePath

_LARGE = re.compile(r"[0-9]{19}|[eE]\+?[0-9]{3}")
"""What stands in a text that has numbers beyond floats and 64 bits; others are parsed in half the time."""


def read_bytes(path: Place | str, most: int, expected: str, error: type[MannequinError] = AssetError) -> bytes:
    """The content of a regular file of at most ``most`` bytes.

    expected: what it should have been, for the message. Raises ``error`` for anything else.
    """
    if isinstance(path, RemotePath):
        return replace(path, error=error).read_bytes(most, expected)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # or a pipe would wait for its other end
        with open(handle, "rb") as stream:
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode):
                raise error(f"{path} is not a regular file. Expected {expected}.")
            if about.st_size > most:
                raise error(f"{path} has {about.st_size} bytes. Expected {expected}, of at most {most} bytes.")
            return stream.read(about.st_size)  # not ``most``, for which room would be made
    except (OSError, ValueError) as e:  # ValueError: a path with a NUL
        raise error(
            f"Cannot read {path} ({getattr(e, 'strerror', None) or e}). Expected {expected}; check the path."
        ) from e


def read_json(path: Place | str, expected: str, error: type[MannequinError] = AssetError):
    """The plain values of a JSON file. Raises ``error`` for any other file."""
    return parse_json(read_bytes(path, limits.JSON_BYTES, expected, error), str(path), expected, error)


def parse_json(text: bytes | str, where: str, expected: str, error: type[MannequinError] = AssetError):
    """The plain values of a JSON text in UTF-8. Raises ``error`` for another, and for NaN, infinity, numbers beyond
    any float and whole numbers beyond 64 bits."""
    try:
        text = text if isinstance(text, str) else text.decode("utf-8-sig")
        careful = {"parse_float": _finite, "parse_int": _integer} if _LARGE.search(text) else {}
        plain = json.loads(text, parse_constant=_refuse, **careful)
    except (ValueError, RecursionError) as e:
        raise error(f"{where} is not JSON ({e}). Expected {expected}.") from e
    if _deeper(plain, limits.JSON_DEPTH):
        raise error(f"{where} nests its values deeper than {limits.JSON_DEPTH}. Expected {expected}.")
    return plain


def _refuse(constant: str):
    raise ValueError(f"{constant} is no number")


def _finite(digits: str) -> float:
    value = float(digits)
    return value if abs(value) < math.inf else _refuse(f"{digits[:40]}, beyond any float,")


def _integer(digits: str) -> int:
    value = int(digits)
    return value if abs(value) < limits.JSON_INTEGER else _refuse(f"{digits[:40]}, beyond 64 bits,")


def _deeper(plain, depth: int) -> bool:
    """Whether lists and objects lie in one another deeper than ``depth``; does not recurse."""
    level = [plain]
    for _ in range(depth):
        level = [
            inner
            for value in level
            if isinstance(value, (list, dict))
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return False
    return any(isinstance(value, (list, dict)) for value in level)


def contained(path: Path, folder: Path) -> Path:
    """``path`` if, links followed, it lies in ``folder``. Raises AssetError for one that leads out of it."""
    if "\0" in str(path) or not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise AssetError(
            f"{str(path)!r} leads out of its folder. Expected files within "
            f"{str(folder)!r}; put a copy there in place of the link, or name the other folder itself."
        )
    return path

"""Versions of the software that decides a result, and of the processor, which decides some of Cycles' last bits."""

import platform
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib import metadata

from mannequin import __version__

_LEVELS = {
    "x86-64-v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
    "x86-64-v3": {"avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"},
    "x86-64-v2": {"popcnt", "sse4_1", "sse4_2", "ssse3"},
}
"""Level of the x86-64 instruction set → the features, as Linux calls them, that it has beyond the lower ones."""


@cache
def instruction_set() -> str:
    """That of this processor: its x86-64 level where Linux tells the features, elsewhere its architecture."""
    features: set[str] = set()
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        features = next((set(line.split(":")[1].split()) for line in file if line.startswith("flags")), features)
    return level_of(features) or platform.machine() or "unknown"


def level_of(features: set[str]) -> str:
    """The highest x86-64 level whose features, and those of all below, are there; "" if none is."""
    levels = list(_LEVELS)
    reached = [level for k, level in enumerate(levels) if all(_LEVELS[below] <= features for below in levels[k:])]
    return reached[0] if reached else ""


def versions_of(names: Iterable[str]) -> dict[str, str]:
    """Name of a distribution → its version; those that are absent are left out. Mannequin's is that of the code that
    runs, which may run from its source tree, not installed."""
    found = {}
    for name in names:
        try:
            found[name] = __version__ if name == "mannequin" else metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found

"""Versions of the software that decides a result."""

from collections.abc import Iterable
from importlib import metadata

from mannequin import __version__


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

"""What tests need beyond the package itself, read off what their files import; conftest.py marks them by it."""

import importlib.util
from functools import cache
from pathlib import Path

from tests.imports import imports

TESTS = Path(__file__).resolve().parent
BELONGS = {
    "mannequin.training": "training",
    "torch": "training",
    "smplx": "training",
    "mannequin.renderers.production.dask_pool": "cluster",
    "moto": "cluster",
    "boto3": "cluster",
    "bpy": "blender",
}
"""Module → marker of the tests whose file imports it."""
LIBRARY = {"training": "torch", "cluster": "distributed", "blender": "bpy", "browser": "playwright"}
"""Marker → what must be installed for tests that carry it."""


@cache
def needs(path: Path) -> frozenset[str]:
    """Markers that all tests of a file carry: by its own imports, and by those of the helpers in tests/ it imports."""
    found = set()
    for name in imports(path):
        found |= {marker for module, marker in BELONGS.items() if f"{name}.".startswith(f"{module}.")}
        helper = TESTS / f"{name.removeprefix('tests.')}.py"
        if helper.is_file() and helper != path and "." not in name.removeprefix("tests."):
            found |= needs(helper)
    return frozenset(found)


def lacking(markers) -> str | None:
    """Why tests with these markers cannot run in this environment, or None."""
    for marker in sorted(LIBRARY.keys() & set(markers)):
        if importlib.util.find_spec(LIBRARY[marker]) is None:
            return f"needs {LIBRARY[marker]}, which is not installed"
    return None

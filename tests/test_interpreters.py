"""Python 3.11 with Blender 5.0 and another Python with another Blender make the same clips."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tests.imports import ROOT

OTHER = os.environ.get("MANNEQUIN_OTHER_PYTHON")
"""The other interpreter, in whose environment are bpy and what Mannequin needs."""
CLOSE = 8
"""Levels of 255 by which colours may differ. Other denoisers and libraries make 3 of them; another sampling pattern, by
which silhouettes looked dotted, made a hundred and more."""

pytestmark = pytest.mark.blender


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> list[dict[str, np.ndarray]]:
    """The arrays of tests/interpreters.py by this Python and by the other one."""
    if OTHER is None:
        pytest.skip("compares two Pythons: set MANNEQUIN_OTHER_PYTHON to the path of another one")
    folder, found = tmp_path_factory.mktemp("interpreters"), []
    for name, python in (("this", sys.executable), ("other", OTHER)):
        out = folder / f"{name}.npz"
        words = [python, str(ROOT / "tests" / "interpreters.py"), str(out)]
        done = subprocess.run(
            words, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        with np.load(out) as arrays:
            found.append(dict(arrays))
    return found


def test_descriptions_people_and_labels_are_the_same_bytes(both):
    this, other = both
    assert this.keys() == other.keys() and sum(name.endswith("/segm") for name in this) == 5
    exact = [name for name in this if not name.endswith("/rgb")]
    assert [n for n in exact if this[n].dtype != other[n].dtype or this[n].tobytes() != other[n].tobytes()] == []
    assert all(this[name].any() for name in this if name.endswith("/segm"))


def test_colours_are_as_good_as_the_same(both):
    this, other = both
    apart = {n: int(np.abs(this[n].astype(int) - other[n]).max()) for n in this if n.endswith("/rgb")}
    assert len(apart) == 5 and max(apart.values()) <= CLOSE, apart

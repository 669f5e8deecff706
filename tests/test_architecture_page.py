"""docs/architecture.md is true: its picture is of this code, what it names exists, and no room is left out."""

import re
import sys

import pytest

from tests.imports import ROOT
from tests.test_architecture import FILES, LINKED, MAY_IMPORT

PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


@pytest.fixture(scope="module")
def drawing():
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import architecture

        yield architecture
    finally:
        sys.path.remove(str(ROOT / "docs"))
        del sys.modules["architecture"]


@pytest.mark.slow
def test_the_picture_is_of_this_code(drawing):
    drawn = (ROOT / "docs" / "architecture.svg").read_text("utf-8")
    assert drawn == drawing.svg(), "the rooms have changed: run python docs/architecture.py"


@pytest.mark.slow
def test_arrows_are_those_that_are_allowed(drawing):
    arrows = drawing.imports()
    assert ("training", "generator") in arrows and ("generator", "training") not in arrows
    converter = {("assets_manifest", "generator")}  # makes the bodies anew, on request
    assert all(to in MAY_IMPORT[room] for room, to in arrows - converter)


def test_every_room_is_drawn(drawing):
    assert set(drawing.ROOMS) == {*LINKED, "mannequin"}
    for room in drawing.ROOMS:
        folders = {path.relative_to(ROOT / room).parts[0] for path in FILES if path.is_relative_to(ROOT / room)}
        assert {name for name in folders if not name.endswith(".py")} == set(drawing.rooms_in(room))


def defined() -> set[str]:
    """Names of all classes and functions of ours, and of constants."""
    text = "\n".join(path.read_text("utf-8") for path in FILES)
    return set(re.findall(r"(?m)^\s*(?:class|def) (\w+)", text)) | set(re.findall(r"(?m)^([A-Z_0-9]+)\b.* = ", text))


@pytest.mark.parametrize("page", [PAGE, CONTRIBUTING], ids=["architecture", "contributing"])
def test_what_the_pages_name_exists(page):
    names = set(re.findall(r"`([A-Za-z_]\w*)s?`", page))
    known = defined() | {
        "step",
        "best",
        "needs",
        "targets",
        "small",
        "slow",
        "mannequin",
        "convert",
        "upright",
        "evaluate",
        "export",
    }
    assert len(names) > 10
    assert not {name for name in names if name not in known}
    paths = {path for path in re.findall(r"`((?:\w+/)+[\w.]*)`", page) if "NAME" not in path and "upright" not in path}
    assert paths
    for path in paths:
        assert any((ROOT / folder / path).exists() for folder in ("", "mannequin", "assets_manifest")), path

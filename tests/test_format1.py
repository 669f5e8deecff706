"""Clips of format 1, written by the release before version 2, are read as that release read them.

``tests/data/format1`` was made at commit e640e07: ``people`` are two clips of its preset studio; ``hands.h5`` is a clip
of its preset surreal with 52 joints and all channels, cut to 100 vertices; ``several.h5`` is noise of two cameras, two
people and rgb as PNG. ``expected.json`` holds what that commit's ``read_clip`` gave, by :func:`values_of`.
"""

import hashlib
import json
import shutil
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from mannequin.generator.clip import OUTSIDE, UNKNOWN
from mannequin.generator.dataset.folder import create_or_resume, open_dataset
from mannequin.generator.dataset.native import open_clip, read_clip, verify_clip, write_clip
from mannequin.generator.errors import DatasetError

DATA = Path(__file__).parent / "data" / "format1"
EXPECTED = json.loads((DATA / "expected.json").read_text("utf-8")) if (DATA / "expected.json").exists() else {}
FILES = sorted(path.relative_to(DATA).as_posix() for path in DATA.rglob("*.h5"))


def values_of(value, name="") -> dict[str, str]:
    """All that a clip holds but its description: path → type, shape and sha256 of an array, or the value itself."""
    if isinstance(value, np.ndarray):
        digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return {name: f"{value.dtype.str} {list(value.shape)} {digest}"}
    if is_dataclass(value):
        inner = {f.name: getattr(value, f.name) for f in fields(value) if f.name != "spec"}
    elif isinstance(value, dict):
        inner = value
    else:
        return {name: repr(value)}
    found = {}
    for key, part in inner.items():
        found |= values_of(part, f"{name}/{key}")
    return found


LATER = ("/visibility", "/amodal_box", "/amodal_pixels")
"""What has been told of people since."""


def values_then(clip) -> dict[str, str]:
    """``values_of`` what that release knew of: one matrix for all frames of a camera, and not who hides whom."""
    assert all((view.K == view.K[:1]).all() for view in clip.views.values())
    views = {name: replace(view, K=view.K[0].copy(), amodal={}) for name, view in clip.views.items()}
    return {name: told for name, told in values_of(replace(clip, views=views)).items() if not name.endswith(LATER)}


def test_what_has_been_told_since_is_known_of_one_and_unknown_of_several():
    one, several = (next(iter(read_clip(DATA / name).views.values())) for name in ("hands.h5", "several.h5"))
    (person,) = one.people.values()
    assert np.array_equal(person.amodal_pixels, person.pixels) and one.amodal.keys() == one.people.keys()
    assert not several.amodal and all((p.amodal_pixels == UNKNOWN).all() for p in several.people.values())
    for person in (*one.people.values(), *several.people.values()):
        assert np.array_equal(person.visibility == OUTSIDE, ~person.in_frame)


def test_there_are_clips():
    assert FILES == sorted(EXPECTED) and len(FILES) == 4
    assert any("vertices" in name for name in EXPECTED["hands.h5"]) and len(EXPECTED["several.h5"]) > 60


@pytest.mark.parametrize("file", FILES)
def test_every_array_is_what_it_was(file):
    assert values_then(read_clip(DATA / file)) == EXPECTED[file]


@pytest.mark.parametrize("file", FILES)
def test_frames_are_those_of_the_whole(file):
    whole = read_clip(DATA / file)
    with open_clip(DATA / file) as reader:
        for camera in reader.cameras:
            for channel in reader.channels(camera):
                frame = reader.frame(camera, channel, 1)
                assert np.array_equal(frame, whole.views[camera].frame(channel, 1))


@pytest.mark.parametrize("file", FILES)
def test_validation_accepts_them(file):
    assert verify_clip(DATA / file) == []


def test_their_descriptions_are_read():
    with open_clip(DATA / "several.h5") as reader:
        assert [p.name for p in reader.spec.people] == list(reader.people) == ["person0", "person1"]
    assert [spec.people[0].joints for spec in (read_clip(DATA / f).spec for f in FILES)] == [52, 24, 24, 24]


@pytest.mark.parametrize("file", FILES)
def test_damage_is_found(tmp_path, file):
    data = bytearray((DATA / file).read_bytes())
    data[len(data) // 2] ^= 4
    (tmp_path / "a.h5").write_bytes(data)
    assert verify_clip(tmp_path / "a.h5")


@pytest.mark.parametrize("file", FILES)
def test_written_anew_they_hold_the_same(tmp_path, file):
    clip = read_clip(DATA / file)
    write_clip(tmp_path / "a.h5", clip, rgb="png")
    assert values_then(read_clip(tmp_path / "a.h5")) == EXPECTED[file]


def test_both_versions_may_lie_in_one_folder_but_none_is_resumed(tmp_path):
    folder = tmp_path / "people"
    shutil.copytree(DATA / "people", folder)
    write_clip(folder / "clips" / "000" / "000002.h5", read_clip(DATA / "several.h5"))
    dataset = open_dataset(folder)
    assert [dataset.read(index).spec.num_frames for index in dataset] == [2, 2, 2]
    with pytest.raises(DatasetError, match="clips of format 1.*writes format 2.*new folder"):
        create_or_resume(folder, dataset.config, 8)

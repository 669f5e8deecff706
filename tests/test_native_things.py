"""Hands and objects in clip files, and in clips whatever holds them; files of version 1 that have objects."""

import json
import shutil
from dataclasses import fields, replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from mannequin.generator.categories import CATEGORIES
from mannequin.generator.clip import class_of_instance
from mannequin.generator.dataset.native import open_clip, read_clip, verify_clip, write_clip
from mannequin.generator.dataset.source import MemorySource
from mannequin.generator.errors import ConfigError, DatasetError
from tests.clips import ball_clip, noise_clip, with_things

DATA = Path(__file__).parent / "data"
EYE = np.eye(4).tolist()


def same(a, b):
    """Two tracks or views, field by field."""
    for field in fields(a):
        one, other = getattr(a, field.name), getattr(b, field.name)
        assert type(one) is type(other) and np.array_equal(one, other), field.name
        assert not isinstance(one, np.ndarray) or one.dtype == other.dtype


def same_things(one, other):
    assert one.spec == other.spec
    for group in ("people", "hands", "objects"):
        assert list(getattr(one, group)) == list(getattr(other, group))
        for name, track in getattr(one, group).items():
            same(track, getattr(other, group)[name])
    for camera, view in one.views.items():
        for group in ("people", "hands", "objects"):
            seen = getattr(other.views[camera], group)
            assert list(getattr(view, group)) == list(seen)
            for name, found in getattr(view, group).items():
                same(found, seen[name])


@pytest.mark.parametrize(("people", "hands", "objects", "vertices"), [(1, 1, 2, 7), (0, 2, 0, 0), (2, 0, 3, 0)])
@pytest.mark.parametrize("effort", ["fast", "small"])
def test_round_trip(tmp_path, people, hands, objects, vertices, effort):
    clip = with_things(noise_clip(5, frames=3, people=people, cameras=2), hands, objects, vertices)
    write_clip(tmp_path / "a.h5", clip, effort=effort)
    same_things(clip, read_clip(tmp_path / "a.h5"))
    assert verify_clip(tmp_path / "a.h5") == []


def test_a_clip_without_them_holds_nothing_of_them(tmp_path):
    write_clip(tmp_path / "a.h5", noise_clip(1))
    with h5py.File(tmp_path / "a.h5") as file:
        names = []
        file.visit(names.append)
    assert not [n for n in names if "hands" in n or "objects" in n]


@pytest.fixture(params=["file", "memory"])
def source(request, tmp_path):
    clip = with_things(ball_clip(4, (24, 32)))
    write_clip(tmp_path / "a.h5", clip, rgb="png")
    with open_clip(tmp_path / "a.h5") if request.param == "file" else MemorySource(clip) as opened:
        yield clip, opened


def test_sources_answer_for_hands_and_objects(source):
    clip, opened = source
    assert (opened.people, opened.hands, opened.objects) == (("person0",), ("hand0",), ("object0", "object1"))
    assert opened.shown("camera") == ("person0",) and opened.hands_shown("camera") == ("hand0",)
    assert opened.objects_shown("camera") == ("object0", "object1")
    view = clip.views["camera"]
    same(opened.track("hand0"), clip.hands["hand0"])
    same(opened.person_view("camera", "hand0"), view.hands["hand0"])
    for name in opened.objects:
        same(opened.object_track(name), clip.objects[name])
        same(opened.object_view("camera", name), view.objects[name])
        part = opened.object_view("camera", name, 1, 3)
        assert np.array_equal(part.box, view.objects[name].box[1:3]) and len(part.pixels) == 2
        part.box[:] = -1  # what a source gives is the caller's own
        same(opened.object_view("camera", name), view.objects[name])
    same_things(clip, opened.read())


def test_sources_give_the_class_of_every_pixel(source):
    clip, opened = source
    instance = opened.images("camera", "instance")
    category = opened.images("camera", "category")
    assert category.dtype == np.uint8 and (category == (instance == 1)).all() and instance.any()
    assert (opened.frame("camera", "category", 2) == category[2]).all()
    table = class_of_instance(clip.spec)
    named = {int(i): CATEGORIES[table[i] - 1] for i in np.flatnonzero(table)}
    assert named == {1: "person", 101: "hand", 201: "sphere", 202: "object"}


@pytest.mark.parametrize(
    "ask",
    [
        lambda s: s.track("object0"),
        lambda s: s.object_track("hand0"),
        lambda s: s.object_view("camera", "person0"),
        lambda s: s.person_view("camera", "object0"),
        lambda s: s.object_view("camera", "object0", 3, 9),
    ],
)
def test_what_a_clip_lacks_is_refused_by_name(source, ask):
    with pytest.raises(ConfigError):
        ask(source[1])


@pytest.mark.parametrize(
    "changes",
    [
        {"objects": {"object9": None}},
        {"hands": {"hand9": None}},
    ],
)
def test_what_the_description_lacks_is_not_written(tmp_path, changes):
    clip = with_things(noise_clip(2))
    group, renamed = next(iter(changes.items()))
    (name, track), *_ = getattr(clip, group).items()
    broken = replace(clip, **{group: {next(iter(renamed)): track}})
    with pytest.raises(ConfigError, match=name[:-1]):
        write_clip(tmp_path / "a.h5", broken)


def test_arrays_of_another_shape_are_not_written(tmp_path):
    clip = with_things(noise_clip(2))
    track = clip.objects["object0"]
    with pytest.raises(ValueError, match="scale"):
        write_clip(tmp_path / "a.h5", replace(clip, objects={"object0": replace(track, scale=np.ones(2))}))
    with pytest.raises(ValueError, match="T_world_object"):
        half = track.T_world_object.astype(np.float32)
        write_clip(tmp_path / "a.h5", replace(clip, objects={"object0": replace(track, T_world_object=half)}))


# Version 1


def of_version_1(path, objects):
    """A clip file of version 1 whose description has ``objects``."""
    shutil.copy(DATA / "clip_version_1.h5", path)
    with h5py.File(path, "a") as file:
        plain = json.loads(bytes(file["spec"][:])) | {"objects": objects}
        del file["spec"]
        file["spec"] = np.frombuffer(json.dumps(plain).encode(), np.uint8)
    return path


def test_objects_of_version_1_have_the_tracks_that_were_described(tmp_path):
    thing = {"name": "ball", "mesh": "sphere", "T_world_object": [EYE], "scale": [0.3] * 3, "color": [1, 0, 0]}
    clip = read_clip(of_version_1(tmp_path / "a.h5", [thing]))
    track = clip.objects["ball"]
    assert (track.mesh, track.category, track.instance) == ("sphere", "sphere", 2)
    assert (track.T_world_object == np.eye(4)).all() and len(track.T_world_object) == clip.spec.num_frames
    assert not clip.views["camera0"].objects and not clip.hands


@pytest.mark.parametrize("damage", [3, [3], [{"name": "ball"}], [{"mesh": []}]])
def test_damaged_objects_of_version_1_are_refused(tmp_path, damage):
    path = of_version_1(tmp_path / "a.h5", damage)
    with pytest.raises(DatasetError, match=r"a\.h5"):
        read_clip(path)

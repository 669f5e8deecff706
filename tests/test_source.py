"""One contract for whatever holds a clip: our file, SURREAL's files, memory."""

import re

import numpy as np
import pytest

from mannequin.generator.dataset.native import ClipReader, open_clip, write_clip
from mannequin.generator.dataset.source import PERSON_ARRAYS, ClipSource, MemorySource
from mannequin.generator.dataset.surreal import view_files
from mannequin.generator.dataset.surreal_reader import SurrealReader
from mannequin.generator.errors import ConfigError
from tests.clips import ball_clip, noise_clip
from tests.test_native import same_clip, same_fields, same_labels

SIZE = (48, 64)


@pytest.fixture(scope="module")
def clip():
    return ball_clip(3, SIZE, people=2)


@pytest.fixture(scope="module", params=["file", "memory", "surreal"])
def source(request, clip, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "file":
        write_clip(folder / "a.h5", clip, rgb="png")
        opened = open_clip(folder / "a.h5")
    elif request.param == "memory":
        opened = MemorySource(clip)
    else:
        for end, content in view_files(clip, "camera").items():
            (folder / f"a{end}").write_bytes(content)
        opened = SurrealReader(folder / "a_info.mat", "plain")
    with opened as source:
        yield source


def test_the_parts_of_a_source_are_those_of_the_whole(source):
    assert isinstance(source, ClipSource)
    whole = source.read()
    assert (source.num_frames, source.resolution) == (3, SIZE) == (source.spec.num_frames, source.spec.resolution)
    assert tuple(whole.views) == source.cameras == ("camera",)
    assert tuple(whole.people) == source.people == source.shown("camera") == ("person0", "person1")
    view = whole.views["camera"]
    assert source.channels("camera") == view.channels
    assert np.array_equal(source.K("camera"), view.K)
    assert np.array_equal(source.T_world_camera("camera"), view.T_world_camera)
    for name in (*view.channels, "segm14"):
        images = view.images(name)
        assert np.array_equal(source.images("camera", name), images)
        assert np.array_equal(source.images("camera", name, 1, 3), images[1:])
        assert np.array_equal(source.frame("camera", name, 1), images[1])
    labels = source.labels("camera", iter(("segm", "depth")), 1)
    assert labels.num_frames == 2 and list(labels.values) == ["segm", "depth"]
    assert np.array_equal(source.labels("camera", (), 2, 3).mask(0), view.labels.mask(2))
    for person in source.people:
        same_fields(source.person_view("camera", person), view.people[person])
        some = source.person_arrays("camera", person, iter(PERSON_ARRAYS), 1, 2)
        assert list(some) == list(PERSON_ARRAYS)
        for name, values in some.items():
            assert np.array_equal(values, getattr(view.people[person], name)[1:2])
        in_sight = source.in_sight("camera", person)
        assert in_sight.dtype == bool and in_sight.shape == (3,) and in_sight.all()
        assert np.array_equal(source.track(person).joints, whole.people[person].joints)


def test_what_a_source_gives_is_the_callers_own(source):
    def everything():
        labels = source.labels("camera", ("segm",))
        arrays = [source.rgb("camera"), labels.offsets, labels.pixels, labels.values["segm"], source.K("camera")]
        return [
            *arrays,
            source.T_world_camera("camera"),
            *source.person_arrays("camera", "person0", PERSON_ARRAYS).values(),
        ]

    before = [array.copy() for array in everything()]
    for array in everything():
        array[...] = 1
    assert all(np.array_equal(a, b) for a, b in zip(before, everything(), strict=True))


def test_wrong_questions_are_answered_with_the_names(source):
    for ask, words in (
        (lambda: source.frame("camra", "depth", 0), "Did you mean 'camera'"),
        (lambda: source.shown("camra"), "Did you mean 'camera'"),
        (lambda: source.K("camra"), "Did you mean 'camera'"),
        (lambda: source.labels("camera", ("dept",)), "Did you mean 'depth'"),
        (lambda: source.labels("camera", ("rgb",)), "Unknown channel 'rgb'"),
        (lambda: source.images("camera", "segm13"), "Unknown channel"),
        (lambda: source.rgb("camera", 1, 1), "clip of 3"),
        (lambda: source.rgb("camera", 2, 4), "clip of 3"),
        (lambda: source.labels("camera", (), -1, 1), "clip of 3"),
        (lambda: source.person_arrays("camera", "person0", ("box",), 3), "clip of 3"),
        (lambda: source.person_view("camera", "person3"), "Unknown person 'person3'"),
        (lambda: source.track("person3"), "Unknown person 'person3'"),
        (lambda: source.in_sight("camera", "person3"), "Unknown person 'person3'"),
    ):
        with pytest.raises(ConfigError, match=re.escape(words)):
            ask()


def test_a_clip_in_memory_is_read_as_its_file(tmp_path):
    clip = noise_clip(3, people=2, cameras=2, channels=("segm", "instance", "flow"))
    write_clip(tmp_path / "a.h5", clip, rgb="png")
    memory = MemorySource(clip)
    assert memory.read() is clip and memory.path == clip.spec.name
    with open_clip(tmp_path / "a.h5") as file:
        assert isinstance(file, ClipReader)
        same_clip(clip, file.read())
        for camera in memory.cameras:
            assert memory.channels(camera) == file.channels(camera) and memory.shown(camera) == file.shown(camera)
            same_labels(memory.labels(camera, ("flow",), 1), file.labels(camera, ("flow",), 1))
            assert np.array_equal(memory.rgb(camera, 1), file.rgb(camera, 1))
    with pytest.raises(ConfigError, match="Unknown channel 'rgb'"):
        MemorySource(noise_clip(3, rgb=False)).rgb("camera 0")

"""One way to open what holds clips: what is found, what is passed over, and what is told of damage."""

import json
from dataclasses import asdict

import pytest

from mannequin.generator.dataset import failures
from mannequin.generator.dataset.collection import open_collection
from mannequin.generator.dataset.failures import Failure
from mannequin.generator.dataset.folder import create_or_resume
from mannequin.generator.dataset.native import ClipReader, write_clip
from mannequin.generator.dataset.surreal import export_surreal
from mannequin.generator.dataset.surreal_reader import SurrealReader
from mannequin.generator.errors import ConfigError, DatasetError
from tests.clips import ball_clip

SMALL = (60, 80)


def make_dataset(folder, count=3):
    dataset = create_or_resume(folder, {"test": 1}, count)
    for i in range(count):
        clip = ball_clip(2, SMALL, index=i, name=f"clip {i}", tags={"action": "walk", "run": float(i)})
        write_clip(dataset.path_of(i), clip)
    return dataset


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("made") / "native")


@pytest.fixture
def exported(made, tmp_path):
    export_surreal(made, tmp_path / "surreal", mirror=True)
    return tmp_path / "surreal"


def test_a_dataset_of_ours(made):
    collection = open_collection(str(made.path))
    assert (collection.kind, list(collection.keys), len(collection)) == ("native", ["000000", "000001", "000002"], 3)
    assert collection.dataset.config == {"test": 1} and collection.failures() == []
    with collection.open("000001") as reader:
        assert isinstance(reader, ClipReader) and reader.spec.name == "clip 1"
    found = collection.summary("000002")
    assert asdict(found) == {
        "key": "000002",
        "name": "clip 2",
        "state": "done",
        "problem": "",
        "split": "train",
        "action": "walk",
        "bodies": ("mannequin-female",),
        "people": 1,
        "cameras": 1,
        "frames": 2,
        "fps": 30.0,
        "resolution": SMALL,
        "tags": {"action": "walk", "run": 2.0},
    }


def test_a_folder_in_surreals_layout(exported):
    collection = open_collection(exported)
    assert collection.kind == "surreal" and collection.dataset is None and collection.failures() == []
    assert list(collection.keys) == ["run0/clip_0/clip_0_c0001", "run1/clip_1/clip_1_c0001", "run2/clip_2/clip_2_c0001"]
    with collection.open(collection.keys[1]) as reader:
        assert isinstance(reader, SurrealReader) and reader.mirrored
    found = collection.summary(collection.keys[1])
    assert (found.name, found.state, found.bodies, found.frames, found.resolution) == (
        "run1_clip_1_c0001",
        "done",
        ("smpl_female",),
        2,
        SMALL,
    )
    with pytest.raises(DatasetError, match="said to be plain"):
        open_collection(exported, handedness="plain").open(collection.keys[0])


def test_single_files(made, exported):
    one = open_collection(made.path_of(1))
    assert (one.kind, one.keys, one.summary("000001").name) == ("clip", ["000001"], "clip 1")
    two = open_collection(exported / "run2" / "clip_2" / "clip_2_c0001_info.mat")
    assert (two.kind, two.keys, two.summary("clip_2_c0001").people) == ("clip", ["clip_2_c0001"], 1)


def test_damage_in_the_middle_is_told_and_the_rest_goes_on(tmp_path, exported):
    dataset = make_dataset(tmp_path / "native")
    file = dataset.path_of(1)
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])  # the end alone is a table, without which a clip is whole
    (exported / "run1" / "clip_1" / "clip_1_c0001_info.mat").write_bytes(b"nothing")
    for path in (dataset.path, exported):
        collection = open_collection(path)
        found = [collection.summary(key) for key in collection.keys]
        assert [s.state for s in found] == ["done", "damaged", "done"]
        assert (
            found[1].key == collection.keys[1]
            and str(path) in found[1].problem
            and found[1].bodies == ()
            and found[1].tags == {}
        )
        with pytest.raises(DatasetError):
            collection.open(collection.keys[1])


def test_failures_are_listed(tmp_path):
    dataset = make_dataset(tmp_path, 2)
    about = {"log": "", "attempts": 1, "at": "now", "host": "here", "versions": {}}
    told = Failure(5, "five", "no light", spec={"name": "five"}, **about)
    failures.record(tmp_path, told)
    failures.record(tmp_path, Failure(1, "made since", "no luck", spec=None, **about))
    broken = failures.record(tmp_path, Failure(7, "seven", "no luck", spec=None, **about))
    broken.write_text(json.dumps({"clip": "seven"}))
    first, second = open_collection(dataset.path).failures()
    assert first == told
    assert second.clip == 7 and "Failure.clip" in second.error


def test_hidden_and_foreign_files_are_passed_over(made, exported):
    for path in (
        ".hidden/a/a_c0001_info.mat",
        "run0/._clip_0_c0001_info.mat",
        "run0/notes.txt",
        "run0/clip_0/clip_0_c0001_info.mat.part",
    ):
        (exported / path).parent.mkdir(parents=True, exist_ok=True)
        (exported / path).write_bytes(b"")
    assert len(open_collection(exported)) == 3
    (made.path / "clips" / "000" / ".000009.h5.part").write_bytes(b"")
    assert len(open_collection(made.path)) == 3


def test_linked_folders_are_followed_and_circles_are_not(exported):
    (exported / "run0" / "again").symlink_to(exported)
    (exported.parent / "linked").mkdir()
    (exported.parent / "linked" / "there").symlink_to(exported / "run1")
    assert len(open_collection(exported)) == 3
    assert list(open_collection(exported.parent / "linked").keys) == ["there/clip_1/clip_1_c0001"]


@pytest.mark.slow
def test_ten_thousand_links_are_listed_without_opening_one(exported, monkeypatch):
    clip = exported / "run0" / "clip_0" / "clip_0_c0001_info.mat"
    many = exported.parent / "many"
    for i in range(10_000):
        if i % 500 == 0:
            (many / f"{i // 500:02d}").mkdir(parents=True)
        (many / f"{i // 500:02d}" / f"{i:05d}_info.mat").symlink_to(clip)
    opened = []
    monkeypatch.setattr(SurrealReader, "__init__", lambda self, path, handedness: opened.append(path))
    collection = open_collection(many)
    assert len(collection) == 10_000 and list(collection.keys[:2]) == ["00/00000", "00/00001"] and not opened
    collection.open("19/09999")
    assert opened == [many / "19" / "09999_info.mat"]


def test_what_is_no_collection_is_refused_with_what_was_expected(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "other.txt").write_text("x")
    for name, says in (("absent", "There is no"), ("empty", "holds no clips"), ("other.txt", "is no clip")):
        with pytest.raises(DatasetError, match=f"{says}.*") as e:
            open_collection(tmp_path / name)
        assert "Expected a folder with dataset.json" in str(e.value) and "_info.mat" in str(e.value)
    create_or_resume(tmp_path / "unfinished", {"test": 1}, 3)
    with pytest.raises(DatasetError, match="no finished clips yet"):
        open_collection(tmp_path / "unfinished")


def test_an_unknown_key_is_named(made):
    collection = open_collection(made.path)
    for call in (collection.open, collection.summary):
        with pytest.raises(ConfigError, match="Unknown clip '000003'"):
            call("000003")

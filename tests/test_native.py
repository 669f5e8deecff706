"""The native clip file: round trips, accuracy, damage, atomicity."""

import errno
import multiprocessing
import os
import re
import resource
import runpy
import signal
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mannequin.generator.body.model import MERGE_14
from mannequin.generator.clip import CHANNELS, LABELS, Clip, Foreground, PersonView, View
from mannequin.generator.dataset import images
from mannequin.generator.dataset.native import clip_bytes, open_clip, read_clip, verify_clip, write_clip
from mannequin.generator.errors import ConfigError, DatasetError
from mannequin.generator.io import atomic
from tests.clips import ball_clip, noise_clip

LARGEST_ERROR = {
    "depth": 0.00006,
    "normal": 0.00002,
    "flow": 0.00392,
    "flow_backward": 0.00392,
    "uv": 0.00001,
    "chart_uv": 0.00001,
}
DOCS = Path(__file__).parent.parent / "docs" / "format.md"
SMALL = (60, 80)


def same_fields(a, b, skip=()):
    for field in fields(a):
        x, y = getattr(a, field.name), getattr(b, field.name)
        if field.name in skip:
            continue
        if isinstance(x, np.ndarray):
            assert x.dtype == y.dtype and np.array_equal(x, y), field.name
        else:
            assert type(x) is type(y) and x == y, field.name


def same_labels(a, b):
    assert a.resolution == b.resolution and list(a.values) == list(b.values)
    for x, y in ((a.offsets, b.offsets), (a.pixels, b.pixels)):
        assert x.dtype == y.dtype and np.array_equal(x, y)
    for name, x in a.values.items():
        y = b.values[name]
        assert x.dtype == y.dtype and x.shape == y.shape and y.flags.c_contiguous
        assert np.abs(x.astype(float) - y).max(initial=0) <= LARGEST_ERROR.get(name, 0), name


def same_clip(a, b):
    assert a.spec == b.spec and a.versions == b.versions and a.agreement == b.agreement
    assert list(a.views) == list(b.views) and list(a.people) == list(b.people)
    for name, view in a.views.items():
        other = b.views[name]
        same_fields(view, other, skip=("labels", "people", "amodal"))
        same_labels(view.labels, other.labels)
        assert list(view.amodal) == list(other.amodal)
        for thing, mask in view.amodal.items():
            same_labels(mask, other.amodal[thing])
        assert list(view.people) == list(other.people)
        for person, seen in view.people.items():
            same_fields(seen, other.people[person])
    for name, track in a.people.items():
        same_fields(track, b.people[name])


clips = st.builds(
    noise_clip,
    seed=st.integers(0, 2**32),
    frames=st.integers(1, 5),
    resolution=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    people=st.integers(0, 3),
    cameras=st.integers(1, 3),
    channels=st.lists(st.sampled_from(LABELS), unique=True).map(lambda names: tuple(n for n in LABELS if n in names)),
    rgb=st.booleans(),
    joints=st.sampled_from([24, 52]),
    vertices=st.sampled_from([0, 11]),
    coverage=st.sampled_from([0.0, 0.1, 0.9, 1.0]),
)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("native")


@pytest.mark.slow
@given(clip=clips, effort=st.sampled_from(["fast", "small"]))
@settings(max_examples=60)
def test_round_trip(folder, clip, effort):
    path = folder / "clip.h5"
    size = write_clip(path, clip, rgb="png", effort=effort)
    assert size == path.stat().st_size
    same_clip(clip, read_clip(path))
    assert verify_clip(path) == []


@pytest.mark.slow
@given(clip=clips, data=st.data())
@settings(max_examples=30)
def test_random_access_equals_the_whole(folder, clip, data):
    path = folder / "random.h5"
    write_clip(path, clip, rgb="png")
    whole = read_clip(path)
    with open_clip(path) as reader:
        assert reader.cameras == tuple(clip.views) and reader.people == tuple(clip.people)
        camera = data.draw(st.sampled_from(reader.cameras))
        t = data.draw(st.integers(0, clip.spec.num_frames - 1))
        view = whole.views[camera]
        assert reader.channels(camera) == view.channels
        for name in reader.channels(camera):
            assert np.array_equal(reader.frame(camera, name, t), view.frame(name, t))
            assert np.array_equal(reader.images(camera, name, t), view.images(name)[t:])
        assert np.array_equal(reader.labels(camera, (), t, t + 1).mask(0), view.labels.mask(t))
        for person in reader.people:
            same_fields(reader.track(person), whole.people[person])
            same_fields(reader.person_view(camera, person), view.people[person])
            same_fields(reader.person_view(camera, person, t, t + 1), _frame_of(view.people[person], t))
            assert np.array_equal(reader.in_sight(camera, person), view.people[person].pixels > 0)
            alone = reader.amodal(camera, person, t, t + 1)
            assert alone is not None and np.array_equal(alone.mask(0), view.amodal[person].mask(t))


def _frame_of(person, t):
    return PersonView(**{f.name: getattr(person, f.name)[t : t + 1] for f in fields(person)})


def test_what_a_reader_gives_is_the_callers_own(folder):
    write_clip(folder / "own.h5", ball_clip(2, SMALL))
    with open_clip(folder / "own.h5") as reader:
        reader.person_view("camera", "person0").joints2d[:] = 7
        assert not (reader.person_view("camera", "person0").joints2d == 7).any()


def test_segm14_is_merged_on_reading(folder):
    clip = ball_clip(2, SMALL)
    write_clip(folder / "segm14.h5", clip)
    with open_clip(folder / "segm14.h5") as reader:
        expected = MERGE_14[clip.views["camera"].images("segm")]
        assert expected.max() == 14
        assert np.array_equal(reader.images("camera", "segm14"), expected)
        assert np.array_equal(reader.frame("camera", "segm14", 1), expected[1])


def test_a_rendered_like_clip_is_within_the_promised_errors(folder):
    clip = ball_clip(3, people=2)
    write_clip(folder / "balls.h5", clip)
    back = read_clip(folder / "balls.h5").views["camera"]
    view = clip.views["camera"]
    same_labels(view.labels, back.labels)
    assert np.abs(view.labels.values["depth"] - back.labels.values["depth"]).max() < 1e-4
    assert np.abs(view.labels.values["flow"] - back.labels.values["flow"]).max() < 0.01
    error = np.abs(view.rgb.astype(int) - back.rgb)
    assert 0 < error.mean() < 3, "JPEG should lose a little"


def test_far_depth_and_fast_flow_survive(folder):
    clip = noise_clip(3, channels=("depth", "flow"))
    values = clip.views["camera 0"].labels.values
    values["depth"][:2] = 400.0, 500.0
    values["flow"][:2] = (16000.0, -16000.0), (0.0, 5000.25)
    write_clip(folder / "far.h5", clip)
    back = read_clip(folder / "far.h5").views["camera 0"].labels.values
    assert np.abs(back["depth"][:2] - values["depth"][:2]).max() <= 1e-4
    assert np.abs(back["flow"][:2] - values["flow"][:2]).max() < 0.01


@pytest.mark.parametrize(
    "name, value", [("depth", np.nan), ("depth", -0.5), ("depth", 1e9), ("flow", np.inf), ("flow", 1e8)]
)
def test_values_that_cannot_be_held_are_refused(folder, name, value):
    clip = noise_clip(3, channels=("depth", "flow"))
    clip.views["camera 0"].labels.values[name][:1] = value
    with pytest.raises(ValueError, match=f"Channel '{name}'"):
        write_clip(folder / "bad.h5", clip)
    assert not (folder / "bad.h5").exists()


def test_same_clip_same_bytes(folder):
    first, second = (write_clip(folder / f"{n}.h5", ball_clip(2, SMALL, seed=4)) for n in ("one", "two"))
    assert first == second
    data = (folder / "one.h5").read_bytes()
    assert data == (folder / "two.h5").read_bytes()
    assert data != bytes(clip_bytes(ball_clip(2, SMALL, seed=5)))
    code = (
        "import sys; from tests.test_native import *; sys.stdout.buffer.write(clip_bytes(ball_clip(2, SMALL, seed=4)))"
    )
    environment = os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    elsewhere = subprocess.run(
        [sys.executable, "-c", code], cwd=DOCS.parents[1], env=environment, capture_output=True, check=True
    )
    assert elsewhere.stdout == data


def test_sha256_does_not_depend_on_compression():
    hashes = set()
    for effort in ("fast", "small"):
        with h5py.File.in_memory(bytes(clip_bytes(ball_clip(2, SMALL), effort=effort))) as file:
            hashes.add(file.attrs["sha256"])
    assert len(hashes) == 1


# the documented lines


def documented():
    return re.findall(r"```python\n(.*?)```", DOCS.read_text("utf-8"), flags=re.DOTALL)


def test_ten_documented_lines_read_a_frame(tmp_path, monkeypatch):
    clip = ball_clip(4, SMALL)
    write_clip(tmp_path / "clips" / "000" / "000000.h5", clip, rgb="png")
    monkeypatch.chdir(tmp_path)
    first, second = documented()
    assert len([line for line in first.splitlines() if line.strip()]) <= 12  # ten after the imports
    assert not any("generator" in code or "mannequin" in code for code in (first, second))
    (tmp_path / "first.py").write_text(first, "utf-8")
    names = runpy.run_path(str(tmp_path / "first.py"))
    assert np.abs(names["depth"] - clip.views["camera"].frame("depth", 2)).max() < 1e-4
    assert names["depth"].max() > 5
    flow = names_of_flow(tmp_path / "clips" / "000" / "000000.h5", 2)
    assert np.abs(flow - clip.views["camera"].frame("flow", 2)[clip.views["camera"].labels.mask(2)]).max() < 0.01
    (tmp_path / "second.py").write_text(second, "utf-8")
    names = runpy.run_path(str(tmp_path / "second.py"))
    assert np.array_equal(names["image"], clip.views["camera"].rgb[2])


def names_of_flow(path, t):
    with h5py.File(path) as file:
        labels = file["views/camera/labels"]
        first, last = labels["frame_offsets"][t : t + 2]
        return labels["flow"][:, first:last].T * labels["flow"].attrs["scale"]


def test_the_file_explains_itself_and_the_page_names_all_of_it(tmp_path):
    clip = noise_clip(0, vertices=5)
    write_clip(tmp_path / "clip.h5", clip)
    page = DOCS.read_text("utf-8")
    with h5py.File(tmp_path / "clip.h5") as file:
        paths, attributes = [], set(file.attrs)
        file.visititems(lambda path, item: (paths.append(path), attributes.update(item.attrs))[0])
        assert file["views/camera 0/labels/depth"].attrs["unit"] == "m"
        assert file.attrs["merge_14"].tolist() == MERGE_14.tolist()
        assert file.attrs["parts"][20] == "leftHand"
    for name in {part for path in paths for part in path.split("/")} - {"camera 0", "person0"} | attributes:
        assert re.search(rf"[`/]{name}[`/]", page), f"docs/format.md does not name {name}"


# damage


@pytest.fixture(scope="module")
def sound():
    return bytes(clip_bytes(ball_clip(2, SMALL, people=2), rgb="png"))


@given(data=st.data())
@settings(max_examples=80)
def test_a_damaged_file_is_found(folder, sound, data):
    """Whatever happens to the bytes, either verify_clip says so or the content is untouched."""
    path, at = folder / "damaged.h5", data.draw(st.integers(0, len(sound) - 1))
    kind = data.draw(st.sampled_from(["flip", "cut", "noise"]))
    broken = bytearray(sound)
    if kind == "flip":
        broken[at] ^= 1 << data.draw(st.integers(0, 7))
    elif kind == "cut":
        del broken[at:]
    else:
        noise = data.draw(st.binary(min_size=1, max_size=300))
        broken[at : at + len(noise)] = noise
    path.write_bytes(broken)
    if not verify_clip(path):
        assert clip_bytes(read_clip(path), rgb="png") == sound


def test_every_flip_within_the_data_is_found(folder, sound):
    path = folder / "flipped.h5"
    path.write_bytes(sound)
    with h5py.File(path) as file:
        for name in (
            "views/camera/labels/normal",
            "views/camera/labels/depth",
            "views/camera/rgb/data",
            "people/person1/pose",
            "spec",
        ):
            chunk = file[name].id.get_chunk_info(0)
            broken = bytearray(sound)
            broken[chunk.byte_offset + chunk.size // 2] ^= 1
            (folder / "one.h5").write_bytes(broken)
            assert verify_clip(folder / "one.h5"), name


def tampered(folder, sound, change):
    path = folder / "tampered.h5"
    path.write_bytes(sound)
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def replace_dataset(name, make):
    def change(file):
        old = file[name][...]
        del file[name]
        file[name] = make(old)

    return change


def absurd(file):
    del file["views/camera/labels/depth"]
    file.create_dataset("views/camera/labels/depth", (1 << 50,), "uint32", chunks=(1024,))


def longer(file):
    spec = bytes(file["spec"][:]).replace(b'"num_frames":2', b'"num_frames":3')
    replace_dataset("spec", lambda _: np.frombuffer(spec, np.uint8))(file)


LABELS_OF = "views/camera/labels"


@pytest.mark.parametrize(
    "change",
    [
        replace_dataset("spec", lambda _: np.frombuffer(b"{not json", np.uint8)),
        replace_dataset("spec", lambda _: np.frombuffer(b"[" * 100_000, np.uint8)),
        replace_dataset("spec", lambda _: np.frombuffer(b'{"name": 3}', np.uint8)),
        replace_dataset("spec", lambda _: np.frombuffer(b"\xff\xfe", np.uint8)),
        replace_dataset("versions", lambda _: np.frombuffer(b"[1]", np.uint8)),
        replace_dataset(f"{LABELS_OF}/depth", lambda a: a.astype(np.float32)),
        replace_dataset(f"{LABELS_OF}/depth", lambda a: a[:-1]),
        replace_dataset(f"{LABELS_OF}/flow", lambda a: a.T),
        replace_dataset(f"{LABELS_OF}/frame_offsets", lambda a: a[::-1]),
        replace_dataset(f"{LABELS_OF}/frame_offsets", lambda a: a - 1),
        replace_dataset(f"{LABELS_OF}/frame_offsets", lambda a: a * (1 << 40)),
        replace_dataset(f"{LABELS_OF}/run_offsets", lambda a: a // 2),
        replace_dataset(f"{LABELS_OF}/runs", lambda a: a + np.uint32(2**31)),
        replace_dataset(f"{LABELS_OF}/runs", lambda a: a * np.uint32(0)),
        replace_dataset("views/camera/rgb/data", lambda a: a * 0),
        replace_dataset("views/camera/rgb/frame_offsets", lambda a: a // 2),
        replace_dataset("views/camera/K", lambda a: a.astype(np.float32)),
        replace_dataset("views/camera/people/person1/joints2d", lambda a: a[:, :5]),
        replace_dataset("people/person0/pose", lambda a: a.astype("S4")),
        lambda f: f["people/person0"].attrs.__delitem__("gender"),
        lambda f: f["people/person0"].attrs.__setitem__("joint_names", ["one"]),
        lambda f: f.__delitem__("people/person0/pose"),
        lambda f: (f.__delitem__(f"{LABELS_OF}"), f.__setitem__(LABELS_OF, np.zeros(3))),
        lambda f: (
            f.__setitem__("views/camera/labels", h5py.ExternalLink("elsewhere.h5", "/"))
            if f.__delitem__(LABELS_OF) is None
            else None
        ),
        lambda f: f.attrs.__setitem__("format_version", 99),
        lambda f: f.attrs.__setitem__("format", 3),
        lambda f: f.attrs.__delitem__("format"),
        absurd,
        longer,
    ],
)
def test_an_impossible_file_is_refused_by_name(folder, sound, change):
    path = tampered(folder, sound, change)
    with pytest.raises(DatasetError, match="tampered.h5"):
        read_clip(path)
    assert len(verify_clip(path)) == 1


def _png(size):
    return bytearray(images.encode(np.zeros((*size, 3), np.uint8), "png"))


def _jpeg(height, width):
    """One that states another size."""
    data = bytearray(images.encode(np.zeros((8, 8, 3), np.uint8), "jpeg"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return data


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (_jpeg(65535, 65535), "holds 65535 × 65535 pixels; expected 12 × 8"),
        (_png((8, 13)), "holds 13 × 8 pixels"),
        (b"BM" + bytes(99), "no JPEG or PNG"),
        (_jpeg(8, 12)[:40], "damaged"),
        (b"\xff\xd8\xff\x01" + _jpeg(8, 12)[2:], "no segment at byte 2"),
    ],
)
def test_images_of_another_size_or_kind_are_not_decoded(monkeypatch, data, words):
    monkeypatch.setattr(images.cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    with pytest.raises(DatasetError, match=words):
        images.decode(np.frombuffer(bytes(data), np.uint8), (8, 12))


@pytest.mark.parametrize("encoding", images.ENCODINGS)
@pytest.mark.parametrize("size", [(1, 1), (7, 300), (300, 7)])
def test_images_come_back(encoding, size):
    rgb = np.full((*size, 3), (200, 30, 90), np.uint8)
    assert np.abs(images.decode(images.encode(rgb, encoding), size).astype(int) - rgb).max() < 4


def test_a_changed_number_is_found_by_the_sha256(folder, sound):
    def change(file):
        file["people/person0/joints"][0, 0, 0] += 0.5

    path = tampered(folder, sound, change)
    read_clip(path)
    assert "sha256" in verify_clip(path)[0]
    path = tampered(folder, sound, lambda f: f[f"{LABELS_OF}/depth"].attrs.__setitem__("scale", 1.0))
    assert "sha256" in verify_clip(path)[0]


def test_files_that_are_no_clips(tmp_path):
    (tmp_path / "text.h5").write_text("hello")
    with h5py.File(tmp_path / "foreign.h5", "w") as file:
        file["x"] = 1
    for name, words in (
        ("text.h5", "not a whole HDF5"),
        ("foreign.h5", "not a Mannequin clip"),
        ("none.h5", "There is no clip"),
        (".", "Cannot read"),
    ):
        with pytest.raises(DatasetError, match=words):
            open_clip(tmp_path / name)
        assert len(verify_clip(tmp_path / name)) == 1


def test_wrong_questions_are_answered_with_the_names(folder):
    write_clip(folder / "ask.h5", noise_clip(1, channels=("depth",), rgb=False))
    with open_clip(folder / "ask.h5") as reader:
        for ask, words in (
            (lambda: reader.frame("camera", "depth", 0), "Unknown camera 'camera'. Did you mean 'camera 0'"),
            (lambda: reader.frame("camera 0", "dept", 0), "Did you mean 'depth'"),
            (lambda: reader.frame("camera 0", "rgb", 0), "Unknown channel 'rgb'"),
            (lambda: reader.frame("camera 0", "segm14", 0), "Unknown channel 'segm'"),
            (lambda: reader.frame("camera 0", "runs", 0), "Unknown channel 'runs'"),
            (lambda: reader.frame("camera 0", "depth", 2), "clip of 2"),
            (lambda: reader.frame("camera 0", "depth", -1), "clip of 2"),
            (lambda: reader.track("people"), "Unknown person"),
            (lambda: reader.person_view("camera 0", "x"), "Unknown person"),
        ):
            with pytest.raises(ConfigError, match=re.escape(words)):
                ask()
    with pytest.raises(ConfigError, match="image encoding"):
        write_clip(folder / "ask.h5", noise_clip(1), rgb="webp")
    with pytest.raises(ConfigError, match="effort"):
        write_clip(folder / "ask.h5", noise_clip(1), effort="none")


def with_labels(clip, labels):
    name, view = next(iter(clip.views.items()))
    return Clip(clip.spec, {name: replace(view, labels=labels)}, clip.people)


@pytest.mark.parametrize(
    "offsets, pixels",
    [
        ([0, 1, 3], [4, 2, 2]),
        ([0, 1, 3], [4, 3, 2]),
        ([0, 1, 2], [1, 2, 3]),
        ([0, 3, 1], [1, 2, 3]),
        ([0, 1, 3], [1, 2, 35]),
    ],
)
def test_contradictory_labels_are_not_written(folder, offsets, pixels):
    labels = Foreground((5, 7), np.array(offsets, np.int64), np.array(pixels, np.uint32), {})
    with pytest.raises(ValueError, match="Foreground"):
        write_clip(folder / "contradiction.h5", with_labels(noise_clip(1), labels))
    assert not (folder / "contradiction.h5").exists()


def test_wrong_arrays_and_names_are_not_written(folder):
    clip = noise_clip(1)
    view, track = clip.views["camera 0"], clip.people["person0"]
    for bad in (
        replace(clip, views={"camera 0": replace(view, K=view.K.astype(np.float32))}),
        replace(clip, views={"other": view}),
        replace(clip, people={"person0": replace(track, pose=track.pose[:, :3])}),
        replace(clip, people={"other": track}),
    ):
        with pytest.raises(ValueError):
            write_clip(folder / "wrong.h5", bad)
    assert not (folder / "wrong.h5").exists()


# atomicity


def test_nothing_half_written_stays(tmp_path, monkeypatch):
    path = tmp_path / "clip.h5"
    for name, error, raised in (
        ("fsync", OSError(errno.ENOSPC, "No space left on device"), DatasetError),
        ("replace", OSError(errno.EACCES, "Permission denied"), DatasetError),
        ("replace", KeyboardInterrupt(), KeyboardInterrupt),
        ("fsync", KeyboardInterrupt(), KeyboardInterrupt),
    ):

        def fail(*_, error=error):
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(atomic.os, name, fail)
            with pytest.raises(raised):
                write_clip(path, noise_clip(0))
        assert list(tmp_path.iterdir()) == []


def test_a_failed_rewrite_keeps_the_old_clip(tmp_path, monkeypatch):
    path = tmp_path / "clip.h5"
    write_clip(path, noise_clip(0))
    before = path.read_bytes()

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(DatasetError, match="disk is full; free some space"):
        write_clip(path, noise_clip(1))
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["clip.h5"]


def _write_limited(path, limit, answer):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        write_clip(path, noise_clip(0))
        answer.put("written")
    except DatasetError as e:
        answer.put(str(e))


@pytest.mark.slow
def test_a_real_refusal_of_the_system_is_told(tmp_path):
    answer = multiprocessing.get_context("spawn").Queue()
    process = multiprocessing.get_context("spawn").Process(
        target=_write_limited, args=(tmp_path / "clip.h5", 4096, answer)
    )
    process.start()
    process.join()
    assert process.exitcode == 0
    text = answer.get()
    assert "Cannot write" in text and "ulimit" in text
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="Cannot write .*choose another folder"):
        write_clip(tmp_path / "file" / "clip.h5", noise_clip(0))


def _write_until_killed(path, ready):
    k = 0
    while True:
        write_clip(path, noise_clip(k % 2, resolution=(40, 40)))
        ready.set()
        k += 1


@pytest.mark.slow
def test_a_killed_writer_and_two_at_once_leave_a_whole_clip(tmp_path):
    context = multiprocessing.get_context("spawn")
    path, ready = tmp_path / "clip.h5", context.Event()
    writers = [context.Process(target=_write_until_killed, args=(path, ready)) for _ in range(2)]
    for writer in writers:
        writer.start()
    ready.wait()
    for _ in range(40):
        assert verify_clip(path) == []
    for writer in writers:
        writer.kill()
        writer.join()
    assert verify_clip(path) == []
    assert {p.suffix for p in tmp_path.iterdir()} <= {".h5", ".part"}
    atomic.sweep(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["clip.h5"]


def test_channels_of_the_contract_all_have_a_place():
    clip = noise_clip(0)
    assert set(clip.views["camera 0"].channels) == set(CHANNELS)
    assert isinstance(clip.views["camera 0"], View)

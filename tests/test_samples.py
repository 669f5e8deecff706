"""What tasks may ask of clips: samples without images, windows, synchronised views, everybody, whole clips."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from mannequin.generator.body.model import MERGE_14
from mannequin.generator.catalog import Assets
from mannequin.generator.config import SampleConfig
from mannequin.generator.dataset.folder import create_or_resume
from mannequin.generator.dataset.native import open_clip, write_clip
from mannequin.generator.dataset.source import MemorySource
from mannequin.generator.errors import ConfigError, DatasetError
from mannequin.renderers.choice import open_renderer
from mannequin.training.batch import collated, one_of
from mannequin.training.data.clips import ClipSamples
from mannequin.training.data.colour import to_rgb
from mannequin.training.data.crop import crop_box, crop_matrix, image_box
from mannequin.training.data.generated import GeneratedSamples
from mannequin.training.data.needs import Needs
from mannequin.training.data.raw import read_raw
from mannequin.training.data.samples import drawn
from mannequin.training.data.selection import Selection, asked_of_clips
from mannequin.training.models.hourglass import Maps
from mannequin.training.targets.joints import Joints
from mannequin.training.targets.parts import Parts
from mannequin.training.targets.target import Target
from tests.clips import ball_clip, camera_looking
from tests.toys import ToyTask

SIZE, SHAPE = 40, (60, 80)
EYES = tuple(
    camera_looking(name, place, focal=150.0, resolution=SHAPE)
    for name, place in (("front", (0.0, -6.0, 1.0)), ("side", (5.0, -3.5, 1.4)), ("back", (1.0, 6.0, 1.0)))
)


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MANNEQUIN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


class Names(Target):
    """``people``: (T,) how many the sample is of. ``pixels``: (T,) of the first of them, ``run`` the clip's tag."""

    name = "people"
    people = ("pixels",)
    tags = ("run",)

    def encode(self, raw, crop):
        count = len(raw.people[0].joints2d)
        return {
            "people": np.full(count, len(raw.people)),
            "pixels": raw.people[0].arrays["pixels"],
            "run": np.full(count, raw.tags.get("run", -1.0)),
        }


def written(folder, *clips, rgb="png"):
    dataset = create_or_resume(folder, {"of": "tests"}, len(clips))
    for index, clip in enumerate(clips):
        write_clip(dataset.path_of(index), clip, rgb=rgb)
    return folder


def clip(index=0, **options):
    return ball_clip(**({"resolution": SHAPE} | options), index=index, seed=index, name=f"clip{index}")


def samples(paths, needs, targets, augment=False, seed=0, **selection):
    return ClipSamples(paths, needs, targets, Selection(**selection), augment, seed, SIZE)


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """(a dataset of one clip of two people in nine frames, the clip)."""
    made = clip(frames=9, people=2, tags={"run": 3.0})
    return written(tmp_path_factory.mktemp("long") / "data", made), made


@pytest.fixture(scope="module")
def seen_by_three(tmp_path_factory):
    made = clip(frames=4, people=2, cameras=EYES)
    return written(tmp_path_factory.mktemp("three") / "data", made), made


# What is read


@pytest.mark.parametrize("frames", [[0, 2, 4, 6], [1, 2, 5, 6, 8], [3], [0, 8]], ids=str)
@pytest.mark.parametrize("only", [None, 2])
@pytest.mark.parametrize("kind", ["file", "memory"])
def test_windows_are_what_their_frames_are(long, frames, only, kind):
    folder, made = long
    source = open_clip(folder / "clips" / "000" / "000000.h5") if kind == "file" else MemorySource(made)
    with source:
        raw = read_raw(
            source, "camera", [("person1", 2)], np.array(frames), "a", image=True, channels=("segm", "depth"),
            arrays=("pixels",), tags=("run", "none"), only=only,
        )  # fmt: skip
        assert raw.id == f"a/{frames[0]}" and raw.resolution == SHAPE and raw.tags == {"run": 3.0}
        assert raw.person.name == "person1" and raw.person.instance == 2 and len(raw.person.joints2d) == len(frames)
        for k, t in enumerate(frames):
            assert np.array_equal(raw.rgb[k], source.frame("camera", "rgb", t))
            own = True if only is None else source.frame("camera", "instance", t) == only
            for channel in ("segm", "depth"):
                expected = np.where(own, source.frame("camera", channel, t), 0)
                assert np.array_equal(raw.surface.frame(channel, k), expected) and expected.any()
            view = source.person_view("camera", "person1", t, t + 1)
            for name in ("joints2d", "joints_camera", "visible"):
                assert np.array_equal(getattr(raw.person, name)[k], getattr(view, name)[0])
            assert raw.person.arrays["pixels"][k] == view.pixels[0]
        assert set(raw.surface.values) == {"segm", "depth"}
        assert raw.nbytes == sum(a.nbytes for a in (raw.rgb, raw.surface.pixels, *raw.surface.values.values()))


def test_frames_of_one_run_are_read_at_once(long, monkeypatch):
    folder, _ = long
    spans = []
    with open_clip(folder / "clips" / "000" / "000000.h5") as source:
        real = type(source).rgb
        monkeypatch.setattr(type(source), "rgb", lambda self, *args: spans.append(args) or real(self, *args))
        read_raw(source, "camera", [], np.array([1, 2, 3, 6, 8]), "a", image=True, channels=())
    assert spans == [("camera", 1, 4), ("camera", 6, 7), ("camera", 8, 9)]


def test_what_targets_ask_for_is_read(long):
    asked = asked_of_clips(Needs(image=False), (Parts(), Names(), Joints(), Names()))
    assert asked == {"image": False, "channels": ("segm",), "arrays": ("pixels",), "tags": ("run",)}
    folder, made = long
    sample = samples(folder, Needs(image=False), (Names(),))[0, 11]  # the second person's third frame
    assert sample["id"] == "000000/camera/person1/2" and sample["people"] == 1 and sample["run"] == 3.0
    assert sample["pixels"] == made.views["camera"].people["person1"].pixels[2]


# Without an image


def test_clips_without_images_teach_what_needs_none(tmp_path, monkeypatch):
    made = clip(rgb=False, people=2)
    view = made.views["camera"]
    made = replace(made, views={"camera": replace(view, labels=replace(view.labels, values={}))})
    folder = written(tmp_path / "blind", made)
    monkeypatch.setattr("mannequin.generator.dataset.native.ClipReader.labels", lambda *_: pytest.fail("read labels"))
    data = samples(folder, Needs(frames=2, image=False), (Joints(),))
    sample = data[0, 1]
    assert len(data) == 4 and sample["id"] == "000000/camera/person0/2"
    assert "image" not in sample and sample["joints2d"].shape == (2, 24, 2)
    truth = view.people["person0"].joints2d[2:4]
    assert np.allclose(sample["joints2d"], truth @ sample["matrix"][:, :2].T + sample["matrix"][:, 2], atol=1e-3)
    with pytest.raises(DatasetError, match="no channel 'rgb' of camera 'camera', which the image is made from"):
        samples(folder, Needs(), (Joints(),))


@pytest.mark.parametrize("absent", ["segm", "depth", "rgb", "instance"])
def test_a_dataset_that_lacks_a_channel_says_what_to_generate(tmp_path, absent):
    made = clip(people=2)
    view = made.views["camera"]
    values = {name: view.labels.values[name] for name in ("segm", "depth", "instance") if name != absent}
    view = replace(view, rgb=None if absent == "rgb" else view.rgb, labels=replace(view.labels, values=values))
    folder = written(tmp_path / "data", replace(made, views={"camera": view}))

    class Both(Parts):
        channels = ("segm", "depth")

    made_from = {"rgb": "the image", "instance": "telling several people and things apart"}.get(absent, "parts")
    with pytest.raises(DatasetError, match=f"no channel '{absent}'.*which {made_from} is made from") as e:
        samples(folder, Needs(), (Both(),))
    words = str(e.value).split("--outputs ")[1].split(",")[0].split()
    assert sorted(words) == ["depth", "instance", "rgb", "segm"] and words[-1] == absent


# Windows


def test_a_window_has_its_frames_apart_in_one_crop(long):
    folder, made = long
    needs = Needs(frames=3, spacing=3)
    data = samples(folder, needs, (Parts(), Joints()), augment=True, seed=4)
    assert [data[0, k]["id"] for k in range(len(data))] == [f"000000/camera/person{p}/0" for p in (0, 1)]
    sample, view = data[5, 1], made.views["camera"]
    joints = view.people["person1"].joints2d[[0, 3, 6]]
    matrix = crop_matrix(crop_box(joints), drawn(True, 4, 5, 1), SIZE)
    assert np.allclose(sample["matrix"], matrix, rtol=1e-6) and sample["image"].shape == (3, 3, SIZE, SIZE)
    assert np.allclose(sample["joints2d"], joints @ matrix[:, :2].T + matrix[:, 2], atol=1e-3)
    singles = samples(folder, Needs(), (Parts(),))  # of each frame, in a crop of its own
    for k, t in enumerate((0, 3, 6)):
        single = singles[0, 9 + t]
        assert single["id"] == f"000000/camera/person1/{t}"
        assert set(np.unique(sample["parts"][k])) <= set(np.unique(single["parts"])) | {0}
        own = np.where(view.frame("instance", t) == 2, MERGE_14[view.frame("segm", t)], 0)
        i, j = np.nonzero(own)
        x, y = (np.stack([j + 0.5, i + 0.5], -1) @ matrix[:, :2].T + matrix[:, 2]).astype(int).T
        inside = (x >= 0) & (x < SIZE) & (y >= 0) & (y < SIZE)
        assert (sample["parts"][k][y[inside], x[inside]] == own[i, j][inside]).mean() > 0.6


def test_every_frame_of_a_window_shows_the_person(tmp_path):
    made = clip(frames=8)
    view = made.views["camera"]
    pixels = view.people["person0"].pixels.copy()
    pixels[3] = 0
    people = {"person0": replace(view.people["person0"], pixels=pixels)}
    folder = written(tmp_path / "d", replace(made, views={"camera": replace(view, people=people)}))

    def starts(**needs):
        data = samples(folder, Needs(**needs), (Joints(),))
        return [int(data[0, k]["id"].rsplit("/", 1)[1]) for k in range(len(data))]

    assert starts(frames=2) == [0, 4, 6]
    assert starts(frames=2, spacing=2) == [0, 4]  # 1 and 3 not; 2 and 4 would overlap
    assert starts(frames=2, spacing=3) == [1]  # 0 and 3 not; 1 and 4, and then 5 is the next that is free
    assert starts(frames=3) == [0, 4]
    assert starts() == [0, 1, 2, 4, 5, 6, 7]


# All of a clip


def test_all_windows_of_a_clip_are_one_sample(tmp_path):
    folder = written(tmp_path / "d", clip(0, frames=7), clip(1, frames=3), clip(2, frames=2, people=2))
    data = samples(folder, Needs(frames=2), (Parts(), Joints()), augment=True, seed=3, sampling="clip")
    windows = samples(folder, Needs(frames=2), (Parts(), Joints()), sampling="all")
    assert len(data) == 4 and len(windows) == 3 + 1 + 2
    whole = data[2, 0]
    assert whole["image"].shape == (3, 2, 3, SIZE, SIZE) and whole["parts"].shape == (3, 2, SIZE, SIZE)
    assert whole["matrix"].shape == (3, 2, 3) and whole["id"] == "000000/camera/person0/0"
    scales = [np.sqrt(np.linalg.det(matrix[:, :2])) for matrix in whole["matrix"]]
    plain = [np.sqrt(np.linalg.det(windows[0, k]["matrix"][:, :2])) for k in range(3)]
    assert np.allclose(np.divide(scales, plain), 1 / drawn(True, 3, 2, 0).scale, rtol=1e-5)  # one augmentation
    unaugmented = samples(folder, Needs(frames=2), (Parts(), Joints()), sampling="clip")[0, 0]
    for k in range(3):
        single = windows[0, k]
        assert all(np.array_equal(unaugmented[name][k], single[name]) for name in single if name != "id")
    batch = ToyTask().collate([data[0, 0], data[0, 1]])
    assert isinstance(batch["image"], list) and [len(v) for v in batch["image"]] == [3, 1]
    assert batch["id"] == ["000000/camera/person0/0", "000001/camera/person0/0"]
    with pytest.raises(ConfigError, match="every is 2 but sampling is 'clip'"):
        samples(folder, Needs(), (), sampling="clip", every=2)


# Synchronised views


def test_pairs_of_views_show_the_same_frames(seen_by_three):
    folder, made = seen_by_three
    data = samples(folder, Needs(cameras=2), (Parts(), Joints()), augment=True, seed=2)
    pairs = [("front", "side"), ("front", "back"), ("side", "back")]
    ids = [data[0, k]["id"] for k in range(len(data))]
    assert ids == [f"000000/{a}/person{p}/{t}" for a, _ in pairs for p in range(2) for t in range(4)]
    for k in (0, 6, 13, 22):
        sample = data[1, k]
        cameras, person, t = pairs[k // 8], f"person{k % 8 // 4}", k % 4
        assert sample["image"].shape == (2, 3, SIZE, SIZE) and sample["joints2d"].shape == (2, 24, 2)
        augmentation = drawn(True, 2, 1, k)
        for view, camera in enumerate(cameras):
            joints = made.views[camera].people[person].joints2d[t]
            matrix = crop_matrix(crop_box(joints), augmentation, SIZE)  # a crop of its own, the same augmentation
            assert np.allclose(sample["matrix"][view], matrix, rtol=1e-6)
            assert np.allclose(sample["joints2d"][view], joints @ matrix[:, :2].T + matrix[:, 2], atol=1e-3)
        assert not np.allclose(sample["matrix"][0], sample["matrix"][1])


def test_views_and_windows_go_together(seen_by_three):
    folder, made = seen_by_three
    sample = samples(folder, Needs(frames=2, spacing=2, cameras=3), (Joints(),))[0, 1]
    assert sample["image"].shape == (3, 2, 3, SIZE, SIZE) and sample["id"] == "000000/front/person1/0"
    for view, camera in enumerate(made.views):
        joints = made.views[camera].people["person1"].joints2d[[0, 2]]
        matrix = crop_matrix(crop_box(joints), size=SIZE)
        assert np.allclose(sample["joints2d"][view], joints @ matrix[:, :2].T + matrix[:, 2], atol=1e-3)


def test_who_is_not_in_both_views_is_no_pair(tmp_path, long):
    made = clip(frames=3, people=2, cameras=EYES[:2])
    side = made.views["side"]
    person = side.people["person0"]
    pixels = person.pixels.copy()
    pixels[1] = 0
    views = made.views | {"side": replace(side, people={"person0": replace(person, pixels=pixels)})}
    folder = written(tmp_path / "d", replace(made, views=views))
    data = samples(folder, Needs(cameras=2), (Joints(),))
    assert [data[0, k]["id"] for k in range(len(data))] == [f"000000/front/person0/{t}" for t in (0, 2)]
    with pytest.raises(DatasetError, match="no people whom 2 cameras see at once"):
        samples(long[0], Needs(cameras=2), (Joints(),))


# Everybody


def test_everybody_is_one_sample_of_the_whole_image(long):
    folder, made = long
    data = samples(folder, Needs(subject="everybody", crop="image"), (Parts(), Names()), augment=False)
    assert [data[0, k]["id"] for k in range(len(data))] == [f"000000/camera/{t}" for t in range(9)]
    sample, view = data[0, 4], made.views["camera"]
    assert sample["people"] == 2
    assert np.allclose(sample["matrix"], crop_matrix(image_box(SHAPE), size=SIZE), rtol=1e-6)
    seen = sample["parts"] > 0
    instance = view.frame("instance", 4)
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    j, i = (2 * x).astype(int), (2 * y - 10).astype(int)  # the square of 80 pixels at half its size
    inside = (i >= 0) & (i < 60)
    expected = np.where(inside, instance[i.clip(0, 59), j.clip(0, 79)] > 0, False)
    assert (seen == expected).mean() > 0.97 and {1, 2} <= set(np.unique(instance))
    assert not to_rgb(sample["image"][None])[0, :4].any()  # black above the image


def test_everybody_need_not_be_seen_by_all(tmp_path):
    made = clip(frames=3, people=2, cameras=EYES[:2])
    side = made.views["side"]
    views = made.views | {"side": replace(side, people={"person1": side.people["person1"]})}
    folder = written(tmp_path / "d", replace(made, views=views))
    data = samples(folder, Needs(cameras=2, subject="everybody", crop="image"), (Names(),))
    sample = data[0, 0]
    assert len(data) == 3 and sample["id"] == "000000/front/0" and sample["people"].tolist() == [2, 1]
    with pytest.raises(ConfigError, match="needs subject = 'person'"):
        Needs(subject="everybody")


# Straight from the generator

CONFIG = SampleConfig(preset="surreal", size=SHAPE, samples=2, frames=8)


class Watching:
    """The rasteriser; keeps what it made, and notes what it was asked for."""

    asked, made = (), {}

    def __init__(self, catalog):
        self.inner = open_renderer("raster", catalog)

    def render(self, spec, outputs):
        Watching.asked = outputs
        Watching.made[spec.name] = self.inner.render(spec, outputs)
        return Watching.made[spec.name]


def test_generated_windows_are_those_of_their_clips():
    needs = Needs(frames=2, spacing=2)
    data = GeneratedSamples(CONFIG, Assets(), 5, Watching, needs, (Parts(), Joints()), size=SIZE)
    found = [data[1, k] for k in range(4)]
    assert data.per_clip == 2 and {sample["id"].rsplit("/", 1)[1] for sample in found} == {"0", "3"}
    assert len({sample["id"].rsplit("/", 3)[0] for sample in found}) == 2
    assert set(Watching.asked) == {"rgb", "segm", "instance"}
    for k, sample in enumerate(found):
        name, camera, person, start = sample["id"].rsplit("/", 3)
        view, frames = Watching.made[name].views[camera], [int(start), int(start) + 2]
        joints = view.people[person].joints2d[frames]
        matrix = crop_matrix(crop_box(joints), drawn(True, 5, 1, k), SIZE)
        assert np.allclose(sample["matrix"], matrix, rtol=1e-6) and sample["image"].shape == (2, 3, SIZE, SIZE)
        assert np.allclose(sample["joints2d"], joints @ matrix[:, :2].T + matrix[:, 2], atol=1e-3)
        assert (sample["parts"] > 0).sum() > 50
    again = pickle.loads(pickle.dumps(data))
    for k in (3, 0):
        assert all(np.array_equal(again[1, k][name], found[k][name]) for name in found[k])


def test_generated_samples_without_images_are_not_painted():
    data = GeneratedSamples(CONFIG, Assets(), 5, Watching, Needs(image=False), (Joints(),), size=SIZE)
    assert "image" not in data[0, 0] and Watching.asked == ("instance",)


def test_open_lengths_follow_the_needs():
    config = replace(CONFIG, frames=None)

    def made(needs):
        return GeneratedSamples(config, Assets(), 5, Watching, needs, (), size=SIZE)

    assert (made(Needs()).config.frames, made(Needs()).config.fps) == (4, 2.5)
    window = made(Needs(frames=5, spacing=3))
    assert window.config.frames == 13 and window.per_clip == 1 and window.config.fps != 2.5


# Batches


def test_unequal_values_are_lists():
    items = [
        {"image": np.zeros((3, 4), np.float32), "label": 1, "id": "a", "size": np.float32(2)},
        {"image": np.ones((3, 5), np.float32), "label": 2, "id": "b", "size": np.float32(3)},
    ]
    batch = ToyTask().collate(items)
    assert [tuple(v.shape) for v in batch["image"]] == [(3, 4), (3, 5)] and batch["label"].tolist() == [1, 2]
    assert batch["id"] == ["a", "b"] and batch["size"].dtype == torch.float32
    assert collated([np.zeros(2), np.zeros(2)]).shape == (2, 2)
    one = one_of(batch, 1)
    assert one["id"] == ["b"] and one["label"].tolist() == [2] and one["image"][0].shape == (3, 5)
    assert len(one["image"]) == 1


def test_one_of_nested_outputs():
    a, b = torch.arange(6).view(3, 2), torch.arange(12).view(3, 4)
    outputs = {"maps": Maps((a, b), None), "more": ({"x": [a, b, a]}, b), "plain": 7, "nothing": None}
    one = one_of(outputs, 2)
    assert isinstance(one["maps"], Maps) and one["maps"].full is None
    assert torch.equal(one["maps"].stacks[0], a[2:]) and torch.equal(one["maps"].stacks[1], b[2:])
    assert isinstance(one["more"], tuple) and one["more"][0]["x"][0] is a and len(one["more"][0]["x"]) == 1
    assert torch.equal(one["more"][1], b[2:]) and one["plain"] == 7 and one["nothing"] is None

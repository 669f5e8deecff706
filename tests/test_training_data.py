"""Samples for training: right, the same whoever asks, and clear about what cannot be learnt from."""

import pickle
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from mannequin.generator.body.model import MERGE_14
from mannequin.generator.catalog import Assets
from mannequin.generator.clip import Clip, View
from mannequin.generator.config import SampleConfig
from mannequin.generator.dataset.folder import create_or_resume, open_dataset
from mannequin.generator.dataset.native import write_clip
from mannequin.generator.dataset.surreal import export_surreal
from mannequin.generator.errors import ConfigError, DatasetError, MannequinError, RenderError
from mannequin.renderers.choice import open_renderer
from mannequin.renderers.production.job import Job, job_outputs, run_job
from mannequin.training.data import clips as clips_module
from mannequin.training.data.clips import ClipSamples
from mannequin.training.data.crop import BOX_JOINTS
from mannequin.training.data.generated import GeneratedSamples
from mannequin.training.data.loading import loader_settings
from mannequin.training.data.needs import Needs
from mannequin.training.data.raw import read_raw
from mannequin.training.data.readers import Readers
from mannequin.training.data.selection import Selection, split_of
from mannequin.training.targets.depth_bins import DepthBins
from mannequin.training.targets.joints import Joints
from mannequin.training.targets.parts import Parts
from mannequin.training.targets.target import Target
from tests.clips import ball_clip, camera_looking, noise_clip


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MANNEQUIN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


SIZE = 48
OPENER = partial(open_renderer, "raster")


class Metres(Target):
    """``metres``: (T, size, size) float32 from the pelvis, 0 where nobody is seen."""

    name = "metres"
    channels = ("depth",)

    def encode(self, raw, crop):
        pelvis = raw.person.joints_camera[:, 0, 2]
        return {self.name: raw.label_images(crop, lambda values, t: values["depth"] - pelvis[t])}


TARGETS = (Parts(), DepthBins(), Joints())


def samples(paths, needs=Needs(), targets=TARGETS, size=SIZE, **options):
    """A dataset of samples; of single frames of one person unless ``needs`` say otherwise."""
    selection = Selection(**{name: options.pop(name) for name in [*options] if name in Selection.__dataclass_fields__})
    return ClipSamples(paths, needs, targets, selection, size=size, **options)


def written(folder, clips):
    """A dataset of ``clips``."""
    dataset = create_or_resume(folder, {"of": "tests"}, len(clips))
    for index, clip in enumerate(clips):
        write_clip(dataset.path_of(index), clip, rgb="png")
    return folder


def small(index=0, split="train", **options):
    clip = ball_clip(**({"frames": 3, "resolution": (60, 80)} | options), index=index, name=f"clip{index}")
    return replace(clip, spec=replace(clip.spec, split=split))


@pytest.fixture(scope="module")
def clips():
    return [small(0, people=2), small(1, "test", frames=4), small(2, "val")]


@pytest.fixture(scope="module")
def folder(clips, tmp_path_factory):
    return written(tmp_path_factory.mktemp("data") / "balls", clips)


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)


# One sample


@pytest.mark.parametrize("augment", [False, True])
def test_a_sample_is_what_the_clip_holds_at_its_pixels(clips, folder, augment):
    data = samples(folder, targets=(*TARGETS, Metres()), augment=augment, seed=4)
    sample = data[2, 4]  # the second person's second frame
    assert sample["id"] == "000000/camera/person1/1"
    view = clips[0].views["camera"]
    segm, depth, instance = (view.frame(name, 1) for name in ("segm", "depth", "instance"))
    matrix = sample["matrix"].astype(float)
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    j, i = (
        np.floor(np.linalg.solve(matrix[:, :2], np.stack([x.ravel(), y.ravel()]) - matrix[:, 2:]))
        .astype(int)
        .reshape(2, SIZE, SIZE)
    )
    inside = (i >= 0) & (i < 60) & (j >= 0) & (j < 80)
    i, j = i.clip(0, 59), j.clip(0, 79)
    own = inside & (instance[i, j] == 2)
    assert (inside & (instance[i, j] == 1)).any() and own.sum() > 100
    pelvis = view.people["person1"].joints_camera[1, 0, 2]
    relative = np.where(own, depth[i, j] - pelvis, 0)
    classes = np.where(own, np.clip(np.ceil(relative / 0.045), -9, 9) + 10, 0)
    assert (sample["parts"] == np.where(own, MERGE_14[segm[i, j]], 0)).mean() > 0.99
    assert (np.abs(sample["metres"] - relative) < 1e-3).mean() > 0.99
    assert (sample["depth_bins"] == classes).mean() > 0.98  # stored depths are rounded to 0.1 mm
    assert len(np.unique(sample["depth_bins"])) > 5
    assert sample["pelvis_depth"] == pytest.approx(pelvis)
    assert sample["joints_depth"] == pytest.approx(view.people["person1"].joints_camera[1, :, 2] - pelvis)
    joints = view.people["person1"].joints2d[1]
    assert np.allclose(sample["joints2d"], joints @ matrix[:, :2].T + matrix[:, 2], atol=1e-3)


def test_a_sample_shows_the_person_the_right_way_round(folder):
    sample = samples(folder)[0, 0]
    left, right = (np.nonzero(sample["parts"] == part)[1].mean() for part in (12, 9))
    assert left > right  # the person faces the camera: the left thigh is on the right of the image
    assert sample["joints2d"][1, 0] > sample["joints2d"][2, 0]


def test_joints_count_as_visible_inside_the_crop_only(folder):
    data = samples(folder, augment=True, seed=1)
    seen = [data[e, i] for e in range(20) for i in range(len(data))]
    inside = np.array([((s["joints2d"] >= 0) & (s["joints2d"] < SIZE)).all(1) for s in seen])
    visible = np.array([s["joints_visible"] for s in seen])
    assert not (visible & ~inside).any() and (~inside).any() and visible.mean() > 0.8


def test_augmentation_leaves_depth_as_it_is(folder):
    plain, augmented = (samples(folder, augment=a) for a in (False, True))
    scales = [
        np.linalg.det(augmented[e, 0]["matrix"][:, :2]) / np.linalg.det(plain[e, 0]["matrix"][:, :2]) for e in range(8)
    ]
    assert max(scales) > 1.3 * min(scales)
    for e in range(8):
        assert np.array_equal(augmented[e, 0]["joints_depth"], plain[0, 0]["joints_depth"])
        classes = (np.median(s["depth_bins"][s["depth_bins"] > 0]) for s in (augmented[e, 0], plain[0, 0]))
        assert abs(next(classes) - next(classes)) <= 1


def test_a_body_of_fingers_gives_24_joints(tmp_path):
    clip = small(joints=52)
    sample = samples(written(tmp_path / "d", [clip]))[0, 0]
    view = clip.views["camera"].people["person0"]
    expected = view.joints2d[0, [*range(22), 22, 37]] @ sample["matrix"][:, :2].T + sample["matrix"][:, 2]
    assert sample["joints2d"].shape == (24, 2) and np.allclose(sample["joints2d"], expected, atol=1e-3)


def test_types_are_those_that_collate(folder):
    batch = next(iter(DataLoader(samples(folder), batch_sampler=[[(0, 0), (0, 3)]])))
    assert batch["image"].shape == (2, 3, SIZE, SIZE) and batch["image"].dtype == torch.float32
    assert batch["parts"].dtype == batch["depth_bins"].dtype == torch.uint8
    assert batch["joints_visible"].dtype == torch.bool and batch["pelvis_depth"].shape == (2,)
    assert batch["id"] == ["000000/camera/person0/0", "000000/camera/person1/0"]


@pytest.mark.parametrize("mirror", [False, True])
def test_surreal_files_give_the_same_samples_mirrored_or_not(tmp_path, mirror):
    pytest.importorskip("av")
    config = SampleConfig(preset="surreal", frames=2, samples=2)
    run_job(Job(config, Assets(), 3, "raster", job_outputs(()), "png"), tmp_path / "native", 1, workers=0)
    export_surreal(open_dataset(tmp_path / "native"), tmp_path / "files", mirror)
    ours, theirs = (samples(tmp_path / name, size=256, augment=True)[0, 1] for name in ("native", "files"))
    assert np.abs(ours["joints2d"] - theirs["joints2d"]).max() < 0.01
    assert (ours["parts"] == theirs["parts"]).mean() > 0.999 and (
        ours["depth_bins"] == theirs["depth_bins"]
    ).mean() > 0.998
    assert np.abs(ours["image"] - theirs["image"]).mean() < 0.15  # H.264 against PNG, in deviations
    assert not np.array_equal(ours["parts"], ours["parts"][:, ::-1])
    assert theirs["id"].endswith("/person0/1")


# The same for the same key


def test_the_same_key_gives_the_same_sample_in_any_order(folder):
    first, second = (samples(folder, augment=True, seed=3) for _ in range(2))
    forth = [first[1, i] for i in range(len(first))]
    back = [second[1, i] for i in reversed(range(len(second)))][::-1]
    assert all(same(a, b) for a, b in zip(forth, back, strict=True))


def test_seed_epoch_and_index_change_what_is_drawn(folder):
    data, other = (samples(folder, augment=True, seed=seed) for seed in (3, 4))
    matrices = [
        data[0, 0]["matrix"],
        data[1, 0]["matrix"],
        other[0, 0]["matrix"],
        samples(folder)[0, 0]["matrix"],
    ]
    assert len({m.tobytes() for m in matrices}) == 4


def test_workers_and_batches_change_nothing(folder):
    data = samples(folder, augment=True, seed=3)
    keys = [(2, i) for i in range(len(data))]
    data[0, 0]  # leaves a clip open here, which the workers must not share
    loader = DataLoader(data, batch_sampler=[keys[:5], keys[5:]], **loader_settings(2, pin=False))
    loaded = [(batch, k) for batch in loader for k in range(len(batch["id"]))]
    assert len(loaded) == len(keys)
    for (batch, k), key in zip(loaded, keys, strict=True):
        sample = data[key]
        assert batch["id"][k] == sample["id"]
        assert all(np.array_equal(batch[name][k].numpy(), sample[name]) for name in sample if name != "id")


def test_kept_frames_are_read_once_and_change_nothing(folder, monkeypatch):
    plain = samples(folder, augment=True, seed=3)
    reads = []
    held = []

    def counted(*args, **options):
        reads.append(args)
        held.append(read_raw(*args, **options))
        return held[-1]

    monkeypatch.setattr(clips_module, "read_raw", counted)
    expected = [plain[1, k] for k in range(len(plain))]
    size = max(raw.nbytes for raw in held)
    assert size == max(
        raw.rgb.nbytes + raw.surface.pixels.nbytes + sum(values.nbytes for values in raw.surface.values.values())
        for raw in held
    )
    room_for_three = sum(raw.nbytes for raw in held[:3])
    for room, again in ((0, len(plain)), (room_for_three, len(plain) - 3), (2**30, 0)):
        data = samples(folder, augment=True, seed=3, cache=room)
        for epoch in (0, 1):
            reads.clear()
            assert all(same(data[1, k], expected[k]) for k in range(len(data)))
            assert len(reads) == (len(data) if epoch == 0 else again)
        assert len(pickle.dumps(data)) < size  # workers keep their own


# Which frames


def test_every_person_of_every_frame_is_a_sample(folder):
    data = samples(folder)
    names = [data[0, i]["id"] for i in range(len(data))]
    assert names == [f"000000/camera/person{p}/{t}" for p in range(2) for t in range(3)] + [
        f"{key}/camera/person0/{t}" for key, count in (("000001", 4), ("000002", 3)) for t in range(count)
    ]


def test_every_camera_and_every_person_is_learnt_from(tmp_path):
    """Alone, and every two cameras together."""
    eyes = [(0.0, -6.0, 1.0), (2.0, -6.0, 1.5), (-2.0, -6.0, 1.5)]
    cameras = [camera_looking(f"c{i}", eye, focal=80.0, resolution=(60, 80)) for i, eye in enumerate(eyes)]
    path = written(tmp_path / "ring", [small(people=2, frames=2, cameras=cameras)])
    data = samples(path)
    ids = [data[0, i]["id"] for i in range(len(data))]
    assert ids == [f"000000/c{c}/person{p}/{t}" for c in range(3) for p in range(2) for t in range(2)]
    assert len(samples(path, Needs(cameras=2))) == 3 * 2 * 2


def test_the_middle_frame_is_that_of_the_paper(folder):
    data = samples(folder, sampling="middle")
    assert [data[0, i]["id"].rsplit("/", 1)[1] for i in range(len(data))] == [
        "1",
        "1",
        "1",
        "1",
    ]  # of 3, 3, 4, 3 frames


def test_every_other_frame(folder):
    data = samples(folder, every=2)
    assert [data[0, i]["id"].rsplit("/", 1)[1] for i in range(len(data))] == ["0", "2"] * 4


def test_a_random_frame_of_each_clip_is_another_in_each_epoch(folder):
    data = samples(folder, sampling="random")
    assert len(data) == 4
    assert {data[e, 2]["id"] for e in range(30)} == {f"000001/camera/person0/{t}" for t in range(4)}


def test_splits_as_the_clips_tell(folder):
    assert [len(samples(folder, split=s)) for s in ("train", "test", "val", "all")] == [
        6,
        4,
        3,
        13,
    ]


def test_splits_by_share_divide_the_clips(folder):
    selection = Selection(val_share=0.2, test_share=0.1)
    drawn = [split_of(f"clip{k}", "train", selection) for k in range(4000)]
    assert [drawn.count(s) / 4000 for s in ("train", "val", "test")] == pytest.approx([0.7, 0.2, 0.1], abs=0.02)
    parts = {}
    for split in ("train", "val"):
        data = samples(folder, split=split, val_share=0.55)
        parts[split] = {data[0, i]["id"].split("/")[0] for i in range(len(data))}
    assert parts["train"] and parts["val"] and not parts["train"] & parts["val"]
    assert parts["train"] | parts["val"] == {"000000", "000001", "000002"}


def test_several_datasets_are_told_apart(folder, tmp_path):
    other = written(tmp_path / "more", [small(9)])
    data = samples([folder, other])
    assert len(data) == 16
    assert data[0, 0]["id"] == "balls/000000/camera/person0/0" and data[0, 15]["id"] == "more/000000/camera/person0/2"


def test_frames_in_which_the_person_is_not_seen_are_passed_over(tmp_path):
    clip = small(frames=4)
    view = clip.views["camera"]
    person = view.people["person0"]
    pixels, joints2d = person.pixels.copy(), person.joints2d.copy()
    pixels[1] = 0
    joints2d[2] += (80, 0)  # beyond the right edge
    changed = replace(view, people={"person0": replace(person, pixels=pixels, joints2d=joints2d)})
    data = samples(written(tmp_path / "d", [replace(clip, views={"camera": changed})]))
    assert [data[0, i]["id"][-1] for i in range(len(data))] == ["0", "3"]


def test_frames_with_joints_behind_the_camera_are_passed_over(tmp_path):
    clip = small(frames=3)
    clip.views["camera"].people["person0"].joints_camera[1, 20, 2] = -0.1
    data = samples(written(tmp_path / "behind", [clip]))
    assert [data[0, i]["id"][-1] for i in range(len(data))] == ["0", "2"]


def test_what_clips_hold_is_found_out_once(tmp_path, monkeypatch):
    folder = written(tmp_path / "d", [small(0), small(1, "val", frames=5)])
    first = samples(folder)
    with monkeypatch.context() as closed:
        closed.setattr("mannequin.training.data.readers.Readers.clip", lambda *_: pytest.fail("opened"))
        again = [samples(folder, split=s) for s in ("all", "val")]
        assert [len(data) for data in again] == [8, 5]
    assert same(again[1][0, 4], first[0, 7])


@pytest.mark.parametrize("change", ["other frames", "another clip", "a clip less"])
def test_what_clips_hold_is_found_out_again_when_they_change(tmp_path, change):
    folder = written(tmp_path / "d", [small(0), small(1)])
    assert len(samples(folder)) == 6
    clips = folder / "clips" / "000"
    if change == "a clip less":
        (clips / "000001.h5").unlink()
    else:
        write_clip(clips / ("000001.h5" if change == "other frames" else "000002.h5"), small(2, frames=5), rgb="png")
    assert len(samples(folder)) == {"other frames": 8, "another clip": 11, "a clip less": 3}[change]


def test_blocks_of_clips_are_in_order(folder, monkeypatch):
    whole = samples(folder)
    monkeypatch.setattr("mannequin.training.data.contents.BLOCK", 2)
    parts = samples(folder)
    assert len(parts) == len(whole) and all(same(parts[0, i], whole[0, i]) for i in range(len(whole)))


# What cannot be learnt from


def without(clip, channel):
    """The clip, its camera lacking a channel."""
    views = {}
    for name, view in clip.views.items():
        values = {n: v for n, v in view.labels.values.items() if n != channel}
        rgb = None if channel == "rgb" else view.rgb
        views[name] = View(view.K, view.T_world_camera, rgb, replace(view.labels, values=values), view.people)
    return Clip(clip.spec, views, clip.people)


@pytest.mark.parametrize(("channel", "people"), [("rgb", 1), ("segm", 1), ("depth", 1), ("instance", 2)])
def test_a_missing_channel_is_named(tmp_path, channel, people):
    folder = written(tmp_path / "d", [without(small(people=people), channel)])
    with pytest.raises(DatasetError, match=f"no channel '{channel}'"):
        samples(folder)


def test_channels_that_nobody_asked_for_may_be_missing(tmp_path):
    folder = written(tmp_path / "d", [without(without(small(), "depth"), "instance")])
    sample = samples(folder, targets=(Parts(),))[0, 0]
    assert "depth_bins" not in sample and sample["parts"].any()


def test_an_absent_split_is_told(tmp_path):
    with pytest.raises(DatasetError, match="no clips of the split 'val' .*'train'"):
        samples(written(tmp_path / "d", [small()]), split="val")


def test_people_who_are_never_seen_are_told(tmp_path):
    clip = noise_clip(0, resolution=(60, 80), coverage=0.0)
    view = clip.views["camera 0"]
    nobody = replace(view.people["person0"], pixels=np.zeros(2, np.int32))
    folder = written(tmp_path / "d", [replace(clip, views={"camera 0": replace(view, people={"person0": nobody})})])
    with pytest.raises(DatasetError, match="no frames to learn from"):
        samples(folder)


def test_a_damaged_clip_is_named(tmp_path):
    folder = written(tmp_path / "d", [small(0), small(1)])
    path = folder / "clips" / "000" / "000001.h5"
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(DatasetError, match="000001.h5"):
        samples(folder)


def test_an_absent_folder_is_told(tmp_path):
    with pytest.raises(DatasetError, match="nowhere"):
        samples(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"every": 0}, "every is 0"),
        ({"every": 2, "sampling": "middle"}, "one of a clip"),
        ({"val_share": 0.6, "test_share": 0.4}, "below 1"),
    ],
)
def test_selections_without_sense_are_refused(folder, options, words):
    with pytest.raises(ConfigError, match=words):
        samples(folder, **options)


def test_indices_beyond_the_end_are_refused(folder):
    data = samples(folder)
    for index in (-1, len(data)):
        with pytest.raises(IndexError):
            data[0, index]


# Open clips


def test_few_clips_are_open_at_a_time(folder):
    readers = Readers((str(folder),), kept=2)
    first = readers.clip(0, "000000")
    second = readers.clip(0, "000001")
    assert readers.clip(0, "000000") is first
    readers.clip(0, "000002")  # closes the one unused for longest
    assert first.frame("camera", "segm", 0).any()
    with pytest.raises(MannequinError):
        second.frame("camera", "segm", 0)
    assert readers.clip(0, "000001") is not second


def test_open_clips_stay_in_their_process(folder, monkeypatch):
    readers = Readers((str(folder),))
    clip = readers.clip(0, "000000")
    assert pickle.loads(pickle.dumps(readers)).clip(0, "000000") is not clip
    monkeypatch.setattr("mannequin.training.data.readers.os.getpid", lambda: -1)  # as after a fork
    assert readers.clip(0, "000000") is not clip


# Runs of frames


def test_a_run_is_its_frames_in_one_crop(folder, clips):
    data = samples(folder, Needs(frames=2), split="test", augment=True, seed=2)
    assert len(data) == 2
    run = data[0, 1]
    assert run["id"] == "000001/camera/person0/2"
    assert (
        run["image"].shape == (2, 3, SIZE, SIZE)
        and run["parts"].shape == (2, SIZE, SIZE)
        and run["joints2d"].shape == (2, 24, 2)
    )
    assert run["matrix"].shape == (2, 3)  # one crop for all frames
    truth = clips[1].views["camera"].people["person0"].joints2d[2:4]
    assert np.allclose(run["joints2d"], truth @ run["matrix"][:, :2].T + run["matrix"][:, 2], atol=1e-3)
    assert same(run, samples(folder, Needs(frames=2), split="test", augment=True, seed=2)[0, 1])


def test_a_run_that_is_not_augmented_holds_the_whole_box(folder):
    run = samples(folder, Needs(frames=3))[0, 0]
    joints = run["joints2d"][:, list(BOX_JOINTS)]
    assert (joints > 0).all() and (joints < SIZE).all()


@pytest.mark.parametrize(
    ("options", "starts"),
    [
        ({}, [["0", "2"]]),
        ({"every": 2}, [["0"]]),
        ({"spacing": 2}, [["0"]]),
        ({"spacing": 3}, [["0"]]),
        ({"sampling": "middle"}, [["1"]]),
        ({"sampling": "random"}, [["0"], ["1"], ["2"]]),
        ({"sampling": "random", "spacing": 2}, [["0"], ["1"]]),
    ],
    ids=str,
)
def test_where_runs_begin(folder, options, starts):
    needs = Needs(frames=2, spacing=options.get("spacing", 1))
    data = samples(folder, needs, split="test", **{k: v for k, v in options.items() if k != "spacing"})
    found = {
        tuple(data[e, i]["id"][-1] for i in range(len(data))) for e in range(25 if "random" in options.values() else 1)
    }
    assert found == {tuple(s) for s in starts}


def test_runs_longer_than_the_clips_are_refused(folder):
    with pytest.raises(DatasetError, match="no 5 frames"):
        samples(folder, Needs(frames=5))
    with pytest.raises(DatasetError, match="no 3 frames, 2 apart"):
        samples(folder, Needs(frames=3, spacing=2))
    for name in ("frames", "spacing", "cameras"):
        with pytest.raises(ConfigError, match=f"{name} of a sample is 0"):
            Needs(**{name: 0})


# Straight from the generator


class Counting:
    """The rasteriser, counting the clips it renders."""

    rendered = 0

    def __init__(self, catalog):
        self.inner = OPENER(catalog)

    def render(self, spec, outputs):
        Counting.rendered += 1
        return self.inner.render(spec, outputs)


CONFIG = SampleConfig(preset="surreal", size=(60, 80), samples=2)


def generated(opener=OPENER, config=CONFIG, seed=5, needs=Needs(), targets=TARGETS, **options):
    return GeneratedSamples(config, Assets(), seed, opener, needs, targets, size=SIZE, **options)


def test_generated_samples_follow_from_their_key():
    first = generated(Counting)
    before = Counting.rendered
    forth = [first[0, i] for i in range(8)]
    assert Counting.rendered - before == 2  # clips of four frames
    assert len({s["id"] for s in forth}) == 8 and len({s["id"].rsplit("/", 3)[0] for s in forth}) == 2
    second = pickle.loads(pickle.dumps(first))
    assert all(same(second[0, i], forth[i]) for i in (6, 1, 2))
    others = generated(Counting, seed=6)[0, 0], first[1, 0]
    assert all(not np.array_equal(s["image"], forth[0]["image"]) for s in others)
    for sample in forth:
        assert (
            set(np.unique(sample["parts"])) >= {0, 1, 2}
            and (sample["depth_bins"] > 0).sum() == (sample["parts"] > 0).sum() > 100
        )


def test_generated_samples_come_from_workers():
    data = generated()
    loader = DataLoader(data, batch_sampler=[[(0, 0), (0, 1)]], **loader_settings(1, pin=False))
    batch = next(iter(loader))
    assert np.array_equal(batch["image"][1].numpy(), data[0, 1]["image"])


def test_clips_that_show_nobody_are_drawn_again_and_in_the_end_refused():
    class Shy(Counting):
        """Hides everybody in the first ``hidden`` clips."""

        hidden = 3

        def render(self, spec, outputs):
            clip = super().render(spec, outputs)
            Shy.hidden -= 1
            if Shy.hidden < 0:
                return clip
            views = {
                c: replace(v, people={n: replace(p, pixels=np.zeros_like(p.pixels)) for n, p in v.people.items()})
                for c, v in clip.views.items()
            }
            return replace(clip, views=views)

    config = replace(CONFIG, frames=1)
    assert generated(Shy, config)[0, 0]["parts"].any()
    Shy.hidden = 1000
    with pytest.raises(RenderError, match="nobody"):
        generated(Shy, config)[0, 0]


def test_options_without_sense_are_refused_before_anything_is_rendered():
    with pytest.raises(ConfigError, match="frames is 0"):
        generated(config=replace(CONFIG, frames=0))
    with pytest.raises(ConfigError, match="--frames 4: a sample of 3 frames, 2 apart.*Give 5 or more"):
        generated(config=replace(CONFIG, frames=4), needs=Needs(frames=3, spacing=2))

"""The tasks: what is lost, counted and shown of a network's maps, and the way back from a checkpoint."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from trained import checkpoint

from mannequin.generator.body.model import PARTS_14
from mannequin.generator.colours import HIDDEN, SEEN, part_colours
from mannequin.generator.errors import ConfigError, TrainingError
from mannequin.training.core.checkpoint import load_weights
from mannequin.training.core.init import initialise, read_starts
from mannequin.training.metrics.labels import IGNORE
from mannequin.training.models.hourglass import Maps
from mannequin.training.options.hourglass import PRESETS, HourglassOptions
from mannequin.training.options.preset import DataConfig
from mannequin.training.pictures import picture
from mannequin.training.registry import load_trained, make_task, task_of
from mannequin.training.targets.depth_bins import BIN, bins_of_depth, depth_of_bins

TINY = HourglassOptions(stacks=1, features=8, depth=1, size=32)


def batch(classes: int, seed: int = 0, images: int = 3, side: int = 32) -> dict:
    """Samples of blocks of 8 × 8 pixels, each of a class."""
    rng = np.random.default_rng(seed)
    labels = np.kron(rng.integers(0, classes, (images, side // 8, side // 8)), np.ones((8, 8))).astype(np.uint8)
    return {
        "image": torch.from_numpy(rng.normal(size=(images, 3, side, side)).astype(np.float32)),
        "parts": torch.from_numpy(labels),
        "depth_bins": torch.from_numpy(labels),
        "joints2d": torch.from_numpy(rng.uniform(0, side, (images, 24, 2)).astype(np.float32)),
        "joints_visible": torch.ones(images, 24, dtype=torch.bool),
        "id": [f"clip/camera/person/{i}" for i in range(images)],
    }


def certain(labels: torch.Tensor, classes: int) -> torch.Tensor:
    """(B, C, H, W) scores without doubt."""
    return 50.0 * torch.nn.functional.one_hot(labels.long(), classes).movedim(-1, 1).float()


def loss(task, maps: Maps, b: dict) -> float:
    """Of a network that says ``maps``."""
    return float(sum(task.step(lambda image: maps, b).losses.values()))


@pytest.fixture(params=["segmentation", "depth"])
def task(request):
    return make_task(request.param, TINY)


# Loss and meter


def test_perfect_maps_lose_nothing_and_are_perfect(task):
    b = batch(task.classes)
    full = certain(b[task.truth.name], task.classes)
    meter = task.meter()
    meter.update(Maps((full[..., 2::4, 2::4],), full), b)
    found = meter.result()
    if task.name == "segmentation":
        assert found["iou"] == found["accuracy"] == found["pixels"] == found["silhouette"] == 1
    else:
        assert found["rmse"] == found["pose_rmse"] == 0 and found["st_rmse"] < 1e-3
    assert loss(task, Maps((full[..., 2::4, 2::4],), None), b) < 1e-6


def test_perfect_depth_classes_are_off_by_half_a_class_at_most():
    rng = np.random.default_rng(0)
    metres = rng.uniform(-9.4 * BIN, 8.9 * BIN, (1, 40, 40)).astype(np.float32)
    back = depth_of_bins(torch.from_numpy(bins_of_depth(metres, 0.0)))
    off = (back - torch.from_numpy(metres)).abs()
    assert BIN / 2 * 0.98 < off.max() <= BIN / 2 + 1e-6


def test_the_loss_is_the_entropy_of_every_stack(task):
    b = batch(task.classes)
    rng = np.random.default_rng(1)
    stacks = rng.normal(size=(2, 3, task.classes, 8, 8))
    expected = 0.0
    for scores in stacks:
        share = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        truth = b[task.truth.name].numpy()[:, 2::4, 2::4].astype(int)
        expected += -np.log(np.take_along_axis(share, truth[:, None], axis=1)).mean()
    maps = Maps(tuple(torch.from_numpy(stacks).float()), None)
    assert loss(task, maps, b) == pytest.approx(expected, rel=1e-5)


def test_maps_are_judged_at_the_size_of_the_image():
    """As OpenCV enlarges them, whose pixel centres are ours."""
    task, b = make_task("segmentation", TINY), batch(15)
    scores = np.random.default_rng(2).normal(size=(3, 15, 8, 8)).astype(np.float32)
    large = np.stack([[cv2.resize(m, (32, 32), interpolation=cv2.INTER_LINEAR) for m in image] for image in scores])
    predicted, truth = large.argmax(axis=1), b["parts"].numpy()
    meter = task.meter()
    meter.update(Maps((torch.from_numpy(scores),), None), b)
    overlaps = [((predicted == c) & (truth == c)).sum() / ((predicted == c) | (truth == c)).sum() for c in range(15)]
    assert meter.result()["iou"] == pytest.approx(np.mean(overlaps[1:]), abs=1e-9)
    assert meter.per_class()["iou"] == pytest.approx(dict(zip(("background", *PARTS_14), overlaps)), abs=1e-9)


def test_depth_is_measured_at_joints_that_are_seen():
    task, b = make_task("depth", TINY), batch(20)
    off = (b["depth_bins"].long() + 2).clamp(max=19)
    meters = [task.meter() for _ in range(2)]
    meters[0].update(Maps((), certain(off, 20)), b)
    b["joints_visible"] = torch.zeros(3, 24, dtype=torch.bool)
    meters[1].update(Maps((), certain(off, 20)), b)
    assert 0 < meters[0].result()["pose_rmse"] <= 90
    assert np.isnan(meters[1].result()["pose_rmse"]) and meters[1].result()["rmse"] == meters[0].result()["rmse"]


def test_a_meter_of_halves_adds_up_to_that_of_the_whole(task):
    parts = [batch(task.classes, seed) for seed in (0, 1)]
    whole, halves = task.meter(), [task.meter() for _ in parts]
    for meter, b in zip(halves, parts):
        outputs = Maps(
            (torch.from_numpy(np.random.default_rng(3).normal(size=(3, task.classes, 8, 8)).astype(np.float32)),), None
        )
        meter.update(outputs, b)
        whole.update(outputs, b)
    halves[0].add(halves[1])
    assert halves[0].result() == pytest.approx(whole.result(), nan_ok=True)


# The network


def test_the_network_has_the_classes_and_the_size_of_the_task(task):
    model, b = task.model(), batch(task.classes)
    step = task.step(model, b)
    maps = step.outputs
    assert [tuple(m.shape) for m in maps.stacks] == [(3, task.classes, 8, 8)] and maps.full is None
    assert sum(step.losses.values()).isfinite()
    del b[task.truth.name]
    assert task.step(model, b).losses == {}  # as in use


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"size": 100}, "--size is 100; with --depth 4 expected a multiple of 64, such as 128"),
        ({"size": 10}, "such as 64"),
        ({"features": 20}, "--features is 20"),
        ({"stacks": 0}, "--stacks is 0"),
        ({"depth": 0}, "--depth is 0"),
    ],
)
def test_networks_that_cannot_be_are_refused(options, said):
    with pytest.raises(ConfigError, match=said):
        HourglassOptions(**options)


# Pictures


def test_a_row_shows_what_is_right_and_what_is_wrong():
    task = make_task("segmentation", TINY)
    truth = np.array([[0, 0, 3], [IGNORE, 4, 5]], np.uint8)
    predicted = np.array([[0, 7, 3], [7, 4, 6]], np.uint8)
    row = task.row(np.full((2, 3, 3), 99, np.uint8), truth, predicted)
    assert list(row) == ["image", "truth", "prediction", "error"]
    black = (0, 0, 0)
    assert np.array_equal(row["error"], [[black, HIDDEN, SEEN], [black, SEEN, HIDDEN]])
    assert np.array_equal(row["prediction"], part_colours(parts=14)[predicted])
    assert tuple(row["truth"][1, 0]) == black


def test_errors_of_depth_grow_with_the_distance():
    task = make_task("depth", TINY)
    truth = np.array([[10, 10, 10, 10, 0, 0]], np.uint8)
    predicted = np.array([[10, 11, 14, 0, 0, 1]], np.uint8)
    off = task.error(truth, predicted)[0]
    assert off[0] == off[4] == 0 < off[1] < off[2] < 1 == off[3] == off[5]
    colours = task.truth.colours()
    assert len(colours) == 20 and not colours[0].any() and len(np.unique(colours, axis=0)) == 20


@pytest.mark.parametrize("images", [1, 3, 9])
def test_a_picture_has_a_row_for_each_sample(task, images):
    b = batch(task.classes, images=images)
    drawn = picture(task, task.step(task.model(), b).outputs, b)
    assert drawn.dtype == np.uint8
    shown = min(8, images)
    rows, columns = -(-shown // 2), 4 * min(2, shown)
    assert drawn.shape[1] == columns * 192 + (columns - 1) * 6
    assert rows * 192 < drawn.shape[0] < rows * 198 + 120


# Checkpoints


def test_the_way_back_from_a_checkpoint(task, tmp_path):
    path = checkpoint(tmp_path / "run", task.name)
    weights, about = load_weights(path)
    again = task_of(about)
    assert (type(again), again.config) == (type(task), TINY)
    back, model, about = load_trained(tmp_path / "run")
    assert type(back) is type(task) and about["step"] == 4 and not model.training
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())


def test_a_task_of_another_release_is_refused():
    with pytest.raises(TrainingError, match="of the task 'flow'; this release knows segmentation, depth"):
        task_of({"task": "flow", "task_config": {}, "checkpoint": "here"})
    with pytest.raises(ConfigError, match="Did you mean 'depth'"):
        make_task("dept")


def test_weights_to_begin_with(tmp_path):
    path = checkpoint(tmp_path / "run", "segmentation")
    (start,) = read_starts({"": path}, make_task("segmentation", TINY))
    assert start.about["checkpoint"] == str(path)
    for up in (False, True):  # the layers that --up adds begin anew
        task = make_task("segmentation", HourglassOptions(**(vars(TINY) | {"up": up})))
        model = task.model()
        initialise(model, task, [start])
        assert all(torch.equal(model.state_dict()[name], value) for name, value in start.weights.items())
    wider = make_task("segmentation", HourglassOptions(**(vars(TINY) | {"features": 16})))
    with pytest.raises(TrainingError, match="holds another network"):
        initialise(wider.model(), wider, [start])
    with pytest.raises(TrainingError, match="of the task 'segmentation'; expected one of 'depth'"):
        read_starts({"": path}, make_task("depth", TINY))


# Presets


def test_the_paper_is_as_the_thesis_says():
    paper = PRESETS["paper"]
    assert paper.network == HourglassOptions(stacks=8, features=256, depth=4, up=False, size=256)
    t = paper.train
    assert (t.optimiser, t.lr, t.alpha, t.batch, t.steps, t.schedule, t.precision) == (
        "rmsprop",
        1e-3,
        0.99,
        6,
        50_000,
        "constant",
        "32-true",
    )
    assert paper.data == DataConfig(sampling="random", val_sampling="middle")
    assert PRESETS["modern"].train.steps * PRESETS["modern"].train.batch == t.steps * t.batch


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"val_share": 0.0}, "--val-share is 0"),
        ({"every": 0}, "--every is 0"),
        ({"every": 2, "sampling": "middle"}, "--every 2 goes with"),
        ({"cache": -1.0}, "--cache is -1"),
        ({"cache": float("inf")}, "--cache is inf"),
    ],
)
def test_data_options_that_make_no_sense_are_refused(options, said):
    with pytest.raises(ConfigError, match=said):
        DataConfig(**options)


def test_options_come_without_torch():
    code = "import mannequin.cli.commands.train, sys; print('torch' in sys.modules, 'cv2' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]

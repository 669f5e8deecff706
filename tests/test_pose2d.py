"""2D joints after parts: heatmaps, the share of joints that are right, the frozen first network, and the recipe."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from clips import ball_clip
from trained import checkpoint

from mannequin.generator.body.model import SMPL_JOINTS, SMPL_PARENTS
from mannequin.generator.dataset.folder import create_or_resume
from mannequin.generator.dataset.native import write_clip
from mannequin.generator.errors import ConfigError, TrainingError
from mannequin.training.card import write_card
from mannequin.training.core.checkpoint import checkpoints
from mannequin.training.core.config import TrainConfig
from mannequin.training.core.init import initialise, read_starts
from mannequin.training.core.learner import Learner, session
from mannequin.training.data.clips import ClipSamples
from mannequin.training.data.crop import Crop
from mannequin.training.export import export_network
from mannequin.training.losses.heatmaps import stacked_squares
from mannequin.training.metrics.keypoints import KeypointMeter
from mannequin.training.options.hourglass import HourglassOptions
from mannequin.training.options.pose2d import PRESETS, Pose2DOptions
from mannequin.training.options.preset import DataConfig
from mannequin.training.predict.joints import JointPredictor
from mannequin.training.recipes.recipe import Recipe, Stage
from mannequin.training.registry import RECIPES, load_trained, make_task
from mannequin.training.targets.heatmaps import BONES, JOINTS, NAMES, STRIDE, heatmaps_of, joints_of
from mannequin.training.task import PredictorOptions
from mannequin.training.tasks.pose2d import Found

ROOT = Path(__file__).resolve().parents[1]
PARTS = HourglassOptions(stacks=1, features=8, depth=1, size=32)
TINY = Pose2DOptions(1, 16, 1, 1, 8, 1, size=32)


def written(folder: Path, count: int = 6) -> Path:
    """Clips of one person, of three frames; by their names, some are held out."""
    dataset = create_or_resume(folder, {"of": "tests"}, count)
    for k in range(count):
        write_clip(dataset.path_of(k), ball_clip(3, (60, 80), index=k, seed=k, name=f"clip{k}"), rgb="png")
    return folder


@pytest.fixture(scope="module")
def people(tmp_path_factory) -> Path:
    return written(tmp_path_factory.mktemp("data") / "people")


def batch_of(people: Path, task, count: int = 4) -> dict:
    data = ClipSamples(people, task.needs, task.targets, size=task.size)
    return task.collate([data[0, 4 * k] for k in range(count)])


# Heatmaps


def slow_heatmaps(joints: np.ndarray, size: int) -> np.ndarray:
    """Cell by cell."""
    side = size // 4
    maps = np.zeros((len(joints), side, side), np.float32)
    for k, (x, y) in enumerate(joints):
        if not (0 <= x < size and 0 <= y < size):
            continue
        column, row = int(x / 4), int(y / 4)
        for v in range(side):
            for u in range(side):
                if abs(u - column) <= 3 and abs(v - row) <= 3:
                    maps[k, v, u] = np.exp(-((u - column) ** 2 + (v - row) ** 2) / (2 * 1.75**2))
    return maps


def test_heatmaps_are_those_of_a_slow_version_also_at_the_edges():
    rng = np.random.default_rng(0)
    joints = np.concatenate(
        [rng.uniform(-20, 84, (60, 2)), [[0, 0], [63.9, 63.9], [64, 10], [-0.1, 10], [3.9, 4.1]]]
    ).astype(np.float32)
    found = heatmaps_of(joints, 64)
    assert found.dtype == np.float32 and found == pytest.approx(slow_heatmaps(joints, 64), abs=1e-7)
    assert found[60].argmax() == 0 and found[61].argmax() == 255  # the peak stays where the edge cuts the bell
    assert not found[62:64].any()


def test_the_bell_is_bodynets():
    bell = heatmaps_of(np.array([[33.0, 41.0]]), 64)[0]
    assert bell[10, 5:12] == pytest.approx([0.230, 0.521, 0.849, 1, 0.849, 0.521, 0.230], abs=1e-3)
    assert bell.sum() == pytest.approx(17.638, abs=5e-4) and np.count_nonzero(bell) == 49


def test_joints_come_back_within_half_a_cell():
    joints = np.random.default_rng(1).uniform(0, 64, (3, 16, 2))
    found, peaks = joints_of(torch.from_numpy(heatmaps_of(joints, 64)))
    assert (np.abs(found.numpy() - joints) <= STRIDE / 2 + 1e-5).mean() == 1 and (peaks == 1).all()


def test_a_joint_leans_to_the_higher_neighbour():
    maps = torch.zeros(1, 2, 8, 8)
    maps[0, 0, 3, 4:6] = torch.tensor([1.0, 0.5])
    maps[0, 0, 2, 4] = 0.25
    maps[0, 1, 0, 7] = 2.0  # in a corner: nothing to lean to
    found, peaks = joints_of(maps)
    assert found[0].tolist() == [[4 * 4.75, 4 * 3.25], [4 * 7.5, 4 * 0.5]] and peaks.tolist() == [[1, 2]]


def test_bones_lead_to_the_nearest_joint_above():
    assert len(BONES) == 15 and {child for _, child in BONES} == set(range(16)) - {NAMES.index("pelvis")}
    for parent, child in BONES:
        above, joint = [], SMPL_PARENTS[SMPL_JOINTS.index(NAMES[child])]
        while joint >= 0:
            above.append(joint)
            joint = SMPL_PARENTS[joint]
        assert next(j for j in above if j in JOINTS) == JOINTS[parent]


def test_targets_are_the_joints_of_the_crop(people):
    task = make_task("pose2d", TINY)
    batch = batch_of(people, task)
    assert batch["heatmaps"].shape == (4, 16, 8, 8)
    for maps, joints in zip(batch["heatmaps"], batch["joints2d"]):
        assert maps.numpy() == pytest.approx(slow_heatmaps(joints[list(JOINTS)].numpy(), 32), abs=1e-7)


def test_the_loss_is_the_squared_error_of_every_stack():
    rng = np.random.default_rng(2)
    stacks, truth = rng.normal(size=(2, 3, 16, 8, 8)), rng.normal(size=(3, 16, 8, 8))
    expected = sum(
        sum((stack[index] - truth[index]) ** 2 for index in np.ndindex(truth.shape)) / truth.size for stack in stacks
    )
    found = stacked_squares([torch.from_numpy(stack).float() for stack in stacks], torch.from_numpy(truth).float())
    assert float(found) == pytest.approx(expected, rel=1e-5)


# The share of joints that are right


def test_the_share_of_right_joints_is_that_of_its_definition():
    rng = np.random.default_rng(3)
    truth, found = rng.uniform(-4, 40, (5, 24, 2)), rng.uniform(0, 32, (5, 16, 2))
    found[:3] = truth[:3, list(JOINTS)] + rng.normal(0, 3, (3, 16, 2))
    visible = rng.random((5, 24)) < 0.6
    near, fine, seen, distances, first = [], [], [], [], []
    for k in range(5):
        own = truth[k, list(JOINTS)]
        side = max(own[:, 0].max() - own[:, 0].min(), own[:, 1].max() - own[:, 1].min())
        for j, joint in enumerate(JOINTS):
            x, y = truth[k, joint]
            if not (0 <= x < 32 and 0 <= y < 32):
                continue
            off = np.hypot(found[k, j, 0] - x, found[k, j, 1] - y) / side
            near.append(off <= 0.1)
            fine.append(off <= 0.05)
            distances.append(off)
            if visible[k, joint]:
                seen.append(off <= 0.1)
            if j == 0:
                first.append(off <= 0.1)
    expected = {"pck": np.mean(near), "pck_fine": np.mean(fine), "pck_seen": np.mean(seen), "error": np.mean(distances)}
    meter, halves = KeypointMeter(), [KeypointMeter() for _ in range(2)]
    batch = {"image": torch.zeros(5, 3, 32, 32), "joints2d": truth, "joints_visible": visible}
    batch = {name: torch.as_tensor(value) for name, value in batch.items()}
    for counting, part in ((meter, slice(5)), (halves[0], slice(2)), (halves[1], slice(2, 5))):
        outputs = Found(torch.from_numpy(found[part]), torch.zeros(0))
        counting.update(outputs, {name: value[part] for name, value in batch.items()})
    assert 0 < expected["pck_fine"] < expected["pck"] < 1
    assert meter.result() == pytest.approx(expected)
    assert meter.per_class()["pck"]["left_ankle"] == pytest.approx(np.mean(first))
    halves[0].add(halves[1])
    assert halves[0].result() == pytest.approx(expected)


def test_nobody_has_no_share():
    assert np.isnan(list(KeypointMeter().result().values())).all()


# Two networks in a row


def test_the_second_network_sees_the_image_and_what_the_first_says():
    """Where a pixel's probabilities are those of the first network used alone."""
    torch.manual_seed(0)
    model, seen = make_task("pose2d", TINY).model().eval(), []
    model.joints.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    image = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        model(image)
        alone = model.parts(image).scores((32, 32)).softmax(1)
    assert seen[0].shape == (2, 18, 32, 32)
    assert seen[0][:, :3].equal(image) and seen[0][:, 3:].equal(alone)
    assert seen[0][:, 3:].sum(1) == pytest.approx(torch.ones(2, 32, 32), abs=1e-5)


def test_it_has_the_parameters_of_bodynets_networks():
    """Those of S, and of J2 with 15 channels more in its first convolution of 7 × 7 to 64 (bodynet's training.md)."""
    model = make_task("pose2d", PRESETS["paper"].network).model()
    assert sum(p.numel() for p in model.parts.parameters()) == 6_569_630
    assert sum(p.numel() for p in model.joints.parameters()) == 6_570_400 + 15 * 7 * 7 * 64


def test_gradients_do_not_flow_into_the_frozen_network(people):
    task = make_task("pose2d", TINY)
    model, batch = task.model(), batch_of(people, task)
    sum(task.step(model, batch).losses.values()).backward()
    assert all(p.grad is None for p in model.parts.parameters())
    assert all(p.grad is not None for p in model.joints.parameters())


def test_training_leaves_the_frozen_network_as_it_was(people):
    """Weights and running statistics, bit for bit; decay of weights too would move them."""
    task = make_task("pose2d", TINY)
    batch = batch_of(people, task)
    config = TrainConfig(steps=3, optimiser="adamw", lr=0.01, weight_decay=0.5, accelerator="cpu", workers=0)
    with session(config) as fabric:
        learner = Learner(task, config, fabric)
        before = learner.weights()
        learner.train_mode()
        assert learner.module.joints.training and not any(part.training for part in learner.module.parts.modules())
        for _ in range(3):
            fabric.backward(sum(learner.step(batch).losses.values()))
            learner.optimizer.step()
        after = learner.weights()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {name for name in before if name.startswith("joints.")}
    assert not any(name.startswith("optimiser/parts") for name in learner.training_state())


def test_recipes_have_a_manual_of_their_own(run):
    status, said, _ = run("train", "parts-pose", "--help")
    assert status == 0 and said.startswith("Train the networks of a recipe one after the other")
    assert "--init" not in said
    assert run("train", "pose2d", "--help")[1].startswith("Train a network on generated people")


def test_the_frozen_network_needs_weights(tmp_path, run, people):
    task = make_task("pose2d", TINY)
    with pytest.raises(ConfigError, match="The part 'parts' .* is not trained, .* give --init parts=RUN"):
        read_starts({"joints": checkpoint(tmp_path / "run", network=PARTS)}, task)
    status, _, said = run("train", "pose2d", "--data", people, "--dev-run", "--out", tmp_path / "out")
    assert status == 2 and "--init parts=RUN" in said and not (tmp_path / "out").exists()
    starts = read_starts({"parts": checkpoint(tmp_path / "run", network=PARTS)}, task)
    model = task.model()
    initialise(model, task, starts)
    parts = load_trained(tmp_path / "run")[1].state_dict()
    assert all(value.equal(parts[name]) for name, value in model.parts.state_dict().items())
    other = make_task("pose2d", Pose2DOptions(1, 16, 1, 1, 16, 1, size=32))
    with pytest.raises(TrainingError):
        initialise(other.model(), other, starts)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"size": 96}, "--size is 96; with --depth 4 expected a multiple of 64"),
        ({"size": 32, "depth": 1}, "Of the network of parts: --size is 32; with --depth 4"),
        ({"features": 20}, "--features is 20"),
    ],
)
def test_networks_that_cannot_be_are_refused(options, said):
    with pytest.raises(ConfigError, match=said):
        Pose2DOptions(**options)


@pytest.mark.slow
def test_it_learns_a_batch_by_heart(people):
    torch.manual_seed(0)
    task = make_task("pose2d", Pose2DOptions(1, 32, 2, 1, 8, 1, size=64))
    batch, model = batch_of(people, task), task.model()
    task.train_mode(model)
    optimiser = torch.optim.AdamW(task.parameter_groups(model), lr=5e-3)
    for _ in range(150):
        step = task.step(model, batch)
        optimiser.zero_grad()
        sum(step.losses.values()).backward()
        optimiser.step()
    meter = task.meter()
    meter.update(task.step(model, batch).outputs, batch)
    assert meter.result()["pck"] > 0.98


# On a user's image


def test_joints_are_at_the_pixels_of_the_image():
    wanted = np.random.default_rng(4).integers(0, 16, (16, 2))  # cells, column and row
    maps = torch.zeros(1, 16, 16, 16)
    maps[0, range(16), wanted[:, 1], wanted[:, 0]] = 0.8
    boxes = ((10.0, 20.0, 74.0, 84.0), (100.0, 0.0, 228.0, 100.0))
    options = PredictorOptions(torch.device("cpu"), boxes)
    predictor = JointPredictor(lambda crops: maps.expand(len(crops), -1, -1, -1), 64, options)
    image = np.full((120, 240, 3), 90, np.uint8)
    (found,) = predictor.predict(iter([image]))
    in_crop = 4 * wanted + 2
    squares = ((10, 20), 1), ((100, -14), 2)  # corner and zoom of each box's square
    for person, (corner, zoom) in zip(json.loads(found.content())["people"], squares, strict=True):
        assert list(person["joints"]) == list(NAMES)
        at = np.array([place[:2] for place in person["joints"].values()])
        assert at == pytest.approx(np.array(corner) + zoom * in_crop)
        assert {place[2] for place in person["joints"].values()} == {0.8}
    picture = found.draw(image, 1.0, False)
    assert picture.shape == image.shape and (picture != image).any()


def test_points_come_back_from_a_crop():
    crop = Crop(np.array([[0.4, -0.3, 5.0], [0.3, 0.4, -2.0]]), 64)
    points = np.random.default_rng(5).uniform(0, 100, (7, 2))
    assert crop.back(crop.points(points)) == pytest.approx(points)


# The recipe


def tiny_recipe() -> Recipe:
    train = TrainConfig(
        steps=6, batch=3, lr=3e-3, validate_every=3, checkpoint_every=2, log_every=1, workers=0, accelerator="cpu"
    )
    data = DataConfig(val_share=0.3)
    stages = (
        Stage("parts", "segmentation", PARTS, train, data),
        Stage("pose", "pose2d", TINY, train, data, {"parts": "parts"}),
    )
    return Recipe("tiny-pose", "tests", {"small": stages})


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(RECIPES, "tiny-pose", tiny_recipe())


STARTED = """
import os
import signal
import sys

sys.path[:0] = [{root!r}, {tests!r}]

from mannequin.training.registry import RECIPES
from test_pose2d import tiny_recipe

RECIPES["tiny-pose"] = tiny_recipe()

from mannequin.cli.main import main
from mannequin.cli.training.bar import TrainBar

def show(bar, progress):
    if (bar.task.name, progress.step) == ({task!r}, {step}):
        os.kill(os.getpid(), signal.SIGKILL)

made = TrainBar.__init__

def keep(bar, task, quiet=False):
    made(bar, task, quiet)
    bar.task = task

TrainBar.__init__, TrainBar.show = keep, show
main(["train", "tiny-pose", "--data", {people!r}, "--out", {out!r}, "--accelerator", "cpu", "--workers", "0"])
"""


def killed(people: Path, out: Path, task: str, step: int) -> None:
    script = STARTED.format(
        root=str(ROOT), tests=str(ROOT / "tests"), task=task, step=step, people=str(people), out=str(out)
    )
    env = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env)
    assert ended.returncode == -signal.SIGKILL, ended.stderr


def contents(out: Path) -> dict[str, bytes]:
    """All that a run leaves but its pace, the path of what it began with, and the times in its events."""
    kept = [path for path in out.rglob("*") if path.suffix in (".safetensors", ".png")]
    kept += [out / stage / f"{name}.csv" for stage in ("1-parts", "2-pose") for name in ("train", "validation")]
    return {str(path.relative_to(out)): path.read_bytes() for path in kept}


@pytest.mark.slow
def test_a_recipe_goes_on_in_either_stage_bit_for_bit(run, tiny, people, tmp_path):
    go = ("train", "tiny-pose", "--data", people, "--accelerator", "cpu", "--workers", 0)
    status, said, errors = run(*go, "--out", tmp_path / "one")
    assert status == 0, errors
    whole = contents(tmp_path / "one")
    assert "1-parts" in said and "2-pose" in said and f"mannequin predict {tmp_path / 'one' / '2-pose'}" in said
    parts = load_trained(tmp_path / "one" / "1-parts")[1].state_dict()
    pose = load_trained(tmp_path / "one" / "2-pose")[1].state_dict()
    assert all(value.equal(pose[f"parts.{name}"]) for name, value in parts.items())

    killed(people, tmp_path / "two", "segmentation", 5)
    assert [path.name for path in checkpoints(tmp_path / "two" / "1-parts" / "checkpoints")][-1] == "step-00000004"
    assert not (tmp_path / "two" / "2-pose").exists()
    killed(people, tmp_path / "two", "pose2d", 5)
    assert [path.name for path in checkpoints(tmp_path / "two" / "2-pose" / "checkpoints")][-1] == "step-00000004"
    status, _, errors = run(*go, "--out", tmp_path / "two")
    assert status == 0, errors
    assert contents(tmp_path / "two") == whole
    with open(tmp_path / "two" / "2-pose" / "train.csv") as file:
        assert [row["step"] for row in csv.DictReader(file)] == list("123456")


@pytest.mark.slow
def test_the_second_stage_is_judged_and_used_by_the_commands_of_all_tasks(run, tiny, people, tmp_path):
    go = ("train", "tiny-pose", "--data", people, "--accelerator", "cpu", "--workers", 0, "--quiet")
    assert run(*go, "--out", tmp_path / "out")[0] == 0
    second = tmp_path / "out" / "2-pose"
    status, _, errors = run("evaluate", second, "--data", people, "--workers", 0, "--pictures", tmp_path / "looks")
    assert status == 0, errors
    record = json.loads(next((second / "evaluations").glob("*.json")).read_text())
    assert set(record["results"]) == {"pck", "pck_seen", "pck_fine", "error"}
    cv2.imwrite(str(tmp_path / "photo.png"), np.full((60, 90, 3), 120, np.uint8))
    status, _, errors = run("predict", second, tmp_path / "photo.png", "--out", tmp_path / "found", "--device", "cpu")
    assert status == 0, errors
    (person,) = json.loads((tmp_path / "found" / "joints2d" / "photo.json").read_text())["people"]
    assert list(person["joints"]) == list(NAMES)
    assert cv2.imread(str(tmp_path / "found" / "overlay" / "photo.png")).shape == (60, 90, 3)
    card = (second / "card.md").read_text()
    assert "a network of parts of the body, which was not trained with it" in card
    assert "--init parts=OTHER_RUN" in card and "The part parts of the network began with the weights" in card


@pytest.mark.slow
def test_an_untrained_run_has_a_card_and_an_export(tmp_path):
    run = tmp_path / "run"
    checkpoint(run, "pose2d", TINY)
    assert "# Pose2d of people: two stacked hourglass networks in a row" in write_card(run).read_text()
    done = export_network(run, tmp_path / "pose.pt2", "torch")
    known = json.loads(done.files[1].read_text())
    assert done.difference <= 1e-4 * done.largest
    assert known["joints"] == list(NAMES) and known["output"]["shape"] == ["batch", 16, 8, 8]

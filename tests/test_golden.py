"""What training computed before its interfaces were redesigned, it computes still.

``tests/data/golden`` was made by the code of commit e640e07: a dataset of format 1, runs of six steps on it with
checkpoints of format version 1 (after step 3, the best, as a run goes on from it; after step 6 the weights alone),
their tables, what `mannequin evaluate` and `mannequin predict` found with them, and some samples. In checkpoints
PEOPLE stands for the path of the dataset.

On the kind of machine that made them (MADE_ON) all of it comes out bit for bit, and must. Elsewhere sums are added up
in another order, and RMSprop, whose first steps are as long wherever the gradient points, makes much of it: with
torch's other convolutions (without MKL-DNN) losses differ by 1e-6 in the first three steps, by up to 1.5 % in the
sixth, that of the validation by 6 %, gradients by half, weights by 3 % of their length (35 % lie between the first and
the last ones). There it is these that are compared.
"""

import csv
import hashlib
import io
import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import safetensors.torch
import torch

from mannequin.generator.errors import TrainingError
from mannequin.training.core.checkpoint import checkpoints, load_weights, read
from mannequin.training.data.clips import ClipSamples
from mannequin.training.data.colour import to_rgb
from mannequin.training.data.needs import Needs
from mannequin.training.data.selection import Selection
from mannequin.training.registry import load_trained
from mannequin.training.targets.depth_bins import DepthBins
from mannequin.training.targets.joints import Joints
from mannequin.training.targets.parts import Parts

GOLDEN = Path(__file__).parent / "data" / "golden"
TASKS = ("segmentation", "depth")
MADE_ON = ("2.13.0+cpu", "AVX2", "AMD EPYC")
"""torch, the instructions that it uses, the processor."""
SAME, LATER, VALIDATED, WEIGHTS = 1e-4, 0.05, 0.2, 0.1
"""Elsewhere, relative: losses of the first steps, those after them, the loss of the validation, weights altogether."""
OPTIONS = (
    *("--stacks", 2, "--features", 8, "--depth", 1, "--size", 32, "--steps", 6, "--batch", 2, "--seed", 5),
    *("--augment", "paper", "--workers", 0, "--validate-every", 3, "--checkpoint-every", 3, "--log-every", 1),
    *("--val-share", 0.5, "--momentum", 0, "--optimiser", "rmsprop", "--lr", 0.001, "--weight-decay", 0),
    *("--schedule", "constant", "--warmup", 0, "--grad-clip", 0.5, "--no-channels-last", "--accelerator", "auto"),
)
BOXES = ("--box", 3, 2, 40, 38, "--box", 20, 0, 52, 40)


@pytest.fixture(autouse=True)
def one_thread():
    """Sums over several threads come in another order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """The dataset: its description and two of its clips are in the samples of format 1, the other six here."""
    folder = tmp_path_factory.mktemp("golden") / "people"
    shutil.copytree(GOLDEN.with_name("format1") / "people", folder)
    return shutil.copytree(GOLDEN / "people", folder, dirs_exist_ok=True)


@pytest.fixture
def train(run, people):
    """Runs `mannequin train` as the golden runs were, but for ``changes``; returns (status, standard error)."""

    def train(task, out, *changes):
        status, _, message = run("train", task, "--data", people, "--out", out, *OPTIONS, "--quiet", *changes)
        return status, message

    return train


@pytest.fixture(params=TASKS)
def task(request):
    return request.param


def old_run(task: str, folder: Path, people: Path) -> Path:
    """A run that was interrupted after step 3 by the code before the redesign."""
    shutil.copytree(GOLDEN / task / "step-00000003", folder / "checkpoints" / "step-00000003")
    state = folder / "checkpoints" / "step-00000003" / "state.json"
    state.write_text(state.read_text().replace("PEOPLE", str(people)))
    (folder / "config.json").write_text("{}")
    for name in ("train", "validation"):
        shutil.copy(GOLDEN / task / f"{name}.csv", folder / f"{name}.csv")
    return folder


def table(content: bytes) -> list[dict[str, float]]:
    return [
        {name: float(value) if value else np.nan for name, value in row.items()}
        for row in csv.DictReader(io.StringIO(content.decode()))
    ]


def made_here() -> bool:
    """Whether this is the kind of machine whose bits are known."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*: (.*)$", info.read_text(), re.M) if info.exists() else []
    return (torch.__version__, torch.backends.cpu.get_cpu_capability(), *names[:1]) == MADE_ON


def assert_same_run(out: Path, task: str, begun: int = 0) -> None:
    """Tables and last weights of a run are the golden ones. begun: the step after which it was this code's."""
    weights = read(checkpoints(out / "checkpoints")[-1]).weights
    golden = safetensors.torch.load_file(GOLDEN / task / "weights.safetensors")
    assert weights.keys() == golden.keys()
    for name in ("train", "validation"):
        found, expected = ((folder / f"{name}.csv").read_bytes() for folder in (out, GOLDEN / task))
        if made_here():
            assert found == expected
        assert_near(table(found), table(expected), name, begun)
    if made_here():
        assert all(torch.equal(weights[name], golden[name]) for name in golden)
    apart = sum((weights[name] - golden[name]).double().square().sum() for name in golden).sqrt()
    assert apart < WEIGHTS * sum(golden[name].double().square().sum() for name in golden).sqrt()


def assert_near(found: list[dict], expected: list[dict], name: str, begun: int) -> None:
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        step = theirs["step"]
        first = step <= 3 or step == begun + 1
        far = VALIDATED if name == "validation" else SAME if first else LATER
        assert ours.keys() == theirs.keys()
        for column in ("step", "epoch", "samples", "lr", "loss", "cross_entropy"):
            if column in theirs:
                assert ours[column] == pytest.approx(theirs[column], rel=far), (name, step, column)
        if "gradient" in theirs and step == 1:
            assert ours["gradient"] == pytest.approx(theirs["gradient"], rel=1e-3)


# Training


def test_training_again_gives_the_same(train, task, tmp_path):
    assert train(task, tmp_path / "run") == (0, "")
    assert_same_run(tmp_path / "run", task)


def test_other_seeds_would_be_noticed(train, task, tmp_path):
    assert train(task, tmp_path / "run", "--seed", 6) == (0, "")
    for here in (True, False):
        with pytest.MonkeyPatch.context() as patch, pytest.raises(AssertionError):
            patch.setattr("tests.test_golden.made_here", lambda here=here: here)
            assert_same_run(tmp_path / "run", task)


def test_a_run_of_the_old_code_goes_on(train, task, tmp_path, people):
    out = old_run(task, tmp_path / "run", people)
    before = load_weights(out / "checkpoints" / "step-00000003")[0]
    assert train(task, out, "--resume") == (0, "")
    assert [path.name for path in checkpoints(out / "checkpoints")][-1] == "step-00000006"
    assert_same_run(out, task, begun=3)
    after = load_weights(out / "checkpoints" / "step-00000006")[0]
    assert any(not torch.equal(before[name], after[name]) for name in before)
    state = json.loads((out / "checkpoints" / "step-00000006" / "state.json").read_text())
    assert state["format_version"] == 2 and state["state"]["run"]["config"]["grad_clip"] == 0.5
    assert [v["step"] for v in state["state"]["validations"]] == [3, 6]


def test_a_run_of_the_old_code_does_not_go_on_with_other_options(train, task, tmp_path, people):
    out = old_run(task, tmp_path / "run", people)
    for changes, said in (
        (("--grad-clip", 0.25), "config.grad_clip: 0.5 there, 0.25 now"),
        (("--alpha", 0.9), "config.alpha: 0.99 there, 0.9 now"),
        (("--sampling", "middle"), "data.options.sampling: 'all' there, 'middle' now"),
        (("--init", out), "data.init"),
    ):
        status, message = train(task, out, *changes)
        assert status == 2 and said in message and "clip:" not in message.replace("grad_clip:", ""), message
    assert [path.name for path in checkpoints(out / "checkpoints")] == ["step-00000003"]


def test_a_damaged_old_checkpoint_is_named(tmp_path, people):
    out = old_run("depth", tmp_path / "run", people)
    state = out / "checkpoints" / "step-00000003" / "state.json"
    held = json.loads(state.read_text())
    for standing in (None, [], {"step": 3}, held["standing"] | {"run": 5}, held["standing"] | {"step": "late"}):
        state.write_text(json.dumps(held | {"standing": standing}))
        with pytest.raises(TrainingError, match="step-00000003 is damaged"):
            load_weights(out)


def test_weights_of_the_old_code_begin_a_new_run(train, task, tmp_path, people):
    old = old_run(task, tmp_path / "old", people)
    out = tmp_path / "new"
    assert train(task, out, "--init", old, "--optimiser", "sgd", "--lr", 1e-12, "--steps", 1) == (0, "")
    begun, after = load_weights(old)[0], load_weights(out)[0]
    assert all(torch.allclose(after[n], begun[n], atol=1e-6) for n in begun if "running" not in n and "num" not in n)
    # an old run that itself began so, has one "init"; in a new one there may be several, by part
    state = old / "checkpoints" / "step-00000003" / "state.json"
    held = json.loads(state.read_text())
    held["standing"]["run"]["data"]["init"] = {"checkpoint": "elsewhere", "step": 8}
    state.write_text(json.dumps(held))
    assert load_weights(old)[1]["data"]["init"] == {"": {"checkpoint": "elsewhere", "step": 8}}


# Use


def made_talkative(folder: Path) -> None:
    """Untrained as it is, the network says that nobody is there: change its last layer."""
    (step,) = checkpoints(folder / "checkpoints")
    weights = safetensors.torch.load_file(step / "weights.safetensors")
    weights["stacks.1.maps.weight"] *= 20
    weights["stacks.1.maps.bias"][0] -= 10
    data = safetensors.torch.save(weights)
    (step / "weights.safetensors").write_bytes(data)
    held = json.loads((step / "state.json").read_text())
    held["sha256"]["weights.safetensors"] = hashlib.sha256(data).hexdigest()
    (step / "state.json").write_text(json.dumps(held))


def test_predictions_are_the_same(run, task, tmp_path, people):
    old = old_run(task, tmp_path / "run", people)
    made_talkative(old)
    out = tmp_path / "found"
    status, _, message = run("predict", old, GOLDEN / "photo.png", "--out", out, *BOXES)
    assert (status, message) == (0, "")
    (path,) = (out / ("segm" if task == "segmentation" else "depth")).glob("*.png")
    found, golden = (cv2.imread(str(p), cv2.IMREAD_UNCHANGED) for p in (path, GOLDEN / task / "found.png"))
    assert found.dtype == golden.dtype and found.shape == golden.shape
    assert np.unique(golden, return_counts=True)[1].max() < 0.9 * golden.size
    assert (found != golden).mean() < 0.01  # where two classes are as sure as each other


def test_evaluations_are_the_same(run, task, tmp_path, people):
    old = old_run(task, tmp_path / "run", people)
    status, said, message = run("evaluate", old, "--data", people, "--workers", 0)
    assert status == 0, message
    golden = json.loads((GOLDEN / task / "evaluation.json").read_text())
    found = json.loads((old / "evaluations" / "native-people.json").read_text())
    assert "the clips that training held out (50 %)" in " ".join(said.split()) and found["n"] == golden["n"] == 6
    assert found["results"] == pytest.approx(golden["results"], rel=0.01, abs=1e-3)
    assert found["classes"].keys() == golden["classes"].keys()
    for measure, values in golden["classes"].items():
        assert found["classes"][measure] == pytest.approx(values, rel=0.01, abs=1e-3)
    assert {one["id"] for one in found["worst"]} == {one["id"] for one in golden["worst"]}


def test_old_checkpoints_tell_what_they_are(task, tmp_path, people):
    made, model, about = load_trained(old_run(task, tmp_path / "run", people))
    assert made.name == task and (made.config.stacks, made.config.size) == (2, 32) and not model.training
    assert about["config"]["alpha"] == 0.99 and about["config"]["grad_clip"] == 0.5
    assert {"clip", "smoothing"}.isdisjoint(about["config"])
    assert about["data"]["options"] == {
        "sampling": "all",
        "every": 1,
        "augment": "paper",
        "val_share": 0.5,
        "val_sampling": "all",
    }


# Samples


SAMPLES = {
    "plain": (Selection(), {}),
    "augmented": (Selection(), {"augment": True, "seed": 5}),
    "random": (Selection(sampling="random"), {"augment": True, "seed": 6}),
}
NOW = {"segm": "parts", "depth": "depth_bins"}
"""What label images were called → are called."""


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_the_same(people, name):
    """Pixels may differ where OpenCV rounds otherwise: by one grey value, and a label in a thousand."""
    selection, options = SAMPLES[name]
    data = ClipSamples(people, Needs(), (Parts(), DepthBins(), Joints()), selection, size=32, **options)
    held = np.load(GOLDEN / "samples.npz")
    keys = sorted({tuple(map(int, entry.split("/")[1:3])) for entry in held.files if entry.startswith(f"{name}/")})
    assert len(keys) >= 2
    for key in keys:
        sample, before = data[key], f"{name}/{key[0]}/{key[1]}/"
        golden = {entry.removeprefix(before): held[entry] for entry in held.files if entry.startswith(before)}
        golden = {NOW.get(field, field): value for field, value in golden.items()}
        assert sample.keys() == golden.keys() and sample["id"] == str(golden["id"])
        for field in sample.keys() - {"id"}:
            ours, theirs = np.asarray(sample[field]), golden[field]
            assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape), field
            if field == "image":
                off = np.abs(to_rgb(ours[None]).astype(int) - to_rgb(theirs[None]))
                assert off.max() <= 1 and (off > 0).mean() < 1e-3
            elif ours.dtype in (np.uint8, bool):
                assert (ours != theirs).mean() <= 1e-3, field
            else:
                assert np.allclose(ours, theirs, rtol=1e-5, atol=1e-4), field

"""Exported networks compute what the originals do, in other programs, and say how they are to be used."""

import json
import sys

import numpy as np
import pytest
import torch
from torch import nn

from mannequin.cli.commands.export import Export
from mannequin.generator.body.model import PARTS_14
from mannequin.generator.errors import TrainingError
from mannequin.training import export as module
from mannequin.training.core.checkpoint import digest
from mannequin.training.data.colour import MEAN, STD, whitened
from mannequin.training.export import export_network
from mannequin.training.options.hourglass import HourglassOptions
from mannequin.training.registry import load_trained
from mannequin.training.targets.depth_bins import DepthBins, depth_of_bins
from mannequin.training.task import Exportable
from tests.trained import TINY, checkpoint

onnx, onnxruntime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(a run with full-size maps, its network as ONNX, what was said of it)."""
    folder = tmp_path_factory.mktemp("made")
    checkpoint(folder / "run", network=HourglassOptions(stacks=2, features=8, depth=1, up=True, size=32))
    return folder / "run", folder / "parts.onnx", export_network(folder / "run", folder / "parts.onnx", "onnx")


def photo(count: int, size: int = 32) -> np.ndarray:
    """(count, 3, size, size) float32 as networks take it."""
    rng = np.random.default_rng(5)
    return np.stack([whitened(rng.integers(0, 256, (size, size, 3), dtype=np.uint8)) for _ in range(count)])


def scores_of(run, image: np.ndarray) -> np.ndarray:
    """What the network itself says."""
    _, model, _ = load_trained(run)
    with torch.inference_mode():
        return model(torch.from_numpy(image)).scores(image.shape[-2:]).numpy()


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_onnx_computes_the_same_for_any_batch(made, batch):
    run, path, _ = made
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    image = photo(batch)
    (found,) = session.run(None, {"image": image})
    expected = scores_of(run, image)
    assert found.dtype == np.float32 and found.shape == (batch, 15, 32, 32)
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max() and np.ptp(expected) > 1e-3


def test_the_difference_that_is_told_is_small_and_no_constant_is_compared(made):
    _, path, said = made
    assert said.files == (path,) and 0 <= said.difference < module.TOLERANCE * said.largest and said.largest > 1e-3


def test_onnx_files_say_how_they_are_to_be_used(made):
    run, path, _ = made
    proto = onnx.load(path)
    onnx.checker.check_model(proto)
    held = {entry.key: entry.value for entry in proto.metadata_props}
    assert held["task"] == "segmentation" and json.loads(held["classes"]) == ["background", *PARTS_14]
    assert json.loads(held["normalisation"])["mean"] == list(MEAN) and json.loads(held["normalisation"])["std"] == list(
        STD
    )
    assert json.loads(held["input"])["shape"] == ["batch", 3, 32, 32] and json.loads(held["output"])["shape"] == [
        "batch",
        15,
        32,
        32,
    ]
    assert json.loads(held["checkpoint"]) == {"step": 4, "sha256": digest(run / "checkpoints" / "step-00000004")}
    shape = proto.graph.input[0].type.tensor_type.shape.dim
    assert (shape[0].dim_param, [d.dim_value for d in shape[1:]]) == ("batch", [3, 32, 32])
    assert proto.graph.output[0].type.tensor_type.shape.dim[0].dim_param == "batch"


def test_the_rule_of_normalisation_is_what_training_does(made):
    said = json.loads({e.key: e.value for e in onnx.load(made[1]).metadata_props}["normalisation"])
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    by_rule = ((image / 255 - said["mean"]) / said["std"]).transpose(2, 0, 1)
    assert np.abs(by_rule - whitened(image)).max() < 1e-6


def test_onnx_files_tell_nothing_of_this_machine(made):
    assert b"hourglass.py" not in made[1].read_bytes() and str(module.__file__).encode() not in made[1].read_bytes()


def test_torch_export_through_the_command(run, tmp_path):
    checkpoint(tmp_path / "run", "depth")
    status, said, complaint = run(
        "export", tmp_path / "run" / "checkpoints" / "step-00000004", tmp_path / "depth.pt2", "--layout", "torch"
    )
    assert (status, complaint) == (0, "")
    assert said.startswith("largest difference from the original: ") and said.endswith(
        f"network written to {tmp_path / 'depth.pt2'} and {tmp_path / 'depth.json'}\n"
    )
    network = torch.export.load(tmp_path / "depth.pt2").module()
    for batch in (1, 4):
        image = photo(batch)
        assert np.array_equal(network(torch.from_numpy(image)).detach().numpy(), scores_of(tmp_path / "run", image))
    about = json.loads((tmp_path / "depth.json").read_text("utf-8"))
    assert about["task"] == "depth" and len(about["classes"]) == 20 and about["input"]["shape"] == ["batch", 3, 32, 32]
    assert str(module.__file__).encode() not in (tmp_path / "depth.pt2").read_bytes()
    torch.export.load(tmp_path / "depth.pt2", extra_files=(files := {"mannequin.json": ""}))
    assert json.loads(files["mannequin.json"]) == about


def test_classes_of_depth_are_named_by_the_middle_of_their_bins():
    middles = depth_of_bins(torch.arange(20))[1:].tolist()
    assert [float(name.removesuffix(" m")) for name in DepthBins.classes[1:]] == pytest.approx(middles, abs=1e-6)


@pytest.mark.parametrize(
    "change, says",
    [
        (lambda scores: scores + 1e-3 * scores.abs().max(), "computes something else"),
        (lambda scores: scores.index_fill(2, torch.tensor(3), float("nan")), "scores differ by nan"),
        (lambda scores: scores[:, 1:], "returns"),
    ],
    ids=["a little more", "no number", "a class less"],
)
def test_other_scores_are_noticed(change, says):
    network = Exportable(nn.Conv2d(3, 4, 1).requires_grad_(False), "image", (3, 8, 8), "scores")
    assert module._compare(network, network.module)[0] == 0
    with pytest.raises(TrainingError, match=says):
        module._compare(network, lambda image: change(network.module(image)))


def test_a_network_that_computes_something_else_is_not_written(tmp_path, monkeypatch):
    checkpoint(tmp_path / "run")
    monkeypatch.setattr(
        module, "_torch", lambda program, exportable, known: (b"", lambda image: program.module()(image) + 1)
    )
    with pytest.raises(TrainingError, match="computes something else"):
        export_network(tmp_path / "run", tmp_path / "a.pt2", "torch")
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize(
    "args, says",
    [
        (("{run}", "a.pt2", "--layout", "onnx"), "ends in .onnx"),
        (("{run}", "a.onnx", "--layout", "torch"), "ends in .pt2"),
        (("{run}", "a.onnx", "--layout", "onnx", "--mirror"), "--mirror is for datasets"),
        (("nowhere", "a.onnx", "--layout", "onnx"), "There is no checkpoint in nowhere"),
        (("s3://bucket/run", "a.onnx", "--layout", "onnx"), "not URLs"),
    ],
)
def test_what_cannot_be_exported(run, tmp_path, monkeypatch, args, says):
    checkpoint(tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    status, _, complaint = run("export", *(arg.replace("{run}", "run") for arg in args))
    assert status == 2 and says in complaint and "Traceback" not in complaint
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("absent", ["onnx", "onnxruntime", "onnxscript"])
def test_without_the_extra_the_command_says_what_to_install(run, tmp_path, monkeypatch, absent):
    checkpoint(tmp_path / "run", network=TINY)
    monkeypatch.setitem(sys.modules, absent, None)
    status, _, complaint = run("export", tmp_path / "run", tmp_path / "a.onnx", "--layout", "onnx")
    assert status == 2 and "pip install 'mannequin[onnx]'" in complaint and absent in complaint


def test_datasets_are_still_what_is_exported_unless_said_otherwise():
    assert Export("out", "surreal").layout == "surreal"

"""Checkpoints of strangers: what they say of their network is believed only as far as their weights go."""

import hashlib
import json

import pytest
import torch

from mannequin.generator.errors import MannequinError
from mannequin.training.core.checkpoint import Checkpoint, TrainState, save
from mannequin.training.options.hourglass import HourglassOptions
from mannequin.training.registry import load_trained, make_task

SMALL = {"stacks": 1, "features": 8, "depth": 1, "up": False, "size": 16}


def kept(folder, **run):
    """A sound checkpoint but for what ``run`` says instead."""
    torch.manual_seed(0)
    weights = make_task("segmentation", HourglassOptions(**SMALL)).model().state_dict()
    about = {"task": "segmentation", "task_config": SMALL, "config": {}, "data": {}} | run
    return save(Checkpoint(TrainState(about, {}), weights, {}), folder)


def test_a_sound_one_is_read(tmp_path):
    assert load_trained(kept(tmp_path))[0] is not None


@pytest.mark.parametrize("task", ["", None, [], {}, "x", 1])
def test_unknown_tasks(tmp_path, task):
    with pytest.raises(MannequinError, match="task"):
        load_trained(kept(tmp_path, task=task))


@pytest.mark.parametrize(
    "options",
    [
        {"stacks": 2**40},
        {"stacks": 64},
        {"features": 2**40},
        {"features": 65_536},
        {"depth": 2**40},
        {"depth": 12, "size": 16_384},
        {"size": 2**40},
        {"features": 10**400},
        {"stacks": -1},
    ],
)
def test_networks_that_the_weights_are_not_of(tmp_path, options):
    path = kept(tmp_path)
    state = json.loads((path / "state.json").read_text())
    state["state"]["run"]["task_config"] |= options
    (path / "state.json").write_text(json.dumps(state))
    with pytest.raises(MannequinError):
        load_trained(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(tmp_path, value):
    weights = make_task("segmentation", HourglassOptions(**SMALL)).model().state_dict()
    next(iter(weights.values())).view(-1)[0] = value
    about = {"task": "segmentation", "task_config": SMALL, "config": {}, "data": {}}
    with pytest.raises(MannequinError, match="no numbers"):
        load_trained(save(Checkpoint(TrainState(about, {}), weights, {}), tmp_path))


@pytest.mark.parametrize("claim", [2**62, 2**40, 99])
def test_tensors_that_claim_more_than_they_hold(tmp_path, claim):
    path = kept(tmp_path)
    head = json.dumps({"a": {"dtype": "F32", "shape": [claim // 4], "data_offsets": [0, claim]}}).encode()
    data = len(head).to_bytes(8, "little") + head + bytes(16)
    (path / "weights.safetensors").write_bytes(data)
    state = json.loads((path / "state.json").read_text())
    state["sha256"]["weights.safetensors"] = hashlib.sha256(data).hexdigest()
    (path / "state.json").write_text(json.dumps(state))
    with pytest.raises(MannequinError, match="damaged"):
        load_trained(path)

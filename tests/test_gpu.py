"""Training on a CUDA device: which one, the same bits again, 16 bits against 32, batches on their way there."""

import os
import signal
from dataclasses import replace

import pytest
import torch
from torch.utils.data import Dataset

from mannequin.training.core.checkpoint import checkpoints, read, save
from mannequin.training.core.config import TrainConfig
from mannequin.training.core.learner import Learner, session
from mannequin.training.core.loader import loader, on_device
from mannequin.training.core.loop import train
from mannequin.training.options.hourglass import HourglassOptions
from mannequin.training.registry import load_trained
from mannequin.training.tasks.segmentation import Segmentation
from tests.toys import ToyData, ToyTask, small

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device"),
    # Of torch's compiler, whose own use of old parts of torch and whose advice are none of ours.
    pytest.mark.filterwarnings("ignore:TensorFloat32 tensor cores:UserWarning", "ignore:.torch.jit:DeprecationWarning"),
]
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
"""CUDA's matrix products look at it once in a process, at the first one, which here may be of a test that is not
deterministic."""

DEVICE = "cuda"
TINY = HourglassOptions(stacks=2, features=16, depth=2, size=64)
SHALLOW = HourglassOptions(stacks=1, features=64, depth=1, size=64)
"""In deep, narrow networks rounding flips many a ReLU, and gradients far from the loss turn away: by 0.1 % of noise on
the weights of TINY to a cosine of 0.90, here of 0.97."""
FASTER = {"precision": "bf16-mixed", "compile": True, "channels_last": True}


class Squares(Dataset):
    """Bright squares on noise, one to an image; their pixels are of part 1 + index % 14."""

    def __init__(self, length: int, size: int = TINY.size):
        self.length, self.size = length, size

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, key: tuple[int, int]) -> dict:
        index = key[1]
        draw = torch.Generator().manual_seed(index)
        image = torch.randn(3, self.size, self.size, generator=draw)
        top, left = torch.randint(self.size // 2, (2,), generator=draw).tolist()
        inside = slice(top, top + self.size // 2), slice(left, left + self.size // 2)
        part = 1 + index % 14
        image[:, *inside] += torch.tensor([part / 3, 3 - part / 5, part % 3])[:, None, None]
        segm = torch.zeros(self.size, self.size, dtype=torch.uint8)
        segm[inside] = part
        return {"id": str(index), "image": image, "parts": segm}


def batch_of(samples: int) -> dict:
    return Segmentation(TINY).collate([Squares(samples)[0, index] for index in range(samples)])


def hourglass(**changes) -> TrainConfig:
    return replace(small(batch=2, accumulate=1, accelerator=DEVICE), **changes)


def test_the_device_is_taken_where_there_is_one():
    for accelerator, kind in (("auto", DEVICE), (DEVICE, DEVICE), ("cpu", "cpu")):
        with session(hourglass(accelerator=accelerator)) as fabric:
            learner = Learner(Segmentation(TINY), hourglass(), fabric)
            assert fabric.device.type == kind
            assert {value.device.type for value in learner.module.state_dict().values()} == {kind}
            assert {value.device.type for value in learner.weights().values()} == {"cpu"}


def test_batches_are_pinned_and_arrive_whole():
    """Loaded by another process, copied while the device computes: after a wait they are what was loaded."""
    data, keys = Squares(6), [[(0, 0), (0, 5)], [(0, 3), (0, 2)]]
    with session(hourglass()) as fabric:
        collate = Segmentation(TINY).collate
        for batch in loader(data, keys, 1, fabric, collate):
            assert batch["image"].is_pinned() and batch["parts"].is_pinned()
        loaded = on_device(loader(data, keys, 1, fabric, collate), fabric)
        for expected, (batch, seconds) in zip(keys, loaded, strict=True):
            assert batch["image"].device == fabric.device and seconds > 0
            assert batch["id"] == [str(index) for _, index in expected]
            for name in ("image", "parts"):
                assert torch.equal(batch[name].cpu(), torch.stack([data[key][name] for key in expected]))


def first_step(**changes) -> tuple[float, dict[str, torch.Tensor], torch.Tensor]:
    """(loss, gradients by parameter, scores (B, C, h, w) of the last stack) of a new network, on the CPU in 32 bits."""
    config = hourglass(batch=4, **changes)
    with session(config) as fabric:
        learner = Learner(Segmentation(SHALLOW), config, fabric)
        batch = fabric.to_device(batch_of(config.batch))
        step = learner.step(batch)
        loss = sum(step.losses.values())
        fabric.backward(loss)
        gradients = {name: p.grad.float().cpu() for name, p in learner.module.named_parameters()}
        return float(loss.detach()), gradients, step.outputs.stacks[-1].detach().float().cpu()


def alike(a: torch.Tensor, b: torch.Tensor) -> float:
    """Cosine of the angle between two tensors."""
    return float(torch.nn.functional.cosine_similarity(a.flatten().double(), b.flatten().double(), dim=0))


def together(gradients: dict[str, torch.Tensor]) -> torch.Tensor:
    return torch.cat([g.flatten() for g in gradients.values()])


@pytest.fixture(scope="module")
def plain_step():
    return first_step()


@pytest.mark.parametrize(
    "changes", [{"channels_last": True}, {"compile": True}, {"precision": "bf16-mixed"}, FASTER], ids="+".join
)
def test_faster_steps_are_the_same_within_rounding(plain_step, changes):
    """That of bf16, about 0.4 %; on many devices 32-bit convolutions are rounded too, to TF32."""
    loss, gradients, scores = first_step(**changes)
    plain_loss, plain_gradients, plain_scores = plain_step
    assert gradients.keys() == plain_gradients.keys() and all(bool(g.isfinite().all()) for g in gradients.values())
    assert loss == pytest.approx(plain_loss, rel=0.01)
    assert alike(scores, plain_scores) > 0.99
    assert alike(gradients["stacks.0.maps.weight"], plain_gradients["stacks.0.maps.weight"]) > 0.99  # next to the loss
    assert alike(together(gradients), together(plain_gradients)) > 0.8
    assert float(together(gradients).norm()) == pytest.approx(float(together(plain_gradients).norm()), rel=0.1)


def test_another_network_has_other_gradients(plain_step):
    """So the test above would see a difference."""
    _, gradients, scores = first_step(seed=1)
    assert alike(scores, plain_step[2]) < 0.9 and alike(together(gradients), together(plain_step[1])) < 0.4


@pytest.mark.parametrize("changes", [{}, FASTER], ids=["32 bits", "faster"])
def test_one_batch_is_learnt_by_heart(tmp_path, changes):
    """And what was trained on the device says the same on a CPU."""
    data = Squares(4)
    config = hourglass(batch=4, steps=60, optimiser="adamw", lr=0.01, validate_every=60, checkpoint_every=60, **changes)
    losses = []
    result = train(Segmentation(TINY), data, data, config, tmp_path, lambda progress: losses.append(progress.loss))
    assert losses[-1] < 0.1 * losses[0]
    task, model, about = load_trained(tmp_path)
    assert next(model.parameters()).device.type == "cpu" and about["step"] == 60
    meter, batch = task.meter(), batch_of(4)
    with torch.no_grad():
        meter.update(model(batch["image"]), batch)
    assert meter.result()["iou"] == pytest.approx(result.metrics["iou"], abs=0.02)


RUNS = {
    "toy": (ToyTask(), {}),  # has dropout, which draws on the device
    "hourglass": (Segmentation(TINY), {}),
    "hourglass with up, 16 bits": (
        Segmentation(replace(TINY, up=True)),
        {"precision": "bf16-mixed", "channels_last": True},
    ),
}


def run(name: str, out, on_progress=lambda progress: None):
    task, changes = RUNS[name]
    data = ToyData(22) if name == "toy" else Squares(7)
    return train(task, data, data, hourglass(deterministic=True, steps=6, **changes), out, on_progress)


def stopping(step: int):
    return lambda progress: os.kill(os.getpid(), signal.SIGTERM) if progress.step == step else None


def last(out) -> tuple[dict, dict]:
    found = read(checkpoints(out / "checkpoints")[-1])
    return found.weights, found.training


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("name", RUNS)
def test_a_run_in_parts_is_the_same_bit_for_bit(tmp_path, name):
    run(name, tmp_path / "one")
    assert run(name, tmp_path / "two", stopping(2)).step == 3
    assert run(name, tmp_path / "two").step == 6
    (weights, state), (weights_again, state_again) = last(tmp_path / "one"), last(tmp_path / "two")
    assert f"random/{DEVICE}" in state
    assert same(weights, weights_again) and same(state, state_again)
    assert (tmp_path / "one" / "train.csv").read_bytes() == (tmp_path / "two" / "train.csv").read_bytes()


def test_the_random_numbers_of_the_device_matter_to_this_test(tmp_path):
    run("toy", tmp_path / "one")
    run("toy", tmp_path / "two", stopping(2))
    path = checkpoints(tmp_path / "two" / "checkpoints")[-1]
    kept = read(path)
    kept.training[f"random/{DEVICE}"] = torch.Generator(DEVICE).manual_seed(77).get_state()[None]
    save(kept, path.parent)
    run("toy", tmp_path / "two")
    assert not same(last(tmp_path / "one")[0], last(tmp_path / "two")[0])

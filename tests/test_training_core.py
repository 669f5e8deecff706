"""The training loop: what it computes, what it leaves behind, what it refuses."""

import csv
import json
import math
import os
import subprocess
import sys
import time
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mannequin.generator.errors import ConfigError, DatasetError, TrainingError
from mannequin.generator.pictures import GAP
from mannequin.training.core import checkpoint as checkpoint_module
from mannequin.training.core.checkpoint import (
    Checkpoint,
    TrainState,
    checkpoints,
    fill,
    load_weights,
    read,
    save,
    sweep,
)
from mannequin.training.core.config import TrainConfig
from mannequin.training.core.interrupts import in_words
from mannequin.training.core.logs import Pace, Table
from mannequin.training.core.loop import train
from mannequin.training.core.sampler import TrainingBatches, ValidationBatches, keys
from mannequin.training.core.schedule import Course
from mannequin.training.pictures import SIDE
from tests.toys import SMALL, RowTask, ToyConfig, ToyData, ToyMeter, ToyTask, small

ROOT = Path(__file__).resolve().parents[1]
PLAIN = ToyTask(ToyConfig(dropout=0.0, norm=False))


def run(out, task=ToyTask(), config=SMALL, data=ToyData(), **options):
    return train(task, data, ToyData(9, seed=1), config, out, **options)


def rows(path: Path) -> list[dict]:
    return list(csv.DictReader(path.read_text().splitlines()))


def same(a: dict, b: dict) -> bool:
    """Whether two sets of tensors have the same names and bits."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A run of SMALL, never to be changed."""
    out = tmp_path_factory.mktemp("run") / "out"
    return out, run(out)


# Options


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "Neither --steps nor --epochs"),
        ({"steps": 5, "epochs": 2}, "--steps 5 and --epochs 2 exclude"),
        ({"steps": 5, "batch": 0}, "--batch is 0"),
        ({"steps": 5, "log_every": 0}, "--log-every is 0"),
        ({"steps": 5, "warmup": -1.0}, "--warmup is -1"),
        ({"steps": 5, "lr": 0.0}, "--lr is 0"),
        ({"steps": 5, "lr": math.nan}, "--lr is nan"),
        ({"steps": 5, "alpha": 1.0}, "--alpha is 1"),
        ({"steps": 5, "momentum": 0.9, "optimiser": "adamw"}, "--momentum 0.9 has no meaning"),
        ({"steps": 5, "milestones": (3.0,)}, "--milestones go with --schedule multistep"),
        ({"steps": 5, "schedule": "multistep"}, "needs --milestones"),
        ({"steps": 5, "schedule": "multistep", "milestones": (4.0, 3.0)}, "rising"),
    ],
)
def test_contradictions_are_refused_by_the_name_of_the_option(options, said):
    with pytest.raises(ConfigError, match=said):
        TrainConfig(**options)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"steps": 0, "epochs": 2}, "--epochs 2"),
        ({"validate_every": 0}, "--validate-every 0"),
        ({"schedule_unit": "epochs"}, "--schedule-unit"),
    ],
)
def test_data_without_end_has_no_epochs_to_count_in(tmp_path, changes, said):
    with pytest.raises(ConfigError, match=said):
        run(tmp_path / "out", config=small(**changes), data=ToyData(None))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("lengths", [(0, 9), (22, 0)])
def test_data_without_samples_is_refused(tmp_path, lengths):
    with pytest.raises(ConfigError, match="has no samples"):
        train(ToyTask(), ToyData(lengths[0]), ToyData(lengths[1]), SMALL, tmp_path / "out")


def test_endless_validation_data_needs_a_number(tmp_path):
    with pytest.raises(ConfigError, match="--validation-samples 0"):
        train(ToyTask(), ToyData(), ToyData(None), SMALL, tmp_path / "out")
    assert train(ToyTask(), ToyData(), ToyData(None), small(steps=1, validation_samples=4), tmp_path / "out").step == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="--accelerator cuda"):
        run(tmp_path / "out", config=small(accelerator="cuda"))


# Order of samples


def test_every_pass_has_every_sample_in_an_order_of_its_own():
    row = keys(22, seed=5)
    passes = [[next(row) for _ in range(22)] for _ in range(3)]
    assert all(sorted(p) == [(epoch, k) for k in range(22)] for epoch, p in enumerate(passes))
    assert len({tuple(k for _, k in p) for p in passes}) == 3
    assert [key for _, key in zip(range(22), keys(22, seed=6))] != passes[0]


@pytest.mark.parametrize("start", [0, 1, 21, 22, 23, 60])
def test_the_row_of_keys_can_be_entered_anywhere(start):
    from_start = [key for _, key in zip(range(start + 50), keys(22, 5))]
    assert [key for _, key in zip(range(50), keys(22, 5, start))] == from_start[start:]


def test_processes_together_see_what_one_would():
    one = list(TrainingBatches(22, 5, batch=6, accumulate=2, done=1, steps=9))
    two = [list(TrainingBatches(22, 5, 3, 2, 1, 9, rank, 2)) for rank in range(2)]
    assert len(one) == len(two[0]) == 16
    assert [a + b for a, b in zip(*two, strict=True)] == one


def test_data_without_end_is_taken_in_order():
    assert list(TrainingBatches(None, 5, 2, 1, done=3, steps=5)) == [[(0, 6), (0, 7)], [(0, 8), (0, 9)]]


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_validation_sees_each_sample_once(processes):
    parts = [list(ValidationBatches(7, 2, rank, processes)) for rank in range(processes)]
    assert sorted(key for part in parts for batch in part for key in batch) == [(0, k) for k in range(7)]
    assert [len(ValidationBatches(7, 2, rank, processes)) for rank in range(processes)] == [len(part) for part in parts]


# Schedule


def course(samples=22, **changes):
    return Course.of(small(**changes), samples, 1)


def test_things_counted_in_epochs_fall_on_the_steps_that_complete_them():
    c = course(steps=0, epochs=3, validate_every=0, checkpoint_every=0)  # 22 samples, 6 a step: 3⅔ steps
    assert c.steps == 11
    assert (
        [s for s in range(1, 12) if c.validation_due(s)]
        == [4, 8, 11]
        == [s for s in range(1, 12) if c.checkpoint_due(s)]
    )


def test_the_last_step_is_validated_kept_and_logged():
    c = course(steps=10, validate_every=7, checkpoint_every=6, log_every=8)
    assert [[s for s in range(1, 11) if due(s)] for due in (c.validation_due, c.checkpoint_due, c.log_due)] == [
        [7, 10],
        [6, 10],
        [8, 10],
    ]


def test_learning_rates():
    rates = [course(steps=9, lr=1.0, schedule="multistep", milestones=(3.0, 5.0)).lr(s) for s in range(1, 8)]
    assert np.allclose(rates, [1, 1, 1, 0.1, 0.1, 0.01, 0.01])
    epochs = course(
        samples=12, steps=9, lr=1.0, schedule="multistep", milestones=(1.0,), schedule_unit="epochs"
    )  # 2 steps an epoch
    assert np.allclose([epochs.lr(s) for s in range(1, 5)], [1, 1, 0.1, 0.1])
    cosine = course(steps=12, lr=2.0, schedule="cosine", warmup=2.0)
    assert np.allclose([cosine.lr(s) for s in (1, 2, 3, 8, 12)], [1, 2, 2, 1, 1 + math.cos(0.9 * math.pi)])
    assert course(lr=0.5).lr(1) == course(lr=0.5).lr(9) == 0.5


# Training


def test_a_run_leaves_what_it_should(done):
    out, result = done
    assert (result.step, result.steps, result.stopped) == (10, 10, None)
    assert result.metrics["accuracy"] > 0.8
    assert [row["step"] for row in rows(out / "train.csv")] == ["2", "4", "6", "8", "10"]
    assert list(rows(out / "train.csv")[0]) == ["step", "epoch", "samples", "lr", "loss", "entropy", "size", "gradient"]
    assert [row["step"] for row in rows(out / "validation.csv")] == ["4", "8", "10"]
    assert float(rows(out / "validation.csv")[-1]["loss"]) == result.metrics["loss"]
    assert json.loads((out / "config.json").read_text())["config"]["lr"] == SMALL.lr
    assert sorted(p.name for p in (out / "pictures").iterdir()) == [f"step-{n:08d}.png" for n in (4, 8, 10)]
    picture = np.asarray(
        Image.open(out / "pictures" / "step-00000010.png")
    )  # of a batch of three, two beside each other
    assert picture.shape[1] == 2 * SIDE + GAP and 2 * SIDE < picture.shape[0] < 2 * SIDE + 60 and picture.std() > 10
    assert list((out / "events").iterdir())


def test_logged_losses_are_means_of_the_steps_between(tmp_path):
    seen = []
    run(tmp_path / "out", config=small(log_every=4), on_progress=seen.append)
    logged = [float(row["loss"]) for row in rows(tmp_path / "out" / "train.csv")]
    losses = [p.loss for p in seen]
    assert np.allclose(logged, [np.mean(losses[:4]), np.mean(losses[4:8]), np.mean(losses[8:])], rtol=1e-12)
    assert [p.step for p in seen] == list(range(1, 11)) and seen[-1].seconds_left == 0


def test_validation_is_what_a_plain_pass_computes(done):
    _, result = done
    weights, about = load_weights(result.checkpoint)
    model = ToyTask(ToyConfig(**about["task_config"])).model()
    model.load_state_dict(weights)
    data = ToyData(9, seed=1)
    images, labels = (
        torch.stack([data[0, k]["image"] for k in range(9)]),
        torch.tensor([data[0, k]["label"] for k in range(9)]),
    )
    with torch.no_grad():
        outputs = model.eval()(images)
    assert about["metrics"]["accuracy"] == pytest.approx(float((outputs.argmax(1) == labels).float().mean()))
    batches = [ToyTask().loss(outputs[k : k + 3], {"label": labels[k : k + 3]}) for k in (0, 3, 6)]
    assert about["metrics"]["loss"] == pytest.approx(float(np.mean([float(sum(b.values())) for b in batches])))


def test_the_same_seed_gives_the_same_weights_and_another_does_not(tmp_path, done):
    config = small(steps=3)
    a, b, other = (
        load_weights(run(tmp_path / n, config=c).checkpoint)[0]
        for n, c in zip("abc", (config, config, small(steps=3, seed=1)))
    )
    assert same(a, b) and not same(a, other)


def test_the_random_state_of_the_caller_stays(tmp_path):
    before = torch.get_rng_state()
    run(tmp_path / "out", config=small(steps=1))
    assert torch.equal(before, torch.get_rng_state()) and not torch.are_deterministic_algorithms_enabled()


def test_a_step_is_what_torch_makes_of_the_whole_batch(tmp_path):
    """Three batches of two, accumulated and clipped, against one of six by hand."""
    config = small(
        steps=1, batch=2, accumulate=3, optimiser="sgd", momentum=0.5, lr=0.1, grad_clip=0.05, weight_decay=0.0
    )
    got = load_weights(run(tmp_path / "out", PLAIN, config).checkpoint)[0]

    torch.manual_seed(0)
    model = PLAIN.model()
    data = [ToyData()[key] for _, key in zip(range(6), keys(22, 0))]
    batch = {name: torch.stack([torch.as_tensor(sample[name]) for sample in data]) for name in ("image", "label")}
    sum(PLAIN.loss(model(batch["image"]), batch).values()).backward()
    gradients = {name: p.grad for name, p in model.named_parameters()}
    norm = math.sqrt(sum(float(g.square().sum()) for g in gradients.values()))
    assert norm > 0.05
    for name, p in model.named_parameters():
        assert torch.allclose(got[name], p - 0.1 * 0.05 / norm * gradients[name], atol=1e-6), name
    assert float(rows(tmp_path / "out" / "train.csv")[0]["gradient"]) == pytest.approx(norm, rel=1e-5)


@pytest.mark.parametrize(
    "changes", [{"precision": "bf16-mixed"}, {"channels_last": True}, {"optimiser": "adamw"}, {"deterministic": True}]
)
def test_variants_learn_too(tmp_path, changes):
    result = run(tmp_path / "out", config=small(steps=12, **changes))
    assert result.metrics["accuracy"] > 0.8
    assert all(value.is_contiguous() for value in load_weights(tmp_path / "out")[0].values())


def test_deterministic_mode_forbids_what_is_not(tmp_path):
    class Guarded(ToyTask):
        def loss(self, outputs, batch):
            assert torch.are_deterministic_algorithms_enabled()
            raise RuntimeError("foo_backward_cuda does not have a deterministic implementation, but you set …")

    with pytest.raises(
        ConfigError, match="--deterministic is not possible here: torch has no such version of foo_backward_cuda"
    ):
        run(tmp_path / "out", Guarded(), small(deterministic=True))


def test_a_dev_run_exercises_everything(tmp_path):
    result = run(tmp_path / "out", config=TrainConfig(dev_run=True, accelerator="cpu", batch=3, workers=0))
    assert (
        result.steps == 2
        and len(rows(tmp_path / "out" / "train.csv")) == 2
        and len(rows(tmp_path / "out" / "validation.csv")) == 1
    )
    assert (
        len(checkpoints(tmp_path / "out" / "checkpoints")) == 2
        and len(list((tmp_path / "out" / "pictures").iterdir())) == 1
    )


def test_the_best_and_the_latest_are_kept(tmp_path):
    class Falling(ToyTask):
        """The metric is best at the first validation."""

        best = ("accuracy", "max")

        def meter(self):
            class Meter(ToyMeter):
                def result(self):
                    return {"accuracy": next(falling)}

            return Meter()

    falling = iter([0.5, math.nan, 0.4, 0.5])
    result = run(tmp_path / "out", Falling(), small(steps=8, validate_every=2, checkpoint_every=1, keep=2))
    assert (result.best.step, result.best.value) == (2, 0.5)
    assert [p.name for p in checkpoints(tmp_path / "out" / "checkpoints")] == [f"step-{n:08d}" for n in (2, 7, 8)]
    assert load_weights(tmp_path / "out")[1]["step"] == 2 and load_weights(result.checkpoint)[1]["step"] == 8
    assert rows(tmp_path / "out" / "validation.csv")[1]["accuracy"] == ""


def test_the_share_of_waiting_is_measured(tmp_path, monkeypatch):
    """By a clock of its own: a second for each of the six samples of a step, two for its computation."""
    now = [0.0]

    class Slow(ToyData):
        def __getitem__(self, key):
            now[0] += 1
            return super().__getitem__(key)

    class Computing(ToyTask):
        def step(self, model, batch):
            now[0] += 2 / SMALL.accumulate
            return super().step(model, batch)

    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    run(tmp_path / "out", Computing(), data=Slow(), config=small(steps=4))
    assert [float(row["wait_share"]) for row in rows(tmp_path / "out" / "pace.csv")][-1] == 0.75
    pace = Pace(per_step=6)
    pace.add(seconds=2.0, waited=0.5)
    pace.add(seconds=1.0, waited=0.25)
    assert (pace.samples_per_second, pace.wait_share) == (4.0, 0.25)


# What goes wrong


def test_a_loss_that_is_no_number_stops_and_names_the_samples(tmp_path):
    where = next(n for n, (_, index) in enumerate(keys(22, 0)) if index == 7)  # of the first pass
    step = where // 6 + 1
    with pytest.raises(
        TrainingError, match=rf"The loss of step {step} is no number \(.*entropy nan.*Its samples: .*0/7.*inspect"
    ) as e:
        run(tmp_path / "out", data=ToyData(bad=7))
    kept = read(tmp_path / "out" / "inspect" / f"step-{step - 1:08d}")
    assert kept.state.step == step - 1 and "0/7" in kept.note and "0/7" in str(e.value)
    assert all(torch.isfinite(value).all() for name, value in kept.weights.items() if "running" not in name)
    assert len(str(e.value).split("samples: ")[1].split(". ")[0].split(", ")) == 6


class Raising(ToyTask):
    def __init__(self, error: str):
        super().__init__()
        self.error = error

    def loss(self, outputs, batch):
        if self.error == "cuda":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        torch.empty(2**55)


@pytest.mark.parametrize("error", ["cuda", "cpu"])
def test_exhausted_memory_is_explained(tmp_path, error):
    with pytest.raises(
        TrainingError,
        match="(?s)memory is used up.*--batch 8 to 4 and raise --accumulate to 4, or use --precision bf16-mixed",
    ):
        run(tmp_path / "out", Raising(error=error), small(batch=8, accumulate=2))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch's own
def test_without_a_working_compiler_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("torch._inductor.config.cpp.cxx", ("no-such-compiler",))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "compiled"))
    with pytest.raises(TrainingError, match="torch cannot compile the network here .*Train without: --no-compile"):
        run(tmp_path / "out", config=small(compile=True))


def test_faults_of_compiled_code_are_told_from_others():
    with pytest.raises(TrainingError, match="buf236.*--no-compile"), in_words(small(compile=True)):
        raise UnboundLocalError("cannot access local variable 'buf236'")
    with pytest.raises(UnboundLocalError), in_words(small()):
        raise UnboundLocalError("cannot access local variable 'buf236'")


class Damaged(ToyData):
    def __getitem__(self, key):
        raise DatasetError(f"Clip {key[1]} is damaged: delete it.")


@pytest.mark.parametrize("workers", [0, 1])
def test_errors_of_the_data_keep_their_words(tmp_path, workers):
    with pytest.raises(DatasetError, match=r"^Clip \d+ is damaged: delete it\.$"):
        run(tmp_path / "out", data=Damaged(), config=small(workers=workers))


def test_foreign_folders_are_refused(tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("dear")
    with pytest.raises(TrainingError, match="not a training run"):
        run(tmp_path / "letters")
    with pytest.raises(TrainingError, match="is a file"):
        run(tmp_path / "letters" / "a.txt")
    assert os.listdir(tmp_path / "letters") == ["a.txt"]


# Checkpoints


def toy_checkpoint(step=3, value=1.0) -> Checkpoint:
    return Checkpoint(
        TrainState({"task": "toy"}, {}, step),
        {"w": torch.full((2, 3), value)},
        {"random/cpu": torch.arange(4, dtype=torch.uint8)[None]},
    )


def test_a_checkpoint_comes_back_bit_for_bit(tmp_path):
    tensors = {"a": torch.randn(3, 4, dtype=torch.float64), "b": torch.tensor(7), "c": torch.randn(5).bfloat16()}
    state = TrainState(
        {"task": "toy", "data": {"x": [1, None]}}, {"torch": "2"}, 12, 72, 0.1 + 0.2, sums={"loss": 1 / 3}, summed=1
    )
    there = save(Checkpoint(state, tensors, {"t": tensors["a"][1:]}, "note"), tmp_path)
    back = read(there)
    assert back.state == state and back.note == "note"
    assert same(back.weights, tensors) and same(back.training, {"t": tensors["a"][1:]})


def killed_at(call: int, root: Path) -> None:
    """Save a checkpoint over another and prune an older one, but die by SIGKILL at the ``call``-th step on the disk."""
    count = iter(range(1, 1000))

    def dying(function):
        def act(*arguments, **options):
            if next(count) == call:
                os.kill(os.getpid(), 9)
            return function(*arguments, **options)

        return act

    for name in ("fsync", "rename", "unlink", "rmdir"):
        setattr(os, name, dying(getattr(os, name)))
    checkpoint_module.shutil.rmtree = dying(checkpoint_module.shutil.rmtree)
    save(toy_checkpoint(3, 2.0), root)
    checkpoint_module.prune(root, 1, None)


def test_a_kill_at_any_moment_leaves_whole_checkpoints(tmp_path):
    ended = []
    for call in range(1, 40):
        root = tmp_path / str(call)
        save(toy_checkpoint(2), root)
        save(toy_checkpoint(3, 1.0), root)
        process = get_context("fork").Process(target=killed_at, args=(call, root))
        process.start()
        process.join()
        ended.append(process.exitcode)
        found = checkpoints(root)
        assert found and all(read(p).state.step in (2, 3) for p in found)
        sweep(root)
        assert sorted(os.listdir(root)) == sorted(p.name for p in found)
        if process.exitcode == 0:
            break
    assert ended[-1] == 0 and set(ended[:-1]) == {-9} and len(ended) > 8
    assert [p.name for p in found] == ["step-00000003"] and float(read(found[0]).weights["w"][0, 0]) == 2.0


def damage_tensor(path):
    data = bytearray((path / "training.safetensors").read_bytes())
    data[-3] ^= 1
    (path / "training.safetensors").write_bytes(data)


def damage_state(path):
    state = json.loads((path / "state.json").read_text())
    del state["state"]["step"]
    state["state"]["epoch"] = "late"
    (path / "state.json").write_text(json.dumps(state))


DAMAGES = {
    "a flipped bit": damage_tensor,
    "a wrong value": damage_state,
    "half a file": lambda path: os.truncate(path / "weights.safetensors", 50),
    "no JSON": lambda path: (path / "state.json").write_text("{"),
    "a file missing": lambda path: (path / "weights.safetensors").unlink(),
    "no state": lambda path: (path / "state.json").unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_named_and_the_one_before_offered(tmp_path, damage):
    run(tmp_path / "out", config=small(steps=6, validate_every=6))
    last = tmp_path / "out" / "checkpoints" / "step-00000006"
    DAMAGES[damage](last)
    with pytest.raises(
        TrainingError,
        match=r"(?s)step-00000006 is damaged \(.*step-00000003 is there too: delete the folder .*step-00000006 ",
    ):
        run(tmp_path / "out", config=small(steps=6, validate_every=6))
    subprocess.run(["rm", "-r", str(last)], check=True)
    assert run(tmp_path / "out", config=small(steps=6, validate_every=6)).step == 6
    assert last.exists()


def test_a_lone_damaged_checkpoint(tmp_path):
    path = save(toy_checkpoint(), tmp_path)
    damage_tensor(path)
    with pytest.raises(TrainingError, match="No other one is there.*start from the beginning"):
        read(path)


def test_checkpoints_of_other_versions_and_makers(tmp_path):
    path = save(toy_checkpoint(), tmp_path)
    state = json.loads((path / "state.json").read_text())
    (path / "state.json").write_text(json.dumps(state | {"format_version": 99}))
    with pytest.raises(TrainingError, match="format version 99; this release reads 1 and 2"):
        load_weights(path)
    (path / "state.json").write_text(json.dumps({"epoch": 3}))
    with pytest.raises(TrainingError, match="does not describe a checkpoint"):
        load_weights(path)
    with pytest.raises(TrainingError, match="There is no checkpoint in"):
        load_weights(tmp_path / "nowhere")


def test_weights_of_another_network(done):
    weights, _ = load_weights(done[0])
    with pytest.raises(
        TrainingError,
        match=r"(?s)another network than Sequential:.*0.weight has shape \(4, 1, 3, 3\), float32, "
        r"expected shape \(5, 1, 3, 3\)",
    ):
        fill(ToyTask(ToyConfig(width=5)).model(), weights, "here")
    with pytest.raises(TrainingError, match="1.running_mean has no place in it"):
        fill(PLAIN.model(), weights, "here")


def test_a_full_disk_leaves_no_half_checkpoint(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TrainingError, match="No space left on device.*the same command then goes on from the last"):
        save(toy_checkpoint(), tmp_path)
    assert not os.listdir(tmp_path)


# Tables


def test_a_table_goes_on_after_the_step_it_is_opened_at(tmp_path):
    table = Table(tmp_path / "a.csv", 0)
    for step in (2, 4, 6):
        table.add({"step": step, "loss": 0.1 * step, "gap": math.nan})
    table.file.close()
    whole = (tmp_path / "a.csv").read_bytes()
    with (tmp_path / "a.csv").open("ab") as file:
        file.write(b"8,0.")  # killed while writing
    again = Table(tmp_path / "a.csv", 4)
    assert (tmp_path / "a.csv").read_bytes() == b"".join(whole.splitlines(True)[:3])
    again.add({"step": 6, "loss": 0.1 * 6, "gap": math.nan})
    again.file.close()
    assert (tmp_path / "a.csv").read_bytes() == whole


# Several processes

WORKER = """
import sys
sys.path.insert(0, {root!r})

if __name__ == "__main__":
    import os

    from tests.toys import ToyConfig, ToyData, ToyTask, small
    from mannequin.training.core.loop import train

    result = train(ToyTask(ToyConfig(dropout=0.0, norm=False)), ToyData(), ToyData(9, seed=1), small(), {out!r})
    print("RESULT", os.environ["RANK"], result.step, result.metrics["loss"], flush=True)
"""


def test_two_processes_compute_what_one_does_with_twice_the_batch(tmp_path):
    (tmp_path / "worker.py").write_text(WORKER.format(root=str(ROOT), out=str(tmp_path / "two")))
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        str(tmp_path / "worker.py"),
    ]
    ended = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert ended.returncode == 0, ended.stderr
    said = sorted(line.split()[1:] for line in ended.stdout.splitlines() if line.startswith("RESULT"))
    assert [s[0] for s in said] == ["0", "1"] and said[0][1:] == said[1][1:] and said[0][1] == "10"

    one = run(tmp_path / "one", PLAIN, replace(SMALL, batch=6))
    a, b = load_weights(tmp_path / "two" / "checkpoints" / "step-00000010")[0], load_weights(one.checkpoint)[0]
    assert all(torch.allclose(a[name], b[name], rtol=1e-4, atol=1e-6) for name in b)
    assert float(said[0][2]) == pytest.approx(one.metrics["loss"], rel=1e-3)
    lines = [[float(v) for v in row.values()] for row in rows(tmp_path / "two" / "train.csv")]
    assert np.allclose(
        lines, [[float(v) for v in row.values()] for row in rows(tmp_path / "one" / "train.csv")], rtol=1e-3
    )
    assert len(list((tmp_path / "two" / "events").iterdir())) == 1
    assert read(tmp_path / "two" / "checkpoints" / "step-00000010").training["random/cpu"].shape[0] == 2


def test_rows_of_two_processes_are_put_together(tmp_path):
    """Of nine validation samples the first process has five, the other four."""
    script = WORKER.format(root=str(ROOT), out=str(tmp_path / "two")).replace("ToyTask", "RowTask")
    script = script.replace('result.metrics["loss"]', 'result.metrics["rows"], result.metrics["order"]')
    (tmp_path / "worker.py").write_text(script)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    ended = subprocess.run(
        [*command, str(tmp_path / "worker.py")],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert ended.returncode == 0, ended.stderr
    said = sorted(line.split()[1:] for line in ended.stdout.splitlines() if line.startswith("RESULT"))
    middles = [float(ToyData(9, seed=1)[0, k]["image"][0, 4, 4]) for k in (0, 2, 4, 6, 8, 1, 3, 5, 7)]
    expected = sum(n * middle for n, middle in enumerate(middles, start=1))
    for rank, line in enumerate(said):
        assert line[0] == str(rank) and float(line[2]) == 9 and float(line[3]) == pytest.approx(expected, rel=1e-9)
    one = run(tmp_path / "one", RowTask(ToyConfig(dropout=0.0, norm=False)), small(steps=1))
    in_order = [float(ToyData(9, seed=1)[0, k]["image"][0, 4, 4]) for k in range(9)]
    assert one.metrics["rows"] == 9
    assert one.metrics["order"] == pytest.approx(sum(n * m for n, m in enumerate(in_order, start=1)), rel=1e-9)

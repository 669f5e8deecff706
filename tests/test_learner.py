"""Which parts of a network learn, how fast, and what they begin with."""

import os
import signal

import numpy as np
import pytest
import torch
from torch import nn

from mannequin.generator.errors import ConfigError, TrainingError
from mannequin.training.core.checkpoint import checkpoints, load_weights, read
from mannequin.training.core.init import read_starts
from mannequin.training.core.learner import Learner, session
from mannequin.training.core.loop import train
from mannequin.training.metrics.meter import Meter
from tests.toys import ToyConfig, ToyData, ToyTask, small
from tests.trained import checkpoint

PLAIN = ToyConfig(dropout=0.0)


def run(out, task, config=None, **options):
    return train(task, ToyData(), ToyData(9, seed=1), config or small(), out, **options)


def weights(out):
    return read(checkpoints(out / "checkpoints")[-1]).weights


def begun(task) -> dict[str, torch.Tensor]:
    """What a run of seed 0 begins with."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return {name: value.clone() for name, value in task.model().state_dict().items()}


def parts(model) -> dict[str, list[nn.Parameter]]:
    return {"stem": [*model[0].parameters(), *model[1].parameters()], "head": [*model[5].parameters()]}


class HeadOnly(ToyTask):
    """The convolution and its normalisation stay as they are."""

    def parameter_groups(self, model):
        return [{"params": parts(model)["head"]}]

    def train_mode(self, model):
        model.train()
        model[1].eval()


class Grouped(ToyTask):
    """Head and stem in groups; ``order`` of them, and how much faster the head learns."""

    def __init__(self, config=PLAIN, order=("stem", "head"), scale=1.0):
        super().__init__(config)
        self.order, self.scale = order, scale

    def parameter_groups(self, model):
        return [
            {"params": parts(model)[name]} | ({"lr_scale": self.scale} if name == "head" else {}) for name in self.order
        ]


# Groups


@pytest.mark.parametrize("changes", [{}, {"optimiser": "adamw", "weight_decay": 0.5}, {"precision": "bf16-mixed"}])
def test_frozen_parts_stay_as_they_are_through_training_and_validation(tmp_path, changes):
    task = HeadOnly()
    run(tmp_path / "out", task, small(**changes))
    before, after = begun(task), weights(tmp_path / "out")
    for name in before:
        head = name.startswith("5.")
        assert torch.equal(before[name], after[name]) != head, name  # statistics of normalisation too
    kept = read(checkpoints(tmp_path / "out" / "checkpoints")[-1]).training
    assert {key.split("/")[1] for key in kept if key.startswith("optimiser/")} == {"5.weight", "5.bias"}


def test_without_train_mode_the_statistics_would_move(tmp_path):
    """So the test above does look at them."""

    class Moving(HeadOnly):
        train_mode = ToyTask.train_mode

    run(tmp_path / "out", Moving())
    before, after = begun(ToyTask()), weights(tmp_path / "out")
    assert not torch.equal(before["1.running_mean"], after["1.running_mean"])
    assert torch.equal(before["0.weight"], after["0.weight"])


def test_frozen_parts_get_no_gradient_and_do_not_count_in_its_length(tmp_path):
    with session(small()) as fabric:
        learner = Learner(HeadOnly(PLAIN), small(), fabric)
        batch = learner.task.collate([ToyData()[0, k] for k in range(3)])
        fabric.backward(sum(learner.step(batch).losses.values()))
        grown = {name: p.grad for name, p in learner.module.named_parameters() if p.grad is not None}
        assert set(grown) == {"5.weight", "5.bias"}
        length = float(torch.cat([g.flatten() for g in grown.values()]).norm())
        assert float(learner.gradient_norm()) == pytest.approx(length, rel=1e-5)


def test_lr_scale_multiplies_the_learning_rate_of_its_group(tmp_path):
    config = small(steps=1, optimiser="sgd", lr=0.01)
    before = begun(Grouped())
    moved = {}
    for scale in (1.0, 5.0):
        run(tmp_path / str(scale), Grouped(scale=scale), config)
        after = weights(tmp_path / str(scale))
        moved[scale] = {name: (after[name] - before[name]).double() for name in ("0.weight", "5.weight")}
    assert torch.equal(moved[1.0]["0.weight"], moved[5.0]["0.weight"])
    assert torch.allclose(5 * moved[1.0]["5.weight"], moved[5.0]["5.weight"], rtol=1e-3, atol=1e-7)
    assert moved[1.0]["5.weight"].abs().max() > 1e-4


def test_lr_scale_follows_the_schedule(tmp_path):
    seen = []

    class Watched(Grouped):
        def step(self, model, batch):
            seen.append([group["lr"] for group in watched.optimizer.param_groups])
            return super().step(model, batch)

    class Noting(Learner):
        def __init__(self, *args):
            nonlocal watched
            super().__init__(*args)
            watched = self

    watched = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mannequin.training.core.loop.Learner", Noting)
        config = small(steps=4, accumulate=1, schedule="multistep", milestones=(2.0,), lr=0.1, validate_every=9)
        run(tmp_path / "out", Watched(scale=0.5), config)
    assert np.allclose(seen[:4], [[0.1, 0.05], [0.1, 0.05], [0.01, 0.005], [0.01, 0.005]])


@pytest.mark.parametrize("optimiser", ["rmsprop", "adamw"])
def test_the_optimisers_state_is_kept_by_name_whatever_the_order_of_groups(tmp_path, optimiser):
    config = small(optimiser=optimiser)

    def stopping(progress):
        if progress.step == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    run(tmp_path / "whole", Grouped(scale=2.0), config)
    assert run(tmp_path / "parts", Grouped(scale=2.0), config, on_progress=stopping).step == 5
    run(tmp_path / "parts", Grouped(order=("head", "stem"), scale=2.0), config)
    whole, later = (read(checkpoints(tmp_path / name / "checkpoints")[-1]) for name in ("whole", "parts"))
    for a, b in ((whole.weights, later.weights), (whole.training, later.training)):
        assert a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
    assert (tmp_path / "whole" / "train.csv").read_bytes() == (tmp_path / "parts" / "train.csv").read_bytes()


# What they begin with


class Together(nn.Module):
    """The sum of what its parts say."""

    def __init__(self, **parts: nn.Module):
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, image):
        return sum(part(image) for part in self.children())


class Pair(ToyTask):
    """A network of two toys, of which each may come from elsewhere."""

    name = "pair"

    def model(self):
        return Together(first=ToyTask(self.config).model(), second=ToyTask(self.config).model())


STILL = {"steps": 1, "optimiser": "sgd", "lr": 1e-12}


@pytest.fixture(scope="module")
def toys(tmp_path_factory):
    """Two runs of the toy."""
    folder = tmp_path_factory.mktemp("toys")
    for seed in (1, 2):
        run(folder / str(seed), ToyTask(PLAIN), small(steps=2, seed=seed))
    return folder / "1", folder / "2"


def learnt(values: dict, part: str = "") -> dict[str, torch.Tensor]:
    """Without statistics, which move at every step."""
    lead = f"{part}." if part else ""
    return {
        name.removeprefix(lead): value
        for name, value in values.items()
        if name.startswith(lead) and "running" not in name and "num_batches" not in name
    }


def test_parts_begin_with_the_weights_of_runs(tmp_path, toys):
    task = Pair(PLAIN)
    starts = read_starts({"first": toys[0], "second": toys[1]}, task)
    run(tmp_path / "both", task, small(**STILL), starts=starts)
    after = weights(tmp_path / "both")
    for part, source in zip(("first", "second"), toys, strict=True):
        theirs, ours = learnt(load_weights(source)[0]), learnt(after, part)
        assert theirs.keys() == ours.keys() and all(torch.allclose(theirs[n], ours[n], atol=1e-6) for n in ours)
    about = load_weights(tmp_path / "both")[1]["data"]["init"]
    assert list(about) == ["first", "second"] and about["second"]["step"] == 2
    run(tmp_path / "one", task, small(**STILL), starts=starts[:1])
    after, new = weights(tmp_path / "one"), begun(task)
    assert all(torch.allclose(v, new[f"second.{n}"], atol=1e-6) for n, v in learnt(after, "second").items())
    assert not torch.equal(after["first.0.weight"], new["first.0.weight"])
    assert list(load_weights(tmp_path / "one")[1]["data"]["init"]) == ["first"]


def test_a_part_of_a_part_has_a_longer_name(tmp_path, toys):
    class Inner(Pair):
        def model(self):
            return Together(toys=super().model())

    task = Inner(PLAIN)
    run(tmp_path / "out", task, small(**STILL), starts=read_starts({"toys.second": toys[0]}, task))
    ours, theirs = learnt(weights(tmp_path / "out"), "toys.second"), learnt(load_weights(toys[0])[0])
    assert all(torch.allclose(theirs[n], ours[n], atol=1e-6) for n in theirs)


def test_parts_come_after_the_whole_in_whatever_order_they_are_named(tmp_path, toys):
    task = Pair(PLAIN)
    run(tmp_path / "whole", task, small(steps=2, seed=9))
    for n, init in enumerate(
        ({"second": toys[0], "": tmp_path / "whole"}, {"": tmp_path / "whole", "second": toys[0]})
    ):
        run(tmp_path / str(n), task, small(**STILL), starts=read_starts(init, task))
        after, whole = weights(tmp_path / str(n)), weights(tmp_path / "whole")
        assert all(
            torch.allclose(v, after[f"second.{m}"], atol=1e-6) for m, v in learnt(load_weights(toys[0])[0]).items()
        )
        assert torch.allclose(after["first.0.weight"], whole["first.0.weight"], atol=1e-6)


def test_a_run_goes_on_only_with_what_it_began_with(tmp_path, toys):
    task = Pair(PLAIN)
    config = small(steps=2, checkpoint_every=1)
    run(tmp_path / "out", task, config, starts=read_starts({"first": toys[0]}, task))
    for other in ({}, {"second": toys[0]}, {"first": toys[1]}):
        with pytest.raises(TrainingError, match=r"data\.init"):
            run(tmp_path / "out", task, config, starts=read_starts(other, task))
    longer = small(steps=3, checkpoint_every=1)
    assert run(tmp_path / "out", task, longer, starts=read_starts({"first": toys[0]}, task)).step == 3


@pytest.mark.parametrize(
    ("init", "error", "said"),
    [
        ({"third": 0}, ConfigError, "--init third=…: the network has no part 'third'. Its parts are first, second."),
        ({"first.9": 0}, ConfigError, "no part 'first.9'"),
        ({"first.0": 0}, TrainingError, "holds another network than Conv2d"),
        ({"": 0}, TrainingError, "of the task 'toy'; expected one of 'pair'.*--init PART=CHECKPOINT"),
        ({"first": "nowhere"}, TrainingError, "There is no checkpoint in .*nowhere"),
    ],
    ids=["unknown part", "unknown part of a part", "another network", "another task", "missing run"],
)
def test_what_a_part_cannot_begin_with(tmp_path, toys, init, error, said):
    task = Pair(PLAIN)
    with pytest.raises(error, match=said):
        paths = {part: toys[which] if which == 0 else tmp_path / which for part, which in init.items()}
        run(tmp_path / "out", task, starts=read_starts(paths, task))
    assert not (tmp_path / "out").exists()


def test_the_command_says_what_is_wrong_with_parts(run_command, tmp_path):
    checkpoint(tmp_path / "before")
    for init, said in (
        (f"nose={tmp_path / 'before'}", "the network has no part 'nose'. Its parts are stem, stacks."),
        (f"stem={tmp_path / 'before'}", "holds another network than Stem"),
        (f"stem={tmp_path / 'nowhere'}", "There is no checkpoint in"),
        ("no/such=run", "There is no checkpoint in no/such=run"),
        ("one two", "--init names two runs for the whole network, one and two. Choose one."),
        ("stem=one stem=two", "--init names two runs for the part 'stem', one and two."),
    ):
        status, message = run_command("--init", *init.split())
        assert status == 2 and said in message and message.count("mannequin: ") == 1 and "Traceback" not in message


@pytest.fixture
def run_command(run, tmp_path):
    """`mannequin train segmentation` on two clips of balls."""
    from mannequin.generator.dataset.folder import create_or_resume
    from mannequin.generator.dataset.native import write_clip
    from tests.clips import ball_clip

    dataset = create_or_resume(tmp_path / "balls", {"of": "tests"}, 1)
    write_clip(dataset.path_of(0), ball_clip(frames=1, resolution=(60, 80)), rgb="png")
    data = ("--data", dataset.path, "--val-data", dataset.path, "--out", tmp_path / "out", "--dev-run", "--workers", 0)
    size = ("--stacks", 1, "--features", 8, "--depth", 1, "--size", 32, "--accelerator", "cpu", "--batch", 1)

    def command(*options):
        status, _, message = run("train", "segmentation", *data, *size, *options)
        return status, message

    return command


# Meters


class Rows(Meter):
    figures = {}

    def __init__(self, rows=()):
        super().__init__()
        self.sums = {"count": torch.tensor(float(len(rows)))}
        self.rows = {"row": [torch.tensor(rows, dtype=torch.float64).reshape(-1, 2)], "name": [torch.arange(len(rows))]}

    def update(self, outputs, batch):
        raise NotImplementedError

    def result(self):
        return {"count": float(self.sums["count"]), "rows": float(len(self.table("row")))}


def test_meters_add_sums_and_append_rows():
    a, b = Rows([[1, 2], [3, 4]]), Rows([[5, 6]])
    a.add(b)
    a.add(Rows())
    assert a.result() == {"count": 3, "rows": 3} and a.table("row").tolist() == [[1, 2], [3, 4], [5, 6]]
    assert a.table("name").tolist() == [0, 1, 0] and b.result() == {"count": 1, "rows": 1}
    assert a.per_class() == {}

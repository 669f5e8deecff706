"""A run in parts is the same, bit for bit, as a run in one go."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mannequin.generator.errors import TrainingError
from mannequin.training.core import threads
from mannequin.training.core.checkpoint import checkpoints, read, save
from mannequin.training.core.loop import train
from mannequin.training.core.resume import find_start
from mannequin.training.core.threads import VARIABLES, Cores
from tests.toys import SMALL, ToyConfig, ToyData, ToyTask, small

ROOT = Path(__file__).resolve().parents[1]


def run(out, config=SMALL, task=ToyTask(), **options):
    return train(task, ToyData(), ToyData(9, seed=1), config, out, **options)


def assert_same_run(a: Path, b: Path) -> None:
    """All tensors, states and tables but that of the pace are the same bytes."""
    names = [p.name for p in checkpoints(a / "checkpoints")]
    assert names and names == [p.name for p in checkpoints(b / "checkpoints")]
    for name in names:
        for file in ("weights.safetensors", "training.safetensors", "state.json"):
            assert (a / "checkpoints" / name / file).read_bytes() == (b / "checkpoints" / name / file).read_bytes(), (
                name,
                file,
            )
    for table in ("train.csv", "validation.csv"):
        assert (a / table).read_bytes() == (b / table).read_bytes()
    assert {p.name: p.read_bytes() for p in (a / "pictures").iterdir()} == {
        p.name: p.read_bytes() for p in (b / "pictures").iterdir()
    }


def sending(number: int, at: int):
    """Watches progress, and sends this process a signal after step ``at``."""
    return lambda progress: os.kill(os.getpid(), number) if progress.step == at else None


@pytest.fixture(scope="module")
def in_one_go(tmp_path_factory):
    """Never to be changed."""
    out = tmp_path_factory.mktemp("one") / "out"
    run(out)
    return out


KILLED = """
import os
import signal
import sys

sys.path.insert(0, {root!r})

def watch(progress):
    if progress.step == {at}:
        {kill}

if __name__ == "__main__":
    from tests.toys import ToyData, ToyTask, small
    from mannequin.training.core.loop import train

    print(train(ToyTask(), ToyData(), ToyData(9, seed=1), small(workers=1), {out!r}, watch))
"""


def start(tmp_path, at: int, kill: str) -> subprocess.CompletedProcess:
    """A run in a process of its own, on one thread as here, that does ``kill`` after step ``at``."""
    script = tmp_path / "killed.py"
    script.write_text(KILLED.format(root=str(ROOT), at=at, kill=kill, out=str(tmp_path / "out")))
    env = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    return subprocess.run(
        [sys.executable, "-W", "error", str(script)], capture_output=True, text=True, env=env, start_new_session=True
    )


def test_a_killed_run_with_loading_processes_goes_on_bit_for_bit(tmp_path, in_one_go):
    """Killed after step 8: the last checkpoint is of step 6, within the second pass and a line of the log behind."""
    ended = start(tmp_path, 8, "os.kill(os.getpid(), signal.SIGKILL)")
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert [p.name for p in checkpoints(tmp_path / "out" / "checkpoints")][-1] == "step-00000006"
    assert (tmp_path / "out" / "train.csv").read_text().count("\n") == 4  # up to step 6; step 8 was still to be written
    steps = []
    result = run(tmp_path / "out", on_progress=lambda p: steps.append(p.step))
    assert steps == [7, 8, 9, 10] and result.step == 10
    assert_same_run(tmp_path / "out", in_one_go)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_keeps_the_step_and_says_how_to_go_on(tmp_path, number, in_one_go):
    before = signal.getsignal(number)
    result = run(tmp_path / "out", on_progress=sending(number, 4))
    assert (result.stopped, result.step, result.checkpoint.name) == (number, 5, "step-00000005")
    word = "Interrupted" if number == signal.SIGINT else "Ended by SIGTERM"
    assert str(result).startswith(
        f"{word} after step 5 of 10, which is kept in "
    ) and "The same command goes on from there" in str(result)
    assert signal.getsignal(number) is before
    assert run(tmp_path / "out").stopped is None
    assert_same_run(tmp_path / "out", in_one_go)


def test_a_signal_to_all_processes_leaves_loading_ones_to_the_first(tmp_path, in_one_go):
    """As a batch system sends it, or a terminal."""
    ended = start(tmp_path, 4, "os.system('kill -TERM 0')")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Ended by SIGTERM after step 5 of 10" in ended.stdout
    run(tmp_path / "out")
    assert_same_run(tmp_path / "out", in_one_go)


def test_a_second_signal_ends_at_once(tmp_path):
    def twice(progress):
        if progress.step == 4:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "out", on_progress=twice)
    assert [p.name for p in checkpoints(tmp_path / "out" / "checkpoints")] == ["step-00000003"]


@pytest.mark.parametrize(
    "changes",
    [
        {"optimiser": "rmsprop", "momentum": 0.9, "grad_clip": 0.1},
        {"optimiser": "sgd"},
        {"optimiser": "sgd", "momentum": 0.9, "schedule": "cosine", "warmup": 3.0},
        {
            "optimiser": "adamw",
            "weight_decay": 0.1,
            "schedule": "multistep",
            "milestones": (1.0, 2.0),
            "schedule_unit": "epochs",
        },
        {"precision": "bf16-mixed", "channels_last": True},
        {"steps": 0, "epochs": 2, "validate_every": 0, "checkpoint_every": 0},
        {"deterministic": True},
    ],
    ids=lambda changes: " ".join(map(str, changes.values())),
)
def test_all_state_is_kept(tmp_path, changes):
    config = small(**changes)
    run(tmp_path / "one", config)
    assert run(tmp_path / "two", config, on_progress=sending(signal.SIGTERM, 2)).step == 3
    run(tmp_path / "two", config)
    assert_same_run(tmp_path / "one", tmp_path / "two")


def test_signals_between_checkpoints_leave_the_checkpoints_of_a_run_in_one_go(tmp_path):
    config = small(checkpoint_every=2, validate_every=0, keep=2)
    run(tmp_path / "one", config)
    for step in range(2, config.steps, 2):
        assert run(tmp_path / "two", config, on_progress=sending(signal.SIGTERM, step)).step == step + 1
    run(tmp_path / "two", config)
    assert_same_run(tmp_path / "one", tmp_path / "two")


def test_dropout_matters_to_this_test(tmp_path, in_one_go):
    """Resumed with other random numbers, the run ends elsewhere: so the tests above do look at them."""
    run(tmp_path / "out", on_progress=sending(signal.SIGTERM, 4))
    path = checkpoints(tmp_path / "out" / "checkpoints")[-1]
    kept = read(path)
    kept.training["random/cpu"] = torch.Generator().manual_seed(77).get_state()[None]
    save(kept, path.parent)
    run(tmp_path / "out")
    last = [read(o / "checkpoints" / "step-00000010").weights for o in (tmp_path / "out", in_one_go)]
    assert any(not torch.equal(last[0][name], last[1][name]) for name in last[0])


FIRST = "optimiser/0.weight/square_avg"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("optimiser/elsewhere/square_avg", torch.zeros(3)),
        ("optimiser/", torch.zeros(3)),
        (FIRST, torch.zeros(1 << 20)),
        (FIRST, torch.full((), float("nan"))),
        ("random/cpu", None),
        ("random/cpu", torch.zeros(1, 5000, dtype=torch.uint8)),
        ("random/cpu", torch.zeros(0, 5056, dtype=torch.uint8)),
        ("random/cpu", torch.full((1, 5056), 255, dtype=torch.uint8)),
        ("random/cpu", torch.zeros(1, 5056)),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{getattr(value, 'dtype', None)}",
)
def test_a_state_of_training_that_cannot_be_is_refused(tmp_path, key, value):
    """A stranger's checkpoint, whose digests are right."""
    run(tmp_path / "out", on_progress=sending(signal.SIGTERM, 2))
    path = checkpoints(tmp_path / "out" / "checkpoints")[-1]
    kept = read(path)
    assert FIRST in kept.training and "random/cpu" in kept.training
    kept.training.pop(key, None)
    if value is not None:
        kept.training[key] = value
    save(kept, path.parent)
    with pytest.raises(TrainingError, match="not of this training"):
        run(tmp_path / "out")


def test_a_finished_run_stays_as_it_is(tmp_path, in_one_go):
    run(tmp_path / "out")
    steps = []
    result = run(tmp_path / "out", on_progress=steps.append)
    assert (
        not steps
        and result.step == 10
        and result.metrics["accuracy"] == read(result.checkpoint).state.validations[-1].metrics["accuracy"]
    )
    assert_same_run(tmp_path / "out", in_one_go)


def test_what_has_no_say_in_the_result_may_change(tmp_path):
    run(tmp_path / "out", small(steps=5))
    result = run(
        tmp_path / "out", small(steps=7, log_every=3, checkpoint_every=1, validate_every=2, keep=1, picture_every=0)
    )
    assert result.step == 7
    assert json.loads((tmp_path / "out" / "config.json").read_text())["config"]["log_every"] == 3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"lr": 0.1, "batch": 4},
            r"(?s)config.batch: 3 there, 4 now\n.*config.lr: 0.003 there, 0.1 now.*What may change: "
            r"workers.*steps and epochs upwards",
        ),
        ({"seed": 1}, "config.seed: 0 there, 1 now"),
        ({"steps": 4}, "a run of 5 steps, and this one has 4"),
        ({"dev_run": True}, "config.dev_run: False there, True now"),
    ],
)
def test_other_options_are_refused_with_the_fields_that_differ(tmp_path, changes, said):
    run(tmp_path / "out", small(steps=5))
    before = (tmp_path / "out" / "config.json").read_bytes()
    with pytest.raises(TrainingError, match=said):
        run(tmp_path / "out", small(**{"steps": 5} | changes))
    assert (tmp_path / "out" / "config.json").read_bytes() == before


def test_a_cosine_does_not_grow_longer(tmp_path):
    run(tmp_path / "out", small(steps=3, schedule="cosine"))
    with pytest.raises(TrainingError, match="config.steps: 3 there, 4 now"):
        run(tmp_path / "out", small(steps=4, schedule="cosine"))


class Game(ToyTask):
    name = "game"


def test_other_tasks_networks_and_data_are_refused(tmp_path):
    config = small(steps=3)
    run(tmp_path / "out", config, data={"folder": "a"})
    for options, said in (
        ({"task": Game()}, "a run of the task 'toy'; this is 'game'"),
        ({"task": ToyTask(ToyConfig(width=5)), "data": {"folder": "a"}}, "task_config.width: 4 there, 5 now"),
        ({"data": {"folder": "b"}}, "data.folder: 'a' there, 'b' now"),
    ):
        with pytest.raises(TrainingError, match=said):
            run(tmp_path / "out", config, **options)
    with pytest.raises(TrainingError, match="samples: 22 there, 23 now"):
        train(ToyTask(), ToyData(23), ToyData(9, seed=1), config, tmp_path / "out", data={"folder": "a"})


def test_data_without_end_goes_on_where_it_was(tmp_path):
    def go(out, **options):
        return train(ToyTask(), ToyData(None), ToyData(9, seed=1), SMALL, out, **options)

    go(tmp_path / "one")
    go(tmp_path / "two", on_progress=sending(signal.SIGTERM, 6))
    go(tmp_path / "two")
    assert_same_run(tmp_path / "one", tmp_path / "two")


def test_a_folder_with_half_a_description_is_one_to_start_in(tmp_path):
    """A run that is killed while it writes its first file leaves that and nothing else."""
    (tmp_path / ".config.json.elsewhere.0123456789abcdef.part").write_text("{")
    assert find_start(tmp_path, {"task": "toy"}) is None
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(TrainingError, match="is not empty and not a training run"):
        find_start(tmp_path, {"task": "toy"})


# Threads


def test_a_run_goes_on_with_the_threads_that_it_began_with(tmp_path, monkeypatch):
    """Sums over another number of threads come in another order. The machine is busier later, and then less so."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    found, said, at = [], [], []

    def watch(progress):
        at.append(torch.get_num_threads())
        if progress.step in (3, 5):
            os.kill(os.getpid(), signal.SIGINT)

    def go_on(free, **options):
        monkeypatch.setattr(threads, "cores", lambda: Cores(free, 8, 0))
        before = torch.get_num_threads()
        run(tmp_path / "out", small(**options), on_progress=watch, say=said.append)
        assert torch.get_num_threads() == before
        found.append(json.loads((tmp_path / "out" / "config.json").read_text())["config"]["threads"])

    go_on(3)
    go_on(1)
    go_on(2, threads=2)
    assert found == [3, 3, 2] and said == ["3 of 8 cores, 0 busy: 3 threads", "3 threads, as the run began"]
    assert at == [3] * 6 + [2] * 4
    state = read(checkpoints(tmp_path / "out" / "checkpoints")[-1]).state
    assert state.run["config"]["threads"] == 2

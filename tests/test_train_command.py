"""``mannequin train`` as a user meets it: it learns, goes on, and says in one message what is wrong."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from clips import ball_clip, camera_looking
from trained import checkpoint

from mannequin.cli.main import parse
from mannequin.cli.training import extra
from mannequin.cli.training.bar import TrainBar
from mannequin.generator.dataset.folder import create_or_resume
from mannequin.generator.dataset.native import write_clip
from mannequin.training.core import threads
from mannequin.training.core.checkpoint import checkpoints
from mannequin.training.core.loop import Progress
from mannequin.training.data.sources import from_datasets
from mannequin.training.options.hourglass import HourglassOptions
from mannequin.training.options.preset import DataConfig
from mannequin.training.registry import RECIPES, TASKS, make_task
from mannequin.training.tasks.segmentation import Segmentation

TINY = (
    "--stacks",
    1,
    "--features",
    8,
    "--depth",
    1,
    "--size",
    32,
    "--accelerator",
    "cpu",
    "--workers",
    0,
    "--batch",
    4,
)
STEADY = (*TINY, "--schedule", "constant", "--warmup", 0, "--validate-every", 0, "--log-every", 1)


@pytest.fixture
def refuses(run, tmp_path):
    """Runs `train` with options that cannot be; returns the one message."""

    def refuses(*options, out=None, task="segmentation"):
        folder = out or tmp_path / "refused"
        status, said, message = run("train", task, *TINY, "--steps", 2, "--quiet", "--out", folder, *options)
        assert (status, said) == (2, ""), message
        assert "Traceback" not in message and message.count("mannequin: ") == 1 and message.startswith("mannequin: ")
        assert out or not folder.exists()
        return message

    return refuses


def written(folder: Path, clips) -> Path:
    dataset = create_or_resume(folder, {"of": "tests"}, len(clips))
    for number, clip in enumerate(clips):
        write_clip(dataset.path_of(number), clip, rgb="png")
    return folder


def small(index: int, **options):
    return ball_clip(**({"frames": 3, "resolution": (60, 80)} | options), index=index, seed=index, name=f"clip{index}")


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Six clips of three frames; by their names, --val-share .3 holds some out."""
    return written(tmp_path_factory.mktemp("data") / "people", [small(i) for i in range(6)])


def weights(run_folder: Path) -> dict:
    return safetensors.torch.load_file(checkpoints(run_folder / "checkpoints")[-1] / "weights.safetensors")


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def rows(path: Path) -> list[dict]:
    return list(csv.DictReader(path.read_text().splitlines()))


def tables(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in ("train.csv", "validation.csv")]


# What it does


@pytest.mark.parametrize("task", ["segmentation", "depth"])
def test_it_learns_two_frames_by_heart(run, tmp_path, task):
    two = written(tmp_path / "two", [small(i, frames=1) for i in range(2)])
    out = tmp_path / "run"
    options = (
        "--data",
        two,
        "--val-data",
        two,
        "--augment",
        "none",
        "--features",
        16,
        "--depth",
        2,
        "--size",
        64,
        "--batch",
        2,
    )
    status, said, heard = run(
        "train",
        task,
        *TINY,
        *options,
        "--steps",
        100,
        "--lr",
        0.01,
        "--warmup",
        10,
        "--validate-every",
        50,
        "--out",
        out,
    )
    assert status == 0, heard
    halfway, last = ({name: float(value) for name, value in row.items()} for row in rows(out / "validation.csv"))
    assert last["loss"] < min(0.2, halfway["loss"]), (halfway, last)  # it begins with log(15) or log(20), about 3
    assert f"Predictions: {out}/pictures/step-00000100.png" in said and (out / "pictures/step-00000100.png").is_file()
    assert f"mannequin evaluate {out} --data {two}" in said and "100 of 100 steps" in heard


def test_the_same_seed_gives_the_same_tables_and_weights(run, tmp_path, people):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        assert run(
            "train",
            "segmentation",
            *STEADY,
            "--steps",
            3,
            "--val-share",
            0.3,
            "--data",
            people,
            "--seed",
            seed,
            "--out",
            tmp_path / name,
            "--quiet",
        ) == (0, "", "")
    a, b, c = (tables(tmp_path / name) for name in "abc")
    assert a == b and a[0] != c[0]
    assert same(weights(tmp_path / "a"), weights(tmp_path / "b"))


def test_the_same_command_goes_on_bit_for_bit(run, tmp_path, people):
    command = ("train", "segmentation", *STEADY, "--val-share", 0.3, "--data", people)
    assert run(*command, "--steps", 6, "--out", tmp_path / "whole")[0] == 0
    assert run(*command, "--steps", 3, "--out", tmp_path / "parts")[0] == 0
    assert (
        run(*command, "--steps", 6, "--out", tmp_path / "parts", "--resume", "--cache", 0)[0] == 0
    )  # which may change
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "parts"))
    whole, parts = (rows(tmp_path / name / "train.csv") for name in ("whole", "parts"))
    assert whole == parts and len(whole) == 6


def test_datasets_mix_and_clips_are_held_out_whole(tmp_path, people):
    more = written(tmp_path / "more", [small(i) for i in range(10, 14)])
    task = make_task("segmentation", HourglassOptions(size=64))
    feed = from_datasets((people, more), (), task, DataConfig(val_share=0.3), 0)
    ids = [{data[0, i]["id"].rsplit("/", 3)[0] for i in range(len(data))} for data in (feed.train, feed.val)]
    assert not ids[0] & ids[1] and len(ids[0] | ids[1]) == 10
    assert {name.split("/")[0] for name in ids[0] | ids[1]} == {"people", "more"}
    assert len(feed.train) + len(feed.val) == 30
    first = [feed.val[0, i]["id"] for i in range(len(feed.val))]
    assert first != sorted(first) and len(set(first)) == len(first)  # in another order, each once


def test_fine_tuning_begins_with_the_weights_of_another_run(run, tmp_path, people):
    path = checkpoint(tmp_path / "before", "segmentation")
    begun = safetensors.torch.load_file(path / "weights.safetensors")
    out = tmp_path / "after"
    options = (
        "--optimiser",
        "sgd",
        "--weight-decay",
        0,
        "--lr",
        1e-12,
        "--init",
        tmp_path / "before",
        "--data",
        people,
        "--val-share",
        0.3,
    )
    assert run("train", "segmentation", *STEADY, *options, "--steps", 1, "--out", out)[0] == 0
    after = weights(out)
    learnt = [name for name in begun if not any(word in name for word in ("running", "num_batches"))]
    assert all(torch.allclose(after[name], begun[name], atol=1e-6) for name in learnt)
    assert json.loads((out / "config.json").read_text())["data"]["init"] == {"": {"checkpoint": str(path), "step": 4}}


def test_training_on_an_endless_stream(run, tmp_path):
    options = (
        "--stream",
        "--dev-run",
        "--out",
        tmp_path / "run",
        "--",
        "--motion",
        "walk",
        "--frames",
        2,
        "--size",
        48,
        48,
        "--light",
        "lamps",
    )
    status, said, heard = run("train", "segmentation", *TINY, *options)
    assert status == 0, heard
    data = json.loads((tmp_path / "run/config.json").read_text())["data"]
    assert data["stream"]["size"] == [48, 48] and data["assets"]["motion"] == ["walk"]
    assert "--data OTHER_PEOPLE" in said


# What it refuses


def test_nothing_to_learn_from(refuses, people):
    assert "Name datasets with --data" in refuses()
    assert "exclude each other" in refuses("--data", people, "--stream")
    assert "give --stream" in refuses("--data", people, "--", "--motion", "walk")
    assert "--every chooses frames of datasets" in refuses("--stream", "--every", 2)
    assert "--clips stands behind --" in refuses("--stream", "--", "--clips", 3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--size", 33), "--size is 33; with --depth 1 expected a multiple of 8, such as 32"),
        (("--epochs", 1), "--steps 2 and --epochs 1 exclude each other"),
        (("--val-share", 1), "--val-share is 1"),
        (("--preset", "smal"), "Unknown preset 'smal'"),
    ],
)
def test_options_that_cannot_be(run, people, options, said):
    status, _, message = run("train", "segmentation", *TINY, "--steps", 2, "--data", people, *options)
    assert status == 2 and said in " ".join(message.replace("│", " ").split())


@pytest.mark.parametrize("words", [("dept",), ("--quiet", "dept"), ("--data", "people", "--stream", "dept")])
def test_unknown_tasks_are_refused_with_the_nearest(run, words):
    status, _, message = run("train", *words)
    assert status == 2 and message.startswith("mannequin: ") and "Traceback" not in message
    if words[0] != "--data":  # which takes the name for a dataset
        assert "Unknown task 'dept'. Did you mean 'depth'? Known: " in message
        assert all(name in message for name in (*TASKS, *RECIPES))


def test_the_name_of_the_task_may_stand_behind_options(run, people, tmp_path):
    command = parse(["train", "--quiet", "--out", "depth", "depth", "--stacks", "3"])
    assert (command.task, str(command.out), command.network.stacks, command.quiet) == ("depth", "depth", 3, True)


def test_unknown_options_are_refused_with_the_nearest(run, people):
    status, _, message = run("train", "depth", "--data", people, "--stackz", 3)
    words = " ".join(message.replace("│", " ").split())
    assert status == 2 and "--stackz" in words and "--stacks" in words


def test_the_manual_says_what_there_is_to_learn(run):
    status, said, _ = run("train", "--help")
    words = " ".join(said.replace("│", " ").split())
    assert status == 0 and "What to learn. segmentation: 14 parts of the body. depth:" in words
    assert all(f"{name}: {entry.learns}" in words for some in (TASKS, RECIPES) for name, entry in some.items())
    assert "PART=RUN, for a part of the network. (default: none)" in words


def test_datasets_that_cannot_teach(refuses, tmp_path, people):
    assert str(tmp_path / "nowhere") in refuses("--data", tmp_path / "nowhere")
    blind = written(tmp_path / "blind", [small(0, rgb=False)])
    assert "has no channel 'rgb'" in refuses("--data", blind, "--val-data", people)
    clip = small(0)
    view = clip.views["camera"]
    values = {name: value for name, value in view.labels.values.items() if name != "segm"}
    bare = written(
        tmp_path / "bare", [replace(clip, views={"camera": replace(view, labels=replace(view.labels, values=values))})]
    )
    assert "has no channel 'segm'" in refuses("--data", people, "--val-data", bare)
    away = camera_looking("camera", (0.0, -6.0, 1.0), target=(0.0, -12.0, 1.0), focal=150.0, resolution=(60, 80))
    far = written(tmp_path / "far", [small(0, cameras=[away])])
    assert "no frames to learn from" in refuses("--data", far, "--val-data", people)


def test_too_few_clips_to_hold_some_out(refuses, tmp_path):
    one = written(tmp_path / "one", [small(0)])
    message = refuses("--data", one)
    assert "--val-share 0.1 holds out 0 of 1 clips" in message and "--val-data" in message


def test_checkpoints_of_something_else(refuses, tmp_path, people):
    checkpoint(tmp_path / "run", "segmentation")
    data = ("--data", people, "--val-data", people)
    assert "of the task 'segmentation'; expected one of 'depth'" in refuses(
        *data, "--init", tmp_path / "run", task="depth"
    )
    assert "holds another network" in refuses(*data, "--init", tmp_path / "run", "--features", 16)
    assert "There is no checkpoint in" in refuses(*data, "--init", tmp_path / "nothing")
    message = refuses(*data, out=tmp_path / "run", task="depth")
    assert "holds a run of the task 'segmentation'; this is 'depth'" in message


def test_a_run_with_other_options_is_not_continued(run, refuses, tmp_path, people):
    out = tmp_path / "run"
    assert (
        run("train", "segmentation", *TINY, "--steps", 2, "--data", people, "--val-data", people, "--out", out)[0] == 0
    )
    before = weights(out)
    message = refuses("--data", people, "--val-data", people, "--lr", 0.5, "--features", 16, out=out)
    assert "config.lr: 0.003 there, 0.5 now" in message and "task_config.features: 8 there, 16 now" in message
    assert same(before, weights(out))
    shutil.copytree(people, tmp_path / "copy")
    assert "copy" in refuses("--data", tmp_path / "copy", "--val-data", people, out=out)


def test_resume_needs_a_run(refuses, people):
    assert "--resume: there is no checkpoint" in refuses("--data", people, "--resume")


def test_a_loss_that_is_no_number_stops_with_its_samples(refuses, tmp_path, people):
    message = refuses(
        "--data",
        people,
        "--val-data",
        people,
        "--lr",
        1e30,
        "--warmup",
        0,
        "--steps",
        6,
        "--grad-clip",
        0,
        out=tmp_path / "run",
    )
    assert (
        "is no number" in message
        and "/camera/person0/" in message
        and "lower --lr" in message
        and "--grad-clip" in message
    )


def test_memory_that_is_used_up(refuses, tmp_path, people, monkeypatch):
    def exhausted(task, model, batch):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")

    monkeypatch.setattr(Segmentation, "step", exhausted)
    message = refuses("--data", people, "--val-data", people, out=tmp_path / "run")
    assert "The memory is used up" in message and "lower --batch 4 to 2" in message


def test_without_torch_it_says_what_to_install(refuses, people, monkeypatch):
    monkeypatch.setattr(extra, "find_spec", lambda name: None if name == "torch" else "there")
    assert (
        "Training needs torch" in (message := refuses("--data", people)) and "pip install 'mannequin[train]'" in message
    )


# Options and progress


def test_presets_are_defaults_that_options_change():
    command = parse(["train", "depth", "--data", "d", "--preset", "paper", "--batch", "3"])
    assert (command.train.optimiser, command.train.steps, command.train.batch, command.network.stacks) == (
        "rmsprop",
        50_000,
        3,
        8,
    )
    assert (command.selection.val_sampling, command.selection.augment) == ("middle", "paper") and str(
        command.folder
    ) == "runs/depth"
    assert parse(["train", "depth", "--data", "d"]).network.size == 128
    by_epochs = parse(["train", "depth", "--data", "d", "--preset=modern", "--epochs", "7"])
    assert (by_epochs.train.steps, by_epochs.train.epochs, by_epochs.train.precision) == (0, 7, "bf16-mixed")


def test_progress_on_a_log(capsys):
    with TrainBar(make_task("segmentation")) as bar:
        bar.show(Progress(1, 9, 0.1, 2.5, 31.25, 0.034, 75.0))
        bar.show(Progress(2, 9, 0.2, 2.4, 31.25, 0.034, 70.0))
        bar.show(Progress(3, 9, 0.3, 2.3, 31.25, 0.034, 65.0, {"iou": 0.123}))
        bar.show(Progress(9, 9, 1.0, 1.5, 30.0, 0.01, 0.0, {"iou": 0.123}))
    assert capsys.readouterr().err.splitlines() == [
        "1 of 9 steps, loss 2.500, 31.2 samples/s, 3 % waiting for data, 0:01:15 left",
        "validated after step 2: IoU, 14 parts 12.3 %",
        "9 of 9 steps, loss 1.500, 30.0 samples/s, 1 % waiting for data, 0:00:00 left",
    ]


def test_threads_are_stated_once_nothing_is_refused(run, people, tmp_path, monkeypatch):
    for name in threads.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(threads, "cores", lambda: threads.Cores(2, 2, 1))
    line, trained = "2 of 2 cores, 1 busy: 1 thread", tmp_path / "run"
    short = ("--data", people, "--steps", 2, "--val-share", 0.3, "--out", trained)
    told = run("train", "segmentation", *short, *TINY)
    assert told[0] == 0 and told[2].startswith(line + "\n"), told[2]
    evaluate = ("evaluate", trained, "--data", people, "--workers", 0)
    export = ("export", trained, tmp_path / "net.pt2", "--layout", "torch")
    assert run(*evaluate)[::2] == run(*export)[::2] == (0, line + "\n")
    assert run(*evaluate, "--threads", 1)[::2] == (0, "")
    status, _, message = run(*evaluate, "--threads", -1)
    assert status == 2 and "--threads is -1" in message and message.count("\n") == 1
    status, _, message = run("train", "segmentation", *short, *TINY, "--threads", 1025)
    assert status == 2 and "--threads is 1025; expected 1 to 1024" in message

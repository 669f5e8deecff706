"""Model cards: what stands in them is what is in the run, and their commands make it again."""

import json
import re
import shlex
import shutil
from dataclasses import replace
from xml.etree import ElementTree

import pytest
import torch
from torch import nn

from mannequin.cli.main import parse
from mannequin.generator.config import SampleConfig
from mannequin.generator.dataset.folder import create_or_resume
from mannequin.generator.dataset.native import write_clip
from mannequin.generator.errors import TrainingError
from mannequin.generator.records import to_plain
from mannequin.training.card import train_command, write_card
from mannequin.training.core.checkpoint import digest
from mannequin.training.options.hourglass import PRESETS
from mannequin.training.options.preset import DataConfig
from mannequin.training.plot import draw
from mannequin.training.registry import load_trained
from tests.clips import ball_clip
from tests.trained import TINY, checkpoint

TRAIN_CSV = "step,epoch,samples,lr,loss,cross_entropy,gradient\n2,0.3,4,0.001,2.75,2.75,1\n4,0.7,8,0.001,1.5,1.5,1\n"
VALIDATION_CSV = "step,epoch,loss,iou\n4,0.7,2.5,\n"


@pytest.fixture
def people(tmp_path):
    """A dataset as `mannequin generate` describes it, of three clips."""
    config = {
        "sample": {"preset": "studio", "frames": 5},
        "assets": {"body": "builtin", "motion": [], "textures": ""},
        "seed": 7,
        "renderer": "raster",
    }
    dataset = create_or_resume(tmp_path / "here" / "people", config, num_clips=3)
    for index in range(3):
        write_clip(dataset.path_of(index), ball_clip(frames=1, index=index))
    return dataset.path


def made(tmp_path, **data):
    """A run with its tables."""
    checkpoint(tmp_path / "run", data=data)
    (tmp_path / "run" / "train.csv").write_text(TRAIN_CSV)
    (tmp_path / "run" / "validation.csv").write_text(VALIDATION_CSV)
    return tmp_path / "run"


def rows(card: str) -> dict[str, str]:
    """What the tables of two columns say."""
    return {name.strip(" `"): value.strip() for name, value in re.findall(r"^\| ([^|]+) \| ([^|]*) \|$", card, re.M)}


def test_the_card_says_what_is_in_the_run(tmp_path, people):
    run = made(tmp_path, train=[str(people)], val=[], options=to_plain(DataConfig(every=3)))
    path = write_card(run)
    card, said = path.read_text("utf-8"), rows(path.read_text("utf-8"))
    _, model, _ = load_trained(run)
    assert path == run / "card.md" and card.startswith("# Segmentation of people")
    assert said["parameters"] == f"{sum(p.numel() for p in model.parameters()):,}"
    assert said["weights, SHA-256"] == f"`{digest(run / 'checkpoints' / 'step-00000004')}`"
    assert "1 stack, 8 features, depth 1" in said["architecture"] and said["input"].startswith("32 × 32")
    assert "| training | people | 3 | 15 | preset studio, seed 7, renderer raster | built in, CC0 1.0 |" in card
    assert said["batch"] == "2" and said["every"] == "3" and "Seed 0" in card
    assert (
        said["IoU, 14 parts"] == "25.0 %"
        and said["pixel accuracy (recall), 14 parts"] == "unknown"
        and said["loss"] == "2.5000"
    )
    assert "from 2.75 at step 2 to 1.5 at step 4" in card and "](card.svg)" in card
    assert "no real photograph" in card and "10 % of the clips were held out" in card


def test_the_card_tells_nothing_of_this_machine(tmp_path, people):
    card = write_card(made(tmp_path, train=[str(people)], val=[str(people)], options={})).read_text("utf-8")
    assert str(tmp_path) not in card and "| validation | people | 3 |" in card


def test_operations_are_those_of_the_convolutions(tmp_path):
    """One stack of TINY, counted by hand: 2 operations for each weight at each place that a convolution looks at."""
    run = made(tmp_path)
    _, model, _ = load_trained(run)
    total = []

    def count(module, inputs, output):
        total.append(2 * output[0, 0].numel() * module.weight.numel())

    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(count)
    with torch.no_grad():
        model(torch.zeros(1, 3, TINY.size, TINY.size))
    assert rows(write_card(run).read_text("utf-8"))["operations"].startswith(f"{sum(total) / 1e9:,.3g} GFLOPs")


@pytest.mark.parametrize(
    "data", [{}, {"train": ["/gone/people"], "val": [], "options": {}}], ids=["no data", "data that are gone"]
)
def test_what_is_not_there_is_said_to_be_so(tmp_path, data):
    checkpoint(tmp_path / "run", data=data)
    card = write_card(tmp_path / "run").read_text("utf-8")
    assert "card.svg" not in card and not (tmp_path / "run" / "card.svg").exists()
    assert "no real photograph" not in card and ("not there any more" in card) == bool(data)


def test_the_users_own_assets_are_named_without_a_licence(tmp_path, people):
    text = people / "dataset.json"
    held = json.loads(text.read_text())
    held["config"]["assets"] |= {"textures": "/home/me/skins", "motion": ["walk", "run"]}
    text.write_text(json.dumps(held))
    card = write_card(made(tmp_path, train=[str(people)], val=[], options={})).read_text("utf-8")
    assert "textures: the user's, licence not recorded; the rest: built in, CC0 1.0" in card and "skins" not in card
    held["config"]["assets"]["motion"] = ["/home/me/walk.bvh"]
    text.write_text(json.dumps(held))
    assert "motion, textures: the user's" in write_card(tmp_path / "run").read_text("utf-8")


def test_weights_of_unknown_origin_are_not_called_synthetic(tmp_path, people):
    run = made(tmp_path, train=[str(people)], val=[], options={}, init={"": {"checkpoint": "/there/run", "step": 900}})
    card = write_card(run).read_text("utf-8")
    assert (
        "weights of another run, after its step 900" in card
        and "no real photograph" not in card
        and "--init OTHER_RUN" in card
    )
    run = made(
        tmp_path / "parts",
        train=[str(people)],
        val=[],
        options={},
        init={"stem": {"checkpoint": "/there/run", "step": 900}, "stacks.0": {"checkpoint": "/there/other", "step": 7}},
    )
    card = write_card(run).read_text("utf-8")
    assert "The part stacks.0 of the network began with the weights of another run, after its step 7" in card
    assert "--init stem=OTHER_RUN stacks.0=OTHER_RUN" in card and "no real photograph" not in card


def test_evaluations_that_lie_in_the_run_are_in_the_card(tmp_path):
    run = made(tmp_path)
    (run / "evaluations").mkdir()
    record = {
        "format": "mannequin-evaluation",
        "protocol": "masks",
        "description": "every image",
        "data": ["/far/photos"],
        "n": 40,
        "available": 50,
        "results": {"iou": 0.4321, "accuracy": None},
        "checkpoint": {"step": 4},
    }
    (run / "evaluations" / "masks-photos.json").write_text(json.dumps(record))
    (run / "evaluations" / "broken.json").write_text("{")
    (run / "evaluations" / "other.json").write_text("[1]")
    card = write_card(run).read_text("utf-8")
    assert "Protocol masks (every image) on photos; n = 40 of 50; the checkpoint of step 4." in card
    assert "| IoU, 14 parts | 43.2 % |" in card and "/far" not in card and card.count("Protocol ") == 1


def test_a_card_is_written_anew(tmp_path):
    run = made(tmp_path)
    first = write_card(run).read_bytes()
    (run / "card.md").write_text("old")
    assert write_card(run).read_bytes() == first


def test_without_a_checkpoint_there_is_no_card(tmp_path):
    run = made(tmp_path)
    shutil.rmtree(run / "checkpoints")
    with pytest.raises(TrainingError, match="no checkpoint"):
        write_card(run)
    assert not (run / "card.md").exists()


# The command that makes it again


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(
    "network, train, data",
    [
        ({}, {}, {}),
        (
            {"size": 64, "depth": 2},
            {"lr": 3e-4, "compile": True, "deterministic": True},
            {"augment": "none", "val_share": 0.25},
        ),
        (
            {"up": True},
            {"steps": 0, "epochs": 3, "channels_last": False, "schedule": "multistep", "milestones": (1.0, 2.5)},
            {"sampling": "all", "every": 4},
        ),
    ],
    ids=["as it is", "changed", "epochs"],
)
def test_the_command_trains_the_same_again(preset, network, train, data):
    """Parsed by the command line itself, it gives the options that the run had."""
    base = PRESETS[preset]
    config = replace(base.train, **({"warmup": 0.0} | train if "milestones" in train else train))
    about = {
        "task": "depth",
        "task_config": to_plain(replace(base.network, **network)),
        "config": to_plain(config),
        "data": {"train": ["/a/people", "/b/more"], "val": [], "options": to_plain(replace(base.data, **data))},
    }
    words = train_command(about)
    command = parse(shlex.split(shlex.join(words[1:])))
    assert (
        command.task == "depth" and [p.name for p in command.data] == ["people", "more"] and str(command.out) == "run"
    )
    assert to_plain(command.network) == about["task_config"]
    assert to_plain(command.train) == about["config"]
    assert to_plain(command.selection) == about["data"]["options"]


def test_a_preset_as_it_is_needs_no_more_words():
    small = PRESETS["small"]
    about = {"task": "segmentation", "task_config": to_plain(small.network), "config": to_plain(small.train)}
    about["data"] = {"train": ["people"], "val": ["others"], "options": to_plain(small.data)}
    assert (
        shlex.join(train_command(about))
        == "mannequin train segmentation --data people --val-data others --preset small --out run"
    )


def test_streams_are_drawn_the_same_again():
    small = PRESETS["small"]
    sample = replace(SampleConfig(), preset="surreal", size=(192, 192), frames=7, keep_in_frame=True, joints=52)
    about = {"task": "segmentation", "task_config": to_plain(small.network), "config": to_plain(small.train)}
    about["data"] = {
        "stream": to_plain(sample),
        "assets": {"motion": ["walk", "run"]},
        "seed": 0,
        "val": [],
        "options": to_plain(small.data),
    }
    command = parse(train_command(about)[1:])
    assert command.stream and command.sample == sample and command.assets.motion == ("walk", "run")


# Curves


def test_curves_go_through_their_points():
    svg = ElementTree.fromstring(
        draw({"training": [(0, 4.0), (50, 2.0), (100, 0.0)], "validation": [(100, 1.0)]}, "loss")
    )
    tag = "{http://www.w3.org/2000/svg}"
    training = [tuple(map(float, point.split(","))) for point in svg.find(f"{tag}polyline").get("points").split()]
    (x0, y0), (x1, y1), (x2, y2) = training
    assert (
        x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
        and y1 - y0 == pytest.approx(y2 - y1, abs=0.2)
        and y2 > y0
        and x2 > x0
    )
    dot = svg.find(f"{tag}circle")
    assert float(dot.get("cx")) == pytest.approx(x2, abs=0.1) and float(dot.get("cy")) == pytest.approx(
        y2 + (y0 - y2) / 4, abs=0.1
    )
    labels = {text.text: float(text.get("y")) for text in svg.iter(f"{tag}text")}
    assert labels["1"] - labels["3"] == pytest.approx((y2 - y0) / 2, abs=0.2) and {
        "training",
        "validation",
        "loss",
        "step",
    } <= set(labels)


@pytest.mark.parametrize("curve", [[(5, 2.0)], [(1, 3.0), (2, 3.0)], [(1, 1e-9), (2, 2e9)], [(1, -0.5), (1000, 0.5)]])
def test_curves_stay_within_the_picture(curve):
    svg = draw({"training": curve}, "loss")
    for point in re.search(r'points="([^"]*)"', svg)[1].split():
        x, y = map(float, point.split(","))
        assert 64 <= x <= 560 - 16 and 28 <= y <= 300 - 52


def test_curves_without_points_are_refused():
    with pytest.raises(ValueError, match="no points"):
        draw({"training": []}, "loss")

"""A new dense task is four small things: options, network (here one that is there), task and a line of the registry;
and a target and a meter, for nothing said metres at every pixel yet. Every command then knows it."""

import csv
import json
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import ClassVar

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from mannequin.generator.colours import Bar, depth_colours
from mannequin.generator.dataset.folder import create_or_resume
from mannequin.generator.dataset.native import write_clip
from mannequin.generator.errors import ConfigError
from mannequin.training.core.config import TrainConfig
from mannequin.training.data.colour import to_rgb, whitened
from mannequin.training.data.needs import Needs
from mannequin.training.figures import LOSS, Figure
from mannequin.training.metrics.meter import Meter
from mannequin.training.models.hourglass import HourglassConfig, StackedHourglass
from mannequin.training.options.preset import DataConfig, Preset
from mannequin.training.predict.crops import check_options, crop_outputs
from mannequin.training.registry import TASKS, Entry, load_trained
from mannequin.training.targets.target import Target
from mannequin.training.task import Description, Exportable, Step, Task
from tests.clips import ball_clip

# The four things


@dataclass(frozen=True)
class ReliefOptions:
    """A network of relief."""

    width: int = 8
    """Channels inside, a multiple of 8."""

    size: int = 32
    """Side of the crop, pixels."""

    def __post_init__(self):
        if self.width % 8:
            raise ConfigError(f"--width is {self.width}; expected a multiple of 8.")


class Metres(Target):
    """``metres``: (T, size, size) float32 in front of the pelvis, NaN where the person is not seen."""

    name: ClassVar[str] = "metres"
    channels: ClassVar[tuple[str, ...]] = ("depth",)

    def encode(self, raw, crop):
        pelvis = raw.person.joints_camera[:, 0, 2]
        depth = raw.label_images(crop, lambda values, t: values["depth"])
        return {self.name: np.where(depth > 0, pelvis[:, None, None] - depth, np.nan).astype(np.float32)}


class ReliefMeter(Meter):
    figures: ClassVar[dict[str, Figure]] = {"loss": LOSS, "off": Figure("mean error", "mm", 1000)}

    def __init__(self):
        super().__init__()
        self.sums = {"metres": torch.zeros((), dtype=torch.float64), "pixels": torch.zeros((), dtype=torch.int64)}

    def update(self, outputs, batch):
        off = (outputs - batch["metres"]).abs()
        self.sums["metres"] += off.nansum().double().cpu()
        self.sums["pixels"] += off.isfinite().sum().cpu()

    def result(self):
        return {"off": float(self.sums["metres"] / self.sums["pixels"])}


class Relief(Task):
    name = "relief"
    best = ("off", "min")
    needs, targets = Needs(), (Metres(),)
    legend = Bar(-0.3, 0.3, "m in front of the pelvis", depth_colours())

    def __init__(self, config: ReliefOptions = ReliefOptions()):
        self.config = config

    @property
    def size(self):
        return self.config.size

    def model(self):
        return StackedHourglass(HourglassConfig(outputs=1, stacks=1, features=self.config.width, depth=1))

    def metres(self, maps):
        return maps.scores((self.size, self.size))[:, 0]

    def step(self, model, batch):
        found = self.metres(model(batch["image"]))
        if "metres" not in batch:
            return Step({}, found)
        return Step({"distance": (found - batch["metres"]).abs().nanmean()}, found)

    def meter(self):
        return ReliefMeter()

    def rows(self, outputs, batch):
        images = to_rgb(batch["image"].float().cpu().numpy())
        for image, truth, found in zip(images, batch["metres"].cpu().numpy(), outputs.cpu().numpy()):
            yield {"image": image, "truth": coloured(np.nan_to_num(truth)), "prediction": coloured(found)}

    def describe(self, model):
        return Description(
            title="a small hourglass",
            says="how far every pixel is in front of the pelvis",
            loss="the mean distance in metres",
            network=(("width", str(self.config.width)),),
            limits=("It was never meant to be good.",),
        )

    def predictor(self, model, options):
        return ReliefPredictor(self, model, options)

    def exportable(self, model):
        about = {"unit": "metres"}
        return Exportable(ReliefAlone(self, model), "image", (3, self.size, self.size), "metres", about)


class ReliefAlone(nn.Module):
    def __init__(self, task, model):
        super().__init__()
        self.task, self.model = task, model

    def forward(self, image):
        return self.task.metres(self.model(image))


class ReliefPredictor:
    folder, suffix, film_only = "relief", ".json", False
    values: ClassVar = {"file": "JSON"}

    def __init__(self, task, model, options):
        check_options(options)
        self.task, self.model, self.options = task, model, options

    def predict(self, images):
        ask = ReliefAlone(self.task, self.model)
        for _, crops in crop_outputs(images, self.options, self.task.size, ask):
            yield Reliefs([found[0].cpu().numpy() for found, _ in crops])


@dataclass
class Reliefs:
    crops: list

    def content(self):
        return json.dumps([crop.round(6).tolist() for crop in self.crops]).encode()

    def draw(self, image, opacity, plain):
        whole = cv2.resize(coloured(self.crops[0]), image.shape[1::-1])
        return np.rint(opacity * whole + (1 - opacity) * image).astype(np.uint8)


def coloured(metres):
    scale = depth_colours()
    return scale[((metres + 0.3) / 0.6 * (len(scale) - 1)).clip(0, len(scale) - 1).astype(int)]


SMALL = Preset(
    ReliefOptions(),
    TrainConfig(steps=30, batch=3, optimiser="adamw", lr=0.01, validate_every=15, workers=0, log_every=5),
    DataConfig(augment="none", val_share=0.4),
)
LINE = Entry(
    "relief", "distance from the pelvis", ReliefOptions, {"small": SMALL, "smaller": SMALL}, "relief_of_a_test:Relief"
)


@pytest.fixture
def known(monkeypatch):
    """The task stands in the registry, its module among those of the tasks."""
    module = ModuleType("mannequin.training.tasks.relief_of_a_test")
    module.Relief = Relief
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(TASKS, "relief", LINE)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Six clips of three frames."""
    dataset = create_or_resume(tmp_path_factory.mktemp("relief") / "people", {"of": "tests"}, 6)
    for k in range(6):
        clip = ball_clip(frames=3, resolution=(60, 80), index=k, seed=k, name=f"clip{k}")
        write_clip(dataset.path_of(k), clip, rgb="png")
    return dataset.path


# Every command


def test_from_training_to_the_card(run, known, people, tmp_path):
    out = tmp_path / "run"
    command = ("train", "relief", "--data", people, "--out", out, "--accelerator", "cpu", "--width", 16)
    status, said, heard = run(*command, "--steps", 15)
    assert status == 0, heard
    assert "mean error" in said and f"mannequin evaluate {out} --data {people}" in said
    status, said, heard = run(*command, "--resume")  # to the preset's 30 steps
    assert status == 0, heard
    losses = [float(row["distance"]) for row in csv.DictReader((out / "train.csv").read_text().splitlines())]
    assert len(losses) == 6 and losses[-1] < 0.5 * losses[0]
    assert cv2.imread(str(out / "pictures" / "step-00000030.png")).shape[1] == 2 * 3 * 192 + 5 * 6
    task, model, about = load_trained(out)
    assert isinstance(task, Relief) and task.config == ReliefOptions(width=16) and about["task"] == "relief"

    status, said, heard = run(
        "evaluate", out, "--data", people, "--workers", 0, "--pictures", tmp_path / "looks", "--device", "cpu"
    )
    assert status == 0, heard
    record = json.loads((out / "evaluations" / "native-people.json").read_text())
    best = min(v["off"] for v in csv_rows(out / "validation.csv"))
    assert record["results"]["off"] == pytest.approx(best, rel=1e-5) and record["published"] is None
    assert f"mean error mm {1000 * record['results']['off']:.1f}" in " ".join(said.split())
    assert (tmp_path / "looks" / "worst.png").exists() and record["worst"][0]["score"] >= record["worst"][-1]["score"]

    photo = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "photo.png"), photo[..., ::-1])
    status, said, heard = run("predict", out, tmp_path / "photo.png", "--out", tmp_path / "found", "--device", "cpu")
    assert (status, heard) == (0, "") and said.startswith("relief: 1 done")
    (found,) = json.loads((tmp_path / "found" / "relief" / "photo.json").read_text())
    with torch.no_grad():
        expected = task.metres(model(torch.from_numpy(whitened(photo))[None]))[0].numpy()
    assert np.allclose(found, expected, atol=1e-5) and np.ptp(expected) > 1e-3
    assert cv2.imread(str(tmp_path / "found" / "overlay" / "photo.png")).shape == (32, 32, 3)

    status, said, heard = run("export", out, tmp_path / "relief.pt2", "--layout", "torch")
    assert (status, heard) == (0, "")
    exported = torch.export.load(tmp_path / "relief.pt2").module()
    assert np.allclose(exported(torch.from_numpy(whitened(photo))[None])[0].detach().numpy(), expected, atol=1e-5)
    assert json.loads((tmp_path / "relief.json").read_text())["unit"] == "metres"

    card = (out / "card.md").read_text("utf-8")
    assert card.startswith("# Relief of people: a small hourglass")
    assert "Says how far every pixel is in front of the pelvis, from a colour image of one person" in card
    assert f"| mean error | {1000 * record['results']['off']:.1f} mm |" in card and "never meant to be good" in card
    (again,) = (line for line in card.splitlines() if line.startswith("mannequin train relief"))
    assert again.startswith("mannequin train relief --data people --preset small --width 16 ")
    assert " --accelerator cpu" in again and " --threads " in again and again.endswith(" --out run")


def csv_rows(path):
    return [
        {name: float(value) for name, value in row.items() if value}
        for row in csv.DictReader(path.read_text().splitlines())
    ]


def test_its_options_are_those_of_the_command(run, known, people, tmp_path):
    status, said, _ = run("train", "relief", "--help")
    assert status == 0 and "--width INT" in said and "A network of relief." in said and "--stacks" not in said
    for options, says in (
        (("--width", 12), "--width is 12; expected a multiple of 8"),
        (("--stacks", 2), "--stacks"),
        (("--preset", "smalest"), "Unknown preset 'smalest'. Did you mean 'smaller'? Known: small, smaller."),
    ):
        status, said, message = run("train", "relief", "--data", people, "--out", tmp_path / "out", *options)
        assert status == 2 and says in " ".join(message.replace("│", " ").split()) and "Traceback" not in message
    assert not (tmp_path / "out").exists()


def test_its_name_may_stand_behind_options(run, known, people, tmp_path):
    rest = ("--data", people, "--out", tmp_path / "out", "--dev-run", "--width", 16, "--accelerator", "cpu")
    status, _, message = run("train", "--quiet", "relief", *rest)
    assert status == 0, message
    assert load_trained(tmp_path / "out")[0].config == ReliefOptions(width=16)


def test_what_it_cannot_be_measured_by_is_said(run, known, people, tmp_path):
    out = tmp_path / "run"
    status, _, message = run("train", "relief", "--data", people, "--out", out, "--dev-run", "--accelerator", "cpu")
    assert status == 0, message
    status, _, message = run("evaluate", out, "--data", people, "--protocol", "masks")
    assert status == 2 and "of the task 'relief', which is measured by metres" in message


def test_a_release_that_does_not_know_it_says_so(run, known, people, tmp_path, monkeypatch):
    out = tmp_path / "run"
    assert run("train", "relief", "--data", people, "--out", out, "--dev-run", "--accelerator", "cpu")[0] == 0
    monkeypatch.delitem(TASKS, "relief")
    for command in (("evaluate", out, "--data", people), ("export", out, tmp_path / "a.pt2", "--layout", "torch")):
        status, _, message = run(*command)
        assert status == 2 and "is of the task 'relief'; this release knows segmentation, depth" in message

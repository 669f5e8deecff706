"""Actions of people in windows of frames: classes, network, metrics, clips as samples, and films."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from mannequin.generator.colours import HIDDEN, SEEN
from mannequin.generator.dataset.folder import create_or_resume
from mannequin.generator.dataset.native import write_clip
from mannequin.generator.errors import AssetError, ConfigError, DatasetError
from mannequin.generator.io.films import open_film, write_film
from mannequin.generator.motion.procedural import ACTIONS
from mannequin.training.batch import one_of
from mannequin.training.core.config import TrainConfig
from mannequin.training.core.learner import Learner, session
from mannequin.training.cost import parameters
from mannequin.training.data.clips import ClipSamples
from mannequin.training.data.colour import to_rgb
from mannequin.training.data.crop import Augmentation
from mannequin.training.data.needs import Needs
from mannequin.training.data.raw import RawPerson, RawSample
from mannequin.training.data.samples import make_sample
from mannequin.training.data.selection import Selection
from mannequin.training.export import export_network
from mannequin.training.losses.classification import cross_entropy, log_shares
from mannequin.training.metrics.classification import ClassificationMeter
from mannequin.training.models.video import VideoConfig, VideoNetwork
from mannequin.training.options.action import ActionOptions
from mannequin.training.predict.action import ActionPredictor
from mannequin.training.registry import load_trained, make_task
from mannequin.training.targets.action import Action
from mannequin.training.targets.joints import Joints
from mannequin.training.task import PredictorOptions
from tests.clips import ball_clip
from tests.trained import checkpoint

TINY = ActionOptions(("walk", "wave", "kick"), frames=4, spacing=2, size=16, width=4, depth=1)
CPU = torch.device("cpu")


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MANNEQUIN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def small(index: int, action: str | None, frames: int = 17):
    """A clip of that action, as it says itself."""
    tags = {} if action is None else {"action": action}
    return ball_clip(frames=frames, resolution=(40, 56), index=index, name=f"clip{index}", tags=tags, seed=index)


def written(folder, clips):
    """A dataset of ``clips``."""
    dataset = create_or_resume(folder, {"of": "tests"}, len(clips))
    for index, clip in enumerate(clips):
        write_clip(dataset.path_of(index), clip, rgb="png")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Six clips of two windows of 4 frames, 2 apart, and one of a single window."""
    actions = ("walk", "wave", "kick") * 2
    clips = [*(small(k, action) for k, action in enumerate(actions)), small(6, "kick", frames=9)]
    return written(tmp_path_factory.mktemp("data") / "acts", clips)


def samples(folder, task, sampling="all"):
    return ClipSamples(folder, task.needs, task.targets, Selection(sampling=sampling), size=task.size)


# The target


def raw(tags: dict, frames: int = 4) -> RawSample:
    rng = np.random.default_rng(0)
    joints2d = rng.uniform(5, 30, (frames, 24, 2)).astype(np.float32)
    joints = np.ones((frames, 24, 3), np.float32), np.ones((frames, 24), bool)
    rgb = rng.integers(0, 256, (frames, 32, 40, 3), dtype=np.uint8)
    return RawSample("clip/camera/person/0", (32, 40), rgb, None, (RawPerson("p", 1, joints2d, *joints, {}),), tags)


def test_the_class_is_the_place_of_the_clips_action():
    for k, action in enumerate(TINY.actions):
        sample = make_sample(raw({"action": action}), Needs(frames=4), (Action(TINY.actions),), Augmentation(), 16)
        assert sample["action"].shape == () and sample["action"] == k
        assert sample["image"].shape == (4, 3, 16, 16)


def test_values_of_a_window_and_of_its_frames_go_together():
    targets = (Action(TINY.actions), Joints())
    for needs, time in ((Needs(frames=4), (4,)), (Needs(), ())):
        sample = make_sample(raw({"action": "wave"}, needs.length), needs, targets, Augmentation(), 16)
        assert sample["action"] == 1 and sample["joints2d"].shape == (*time, 24, 2)
        assert sample["image"].shape == (*time, 3, 16, 16)


@pytest.mark.parametrize(
    ("action", "said"),
    [(None, "does not say which action it shows.*mannequin generate"), ("walk, wave", "'walk, wave'.*--actions")],
)
def test_clips_of_no_or_another_action_are_refused(tmp_path, action, said):
    task = make_task("action", TINY)
    data = samples(written(tmp_path / "d", [small(0, action)]), task)
    with pytest.raises(DatasetError, match=f"clip.*{said}"):
        data[0, 0]


# Options


def test_the_usual_classes_are_the_built_in_actions():
    assert ActionOptions().actions == tuple(ACTIONS)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"frames": 0}, "--frames is 0"),
        ({"spacing": 0}, "--spacing is 0"),
        ({"size": 8}, "--size is 8; expected at least 16"),
        ({"frames": 1, "differences": True}, "--differences need at least 2 frames"),
        ({"width": 0}, "--width is 0"),
        ({"depth": 0}, "--depth is 0"),
        ({"dropout": 1.0}, "--dropout is 1"),
        ({"actions": ("walk",)}, "--actions walk: expected at least two"),
        ({"actions": ("walk", "wave", "walk")}, "each once"),
        ({"actions": ("walk", "")}, "--actions"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, said):
    with pytest.raises(ConfigError, match=said):
        ActionOptions(**options)


# The network


def count(classes: int, width: int, depth: int) -> int:
    """Parameters in closed form: per stage of c channels 27 c² to a convolution, 2 c to a normalisation."""
    total = 3 * 3 * 7 * 7 * width + 2 * width
    before = width
    for stage in range(4):
        c = width * 2**stage
        total += 27 * before * c + (2 * depth - 1) * 27 * c**2 + 2 * depth * 2 * c
        total += before * c + 2 * c if before != c else 0
        before = c
    return total + before * classes + classes


@pytest.mark.parametrize(("classes", "width", "depth"), [(3, 4, 1), (4, 16, 1), (12, 8, 3), (400, 64, 2)])
def test_the_network_has_as_many_parameters_as_it_should(classes, width, depth):
    with torch.device("meta"):
        found = parameters(VideoNetwork(VideoConfig(classes, width=width, depth=depth)))
    assert found == count(classes, width, depth)


def test_the_large_network_is_r3d_18():
    """Whose count for Kinetics-400 torchvision states with its weights."""
    with torch.device("meta"):
        assert parameters(VideoNetwork(VideoConfig(400))) == 33_371_472


def test_a_network_in_use_takes_every_window_for_itself_whatever_its_size():
    torch.manual_seed(0)
    model = VideoNetwork(VideoConfig(3, width=4, depth=2)).eval()
    for shape in ((4, 16, 16), (5, 17, 30), (1, 16, 16)):
        video = torch.randn(3, 3, *shape)
        scores = model(video)
        assert scores.shape == (3, 3)
        assert torch.allclose(scores, torch.cat([model(one[None]) for one in video]), atol=1e-5)


def test_of_differences_only_what_changes_counts():
    torch.manual_seed(0)
    model = VideoNetwork(VideoConfig(3, width=4, depth=1, differences=True)).eval()
    assert parameters(model) == count(3, 4, 1)
    still, video = torch.randn(2, 3, 1, 16, 16), torch.randn(2, 3, 5, 16, 16)
    assert torch.allclose(model(video), model(video + still), atol=1e-5)
    assert not torch.allclose(model(video), model(video.flip(2)), atol=1e-3)


def test_a_stage_halves_time_height_and_width():
    model = VideoNetwork(VideoConfig(3, width=4, depth=1)).eval()
    seen = []
    for block in model.blocks:
        block.register_forward_hook(lambda module, inputs, output: seen.append(tuple(output.shape[1:])))
    model(torch.randn(1, 3, 8, 32, 48))
    assert seen == [(4, 8, 16, 24), (8, 4, 8, 12), (16, 2, 4, 6), (32, 1, 2, 3)]


# Loss and metrics


def test_shares_of_a_clip_are_the_mean_over_its_windows():
    rng = np.random.default_rng(0)
    scores, counts, labels = rng.normal(size=(6, 3)) * 3, [1, 3, 2], [2, 0, 1]
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    expected = np.stack([part.mean(axis=0) for part in np.split(shares, np.cumsum(counts)[:-1])])
    logs = log_shares(torch.from_numpy(scores), counts)
    assert np.allclose(logs.exp().numpy(), expected, atol=1e-6)
    loss = cross_entropy(logs, torch.tensor(labels))
    assert float(loss) == pytest.approx(-np.log(expected[range(3), labels]).mean(), rel=1e-5)
    alone = cross_entropy(log_shares(torch.from_numpy(scores[:3])), torch.tensor(labels))
    assert float(alone) == pytest.approx(-np.log(shares[range(3), labels]).mean(), rel=1e-5)


def test_the_meter_counts_as_one_would_by_hand():
    rng = np.random.default_rng(1)
    classes = ("a", "b", "c", "d", "e")
    truth = rng.choice([0, 1, 3, 4], 60)  # c is never true
    predicted = np.where(rng.random(60) < 0.5, truth, rng.choice([0, 1, 2, 3], 60))
    predicted[predicted == 4] = 2  # and e never predicted
    scores = torch.nn.functional.one_hot(torch.from_numpy(predicted), 5).float()
    whole, halves = ClassificationMeter(classes, "is"), [ClassificationMeter(classes, "is") for _ in range(2)]
    whole.update(scores, {"is": torch.from_numpy(truth)})
    for k, meter in enumerate(halves):
        part = slice(25 * k, 25 if k == 0 else 60)
        meter.update(scores[part], {"is": torch.from_numpy(truth[part])})
    halves[0].add(halves[1])
    recall = [np.mean(predicted[truth == c] == c) if (truth == c).any() else math.nan for c in range(5)]
    precision = [np.mean(truth[predicted == c] == c) if (predicted == c).any() else math.nan for c in range(5)]
    assert math.isnan(recall[2]) and math.isnan(precision[4])
    for meter in (whole, halves[0]):
        expected = {"top1": np.mean(predicted == truth), "mean_recall": np.nanmean(recall)}
        assert meter.result() == pytest.approx(expected)
        found = meter.per_class()
        assert found["recall"] == pytest.approx(dict(zip(classes, recall)), nan_ok=True)
        assert found["precision"] == pytest.approx(dict(zip(classes, precision)), nan_ok=True)


def test_a_meter_that_saw_nothing_says_nothing():
    assert all(math.isnan(value) for value in ClassificationMeter(("a", "b"), "is").result().values())


@pytest.mark.parametrize(
    ("predicted", "truth", "said"),
    [([0, 1], [0], "expected two lists"), ([0, 2], [0, 1], "predicted has labels"), ([0, 1], [-1, 1], "truth has")],
)
def test_labels_that_cannot_be_are_refused(predicted, truth, said):
    with pytest.raises(ValueError, match=said):
        ClassificationMeter(("a", "b"), "is").count(torch.tensor(predicted), torch.tensor(truth))


# Windows and clips as samples


def test_in_training_windows_are_samples(folder):
    task = make_task("action", TINY)
    data = samples(folder, task)
    assert len(data) == 13
    batch = task.collate([data[0, k] for k in range(3)])
    assert batch["image"].shape == (3, 3, 4, 16, 16) and batch["action"].tolist() == [0, 0, 1]
    for k in range(3):
        assert np.array_equal(batch["image"][k].numpy(), np.moveaxis(data[0, k]["image"], 0, 1))


def test_everybody_in_a_clip_does_what_is_said_of_them(tmp_path):
    """Of two people whose actions differ the tag names both, in their order."""
    two = ball_clip(frames=7, resolution=(40, 56), people=2, name="two", tags={"action": "kick; walk"})
    alike = ball_clip(frames=7, resolution=(40, 56), people=2, index=1, name="alike", tags={"action": "wave"})
    data = samples(written(tmp_path / "d", [two, alike]), make_task("action", TINY))
    assert [TINY.actions[data[0, k]["action"]] for k in range(4)] == ["kick", "walk", "wave", "wave"]


def test_in_use_all_windows_of_a_clip_are_one_sample(folder):
    """Whose shares are their mean, whatever else is in the batch, also where clips differ in windows."""
    task = make_task("action", TINY)
    torch.manual_seed(0)
    model = task.model().eval()
    clips, windows = samples(folder, task, "clip"), samples(folder, task)
    assert len(clips) == 7
    each = task.step(model, task.collate([windows[0, k] for k in range(13)])).outputs.exp()
    expected = torch.stack([*(each[2 * k : 2 * k + 2].mean(0) for k in range(6)), each[12]])
    for chosen in ((0, 1, 2), (4, 5, 6), (6,)):
        batch = task.collate([clips[0, k] for k in chosen])
        assert [len(image) for image in batch["image"]] == [1 if k == 6 else 2 for k in chosen]
        assert batch["action"].tolist() == [k % 3 if k < 6 else 2 for k in chosen]
        step = task.step(model, batch)
        assert torch.allclose(step.outputs.exp(), expected[list(chosen)], atol=1e-6)
        alone = task.step(model, one_of(batch, len(chosen) - 1))
        assert torch.allclose(alone.outputs[0], step.outputs[-1], atol=1e-5)
        assert step.losses["cross_entropy"].isfinite()


def test_without_truth_there_is_no_loss():
    task = make_task("action", TINY)
    step = task.step(task.model().eval(), {"image": torch.zeros(2, 3, 4, 16, 16), "id": ["a", "b"]})
    assert step.losses == {} and step.outputs.shape == (2, 3)


def test_one_batch_can_be_learnt_by_heart_and_time_counts():
    """Two of the classes differ in nothing but the order of their frames; as training lays videos out."""
    torch.manual_seed(0)
    video = torch.randn(3, 3, 4, 16, 16)
    batch = {
        "image": torch.cat([video, video.flip(2)]),
        "action": torch.tensor([0, 0, 0, 1, 1, 1]),
        "id": [str(k) for k in range(6)],
    }
    config = TrainConfig(steps=1, optimiser="adamw", lr=3e-3, channels_last=True, accelerator="cpu")
    task = make_task("action", TINY)
    with session(config) as fabric:
        learner = Learner(task, config, fabric)
        weight = learner.module.stem[0].weight
        assert weight.is_contiguous(memory_format=torch.channels_last_3d)
        learner.train_mode()
        losses = []
        for _ in range(40):
            loss = learner.step(batch).losses["cross_entropy"]
            fabric.backward(loss)
            learner.optimizer.step()
            learner.optimizer.zero_grad()
            losses.append(float(loss.detach()))
        assert losses[0] > 0.6 and losses[-1] < 0.1
        with torch.no_grad():
            found = learner.step(batch).outputs.argmax(1)
        assert found.tolist() == batch["action"].tolist()


def test_a_row_shows_frames_of_the_window_and_says_both_names(folder):
    task = make_task("action", TINY)
    for sampling in ("all", "clip"):
        data = samples(folder, task, sampling)
        batch = task.collate([data[0, k] for k in range(2)])
        logs = torch.log(torch.tensor([[0.8, 0.1, 0.1], [0.2, 0.2, 0.6]]))
        (right,), (wrong,) = (row.values() for row in task.rows(logs, batch))
        assert right.dtype == np.uint8 and right.shape == wrong.shape and right.shape[1] == 3 * 192
        video = batch["image"][0] if sampling == "all" else batch["image"][0][0]
        middle = to_rgb(video[:, 2].numpy())
        assert np.array_equal(right[-192:, 192:384], np.kron(middle, np.ones((12, 12, 1), np.uint8)))
        bars = right[-195, 5], wrong[-195, 5]
        assert np.array_equal(bars, (SEEN, HIDDEN))


# Films


class ByBrightness(nn.Module):
    """Says walk of a window that is dark, else wave; surer the farther from the middle."""

    def forward(self, video):
        bright = video.mean((1, 2, 3, 4))
        return torch.stack([-9 * bright, 9 * bright, torch.full_like(bright, -99.0)], dim=1)


def said_of(values, boxes=(), **changes):
    """Predictions for a film of frames, each of one grey value or of a left and a right one."""
    options = replace(TINY, **changes)
    needs = Needs(frames=options.frames, spacing=options.spacing)
    predictor = ActionPredictor(ByBrightness(), needs, options.actions, 16, PredictorOptions(CPU, boxes, batch=1))
    halves = [np.repeat(np.atleast_1d(np.uint8(value)), 2 // np.size(value)) for value in values]
    films = [np.repeat(np.repeat(half, 20)[None, :, None], 40, axis=0).repeat(3, axis=2) for half in halves]
    return list(predictor.predict(iter(films))), films


def test_each_frame_of_a_film_is_said_of_by_its_window():
    found, _ = said_of([0] * 7 + [255] * 7 + [0] * 3)  # windows of 7 frames; the last one ends with the film
    names = [prediction.classes[prediction.shares[0].argmax()] for prediction in found]
    assert names == ["walk"] * 7 + ["wave"] * 7 + ["wave"] * 3
    assert all(prediction.shares.sum() == pytest.approx(1) for prediction in found)


def test_a_window_takes_every_second_frame():
    found, _ = said_of([255, 0, 255, 0, 255, 0, 255])
    assert found[0].shares[0].argmax() == 1 and found[0].shares[0, 1] > 0.99
    assert len(found) == 7


def test_a_film_shorter_than_a_window_is_refused():
    with pytest.raises(AssetError, match=r"has 6 frames; the network looks at windows of 7 \(4 frames, 2 apart\)"):
        said_of([0] * 6)


def test_everybody_in_a_box_is_said_of_alone():
    boxes = ((0, 0, 20, 20), (20, 0, 40, 20))
    found, films = said_of([(0, 255)] * 7, boxes)
    assert [prediction.shares.argmax(1).tolist() for prediction in found] == [[0, 1]] * 7
    content = json.loads(found[0].content())
    assert [one["box"] for one in content] == [list(box) for box in boxes]
    assert content[1]["shares"]["wave"] > 0.9 and set(content[0]["shares"]) == set(TINY.actions)
    plain, whole = found[0].draw(films[0], 0.6, True), found[0].draw(films[0], 0.6, False)
    assert plain.shape == (40, 40, 3) and (plain != films[0]).any()
    assert whole.shape[1] >= 256 and whole.shape[0] > whole.shape[1] and whole.dtype == np.uint8
    with pytest.raises(ConfigError, match="outside the image"):
        said_of([0] * 7, ((50, 0, 60, 20),))


def test_the_text_covers_only_the_top():
    found, films = said_of([128] * 7)
    drawn = found[0].draw(films[0], 1.0, True)
    assert np.array_equal(drawn[27:], films[0][27:]) and not np.array_equal(drawn[:27], films[0][:27])


# From the command line


def test_the_whole_way(tmp_path, folder, run, monkeypatch):
    """Train, judge, predict and export through the interfaces that other tasks have."""
    monkeypatch.chdir(tmp_path)
    options = "--frames 4 --spacing 2 --size 16 --width 4 --depth 1 --steps 4 --batch 4 --validate-every 2 --workers 0"
    status, out, err = run(
        *f"train action --data {folder} --val-data {folder} --actions walk wave kick {options} --out run".split()
    )
    assert status == 0, err
    assert "top-1 accuracy" in out and "film.mp4" in out
    assert list((tmp_path / "run/pictures").glob("*.png"))
    card = (tmp_path / "run/card.md").read_text()
    assert "3D residual network" in card and "which of 3 actions" in card and "recall, mean over classes" in card
    assert "mannequin train action" in card and "--actions walk wave kick" in card

    status, out, err = run(*f"evaluate run --data {folder} --workers 0 --pictures looks --json e.json".split())
    assert status == 0, err
    record = json.loads((tmp_path / "e.json").read_text())
    assert record["n"] == 7 and set(record["results"]) >= {"top1", "mean_recall"}
    assert (tmp_path / "looks/even.png").exists()

    write_film(tmp_path / "film.mp4", (np.full((32, 48, 3), 20 * t, np.uint8) for t in range(9)), 12.0)
    status, _, err = run(*["predict", "run", "film.mp4", "--out", "found", "--frames"])
    assert status == 0, err
    with open_film(tmp_path / "found/overlay/film.mp4") as film:
        assert len(list(film.frames)) == 9
    values = [json.loads(path.read_text()) for path in sorted((tmp_path / "found/action/film").iterdir())]
    assert len(values) == 9 and sum(values[0][0]["shares"].values()) == pytest.approx(1, abs=1e-3)
    (tmp_path / "photo.png").write_bytes(b"")
    status, _, err = run(*["predict", "run", "photo.png", "--out", "other"])
    assert status == 2 and "look at films" in err


def test_onnx_computes_the_same(tmp_path):
    onnx, onnxruntime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    checkpoint(tmp_path / "run", "action", TINY)
    export_network(tmp_path / "run", tmp_path / "net.onnx", "onnx")
    _, model, _ = load_trained(tmp_path / "run")
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    known = {prop.key: prop.value for prop in onnx.load(tmp_path / "net.onnx").metadata_props}
    assert json.loads(known["classes"]) == list(TINY.actions)
    assert json.loads(known["window"]) == {"frames": 4, "spacing": 2}
    for batch in (1, 3):
        video = torch.randn(batch, 3, 4, 16, 16)
        (found,) = session.run(None, {"video": video.numpy()})
        with torch.no_grad():
            assert np.allclose(found, model(video).numpy(), atol=1e-4) and found.shape == (batch, 3)

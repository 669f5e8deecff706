"""The detector: boxes of everybody as targets, its loss, average precision, and the way back to a user's image."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from clips import ball_clip
from trained import checkpoint

from mannequin.generator.dataset.folder import create_or_resume
from mannequin.generator.dataset.native import write_clip
from mannequin.generator.errors import ConfigError
from mannequin.training.batch import one_of
from mannequin.training.card import write_card
from mannequin.training.core import evaluation
from mannequin.training.data.clips import ClipSamples
from mannequin.training.export import export_network
from mannequin.training.losses.centres import centre_losses
from mannequin.training.metrics.average_precision import THRESHOLDS, AveragePrecisionMeter
from mannequin.training.models.centre_detector import STRIDE, CentreMaps
from mannequin.training.options.detection import DetectionOptions
from mannequin.training.predict.boxes import BoxPredictor
from mannequin.training.registry import make_task
from mannequin.training.targets.boxes import Detections, centres_of, found_boxes, heat_of
from mannequin.training.task import PredictorOptions

TINY = DetectionOptions(features=16, depth=2, size=64, most=6)


@pytest.fixture(scope="module")
def crowds(tmp_path_factory) -> Path:
    """Clips of one, two and three people, of three frames; by their names, some are held out."""
    folder = tmp_path_factory.mktemp("data") / "crowds"
    dataset = create_or_resume(folder, {"of": "tests"}, 6)
    for k in range(6):
        clip = ball_clip(3, (60, 100), people=1 + k % 3, index=k, seed=k, name=f"clip{k}")
        write_clip(dataset.path_of(k), clip, rgb="png")
    return folder


def samples(crowds: Path, **options) -> ClipSamples:
    task = make_task("detection", TINY)
    return ClipSamples(crowds, task.needs, task.targets, size=TINY.size, **options)


# Targets


def test_boxes_are_those_of_what_is_seen_moved_into_the_crop(crowds):
    """100 × 60 pixels in a square of 64: .64 times as large, 20 rows of the border above."""
    data = samples(crowds)
    assert len(data) == 18  # a frame is one sample, whoever is in it
    for k in (0, 4, 8, 17):
        clip = ball_clip(3, (60, 100), people=1 + k // 3 % 3, index=k // 3, seed=k // 3)
        instance = clip.views["camera"].frame("instance", k % 3)
        expected = []
        for person in range(1, instance.max() + 1):
            y, x = np.nonzero(instance == person)
            if len(y):
                expected.append(np.array([x.min(), y.min() + 20, x.max() + 1, y.max() + 21]) * 0.64)
        found = data[0, k]["boxes"]
        assert found.dtype == np.float32 and found == pytest.approx(np.array(expected), abs=1e-4)


def test_boxes_are_cut_at_the_crop_and_turned_ones_hold_the_person(crowds):
    turned = samples(crowds, augment=True)
    some = [turned[epoch, 17] for epoch in range(6)]
    for sample in some:
        boxes = sample["boxes"]
        assert (boxes >= 0).all() and (boxes <= 64).all() and (boxes[:, 2:] - boxes[:, :2] >= 1).all()
    instance = ball_clip(3, (60, 100), people=3, index=5, seed=5).views["camera"].frame("instance", 2)
    y, x = np.nonzero(instance == 1)
    for sample in some:
        at = np.stack([x, y], axis=1) + 0.5
        inside = at @ sample["matrix"][:, :2].T + sample["matrix"][:, 2]
        inside = inside[((inside > 0) & (inside < 64)).all(axis=1)]
        low, high = sample["boxes"][0, :2], sample["boxes"][0, 2:]
        assert len(inside) and (inside > low - 1e-3).all() and (inside < high + 1e-3).all()


def test_a_batch_of_unequal_lists_stays_lists(crowds):
    task, data = make_task("detection", TINY), samples(crowds)
    batch = task.collate([data[0, k] for k in (0, 3, 6)])
    assert [boxes.shape for boxes in batch["boxes"]] == [(1, 4), (2, 4), (3, 4)]
    assert batch["image"].shape == (3, 3, 64, 64)
    assert one_of(batch, 1)["boxes"][0].equal(batch["boxes"][1])


def test_boxes_come_back_from_their_centres():
    boxes = torch.tensor([[3.0, 5.0, 20.0, 60.0], [30.5, 1.25, 50.0, 33.0], [52.0, 40.0, 64.0, 64.0]])
    shape = (16, 16)
    truth = centres_of(boxes, STRIDE, shape)
    offset, size = torch.zeros(1, 2, *shape), torch.zeros(1, 2, *shape)
    column, row = truth.cell.unbind(1)
    offset[0, :, row, column], size[0, :, row, column] = truth.offset.T, truth.size.T
    found = found_boxes(heat_of(truth, shape)[None, None], offset, size, STRIDE, most=5)
    assert found.scores[0].tolist() == [1, 1, 1, 0, 0]
    for box in boxes:
        assert (found.boxes[0, :3] - box).abs().amax(1).min() < 1e-4


def test_a_centre_on_the_far_edge_belongs_to_the_last_cell():
    truth = centres_of(torch.tensor([[62.0, 63.0, 66.0, 65.0]]), STRIDE, (16, 16))
    assert truth.cell.tolist() == [[15, 15]] and truth.offset.tolist() == [[1, 1]]
    assert heat_of(truth, (16, 16))[15, 15] == 1


# Loss


def slow_losses(heat, offset, size, boxes) -> tuple[float, float, float]:
    """Cell by cell, box by box."""
    totals = np.zeros(3)
    for b, some in enumerate(boxes):
        h, w = heat.shape[-2:]
        truth = np.zeros((h, w))
        terms = np.zeros(3)
        for x0, y0, x1, y1 in some.tolist():
            cx, cy, bw, bh = (x0 + x1) / 8, (y0 + y1) / 8, (x1 - x0) / 4, (y1 - y0) / 4
            i, j = min(int(cx), w - 1), min(int(cy), h - 1)
            for v in range(h):
                for u in range(w):
                    bell = np.exp(-0.5 * (((u - i) / (0.09 * bw)) ** 2 + ((v - j) / (0.09 * bh)) ** 2))
                    truth[v, u] = max(truth[v, u], bell)
            terms[1] += abs(offset[b, 0, j, i] - (cx - i)) + abs(offset[b, 1, j, i] - (cy - j))
            terms[2] += abs(size[b, 0, j, i] - bw) + abs(size[b, 1, j, i] - bh)
        for v in range(h):
            for u in range(w):
                p = 1 / (1 + np.exp(-heat[b, 0, v, u]))
                if truth[v, u] == 1:
                    terms[0] -= (1 - p) ** 2 * np.log(p)
                else:
                    terms[0] -= (1 - truth[v, u]) ** 4 * p**2 * np.log(1 - p)
        totals += terms / max(1, len(some))
    return tuple(totals / len(boxes))


def test_the_loss_is_that_of_a_slow_version():
    rng = np.random.default_rng(0)
    heat, offset, size = (rng.normal(size=(3, channels, 8, 8)) for channels in (1, 2, 2))
    boxes = [
        torch.tensor([[1.0, 2.0, 20.0, 30.0], [8.0, 2.0, 32.0, 21.0], [0.0, 2.0, 21.0, 30.0]]),  # two in one cell
        torch.zeros(0, 4),
        torch.tensor([[26.0, 26.0, 32.0, 32.0]]),
    ]
    maps = [torch.from_numpy(values).float() for values in (heat, offset, size)]
    found = centre_losses(*maps, boxes, STRIDE)
    assert [float(term) for term in found] == pytest.approx(slow_losses(heat, offset, size, boxes), rel=1e-4)


# Average precision


def brute_force(images: list[tuple[np.ndarray, np.ndarray, np.ndarray]], threshold: float) -> float:
    """From the definition: matched image by image, then precision and recall at every score that there is, and at each
    true box gained the highest precision at this recall or beyond."""

    def iou(a, b):
        w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
        both = max(w, 0) * max(h, 0)
        return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)

    judged, people = [], 0
    for boxes, scores, truth in images:
        people += len(truth)
        left = list(range(len(truth)))
        for k in sorted(range(len(boxes)), key=lambda k: (-scores[k], k)):
            fits = [(iou(boxes[k], truth[t]), -t) for t in left if iou(boxes[k], truth[t]) >= threshold]
            if fits:
                left.remove(-max(fits)[1])
            judged.append((scores[k], bool(fits)))
    points = []
    for score in {score for score, _ in judged}:
        taken = [hit for other, hit in judged if other >= score]
        points.append((sum(taken), sum(taken) / len(taken)))
    gains = range(1, max((true for true, _ in points), default=0) + 1)
    return sum(max(precision for true, precision in points if true >= gain) for gain in gains) / people


def crowded(seed: int, ties: bool) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(boxes, scores, true boxes) of 8 images; some are empty, some boxes near true ones; of ties, scores in tenths."""
    rng = np.random.default_rng(seed)
    images = []
    for _ in range(8):
        corner = rng.uniform(0, 60, (rng.integers(0, 5), 2))
        truth = np.concatenate([corner, corner + rng.uniform(5, 40, corner.shape)], axis=1)
        near = truth[rng.integers(0, len(truth), 4)] + rng.normal(0, 2.5, (4, 4)) if len(truth) else np.zeros((0, 4))
        corner = rng.uniform(0, 60, (6 - len(near), 2))
        boxes = np.concatenate([near, np.concatenate([corner, corner + 20], axis=1)])
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
        scores = rng.uniform(0, 1, 6)
        images.append((boxes, np.round(scores, 1) if ties else scores, truth))
    return images


def fed(images) -> AveragePrecisionMeter:
    meter = AveragePrecisionMeter()
    boxes, scores, truths = ([torch.from_numpy(image[k]) for image in images] for k in range(3))
    meter.update(Detections(torch.stack(boxes), torch.stack(scores)), {"boxes": truths})
    return meter


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_average_precision_is_that_of_its_definition(seed, ties):
    images = crowded(seed, ties)
    expected = [brute_force(images, threshold) for threshold in THRESHOLDS]
    found = fed(images).result()
    assert found["ap50"] == pytest.approx(expected[0], abs=1e-9) and 0 < expected[0] < 1
    assert found["ap75"] == pytest.approx(expected[5], abs=1e-9)
    assert found["ap"] == pytest.approx(np.mean(expected), abs=1e-9)


def test_average_precision_by_hand():
    """Two people; found, wrong, found: half of them at precision 1, the other half at 2/3."""
    truth = torch.tensor([[0.0, 0, 10, 10], [20, 20, 30, 30]])
    boxes = torch.stack([truth[0], truth[0] + 50, truth[1]])[None]
    meter = AveragePrecisionMeter()
    meter.update(Detections(boxes, torch.tensor([[0.9, 0.8, 0.7]])), {"boxes": [truth]})
    assert meter.result() == pytest.approx({"ap": 5 / 6, "ap50": 5 / 6, "ap75": 5 / 6, "recall50": 1})
    twice = AveragePrecisionMeter()  # the same person found twice: the second time is wrong
    twice.update(Detections(truth[[0, 0]][None], torch.tensor([[0.9, 0.8]])), {"boxes": [truth[:1]]})
    assert twice.result()["ap"] == 1
    twice.update(Detections(truth[[1, 1]][None], torch.tensor([[0.9, 0.8]])), {"boxes": [truth[1:]]})
    assert twice.result()["ap"] == 1
    tied = AveragePrecisionMeter()  # one right and one wrong of the same score: half are right
    tied.update(Detections(boxes[:, :2], torch.tensor([[0.5, 0.5]])), {"boxes": [truth[:1]]})
    assert tied.result()["ap"] == 0.5


def test_who_is_not_there_cannot_be_found():
    meter = AveragePrecisionMeter()
    assert np.isnan(list(meter.result().values())).all()
    meter.update(Detections(torch.zeros(1, 2, 4), torch.zeros(1, 2)), {"boxes": [torch.zeros(0, 4)]})
    assert np.isnan(meter.result()["ap"])
    meter.update(Detections(torch.zeros(1, 0, 4), torch.zeros(1, 0)), {"boxes": [torch.tensor([[0.0, 0, 1, 1]])]})
    assert meter.result()["ap"] == 0


def test_adding_copies_no_rows():
    """Or many samples, measured one by one, would take the square of their number."""
    whole, part = fed(crowded(3, ties=False)), fed(crowded(2, ties=False))
    whole.add(part)
    for name, pieces in part.rows.items():
        assert all(mine is its for mine, its in zip(whole.rows[name][-len(pieces) :], pieces, strict=True))


def test_parts_of_a_set_add_up_in_any_order_and_from_several_processes(monkeypatch):
    images = crowded(9, ties=True)
    whole = fed(images).result()
    first, second = fed(images[5:]), fed(images[:5])
    joined = fed(images[5:])
    joined.add(second)
    assert joined.result() == whole

    class TwoProcesses:
        world_size = 2

    def everyone(into, own):
        into[:] = [own, {name: second.table(name) for name in second.rows}]

    monkeypatch.setattr(torch.distributed, "all_gather_object", everyone)
    evaluation._gather(first, TwoProcesses())
    first.sums["people"] += second.sums["people"]
    assert first.result() == whole


# Learning


@pytest.mark.slow
def test_it_learns_a_batch_by_heart(crowds):
    torch.manual_seed(0)
    task, data = make_task("detection", TINY), samples(crowds)
    batch = task.collate([data[0, k] for k in (0, 4, 8, 11)])
    model = task.model()
    optimiser = torch.optim.AdamW(task.parameter_groups(model), lr=5e-3)
    for _ in range(100):
        step = task.step(model, batch)
        optimiser.zero_grad()
        sum(step.losses.values()).backward()
        optimiser.step()
    meter = task.meter()
    meter.update(task.step(model, batch).outputs, batch)
    assert meter.result()["ap50"] == 1 and meter.result()["ap"] > 0.6


# On a user's image


class Says(torch.nn.Module):
    """Whatever it is shown, boxes in a crop of 64 pixels."""

    def __init__(self, boxes: torch.Tensor):
        super().__init__()
        shape = (16, 16)
        truth = centres_of(boxes, STRIDE, shape)
        column, row = truth.cell.unbind(1)
        heat, offset, size = torch.full((1, 1, *shape), -9.0), torch.zeros(1, 2, *shape), torch.zeros(1, 2, *shape)
        heat[0, 0, row, column] = 2.0
        offset[0, :, row, column], size[0, :, row, column] = truth.offset.T, truth.size.T
        self.maps = heat, offset, size

    def forward(self, image):
        return CentreMaps(*(maps.expand(len(image), -1, -1, -1) for maps in self.maps))


def test_boxes_are_at_the_pixels_of_the_image():
    """320 × 192 pixels are a fifth as large in the crop, below 64 of its rows / 5; a box in the border is none."""
    boxes = torch.tensor([[10.0, 20.0, 26.0, 50.0], [30.0, 0.0, 40.0, 9.0], [50.0, 40.0, 64.0, 60.0]])
    predictor = BoxPredictor(Says(boxes), 64, 6, PredictorOptions(torch.device("cpu")))
    images = [np.full((192, 320, 3), 50 * k, np.uint8) for k in range(3)]
    found = list(predictor.predict(iter(images)))
    assert len(found) == 3
    said = json.loads(found[1].content())["people"]
    assert sorted(person["box"] for person in said) == [[50, 36, 130, 186], [250, 136, 320, 192]]
    assert {person["score"] for person in said} == {round(float(torch.tensor(2.0).sigmoid()), 4)}
    picture = found[1].draw(images[1], 1.0, False)
    changed = (picture != images[1]).any(axis=2)
    assert changed[36, 50:130].all() and changed[36:186, 50].all() and not changed[40:180, 55:125].any()


def test_boxes_are_not_asked_for():
    with pytest.raises(ConfigError, match="--box says where people are, which this network finds by itself"):
        BoxPredictor(Says(torch.zeros(0, 4)), 64, 6, PredictorOptions(torch.device("cpu"), boxes=((0, 0, 5, 5),)))


def test_it_has_as_many_parameters_as_its_layers():
    def conv(inputs, outputs, kernel=1):
        return kernel**2 * inputs * outputs + outputs

    def residual(inputs, outputs):
        half = outputs // 2
        block = 2 * inputs + conv(inputs, half) + 2 * half + conv(half, half, 3) + 2 * half + conv(half, outputs)
        return block + (0 if inputs == outputs else conv(inputs, outputs))

    f, depth = TINY.features, TINY.depth
    stem = conv(3, f // 4, 7) + 2 * f // 4 + residual(f // 4, f // 2) + residual(f // 2, f // 2) + residual(f // 2, f)
    hourglass = (3 * depth + 1) * residual(f, f)
    head = residual(f, f) + 2 * f + conv(f, f, 3) + conv(f, 5)
    assert sum(p.numel() for p in make_task("detection", TINY).model().parameters()) == stem + hourglass + head


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"size": 100}, "--size is 100; with --depth 4 expected a multiple of 64, such as 128"),
        ({"features": 20}, "--features is 20"),
        ({"most": 0}, "--most is 0"),
    ],
)
def test_networks_that_cannot_be_are_refused(options, said):
    with pytest.raises(ConfigError, match=said):
        DetectionOptions(**options)


# Card, export, command line


@pytest.mark.slow
def test_a_run_has_a_card_and_an_export(tmp_path):
    run = tmp_path / "run"
    checkpoint(run, "detection", TINY)
    card = write_card(run).read_text()
    assert "# Detection of people: a centre-based detector" in card and "a colour image of people" in card
    assert "average precision" in card and "It expects one person" not in card
    done = export_network(run, tmp_path / "boxes.pt2", "torch")
    known = json.loads(done.files[1].read_text())
    assert done.difference <= 1e-4 * done.largest and known["output"]["shape"] == ["batch", 5, 16, 16]


def test_it_is_trained_judged_and_used_by_the_commands_of_all_tasks(run, crowds, tmp_path):
    out = tmp_path / "run"
    tiny = ("--features", 8, "--depth", 1, "--size", 32, "--workers", 0, "--accelerator", "cpu", "--val-share", 0.3)
    status, said, errors = run("train", "detection", "--data", crowds, *tiny, "--dev-run", "--out", out)
    assert status == 0, errors
    assert "average precision" in said and list((out / "pictures").glob("*.png"))
    status, said, errors = run("evaluate", out, "--data", crowds, "--workers", 0, "--pictures", tmp_path / "looks")
    assert status == 0, errors
    record = json.loads(next((out / "evaluations").glob("*.json")).read_text())
    assert set(record["results"]) == {"ap", "ap50", "ap75", "recall50"}
    assert (tmp_path / "looks" / "even.png").exists()
    cv2.imwrite(str(tmp_path / "photo.png"), np.full((60, 90, 3), 120, np.uint8))
    status, said, errors = run("predict", out, tmp_path / "photo.png", "--out", tmp_path / "found", "--device", "cpu")
    assert status == 0, errors
    assert "people" in json.loads((tmp_path / "found" / "boxes" / "photo.json").read_text())
    assert cv2.imread(str(tmp_path / "found" / "overlay" / "photo.png")).shape == (60, 90, 3)

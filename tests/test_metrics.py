"""Metrics against slow computations over lists of pixels."""

import math

import numpy as np
import pytest
import torch

from mannequin.generator.body.model import PARTS_14
from mannequin.training.metrics.depth import DepthMeter
from mannequin.training.metrics.labels import IGNORE
from mannequin.training.metrics.segmentation import SegmentationMeter

NAN = float("nan")
CLASSES = ("background", "a", "b", "c")


def mean(values) -> float:
    values = [v for v in values if not math.isnan(v)]
    return sum(values) / len(values) if values else NAN


def ratio(a, b) -> float:
    return a / b if b else NAN


def slow_segmentation(predicted, truth, classes) -> tuple[dict, dict]:
    """Sets of pixels by class, over all images at once."""
    pixels = [at for at in np.ndindex(truth.shape) if truth[at] != IGNORE]
    true = [{at for at in pixels if truth[at] == c} for c in range(len(classes))]
    said = [{at for at in pixels if predicted[at] == c} for c in range(len(classes))]
    iou = [ratio(len(t & s), len(t | s)) for t, s in zip(true, said)]
    recall = [ratio(len(t & s), len(t)) for t, s in zip(true, said)]
    person, called = set().union(*true[1:]), set().union(*said[1:])
    result = {
        "iou": mean(iou[1:]),
        "accuracy": mean(recall[1:]),
        "iou_with_background": mean(iou),
        "accuracy_with_background": mean(recall),
        "pixels": ratio(sum(len(t & s) for t, s in zip(true, said)), len(pixels)),
        "silhouette": ratio(len(person & called), len(person | called)),
    }
    return result, {"iou": dict(zip(classes, iou)), "recall": dict(zip(classes, recall))}


def drawn(shape, low, high, seed, unlabelled=0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    labels = rng.integers(low, high, shape, dtype=np.uint8)
    labels[rng.random(shape) < unlabelled] = IGNORE
    return labels


SHAPE = (3, 6, 7)
SEGMENTATIONS = {
    "random": (drawn(SHAPE, 0, 4, 1), drawn(SHAPE, 0, 4, 2)),
    "some unlabelled": (drawn(SHAPE, 0, 4, 1), drawn(SHAPE, 0, 4, 2, unlabelled=0.4)),
    "all unlabelled": (drawn(SHAPE, 0, 4, 1), np.full(SHAPE, IGNORE, np.uint8)),
    "a class never present": (drawn(SHAPE, 0, 4, 1), drawn(SHAPE, 0, 3, 2)),
    "a class neither present nor predicted": (drawn(SHAPE, 0, 3, 1), drawn(SHAPE, 0, 3, 2)),
    "only background": (np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)),
    "nobody there but predicted": (drawn(SHAPE, 1, 4, 1), np.zeros(SHAPE, np.uint8)),
    "somebody there but not predicted": (np.zeros(SHAPE, np.uint8), drawn(SHAPE, 1, 4, 1)),
    "one pixel": (np.ones((1, 1, 1), np.uint8), np.full((1, 1, 1), 2, np.uint8)),
    "perfect": (drawn(SHAPE, 0, 4, 1), drawn(SHAPE, 0, 4, 1)),
    "no image": (np.zeros((0, 6, 7), np.uint8), np.zeros((0, 6, 7), np.uint8)),
}


def close(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(a[k] == pytest.approx(b[k], rel=1e-9, abs=1e-9, nan_ok=True) for k in a)


def close_by_class(a: dict, b: dict) -> bool:
    """The same of per_class."""
    return a.keys() == b.keys() and all(close(a[measure], b[measure]) for measure in a)


@pytest.mark.parametrize("case", SEGMENTATIONS)
def test_segmentation_is_that_of_sets_of_pixels(case):
    predicted, truth = SEGMENTATIONS[case]
    meter = SegmentationMeter(CLASSES)
    for p, t in zip(predicted, truth):  # batches of one and sums
        meter.count(torch.from_numpy(p[None]), torch.from_numpy(t[None]).long())
    result, per_class = slow_segmentation(predicted, truth, CLASSES)
    assert close(meter.result(), result)
    assert close_by_class(meter.per_class(), per_class)


def test_a_segmentation_by_hand():
    meter = SegmentationMeter(CLASSES)
    meter.count(torch.tensor([[[0, 1, 1, 2, 0]]]), torch.tensor([[[0, 1, 2, 2, 1]]]))
    assert meter.sums["confusion"].tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    expected = {
        "iou": (1 / 3 + 1 / 2) / 2,
        "accuracy": 0.5,
        "iou_with_background": (1 / 2 + 1 / 3 + 1 / 2) / 3,
        "accuracy_with_background": 2 / 3,
        "pixels": 3 / 5,
        "silhouette": 3 / 4,
    }
    assert close(meter.result(), expected)


def test_parts_are_those_of_the_thesis_unless_named():
    assert tuple(SegmentationMeter().per_class()["iou"]) == ("background", *PARTS_14)


def slow_rmse(p: list, t: list) -> float:
    return 45 * math.sqrt(sum((a - b) ** 2 for a, b in zip(p, t)) / len(p))


def slow_st_rmse(p: list, t: list) -> float:
    """By a generic least-squares solver."""
    columns = np.stack([np.array(p, float), np.ones(len(p))], 1)
    fitted = columns @ np.linalg.lstsq(columns, np.array(t, float), rcond=None)[0]
    return slow_rmse(list(fitted), t)


def slow_depth(predicted, truth, joints, visible) -> dict:
    found = {name: [] for name in ("rmse", "st_rmse", "pose_rmse", "st_pose_rmse")}
    for b in range(len(truth)):
        on = [at for at in np.ndindex(truth[b].shape) if truth[b][at] not in (0, IGNORE)]
        at_joints = [(math.floor(y), math.floor(x)) for (x, y), seen in zip(joints[b], visible[b]) if seen]
        for prefix, places in (("", on), ("pose_", [at for at in at_joints if at in on])):
            if places:
                p, t = [[int(image[b][at]) for at in places] for image in (predicted, truth)]
                found[f"{prefix}rmse"].append(slow_rmse(p, t))
                found[f"st_{prefix}rmse"].append(slow_st_rmse(p, t))
    return {name: mean(values) for name, values in found.items()}


def lone_pixel() -> np.ndarray:
    truth = np.zeros(SHAPE, np.uint8)
    truth[:, 2, 3] = 7
    return truth


DEPTHS = {
    "random": (drawn(SHAPE, 0, 20, 1), drawn(SHAPE, 0, 20, 2)),
    "some unlabelled": (drawn(SHAPE, 0, 20, 1), drawn(SHAPE, 0, 20, 2, unlabelled=0.5)),
    "one image without a person": (drawn(SHAPE, 0, 20, 1), drawn(SHAPE, 0, 20, 2) * np.uint8([[[1]], [[0]], [[1]]])),
    "nobody anywhere": (drawn(SHAPE, 0, 20, 1), np.zeros(SHAPE, np.uint8)),
    "constant prediction": (np.full(SHAPE, 10, np.uint8), drawn(SHAPE, 1, 20, 2)),
    "constant truth": (drawn(SHAPE, 1, 20, 2), np.full(SHAPE, 10, np.uint8)),
    "predicted background": (np.zeros(SHAPE, np.uint8), drawn(SHAPE, 1, 20, 2)),
    "one pixel": (drawn(SHAPE, 0, 20, 1), lone_pixel()),
    "shifted and scaled": (drawn(SHAPE, 1, 7, 1) * 3, drawn(SHAPE, 1, 7, 1) + 4),
    "the wrong way round": (20 - drawn(SHAPE, 1, 20, 1), drawn(SHAPE, 1, 20, 1)),
    "perfect": (drawn(SHAPE, 0, 20, 1), drawn(SHAPE, 0, 20, 1)),
}


@pytest.mark.parametrize("case", DEPTHS)
def test_depth_is_that_of_loops_over_images(case):
    predicted, truth = DEPTHS[case]
    rng = np.random.default_rng(5)
    joints = rng.uniform(-2, 9, (3, 8, 2)).astype(np.float32)
    joints[0, 0] = NAN
    joints[:, 1] = 3.5, 2.5  # on the lone pixel
    visible = rng.random((3, 8)) < 0.7
    visible[:, 1] = True
    meter = DepthMeter()
    for first, last in ((0, 2), (2, 3)):
        meter.count(*(torch.from_numpy(array[first:last]) for array in (predicted, truth, joints, visible)))
    seen = [[v and not np.isnan(x) for v, (x, _) in zip(*row)] for row in zip(visible, joints)]
    result = meter.result()
    # Rounding of a perfect fit is below a micrometre.
    expected = slow_depth(predicted, truth, np.nan_to_num(joints), seen)
    assert all(result[k] == pytest.approx(expected[k], rel=1e-9, abs=1e-3, nan_ok=True) for k in expected)
    assert result.keys() == expected.keys()


def test_depths_by_hand():
    meter = DepthMeter()
    truth = torch.tensor([[[0, 8, 10]], [[12, 12, IGNORE]]])
    predicted = torch.tensor([[[5, 9, 11]], [[0, 12, 3]]])
    meter.count(predicted, truth)
    assert meter.result()["rmse"] == pytest.approx(45 * (1 + math.sqrt(72)) / 2)
    assert meter.result()["st_rmse"] == pytest.approx(0, abs=1e-9)
    assert math.isnan(meter.result()["pose_rmse"])
    per_class = meter.per_class()["rmse"]
    assert list(per_class)[:2] == ["-9", "-8"] and len(per_class) == 19
    assert per_class["-2"] == pytest.approx(45) and per_class["+0"] == pytest.approx(45)
    assert per_class["+2"] == pytest.approx(45 * math.sqrt(72)) and math.isnan(per_class["+3"])


def test_joints_are_read_at_their_own_pixel():
    truth, predicted = torch.full((1, 4, 6), 10), torch.full((1, 4, 6), 10)
    predicted[0, 1, 4] = 13  # row 1, column 4
    on, off, outside = ((4.0, 1.0), (4.99, 1.99)), ((5.0, 1.0), (1.5, 3.5)), ((6.0, 1.0), (4.5, -0.1))
    for (x, y), expected in ((at, e) for places, e in ((on, 135), (off, 0), (outside, NAN)) for at in places):
        meter = DepthMeter()
        meter.count(predicted, truth, torch.tensor([[[x, y]]]))
        assert meter.result()["pose_rmse"] == pytest.approx(expected, nan_ok=True)


def test_large_images_lose_nothing_to_rounding():
    truth = torch.from_numpy(drawn((1, 1000, 1000), 1, 20, 3))
    meter = DepthMeter()
    meter.count(truth.clone(), truth)
    assert meter.result()["rmse"] == 0 and meter.result()["st_rmse"] < 1e-3


@pytest.mark.parametrize("make", [SegmentationMeter, DepthMeter])
def test_sums_of_halves_add_up_to_those_of_the_whole(make):
    classes = 15 if make is SegmentationMeter else 20
    predicted, truth = (torch.from_numpy(drawn((6, 5, 5), 0, classes, seed)) for seed in (1, 2))
    whole, left, right, loaded = make(), make(), make(), make()
    whole.count(predicted, truth)
    left.count(predicted[:2], truth[:2])
    right.count(predicted[2:], truth[2:])
    assert all(t.dtype in (torch.int64, torch.float64) and t.device.type == "cpu" for t in whole.sums.values())
    loaded.sums = {name: left.sums[name] + right.sums[name] for name in whole.sums}
    assert close(loaded.result(), whole.result()) and close_by_class(loaded.per_class(), whole.per_class())
    assert all(math.isnan(v) for v in make().result().values())


@pytest.mark.parametrize("make, classes", [(SegmentationMeter, 15), (DepthMeter, 20)])
def test_labels_that_cannot_be_are_refused(make, classes):
    good = torch.zeros(1, 4, 4, dtype=torch.int64)
    with pytest.raises(ValueError, match=f"truth has labels from 0 to {classes}; expected 0 to {classes - 1}"):
        bad = good.clone()
        bad[0, 0, 0] = classes
        make().count(good, bad)
    with pytest.raises(ValueError, match="predicted has labels from -1"):
        make().count(good - 1, good)
    with pytest.raises(ValueError, match=r"predicted is \(1, 4, 4\), truth \(1, 4, 5\)"):
        make().count(good, torch.zeros(1, 4, 5))

"""Losses against loops over pixels, depth classes at their edges, and a batch learnt by heart."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from mannequin.training.losses.class_maps import cross_entropy, labels_at, stacked_cross_entropy
from mannequin.training.metrics.labels import IGNORE
from mannequin.training.metrics.segmentation import SegmentationMeter
from mannequin.training.models.hourglass import HourglassConfig, Maps, StackedHourglass
from mannequin.training.targets.depth_bins import BIN, BINS, bins_of_depth, depth_of_bins


def slow_cross_entropy(scores: torch.Tensor, labels: torch.Tensor) -> float:
    """Pixel by pixel in double precision; the label under the centre of each cell."""
    total, count = 0.0, 0
    for b in range(len(scores)):
        for i in range(scores.shape[2]):
            for j in range(scores.shape[3]):
                row = math.floor((i + 0.5) * labels.shape[1] / scores.shape[2])
                column = math.floor((j + 0.5) * labels.shape[2] / scores.shape[3])
                label = int(labels[b, row, column])
                if label != IGNORE:
                    s = [float(v) for v in scores[b, :, i, j]]
                    total += math.log(sum(math.exp(v) for v in s)) - s[label]
                    count += 1
    return total / count if count else 0.0


def drawn(shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


def drawn_labels(shape, classes, seed=0, unlabelled=0.0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, shape, dtype=np.uint8)
    labels[rng.random(shape) < unlabelled] = IGNORE
    return torch.from_numpy(labels)


@pytest.mark.parametrize("size, unlabelled", [((8, 8), 0), ((8, 12), 0.3), ((5, 7), 0.5), ((8, 8), 1)])
def test_cross_entropy_is_that_of_a_loop(size, unlabelled):
    scores, labels = drawn((2, 4, *size)), drawn_labels((2, 16, 24), 4, unlabelled=unlabelled)
    assert cross_entropy(scores, labels).item() == pytest.approx(slow_cross_entropy(scores, labels), rel=1e-5)


def test_layout_and_type_of_the_inputs_change_nothing():
    scores, labels = drawn((2, 4, 8, 8)), drawn_labels((2, 16, 16), 4, unlabelled=0.2)
    expected = cross_entropy(scores, labels)
    assert torch.equal(cross_entropy(scores.contiguous(memory_format=torch.channels_last), labels), expected)
    assert torch.equal(cross_entropy(scores, labels.long()), expected)
    rounded = scores.bfloat16()
    assert torch.equal(cross_entropy(rounded, labels), cross_entropy(rounded.float(), labels))


def test_nothing_labelled_moves_nothing():
    scores = drawn((1, 4, 8, 8)).requires_grad_()
    cross_entropy(scores, torch.full((1, 8, 8), IGNORE)).backward()
    assert torch.equal(scores.grad, torch.zeros_like(scores))


def test_unlabelled_pixels_get_no_gradient_and_others_do():
    scores, labels = drawn((1, 4, 2, 2)).requires_grad_(), torch.tensor([[[0, IGNORE], [3, 1]]], dtype=torch.uint8)
    cross_entropy(scores, labels).backward()
    moved = scores.grad.abs().sum((0, 1)) > 0
    assert moved.tolist() == [[True, False], [True, True]]


def test_the_sum_over_stacks():
    stacks = tuple(drawn((2, 4, 4, 4), seed) for seed in range(3))
    labels = drawn_labels((2, 16, 16), 4, unlabelled=0.1)
    each = [slow_cross_entropy(scores, labels) for scores in stacks]
    assert stacked_cross_entropy(Maps(stacks, None), labels).item() == pytest.approx(sum(each), rel=1e-5)
    full = drawn((2, 4, 16, 16), 9)
    expected = sum(each[:2]) + slow_cross_entropy(full, labels)
    assert stacked_cross_entropy(Maps(stacks, full), labels).item() == pytest.approx(expected, rel=1e-5)


def test_labels_are_read_at_the_centres_of_cells():
    at = torch.arange(8)[:, None] * 10 + torch.arange(8)
    assert labels_at(at[None], (2, 2)).tolist() == [[[22, 26], [62, 66]]]
    assert labels_at(at[None], (8, 4))[0, 0].tolist() == [1, 3, 5, 7]
    assert torch.equal(labels_at(at[None], (8, 8))[0], at)
    assert labels_at(at[None], (16, 16))[0, 3:5, 15].tolist() == [17, 27]


def test_labels_shrunk_fourfold_stay_in_place():
    """Over all places of a disc on the grid its centre stays within half a pixel of the image."""
    y, x = torch.meshgrid(torch.arange(64) + 0.5, torch.arange(64) + 0.5, indexing="ij")
    cell = 4 * (torch.arange(16) + 0.5)
    moved = []
    for dy, dx in np.ndindex(4, 4):
        disc = (x - 30 - dx) ** 2 + (y - 30 - dy) ** 2 < 20**2
        small = labels_at(disc[None], (16, 16))[0].double()
        centre_x, centre_y = (small.sum(axis) @ cell.double() / small.sum() for axis in (0, 1))
        moved.append([centre_x - 30 - dx, centre_y - 30 - dy])
    assert torch.tensor(moved).mean(0).abs().max() < 0.51


def test_depth_classes_at_their_edges():
    """Class 10 + k ends at k · BIN, in double precision so that a nanometre tells its sides apart."""
    edges = np.arange(-12, 13) * BIN
    assert bins_of_depth(edges - 1e-9, 0.0).tolist() == [10 + max(-9, min(9, k)) for k in range(-12, 13)]
    assert bins_of_depth(edges + 1e-9, 0.0).tolist() == [10 + max(-9, min(9, k + 1)) for k in range(-12, 13)]


def test_the_pelvis_itself_ends_the_middle_class():
    near = np.float32([3.0, 3.0 + 1e-6, 3.0 - 1e-6])
    assert bins_of_depth(near, np.float32(3.0)).tolist() == [10, 11, 10]


def test_depth_classes_of_images_each_with_its_pelvis():
    rng = np.random.default_rng(3)
    depth, pelvis = rng.uniform(3, 6, (4, 6, 7)).astype(np.float32), rng.uniform(4, 5, 4).astype(np.float32)
    bins = bins_of_depth(depth, pelvis[:, None, None])
    assert bins.dtype == np.uint8 and bins.shape == (4, 6, 7)
    for b, i, j in np.ndindex(4, 6, 7):
        assert bins[b, i, j] == 10 + max(-9, min(9, math.ceil((depth[b, i, j] - pelvis[b]) / BIN)))


def test_the_middle_of_a_class():
    bins = torch.arange(BINS + 1, dtype=torch.uint8)[None]
    middle = depth_of_bins(bins)
    assert middle[0, 0].isnan() and depth_of_bins(torch.tensor([IGNORE])).isnan().all()
    assert torch.allclose(middle[0, 1:], (torch.arange(-9, 10) - 0.5) * 0.045)
    assert np.array_equal(bins_of_depth(middle[:, 1:].numpy(), 0.0), bins[:, 1:])
    depth = np.random.default_rng(0).uniform(-9 * BIN, 9 * BIN, (9, 9))
    error = depth_of_bins(torch.from_numpy(bins_of_depth(depth, 0.0))) - torch.from_numpy(depth)
    assert error.abs().max() <= BIN / 2 + 1e-6


def test_a_tiny_network_learns_a_batch_by_heart_and_then_its_full_size():
    """Two pictures of squares, the classes by colour; ``up`` is learnt on top, as in the thesis (3.5.3)."""
    labels = torch.zeros(2, 32, 32, dtype=torch.uint8)
    labels[0, 4:16, 8:28], labels[0, 16:28, 8:20], labels[1, 8:24, 4:16] = 1, 2, 3
    colours = torch.tensor([[0.1, 0.1, 0.1], [0.9, 0.2, 0.2], [0.2, 0.9, 0.2], [0.2, 0.2, 0.9]])
    image = colours[labels.long()].movedim(-1, 1) - 0.4

    def iou(maps: Maps) -> float:
        meter = SegmentationMeter(("background", "red", "green", "blue"))
        meter.count(maps.labels((32, 32)), labels)
        return meter.result()["iou"]

    def fit(model: StackedHourglass) -> tuple[list[float], list[float]]:
        """Losses and IoU of every step."""
        optimiser = torch.optim.Adam(model.parameters(), 1e-2)
        losses, ious = [], []
        for _ in range(60):
            maps = model(image)
            loss = stacked_cross_entropy(maps, labels)
            losses.append(loss.item())
            ious.append(iou(maps))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return losses, ious

    config = HourglassConfig(outputs=4, stacks=2, features=16, depth=2)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        plain, full = StackedHourglass(config), StackedHourglass(replace(config, up=True))
    losses, ious = fit(plain)
    assert losses[0] > 2 and losses[-1] < 0.1
    assert ious[0] < 0.3 and ious[-1] > 0.9
    assert full.load_state_dict(plain.state_dict(), strict=False) == (["up.1.weight", "up.1.bias"], [])
    losses, ious = fit(full)
    assert losses[-1] < 0.1 and ious[0] < 0.5 and ious[-1] > 0.95

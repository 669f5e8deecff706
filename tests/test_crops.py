"""The crop and the augmentation, against closed forms and slow computations of the same."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from mannequin.training.data.colour import MEAN, STD, to_rgb, whitened
from mannequin.training.data.crop import (
    BOX_JOINTS,
    Augmentation,
    Box,
    augmentation,
    crop_box,
    crop_matrix,
    transform,
    warp_colour,
    warp_labels,
)

QUARTER = np.pi / 2


def noise(h, w, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (h, w, 3), dtype=np.uint8)


def sources(matrix, size):
    """(size, size, 2) points of the image that the centres of the crop's pixels come from, by solving."""
    y, x = np.mgrid[:size, :size] + 0.5
    return np.linalg.solve(matrix[:, :2], (np.stack([x, y]).reshape(2, -1) - matrix[:, 2:])).T.reshape(size, size, 2)


def test_the_box_has_the_ratios_of_the_paper():
    joints = np.full((24, 2), 100.0)
    joints[7], joints[15] = (80, 240), (120, 40)  # an ankle and the head: W = 40, H = 200
    box = crop_box(joints)
    assert box.centre == pytest.approx((100, (40 - 0.35 * 200 + 240 + 0.25 * 200) / 2))
    assert box.side == pytest.approx(200 * 1.6 * 200 / 240)


def test_a_wide_box_takes_the_width():
    joints = np.full((24, 2), 50.0)
    joints[20], joints[21] = (0, 50), (200, 50)
    assert crop_box(joints).side == pytest.approx(200 * 1.5 * 200 / 240)


def test_toes_and_fingers_do_not_move_the_box():
    joints = np.random.default_rng(0).uniform(0, 100, (24, 2))
    moved = joints.copy()
    rest = [k for k in range(24) if k not in BOX_JOINTS]
    moved[rest] += 500
    assert len(rest) == 8 and crop_box(moved) == crop_box(joints)


def test_frames_that_share_a_crop_are_all_within_it():
    joints = np.random.default_rng(0).uniform(0, 100, (5, 24, 2))
    joints[3] += 70
    box = crop_box(joints)
    at = transform(joints, crop_matrix(box, size=64))
    assert (at[:, list(BOX_JOINTS)] > 0).all() and (at[:, list(BOX_JOINTS)] < 64).all()
    assert box == crop_box(joints.reshape(-1, 24, 2)[::-1])


def test_a_crop_of_the_whole_image_is_the_image():
    image = noise(64, 64)
    matrix = crop_matrix(Box((32, 32), 64), size=64)
    assert np.array_equal(warp_colour(image, matrix, 64), image)
    assert np.array_equal(warp_labels(image[..., 0].copy(), matrix, 64), image[..., 0])


def test_a_quarter_turn_is_clockwise_and_exact():
    image = noise(64, 64)
    matrix = crop_matrix(Box((32, 32), 64), Augmentation(rotation=QUARTER), size=64)
    assert np.array_equal(warp_colour(image, matrix, 64), np.rot90(image, -1))
    assert np.array_equal(warp_labels(image[..., 1].copy(), matrix, 64), np.rot90(image[..., 1], -1))


def test_a_square_lands_where_the_matrix_says():
    labels = np.zeros((60, 80), np.uint8)
    labels[28:34, 36:44] = 7
    matrix = crop_matrix(Box((40, 30), 32), size=64)  # twice as large
    assert np.array_equal(transform(np.array([[36.0, 28.0], [44.0, 34.0]]), matrix), [[24, 28], [40, 40]])
    expected = np.zeros((64, 64), np.uint8)
    expected[28:40, 24:40] = 7
    assert np.array_equal(warp_labels(labels, matrix, 64), expected)


def test_a_larger_scale_makes_the_person_smaller():
    matrix = crop_matrix(Box((40, 30), 32), Augmentation(scale=2.0), size=64)
    assert np.array_equal(transform(np.array([[40.0, 30.0], [41.0, 30.0]]), matrix), [[32, 32], [33, 32]])


@pytest.mark.parametrize("seed", range(3))
def test_labels_are_those_of_the_pixels_that_the_centres_fall_into(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(1, 256, (60, 80), dtype=np.uint8)
    matrix = crop_matrix(Box(tuple(rng.uniform(20, 50, 2)), 40), augmentation(rng), 96)
    at = np.floor(sources(matrix, 96)).astype(int)
    inside = ((at >= 0) & (at < (80, 60))).all(-1)
    expected = np.where(inside, labels[at[..., 1].clip(0, 59), at[..., 0].clip(0, 79)], 0)
    right = warp_labels(labels, matrix, 96) == expected
    assert right.mean() > 0.995  # OpenCV counts in 1/1024 of a pixel
    assert (warp_labels(labels.astype(np.float32), matrix, 96) == expected).mean() > 0.995


@pytest.mark.parametrize("seed", range(3))
def test_colour_is_bilinear_between_the_centres(seed):
    rng = np.random.default_rng(seed)
    image = np.repeat(np.repeat(noise(8, 10, seed), 8, axis=0), 8, axis=1)
    matrix = crop_matrix(Box((40, 32), 44), Augmentation(rng.uniform(0.7, 1.1), rng.uniform(-0.3, 0.3)), 96)
    at = sources(matrix, 96) - 0.5
    got = warp_colour(image, matrix, 96)
    inside = ((at > 0) & (at < (79, 63))).all(-1)
    assert inside.mean() > 0.9
    for c in range(3):
        expected = map_coordinates(image[..., c].astype(float), [at[..., 1], at[..., 0]], order=1)
        assert np.abs(got[..., c] - expected)[inside].max() < 6  # OpenCV blends in 1/32 of a pixel


@pytest.mark.parametrize("seed", range(4))
def test_joints_stay_on_what_they_were_on(seed):
    rng = np.random.default_rng(seed)
    cells = rng.permutation(48)[:24]
    joints = np.stack([cells % 8, cells // 8], axis=1) * 10.0 + rng.uniform(4, 6, (24, 2))
    labels = np.repeat(np.repeat(np.arange(48, dtype=np.uint8).reshape(6, 8), 10, axis=0), 10, axis=1)
    matrix = crop_matrix(crop_box(joints), augmentation(rng), 128)
    at = transform(joints, matrix)
    inside = ((at >= 0) & (at < 128)).all(1)
    assert inside.sum() > 12
    j, i = at[inside].astype(int).T
    assert np.array_equal(warp_labels(labels, matrix, 128)[i, j], cells[inside])


def test_what_gets_much_smaller_is_averaged():
    image = np.repeat(((np.indices((512, 512)).sum(0) % 2) * 255).astype(np.uint8)[..., None], 3, axis=2)
    small = warp_colour(image, crop_matrix(Box((256, 256), 512), size=64), 64)
    assert np.abs(small[1:-1, 1:-1].astype(int) - 128).max() <= 2


def test_averaging_moves_nothing():
    ramp = np.repeat(np.linspace(0, 255, 510).astype(np.uint8)[None, :, None], 406, axis=0).repeat(3, axis=2)
    box = Box((250, 200), 300)
    small = warp_colour(ramp, crop_matrix(box, size=64), 64)[32, :, 0]
    x = 250 + (np.arange(64) + 0.5 - 32) * 300 / 64
    assert np.abs(small - (x - 0.5) / 509 * 255).max() < 1.5


def test_what_is_drawn_has_the_ranges_and_shares_of_the_paper():
    rng = np.random.default_rng(0)
    drawn = [augmentation(rng) for _ in range(8000)]
    exponent = np.log2([a.scale for a in drawn]) / 0.25
    degrees = np.degrees([a.rotation for a in drawn])
    gains = np.array([a.gains for a in drawn])
    assert np.abs(exponent).max() == pytest.approx(2) and np.isclose(np.abs(exponent), 2).mean() == pytest.approx(
        0.0455, abs=0.01
    )
    assert np.abs(exponent)[np.abs(exponent) < 1].size / 8000 == pytest.approx(0.683, abs=0.02)
    turned = degrees[degrees != 0]
    assert len(turned) / 8000 == pytest.approx(0.4, abs=0.02)
    assert np.abs(turned).max() == pytest.approx(60) and (np.abs(turned) < 30).mean() == pytest.approx(0.683, abs=0.03)
    assert (
        0.6 <= gains.min() < 0.61 and 1.39 < gains.max() <= 1.4 and gains.mean(0) == pytest.approx(np.ones(3), abs=0.01)
    )
    assert np.abs(np.corrcoef(gains.T)[~np.eye(3, dtype=bool)]).max() < 0.05


def test_the_same_stream_draws_the_same():
    assert (
        augmentation(np.random.default_rng(3))
        == augmentation(np.random.default_rng(3))
        != augmentation(np.random.default_rng(4))
    )


def test_colours_are_whitened_after_gains_that_saturate():
    image = noise(5, 7)
    gains = np.array([0.6, 1.0, 1.4])
    expected = (np.minimum(image / 255 * gains, 1) - MEAN) / STD
    got = whitened(image, gains)
    assert got.shape == (3, 5, 7) and got.dtype == np.float32
    assert np.allclose(got, expected.transpose(2, 0, 1), atol=1e-6)


def test_whitened_colours_can_be_looked_at():
    image = noise(6, 4)
    assert np.array_equal(to_rgb(np.stack([whitened(image)] * 2)), np.stack([image] * 2))

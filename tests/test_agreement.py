import numpy as np
import pytest

from mannequin.generator.errors import DisagreementError
from mannequin.renderers.agreement import compare, require, summarize


def frame(h=60, w=80):
    """A square of part 3 at 5 m in the middle."""
    inside = np.zeros((h, w), bool)
    inside[20:40, 30:50] = True
    return {
        "segm": np.where(inside, 3, 0).astype(np.uint8),
        "instance": np.where(inside, 1, 0).astype(np.uint8),
        "depth": np.where(inside, 5.0, 0.0).astype(np.float32),
    }


def changed(where, **values):
    other = frame()
    for name, value in values.items():
        other[name][where] = value
    return other


def test_equal_frames_differ_in_nothing():
    result = compare(frame(), frame(), 60 * 80)
    assert (result.silhouette, result.part, result.instance, result.foreground) == (0, 0, 0, 400)
    assert result.depth_max == 0
    require(result, "clip", "camera", 0)


def test_each_measure_counts_its_own_pixels():
    row = (slice(20, 21), slice(30, 50))
    assert compare(changed(row, segm=4), frame(), 4800).part == 20
    assert compare(changed(row, instance=2), frame(), 4800).instance == 20
    gone = compare(changed(row, segm=0, instance=0, depth=0), frame(), 4800)
    assert (gone.silhouette, gone.part, gone.instance) == (20, 0, 0)


def test_depth_at_edges_is_left_out():
    rim = (slice(20, 21), slice(30, 50))
    assert compare(changed(rim, depth=5.02), frame(), 4800).depth_max == 0
    inner = (slice(25, 26), slice(35, 45))
    assert compare(changed(inner, depth=5.02), frame(), 4800).depth_max == pytest.approx(0.02, abs=1e-6)


def test_a_few_pixels_are_allowed_in_a_tiny_image():
    require(compare(changed((slice(20, 21), slice(30, 36)), segm=4), frame(), 4800), "clip", "camera", 0)


@pytest.mark.parametrize(
    "measure, values",
    [
        ("part", {"segm": 4}),
        ("instance", {"instance": 2}),
        ("silhouette", {"instance": 0, "segm": 0, "depth": 0}),
        ("depth_median", {"depth": 5.001}),
    ],
)
def test_too_much_names_clip_camera_frame_and_measure(measure, values):
    everything = (slice(20, 40), slice(30, 50))
    result = compare(changed(everything, **values), frame(), 4800)
    with pytest.raises(DisagreementError, match=f"'walk'.*'front'.*frame 7.*{measure}.*limit"):
        require(result, "walk", "front", 7)


def test_depth_that_is_not_a_number_is_refused():
    result = compare(changed((slice(25, 26), slice(35, 36)), depth=np.nan), frame(), 4800)
    with pytest.raises(DisagreementError):
        require(result, "clip", "camera", 0)


def test_a_few_pixels_where_surfaces_touch_may_differ_in_depth_and_no_more():
    few, many = (slice(25, 26), slice(35, 41)), (slice(25, 26), slice(35, 42))
    require(compare(changed(few, depth=5.01), frame(), 4800), "clip", "camera", 0)
    result = compare(changed(many, depth=5.01), frame(), 4800)
    assert result.depth == 7
    with pytest.raises(DisagreementError, match="depth"):
        require(result, "clip", "camera", 0)


def test_summary_keeps_worst_and_mean():
    row = (slice(20, 21), slice(30, 50))
    frames = [compare(frame(), frame(), 4800), compare(changed(row, segm=4), frame(), 4800)]
    summary = summarize(frames)
    assert summary["part_of_image_worst"] == pytest.approx(20 / 4800)
    assert summary["part_of_foreground_mean"] == pytest.approx(10 / 400)
    assert summarize([]) == {}

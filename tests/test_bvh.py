"""BVH files: forward kinematics against an independent one, and every way a file can be damaged."""

import numpy as np
import pytest
from bvh_files import person_text
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from mannequin.generator.errors import AssetError
from mannequin.generator.motion.bvh import read_bvh

SMALL = """HIERARCHY
ROOT Hips
{
  OFFSET 1 2 3
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Slider
  {
    OFFSET 0 10 0
    CHANNELS 5 Yrotation Zposition Xrotation Xposition Zrotation
    JOINT Tip
    {
      OFFSET 0 0 5
      CHANNELS 1 Xrotation
      End Site
      {
        OFFSET 0 2 0
        CHANNELS 1 Zrotation
      }
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.01
"""


def write(tmp_path, text):
    path = tmp_path / "motion.bvh"
    path.write_text(text)
    return path


def test_channels_of_every_kind(tmp_path):
    rows = np.array([[0.5, 0, -1, 30, 40, 50, 10, 7, 20, 8, 60, 15, 5], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]], float)
    bvh = read_bvh(write(tmp_path, SMALL + "\n".join(" ".join(map(str, r)) for r in rows)))
    assert bvh.names == ("Hips", "Slider", "Tip", "Tip End Site")
    turn, place = bvh.world_transforms()
    hips = Rotation.from_euler("ZXY", [30, 40, 50], degrees=True)
    slider = hips * Rotation.from_euler("YXZ", [10, 20, 60], degrees=True)
    np.testing.assert_allclose(place[0, 0], [0.5, 0, -1])
    at = place[0, 0] + hips.apply([8, 10, 7])  # position channels replace x and z of the offset, y stays
    np.testing.assert_allclose(place[0, 1], at)
    at = at + slider.apply([0, 0, 5])
    np.testing.assert_allclose(place[0, 2], at)
    tip = slider * Rotation.from_euler("X", 15, degrees=True)
    np.testing.assert_allclose(place[0, 3], at + tip.apply([0, 2, 0]))
    np.testing.assert_allclose(turn[0, 3], (tip * Rotation.from_euler("Z", 5, degrees=True)).as_matrix(), atol=1e-12)
    np.testing.assert_allclose(place[1], [[0, 0, 0], [0, 10, 0], [0, 10, 5], [0, 12, 5]])
    assert read_bvh(tmp_path / "motion.bvh", first=1).values.shape == (1, 13)


@settings(max_examples=25)
@given(st.permutations("XYZ"), st.integers(0, 2**32 - 1))
def test_rotations_survive_any_channel_order(tmp_path_factory, order, seed):
    rng = np.random.default_rng(seed)
    wanted = {
        n: Rotation.random(3, random_state=rng.integers(1 << 30)).as_matrix() for n in ("pelvis", "l_knee", "head")
    }
    text = person_text(wanted, order="".join(order))
    bvh = read_bvh(write(tmp_path_factory.mktemp("bvh"), text))
    local, _ = bvh.local_transforms()
    for name, joint in (("pelvis", "Hips"), ("l_knee", "LeftLeg"), ("head", "Head")):
        np.testing.assert_allclose(local[:, bvh.names.index(joint)], wanted[name], atol=1e-6)


def test_line_ends_and_marks_of_other_systems(tmp_path):
    path = tmp_path / "windows.bvh"
    path.write_bytes(b"\xef\xbb\xbf" + person_text().replace("\n", "\r\n").encode() + b"\r\n\r\n")
    assert read_bvh(path).num_frames == 2


GOOD = person_text(frames=3)
LINES = GOOD.splitlines()


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "no MOTION"),
        ("junk MOTION", "does not begin with HIERARCHY"),
        (GOOD[: len(GOOD) // 4], "no MOTION"),
        (GOOD[: GOOD.index("MOTION") - 3] + GOOD[GOOD.index("MOTION") :], "never closes"),
        (GOOD.replace("End Site", "Oops", 1), "unexpected 'Oops'"),
        (GOOD.replace("OFFSET", "OFFSET x", 1), "finite number"),
        (GOOD.replace("CHANNELS 3 Zrotation", "CHANNELS 3 Wrotation", 1), "Wrotation"),
        (GOOD.replace("CHANNELS 3 Zrotation", "CHANNELS 3 Xrotation", 1), "different ones"),
        (GOOD.replace("CHANNELS 3", "CHANNELS 9", 1), "0 to 6"),
        (GOOD.replace("JOINT", "ROOT", 1), "out of place"),
        (
            "HIERARCHY ROOT a { OFFSET 0 0 0 CHANNELS 1 Xposition }\nMOTION\nFrames: 1\nFrame Time: 0.01\n0\n",
            "no usable joints",
        ),
        ("HIERARCHY ROOT a { CHANNELS 1 Xrotation }\nMOTION\nFrames: 1\nFrame Time: 0.01\n0\n", "no OFFSET"),
        ("HIERARCHY\nMOTION\nFrames: 1\nFrame Time: 0.01\n0\n", "no usable joints"),
        (GOOD.replace("Frames: 3", "Frames: 0"), "0 frames"),
        (GOOD.replace("Frames: 3", "Frames: 5"), "'Frames: 5' and holds 3"),
        (GOOD.replace("Frames: 3", "Frames: many"), "legible"),
        (GOOD.replace("Frame Time: 0.0083333", "Frame Time: 0"), "frame time of 0 s"),
        (GOOD.replace("Frame Time: 0.0083333", "Frame Time: nan"), "frame time of nan"),
        (GOOD.replace("Frame Time: 0.0083333", "Frame Time: 120"), "frame time of 120 s"),
        (GOOD.rstrip().rsplit(" ", 1)[0], "numbers in frame 2"),
        (GOOD.rstrip() + " 1.0\n", "numbers in frame 2"),
        (GOOD.rstrip().rsplit(" ", 1)[0] + " nan\n", "nan in frame 2"),
        (GOOD.rstrip().rsplit(" ", 1)[0] + " 1,5\n", "no number"),
    ],
)
def test_damaged_files_get_one_message(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(AssetError) as caught:
        read_bvh(path)
    assert message in str(caught.value) and str(path) in str(caught.value) and "Expected" in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(AssetError, match="Cannot read"):
        read_bvh(tmp_path / "none.bvh")

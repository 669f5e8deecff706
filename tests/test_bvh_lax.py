"""BVH files of careless writers: read as the careful one, with a note; what is cut is refused."""

from itertools import pairwise

import numpy as np
import pytest
from bvh_files import person_text
from scipy.spatial.transform import Rotation

from mannequin.generator.errors import AssetError
from mannequin.generator.motion.bvh import read_bvh

GOOD = person_text(frames=3)
KEYWORDS = ("HIERARCHY", "ROOT", "JOINT", "End Site", "OFFSET", "CHANNELS", "MOTION", "Frames", "Frame Time")
LAST = GOOD.rstrip().splitlines()[-1]


def lower_case(text):
    for word in KEYWORDS:
        text = text.replace(word, word.lower())
    return text


def wrapped(text, width=20):
    head, _, body = text.partition("0.0083333\n")
    words = body.split()
    return head + "0.0083333\n" + "\n".join(" ".join(words[k : k + width]) for k in range(0, len(words), width)) + "\n"


def in_numbers(text, change):
    """``change`` applied to the numbers after MOTION."""
    head, mark, body = text.partition("0.0083333\n")
    return head + mark + "\n".join(change(line) for line in body.splitlines()) + "\n"


LAX = {
    "one frame more than stated": (GOOD.replace("Frames: 3", "Frames: 2"), "says 'Frames: 2' and holds 3"),
    "one frame less than stated": (GOOD.replace("Frames: 3", "Frames: 4"), "says 'Frames: 4' and holds 3"),
    "many more than stated": (GOOD.replace("Frames: 3", "Frames: 1"), "says 'Frames: 1' and holds 3"),
    "lower case": (lower_case(GOOD), "keywords in another case"),
    "upper case": (GOOD.replace("End Site", "END SITE"), None),
    "text after the last frame": (GOOD + "# made by hand\nend of file\n", "text after its last frame"),
    "Mac's line ends": (GOOD.replace("\n", "\r"), None),
    "Windows's line ends": (GOOD.replace("\n", "\r\n"), None),
    "braces beside words": (
        GOOD.replace("\n{", "{").replace("{\n", "{ ").replace("JOINT ", "JOINT  "),
        "braces joined",
    ),
    "tabs between numbers": (in_numbers(GOOD, lambda line: line.replace(" ", "\t")), None),
    "commas between numbers": (in_numbers(GOOD, lambda line: line.replace(" ", ",")), "commas"),
    "commas and spaces": (in_numbers(GOOD, lambda line: line.replace(" ", ", ")), "commas"),
    "semicolons": (in_numbers(GOOD, lambda line: line.replace(" ", ";")), "commas or semicolons"),
    "decimal commas": (in_numbers(GOOD, lambda line: line.replace(".", ",")), "commas"),
    "decimal commas everywhere": (GOOD.replace(".", ","), "commas"),
    "commas in offsets": (GOOD.replace("OFFSET 0.000000 0.950000 0.000000", "OFFSET 0.0, 0.95, 0.0"), "commas"),
    "header without spaces": (
        GOOD.replace("Frames: ", "Frames:").replace("Frame Time: ", "FrameTime:"),
        "spelt otherwise",
    ),
    "header without colons": (
        GOOD.replace("Frames:", "Frames").replace("Frame Time:", "Frame Time"),
        "spelt otherwise",
    ),
    "header on one line": (GOOD.replace("Frames: 3\n", "Frames: 3 "), "spelt otherwise"),
    "blank lines": (GOOD.replace("\n", "\n\n"), None),
    "spaces at the ends": (GOOD.replace("\n", "  \n"), None),
    "mark of UTF-8": ("\ufeff" + GOOD, None),
    "names of End Sites": (GOOD.replace("End Site", "End Site tip"), None),
    "comments": (GOOD.replace("HIERARCHY\n", "# of somebody\nHIERARCHY\n// more\n"), "comments"),
    "text before": ("Exported by somebody\n" + GOOD, "text before HIERARCHY"),
    "frames over several lines": (wrapped(GOOD), "broken over several lines"),
    "no last line end": (GOOD.rstrip(), None),
}


@pytest.mark.parametrize("kind", LAX)
def test_careless_files(tmp_path, kind):
    text, note = LAX[kind]
    (tmp_path / "good.bvh").write_text(GOOD)
    good = read_bvh(tmp_path / "good.bvh")
    path = tmp_path / "lax.bvh"
    path.write_bytes(text.encode())
    lax = read_bvh(path)
    assert lax.names == good.names and lax.channels == good.channels and np.array_equal(lax.parents, good.parents)
    np.testing.assert_array_equal(lax.values, good.values)
    np.testing.assert_array_equal(lax.offsets, good.offsets)
    assert lax.frame_time == good.frame_time and lax.held_frames == 3 and not good.notes
    assert not lax.notes if note is None else any(note in told for told in lax.notes)
    assert read_bvh(path, first=2).held_frames == 3 and read_bvh(path, first=2).num_frames == 2


def test_utf16(tmp_path):
    path = tmp_path / "lax.bvh"
    path.write_bytes(GOOD.encode("utf-16"))
    assert read_bvh(path).num_frames == 3 and read_bvh(path).notes == ("is written in UTF-16",)


def everywhere(text):
    """``text`` with six channels at every joint, as MotionBuilder writes them: places are the offsets."""
    lines, offsets, counts = text.splitlines(), [], []
    for line, after in pairwise(lines):
        if "OFFSET" in line and "CHANNELS" in after:
            offsets.append(line.split("OFFSET")[1].strip())
            counts.append(int(after.split()[1]))
    spread = []
    for numbers in text.partition("0.0083333\n")[2].splitlines():
        values, row = numbers.split(), []
        for offset, count in zip(offsets, counts):
            row += [offset] * (count == 3) + values[:count]
            values = values[count:]
        spread.append(" ".join(row))
    head = text[: text.index("0.0083333\n")].replace("CHANNELS 3 ", "CHANNELS 6 Xposition Yposition Zposition ")
    return head + "0.0083333\n" + "\n".join(spread) + "\n"


def test_six_channels_at_every_joint(tmp_path):
    """A joint's place in the frames stands for its offset; it is not added to it."""
    text = person_text({"l_knee": Rotation.random(3, random_state=1).as_matrix()})
    (tmp_path / "good.bvh").write_text(text)
    (tmp_path / "six.bvh").write_text(everywhere(text))
    good, six = (read_bvh(tmp_path / name).world_transforms() for name in ("good.bvh", "six.bvh"))
    assert "CHANNELS 3" not in (tmp_path / "six.bvh").read_text()
    for a, b in zip(good, six):
        np.testing.assert_allclose(a, b, atol=1e-9)


@pytest.mark.parametrize("coding", ["utf-8", "shift_jis", "gb18030"])
def test_names_in_other_alphabets(tmp_path, coding):
    (tmp_path / "good.bvh").write_text(GOOD)
    path = tmp_path / "lax.bvh"
    path.write_bytes(GOOD.replace("JOINT LeftUpLeg", "JOINT 左腿").encode(coding))
    good, named = read_bvh(tmp_path / "good.bvh"), read_bvh(path)
    np.testing.assert_array_equal(named.values, good.values)
    assert len(set(named.names)) == len(good.names)
    assert sum(a != b for a, b in zip(named.names, good.names)) == 1


def test_joints_called_motion(tmp_path):
    path = tmp_path / "lax.bvh"
    path.write_text(
        GOOD.replace("ROOT Hips", "ROOT LOCOMOTION MOTION").replace("JOINT Spine\n", "JOINT motion frame\n")
    )
    assert read_bvh(path).names[:2] == ("LOCOMOTION MOTION", "motion frame")


def test_several_roots(tmp_path):
    """The skeleton of most joints is read, and told."""
    prop = "ROOT Camera\n{\nOFFSET 0 0 0\nCHANNELS 3 Zrotation Xrotation Yrotation\n}\n"
    for text, shift in (
        (GOOD.replace("ROOT", prop + "ROOT"), lambda line: "1 2 3 " + line),
        (GOOD.replace("MOTION", prop + "MOTION"), lambda line: line + " 1 2 3"),
    ):
        path = tmp_path / "two.bvh"
        path.write_text(in_numbers(text, shift))
        (tmp_path / "good.bvh").write_text(GOOD)
        good, two = read_bvh(tmp_path / "good.bvh"), read_bvh(path)
        assert two.names == good.names and np.array_equal(two.parents, good.parents)
        np.testing.assert_array_equal(two.values, good.values)
        assert two.notes == ("has 2 ROOTs; 'Hips', of most joints, is read, not 'Camera'",)


@pytest.mark.parametrize(
    "text, message",
    [
        (GOOD.replace("Frames: 3", "Frames: 5"), "'Frames: 5' and holds 3"),
        (GOOD.rstrip().rsplit(" ", 1)[0], "numbers in frame 2"),
        (GOOD.rstrip()[: -len(LAST) // 2], "numbers in frame 2"),
        (GOOD.replace("0.0083333\n", "0.0083333\nhere they come\n"), "text among its frames"),
        (in_numbers(GOOD, lambda line: line.replace(" ", " ,, ", 1) + " x"), "numbers in frame 0"),
        (GOOD.replace("OFFSET 0.000000 0.950000 0.000000", "OFFSET 0.0, 0.95"), "Expected 3 numbers"),
    ],
)
def test_what_is_cut_is_refused(tmp_path, text, message):
    path = tmp_path / "cut.bvh"
    path.write_text(text)
    with pytest.raises(AssetError, match=message):
        read_bvh(path)

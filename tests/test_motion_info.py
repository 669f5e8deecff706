"""``mannequin info`` of motions: what was taken for what, notes, pictures, maps of joints."""

import json

import numpy as np
import pytest
from bvh_files import PERSON, person_text
from PIL import Image
from rigs import numbered, without_toes
from schemes import SCHEMES
from test_retarget import squats

from mannequin.cli.main import main
from mannequin.cli.motion_info import LEFT, RIGHT, describe_motion, draw_motion
from mannequin.generator.catalog import Assets, Catalog
from mannequin.generator.motion.finding import find_motions
from mannequin.generator.motion.procedural import ACTIONS


@pytest.fixture
def walk(tmp_path):
    rotations, path = squats(20)
    (tmp_path / "walk.bvh").write_text(
        person_text(rotations, path, naming=SCHEMES["VRM"]).replace("Frames: 20", "Frames: 19")
    )
    return tmp_path / "walk.bvh"


def run(*words):
    with pytest.raises(SystemExit) as end:
        main([*map(str, words)])
    return end.value.code


def test_what_is_told(walk, capsys):
    assert run("info", walk) == 0
    told = capsys.readouterr().out
    assert "J_Bip_L_UpperLeg" in told and "left hip" in told and "up: y (clear)" in told and "metres" in told
    assert told.count("says 'Frames: 19' and holds 20") == 1 and "by toes" in told


def test_what_json_holds(walk, capsys):
    assert run("info", walk, "--json") == 0
    (facts,) = json.loads(capsys.readouterr().out)
    assert facts["frames"] == 20 and facts["rate"] == 120 and facts["duration"] == pytest.approx(19 / 120)
    rows = {row["role"]: row for row in facts["joints"]}
    assert rows["right knee"]["joint"] == "J_Bip_R_LowerLeg" and rows["right knee"]["confidence"] == "100%"
    assert facts["forward"].startswith("+Z") and facts["notes"] == [
        "says 'Frames: 19' and holds 20, all of which are read"
    ]


def test_picture(walk, tmp_path, capsys):
    assert run("info", walk, "--picture", tmp_path / "walk.png") == 0
    picture = np.array(Image.open(tmp_path / "walk.png"))
    capsys.readouterr()
    (motion,) = find_motions(walk)
    assert np.array_equal(picture, draw_motion(motion))
    first = picture[: len(picture) // 2, : picture.shape[1] // 8].astype(int)
    at = {
        k: np.argwhere(np.abs(first - colour).max(-1) < 8).mean(0) for k, colour in (("left", LEFT), ("right", RIGHT))
    }
    assert at["left"][1] > at["right"][1] + 20  # seen from the front
    assert run("info", walk, "--picture", tmp_path / "walk.gif") == 2


def test_any_motion_is_drawn():
    motion = Catalog(Assets()).motion(f"action/{next(iter(ACTIONS))}")
    assert draw_motion(motion).std() > 5 and describe_motion(motion)["frames"] is None


def test_template_and_map(tmp_path, capsys):
    """A skeleton that nothing tells left from right of: refused, mapped, and read the same by generate's assets."""
    places = without_toes(PERSON)
    names = numbered(places)
    path, table = tmp_path / "still.bvh", tmp_path / "map.json"
    path.write_text(person_text(naming=names, places=places))
    assert run("info", path) == 2
    assert "does not tell left from right" in capsys.readouterr().err
    table.write_text(json.dumps({"left_hip": names["l_hip"], "right_hip": names["r_hip"]}))
    assert run("info", path, "--joint-map", table, "--joint-map-template") == 0
    whole = json.loads(capsys.readouterr().out)
    assert whole["left_wrist"] == names["l_wrist"] and whole["left_toe"] is None
    table.write_text(json.dumps(whole))
    catalog = Catalog(Assets(motion=(str(path),), joint_map=str(table)))
    assert catalog.motions == ("still",) and catalog.motion("still").sample(np.zeros(1), _skeleton(), {}).pose.shape
    assert run("info", path, "--joint-map", tmp_path / "none.json") == 2
    table.write_text(json.dumps({"head": "Heads"}))
    assert run("info", path, "--joint-map", table) == 2
    assert "no joint of that name" in capsys.readouterr().err


def _skeleton():
    from mannequin.generator.body.builtin import load_builtin
    from mannequin.generator.body.lbs import make_skeleton

    return make_skeleton(load_builtin("female", 24))


def test_a_map_is_recorded_with_its_place(tmp_path, monkeypatch):
    (tmp_path / "map.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert Assets(joint_map="map.json").located().joint_map == str(tmp_path / "map.json")


@pytest.mark.slow
def test_generate_says_it_once(walk, tmp_path, capsys):
    words = ("--renderer", "raster", "--size", "32", "32", "--clips", "1", "--frames", "2", "--outputs", "segm")
    assert run("generate", tmp_path / "out", *words, "--motion", walk) == 0
    assert capsys.readouterr().err.count("walk: says 'Frames: 19' and holds 20") == 1

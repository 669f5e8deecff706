"""``mannequin info`` of any file: what it is taken for, and what is doubtful."""

import json
import shlex

import cv2
import numpy as np
import pytest
from bvh_files import person_text
from PIL import Image


def told(run, path) -> dict:
    status, said, message = run("info", path, "--json")
    assert status == 0, message
    return json.loads(said)


def test_every_kind_is_recognised(run, tmp_path):
    Image.new("RGB", (16, 16)).save(tmp_path / "skin_female.png")
    cv2.imwrite(str(tmp_path / "sky.hdr"), np.full((4, 8, 3), 2, np.float32))
    camera = {"K": np.diag([80.0, 80, 1]), "size": [48, 64], "R": np.eye(3), "t": np.zeros(3)}
    np.savez(tmp_path / "camera.npz", **camera)
    plain = {name: np.array(value).tolist() for name, value in camera.items()}
    (tmp_path / "camera.json").write_text(json.dumps(plain))
    (tmp_path / "camera.yaml").write_text("\n".join(f"{name}: {value}" for name, value in plain.items()))
    image = told(run, tmp_path / "skin_female.png")
    assert (image["taken_for"], image["texture_for"]) == ("an image", "female")
    assert "one colour" in image["doubtful"][0]
    assert told(run, tmp_path / "sky.hdr")["taken_for"] == "an equirectangular environment image"
    for suffix in ("npz", "json", "yaml"):
        assert told(run, tmp_path / f"camera.{suffix}")["taken_for"] == "a camera"


def test_folders_say_what_is_left_out_and_why(run, tmp_path):
    (tmp_path / "good.bvh").write_text(person_text())
    (tmp_path / "cut.npz").write_bytes(b"PK")
    (tmp_path / "dance.fbx").touch()
    facts = told(run, tmp_path)
    assert facts["names"] == ["good"] and "cut.npz" in facts["left_out"][0]
    (tmp_path / "run").mkdir()
    for name in ("config.json", "checkpoints"):
        (tmp_path / "run" / name).touch()
    assert told(run, tmp_path / "run")["taken_for"] == "a training run"


@pytest.mark.parametrize("name", ["notes.md", "a.json", "model.fbx", "plain"])
def test_what_is_nothing_known_is_told_with_the_kinds(run, tmp_path, name):
    (tmp_path / name).write_text("{}")
    status, _, message = run("info", tmp_path / name)
    assert status == 2 and "nothing that Mannequin knows" in message and "a motion (.bvh, .npz)" in message


def test_commands_that_are_printed_can_be_copied(run, tmp_path):
    gone = tmp_path / "it's gone; rm -rf x"
    status, _, message = run("info", gone)
    assert status == 2 and shlex.split(message.split("dataset: ")[1].strip()) == ["mannequin", "generate", str(gone)]

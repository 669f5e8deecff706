"""Calibrations as OpenCV, ROS and people write them: the same camera, or a message that names the field."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from mannequin.generator.errors import AssetError, MannequinError
from mannequin.generator.rigs.calibration import describe_camera, read_camera

K = [[80.0, 0, 32], [0, 80.0, 24], [0, 0, 1]]
RVEC = [0.1, -0.2, 0.3]
R = cv2.Rodrigues(np.array(RVEC))[0].tolist()
D = [-0.2, 0.05, 0.001, -0.001, 0.01]
PLAIN = {"size": [48, 64], "K": K, "R": R, "t": [0.5, 0.9, 4.0], "distortion": D}


def put(path: Path, held) -> Path:
    path.write_text(held if isinstance(held, str) else json.dumps(held))
    return path


def check(path: Path) -> None:
    """That a file gives the camera of PLAIN."""
    camera, size = read_camera(path, 1)
    assert size == (48, 64) and (camera.fx, camera.fy, camera.cx, camera.cy) == (80, 80, 32, 24)
    assert camera.distortion[:5] == pytest.approx(D, abs=1e-12)
    pose = np.linalg.inv(np.array(camera.T_world_camera[0]))
    np.testing.assert_allclose(pose[:3], np.column_stack([R, PLAIN["t"]]), atol=1e-9)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"distortion": [D]},
        {"distortion": [[v] for v in D]},
        {"distortion": [*D, 0, 0, 0, 0, 0, 0, 0]},
        {"distortion": None, "dist_coeffs": D},
        {"distortion": None, "D": [D]},
        {"K": [v for row in K for v in row]},
        {"K": None, "camera_matrix": K},
        {"K": None, "mtx": K},
        {"K": None, "fx": 80, "fy": 80, "cx": 32, "cy": [24]},
        {"R": None, "rvec": RVEC},
        {"R": None, "rvecs": [[[v] for v in RVEC]]},
        {"R": [R], "t": [[0.5], [0.9], [4.0]]},
        {"t": None, "tvec": [[0.5, 0.9, 4.0]]},
        {"size": None, "width": 64, "height": 48},
        {"size": None, "image_width": 64, "image_height": 48},
        {"K": None, "camera_matrix": {"rows": 3, "cols": 3, "data": [v for row in K for v in row]}},
    ],
)
def test_the_same_camera_in_other_words(tmp_path, changed):
    held = {key: value for key, value in (PLAIN | changed).items() if value is not None}
    check(put(tmp_path / "c.json", held))
    np.savez(
        tmp_path / "c.npz",
        **{k: np.array(v["data"]).reshape(3, 3) if isinstance(v, dict) else v for k, v in held.items()},
    )
    check(tmp_path / "c.npz")


@pytest.mark.parametrize("suffix", ["yml", "yaml", "json"])
def test_opencvs_file_storage(tmp_path, suffix):
    path = tmp_path / f"c.{suffix}"
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    storage.write("image_width", 64)
    storage.write("image_height", 48)
    for name, values in (("camera_matrix", K), ("distortion_coefficients", [D]), ("rvec", RVEC), ("tvec", PLAIN["t"])):
        storage.write(name, np.array(values, float))
    storage.write("calibration_time", "today")
    storage.release()
    check(path)


def test_ros_camera_info(tmp_path):
    lines = ["image_width: 64", "image_height: 48", "camera_name: left  # a comment", "distortion_model: plumb_bob"]
    for name, rows, values in (("camera_matrix", 3, [v for row in K for v in row]), ("distortion_coefficients", 1, D)):
        lines += [f"{name}:", f"  rows: {rows}", f"  cols: {len(values) // rows}", f"  data: {values}"]
    check(put(tmp_path / "c.yaml", "\n".join([*lines, f"rvec: {RVEC}", f"tvec: {PLAIN['t']}"])))
    fisheye = "\n".join(lines).replace("plumb_bob", "equidistant")
    with pytest.raises(MannequinError, match="equidistant"):
        read_camera(put(tmp_path / "f.yaml", f"{fisheye}\nrvec: {RVEC}\ntvec: {PLAIN['t']}"), 1)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"K": [[1, 2], [3, 4]]}, r"'K' of shape \(2, 2\); expected \(3, 3\)"),
        ({"K": "text"}, "field 'K' that is no array of numbers"),
        ({"K": None}, "no camera matrix.*It has: size, R"),
        ({"distortion": [1, 2]}, r"'distortion' of shape \(2,\); expected 4, 5 or 8"),
        ({"distortion": [[1, 2], [3, 4]]}, r"'distortion' of shape \(2, 2\)"),
        ({"distortion": [*D, 0, 0, 0, 1, 0, 0, 0]}, r"shape \(12,\)"),
        ({"R": None}, "says nothing of where it stands"),
        ({"R": RVEC}, "'R' of 3 numbers; expected 3 × 3. Call a rotation vector rvec"),
        ({"t": [1, 2]}, r"'t' of shape \(2,\); expected \(3,\)"),
        ({"t": None}, "no translation"),
        ({"size": None}, "how large its images are; expected size"),
        ({"size": None, "image_size": [64, 48]}, "'image_size' does not say which"),
        ({"size": [48]}, r"'size' of shape"),
        ({"size": [48.5, 64]}, "48.5"),
        ({"R": None, "t": None, "T_world_camera": [1, 2, 3]}, r"'T_world_camera' of shape \(3,\)"),
    ],
)
def test_messages_name_the_field(tmp_path, changed, says):
    held = {key: value for key, value in (PLAIN | changed).items() if value is not None}
    with pytest.raises(MannequinError, match=says):
        read_camera(put(tmp_path / "c.json", held), 1)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [1, 1]\nb: &b [*a, *a]\nK: [*b, *b]",
        "K: !!python/object/apply:os.system ['touch hacked']",
        "K: [1, 2",
        "- 1\n- 2",
        "[" * 5000,
        "\x00",
        "",
    ],
)
def test_hostile_yaml(tmp_path, text, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MannequinError):
        read_camera(put(tmp_path / "c.yaml", text), 1)
    assert not (tmp_path / "hacked").exists()


def test_what_is_doubtful_is_told(tmp_path):
    told = describe_camera(put(tmp_path / "c.json", PLAIN | {"t": [0, 900, 4000]}))
    assert told["fields"]["K"] == "K" and "millimetres" in told["notes"][0] and told["poses"] == 1
    with pytest.raises(AssetError, match="is XML"):
        describe_camera(put(tmp_path / "c.xml", "<opencv_storage/>"))

"""Labels of real footage, against OpenCV."""

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from fakes import fake_smpl_pkl, fake_smplh_npz

from mannequin.cli.main import main
from mannequin.generator.body.builtin import load_builtin
from mannequin.generator.body.lbs import pose_body
from mannequin.generator.dataset.folder import open_dataset
from mannequin.generator.errors import AssetError, ConfigError
from mannequin.generator.rigs.calibration import read_camera
from mannequin.renderers.footage import label_footage, read_parameters
from mannequin.renderers.frames import read_images
from mannequin.renderers.validation.validate import validate

EXAMPLE = json.loads(
    re.search(
        r"```json\n(.*?)```", (Path(__file__).parents[1] / "docs/footage.md").read_text("utf-8"), re.DOTALL
    ).group(1)
)
FRAMES = 3


def parameters(width=72, frames=FRAMES, seed=0):
    """Somebody who swings limbs and drifts, facing +Z in a Y-up world."""
    rng, t = np.random.default_rng(seed), np.arange(frames)[:, None]
    poses = 0.15 * rng.standard_normal(width) * np.sin(0.3 * t + rng.uniform(0, 6, width))
    return {"poses": poses, "trans": t * (0.02, 0.0, 0.01) + (0.0, 0.95, 0.0), "betas": rng.normal(0, 0.5, 10)}


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


def camera_file(path, **changes):
    path.write_text(json.dumps({k: v for k, v in (EXAMPLE | changes).items() if v is not None}))
    return path


def labelled(tmp_path, width=72, joints=24, **changes):
    """(clip, parameters, model) of the example camera with ``changes``."""
    fit = read_parameters(save(tmp_path / "fit.npz", **parameters(width)))
    camera, size = read_camera(camera_file(tmp_path / "camera.json", **changes), FRAMES)
    model = load_builtin("neutral", joints)
    return label_footage(model, fit, camera, size, "fit", 25.0), fit, model


def opencv(points, frame=0, **changes):
    held = EXAMPLE | changes
    R, at = np.reshape(held["R"], (-1, 3, 3)), np.reshape(held["t"], (-1, 3))
    distortion = np.array(held.get("distortion") or np.zeros(4))
    return cv2.projectPoints(
        points.astype(float), cv2.Rodrigues(R[frame % len(R)])[0], at[frame % len(at)], np.array(held["K"]), distortion
    )[0][:, 0]


LENSES = (None, [-0.2, 0.05, 0.001, -0.001], EXAMPLE["distortion"], [0.1, 0.02, 0.001, 0.002, 0.01, 0.05, 0.01, 0.002])


@pytest.mark.parametrize("distortion", LENSES)
@pytest.mark.parametrize("width, joints", [(72, 24), (156, 52), (165, 52)])
def test_joints_are_where_opencv_projects_them(tmp_path, distortion, width, joints):
    clip, _, _ = labelled(tmp_path, width, joints, distortion=distortion)
    person, track = clip.views["camera0"].people["person0"], clip.people["person0"]
    for t in range(FRAMES):
        assert person.in_frame[t].all()
        np.testing.assert_allclose(person.joints2d[t], opencv(track.joints[t], distortion=distortion), atol=1e-3)


@pytest.mark.parametrize("distortion", LENSES[::2])
def test_silhouette_is_that_of_the_projected_triangles(tmp_path, distortion):
    """Filled by OpenCV in a picture of 8 × 8 points per pixel, where its outlines are a point or two too wide."""
    clip, fit, model = labelled(tmp_path, distortion=distortion)
    fine, middle = 8, slice(4, None, 8)  # of the points, number 4 is at a pixel's centre
    for t in range(FRAMES):
        vertices = pose_body(model, fit.pose[t : t + 1], fit.betas, fit.transl[t : t + 1]).vertices[0]
        image = np.round(opencv(vertices, distortion=distortion) * fine * 16).astype(np.int32)
        drawn, mask = np.zeros(np.array(EXAMPLE["size"]) * fine, np.uint8), clip.views["camera0"].labels.mask(t)
        for triangle in image[model.topology.faces]:
            cv2.fillConvexPoly(drawn, triangle, 1, shift=4)
        sure = cv2.erode(drawn, np.ones((7, 7), np.uint8))
        assert mask.sum() > 2000
        assert not (mask & (drawn[middle, middle] == 0)).any()
        assert not ((sure[middle, middle] == 1) & ~mask).any()


def test_depth_is_that_of_the_body(tmp_path):
    clip, fit, model = labelled(tmp_path)
    z = pose_body(model, fit.pose, fit.betas, fit.transl).vertices @ np.array(EXAMPLE["R"])[2] + EXAMPLE["t"][2]
    depth = clip.views["camera0"].labels.values["depth"]
    assert z.min() - 1e-3 <= depth.min() and depth.max() <= z.max()
    assert depth.min() == pytest.approx(z.min(), abs=0.02)


def test_opencv_extrinsics_equal_T_world_camera(tmp_path):
    R, t = cv2.Rodrigues(np.array([2.8, 0.2, -0.1]))[0], np.array([0.1, 0.9, 4.2])
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = R.T, -R.T @ t
    one, _ = read_camera(camera_file(tmp_path / "a.json", R=R.tolist(), t=t.tolist()), FRAMES)
    other, _ = read_camera(camera_file(tmp_path / "b.json", R=None, t=None, T_world_camera=pose.tolist()), FRAMES)
    np.testing.assert_allclose(one.T_world_camera, other.T_world_camera, atol=1e-12)


def test_a_moving_camera_has_a_pose_per_frame(tmp_path):
    moves = {"R": [EXAMPLE["R"]] * FRAMES, "t": [[0.05 * k, 0.9, 4.0 + 0.1 * k] for k in range(FRAMES)]}
    clip, _, _ = labelled(tmp_path, **moves)
    person, track = clip.views["camera0"].people["person0"], clip.people["person0"]
    for t in range(FRAMES):
        np.testing.assert_allclose(person.joints2d[t], opencv(track.joints[t], t, **moves), atol=1e-3)
    shared, _ = read_camera(camera_file(tmp_path / "c.json", t=moves["t"]), FRAMES)
    np.testing.assert_array_equal(shared.T_world_camera, clip.views["camera0"].T_world_camera)


def test_rounded_rotations_are_made_exact(tmp_path):
    R = cv2.Rodrigues(np.array([2.8, 0.2, -0.1]))[0].round(4).tolist()
    camera, _ = read_camera(camera_file(tmp_path / "camera.json", R=R), FRAMES)
    rotation = np.array(camera.T_world_camera[0])[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(rotation.T, R, atol=1e-4)


@pytest.mark.parametrize(
    "changes, error, said",
    [
        ({"R": (np.array(EXAMPLE["R"]) * [[-1], [1], [1]]).tolist()}, ConfigError, "determinant"),
        ({"R": (1.01 * np.array(EXAMPLE["R"])).tolist()}, ConfigError, "orthonormal"),
        ({"K": [[400.0, 2.0, 160.0], [0, 400.0, 120.0], [0, 0, 1]]}, ConfigError, "skew"),
        ({"K": [[400.0, 0, 160.0], [0, 400.0, 120.0], [0, 0, 2]]}, ConfigError, "fx, 0, cx"),
        ({"K": [[400.0, 0], [0, 400.0]]}, AssetError, "K"),
        ({"K": None}, AssetError, "K"),
        ({"size": None}, AssetError, "size"),
        ({"size": [240]}, AssetError, "size"),
        ({"t": None}, AssetError, "no translation; expected t"),
        ({"t": [float("nan"), 0, 4]}, AssetError, "NaN"),
        ({"R": [EXAMPLE["R"]] * 2}, ConfigError, "2 poses for 3 frames"),
        ({"R": [EXAMPLE["R"]] * 3, "t": [EXAMPLE["t"]] * 2}, AssetError, "3 rotations and 2 translations"),
        ({"R": None, "T_world_camera": np.full((4, 4), 1.0).tolist()}, AssetError, "last row"),
    ],
)  # fmt: skip
def test_impossible_cameras_are_refused(tmp_path, changes, error, said):
    with pytest.raises(error, match=said):
        read_camera(camera_file(tmp_path / "camera.json", **changes), FRAMES)


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"poses": np.zeros((3, 71))}, "72"),
        ({"poses": np.zeros((0, 72)), "trans": np.zeros((0, 3))}, "poses"),
        ({"poses": np.zeros(72)}, "poses"),
        ({"poses": np.full((3, 72), np.nan)}, "finite"),
        ({"poses": np.full((3, 72), "x")}, "poses"),
        ({"trans": np.zeros((2, 3))}, "trans"),
        ({"betas": np.zeros((2, 10))}, "betas"),
        ({"trans": None}, "no translation"),
    ],
)
def test_impossible_parameters_are_refused(tmp_path, changes, said):
    held = {k: v for k, v in (parameters() | changes).items() if v is not None}
    with pytest.raises(AssetError, match=said):
        read_parameters(save(tmp_path / "fit.npz", **held))


def test_betas_of_every_frame_are_averaged_and_too_many_refused(tmp_path):
    held = parameters()
    rows = np.stack([held["betas"] * k for k in (0.5, 1.0, 1.5)])
    fit = read_parameters(save(tmp_path / "fit.npz", **(held | {"betas": rows})))
    np.testing.assert_allclose(fit.betas, held["betas"])
    fit = read_parameters(save(tmp_path / "fit.npz", **(held | {"betas": np.ones(400)})))
    camera, size = read_camera(camera_file(tmp_path / "camera.json"), FRAMES)
    with pytest.raises(ConfigError, match="400 betas"):
        label_footage(load_builtin("neutral"), fit, camera, size, "fit", 25.0)


# Command line


def run(capsys, *args):
    with pytest.raises(SystemExit) as stopped:
        main([str(a) for a in args])
    return stopped.value.code, " ".join(capsys.readouterr().err.split())


def footage(folder, count=FRAMES, size=(240, 320)):
    folder.mkdir()
    ramp = np.linspace(0, 200, size[1]).astype(np.uint8)
    frames = [
        np.broadcast_to(np.stack([ramp, ramp // 2, np.full_like(ramp, 40 * t)], -1), (*size, 3)).copy()
        for t in range(count)
    ]
    for t, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"{t:03d}.png"), frame[..., ::-1])
    return folder, frames


@pytest.mark.blender
def test_label_then_validate(tmp_path, capsys):
    images, frames = footage(tmp_path / "images")
    fit, camera = save(tmp_path / "fit.npz", **parameters()), camera_file(tmp_path / "camera.json")
    status, said = run(capsys, "label", fit, tmp_path / "out", "--camera", camera, "--images", images)
    assert (status, said) == (0, "")
    clip = open_dataset(tmp_path / "out").read(0)
    assert np.abs(clip.views["camera0"].rgb.astype(int) - np.stack(frames)).max() < 12  # JPEG
    report = validate(tmp_path / "out")
    assert report.failed == []
    assert (
        "footage" in " ".join(report.notes)
        and report.rows["flow along rays"].ok
        and report.rows["parameters give the joints"].ok
    )
    assert "people rendered again" not in report.rows


@pytest.mark.blender
def test_validate_says_what_it_cannot_check_once_the_body_is_gone(tmp_path, capsys):
    body = fake_smpl_pkl(tmp_path / "SMPL_NEUTRAL.pkl")
    fit, camera = save(tmp_path / "fit.npz", **parameters()), camera_file(tmp_path / "camera.json")
    assert run(capsys, "label", fit, tmp_path / "out", "--camera", camera, "--body", body)[0] == 0
    assert validate(tmp_path / "out").failed == []
    body.unlink()
    report = validate(tmp_path / "out")
    assert report.failed == ["clips can be posed again"] and "joints in the image" in report.rows


def test_bodies_of_files(tmp_path, capsys):
    camera = camera_file(tmp_path / "camera.json")
    smpl, smplh = fake_smpl_pkl(tmp_path / "SMPL_FEMALE.pkl"), fake_smplh_npz(tmp_path / "SMPLH_MALE.npz")
    wide = save(tmp_path / "wide.npz", **parameters(156))
    status, said = run(capsys, "label", wide, tmp_path / "a", "--camera", camera, "--body", smpl)
    assert status == 2 and "24 joints" in said
    assert run(capsys, "label", wide, tmp_path / "b", "--camera", camera, "--body", smplh) == (0, "")
    assert open_dataset(tmp_path / "b").read(0).people["person0"].joints.shape == (FRAMES, 52, 3)


def test_video_frames_are_read_in_order(tmp_path):
    path = tmp_path / "video.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25.0, (64, 48))
    for t in range(4):
        writer.write(np.full((48, 64, 3), (10, 20, 60 * t), np.uint8))
    writer.release()
    assert np.abs(read_images(path, 4).astype(int) - [[[[60 * t, 20, 10]]] for t in range(4)]).max() < 8
    for count in (3, 5):
        with pytest.raises(AssetError, match=f"{count} frames"):
            read_images(path, count)


@pytest.mark.parametrize(
    "count, size, said",
    [(2, (240, 320), "holds 2 images"), (4, (240, 320), "holds more images"), (3, (120, 160), "160 x 120")],
)
def test_wrong_images_are_refused_before_anything_is_written(tmp_path, capsys, count, size, said):
    images, _ = footage(tmp_path / "images", count, size)
    fit, camera = save(tmp_path / "fit.npz", **parameters()), camera_file(tmp_path / "camera.json")
    status, message = run(capsys, "label", fit, tmp_path / "out", "--camera", camera, "--images", images)
    assert status == 2 and said in message and message.count("mannequin:") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "broken, said",
    [
        ("camera", "is not JSON"),
        ("fit", "fit.npz"),
        ("no camera", "no camera file"),
        ("no fit", "no parameter file"),
        ("no images", "no video or folder"),
        ("distortion", "distortion"),
        ("list", "camera"),
    ],
)
def test_mistakes_give_one_message_and_status_2(tmp_path, capsys, broken, said):
    fit, camera = save(tmp_path / "fit.npz", **parameters()), camera_file(tmp_path / "camera.json")
    extra = []
    if broken == "camera":
        camera.write_text("{size: 3")
    elif broken == "list":
        camera.write_text("[1, 2]")
    elif broken == "fit":
        fit.write_bytes(b"no zip")
    elif broken == "distortion":
        camera_file(camera, distortion=[0.1, 0.2, 0.3])
    elif broken == "no images":
        extra = ["--images", tmp_path / "none.mp4"]
    else:
        (camera if broken == "no camera" else fit).unlink()
    status, message = run(capsys, "label", fit, tmp_path / "out", "--camera", camera, *extra)
    assert status == 2 and said in message and message.count("mannequin:") == 1, message
    assert not (tmp_path / "out").exists()

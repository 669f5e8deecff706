"""Where the cameras of a rig stand and how they move, against formulas."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from mannequin.generator.cameras import camera_track, project, to_camera
from mannequin.generator.config import SampleConfig
from mannequin.generator.errors import AssetError, ConfigError
from mannequin.generator.rigs.calibrated import calibrated_cameras
from mannequin.generator.rigs.layouts import Stand
from mannequin.generator.rigs.names import Rig, parse_rig
from mannequin.generator.rigs.sampling import MOVEMENTS, sample_cameras
from mannequin.generator.sampling import resolve

FRAMES = 31
STAND = Stand(np.array([4.0, 0.0, 1.6]), np.array([0.0, 0.0, 1.0]), 600.0)


def walking(frames=FRAMES, speed=0.0):
    """(T + 2, 24, 3) joints of somebody upright at the origin at frame 0, who walks along Y."""
    rng = np.random.default_rng(0)
    shape = rng.uniform((-0.3, -0.3, 0.0), (0.3, 0.3, 1.75), (24, 3))
    shape[0] = 0.0, 0.0, 0.95
    return shape + np.arange(-1, frames + 1)[:, None, None] / 30.0 * np.array([0.0, speed, 0.0])


def cameras_of(cameras="fixed", motion="still", seed=0, joints=None, keep=False, frames=FRAMES, stand=STAND):
    config = resolve(SampleConfig(frames=frames, cameras=cameras, camera_motion=motion, keep_in_frame=keep))
    rng = lambda factor: np.random.default_rng([seed, *factor.encode()])  # noqa: E731
    person = SimpleNamespace(pose=None, joints=walking(frames) if joints is None else joints)
    found, tags = sample_cameras(config, rng, stand, [person])
    assert tags == {k: v for k, v in (("rig", cameras), ("camera_motion", motion)) if v not in ("fixed", "still")}
    return found


def eyes(camera):
    return np.array(camera.T_world_camera)[:, :3, 3]


def looks(camera):
    return np.array(camera.T_world_camera)[:, :3, 2]


def test_a_fixed_camera_is_the_presets():
    (camera,) = cameras_of()
    assert camera.name == "camera0" and len(camera.T_world_camera) == 1 and camera.zoom == ()
    np.testing.assert_array_equal(eyes(camera)[0], STAND.position)
    towards = STAND.target - STAND.position
    np.testing.assert_allclose(looks(camera)[0], towards / np.linalg.norm(towards), atol=1e-12)


@pytest.mark.parametrize("count", [2, 8])
def test_a_ring_stands_at_even_angles(count):
    found = cameras_of(f"ring:{count}")
    assert [c.name for c in found] == [f"camera{i}" for i in range(count)]
    for i, camera in enumerate(found):
        angle = 2 * np.pi * i / count
        np.testing.assert_allclose(eyes(camera)[0], (4 * np.cos(angle), 4 * np.sin(angle), 1.6), atol=1e-12)
        assert abs(looks(camera)[0] @ (np.cos(angle), np.sin(angle), 0)) > 0.9


def test_a_sphere_is_even_and_above_the_ground():
    eye = np.array([eyes(c)[0] for c in cameras_of("sphere:40")]) - STAND.target
    distance = np.linalg.norm(eye, axis=1)
    np.testing.assert_allclose(distance, np.linalg.norm(STAND.position - STAND.target))
    elevation = np.degrees(np.arcsin(eye[:, 2] / distance))
    assert 4 < elevation.min() < 10 and 65 < elevation.max() < 76
    apart = np.linalg.norm(eye[:, None] - eye[None], axis=2) + 100 * np.eye(40)
    assert apart.min(axis=1).max() < 1.8 * apart.min(axis=1).min() + 0.2  # nobody crowds, nobody is left alone


def test_a_stereo_pair_has_parallel_axes():
    left, right = cameras_of("stereo:0.1")
    step = eyes(right)[0] - eyes(left)[0]
    T = np.array(left.T_world_camera[0])
    np.testing.assert_allclose(step, 0.1 * T[:3, 0], atol=1e-12)
    np.testing.assert_allclose(T[:3, :3], np.array(right.T_world_camera[0])[:3, :3], atol=1e-12)
    np.testing.assert_allclose((eyes(right)[0] + eyes(left)[0]) / 2, STAND.position, atol=1e-12)


def test_an_orbit_keeps_height_and_distance_and_turns_evenly():
    for seed in range(6):
        (camera,) = cameras_of(motion="orbit", seed=seed)
        eye = eyes(camera)
        assert len(eye) == FRAMES + 2 and np.ptp(eye[:, 2]) < 1e-12
        np.testing.assert_allclose(np.hypot(eye[:, 0], eye[:, 1]), 4.0)
        turned = np.degrees(np.diff(np.unwrap(np.arctan2(eye[:, 1], eye[:, 0])))) * 30
        assert np.ptp(turned) < 1e-9 and 10 <= abs(turned[0]) <= 35
        np.testing.assert_allclose(eye[(FRAMES + 1) // 2], STAND.position, atol=1e-12)


def test_a_dolly_goes_straight_at_a_constant_speed():
    for seed in range(6):
        (camera,) = cameras_of(motion="dolly", seed=seed)
        distance = np.linalg.norm(eyes(camera) - STAND.target, axis=1) / np.linalg.norm(STAND.position - STAND.target)
        assert np.abs(np.diff(distance, 2)).max() < 1e-12
        first, last = distance[[1, -2]]
        assert max(first, last) == pytest.approx(1) and 0.6 <= min(first, last) <= 0.85
        np.testing.assert_allclose(np.cross(looks(camera), looks(camera)[:1]), 0, atol=1e-9)


def test_a_zoom_changes_the_lens_alone():
    for seed in range(6):
        (camera,) = cameras_of(motion="zoom", seed=seed)
        assert len(camera.T_world_camera) == 1 and len(camera.zoom) == FRAMES + 2
        steps = np.diff(np.log(camera.zoom))
        assert np.ptp(steps) < 1e-12
        first, last = camera.zoom[1], camera.zoom[-2]
        assert max(first, last) == pytest.approx(1) and 0.45 <= min(first, last) <= 0.8
        K, _ = camera_track(camera, FRAMES)
        np.testing.assert_allclose(K[:, 0, 0], 600 * np.array(camera.zoom))
        assert (K[:, :2, 2] == K[0, :2, 2]).all()


def test_a_tracking_shot_goes_where_people_go():
    (camera,) = cameras_of(motion="track", joints=walking(speed=1.5))
    eye = eyes(camera)
    middle = slice(12, -12)
    np.testing.assert_allclose(np.diff(eye[middle], axis=0), np.tile([0, 0.05, 0], (8, 1)), atol=2e-4)
    np.testing.assert_allclose(looks(camera), np.tile(looks(camera)[0], (FRAMES + 2, 1)), atol=1e-12)


def test_handheld_shakes_as_hands_do():
    """Its strength is that of its constants; most of the power is sway under 2.5 Hz, the rest a tremor of 6–11 Hz."""
    frames, power, angles, steps = 600, 0.0, [], []
    for seed in range(8):
        (camera,) = cameras_of(motion="handheld", frames=frames, seed=seed)
        T = np.array(camera.T_world_camera)
        (still,) = cameras_of(frames=frames)
        R = np.array(still.T_world_camera)[0, :3, :3]
        relative = R.T @ T[:, :3, :3]
        angle = np.stack([relative[:, 2, 1], relative[:, 0, 2], relative[:, 1, 0]], axis=1)
        angles.append(angle)
        steps.append((T[:, :3, 3] - STAND.position) @ R)
        power = power + np.abs(np.fft.rfft(angle * np.hanning(len(angle))[:, None], axis=0)) ** 2
    hertz = np.fft.rfftfreq(frames + 2, 1 / 30)
    share = power.sum(axis=1) / power.sum()
    assert share[hertz < 3].sum() > 0.97 and 1e-4 < share[(hertz > 5) & (hertz < 12)].sum() < 0.02
    assert 0.4 < np.degrees(np.std(angles)) < 1.0 and 0.007 < np.std(steps) < 0.018


def test_cameras_of_a_ring_shake_each_for_itself_and_orbit_as_one():
    first, second = (np.array(c.T_world_camera) for c in cameras_of("ring:2", "handheld"))
    half = np.diag([-1.0, -1, 1, 1])
    assert not np.allclose(half @ first, second, atol=1e-4)
    first, second = (np.array(c.T_world_camera) for c in cameras_of("ring:2", "orbit"))
    np.testing.assert_allclose(half @ first, second, atol=1e-12)


@pytest.mark.parametrize("motion", MOVEMENTS)
@pytest.mark.parametrize("cameras", ["fixed", "ring:4", "sphere:6", "stereo:0.3"])
def test_everybody_stays_in_every_picture_when_asked(cameras, motion):
    if (cameras, motion) == ("fixed", "still"):
        return  # the preset's own business
    joints = walking(speed=2.0)
    near = Stand(np.array([1.5, 0.2, 0.6]), np.array([0.0, 0.3, 0.9]), 500.0)
    for camera in cameras_of(cameras, motion, joints=joints, keep=True, stand=near):
        K, poses = camera_track(camera, FRAMES)
        for k in range(1, FRAMES + 1):
            local = to_camera(joints[k], poses[k])
            pixels = project(local, K[k])
            assert (local[:, 2] > 0.2).all() and (pixels > 0).all() and (pixels < (640, 480)).all()
        assert (poses[:, 2, 3] > 0).all()


@pytest.mark.parametrize(
    ("text", "rig"),
    [
        ("fixed", Rig("fixed")),
        ("ring:4", Rig("ring", 4)),
        ("ring", Rig("ring", 8)),
        ("stereo", Rig("stereo", 0.12)),
        ("a.json", Rig("file", path="a.json")),
        ("model/sparse", Rig("file", path="model/sparse")),
    ],
)
def test_rigs_are_read_by_name(text, rig):
    assert parse_rig(text) == rig


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rign:4", "Did you mean 'ring'"),
        ("ring:1", "whole number of cameras from 2 to 64.*ring:8"),
        ("ring:2.5", "whole number"),
        ("ring:", "whole number"),
        ("stereo:-1", "metres from one camera"),
        ("fixed:2", "takes no number"),
    ],
)
def test_rigs_that_cannot_be_are_refused(text, says):
    with pytest.raises(ConfigError, match=says):
        parse_rig(text)


# Calibrations of users


def look_from(x, y, z, at=(0.0, 0.0, 1.0)):
    """R and t of OpenCV of a level camera."""
    forward = np.array(at) - (x, y, z)
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, (0, 0, 1))
    right /= np.linalg.norm(right)
    R = np.stack([right, np.cross(forward, right), forward])
    return {"R": R.tolist(), "t": (-R @ (x, y, z)).tolist()}


def calibration(*places, size=(480, 640), **changes):
    held = [
        {"name": f"eye {i}", "size": size, "K": [[500, 0, 320], [0, 500, 240], [0, 0, 1]]} | look_from(*place) | changes
        for i, place in enumerate(places)
    ]
    return {"cameras": held}


def written(folder, held):
    path = folder / "rig.json"
    path.write_text(json.dumps(held))
    return str(path)


PLACES = ((4.0, 0.0, 1.6), (0.0, 4.0, 1.2), (-3.0, -3.0, 2.0))


def read(path, size=(480, 640), up="z", unit="m", frames=5):
    return calibrated_cameras(str(path), frames, size, up, unit)


def test_a_calibration_of_several_cameras_is_used_as_it_is(tmp_path):
    cameras, focus = read(written(tmp_path, calibration(*PLACES)))
    assert [c.name for c in cameras] == ["eye 0", "eye 1", "eye 2"]
    for camera, place in zip(cameras, PLACES):
        np.testing.assert_allclose(eyes(camera)[0], place, atol=1e-9)
    np.testing.assert_allclose(focus, (0, 0), atol=1e-9)


def test_people_stand_where_the_cameras_look(tmp_path):
    moved = {"cameras": [c | look_from(*np.add(p, (50, -20, 0)), at=(50, -20, 1)) for c, p in zip(
        calibration(*PLACES)["cameras"], PLACES)]}  # fmt: skip
    cameras, origin = read(written(tmp_path, moved))
    np.testing.assert_allclose(origin, (50, -20), atol=1e-6)
    np.testing.assert_allclose([eyes(camera)[0] for camera in cameras], PLACES, atol=1e-6)
    one = calibration((4.0, 0.0, 1.6), K=[[500, 0, 320], [0, 500, 240], [0, 0, 1]])
    one["cameras"][0] |= look_from(4.0, 0.0, 1.6, at=(0.0, 0.0, 0.0))
    _, focus = read(written(tmp_path, one))
    np.testing.assert_allclose(focus, (0, 0), atol=1e-9)  # of one camera, where it meets the ground


def test_images_of_another_size_are_scaled(tmp_path):
    path = written(tmp_path, calibration(*PLACES))
    (camera, *_), _ = read(path, size=(240, 320))
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (250, 250, 160, 120)
    with pytest.raises(ConfigError, match="640 wide and 480 high.*--size 480 640"):
        read(path, size=(480, 480))


def turned(held, axis):
    """The same cameras in a world in which ``axis`` is up, in units of ``scale`` metres."""
    up = np.array(axis, float)
    x = np.eye(3)[0 if up[0] == 0 else 1]
    turn = np.stack([x, np.cross(up, x), up])  # that world to ours
    return {"cameras": [c | {"R": (np.array(c["R"]) @ turn).tolist()} for c in held["cameras"]]}


@pytest.mark.parametrize(("up", "axis"), [("-y", (0, -1, 0)), ("y", (0, 1, 0)), ("x", (1, 0, 0)), ("-z", (0, 0, -1))])
def test_another_axis_that_is_up_is_noticed_and_can_be_said(tmp_path, up, axis):
    path = written(tmp_path, turned(calibration(*PLACES), axis))
    with pytest.raises(ConfigError, match=f"--cameras-up {up};"):
        read(path)
    cameras, focus = read(path, up=up)
    heights = [eyes(camera)[0, 2] for camera in cameras]
    np.testing.assert_allclose(heights, [p[2] for p in PLACES], atol=1e-9)
    np.testing.assert_allclose(focus, (0, 0), atol=1e-9)


def test_millimetres_are_noticed_and_can_be_said(tmp_path):
    held = calibration(*PLACES)
    for camera in held["cameras"]:
        camera["t"] = (1000 * np.array(camera["t"])).tolist()
    path = written(tmp_path, held)
    with pytest.raises(ConfigError, match=r"is [34],\d{3} m from what it looks at.*--cameras-unit mm"):
        read(path)
    cameras, _ = read(path, unit="mm")
    np.testing.assert_allclose(eyes(cameras[0])[0], PLACES[0], atol=1e-9)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda c: c | {"R": (np.diag([-1, 1, 1]) @ c["R"]).tolist()}, "'eye 0'.*not a proper one"),
        (lambda c: c | {"R": (2 * np.array(c["R"])).tolist()}, "not a proper one"),
        (lambda c: {k: v for k, v in c.items() if k != "t"}, "no translation"),
        (lambda c: {"name": "eye"}, "holds no cameras"),
    ],
)
def test_calibrations_that_are_none_are_refused(tmp_path, change, says):
    held = calibration(*PLACES)
    held["cameras"][0] = change(held["cameras"][0])
    with pytest.raises((AssetError, ConfigError), match=says):
        read(written(tmp_path, held))


def colmap(folder, model="OPENCV 640 480 500 510 320 240 0.1 -0.05 0.001 0.002", lines=None):
    folder.mkdir(exist_ok=True)
    (folder / "cameras.txt").write_text(f"# Camera list\n1 {model}\n")
    if lines is None:
        lines = []
        for k, place in enumerate(PLACES):
            told = look_from(*place)
            w, x, y, z = quaternion(np.array(told["R"]))
            lines += [
                f"{k + 1} {w} {x} {y} {z} {' '.join(map(str, told['t']))} 1 images/view {k}.png",
                "1.0 2.0 -1" * (k % 2),
            ]
    (folder / "images.txt").write_text("# Image list\n" + "\n".join(lines) + "\n")
    return folder


def quaternion(R):
    from scipy.spatial.transform import Rotation

    x, y, z, w = Rotation.from_matrix(R).as_quat()
    return w, x, y, z


def test_cameras_of_colmap_are_read(tmp_path):
    cameras, focus = read(colmap(tmp_path / "sparse"))
    assert [c.name for c in cameras] == ["images_view 0.png", "images_view 1.png", "images_view 2.png"]
    np.testing.assert_allclose([eyes(c)[0] for c in cameras], PLACES, atol=1e-9)
    assert cameras[0].distortion[:4] == (0.1, -0.05, 0.001, 0.002) and (cameras[0].fx, cameras[0].fy) == (500, 510)
    np.testing.assert_allclose(focus, (0, 0), atol=1e-6)
    assert read(tmp_path / "sparse" / "images.txt")[0] == cameras


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"model": "OPENCV_FISHEYE 640 480 500 500 320 240 0 0 0 0"}, "line 2: the lens model OPENCV_FISHEYE cannot"),
        ({"model": "PINHOLE 640 480 500 500 320"}, "has 3 parameters; expected fx, fy, cx, cy"),
        ({"model": "PINHOLE 640 480 500 nan 320 240"}, "not finite"),
        ({"lines": ["1 1 0 0 0 0 0 4 7 a.png", ""]}, "camera 7 is not in cameras.txt"),
        ({"lines": ["1 1 0 0 0"]}, "expected IMAGE_ID"),
        ({"lines": ["1 0 0 0 0 0 0 4 1 a.png"]}, "length of 1"),
        ({"lines": []}, "names no image"),
    ],
)
def test_damaged_files_of_colmap_are_refused(tmp_path, options, says):
    with pytest.raises(AssetError, match=says):
        read(colmap(tmp_path / "sparse", **options))

"""Which way is up in files of SMPL parameters, whatever their axes; against forward kinematics of the tests' own."""

import numpy as np
import pytest
from bvh_files import person_text
from scipy.spatial.transform import Rotation
from smpl_motions import IN_FILE, performed, posed, skeleton, squats, standing, write

from mannequin.generator.motion.base import Reading
from mannequin.generator.motion.recording import source_of


def up_of(path):
    """(3,) the direction in the file that is taken for up, and what is said of it."""
    *_, motion = performed(path)
    return source_of(motion).up.to_world[2], motion.facts()["up"]


def wanders(frames, height):
    s = np.linspace(0, 1, frames)
    return np.stack([0.03 * s, 0.02 * np.sin(3 * s), np.broadcast_to(height, frames)], axis=1)


@pytest.mark.parametrize("axis", IN_FILE)
@pytest.mark.parametrize("offset", [(0, 0, 0), (0.4, 3.7, -1.3)])
def test_standing_people_are_upright_whatever_the_axes(tmp_path, axis, offset):
    """The offset is that of a camera's origin: there is no floor at 0 then."""
    pose, height = squats()
    write(tmp_path / "a.npz", pose, wanders(len(pose), height) + offset, IN_FILE[axis])
    up, told = up_of(tmp_path / "a.npz")
    np.testing.assert_allclose(up, IN_FILE[axis].apply([0, 0, 1]), atol=1e-12)
    assert told.startswith(f"{axis} (")
    joints, soles, _ = performed(tmp_path / "a.npz")
    assert np.abs(soles[..., 2].min(axis=1)).max() < 0.02
    assert joints[0, 15, 2] > 1.4 and (joints[:, 15, 2] > joints[:, 0, 2] + 0.3).all()
    across = joints[0, 1] - joints[0, 2]
    toes = (joints[0, [10, 11]] - joints[0, [7, 8]]).mean(axis=0)
    assert np.cross(across, [0.0, 0.0, 1.0]) @ toes > 0, "not mirrored: left is at the left of who looks ahead"


@pytest.mark.parametrize("tilt", [-25, 18])
def test_a_tilted_camera_is_taken_out(tmp_path, tilt):
    turn = Rotation.from_euler("x", tilt, degrees=True) * IN_FILE["-y"]
    pose = standing()
    write(tmp_path / "a.npz", pose, wanders(len(pose), 1.0) + (0.2, 4.0, -0.3), turn)
    up, told = up_of(tmp_path / "a.npz")
    off = np.degrees(np.arccos(np.clip(up @ turn.apply([0, 0, 1]), -1, 1)))
    assert off < 5 and "tilted by" in told
    joints, *_ = performed(tmp_path / "a.npz")
    assert np.abs((joints[:, 15] - joints[:, [7, 8]].mean(axis=1))[:, :2]).max() < 0.2


def test_the_floor_of_a_tilted_camera_is_level(tmp_path):
    """Somebody who stands here, then there, three metres further; trunk held 3° off, as people do."""
    turn = Rotation.from_euler("x", 20, degrees=True) * IN_FILE["-y"]
    pose = standing(120)
    pose[:, 0] = (Rotation.from_euler("x", 90, degrees=True) * Rotation.from_euler("x", 3, degrees=True)).as_rotvec()
    path = wanders(120, 1.0) + np.clip((np.arange(120) - 50) / 20, 0, 1)[:, None] * (0.5, 3.0, 0.0)
    write(tmp_path / "a.npz", pose, path + (0.2, 4.0, -0.3), turn)
    up, _ = up_of(tmp_path / "a.npz")
    assert np.degrees(np.arccos(np.clip(up @ turn.apply([0, 0, 1]), -1, 1))) < 0.7


def test_someone_who_leans_on_flat_feet_is_not_taken_for_a_tilted_camera(tmp_path):
    pose = standing()
    lean = np.radians(20)
    pose[:, 0] = (Rotation.from_euler("x", 90, degrees=True) * Rotation.from_rotvec([lean, 0, 0])).as_rotvec()
    pose[:, [7, 8], 0] = -lean
    write(tmp_path / "a.npz", pose, wanders(len(pose), 0.9) + (0, 3.0, -0.4), IN_FILE["-y"])
    assert "tilted" not in up_of(tmp_path / "a.npz")[1]


@pytest.mark.parametrize("turned", [0, 180])
@pytest.mark.parametrize("heading", [0, 90, 180, 270])
def test_people_who_lie_in_z_up_stay_lying(tmp_path, heading, turned):
    """On the back or the front, head anywhere, toes pointed as lying people's are."""
    pose = standing()
    lying = Rotation.from_euler("z", heading, degrees=True) * Rotation.from_euler("y", turned, degrees=True)
    pose[:, 0], pose[:, [7, 8], 0] = lying.as_rotvec(), 0.5
    write(tmp_path / "a.npz", pose, np.tile([0.3, 0.2, 0.11], (len(pose), 1)))
    assert up_of(tmp_path / "a.npz")[1].startswith("z ")
    joints, *_ = performed(tmp_path / "a.npz")
    assert joints[..., 2].max() < 0.45


def test_cartwheels_stay_z_up(tmp_path):
    """A body that turns once about a horizontal axis, its lowest point on the floor."""
    pose = standing(120)
    about = Rotation.from_rotvec(np.linspace(0, 2 * np.pi, 120)[:, None] * [[0, 1, 0]])
    pose[:, 0] = (about * Rotation.from_euler("x", 90, degrees=True)).as_rotvec()
    pose[:, 16, 2], pose[:, 17, 2] = 1.3, -1.3
    joints, soles = posed(pose, np.zeros((120, 3)), skeleton())
    height = -np.minimum(joints[..., 2].min(axis=1) - 0.05, soles[..., 2].min(axis=1))
    write(tmp_path / "a.npz", pose, wanders(120, height))
    assert up_of(tmp_path / "a.npz")[1].startswith("z ")


def test_what_the_user_says_decides(tmp_path):
    write(tmp_path / "a.npz", standing(), wanders(60, 1.0), IN_FILE["y"])
    joints, _, motion = performed(tmp_path / "a.npz", Reading(up="z"))
    assert motion.facts()["up"] == "z, as asked for"
    assert np.ptp(joints[0, :, 2]) < 0.8, "lies, as the file has it if Z is up"


def bvh(tmp_path, lies=0, height=0.95, in_file=None, **reading):
    """Joints in the world of the made-up BVH person, and what is said of up. lies: degrees about X at the pelvis."""
    turned = np.tile(Rotation.from_euler("x", lies, degrees=True).as_matrix(), (40, 1, 1))
    path = np.stack([np.linspace(0, 0.1, len(turned)), np.full(len(turned), height), np.zeros(len(turned))], axis=1)
    if in_file is not None:
        turned, path = in_file.as_matrix() @ turned, in_file.apply(path)
    (tmp_path / "p.bvh").write_text(person_text({"pelvis": turned}, path, scale=100.0))
    joints, _, motion = performed(tmp_path / "p.bvh", Reading(**reading))
    return joints, motion.facts()["up"]


@pytest.mark.parametrize("axis", IN_FILE)
def test_bvh_files_whose_motion_and_rest_pose_have_any_axes(tmp_path, axis):
    turn = IN_FILE[axis] * Rotation.from_euler("x", 90, degrees=True)
    (tmp_path / "p.bvh").write_text(person_text(frames=40, axes=turn.as_matrix(), scale=100.0))
    joints, _, motion = performed(tmp_path / "p.bvh")
    assert motion.facts()["up"].startswith(f"{axis} (") and joints[0, 15, 2] > 1.4


def test_a_bvh_file_whose_motion_alone_was_turned(tmp_path):
    joints, told = bvh(tmp_path, in_file=Rotation.from_euler("x", 90, degrees=True))
    assert told.startswith("z (") and joints[0, 15, 2] > 1.4


@pytest.mark.parametrize("side", [-90, 90])
def test_who_lies_in_a_bvh_file_stays_lying(tmp_path, side):
    joints, told = bvh(tmp_path, lies=side, height=0.1)
    assert told.startswith("y (") and np.ptp(joints[0, :, 2]) < 0.5


def test_the_user_decides_for_bvh_files(tmp_path):
    joints, told = bvh(tmp_path, up="-y")
    assert told == "-y, as asked for" and joints[0, 15, 2] < joints[0, 0, 2]

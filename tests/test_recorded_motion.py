"""Recorded motion in its files: AMASS, SURREAL, BVH; exact where it can be, refused where it must be."""

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from bvh_files import person_text
from scipy.spatial.transform import Rotation, Slerp

from mannequin.generator.body.builtin import load_builtin
from mannequin.generator.body.lbs import make_skeleton
from mannequin.generator.errors import AssetError, UnsafeFileError
from mannequin.generator.motion.finding import find_motions
from mannequin.generator.motion.foot_contact import contacts, slip
from mannequin.generator.motion.recording import resample
from mannequin.generator.motion.retarget import Retargeted
from mannequin.generator.motion.skeletons import joint_positions, sole_points, world_orientations
from mannequin.generator.motion.smpl_files import read_surreal_shapes
from mannequin.generator.rotations import from_axis_angle, to_matrices

CMU = Path(__file__).resolve().parents[2] / "shared" / "data" / "cmu_mocap"
needs_cmu = pytest.mark.skipif(
    not CMU.is_dir(), reason="the CMU recordings are not beside the project (../shared/data/cmu_mocap)"
)
UPRIGHT = [np.pi / 2, 0, 0]


def skeleton_of(gender="male", joints=52, betas=()):
    return make_skeleton(load_builtin(gender, joints), np.asarray(betas))


def amass(path, frames=5, width=156, rate=120.0, **extra):
    poses = np.random.default_rng(0).normal(0, 0.1, (frames, width))
    poses[:, :3] = UPRIGHT
    values = {
        "poses": poses,
        "trans": np.zeros((frames, 3)),
        "betas": np.zeros(16),
        "gender": np.array(b"female"),
        "mocap_framerate": rate,
    }
    np.savez(path, **{k: v for k, v in (values | extra).items() if v is not None})
    return poses


def only_motion(path):
    (motion,) = find_motions(path)
    return motion


def as_matrices(pose):
    return Rotation.from_rotvec(pose.reshape(-1, 3)).as_matrix()


@pytest.mark.parametrize("width, hands", [(66, False), (72, False), (156, True), (165, True)])
def test_poses_of_every_width_are_exact_at_their_frames(tmp_path, width, hands):
    poses = amass(tmp_path / "a.npz", width=width)
    motion = only_motion(tmp_path / "a.npz")
    assert (motion.rate, motion.duration, motion.has_hands, motion.subject) == (120.0, 4 / 120, hands, tmp_path.name)
    track = motion.sample(np.arange(5) / 120, skeleton_of(), {})
    assert track.pose.shape == (5, 52, 3)
    upper = [3, 6, 9, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21]
    theirs = poses.reshape(5, -1, 3)
    np.testing.assert_allclose(as_matrices(track.pose[:, upper]), as_matrices(theirs[:, upper]), atol=1e-9)
    fingers = theirs[:, -30:] if hands else np.zeros((5, 30, 3))
    np.testing.assert_allclose(as_matrices(track.pose[:, 22:]), as_matrices(fingers), atol=1e-9)
    if width == 72:
        palms = motion.sample(np.arange(5) / 120, skeleton_of(joints=24), {}).pose[:, 22:]
        np.testing.assert_allclose(as_matrices(palms), as_matrices(theirs[:, 22:]), atol=1e-9)


def test_between_frames_rotations_slerp_and_the_path_is_straight():
    rng = np.random.default_rng(1)
    turns = Rotation.random(4 * 3, random_state=1).as_quat().reshape(4, 3, 4)
    track = Retargeted(turns, rng.normal(size=(4, 3)))
    times = np.array([-1.0, 0.0, 0.05, 0.125, 0.3, 9.0])
    got = resample(track, 10.0, times)
    held = times.clip(0, 0.3)
    for j in range(3):
        expected = Slerp(np.arange(4) / 10, Rotation.from_quat(turns[:, j]))(held)
        np.testing.assert_allclose(as_matrices(got.pose[:, j]), expected.as_matrix(), atol=1e-9)
    for axis in range(3):
        np.testing.assert_allclose(got.transl[:, axis], np.interp(held, np.arange(4) / 10, track.transl[:, axis]))


@pytest.fixture(scope="module")
def walk():
    """Poses (T, 52, 3) and path of a walk that stands well on one skeleton, and that skeleton."""
    skeleton = skeleton_of("male", 52)
    motion = only_motion(CMU / "07_01.bvh")
    return motion.sample(np.arange(316) / 120, skeleton, {}), skeleton


def feet_of(track, skeleton):
    turned = world_orientations(to_matrices(from_axis_angle(track.pose)), skeleton.parents)
    position = joint_positions(turned, skeleton.joints[0] + track.transl, skeleton)
    soles = [sole_points(turned, position, skeleton, side) for side in (0, 1)]
    touching = [contacts(points, 120.0) for points in soles]
    speed = np.concatenate([np.linalg.norm(slip(p)[t[1:] & t[:-1], :2], axis=1) for p, t in zip(soles, touching)]) * 120
    height = np.concatenate([p[t][..., 2].min(axis=1) for p, t in zip(soles, touching)])
    return speed.mean(), height, np.mean(touching[0] | touching[1])


@needs_cmu
def test_smpl_motion_on_its_own_skeleton_is_untouched_and_on_another_keeps_its_feet(tmp_path, walk):
    track, skeleton = walk
    amass(tmp_path / "walk.npz", frames=316, poses=track.pose.reshape(316, 156), trans=track.transl)
    motion = only_motion(tmp_path / "walk.npz")
    again = motion.sample(np.arange(316) / 120, skeleton, {})
    np.testing.assert_allclose(again.transl, track.transl, atol=1e-12)
    np.testing.assert_allclose(as_matrices(again.pose), as_matrices(track.pose), atol=1e-9)
    small = skeleton_of("female", 52, [-2.0])
    ratio = np.linalg.norm(small.joints[4] - small.joints[7]) / np.linalg.norm(skeleton.joints[4] - skeleton.joints[7])
    assert abs(ratio - 1) > 0.04, "the two people must differ for this test to mean anything"
    other = motion.sample(np.arange(316) / 120, small, {})
    speed, height, share = feet_of(other, small)
    assert speed < 0.06 and np.abs(height).max() < 0.015 and share > 0.85
    travelled = [np.linalg.norm(t.transl[-1, :2] - t.transl[0, :2]) for t in (other, track)]
    assert travelled[0] / travelled[1] == pytest.approx(ratio, abs=0.05)


@needs_cmu
def test_a_world_with_y_up_is_turned(tmp_path, walk):
    track, skeleton = walk
    turn = Rotation.from_euler("x", -90, degrees=True)
    pose, pelvis = track.pose.copy(), skeleton.joints[0] + track.transl
    pose[:, 0] = (turn * Rotation.from_rotvec(pose[:, 0])).as_rotvec()
    amass(tmp_path / "y.npz", frames=316, poses=pose.reshape(316, 156), trans=turn.apply(pelvis) - skeleton.joints[0])
    got = only_motion(tmp_path / "y.npz").sample(np.arange(316) / 120, skeleton, {})
    np.testing.assert_allclose(as_matrices(got.pose[:, 0]), as_matrices(track.pose[:, 0]), atol=1e-9)
    np.testing.assert_allclose(np.diff(got.transl[:, :2], axis=0), np.diff(track.transl[:, :2], axis=0), atol=2e-3)
    assert np.abs(feet_of(got, skeleton)[1]).max() < 0.015


def surreal(path):
    rng = np.random.default_rng(2)
    arrays = {"maleshapes": rng.normal(size=(7, 10)), "femaleshapes": rng.normal(size=(5, 10))}
    for sequence, frames in (("01_01", 30), ("ung_104_53", 12)):
        pose = rng.normal(0, 0.05, (frames, 72))
        pose[:, :3] = UPRIGHT
        arrays |= {f"pose_{sequence}": pose, f"trans_{sequence}": np.zeros((frames, 3))}
    np.savez(path, **arrays)
    return arrays


def test_surreal_file(tmp_path):
    arrays = surreal(tmp_path / "smpl_data.npz")
    motions = find_motions(tmp_path / "smpl_data.npz")
    assert [(m.name, m.subject, m.rate, m.has_hands) for m in motions] == [
        ("01_01", "01", 120.0, False),
        ("ung_104_53", "104", 120.0, False),
    ]
    assert motions[0].duration == pytest.approx(29 / 120)
    track = motions[1].sample(np.arange(12) / 120, skeleton_of(joints=24), {})
    theirs = arrays["pose_ung_104_53"].reshape(12, 24, 3)
    np.testing.assert_allclose(as_matrices(track.pose[:, 3]), as_matrices(theirs[:, 3]), atol=1e-9)
    np.testing.assert_allclose(read_surreal_shapes(tmp_path / "smpl_data.npz")["male"], arrays["maleshapes"])


def test_folder_tree(tmp_path):
    (tmp_path / "CMU" / "49").mkdir(parents=True)
    amass(tmp_path / "CMU" / "49" / "49_08_poses.npz")
    np.savez(tmp_path / "CMU" / "49" / "shape.npz", betas=np.zeros(16))
    (tmp_path / "12_03.bvh").write_text(person_text())
    (tmp_path / "notes.txt").write_text("not a motion")
    motions = find_motions(tmp_path)
    assert [(m.name, m.subject) for m in motions] == [("12_03", "12"), ("CMU/49/49_08_poses", "49")]
    assert pickle.loads(pickle.dumps(motions)) == motions
    amass(tmp_path / "12_03.npz")
    assert [m.name for m in find_motions(tmp_path)] == ["12_03.bvh", "12_03.npz", "CMU/49/49_08_poses"]


def test_bvh_motion(tmp_path):
    path = tmp_path / "someone.bvh"
    path.write_text(person_text(frames=31, frame_time=0.008333))
    motion = only_motion(path)
    assert (motion.name, motion.rate, motion.duration, motion.has_hands) == ("someone", 120.0, 0.25, False)
    skeleton = skeleton_of("female", 24)
    track = motion.sample(np.array([-1.0, 0.1, 3.0]), skeleton, {})
    sole = min(points[:, 1].min() for points in skeleton.soles)
    np.testing.assert_allclose(skeleton.joints[0, 2] + track.transl[:, 2], skeleton.joints[0, 1] - sole, atol=0.01)
    np.testing.assert_allclose(
        as_matrices(track.pose[:, 0]), np.tile(as_matrices(np.array(UPRIGHT)), (3, 1, 1)), atol=1e-6
    )


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"width": 63}, r"shape \(5, 63\)"),
        ({"poses": np.zeros(156)}, r"shape \(156,\)"),
        ({"poses": np.zeros((0, 156)), "trans": np.zeros((0, 3))}, "at least one frame"),
        ({"trans": np.zeros((4, 3))}, r"'trans' \(4, 3\)"),
        ({"rate": 0.0}, "Expected one rate"),
        ({"rate": np.nan}, "Expected one rate"),
        ({"rate": np.array("fast")}, "Expected one rate"),
        ({"poses": np.full((5, 156), np.nan)}, "finite"),
        ({"trans": np.zeros((5, 3), complex)}, "finite"),
        ({"poses": None}, "neither 'poses'"),
    ],
)
def test_bad_amass_files(tmp_path, changes, message):
    amass(tmp_path / "bad.npz", **changes)
    with pytest.raises(AssetError, match=message) as caught:
        motion = only_motion(tmp_path / "bad.npz")
        _ = motion.duration
        motion.sample(np.zeros(1), skeleton_of(), {})
    assert ("bad.npz" in str(caught.value) and "Expected" in str(caught.value)) or "has:" in str(caught.value)


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was run",))


def test_objects_are_never_unpickled(tmp_path):
    amass(tmp_path / "a.npz", poses=np.array([Bomb()], object))
    with pytest.raises(UnsafeFileError, match="Python objects"):
        _ = only_motion(tmp_path / "a.npz").duration
    amass(tmp_path / "b.npz", gender=np.array(["female"], object))  # not needed, so not in the way
    assert only_motion(tmp_path / "b.npz").duration > 0


def test_a_file_cannot_claim_more_than_it_holds(tmp_path):
    amass(tmp_path / "ok.npz")
    text = b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 156), }"
    header = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + text.ljust(117) + b"\n"
    with zipfile.ZipFile(tmp_path / "ok.npz") as old, zipfile.ZipFile(tmp_path / "flood.npz", "w") as new:
        for item in old.infolist():
            new.writestr(item.filename, header if item.filename == "poses.npy" else old.read(item))
    with pytest.raises(AssetError, match="takes 1497599999985024 bytes of memory; of a file of"):
        _ = only_motion(tmp_path / "flood.npz").duration


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and nothing more", b"plain text"])
def test_damaged_archives(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(AssetError, match="a.npz"):
        find_motions(tmp_path)


def test_truncated_member(tmp_path):
    amass(tmp_path / "a.npz", frames=500)
    data = bytearray((tmp_path / "a.npz").read_bytes())
    data[3000:4000] = bytes(1000)
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(AssetError, match="damaged"):
        only_motion(tmp_path / "a.npz").sample(np.zeros(1), skeleton_of(), {})


def test_nothing_there(tmp_path):
    with pytest.raises(AssetError, match="No motion file or folder"):
        find_motions(tmp_path / "none")
    with pytest.raises(AssetError, match="holds no motion"):
        find_motions(tmp_path)
    (tmp_path / "a.fbx").write_text("")
    with pytest.raises(AssetError, match="no motion that Mannequin can read"):
        find_motions(tmp_path / "a.fbx")

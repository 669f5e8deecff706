"""SMPL parameters by the names and shapes of many writers, for motions and for fits to footage."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from smpl_motions import standing

from mannequin.generator.errors import AssetError, UnsafeFileError
from mannequin.generator.motion.finding import find_motions
from mannequin.generator.motion.smpl_files import SmplMotion
from mannequin.generator.motion.smpl_parameters import read_parameters

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases"
FRAMES = 7
RNG = np.random.default_rng(3)
BODY = RNG.normal(0, 0.2, (FRAMES, 22, 3))
PALMS, HANDS = RNG.normal(0, 0.2, (FRAMES, 2, 3)), RNG.normal(0, 0.2, (FRAMES, 30, 3))
FACE = RNG.normal(0, 0.2, (FRAMES, 3, 3))
TRANSL = RNG.normal(0, 1, (FRAMES, 3))


def flat(*parts):
    return np.concatenate(parts, axis=1).reshape(FRAMES, -1)


def matrices(pose):
    return Rotation.from_rotvec(pose.reshape(-1, 3)).as_matrix().reshape(*pose.shape[:2], 3, 3)


ROOT, REST = BODY[:, :1], BODY[:, 1:]
SMPLX = flat(BODY, FACE, HANDS)
WRITERS = {
    "AMASS": ({"poses": flat(BODY, HANDS), "trans": TRANSL, "mocap_framerate": 60.0}, "hands"),
    "AMASS of SMPL-X": (
        {
            "poses": SMPLX, "root_orient": flat(ROOT), "pose_body": flat(REST), "pose_hand": flat(HANDS),
            "pose_jaw": FACE[:, 0], "pose_eye": flat(FACE[:, 1:]), "trans": TRANSL, "mocap_frame_rate": 60.0,
        },
        "hands",
    ),
    "AMASS in parts": (
        {
            "root_orient": flat(ROOT), "pose_body": flat(REST), "pose_hand": flat(HANDS), "trans": TRANSL,
            "mocap_frame_rate": np.array([60]),
        },
        "hands",
    ),
    "a length for a rate": (
        {"root_orient": flat(ROOT), "pose_body": flat(REST), "trans": TRANSL, "mocap_time_length": FRAMES / 60}, None,
    ),
    "smplx": (
        {
            "global_orient": flat(ROOT), "body_pose": flat(REST), "transl": TRANSL, "fps": "60", "jaw_pose": FACE[:, 0],
            "left_hand_pose": flat(HANDS[:, :15]), "right_hand_pose": flat(HANDS[:, 15:]), "leye_pose": FACE[:, 1],
        },
        "hands",
    ),
    "SMPL of smplx": (
        {"global_orient": flat(ROOT), "body_pose": flat(REST, PALMS), "transl": TRANSL, "fps": 60}, "palms",
    ),
    "AIST++": (
        {"smpl_poses": flat(BODY, PALMS), "smpl_trans": TRANSL * 93, "smpl_scaling": [93.0], "fps": 60}, "palms",
    ),
    "TRAM": (
        {"pred_rotmat": matrices(np.concatenate([BODY, PALMS], 1)), "pred_trans": TRANSL[:, None], "framerate": 60},
        "palms",
    ),
    "GVHMR": (
        {
            "smpl_params_global/body_pose": flat(REST), "smpl_params_global/global_orient": flat(ROOT),
            "smpl_params_global/transl": TRANSL, "mocap_frequency": 60,
        },
        None,
    ),
    "SLAHMR, one person": (
        {"root_orient": flat(ROOT)[None], "pose_body": flat(REST)[None], "trans": TRANSL[None], "fps": [[60.0]]},
        None,
    ),
    "SMPLer-X": (
        {
            "smplx_root_pose": flat(ROOT), "smplx_body_pose": flat(REST), "smplx_lhand_pose": flat(HANDS[:, :15]),
            "smplx_rhand_pose": flat(HANDS[:, 15:]), "cam_trans": TRANSL, "fps": np.full(FRAMES, 60),
        },
        "hands",
    ),
    "NeuMan": ({"pose": flat(BODY, PALMS)[:, None], "trans": TRANSL, "fps": 60.0}, "palms"),
    "matrices of root and body": (
        {"global_orient": matrices(ROOT)[:, 0], "body_pose": matrices(REST), "transl": TRANSL, "fps": 60}, None,
    ),
    "flat matrices": ({"poses": matrices(BODY).reshape(FRAMES, -1), "trans": TRANSL, "fps": 60}, None),
    "nine numbers a joint": ({"thetas": matrices(BODY).reshape(FRAMES, 22, 9), "trans": TRANSL, "fps": b"60"}, None),
    "joints apart": ({"fullpose": np.concatenate([BODY, FACE, HANDS], 1), "translation": TRANSL, "fps": 60}, "hands"),
    "poses without root": ({"poses": flat(REST), "root_orient": flat(ROOT), "trans": TRANSL, "fps": 60}, None),
    "upper case": ({"Poses": flat(BODY), "Trans": TRANSL, "FPS": 60}, None),
    "BEDLAM": ({"poses": SMPLX, "trans": TRANSL, "betas": np.zeros(11), "mocap_frame_rate": 60}, "hands"),
}  # fmt: skip


@pytest.mark.parametrize("writer", WRITERS)
def test_every_spelling_is_read_alike_by_generate_and_label(tmp_path, writer):
    arrays, ends = WRITERS[writer]
    np.savez(tmp_path / "a.npz", **arrays)
    (motion,) = find_motions(tmp_path / "a.npz")
    assert isinstance(motion, SmplMotion) and motion.rate == pytest.approx(60.0)
    assert motion.duration == pytest.approx((FRAMES - 1) / 60)
    for read in (read_parameters(motion.path, motion.layout), read_parameters(motion.path, needs_transl=True)):
        np.testing.assert_allclose(read.body, BODY, atol=1e-9)
        np.testing.assert_allclose(read.transl, TRANSL, atol=1e-9)
        np.testing.assert_allclose(read.palms, PALMS if ends == "palms" else np.zeros((FRAMES, 2, 3)), atol=1e-9)
        if ends == "hands":
            np.testing.assert_allclose(read.hands, HANDS, atol=1e-9)
        else:
            assert read.hands is None


def test_world_poses_are_for_motions_and_those_of_the_camera_for_labels(tmp_path):
    other = np.roll(BODY, 1, axis=1)
    np.savez(
        tmp_path / "wham.npz", pose=flat(other), trans=TRANSL + 1, pose_world=flat(BODY), trans_world=TRANSL, fps=30
    )
    (motion,) = find_motions(tmp_path / "wham.npz")
    np.testing.assert_allclose(read_parameters(motion.path, motion.layout).body, BODY)
    read = read_parameters(motion.path, needs_transl=True)
    np.testing.assert_allclose(read.body, other)
    np.testing.assert_allclose(read.transl, TRANSL + 1)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, ">f8"])
def test_any_precision(tmp_path, dtype):
    np.savez(tmp_path / "a.npz", poses=flat(BODY).astype(dtype), trans=TRANSL.astype(dtype), mocap_framerate=60)
    np.testing.assert_allclose(read_parameters(tmp_path / "a.npz").body, BODY, atol=2e-3)


@pytest.mark.parametrize("betas, mean", [(np.arange(16.0), np.arange(16)), (np.eye(10)[:1], np.eye(10)[0])])
def test_betas(tmp_path, betas, mean):
    np.savez(tmp_path / "a.npz", poses=flat(BODY), trans=TRANSL, betas=betas)
    np.testing.assert_allclose(read_parameters(tmp_path / "a.npz").betas, mean)
    np.savez(tmp_path / "b.npz", poses=flat(BODY), trans=TRANSL, betas=np.tile(mean, (FRAMES, 1, 1)))
    np.testing.assert_allclose(read_parameters(tmp_path / "b.npz").betas, mean)


def test_what_is_assumed_is_told(tmp_path):
    np.savez(tmp_path / "a.npz", poses=flat(standing(FRAMES)), left_hand_pose=np.zeros((FRAMES, 12)),
             right_hand_pose=np.zeros((FRAMES, 12)))  # fmt: skip
    (motion,) = find_motions(tmp_path / "a.npz")
    assert motion.rate == 30.0
    told = "; ".join(motion.facts()["note"])
    assert "30 Hz assumed" in told and "--motion-rate" in told and "no translation" in told and "(7, 12)" in told


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"keypoints": np.zeros((5, 17, 3)), "scores": np.zeros(5)}, r"has: keypoints \(5, 17, 3\), scores \(5,\)"),
        ({"results": np.array([{"pose": 1}], object)}, r"results \(Python objects"),
        ({"body_pose": flat(REST), "transl": TRANSL}, "body_pose|root_orient"),
        ({"poses": flat(REST), "trans": TRANSL}, "lacks the root's orientation"),
        ({"poses": np.zeros((3, FRAMES, 72)), "trans": np.zeros((3, FRAMES, 3))}, "3 people"),
        ({"poses": np.zeros((FRAMES, 24, 6)), "trans": TRANSL}, "6D rotations"),
        ({"poses": np.zeros((FRAMES, 144)), "trans": TRANSL}, "6D rotations"),
        ({"poses": np.zeros((FRAMES, 24, 4)), "trans": TRANSL}, "quaternions"),
        ({"poses": flat(BODY), "trans": TRANSL[:-1]}, r"'trans' \(6, 3\)"),
        ({"poses": flat(BODY), "trans": TRANSL[:, :2]}, r"\(7, 2\)"),
        ({"poses": np.degrees(flat(BODY)) * 4, "trans": TRANSL}, "degrees"),
        ({"poses": matrices(BODY) * [1, 1, -1], "trans": TRANSL}, "mirrored"),
        ({"poses": matrices(BODY) * 2, "trans": TRANSL}, "no rotations"),
        ({"poses": np.where(np.arange(FRAMES)[:, None] < 2, np.nan, flat(BODY)), "trans": TRANSL}, "2 of 7 rows"),
        ({"poses": flat(BODY), "trans": TRANSL, "fps": 0}, "Expected one rate"),
        ({"poses": flat(BODY), "trans": TRANSL, "fps": [30.0, 25.0]}, "Expected one rate"),
    ],
)
def test_what_cannot_be_read_is_said_with_what_the_file_holds(tmp_path, arrays, message):
    np.savez(tmp_path / "odd.npz", **arrays)
    with pytest.raises(AssetError, match=message) as caught:
        (motion,) = find_motions(tmp_path / "odd.npz")
        _ = motion.duration
        read_parameters(motion.path, motion.layout)
    assert "odd.npz" in str(caught.value)


def test_a_fit_needs_its_translation(tmp_path):
    np.savez(tmp_path / "a.npz", poses=flat(BODY), betas=np.zeros(10))
    with pytest.raises(AssetError, match=r"no translation \('trans', .*has: betas \(10,\), poses \(7, 66\)"):
        read_parameters(tmp_path / "a.npz", needs_transl=True)


def test_python_objects_are_never_loaded(tmp_path):
    np.savez(tmp_path / "a.npz", poses=np.array([{}], object), trans=TRANSL)
    with pytest.raises(UnsafeFileError, match="Python objects"):
        read_parameters(tmp_path / "a.npz")


@pytest.mark.parametrize(
    "path, subject",
    [
        ("CMU/49/49_08_poses.npz", "49"),
        ("KIT/3/walk_poses.npz", "3"),
        ("AMASS/ACCAD/Female1General_c3d/A1_poses.npz", "Female1General_c3d"),
        ("lafan/aiming1_subject1.npz", "subject1"),
        ("aist/gBR_sBM_cAll_d04_mBR0_ch01.npz", "d04"),
    ],
)
def test_one_person_is_one_subject(tmp_path, path, subject):
    (tmp_path / path).parent.mkdir(parents=True)
    np.savez(tmp_path / path, poses=flat(BODY), trans=TRANSL, fps=30)
    assert [motion.subject for motion in find_motions(tmp_path)] == [subject]


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not beside the project (../shared/cases)")
@pytest.mark.parametrize(
    "case, rate, frames",
    [
        ("amass_rate_called_fps.npz", 30, 30),
        ("amass_root_orient_pose_body.npz", 30, 30),
        ("label/fit_smplx_names.npz", 0, 12),
    ],
)
def test_cases(case, rate, frames):
    (motion,) = find_motions(CASES / case)
    assert motion.layout.frames == frames and motion.rate == (rate or 30)
    assert read_parameters(motion.path, needs_transl=True).betas is not None

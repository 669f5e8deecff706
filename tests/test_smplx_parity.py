"""Our skinning against the smplx package on the same files, with true vertex counts."""

import contextlib
import io
import pickle

import numpy as np
import pytest

from mannequin.generator.body.files import from_smplx, load_body
from mannequin.generator.body.lbs import pose_body
from tests import fakes

torch = pytest.importorskip("torch")
smplx = pytest.importorskip("smplx")

pytestmark = pytest.mark.filterwarnings("ignore")  # smplx's own
FRAMES = 3
LIMIT = 1e-5
"""Metres."""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MANNEQUIN_CACHE", str(tmp_path / "cache"))


def draw(joints, betas, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.4, (FRAMES, joints, 3)), rng.normal(0, 1.2, betas), rng.normal(0, 2, (FRAMES, 3))


def theirs(module, betas, transl, **poses):
    """smplx's (vertices, joints) as arrays; poses (T, K, 3)."""
    tensors = {k: torch.tensor(v.reshape(FRAMES, -1), dtype=torch.float32) for k, v in poses.items()}
    with torch.no_grad():
        out = module(
            betas=torch.tensor(betas, dtype=torch.float32).expand(FRAMES, -1),
            transl=torch.tensor(transl, dtype=torch.float32), **tensors,
        )  # fmt: skip
    return out.vertices.numpy(), out.joints.numpy()


def make(kind, path, **options):
    with contextlib.redirect_stdout(io.StringIO()):
        return kind(str(path), batch_size=FRAMES, **options)


def plain_pickle(data, target):
    """The same model as a pickle of Python 3 that smplx can load too, without chumpy."""
    with open(target, "wb") as f:
        pickle.dump(data, f)
    return target


def check(posed, vertices, joints, shown=None):
    shown = posed.joints.shape[1] if shown is None else shown
    assert np.abs(posed.vertices - vertices).max() < LIMIT
    assert np.abs(posed.joints[:, :shown] - joints[:, :shown]).max() < LIMIT


def test_smpl_body(tmp_path):
    old = fakes.fake_smpl_pkl(tmp_path / "SMPL_MALE.pkl", 6890)
    new = plain_pickle(fakes.arrays(fakes.SMPL_JOINTS, fakes.SMPL_PARENTS, 6890), tmp_path / "SMPL_FEMALE.pkl")
    module = make(smplx.SMPL, new)
    pose, betas, transl = draw(24, 10)
    vertices, joints = theirs(module, betas, transl, global_orient=pose[:, :1], body_pose=pose[:, 1:])
    for ours in (load_body(new), load_body(old), from_smplx(module)):
        check(pose_body(ours, pose, betas, transl), vertices, joints)


def test_mano_hand(tmp_path):
    old = fakes.fake_mano_pkl(tmp_path / "MANO_RIGHT.pkl", 778)
    data = fakes.arrays((), fakes.MANO_PARENTS, 778, hand=True) | fakes.hand_space("")
    new = plain_pickle(data, tmp_path / "MANO_RIGHT_plain.pkl")
    module = make(smplx.MANO, new, use_pca=False, flat_hand_mean=True)
    pose, betas, transl = draw(16, 10, seed=1)
    vertices, joints = theirs(module, betas, transl, global_orient=pose[:, :1], hand_pose=pose[:, 1:])
    for ours in (load_body(new), load_body(old), from_smplx(module)):
        check(pose_body(ours, pose, betas, transl), vertices, joints)
        assert ours.family == "mano" and ours.gender == "right"


def test_smplh_body_of_16_betas(tmp_path):
    path = fakes.fake_smplh_npz(tmp_path / "SMPLH_FEMALE.npz", 6890)
    module = make(smplx.SMPLH, path, ext="npz", use_pca=False, flat_hand_mean=True, num_betas=10)
    pose, betas, transl = draw(52, 10, seed=2)
    parts = {"body_pose": pose[:, 1:22], "left_hand_pose": pose[:, 22:37], "right_hand_pose": pose[:, 37:]}
    vertices, joints = theirs(module, betas, transl, global_orient=pose[:, :1], **parts)
    check(pose_body(load_body(path), pose, betas, transl), vertices, joints)
    check(pose_body(from_smplx(module), pose, betas, transl), vertices, joints)


def test_smplx_body_with_jaw_and_eyes(tmp_path):
    path = fakes.fake_smplx_npz(tmp_path / "SMPLX_NEUTRAL.npz", 10475)
    module = make(smplx.SMPLX, path, ext="npz", use_pca=False, flat_hand_mean=True)
    pose, betas, transl = draw(55, 10, seed=3)
    parts = {
        "body_pose": pose[:, 1:22], "left_hand_pose": pose[:, 22:37], "right_hand_pose": pose[:, 37:52],
        "jaw_pose": pose[:, 52:53], "leye_pose": pose[:, 53:54], "reye_pose": pose[:, 54:55],
        "expression": np.zeros((FRAMES, 10)),
    }  # fmt: skip
    vertices, joints = theirs(module, betas, transl, global_orient=pose[:, :1], **parts)
    ours = load_body(path)
    check(pose_body(ours, pose, betas, transl), vertices, joints, shown=22)
    check(pose_body(from_smplx(module), pose, betas, transl), vertices, joints, shown=22)
    fingers = pose_body(ours, pose, betas, transl).joints[:, 22:52]
    assert np.abs(fingers - joints[:, 25:55]).max() < LIMIT

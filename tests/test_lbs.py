"""Skinning against closed forms and against a plain loop over the equations."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from mannequin.generator.body import lbs
from mannequin.generator.body.files import load_body
from mannequin.generator.body.joints import with_joints
from mannequin.generator.body.model import SMPL_JOINTS, SMPLH_JOINTS, BodyModel, Topology
from mannequin.generator.errors import ConfigError
from mannequin.generator.rotations import rodrigues
from tests import fakes


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MANNEQUIN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def body(tmp_path_factory) -> BodyModel:
    return load_body(fakes.fake_smpl_pkl(tmp_path_factory.mktemp("smpl") / "SMPL_FEMALE.pkl"))


@pytest.fixture(scope="module")
def body52(tmp_path_factory) -> BodyModel:
    return load_body(fakes.fake_smplh_npz(tmp_path_factory.mktemp("smplh") / "SMPLH_MALE.npz"))


@pytest.fixture(scope="module")
def body55(tmp_path_factory) -> BodyModel:
    return load_body(fakes.fake_smplx_npz(tmp_path_factory.mktemp("smplx") / "SMPLX_MALE.npz"))


def chain() -> BodyModel:
    """Two joints on the y axis, at 0 and 1; five points from y = 0 to 2, the middle one shared."""
    points = np.array([[0, y, 0] for y in (0, 0.5, 1, 1.5, 2)], np.float32)
    weights = np.array([[1, 0], [1, 0], [0.5, 0.5], [0, 1], [0, 1]], np.float32)
    regressor = sp.csr_matrix(np.array([[1.0, 0, 0, 0, 0], [0, 0, 1, 0, 0]]))
    empty = np.zeros((0, 3))
    mesh = Topology("chain", 5, empty.astype(np.int32), *[empty] * 4, {}, {})
    shape = np.zeros((5, 3, 2), np.float32)
    shape[:, 0, 0] = 1  # the first beta moves everything by 1 m along x
    return BodyModel(
        "chain",
        "smpl",
        "neutral",
        points,
        shape,
        np.zeros((9, 15), np.float32),
        regressor,
        weights,
        np.array([-1, 0]),
        ("pelvis", "end"),
        mesh,
    )


def test_a_bent_chain_is_where_geometry_puts_it():
    quarter = [[0, 0, 0], [0, 0, np.pi / 2]]
    posed = lbs.pose_body(chain(), [quarter], transl=[[0, 0, 5]])
    assert np.allclose(posed.vertices[0], [[0, 0, 5], [0, 0.5, 5], [0, 1, 5], [-0.5, 1, 5], [-1, 1, 5]], atol=1e-6)
    assert np.allclose(posed.joints[0], [[0, 0, 5], [0, 1, 5]])


def test_correctives_follow_the_rotation_minus_identity():
    model = chain()
    model.posedirs[1, 9] = 2.0  # entry (0, 1) of the joint's rotation moves vertex 3 along x
    angle = 0.3
    bent = lbs.pose_body(model, [[[0, 0, 0], [0, 0, angle]]]).vertices[0, 3]
    turn = Rotation.from_rotvec([0, 0, angle]).as_matrix()
    assert np.allclose(bent, turn @ [2.0 * turn[0, 1], 0.5, 0] + [0, 1, 0], atol=1e-6)


def test_joints_move_with_betas_but_not_with_offsets():
    offsets = np.full((5, 3), 0.25)
    posed = lbs.pose_body(chain(), np.zeros((1, 2, 3)), [2.0], offsets=offsets)
    assert np.allclose(posed.joints[0], [[2, 0, 0], [2, 1, 0]])
    assert np.allclose(posed.vertices[0], chain().v_template + [2, 0, 0] + offsets)


def by_the_book(model, pose, betas, transl):
    """Equations 2–9 of the SMPL paper for one frame, one vertex at a time."""
    rest = model.v_template + model.shapedirs[:, :, : len(betas)].astype(float) @ betas
    joints = model.joint_regressor @ rest
    turns = Rotation.from_rotvec(pose).as_matrix()
    fixed = rest + ((turns[1:] - np.eye(3)).ravel() @ model.posedirs.astype(float)).reshape(-1, 3)
    world = []
    for j, parent in enumerate(model.parents):
        local = np.eye(4)
        local[:3, :3], local[:3, 3] = turns[j], joints[j] - (joints[parent] if parent >= 0 else 0)
        world.append(local if parent < 0 else world[parent] @ local)
    out = np.empty_like(fixed)
    for v, point in enumerate(fixed):
        parts = [w * (world[j][:3, :3] @ (point - joints[j]) + world[j][:3, 3]) for j, w in enumerate(model.weights[v])]
        out[v] = np.sum(parts, axis=0)
    return out + transl, np.array(world)[:, :3, 3] + transl


@pytest.mark.slow
@pytest.mark.parametrize("which", ["body", "body52", "body55"])
def test_equals_the_equations(which, request):
    model, rng = request.getfixturevalue(which), np.random.default_rng(1)
    pose, betas = rng.normal(0, 0.5, (2, model.num_joints, 3)), rng.normal(0, 1, 7)
    transl = rng.normal(0, 2, (2, 3))
    posed = lbs.pose_body(model, pose, betas, transl)
    for t in range(2):
        vertices, joints = by_the_book(model, pose[t], betas, transl[t])
        assert np.abs(posed.vertices[t] - vertices).max() < 3e-6
        assert np.abs(posed.joints[t] - joints).max() < 1e-12
    assert posed.vertices.dtype == np.float32 and posed.joints.dtype == np.float64


def test_a_frame_is_the_same_bits_in_any_company(body):
    pose = np.random.default_rng(2).normal(0, 0.4, (lbs.LANES + 5, 24, 3))
    together = lbs.pose_body(body, pose)
    again = lbs.pose_body(body, pose)
    assert np.array_equal(together.vertices, again.vertices)
    for t in (0, 3, lbs.LANES, lbs.LANES + 4):
        alone = lbs.pose_body(body, pose[t : t + 1])
        assert np.array_equal(alone.vertices[0], together.vertices[t])
        assert np.array_equal(alone.joints[0], together.joints[t])


def test_no_frames_give_empty_arrays(body):
    posed = lbs.pose_body(body, np.zeros((0, 24, 3)))
    assert posed.vertices.shape == (0, body.num_vertices, 3) and posed.joints.shape == (0, 24, 3)


@settings(max_examples=30)
@given(arrays(float, (4, 3), elements=st.floats(-7, 7)))
def test_rodrigues_is_the_rotation(axis_angle):
    assert np.allclose(rodrigues(axis_angle), Rotation.from_rotvec(axis_angle).as_matrix(), atol=1e-12)


def test_rodrigues_of_tiny_angles_keeps_their_first_order():
    tiny = np.array([1e-9, -2e-9, 3e-9])
    x, y, z = tiny
    assert np.allclose(rodrigues(tiny) - np.eye(3), [[0, -z, y], [z, 0, -x], [-y, x, 0]], rtol=0, atol=1e-16)


def test_a_pose_of_24_joints_leaves_fingers_at_rest(body52):
    pose = np.random.default_rng(3).normal(0, 0.4, (2, 24, 3))
    full = np.zeros((2, 52, 3))
    full[:, :22] = pose[:, :22]
    assert np.array_equal(lbs.pose_body(body52, pose).vertices, lbs.pose_body(body52, full).vertices)


def test_a_pose_of_52_joints_drives_smplx_with_jaw_and_eyes_at_rest(body55):
    pose = np.random.default_rng(4).normal(0, 0.4, (2, 52, 3))
    matched = lbs.match_pose(body55, pose)
    assert body55.joint_names[:52] == SMPLH_JOINTS
    assert np.array_equal(matched[:, :52], pose) and not matched[:, 52:].any()


@pytest.mark.parametrize("joints", [24, 52])
def test_fewer_joints_move_as_the_full_body_at_rest(body55, joints):
    small = with_joints(body55, joints)
    pose = np.random.default_rng(5).normal(0, 0.4, (2, joints, 3))
    pose[:, 22:] = 0 if joints == 24 else pose[:, 22:]
    few, many = lbs.pose_body(small, pose, [1.0]), lbs.pose_body(body55, pose, [1.0])
    assert np.abs(few.vertices - many.vertices).max() < 2e-6
    assert np.allclose(few.joints[:, :22], many.joints[:, :22])
    assert small.joint_names == (SMPL_JOINTS if joints == 24 else SMPLH_JOINTS)


def test_a_merged_hand_turns_all_fingers(body52):
    small = with_joints(body52, 24)
    pose = np.zeros((1, 24, 3))
    pose[0, 22] = [0, 0, 1.0]
    tip = small.v_template[:, 0].argmax()
    moved = np.linalg.norm(lbs.pose_body(small, pose).vertices[0] - small.v_template, axis=1)
    assert moved[tip] > 0.01 and moved[small.v_template[:, 0] < 0.4].max() < 1e-6


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"pose": np.zeros((2, 23, 3))}, "23 joints"),
        ({"pose": np.zeros((24, 3))}, "(24, 3)"),
        ({"pose": np.full((1, 24, 3), np.nan)}, "finite"),
        ({"pose": np.zeros((2, 24, 3)), "betas": np.zeros(11)}, "at most 10"),
        ({"pose": np.zeros((2, 24, 3)), "transl": np.zeros((1, 3))}, "transl"),
        ({"pose": np.zeros((2, 24, 3)), "offsets": np.zeros((5, 3))}, "offsets"),
    ],
)
def test_refuses_what_does_not_fit(body, arguments, says):
    with pytest.raises(ConfigError) as error:
        lbs.pose_body(body, **arguments)
    assert says in str(error.value)


def test_joints_that_a_body_lacks_are_refused(body):
    with pytest.raises(ConfigError, match="Fingers need SMPL-H"):
        with_joints(body, 52)


def test_soles_are_under_the_feet_from_heel_to_toe(tmp_path):
    body = load_body(fakes.fake_smpl_pkl(tmp_path / "SMPL_MALE.pkl", 6890))
    offsets = np.zeros((body.num_vertices, 3))
    offsets[:, 1] = -0.01
    bare, shod = lbs.make_skeleton(body), lbs.make_skeleton(body, offsets=offsets)
    assert np.allclose(bare.joints, body.rest_joints)
    for side in (0, 1):
        sole = bare.soles[side]
        assert 40 <= len(sole) <= 60
        assert (np.sign(sole[:, 0]) == (1, -1)[side]).all()
        assert (np.diff(sole[:, 2]) >= 0).all() and np.ptp(sole[:, 2]) > 0.2
        assert sole[:, 1].max() <= body.v_template[:, 1].min() + lbs.SOLE_HEIGHT + 1e-6
        assert set(bare.sole_joints[side]) == {7 + side, 10 + side}
        assert np.allclose(shod.soles[side], sole + [0, -0.01, 0])
    assert np.allclose(shod.joints, bare.joints)


def test_skeletons_of_smplx_end_with_the_fingers(body55):
    skeleton = lbs.make_skeleton(body55)
    assert skeleton.joints.shape == (52, 3) and len(skeleton.parents) == 52


def test_the_hand_has_no_skeleton(tmp_path):
    hand = load_body(fakes.fake_mano_pkl(tmp_path / "MANO_RIGHT.pkl"))
    with pytest.raises(ConfigError, match="no feet"):
        lbs.make_skeleton(hand)

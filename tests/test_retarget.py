"""Retargeting: made-up people in several conventions, and real recordings, measured."""

from pathlib import Path

import numpy as np
import pytest
from bvh_files import NAMINGS, PERSON, person_text
from retarget_report import retarget_report
from scipy.spatial.transform import Rotation

from mannequin.generator.body.builtin import load_builtin
from mannequin.generator.body.lbs import make_skeleton
from mannequin.generator.errors import AssetError
from mannequin.generator.motion.bvh import read_bvh
from mannequin.generator.motion.retarget import retarget
from mannequin.generator.motion.skeletons import joint_positions, world_orientations
from mannequin.generator.motion.source import make_source
from mannequin.generator.rotations import to_matrices

CMU = Path(__file__).resolve().parents[2] / "shared" / "data" / "cmu_mocap"
RECORDINGS = ("01_01", "07_01", "08_02", "09_11", "131_01", "131_02", "49_08")
Z_UP = np.array([[-1.0, 0, 0], [0, 0, 1], [0, 1, 0]])
"""Our axes to those of a file with Z up in which people face +Y."""


@pytest.fixture(scope="module", params=[24, 52])
def skeleton(request):
    return make_skeleton(load_builtin("female", request.param))


def source_of(tmp_path, **kwargs):
    path = tmp_path / "person.bvh"
    path.write_text(person_text(**kwargs))
    return make_source(read_bvh(path), str(path))


def about(axis, degrees):
    vector = np.multiply.outer(np.deg2rad(degrees), np.eye(3)["xyz".index(axis)])
    return Rotation.from_rotvec(vector).as_matrix()


def squats(frames=60):
    """Someone who bends knees and elbows, turns the trunk, and stands with both feet."""
    bend = 40.0 * (1 - np.cos(np.linspace(0, 2 * np.pi, frames))) / 2
    out = {"spine": about("y", bend)}
    for side, sign in (("l", 1), ("r", -1)):
        out |= {
            f"{side}_hip": about("x", -bend),
            f"{side}_knee": about("x", 2 * bend),
            f"{side}_ankle": about("x", -bend),
        }
        out |= {f"{side}_shoulder": about("z", -sign * bend), f"{side}_elbow": about("y", -sign * 2 * bend)}
    height = 0.95 - 0.41 * (1 - np.cos(np.deg2rad(bend))) - 0.42 * (1 - np.cos(np.deg2rad(bend)))
    return out, np.stack([0 * height, height, 0 * height], axis=1)


def posed(result, skeleton):
    turned = world_orientations(to_matrices(result.rotations), skeleton.parents)
    return turned, joint_positions(turned, skeleton.joints[0] + result.transl, skeleton)


@pytest.mark.parametrize("naming", NAMINGS)
@pytest.mark.parametrize("axes", [np.eye(3), Z_UP], ids=["Y-up", "Z-up"])
def test_names_axes_and_units(tmp_path, skeleton, naming, axes):
    rotations, path = squats()
    source = source_of(tmp_path, rotations=rotations, path=path, naming=naming, axes=axes, scale=39.37)
    result = retarget(source, skeleton)
    report = retarget_report(source, skeleton, result)
    assert max(report.limb_mean.values()) < 3 and report.wrong_bend == 0
    assert report.sink < 0.005 and report.hover < 0.01 and report.drift < 0.01 and report.contact == 1
    turned, position = posed(result, skeleton)
    np.testing.assert_allclose(turned[0, 15] @ [0, 1, 0], [0, 0, 1], atol=1e-6)  # upright
    left, forward = turned[0, 0] @ [1, 0, 0], turned[0, 0] @ [0, 0, 1]
    np.testing.assert_allclose(np.cross(forward, left), [0, 0, 1], atol=1e-6)
    assert (position[0, 20] - position[0, 21]) @ left > 1.0  # arms out to their own sides
    assert (position[30, 4] - position[30, 1]) @ (turned[30, 0] @ [0, 0, 1]) > 0.15  # knees forward


def arms_down():
    """The made-up person with arms that hang at rest, and legs apart with feet straight ahead."""
    places = dict(PERSON)
    for side, sign in (("l", 1), ("r", -1)):
        for joint, length in (("elbow", 0.28), ("wrist", 0.25), ("hand_end", 0.1)):
            places[f"{side}_{joint}"] = (places[f"{side}_{joint}"][0], (0, -length, 0))
        for joint, length in (("knee", 0.41), ("ankle", 0.42)):
            places[f"{side}_{joint}"] = (places[f"{side}_{joint}"][0], (sign * 0.34 * length, -0.94 * length, 0))
    return places


def test_another_rest_pose_gives_the_same_motion(tmp_path):
    skeleton = make_skeleton(load_builtin("male", 24))
    rotations, path = squats()
    same = retarget(source_of(tmp_path, rotations=rotations, path=path), skeleton)
    # The same movement recorded from the other rest pose: undo the difference at hip and shoulder.
    other = dict(rotations)
    for side, sign in (("l", 1), ("r", -1)):
        lift, close = about("z", sign * 90), about("z", -sign * np.rad2deg(np.arctan2(0.34, 0.94)))
        other[f"{side}_shoulder"] = rotations[f"{side}_shoulder"] @ lift
        other[f"{side}_hip"] = rotations[f"{side}_hip"] @ close
        for child in ("elbow", "wrist"):
            other[f"{side}_{child}"] = lift.T @ rotations.get(f"{side}_{child}", np.eye(3)[None].repeat(60, 0)) @ lift
        other[f"{side}_knee"] = close.T @ rotations[f"{side}_knee"] @ close
        other[f"{side}_ankle"] = close.T @ rotations[f"{side}_ankle"]
    result = retarget(source_of(tmp_path, rotations=other, path=path, places=arms_down()), skeleton)
    (turned, place), (expected, at) = posed(result, skeleton), posed(same, skeleton)
    np.testing.assert_allclose(place, at, atol=0.02)
    cosine = (np.einsum("tjab,tjab->tj", turned, expected) - 1) / 2
    assert np.rad2deg(np.arccos(np.clip(cosine, -1, 1))).max() < 5


def test_elbows_bend_about_our_hinge(tmp_path):
    """CMU's elbows bend about an axis that is tilted by 30° in its T-pose; ours may not bend sideways."""
    bend = np.linspace(5, 100, 40)
    rotations = {}
    for side, sign in (("l", 1), ("r", -1)):
        axis = np.array([0, -sign * np.cos(np.pi / 6), sign * 0.5])
        rotations[f"{side}_elbow"] = Rotation.from_rotvec(np.deg2rad(bend)[:, None] * axis).as_matrix()
    source = source_of(tmp_path, rotations=rotations)
    skeleton = make_skeleton(load_builtin("male", 24))
    result = retarget(source, skeleton)
    for joint, hinge in ((18, [0, -1, 0]), (19, [0, 1, 0])):
        turned = Rotation.from_quat(result.rotations[-1, joint]).as_rotvec()
        assert turned @ hinge > 0.96 * np.linalg.norm(turned)
    assert max(retarget_report(source, skeleton, result).limb_max.values()) < 1


def test_fingers(tmp_path):
    """Recorded fingers curl about the same axis of the palm; half-recorded hands count as none."""
    places, rotations = dict(PERSON), {"head": about("y", np.linspace(0, 20, 8))}
    curl = np.linspace(0, 60, 8)
    for side, sign in (("l", 1), ("r", -1)):
        for f, finger in enumerate(("Index", "Middle", "Ring", "Pinky")):
            for k in range(3):
                parent = f"{side}_Hand{finger}{k}" if k else f"{side}_wrist"
                places[f"{side}_Hand{finger}{k + 1}"] = (
                    parent,
                    (sign * (0.03 if k else 0.09), 0, 0 if k else 0.03 - 0.02 * f),
                )
        rotations[f"{side}_HandMiddle1"] = about("z", -sign * curl)
    source = source_of(tmp_path, rotations=rotations, places=places)
    assert len(source.roles.fingers) == 24
    result = retarget(source, make_skeleton(load_builtin("female", 52)))
    turned = Rotation.from_quat(result.rotations[:, 25]).as_rotvec()
    np.testing.assert_allclose(np.rad2deg(np.linalg.norm(turned, axis=1)), curl, atol=1e-3)
    assert turned[-1] @ [0, 0, -1] > 0.98 * np.linalg.norm(turned[-1])  # into the palm
    np.testing.assert_allclose(to_matrices(result.rotations[:, 22]), np.tile(np.eye(3), (8, 1, 1)), atol=1e-6)
    few = {n: v for n, v in places.items() if "Ring" not in n}
    assert not source_of(tmp_path, rotations={"head": rotations["head"]}, places=few).roles.fingers


def test_jumps_leave_the_ground(tmp_path):
    skeleton = make_skeleton(load_builtin("male", 24))
    frames = 120
    path = np.tile([0.0, 0.95, 0.0], (frames, 1))
    path[40:80, 1] += 0.4 * np.sin(np.linspace(0, np.pi, 40))
    source = source_of(tmp_path, rotations={"head": about("y", np.linspace(0, 30, frames))}, path=path)
    result = retarget(source, skeleton)
    height = result.transl[:, 2] - result.transl[0, 2]
    leg = np.linalg.norm(skeleton.joints[1] - skeleton.joints[4]) + np.linalg.norm(
        skeleton.joints[4] - skeleton.joints[7]
    )
    assert height[60] == pytest.approx(0.4 * leg / 0.83, abs=0.03)
    assert abs(height[10]) < 0.005 and abs(height[110]) < 0.005


def test_a_rest_frame_put_first_is_dropped(tmp_path):
    rotations, path = squats(30)
    bent = {name: np.concatenate([np.eye(3)[None], r[10:]]) for name, r in rotations.items()}
    source = source_of(tmp_path, rotations=bent, path=path[9:])
    assert len(source.position) == 20


def test_a_useless_rest_pose_is_replaced_by_a_frame_that_stands(tmp_path):
    """Bones laid along +X at rest, as some systems write them."""
    places = {
        n: (p, (0, 0.95, 0) if p is None else tuple(np.linalg.norm(o) * np.eye(3)[0])) for n, (p, o) in PERSON.items()
    }
    for side in ("l", "r"):  # offsets that branch are kept
        places[f"{side}_hip"], places[f"{side}_collar"] = PERSON[f"{side}_hip"], PERSON[f"{side}_collar"]
    with_bend, path = squats()

    def lay(name):  # (3, 3) takes +X to the bone that leaves the joint in the T-pose
        child = (
            next(c for c, (p, _) in PERSON.items() if p == name and places[c][1] != PERSON[c][1])
            if name in carriers
            else None
        )
        return np.eye(3) if child is None else Rotation.align_vectors([PERSON[child][1]], [[1, 0, 0]])[0].as_matrix()

    carriers = {p for c, (p, o) in PERSON.items() if p and places[c][1] != o} - {"pelvis", "chest"}
    places["spine"], places["neck"] = PERSON["spine"], PERSON["neck"]
    rotations = {}
    for name, (parent, _) in PERSON.items():
        if not name.endswith("_end"):
            up = lay(parent) if parent else np.eye(3)
            rotations[name] = up.T @ with_bend.get(name, np.tile(np.eye(3), (60, 1, 1))) @ lay(name)
    source = source_of(tmp_path, rotations=rotations, path=path, places=places)
    skeleton = make_skeleton(load_builtin("male", 24))
    report = retarget_report(source, skeleton, retarget(source, skeleton))
    assert max(report.limb_mean.values()) < 3 and report.wrong_bend == 0 and report.sink < 0.01


def test_what_is_no_person_is_refused(tmp_path):
    armless = {n: v for n, v in PERSON.items() if n[2:] not in ("elbow", "wrist", "hand_end")}
    with pytest.raises(AssetError, match="are not recognised.*LeftUpLeg"):
        source_of(tmp_path, places=armless)
    headless = {n: v for n, v in PERSON.items() if n not in ("neck", "head", "head_end")}
    with pytest.raises(AssetError, match="a head that branch off one trunk are not recognised"):
        source_of(tmp_path, places=headless)
    dog = dict(PERSON) | {"spine": ("pelvis", (0, 0, 0.25)), "chest": ("spine", (0, 0, 0.3))}
    for side, sign in (("l", 1), ("r", -1)):
        dog |= {f"{side}_{joint}": (f"{side}_{parent}", (0, -0.3, 0)) for parent, joint in FRONT_LEG}
        dog[f"{side}_shoulder"] = (f"{side}_collar", (sign * 0.05, -0.1, 0))
    with pytest.raises(AssetError, match="stands upright"):
        source_of(tmp_path, places=dog | {"neck": ("chest", (0, 0.1, 0.2))})


FRONT_LEG = (("shoulder", "elbow"), ("elbow", "wrist"))


@pytest.mark.skipif(not CMU.is_dir(), reason="the CMU recordings are not beside the project (../shared/data/cmu_mocap)")
@pytest.mark.parametrize("name", RECORDINGS)
def test_real_recordings(name):
    skeleton = make_skeleton(load_builtin("male", 24))
    source = make_source(read_bvh(CMU / f"{name}.bvh"), name)
    result = retarget(source, skeleton)
    report = retarget_report(source, skeleton, result)
    print(name, report)
    assert max(report.limb_mean.values()) < 5 and max(report.limb_max.values()) < 22
    assert report.wrong_bend < 0.01 and report.feet_heading < 10 and report.trunk < 20
    assert report.fastest < 35
    assert report.sink < 0.01 and report.deepest < 0.01 and report.hover < 0.03
    assert report.slide < 0.06 and report.drift < 0.03
    stature = skeleton.joints[15, 1] - skeleton.joints[10, 1]
    assert np.ptp(result.transl[:, 2]) < stature


@pytest.mark.skipif(not CMU.is_dir(), reason="the CMU recordings are not beside the project (../shared/data/cmu_mocap)")
@pytest.mark.parametrize("name", ["07_01", "08_02", "09_11"])
def test_walkers_face_where_they_go(name):
    skeleton = make_skeleton(load_builtin("female", 24))
    result = retarget(make_source(read_bvh(CMU / f"{name}.bvh"), name), skeleton)
    forward = to_matrices(result.rotations[:, 0]) @ [0, 0, 1]
    travel = np.gradient(result.transl, axis=0)[:, :2]
    travel /= np.linalg.norm(travel, axis=1, keepdims=True)
    assert np.sum(travel * forward[:, :2], axis=1).mean() > 0.9

"""Which joint is what: naming schemes, helpers, split limbs, mirror images, maps; and what comes of it."""

import json
from functools import cache

import numpy as np
import pytest
from bvh_files import PERSON, person_text
from rigs import DIGITS, RIGS, named, numbered, with_fingers, without_toes
from schemes import MOTIONBUILDER, SCHEMES, UNREAL
from test_retarget import posed, squats

from mannequin.generator.body.builtin import load_builtin
from mannequin.generator.body.lbs import make_skeleton
from mannequin.generator.errors import AssetError, ConfigError
from mannequin.generator.motion.bvh import read_bvh
from mannequin.generator.motion.bvh_facts import template
from mannequin.generator.motion.joint_map import NO_MAP, map_for, read_joint_map
from mannequin.generator.motion.joint_roles import find_roles
from mannequin.generator.motion.retarget import retarget
from mannequin.generator.motion.source import make_source

ROLES = ("hip", "knee", "ankle", "toe", "collar", "shoulder", "elbow", "wrist")
OURS = {"hip": (1, 2), "knee": (4, 5), "ankle": (7, 8), "shoulder": (16, 17), "elbow": (18, 19), "wrist": (20, 21)}
LIMBS = (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))


@pytest.fixture(scope="module")
def skeleton():
    return make_skeleton(load_builtin("neutral", 24))


def read(tmp_path, names, **kwargs):
    path = tmp_path / "person.bvh"
    path.write_text(person_text(naming=names, **kwargs))
    return read_bvh(path)


def forward_kinematics(rotations, path, places=PERSON):
    """Joint → (T, 3) in the file's world, from the places and rotations that the file was written with."""

    @cache
    def world(name):
        parent, offset = places[name]
        local = rotations.get(name, np.eye(3)[None])
        if parent is None:
            return local + 0 * path[:, :1, None], path
        turned, position = world(parent)
        return turned @ local, position + turned @ np.array(offset)

    return {name: world(name)[1] for name in places}


def check_person(bvh, skeleton, rotations, path, places=PERSON, left="l", right="r"):
    """The retargeted motion has the limbs of the file where it has them, left and right as ``left`` and ``right``."""
    result = retarget(make_source(bvh, "test"), skeleton)
    turned, ours = posed(result, skeleton)
    theirs = forward_kinematics(rotations, path, places)
    to_world = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # the file is Y-up
    for a, b in LIMBS:
        for k, side in enumerate((left, right)):
            wanted = (theirs[f"{side}_{b}"] - theirs[f"{side}_{a}"]) @ to_world.T
            found = ours[:, OURS[b][k]] - ours[:, OURS[a][k]]
            cosine = np.sum(wanted * found, axis=1) / np.linalg.norm(wanted, axis=1) / np.linalg.norm(found, axis=1)
            assert np.rad2deg(np.arccos(cosine.clip(-1, 1))).max() < 3, (side, a, b)
    up, forward = turned[0, 0] @ [0, 1, 0], turned[0, 0] @ [0, 0, 1]
    np.testing.assert_allclose(up, [0, 0, 1], atol=1e-6)
    toes = (theirs[f"{left}_toe"] - theirs[f"{left}_ankle"])[0] @ to_world.T if f"{left}_toe" in theirs else [0, -1, 0]
    assert forward @ toes > 0
    return result


@pytest.mark.parametrize("name", SCHEMES)
def test_schemes(tmp_path, skeleton, name):
    names = SCHEMES[name]
    rotations, path = squats(20)
    bvh = read(tmp_path, names, rotations=rotations, path=path)
    check_person(bvh, skeleton, rotations, path)
    if len(set(names.values())) == len(names):
        roles = find_roles(bvh, "test")
        assert [bvh.names[j] for j in (roles.pelvis, *roles.spine, *roles.neck)] == [
            names[j] for j in ("pelvis", "spine", "chest", "neck", "head")
        ]
        for role in ROLES:
            assert [bvh.names[j] for j in roles.sided[role]] == [names[f"l_{role}"], names[f"r_{role}"]], role
        assert roles.sided["hand_end"] != roles.sided["wrist"] and min(roles.confidence.values()) > 0.5


@pytest.mark.parametrize("name", SCHEMES)
def test_schemes_of_two_frames(tmp_path, name):
    """Without movement names and lengths alone tell."""
    names = SCHEMES[name]
    bvh = read(tmp_path, names)
    roles = find_roles(bvh, "test")
    for role in ROLES:
        wanted = [names[f"l_{role}"], names[f"r_{role}"]]
        assert [bvh.names[j] for j in roles.sided[role]] == wanted, role


@pytest.mark.parametrize("kind", RIGS)
@pytest.mark.parametrize("called", [named, numbered], ids=["named", "numbered"])
@pytest.mark.parametrize("moves", [True, False], ids=["moving", "still"])
def test_rigs(tmp_path, skeleton, kind, called, moves):
    places = RIGS[kind](PERSON)
    names = called(places)
    rotations, path = squats(20)
    if not moves and kind == "no toes" and called is numbered:
        with pytest.raises(AssetError, match="does not tell left from right"):
            find_roles(read(tmp_path, names, places=places), "test")
        return
    if not moves:
        rotations, path = {}, path[:2]
    bvh = read(tmp_path, names, rotations=rotations, path=path, places=places)
    roles = find_roles(bvh, "test")
    assert bvh.names[roles.head] == names["head"]
    for role in ROLES:
        if role in roles.sided:
            wanted = [names[f"l_{role}"], names[f"r_{role}"]]
            assert [bvh.names[j] for j in roles.sided[role]] == wanted, (role, roles.confidence)
    assert ("toe" in roles.sided) == (kind != "no toes") and ("collar" in roles.sided) == (kind != "no collars")
    assert len(roles.fingers) == (30 if "fingers" in places or ("l_ring1" in places and called is named) else 0)
    if moves:
        check_person(bvh, skeleton, rotations, path, places)


def mirrored(places):
    """Left and right names on the wrong sides: a file whose X axis was turned over."""
    return {n: (parent, (-o[0], o[1], o[2])) for n, (parent, o) in places.items()}


def test_a_mirror_image_is_read_by_its_anatomy(tmp_path, skeleton):
    """Toes and knees show front; the limbs called left are on the right of it."""
    rotations, path = squats(20)
    rotations = {n: np.diag([-1.0, 1, 1]) @ r @ np.diag([-1.0, 1, 1]) for n, r in rotations.items()}
    bvh = read(tmp_path, MOTIONBUILDER, rotations=rotations, path=path, places=mirrored(PERSON))
    roles = find_roles(bvh, "test")
    assert [bvh.names[j] for j in roles.sided["hip"]] == ["RightUpLeg", "LeftUpLeg"]
    assert any("contradict" in d and "'RightUpLeg' is the left hip" in d for d in roles.doubts)
    check_person(bvh, skeleton, rotations, path, mirrored(PERSON), left="r", right="l")


def test_names_win_against_weak_evidence(tmp_path):
    """Someone who walks backwards, without toes and with straight knees."""
    path = np.tile([0.0, 0.95, 0.0], (30, 1))
    path[:, 2] -= np.linspace(0, 2, 30)
    bvh = read(tmp_path, MOTIONBUILDER, path=path, frames=30, places=without_toes(PERSON))
    roles = find_roles(bvh, "test")
    assert [bvh.names[j] for j in roles.sided["hip"]] == ["LeftUpLeg", "RightUpLeg"]
    assert any("walking would have front at the back" in d for d in roles.doubts)


def test_front_without_toes_and_names(tmp_path, skeleton):
    """Bent knees tell; else the way that someone walks; an end below the ankle does not."""
    places = without_toes(PERSON)
    rotations, path = squats(20)
    bvh = read(tmp_path, numbered(places), rotations=rotations, path=path, places=places)
    assert find_roles(bvh, "test").facing.startswith("knees")
    check_person(bvh, skeleton, rotations, path, places)
    path = np.tile([0.0, 0.95, 0.0], (30, 1)) + np.linspace(0, 2, 30)[:, None] * [0, 0, 1]
    bvh = read(tmp_path, numbered(places), path=path, frames=30, places=places)
    roles = find_roles(bvh, "test")
    assert roles.facing.startswith("walking") and "toe" not in roles.sided
    assert any("straight below the shin" in d for d in roles.doubts)
    check_person(bvh, skeleton, {}, path, places)


@pytest.mark.parametrize("direction", [(0.1, -0.02, 0), (-0.1, -0.02, 0), (0, 0, -0.1)])
def test_ends_along_any_axis_are_no_toes(tmp_path, direction):
    """Programs end a chain along an axis of their own."""
    places = without_toes(PERSON) | {f"{s}_ankle_end": (f"{s}_ankle", direction) for s in "lr"}
    rotations, path = squats(20)
    roles = find_roles(read(tmp_path, MOTIONBUILDER, rotations=rotations, path=path, places=places), "test")
    assert "toe" not in roles.sided and roles.doubts
    source = make_source(read(tmp_path, MOTIONBUILDER, rotations=rotations, path=path, places=places), "test")
    assert source.told["forward"].startswith("+Z")


FINGERS = {
    "MotionBuilder": "HandThumb1/HandIndex1/HandMiddle1/HandRing1/HandPinky1",
    "VRM": "Thumb1/Index1/Middle1/Ring1/Little1",
    "Rigify": "thumb.01/f_index.01/f_middle.01/f_ring.01/f_pinky.01",
    "Daz": "Thumb1/Index1/Mid1/Ring1/Pinky1",
    "Unreal": "thumb_01/index_01/middle_01/ring_01/pinky_01",
    "Unity": "ThumbProximal/IndexProximal/MiddleProximal/RingProximal/LittleProximal",
    "MakeHuman": "finger1-1/finger2-1/finger3-1/finger4-1/finger5-1",
    "3ds Max": "Finger0/Finger1/Finger2/Finger3/Finger4",
}


@pytest.mark.parametrize("style", FINGERS)
@pytest.mark.parametrize("left, right", [("Left*", "Right*"), ("*.L", "*.R"), ("l*", "r*"), ("J_Bip_L_*", "J_Bip_R_*")])
def test_fingers(tmp_path, style, left, right):
    places = with_fingers(PERSON)
    names = dict(SCHEMES["Unity humanoid"])
    for finger, first in zip(("thumb", "index", "middle", "ring", "pinky"), FINGERS[style].split("/")):
        for k in (1, 2, 3):
            if "Proximal" in first:
                word = first.replace("Proximal", ("Proximal", "Intermediate", "Distal")[k - 1])
            elif style == "3ds Max":
                word = first if k == 1 else f"{first}{k - 1}"
            else:
                word = first[:-1] + str(k)
            names |= {f"l_{finger}{k}": left.replace("*", word), f"r_{finger}{k}": right.replace("*", word)}
    bvh = read(tmp_path, names, places=places)
    roles = find_roles(bvh, "test")
    assert len(roles.fingers) == 30
    for (side, finger, k), joint in roles.fingers.items():
        assert bvh.names[joint] == names[f"{'lr'[side]}_{finger}{k + 1}"]
    assert [bvh.names[j] for j in roles.sided["hand_end"]] == [names["l_middle1"], names["r_middle1"]]


def test_joints_of_the_palm_are_no_knuckles(tmp_path):
    places = with_fingers(PERSON)
    names = dict(UNREAL)
    for side, x in (("l", 1), ("r", -1)):
        for finger in ("index", "middle", "ring", "pinky"):
            _, offset = places[f"{side}_{finger}1"]
            places[f"{side}_{finger}0"] = (f"{side}_wrist", (x * 0.02, 0, offset[2]))
            places[f"{side}_{finger}1"] = (f"{side}_{finger}0", (x * 0.07, 0, 0))
            names[f"{side}_{finger}0"] = f"{finger}_metacarpal_{side}"
        names |= {f"{side}_{f}{k}": f"{f}_0{k}_{side}" for f in DIGITS for k in (1, 2, 3)}
    bvh = read(tmp_path, names, places=places)
    roles = find_roles(bvh, "test")
    assert bvh.names[roles.fingers[0, "ring", 0]] == "ring_01_l" and len(roles.fingers) == 30


def test_a_map_corrects_and_completes(tmp_path, skeleton):
    places = without_toes(PERSON)
    names = numbered(places)
    bvh = read(tmp_path, names, places=places)
    path = tmp_path / "map.json"
    path.write_text(json.dumps({"left_hip": names["l_hip"], "right_hip": names["r_hip"], "left_toe": None}))
    ((pattern, given),) = read_joint_map(str(path))
    roles = find_roles(bvh, "test", given)
    assert pattern == "*" and [bvh.names[j] for j in roles.sided["wrist"]] == [names["l_wrist"], names["r_wrist"]]
    path.write_text(json.dumps({"left_hip": names["r_hip"], "right_hip": names["l_hip"], "head": names["neck"]}))
    turned = find_roles(bvh, "test", read_joint_map(str(path))[0][1])
    assert [bvh.names[j] for j in turned.sided["wrist"]] == [names["r_wrist"], names["l_wrist"]]
    assert bvh.names[turned.head] == names["neck"]
    whole = template(bvh, roles)
    path.write_text(json.dumps(whole))
    again = find_roles(bvh, "test", read_joint_map(str(path))[0][1])
    assert again.sided == roles.sided and (again.pelvis, again.spine, again.neck) == (
        roles.pelvis,
        roles.spine,
        roles.neck,
    )


@pytest.mark.parametrize(
    "content, message",
    [
        ("[1]", "is no object"),
        ("{", "is not JSON"),
        ('{"left_hipp": "a", "right_hip": "b"}', "Did you mean 'left_hip'"),
        ('{"left_hip": "a"}', "names one hip only"),
        ('{"left_hip": 3, "right_hip": "b"}', "Expected the name of a joint"),
        ('{"left_hip": "a", "right_hip": "a"}', "several roles to 'a'"),
        ('{"left_hip": "LeftUpLegs", "right_hip": "RightUpLeg"}', "no joint of that name. Nearest: LeftUpLeg"),
        ('{"left_hip": "LeftFoot", "right_hip": "RightFoot"}', "not recognised with the joints of the map"),
    ],
)
def test_wrong_maps(tmp_path, content, message):
    path = tmp_path / "map.json"
    path.write_text(content)
    with pytest.raises((AssetError, ConfigError), match=message):
        find_roles(read(tmp_path, MOTIONBUILDER), "test", read_joint_map(str(path))[0][1])


def test_maps_by_file(tmp_path):
    path = tmp_path / "map.json"
    path.write_text(json.dumps({"dance/*": {"head": "Skull"}, "walk*.bvh": {"head": "Top"}}))
    maps = read_joint_map(str(path))
    assert map_for("dance/a.bvh", maps).entries == (("head", "Skull"),)
    assert map_for("cmu/walk_1.bvh", maps).entries == (("head", "Top"),)
    assert map_for("cmu/run.bvh", maps) is NO_MAP and read_joint_map("") == ()

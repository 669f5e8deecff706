"""Hands that stand alone: a MANO file of the user's, posed by explicit parameters."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mannequin.generator.body.lbs import pose_body
from mannequin.generator.body.model import FINGERS, hand_joints, joint_parents
from mannequin.generator.catalog import Assets, Catalog
from mannequin.generator.clip import DEFAULT_OUTPUTS
from mannequin.generator.dataset.folder import create_or_resume
from mannequin.generator.dataset.native import write_clip
from mannequin.generator.errors import AssetError, ConfigError, MissingExtraError
from mannequin.generator.records import to_plain
from mannequin.generator.spec import CameraSpec, ClipSpec, HandSpec, ObjectSpec, PlainBackground, ShLight
from mannequin.renderers.raster.renderer import RasterRenderer
from mannequin.renderers.validation.validate import validate
from tests import fakes
from tests.scenes import look_at

PARTS = {22, 24}
"""rightHand and rightHandIndex1, of 24."""


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hands")
    fakes.fake_mano_pkl(folder / "MANO_RIGHT.pkl")
    return Catalog(Assets(body=str(folder)))


def clip_of(frames=2, objects=(), **changes):
    """A right hand that closes and comes nearer, 0.6 m before the camera."""
    rng = np.random.default_rng(3)
    curl = rng.normal(0, 0.2, (16, 3))
    curl[0] = Rotation.from_euler("xyz", (0.1, 0.1, 0.2)).as_rotvec()
    pose = tuple(tuple(float(v) for v in (curl * [[1]] * (1 + 0.2 * t)).reshape(-1)) for t in range(frames))
    transl = tuple((0.02 * t, -0.05 * t, 1.0) for t in range(frames))
    hand = HandSpec("hand", 5, "user-right", (0.5, -0.3), pose, transl, color=(0.9, 0.1, 0.1))
    eye = look_at((0.0, -0.6, 1.05), (0.0, 0.0, 1.0))
    camera = CameraSpec("camera", 300.0, 300.0, 80.0, 60.0, (tuple(map(tuple, eye.tolist())),))
    return ClipSpec(
        "clip", 0, 0, "all", "test", 25.0, frames, (120, 160), (), (camera,), ShLight((1.0,) + (0.0,) * 8),
        PlainBackground((0, 0, 0)), objects, hands=(replace(hand, **changes),), ground=None,
    )  # fmt: skip


def test_joint_names_and_parents_are_those_of_mano():
    names, parents = hand_joints("left"), joint_parents(hand_joints("left"))
    assert parents == fakes.MANO_PARENTS and names[0] == "left_wrist" and len(names) == 16
    for finger in FINGERS:
        chain = [names.index(f"left_{finger}{k}") for k in (1, 2, 3)]
        assert [parents[j] for j in chain] == [0, *chain[:2]]


def test_a_hand_is_posed_rendered_and_tracked(catalog):
    spec = clip_of()
    clip = RasterRenderer(catalog).render(spec, (*DEFAULT_OUTPUTS, "vertices"))
    (hand,), track, model = spec.hands, clip.hands["hand"], catalog.body("user-right", 16)
    assert not clip.people and track.kind == "hand" and track.gender == "right" and track.body == "user-right"
    assert track.joint_names == hand_joints("right") == model.joint_names
    posed = pose_body(model, np.array(hand.pose).reshape(2, 16, 3), hand.betas, np.array(hand.transl))
    np.testing.assert_allclose(track.joints, posed.joints, atol=1e-6)
    np.testing.assert_array_equal(track.vertices, posed.vertices)
    np.testing.assert_allclose(track.pose.reshape(2, -1), hand.pose, atol=1e-6)
    view = clip.views["camera"]
    for t in range(2):
        instance, segm = clip.frame("camera", "instance", t), clip.frame("camera", "segm", t)
        assert set(np.unique(instance)) == {0, 5} and set(np.unique(segm)) <= PARTS | {0}
        assert (clip.frame("camera", "category", t) == 2 * (instance == 5)).all()
        ys, xs = np.nonzero(instance)
        seen = view.hands["hand"]
        assert (
            tuple(seen.box[t]) == (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1) and seen.pixels[t] == len(xs) > 500
        )
        red, green, _ = view.rgb[t][instance == 5].astype(int).mean(0)
        assert red > 100 > 60 > green
    local = (track.joints - np.array([0.0, -0.6, 1.05])) @ np.array(spec.cameras[0].T_world_camera[0])[:3, :3]
    np.testing.assert_allclose(view.hands["hand"].joints_camera, local, atol=1e-5)


def test_a_hand_behind_an_object_is_hidden(catalog):
    spec = clip_of()
    board = np.eye(4)
    board[:3, :3] = Rotation.from_euler("x", 90, degrees=True).as_matrix()
    board[:3, 3] = 0.0, -0.3, 1.0
    thing = ObjectSpec("board", 1, "plane", (tuple(map(tuple, board.tolist())),), (0.5, 0.5, 1.0))
    free = RasterRenderer(catalog).render(spec).views["camera"].hands["hand"]
    behind = RasterRenderer(catalog).render(replace(spec, objects=(thing,))).views["camera"].hands["hand"]
    assert free.in_frame.all() and free.visible.mean() > 0.7 and not behind.visible.any() and behind.pixels.sum() == 0


def test_the_far_side_of_a_hand_hides_what_is_behind_it(catalog):
    """Seen along the fingers, tips hide knuckles though all of a hand has but two parts."""
    spec = clip_of(frames=1)
    track = RasterRenderer(catalog).render(spec).hands["hand"]
    names = track.joint_names
    tip, wrist = (track.joints[0, names.index(f"right_{name}")] for name in ("middle3", "wrist"))
    along = (tip - wrist) / np.linalg.norm(tip - wrist)
    eye = look_at(tip + 0.5 * along, wrist)
    camera = replace(spec.cameras[0], T_world_camera=(tuple(map(tuple, eye.tolist())),))
    seen = RasterRenderer(catalog).render(replace(spec, cameras=(camera,))).views["camera"].hands["hand"]
    assert seen.in_frame[0, 0] and not seen.visible[0, 0]


@pytest.mark.blender
def test_cycles_agrees(catalog):
    from mannequin.renderers.blender.renderer import BlenderRenderer

    clip = BlenderRenderer(catalog).render(clip_of(), ("rgb", "segm", "instance", "depth"))
    assert clip.hands["hand"].kind == "hand" and clip.agreement["silhouette_of_image_worst"] < 0.001


def test_a_body_is_no_hand(catalog):
    """And says so, whichever way they are mixed up."""
    with pytest.raises((ConfigError, AssetError), match="MANO"):
        RasterRenderer(Catalog()).render(clip_of(body="mannequin-female"))
    with pytest.raises((ConfigError, AssetError), match="MANO|no whole body"):
        catalog.body("user-right", 24)


def test_hands_are_not_drawn_as_people_beside_a_body(tmp_path):
    fakes.fake_mano_pkl(tmp_path / "MANO_RIGHT.pkl")
    fakes.fake_smpl_pkl(tmp_path / "basicmodel_neutral_lbs_10_207_0_v1.1.0.pkl")
    catalog = Catalog(Assets(body=str(tmp_path)))
    assert set(catalog.bodies) == {"neutral", "right"} and catalog.genders == ("neutral",)


@pytest.mark.parametrize("fault", ["", "pose", "joints2d", "instance"])
def test_validation_holds_hands_against_their_description(catalog, tmp_path, monkeypatch, fault):
    def refuse(*_args, **_options):
        raise MissingExtraError("bpy is not installed")

    monkeypatch.setattr("mannequin.renderers.blender.renderer.open_live_scene", refuse)
    clip = RasterRenderer(catalog).render(clip_of(), DEFAULT_OUTPUTS)
    if fault == "pose":
        track = clip.hands["hand"]
        clip = replace(clip, hands={"hand": replace(track, pose=track.pose + np.float32(0.01))})
    elif fault == "joints2d":
        view = clip.views["camera"]
        seen = replace(view.hands["hand"], joints2d=view.hands["hand"].joints2d + 1)
        clip = replace(clip, views={"camera": replace(view, hands={"hand": seen})})
    elif fault == "instance":
        (hand,) = clip.spec.hands
        clip = replace(clip, spec=replace(clip.spec, hands=(replace(hand, instance=6),)))
    dataset = create_or_resume(tmp_path, {"assets": to_plain(catalog.assets), "renderer": "raster"}, num_clips=1)
    write_clip(dataset.path_of(0), clip)
    caught = {
        "": None,
        "pose": "parameters are as described",
        "joints2d": "joints in the image",
        "instance": "values are possible",
    }[fault]
    failed = validate(tmp_path, frames=1).failed
    assert caught in failed if fault else not failed

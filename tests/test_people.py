"""Joints, boxes and visibility on people made of two balls."""

import numpy as np
import pytest

from mannequin.generator.body.model import SMPL_JOINTS, SMPL_PARENTS, SMPLH_JOINTS, SMPLH_PARENTS
from mannequin.generator.clip import PersonTrack
from mannequin.renderers.people import joint_part, own_parts, person_views
from mannequin.renderers.raster.amodal import amodal_masks
from mannequin.renderers.raster.labels import rasterize_labels
from mannequin.renderers.raster.renderer import render_scene
from tests.scenes import look_at, make_scene, mesh_track, moved, sphere

HEAD, HAND, PELVIS = SMPL_JOINTS.index("head"), SMPL_JOINTS.index("left_hand"), 0


def person(name, instance, head, hand, frames=1):
    """A head of radius 0.2 and a left hand of radius 0.1; every other joint is far below the image."""
    ball, faces, _uv = sphere(20, 40)
    vertices = np.concatenate([ball * 0.2 + head, ball * 0.1 + hand])
    part = np.repeat([HEAD + 1, HAND + 1], len(faces)).astype(np.uint8)
    mesh = mesh_track(
        name, instance, np.repeat(vertices[None], frames + 2, 0), np.concatenate([faces, faces + len(ball)]), part=part
    )
    joints = np.full((frames, 24, 3), (0.0, 0.0, -50.0), np.float32)
    joints[:, HEAD], joints[:, HAND] = head, hand
    zeros = np.zeros((frames, 24, 3), np.float32)
    return mesh, PersonTrack("b", "neutral", zeros, np.zeros(10, np.float32), zeros[:, 0], joints, SMPL_JOINTS)


def views(*people, **options):
    meshes, tracks = zip(*people)
    scene = make_scene(
        meshes, [look_at((0, -5, 0), (0, 0, 0))] * 3, people={m.name: t for m, t in zip(meshes, tracks)}, **options
    )
    labels = rasterize_labels(scene, "camera", ("segm", "instance", "depth"))
    return person_views(scene, "camera", labels, amodal_masks(scene, "camera", labels)), scene


def test_joints_are_projected_and_flagged_in_frame():
    found, _scene = views(person("a", 1, (0, 0, 0.3), (0.5, 1, 0)))
    view = found["a"]
    np.testing.assert_allclose(view.joints2d[0, HEAD], (80, 60 - 200 * 0.3 / 5), atol=1e-4)
    np.testing.assert_allclose(view.joints2d[0, HAND], (80 + 200 * 0.5 / 6, 60), atol=1e-4)
    np.testing.assert_allclose(view.joints_camera[0, HAND], (0.5, 0, 6), atol=1e-6)
    assert view.in_frame[0, [HEAD, HAND]].all() and not view.in_frame[0, PELVIS]
    assert view.visible[0, [HEAD, HAND]].all() and not view.visible[0, PELVIS]


def test_box_and_pixels_are_those_of_the_visible_part():
    found, scene = views(person("a", 1, (0, 0, 0), (0.5, 0, 0)), person("b", 2, (0.1, -1, 0), (0.5, -1, 0.3)))
    labels = rasterize_labels(scene, "camera", ("instance",))
    for instance, view in enumerate(found.values(), start=1):
        y, x = np.nonzero(labels.frame("instance", 0) == instance)
        assert view.pixels[0] == len(x) > 0
        np.testing.assert_array_equal(view.box[0], (x.min(), y.min(), x.max() + 1, y.max() + 1))


@pytest.mark.parametrize(
    "hand, visible", [((0, 1, 0), False), ((0, 0.05, 0), False), ((0, -1, 0), True), ((0.6, 1, 0), True)]
)
def test_own_head_hides_a_hand_that_is_well_behind_its_surface(hand, visible):
    """The hand is 0.2 m thick, and the head's surface 0.2 m before its joint."""
    found, _ = views(person("a", 1, (0, 0, 0), hand))
    assert found["a"].visible[0, HAND] == visible


def test_thin_cover_by_another_part_does_not_hide():
    """The head's surface is 0.15 m before the hand's joint; the hand is 0.2 m thick."""
    found, _ = views(person("a", 1, (0, 0, 0), (0, -0.05, 0)))
    assert found["a"].visible[0, HAND]


def test_another_person_hides_however_close():
    found, _ = views(person("a", 1, (0, 0, 0), (0.6, 0, 0)), person("b", 2, (0, -0.05, 0), (-0.6, 0, 0)))
    assert not found["a"].visible[0, HEAD] and found["b"].visible[0, HEAD]


def test_object_in_front_hides_and_behind_does_not():
    ball, faces, _uv = sphere(20, 40)
    for y, visible in ((-2, False), (2, True)):
        mesh, track = person("a", 1, (0, 0, 0), (0.6, 0, 0))
        thing = mesh_track("thing", 2, moved(ball * 0.3, [(0, y, 0)] * 3), faces)
        scene = make_scene([mesh, thing], [look_at((0, -5, 0), (0, 0, 0))] * 3, people={"a": track})
        view = render_scene(scene, ("rgb",)).views["camera"].people["a"]
        assert view.visible[0, HEAD] == visible and view.visible[0, HAND]


def test_nobody_in_the_picture():
    found, _ = views(person("a", 1, (0, 90, 0), (0, 90, 0)), person("b", 2, (0, -90, 0), (0, -95, 0)))
    assert found["b"].pixels[0] == 0 and not found["b"].box.any()
    assert not found["b"].in_frame[0, [HEAD, HAND]].any() and not found["b"].joints2d[0, HEAD].any()


@pytest.mark.parametrize("names, parents", [(SMPL_JOINTS, SMPL_PARENTS), (SMPLH_JOINTS, SMPLH_PARENTS)])
def test_own_parts_are_the_neighbours_in_the_tree(names, parents):
    own = own_parts(names)
    for j in range(len(names)):
        around = {j, parents[j], *(i for i, p in enumerate(parents) if p == j)} - {-1}
        assert set(np.flatnonzero(own[j])) == {joint_part(names[i]) for i in around}
    assert joint_part("right_thumb2") == 24 and joint_part("left_index1") == 23 and joint_part("pelvis") == 1

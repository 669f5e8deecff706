"""Amodal masks, visible shares and who hides a joint, against closed forms."""

from dataclasses import replace

import numpy as np
import pytest

from mannequin.generator.body.model import SMPL_JOINTS
from mannequin.generator.clip import (
    BY_ANOTHER,
    BY_OBJECT,
    BY_ONESELF,
    HIDDEN,
    OUTSIDE,
    UNKNOWN,
    VISIBLE,
    PersonTrack,
    amodal_of_one,
    told_by_flags,
    visible_share,
)
from mannequin.generator.dataset.native import open_clip, read_clip, write_clip
from mannequin.generator.dataset.source import MemorySource
from mannequin.generator.errors import ConfigError
from mannequin.generator.spec import AppearanceSpec, MotionSpec, PersonSpec
from mannequin.renderers.raster.renderer import render_scene
from tests.clips import ball_clip
from tests.scenes import look_at, make_scene, mesh_track, moved, sphere

FRAMES = 3
FAR_ONE, NEAR_ONE = 0.7, 0.4
"""Radii."""
BENT = (-0.2, 0.05, 0.001, -0.002)


def pelvis(places):
    """A track of a body whose joints are all at places (T + 2, 3)."""
    joints = np.repeat(np.asarray(places, np.float32)[1:-1, None], 24, axis=1)
    empty = np.zeros((FRAMES, 24, 3), np.float32)
    return PersonTrack("ball", "female", empty, np.zeros(0, np.float32), empty[:, 0], joints, SMPL_JOINTS)


def two_people(near="near", **options):
    """A ball "far", in front of which another one, "near", passes; both are people, or the near one a thing."""
    ball, faces, uv = sphere(160, 320)
    t = np.linspace(-1, 1, FRAMES + 2)[:, None]
    spots = {"far": t * (0.1, 0, 0), "near": t * (0.9, 0, 0.2) + (0, -1.5, 0)}
    meshes = [
        mesh_track("far", 1, moved(FAR_ONE * ball, spots["far"]), faces, uv, np.ones(len(faces))),
        mesh_track("near", 2, moved(NEAR_ONE * ball, spots["near"]), faces, uv, np.ones(len(faces))),
    ]
    people = {name: pelvis(spots[name]) for name in ("far", near)}
    poses = [look_at((0, -5, 0.3), (0, 0, 0))] * (FRAMES + 2)
    scene = make_scene(meshes, poses, resolution=(120, 160), focal=(150, 150), people=people, **options)
    return scene, spots


def covered(scene, centre, radius):
    """(H, W) bool: pixels whose centre's ray meets a ball; a ray (x, y, 1) does where (d·c)² ≥ (c² − r²) d²."""
    (K, poses), (h, w) = (scene.cameras["camera"], scene.spec.resolution)
    x, y = np.meshgrid(np.arange(w) + 0.5, np.arange(h) + 0.5)
    rays = np.stack([x, y, np.ones_like(x)], -1) @ np.linalg.inv(K[1]).T
    c = (centre - poses[1][:3, 3]) @ poses[1][:3, :3]
    return (rays @ c) ** 2 >= (c @ c - radius**2) * (rays**2).sum(-1)


def test_two_balls_as_people_cover_what_geometry_says():
    scene, spots = two_people()
    view = render_scene(scene).views["camera"]
    hidden = []
    for t in range(FRAMES):
        whole, front = covered(scene, spots["far"][t + 1], FAR_ONE), covered(scene, spots["near"][t + 1], NEAR_ONE)
        for name, mask in (("far", whole), ("near", front)):
            assert (view.amodal[name].mask(t) ^ mask).sum() <= 4  # pixels that the polyhedron's edge cuts
            assert abs(view.people[name].amodal_pixels[t] - mask.sum()) <= 4
            y, x = np.nonzero(view.amodal[name].mask(t))
            np.testing.assert_array_equal(view.people[name].amodal_box[t], (x.min(), y.min(), x.max() + 1, y.max() + 1))
        share = visible_share(view.people["far"].pixels, view.people["far"].amodal_pixels)[t]
        assert share == pytest.approx((whole & ~front).sum() / whole.sum(), abs=0.01)
        assert visible_share(view.people["near"].pixels, view.people["near"].amodal_pixels)[t] == 1.0
        hidden.append(1 - share)
        assert not (view.labels.frame("instance", t) == 1)[~view.amodal["far"].mask(t)].any()
    assert max(hidden) > 0.2


@pytest.mark.slow
@pytest.mark.parametrize("distortion", [(), BENT], ids=["pinhole", "bent"])
def test_amodal_masks_are_those_of_the_person_alone(distortion):
    scene, _ = two_people(distortion=distortion)
    view = render_scene(scene).views["camera"]
    for mesh in scene.meshes:
        alone = replace(scene, meshes=(mesh,), people={mesh.name: scene.people[mesh.name]})
        again = render_scene(alone).views["camera"]
        for t in range(FRAMES):
            assert np.array_equal(view.amodal[mesh.name].mask(t), again.labels.mask(t))
        assert np.array_equal(again.people[mesh.name].amodal_pixels, again.people[mesh.name].pixels)


def test_a_camera_amid_a_body_still_has_amodal_masks():
    scene, spots = two_people()
    K, _ = scene.cameras["camera"]
    inside = np.repeat(look_at(spots["near"][1] + (0, 0.1, 0), (0, 0, 0))[None], FRAMES + 2, axis=0)
    view = render_scene(replace(scene, cameras={"camera": (K, inside)})).views["camera"]
    assert view.amodal["near"].mask(0).all()
    assert 0 < view.people["far"].amodal_pixels[0] and view.people["far"].pixels[0] == 0


@pytest.mark.parametrize(("near", "code"), [("near", BY_ANOTHER), ("far", BY_OBJECT)])
def test_it_is_said_who_hides_a_joint(near, code):
    scene, _ = two_people(near)
    view = render_scene(scene).views["camera"]
    person = view.people["far"]
    middle = FRAMES // 2
    assert person.visibility[middle, 0] == code and not person.visible[middle, 0] and person.in_frame[middle, 0]
    others = np.delete(person.visibility[:, 0], middle)
    assert (others == VISIBLE).all() and np.delete(person.visible[:, 0], middle).all()
    if near == "near":
        assert (view.people["near"].visibility == VISIBLE).all()
    else:
        assert view.objects == {} and np.array_equal(view.amodal["near"].mask(0).sum() > 0, True)


def test_a_joint_outside_the_image_is_said_to_be():
    scene, _ = two_people()
    K, _ = scene.cameras["camera"]
    aside = np.repeat(look_at((0, -5, 0.3), (-3, 0, 0))[None], FRAMES + 2, axis=0)
    seen = render_scene(replace(scene, cameras={"camera": (K, aside)})).views["camera"].people["far"]
    assert (seen.visibility == OUTSIDE).all() and not seen.in_frame.any()


def test_what_is_not_recorded_is_told_as_far_as_it_follows():
    in_frame, visible = np.array([[True, True, False]]), np.array([[True, False, False]])
    assert told_by_flags(in_frame, visible, True).tolist() == [[VISIBLE, BY_ONESELF, OUTSIDE]]
    assert told_by_flags(in_frame, visible, False).tolist() == [[VISIBLE, HIDDEN, OUTSIDE]]
    box, pixels = np.array([[1, 2, 3, 4]], np.float32), np.array([9], np.int32)
    assert [a.tolist() for a in amodal_of_one(box, pixels, True)] == [box.tolist(), pixels.tolist()]
    assert [a.tolist() for a in amodal_of_one(box, pixels, False)] == [[[0, 0, 0, 0]], [UNKNOWN]]
    share = visible_share(np.array([3, 0, 5]), np.array([6, 0, UNKNOWN]))
    assert share[0] == 0.5 and np.isnan(share[1:]).all()


def test_masks_go_through_a_file_and_are_read_frame_by_frame(tmp_path):
    scene, _ = two_people()
    people = tuple(
        PersonSpec(m.name, m.instance, "ball", (), MotionSpec("none"), AppearanceSpec("none")) for m in scene.meshes
    )
    clip = render_scene(replace(scene, spec=replace(scene.spec, people=people, objects=())))
    write_clip(tmp_path / "clip.h5", clip)
    assert read_clip(tmp_path / "clip.h5").views["camera"].amodal.keys() == {"far", "near"}
    with open_clip(tmp_path / "clip.h5") as reader:
        for source in (reader, MemorySource(clip)):
            for name in ("far", "near"):
                mask = source.amodal("camera", name, 1, 3)
                assert mask is not None and mask.num_frames == 2
                for t in range(2):
                    assert np.array_equal(mask.mask(t), clip.views["camera"].amodal[name].mask(t + 1))
            with pytest.raises(ConfigError, match="Frames 1 to 9"):
                source.amodal("camera", "far", 1, 9)


def test_clips_of_one_take_their_mask_from_the_labels(tmp_path):
    clip = ball_clip(2, (60, 80))
    write_clip(tmp_path / "clip.h5", clip)
    with open_clip(tmp_path / "clip.h5") as reader:
        mask = reader.amodal("camera", "person0")
        assert mask is not None and np.array_equal(mask.pixels, clip.views["camera"].labels.pixels)
        with pytest.raises(ConfigError, match="persn0.*person0"):
            reader.amodal("camera", "persn0")
    several = ball_clip(2, (60, 80), people=2)
    write_clip(tmp_path / "several.h5", several)
    with open_clip(tmp_path / "several.h5") as reader:
        assert reader.amodal("camera", "person0") is None
        assert (reader.person_view("camera", "person0").amodal_pixels == UNKNOWN).all()

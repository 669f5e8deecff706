"""Valid datasets pass; every planted fault fails a check that names it."""

import dataclasses
import functools
import importlib.util
import itertools
import json
import shutil

import numpy as np
import pytest

from mannequin.cli.main import main
from mannequin.generator.body.model import SMPL_JOINTS
from mannequin.generator.cameras import look_at, to_matrix4
from mannequin.generator.catalog import Assets, Catalog
from mannequin.generator.clip import BY_ANOTHER, BY_OBJECT, CHANNELS, DEFAULT_OUTPUTS, OUTSIDE, VISIBLE, Foreground
from mannequin.generator.config import SampleConfig
from mannequin.generator.dataset.folder import create_or_resume
from mannequin.generator.dataset.native import read_clip, write_clip
from mannequin.generator.records import to_plain
from mannequin.generator.sampling import sample_clip
from mannequin.generator.scene import build_scene
from mannequin.generator.spec import CameraSpec, ClipSpec, ObjectSpec
from mannequin.renderers.choice import open_renderer
from mannequin.renderers.production.job import Job, run_job
from mannequin.renderers.validation import posing
from mannequin.renderers.validation import validate as validation
from mannequin.renderers.validation.colour import order_findings
from mannequin.renderers.validation.company import penetration_findings
from mannequin.renderers.validation.geometry import leftness
from mannequin.renderers.validation.table import Finding, Report
from mannequin.renderers.validation.validate import validate

replace = dataclasses.replace
needs_bpy = pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="bpy is absent")

SIZE = (120, 160)


def make(out, preset="studio", light=None, renderer="raster", clips=1, frames=4, size=SIZE, seed=3, **options):
    """A small dataset as ``mannequin generate`` makes it."""
    sample = SampleConfig(preset=preset, light=light, size=size, frames=frames, samples=8, **options)
    summary = run_job(Job(sample, Assets(), seed, renderer, DEFAULT_OUTPUTS, "jpeg"), out, clips)
    assert not summary.failed
    return out


def street(frames=5):
    """Two people and a ball; a camera that moves, a fixed one, and one with lens distortion."""
    catalog = Catalog()
    config = SampleConfig(size=SIZE, frames=frames, fps=8.0, light="sh", samples=8)
    drawn = (sample_clip(config, catalog, 21, index) for index in range(1000))
    spec, second = itertools.islice((s for s in drawn if s.people[0].motion.asset == "action/walk"), 2)
    one = replace(spec.people[0], place=(0.0, 0.0, 0.0))
    two = replace(second.people[0], name="person1", instance=2, place=(0.9, -0.55, 0.0), yaw=spec.people[0].yaw + 0.2)
    path = [look_at((3.5 * np.cos(0.05 * t), -3.5, 1.4 + 0.02 * t), (0.2, 0.1, 0.9)) for t in range(frames)]
    fixed = (to_matrix4(look_at((-3.0, 2.0, 1.0), (0.3, 0.2, 0.9))),)
    cameras = (
        CameraSpec("moving", 150.0, 150.0, 80.0, 60.0, tuple(to_matrix4(p) for p in path)),
        CameraSpec("fixed", 140.0, 145.0, 78.0, 63.0, fixed),
    )
    ball = np.eye(4)
    ball[:3, 3] = (-0.6, -0.4, 0.3)
    thing = ObjectSpec("ball", 3, "sphere", (to_matrix4(ball),), scale=(0.3, 0.3, 0.3), category="sphere")
    return replace(spec, index=0, people=(one, two), cameras=cameras, objects=(thing,)), catalog


def make_street(out, lens=()):
    spec, catalog = street()
    if lens:
        spec = replace(spec, cameras=(spec.cameras[0], replace(spec.cameras[1], distortion=lens)))
    dataset = create_or_resume(out, {"assets": to_plain(Assets()), "renderer": "raster"}, num_clips=1)
    write_clip(dataset.path_of(0), open_renderer("raster", catalog).render(spec, DEFAULT_OUTPUTS))
    return out


def failures(report):
    return {row.check: f"{row.worst.value:.4g} {row.worst.note}" for row in report.rows.values() if not row.ok}


@pytest.fixture
def no_cycles(monkeypatch):
    """As on a machine without bpy."""

    def refuse(*_args, **_options):
        raise validation.MissingExtraError("bpy is not installed")

    monkeypatch.setattr("mannequin.renderers.blender.renderer.open_live_scene", refuse)


@pytest.fixture(autouse=True)
def posed_once(monkeypatch):
    """Scenes are kept from test to test: dressing the same people takes most of the time."""
    monkeypatch.setattr(
        posing, "build_scene", lambda spec, catalog, outputs: _scene(spec.to_json(), catalog.assets, outputs)
    )


@functools.lru_cache(maxsize=4)
def _scene(text, assets, outputs):
    return build_scene(ClipSpec.from_json(text), Catalog(assets), outputs)


# Valid datasets


@needs_bpy
@pytest.mark.blender
@pytest.mark.parametrize(
    "preset, light, renderer, options",
    [
        ("studio", "hdri", "blender", {}),
        ("studio", "lamps", "raster", {"keep_in_frame": False, "joints": 52}),
        ("surreal", "sh", "blender", {}),
        ("surreal", "lamps", "blender", {"size": (64, 64)}),
        ("surreal", "sh", "raster", {"seed": 9}),
    ],
)
def test_what_generate_makes_is_valid(tmp_path, preset, light, renderer, options):
    report = validate(make(tmp_path / "d", preset, light, renderer, clips=2, **options))
    assert failures(report) == {}
    assert report.notes == []
    assert report.rows["depth rendered again"].examined == 2


@needs_bpy
@pytest.mark.blender
def test_moving_cameras_several_people_and_objects_are_valid(tmp_path):
    report = validate(make_street(tmp_path / "d"))
    assert failures(report) == {}
    assert report.rows["flow along rays"].ok and report.rows["picture is of its frame"].ok


@pytest.mark.slow
def test_people_in_one_another_are_found(tmp_path, no_cycles):
    """By the meshes, not by what the clip says."""
    spec, catalog = street()
    near = replace(spec.people[1], place=(0.15, 0.0, 0.0))
    told = replace(spec, people=(spec.people[0], near), tags=spec.tags | {"penetration": 0.0})
    dataset = create_or_resume(tmp_path / "d", {"assets": to_plain(Assets()), "renderer": "raster"}, num_clips=1)
    write_clip(dataset.path_of(0), open_renderer("raster", catalog).render(told, DEFAULT_OUTPUTS))
    found = failures(validate(tmp_path / "d", frames=1))
    assert found.keys() == {"people keep out of one another", "penetration is as the clip says"}
    assert "person" in found["people keep out of one another"]


@pytest.mark.slow
def test_people_who_were_recorded_in_one_another_must_only_say_so():
    spec, catalog = street()
    near = replace(spec.people[1], place=(0.15, 0.0, 0.0))
    told = replace(
        spec, people=(spec.people[0], near), tags=spec.tags | {"penetration": 0.0, "arrangement": "recorded"}
    )
    clip = open_renderer("raster", catalog).render(told, DEFAULT_OUTPUTS)
    (found,) = penetration_findings(clip, build_scene(told, catalog))
    assert found.check == "penetration is as the clip says" and not found.ok


@pytest.mark.slow
def test_lens_distortion_is_examined_along_rays(tmp_path, no_cycles):
    report = validate(make_street(tmp_path / "d", lens=(-0.2, 0.05, 0.002, -0.001)))
    assert failures(report) == {}


@needs_bpy
@pytest.mark.blender
def test_lens_distortion_is_noted_as_beyond_cycles(tmp_path):
    report = validate(make_street(tmp_path / "d", lens=(-0.2, 0.05, 0.002, -0.001)))
    assert failures(report) == {} and "lens" in " ".join(report.notes)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30, 36))
def test_no_false_alarm_over_seeds_and_lights(tmp_path, no_cycles, seed):
    light = ("sh", "hdri", "lamps")[seed % 3]
    report = validate(
        make(
            tmp_path / "d",
            ("studio", "surreal")[seed % 2],
            light,
            size=((48, 64), SIZE)[seed % 2],
            seed=seed,
            keep_in_frame=False,
        )
    )
    assert failures(report) == {}
    assert "no Cycles" in " ".join(report.notes)


@pytest.mark.slow
def test_close_up_and_nobody_in_sight(tmp_path, no_cycles):
    spec, catalog = street()
    near = (to_matrix4(look_at((0.5, -0.6, 1.3), (0.0, 0.0, 1.2))),)
    away = (to_matrix4(look_at((0.0, -3.0, 1.0), (0.0, -9.0, 1.0))),)
    spec = replace(
        spec,
        cameras=(
            replace(spec.cameras[1], name="near", T_world_camera=near),
            replace(spec.cameras[1], name="away", T_world_camera=away),
        ),
    )
    dataset = create_or_resume(tmp_path / "d", {"assets": to_plain(Assets()), "renderer": "raster"})
    clip = open_renderer("raster", catalog).render(spec, DEFAULT_OUTPUTS)
    assert not len(clip.views["away"].labels.pixels) and len(clip.views["near"].labels.pixels)
    write_clip(dataset.path_of(0), clip)
    assert failures(validate(tmp_path / "d")) == {}


# Planted faults: each takes a clip and returns it broken


def each_view(change):
    def broken(clip):
        return replace(clip, views={name: change(view, clip) for name, view in clip.views.items()})

    return broken


def labels(change):
    """``change`` gets channel → (T, H, W, …) images and returns those that it changes."""

    def broken(view, clip):
        images = {n: view.images(n) for n in view.labels.values}
        masks = np.stack([view.labels.mask(t) for t in range(clip.spec.num_frames)])
        changed = change(images | {"mask": masks})
        return replace(view, labels=foreground(images | changed, changed.get("mask", masks)))

    return each_view(broken)


def foreground(images, masks):
    found = [np.flatnonzero(mask) for mask in masks]
    offsets = np.cumsum([0] + [len(p) for p in found]).astype(np.int64)
    values = {
        n: np.concatenate([image.reshape(-1, *CHANNELS[n].shape)[p] for image, p in zip(images[n], found)]).astype(
            CHANNELS[n].dtype
        )
        for n in images
        if n != "mask"
    }
    return Foreground(masks.shape[1:], offsets, np.concatenate(found).astype(np.uint32), values)


def channel(name, change):
    return labels(lambda images: {name: change(images[name])})


def view_fields(**changes):
    return each_view(lambda view, clip: replace(view, **{n: change(getattr(view, n)) for n, change in changes.items()}))


def people(**changes):
    def broken(view, clip):
        return replace(
            view,
            people={
                n: replace(p, **{f: change(getattr(p, f)) for f, change in changes.items()})
                for n, p in view.people.items()
            },
        )

    return each_view(broken)


def tracks(**changes):
    return lambda clip: replace(
        clip,
        people={
            n: replace(p, **{f: change(getattr(p, f)) for f, change in changes.items()}) for n, p in clip.people.items()
        },
    )


def chain(*faults):
    def broken(clip):
        for fault in faults:
            clip = fault(clip)
        return clip

    return broken


OTHER_SIDE = [
    SMPL_JOINTS.index(n.replace("left", "?").replace("right", "left").replace("?", "right")) for n in SMPL_JOINTS
]
OTHER_PART = np.array([0] + [j + 1 for j in OTHER_SIDE], np.uint8)


def flip(images):
    return images[:, :, ::-1]


def mirrored(images):
    turned = {n: flip(image) for n, image in images.items()}
    for name in ("flow", "flow_backward", "normal"):
        turned[name] = turned[name] * np.array((-1, 1, 1)[: turned[name].shape[-1]])
    return turned


def mirror_lens(view, clip):
    K = view.K.copy()
    K[:, 0, 2] = clip.spec.resolution[1] - K[:, 0, 2]
    return replace(view, K=K)


def mirror_people(view, clip):
    w, turned = clip.spec.resolution[1], {}
    for name, p in view.people.items():
        box = p.box.copy()
        box[:, [0, 2]] = np.where(p.pixels[:, None] > 0, w - p.box[:, [2, 0]], 0)
        turned[name] = replace(
            p,
            joints2d=p.joints2d * (-1, 1) + np.float32((w, 0)),
            joints_camera=p.joints_camera * np.float32((-1, 1, 1)),
            box=box,
        )
    return replace(view, people={n: replace(p, joints2d=p.joints2d.astype(np.float32)) for n, p in turned.items()})


def ray_length(view, clip):
    h, w = clip.spec.resolution
    y, x = np.mgrid[:h, :w] + 0.5
    K = view.K[0]
    longer = np.sqrt(1 + ((x - K[0, 2]) / K[0, 0]) ** 2 + ((y - K[1, 2]) / K[1, 1]) ** 2)
    images = {n: view.images(n) for n in view.labels.values}
    images["depth"] = images["depth"] * longer
    return replace(
        view, labels=foreground(images, np.stack([view.labels.mask(t) for t in range(clip.spec.num_frames)]))
    )


def longer_focal(K):
    return K * np.array([[1.02, 1, 1], [1, 1.02, 1], [1, 1, 1]])


def mirror_poses(poses):
    return poses @ np.diag([-1.0, 1, 1, 1])


def swap_flow(images):
    return {"flow": images["flow_backward"], "flow_backward": images["flow"]}


def other_betas(clip):
    person = clip.spec.people[0]
    spec = replace(
        clip.spec, people=(replace(person, betas=tuple(b + 0.5 for b in person.betas)), *clip.spec.people[1:])
    )
    return replace(clip, spec=spec)


def other_yaw(clip):
    spec = replace(clip.spec, people=tuple(replace(p, yaw=p.yaw + 0.2) for p in clip.spec.people))
    return replace(clip, spec=spec)


def thing(**changes):
    """The ball's track, changed."""
    return lambda clip: replace(clip, objects={n: replace(o, **changes) for n, o in clip.objects.items()})


def ball_moved(clip):
    (ball,) = clip.objects.values()
    return thing(T_world_object=ball.T_world_object + np.eye(4)[:, [3, 0, 1, 2]] * 0.01)(clip)


def ball_boxes(view, _clip):
    return replace(view, objects={n: replace(o, pixels=o.pixels + 1) for n, o in view.objects.items()})


def seen_of(**changes):
    """Arrays of PersonViews, changed by functions of (array, view)."""

    def broken(view, _clip):
        turned = {
            n: replace(p, **{f: change(getattr(p, f), p) for f, change in changes.items()})
            for n, p in view.people.items()
        }
        return replace(view, people=turned)

    return each_view(broken)


def only_what_is_seen(view, clip):
    """Amodal masks that are the visible ones, counted as such."""
    masks = {}
    for number, name in clip.spec.instances.items():
        shown = np.stack([view.frame("instance", t) == number for t in range(clip.spec.num_frames)])
        masks[name] = foreground({"mask": shown}, shown)
    people = {n: replace(p, amodal_box=p.box.copy(), amodal_pixels=p.pixels.copy()) for n, p in view.people.items()}
    things = {n: replace(o, amodal_box=o.box.copy(), amodal_pixels=o.pixels.copy()) for n, o in view.objects.items()}
    return replace(view, amodal=masks, people=people, objects=things)


def exchanged_masks(view, _clip):
    masks, people = dict(view.amodal), dict(view.people)
    for one, other in (("person0", "person1"), ("person1", "person0")):
        masks[one], known = view.amodal[other], view.people[other]
        people[one] = replace(view.people[one], amodal_box=known.amodal_box, amodal_pixels=known.amodal_pixels)
    return replace(view, amodal=masks, people=people)


def second_camera_aside(clip):
    """Everything of the fixed camera as if it stood 20 cm aside, its own files in order."""
    view = clip.views["fixed"]
    T = view.T_world_camera.copy()
    T[:, :3, 3] += 0.2 * T[:, :3, 0]
    return replace(clip, views=clip.views | {"fixed": replace(view, T_world_camera=T)})


def other_instances(clip):
    one, two = clip.spec.people
    return replace(clip, spec=replace(clip.spec, people=(replace(one, instance=2), replace(two, instance=1))))


FAULTS = {
    "amodal masks of what is seen only": (each_view(only_what_is_seen), "amodal masks along rays"),
    "amodal masks exchanged": (each_view(exchanged_masks), "visible pixels are amodal too"),
    "amodal boxes shifted": (people(amodal_box=lambda b: b + 1), "amodal boxes fit their masks"),
    "amodal pixels miscounted": (people(amodal_pixels=lambda n: n + 1), "files are whole"),
    "all joints said to be hidden by a thing": (
        seen_of(visibility=lambda v, p: np.where(v == BY_ANOTHER, BY_OBJECT, v).astype(np.uint8)),
        "joints hidden by what is there",
    ),
    "joints said to be visible that are hidden": (
        seen_of(visibility=lambda v, p: np.where(p.in_frame, VISIBLE, OUTSIDE).astype(np.uint8)),
        "visibility fits the flags",
    ),
    "joints outside said to be hidden": (
        seen_of(visibility=lambda v, p: np.where(v == VISIBLE, OUTSIDE, v).astype(np.uint8)),
        "visibility fits the flags",
    ),
    "a second camera that stands 20 cm aside": (second_camera_aside, "surfaces agree between cameras"),
    "object 1 cm off": (ball_moved, "objects are as described"),
    "object of another class": (thing(category="box"), "objects are as described"),
    "object of another instance": (thing(instance=9), "objects are as described"),
    "object of another size": (thing(scale=np.full(3, 0.31)), "objects are as described"),
    "pixels of an object miscounted": (each_view(ball_boxes), "boxes around people"),
    "instances exchanged in the description": (other_instances, "boxes around people"),
    "flow sign": (channel("flow", lambda f: -f), "flow along rays"),
    "flow with y up": (channel("flow", lambda f: f * (1, -1)), "flow along rays"),
    "flow forward and backward swapped": (labels(swap_flow), "flow_backward along rays"),
    "flow half a pixel off": (channel("flow", lambda f: f + 0.5), "flow along rays"),
    "occlusion forward for backward": (labels(lambda i: {"occluded": i["occluded_backward"]}), "occluded along rays"),
    "nothing occluded": (channel("occluded_backward", np.zeros_like), "occluded_backward along rays"),
    "picture mirrored": (view_fields(rgb=flip), "picture is not mirrored"),
    "labels mirrored": (labels(mirrored), "silhouette along rays"),
    "all mirrored": (
        chain(view_fields(rgb=flip), labels(mirrored), each_view(mirror_lens), each_view(mirror_people)),
        "joints in the camera",
    ),
    "all mirrored, and the camera's axes": (
        chain(
            view_fields(rgb=flip, T_world_camera=mirror_poses),
            labels(mirrored),
            each_view(mirror_lens),
            each_view(mirror_people),
        ),
        "camera determinant is +1",
    ),
    "left and right parts swapped": (channel("segm", lambda s: OTHER_PART[s]), "limbs have parts of their side"),
    ("left and right joints swapped in the world"): (
        tracks(joints=lambda j: j[:, OTHER_SIDE]),
        "the person's left is on the left",
    ),
    "left and right joints swapped in the image": (people(joints2d=lambda j: j[:, OTHER_SIDE]), "joints in the image"),
    "depth as ray length": (each_view(ray_length), "depth along rays"),
    "depth 5 cm off": (labels(lambda i: {"depth": np.where(i["mask"], i["depth"] + 0.05, 0)}), "depth along rays"),
    "picture one frame late": (view_fields(rgb=lambda i: i[[0, *range(len(i) - 1)]]), "picture is of its frame"),
    "picture one frame early": (view_fields(rgb=lambda i: i[[*range(1, len(i)), -1]]), "picture is of its frame"),
    "labels one frame late": (
        labels(lambda i: {n: v[[0, *range(len(v) - 1)]] for n, v in i.items()}),
        "silhouette along rays",
    ),
    "normals with y up": (channel("normal", lambda n: n * (1, -1, 1)), "normal along rays"),
    "normals in the world": (lambda clip: world_normals(clip), "normal along rays"),
    "uv with v down": (labels(lambda i: {"uv": np.stack([i["uv"][..., 0], 1 - i["uv"][..., 1]], -1)}), "uv along rays"),
    "charts off by one": (channel("chart", lambda c: np.where(c > 1, c - 1, c)), "chart along rays"),
    "chart coordinates swapped": (channel("chart_uv", lambda c: c[..., ::-1]), "chart_uv along rays"),
    "instances swapped": (channel("instance", lambda i: np.array([0, 2, 1, 3], np.uint8)[i]), "instance along rays"),
    "focal length 2 % off": (view_fields(K=longer_focal), "joints in the image"),
    "camera mirrored": (view_fields(T_world_camera=mirror_poses), "camera determinant is +1"),
    "camera inverted": (view_fields(T_world_camera=np.linalg.inv), "joints in the camera"),
    "camera scaled": (view_fields(T_world_camera=lambda T: T * np.array([[1.01] * 3 + [1]])), "camera is a rotation"),
    "pixels shifted by one": (
        labels(lambda i: {n: np.roll(v, 1, axis=2) for n, v in i.items()}),
        "silhouette along rays",
    ),
    "joints by a pixel's corner": (people(joints2d=lambda j: j - np.float32(0.5)), "joints in the image"),
    "joints not in the frame": (people(in_frame=lambda f: ~f), "joints in the frame"),
    "everything visible": (people(visible=np.ones_like), "visible joints rendered again"),
    "boxes shifted": (people(box=lambda b: b + 1), "boxes around people"),
    "parts that do not exist": (channel("segm", lambda s: np.where(s > 0, s + 24, 0)), "values are possible"),
    "joints not numbers": (people(joints_camera=lambda j: j * np.nan), "joints in the camera"),
    "world joints 1 cm off": (tracks(joints=lambda j: j + np.float32(0.01)), "parameters give the joints"),
    "pose of another frame": (tracks(pose=lambda p: p[[0, *range(len(p) - 1)]]), "parameters are as described"),
    "description of another body": (other_betas, "parameters are as described"),
    "description turned": (other_yaw, "parameters are as described"),
    "description of another clip": (
        lambda clip: replace(clip, spec=replace(clip.spec, index=7)),
        "clips are in their place",
    ),
}


def world_normals(clip):
    def turned(view, _clip):
        values = dict(view.labels.values)
        frame = np.repeat(np.arange(view.labels.num_frames), np.diff(view.labels.offsets))
        values["normal"] = np.einsum("nij,nj->ni", view.T_world_camera[frame, :3, :3], values["normal"]).astype(
            np.float32
        )
        return replace(view, labels=replace(view.labels, values=values))

    return each_view(turned)(clip)


@pytest.fixture(scope="module")
def street_folder(tmp_path_factory):
    return make_street(tmp_path_factory.mktemp("street") / "d")


QUICK = {"camera mirrored", "flow sign", "object 1 cm off"}
"""Faults of several kinds that the quick tests look for too."""


@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.slow]) for n in FAULTS])
def test_planted_fault_is_caught_without_cycles(tmp_path, street_folder, no_cycles, name):
    break_clip, check = FAULTS[name]
    copy = shutil.copytree(street_folder, tmp_path / "d")
    file = next(copy.glob("clips/*/*.h5"))
    write_clip(file, break_clip(read_clip(file)))
    assert check in validate(copy, frames=1).failed


def test_unbroken_copy_is_valid(tmp_path, street_folder, no_cycles):
    """Writing a clip that was read changes nothing (beyond another JPEG): faults are what is caught above."""
    copy = shutil.copytree(street_folder, tmp_path / "d")
    file = next(copy.glob("clips/*/*.h5"))
    write_clip(file, read_clip(file))
    assert failures(validate(copy, frames=1)) == {}


@needs_bpy
@pytest.mark.blender
@pytest.mark.parametrize(
    "name, check",
    [
        ("flow sign", "flow rendered again"),
        ("left and right parts swapped", "segm rendered again"),
        ("depth 5 cm off", "depth rendered again"),
        ("normals with y up", "normal rendered again"),
        ("uv with v down", "uv rendered again"),
        ("instances swapped", "instance rendered again"),
        ("picture one frame late", "picture is of its frame"),
    ],
)
def test_cycles_catches_by_itself(tmp_path, street_folder, name, check):
    copy = shutil.copytree(street_folder, tmp_path / "d")
    file = next(copy.glob("clips/*/*.h5"))
    write_clip(file, FAULTS[name][0](read_clip(file)))
    assert check in validate(copy, frames=1).failed


# Files


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b[: len(b) // 2],
        lambda b: b[: len(b) // 2] + bytes([b[len(b) // 2] ^ 255]) + b[len(b) // 2 + 1 :],
        lambda b: b"",
    ],
)
def test_damaged_files_are_caught(tmp_path, street_folder, no_cycles, damage):
    copy = shutil.copytree(street_folder, tmp_path / "d")
    file = next(copy.glob("clips/*/*.h5"))
    file.write_bytes(damage(file.read_bytes()))
    assert validate(copy).failed == ["files are whole"]


@pytest.mark.slow
def test_missing_clip_is_caught(tmp_path, no_cycles):
    folder = make(tmp_path / "d", "surreal", clips=2, size=(48, 64), frames=2)
    (folder / "clips" / "000" / "000000.h5").unlink()
    report = validate(folder)
    assert report.failed == ["planned clips are there"]
    assert "no clip 0" in report.rows["planned clips are there"].worst.note


def test_assets_that_are_gone_are_said_and_the_rest_is_checked(tmp_path, street_folder, no_cycles):
    copy = shutil.copytree(street_folder, tmp_path / "d")
    file = next(copy.glob("clips/*/*.h5"))
    clip = read_clip(file)
    gone = replace(clip.spec.people[0], body="user-female")
    write_clip(file, replace(clip, spec=replace(clip.spec, people=(gone, *clip.spec.people[1:]))))
    report = validate(copy)
    assert report.failed == ["clips can be posed again"]
    assert "user-female" in report.rows["clips can be posed again"].worst.note
    assert "joints in the image" in report.rows


def test_dataset_without_assets_says_what_was_not_checked(tmp_path, street_folder):
    copy = shutil.copytree(street_folder, tmp_path / "d")
    description = json.loads((copy / "dataset.json").read_text())
    description["config"] = {"from": "elsewhere"}
    (copy / "dataset.json").write_text(json.dumps(description))
    report = validate(copy)
    assert failures(report) == {} and "Not checked: parameters" in report.notes[0]
    file = next(copy.glob("clips/*/*.h5"))
    write_clip(file, FAULTS["left and right parts swapped"][0](read_clip(file)))
    assert "limbs have parts of their side" in validate(copy).failed


# Command line


def run(capsys, *args):
    with pytest.raises(SystemExit) as stopped:
        main([str(a) for a in args])
    return stopped.value.code, capsys.readouterr()


@pytest.mark.parametrize("content", [None, (), ("notes.txt",)])
def test_what_is_no_dataset_gives_one_message_and_status_2(tmp_path, capsys, content):
    folder = tmp_path / "d"
    if content is not None:
        folder.mkdir()
        for name in content:
            (folder / name).write_text("nothing")
    status, said = run(capsys, "validate", folder)
    assert status == 2 and said.err.count("mannequin:") == 1 and "Check the path" in " ".join(said.err.split())


def test_empty_dataset_and_senseless_counts_give_status_2(tmp_path, capsys, street_folder):
    create_or_resume(tmp_path / "d", {"assets": to_plain(Assets()), "renderer": "raster"})
    status, said = run(capsys, "validate", tmp_path / "d")
    assert status == 2 and "no finished clips" in said.err
    status, said = run(capsys, "validate", street_folder, "--frames", "0")
    assert status == 2 and "expected 1 or more" in said.err


@pytest.mark.slow
def test_table_fits_80_columns_and_the_status_tells(tmp_path, capsys, no_cycles, monkeypatch, street_folder):
    monkeypatch.setenv("COLUMNS", "80")
    status, said = run(capsys, "validate", street_folder, "--frames", "1")
    lines = said.out.splitlines()
    assert status == 0 and lines[-1] == "valid" and "…" not in said.out
    assert sum(line.rstrip().endswith(" ok") for line in lines) > 35
    copy = shutil.copytree(street_folder, tmp_path / "d")
    file = next(copy.glob("clips/*/*.h5"))
    write_clip(file, FAULTS["flow sign"][0](read_clip(file)))
    status, said = run(capsys, "validate", copy, "--frames", "1")
    assert status == 1 and "failed flow along rays in 1 of 1" in " ".join(said.out.split()) and "not valid" in said.out


# Pieces


def test_a_value_that_is_not_a_number_fails_and_is_the_worst():
    report = Report()
    report.add("a", [Finding("x", float("nan"), 1.0), Finding("x", 0.5, 1.0)])
    report.add("b", [Finding("x", 2.0, 1.0)])
    row = report.rows["x"]
    assert (row.examined, row.failed, row.where) == (2, 2, "a")
    assert Finding("x", 3, 2, at_least=True).ok and not Finding("x", 1, 2, at_least=True).ok


def test_leftness_is_minus_one_for_a_mirrored_body():
    joints = np.zeros((1, 24, 3))
    for side, x in (("left", -0.1), ("right", 0.1)):  # facing +y, so that left is -x
        for name, place in (
            ("hip", (x, 0, 0.9)),
            ("knee", (x, 0, 0.5)),
            ("ankle", (x, 0, 0.1)),
            ("foot", (x, 0.12, 0.03)),
        ):
            joints[0, SMPL_JOINTS.index(f"{side}_{name}")] = place
    assert leftness(joints) == pytest.approx(1)
    assert leftness(joints * (-1, 1, 1)) == pytest.approx(-1)


@pytest.mark.parametrize("step, told", [(1, False), (5, True)])
def test_only_what_lies_beside_the_contour_tells_frames_apart(step, told):
    """Along it a picture of few samples is a draw between person and background."""
    rng, frames = np.random.default_rng(0), 4
    backdrop = np.full((60, 80, 3), 40, np.uint8)
    masks = np.zeros((frames, 60, 80), bool)
    for t in range(frames):
        masks[t, 10:50, 20 + step * t : 30 + step * t] = True
    clean = np.where(masks[..., None], np.uint8(200), backdrop)
    rgb = clean.copy()
    for t in range(frames):
        left, right = 20 + step * t, 30 + step * t
        rgb[t, 10:50, [left - 1, right]] = rng.choice([40, 200], (2, 40, 1))
    again = {t: (clean[t], masks[t]) for t in range(frames)}

    def found(pictures):
        return [f.value for f in order_findings(pictures, again, range(frames)) if f.check == "picture is of its frame"]

    right, late = found(rgb), found(rgb[[0, 0, 1, 2]])
    assert (len(right), len(late)) == ((2, 2) if told else (0, 0))
    assert all(value < 0.2 for value in right) and (not told or max(late) > 1)

"""Makers of valid clips for tests and benchmarks: one that looks like a render, one of noise.

:func:`ball_clip` draws people made of 24 balls, in closed form: depth, normals, flow and joints
are those of the balls, so a test may compute what it expects. :func:`noise_clip` fills every
array with arbitrary legal values, for round trips.
"""

from dataclasses import replace

import cv2
import numpy as np

from mannequin.generator.body.model import PARTS, SMPL_JOINTS, SMPLH_JOINTS, hand_joints
from mannequin.generator.cameras import camera_track
from mannequin.generator.clip import (
    CHANNELS,
    LABELS,
    VISIBILITY,
    Clip,
    Foreground,
    ObjectView,
    PersonTrack,
    PersonView,
    View,
    amodal_of_one,
    described_track,
    told_by_flags,
)
from mannequin.generator.spec import (
    AppearanceSpec,
    CameraSpec,
    ClipSpec,
    HandSpec,
    MotionSpec,
    ObjectSpec,
    PersonSpec,
    PlainBackground,
    ShLight,
)

SKELETON = np.array(
    [
        (0, 0, 0.95),
        (0.1, 0, 0.88),
        (-0.1, 0, 0.88),
        (0, 0, 1.07),
        (0.11, 0, 0.5),
        (-0.11, 0, 0.5),
        (0, 0, 1.2),
        (0.11, 0, 0.1),
        (-0.11, 0, 0.1),
        (0, 0, 1.27),
        (0.12, -0.12, 0.04),
        (-0.12, -0.12, 0.04),
        (0, 0, 1.47),
        (0.08, 0, 1.4),
        (-0.08, 0, 1.4),
        (0, 0, 1.6),
        (0.18, 0, 1.4),
        (-0.18, 0, 1.4),
        (0.43, 0, 1.4),
        (-0.43, 0, 1.4),
        (0.67, 0, 1.4),
        (-0.67, 0, 1.4),
        (0.76, 0, 1.4),
        (-0.76, 0, 1.4),
    ]
)  # (24, 3) metres, Z up, facing -Y, the person's left at +X
RADII = np.array(
    [
        0.17,
        0.14,
        0.14,
        0.16,
        0.12,
        0.12,
        0.16,
        0.08,
        0.08,
        0.17,
        0.06,
        0.06,
        0.08,
        0.12,
        0.12,
        0.15,
        0.1,
        0.1,
        0.09,
        0.09,
        0.07,
        0.07,
        0.06,
        0.06,
    ]
)


def camera_looking(name, position, target=(0.0, 0.0, 0.9), focal=600.0, resolution=(240, 320)):
    """A fixed CameraSpec at ``position`` (world metres) with ``target`` at the image's middle."""
    position, target = np.asarray(position, float), np.asarray(target, float)
    z = (target - position) / np.linalg.norm(target - position)
    x = np.cross(z, (0.0, 0.0, 1.0))
    x /= np.linalg.norm(x)
    T = np.eye(4)
    T[:3, :3] = np.stack([x, np.cross(z, x), z], axis=1)
    T[:3, 3] = position
    h, w = resolution
    pose = tuple(tuple(float(v) for v in row) for row in T)
    return CameraSpec(name, focal, focal, w / 2, h / 2, (pose,))


def make_spec(cameras, people=1, frames=4, resolution=(240, 320), joints=24, name="clip", index=0, tags=None):
    """A ClipSpec of ``people`` persons named "person0", "person1", …"""
    persons = tuple(
        PersonSpec(
            f"person{i}",
            i + 1,
            "mannequin-female",
            (0.5, -0.25, float(i)),
            MotionSpec("walk"),
            AppearanceSpec("outfit/0"),
            joints=joints,
            yaw=0.25 * i,
        )
        for i in range(people)
    )
    light = ShLight((0.8, -0.4, 0.1, 0.2, -0.3, 0.4, 0.5, -0.6, 0.7))
    return ClipSpec(
        name,
        7,
        index,
        "train",
        "test",
        30.0,
        frames,
        tuple(resolution),
        persons,
        tuple(cameras),
        light,
        PlainBackground(),
        tags=tags or {},
    )


def ball_clip(
    frames=4,
    resolution=(240, 320),
    people=1,
    cameras=None,
    focal=None,
    rgb=True,
    seed=0,
    joints=24,
    index=0,
    name="clip",
    tags=None,
):
    """A Clip of people made of balls, swinging their arms and legs while they walk along X.

    cameras: CameraSpecs, or None for one 6 m in front. focal: pixels, for that one camera.
    """
    cameras = cameras or (
        camera_looking("camera", (0.0, -6.0, 1.0), focal=focal or 2.5 * resolution[0], resolution=resolution),
    )
    spec = make_spec(cameras, people, frames, resolution, joints, name, index, tags)
    centres = np.stack([ball_centres(i, frames + 2) for i in range(people)], axis=1)  # (T + 2, P, 24, 3)
    rng = np.random.default_rng(seed)
    views = {c.name: _ball_view(c, spec, centres, rgb, rng) for c in cameras}
    tracks = {p.name: _track(p, centres[1:-1, i], rng) for i, p in enumerate(spec.people)}
    return Clip(spec, views, tracks, {"depth": 0.25}, {"mannequin": "0.1.0", "numpy": "1.26"})


def ball_centres(person, frames):
    """(frames, 24, 3) world metres; the first entry is the frame before the clip."""
    t = np.arange(-1, frames - 1)[:, None] / 30.0
    sway = np.sin(2.0 * np.pi * t + np.arange(24)) * np.linspace(0.02, 0.1, 24)
    walk = np.stack([0.4 * t + np.zeros(24) + 0.9 * person, sway + 0.5 * person, 0.3 * np.abs(sway)], axis=-1)
    return SKELETON + walk


def _ball_view(camera, spec, centres, with_rgb, rng):
    T = np.array(camera.T_world_camera[0])
    local = (centres - T[:3, 3]) @ T[:3, :3]  # (T + 2, P, 24, 3) camera metres
    h, w = spec.resolution
    drawn = [_draw_balls(local[t : t + 3], camera, (h, w)) for t in range(spec.num_frames)]
    offsets = np.concatenate([[0], np.cumsum([len(d["pixels"]) for d in drawn])]).astype(np.int64)
    values = {n: np.concatenate([d[n] for d in drawn]) for n in LABELS}
    labels = Foreground((h, w), offsets, np.concatenate([d["pixels"] for d in drawn]), values)
    rgb = _paint(labels, rng) if with_rgb else None
    alone = len(spec.people) == 1
    people = {
        p.name: _person_view(local[1:-1, i], labels, i + 1, camera, p.joints, alone) for i, p in enumerate(spec.people)
    }
    K, poses = (told[1:-1] for told in camera_track(camera, spec.num_frames))
    return View(K, poses, rgb, labels, people, amodal={p: without_channels(labels) for p in people if alone})


def without_channels(labels):
    """The pixels alone."""
    return replace(labels, values={})


def _draw_balls(three, camera, resolution):
    """Channels at the foreground pixels of one frame; three: centres before, now and after."""
    h, w = resolution
    y, x = np.mgrid[:h, :w] + 0.5
    ray = np.stack([(x - camera.cx) / camera.fx, (y - camera.cy) / camera.fy, np.ones((h, w))], axis=-1).reshape(-1, 3)
    depth, ball = np.full(h * w, np.inf), np.zeros(h * w, int)
    centres, radii = three[1].reshape(-1, 3), np.tile(RADII, three.shape[1])
    for i, (c, r) in enumerate(zip(centres, radii)):
        b, a = ray @ c, (ray**2).sum(1)
        under = b**2 - a * (c @ c - r**2)
        z = np.where(under > 0, (b - np.sqrt(np.maximum(under, 0))) / a, np.inf)
        nearer = (z < depth) & (z > 0)
        depth[nearer], ball[nearer] = z[nearer], i
    pixels = np.flatnonzero(np.isfinite(depth))
    z, ball = depth[pixels], ball[pixels]
    point = ray[pixels] * z[:, None]
    normal = (point - centres[ball]) / radii[ball, None]
    part = ball % 24 + 1
    u, v = np.arctan2(normal[:, 0], -normal[:, 2]) / (2 * np.pi) + 0.5, np.arccos(np.clip(normal[:, 1], -1, 1)) / np.pi
    chart_uv = np.stack([u, v], axis=1)
    uv = (chart_uv + np.stack([ball % 5, ball // 5 % 5], axis=1)) / 5.0
    flow, flow_backward = (_ball_flow(point, three[k].reshape(-1, 3)[ball] - centres[ball], camera) for k in (2, 0))
    raw = {
        "segm": part,
        "instance": ball // 24 + 1,
        "depth": z,
        "normal": normal,
        "flow": flow,
        "flow_backward": flow_backward,
        "occluded": normal[:, 2] > -0.05,
        "occluded_backward": normal[:, 2] > -0.05,
        "uv": uv,
        "chart": part,
        "chart_uv": chart_uv,
    }
    return {"pixels": pixels.astype(np.uint32)} | {n: a.astype(CHANNELS[n].dtype) for n, a in raw.items()}


def _ball_flow(point, step, camera):
    then = point + step
    focal = np.array([camera.fx, camera.fy])
    return focal * (then[:, :2] / then[:, 2:] - point[:, :2] / point[:, 2:])


def _paint(labels, rng):
    """(T, H, W, 3) uint8: a smooth photo-like background and shaded, striped people."""
    h, w = labels.resolution
    coarse = rng.uniform(40, 200, (-(-h // 16), -(-w // 16), 3))
    photo = cv2.resize(coarse, (w, h), interpolation=cv2.INTER_LINEAR).reshape(h, w, 3) + rng.integers(0, 6, (h, w, 3))
    images = np.repeat(photo[None].astype(np.uint8), labels.num_frames, axis=0)
    light = np.clip(-labels.values["normal"][:, 2], 0, 1) * (160 + 60 * np.sin(90 * labels.values["uv"][:, 0]))
    for t in range(labels.num_frames):
        part = slice(labels.offsets[t], labels.offsets[t + 1])
        images[t].reshape(-1, 3)[labels.pixels[part]] = light[part, None].astype(np.uint8)
    return images


def _person_view(local, labels, instance, camera, joints, alone):
    local = _as_joints(local, joints).astype(np.float32)
    h, w = labels.resolution
    xy = (local[..., :2] / local[..., 2:] * (camera.fx, camera.fy) + (camera.cx, camera.cy)).astype(np.float32)
    inside = (xy > 0).all(-1) & (xy < (w, h)).all(-1)
    box, count = np.zeros((labels.num_frames, 4), np.float32), np.zeros(labels.num_frames, np.int32)
    for t in range(labels.num_frames):
        y, x = np.nonzero(labels.frame("instance", t) == instance)
        count[t] = len(x)
        if len(x):
            box[t] = x.min(), y.min(), x.max() + 1, y.max() + 1
    visibility = told_by_flags(inside, inside, alone)
    return PersonView(xy, local, inside, inside.copy(), box, count, visibility, *amodal_of_one(box, count, alone))


def _track(person, joints, rng):
    joints = _as_joints(joints, person.joints).astype(np.float32)
    t, j = joints.shape[:2]
    pose = (rng.normal(size=(t, j, 3)) * 0.2).astype(np.float32)
    pose[:, 0] = (np.pi / 2, 0, 0)
    names = SMPL_JOINTS if j == 24 else SMPLH_JOINTS
    return PersonTrack(
        person.body, "female", pose, np.array(person.betas, np.float32), joints[:, 0].copy(), joints, names
    )


def _as_joints(centres, joints):
    """(…, 24, 3) to (…, joints, 3): the finger joints of a body of 52 stand on the hands' balls."""
    if joints == len(PARTS):
        return centres
    return np.concatenate(
        [centres[..., :22, :]] + [np.repeat(centres[..., k : k + 1, :], 15, axis=-2) for k in (22, 23)], axis=-2
    )


def noise_clip(
    seed,
    frames=2,
    resolution=(5, 7),
    people=1,
    cameras=1,
    channels=LABELS,
    rgb=True,
    joints=24,
    vertices=0,
    coverage=0.4,
    index=0,
):
    """A Clip of legal noise: ``channels`` at a ``coverage`` of random pixels, flows to ±2000 px, depths to 100 m."""
    rng = np.random.default_rng(seed)
    eyes = [camera_looking(f"camera {i}", (1.0 + i, -5.0, 1.0), resolution=resolution) for i in range(cameras)]
    spec = make_spec(
        eyes, people, frames, resolution, joints, f"noise {seed}", index, {"sequence": "ünïcode", "run": 1.0}
    )
    views = {c.name: _noise_view(rng, c, spec, channels, rgb, coverage) for c in eyes}
    tracks = {p.name: _noise_track(rng, p, frames, vertices) for p in spec.people}
    return Clip(spec, views, tracks, {"depth": float(rng.random())}, {"mannequin": "0.1.0"})


def _noise_view(rng, camera, spec, channels, rgb, coverage):
    (h, w), t, j = spec.resolution, spec.num_frames, spec.people[0].joints if spec.people else 0
    shown = rng.random((t, h * w)) < coverage * rng.integers(0, 2, (t, 1))  # some frames are empty
    labels = mask_of((h, w), shown)
    labels = replace(labels, values={n: _noise_channel(rng, n, len(labels.pixels)) for n in channels})
    among_others = len(spec.people) > 1
    amodal = {p.name: _noise_mask(rng, (h, w), t) if among_others else without_channels(labels) for p in spec.people}
    people = {p.name: _noise_person(rng, t, j, (h, w), amodal[p.name], among_others) for p in spec.people}
    T = np.repeat(np.array(camera.T_world_camera), t, axis=0)
    images = rng.integers(0, 256, (t, h, w, 3), dtype=np.uint8) if rgb else None
    K = np.repeat(np.diag([600.0, 600.0, 1.0])[None], t, axis=0)
    return View(K, T, images, labels, people, amodal=amodal)


def _noise_person(rng, t, j, resolution, amodal, among_others):
    joints = (rng.normal(0, 300, (t, j, d)).astype(np.float32) for d in (2, 3))
    in_frame, visible = (rng.random((t, j)) < 0.5 for _ in range(2))
    box, pixels = _noise_boxes(rng, t, resolution)
    seen = (in_frame, visible, box, pixels)
    if not among_others:
        return PersonView(*joints, *seen, told_by_flags(in_frame, visible, True), *amodal_of_one(box, pixels, True))
    told = np.zeros((t, j), np.uint8), np.zeros((t, 4), np.float32), np.zeros(t, np.int32)
    return _among_others(rng, PersonView(*joints, *seen, *told), amodal)


def _among_others(rng, person, amodal):
    """``person`` with noise for who hides them."""
    visibility = rng.integers(0, len(VISIBILITY), person.visible.shape, dtype=np.uint8)
    box, pixels = _noise_amodal(rng, len(person.pixels), amodal)
    return replace(person, visibility=visibility, amodal_box=box, amodal_pixels=pixels)


def _noise_amodal(rng, t, amodal):
    return rng.integers(0, 9, (t, 4)).astype(np.float32), np.diff(amodal.offsets).astype(np.int32)


def _noise_boxes(rng, t, resolution):
    count = resolution[0] * resolution[1] + 1
    return rng.integers(0, 9, (t, 4)).astype(np.float32), rng.integers(0, count, t).astype(np.int32)


def _noise_mask(rng, resolution, t):
    return mask_of(resolution, rng.random((t, resolution[0] * resolution[1])) < 0.3)


def mask_of(resolution, shown):
    """Foreground without channels of ``shown`` (T, H * W) bool."""
    frame, pixels = np.nonzero(shown)
    offsets = np.searchsorted(frame, np.arange(len(shown) + 1)).astype(np.int64)
    return Foreground(resolution, offsets, pixels.astype(np.uint32), {})


def _noise_channel(rng, name, n):
    shape = (n,) + CHANNELS[name].shape
    if CHANNELS[name].dtype == "uint8":
        return rng.integers(0, 2 if name.startswith("occluded") else 25, shape, dtype=np.uint8)
    if name == "normal":
        normal = rng.normal(size=shape)
        return (normal / np.linalg.norm(normal, axis=-1, keepdims=True)).astype(np.float32)
    low, high = {"depth": (0, 100), "flow": (-2000, 2000), "flow_backward": (-60, 60)}.get(name, (0, 1))
    return rng.uniform(low, high, shape).astype(np.float32)


def _noise_track(rng, person, frames, vertices):
    arrays = [rng.normal(size=(frames, k, 3)).astype(np.float32) for k in (person.joints, 1, person.joints, vertices)]
    names = SMPL_JOINTS if person.joints == 24 else SMPLH_JOINTS
    betas = np.array(person.betas, np.float32)
    return PersonTrack(
        person.body, "female", arrays[0], betas, arrays[1][:, 0], arrays[2], names, arrays[3] if vertices else None
    )


def with_things(clip, hands=1, objects=2, vertices=0, seed=0):
    """``clip`` with noise for hands "hand0", … of instances 101… and objects "object0", … of instances 201…"""
    rng, t, (h, w) = np.random.default_rng(seed), clip.spec.num_frames, clip.spec.resolution
    palms = tuple(
        HandSpec(
            f"hand{i}",
            101 + i,
            "user-right",
            (0.5, -0.25),
            tuple(tuple(row) for row in rng.normal(size=(t, 48)).tolist()),
            tuple(tuple(row) for row in rng.normal(size=(t, 3)).tolist()),
        )
        for i in range(hands)
    )
    things = tuple(
        ObjectSpec(
            f"object{i}",
            201 + i,
            ("sphere", "box")[i % 2],
            tuple(_rigid(rng) for _ in range(t if i % 2 else 1)),
            (0.5, 0.25, 1.0),
            category=("sphere", "object")[i % 2],
        )
        for i in range(objects)
    )

    def palm_track(hand):
        points = (rng.normal(size=(t, k, 3)).astype(np.float32) for k in (1, 16, vertices))
        transl, joints, skin = points
        pose, betas = np.array(hand.pose, np.float32).reshape(t, 16, 3), np.array(hand.betas, np.float32)
        names = hand_joints("right")
        return PersonTrack(hand.body, "right", pose, betas, transl[:, 0], joints, names, skin if vertices else None)

    def seen(view):
        masks = {name: _noise_mask(rng, (h, w), t) for name in (*(p.name for p in palms), *(o.name for o in things))}
        known = {name: _noise_person(rng, t, 16, (h, w), masks[name], True) for name in (p.name for p in palms)}
        thing_views = {
            o.name: ObjectView(*_noise_boxes(rng, t, (h, w)), *_noise_amodal(rng, t, masks[o.name])) for o in things
        }
        others = {name: _noise_mask(rng, (h, w), t) for name in view.people}
        people = {name: _among_others(rng, person, others[name]) for name, person in view.people.items()}
        return replace(view, people=people, hands=known, objects=thing_views, amodal=others | masks)

    views = {name: seen(view) for name, view in clip.views.items()}
    return replace(
        clip,
        spec=replace(clip.spec, hands=palms, objects=things),
        views=views,
        hands={p.name: palm_track(p) for p in palms},
        objects={o.name: described_track(o, t) for o in things},
    )


def _rigid(rng):
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation * np.linalg.det(rotation), rng.normal(size=3)
    return tuple(tuple(row) for row in pose.tolist())

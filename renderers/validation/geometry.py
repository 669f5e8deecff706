"""Labels against the posed body, projected here with nothing but a pinhole.

The scene is posed again from the clip's own description; vertices and joints are projected with
the stored cameras. Only undistorted cameras are examined.
"""

import numpy as np

from generator.body.model import PARTS, SMPL_JOINTS
from generator.cameras import project, to_camera
from generator.clip import Clip, View
from generator.scene import MeshTrack, Scene
from renderers.validation.table import Finding

CARRY_DEPTH = 0.05
"""Metres by which the depth met after following the flow may differ: a pixel of a slanted surface."""


def geometry_findings(clip: Clip, scene: Scene) -> list[Finding]:
    """Joints, flow and sides of every camera of ``clip`` against ``scene``."""
    findings = _parameters(clip, scene)
    for camera in clip.spec.cameras:
        if camera.distortion:
            continue
        view = clip.views[camera.name]
        findings += _joints(clip, view)
        for name, step in (("flow", 1), ("flow_backward", -1)):
            if name in view.labels.values and "depth" in view.labels.values:
                findings.append(_flow_at_vertices(clip, view, scene, camera.name, name, step))
        if {"flow", "occluded", "segm", "depth"} <= set(view.labels.values) and clip.spec.num_frames > 1:
            findings.append(_carried(clip, view))
        if "segm" in view.labels.values:
            findings += _sides(clip, view, scene, camera.name)
    return findings


def _parameters(clip, scene) -> list[Finding]:
    worst = 0.0
    for name, track in clip.people.items():
        again = scene.people[name]
        worst = max(worst, float(np.abs(track.joints - again.joints).max()), float(np.abs(track.pose - again.pose).max()))
    return [Finding("body parameters give the joints", worst, 1e-3, "m, rad")]


def _joints(clip: Clip, view: View) -> list[Finding]:
    worst_camera = worst_image = 0.0
    for name, person in view.people.items():
        world = clip.people[name].joints.astype(np.float64)
        for t, pose in enumerate(view.T_world_camera):
            seen = to_camera(world[t], pose)
            worst_camera = max(worst_camera, float(np.abs(seen - person.joints_camera[t]).max()))
            front = seen[:, 2] > 0.1
            error = np.abs(project(seen[front], view.K) - person.joints2d[t][front])
            worst_image = max(worst_image, float(error.max(initial=0.0)))
    return [
        Finding("joints in the camera", worst_camera, 1e-3, "m"),
        Finding("joints in the image", worst_image, 0.05, "px"),
    ]


def _flow_at_vertices(clip, view, scene, camera, name, step) -> Finding:
    """99th percentile of the distance between the flow image and the motion of visible vertices.

    A vertex is seldom at a pixel's centre: it is compared with the pixel that contains it and
    allowed what its neighbours differ by.
    """
    K, poses = scene.cameras[camera]
    errors = []
    for t in _some_frames(clip.spec.num_frames):
        depth, flow = view.frame("depth", t), view.frame(name, t)
        for mesh in scene.meshes:
            errors.append(_vertex_flow_errors(mesh, K, poses, t + 1, step, depth, flow))
    errors = np.concatenate(errors)
    value = float(np.percentile(errors, 99)) if len(errors) else 0.0
    return Finding(f"{name} at vertices", value, 0.35, "px")


def _vertex_flow_errors(mesh: MeshTrack, K, poses, k, step, depth, flow) -> np.ndarray:
    here = to_camera(mesh.vertices[k].astype(np.float64), poses[k])
    there = to_camera(mesh.vertices[k + step].astype(np.float64), poses[k + step])
    ok = (here[:, 2] > 0.05) & (there[:, 2] > 0.05)
    here, there = here[ok], there[ok]
    at, target = project(here, K), project(there, K)
    x, y = np.floor(at).astype(int).T
    h, w = depth.shape
    inside = (x >= 1) & (y >= 1) & (x < w - 1) & (y < h - 1)
    at, target, here, x, y = at[inside], target[inside], here[inside], x[inside], y[inside]
    window = np.stack([depth[y + j, x + i] for j in (-1, 0, 1) for i in (-1, 0, 1)])
    flat = (window > 0).all(0) & (np.abs(window - here[:, 2]).max(0) < 0.03)
    error = np.linalg.norm(np.stack([flow[y + j, x + i] for j in (-1, 0, 1) for i in (-1, 0, 1)]) - (target - at), axis=-1)
    return error.min(0)[flat]


def _carried(clip: Clip, view: View) -> Finding:
    """Share of unoccluded foreground pixels that meet their own part, at a likely depth, at t + 1."""
    met = total = 0
    for t in _some_frames(clip.spec.num_frames - 1):
        ys, xs = np.nonzero(view.labels.mask(t) & (view.frame("occluded", t) == 0))
        flow, part = view.frame("flow", t)[ys, xs], view.frame("segm", t)[ys, xs]
        to_x = np.floor(xs + 0.5 + flow[:, 0]).astype(int)
        to_y = np.floor(ys + 0.5 + flow[:, 1]).astype(int)
        next_part, next_depth = view.frame("segm", t + 1), view.frame("depth", t + 1)
        depth = view.frame("depth", t)[ys, xs]
        found = np.zeros(len(xs), bool)
        h, w = next_part.shape
        for j in (-1, 0, 1):
            for i in (-1, 0, 1):
                y, x = np.clip(to_y + j, 0, h - 1), np.clip(to_x + i, 0, w - 1)
                found |= (next_part[y, x] == part) & (np.abs(next_depth[y, x] - depth) < CARRY_DEPTH + 0.15)
        met += int(found.sum())
        total += len(found)
    return Finding("flow carries t onto t + 1", 100 * met / max(1, total), 99.0, "% of pixels", at_least=True)


def _sides(clip: Clip, view: View, scene: Scene, camera: str) -> list[Finding]:
    """The body's left against its facing, and the labels' left against the projected body."""
    sides = np.concatenate([_leftness(track.joints) > 0 for track in clip.people.values()])
    return [
        Finding("the person's left is on the left", 100 * float(sides.mean()), 90.0, "% of frames", at_least=True),
        Finding("left and right parts lie on their limbs", _parts_on_limbs(clip, view, scene, camera), 90.0, "% of pixels", at_least=True),
    ]


def _leftness(joints: np.ndarray) -> np.ndarray:
    """(T,) > 0 where the left hip is on the left of somebody who looks where the toes point.

    Crossed or folded legs may say otherwise for a moment, a mirrored body says it all the time.
    """
    at = {name: joints[:, k] for k, name in enumerate(SMPL_JOINTS[:22])}
    up = at["spine3"] - at["pelvis"]
    ahead = sum(at[f"{s}_foot"] - at[f"{s}_ankle"] for s in ("left", "right"))
    ankle = sum(at[f"{s}_ankle"] - at[f"{s}_knee"] for s in ("left", "right"))
    side = np.cross(-ankle, ahead)
    hips = at["left_hip"] - at["right_hip"]
    sure = np.abs((side * hips).sum(1)) > 0.15 * np.linalg.norm(side, axis=1) * np.linalg.norm(hips, axis=1)
    crossed = (side * hips).sum(1) <= 0
    chest = np.cross(up, hips)
    collars = at["left_collar"] - at["right_collar"]
    consistent = (np.cross(up, collars) * chest).sum(1) > 0
    return np.where((sure & crossed) | ~consistent, -1.0, 1.0)


def _parts_on_limbs(clip, view, scene, camera) -> float:
    """Share (%) of limb pixels whose nearest projected visible vertex has the same part's side."""
    K, poses = scene.cameras[camera]
    good = total = 0
    left = np.array([0] + [name.startswith("left") for name in PARTS])
    right = np.array([0] + [name.startswith("right") for name in PARTS])
    for t in _some_frames(clip.spec.num_frames):
        depth, segm = view.frame("depth", t), view.frame("segm", t)
        for mesh in scene.meshes[: len(scene.people)]:
            corner = to_camera(mesh.vertices[t + 1].astype(np.float64), poses[t + 1])
            centre = corner[mesh.faces].mean(1)
            front = centre[:, 2] > 0.05
            at, z, part = project(centre[front], K), centre[front, 2], mesh.part[front]
            x, y = np.floor(at).astype(int).T
            h, w = depth.shape
            seen = (x >= 0) & (y >= 0) & (x < w) & (y < h)
            x, y, z, part = x[seen], y[seen], z[seen], part[seen]
            on = (np.abs(depth[y, x] - z) < 0.02) & (left[part] + right[part] > 0)
            label = segm[y[on], x[on]]
            good += int((left[label] == left[part[on]]).sum())
            total += int(on.sum())
    return 100 * good / total if total else 100.0


def _some_frames(count: int) -> np.ndarray:
    """At most eight frames, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, 8)).round().astype(int))

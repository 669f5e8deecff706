"""Labels against the posed body, with formulas of this file's own.

The stored parameters are put through SMPL's kinematics once more, the stored joints through the
stored cameras; the flow must carry each pixel onto its own part; left must be left.
"""

import numpy as np
from scipy.spatial.transform import Rotation

from mannequin.generator.body.model import SMPL_JOINTS, SMPL_PARENTS, BodyModel
from mannequin.generator.clip import Clip, PersonTrack, View
from mannequin.generator.scene import Scene
from mannequin.renderers.validation.rays import Eye
from mannequin.renderers.validation.surface import some_frames
from mannequin.renderers.validation.table import Finding

CARRY_DEPTH = 0.5
"""m by which the depth met after following the flow may differ: a sprint at 15 Hz, straight at the camera."""

BORDER = 0.01
"""px. So near to the image's border, rounding decides whether a joint is in the frame."""


def geometry_findings(clip: Clip, scene: Scene | None, models: dict[str, BodyModel]) -> list[Finding]:
    """Parameters, joints, sides and flow of ``clip``.

    scene: the clip's description posed again, models: name of a person or hand → body; None and empty where the
    bodies are not at hand, which leaves what the clip says by itself.
    """
    findings = []
    for name, track in {**clip.people, **clip.hands}.items():
        if scene is not None:
            findings += [_parameters(track, {**scene.people, **scene.hands}[name]), _kinematics(track, models[name])]
            if track.vertices is not None:
                findings.append(_vertices(track.vertices, scene, name))
        if track.joint_names[:22] == SMPL_JOINTS[:22]:
            findings.append(
                Finding("the person's left is on the left", leftness(track.joints), 0.0, "cosine", True, name)
            )
    for camera in clip.spec.cameras:
        view = clip.views[camera.name]
        for name, person in {**view.people, **view.hands}.items():
            track = clip.people[name] if name in view.people else clip.hands[name]
            findings += _joints(track.joints, person, _eye(view, camera, clip.spec.resolution))
        if {"segm", "instance", "depth"} <= set(view.labels.values):
            findings += _limb_sides(clip, view, _eye(view, camera, clip.spec.resolution))
        if {"flow", "occluded", "segm", "depth"} <= set(view.labels.values) and clip.spec.num_frames > 1:
            findings += _carried(clip, view)
    return findings


def _eye(view: View, camera, resolution) -> Eye:
    """The camera as stored in the clip, with index k = frame k - 1."""
    K, poses = (np.concatenate([told[:1], told, told[-1:]]) for told in (view.K, view.T_world_camera))
    return Eye(K, poses, camera.distortion, resolution)


def _parameters(track: PersonTrack, again: PersonTrack) -> Finding:
    pairs = [(getattr(track, name), getattr(again, name)) for name in ("betas", "pose", "transl", "joints")]
    fits = all(a.shape == b.shape for a, b in pairs) and track.joint_names == again.joint_names
    worst = max((float(np.max(np.abs(a - b), initial=0.0)) for a, b in pairs), key=_nan_last) if fits else np.inf
    return Finding("parameters are as described", worst, 1e-4, "m, rad")


def _nan_last(value: float) -> float:
    return np.inf if np.isnan(value) else value


def _kinematics(track: PersonTrack, model: BodyModel) -> Finding:
    """Largest distance (m) of a stored joint from where pose, betas and transl put it.

    Source: SMPL, Loper et al. 2015, equations 3, 4 and 10.
    """
    betas = track.betas[: model.num_betas].astype(float)
    shaped = model.v_template + model.shapedirs[:, :, : len(betas)] @ betas
    rest = np.asarray(model.joint_regressor @ shaped)
    local = (
        Rotation.from_rotvec(track.pose.reshape(-1, 3).astype(float)).as_matrix().reshape(*track.pose.shape[:2], 3, 3)
    )
    turned, at = [local[:, 0]], [rest[0] + track.transl]
    for j, parent in enumerate(model.parents[1:], start=1):
        at.append(at[parent] + turned[parent] @ (rest[j] - rest[parent]))
        turned.append(turned[parent] @ local[:, j])
    worst = np.linalg.norm(np.stack(at, axis=1) - track.joints, axis=-1).max()
    return Finding("parameters give the joints", float(worst), 1e-4, "m")


def _vertices(vertices: np.ndarray, scene: Scene, name: str) -> Finding:
    again = next(m for m in scene.meshes if m.name == name).vertices[1:-1]
    worst = np.abs(vertices - again).max() if vertices.shape == again.shape else np.inf
    return Finding("vertices are as described", float(worst), 1e-4, "m")


def leftness(joints: np.ndarray) -> float:
    """Cosine between the hips' right-to-left axis and the left of somebody whose toes point ahead.

    joints: (T, J, 3) world metres. The mean over the clip: crossed or twisted legs may bring single
    frames to the other side, a mirrored body all of them.
    """
    at = {name: joints[:, k].astype(float) for k, name in enumerate(SMPL_JOINTS[:22])}
    sides = ("left", "right")
    toes = sum(at[f"{s}_foot"] - at[f"{s}_ankle"] for s in sides)
    shins = sum(at[f"{s}_knee"] - at[f"{s}_ankle"] for s in sides)
    left = np.cross(shins, toes)
    hips = at["left_hip"] - at["right_hip"]
    length = np.linalg.norm(left, axis=1) * np.linalg.norm(hips, axis=1)
    return float(((left * hips).sum(1) / np.maximum(length, 1e-12)).mean())


def _joints(world: np.ndarray, person, eye: Eye) -> list[Finding]:
    """Stored positions and flags of one person's joints against the stored camera."""
    again = np.stack([eye.to_camera(world[t], t + 1) for t in range(len(world))])
    image = np.stack([eye.project(points, t + 1) for t, points in enumerate(again)])
    inside = eye.sees(image.reshape(-1, 2)).reshape(person.in_frame.shape)
    if eye.distorted:
        inside &= person.in_frame  # OpenCV folds back into the image what the lens does not image
    near = person.in_frame | inside
    off = np.linalg.norm(image - person.joints2d, axis=-1)[near]
    at_border = np.abs(image[..., None] - np.stack([np.zeros(2), eye.resolution[::-1]], axis=-1)).min((-1, -2)) < BORDER
    wrong = (inside != person.in_frame) & ~at_border | (person.visible & ~person.in_frame)
    return [
        Finding("joints in the camera", float(np.abs(again - person.joints_camera).max()), 1e-4, "m"),
        Finding("joints in the image", float(np.max(off, initial=0.0)), 0.01, "px"),
        Finding("joints in the frame", int(wrong.sum()), 0, "joints"),
    ]


def _limb_sides(clip: Clip, view: View, eye: Eye) -> list[Finding]:
    """Pixels of left and right parts lie nearer to that limb's bone than to its counterpart's."""
    near = total = 0
    parts = [p for p in range(1, 23) if SMPL_JOINTS[p - 1].startswith(("left", "right"))]
    other = {p: SMPL_JOINTS.index(_across(SMPL_JOINTS[p - 1])) + 1 for p in parts}
    for t in some_frames(clip.spec.num_frames, 8):
        segm, instance, depth = (view.frame(name, t) for name in ("segm", "instance", "depth"))
        for person in clip.spec.people:
            pixels = np.flatnonzero((instance == person.instance) & np.isin(segm, parts))[::3]
            rays = eye.rays(pixels, int(t) + 1)
            points = np.concatenate([rays, np.ones((len(rays), 1))], axis=1) * depth.reshape(-1)[pixels, None]
            bones = _bones(view.people[person.name].joints_camera[t])
            part = segm.reshape(-1)[pixels]
            mine = np.linalg.norm(points - bones[part], axis=1)
            near += int((mine < np.linalg.norm(points - bones[[other[p] for p in part]], axis=1)).sum())
            total += len(part)
    if total < 50:
        return []
    return [Finding("limbs have parts of their side", 100 * near / total, 75.0, "%", at_least=True)]


def _across(name: str) -> str:
    return name.replace("left", "right") if name.startswith("left") else name.replace("right", "left")


def _bones(joints: np.ndarray) -> np.ndarray:
    """(23, 3) middle of the bone of parts 1 … 22; row 0 is unused. Of a joint without a child, the joint."""
    middle = np.zeros((23, 3))
    for j in range(22):
        child = next((c for c in range(22) if SMPL_PARENTS[c] == j), j)
        middle[j + 1] = (joints[j] + joints[child]) / 2
    return middle


def _carried(clip: Clip, view: View) -> list[Finding]:
    """Share of unoccluded foreground pixels that meet their own part, at a likely depth, at t + 1."""
    met = total = 0
    for t in some_frames(clip.spec.num_frames - 1, 8):
        ys, xs = np.nonzero(view.labels.mask(t) & (view.frame("occluded", t) == 0))
        flow, part, depth = (view.frame(name, t)[ys, xs] for name in ("flow", "segm", "depth"))
        to = np.floor(np.stack([xs, ys], axis=1) + 0.5 + flow).astype(int)
        met += int(_meets(view.frame("segm", t + 1), view.frame("depth", t + 1), to, part, depth).sum())
        total += len(xs)
    if total < 200:
        return []
    return [Finding("flow carries t onto t + 1", 100 * met / total, 95.0, "%", at_least=True)]


def _meets(segm, depth, to, part, depth_before) -> np.ndarray:
    """(n,) bool: one of the 3 × 3 pixels around ``to`` (n, 2) shows ``part`` near ``depth_before``."""
    h, w = segm.shape
    found = np.zeros(len(to), bool)
    for j in (-1, 0, 1):
        for i in (-1, 0, 1):
            x, y = np.clip(to[:, 0] + i, 0, w - 1), np.clip(to[:, 1] + j, 0, h - 1)
            found |= (segm[y, x] == part) & (np.abs(depth[y, x] - depth_before) < CARRY_DEPTH)
    return found

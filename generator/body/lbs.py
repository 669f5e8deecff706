"""Linear blend skinning of bodies and hands (SMPL, Loper et al. 2015, equations 2–9).

Kinematics run in float64; correctives and skinning in float32, sixteen frames side by side in the
vector registers of the processor. Sums are taken in a fixed order, so that the same input gives the same
bits, and a frame is the same whichever frames are posed with it.
"""

from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from mannequin.generator import exact
from mannequin.generator.body.model import SMPL_JOINTS, SMPLH_JOINTS, BodyModel
from mannequin.generator.compiled import njit
from mannequin.generator.errors import ConfigError
from mannequin.generator.motion.base import Skeleton
from mannequin.generator.rotations import rodrigues

LANES = 16
"""Frames posed at once. Each pass reads all correctives: more lanes share the reading, fewer waste
less on a short clip."""

SOLE_POINTS = 48
"""Points kept of each sole."""

SOLE_HEIGHT = 0.02
"""Metres above the lowest point of a foot up to which its vertices count as sole."""


class Posed(NamedTuple):
    """vertices: (T, V, 3) float32 metres. joints: (T, J, 3) float64 metres."""

    vertices: np.ndarray
    joints: np.ndarray


def pose_body(model: BodyModel, pose, betas=(), transl=None, offsets=None) -> Posed:
    """Vertices and joints of T poses of one person.

    pose: (T, J, 3) axis-angles; J may also be that of another skeleton, see :func:`match_pose`.
    betas: up to S shape coefficients; the missing ones are 0. transl: (T, 3) metres, added last.
    offsets: (V, 3) metres added to the shaped rest vertices once joints are known (clothes).
    """
    pose = match_pose(model, pose)
    frames = len(pose)
    transl = np.zeros((frames, 3)) if transl is None else _array("transl", transl, (frames, 3))
    rest = rest_vertices(model, betas)
    at_rest = exact.matmul(model.joint_regressor, rest)
    if offsets is not None:
        rest = rest + _array("offsets", offsets, rest.shape)
    local = rodrigues(pose)
    world = global_transforms(local, at_rest, model.parents)
    skinning = world[..., :3, :].copy()
    skinning[..., 3] -= exact.transform(world[..., :3, :3], at_rest)
    skinning = skinning.reshape(frames, model.num_joints, 12)
    features = (local[:, 1:] - np.eye(3)).reshape(frames, model.num_joints - 1, 9)
    vertices = np.empty((frames,) + rest.shape, np.float32)
    tables, rest = _tables(model), rest.astype(np.float32)
    for t in range(0, frames, LANES):
        part = slice(t, t + LANES)
        _skin(rest, _lanes(features[part]), _lanes(skinning[part]), _lanes(transl[part]), tables, vertices[part])
    return Posed(vertices, world[..., :3, 3] + transl[:, None])


def rest_vertices(model: BodyModel, betas=()) -> np.ndarray:
    """(V, 3) float64 metres: the shaped body in its rest pose. Raises ConfigError on too many betas."""
    betas = np.asarray(betas, np.float64)
    if betas.ndim != 1 or len(betas) > model.num_betas or not np.isfinite(betas).all():
        raise ConfigError(
            f"betas of shape {betas.shape} do not fit the body {model.name!r}; expected at most "
            f"{model.num_betas} finite coefficients. Leave out the last ones."
        )
    used = model.shapedirs[:, :, : len(betas)].astype(np.float64)
    return model.v_template + exact.matmul(used, betas)


def rest_joints(model: BodyModel, betas=()) -> np.ndarray:
    """(J, 3) float64 metres: joints of the shaped body in its rest pose."""
    return exact.matmul(model.joint_regressor, rest_vertices(model, betas))


def match_pose(model: BodyModel, pose) -> np.ndarray:
    """(T, J, 3) float64 axis-angles for the model's own joints.

    A pose of J joints is taken as it is. Poses of 24 (SMPL) or 52 joints (SMPL-H) are matched by
    joint names; joints that they lack (fingers, jaw, eyes) stay at rest, and those that the model
    lacks are ignored.
    """
    pose = np.asarray(pose, np.float64)
    if pose.ndim != 3 or pose.shape[2] != 3 or not np.isfinite(pose).all():
        raise ConfigError(f"pose has shape {pose.shape}; expected finite axis-angles (frames, joints, 3).")
    if pose.shape[1] == model.num_joints:
        return pose
    theirs, ours = joint_map(model, pose.shape[1])
    matched = np.zeros((len(pose), model.num_joints, 3))
    matched[:, ours] = pose[:, theirs]
    return matched


def joint_map(model: BodyModel, joints: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices (theirs, ours) of the joints that a pose of 24 or 52 joints shares with the model."""
    names = {len(SMPL_JOINTS): SMPL_JOINTS, len(SMPLH_JOINTS): SMPLH_JOINTS}.get(joints, ())
    theirs = [i for i, name in enumerate(names) if name in model.joint_names]
    if not theirs or names[0] not in model.joint_names:
        raise ConfigError(
            f"A pose of {joints} joints does not fit the body {model.name!r} of {model.num_joints}; expected "
            f"{model.num_joints}, or 24 or 52 on a whole body."
        )
    return np.array(theirs), np.array([model.joint_names.index(names[i]) for i in theirs])


def global_transforms(local: np.ndarray, joints: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """(T, J, 4, 4) float64 poses of the joints in the model frame.

    local: (T, J, 3, 3) rotation of each joint within its parent. joints: (J, 3) at rest.
    """
    parents = np.asarray(parents, np.int64)
    bones = joints - np.where(parents[:, None] >= 0, joints[parents], 0.0)
    return _chain(np.ascontiguousarray(local, np.float64), np.ascontiguousarray(bones, np.float64), parents)


@njit(cache=True)
def _chain(local, bones, parents):
    frames, count = local.shape[:2]
    world = np.zeros((frames, count, 4, 4))
    for t in range(frames):
        for j in range(count):
            world[t, j, 3, 3] = 1.0
            p = parents[j]
            for a in range(3):
                if p < 0:
                    world[t, j, a, :3] = local[t, j, a]
                    world[t, j, a, 3] = bones[j, a]
                    continue
                up = world[t, p, a]
                for b in range(3):
                    world[t, j, a, b] = (
                        up[0] * local[t, j, 0, b] + up[1] * local[t, j, 1, b] + up[2] * local[t, j, 2, b]
                    )
                world[t, j, a, 3] = up[0] * bones[j, 0] + up[1] * bones[j, 1] + up[2] * bones[j, 2] + up[3]
    return world


@njit(cache=True, inline="always")
def _correct(point, feature, fix):
    """Add one joint's corrective fix (9, 3) under feature (9, LANES) to point (3, LANES)."""
    for i in range(LANES):
        x, y, z = point[0, i], point[1, i], point[2, i]
        for k in range(9):
            x += fix[k, 0] * feature[k, i]
            y += fix[k, 1] * feature[k, i]
            z += fix[k, 2] * feature[k, i]
        point[0, i], point[1, i], point[2, i] = x, y, z


@njit(cache=True)
def _skin(rest, features, skinning, transl, tables, out):
    """Fill out (t ≤ LANES, V, 3) from rest (V, 3); the other arguments end in LANES.

    features: (J - 1, 9) rotations minus identity. skinning: (J, 12) rows of 3 × 4 transforms.
    """
    point = np.empty((3, LANES), np.float32)
    blend = np.empty((12, LANES), np.float32)
    for v in range(len(rest)):
        for a in range(3):
            point[a] = rest[v, a]
        for n in range(tables.fix_start[v], tables.fix_start[v + 1]):
            _correct(point, features[tables.fix_joint[n]], tables.fix[n])
        blend[:] = 0
        for n in range(tables.skin_start[v], tables.skin_start[v + 1]):
            transform, weight = skinning[tables.skin_joint[n]], tables.skin[n]
            for e in range(12):
                for i in range(LANES):
                    blend[e, i] += weight * transform[e, i]
        for i in range(len(out)):
            x, y, z = point[0, i], point[1, i], point[2, i]
            for a in range(3):
                e = 4 * a
                skinned = blend[e, i] * x + blend[e + 1, i] * y + blend[e + 2, i] * z + blend[e + 3, i]
                out[i, v, a] = skinned + transl[a, i]


class _Tables(NamedTuple):
    """What the kernel reads of a model; for each vertex, only the joints that touch it.

    fix_start: (V + 1,) rows of fix_joint (N,) and fix (N, 9, 3), the pose correctives.
    skin_start: (V + 1,) rows of skin_joint (M,) and skin (M,), the skinning weights.
    """

    fix_start: np.ndarray
    fix_joint: np.ndarray
    fix: np.ndarray
    skin_start: np.ndarray
    skin_joint: np.ndarray
    skin: np.ndarray


_known: WeakKeyDictionary[BodyModel, _Tables] = WeakKeyDictionary()


def _tables(model: BodyModel) -> _Tables:
    if model not in _known:
        blocks = model.posedirs.reshape(model.num_joints - 1, 9, model.num_vertices, 3)
        touches = blocks.any(axis=(1, 3)).T
        vertex, joint = np.nonzero(touches)
        fix = np.ascontiguousarray(blocks[joint, :, vertex], np.float32)
        vertex_skin, joint_skin = np.nonzero(model.weights)
        skin = np.ascontiguousarray(model.weights[vertex_skin, joint_skin], np.float32)
        _known[model] = _Tables(
            _starts(vertex, model.num_vertices),
            joint.astype(np.int32),
            fix,
            _starts(vertex_skin, model.num_vertices),
            joint_skin.astype(np.int32),
            skin,
        )
    return _known[model]


def _starts(rows: np.ndarray, count: int) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=count))]).astype(np.int64)


def _lanes(values: np.ndarray) -> np.ndarray:
    """(t, …) → (…, LANES) float32, idle lanes zero."""
    full = np.zeros(values.shape[1:] + (LANES,), np.float32)
    full[..., : len(values)] = np.moveaxis(values, 0, -1)
    return full


def make_skeleton(model: BodyModel, betas=(), offsets=None) -> Skeleton:
    """The skeleton of a shaped whole body; offsets (V, 3) metres are its clothes and shoes.

    Joints beyond SMPL-H's 52 (jaw and eyes) are left out. Raises ConfigError for a hand.
    """
    if "left_foot" not in model.joint_names:
        raise ConfigError(f"The model {model.name!r} ({model.family}) has no feet; expected a whole body.")
    vertices = rest_vertices(model, betas)
    joints = exact.matmul(model.joint_regressor, vertices)
    if offsets is not None:
        vertices = vertices + _array("offsets", offsets, vertices.shape)
    left, left_carriers = _sole(model, vertices, "left")
    right, right_carriers = _sole(model, vertices, "right")
    kept = slice(len(SMPLH_JOINTS))
    return Skeleton(
        joints=joints[kept],
        parents=model.parents[kept],
        soles=(left, right),
        sole_joints=(left_carriers, right_carriers),
    )


def _sole(model: BodyModel, vertices: np.ndarray, side: str) -> tuple[np.ndarray, np.ndarray]:
    """(K, 3) points from heel to toe, and the (K,) joint that carries each."""
    carriers = np.array([model.joint_names.index(f"{side}_{joint}") for joint in ("ankle", "foot")])
    weights = model.weights[:, carriers]
    foot = np.flatnonzero(weights.sum(axis=1) > 0.5)
    height = vertices[foot, 1]
    low = foot[height <= height.min() + SOLE_HEIGHT]
    picked = low[_spread(vertices[low][:, [0, 2]], SOLE_POINTS)]
    picked = picked[np.argsort(vertices[picked, 2], kind="stable")]
    return vertices[picked], carriers[weights[picked].argmax(axis=1)]


def _spread(points: np.ndarray, count: int) -> np.ndarray:
    """Indices of at most ``count`` points far from one another, the rearmost first."""
    picked = [int(points[:, 1].argmin())]
    distance = np.full(len(points), np.inf)
    while len(picked) < min(count, len(points)):
        distance = np.minimum(distance, np.linalg.norm(points - points[picked[-1]], axis=1))
        picked.append(int(distance.argmax()))
    return np.array(picked)


def _array(name: str, value, shape: tuple[int, ...]) -> np.ndarray:
    value = np.asarray(value, np.float64)
    if value.shape != shape or not np.isfinite(value).all():
        raise ConfigError(f"{name} has shape {value.shape}; expected finite values of shape {shape}.")
    return value

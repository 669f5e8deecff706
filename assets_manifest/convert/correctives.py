"""Learns pose correctives in SMPL's form: offsets linear in the entries of (R_j - I).

Nobody scanned this body in motion, so the wanted surface is computed. What plain skinning with
SMPL's joints loses is put back: limbs twist along their whole length (the fine rig has two
bones per segment for that), bent places are smooth ("Delta Mush: smoothing deformations while
preserving detail", Mancewicz et al., 2014) and keep most of their volume. Per joint, random
rotations within its range are answered by that surface, and the offsets that turn plain
skinning into it are fitted by ridge regression.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.spatial.transform import Rotation

from mannequin.generator.body.model import SMPLH_JOINTS, SMPLH_PARENTS

from .mesh import BodyMesh, split_quads
from .mpfb import Rig
from .skeleton import bone_to_joint, mirror_joints

RANGES_DEG = {
    "hip": ((-115, 35), (-45, 45), (-15, 50)),
    "knee": ((-3, 140), (-10, 10), (-5, 5)),
    "ankle": ((-35, 45), (-15, 15), (-15, 15)),
    "foot": ((-30, 10), (-3, 3), (-3, 3)),
    "spine1": ((-15, 35), (-20, 20), (-20, 20)),
    "spine2": ((-15, 30), (-25, 25), (-15, 15)),
    "spine3": ((-15, 20), (-20, 20), (-15, 15)),
    "neck": ((-25, 30), (-40, 40), (-25, 25)),
    "head": ((-25, 30), (-40, 40), (-20, 20)),
    "collar": ((-5, 5), (-20, 15), (-12, 28)),
    "shoulder": ((-70, 70), (-110, 35), (-85, 80)),
    "elbow": ((-20, 20), (-145, 3), (-5, 5)),
    "wrist": ((-85, 85), (-25, 25), (-60, 60)),
    "thumb": ((-40, 40), (-45, 45), (-25, 25)),
    "finger": ((-10, 10), (-15, 15), (-95, 10)),
}
"""Ranges of motion about x, y, z of the left and middle joints, degrees."""

TWIST = {
    "wrist": ("elbow", (("lowerarm01", 0.20), ("lowerarm02", 0.62))),
    "shoulder": ("elbow", (("upperarm01", -0.55), ("upperarm02", -0.12))),
    "hip": ("knee", (("upperleg01", -0.50),)),
}
"""Joint → the joint at the other end of the twisting limb, and per bone the share of the twist
that is added to (or, where negative, taken from) the motion of the joint carrying the bone."""

FIRST_FINGER = 22
"""Joints from this index on are those of fingers."""

POSES, FINGER_POSES = 90, 40
MUSH_STEPS = 14
VOLUME_KEPT = 0.7
"""Share of the volume lost in bending that is put back; flesh is squeezed aside a little."""

MAX_SWELL = 0.008
"""Metres that a surface is moved outwards for this at most."""

RIDGE = 0.02 / 9
LEAST_OFFSET = 1e-4
"""Metres per unit: vertices all of whose entries are smaller are left out."""


@dataclass(frozen=True, eq=False)
class Corrective:
    """Offsets (9, n, 3) metres per unit of (R_j - I), row-major, of n vertices."""

    vertices: np.ndarray
    values: np.ndarray


class DeltaMush:
    """Smooths a deformed mesh and puts back the detail of the rest surface.

    rest: (V, 3); quads: (Q, 4).
    """

    def __init__(self, rest: np.ndarray, quads: np.ndarray):
        count = len(rest)
        edges = np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1).reshape(-1, 2)
        edges = np.concatenate([edges, edges[:, ::-1]])
        links = sp.csr_matrix((np.ones(len(edges)), edges.T), (count, count))
        links.data[:] = 1.0
        degree = np.maximum(np.diff(links.indptr), 1)
        self._step = sp.identity(count) * 0.5 + sp.diags(0.5 / degree) @ links
        self._step = self._step.tocsr()
        self._neighbour = links.indices[np.minimum(links.indptr[:-1], len(links.indices) - 1)]
        self._faces = split_quads(quads)
        corner = self._faces.T.ravel()
        face = np.tile(np.arange(len(self._faces)), 3)
        self._gather = sp.csr_matrix((np.ones(len(corner)), (corner, face)), (count, len(self._faces)))
        smooth = self.smooth(rest)
        self._detail = np.einsum("vji,vj->vi", self._frames(smooth), rest - smooth)

    def smooth(self, values: np.ndarray, steps: int = MUSH_STEPS) -> np.ndarray:
        """(V, …) after ``steps`` half-way moves towards the mean of the neighbours."""
        for _ in range(steps):
            values = self._step @ values
        return values

    def _frames(self, points: np.ndarray) -> np.ndarray:
        """(V, 3, 3) tangent, bitangent and normal as columns."""
        a, b, c = (points[self._faces[:, k]] for k in range(3))
        normal = self._gather @ np.cross(b - a, c - a)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
        tangent = points[self._neighbour] - points
        tangent -= (tangent * normal).sum(1, keepdims=True) * normal
        tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-12)
        return np.stack([tangent, np.cross(normal, tangent), normal], axis=-1)

    def __call__(self, deformed: np.ndarray) -> np.ndarray:
        smooth = self.smooth(deformed)
        return smooth + np.einsum("vij,vj->vi", self._frames(smooth), self._detail)


def volume(points: np.ndarray, faces: np.ndarray) -> float:
    """Volume that a closed mesh encloses."""
    a, b, c = (points[faces[:, k]] for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6.0)


def area_normals(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) normals as long as the area around each vertex (a third of its faces')."""
    a, b, c = (points[faces[:, k]] for k in range(3))
    share = np.repeat(np.cross(b - a, c - a) / 6.0, 3, axis=0)
    corner = faces.ravel()
    return np.stack([np.bincount(corner, share[:, k], len(points)) for k in range(3)], axis=1)


@dataclass(frozen=True, eq=False)
class WholeBody:
    """rest: (V, 3) metres; faces: (F, 3) of a closed mesh; volume: cubic metres at rest."""

    rest: np.ndarray
    faces: np.ndarray
    volume: float


@dataclass(frozen=True, eq=False)
class Limb:
    """The vertices that one joint's motion deforms (not just moves).

    vertices: (n,) ids in the body; rest: (n, 3) metres.
    moved: (V,) weight of everything that follows the joint, for the whole body.
    bones: per twisting bone its (n,) weights, its share of the twist and whether it follows.
    axis, centre: (3,) direction of the twist, and the joint.
    mush: delta mush of these vertices; mixed: (n,) how much the bones disagree, 0…1.
    """

    vertices: np.ndarray
    rest: np.ndarray
    moved: np.ndarray
    bones: tuple[tuple[np.ndarray, float, bool], ...]
    axis: np.ndarray
    centre: np.ndarray
    mush: DeltaMush
    mixed: np.ndarray


def _descends(joint: int, ancestor: int) -> bool:
    while joint > ancestor:
        joint = SMPLH_PARENTS[joint]
    return joint == ancestor


def _grow(mask: np.ndarray, quads: np.ndarray, rings: int) -> np.ndarray:
    """(V,) bool mask with ``rings`` rings of neighbouring quads added."""
    mask = mask.copy()
    for _ in range(rings):
        mask[quads[mask[quads].any(1)]] = True
    return mask


def make_limb(joint: int, rest, joints, rig: Rig, body: BodyMesh, weights, skin) -> Limb:
    """Cut out what joint (index in SMPLH_JOINTS) deforms; arguments as learn_correctives."""
    follows = np.array([_descends(j, joint) for j in range(len(SMPLH_JOINTS))])
    moved = weights @ follows
    side, _, stem = SMPLH_JOINTS[joint].rpartition("_")
    other, shares = TWIST.get(stem, (None, ()))
    axis = np.zeros(3)
    if other:
        end = SMPLH_JOINTS.index(f"{side}_{other}")
        axis = joints[end] - joints[joint]
        axis /= np.linalg.norm(axis)
    bone_weights = rig.weights[body.source]
    carrier = bone_to_joint(rig)
    bones = []
    for name, share in shares:
        column = rig.index(f"{name}.{side[0].upper()}")
        bones.append((bone_weights[:, column], share, bool(follows[carrier[column]])))
    twisted = sum((b[0] for b in bones), np.zeros(len(rest)))
    active = ((moved > 1e-6) & (moved < 1 - 1e-6)) | (twisted > 1e-6)
    # Smoothing reaches so far; beyond, the body is only moved, which needs no correction.
    keep = _grow(active & skin, body.quads, MUSH_STEPS + 4) & skin
    ids = np.flatnonzero(keep)
    number = np.full(len(rest), -1)
    number[ids] = np.arange(len(ids))
    quads = number[body.quads[keep[body.quads].all(1)]]
    mush = DeltaMush(rest[ids], quads)
    mixed = np.clip(3.0 * (1.0 - weights[ids].max(1)), 0.0, 1.0)
    return Limb(
        ids,
        rest[ids],
        moved,
        tuple((w[ids], share, f) for w, share, f in bones),
        axis,
        joints[joint],
        mush,
        np.clip(mush.smooth(mixed, 6), 0.0, 1.0),
    )


def twist_vector(rotation: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """(3,) rotation vector of the twist about ``axis`` in rotation = swing · twist."""
    quaternion = Rotation.from_matrix(rotation).as_quat()
    twist = np.append(axis * (quaternion[:3] @ axis), quaternion[3])
    return Rotation.from_quat(twist / max(np.linalg.norm(twist), 1e-9)).as_rotvec()


def swelled(limb: Limb, whole: WholeBody, surface: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """surface (n, 3), moved outwards where bones disagree to put lost volume back."""
    turned = (whole.rest - limb.centre) @ (rotation - np.eye(3)).T
    posed = whole.rest + limb.moved[:, None] * turned
    posed[limb.vertices] = surface
    normal = area_normals(posed, whole.faces)[limb.vertices]
    area = np.linalg.norm(normal, axis=1)
    missing = whole.volume - volume(posed, whole.faces)
    swell = VOLUME_KEPT * missing / max((limb.mixed * area).sum(), 1e-9)
    swell = np.clip(swell, -MAX_SWELL, MAX_SWELL)
    return surface + (swell * limb.mixed / np.maximum(area, 1e-12))[:, None] * normal


def wanted_offsets(limb: Limb, whole: WholeBody | None, rotation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rest-pose offsets (n, 3) that give the wanted surface, and their posed lengths (n,).

    whole: None where volume need not be watched.
    """
    identity = np.eye(3)
    linear = identity + limb.moved[limb.vertices, None, None] * (rotation - identity)
    offset = limb.rest - limb.centre
    plain = limb.centre + np.einsum("vij,vj->vi", linear, offset)
    twist = twist_vector(rotation, limb.axis) if limb.bones else np.zeros(3)
    surface = plain.copy()
    for weight, share, follows in limb.bones:
        turn = Rotation.from_rotvec(share * twist).as_matrix()
        carrier = rotation if follows else identity
        surface += weight[:, None] * (offset @ (carrier @ turn - carrier).T)
    surface += limb.mixed[:, None] * (limb.mush(surface) - surface)
    if whole is not None:
        surface = swelled(limb, whole, surface, rotation)
    gap = surface - plain
    # Offsets are added before skinning, so they go back through its (blended) rotation.
    normal = np.einsum("vki,vkj->vij", linear, linear) + 1e-3 * identity
    right = np.einsum("vki,vk->vi", linear, gap)
    return np.linalg.solve(normal, right[..., None])[..., 0], np.linalg.norm(gap, axis=1)


def sample_rotations(joint: int, seed: int) -> np.ndarray:
    """(P, 3, 3) rotations within the joint's range; two in three turn about each axis."""
    rng = np.random.default_rng([seed, joint])
    stem = SMPLH_JOINTS[joint].rpartition("_")[2]
    finger = joint >= FIRST_FINGER
    if finger:
        stem = "thumb" if stem.startswith("thumb") else "finger"
    low, high = np.array(RANGES_DEG[stem], dtype=np.float64).T
    count = FINGER_POSES if finger else POSES
    angles = rng.uniform(low, high, (count, 3))
    if stem != "thumb":
        angles *= rng.choice([0.0, 1.0, 1.0], (count, 3))
    return Rotation.from_euler("xyz", angles, degrees=True).as_matrix()


def fit_joint(limb: Limb, whole: WholeBody | None, rotations: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
    """(9, n, 3) correctives and, over the vertices in need, the error without and with them."""
    wanted, gaps = zip(*(wanted_offsets(limb, whole, r) for r in rotations))
    wanted, gaps = np.array(wanted), np.array(gaps)
    inputs = (rotations - np.eye(3)).reshape(len(rotations), 9)
    normal = inputs.T @ inputs + RIDGE * len(rotations) * np.eye(9)
    flat = np.linalg.solve(normal, inputs.T @ wanted.reshape(len(rotations), -1))
    rest = np.linalg.norm((inputs @ flat).reshape(wanted.shape) - wanted, axis=2)
    needy = gaps.max(0) > 0.002

    def rms(x: np.ndarray) -> float:
        return float(1e3 * np.sqrt((x[:, needy] ** 2).mean())) if needy.any() else 0.0

    figures = {"before_mm": rms(gaps), "after_mm": rms(rest), "vertices": int(needy.sum())}
    return flat.reshape(9, -1, 3), figures


def _reflected(values: np.ndarray) -> np.ndarray:
    """(9, V, 3) correctives of the opposite joint, before its vertices are exchanged."""
    sign = np.array([-1.0, 1.0, 1.0])
    entry = np.outer(sign, sign).ravel()
    return values * entry[:, None, None] * sign


def learn_correctives(
    rest: np.ndarray,
    joints: np.ndarray,
    rig: Rig,
    body: BodyMesh,
    weights: np.ndarray,
    eyes: np.ndarray,
    seed: int = 0,
) -> tuple[list[Corrective], dict[str, dict[str, float]]]:
    """Correctives of the joints 1…51, symmetric between the sides, and figures per joint.

    rest (V, 3) and joints (52, 3) of the mean body, metres; weights (V, 52); eyes (V,) bool.
    """
    opposite = mirror_joints()
    whole = WholeBody(rest, body.faces, volume(rest, body.faces))
    dense: dict[int, np.ndarray] = {}
    figures = {}
    for joint, name in enumerate(SMPLH_JOINTS):
        if joint == 0 or name.startswith("right"):
            continue
        limb = make_limb(joint, rest, joints, rig, body, weights, ~eyes)
        rotations = sample_rotations(joint, seed)
        local, figures[name] = fit_joint(limb, whole if joint < FIRST_FINGER else None, rotations)
        full = np.zeros((9, len(rest), 3))
        full[:, limb.vertices] = local
        reflected = _reflected(full)[:, body.mirror]
        if name.startswith("left"):
            dense[joint], dense[int(opposite[joint])] = full, reflected
        else:
            dense[joint] = 0.5 * (full + reflected)
    return [_sparse(dense[j]) for j in range(1, len(SMPLH_JOINTS))], figures


def _sparse(values: np.ndarray) -> Corrective:
    ids = np.flatnonzero(np.abs(values).max((0, 2)) > LEAST_OFFSET)
    return Corrective(ids, values[:, ids])

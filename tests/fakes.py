"""ClipResult-up bodies and hands, written in the very formats of the licensed files.

Nothing here comes from SMPL, SMPL-H, SMPL-X or MANO: the meshes are grown from boxes. Only the
layout of the files is theirs: keys, shapes, pickled classes and, where asked for, vertex counts.
"""

import pickle
from functools import lru_cache
from typing import ClassVar

import numpy as np
import scipy.sparse as sp

from mannequin.generator.body.model import FINGERS, SMPL_JOINTS, SMPL_PARENTS, SMPLH_JOINTS, SMPLH_PARENTS

SMPLX_JOINTS = SMPLH_JOINTS[:22] + ("jaw", "left_eye", "right_eye") + SMPLH_JOINTS[22:]
SMPLX_PARENTS = SMPL_PARENTS[:22] + (15, 15, 15) + tuple(p + 3 if p >= 22 else p for p in SMPLH_PARENTS[22:])
MANO_PARENTS = (-1,) + tuple(0 if k % 3 == 0 else k for k in range(15))

_BOXES = {  # (x, y, z) lower and upper corners in cells of 5 cm
    "torso": ((-3, 18, -2), (3, 29, 2)),
    "neck": ((-1, 29, -1), (1, 30, 1)),
    "head": ((-2, 30, -2), (2, 35, 2)),
    "arm": ((3, 25, -1), (15, 27, 1)),
    "leg": ((1, 1, -1), (3, 18, 1)),
    "foot": ((1, 0, -1), (3, 1, 4)),
}
_CELL = 0.05
_PLACES = {  # joint positions in metres; right ones are mirrored
    "pelvis": (0, 0.95, 0), "spine1": (0, 1.05, 0), "spine2": (0, 1.18, 0), "spine3": (0, 1.28, 0),
    "neck": (0, 1.46, 0), "head": (0, 1.55, 0), "jaw": (0, 1.55, 0.04),
    "left_hip": (0.1, 0.88, 0), "left_knee": (0.1, 0.48, 0), "left_ankle": (0.1, 0.08, 0),
    "left_foot": (0.1, 0.03, 0.12), "left_collar": (0.06, 1.33, 0), "left_shoulder": (0.17, 1.3, 0),
    "left_elbow": (0.42, 1.3, 0), "left_wrist": (0.6, 1.3, 0), "left_hand": (0.68, 1.3, 0),
    "left_eye": (0.03, 1.62, 0.08),
}  # fmt: skip


def joint_places(names) -> np.ndarray:
    """(J, 3) metres, where the made-up person has its joints."""
    return np.array([_place(name) for name in names], float)


def _place(name):
    if name.startswith("right"):
        return np.array(_place("left" + name[5:])) * (-1, 1, 1)
    if name in _PLACES:
        return np.array(_PLACES[name])
    finger, segment = FINGERS.index(name[5:-1]), int(name[-1])
    return np.array((0.65 + 0.025 * segment, 1.3, (0.03, 0.01, -0.03, -0.01, 0.045)[finger]))


@lru_cache
def person_mesh(num_vertices: int):
    """Closed mesh of genus 0 with exactly ``num_vertices`` vertices: (V, 3), (2 V - 4, 3)."""
    cells = np.zeros((32, 36, 8), bool)
    for low, high in _BOXES.values():
        for sign in (1, -1):
            x = sorted((sign * low[0], sign * high[0]))
            cells[x[0] + 16 : x[1] + 16, low[1] : high[1], low[2] + 4 : high[2] + 4] = True
    vertices, faces = _surface(cells)
    vertices = (_smooth(vertices, faces) - (16, 0, 4)) * _CELL
    return _refine(vertices, faces, num_vertices)


@lru_cache
def hand_mesh(num_vertices: int):
    """A right hand of the same kind (open at the wrist), fingers towards -X, the wrist near 0."""
    cells = np.zeros((10, 3, 6), bool)
    cells[1:8, 1:2, 1:5] = True
    cells[5:9, 1:2, 1:2] = True
    vertices, faces = _surface(cells)
    vertices = (vertices - (8, 1.5, 3)) * 0.022
    wrist = (vertices[faces][:, :, 0] > vertices[:, 0].max() - 1e-9).all(axis=1)
    return _refine(vertices, faces[~wrist], num_vertices)


def _surface(cells):
    """Outward triangles around the filled cells, in cell units."""
    corners = []
    filled = np.pad(cells, 1)
    for axis in range(3):
        u, v = np.eye(3, dtype=int)[[(axis + 1) % 3, (axis + 2) % 3]]
        for step in (1, -1):
            at = np.argwhere(filled & ~np.roll(filled, -step, axis)) - 1
            at[:, axis] += step > 0
            ring = [at, at + u, at + u + v, at + v][::step]
            corners.append(np.stack(ring, axis=1))
    quads = np.concatenate(corners)
    vertices, index = np.unique(quads.reshape(-1, 3), axis=0, return_inverse=True)
    index = index.reshape(-1, 4)
    return vertices.astype(float), np.concatenate([index[:, [0, 1, 2]], index[:, [0, 2, 3]]])


def _smooth(vertices, faces, steps=3):
    rows, columns = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    graph = sp.coo_matrix((np.ones(len(rows)), (rows, columns)), (len(vertices),) * 2).tocsr()
    for _ in range(steps):
        vertices = 0.5 * vertices + 0.5 * (graph @ vertices) / graph.sum(axis=1).A
    return vertices


def _refine(vertices, faces, count):
    """Split inner edges at their middle, longest first, until there are ``count`` vertices."""
    assert count >= len(vertices), f"the coarsest mesh has {len(vertices)} vertices"
    points, faces = list(vertices), [tuple(f) for f in faces]
    while len(points) < count:
        sides = {(f[k], f[(k + 1) % 3]): (i, f[(k + 2) % 3]) for i, f in enumerate(faces) for k in range(3)}
        inner = [(a, b) for a, b in sides if a < b and (b, a) in sides]
        inner.sort(key=lambda e: -np.sum((points[e[0]] - points[e[1]]) ** 2))
        touched = set()
        for a, b in inner:
            (i, c), (j, d) = sides[a, b], sides[b, a]
            if len(points) == count or {i, j} & touched:
                continue
            touched |= {i, j}
            m = len(points)
            points.append((points[a] + points[b]) / 2)
            faces[i], faces[j] = (a, m, c), (b, m, d)
            faces += [(m, b, c), (m, a, d)]
    return np.array(points), np.array(faces)


def arrays(names, parents, num_vertices, num_betas=10, seed=0, hand=False, dtype=np.float64) -> dict:
    """Everything a model file holds, as plain arrays (J_regressor dense)."""
    rng = np.random.default_rng(seed)
    vertices, faces = hand_mesh(num_vertices) if hand else person_mesh(num_vertices)
    joints = _hand_places() if hand else joint_places(names)
    parents = np.array(parents)
    return {
        "v_template": vertices.astype(dtype),
        "f": faces.astype(np.uint32),
        "shapedirs": _smooth_fields(rng, vertices, num_betas, 0.004).astype(dtype),
        "posedirs": rng.standard_normal((len(vertices), 3, 9 * (len(parents) - 1)), np.float32).astype(dtype)
        * dtype(1e-3),
        "J_regressor": _regressor(vertices, joints).astype(dtype),
        "weights": _weights(vertices, joints, parents).astype(dtype),
        "kintree_table": np.stack([np.where(parents < 0, 2**32 - 1, parents), np.arange(len(parents))]).astype(
            np.uint32
        ),
    }


def _hand_places():
    along = np.array([-0.075, -0.1, -0.125])
    across = (0.033, 0.011, -0.033, -0.011, 0.044)
    return np.array([(-0.01, 0, 0)] + [(x, 0, z) for z in across for x in along])


def _smooth_fields(rng, vertices, count, size):
    """(V, 3, count): growth along y, then slow waves."""
    waves = rng.standard_normal((3, 3, count)) * 4
    fields = size * np.sin(np.einsum("va,abk->vbk", vertices, waves) + rng.uniform(0, 6, (3, count)))
    fields[..., 0] = vertices * (0, 0.03, 0)
    return fields


def _regressor(vertices, joints, near=24):
    """(J, V) rows of equal weights over the nearest vertices."""
    distance = np.linalg.norm(vertices[None] - joints[:, None], axis=2)
    rows = np.zeros_like(distance)
    np.put_along_axis(rows, np.argsort(distance, axis=1)[:, :near], 1 / near, axis=1)
    return rows


def _weights(vertices, joints, parents, influences=4):
    """(V, J) weights falling off with the distance to each joint's bones; four a vertex.

    The last joint of a chain has a bone of 15 cm in the direction of the one before.
    """
    distance = np.full((len(vertices), len(joints)), np.inf)
    for j, p in enumerate(parents):
        if p < 0:
            continue
        bone = joints[j] - joints[p]
        distance[:, p] = np.minimum(distance[:, p], _to_segment(vertices, joints[p], joints[j] - 0.05 * bone))
        if j not in parents:
            distance[:, j] = _to_segment(vertices, joints[j], joints[j] + 0.15 * bone / np.linalg.norm(bone))
    weights = np.exp(-distance / 0.02)
    weights[weights < np.sort(weights, axis=1)[:, [-influences]]] = 0
    return weights / weights.sum(axis=1, keepdims=True)


def _to_segment(points, a, b):
    along = np.clip((points - a) @ (b - a) / max(np.sum((b - a) ** 2), 1e-12), 0, 1)
    return np.linalg.norm(points - a - along[:, None] * (b - a), axis=1)


# Files


def fake_smpl_pkl(path, num_vertices=1400, protocol=2, seed=0, chumpy=True, **changes):
    """SMPL as smpl.is.tue.mpg.de ships it. changes: keys to replace, or to drop (None)."""
    data = arrays(SMPL_JOINTS, SMPL_PARENTS, num_vertices, seed=seed)
    data |= {"J": joint_places(SMPL_JOINTS), "bs_type": "lrotmin", "bs_style": "lbs"}
    return _write_pickle(path, data | changes, protocol, ("v_template", "shapedirs", "J") if chumpy else ())


def fake_smplh_pkl(path, num_vertices=1400, protocol=2, seed=0, dtype=np.float64, **changes):
    """SMPL-H as mano.is.tue.mpg.de ships it with MANO."""
    data = arrays(SMPLH_JOINTS, SMPLH_PARENTS, num_vertices, seed=seed, dtype=dtype) | hand_space("l", "r")
    return _write_pickle(path, data | changes, protocol, ())


def fake_smplh_npz(path, num_vertices=1400, seed=0, dtype=np.float32, **changes):
    """Extended SMPL+H (``smplh/<gender>/model.npz``) with 16 betas, as AMASS uses."""
    data = arrays(SMPLH_JOINTS, SMPLH_PARENTS, num_vertices, 16, seed, dtype=dtype) | hand_space("l", "r")
    return _write_npz(path, data | {"bs_type": np.array("lrotmin")} | changes)


def fake_smplx_npz(path, num_vertices=1400, num_betas=20, seed=0, dtype=np.float32, **changes):
    """SMPL-X; of its components the last half (or those after 300) are expressions."""
    data = arrays(SMPLX_JOINTS, SMPLX_PARENTS, num_vertices, num_betas, seed, dtype=dtype) | hand_space("l", "r")
    data |= {
        "joint2num": np.array({name: i for i, name in enumerate(SMPLX_JOINTS)}, object),
        "lmk_faces_idx": np.arange(51),
        "lmk_bary_coords": np.full((51, 3), 1 / 3),
        "dynamic_lmk_faces_idx": np.zeros((79, 17), int),
        "dynamic_lmk_bary_coords": np.full((79, 17, 3), 1 / 3),
    }
    return _write_npz(path, data | changes)


def fake_mano_pkl(path, num_vertices=400, protocol=2, seed=0, **changes):
    """The right hand; its shapedirs are a chumpy Select, as in the released file."""
    data = arrays((), MANO_PARENTS, num_vertices, seed=seed, hand=True) | hand_space("")
    data["shapedirs"] = _Select(data["shapedirs"])
    return _write_pickle(path, data | changes, protocol, ("v_template",))


def hand_space(*sides):
    """Mean pose and components of the hands, keyed as in the files."""
    rng = np.random.default_rng(5)
    return {f"hands_mean{s}": rng.normal(0, 0.2, 45) for s in sides} | {
        f"hands_components{s}": np.eye(45) for s in sides
    }


def _write_npz(path, data):
    np.savez(path, **{k: v for k, v in data.items() if v is not None})
    return path


def _write_pickle(path, data, protocol, chumpy_keys):
    data = {
        k: _Ch(v) if k in chumpy_keys and isinstance(v, np.ndarray) else v for k, v in data.items() if v is not None
    }
    if isinstance(data.get("J_regressor"), np.ndarray):
        data["J_regressor"] = sp.csc_matrix(data["J_regressor"])
    with open(path, "wb") as f:
        Python2Pickler(f, protocol).dump(data)
    return path


class _Ch:
    """Pickles as a ``chumpy.ch.Ch`` does."""

    target = "chumpy.ch", "Ch"

    def __init__(self, x):
        self.x = x
        self._dirty_vars = {"x"}
        self._itr = None


class _Select:
    """Pickles as ``chumpy.reordering.Select`` of all elements, in their order."""

    target = "chumpy.reordering", "Select"

    def __init__(self, x):
        self.a = _Ch(x.ravel()[::-1].copy())
        self.idxs = np.arange(x.size)[::-1].copy()
        self.preferred_shape = x.shape


class Python2Pickler(pickle._Pickler):
    """Writes arrays, sparse matrices and chumpy objects as Python 2 did: strings of bytes."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)
    renamed: ClassVar = {
        ("numpy.core.multiarray", "_reconstruct"): ("numpy.core.multiarray", "_reconstruct"),
        ("scipy.sparse._csc", "csc_matrix"): ("scipy.sparse.csc", "csc_matrix"),
        ("builtins", "object"): ("__builtin__", "object"),
        ("builtins", "set"): ("__builtin__", "set"),
        ("copyreg", "_reconstructor"): ("copy_reg", "_reconstructor"),
    }

    def save_bytes(self, obj):
        data = obj.encode("latin1") if isinstance(obj, str) else obj
        if self.proto == 0:
            self.write(b"S" + repr(data)[1:].encode("ascii") + b"\n")
        else:
            self.write(b"T" + len(data).to_bytes(4, "little") + data)
        self.memoize(obj)

    dispatch[bytes] = save_bytes
    dispatch[str] = save_bytes

    def save_global(self, obj, name=None):
        module, name = getattr(obj, "target", None) or (obj.__module__, name or obj.__qualname__)
        module, name = self.renamed.get((module, name), (module, name))
        self.write(f"c{module}\n{name}\n".encode())
        self.memoize(obj)

    dispatch[type] = save_global
    dispatch[type(save_bytes)] = save_global

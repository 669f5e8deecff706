"""The bodies that come with Mannequin, free of any registration (see assets_manifest)."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy.sparse as sp

from mannequin import assets_manifest
from mannequin.generator import exact
from mannequin.generator.body.model import SMPL_JOINTS, SMPL_PARENTS, SMPLH_JOINTS, SMPLH_PARENTS, BodyModel, Topology
from mannequin.generator.body.shipped import body_arrays
from mannequin.generator.errors import ConfigError

GENDERS = ("female", "male", "neutral")
TOPOLOGY_ID = "mannequin-1"
FIRST_FINGER = 22
"""SMPL and SMPL-H share their joints below this index."""


@dataclass(frozen=True, eq=False)
class HandPoseSpace:
    """Plausible hand poses as a linear space, in MANO's layout; first axis left, right.

    pose = mean + coefficients @ components, reshaped to 15 joints × 3 axis-angle, radians.
    mean: (2, 45); components: (2, 45, 45), most variance first; deviation: (45,) standard
    deviation of each coefficient; relaxed: (2, 15, 3) a hand at rest.
    """

    mean: np.ndarray
    components: np.ndarray
    deviation: np.ndarray
    relaxed: np.ndarray


def load_builtin(gender: str = "neutral", joints: int = 24) -> BodyModel:
    """The built-in body of a gender with SMPL's 24-joint or SMPL-H's 52-joint tree.

    Its 10 betas are principal components of its own shapes, in standard deviations; they are
    not SMPL's betas. Repeated calls return the same object: do not write to its arrays.
    Raises ConfigError on an unknown gender or number of joints.
    """
    if gender not in GENDERS:
        raise ConfigError(f"gender is {gender!r}; expected one of {', '.join(GENDERS)}")
    if joints not in (24, 52):
        raise ConfigError(
            f"joints is {joints!r}; expected 24 (as SMPL) or 52 (as SMPL-H). A hand by itself needs a MANO file."
        )
    return _load(gender, joints)


@cache
def _load(gender: str, joints: int) -> BodyModel:
    own = body_arrays(f"mannequin_{gender}.npz")
    template = (own["v_template"] * assets_manifest.VERTEX_STEP).astype(np.float32)
    return BodyModel(
        name=f"mannequin-{gender}",
        family="mannequin",
        gender=gender,
        v_template=template,
        shapedirs=own["shapedirs"] * np.float32(assets_manifest.SHAPE_STEP),
        posedirs=_posedirs(joints),
        joint_regressor=_regressor(own, len(template), joints),
        weights=_weights(joints),
        parents=np.array(SMPL_PARENTS if joints == 24 else SMPLH_PARENTS, np.int64),
        joint_names=SMPL_JOINTS if joints == 24 else SMPLH_JOINTS,
        topology=builtin_topology(),
    )


@cache
def _shared() -> dict[str, np.ndarray]:
    return body_arrays("mannequin_topology.npz")


@cache
def builtin_topology() -> Topology:
    """Labels of the mesh that all built-in bodies share."""
    shared = _shared()
    regions = shared["region_value"].astype(np.float32) / np.float32(255)
    return Topology(
        id=TOPOLOGY_ID,
        num_vertices=regions.shape[1],
        faces=shared["faces"].astype(np.int32),
        part=shared["part"],
        uv=shared["uv"] * np.float32(assets_manifest.SHARE_STEP),
        chart=shared["chart"],
        chart_uv=shared["chart_uv"],
        landmarks=dict(zip(_names(shared["landmark_name"]), shared["landmark_vertex"].tolist())),
        regions=dict(zip(_names(shared["region_name"]), regions)),
    )


def hand_pose_space() -> HandPoseSpace:
    """Mean, principal components and a relaxed pose of both hands."""
    shared = _shared()
    names = ("mean", "components", "deviation", "relaxed")
    return HandPoseSpace(*(shared[f"hand_{name}"].astype(np.float64) for name in names))


def _names(encoded: np.ndarray) -> list[str]:
    return [name.decode() for name in encoded]


@cache
def _weights(joints: int) -> np.ndarray:
    """(V, J) float32; with 24 joints each hand carries all its fingers."""
    shared = _shared()
    column = shared["weight_joint"].astype(int)
    if joints == 24:
        hand = np.where(column < FIRST_FINGER + 15, 22, 23)
        column = np.where(column < FIRST_FINGER, column, hand)
    dense = np.zeros((shared["region_value"].shape[1], joints))
    np.add.at(dense, (shared["weight_vertex"], column), shared["weight_value"].astype(float))
    return (dense / dense.sum(1, keepdims=True)).astype(np.float32)


@cache
def _posedirs(joints: int) -> np.ndarray:
    """(9 (J - 1), 3 V) float32; in the 24-joint tree the hands' joints have no correctives."""
    shared = _shared()
    count = shared["posedir_count"].astype(int)
    ends = np.cumsum(count)
    values = shared["posedir_value"] * np.float32(assets_manifest.POSE_STEP)
    dense = np.zeros((joints - 1, 9, shared["region_value"].shape[1], 3), np.float32)
    for row in range(joints - 1 if joints == 52 else FIRST_FINGER - 1):
        span = slice(ends[row] - count[row], ends[row])
        dense[row][:, shared["posedir_vertex"][span]] = values[:, span]
    return dense.reshape(9 * (joints - 1), -1)


def _regressor(own: dict[str, np.ndarray], num_vertices: int, joints: int) -> sp.csr_matrix:
    """(J, V) CSR. The file's rows are SMPL-H's 52 joints, then SMPL's two hands."""
    matrix = sp.csr_matrix(
        (
            own["regressor_value"].astype(np.float64),
            (own["regressor_row"].astype(int), own["regressor_column"].astype(int)),
        ),
        (54, num_vertices),
    )
    matrix = sp.csr_matrix(exact.matmul(sp.diags(1.0 / np.asarray(matrix.sum(1)).ravel()), matrix))
    rows = [*range(22), 52, 53] if joints == 24 else list(range(52))
    return matrix[rows]

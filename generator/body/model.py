"""What a body model is, whoever made it.

Model frame (that of SMPL): Y up, the person faces +Z, the person's left is +X, metres.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # it takes long to import too
    import scipy.sparse as sp

SMPL_JOINTS = (
    "pelvis",
    "left_hip",
    "right_hip",
    "spine1",
    "left_knee",
    "right_knee",
    "spine2",
    "left_ankle",
    "right_ankle",
    "spine3",
    "left_foot",
    "right_foot",
    "neck",
    "left_collar",
    "right_collar",
    "head",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hand",
    "right_hand",
)
"""The 24 joints of SMPL, in its order."""

SMPL_PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)

FINGERS = ("index", "middle", "pinky", "ring", "thumb")
"""Finger order of MANO and SMPL-H."""

SMPLH_JOINTS = SMPL_JOINTS[:22] + tuple(
    f"{side}_{finger}{k}" for side in ("left", "right") for finger in FINGERS for k in (1, 2, 3)
)
"""The 52 joints of SMPL-H: SMPL's first 22, then 15 of each hand."""

SMPLH_PARENTS = SMPL_PARENTS[:22] + tuple(
    wrist if k == 0 else first + 3 * finger + k - 1
    for wrist, first in ((20, 22), (21, 37))
    for finger in range(5)
    for k in range(3)
)

HAND_PARENTS = (-1,) + tuple(0 if k == 0 else 3 * finger + k for finger in range(5) for k in range(3))
"""Of the 16 joints of a hand that stands alone."""


def hand_joints(side: str) -> tuple[str, ...]:
    """The 16 joints of a "left" or "right" hand that stands alone, in MANO's order."""
    return (f"{side}_wrist",) + tuple(f"{side}_{finger}{k}" for finger in FINGERS for k in (1, 2, 3))


def joint_parents(joint_names: tuple[str, ...]) -> tuple[int, ...]:
    """The parent of each joint, -1 at the root, of a body of 24 or 52 joints or a hand of 16."""
    return {len(SMPL_JOINTS): SMPL_PARENTS, len(SMPLH_JOINTS): SMPLH_PARENTS, len(HAND_PARENTS): HAND_PARENTS}[
        len(joint_names)
    ]


PARTS = (
    "hips",
    "leftUpLeg",
    "rightUpLeg",
    "spine",
    "leftLeg",
    "rightLeg",
    "spine1",
    "leftFoot",
    "rightFoot",
    "spine2",
    "leftToeBase",
    "rightToeBase",
    "neck",
    "leftShoulder",
    "rightShoulder",
    "head",
    "leftArm",
    "rightArm",
    "leftForeArm",
    "rightForeArm",
    "leftHand",
    "rightHand",
    "leftHandIndex1",
    "rightHandIndex1",
)
"""SURREAL's names of the 24 parts; part p (1-based in images) moves with joint p - 1 of SMPL."""

MERGE_14 = np.array([0, 2, 12, 9, 2, 13, 10, 2, 14, 11, 2, 14, 11, 2, 2, 2, 1, 6, 3, 7, 4, 8, 5, 8, 5], np.uint8)
"""24 → 14 parts as a look-up table over 0…24 (source: SURREAL's released training code)."""

PARTS_14 = (
    "head",
    "torso",
    "rightUpperArm",
    "rightForeArm",
    "rightHand",
    "leftUpperArm",
    "leftForeArm",
    "leftHand",
    "rightThigh",
    "rightShin",
    "rightFoot",
    "leftThigh",
    "leftShin",
    "leftFoot",
)


@dataclass(frozen=True, eq=False)
class Topology:
    """Labels tied to one mesh, whatever its shape: they may only be used on that mesh.

    id: names the mesh; assets (textures, UV) state the id they were made for.
    num_vertices: V.
    faces: (F, 3) int32, counter-clockwise seen from outside.
    part: (F,) uint8, 1…24 in the order of ``PARTS``; 0 where a mesh has no parts.
    uv: (F, 3, 2) float32 atlas coordinates of every corner; u right, v up, both in [0, 1].
    chart: (F,) uint8, DensePose-style surface chart 1…24; 0 where there is none.
    chart_uv: (F, 3, 2) float32 in [0, 1], coordinates within the chart.
    landmarks: name → vertex id (nose, left_eye, left_ear, left_big_toe, left_heel, …).
    regions: name → (V,) float32 membership in [0, 1] (lips, ears, nails, eyes, soles, …).
    """

    id: str
    num_vertices: int
    faces: np.ndarray
    part: np.ndarray
    uv: np.ndarray
    chart: np.ndarray
    chart_uv: np.ndarray
    landmarks: dict[str, int]
    regions: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class BodyModel:
    """A body or hand posed by linear blend skinning with shape and pose correctives.

    name: asset id it was loaded under; family: "mannequin", "smpl", "smplh", "smplx", "mano".
    gender: "female", "male" or "neutral".
    v_template: (V, 3) float32 metres, T-pose.
    shapedirs: (V, 3, S) float32 metres per unit beta.
    posedirs: (9 (J - 1), V * 3) float32; rows follow (R_j - I) flattened, j = 1…J - 1.
    joint_regressor: (J, V) scipy CSR float64.
    weights: (V, J) float32 rows summing to 1.
    parents: (J,) int64, -1 at the root; every parent precedes its children.
    joint_names: J names.
    topology: labels of this mesh.
    """

    name: str
    family: str
    gender: str
    v_template: np.ndarray
    shapedirs: np.ndarray
    posedirs: np.ndarray
    joint_regressor: "sp.csr_matrix"
    weights: np.ndarray
    parents: np.ndarray
    joint_names: tuple[str, ...]
    topology: Topology

    @property
    def num_vertices(self) -> int:
        return len(self.v_template)

    @property
    def num_joints(self) -> int:
        return len(self.parents)

    @property
    def num_betas(self) -> int:
        return self.shapedirs.shape[2]

    @cached_property
    def rest_joints(self) -> np.ndarray:
        """(J, 3) float64 joints of the mean shape in the rest pose."""
        from mannequin.generator import exact  # numba is slow to import, and the command line needs this module

        return exact.matmul(self.joint_regressor, self.v_template.astype(np.float64))

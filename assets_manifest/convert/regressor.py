"""Finds each joint as a fixed convex mixture of vertices, as SMPL's regressor does."""

import numpy as np
import scipy.sparse as sp
from scipy.optimize import nnls

from mannequin.generator.body.model import SMPLH_JOINTS

from .mesh import BodyMesh
from .shapes import People
from .skeleton import ALL_JOINTS, mirror_joints

CANDIDATES = {"finger": (80, 1), "limb": (220, 1), "trunk": (2400, 8)}
"""Of how many of a joint's nearest vertices may take part in it, and every how many-th of them.

Joints deep in the trunk need vertices from all around them.
"""

TRUNK = ("pelvis", "spine1", "spine2", "spine3", "neck", "head", "hip", "collar")

FIT_PEOPLE = 160
"""People a joint is fitted on (the samples are in random order)."""

SUM_WEIGHT = 30.0
RIDGE = 0.1
"""Spreads a joint over some eighty vertices rather than four, at a tenth of a millimetre's cost,
and makes the solution unique, so that rounding noise cannot change it."""


def fit_joint(vertices: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """(C,) weights ≥ 0 with sum 1 such that weights · vertices (N, C, 3) ≈ joints (N, 3)."""
    count = vertices.shape[1]
    rows = vertices.transpose(0, 2, 1).reshape(-1, count)
    system = np.vstack([rows, np.full((1, count), SUM_WEIGHT), RIDGE * np.eye(count)])
    wanted = np.concatenate([joints.ravel(), [SUM_WEIGHT], np.zeros(count)])
    # The normal equations are far smaller than the system and have the same solution.
    factor = np.linalg.cholesky(system.T @ system)
    weights, _ = nnls(factor.T, np.linalg.solve(factor, system.T @ wanted), maxiter=30 * count)
    return weights / weights.sum()


def _candidates(mean: np.ndarray, joint: np.ndarray, weights: np.ndarray, row: int) -> np.ndarray:
    """Ascending ids of the nearest vertices that move with the joint's neighbourhood.

    weights: (V, 52). A finger joint must not be regressed from a neighbouring finger.
    """
    distance = np.linalg.norm(mean - joint, axis=1)
    name = ALL_JOINTS[row]
    if name in SMPLH_JOINTS and row >= 22:
        first = row - (row - 22) % 3
        wrist = 20 if row < 37 else 21
        own = weights[:, [*range(first, first + 3), wrist]].sum(1)
        distance = distance + 10.0 * (own < 0.5)
    trunk = name.rpartition("_")[2] in TRUNK
    count, step = CANDIDATES["trunk" if trunk else "finger" if row >= 22 else "limb"]
    order = np.argsort(np.round(distance, 7), kind="stable")
    return np.sort(order[:count:step])


def joint_regressor(people: People, body: BodyMesh, weights: np.ndarray, skin: np.ndarray):
    """The regressor and how well it does.

    weights: (V, 52) skinning weights; skin: (V,) bool, vertices that may be used.
    Returns a (54, V) CSR matrix, symmetric between left and right, and the (54,) mean errors
    in metres over all people.
    """
    mean, joints = people.vertices.mean(0), people.joints.mean(0)
    mean = np.where(skin[:, None], mean, 1e3)
    opposite = mirror_joints()
    dense = np.zeros((len(ALL_JOINTS), len(mean)))
    for row, name in enumerate(ALL_JOINTS):
        if name.startswith("right"):
            continue
        ids = _candidates(mean, joints[row], weights, row)
        dense[row, ids] = fit_joint(people.vertices[:FIT_PEOPLE, ids], people.joints[:FIT_PEOPLE, row])
    for row, name in enumerate(ALL_JOINTS):
        if name.startswith("right"):
            dense[row] = dense[opposite[row], body.mirror]
        elif not name.startswith("left"):
            dense[row] = 0.5 * (dense[row] + dense[row, body.mirror])
    matrix = sp.csr_matrix(dense)
    found = matrix @ people.vertices.transpose(1, 0, 2).reshape(len(mean), -1)
    found = found.reshape(len(ALL_JOINTS), -1, 3).transpose(1, 0, 2)
    return matrix, np.linalg.norm(found - people.joints, axis=-1).mean(0)

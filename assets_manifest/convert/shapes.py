"""Random adults in the T-pose, and the shape space that spans them."""

from dataclasses import dataclass

import numpy as np

from .mesh import BodyMesh
from .mpfb import BaseMesh, Rig
from .phenotypes import BODY_END, sample_shapes
from .rest_pose import posed_heads, rest_rotations, skin
from .skeleton import joint_positions

PELVIS_AT = np.array([0.0, -0.22, 0.03])
"""Where the pelvis stands in the model frame, as in SMPL's templates."""

NUM_BETAS = 10


@dataclass(frozen=True, eq=False)
class People:
    """T-posed samples: vertices (N, V, 3) and joints (N, 54, 3) in metres, model frame."""

    vertices: np.ndarray
    joints: np.ndarray


@dataclass(frozen=True, eq=False)
class ShapeSpace:
    """Mean (V, 3), directions (V, 3, S) per unit-variance beta, and how well they span.

    explained: share of the variance; mean_error, max_error: metres over all samples.
    """

    mean: np.ndarray
    directions: np.ndarray
    explained: float
    mean_error: float
    max_error: float


def sample_people(
    gender: str,
    count: int,
    base: BaseMesh,
    body: BodyMesh,
    rig: Rig,
    macros: tuple[np.ndarray, list[tuple[str, ...]]],
    seed: int,
) -> People:
    """Draw ``count`` adults and bring them to the T-pose; macros is (targets, labels)."""
    rng = np.random.default_rng([seed, ("female", "male", "neutral").index(gender)])
    shapes = sample_shapes(gender, count, base.vertices, *macros, rng)
    stature = np.ptp(shapes[:, :BODY_END, 1], axis=1)
    heads = np.stack([shapes[:, ids].mean(1) for ids in rig.heads], axis=1)
    rotations = rest_rotations(rig, heads)
    moved = posed_heads(rig, heads, rotations)
    vertices = skin(shapes[:, body.source], rig.weights[body.source], heads, rotations, moved)
    joints = joint_positions(rig, moved, stature)
    offset = PELVIS_AT - joints[:, :1]
    return People(vertices + offset, joints + offset)


def shape_space(people: People, count: int = NUM_BETAS) -> ShapeSpace:
    """Principal components of the samples, scaled to unit variance.

    Solved in the space of the samples (N × N), which is far smaller than that of the vertices.
    """
    number = len(people.vertices)
    flat = people.vertices.reshape(number, -1)
    mean = flat.mean(0)
    centred = flat - mean
    values, vectors = np.linalg.eigh(centred @ centred.T)
    values, vectors = values[::-1], vectors[:, ::-1]
    scores = vectors[:, :count] * np.sqrt(number - 1)
    directions = (scores.T @ centred / (number - 1)).reshape(count, -1, 3)
    sign = np.array([_orientation(mean.reshape(-1, 3), d) for d in directions])
    directions *= sign[:, None, None]
    rebuilt = (scores * sign) @ directions.reshape(count, -1)
    error = np.linalg.norm((rebuilt - centred).reshape(number, -1, 3), axis=-1)
    return ShapeSpace(
        mean.reshape(-1, 3),
        directions.transpose(1, 2, 0),
        float(values[:count].sum() / values.sum()),
        float(error.mean()),
        float(error.max()),
    )


def _orientation(mean: np.ndarray, direction: np.ndarray) -> float:
    """Sign that makes a component grow the body: taller or, if stature is not touched, wider."""
    top, bottom = mean[:, 1].argmax(), mean[:, 1].argmin()
    taller = direction[top, 1] - direction[bottom, 1]
    if abs(taller) > 0.002:
        return float(np.sign(taller))
    outward = mean - mean.mean(0)
    return float(np.sign(np.sum(direction[:, 2] * outward[:, 2])))

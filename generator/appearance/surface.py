"""Geometry of a triangle mesh that clothes need: normals, smoothing, room to grow."""

import numpy as np
import scipy.sparse as sp
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]  # compiled, thus untyped

from mannequin.generator import exact
from mannequin.generator.compiled import njit


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) unit normals, area-weighted; zero where a vertex has no face."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    out = np.zeros_like(vertices)
    for k in range(3):
        for axis in range(3):
            out[:, axis] += np.bincount(faces[:, k], across[:, axis], minlength=len(vertices))
    length = np.linalg.norm(out, axis=1, keepdims=True)
    return out / np.maximum(length, 1e-12)


def averaging(faces: np.ndarray, num_vertices: int, points: np.ndarray | None = None) -> sp.csr_matrix:
    """(V, V) rows that take the mean over a vertex's neighbours (itself where it has none).

    With points (V, 3), near neighbours count more, by the inverse of their distance, so that
    relaxing a mesh keeps its sizes.
    """
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0)
    lonely = np.setdiff1d(np.arange(num_vertices), edges[:, 0])
    rows = np.concatenate([edges[:, 0], lonely])
    columns = np.concatenate([edges[:, 1], lonely])
    weight = np.ones(len(rows))
    if points is not None:
        weight = 1.0 / np.maximum(np.linalg.norm(points[rows] - points[columns], axis=1), 1e-4)
    ring = sp.csr_matrix((weight, (rows, columns)), (num_vertices, num_vertices))
    return exact.matmul(sp.diags(1.0 / np.asarray(ring.sum(1)).ravel()), ring)


def smooth(mean: sp.csr_matrix, values: np.ndarray, steps: int, share: float = 0.5) -> np.ndarray:
    """Move values (V, …) ``share`` of the way to their neighbours' mean, ``steps`` times."""
    for _ in range(steps):
        values = values + share * (exact.matmul(mean, values) - values)
    return values


def components(faces: np.ndarray, num_vertices: int) -> np.ndarray:
    """(V,) id of the connected piece of each vertex."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]]])
    graph = sp.csr_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (num_vertices,) * 2)
    return sp.csgraph.connected_components(graph, directed=False)[1]


def room(vertices: np.ndarray, normals: np.ndarray, reach: float = 0.06) -> np.ndarray:
    """(V,) metres: radius of the largest empty ball that touches the surface from outside.

    A surface moved out along its normals by less than this does not meet itself (the offset
    stays on its own side of the medial axis). Capped at ``reach``.
    """
    # Every third vertex of a fine mesh is enough to know the opposite surface.
    some = np.arange(0, len(vertices), 3 if len(vertices) > 5000 else 1)
    near = cKDTree(vertices[some]).query_ball_point(vertices, 1.2 * reach)
    start = np.concatenate([[0], np.cumsum([len(n) for n in near])])
    flat = some[np.concatenate([np.asarray(n, np.int64) for n in near])]
    return _touching_ball(vertices, normals, start, flat, reach)


@njit(cache=True)
def _touching_ball(vertices, normals, start, flat, reach):
    out = np.full(len(vertices), reach)
    for v in range(len(vertices)):
        for e in range(start[v], start[v + 1]):
            q = flat[e]
            d = vertices[q] - vertices[v]
            out_of = (d * normals[v]).sum()
            facing = (normals[q] * normals[v]).sum()
            if out_of > 1e-6 and facing < 0.2:
                out[v] = min(out[v], (d * d).sum() / (2.0 * out_of))
    return out

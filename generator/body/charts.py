"""Part labels and surface charts of SMPL-family meshes that come without them."""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]  # compiled, thus untyped

from mannequin.generator import exact

from .model import FINGERS, SMPL_JOINTS


def face_adjacency(faces: np.ndarray) -> np.ndarray:
    """(E, 2) pairs of faces that share an edge; faces are (F, 3) or (F, 4) vertex ids."""
    sides = faces.shape[1]
    edges = np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2)
    key = edges.min(1).astype(np.int64) * (faces.max() + 1) + edges.max(1)
    order = np.argsort(key, kind="stable")
    same = key[order[1:]] == key[order[:-1]]
    return np.stack([order[:-1][same], order[1:][same]], axis=1) // sides


def islands(adjacency: np.ndarray, label: np.ndarray) -> np.ndarray:
    """(F,) id of the connected patch of equal labels that each face belongs to."""
    inside = adjacency[label[adjacency[:, 0]] == label[adjacency[:, 1]]]
    ones = np.ones(len(inside), bool)
    graph = sp.coo_matrix((ones, (inside[:, 0], inside[:, 1])), (len(label), len(label)))
    return connected_components(graph, directed=False)[1]


def keep_largest_islands(faces: np.ndarray, label: np.ndarray) -> np.ndarray:
    """(F,) labels in which every label is one connected patch of its mesh component.

    Smaller patches take the label of the neighbour with which they share most edges. A patch
    without neighbours (an eyeball, say) keeps its label.
    """
    label = label.copy()
    adjacency = face_adjacency(faces)
    for _ in range(20):
        patch = islands(adjacency, label)
        size = np.bincount(patch)
        patch_label = np.zeros(len(size), label.dtype)
        patch_label[patch] = label
        largest = np.zeros(len(size), bool)
        for value in np.unique(label):
            own = np.flatnonzero(patch_label == value)
            largest[own[np.argmax(size[own])]] = True
        border = adjacency[patch[adjacency[:, 0]] != patch[adjacency[:, 1]]]
        border = patch[np.concatenate([border, border[:, ::-1]])]
        border = border[~largest[border[:, 0]]]
        if not len(border):
            break
        # The smallest patches first: what surrounds them may itself be a stray patch.
        stray = border[np.lexsort((border[:, 0], size[border[:, 0]]))[0], 0]
        votes = np.bincount(patch_label[border[border[:, 0] == stray, 1]])
        label[patch == stray] = votes.argmax()
    return label


# --- DensePose-style charts -----------------------------------------------------------------

NUM_CHARTS = 24
ATLAS_COLUMNS, ATLAS_ROWS = 6, 4
GUTTER = 0.02
"""Free margin on every side of an atlas tile, as a share of the tile."""

TORSO_PARTS = (1, 4, 7, 10, 14, 15)
HEAD_PARTS = (13, 16)

_LIMBS = (
    # part, first joint, second joint, axis that splits, chart below, chart at or above zero
    (2, 1, 4, 2, 8, 10),
    (3, 2, 5, 2, 7, 9),
    (5, 4, 7, 2, 12, 14),
    (6, 5, 8, 2, 11, 13),
    (17, 16, 18, 1, 15, 17),
    (18, 17, 19, 1, 16, 18),
    (19, 18, 20, 1, 19, 21),
    (20, 19, 21, 1, 20, 22),
)
_WHOLE = {8: 5, 11: 5, 9: 6, 12: 6, 21: 4, 23: 4, 22: 3, 24: 3}
"""Part → chart, of feet and hands, which are not split."""

_UPWARDS = {
    **dict.fromkeys((1, 2, *range(7, 15), 23, 24), (0.0, 1.0, 0.0)),
    **dict.fromkeys((4, 15, 17, 19, 21), (-1.0, 0.0, 0.0)),
    **dict.fromkeys((3, 16, 18, 20, 22), (1.0, 0.0, 0.0)),
    5: (0.0, 0.0, 1.0),
    6: (0.0, 0.0, 1.0),
}
"""Direction in the T-pose that points up (v) in each chart: to the root, or to the toes."""


def chart_labels(faces, vertices, part, joints) -> np.ndarray:
    """(F,) uint8 charts 1…24 in DensePose's numbering; 0 where part is 0.

    1 torso back, 2 front; 3, 4 right, left hand; 5, 6 left, right foot; thighs 7–10 and shanks
    11–14: right back, left back, right front, left front; upper arms 15–18 and forearms
    19–22: left lower, right lower, left upper, right upper side (in the T-pose); 23, 24 right,
    left half of the head. Arguments as in ``densepose_style_charts``.
    """
    centre = vertices[faces].mean(1)
    chart = np.zeros(len(faces), np.uint8)
    for part_id, target in _WHOLE.items():
        chart[part == part_id] = target
    for part_id, first, second, axis, below, above in _LIMBS:
        side = _beside(centre, joints[first], joints[second])[:, axis]
        chart[part == part_id] = np.where(side < 0, below, above)[part == part_id]
    middle = _beside(centre, joints[[1, 2]].mean(0), joints[[16, 17]].mean(0))[:, 2]
    torso = np.isin(part, TORSO_PARTS)
    chart[torso] = np.where(middle < 0, 1, 2)[torso]
    head = np.isin(part, HEAD_PARTS)
    chart[head] = np.where(centre[:, 0] < joints[12, 0], 23, 24)[head]
    return keep_largest_islands(faces, chart)


def _beside(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """(N, 3) offsets from the line through start and end to the points."""
    axis = end - start
    along = np.clip(exact.matmul(points - start, axis) / (exact.matmul(axis, axis)), -0.2, 1.2)
    return points - (start + along[:, None] * axis)


def densepose_style_charts(
    faces: np.ndarray, vertices: np.ndarray, part: np.ndarray, joints: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Charts 1…24 that cover the body as DensePose's do, each flattened to the unit square.

    They are not DensePose's own: its templates were cut and flattened by hand and are under a
    non-commercial licence; the numbering is the same and the shapes are alike.

    faces: (F, 3); vertices: (V, 3) metres in the T-pose; part: (F,) 1…24; joints: (J, 3) rest
    joints, of which SMPL's first 22 are used.
    Returns chart (F,) uint8, 0 where part is 0, and chart_uv (F, 3, 2) float32 in [0, 1].
    Within a chart no triangle is flipped and none overlap, except for separate pieces such as
    eyeballs: these take the coordinates of the nearest vertices of the chart around them.
    """
    vertices = np.asarray(vertices, dtype=np.float64)
    chart = chart_labels(faces, vertices, part, np.asarray(joints, dtype=np.float64))
    chart_uv = np.zeros((len(faces), 3, 2), np.float32)
    for label in range(1, NUM_CHARTS + 1):
        ids = np.flatnonzero(chart == label)
        if len(ids):
            chart_uv[ids] = _flatten_chart(faces[ids], vertices, np.array(_UPWARDS[label]))
    return chart, chart_uv


def chart_atlas(chart: np.ndarray, chart_uv: np.ndarray) -> np.ndarray:
    """(F, 3, 2) float32 one atlas of all charts: 6 columns by 4 rows, chart 1 at top left."""
    tile = np.maximum(chart.astype(int) - 1, 0)
    corner = np.stack([tile % ATLAS_COLUMNS, ATLAS_ROWS - 1 - tile // ATLAS_COLUMNS], axis=-1)
    inside = GUTTER + (1.0 - 2.0 * GUTTER) * chart_uv
    uv = (corner[:, None] + inside) / (ATLAS_COLUMNS, ATLAS_ROWS)
    return np.where(chart[:, None, None] > 0, uv, 0.0).astype(np.float32)


def _flatten_chart(faces: np.ndarray, vertices: np.ndarray, upwards: np.ndarray) -> np.ndarray:
    """(F, 3, 2) coordinates of one chart's faces; separate pieces follow the largest one."""
    piece = islands(face_adjacency(faces), np.zeros(len(faces), int))
    main = piece == np.bincount(piece).argmax()
    corners, source = _split_pinched(faces[main])
    uv = embed_disc(corners, vertices[source], upwards)
    out = np.zeros((len(faces), 3, 2))
    out[main] = uv[corners]
    if not main.all():
        _, nearest = cKDTree(vertices[source]).query(vertices[faces[~main]])
        out[~main] = uv[nearest]
    return out


def _split_pinched(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Faces (F, 3) renumbered so that they only hang together by edges, and (n,) old ids.

    A vertex at which two fans of faces touch without sharing an edge becomes two vertices;
    otherwise the boundary would cross itself there and could not be laid out as a disc.
    """
    count = len(faces)
    start = faces.ravel()
    end = np.roll(faces, -1, axis=1).ravel()
    key = np.minimum(start, end).astype(np.int64) * (faces.max() + 1) + np.maximum(start, end)
    order = np.argsort(key, kind="stable")
    a, b = order[:-1], order[1:]
    same = key[a] == key[b]
    a, b = a[same], b[same]
    following = np.arange(3 * count).reshape(count, 3)[:, [1, 2, 0]].ravel()
    # Two faces run along a shared edge in opposite directions: start meets end.
    pairs = np.concatenate([np.stack([a, following[b]], 1), np.stack([following[a], b], 1)])
    graph = sp.coo_matrix((np.ones(len(pairs), bool), pairs.T), (3 * count, 3 * count))
    number, corner = connected_components(graph, directed=False)
    source = np.zeros(number, faces.dtype)
    source[corner] = start
    return corner.reshape(count, 3), source


def boundary_loops(faces: np.ndarray) -> list[np.ndarray]:
    """Vertex ids of every boundary loop of an edge-manifold mesh, in the faces' direction."""
    count = int(faces.max()) + 1
    start = faces.ravel().astype(np.int64)
    end = np.roll(faces, -1, axis=1).ravel().astype(np.int64)
    open_edge = ~np.isin(start * count + end, end * count + start)
    following = dict(zip(start[open_edge].tolist(), end[open_edge].tolist()))
    loops = []
    while following:
        first, vertex = next(iter(following.items()))
        loop = [first]
        del following[first]
        while vertex != first:
            loop.append(vertex)
            vertex = following.pop(vertex)
        loops.append(np.array(loop))
    return loops


ROUNDNESS = 3.0
"""Exponent of the superellipse that a chart's boundary becomes: fuller than a circle, and, as
a convex boundary must be, without straight sides on which triangles could collapse."""

MAX_STRETCH_STEPS = 24
LEAST_GAIN = 0.02
"""Reweighting stops once it lowers the stretch by less than this share."""


def embed_disc(faces: np.ndarray, points: np.ndarray, upwards: np.ndarray) -> np.ndarray:
    """(n, 2) coordinates in [0, 1] of a surface with at least one boundary, without overlaps.

    Tutte's embedding: the longest boundary loop is laid on a convex curve, every other vertex
    at a convex mean of its neighbours, which cannot flip a triangle (Tutte 1963, Floater
    1997). Other holes are closed by fans for this. The means are then reweighted to even out
    stretch, and so keep fingers from shrinking to nothing (Yoshizawa, Belyaev and Seidel, "A
    fast and simple stretch-minimizing mesh parameterization", 2004).

    faces: (f, 3) all vertices used; points: (n, 3); upwards: (3,) direction to lay upwards.
    """
    loops = boundary_loops(faces)
    length = [np.linalg.norm(points[p] - points[np.roll(p, -1)], axis=1).sum() for p in loops]
    outer = loops.pop(int(np.argmax(length)))
    closed_faces, closed_points = _close_holes(faces, points, loops)
    boundary = _convex_boundary(points[outer], exact.matmul(points[outer], upwards))
    solver = _ConvexMeans(closed_faces, len(closed_points), outer, boundary)
    weights = np.ones(len(solver.rows))
    best, least = None, np.inf  # the first step always sets them
    for _ in range(MAX_STRETCH_STEPS):
        uv = solver.solve(weights)
        stretch, total, smallest = _vertex_stretch(closed_faces, closed_points, uv)
        if best is not None and (smallest <= 0.0 or total > (1.0 - LEAST_GAIN) * least):
            break
        best, least = uv, total
        weights = weights / stretch[solver.columns]
    assert best is not None
    return best[: len(points)]


def _close_holes(faces, points, loops) -> tuple[np.ndarray, np.ndarray]:
    """Faces and points with a fan around a new centre added for every loop."""
    faces, points = [faces], [points]
    number = len(points[0])
    for loop in loops:
        centre = np.full(len(loop), number)
        faces.append(np.stack([np.roll(loop, -1), loop, centre], axis=1))
        points.append(points[0][loop].mean(0, keepdims=True))
        number += 1
    return np.concatenate(faces), np.concatenate(points)


def _convex_boundary(points: np.ndarray, height: np.ndarray) -> np.ndarray:
    """(b, 2) points on a superellipse in [0, 1]², spaced as in 3D, high ones at the top."""
    step = np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1)
    step = np.maximum(step, 1e-3 * step.mean())
    angle = 2.0 * np.pi * (np.cumsum(step) - step) / step.sum()
    above = height - height.mean()
    tilt = exact.arctan2(np.sum(above * exact.sin(angle)), np.sum(above * exact.cos(angle)))
    angle = angle - tilt + 0.5 * np.pi
    direction = np.stack([exact.cos(angle), exact.sin(angle)], axis=1)
    radius = exact.power(exact.power(np.abs(direction), ROUNDNESS).sum(1), -1.0 / ROUNDNESS)
    return 0.5 + 0.499 * radius[:, None] * direction


class _ConvexMeans:
    """Solves for vertices that are weighted means of their neighbours.

    rows, columns: (E,) the directed links, from inner vertices only.
    """

    def __init__(self, faces, count: int, outer: np.ndarray, boundary: np.ndarray):
        edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        edges = np.concatenate([edges, edges[:, ::-1]]).astype(np.int64)
        key = np.unique(edges[:, 0] * count + edges[:, 1])
        rows, columns = key // count, key % count
        self.inner = np.setdiff1d(np.arange(count), outer)
        is_inner = np.zeros(count, bool)
        is_inner[self.inner] = True
        self.rows, self.columns = rows[is_inner[rows]], columns[is_inner[rows]]
        self.count = count
        self.fixed = np.zeros((count, 2))
        self.fixed[outer] = boundary

    def solve(self, weights: np.ndarray) -> np.ndarray:
        """(count, 2) coordinates for positive weights (E,) of the links."""
        if not len(self.inner):
            return self.fixed
        total = np.bincount(self.rows, weights, self.count)
        share = weights / total[self.rows]
        means = sp.csr_matrix((share, (self.rows, self.columns)), (self.count, self.count))
        means = means[self.inner]
        system = sp.identity(len(self.inner)) - means[:, self.inner]
        uv = self.fixed.copy()
        uv[self.inner] = splu(system.tocsc()).solve(exact.matmul(means, self.fixed))
        return uv


def _vertex_stretch(faces, points, uv) -> tuple[np.ndarray, float, float]:
    """Stretch of every vertex (n,) and of the whole, and the least signed triangle area.

    The L2 stretch of Sander et al. 2001: how much a unit of the plane is lengthened in space.
    """
    p, q = points[faces], uv[faces]
    space = 0.5 * np.linalg.norm(np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]), axis=1)
    space = np.maximum(space, 1e-12)
    e1, e2 = q[:, 1] - q[:, 0], q[:, 2] - q[:, 0]
    plane = 0.5 * (e1[:, 0] * e2[:, 1] - e1[:, 1] * e2[:, 0])
    double = 2.0 * np.maximum(plane, 1e-30)[:, None]
    after, before = np.roll(q, -1, axis=1), np.roll(q, -2, axis=1)
    along_u = (p * (after - before)[:, :, 1:]).sum(1) / double
    along_v = (p * (before - after)[:, :, :1]).sum(1) / double
    square = 0.5 * ((along_u**2).sum(1) + (along_v**2).sum(1))
    corner = faces.ravel()
    energy = np.bincount(corner, np.repeat(space * square, 3), len(points))
    area = np.bincount(corner, np.repeat(space, 3), len(points))
    total = float((space * square).sum() / space.sum())
    return np.sqrt(energy / area), total, float(plane.min())


# --- Part labels from skinning weights ------------------------------------------------------


def part_labels_from_weights(faces: np.ndarray, weights: np.ndarray, joint_names: tuple[str, ...]) -> np.ndarray:
    """(F,) uint8 parts 1…24: the joint with most weight over each face's corners.

    faces: (F, 3); weights: (V, J); joint_names: the J names of an SMPL, SMPL-H or SMPL-X body
    (finger joints count as their hand, jaw and eyes as the head).
    Raises ValueError on a joint name that none of these bodies has.
    """
    column = np.array([_smpl_joint(name) for name in joint_names])
    merged = np.zeros((len(weights), len(SMPL_JOINTS)))
    for joint, target in enumerate(column):
        merged[:, target] += weights[:, joint]
    part = (merged[faces].sum(1).argmax(1) + 1).astype(np.uint8)
    return keep_largest_islands(faces, part)


def _smpl_joint(name: str) -> int:
    """Index in SMPL's 24 joints of a joint of SMPL, SMPL-H or SMPL-X."""
    if name in SMPL_JOINTS:
        return SMPL_JOINTS.index(name)
    if name == "jaw" or name.endswith(("_eye", "_eye_smplhf")):
        return SMPL_JOINTS.index("head")
    side, _, finger = name.partition("_")
    if side in ("left", "right") and finger[:-1] in FINGERS:
        return SMPL_JOINTS.index(f"{side}_hand")
    raise ValueError(
        f"joint_names has {name!r}; expected names of SMPL, SMPL-H or SMPL-X joints such as "
        f"'left_hip', 'left_index1' or 'jaw'"
    )

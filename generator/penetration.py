"""How deep bodies are in one another, in space and time.

A vertex is inside a mesh if the mesh winds round it: the signed crossings of a ray with the closed mesh add up to more
than 0, so that skin which overlaps itself is not taken for a hole. Its depth is the distance to the nearest face.
Holes, as at the wrists of hands that stand alone, are closed by fans.

Between frames vertices move evenly along straight lines. Where two bodies are near, times are looked at between which
no vertex of one and no vertex of the other together move more than STEP, or a quarter of the depth that was found
already; so no depth that lasts for a moment only is underestimated by more than half of that. Only vertices are looked
at: where faces alone are in one another, that is less deep than the longest edge divided by √3, of a body mostly 4 mm.
Depths beyond FAR may be measured at fewer times.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mannequin.generator.compiled import njit
from mannequin.generator.inside import distance, windings

if TYPE_CHECKING:
    from mannequin.generator.scene import Scene

DEEPEST = 0.01
"""Metres by which people may be in one another, as they are who touch."""

STEP = 0.01
"""Metres by which two bodies may approach from one time looked at to the next."""

MOST_STEPS = 200
"""From one frame to the next; only bodies that move more than 2 m between frames need more."""

FAR = 0.1
"""Metres round where two bodies meet within which motion decides how many times are looked at."""

_CLUSTER = 256
"""Most faces of a cluster, which has a box of its own."""


@dataclass(frozen=True)
class Penetration:
    """depth: metres; 0 where nobody is inside anybody. pair: names of who enters and who is entered, at the deepest.
    frame: when that is, 3.25 being a quarter of the way from frame 3 to frame 4."""

    depth: float = 0.0
    pair: tuple[str, str] = ("", "")
    frame: float = 0.0


def scene_penetration(scene: "Scene") -> Penetration:
    """The deepest mutual penetration of the people and lone hands of a scene, frames -1 to T included."""
    bodily = {*scene.people, *scene.hands}
    return deepest_penetration({m.name: (m.vertices, m.faces) for m in scene.meshes if m.name in bodily}, first=-1)


def deepest_penetration(meshes: Mapping[str, tuple[np.ndarray, np.ndarray]], first: int = 0) -> Penetration:
    """The deepest mutual penetration of any two meshes.

    meshes: name → ((T, V, 3) world metres, (F, 3) vertex ids, counter-clockwise seen from outside), all at the same T
    times. first: the frame of the first one. Of equal depths the first pair and the first time count.
    """
    meshes = {name: (np.ascontiguousarray(vertices, np.float32), faces) for name, (vertices, faces) in meshes.items()}
    names, found = list(meshes), Penetration()
    boxes = {name: _boxes(vertices) for name, (vertices, _) in meshes.items()}
    body = cache(lambda name: _body(*meshes[name]))
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            if not _ever_meet(boxes[one], boxes[other]):
                continue
            depth, time, enters = _deepest(body(one), body(other), found.depth)
            if depth > found.depth:
                pair = (one, other) if enters == 0 else (other, one)
                found = Penetration(float(depth), pair, first + float(time))
    return found


@njit(cache=True)
def _boxes(vertices):
    """(T, 6) lower and upper corner of a mesh from a time to the next."""
    boxes = np.empty((len(vertices), 6))
    boxes[:, :3], boxes[:, 3:] = np.inf, -np.inf
    for t in range(len(vertices)):
        for v in range(vertices.shape[1]):
            for a in range(3):
                x = np.float64(vertices[t, v, a])
                boxes[t, a], boxes[t, 3 + a] = min(boxes[t, a], x), max(boxes[t, 3 + a], x)
    for t in range(len(vertices) - 1):
        for a in range(3):
            boxes[t, a], boxes[t, 3 + a] = min(boxes[t, a], boxes[t + 1, a]), max(boxes[t, 3 + a], boxes[t + 1, 3 + a])
    return boxes


def _ever_meet(boxes: np.ndarray, others: np.ndarray) -> bool:
    return bool(((boxes[:, :3] <= others[:, 3:]) & (others[:, :3] <= boxes[:, 3:])).all(axis=1).any())


class _Body(NamedTuple):
    """A closed mesh in clusters of neighbouring faces.

    vertices: (T, V, 3). faces: (F, 3), by cluster; face_start: (C + 1,) rows of it.
    vertex: (V,) ids by cluster, each in one; vertex_start: (C + 1,).
    boxes: (T, C, 6) float64, lower and upper corner of the faces. moved: (T, C) most metres of a vertex from a frame to
    the next. edge: the longest at any time. islands: one vertex of each connected part.
    """

    vertices: np.ndarray
    faces: np.ndarray
    face_start: np.ndarray
    vertex: np.ndarray
    vertex_start: np.ndarray
    boxes: np.ndarray
    moved: np.ndarray
    edge: float
    islands: np.ndarray


def _body(vertices: np.ndarray, faces: np.ndarray) -> _Body:
    vertices, faces = _closed(vertices, np.asarray(faces, np.int64))
    order, face_start = _split(np.add.reduce(vertices[0][faces], axis=1, dtype=np.float64))
    faces = np.ascontiguousarray(faces[order])
    owner = np.full(vertices.shape[1], -1)
    owner[faces[::-1]] = np.repeat(np.arange(len(face_start) - 1), np.diff(face_start))[::-1, None]
    used = np.flatnonzero(owner >= 0)
    vertex = used[np.argsort(owner[used], kind="stable")]
    vertex_start = np.searchsorted(owner[vertex], np.arange(len(face_start)))
    boxes, moved, edge = _measure(vertices, faces, face_start, vertex, vertex_start)
    links = coo_array(
        (np.ones(2 * len(faces)), (faces[:, [0, 1]].ravel(), faces[:, [1, 2]].ravel())), (len(owner),) * 2
    )
    _, island = connected_components(links, directed=False)
    islands = used[np.unique(island[used], return_index=True)[1]]
    return _Body(vertices, faces, face_start, vertex, vertex_start, boxes, moved, edge, islands)


def _closed(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same with a fan over every hole, round the mean of its rim."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    count = vertices.shape[1]
    key, back = edges[:, 0] * count + edges[:, 1], edges[:, 1] * count + edges[:, 0]
    rim = edges[~np.isin(key, back)]
    if not len(rim):
        return np.ascontiguousarray(vertices), faces
    _, hole = connected_components(coo_array((np.ones(len(rim)), rim.T), (count, count)), directed=False)
    holes, which = np.unique(hole[rim[:, 0]], return_inverse=True)
    tips = [vertices[:, rim[which == h, 0]] for h in range(len(holes))]
    tips = [np.add.reduce(t, axis=1, dtype=np.float64) / t.shape[1] for t in tips]
    vertices = np.concatenate([vertices, np.stack(tips, axis=1).astype(np.float32)], axis=1)
    fans = np.column_stack([rim[:, 1], rim[:, 0], count + which])
    return np.ascontiguousarray(vertices), np.concatenate([faces, fans])


@njit(cache=True)
def _split(middles):
    """(order, start) of the faces with ``middles`` (F, 3): halved across the longest side until no cluster has more
    than _CLUSTER; those of cluster c are order[start[c] : start[c + 1]]."""
    order, starts, due = np.arange(len(middles)), [np.int64(0)], [(np.int64(0), np.int64(len(middles)))]
    while due:
        low, high = due.pop()
        if high - low <= _CLUSTER:
            starts.append(high)
            continue
        part = order[low:high].copy()
        longest, axis = -1.0, 0
        for a in range(3):
            least, most = np.inf, -np.inf
            for f in part:
                least, most = min(least, middles[f, a]), max(most, middles[f, a])
            if most - least > longest:
                longest, axis = most - least, a
        along = np.empty(len(part))
        for n in range(len(part)):
            along[n] = middles[part[n], axis]
        order[low:high] = part[np.argsort(along, kind="mergesort")]
        half = low + (high - low) // 2
        due.append((half, high))
        due.append((low, half))
    return order, np.array(starts)


@njit(cache=True)
def _measure(vertices, faces, face_start, vertex, vertex_start):
    """(boxes, moved, edge) of a _Body."""
    times, clusters = len(vertices), len(face_start) - 1
    boxes, moved, longest = np.empty((times, clusters, 6)), np.zeros((times, clusters)), 0.0
    for t in range(times):
        for c in range(clusters):
            box = boxes[t, c]
            box[:3], box[3:] = np.inf, -np.inf
            for f in range(face_start[c], face_start[c + 1]):
                for k in range(3):
                    one, other, squared = vertices[t, faces[f, k]], vertices[t, faces[f, k - 1]], 0.0
                    for a in range(3):
                        x = np.float64(one[a])
                        box[a], box[3 + a] = min(box[a], x), max(box[3 + a], x)
                        squared += (x - other[a]) * (x - other[a])
                    longest = max(longest, squared)
            if t + 1 < times:
                furthest = 0.0
                for n in range(vertex_start[c], vertex_start[c + 1]):
                    squared = 0.0
                    for a in range(3):
                        step = np.float64(vertices[t + 1, vertex[n], a]) - vertices[t, vertex[n], a]
                        squared += step * step
                    furthest = max(furthest, squared)
                moved[t, c] = np.sqrt(furthest)
    return boxes, moved, np.sqrt(longest)


@njit(cache=True)
def _deepest(one, other, beyond):
    """(depth, time, 0 if ``one`` enters or 1) of the deepest penetration, if deeper than ``beyond``."""
    best, time, enters = beyond, 0.0, 0
    for t in range(len(one.vertices)):
        after = min(t + 1, len(one.vertices) - 1)
        boxes_one, boxes_other = _swept(one.boxes, t, after), _swept(other.boxes, t, after)
        all_one, all_other = _union(boxes_one), _union(boxes_other)
        if _gap(all_one, all_other) > 0.0:
            continue
        near_one, near_other = _near(boxes_one, boxes_other, one.edge), _near(boxes_other, boxes_one, other.edge)
        steps = 1
        if near_one[:, 0].min() < np.inf or near_other[:, 0].min() < np.inf:
            motion = _motion(one, boxes_one, all_other, t) + _motion(other, boxes_other, all_one, t)
            steps = min(max(1, int(np.ceil(motion / max(STEP, best / 4.0)))), MOST_STEPS)
        for step in range(steps):
            share = step / steps
            at_one, at_other = _between(one.vertices, t, after, share), _between(other.vertices, t, after, share)
            for which in range(2):
                if which == 0:
                    depth = _depth(one, at_one, near_one, other, at_other, boxes_other, all_other, best)
                else:
                    depth = _depth(other, at_other, near_other, one, at_one, boxes_one, all_one, best)
                if depth > best:
                    best, time, enters = depth, t + share, which
    return best, time, enters


@njit(cache=True)
def _swept(boxes, t, after):
    """(C, 6) boxes that hold the clusters at both times, so between them."""
    swept = boxes[t].copy()
    for c in range(len(swept)):
        for a in range(3):
            swept[c, a] = min(swept[c, a], boxes[after, c, a])
            swept[c, 3 + a] = max(swept[c, 3 + a], boxes[after, c, 3 + a])
    return swept


@njit(cache=True)
def _union(boxes):
    whole = boxes[0].copy()
    for box in boxes:
        for a in range(3):
            whole[a], whole[3 + a] = min(whole[a], box[a]), max(whole[3 + a], box[3 + a])
    return whole


@njit(cache=True)
def _gap(box, other):
    """The longest distance of two boxes along an axis; 0 or less where they meet."""
    gap = -np.inf
    for a in range(3):
        gap = max(gap, max(box[a] - other[3 + a], other[a] - box[3 + a]))
    return gap


@njit(cache=True)
def _near(boxes, others, edge):
    """(C, 6) for every cluster the box of all other clusters within ``edge`` of it, enlarged by that; or inf."""
    near = np.empty_like(boxes)
    for c in range(len(boxes)):
        near[c, :3], near[c, 3:] = np.inf, -np.inf
        for box in others:
            if _gap(boxes[c], box) <= edge:
                for a in range(3):
                    near[c, a] = min(near[c, a], box[a] - edge)
                    near[c, 3 + a] = max(near[c, 3 + a], box[3 + a] + edge)
    return near


@njit(cache=True)
def _motion(body, boxes, other, t):
    """The most metres of a vertex from t to the next frame, of clusters within FAR of the box ``other``."""
    most = 0.0
    for c in range(len(boxes)):
        if _gap(boxes[c], other) <= FAR:
            most = max(most, body.moved[t, c])
    return most


@njit(cache=True)
def _between(vertices, t, after, share):
    """(V, 3) float64 ``share`` of the way from t to ``after``."""
    at = np.empty(vertices.shape[1:])
    for v in range(len(at)):
        for a in range(3):
            x = np.float64(vertices[t, v, a])
            at[v, a] = x + share * (vertices[after, v, a] - x)
    return at


@njit(cache=True)
def _depth(body, at, near, other, other_at, boxes, whole, best):
    """Metres of the vertex of ``body`` deepest in ``other``, if more than ``best``; else ``best``.

    at, other_at: (V, 3) of both. boxes: of the clusters of ``other``; whole: round all of them.
    """
    chosen, count = np.empty(len(at), np.int64), 0
    for v in body.islands:
        if _holds(whole, at[v]):
            chosen[count], count = v, count + 1
    for c in range(len(near)):
        if near[c, 0] < np.inf:
            for n in range(body.vertex_start[c], body.vertex_start[c + 1]):
                if _holds(near[c], at[body.vertex[n]]) and count < len(chosen):
                    chosen[count], count = body.vertex[n], count + 1
    if count == 0 or windings(at, chosen[:count], other, other_at, boxes).max() <= 0:
        return best
    count = 0  # there is somebody inside: now all that may be
    for v in body.vertex:
        if _holds(whole, at[v]):
            chosen[count], count = v, count + 1
    inside = windings(at, chosen[:count], other, other_at, boxes)
    face = 0
    for n in range(count):
        if inside[n] > 0:
            depth, face = distance(at[chosen[n]], other, other_at, boxes, best, face)
            best = max(best, depth)
    return best


@njit(cache=True)
def _holds(box, point):
    return box[0] <= point[0] <= box[3] and box[1] <= point[1] <= box[4] and box[2] <= point[2] <= box[5]

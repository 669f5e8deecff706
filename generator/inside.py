"""Whether points are inside a closed mesh, and how far from its surface: compiled, the same bits on every processor.

A mesh is in clusters of neighbouring faces, as ``_Body`` of :mod:`mannequin.generator.penetration`: ``faces`` (F, 3) by
cluster, ``face_start`` (C + 1,) rows of it; ``boxes`` (C, 6) hold the clusters.
"""

import numpy as np

from mannequin.generator.compiled import njit

_CELLS = 96
"""Along each side of the grid that points are sorted into."""


@njit(cache=True)
def windings(at, chosen, other, other_at, boxes):
    """(N,) how often ``other`` winds round each of the points ``chosen`` (N,) of ``at``.

    Rays go along +x. Points are sorted into a grid over y and z, into whose cells faces look.
    """
    low, size = np.array([np.inf, np.inf]), np.array([-np.inf, -np.inf])
    for v in chosen:
        for a in range(2):
            low[a], size[a] = min(low[a], at[v, 1 + a]), max(size[a], at[v, 1 + a])
    high = size.copy()
    for a in range(2):
        size[a] = max((high[a] - low[a]) / _CELLS, 1e-9)
    start, order = _grid(at, chosen, low, size)
    counts = np.zeros(len(chosen), np.int64)
    for c in range(len(boxes)):
        if boxes[c, 1] > high[0] or boxes[c, 4] < low[0] or boxes[c, 2] > high[1] or boxes[c, 5] < low[1]:
            continue
        for f in range(other.face_start[c], other.face_start[c + 1]):
            i, j, k = other.faces[f]
            p, q, r = other_at[i], other_at[j], other_at[k]
            least_y, most_y = min(p[1], q[1], r[1]), max(p[1], q[1], r[1])
            least_z, most_z = min(p[2], q[2], r[2]), max(p[2], q[2], r[2])
            if least_y > high[0] or most_y < low[0] or least_z > high[1] or most_z < low[1]:
                continue
            for y in range(_cell(least_y, low[0], size[0]), _cell(most_y, low[0], size[0]) + 1):
                for z in range(_cell(least_z, low[1], size[1]), _cell(most_z, low[1], size[1]) + 1):
                    for n in range(start[y * _CELLS + z], start[y * _CELLS + z + 1]):
                        counts[order[n]] += _crossing(at[chosen[order[n]]], p, q, r)
    return counts


@njit(cache=True)
def _grid(at, chosen, low, size):
    """(start, order): the points of cell c are order[start[c] : start[c + 1]], places in ``chosen``."""
    start, order = np.zeros(_CELLS * _CELLS + 1, np.int64), np.empty(len(chosen), np.int64)
    cell = np.empty(len(chosen), np.int64)
    for n in range(len(chosen)):
        y, z = at[chosen[n], 1], at[chosen[n], 2]
        cell[n] = _cell(y, low[0], size[0]) * _CELLS + _cell(z, low[1], size[1])
        start[cell[n] + 1] += 1
    for c in range(_CELLS * _CELLS):
        start[c + 1] += start[c]
    free = start.copy()
    for n in range(len(chosen)):
        order[free[cell[n]]] = n
        free[cell[n]] += 1
    return start, order


@njit(cache=True)
def _cell(x, low, size):
    return int(min(max((x - low) / size, 0.0), _CELLS - 1.0))


@njit(cache=True)
def _crossing(point, p, q, r):
    """1 where a ray from ``point`` along +x leaves through the face p, q, r, -1 where it enters, 0 where it misses.

    Seen along x, the face's outline winds round the point or not. Each edge is looked at in the same way from both of
    its faces, so that a ray through an edge or a vertex goes through one face.
    """
    turns = _turn(point, p, q) + _turn(point, q, r) + _turn(point, r, p)
    if turns == 0:
        return 0
    area = (q[1] - p[1]) * (r[2] - p[2]) - (q[2] - p[2]) * (r[1] - p[1])
    if area == 0.0:
        return turns if (p[0] + q[0] + r[0]) / 3.0 > point[0] else 0
    y, z = point[1] - p[1], point[2] - p[2]
    u = (y * (r[2] - p[2]) - z * (r[1] - p[1])) / area
    v = ((q[1] - p[1]) * z - (q[2] - p[2]) * y) / area
    return turns if p[0] + u * (q[0] - p[0]) + v * (r[0] - p[0]) > point[0] else 0


@njit(cache=True)
def _turn(point, p, q):
    """1 if the edge from p to q, seen along x, passes beyond ``point`` (in y) upwards (in z), -1 if downwards, or 0."""
    if (p[2] <= point[2]) == (q[2] <= point[2]):
        return 0
    up = p[2] < q[2]
    low, high = (p, q) if up else (q, p)
    side = (high[1] - low[1]) * (point[2] - low[2]) - (high[2] - low[2]) * (point[1] - low[1])
    return (1 if up else -1) if side > 0.0 else 0


@njit(cache=True)
def distance(point, other, other_at, boxes, enough, face):
    """(metres, face): from ``point`` to the nearest face, or to one that is no further than ``enough``.

    face: where to look first.
    """
    nearest = _face_distance(point, other, other_at, face)
    if nearest <= enough * enough:
        return np.sqrt(nearest), face
    far, first = np.zeros(len(boxes)), 0
    for c in range(len(boxes)):
        for a in range(3):
            gap = max(boxes[c, a] - point[a], 0.0, point[a] - boxes[c, 3 + a])
            far[c] += gap * gap
        if far[c] < far[first]:
            first = c
    for n in range(-1, len(boxes)):
        c = first if n < 0 else n
        if far[c] >= nearest:
            continue
        for f in range(other.face_start[c], other.face_start[c + 1]):
            squared = _face_distance(point, other, other_at, f)
            if squared < nearest:
                nearest, face = squared, f
                if nearest <= enough * enough:
                    return np.sqrt(nearest), face
    return np.sqrt(nearest), face


@njit(cache=True)
def _face_distance(point, other, other_at, face):
    i, j, k = other.faces[face]
    return squared_distance(point, other_at[i], other_at[j], other_at[k])


@njit(cache=True)
def squared_distance(point, p, q, r):
    """Of a point from a triangle (Ericson 2005, Real-Time Collision Detection, section 5.1.5)."""
    ab = (q[0] - p[0], q[1] - p[1], q[2] - p[2])
    ac = (r[0] - p[0], r[1] - p[1], r[2] - p[2])
    ap = (point[0] - p[0], point[1] - p[1], point[2] - p[2])
    along_b, along_c, bb, bc, cc = _dot(ab, ap), _dot(ac, ap), _dot(ab, ab), _dot(ab, ac), _dot(ac, ac)
    if along_b <= 0.0 and along_c <= 0.0:
        return _away(ap, ab, ac, 0.0, 0.0)
    if along_b >= bb and along_c - bc <= along_b - bb:
        return _away(ap, ab, ac, 1.0, 0.0)
    if along_c >= cc and along_b - bc <= along_c - cc:
        return _away(ap, ab, ac, 0.0, 1.0)
    of_a = (along_b - bb) * (along_c - cc) - (along_b - bc) * (along_c - bc)
    of_b = (along_b - bc) * along_c - along_b * (along_c - cc)
    of_c = along_b * (along_c - bc) - (along_b - bb) * along_c
    if of_c <= 0.0 and 0.0 <= along_b <= bb and bb > 0.0:
        return _away(ap, ab, ac, along_b / bb, 0.0)
    if of_b <= 0.0 and 0.0 <= along_c <= cc and cc > 0.0:
        return _away(ap, ab, ac, 0.0, along_c / cc)
    from_b, from_c = (along_c - bc) - (along_b - bb), (along_b - bc) - (along_c - cc)
    if of_a <= 0.0 and from_b >= 0.0 and from_c >= 0.0 and from_b + from_c > 0.0:
        share = from_b / (from_b + from_c)
        return _away(ap, ab, ac, 1.0 - share, share)
    whole = of_a + of_b + of_c
    return _away(ap, ab, ac, of_b / whole, of_c / whole) if whole > 0.0 else _away(ap, ab, ac, 0.0, 0.0)


@njit(cache=True)
def _away(ap, ab, ac, u, v):
    """Squared length of ap - u ab - v ac."""
    x, y, z = (ap[0] - u * ab[0] - v * ac[0], ap[1] - u * ab[1] - v * ac[1], ap[2] - u * ab[2] - v * ac[2])
    return x * x + y * y + z * z


@njit(cache=True)
def _dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]

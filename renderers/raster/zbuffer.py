"""Which triangle a ray meets first: the two compiled loops over triangles.

A ray (x, y, 1) meets the triangle (a, b, c) of the camera frame where the three triple products
u_a = ray · (b × c), u_b = ray · (c × a), u_c = ray · (a × b) have one sign; they are then
proportional to the perspective-correct barycentric weights (Olano and Greer, "Triangle scan
conversion using 2D homogeneous coordinates", 1997). Nothing has to be clipped for that, and two
triangles that share an edge compute the same number for it, so no ray slips between them.
Triangles are two-sided. Surfaces nearer than ``NEAR`` are not seen.
"""

import numpy as np
from numba import njit

NEAR = 0.01
"""Near plane, metres."""

SLACK = 1e-9
"""Widening of bounding boxes, in samples: far above rounding, far below a sample."""


@njit(cache=True, nogil=True)
def project_vertices(vertices, R, origin, pinhole, camera, screen):
    """Write camera-frame positions and pinhole pixels of world vertices (V, 3).

    R: (3, 3) world axes → camera axes; origin: (3,) camera centre, world metres.
    camera: (V, 3) float64; screen: (V, 2) float64, NaN nearer than NEAR.
    Returns (x0, y0, x1, y1) of the screen positions, and how many vertices have none.
    """
    x0, y0, x1, y1, behind = np.inf, np.inf, -np.inf, -np.inf, 0
    for i in range(vertices.shape[0]):
        a, b, c = vertices[i, 0] - origin[0], vertices[i, 1] - origin[1], vertices[i, 2] - origin[2]
        x = R[0, 0] * a + R[0, 1] * b + R[0, 2] * c
        y = R[1, 0] * a + R[1, 1] * b + R[1, 2] * c
        z = R[2, 0] * a + R[2, 1] * b + R[2, 2] * c
        camera[i, 0], camera[i, 1], camera[i, 2] = x, y, z
        if z < NEAR:
            screen[i, 0] = screen[i, 1] = np.nan
            behind += 1
            continue
        x, y = pinhole[0] * (x / z) + pinhole[2], pinhole[1] * (y / z) + pinhole[3]
        screen[i, 0], screen[i, 1] = x, y
        x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x), max(y1, y)
    return x0, y0, x1, y1, behind


@njit(cache=True, nogil=True)
def triangle_box(camera, screen, pinhole, i, j, k):
    """(x0, y0, x1, y1) pinhole pixels around the part of a triangle beyond NEAR; NaNs if none."""
    xi, yi, xj, yj, xk, yk = screen[i, 0], screen[i, 1], screen[j, 0], screen[j, 1], screen[k, 0], screen[k, 1]
    x0, y0 = min(xi, min(xj, xk)), min(yi, min(yj, yk))
    x1, y1 = max(xi, max(xj, xk)), max(yi, max(yj, yk))
    behind = xi + xj + xk
    if behind == behind:
        return x0, y0, x1, y1
    return _clipped_box(camera, pinhole, i, j, k)


@njit(cache=True, nogil=True)
def _clipped_box(camera, pinhole, i, j, k):
    x0, y0, x1, y1 = np.inf, np.inf, -np.inf, -np.inf
    for a, b in ((i, j), (j, k), (k, i)):
        za, zb = camera[a, 2], camera[b, 2]
        if za >= NEAR:
            x, y = camera[a, 0] / za, camera[a, 1] / za
            x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x), max(y1, y)
        if (za >= NEAR) != (zb >= NEAR):
            s = (NEAR - za) / (zb - za)
            x = (camera[a, 0] + s * (camera[b, 0] - camera[a, 0])) / NEAR
            y = (camera[a, 1] + s * (camera[b, 1] - camera[a, 1])) / NEAR
            x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x), max(y1, y)
    if x0 > x1:
        return np.nan, np.nan, np.nan, np.nan
    fx, fy, cx, cy = pinhole[0], pinhole[1], pinhole[2], pinhole[3]
    return fx * x0 + cx, fy * y0 + cy, fx * x1 + cx, fy * y1 + cy


@njit(cache=True, nogil=True)
def fill_grid(camera, screen, faces, pinhole, left, top, grid, ray_x, ray_y, depth, face):
    """Nearest triangle of every sample of a window of a camera without distortion.

    The window starts at pixel (left, top) and has grid × grid samples per pixel.
    ray_x: (w,), ray_y: (h,) rays of its columns and rows. depth: (h, w) float64 metres and
    face: (h, w) int32 are written; inf and -1 where there is nothing.
    """
    h, w = depth.shape
    depth[:] = np.inf
    face[:] = -1
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        x0, y0, x1, y1 = triangle_box(camera, screen, pinhole, i, j, k)
        c0, c1 = np.ceil((x0 - left) * grid - 0.5 - SLACK), np.floor((x1 - left) * grid - 0.5 + SLACK)
        r0, r1 = np.ceil((y0 - top) * grid - 0.5 - SLACK), np.floor((y1 - top) * grid - 0.5 + SLACK)
        if not (c0 <= c1 and r0 <= r1 and c1 >= 0 and r1 >= 0 and c0 < w and r0 < h):
            continue
        xi, yi, zi = camera[i, 0], camera[i, 1], camera[i, 2]
        xj, yj, zj = camera[j, 0], camera[j, 1], camera[j, 2]
        xk, yk, zk = camera[k, 0], camera[k, 1], camera[k, 2]
        ai, bi, ci = yj * zk - zj * yk, zj * xk - xj * zk, xj * yk - yj * xk
        aj, bj, cj = yk * zi - zk * yi, zk * xi - xk * zi, xk * yi - yk * xi
        ak, bk, ck = yi * zj - zi * yj, zi * xj - xi * zj, xi * yj - yi * xj
        for r in range(max(0, int(r0)), min(h - 1, int(min(r1, h))) + 1):
            y = ray_y[r]
            di, dj, dk = bi * y + ci, bj * y + cj, bk * y + ck
            for c in range(max(0, int(c0)), min(w - 1, int(min(c1, w))) + 1):
                x = ray_x[c]
                ui, uj, uk = ai * x + di, aj * x + dj, ak * x + dk
                if not ((ui >= 0 and uj >= 0 and uk >= 0) or (ui <= 0 and uj <= 0 and uk <= 0)):
                    continue
                total = ui + uj + uk
                if total == 0.0:
                    continue
                z = (ui * zi + uj * zj + uk * zk) / total
                if z >= NEAR and z < depth[r, c]:
                    depth[r, c] = z
                    face[r, c] = f


@njit(cache=True, nogil=True)
def bin_points(x, y):
    """Sort points (N,) pinhole pixels into cells of one pixel; NaN points are left out.

    Returns (origin (2,) int64, starts (rows, columns + 1) int64, order (n,) int64): row r, column
    c holds points order[starts[r, c]:starts[r, c + 1]].
    """
    x0, y0, x1, y1, n = np.inf, np.inf, -np.inf, -np.inf, 0
    for i in range(x.shape[0]):
        if x[i] == x[i]:
            x0, y0, x1, y1, n = min(x0, x[i]), min(y0, y[i]), max(x1, x[i]), max(y1, y[i]), n + 1
    origin = np.zeros(2, np.int64)
    if n == 0:
        return origin, np.zeros((0, 1), np.int64), np.zeros(0, np.int64)
    origin[0], origin[1] = np.floor(x0), np.floor(y0)
    rows, columns = int(np.floor(y1)) - origin[1] + 1, int(np.floor(x1)) - origin[0] + 1
    count = np.zeros(rows * columns + 1, np.int64)
    for i in range(x.shape[0]):
        if x[i] == x[i]:
            count[(int(np.floor(y[i])) - origin[1]) * columns + int(np.floor(x[i])) - origin[0] + 1] += 1
    for i in range(rows * columns):
        count[i + 1] += count[i]
    starts = np.empty((rows, columns + 1), np.int64)
    for r in range(rows):
        starts[r] = count[r * columns : (r + 1) * columns + 1]
    order = np.empty(n, np.int64)
    for i in range(x.shape[0]):
        if x[i] == x[i]:
            cell = (int(np.floor(y[i])) - origin[1]) * columns + int(np.floor(x[i])) - origin[0]
            order[count[cell]] = i
            count[cell] += 1
    return origin, starts, order


@njit(cache=True, nogil=True)
def fill_points(camera, screen, faces, pinhole, origin, starts, order, rays, depth, face):
    """Nearest triangle along every ray that is nearer than ``depth`` already says.

    origin, starts, order: the pinhole pixels of ``rays`` (N, 2) in ``bin_points``' cells.
    depth: (N,) float64 metres and face: (N,) int32 are updated.
    """
    rows, columns = starts.shape[0], starts.shape[1] - 1
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        x0, y0, x1, y1 = triangle_box(camera, screen, pinhole, i, j, k)
        c0, c1 = np.floor(x0 - origin[0] - SLACK), np.floor(x1 - origin[0] + SLACK)
        r0, r1 = np.floor(y0 - origin[1] - SLACK), np.floor(y1 - origin[1] + SLACK)
        if not (c1 >= 0 and r1 >= 0 and c0 < columns and r0 < rows):
            continue
        first, last = max(0, int(c0)), min(columns - 1, int(min(c1, columns)))
        xi, yi, zi = camera[i, 0], camera[i, 1], camera[i, 2]
        xj, yj, zj = camera[j, 0], camera[j, 1], camera[j, 2]
        xk, yk, zk = camera[k, 0], camera[k, 1], camera[k, 2]
        nearest = min(zi, min(zj, zk))
        for r in range(max(0, int(r0)), min(rows - 1, int(min(r1, rows))) + 1):
            for n in range(starts[r, first], starts[r, last + 1]):
                p = order[n]
                if depth[p] <= nearest:
                    continue
                x, y = rays[p, 0], rays[p, 1]
                ui = x * (yj * zk - zj * yk) + y * (zj * xk - xj * zk) + (xj * yk - yj * xk)
                uj = x * (yk * zi - zk * yi) + y * (zk * xi - xk * zi) + (xk * yi - yk * xi)
                if (ui > 0 and uj < 0) or (ui < 0 and uj > 0):
                    continue
                uk = x * (yi * zj - zi * yj) + y * (zi * xj - xi * zj) + (xi * yj - yi * xj)
                if not ((ui >= 0 and uj >= 0 and uk >= 0) or (ui <= 0 and uj <= 0 and uk <= 0)):
                    continue
                total = ui + uj + uk
                if total == 0.0:
                    continue
                z = (ui * zi + uj * zj + uk * zk) / total
                if z >= NEAR and z < depth[p]:
                    depth[p] = z
                    face[p] = f

"""Which triangle a ray meets first: the two compiled loops over triangles.

A ray (x, y, 1) meets the triangle (a, b, c) of the camera frame where the three triple products
u_a = ray · (b × c), u_b = ray · (c × a), u_c = ray · (a × b) have one sign; they are then
proportional to the perspective-correct barycentric weights (Olano and Greer, "Triangle scan
conversion using 2D homogeneous coordinates", 1997). Nothing has to be clipped for that, and two
triangles that share an edge compute the same number for it, so no ray slips between them.
Triangles are two-sided. Surfaces nearer than ``NEAR`` are not seen.
"""

import numpy as np

from mannequin.generator.compiled import njit

NEAR = 0.01
"""Near plane, metres."""

FAR = 2**30
"""Column or row beyond any image; also marks vertices nearer than NEAR."""

SLACK = 1e-9
"""Widening of bounding boxes, in samples: far above rounding, far below a sample."""


@njit(cache=True, nogil=True, error_model="numpy")
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


@njit(cache=True, nogil=True, error_model="numpy")
def triangle_boxes(camera, screen, faces):
    """(F, 5) float64: pinhole pixels x0, y0, x1, y1 around each triangle, and the depth of its nearest vertex.

    Infinitely wide for triangles with a vertex nearer than NEAR. Every loop over triangles begins with these: read in
    order, they cost a fraction of what three vertices do.
    """
    out = np.empty((faces.shape[0], 5))
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        xi, xj, xk = screen[i, 0], screen[j, 0], screen[k, 0]
        yi, yj, yk = screen[i, 1], screen[j, 1], screen[k, 1]
        out[f, 0], out[f, 1] = min(xi, min(xj, xk)), min(yi, min(yj, yk))
        out[f, 2], out[f, 3] = max(xi, max(xj, xk)), max(yi, max(yj, yk))
        out[f, 4] = min(camera[i, 2], min(camera[j, 2], camera[k, 2]))
        if out[f, 4] < NEAR:
            out[f, 0] = out[f, 1] = -np.inf
            out[f, 2] = out[f, 3] = np.inf
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def clipped_bounds(camera, pinhole, left, top, grid, i, j, k):
    """(first column, first row, last column, last row) that a triangle with vertices nearer than NEAR may touch with
    its part beyond. Wide by one, so that it serves samples and cells.
    """
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
        return np.int64(FAR), np.int64(FAR), np.int64(-FAR), np.int64(-FAR)
    x0, x1 = (pinhole[0] * x0 + pinhole[2] - left) * grid, (pinhole[0] * x1 + pinhole[2] - left) * grid
    y0, y1 = (pinhole[1] * y0 + pinhole[3] - top) * grid, (pinhole[1] * y1 + pinhole[3] - top) * grid
    return _whole(x0 - 1.0), _whole(y0 - 1.0), _whole(x1 + 1.0), _whole(y1 + 1.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _whole(x):
    return np.int64(np.floor(min(max(x, -FAR), FAR)))


@njit(cache=True, nogil=True, error_model="numpy")
def fill_grid(camera, faces, boxes, pinhole, left, top, grid, ray_x, ray_y, depth, face):
    """Nearest triangle of every sample of a window of a camera without distortion.

    The window starts at pixel (left, top) and has grid × grid samples per pixel. boxes: (F, 5) ``triangle_boxes``.
    ray_x: (w,), ray_y: (h,) rays of its columns and rows. depth: (h, w) float64 metres and
    face: (h, w) int32 are written; inf and -1 where there is nothing.
    """
    h, w = depth.shape
    depth[:] = np.inf
    face[:] = -1
    for f in range(faces.shape[0]):
        x0, x1 = (boxes[f, 0] - left) * grid - 0.5, (boxes[f, 2] - left) * grid - 0.5
        y0, y1 = (boxes[f, 1] - top) * grid - 0.5, (boxes[f, 3] - top) * grid - 0.5
        x0, y0 = np.ceil(max(x0 - SLACK, 0.0)), np.ceil(max(y0 - SLACK, 0.0))
        x1, y1 = np.floor(min(x1 + SLACK, w - 1.0)), np.floor(min(y1 + SLACK, h - 1.0))
        if x0 > x1 or y0 > y1:
            continue
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        c0, r0, c1, r1 = np.int64(x0), np.int64(y0), np.int64(x1), np.int64(y1)
        if boxes[f, 4] < NEAR:
            c0, r0, c1, r1 = clipped_bounds(camera, pinhole, left, top, grid, i, j, k)
        xi, yi, zi = camera[i, 0], camera[i, 1], camera[i, 2]
        xj, yj, zj = camera[j, 0], camera[j, 1], camera[j, 2]
        xk, yk, zk = camera[k, 0], camera[k, 1], camera[k, 2]
        nearest = min(zi, min(zj, zk))
        ai, bi, ci = yj * zk - zj * yk, zj * xk - xj * zk, xj * yk - yj * xk
        aj, bj, cj = yk * zi - zk * yi, zk * xi - xk * zi, xk * yi - yk * xi
        ak, bk, ck = yi * zj - zi * yj, zi * xj - xi * zj, xi * yj - yi * xj
        for r in range(max(0, r0), min(h - 1, r1) + 1):
            y = ray_y[r]
            di, dj, dk = bi * y + ci, bj * y + cj, bk * y + ck
            for c in range(max(0, c0), min(w - 1, c1) + 1):
                if depth[r, c] <= nearest:
                    continue
                x = ray_x[c]
                ui, uj, uk = ai * x + di, aj * x + dj, ak * x + dk
                if min(ui, min(uj, uk)) < 0.0 and max(ui, max(uj, uk)) > 0.0:
                    continue
                total = ui + uj + uk
                if total == 0.0:
                    continue
                z = (ui * zi + uj * zj + uk * zk) / total
                if z >= NEAR and z < depth[r, c]:
                    depth[r, c] = z
                    face[r, c] = f


@njit(cache=True, nogil=True, error_model="numpy")
def bin_points(x, y):
    """Sort points (N,) pinhole pixels into cells of one pixel; NaN points are left out.

    Returns (origin (2,) int64, starts (rows, columns + 1) int64, order (n,) int64): row r, column
    c holds points order[starts[r, c]:starts[r, c + 1]].
    """
    x0, y0, x1, y1, n = np.inf, np.inf, -np.inf, -np.inf, 0
    for i in range(x.shape[0]):
        if not np.isnan(x[i]):
            x0, y0, x1, y1, n = min(x0, x[i]), min(y0, y[i]), max(x1, x[i]), max(y1, y[i]), n + 1
    origin = np.zeros(2, np.int64)
    if n == 0:
        return origin, np.zeros((0, 1), np.int64), np.zeros(0, np.int64)
    origin[0], origin[1] = np.floor(x0), np.floor(y0)
    rows, columns = int(np.floor(y1)) - origin[1] + 1, int(np.floor(x1)) - origin[0] + 1
    count = np.zeros(rows * columns + 1, np.int64)
    for i in range(x.shape[0]):
        if not np.isnan(x[i]):
            count[(int(np.floor(y[i])) - origin[1]) * columns + int(np.floor(x[i])) - origin[0] + 1] += 1
    for i in range(rows * columns):
        count[i + 1] += count[i]
    starts = np.empty((rows, columns + 1), np.int64)
    for r in range(rows):
        starts[r] = count[r * columns : (r + 1) * columns + 1]
    order = np.empty(n, np.int64)
    for i in range(x.shape[0]):
        if not np.isnan(x[i]):
            cell = (int(np.floor(y[i])) - origin[1]) * columns + int(np.floor(x[i])) - origin[0]
            order[count[cell]] = i
            count[cell] += 1
    return origin, starts, order


@njit(cache=True, nogil=True, error_model="numpy")
def fill_points(camera, screen, faces, boxes, pinhole, origin, starts, order, rays, depth, face):
    """Nearest triangle along every ray that is nearer than ``depth`` already says.

    boxes: (F, 5) ``triangle_boxes``.
    origin, starts, order: the pinhole pixels of ``rays`` (N, 2) in ``bin_points``' cells.
    depth: (N,) float64 metres and face: (N,) int32 are updated.
    """
    rows, columns = starts.shape[0], starts.shape[1] - 1
    ray_x, ray_y, limit = rays[order, 0], rays[order, 1], depth[order]
    x, y = pinhole[0] * ray_x + pinhole[2], pinhole[1] * ray_y + pinhole[3]
    deepest = deepest_around(starts, limit)
    for f in range(faces.shape[0]):
        x0, x1 = boxes[f, 0] - origin[0] - SLACK, boxes[f, 2] - origin[0] + SLACK
        y0, y1 = boxes[f, 1] - origin[1] - SLACK, boxes[f, 3] - origin[1] + SLACK
        if not (x0 < columns and y0 < rows and x1 >= 0.0 and y1 >= 0.0):
            continue
        nearest = boxes[f, 4]
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        clipped = nearest < NEAR
        if clipped:
            c0, r0, c1, r1 = clipped_bounds(camera, pinhole, origin[0], origin[1], 1, i, j, k)
            if c0 >= columns or c1 < 0:
                continue
        else:
            c0, r0 = np.int64(np.floor(max(x0, -1.0))), np.int64(np.floor(max(y0, -1.0)))
            c1, r1 = np.int64(np.floor(min(x1, columns))), np.int64(np.floor(min(y1, rows)))
            if c1 - c0 <= 1 and r1 - r0 <= 1 and nearest >= deepest[r0 + 1, c0 + 1]:
                continue
        first, last = max(0, c0), min(columns - 1, c1)
        for r in range(max(0, r0), min(rows - 1, r1) + 1):
            for n in range(starts[r, first], starts[r, last + 1]):
                if limit[n] <= nearest:
                    continue
                if clipped:
                    z = meet(camera, i, j, k, ray_x[n], ray_y[n])
                else:
                    z = meet_on_screen(camera, screen, i, j, k, x[n], y[n])
                if z >= NEAR and z < limit[n]:
                    limit[n] = z
                    face[order[n]] = f
    depth[order] = limit


@njit(cache=True, nogil=True, error_model="numpy")
def deepest_around(starts, limit):
    """(rows + 1, columns + 1): at [r + 1, c + 1] the largest limit in cells r, r + 1 × c, c + 1.

    A small triangle that is nowhere nearer than that needs no closer look.
    """
    rows, columns = starts.shape[0], starts.shape[1] - 1
    out = np.full((rows + 1, columns + 1), -np.inf)
    for r in range(rows):
        for c in range(columns):
            for n in range(starts[r, c], starts[r, c + 1]):
                z = limit[n]
                out[r, c], out[r + 1, c] = max(out[r, c], z), max(out[r + 1, c], z)
                out[r, c + 1], out[r + 1, c + 1] = max(out[r, c + 1], z), max(out[r + 1, c + 1], z)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def meet(camera, i, j, k, x, y):
    """Depth at which the ray (x, y, 1) meets a triangle, or -1."""
    xi, yi, zi = camera[i, 0], camera[i, 1], camera[i, 2]
    xj, yj, zj = camera[j, 0], camera[j, 1], camera[j, 2]
    xk, yk, zk = camera[k, 0], camera[k, 1], camera[k, 2]
    ui = x * (yj * zk - zj * yk) + y * (zj * xk - xj * zk) + (xj * yk - yj * xk)
    uj = x * (yk * zi - zk * yi) + y * (zk * xi - xk * zi) + (xk * yi - yk * xi)
    if ui * uj < 0.0:
        return -1.0
    uk = x * (yi * zj - zi * yj) + y * (zi * xj - xi * zj) + (xi * yj - yi * xj)
    if min(ui, min(uj, uk)) < 0.0 and max(ui, max(uj, uk)) > 0.0:
        return -1.0
    total = ui + uj + uk
    return (ui * zi + uj * zj + uk * zk) / total if total != 0.0 else -1.0


@njit(cache=True, nogil=True, error_model="numpy")
def meet_on_screen(camera, screen, i, j, k, x, y):
    """As ``meet`` for a triangle beyond NEAR, from pinhole pixels: cheaper where most rays miss."""
    xi, yi = screen[i, 0] - x, screen[i, 1] - y
    xj, yj = screen[j, 0] - x, screen[j, 1] - y
    xk, yk = screen[k, 0] - x, screen[k, 1] - y
    ui, uj, uk = xj * yk - xk * yj, xk * yi - xi * yk, xi * yj - xj * yi
    if min(ui, min(uj, uk)) < 0.0 and max(ui, max(uj, uk)) > 0.0:
        return -1.0
    total = ui + uj + uk
    return total / (ui / camera[i, 2] + uj / camera[j, 2] + uk / camera[k, 2]) if total != 0.0 else -1.0

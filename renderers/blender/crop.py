"""Which rectangles of an image need rendering: those that the projected triangles may touch.

Cycles spends as long on an empty pixel as on a covered one, and rendering one more rectangle of a
scene that has not changed costs little. The rectangles come from the triangles themselves, not
from the rasteriser, so that comparing the two renderers still finds what one of them lost.
"""

from dataclasses import dataclass

import numpy as np

from mannequin.generator import exact
from mannequin.generator.compiled import njit

CELL = 4
"""px, edge of the squares in which triangles are noted."""

MARGIN = 2
"""px around a triangle's bounding box: the reach of Cycles' pixel filter, and rounding."""

SPLIT_GAIN = 10000
"""Pixel samples that another rectangle must save: it costs 1 to 2 ms, an empty sample 0.2 µs."""

NEAR = 0.01
"""m. What comes nearer may be anywhere in the image."""


@dataclass(frozen=True)
class Crop:
    """Pixels [y0, y1) × [x0, x1) of an image, row 0 at the top."""

    y0: int
    x0: int
    y1: int
    x1: int

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    @property
    def shape(self) -> tuple[int, int]:
        return self.y1 - self.y0, self.x1 - self.x0


def whole(resolution: tuple[int, int]) -> Crop:
    return Crop(0, 0, *resolution)


def touched_cells(meshes, K: np.ndarray, T_world_camera: np.ndarray, resolution: tuple[int, int]) -> np.ndarray:
    """(ceil(H / CELL), ceil(W / CELL)) bool: cells that may show a triangle.

    meshes: (vertices (V, 3) world metres, faces (F, 3)) of each.
    """
    h, w = resolution
    cells = np.zeros((-(-h // CELL), -(-w // CELL)), np.bool_)
    R = np.ascontiguousarray(T_world_camera[:3, :3].T)
    offset = exact.matmul(-R, T_world_camera[:3, 3])
    for vertices, faces in meshes:
        screen = np.empty((len(vertices), 2))
        if _project(vertices, R, offset, K, screen):
            cells[:] = True
        else:
            _touch(screen, faces, h, w, cells)
    return cells


def crops_of(cells: np.ndarray, resolution: tuple[int, int], samples: float) -> list[Crop]:
    """Disjoint crops that cover all touched cells, as cheap to render as splitting makes them."""
    rows, columns = np.flatnonzero(cells.any(1)), np.flatnonzero(cells.any(0))
    if len(rows) == 0:
        return []
    start = (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
    gain = SPLIT_GAIN / (samples * CELL * CELL)
    boxes, pending = [], [start]
    while pending:
        box = pending.pop()
        r0, c0, r1, c1 = box
        first, second = _best_split(cells, r0, c0, r1, c1)
        if first[0] >= 0 and _area(box) - _area(first) - _area(second) > gain:
            pending += [first, second]
        else:
            boxes.append(box)
    return [_to_pixels(box, resolution) for box in boxes]


def bounding_crop(cells: np.ndarray, resolution: tuple[int, int]) -> list[Crop]:
    """One crop around all touched cells, none if there are none."""
    return crops_of(cells, resolution, samples=0.01)


def _area(box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _to_pixels(box, resolution) -> Crop:
    h, w = resolution
    return Crop(box[0] * CELL, box[1] * CELL, min(box[2] * CELL, h), min(box[3] * CELL, w))


@njit(cache=True)
def _project(vertices, R, offset, K, screen):
    """Write pixel positions of world vertices (V, 3); True if one is nearer than NEAR."""
    for i in range(vertices.shape[0]):
        a, b, c = vertices[i, 0], vertices[i, 1], vertices[i, 2]
        z = R[2, 0] * a + R[2, 1] * b + R[2, 2] * c + offset[2]
        if z < NEAR:
            return True
        screen[i, 0] = K[0, 0] * (R[0, 0] * a + R[0, 1] * b + R[0, 2] * c + offset[0]) / z + K[0, 2]
        screen[i, 1] = K[1, 1] * (R[1, 0] * a + R[1, 1] * b + R[1, 2] * c + offset[1]) / z + K[1, 2]
    return False


@njit(cache=True)
def _touch(screen, faces, h, w, cells):
    """Mark the cells under each triangle's bounding box and margin."""
    rows, columns = cells.shape
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        x0 = min(screen[i, 0], screen[j, 0], screen[k, 0]) - MARGIN
        x1 = max(screen[i, 0], screen[j, 0], screen[k, 0]) + MARGIN
        y0 = min(screen[i, 1], screen[j, 1], screen[k, 1]) - MARGIN
        y1 = max(screen[i, 1], screen[j, 1], screen[k, 1]) + MARGIN
        if x1 < 0 or y1 < 0 or x0 >= w or y0 >= h:
            continue
        c0, c1 = int(max(x0, 0.0)) // CELL, min(int(min(x1, w)) // CELL, columns - 1)
        r0, r1 = int(max(y0, 0.0)) // CELL, min(int(min(y1, h)) // CELL, rows - 1)
        for r in range(r0, r1 + 1):
            for c in range(c0, c1 + 1):
                cells[r, c] = True


@njit(cache=True)
def _best_split(cells, r0, c0, r1, c1):
    """The two tight boxes of least total area that a straight cut leaves, or negative ones."""
    best = (r1 - r0) * (c1 - c0)
    first = second = (-1, -1, -1, -1)
    for axis in range(2):
        low, high = (r0, r1) if axis == 0 else (c0, c1)
        for cut in range(low + 1, high):
            a = _tight(cells, r0, c0, cut if axis == 0 else r1, c1 if axis == 0 else cut)
            b = _tight(cells, cut if axis == 0 else r0, c0 if axis == 0 else cut, r1, c1)
            area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
            if area < best:
                best, first, second = area, a, b
    return first, second


@njit(cache=True)
def _tight(cells, r0, c0, r1, c1):
    """The smallest box around the marked cells of a box that has some."""
    top, left, bottom, right = r1, c1, r0, c0
    for r in range(r0, r1):
        for c in range(c0, c1):
            if cells[r, c]:
                top, bottom = min(top, r), max(bottom, r + 1)
                left, right = min(left, c), max(right, c + 1)
    return top, left, bottom, right

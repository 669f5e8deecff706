"""The surface points that the samples of an image see."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mannequin.generator.compiled import njit
from mannequin.renderers.raster.geometry import Viewpoint
from mannequin.renderers.raster.lens import Lens, image_rays
from mannequin.renderers.raster.zbuffer import bin_points, fill_grid, fill_points

BAND = 4_000_000
"""Samples looked at together: large images are cast in bands of rows, so that memory stays small."""


@dataclass(frozen=True, eq=False)
class Samples:
    """n samples that hit a surface, in the order of their pixels (rows of samples when several).

    pixel: (n,) uint32 flat index y * W + x. face: (n,) int32. ray: (n, 2) float64 the direction
    (x, y, 1) in the camera frame.
    """

    pixel: np.ndarray
    face: np.ndarray
    ray: np.ndarray


@dataclass(frozen=True, eq=False)
class BentCells:
    """The rays (N, 2) of a band of a distorted camera's rows, sorted into cells as ``bin_points`` gives them."""

    origin: np.ndarray
    starts: np.ndarray
    order: np.ndarray
    rays: np.ndarray


class Sampler:
    """Casts grid × grid evenly spaced rays through every pixel of one viewpoint.

    grid is odd, so that the middle one goes through the pixel's centre: the labels of a coloured
    and of a plain frame are the same.
    """

    def __init__(self, view: Viewpoint, grid: int = 1):
        if grid < 1 or grid % 2 == 0:
            raise ValueError(f"grid is {grid}; expected an odd number, so that one sample is the pixel's centre.")
        self.view, self.grid = view, grid
        h, w = view.resolution
        self._x = (np.arange(w * grid) + 0.5) / grid
        self._y = (np.arange(h * grid) + 0.5) / grid
        rows = max(1, BAND // (w * grid * grid))
        self._bands = [(top, min(top + rows, h)) for top in range(0, h, rows)]
        self._bent: tuple[Lens, list[BentCells]] | None = None  # of the lens that was looked through last

    def cast(self, k: int) -> Iterator[tuple[Samples, Samples]]:
        """(all samples, those at pixel centres) that hit something at index ``k``, band after band.

        Bands go from top to bottom; there is at least one.
        """
        width, n, lens = self.view.resolution[1], self.grid, self.view.lenses[k]
        bent = self._bent_bands(lens) if lens.distorted else None
        for number, (top, bottom) in enumerate(self._bands):
            if bent:
                face, left, top, ray = self._cast_bent(k, top, bent[number])
            else:
                face, left, top, ray = self._cast_straight(k, top, bottom)
            centres = Samples(*collect(face, left, top, n, n // 2, n, width, *ray))
            every = centres if n == 1 else Samples(*collect(face, left, top, n, 0, 1, width, *ray))
            yield every, centres

    def _window(self, k: int, top: int, bottom: int) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) pixels of the rows top … bottom outside of which there is nothing."""
        w, bounds = self.view.resolution[1], self.view.pose(k).bounds
        if not len(self.view.triangles.faces):
            return 0, top, 0, top
        if bounds is None:
            return 0, top, w, bottom
        x0, y0 = np.clip(np.floor(bounds[:2]), (0, top), (w, bottom)).astype(int)
        x1, y1 = np.clip(np.ceil(bounds[2:]), (0, top), (w, bottom)).astype(int)
        return int(x0), int(y0), int(x1), int(y1)

    def _cast_straight(self, k: int, top: int, bottom: int):
        pose, lens, n = self.view.pose(k), self.view.lenses[k], self.grid
        left, top, right, bottom = self._window(k, top, bottom)
        x, y = self._x[left * n : right * n], self._y[top * n : bottom * n]
        ray_x, ray_y = (x - lens.cx) / lens.fx, (y - lens.cy) / lens.fy
        depth, face = np.empty((len(y), len(x))), np.empty((len(y), len(x)), np.int32)
        fill_grid(
            pose.camera, self.view.triangles.faces, pose.boxes, lens.pinhole, left, top, n, ray_x, ray_y, depth, face
        )
        return face, left, top, (ray_x[None, :], ray_y[:, None])

    def _bent_bands(self, lens: Lens) -> list[BentCells]:
        """Of every band; kept until the lens is another."""
        if self._bent is None or self._bent[0] is not lens:
            self._bent = lens, [self._bent_cells(lens, *band) for band in self._bands]
        return self._bent[1]

    def _bent_cells(self, lens: Lens, top: int, bottom: int) -> BentCells:
        """Rays of all samples in rows top … bottom of a distorted camera, and the cells they lie in."""
        n = self.grid
        x, y = (np.ascontiguousarray(a.ravel()) for a in np.meshgrid(self._x, self._y[top * n : bottom * n]))
        rays = image_rays(x, y, lens.pinhole, lens.k, lens.radius)
        return BentCells(*bin_points(lens.fx * rays[:, 0] + lens.cx, lens.fy * rays[:, 1] + lens.cy), rays)

    def _cast_bent(self, k: int, top: int, cells: BentCells):
        pose, rays = self.view.pose(k), cells.rays
        depth, face = np.full(len(rays), np.inf), np.full(len(rays), -1, np.int32)
        fill_points(
            pose.camera,
            pose.screen,
            self.view.triangles.faces,
            pose.boxes,
            pose.lens.pinhole,
            cells.origin,
            cells.starts,
            cells.order,
            rays,
            depth,
            face,
        )
        shape = (-1, len(self._x))
        return face.reshape(shape), 0, top, (rays[:, 0].reshape(shape), rays[:, 1].reshape(shape))


def join(parts: list[Samples]) -> Samples:
    """The samples of all bands of a frame."""
    if len(parts) == 1:
        return parts[0]
    return Samples(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("pixel", "face", "ray")))


@njit(cache=True, nogil=True, error_model="numpy")
def collect(face, left, top, grid, first, step, width, ray_x, ray_y):
    """(pixel, face, ray) of every ``step``-th sample from ``first`` on that hit something.

    face: (h, w) int32 window at pixel (left, top); ray_x, ray_y broadcast against it.
    """
    h, w = face.shape
    count = 0
    for r in range(first, h, step):
        for c in range(first, w, step):
            count += face[r, c] >= 0
    pixel, found, ray = np.empty(count, np.uint32), np.empty(count, np.int32), np.empty((count, 2))
    n = 0
    for r in range(first, h, step):
        for c in range(first, w, step):
            if face[r, c] >= 0:
                pixel[n] = (top + r // grid) * width + left + c // grid
                found[n] = face[r, c]
                ray[n, 0] = ray_x[min(r, ray_x.shape[0] - 1), c]
                ray[n, 1] = ray_y[r, min(c, ray_y.shape[1] - 1)]
                n += 1
    return pixel, found, ray


@njit(cache=True, nogil=True, error_model="numpy")
def weights(camera, faces, face, ray):
    """(n, 3) float64 perspective-correct barycentric weights of rays (n, 2) on their faces (n,)."""
    out = np.empty((face.shape[0], 3))
    for n in range(face.shape[0]):
        i, j, k = faces[face[n], 0], faces[face[n], 1], faces[face[n], 2]
        x, y = ray[n, 0], ray[n, 1]
        u = _triple(x, y, camera[j], camera[k])
        v = _triple(x, y, camera[k], camera[i])
        w = _triple(x, y, camera[i], camera[j])
        scale = 1.0 / (u + v + w)
        out[n, 0], out[n, 1], out[n, 2] = u * scale, v * scale, w * scale
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _triple(x, y, a, b):
    return x * (a[1] * b[2] - a[2] * b[1]) + y * (a[2] * b[0] - a[0] * b[2]) + (a[0] * b[1] - a[1] * b[0])

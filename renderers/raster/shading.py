"""Colour images: texture × light, supersampled, over a background.

One cast of grid × grid rays per pixel serves colour (box filter over all) and labels (the middle
ray, which goes through the pixel's centre). Surfaces are Lambertian; even light is computed at the
vertices and blended, as in the Cycles renderer. Shadows fall on the ground alone.
"""

from collections.abc import Sequence

import numpy as np

from mannequin.generator import exact
from mannequin.generator.clip import Foreground
from mannequin.generator.compiled import njit
from mannequin.generator.light import SurfaceLight, surface_light
from mannequin.generator.scene import Scene
from mannequin.renderers.ground import Backdrop
from mannequin.renderers.raster.geometry import Viewpoint
from mannequin.renderers.raster.labels import LabelRecorder
from mannequin.renderers.raster.samples import Sampler, Samples, join
from mannequin.renderers.raster.texture import Textures, build_textures, fetch, texel_counts

ENCODE_STEPS = 16384


def _encode_table() -> np.ndarray:
    x = np.arange(ENCODE_STEPS + 1) / ENCODE_STEPS
    srgb = np.where(x <= 0.0031308, 12.92 * x, 1.055 * exact.power(x, 1 / 2.4) - 0.055)
    return np.round(srgb * 255).astype(np.uint8)


ENCODE = _encode_table()


def supersampling(samples: int) -> int:
    """Odd number of samples along a pixel's side whose square comes nearest to ``samples``.

    The usual 16 give 3: a body of 120 pixels then takes 4 ms to colour, and 9 ms with 5.
    """
    return min(range(1, 66, 2), key=lambda n: abs(n * n - samples))


def render_view(scene: Scene, camera: str, channels: Sequence[str]) -> tuple[np.ndarray, Foreground]:
    """((T, H, W, 3) uint8 sRGB images, label images) of ``scene`` as ``camera`` sees it.

    channels: label channels as in ``rasterize_labels``; the labels are the same as its.
    """
    view = Viewpoint(scene, camera)
    sampler = Sampler(view, supersampling(scene.spec.samples))
    painter = Painter(view, sampler.grid, surface_light(scene.spec.light, scene.environment), Backdrop(scene, camera))
    rgb, recorder = np.empty((view.num_frames, *view.resolution, 3), np.uint8), LabelRecorder(view, channels)
    for k in range(1, view.num_frames + 1):
        painter.clear(k, rgb[k - 1])
        centres, normals = [], None
        for every, middle in sampler.cast(k):
            normals = view.normals(k, every.face)
            painter.paint(k, every, normals, rgb[k - 1])
            centres.append(middle)
        recorder.add(k, join(centres), normals if len(centres) == 1 else None)
    return rgb, recorder.foreground()


class Painter:
    """Shades the samples of one viewpoint, grid × grid of them per pixel."""

    def __init__(self, view: Viewpoint, grid: int, light: SurfaceLight, backdrop: Backdrop):
        self.view, self.grid, self.light, self.backdrop = view, grid, light, backdrop
        meshes = view.scene.meshes
        self.textures: Textures = build_textures(m.texture for m in meshes)
        sizes = [texel_counts(m.vertices[1], m.faces, m.uv, *m.texture.shape[:2]) for m in meshes]
        self._sizes = np.concatenate([np.zeros((0, 2), np.float32), *sizes])
        self._behind: tuple[np.ndarray, np.ndarray] | None = None  # linear light, and the same encoded

    def clear(self, k: int, out: np.ndarray) -> None:
        """Write the background of index ``k``, which ``paint`` composites on, to out (H, W, 3) uint8 sRGB."""
        if self._behind is None or not self.backdrop.is_constant:
            light = self.backdrop.frame(k)
            self._behind = light, encode(light)
        out[:] = self._behind[1]

    def paint(self, k: int, samples: Samples, normals: np.ndarray, out: np.ndarray) -> None:
        """Write the pixels that ``samples`` of index ``k`` touch to out (H, W, 3) uint8 sRGB.

        normals: what ``view.normals`` gives for the samples.
        """
        assert self._behind is not None  # clear() comes first
        view, tri = self.view, self.view.triangles
        pose = view.pose(k)
        colour = shade(
            samples.face,
            samples.ray,
            pose.camera,
            tri.faces,
            tri.mesh,
            tri.uv,
            normals,
            light_vertices(normals, self.light.sh),
            pose.T_world_camera,
            self.light.lamps,
            self.textures.texels,
            self.textures.levels,
            self._sizes,
            pose.lens.pinhole,
            self.grid,
        )
        composite(samples.pixel, colour, self.grid, self._behind[0].reshape(-1, 3), out.reshape(-1, 3), ENCODE)


@njit(cache=True, nogil=True, error_model="numpy")
def light_vertices(normals, sh):
    """(V, 3) float32 radiance that the even light gives a white surface at each vertex.

    normals: (V, 3), world axes, of any length; 0 where nobody looks.
    """
    out = np.zeros((normals.shape[0], 3), np.float32)
    for i in range(normals.shape[0]):
        x, y, z = normals[i, 0], normals[i, 1], normals[i, 2]
        square = x * x + y * y + z * z
        if square > 0.0:
            size = 1.0 / np.sqrt(square)
            out[i, 0], out[i, 1], out[i, 2] = even_light(sh, x * size, y * size, z * size)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def shade(face, ray, camera, faces, mesh, uv, normals, even, T, lamps, texels, levels, sizes, pinhole, grid):
    """(n, 3) float32 linear radiance of the samples ``face`` (n,), ``ray`` (n, 2).

    even: (V, 3) what ``light_vertices`` gives, blended over a face; lamps are followed to every sample.
    sizes: (F, 2) what ``texel_counts`` gives.
    """
    out = np.empty((face.shape[0], 3), np.float32)
    focal = pinhole[0] * pinhole[1] * grid * grid
    for n in range(face.shape[0]):
        f = face[n]
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        x, y = ray[n, 0], ray[n, 1]
        xi, yi, zi = camera[i, 0], camera[i, 1], camera[i, 2]
        xj, yj, zj = camera[j, 0], camera[j, 1], camera[j, 2]
        xk, yk, zk = camera[k, 0], camera[k, 1], camera[k, 2]
        a = x * (yj * zk - zj * yk) + y * (zj * xk - xj * zk) + (xj * yk - yj * xk)
        b = x * (yk * zi - zk * yi) + y * (zk * xi - xk * zi) + (xk * yi - yk * xi)
        c = x * (yi * zj - zi * yj) + y * (zi * xj - xi * zj) + (xi * yj - yi * xj)
        facing = a + b + c
        scale = 1.0 / facing
        a, b, c = a * scale, b * scale, c * scale
        z = a * zi + b * zj + c * zk
        u = a * uv[f, 0, 0] + b * uv[f, 1, 0] + c * uv[f, 2, 0]
        v = a * uv[f, 0, 1] + b * uv[f, 1, 1] + c * uv[f, 2, 1]
        per_area = min(sizes[f, 0] / max(abs(facing), 1e-30), sizes[f, 1])
        level = pick_level(per_area * z * z / focal, levels.shape[1])
        red, green, blue = fetch(texels, levels[mesh[f], level], u, v)
        lr = a * even[i, 0] + b * even[j, 0] + c * even[k, 0]
        lg = a * even[i, 1] + b * even[j, 1] + c * even[k, 1]
        lb = a * even[i, 2] + b * even[j, 2] + c * even[k, 2]
        if lamps.shape[0] > 0:
            nx = a * normals[i, 0] + b * normals[j, 0] + c * normals[k, 0]
            ny = a * normals[i, 1] + b * normals[j, 1] + c * normals[k, 1]
            nz = a * normals[i, 2] + b * normals[j, 2] + c * normals[k, 2]
            size = 1.0 / max(1e-30, np.sqrt(nx * nx + ny * ny + nz * nz))
            wx, wy, wz = _turn(T, x, y)
            pr, pg, pb = lamp_light(
                lamps, wx * z + T[0, 3], wy * z + T[1, 3], wz * z + T[2, 3], nx * size, ny * size, nz * size
            )
            lr, lg, lb = lr + pr, lg + pg, lb + pb
        out[n, 0], out[n, 1], out[n, 2] = red * lr, green * lg, blue * lb
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _turn(T, x, y):
    """The ray (x, y, 1) in world axes."""
    return (
        T[0, 0] * x + T[0, 1] * y + T[0, 2],
        T[1, 0] * x + T[1, 1] * y + T[1, 2],
        T[2, 0] * x + T[2, 1] * y + T[2, 2],
    )


@njit(cache=True, nogil=True, error_model="numpy")
def pick_level(texels, count):
    """The level at which a footprint of so many texels (of level 0) is one to two texels wide."""
    level = 0
    while texels >= 2.0 and level + 1 < count:
        texels *= 0.25
        level += 1
    return level


@njit(cache=True, nogil=True, error_model="numpy")
def even_light(sh, nx, ny, nz):
    """RGB of max(0, Σ sh_i Y_i(n)) with mannequin.generator.light.sh_basis."""
    x, y, z = nx, -nz, ny
    y1, y2, y3 = 0.488603 * y, 0.488603 * z, 0.488603 * x
    y4, y5, y7 = 1.092548 * x * y, 1.092548 * y * z, 1.092548 * x * z
    y6, y8 = 0.315392 * (3.0 * z * z - 1.0), 0.546274 * (x * x - y * y)
    r = 0.282095 * sh[0, 0] + y1 * sh[1, 0] + y2 * sh[2, 0] + y3 * sh[3, 0]
    r += y4 * sh[4, 0] + y5 * sh[5, 0] + y6 * sh[6, 0] + y7 * sh[7, 0] + y8 * sh[8, 0]
    g = 0.282095 * sh[0, 1] + y1 * sh[1, 1] + y2 * sh[2, 1] + y3 * sh[3, 1]
    g += y4 * sh[4, 1] + y5 * sh[5, 1] + y6 * sh[6, 1] + y7 * sh[7, 1] + y8 * sh[8, 1]
    b = 0.282095 * sh[0, 2] + y1 * sh[1, 2] + y2 * sh[2, 2] + y3 * sh[3, 2]
    b += y4 * sh[4, 2] + y5 * sh[5, 2] + y6 * sh[6, 2] + y7 * sh[7, 2] + y8 * sh[8, 2]
    return max(r, 0.0), max(g, 0.0), max(b, 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def lamp_light(lamps, x, y, z, nx, ny, nz):
    """RGB that lamps add at world point (x, y, z), as SurfaceLight.radiance."""
    r, g, b = 0.0, 0.0, 0.0
    for n in range(lamps.shape[0]):
        dx, dy, dz = x - lamps[n, 0], y - lamps[n, 1], z - lamps[n, 2]
        square = max(1e-12, dx * dx + dy * dy + dz * dz)
        out = max(0.0, dx * lamps[n, 3] + dy * lamps[n, 4] + dz * lamps[n, 5])
        facing = max(0.0, -(dx * nx + dy * ny + dz * nz))
        gain = out * facing / (square * square)
        r, g, b = r + gain * lamps[n, 6], g + gain * lamps[n, 7], b + gain * lamps[n, 8]
    return r, g, b


@njit(cache=True, nogil=True, error_model="numpy")
def _composite_pixel(red, green, blue, cover, back, out, table):
    steps = table.shape[0] - 1
    for i, value in enumerate((red, green, blue)):
        value = min(max(value + (1.0 - cover) * back[i], 0.0), 1.0)
        out[i] = table[int(value * steps + 0.5)]


@njit(cache=True, nogil=True, error_model="numpy")
def composite(pixel, colour, grid, back, out, table):
    """Average samples over pixels, over the linear ``back`` (H·W, 3), into sRGB ``out`` (H·W, 3).

    pixel: (n,) of each sample, in rows of samples, so that a pixel's come in ``grid`` runs.
    """
    slot = np.full(out.shape[0], -1, np.int32)
    touched, total = np.empty(pixel.shape[0], np.uint32), np.zeros((pixel.shape[0], 4), np.float32)
    count = 0
    for n in range(pixel.shape[0]):
        p = pixel[n]
        if slot[p] < 0:
            slot[p], touched[count] = count, p
            count += 1
        s = slot[p]
        for i in range(3):
            total[s, i] += colour[n, i]
        total[s, 3] += 1.0
    part = np.float32(1.0 / (grid * grid))
    for s in range(count):
        p = touched[s]
        _composite_pixel(
            total[s, 0] * part, total[s, 1] * part, total[s, 2] * part, total[s, 3] * part, back[p], out[p], table
        )


def encode(linear: np.ndarray) -> np.ndarray:
    """uint8 sRGB of linear RGB, cut at 0 and 1."""
    return ENCODE[(np.clip(linear, 0.0, 1.0) * ENCODE_STEPS + 0.5).astype(np.int32)]

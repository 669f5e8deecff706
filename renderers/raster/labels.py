"""Label images, exact at pixel centres."""

from collections.abc import Sequence

import numpy as np

from mannequin.generator.clip import CHANNELS, LABELS, Foreground
from mannequin.generator.compiled import njit
from mannequin.generator.errors import unknown_name
from mannequin.generator.scene import Scene
from mannequin.renderers.raster.geometry import Viewpoint
from mannequin.renderers.raster.lens import project_points
from mannequin.renderers.raster.samples import Sampler, Samples, join, weights
from mannequin.renderers.raster.zbuffer import NEAR, bin_points, fill_points

OCCLUSION_TOLERANCE = 1e-5
"""A point counts as hidden when something is nearer by this fraction of its depth.

The comparison is made along the exact ray through the point, against the triangles and not
against a depth image, so the tolerance only absorbs rounding: 0.1 mm at 10 m.
"""


def rasterize_labels(scene: Scene, camera: str, channels: Sequence[str]) -> Foreground:
    """Label images of every frame of ``scene`` as ``camera`` sees it.

    channels: names of CHANNELS except "rgb". Raises ConfigError for any other name or camera.

    A pixel shows what its centre sees. Flow is 0 where the point is not imaged at the other frame
    (behind the camera, or beyond what the lens images); such points count as occluded, like
    those outside the image and those hidden by a surface.
    """
    view = Viewpoint(scene, camera)
    sampler, recorder = Sampler(view), LabelRecorder(view, channels)
    for k in range(1, view.num_frames + 1):
        recorder.add(k, join([middle for _, middle in sampler.cast(k)]))
    return recorder.foreground()


class LabelRecorder:
    """Computes the label images of one viewpoint, frame after frame.

    Two frames ask what hides their points at the moment between them: the one before it where they go, the one after
    where they were. They are asked together, since looking at all triangles once takes most of the time.
    """

    def __init__(self, view: Viewpoint, channels: Sequence[str]):
        """channels: names of CHANNELS except "rgb". Raises ConfigError for any other."""
        for name in channels:
            if name not in LABELS:
                raise unknown_name("label channel", name, LABELS)
        self.view, self.channels = view, tuple(channels)
        self.frames: list[tuple[np.ndarray, dict]] = []
        self._asked: dict[int, list[tuple[dict, str, np.ndarray, np.ndarray]]] = {}

    def add(self, k: int, seen: Samples, normals=None) -> None:
        """Index ``k`` (frame k - 1), after that before it; ``seen``: what pixel centres see.

        normals: what ``view.normals`` gave for these faces (and perhaps more), if it was called.
        """
        view, tri, pose = self.view, self.view.triangles, self.view.pose(k)
        bary = weights(pose.camera, tri.faces, seen.face, seen.ray)
        values = {}
        for name in self.channels:
            if name in ("segm", "instance", "chart"):
                values[name] = (tri.part if name == "segm" else getattr(tri, name))[seen.face]
            elif name == "depth":
                values[name] = blend(pose.camera, tri.faces, seen.face, bary)[:, 2].astype(np.float32)
            elif name == "normal":
                normals = view.normals(k, seen.face) if normals is None else normals
                values[name] = unit_normals(normals, tri.faces, seen.face, bary, pose.T_world_camera)
            elif name in ("uv", "chart_uv"):
                values[name] = blend_corners(getattr(tri, name), seen.face, bary)
        for suffix, other in (("_backward", k - 1), ("", k + 1)):
            self._add_motion(values, seen, bary, other, suffix)
        self.frames.append((seen.pixel, values))
        self._answer(k - 1)

    def foreground(self) -> Foreground:
        """All frames, once they are added."""
        for k in sorted(self._asked):
            self._answer(k)
        offsets = np.cumsum([0] + [len(pixels) for pixels, _ in self.frames], dtype=np.int64)
        pixels = np.concatenate([pixels for pixels, _ in self.frames])
        values = {c: np.concatenate([v[c] for _, v in self.frames]) for c in self.channels}
        return Foreground(self.view.resolution, offsets, pixels, values)

    def _add_motion(self, values: dict, seen: Samples, bary: np.ndarray, other: int, suffix: str) -> None:
        """Fill in flow towards index ``other``, and ask for occlusion there, as far as they are wanted."""
        flow, occluded = "flow" + suffix, "occluded" + suffix
        if flow not in self.channels and occluded not in self.channels:
            return
        lens, (h, w) = self.view.lenses[other], self.view.resolution
        points = blend(self.view.pose(other).camera, self.view.triangles.faces, seen.face, bary)
        image = project_points(points, lens.pinhole, lens.k, lens.radius, NEAR)
        if flow in self.channels:
            values[flow] = displacements(image, seen.pixel, w)
        if occluded in self.channels:
            self._asked.setdefault(other, []).append((values, occluded, points, outside(image, h, w)))

    def _answer(self, k: int) -> None:
        """Fill in what was asked of index ``k``."""
        asked = self._asked.pop(k, [])
        if not asked:
            return
        points = np.concatenate([points for *_, points, _out in asked])
        hidden, first = _hidden(self.view, k, points, np.concatenate([out for *_, out in asked])), 0
        for values, channel, own, _out in asked:
            values[channel] = hidden[first : first + len(own)].view(CHANNELS[channel].dtype)
            first += len(own)


def _hidden(view: Viewpoint, k: int, points: np.ndarray, out: np.ndarray) -> np.ndarray:
    """(n,) bool: ``out``, or something at index ``k`` is in front of the camera-frame points (n, 3)."""
    pose, lens = view.pose(k), view.lenses[k]
    rays, limit = aim(points, out, OCCLUSION_TOLERANCE)
    face = np.full(len(points), -1, np.int32)
    cells = bin_points(lens.fx * rays[:, 0] + lens.cx, lens.fy * rays[:, 1] + lens.cy)
    fill_points(pose.camera, pose.screen, view.triangles.faces, pose.boxes, lens.pinhole, *cells, rays, limit, face)
    return out | (face >= 0)


@njit(cache=True, nogil=True, error_model="numpy")
def aim(points, out, tolerance):
    """Rays (n, 2) to camera-frame points (n, 3), NaN where ``out``, and the depth to stay under."""
    rays, limit = np.empty((points.shape[0], 2)), np.empty(points.shape[0])
    for n in range(points.shape[0]):
        z = np.nan if out[n] else points[n, 2]
        rays[n, 0], rays[n, 1], limit[n] = points[n, 0] / z, points[n, 1] / z, z * (1.0 - tolerance)
    return rays, limit


@njit(cache=True, nogil=True, error_model="numpy")
def outside(image, h, w):
    """(n,) bool: positions (n, 2) pixels that are not in the image, or not imaged at all."""
    out = np.empty(image.shape[0], np.bool_)
    for n in range(image.shape[0]):
        out[n] = not (0.0 <= image[n, 0] < w and 0.0 <= image[n, 1] < h)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def displacements(image, pixel, width):
    """(n, 2) float32 from the centres of pixels (n,) to positions (n, 2); 0 where those are NaN."""
    out = np.zeros(image.shape, np.float32)
    for n in range(image.shape[0]):
        if not np.isnan(image[n, 0]):
            out[n, 0] = image[n, 0] - (pixel[n] % width + 0.5)
            out[n, 1] = image[n, 1] - (pixel[n] // width + 0.5)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def blend(values, faces, face, bary):
    """(n, 3) float64: per-vertex values (V, 3) weighted by ``bary`` (n, 3) on faces ``face`` (n,)."""
    out = np.empty((face.shape[0], 3))
    for n in range(face.shape[0]):
        i, j, k = faces[face[n], 0], faces[face[n], 1], faces[face[n], 2]
        for c in range(3):
            out[n, c] = bary[n, 0] * values[i, c] + bary[n, 1] * values[j, c] + bary[n, 2] * values[k, c]
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def unit_normals(normals, faces, face, bary, T):
    """(n, 3) float32 camera-frame unit vectors from per-vertex world normals (V, 3); T: T_world_camera."""
    out = np.zeros((face.shape[0], 3), np.float32)
    for n in range(face.shape[0]):
        i, j, k = faces[face[n], 0], faces[face[n], 1], faces[face[n], 2]
        a, b, c = bary[n, 0], bary[n, 1], bary[n, 2]
        x = a * normals[i, 0] + b * normals[j, 0] + c * normals[k, 0]
        y = a * normals[i, 1] + b * normals[j, 1] + c * normals[k, 1]
        z = a * normals[i, 2] + b * normals[j, 2] + c * normals[k, 2]
        length = np.sqrt(x * x + y * y + z * z)
        if length > 0.0:
            for d in range(3):
                out[n, d] = (x * T[0, d] + y * T[1, d] + z * T[2, d]) / length
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def blend_corners(values, face, bary):
    """(n, 2) float32: per-corner values (F, 3, 2) weighted by ``bary`` (n, 3)."""
    out = np.empty((face.shape[0], 2), np.float32)
    for n in range(face.shape[0]):
        f = face[n]
        for c in range(2):
            out[n, c] = bary[n, 0] * values[f, 0, c] + bary[n, 1] * values[f, 1, c] + bary[n, 2] * values[f, 2, c]
    return out

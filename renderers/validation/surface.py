"""Labels against rays cast through pixel centres onto the posed meshes, with neither renderer.

A few hundred pixels of some frames are examined: on people and objects, around their outlines, and
anywhere. There the labels are exact, so that what may differ is the step in which a channel is
stored, and a ray that grazes an edge.
"""

import cv2
import numpy as np

from mannequin.generator.clip import CHANNELS, LABELS, Clip, View
from mannequin.generator.scene import Scene
from mannequin.renderers.validation.rays import NEAR, Eye, cast
from mannequin.renderers.validation.table import Finding

FRAMES = 4
ON, AROUND, ANYWHERE = 160, 60, 20
"""Rays per frame on the foreground, in a ring around it, and spread over the image."""

HIDDEN_STEP = 1e-5
"""Of the depth: nearer surfaces hide a point. The same as the format's definition of occlusion."""

SHARE = 0.5
"""% of rays whose label may differ: a few grazing rays of the hundreds per clip."""

LIMITS = {
    "depth": (2e-4, "m"),
    "normal": (1e-3, ""),
    "flow": (0.02, "px"),
    "flow_backward": (0.02, "px"),
    "uv": (1e-4, ""),
    "chart_uv": (1e-4, ""),
}
"""99th percentile: a few of the steps in which format.md says that the channel is stored."""


def ray_findings(clip: Clip, scene: Scene) -> list[Finding]:
    """Every label channel of every camera of ``clip`` against ``scene``."""
    mesh = _Mesh(scene)
    names = {"silhouette"} | {n for view in clip.views.values() for n in view.labels.values}
    errors = {name: [] for name in ("silhouette", *LABELS) if name in names}
    for camera in clip.spec.cameras:
        view, (K, poses) = clip.views[camera.name], scene.cameras[camera.name]
        eye = Eye(K, poses, camera.distortion, clip.spec.resolution)
        for t in some_frames(clip.spec.num_frames, FRAMES):
            for name, error in _frame_errors(view, eye, mesh, int(t)).items():
                errors[name].append(error)
    return [_finding(name, np.concatenate(found)) for name, found in errors.items()]


def some_frames(count: int, most: int) -> np.ndarray:
    """At most ``most`` frames, evenly spread, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


def _finding(name: str, errors: np.ndarray) -> Finding:
    if name in LIMITS:
        limit, unit = LIMITS[name]
        value = float(np.percentile(errors, 99, method="lower")) if len(errors) else 0.0
        return Finding(f"{name} along rays", value, limit, unit)
    return Finding(f"{name} along rays", 100 * float(errors.mean()) if len(errors) else 0.0, SHARE, "%")


class _Mesh:
    """All meshes of a scene as one."""

    def __init__(self, scene: Scene):
        self.meshes = scene.meshes
        starts = np.cumsum([0] + [m.vertices.shape[1] for m in self.meshes])
        self.faces = self._join([m.faces + s for m, s in zip(self.meshes, starts)], np.zeros((0, 3), int))
        self.labels = {
            "segm": self._join([m.part for m in self.meshes], np.zeros(0, int)),
            "chart": self._join([m.chart for m in self.meshes], np.zeros(0, int)),
            "instance": self._join([np.full(len(m.faces), m.instance) for m in self.meshes], np.zeros(0, int)),
        }
        self.corners = {
            "uv": self._join([m.uv for m in self.meshes], np.zeros((0, 3, 2))),
            "chart_uv": self._join([m.chart_uv for m in self.meshes], np.zeros((0, 3, 2))),
        }

    @staticmethod
    def _join(arrays, empty):
        return np.concatenate([empty, *arrays]).astype(empty.dtype)

    def vertices(self, k: int) -> np.ndarray:
        """(V, 3) float64 world metres at index ``k``."""
        return self._join([m.vertices[k] for m in self.meshes], np.zeros((0, 3)))

    def normals(self, vertices: np.ndarray) -> np.ndarray:
        """(V, 3) unit normals: the mean of the faces around each vertex, weighted by their angle there."""
        corner = vertices[self.faces]
        face = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
        face /= np.maximum(np.linalg.norm(face, axis=1, keepdims=True), 1e-30)
        total = np.zeros_like(vertices)
        for c in range(3):
            a, b = corner[:, (c + 1) % 3] - corner[:, c], corner[:, (c + 2) % 3] - corner[:, c]
            angle = np.arctan2(np.linalg.norm(np.cross(a, b), axis=1), (a * b).sum(1))
            np.add.at(total, self.faces[:, c], angle[:, None] * face)
        return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-30)


def _frame_errors(view: View, eye: Eye, mesh: _Mesh, t: int) -> dict[str, np.ndarray]:
    """Channel → (n,) errors of frame ``t`` where both the labels and the rays show a surface."""
    labels, k = view.labels, t + 1
    pixels = _pixels(labels.mask(t), t)
    rays = eye.rays(pixels, k)
    vertices = mesh.vertices(k)
    camera = eye.to_camera(vertices, k)
    face, weight, depth = cast(camera[mesh.faces], rays, np.full(len(rays), np.inf))
    shown = labels.mask(t).reshape(-1)[pixels]
    errors = {"silhouette": (shown != (face >= 0)).astype(float)}
    both = shown & (face >= 0)
    pixels, face, weight, depth = pixels[both], face[both], weight[both], depth[both]
    seen = {name: labels.frame(name, t).reshape(-1, *CHANNELS[name].shape)[pixels] for name in labels.values}
    expected = {name: table[face] for name, table in mesh.labels.items()}
    expected |= {name: np.einsum("nc,ncd->nd", weight, table[face]) for name, table in mesh.corners.items()}
    expected["depth"] = depth
    if "normal" in seen:
        expected["normal"] = _normals(mesh, vertices, face, weight) @ eye.poses[k, :3, :3]
    for suffix, step in (("", 1), ("_backward", -1)):
        expected |= _motion(eye, mesh, pixels, face, weight, k + step, suffix, seen)
    for name, value in seen.items():
        errors[name] = _error(name, value, expected[name])
    return errors


def _error(name: str, seen: np.ndarray, expected: np.ndarray) -> np.ndarray:
    if name not in LIMITS:
        return (seen != expected).astype(float)
    gap = np.abs(seen.astype(float) - expected)
    return gap if gap.ndim == 1 else np.linalg.norm(gap, axis=1)


def _normals(mesh: _Mesh, vertices, face, weight) -> np.ndarray:
    normal = np.einsum("nc,ncd->nd", weight, mesh.normals(vertices)[mesh.faces[face]])
    return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-30)


def _motion(eye: Eye, mesh: _Mesh, pixels, face, weight, k: int, suffix: str, wanted) -> dict[str, np.ndarray]:
    """Flow and occlusion of the points met, towards index ``k``."""
    flow, occluded = "flow" + suffix, "occluded" + suffix
    if flow not in wanted and occluded not in wanted:
        return {}
    camera = eye.to_camera(mesh.vertices(k), k)
    points = np.einsum("nc,ncd->nd", weight, camera[mesh.faces[face]])
    image = eye.project(points, k)
    y, x = np.divmod(pixels, eye.resolution[1])
    expected = {flow: np.nan_to_num(image - (np.stack([x, y], axis=1) + 0.5))}
    if occluded in wanted:
        inside = eye.sees(image) & (points[:, 2] >= NEAR)
        safe = np.where(inside, points[:, 2], np.nan)
        hit, _, _ = cast(camera[mesh.faces], points[:, :2] / safe[:, None], safe * (1 - HIDDEN_STEP))
        expected[occluded] = ~inside | (hit >= 0)
    return expected


def _pixels(mask: np.ndarray, t: int) -> np.ndarray:
    """(n,) flat indices of the pixels examined in a frame whose foreground is ``mask``."""
    ring = cv2.dilate(mask.view(np.uint8), np.ones((5, 5), np.uint8)).astype(bool) & ~mask
    groups = ((np.flatnonzero(mask), ON), (np.flatnonzero(ring), AROUND), (np.arange(mask.size), ANYWHERE))
    return np.unique(np.concatenate([_spread(group, count, t) for group, count in groups]))


def _spread(items: np.ndarray, count: int, t: int) -> np.ndarray:
    """About ``count`` of ``items`` at even distances, others in every frame."""
    if len(items) <= count:
        return items
    step = len(items) / count
    return items[((np.arange(count) + (t * 0.618) % 1.0) * step).astype(int)]

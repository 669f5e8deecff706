"""All meshes of a scene as one list of triangles, seen by one camera, frame after frame."""

from dataclasses import dataclass

import numpy as np

from mannequin.generator.compiled import njit
from mannequin.generator.errors import RenderError, unknown_name
from mannequin.generator.scene import MeshTrack, Scene
from mannequin.renderers.raster.lens import Lens, make_lenses
from mannequin.renderers.raster.zbuffer import project_vertices, triangle_boxes


@dataclass(frozen=True, eq=False)
class Triangles:
    """The faces of all meshes, their labels, and where each mesh's vertices start.

    faces: (F, 3) uint32, which numba indexes fastest. mesh: (F,) uint8 position in
    ``scene.meshes``. instance, part, chart: (F,) uint8. uv, chart_uv: (F, 3, 2) float32.
    starts: (M + 1,) first vertex of each mesh.
    """

    faces: np.ndarray
    mesh: np.ndarray
    instance: np.ndarray
    part: np.ndarray
    chart: np.ndarray
    uv: np.ndarray
    chart_uv: np.ndarray
    starts: np.ndarray


def merge(meshes: tuple[MeshTrack, ...]) -> Triangles:
    """One list of triangles; face and vertex order follow the meshes."""
    starts = np.cumsum([0] + [m.vertices.shape[1] for m in meshes])
    sizes = [len(m.faces) for m in meshes]

    def join(parts, shape, dtype):
        return np.ascontiguousarray(np.concatenate([np.zeros((0,) + shape, dtype), *parts]), dtype)

    return Triangles(
        faces=join([m.faces + s for m, s in zip(meshes, starts)], (3,), np.uint32),
        mesh=np.repeat(np.arange(len(meshes), dtype=np.uint8), sizes),
        instance=np.repeat(np.array([m.instance for m in meshes], np.uint8), sizes),
        part=join([m.part for m in meshes], (), np.uint8),
        chart=join([m.chart for m in meshes], (), np.uint8),
        uv=join([m.uv for m in meshes], (3, 2), np.float32),
        chart_uv=join([m.chart_uv for m in meshes], (3, 2), np.float32),
        starts=starts,
    )


@dataclass(frozen=True, eq=False)
class Pose:
    """The triangles at one moment.

    camera: (V, 3) float64 metres in the camera frame. screen: (V, 2) float64 pinhole pixels.
    boxes: (F, 5) ``triangle_boxes``. T_world_camera: (4, 4). lens: at that moment.
    bounds: (x0, y0, x1, y1) pinhole pixels; None when something comes nearer than NEAR, and so may be
    anywhere.
    """

    camera: np.ndarray
    screen: np.ndarray
    boxes: np.ndarray
    T_world_camera: np.ndarray
    lens: Lens
    bounds: tuple[float, float, float, float] | None


class Viewpoint:
    """A scene as one of its cameras sees it."""

    def __init__(self, scene: Scene, camera: str):
        if camera not in scene.cameras:
            raise unknown_name("camera", camera, scene.cameras)
        self.scene = scene
        self.triangles = merge(scene.meshes)
        K, self.poses = scene.cameras[camera]
        spec = next(c for c in scene.spec.cameras if c.name == camera)
        self.lenses = make_lenses(K, spec.distortion)
        self.resolution = scene.spec.resolution
        self.num_frames = scene.spec.num_frames
        self._recent: dict[int, Pose] = {}

    def pose(self, k: int) -> Pose:
        """Pose at index ``k`` (frame k - 1); the last three asked for are kept."""
        if k not in self._recent:
            if len(self._recent) == 3:
                del self._recent[min(self._recent)]
            self._recent[k] = self._project(k)
        return self._recent[k]

    def _project(self, k: int) -> Pose:
        starts, T, lens = self.triangles.starts, self.poses[k], self.lenses[k]
        camera, screen = np.empty((starts[-1], 3)), np.empty((starts[-1], 2))
        R = np.ascontiguousarray(T[:3, :3].T)
        around, behind = [], 0
        for mesh, a, b in zip(self.scene.meshes, starts, starts[1:]):
            *box, hidden = project_vertices(
                mesh.vertices[k], R, T[:3, 3].copy(), lens.pinhole, camera[a:b], screen[a:b]
            )
            around.append(box)
            behind += hidden
        if not np.isfinite(camera).all():
            raise RenderError(
                f"Frame {k - 1} of clip {self.scene.spec.name!r} has vertices or camera poses that are not finite. "
                "Look at its motion and body assets."
            )
        bounds = None
        if around and not behind:
            low, high = np.min(around, axis=0), np.max(around, axis=0)
            bounds = (low[0], low[1], high[2], high[3])
        boxes = triangle_boxes(camera, screen, self.triangles.faces)
        return Pose(camera, screen, boxes, T, lens, bounds)

    def normals(self, k: int, face: np.ndarray) -> np.ndarray:
        """(V, 3) float64 smooth unit vertex normals at index ``k`` in world axes.

        Only those of the vertices of the faces in ``face`` (n,) are right; others are unfinished.
        Blender interpolates unit vectors too: where they differed in length (fewer faces meet at a
        hem) the surface would be shaded as if bent elsewhere.
        """
        tri = self.triangles
        out = np.zeros((tri.starts[-1], 3))
        wanted = mark_corners(tri.faces, face, len(out))
        first = 0
        for mesh, a in zip(self.scene.meshes, tri.starts):
            last = first + len(mesh.faces)
            add_vertex_normals(mesh.vertices[k], tri.faces[first:last], a, wanted, out)
            first = last
        _make_unit(out, wanted)
        return out


@njit(cache=True, nogil=True, error_model="numpy")
def _make_unit(vectors, wanted):
    """Bring the ``wanted`` rows of vectors (n, 3) to length 1; zeros stay."""
    for i in range(len(vectors)):
        if wanted[i]:
            x, y, z = vectors[i]
            length = np.sqrt(x * x + y * y + z * z)
            if length > 0.0:
                vectors[i] /= length


@njit(cache=True, nogil=True, error_model="numpy")
def _arc_cosine(x):
    """acos to 2e-8 rad (Abramowitz and Stegun 4.4.46)."""
    a = abs(x)
    if a >= 1.0:
        return 0.0 if x > 0 else np.pi
    p = -0.0012624911 * a + 0.0066700901
    p = p * a - 0.0170881256
    p = p * a + 0.0308918810
    p = p * a - 0.0501743046
    p = p * a + 0.0889789874
    p = p * a - 0.2145988016
    p = (p * a + 1.5707963050) * np.sqrt(1.0 - a)
    return p if x >= 0 else np.pi - p


@njit(cache=True, nogil=True, error_model="numpy")
def mark_corners(faces, face, count):
    """(count,) bool: the vertex belongs to one of the faces ``face`` (n,)."""
    wanted = np.zeros(count, np.bool_)
    for f in face:
        wanted[faces[f, 0]] = wanted[faces[f, 1]] = wanted[faces[f, 2]] = True
    return wanted


@njit(cache=True, nogil=True, error_model="numpy")
def add_vertex_normals(vertices, faces, start, wanted, out):
    """Add to ``out`` the face normals around each ``wanted`` vertex, weighted by the corner's angle.

    vertices: (v, 3) of one mesh; its vertex 0 is number ``start`` in faces, wanted and out.

    That is what Blender's smooth shading interpolates. Source: Thürmer and Wüthrich, "Computing
    vertex normals from polygonal facets", 1998.
    """
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        if not (wanted[i] or wanted[j] or wanted[k]):
            continue
        a, b, c = i - start, j - start, k - start
        xi, yi, zi = np.float64(vertices[a, 0]), np.float64(vertices[a, 1]), np.float64(vertices[a, 2])
        ax, ay, az = vertices[b, 0] - xi, vertices[b, 1] - yi, vertices[b, 2] - zi
        bx, by, bz = vertices[c, 0] - xi, vertices[c, 1] - yi, vertices[c, 2] - zi
        nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        size = nx * nx + ny * ny + nz * nz
        if size == 0.0:
            continue
        size = 1.0 / np.sqrt(size)
        nx, ny, nz = nx * size, ny * size, nz * size
        aa, bb, ab = ax * ax + ay * ay + az * az, bx * bx + by * by + bz * bz, ax * bx + ay * by + az * bz
        wi = _arc_cosine(ab / np.sqrt(aa * bb))
        wj = _arc_cosine((aa - ab) / np.sqrt(aa * (aa + bb - 2.0 * ab)))
        wk = np.pi - wi - wj
        out[i, 0] += wi * nx
        out[i, 1] += wi * ny
        out[i, 2] += wi * nz
        out[j, 0] += wj * nx
        out[j, 1] += wj * ny
        out[j, 2] += wj * nz
        out[k, 0] += wk * nx
        out[k, 1] += wk * ny
        out[k, 2] += wk * nz

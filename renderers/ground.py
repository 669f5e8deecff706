"""Shadows of people and objects on level ground, for both renderers.

The light is cut into many small ones of equal power: directions drawn from the environment, points
on the lamps. Each throws the points of all meshes onto a grid of the ground; what share of the
light a cell keeps darkens the background seen there. Unlike a path-traced shadow catcher it costs
the same at every image size, has no noise, and is the same whichever renderer draws the people.
"""

import cv2
import numpy as np

from mannequin.generator import exact
from mannequin.generator.compiled import njit
from mannequin.generator.scene import Scene
from mannequin.generator.spec import HdriLight, LampLight

NUM_LIGHTS = 64
CELL = 0.02
"""m, edge of a cell of the ground."""

REACH = 3.0
FADE = 1.0
"""m around what stands on the ground to which its shadow is followed, and over which it fades out."""

SOFTNESS = 1.3
"""Cells; the Gaussian that hides that the lights are points."""


class GroundShadow:
    """The factor by which the background of one camera is darkened, frame by frame."""

    def __init__(self, scene: Scene, camera: str):
        self.scene = scene
        self.K, self.poses = scene.cameras[camera]
        self.height = scene.spec.ground_height
        self.lights, self.power, self.always = _small_lights(scene)
        self._lattices = [_lattice(mesh) for mesh in scene.meshes] if len(self.lights) else []

    def __bool__(self) -> bool:
        return len(self.lights) > 0 and len(self.scene.meshes) > 0

    def factor(self, k: int) -> np.ndarray:
        """(H, W, 3) float32 in (0, 1] for index ``k`` of the scene's tracks (frame k - 1)."""
        points = np.concatenate(
            [_points(mesh, k, self.height, *lattice) for mesh, lattice in zip(self.scene.meshes, self._lattices)]
        )
        low = points[:, :2].min(0) - REACH
        size = np.ceil((points[:, :2].max(0) + REACH - low) / CELL).astype(int)
        lost = _throw(points, self.lights, self.power, low, CELL, size[1], size[0])
        lost = cv2.GaussianBlur(lost, (0, 0), SOFTNESS) / (self.power.sum(0) + self.always).astype(np.float32)
        kept = 1.0 - lost * _fading(size[1])[:, None, None] * _fading(size[0])[None, :, None]
        eye = _above(self.poses[k], self.height)
        return _look(kept.astype(np.float32), low, CELL, self.K[k], eye, *self.scene.spec.resolution)


def _above(T_world_camera: np.ndarray, height: float) -> np.ndarray:
    """The (4, 4) pose as measured from ground at ``height`` metres."""
    pose = T_world_camera.copy()
    pose[2, 3] -= height
    return pose


def _fading(cells: int) -> np.ndarray:
    """(cells,) float32: 1, but falling to 0 over FADE at both ends."""
    from_end = np.minimum(np.arange(cells), np.arange(cells)[::-1]) * CELL / FADE
    return np.clip(from_end, 0, 1).astype(np.float32)


def _lattice(mesh) -> tuple[np.ndarray, np.ndarray]:
    """((P,) faces, (P, 3) weights) of points that, with the vertices, leave no gap wider than a cell."""
    corners = mesh.vertices[1][mesh.faces]
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(1)
    steps = np.minimum(np.ceil(longest / (1.4 * CELL)).astype(int), 200)
    faces, weights = [np.zeros(0, np.int64)], [np.zeros((0, 3))]
    for n in np.unique(steps[steps > 1]):
        i, j = np.meshgrid(np.arange(n + 1), np.arange(n + 1))
        inside = (i + j <= n) & (np.maximum(np.maximum(i, j), n - i - j) < n)
        bary = np.stack([i, j, n - i - j], -1)[inside] / n
        which = np.flatnonzero(steps == n)
        faces.append(np.repeat(which, len(bary)))
        weights.append(np.tile(bary, (len(which), 1)))
    return np.concatenate(faces), np.concatenate(weights)


def _points(mesh, k: int, height: float, faces: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(P, 3) float32 points of a mesh at index ``k`` above the ground at ``height``; their z counts from it."""
    vertices = mesh.vertices[k]
    between = (weights[..., None] * vertices[mesh.faces[faces]]).sum(1)
    points = np.concatenate([vertices, between.astype(np.float32)])
    points[:, 2] -= np.float32(height)
    return points[points[:, 2] > 0.0]


def _small_lights(scene: Scene):
    """((L, 4) homogeneous positions: directions have w = 0; (L, 3) RGB irradiance on the ground of
    each; (3,) irradiance that nothing blocks). Heights count from the ground; where there is none, no light is."""
    light = scene.spec.light
    if scene.spec.ground is None:
        return np.zeros((0, 4)), np.zeros((0, 3)), np.zeros(3)
    if isinstance(light, HdriLight) and light.shadow and scene.environment is not None:
        directions, power = sample_environment(scene.environment, light.yaw, NUM_LIGHTS)
        return np.concatenate([directions, np.zeros((len(directions), 1))], 1), power * light.strength, np.zeros(3)
    if isinstance(light, LampLight) and light.shadow:
        return _lamp_points(light, scene.spec.ground_height)
    return np.zeros((0, 4)), np.zeros((0, 3)), np.zeros(3)


def sample_environment(environment: np.ndarray, yaw: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """((count, 3) unit world directions towards the light, (count, 3) RGB irradiance of each on flat ground).

    Directions of the upper half are drawn by what they give to the ground, on a fixed
    low-discrepancy sequence (Roberts' R2), so that all have nearly the same luminance.
    """
    h, w = environment.shape[:2]
    upper = environment[: h // 2].astype(np.float64)
    elevation = np.pi * (0.5 - (np.arange(h // 2) + 0.5) / h)[:, None]
    solid = exact.cos(elevation) * (2 * np.pi / w) * (np.pi / h) * exact.sin(elevation)
    given = upper * solid[..., None]
    luminance = exact.matmul(given, [0.2126, 0.7152, 0.0722]) + 1e-12
    rows = np.cumsum(luminance.sum(1))
    index = np.arange(1, count + 1)[:, None]
    a, b = ((0.5 + index * [0.7548776662466927, 0.5698402909980532]) % 1.0).T
    row = np.searchsorted(rows / rows[-1], a).clip(0, h // 2 - 1)
    columns = np.cumsum(luminance[row], axis=1)
    column = (columns < b[:, None] * columns[:, -1:]).sum(1).clip(0, w - 1)
    azimuth = 2 * np.pi * (0.5 - (column + 0.5) / w) + yaw
    up = elevation[row, 0]
    directions = np.stack([exact.cos(up) * exact.cos(azimuth), exact.cos(up) * exact.sin(azimuth), exact.sin(up)], 1)
    share = given[row, column] / luminance[row, column, None]
    return directions, share * luminance.sum() / count


def _lamp_points(light: LampLight, height: float):
    """Points on the lamps' discs over ground at ``height``; the ambient light is what remains in every shadow."""
    each = max(1, NUM_LIGHTS // max(1, len(light.lamps)))
    spots, power = [], []
    for lamp in light.lamps:
        position, axis = np.subtract(lamp.position, [0.0, 0.0, height]), np.subtract(lamp.target, lamp.position)
        axis = axis / exact.norm(axis)
        side = np.cross(axis, [0.0, 0.0, 1.0] if abs(axis[2]) < 0.9 else [1.0, 0.0, 0.0])
        side /= exact.norm(side)
        other = np.cross(axis, side)
        n = np.arange(each) + 0.5
        radius, angle = lamp.size / 2 * np.sqrt(n / each), n * 2.399963229728653
        spots.append(
            position + radius[:, None] * (exact.cos(angle)[:, None] * side + exact.sin(angle)[:, None] * other)
        )
        below = np.array([0.0, 0.0, 0.0]) - position
        distance = exact.norm(below)
        onto = (
            lamp.power
            / np.pi
            / distance**2
            * max(0.0, exact.matmul(below, axis) / distance)
            * max(0.0, position[2] / distance)
        )
        power.append(np.tile(onto * np.asarray(lamp.color) / each, (each, 1)))
    if not spots:
        return np.zeros((0, 4)), np.zeros((0, 3)), np.zeros(3)
    spots = np.concatenate(spots)
    return (
        np.concatenate([spots, np.ones((len(spots), 1))], 1),
        np.concatenate(power),
        np.full(3, np.pi * light.ambient),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _throw(points, lights, power, low, cell, rows, columns):
    """(rows, columns, 3) float32 irradiance that the points take from each cell of the ground."""
    lost = np.zeros((rows, columns, 3), np.float32)
    stamp = np.full((rows, columns), -1, np.int16)
    scale = 1.0 / cell
    for n in range(lights.shape[0]):
        w = lights[n, 3]
        red, green, blue = power[n, 0], power[n, 1], power[n, 2]
        for p in range(points.shape[0]):
            z = points[p, 2]
            dz = lights[n, 2] - w * z
            if dz <= 1e-6:
                continue
            t = z / dz
            x = (points[p, 0] - (lights[n, 0] - w * points[p, 0]) * t - low[0]) * scale - 0.5
            y = (points[p, 1] - (lights[n, 1] - w * points[p, 1]) * t - low[1]) * scale - 0.5
            if not (x >= 0.0 and y >= 0.0 and x < columns - 1 and y < rows - 1):
                continue
            i, j = int(y), int(x)
            for r in range(i, i + 2):
                for c in range(j, j + 2):
                    if stamp[r, c] != n:
                        stamp[r, c] = n
                        lost[r, c, 0] += red
                        lost[r, c, 1] += green
                        lost[r, c, 2] += blue
    return lost


@njit(cache=True, nogil=True, error_model="numpy")
def _look(kept, low, cell, K, T, h, w):
    """(h, w, 3) float32: the ground's share of light as the camera sees it, 1 where it sees none."""
    out = np.ones((h, w, 3), np.float32)
    rows, columns = kept.shape[:2]
    cz = T[2, 3]
    if cz <= 0.0:
        return out
    for i in range(h):
        for j in range(w):
            x, y = (j + 0.5 - K[0, 2]) / K[0, 0], (i + 0.5 - K[1, 2]) / K[1, 1]
            dz = T[2, 0] * x + T[2, 1] * y + T[2, 2]
            if dz >= -1e-6:
                continue
            s = -cz / dz
            gx = (T[0, 3] + s * (T[0, 0] * x + T[0, 1] * y + T[0, 2]) - low[0]) / cell - 0.5
            gy = (T[1, 3] + s * (T[1, 0] * x + T[1, 1] * y + T[1, 2]) - low[1]) / cell - 0.5
            if not (gx >= 0.0 and gy >= 0.0 and gx < columns - 1 and gy < rows - 1):
                continue
            c, r = int(gx), int(gy)
            u, v = gx - c, gy - r
            for k in range(3):
                top = kept[r, c, k] * (1.0 - u) + kept[r, c + 1, k] * u
                bottom = kept[r + 1, c, k] * (1.0 - u) + kept[r + 1, c + 1, k] * u
                out[i, j, k] = top * (1.0 - v) + bottom * v
    return out


class Backdrop:
    """What one camera sees behind everything: the scene's background under the shadows."""

    def __init__(self, scene: Scene, camera: str):
        self.background = scene.background[camera]
        self.shadow = GroundShadow(scene, camera)
        self.is_constant = self.background.is_constant and not self.shadow

    def frame(self, k: int) -> np.ndarray:
        """(H, W, 3) float32 linear RGB of index ``k`` (frame k - 1)."""
        behind = self.background.frame(k)
        return behind * self.shadow.factor(k) if self.shadow else behind

"""Pinhole cameras in the OpenCV convention: x right, y down, z forward."""

import numpy as np

from mannequin.generator import exact
from mannequin.generator.spec import CameraSpec, Matrix4


def look_at(position, target, roll: float = 0.0) -> np.ndarray:
    """(4, 4) T_world_camera of a camera at ``position`` facing ``target``, level unless rolled (rad)."""
    position = np.asarray(position, float)
    forward = np.asarray(target, float) - position
    forward /= exact.norm(forward)
    up = np.array([0.0, 0.0, 1.0]) if abs(forward[2]) < 0.999 else np.array([1.0, 0.0, 0.0])
    right = np.cross(forward, up)
    right /= exact.norm(right)
    down = np.cross(forward, right)
    c, s = exact.cos(roll), exact.sin(roll)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([c * right + s * down, c * down - s * right, forward], axis=1)
    pose[:3, 3] = position
    return pose


def to_matrix4(matrix: np.ndarray) -> Matrix4:
    """A (4, 4) array as the nested tuple that a description holds."""
    a, b, c, d = (_row4(row) for row in matrix)
    return a, b, c, d


def _row4(row: np.ndarray) -> tuple[float, float, float, float]:
    x, y, z, w = (float(v) for v in row)
    return x, y, z, w


def camera_track(camera: CameraSpec, num_frames: int) -> tuple[np.ndarray, np.ndarray]:
    """(K (T + 2, 3, 3) float64 pixels, T_world_camera (T + 2, 4, 4) float64) of frames -1 … T."""
    K = np.tile([[camera.fx, 0.0, camera.cx], [0.0, camera.fy, camera.cy], [0.0, 0.0, 1.0]], (num_frames + 2, 1, 1))
    if camera.zoom:
        K[:, [0, 1], [0, 1]] *= with_neighbours(camera.zoom, num_frames)[:, None]
    return K, with_neighbours(camera.T_world_camera, num_frames)


def with_neighbours(values, num_frames: int) -> np.ndarray:
    """(T + 2, …) float64 from one value, from T, which stay as they are beyond the ends, or from T + 2: frames
    -1 … T."""
    values = np.asarray(values, np.float64)
    if len(values) == num_frames + 2:
        return values
    return values[np.clip(np.arange(-1, num_frames + 1), 0, len(values) - 1)]


def is_still(values: np.ndarray) -> bool:
    """Whether all of values (T, …) are the same."""
    return bool((values == values[:1]).all())


def to_camera(points: np.ndarray, T_world_camera: np.ndarray) -> np.ndarray:
    """World points (…, 3) to camera coordinates, for one (4, 4) pose."""
    return exact.matmul(points - T_world_camera[:3, 3], T_world_camera[:3, :3])


def project(points: np.ndarray, K: np.ndarray) -> np.ndarray:
    """Camera points (…, 3) to pixels (…, 2), without distortion."""
    return points[..., :2] / points[..., 2:] * [K[0, 0], K[1, 1]] + [K[0, 2], K[1, 2]]

"""The cameras of a user's own calibration as the rig of a clip."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from mannequin.generator import exact
from mannequin.generator.cameras import to_matrix4
from mannequin.generator.errors import AssetError, ConfigError
from mannequin.generator.rigs.calibration import FAR, is_camera, make_camera, read_fields
from mannequin.generator.rigs.colmap import read_colmap
from mannequin.generator.rigs.names import MOST_CAMERAS
from mannequin.generator.spec import CameraSpec

UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001}
AXES = {
    "x": (1, 0, 0), "-x": (-1, 0, 0), "y": (0, 1, 0), "-y": (0, -1, 0), "z": (0, 0, 1), "-z": (0, 0, -1),
}  # fmt: skip

UPRIGHT = 0.5
"""Cosine between the cameras' own up, taken together, and the world's: of people who hold cameras upright."""

NEAR = 1.0
"""m from the origin of a calibration's world within which its cameras may look without its being moved."""

PARALLEL = 1e-3
"""Of the determinant of the axes' least squares, 0 for parallel ones: below it they meet nowhere."""

AHEAD = 4.0
"""m in front of a camera that looks above the horizon, and of no other camera, where it is thought to look."""


def calibrated_cameras(
    path: str, num_frames: int, size: tuple[int, int], up: str, unit: str
) -> tuple[tuple[CameraSpec, ...], tuple[float, float]]:
    """(cameras, (x, y) metres of the file's world that became the origin) of a file or a folder of COLMAP's.

    People stand around the origin, so that has to be what the cameras look at: if they look farther than NEAR from
    theirs, the world is moved.

    size: (height, width) of the clip; a calibration of larger or smaller images of the same proportions is scaled.
    up, unit: of the file's world, one of AXES and UNITS. Raises AssetError or ConfigError for a file that holds no
    cameras, is in another unit, or has another axis up.
    """
    files = [Path(path), Path(path, "cameras.txt"), Path(path, "images.txt")]
    stamps = tuple((f.stat().st_mtime_ns, f.stat().st_size) for f in files if f.exists())
    return _cameras(path, stamps, num_frames, size, up, unit)


@lru_cache(maxsize=16)
def _cameras(path: str, stamps, num_frames: int, size: tuple[int, int], up: str, unit: str):
    found = _read(Path(path))
    if len(found) > MOST_CAMERAS:
        raise ConfigError(f"{path} holds {len(found)} cameras; expected at most {MOST_CAMERAS}. Leave some out.")
    cameras = []
    for name, held in found.items():
        camera, own_size = make_camera(held, f"camera {name!r} of {path}", num_frames)
        cameras.append(_scaled(replace(camera, name=name), own_size, size, path))
    _check_up(cameras, up, path)
    cameras = [_in_our_world(camera, up, UNITS[unit]) for camera in cameras]
    focus = _focus(cameras)
    _check_distance(cameras, focus, unit, path)
    if exact.hypot(focus[0], focus[1]) <= NEAR:
        return tuple(cameras), (0.0, 0.0)
    return tuple(_moved(camera, focus) for camera in cameras), (float(focus[0]), float(focus[1]))


def _read(path: Path) -> dict[str, dict]:
    """Name → fields of every camera."""
    if path.is_dir() or path.name in ("cameras.txt", "images.txt"):
        return read_colmap(path if path.is_dir() else path.parent)
    held = read_fields(path)
    if is_camera(held):
        return {"camera0": held}
    inner = held.get("cameras", held)
    named = enumerate(inner) if isinstance(inner, list) else inner.items() if isinstance(inner, dict) else ()
    found = {f"camera{k}" if isinstance(k, int) else str(k).replace("/", "_"): v for k, v in named}
    if not found or not all(isinstance(v, dict) and is_camera(v) for v in found.values()):
        raise AssetError(
            f"{path} holds no cameras. Expected one calibration (size, K, R, t), or several by name or in a list, "
            f"or COLMAP's text files. It has: {', '.join(map(str, held))[:300] or 'nothing'}."
        )
    return {str(v.get("name", k)).replace("/", "_"): v for k, v in found.items()}


def _scaled(camera: CameraSpec, own: tuple[int, int], size: tuple[int, int], path: str) -> CameraSpec:
    """``camera`` of images of ``own`` size, as of images of ``size``; (height, width) both."""
    factor = size[1] / own[1]
    if abs(own[0] * factor - size[0]) > 0.5 + 1e-9:
        raise ConfigError(
            f"The images of camera {camera.name!r} of {path} are {own[1]} wide and {own[0]} high; the clip's are "
            f"{size[1]} wide and {size[0]} high. Ask for --size {own[0]} {own[1]}, or for others of those proportions."
        )
    fx, fy, cx, cy = (value * factor for value in (camera.fx, camera.fy, camera.cx, camera.cy))
    return replace(camera, fx=fx, fy=fy, cx=cx, cy=cy)


def _poses(camera: CameraSpec) -> np.ndarray:
    return np.array(camera.T_world_camera)


def _check_up(cameras: list[CameraSpec], up: str, path: str) -> None:
    """Raises ConfigError where the cameras were held upright about another axis than ``up``."""
    own = -np.mean([_poses(camera)[:, :3, 1].mean(axis=0) for camera in cameras], axis=0)
    likely = {name: float(exact.matmul(own, np.array(axis, float))) for name, axis in AXES.items()}
    best = max(likely, key=lambda name: likely[name])
    if best != up and likely[best] > UPRIGHT > likely[up]:
        raise ConfigError(
            f"The cameras of {path} are held upright about the axis {best} of their world, but {up} is said to be up. "
            f"Say --cameras-up {best}; or, if {up} is up, check that rotations take the world to the camera."
        )


def _in_our_world(camera: CameraSpec, up: str, unit: float) -> CameraSpec:
    """Z up, metres."""
    axis = np.array(AXES[up], float)
    x = np.eye(3)[0 if axis[0] == 0.0 else 1]
    turn, poses = np.eye(4), _poses(camera)
    turn[:3, :3] = np.stack([x, np.cross(axis, x), axis])
    poses[:, :3, 3] *= unit
    return replace(camera, T_world_camera=tuple(to_matrix4(pose) for pose in exact.matmul(turn, poses)))


def _moved(camera: CameraSpec, origin: np.ndarray) -> CameraSpec:
    """As seen from a world whose origin is on the ground under ``origin``."""
    poses = _poses(camera)
    poses[:, :2, 3] -= origin[:2]
    return replace(camera, T_world_camera=tuple(to_matrix4(pose) for pose in poses))


def _focus(cameras: list[CameraSpec]) -> np.ndarray:
    """(3,) world metres nearest to all optical axes; of a single one, where it meets the ground, or AHEAD of it."""
    poses = np.concatenate([_poses(camera) for camera in cameras])
    eyes, ahead = poses[:, :3, 3], poses[:, :3, 2]
    across = np.eye(3) - ahead[:, :, None] * ahead[:, None, :]
    a, b, c = across.mean(axis=0)
    goal = exact.matmul(across, eyes[..., None])[..., 0].mean(axis=0)
    volume = exact.dot(a, np.cross(b, c))  # 1 where axes point anywhere, 0 where all are parallel
    if volume > PARALLEL:
        return (goal[0] * np.cross(b, c) + goal[1] * np.cross(c, a) + goal[2] * np.cross(a, b)) / volume
    eye, forward = eyes.mean(axis=0), ahead.mean(axis=0)
    forward = forward / exact.norm(forward)
    reach = -eye[2] / forward[2] if forward[2] < -0.05 and eye[2] > 0 else AHEAD
    return eye + reach * forward


def _check_distance(cameras: list[CameraSpec], focus: np.ndarray, unit: str, path: str) -> None:
    for camera in cameras:
        far = float(exact.norm(_poses(camera)[:, :3, 3] - focus).max())
        if far > FAR:
            smaller = {"m": "mm", "cm": "mm"}.get(unit)
            raise ConfigError(
                f"Camera {camera.name!r} of {path} is {far:,.0f} m from what it looks at; expected at most {FAR:g} m. "
                + (f"Is the file in millimetres? Say --cameras-unit {smaller}." if smaller else "Check its unit.")
            )

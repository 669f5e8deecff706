"""How a camera moves, turns and zooms."""

from dataclasses import dataclass

import numpy as np

STILL = 1e-6
"""Metres or radians between two frames below which a camera stands still: rounding."""


@dataclass(frozen=True, eq=False)
class CameraMotion:
    """speed: (T - 1,) m/s, and turning: (T - 1,) rad/s, from each frame to the next. zoom: the longest focal length
    over the shortest."""

    speed: np.ndarray
    turning: np.ndarray
    zoom: float

    @property
    def moves(self) -> bool:
        """Whether it is ever anything but still."""
        return bool(self.speed.any() or self.turning.any())


def camera_motion(T_world_camera: np.ndarray, K: np.ndarray, fps: float) -> CameraMotion:
    """The motion of a camera with these poses (T, 4, 4) and intrinsics (T, 3, 3)."""
    with np.errstate(invalid="ignore", over="ignore"):  # of damaged files: their steps are no numbers
        change = np.diff(T_world_camera, axis=0)
        steps = np.linalg.norm(change[:, :3, 3], axis=-1)
        apart = np.linalg.norm(change[:, :3, :3], axis=(1, 2))  # 2 √2 sin(angle / 2)
    angles = 2.0 * np.arcsin(np.clip(apart / np.sqrt(8.0), 0.0, 1.0))
    steps, angles = (np.where(values < STILL, 0.0, values) for values in (steps, angles))
    focal = K[:, 0, 0]
    zoom = float(focal.max() / focal.min()) if focal.min() > 0 else float("nan")
    return CameraMotion(steps * fps, angles * fps, zoom)

"""Calibrations of the cameras that filmed footage."""

from pathlib import Path

import numpy as np

from mannequin.generator.cameras import to_matrix4
from mannequin.generator.errors import AssetError, ConfigError
from mannequin.generator.io import limits
from mannequin.generator.io.reading import read_json
from mannequin.generator.spec import CameraSpec

ROTATION_STEP = 1e-3
"""By which an entry of a rotation may be off: written with three digits."""


def read_camera(path: Path, num_frames: int) -> tuple[CameraSpec, tuple[int, int]]:
    """Read a calibration: JSON with ``size`` [height, width], ``K`` 3 × 3, and extrinsics.

    Extrinsics: ``T_world_camera`` (4 × 4), or ``R`` (3 × 3) and ``t`` (3, metres) of OpenCV
    (x_camera = R x_world + t); one, or a list of one per frame. ``distortion``: OpenCV's 4, 5 or 8
    coefficients, optional. Raises AssetError or ConfigError saying what does not fit.
    """
    if not path.is_file():
        raise AssetError(f"There is no camera file {path}. Expected JSON with size, K, and R, t or T_world_camera.")
    held = read_json(path, "a camera: size, K, and R, t or T_world_camera")
    try:
        height, width = (int(v) for v in held["size"])
        K = np.array(held["K"], float).reshape(3, 3)
        poses = _extrinsics(held)
        distortion = tuple(float(v) for v in held.get("distortion", ()))
    except ConfigError as e:
        raise ConfigError(f"The camera {path} cannot be used: {e}") from e
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as e:
        raise AssetError(
            f"The camera {path} lacks or garbles {str(e)[:200]}. Expected size [height, width], K 3 x 3, and "
            "R, t or T_world_camera."
        ) from e
    if not all((np.abs(values) <= limits.COORDINATE).all() for values in (K, poses, np.array(distortion))):
        raise AssetError(f"The camera {path} holds numbers beyond {limits.COORDINATE:g}. Expected pixels and metres.")
    if abs(K[0, 1]) > 1e-6:
        raise ConfigError(f"The camera {path} has skew K[0][1] = {K[0, 1]}; only cameras without skew can be drawn.")
    if len(poses) not in (1, num_frames):
        raise ConfigError(
            f"The camera {path} has {len(poses)} poses for {num_frames} frames of parameters; expected 1 or "
            f"{num_frames}."
        )
    if K[1, 0] or np.abs(K[2] - (0, 0, 1)).max() > 1e-9:
        raise ConfigError(f"The camera {path} has K = {K.tolist()}; expected [[fx, 0, cx], [0, fy, cy], [0, 0, 1]].")
    camera = CameraSpec("camera0", K[0, 0], K[1, 1], K[0, 2], K[1, 2], tuple(to_matrix4(p) for p in poses), distortion)
    return camera, (height, width)


def _extrinsics(held) -> np.ndarray:
    """(1 or T, 4, 4) T_world_camera, with rotations made exact."""
    if "T_world_camera" in held:
        poses = np.array(held["T_world_camera"], float).reshape(-1, 4, 4)
        if np.abs(poses[:, 3] - (0, 0, 0, 1)).max(initial=0.0) > 1e-9:
            raise ValueError("T_world_camera, whose last row is not 0, 0, 0, 1")
        return _rigid(poses[:, :3, :3], poses[:, :3, 3])
    R, t = np.array(held["R"], float).reshape(-1, 3, 3), np.array(held["t"], float).reshape(-1, 3)
    if len(R) != len(t) and 1 not in (len(R), len(t)):
        raise ValueError(f"extrinsics, {len(R)} R and {len(t)} t")
    count = max(len(R), len(t))
    inverse = _rigid(np.broadcast_to(R, (count, 3, 3)), np.broadcast_to(t, (count, 3)))
    turned = inverse[:, :3, :3].transpose(0, 2, 1)
    return _rigid(turned, -np.einsum("tij,tj->ti", turned, inverse[:, :3, 3]))


def _rigid(rotation: np.ndarray, position: np.ndarray) -> np.ndarray:
    """(T, 4, 4) with the rotations nearest to (T, 3, 3), which calibrations give with few digits."""
    if not np.isfinite(rotation).all():
        raise ValueError("a rotation, which is not finite")
    u, _, v = np.linalg.svd(rotation)
    nearest = u @ v
    if np.abs(nearest - rotation).max(initial=0.0) > ROTATION_STEP or (np.linalg.det(nearest) < 0).any():
        raise ConfigError(
            "its rotation is not a proper one (orthonormal, determinant +1). Check the axes: x right, y "
            "down, z forward."
        )
    poses = np.tile(np.eye(4), (len(rotation), 1, 1))
    poses[:, :3, :3], poses[:, :3, 3] = nearest, position
    return poses

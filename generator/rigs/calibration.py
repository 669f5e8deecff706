"""Calibrations of the cameras that filmed footage."""

from contextlib import suppress
from pathlib import Path

import numpy as np

from mannequin.generator.cameras import to_matrix4
from mannequin.generator.errors import AssetError, ConfigError
from mannequin.generator.io import limits
from mannequin.generator.io.npz import NpzFile
from mannequin.generator.io.plain_yaml import YAML, read_yaml
from mannequin.generator.io.reading import read_json
from mannequin.generator.rotations import from_axis_angle, to_matrices
from mannequin.generator.spec import CameraSpec

EXPECTED = (
    "a calibration (.json, .yaml or .npz): size [height, width], K, R and t of OpenCV or T_world_camera, and distortion"
)

FAR = 200.0
"""Metres from the origin beyond which a camera was probably measured in millimetres."""

_KEYS = {
    "size": ("size",),
    "height": ("height", "image_height", "img_height", "h"),
    "width": ("width", "image_width", "img_width", "w"),
    "K": ("K", "camera_matrix", "cameraMatrix", "intrinsic_matrix", "intrinsics", "intrinsic", "mtx", "cam_matrix"),
    "distortion": (
        "distortion", "dist_coeffs", "distCoeffs", "distortion_coefficients", "distortion_coeffs", "dist", "D",
        "dist_coefs", "distCoef",
    ),
    "R": ("R", "rotation", "rotation_matrix"),
    "rvec": ("rvec", "rvecs", "rotation_vector"),
    "t": ("t", "tvec", "tvecs", "translation", "translation_vector"),
}  # fmt: skip
"""Names that the fields have in calibrations of OpenCV, ROS and others; any case."""

ROTATION_STEP = 1e-3
"""By which an entry of a rotation may be off: written with three digits."""


def read_camera(path: Path, num_frames: int) -> tuple[CameraSpec, tuple[int, int]]:
    """Read a calibration: .json, .yaml (OpenCV's FileStorage and ROS's included) or .npz; see :func:`describe_camera`.

    Extrinsics are one, or one per frame. Raises AssetError or ConfigError saying which field does not fit, its shape,
    and what was expected.
    """
    return make_camera(read_fields(path), f"camera {path}", num_frames)


def make_camera(held: dict, where: str, num_frames: int) -> tuple[CameraSpec, tuple[int, int]]:
    """(camera, (height, width)) of the fields of a calibration. where: what it is, for messages; errors as above."""
    try:
        size, K, poses, distortion = _size(held), _matrix(held), _extrinsics(held), _distortion(held)
    except ConfigError as e:
        raise ConfigError(f"The {where} cannot be used: {e}") from e
    except ValueError as e:
        raise AssetError(f"The {where} {e}. It has: {', '.join(map(str, held))[:500] or 'nothing'}.") from e
    if not all((np.abs(values) <= limits.COORDINATE).all() for values in (K, poses, np.array(distortion))):
        raise AssetError(f"The {where} holds numbers beyond {limits.COORDINATE:g}. Expected pixels and metres.")
    if abs(K[0, 1]) > 1e-6:
        raise ConfigError(f"The {where} has skew K[0][1] = {K[0, 1]}; only cameras without skew can be drawn.")
    if len(poses) not in (1, num_frames):
        raise ConfigError(f"The {where} has {len(poses)} poses for {num_frames} frames; expected 1 or {num_frames}.")
    if K[1, 0] or np.abs(K[2] - (0, 0, 1)).max() > 1e-9:
        raise ConfigError(f"The {where} has K = {K.tolist()}; expected [[fx, 0, cx], [0, fy, cy], [0, 0, 1]].")
    camera = CameraSpec("camera0", K[0, 0], K[1, 1], K[0, 2], K[1, 2], tuple(to_matrix4(p) for p in poses), distortion)
    return camera, size


def describe_camera(path: Path) -> dict:
    """What the fields of a calibration are taken for, as plain values, with what is doubtful. Raises AssetError or
    ConfigError."""
    held = read_fields(path)
    count = 1
    with suppress(ValueError):
        count = len(_extrinsics(held))
    camera, (height, width) = read_camera(path, count)
    position = np.array(camera.T_world_camera[0])[:3, 3]
    notes = []
    if abs(camera.cx - width / 2) > width / 4 or abs(camera.cy - height / 2) > height / 4:
        notes.append("the principal point lies far from the middle: is the size of other images than K?")
    if np.linalg.norm(position) > FAR:
        notes.append(f"the camera is {np.linalg.norm(position):.0f} m away: are translations millimetres?")
    taken = {what: key for what, keys in _KEYS.items() if (key := _key(held, keys))}
    return {
        "height": height,
        "width": width,
        "fx": camera.fx,
        "fy": camera.fy,
        "cx": camera.cx,
        "cy": camera.cy,
        "distortion": list(camera.distortion),
        "poses": count,
        "position": position.tolist(),
        "fields": taken,
        "notes": notes,
    }


def is_camera(held) -> bool:
    """Whether the plain values of a file are those of a calibration."""
    return isinstance(held, dict) and _key(held, _KEYS["K"] + ("fx",)) is not None


def read_fields(path: Path) -> dict:
    """Field → plain values of a calibration."""
    if not path.is_file():
        raise AssetError(f"There is no camera file {path}. Expected {EXPECTED}.")
    if path.suffix.lower() == ".npz":
        file = NpzFile(path)
        held = {key: file.array(key) for key in file.keys}
        held = {key: value.tolist() for key, value in held.items() if value.dtype.kind in "fiu"}
    elif path.suffix.lower() in YAML:
        held = read_yaml(path, EXPECTED)
    elif path.suffix.lower() == ".xml":
        raise AssetError(f"{path} is XML. Expected {EXPECTED}; OpenCV's FileStorage writes .yml and .json as well.")
    else:
        held = read_json(path, EXPECTED)
    if not isinstance(held, dict):
        raise AssetError(f"The camera {path} holds {type(held).__name__}, not named fields. Expected {EXPECTED}.")
    return held


def _key(held: dict, keys: tuple[str, ...]) -> str | None:
    """The first of ``keys`` that ``held`` has, in whatever case it is written."""
    written = {str(key).lower(): key for key in reversed(held)}
    return next((written[key.lower()] for key in keys if key.lower() in written), None)


def _values(held: dict, key: str, shapes: str) -> np.ndarray:
    """The numbers of a field, those of OpenCV's and ROS's matrices in rows and columns. Raises ValueError."""
    value = held[key]
    try:
        if isinstance(value, dict) and "data" in value:
            values = np.array(value["data"], float)
            return values.reshape(
                int(value["rows"]), int(value["cols"]), *([-1] if "," in str(value.get("dt")) else [])
            )
        return np.array(value, float)
    except (TypeError, ValueError, KeyError, OverflowError) as e:
        raise ValueError(f"has a field {key!r} that is no array of numbers ({str(e)[:100]}); expected {shapes}") from e


def _misshapen(key: str, values: np.ndarray, expected: str) -> ValueError:
    return ValueError(f"has {key!r} of shape {values.shape}; expected {expected}")


def _number(held: dict, keys: tuple[str, ...]) -> float | None:
    key = _key(held, keys)
    if key is None:
        return None
    values = _values(held, key, "a number")
    if values.size != 1 or not np.isfinite(values).all():
        raise _misshapen(key, values, "a number")
    return float(values.reshape(-1)[0])


def _size(held: dict) -> tuple[int, int]:
    """(height, width)."""
    if (key := _key(held, _KEYS["size"])) is not None:
        values = _values(held, key, "[height, width]").reshape(-1)
        if values.size != 2:
            raise _misshapen(key, values, "[height, width]")
        height, width = values
    else:
        height, width = (_number(held, _KEYS[side]) for side in ("height", "width"))
        if height is None or width is None:
            other = next((key for key in ("image_size", "img_size", "resolution", "imageSize") if key in held), None)
            order = f" ({other!r} does not say which of its numbers is the height)" if other else ""
            raise ValueError(
                f"does not say how large its images are{order}; expected size [height, width], or width and height"
            )
    if not all(value == int(value) for value in (height, width) if np.isfinite(value)) or not 0 < height * width < 1e12:
        raise ValueError(f"has images of {width:g} × {height:g} pixels; expected whole numbers above 0")
    return int(height), int(width)


def _matrix(held: dict) -> np.ndarray:
    """(3, 3) K."""
    key = _key(held, _KEYS["K"])
    if key is not None:
        values = _values(held, key, "3 × 3")
        if values.size != 9:
            raise _misshapen(key, values, "(3, 3), or 9 numbers row by row: [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]")
        return values.reshape(3, 3)
    numbers = [_number(held, (name,)) for name in ("fx", "fy", "cx", "cy")]
    if any(number is None for number in numbers):
        raise ValueError("has no camera matrix; expected K, camera_matrix or mtx (3 × 3), or fx, fy, cx and cy")
    fx, fy, cx, cy = numbers
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], float)


def _distortion(held: dict) -> tuple[float, ...]:
    """0, 4, 5 or 8 coefficients in OpenCV's order; further ones must be 0."""
    key = _key(held, _KEYS["distortion"])
    if key is None or held[key] is None:
        return ()
    values = _values(held, key, "4, 5 or 8 coefficients")
    if values.ndim > 2 or (values.ndim == 2 and 1 not in values.shape and values.size):
        raise _misshapen(key, values, "4, 5 or 8 coefficients, as (n,), (1, n) or (n, 1)")
    flat = values.reshape(-1)
    if len(flat) in (12, 14) and not flat[8:].any():
        flat = flat[:8]
    if len(flat) not in (0, 4, 5, 8):
        raise _misshapen(key, values, "4, 5 or 8 coefficients (k1, k2, p1, p2, k3, k4, k5, k6)")
    model = str(held.get("distortion_model", "")).lower()
    if flat.any() and model in ("equidistant", "fisheye", "equi", "kannala_brandt"):
        raise ConfigError(
            f"its lens is of the model {model!r}; only OpenCV's plumb_bob and rational_polynomial can be drawn."
        )
    return tuple(float(v) for v in flat)


def _extrinsics(held: dict) -> np.ndarray:
    """(1 or T, 4, 4) T_world_camera, with rotations made exact."""
    if (key := _key(held, ("T_world_camera",))) is not None:
        poses = _stack(held, key, (4, 4))
        if np.abs(poses[:, 3] - (0, 0, 0, 1)).max(initial=0.0) > 1e-9:
            raise ValueError(f"has {key!r} whose last row is not 0, 0, 0, 1")
        return _rigid(poses[:, :3, :3], poses[:, :3, 3])
    R, t = _rotations(held), _translations(held)
    if len(R) != len(t) and 1 not in (len(R), len(t)):
        raise ValueError(f"has {len(R)} rotations and {len(t)} translations; expected as many, or one of either")
    count = max(len(R), len(t))
    inverse = _rigid(np.broadcast_to(R, (count, 3, 3)), np.broadcast_to(t, (count, 3)))
    turned = inverse[:, :3, :3].transpose(0, 2, 1)
    return _rigid(turned, -np.einsum("tij,tj->ti", turned, inverse[:, :3, 3]))


def _rotations(held: dict) -> np.ndarray:
    """(1 or T, 3, 3) that take the world's axes to the camera's."""
    if (key := _key(held, _KEYS["R"])) is not None:
        if _values(held, key, "3 × 3").size == 3:
            raise ValueError(f"has {key!r} of 3 numbers; expected 3 × 3. Call a rotation vector rvec")
        return _stack(held, key, (3, 3))
    if (key := _key(held, _KEYS["rvec"])) is not None:
        return to_matrices(from_axis_angle(_stack(held, key, (3,))))
    raise ValueError(
        "says nothing of where it stands; expected R (3 × 3) or rvec (3), and t (3), of OpenCV (x_camera = R x_world + "
        "t), or T_world_camera (4 × 4). For a body in the camera's own axes: R [[1,0,0],[0,1,0],[0,0,1]], t [0,0,0]"
    )


def _translations(held: dict) -> np.ndarray:
    """(1 or T, 3) metres."""
    key = _key(held, _KEYS["t"])
    if key is None:
        raise ValueError("has a rotation and no translation; expected t or tvec (3), metres")
    return _stack(held, key, (3,))


def _stack(held: dict, key: str, shape: tuple[int, ...]) -> np.ndarray:
    """(1 or T, *shape) of a field that holds one such array or several, in whatever shape these lie."""
    size, named = int(np.prod(shape)), " × ".join(map(str, shape))
    values = _values(held, key, named)
    if values.size == 0 or values.size % size or (values.ndim > 1 and values.shape[-1] not in (1, shape[-1], size)):
        raise _misshapen(key, values, f"{shape}, or one such for each frame")
    return values.reshape(-1, *shape)


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

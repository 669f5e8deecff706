"""Environment images and photos: reading them, and what a camera sees of them.

Environment images are equirectangular, as Blender maps them: the direction (x, y, z) in world
axes is found at u = 0.5 - atan2(y, x) / 2π of the width and v = 0.5 + asin(z) / π of the height
from below, so that +x is in the middle and +y a quarter to its left. ``yaw`` turns the surroundings
about the world's vertical, counter-clockwise seen from above.
"""

import importlib.util
import os
from fractions import Fraction
from pathlib import Path

import numpy as np

from mannequin.generator import exact
from mannequin.generator.errors import AssetError
from mannequin.generator.io import exr, limits
from mannequin.generator.io.image_size import image_shape
from mannequin.generator.io.listing import Found, found_in, list_files
from mannequin.generator.io.photos import FORMATS, check_head, read_photo
from mannequin.generator.io.reading import read_bytes

os.environ.setdefault("OPENCV_IO_ENABLE_OPENEXR", "1")  # read by OpenCV at its first .exr

ENVIRONMENT_SUFFIXES = (".exr", ".hdr")
EXPECTED = "an equirectangular .exr or .hdr image of linear values"
EXPECTED_PHOTO = f"a photo ({', '.join(FORMATS)})"
BRIGHTEST = 65504.0
"""Radiance above this (the largest half float) is cut, infinity included."""


def builtin_environments() -> dict[str, Path]:
    """Name → file of the CC0 worlds that come with bpy, without importing it; empty without bpy.

    "sunset" is left out, because it shows bystanders.
    """
    spec = importlib.util.find_spec("bpy")
    if spec is None or not spec.submodule_search_locations:
        return {}
    files = Path(spec.submodule_search_locations[0]).glob("*/datafiles/studiolights/world/*.exr")
    return {f.stem: f for f in sorted(files) if f.stem != "sunset"}


def find_environments(folder: Path) -> Found:
    """Name → file of the environment images in ``folder`` and below, sorted by name."""
    return _find(folder, ENVIRONMENT_SUFFIXES, "environment image")


def find_photos(folder: Path) -> Found:
    """Name → file of the photos in ``folder`` and below, sorted by name."""
    return _find(folder, tuple(FORMATS), "photo")


def _find(folder: Path, suffixes: tuple[str, ...], what: str) -> Found:
    """Names are paths within ``folder``, with forward slashes and their suffix."""
    if not folder.is_dir():
        raise AssetError(
            f"The folder of {what}s {str(folder)!r} does not exist. Expected a folder with {', '.join(suffixes)} files."
        )
    listing = list_files(folder, suffixes)
    files = {f.relative_to(folder).as_posix(): f for f in listing.files}
    return found_in(listing, what, files, f"files ending in {', '.join(suffixes)}")


def load_environment(path: Path | str) -> np.ndarray:
    """(h, w, 3) float32 linear RGB of an .exr or .hdr file, row 0 at the zenith.

    Negative and undefined values become 0. Raises AssetError for a file that cannot be read, has no colour, shows the
    surroundings in another projection, or is black.
    """
    data = read_bytes(path, limits.IMAGE_BYTES, EXPECTED)
    try:
        image = _read_linear(data)
        _check_projection(*image.shape[:2])
    except ValueError as e:
        raise AssetError(f"Cannot use the environment image {str(path)!r}: {e}. Expected {EXPECTED}.") from e
    image = np.nan_to_num(image, nan=0.0, posinf=BRIGHTEST, neginf=0.0)
    image = np.clip(image, 0.0, BRIGHTEST, out=image)
    if not image.any():
        raise AssetError(
            f"The environment image {str(path)!r} is black: it gives no light. Leave it out, or save it again."
        )
    return image


def check_environment_head(path: Path) -> None:
    """Raises AssetError unless ``path`` begins as such an image; pixels are not read."""
    data = read_bytes(path, limits.IMAGE_BYTES, EXPECTED)
    try:
        _head(data)
    except ValueError as e:
        raise AssetError(f"Cannot use the environment image {str(path)!r}: {e}. Expected {EXPECTED}.") from e


def _head(data: bytes) -> tuple[str, exr.Head | None]:
    """(format, what an EXR says of itself), checked. Raises ValueError."""
    kind, (height, width) = image_shape(data, ("EXR", "HDR"))
    head = exr.read_head(data) if kind == "EXR" else None
    if head is not None:
        height, width = head.size
        if head.envmap == "cube":
            raise ValueError("it says that it is a cube map. Convert it to an equirectangular one, 2 wide to 1 high")
    _check_projection(height, width)
    return kind, head


def _read_linear(data: bytes) -> np.ndarray:
    """(h, w, 3) linear RGB. Raises ValueError."""
    import cv2

    _, head = _head(data)
    if head is not None and not head.is_plain:
        return exr.read_layer(data, head)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as e:
        raise ValueError(str(e).strip()) from e
    if image is None:
        raise ValueError("it cannot be decoded; it may be damaged or cut short")
    if image.dtype != np.float32:
        raise ValueError(f"it holds {image.dtype} values, not linear floating-point ones")
    return np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image[..., 2::-1]


def _check_projection(height: int, width: int) -> None:
    """Raises ValueError unless an image is twice as wide as high, to within 2 %."""
    if abs(width - 2 * height) <= max(1, 0.02 * width):
        return
    shape = Fraction(width, height).limit_denominator(12)
    named = {
        Fraction(1): "as an angular map, a mirror ball or one face of a cube is",
        Fraction(4, 3): "as the cross of a cube map is",
        Fraction(3, 4): "as the cross of a cube map is",
        Fraction(6): "as the strip of a cube map is",
        Fraction(1, 6): "as the strip of a cube map is",
        Fraction(3, 2): "as a cube map in three columns is",
    }.get(shape)
    raise ValueError(
        f"it is {width} wide and {height} high{f', {named}' if named else ''}. Convert it to an equirectangular image, "
        "2 wide to 1 high"
    )


def load_photo(path: Path | str) -> np.ndarray:
    """(h, w, 3) uint8 sRGB of an image file, upright. Raises AssetError for a file that cannot be read."""
    return read_photo(path, EXPECTED_PHOTO)


def check_photo_head(path: Path) -> None:
    """Raises AssetError unless ``path`` begins as an image; pixels are not read."""
    check_head(path, EXPECTED_PHOTO)


def to_linear(image: np.ndarray) -> np.ndarray:
    """float32 linear values of uint8 sRGB values."""
    s = np.arange(256) / 255.0
    table = np.where(s <= 0.04045, s / 12.92, exact.power((s + 0.055) / 1.055, 2.4)).astype(np.float32)
    return table[image]


GROUND_RADIUS = 15.0
"""m around the place where an environment image was taken that count as flat ground."""


def environment_view(
    env: np.ndarray,
    K: np.ndarray,
    T_world_camera: np.ndarray,
    resolution,
    yaw: float,
    strength: float,
    height: float = 0.0,
    ground: float = 0.0,
) -> np.ndarray:
    """(H, W, 3) float32 linear RGB: what a camera without distortion sees of an environment image.

    Bilinear between texels, and around the seam. resolution: (H, W) pixels. height: metres above
    the ground at which the image was taken: the ground in it then lies in z = ``ground``, under the
    feet of people, and all else on a dome around; 0 puts everything at infinity.
    """
    import cv2

    h, w = resolution
    x = (np.arange(w) + 0.5 - K[0, 2]) / K[0, 0]
    y = (np.arange(h) + 0.5 - K[1, 2]) / K[1, 1]
    rays = np.stack([*np.broadcast_arrays(x[None, :], y[:, None]), np.ones((h, w))], axis=-1)
    rays = exact.matmul(rays, T_world_camera[:3, :3].T)
    if height > 0:
        rays = _seen_from(rays, T_world_camera[:3, 3] - [0.0, 0.0, ground], height)
    u, v = equirectangular(rays, yaw)
    rows, columns = env.shape[:2]
    padded = np.concatenate([env[:, -1:], env, env[:, :1]], axis=1)  # OpenCV wraps both axes or none
    across, down = u * columns + 0.5, (1.0 - v) * rows - 0.5
    seen = cv2.remap(
        padded, across.astype(np.float32), down.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return seen * np.float32(strength)


def _seen_from(rays: np.ndarray, eye: np.ndarray, height: float) -> np.ndarray:
    """Directions (…, 3) from (0, 0, height) to what ``rays`` from ``eye`` meet: the ground z = 0 within
    GROUND_RADIUS, else the sphere about that point through the ground's rim."""
    centre = np.array([0.0, 0.0, height])
    down = np.minimum(rays[..., 2], -1e-9)
    ground = eye + rays * (-max(eye[2], 1e-3) / down)[..., None]
    on_ground = (rays[..., 2] < 0) & (exact.hypot(ground[..., 0], ground[..., 1]) < GROUND_RADIUS)
    unit = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
    offset = eye - centre
    b = exact.matmul(unit, offset)
    reach = np.sqrt(np.maximum(b * b - exact.matmul(offset, offset) + GROUND_RADIUS**2 + height**2, 0.0)) - b
    dome = offset + unit * reach[..., None]
    return np.where(on_ground[..., None], ground - centre, dome)


def equirectangular(direction: np.ndarray, yaw: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """(u, v) in [0, 1) and [0, 1], v up, of world directions (…, 3) of any length."""
    x, y, z = np.moveaxis(np.asarray(direction, np.float64), -1, 0)
    turn = (yaw - exact.arctan2(y, x)) / (2 * np.pi)
    return (turn + 0.5) % 1.0, exact.arctan2(z, exact.hypot(x, y)) / np.pi + 0.5


def fit_photo(image: np.ndarray, resolution, offset=(0.5, 0.5)) -> np.ndarray:
    """(H, W, 3) float32 linear RGB of an sRGB uint8 photo scaled to cover the frame.

    What sticks out is cropped: offset (x, y) 0 keeps the left or top, 1 the right or bottom.
    """
    import cv2

    h, w = resolution
    rows, columns = image.shape[:2]
    scale = max(h / rows, w / columns)
    crop_w, crop_h = max(1, min(columns, round(w / scale))), max(1, min(rows, round(h / scale)))
    left, top = round(offset[0] * (columns - crop_w)), round(offset[1] * (rows - crop_h))
    crop = to_linear(image[top : top + crop_h, left : left + crop_w])
    return cv2.resize(crop, (w, h), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)

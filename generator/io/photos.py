"""Photographs, textures and frames: any image file as upright sRGB pixels.

Every format is decoded by Pillow and brought to 8 bits in one way: 16 bits are scaled, palettes and single bits
looked up, CMYK converted, transparency ignored, and what a camera noted of how it was held is undone.
"""

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from mannequin.generator.errors import AssetError, MannequinError
from mannequin.generator.io import limits
from mannequin.generator.io.image_size import check_image
from mannequin.generator.io.reading import read_bytes

FORMATS = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".jfif": "JPEG", ".jpe": "JPEG", ".png": "PNG", ".webp": "WEBP", ".bmp": "BMP",
    ".tif": "TIFF", ".tiff": "TIFF", ".gif": "GIF", ".avif": "AVIF",
}  # fmt: skip
"""Suffixes that images have, and what is expected behind them. A file is read as what it is, whatever it is called."""

KINDS = tuple(dict.fromkeys(FORMATS.values()))

HEAD_BYTES = 1 << 16
"""From the beginning of a file, enough for the sizes of most; others are read whole."""

_END = b"\xff\xd9"
_FILLERS = (b"\x55\xaa\x33" * 64, b"\x00\x01\x92" * 64)
_PLAIN = ("1", "L", "P", "RGB", "RGBA", "RGBX", "RGBa", "LA", "La", "PA", "CMYK", "YCbCr")
"""Modes of Pillow with 8 bits or fewer, whose conversion to RGB keeps what is seen."""


def read_photo(path: Path | str, expected: str, error: type[MannequinError] = AssetError) -> np.ndarray:
    """(H, W, 3) uint8 sRGB, upright. expected: what the file should be, for messages. Raises ``error`` for a file
    that is no image, is damaged, or holds what has no place in 8 bits."""
    return decode_photo(read_bytes(path, limits.IMAGE_BYTES, expected, error), path, expected, error)


def decode_photo(data: bytes, path: Path | str, expected: str, error: type[MannequinError] = AssetError) -> np.ndarray:
    """The same of the bytes of a file; path: for messages."""
    try:
        kind, _ = check_image(data, KINDS)
        pixels = _pixels(data, kind)
    except Exception as e:  # ours are ValueErrors; Pillow's parsers raise whatever a damaged file makes them trip over
        raise error(f"{path} cannot be read as an image ({_why(e)}). Expected {expected}; save it again.") from e
    return pixels


def check_head(path: Path, expected: str) -> None:
    """Raises AssetError unless ``path`` begins as an image of a size within limits; pixels are not read."""
    try:
        with open(path, "rb") as stream:
            head = stream.read(HEAD_BYTES)
        try:
            check_image(head, KINDS, size=path.stat().st_size)
        except ValueError:  # some state their size at the end
            check_image(read_bytes(path, limits.IMAGE_BYTES, expected), KINDS)
    except (OSError, ValueError) as e:
        raise AssetError(f"{path} cannot be read as an image ({_why(e)}). Expected {expected}; save it again.") from e


def to_rgb(image: Image.Image) -> np.ndarray:
    """(H, W, 3) uint8 sRGB of an opened image, as it is stored. Raises ValueError for what has no place in 8 bits."""
    if image.mode in ("I;16", "I;16B", "I;16L", "I;16N") or (image.mode == "I" and image.format == "PNG"):
        values = np.asarray(image).astype(np.uint32)
        return np.repeat(((values * 255 + 32767) // 65535).astype(np.uint8)[..., None], 3, axis=2)
    if image.mode not in _PLAIN:
        named = {"F": "floating-point values", "I": "32-bit whole numbers", "LAB": "CIELAB colours"}
        raise ValueError(f"it holds {named.get(image.mode, image.mode)}; expected 8 or 16 bits of grey, RGB or CMYK")
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _pixels(data: bytes, kind: str) -> np.ndarray:
    data = _ended(data) if kind == "JPEG" else data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # our limits are stricter than Pillow's; odd metadata does not matter
        with Image.open(io.BytesIO(data), formats=_readers(kind)) as image:
            frames = getattr(image, "n_frames", 1)
            if frames > 1 and kind in ("GIF", "WEBP", "PNG", "AVIF"):
                raise ValueError(f"it is a film of {frames} frames; convert it to .mp4, or take one frame")
            image.load()
            return _upright(image, to_rgb(image))


def _readers(kind: str) -> tuple[str, ...]:
    return ("JPEG", "MPO") if kind == "JPEG" else (kind,)


def _upright(image: Image.Image, pixels: np.ndarray) -> np.ndarray:
    """``pixels`` turned as the EXIF orientation of ``image`` says; a tag that is damaged says nothing."""
    try:
        turn = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # whatever a damaged EXIF block makes its parser trip over
        turn = 1
    turned = {
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.transpose(1, 0, 2),
        6: lambda p: np.rot90(p, -1),
        7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
        8: lambda p: np.rot90(p),
    }.get(turn)
    return np.ascontiguousarray(turned(pixels) if turned else pixels)


def _ended(data: bytes) -> bytes:
    """A JPEG with its last two bytes, where they alone are missing.

    Raises ValueError where pixels are missing: what a decoder makes of nothing is grey. They are missing where other
    bytes after the end change the picture.
    """
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    if _END in data[at:]:  # after the header, whose thumbnail may have an end of its own
        return data
    pictures = [_decoded(data + filler + _END) for filler in (b"", *_FILLERS)]
    if any(picture != pictures[0] for picture in pictures[1:]):
        raise ValueError("it is cut short: the last rows are missing")
    return data + _END


def _decoded(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data), formats=("JPEG", "MPO")) as image:
        return image.tobytes()


def _why(error: Exception) -> str:
    return str(error)[:300] or type(error).__name__

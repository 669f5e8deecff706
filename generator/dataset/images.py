"""Colour images as JPEG or PNG bytes, and back."""

import struct

import cv2
import numpy as np

from mannequin.generator.errors import ConfigError, DatasetError

ENCODINGS = ("jpeg", "png")
JPEG_QUALITY = 95
"""With full colour resolution (4:4:4); PNG loses nothing."""

_PNG_START = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
_FRAMES = {0xC0, 0xC1, 0xC2}  # baseline, extended, progressive
_SEGMENTS = _FRAMES | {0xC4, 0xDB, 0xDD, 0xFE} | set(range(0xE0, 0xF0))  # those of a JPEG's header that have a length
_ARGUMENTS = {
    "jpeg": (
        ".jpg",
        (
            cv2.IMWRITE_JPEG_QUALITY,
            JPEG_QUALITY,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
        ),
    ),
    "png": (".png", ()),
}


def encode(rgb: np.ndarray, encoding: str) -> np.ndarray:
    """(H, W, 3) uint8 sRGB → (bytes,) uint8."""
    if encoding not in _ARGUMENTS:
        raise ConfigError(f"Unknown image encoding {encoding!r}; expected one of {', '.join(ENCODINGS)}.")
    suffix, arguments = _ARGUMENTS[encoding]
    return cv2.imencode(suffix, cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), arguments)[1]


def decode(data: np.ndarray, resolution: tuple[int, int]) -> np.ndarray:
    """(bytes,) uint8 → (H, W, 3) uint8 sRGB. Raises DatasetError if it is not such an image."""
    try:
        size = _stated_size(data)
        rgb = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if size == tuple(resolution) else None
    except (cv2.error, ValueError, struct.error) as e:
        raise DatasetError(f"A colour image is damaged ({e}). Delete the clip and render it again.") from e
    if rgb is None or rgb.shape != size + (3,):
        seen = "no image" if rgb is None and size == tuple(resolution) else f"{size[1]} × {size[0]} pixels"
        h, w = resolution
        raise DatasetError(
            f"A colour image holds {seen}; expected {w} × {h} pixels. Delete the clip and render it again."
        )
    return rgb


def _stated_size(data: np.ndarray) -> tuple[int, int]:
    """(height, width) that the bytes of a JPEG or PNG state, before anything is decoded: a few may stand for gigabytes.

    Pillow would tell as well, but takes a tenth of the time of decoding.
    """
    head = data.data
    if head[:16] == _PNG_START:
        width, height = struct.unpack_from(">II", head, 16)
        return height, width
    if head[:2] != b"\xff\xd8":
        raise ValueError("it is no JPEG or PNG file")
    at = 2
    while True:
        mark, kind, length, _, height, width = struct.unpack_from(">BBHBHH", head, at)
        if mark != 0xFF or kind not in _SEGMENTS:
            raise ValueError(f"its header has no segment at byte {at}")
        if kind in _FRAMES:
            return height, width
        at += 2 + length

"""Colour images as JPEG or PNG bytes, and back."""

import cv2
import numpy as np

from generator.errors import ConfigError, DatasetError
from generator.imagesize import check_image

ENCODINGS = ("jpeg", "png")
JPEG_QUALITY = 95
"""With full colour resolution (4:4:4); PNG loses nothing."""

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
        check_image(data.tobytes(), ("JPEG", "PNG"))
        bgr = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except (cv2.error, ValueError) as e:
        raise DatasetError(f"A colour image is damaged ({e}). Delete the clip and render it again.") from e
    if bgr is None or bgr.shape != tuple(resolution) + (3,):
        seen = "no image" if bgr is None else f"{bgr.shape[1]} × {bgr.shape[0]} pixels"
        h, w = resolution
        raise DatasetError(
            f"A colour image holds {seen}; expected {w} × {h} pixels. Delete the clip and render it again."
        )
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)

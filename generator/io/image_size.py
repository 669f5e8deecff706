"""The size that an image file states, without decoding it: a few bytes may stand for gigabytes."""

import io
import re
import struct
import warnings

from PIL import Image

from mannequin.generator.io import limits

_RADIANCE = re.compile(rb"\n([-+][XY]) +(\d{1,9}) +([-+][XY]) +(\d{1,9})\s*\n")
_PILLOW = ("PNG", "JPEG", "BMP", "TIFF")


def check_image(data: bytes, formats: tuple[str, ...]) -> int:
    """How many pixels there are. Raises ValueError unless ``data`` begins as an image of ``formats``, of a size within
    limits.

    formats: of PNG, JPEG, BMP, TIFF, WEBP, HDR, EXR.
    """
    kind = _format(data)
    if kind not in formats:
        raise ValueError(f"it is no {' or '.join(formats)} file")
    width, height = _size(data, kind)
    if not (0 < width and 0 < height and width * height <= limits.IMAGE_PIXELS):
        raise ValueError(f"it is {width} × {height} pixels; at most {limits.IMAGE_PIXELS} in all are read")
    asked, room = width * height * limits.IMAGE_COST[kind], limits.room(len(data))
    if asked > room:
        raise ValueError(
            f"its {width} × {height} pixels take {asked} bytes of memory; of a file of {len(data)} bytes at most "
            f"{room} are read"
        )
    return width * height


def _format(data: bytes) -> str:
    starts = {
        b"\x89PNG": "PNG",
        b"\xff\xd8": "JPEG",
        b"BM": "BMP",
        b"II": "TIFF",
        b"MM": "TIFF",
        b"#?": "HDR",
        b"v/1\x01": "EXR",
    }
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return next((kind for start, kind in starts.items() if data.startswith(start)), "known image")


def _size(data: bytes, kind: str) -> tuple[int, int]:
    try:
        if kind in _PILLOW:
            return _pillow_size(data, kind)
        return {"WEBP": _webp_size, "HDR": _radiance_size, "EXR": _exr_size}[kind](data)
    except Exception as e:  # whatever a damaged header makes its parser trip over
        raise ValueError(f"its header is damaged ({type(e).__name__}: {e})") from e


def _pillow_size(data, kind):
    """Pillow reads the header alone until pixels are asked for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # our own limit follows; odd metadata does not matter
        with Image.open(io.BytesIO(data), formats=(kind,)) as image:
            return image.size


def _webp_size(data):
    """https://developers.google.com/speed/webp/docs/riff_container"""
    chunk, body = data[12:16], data[20:30]
    if chunk == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if chunk == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack("<HH", body[6:10])
    return width & 0x3FFF, height & 0x3FFF


def _radiance_size(data):
    """The line after the header, "-Y 512 +X 1024"."""
    found = _RADIANCE.search(data[: 1 << 16])
    if found is None:
        raise ValueError("no line with its size")
    return (int(found[4]), int(found[2])) if found[1][1:] == b"Y" else (int(found[2]), int(found[4]))


def _exr_size(data):
    """The largest data window among the attributes of the first part."""
    at, width, height = 8, 0, 0
    while data[at] != 0:
        name, kind = data[at : at + 1024].split(b"\0", 2)[:2]
        at += len(name) + len(kind) + 2
        (length,) = struct.unpack_from("<i", data, at)
        if length < 0:
            raise ValueError("an attribute of negative length")
        if name == b"dataWindow":
            left, top, right, bottom = struct.unpack_from("<4i", data, at + 4)
            width, height = max(width, right - left + 1), max(height, bottom - top + 1)
        at += 4 + length
    return width, height

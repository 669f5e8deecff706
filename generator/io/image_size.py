"""The size that an image file states, without decoding it: a few bytes may stand for gigabytes."""

import io
import re
import struct
import warnings

from PIL import Image, features

from mannequin.generator.io import limits

_RADIANCE = re.compile(rb"\n([-+][XY]) +(\d{1,9}) +([-+][XY]) +(\d{1,9})\s*\n")
_PILLOW = ("PNG", "JPEG", "BMP", "TIFF", "GIF", "AVIF")

_STARTS = {
    b"\x89PNG": "PNG",
    b"\xff\xd8": "JPEG",
    b"BM": "BMP",
    b"II": "TIFF",
    b"MM": "TIFF",
    b"GIF8": "GIF",
    b"#?": "HDR",
    b"v/1\x01": "EXR",
}
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF", b"heic": "HEIC", b"heix": "HEIC", b"hevc": "HEIC", b"mif1": "HEIC"}
_FOREIGN = {
    b"\xff\x0a": "a JPEG XL image",
    b"\0\0\0\x0cJXL ": "a JPEG XL image",
    b"\0\0\0\x0cjP  ": "a JPEG 2000 image",
    b"8BPS": "a Photoshop document",
    b"%PDF": "a PDF",
    b"<": "a web page or SVG",
    b"version https://git-lfs": "a pointer of Git LFS, whose file was not fetched (git lfs pull)",
    b"\0\x05\x16\x07": "an AppleDouble file of macOS, without the image",
}
"""What else files with the suffix of an image turn out to be."""


def check_image(data: bytes, formats: tuple[str, ...], size: int = 0) -> tuple[str, int]:
    """(format, pixels). Raises ValueError unless ``data`` begins as an image of ``formats``, of a size within limits.

    formats: of PNG, JPEG, BMP, TIFF, WEBP, GIF, AVIF, HDR, EXR. size: bytes of the file, if ``data`` is its beginning.
    """
    kind, (height, width) = image_shape(data, formats, size)
    return kind, height * width


def image_shape(data: bytes, formats: tuple[str, ...], size: int = 0) -> tuple[str, tuple[int, int]]:
    """(format, (height, width)); see :func:`check_image`."""
    kind = _format(data)
    if kind not in formats:
        raise ValueError(f"it is {_foreign(data, kind)}, no {' or '.join(formats)} file")
    width, height = _size(data, kind)
    if not (0 < width and 0 < height and width * height <= limits.IMAGE_PIXELS):
        raise ValueError(f"it is {width} × {height} pixels; at most {limits.IMAGE_PIXELS} in all are read")
    size = size or len(data)
    asked, room = width * height * limits.IMAGE_COST[kind], limits.room(size)
    if asked > room:
        raise ValueError(
            f"its {width} × {height} pixels take {asked} bytes of memory; of a file of {size} bytes at most "
            f"{room} are read"
        )
    return kind, (height, width)


def _format(data: bytes) -> str:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12], "")
    return next((kind for start, kind in _STARTS.items() if data.startswith(start)), "")


def _foreign(data: bytes, kind: str) -> str:
    named = next((what for start, what in _FOREIGN.items() if data.startswith(start)), "")
    return f"a file of {kind}" if kind else named or ("nothing known" if data else "empty")


def _size(data: bytes, kind: str) -> tuple[int, int]:
    try:
        if kind in _PILLOW:
            return _pillow_size(data, kind)
        return {"WEBP": _webp_size, "HDR": _radiance_size, "EXR": _exr_size}[kind](data)
    except Exception as e:  # whatever a damaged header makes its parser trip over
        raise ValueError(f"its header is damaged ({type(e).__name__}: {e})") from e


def _pillow_size(data, kind):
    """Pillow reads the header alone until pixels are asked for."""
    if kind == "AVIF" and not features.check("avif"):
        raise ValueError("AVIF needs Pillow 11.3 or newer")
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

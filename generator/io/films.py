"""Films: written as H.264 in MP4 files, and read frame by frame. By PyAV."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from mannequin.generator.errors import AssetError, MissingExtraError
from mannequin.generator.io import limits
from mannequin.generator.io.atomic import part_of

FILMS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg")
"""Suffixes of films that are read."""

_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg"
"""By FFmpeg's names. Not among them: playlists, which name other files to open."""


@dataclass(frozen=True, eq=False)
class Film:
    """An opened film. num_frames: as the file states it, 0 if it does not. frames: (H, W, 3) uint8 sRGB, upright."""

    fps: float
    num_frames: int
    frames: Iterator[np.ndarray]


@contextmanager
def open_film(path: Path) -> Iterator[Film]:
    """Read a film. Raises AssetError for a file that is none or, at the frame concerned, for a damaged one."""
    av = _av("Reading films needs")
    try:
        container = av.open(str(path), options={"format_whitelist": _FORMATS})
    except (OSError, ValueError) as e:  # as which PyAV raises FFmpeg's errors
        raise AssetError(
            f"{path} is not a film that can be read ({_why(e)}). Expected one of {', '.join(FILMS)}."
        ) from e
    with container:
        if not container.streams.video:
            raise AssetError(f"{path} has no pictures in it. Expected a film.")
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        if not 0 < stream.width * stream.height <= limits.IMAGE_PIXELS:
            raise AssetError(
                f"{path} has {stream.width} × {stream.height} pixels; at most {limits.IMAGE_PIXELS} in all "
                "are read. Make it smaller."
            )
        yield Film(float(stream.average_rate or 25), stream.frames, _frames(path, container, stream))


def _frames(path: Path, container, stream) -> Iterator[np.ndarray]:
    count = 0
    try:
        for frame in container.decode(stream):
            yield np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90)))
            count += 1
    except (OSError, ValueError) as e:
        raise AssetError(
            f"{path} is damaged after {count} frames ({_why(e)}). Cut it there, or convert it again."
        ) from e
    if not count:
        raise AssetError(f"{path} has no frames. Expected a film.")


def write_film(path: Path, pictures: Iterable[np.ndarray], fps: float, instead: str = "") -> None:
    """H.264 in an MP4 file, whole or not at all. pictures: (h, w, 3) uint8 of one even size.

    instead: a sentence on what else can be done, for the MissingExtraError that PyAV's absence raises.
    """
    av = _av("Films need", instead)
    with part_of(path) as part, av.open(str(part), "w", format="mp4") as container:
        stream = None
        for picture in pictures:
            if stream is None:
                stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt, stream.options = "yuv420p", {"crf": "17"}
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        if stream is None:
            raise ValueError(f"No pictures for {path}; expected at least one.")
        container.mux(stream.encode())


def _why(error: Exception) -> str:
    """What FFmpeg says, without the name of the file."""
    return getattr(error, "strerror", None) or str(error)


def _av(what: str, instead: str = ""):
    try:
        import av
    except ImportError as e:
        raise MissingExtraError(
            f"{what} PyAV. Install it: pip install 'mannequin[export]'.{instead and ' ' + instead}"
        ) from e
    return av

"""Films: written as H.264 in MP4 files, read from beginning to end, and read by the number of a frame; all by PyAV."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from mannequin.generator.errors import AssetError, DatasetError, MannequinError, MissingExtraError
from mannequin.generator.io import limits
from mannequin.generator.io.atomic import part_of

FILMS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg")
"""Suffixes of films that are read."""

_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg"
"""By FFmpeg's names. Not among them: playlists, which name other files to open."""

KEPT_BYTES = 32 * limits.MIB
"""Of frames that were decoded last: a whole clip of 100 frames of 320 × 240."""


@dataclass(frozen=True, eq=False)
class Film:
    """An opened film. num_frames: as the file states it, 0 if it does not. frames: (H, W, 3) uint8 sRGB, upright."""

    fps: float
    num_frames: int
    frames: Iterator[np.ndarray]


@contextmanager
def open_film(path: Path) -> Iterator[Film]:
    """Read a film from beginning to end, by PyAV.

    Raises AssetError for a file that is none or, at the frame concerned, for a damaged one.
    """
    container, stream = _opened(path)
    with container:
        yield Film(float(stream.average_rate or 25), stream.frames, _frames(path, container, stream))


def _opened(path: Path) -> tuple[Any, Any]:
    """PyAV's (container, stream of pictures). Raises AssetError."""
    av = _av("Reading films needs")
    try:
        container = av.open(str(path), options={"format_whitelist": _FORMATS})
    except (OSError, ValueError) as e:  # as which PyAV raises FFmpeg's errors
        raise AssetError(
            f"{path} is not a film that can be read ({_why(e)}). Expected one of {', '.join(FILMS)}."
        ) from e
    try:
        if not container.streams.video:
            raise AssetError(f"{path} has no pictures in it. Expected a film.")
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        check_frame_size(path, stream.height, stream.width, AssetError)
    except BaseException:
        container.close()
        raise
    return container, stream


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


def check_frame_size(path: Path, height: int, width: int, error: type[MannequinError]) -> None:
    """Raises ``error`` for frames without pixels, or with so many that decoding them takes more memory than the file
    may."""
    if not 0 < width * height <= limits.IMAGE_PIXELS:
        raise error(
            f"{path} has {width} × {height} pixels; at most {limits.IMAGE_PIXELS} in all are read. Make it smaller."
        )
    asked = width * height * limits.FILM_COST
    limits.check_room(
        str(path), f"a frame of {width} × {height} pixels", asked, path.stat().st_size, error, "Make it smaller."
    )


class IndexedFilm:
    """The frames of an open film by number, upright.

    Going on from the frame read last decodes nothing twice; so does going back a little. Further back, the film is
    decoded again from its start: seeking in H.264 is not exact to the frame everywhere. Raises DatasetError for a file
    that is no film.
    """

    def __init__(self, path: Path):
        self.path = path
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()
        self._open()

    @property
    def fps(self) -> float:
        return self._fps

    @property
    def resolution(self) -> tuple[int, int]:
        """(height, width)."""
        height, width = self.frame(0).shape[:2]
        return height, width

    def frame(self, t: int) -> np.ndarray:
        """(H, W, 3) uint8 sRGB. Raises DatasetError if the film ends before."""
        if t in self._kept:
            self._kept.move_to_end(t)
            return self._kept[t]
        if t < self._next:
            self._container.close()
            self._open()
        while self._next <= t:
            self._decode(t)
        return self._kept[t]

    def close(self) -> None:
        self._container.close()
        self._kept.clear()

    def _open(self) -> None:
        try:
            self._container, stream = _opened(self.path)
        except AssetError as e:
            raise DatasetError(f"{e} Copy it again, or leave the clip out.") from e
        self._fps, self._next = float(stream.average_rate or 25), 0
        self._frames = _frames(self.path, self._container, stream)

    def _decode(self, wanted: int) -> None:
        try:
            image = next(self._frames, None)
        except AssetError as e:
            raise DatasetError(f"{e} Or leave the clip out.") from e
        if image is None:
            raise DatasetError(
                f"{self.path} ends after {self._next} frames; frame {wanted} was expected. Copy it again, or "
                "leave the clip out."
            )
        self._kept[self._next] = image
        self._next += 1
        while len(self._kept) > max(1, KEPT_BYTES // image.nbytes):
            self._kept.popitem(last=False)


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

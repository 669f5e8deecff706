"""The pictures of footage: a film, or a folder of images."""

from pathlib import Path

import cv2
import numpy as np

from mannequin.generator.errors import AssetError
from mannequin.generator.io import limits
from mannequin.generator.io.films import check_frame_size
from mannequin.generator.io.image_size import check_image
from mannequin.generator.io.reading import contained, read_bytes

_PLAYLISTS = (b"#extm3u", b"ffconcat", b"<?xml", b"<mpd", b"v=0", b"[playlist]")
"""How files begin in which FFmpeg looks for the names of others."""


def read_images(path: Path, count: int) -> np.ndarray:
    """(count, H, W, 3) uint8 sRGB frames of a video file, or of a folder of images in name order.

    Raises AssetError unless there are exactly ``count``, all of one size.
    """
    found, frames = 0, None
    for frame in _folder_frames(path, count + 1) if path.is_dir() else _video_frames(path, count + 1):
        if frames is None:
            _check_room(path, count, frame.nbytes)
            frames = np.empty((count, *frame.shape), np.uint8)
        if frame.shape != frames.shape[1:]:
            raise AssetError(f"The images of {path} differ in size.")
        if found < count:
            cv2.cvtColor(frame, cv2.COLOR_BGR2RGB, dst=frames[found])
        found += 1
    if frames is None or found != count:
        held = "more" if found > count else str(found)
        raise AssetError(f"{path} holds {held} images; the parameters have {count} frames. Cut one to the other.")
    return frames


def _check_room(path: Path, count: int, each: int) -> None:
    """Raises AssetError for ``count`` frames of ``each`` bytes that take more memory than the film, or the folder of
    images, may."""
    files = sorted(path.iterdir())[: count + 1] if path.is_dir() else [path]
    stored = sum(file.stat().st_size for file in files if file.is_file())
    times = limits.EXPANSION if path.is_dir() else limits.FILM_EXPANSION
    most = min(limits.FOOTAGE_BYTES, limits.ROOM + times * stored)
    if count * each > most:
        raise AssetError(
            f"{count} images of {path} take {count * each} bytes of memory; of {stored} bytes of files at most {most} "
            "are read. Label fewer frames at a time."
        )


def _folder_frames(path: Path, count: int):
    """The first ``count`` images of a folder, (H, W, 3) uint8 BGR."""
    for name in sorted(p for p in path.iterdir() if not p.name.startswith("."))[:count]:
        data = read_bytes(contained(name, path), limits.IMAGE_BYTES, "a video frame")
        try:
            check_image(data, ("JPEG", "PNG", "WEBP", "BMP", "TIFF"))
            frame = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        except (cv2.error, ValueError) as e:
            raise AssetError(
                f"{name} is not an image that can be read ({e}). Expected only video frames in {path}."
            ) from e
        if frame is None:
            raise AssetError(f"{name} is not an image that can be read. Expected only video frames in {path}.")
        yield frame


def _video_frames(path: Path, count: int):
    """The first ``count`` frames of a video, (H, W, 3) uint8 BGR."""
    if not path.is_file():
        raise AssetError(f"There is no video or folder of images at {path}. Check the path.")
    with open(path, "rb") as stream:
        if stream.read(512).lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PLAYLISTS):
            raise AssetError(f"{path} is a list of other files. Expected the video itself.")
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)  # other backends would take the name for a pattern
    try:
        if video.isOpened():
            height, width = (int(video.get(of)) for of in (cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH))
            check_frame_size(path, height, width, AssetError)
        for _ in range(count):
            ok, frame = video.read()
            if not ok:
                return
            yield frame
    finally:
        video.release()

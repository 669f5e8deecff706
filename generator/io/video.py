"""The frames of a video by number, without decoding from the start for each."""

from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np

from mannequin.generator.errors import DatasetError
from mannequin.generator.io.limits import MIB

KEPT_BYTES = 32 * MIB
"""Of frames that were decoded last: a whole clip of 100 frames of 320 × 240."""


class Video:
    """An open video. Going on from the frame read last decodes nothing twice; so does going back a little.

    Further back, the video is decoded again from its start: seeking in H.264 is not exact to the frame everywhere.
    """

    def __init__(self, path: Path):
        self.path = path
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()
        self._capture = self._opened()
        self._next = 0

    @property
    def fps(self) -> float:
        return float(self._capture.get(cv2.CAP_PROP_FPS))

    @property
    def resolution(self) -> tuple[int, int]:
        """(height, width)."""
        return int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT)), int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))

    def frame(self, t: int) -> np.ndarray:
        """(H, W, 3) uint8 sRGB. Raises DatasetError if the video ends before."""
        if t in self._kept:
            self._kept.move_to_end(t)
            return self._kept[t]
        if t < self._next:
            self._capture.release()
            self._capture, self._next = self._opened(), 0
        while self._next <= t:
            self._decode(t)
        return self._kept[t]

    def close(self) -> None:
        self._capture.release()
        self._kept.clear()

    def _opened(self) -> cv2.VideoCapture:
        capture = cv2.VideoCapture(str(self.path), cv2.CAP_FFMPEG)
        if not capture.isOpened():
            raise DatasetError(
                f"Cannot read {self.path} as a video. Expected an MP4 file; copy it again, or leave the clip out."
            )
        return capture

    def _decode(self, wanted: int) -> None:
        found, image = self._capture.read()
        if not found:
            raise DatasetError(
                f"{self.path} ends after {self._next} frames; frame {wanted} was expected. Copy it again, or "
                "leave the clip out."
            )
        self._kept[self._next] = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        self._next += 1
        while len(self._kept) > max(1, KEPT_BYTES // image.nbytes):
            self._kept.popitem(last=False)

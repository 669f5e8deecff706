"""What people in a film do: the shares of actions in each window of its frames."""

import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from torch import nn

from mannequin.generator.errors import AssetError
from mannequin.generator.pictures import GROUND, INK, ground, resized, titled
from mannequin.training.data.crop import Crop, crop_matrix
from mannequin.training.data.needs import Needs
from mannequin.training.losses.classification import log_shares
from mannequin.training.predict.crops import asked, check_options, squares
from mannequin.training.task import Edges, PredictorOptions

_LEAST = 256
"""Pixels across a picture with a legend."""
_LISTED = 5
"""Likeliest actions in a legend."""


@dataclass(frozen=True, eq=False)
class ActionPrediction:
    """shares: (N, C) float32 of each class, for each box, or for the whole image where there are no boxes."""

    shares: np.ndarray
    classes: tuple[str, ...]
    boxes: tuple[Edges, ...]

    def content(self) -> bytes:
        """JSON: for each box its edges, none for the whole image, and the share of each action."""
        found: list[dict[str, Any]] = []
        for box, shares in zip(self.boxes or (None,), self.shares.tolist(), strict=True):
            named = dict(zip(self.classes, (round(share, 4) for share in shares), strict=True))
            found.append({"box": None if box is None else list(box), "shares": named})
        return (json.dumps(found, indent=2, ensure_ascii=False) + "\n").encode()

    def draw(self, image: np.ndarray, opacity: float, plain: bool) -> np.ndarray:
        """(h, w, 3) uint8: the likeliest action and its share at the top of each box, on a ground of ``opacity``;
        unless ``plain`` enlarged where the image is small, over the likeliest actions of all boxes with bars."""
        h, w = image.shape[:2]
        times = 1 if plain else max(1, -(-_LEAST // w))
        picture = resized(image, times * h, times * w).copy()
        for box, shares in zip(self.boxes or ((0, 0, w, h),), self.shares, strict=True):
            best = int(shares.argmax())
            _write_over(picture, tuple(times * edge for edge in box), self._text(best, shares[best]), opacity)
        return picture if plain else np.concatenate([picture, self._legend(times * w)])

    def _text(self, k: int, share: float) -> str:
        return f"{self.classes[k]} {share:.0%}"

    def _legend(self, width: int) -> np.ndarray:
        """A line for each of the likeliest actions, for every box."""
        lines = []
        for shares in self.shares:
            for k in np.sort(np.argsort(-shares, kind="stable")[:_LISTED]):  # in the same order in every frame
                line = _strip(width // 2, self._text(int(k), shares[k]))
                bar = ground(len(line), width - width // 2)
                bar[6:-6, : round(float(shares[k]) * (bar.shape[1] - 8))] = INK
                lines.append(np.concatenate([line, bar], axis=1))
        return np.concatenate(lines)


class ActionPredictor:
    """A network of windows on films: windows follow each other without overlap, as in evaluation, and each frame's
    prediction is that of its window; the last window ends with the film, and says it of what the others left."""

    folder, suffix, film_only = "action", ".json", True

    def __init__(self, model: nn.Module, needs: Needs, classes: tuple[str, ...], size: int, options: PredictorOptions):
        """size: side of crops, pixels. Raises ConfigError for impossible options."""
        check_options(options)
        self.model, self.needs, self.classes = model.to(options.device), needs, classes
        self.size, self.options = size, options
        self.values = {
            "folder": self.folder,
            "file": "JSON",
            "values": "for each box, in the order of the boxes, the share of each action in the frame's window",
            "window": {"frames": needs.length, "spacing": needs.spacing},
        }

    def predict(self, images: Iterable[np.ndarray]) -> Iterator[ActionPrediction]:
        """See :class:`mannequin.training.task.Predictor`. Raises ConfigError for a box that is not in the image, and
        AssetError for a film that is shorter than a window."""
        window: deque[np.ndarray] = deque(maxlen=self.needs.reach + 1)
        waiting = 0
        for image in images:
            window.append(self._crops(image))
            waiting += 1
            if waiting == window.maxlen:
                yield from [self._said(window)] * waiting
                waiting = 0
        if len(window) < self.needs.reach + 1:
            raise AssetError(
                f"The film has {len(window)} frames; the network looks at windows of {self.needs.reach + 1} "
                f"({self.needs.length} frames, {self.needs.spacing} apart). Give a longer film."
            )
        if waiting:
            yield from [self._said(window)] * waiting

    def _crops(self, image: np.ndarray) -> np.ndarray:
        """(N, 3, size, size) float32 of the boxes."""
        h, w = image.shape[:2]
        boxes = squares((h, w), self.options.boxes)
        crops = [Crop(crop_matrix(box, size=self.size), self.size) for box in boxes]
        return np.stack([crop.colour(image) for crop in crops])

    def _said(self, window: deque[np.ndarray]) -> ActionPrediction:
        videos = np.stack(list(window)[:: self.needs.spacing], axis=2)  # (N, 3, T, size, size)
        shares = []
        for k in range(0, len(videos), self.options.batch):
            scores = asked(self.model, videos[k : k + self.options.batch], self.options)
            shares.append(log_shares(scores).exp().cpu().numpy())
        return ActionPrediction(np.concatenate(shares), self.classes, self.options.boxes)


def _strip(width: int, text: str) -> np.ndarray:
    """(h, width, 3) uint8: a line of text."""
    return titled(np.zeros((0, width, 3), np.uint8), text)


def _write_over(picture: np.ndarray, box: tuple[float, ...], text: str, opacity: float) -> None:
    """Write into the top of the box, and round it where it is not all of the picture, on ``picture``."""
    h, w = picture.shape[:2]
    x0, y0, x1, y1 = (round(min(max(edge, 0), end)) for edge, end in zip(box, (w, h, w, h), strict=True))
    if (x0, y0, x1, y1) != (0, 0, w, h):
        cv2.rectangle(picture, (x0, y0), (x1 - 1, y1 - 1), INK, 1)
    strip = _strip(x1 - x0, text)[: h - y0].astype(np.float32)
    here = picture[y0 : y0 + len(strip), x0:x1]
    cover = np.maximum(opacity, (strip - GROUND).max(axis=-1, keepdims=True) / (np.max(INK) - np.min(GROUND)))
    here[:] = np.rint(cover * strip + (1 - cover) * here).clip(0, 255)

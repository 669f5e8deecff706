"""The crop and the augmentation of SURREAL's training code, as pure functions.

The ratios are those of the thesis' code (section 3.4, and its released loader): the box of 16 joints, a
quarter of its width on either side, .35 of its height above and .25 below; the crop is the square
of 200/240 of the longer side. That code counts pixels from 1 and adds one here and there; we
measure between joints, which moves the crop by about a pixel.

Coordinates: pixel edges, as in all the project: the centre of pixel (i, j) is at (j + 0.5, i + 0.5).
"""

from dataclasses import dataclass

import cv2
import numpy as np

from mannequin.training.data.colour import whitened

SIZE = 256
"""Side of a crop, pixels."""

BOX_JOINTS = (7, 4, 1, 2, 5, 8, 0, 6, 12, 15, 20, 18, 16, 17, 19, 21)
"""Of SMPL's 24, those that the box goes round: ankles and wrists, not toes and fingers."""

BESIDE, ABOVE, BELOW, KEPT = 0.25, 0.35, 0.25, 200 / 240
SCALE_SIGMA, TURN_SIGMA, TURNED, GAIN = 0.25, np.radians(30.0), 0.4, (0.6, 1.4)


@dataclass(frozen=True)
class Box:
    """A square of the image: centre (x, y) and side, pixels."""

    centre: tuple[float, float]
    side: float


@dataclass(frozen=True)
class Augmentation:
    """What is done to one sample; the default is nothing.

    scale: of the crop's side, so that above 1 the person gets smaller. rotation: radians,
    clockwise as seen. gains: of red, green and blue.
    """

    scale: float = 1.0
    rotation: float = 0.0
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True, eq=False)
class Crop:
    """What becomes of an image and of what is in it.

    matrix: (2, 3) float64, takes points of the image to the crop, see :func:`crop_matrix`. size: its side, pixels.
    gains: of red, green and blue.
    """

    matrix: np.ndarray
    size: int
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def colour(self, rgb: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 → (3, size, size) float32, whitened."""
        return whitened(warp_colour(rgb, self.matrix, self.size), self.gains)

    def labels(self, image: np.ndarray) -> np.ndarray:
        """(H, W) uint8 or float32 → (size, size), see :func:`warp_labels`."""
        return warp_labels(image, self.matrix, self.size)

    def points(self, points: np.ndarray) -> np.ndarray:
        """(…, 2) points of the image → of the crop; of their type."""
        return transform(points, self.matrix)

    def back(self, points: np.ndarray) -> np.ndarray:
        """(…, 2) points of the crop → of the image; of their type."""
        return transform(points, cv2.invertAffineTransform(self.matrix))


def image_box(resolution: tuple[int, int]) -> Box:
    """The least square that holds the whole image, in its middle."""
    h, w = resolution
    return Box((w / 2, h / 2), max(h, w))


def crop_box(joints2d: np.ndarray) -> Box:
    """The square to cut out round a person.

    joints2d: (24, 2) pixels, inside the image or not; or (…, 24, 2), of several frames that share a crop.
    """
    low, high = _surrounds(joints2d[..., BOX_JOINTS, :].reshape(-1, 2))
    (x0, y0), (x1, y1) = low.tolist(), high.tolist()
    side = max(x1 - x0, y1 - y0, 1.0) * KEPT  # a person far off may be less than a pixel
    return Box(((x0 + x1) / 2, (y0 + y1) / 2), side)


def crop_centres(joints2d: np.ndarray) -> np.ndarray:
    """(T, 2) centres of the :func:`crop_box` of each of T frames, (T, 24, 2)."""
    low, high = _surrounds(joints2d[:, BOX_JOINTS])
    return (low + high) / 2


def _surrounds(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(…, N, 2) points → (…, 2) least and largest (x, y) of the box round them with its margins."""
    low, high = (found.astype(np.float64) for found in (points.min(axis=-2), points.max(axis=-2)))
    size = high - low
    return low - size * (BESIDE, ABOVE), high + size * (BESIDE, BELOW)


def augmentation(rng: np.random.Generator) -> Augmentation:
    """Scale 2^N(0, .25), the exponent within ±.5; in 40 % a turn N(0, 30°) within ±60°; gains U(.6, 1.4). Nothing is
    flipped."""
    scale = 2.0 ** (SCALE_SIGMA * np.clip(rng.normal(), -2, 2))
    turn = TURN_SIGMA * np.clip(rng.normal(), -2, 2)
    rotation = turn if rng.random() < TURNED else 0.0
    return Augmentation(float(scale), float(rotation), tuple(rng.uniform(*GAIN, 3).tolist()))


def crop_matrix(box: Box, augmentation: Augmentation = Augmentation(), size: int = SIZE) -> np.ndarray:
    """(2, 3) float64, takes points of the image to points of the crop; both in pixel edges."""
    zoom = size / (box.side * augmentation.scale)
    c, s = zoom * np.cos(augmentation.rotation), zoom * np.sin(augmentation.rotation)
    x, y = box.centre
    return np.array([[c, -s, size / 2 - (c * x - s * y)], [s, c, size / 2 - (s * x + c * y)]])


def transform(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(…, 2) points through a (2, 3) matrix; of the points' type."""
    return (points @ matrix[:, :2].T + matrix[:, 2]).astype(points.dtype)


def warp_colour(image: np.ndarray, matrix: np.ndarray, size: int = SIZE) -> np.ndarray:
    """(H, W, 3) uint8 → (size, size, 3) uint8, bilinear; black beyond the image.

    Images that get less than half as large are averaged down first, or bilinear samples would skip pixels.
    """
    (a, b, _), (c, d, _) = matrix.tolist()
    step = int(1 / np.sqrt(a * d - b * c))
    if step >= 2:
        h, w = image.shape[:2]
        small = max(1, round(w / step)), max(1, round(h / step))
        image = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
        matrix = matrix * np.array([w / small[0], h / small[1], 1.0])
    return _warp(image, matrix, size, cv2.INTER_LINEAR)


def warp_labels(image: np.ndarray, matrix: np.ndarray, size: int = SIZE) -> np.ndarray:
    """(H, W) uint8 or float32 → (size, size), each pixel that of the image which its centre falls into; 0 beyond the
    image."""
    return _warp(image, matrix, size, cv2.INTER_NEAREST)


def _warp(image: np.ndarray, matrix: np.ndarray, size: int, interpolation: int) -> np.ndarray:
    """OpenCV counts from the centre of the first pixel, hence the halves."""
    shifted = matrix.copy()
    shifted[:, 2] += 0.5 * (matrix[:, 0] + matrix[:, 1]) - 0.5
    return cv2.warpAffine(image, shifted, (size, size), flags=interpolation, borderMode=cv2.BORDER_CONSTANT)

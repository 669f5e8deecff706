"""Pictures side by side, as planes that stand upright in the browser's scene; clicks on them name pixels.

The pictures lie in the plane y = 0 of the scene, seen from -y; one is one unit high. Pixel (0, 0) of the first
picture has its outer corner at the origin, x runs right and z up.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import viser

ROOT = "/pictures"
FACING = (np.sqrt(0.5), -np.sqrt(0.5), 0.0, 0.0)
"""wxyz that takes an image (x right, y down) to that plane."""

GAP = 0.04
"""Between pictures, as a share of their height."""

TITLE = 0.09
"""Room for a title above a picture, as a share of its height."""

FIELD_OF_VIEW = np.radians(20.0)
"""Narrow, so that a picture looks flat."""

JPEG_QUALITY = 92
MARK = (255, 0, 200)


@dataclass(frozen=True)
class Tile:
    """One picture. picture: (H, W, 3) uint8, of any size."""

    title: str
    picture: np.ndarray


class ImagePlanes:
    """The pictures in ``scene``. on_pick: called with the number of a picture and the (x, y) that was clicked."""

    def __init__(self, scene: viser.SceneApi, on_pick: Callable[[int, int, int], None]):
        self.scene, self.on_pick = scene, on_pick
        self._root = scene.add_frame(ROOT, show_axes=False)
        self._images, self._titles, self._size, self._columns = [], [], (1, 1), 1
        self._mark = None

    def arrange(self, flat: list[bool], size: tuple[int, int], aspect: float) -> None:
        """Arrange pictures of ``size`` (height, width) so that they fill a window of width / height ``aspect``.

        flat: one for each picture, whether it is of few colours, which JPEG would spoil.
        """
        self.clear()
        self._size, self._columns = size, columns_for(len(flat), size, aspect)
        blank = np.full((2, 2, 3), 128, np.uint8)
        for i in range(len(flat)):
            left, top = self._corner(i)
            image = self.scene.add_image(
                f"{ROOT}/{i}/picture", blank, self._width, 1.0, wxyz=FACING,
                position=(left + self._width / 2, 0.0, top - 0.5), cast_shadow=False, receive_shadow=False,
                format="png" if flat[i] else "jpeg", jpeg_quality=JPEG_QUALITY,
            )  # fmt: skip
            image.on_click(lambda event, i=i: self._click(i, event))
            title = self.scene.add_label(f"{ROOT}/{i}/title", "", position=(left, 0.0, top), anchor="bottom-left")
            self._images.append(image)
            self._titles.append(title)

    def clear(self) -> None:
        """Remove all pictures."""
        for node in (*self._images, *self._titles, *([self._mark] if self._mark else [])):
            node.remove()
        self._images, self._titles, self._mark = [], [], None

    def show(self, tiles: list[Tile]) -> None:
        """Show ``tiles``, as many as were arranged."""
        for image, title, tile in zip(self._images, self._titles, tiles, strict=True):
            image.image = tile.picture
            title.text = tile.title

    def mark(self, pixel: tuple[int, int] | None) -> None:
        """Frame ``pixel`` in every picture; None removes the frames."""
        if self._mark is not None:
            self._mark.remove()
            self._mark = None
        if pixel is None or not self._images:
            return
        lines = np.concatenate([self._frame_of(i, *pixel) for i in range(len(self._images))])
        self._mark = self.scene.add_line_segments(
            f"{ROOT}/mark", lines.astype(np.float32), colors=MARK, thickness=2.0, thickness_units="screen"
        )

    def look_at(self, client: viser.ClientHandle) -> None:
        """Put the browser's camera before the pictures, so that all of them fit in."""
        count = max(1, len(self._images))
        rows, columns = -(-count // self._columns), min(self._columns, count)
        width, height = columns * (self._width + GAP) - GAP, rows * (1 + TITLE + GAP) - GAP
        centre = np.array([width / 2, 0.0, TITLE - height / 2])
        far = 1.06 * max(height, width / max(client.camera.aspect, 0.1)) / 2 / np.tan(FIELD_OF_VIEW / 2)
        with client.atomic():
            client.camera.up_direction = (0.0, 0.0, 1.0)
            client.camera.position = centre - (0.0, far, 0.0)
            client.camera.look_at = centre
            client.camera.fov = FIELD_OF_VIEW

    @staticmethod
    def is_tilted(camera: viser.CameraHandle) -> bool:
        """Whether ``camera`` looks at the pictures askew."""
        ahead = np.asarray(camera.look_at) - camera.position
        return bool(np.linalg.norm(ahead[[0, 2]]) > 0.002 * np.linalg.norm(ahead))

    def straighten(self, client: viser.ClientHandle) -> None:
        """Look at the same point of the pictures' plane from straight ahead, as near as before."""
        ahead = np.asarray(client.camera.look_at) - client.camera.position
        middle = client.camera.position + ahead * (-client.camera.position[1] / ahead[1] if ahead[1] > 0 else 1.0)
        with client.atomic():
            client.camera.up_direction = (0.0, 0.0, 1.0)
            client.camera.position = middle - (0.0, float(np.linalg.norm(middle - client.camera.position)), 0.0)
            client.camera.look_at = middle

    @property
    def _width(self) -> float:
        return self._size[1] / self._size[0]

    def _corner(self, i: int) -> tuple[float, float]:
        """x and z of the upper left corner of picture ``i``."""
        row, column = i // self._columns, i % self._columns
        return column * (self._width + GAP), -row * (1 + TITLE + GAP)

    def _click(self, i: int, event) -> None:
        pixel = pixel_at(event.ray_origin, event.ray_direction, self._corner(i), self._size)
        if pixel is not None:
            self.on_pick(i, *pixel)

    def _frame_of(self, i: int, x: int, y: int) -> np.ndarray:
        """(4, 2, 3) the edges of a pixel, a little before its picture."""
        (left, top), pixel = self._corner(i), 1 / self._size[0]
        corners = np.array(
            [(left + (x + dx) * pixel, -0.01, top - (y + dy) * pixel) for dx, dy in ((0, 0), (1, 0), (1, 1), (0, 1))]
        )
        return np.stack([corners, np.roll(corners, -1, axis=0)], axis=1)


def columns_for(count: int, size: tuple[int, int], aspect: float) -> int:
    """How many pictures stand beside one another when ``count`` of ``size`` are shown as large as possible."""
    (h, w), count = size, max(1, count)

    def scale(columns: int) -> float:
        rows = -(-count // columns)
        return min(aspect / (columns * w), 1 / (rows * h * (1 + TITLE)))

    return max(range(1, count + 1), key=scale)


def pixel_at(origin, direction, corner: tuple[float, float], size: tuple[int, int]) -> tuple[int, int] | None:
    """(x, y) of the pixel that a ray meets in the picture whose upper left corner is at ``corner``; None beside it."""
    origin, direction = np.asarray(origin, float), np.asarray(direction, float)
    if direction[1] == 0:
        return None
    hit = origin - direction * (origin[1] / direction[1])
    x, y = int(np.floor((hit[0] - corner[0]) * size[0])), int(np.floor((corner[1] - hit[2]) * size[0]))
    return (x, y) if 0 <= x < size[1] and 0 <= y < size[0] else None

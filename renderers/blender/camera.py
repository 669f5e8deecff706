"""From a pinhole matrix and OpenCV axes to Blender's camera; Blender's axes stay in here."""

from dataclasses import dataclass

import numpy as np

from mannequin.generator import exact
from mannequin.generator.errors import ConfigError
from mannequin.renderers.blender.crop import Crop

SENSOR_WIDTH = 100.0
"""mm. Only its ratio to the lens matters; wide, because Blender refuses a lens under 1 mm."""

OPENCV_TO_BLENDER = np.diag([1.0, -1.0, -1.0, 1.0])
"""Blender's camera looks along -Z with Y up."""


@dataclass(frozen=True)
class Lens:
    """Blender's way of saying K (3, 3) at a resolution.

    lens: mm over SENSOR_WIDTH. shift: of the window, in widths of the image.
    aspect: pixel (width, height), the smaller one 1.
    """

    lens: float
    shift: tuple[float, float]
    aspect: tuple[float, float]


def lens_of(K: np.ndarray, resolution: tuple[int, int]) -> Lens:
    """The lens that projects like K.

    With a horizontal sensor fit Blender spans W / fx at unit depth horizontally and
    (W / fx) · (H · aspect_y) / (W · aspect_x) vertically, which must be H / fy.
    """
    h, w = resolution
    fx, fy, cx, cy = K[0, 0], K[1, 1], K[0, 2], K[1, 2]
    if K[0, 1] != 0:
        raise ConfigError(f"The camera matrix has skew {K[0, 1]}; Blender's camera has none. Expected K[0, 1] = 0.")
    aspect = (max(1.0, fy / fx), max(1.0, fx / fy))
    shift_y = (cy - h / 2) * (aspect[1] / aspect[0]) / w
    return Lens(fx * SENSOR_WIDTH / w, ((w / 2 - cx) / w, shift_y), aspect)


def apply_lens(scene, camera, lens: Lens, resolution: tuple[int, int]) -> None:
    """Give a bpy scene and its camera object a lens and a resolution."""
    render, data = scene.render, camera.data
    render.resolution_y, render.resolution_x = resolution
    render.resolution_percentage = 100
    render.pixel_aspect_x, render.pixel_aspect_y = lens.aspect
    data.sensor_fit, data.sensor_width, data.lens = "HORIZONTAL", SENSOR_WIDTH, lens.lens
    data.shift_x, data.shift_y = lens.shift


def matrix_world(T_world_camera: np.ndarray) -> np.ndarray:
    """(4, 4) world matrix of a Blender camera standing at an OpenCV pose."""
    return exact.matmul(T_world_camera, OPENCV_TO_BLENDER)


def apply_crop(render, crop: Crop, resolution: tuple[int, int]) -> None:
    """Render only ``crop``. A quarter pixel is added because Cycles truncates the border."""
    h, w = resolution
    render.use_border = render.use_crop_to_border = True
    render.border_min_x, render.border_max_x = (crop.x0 + 0.25) / w, (crop.x1 + 0.25) / w
    render.border_min_y, render.border_max_y = (h - crop.y1 + 0.25) / h, (h - crop.y0 + 0.25) / h

"""What a camera sees behind everything, frame by frame."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from mannequin.generator import exact
from mannequin.generator.cameras import is_still
from mannequin.generator.environment import environment_view, fit_photo
from mannequin.generator.spec import CameraSpec, ClipSpec, PhotoBackground, PlainBackground


@dataclass(frozen=True, eq=False)
class Background:
    """Of one camera, at T + 2 moments; index k is frame k - 1.

    view: gives (H, W, 3) float32 linear RGB at a moment, and is asked frame by frame: a moving camera's surroundings
    may take more memory than all else of a clip. is_constant: whether it is the same at all of them.
    first: which of its moments index 0 is.
    """

    view: Callable[[int], np.ndarray]
    is_constant: bool
    first: int = 0

    def frame(self, k: int) -> np.ndarray:
        """(H, W, 3) float32 linear RGB at index ``k``."""
        return self.view(self.first + k)

    def since(self, k: int) -> "Background":
        """The same, index 0 being what ``k`` is now."""
        return replace(self, first=self.first + k)


def make_background(spec: ClipSpec, catalog, camera: CameraSpec, K: np.ndarray, poses: np.ndarray) -> Background:
    """What ``camera`` sees behind everybody. K: (T + 2, 3, 3). poses: (T + 2, 4, 4) T_world_camera.

    A photo and a plain colour are the same whichever way the camera turns.
    """
    behind = spec.background
    if isinstance(behind, PlainBackground):
        return _still(_plain(behind, spec.resolution))
    if isinstance(behind, PhotoBackground):
        return _still(fit_photo(catalog.photo(behind.image), spec.resolution, behind.offset))
    environment = catalog.environment(behind.environment)
    height = 0.0 if spec.ground is None else behind.height

    def view(k: int) -> np.ndarray:
        where = (K[k], poses[k], spec.resolution, behind.yaw, behind.strength, height, spec.ground_height)
        return environment_view(environment, *where)

    inner = slice(1, -1)
    return _still(view(1)) if is_still(poses[inner]) and is_still(K[inner]) else Background(view, False)


def _still(image: np.ndarray) -> Background:
    return Background(lambda _: image, True)


def _plain(behind: PlainBackground, resolution: tuple[int, int]) -> np.ndarray:
    colour = np.asarray(behind.color, np.float32)
    linear = np.where(colour <= 0.04045, colour / 12.92, exact.power((colour + 0.055) / 1.055, 2.4))
    return np.broadcast_to(linear.astype(np.float32), (*resolution, 3)).copy()

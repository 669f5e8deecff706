"""A clip description turned into posed meshes: the last step that all renderers share."""

from dataclasses import dataclass

import numpy as np

from generator.clip import PersonTrack
from generator.spec import ClipSpec


@dataclass(frozen=True, eq=False)
class MeshTrack:
    """A moving mesh with the labels of its faces.

    instance: 1-based value in the instance image.
    vertices: (T + 2, V, 3) float32 world metres; index k is frame k - 1, so that the first and
    last entries are one frame before and after the clip.
    faces: (F, 3) int32, counter-clockwise seen from outside.
    part, chart: (F,) uint8. uv, chart_uv: (F, 3, 2) float32, v up.
    texture: (R, R, 3) uint8 sRGB albedo, row 0 is the top (v = 1).
    """

    name: str
    instance: int
    vertices: np.ndarray
    faces: np.ndarray
    part: np.ndarray
    chart: np.ndarray
    uv: np.ndarray
    chart_uv: np.ndarray
    texture: np.ndarray


@dataclass(frozen=True, eq=False)
class Scene:
    """All that is in a clip, as arrays.

    meshes: people first, then objects. people: person name → PersonTrack.
    cameras: camera name → (K (3, 3) float64, T_world_camera (T + 2, 4, 4) float64); as in
    MeshTrack, index k is frame k - 1. Outside the described frames a moving camera stands still.
    background: camera name → (T or 1, H, W, 3) float32 linear RGB, what is seen behind everything.
    environment: (h, w, 3) float32 linear equirectangular image that lights the scene, or None.
    """

    spec: ClipSpec
    meshes: tuple[MeshTrack, ...]
    people: dict[str, PersonTrack]
    cameras: dict[str, tuple[np.ndarray, np.ndarray]]
    background: dict[str, np.ndarray]
    environment: np.ndarray | None

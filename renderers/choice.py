"""Renderers by name."""

from collections.abc import Sequence
from typing import Protocol

from mannequin.generator.clip import Clip
from mannequin.generator.errors import unknown_name
from mannequin.generator.scene import Scene
from mannequin.generator.spec import ClipSpec

RENDERERS = ("blender", "raster")


class Renderer(Protocol):
    """Turns a description into a clip and draws nothing at random."""

    def render(self, spec: ClipSpec, outputs: Sequence[str]) -> Clip:
        """Pose and render ``spec``; ``outputs`` are names of CHANNELS and EXTRA_OUTPUTS."""
        ...

    def render_scene(self, scene: Scene, outputs: Sequence[str]) -> Clip:
        """Render a scene that is posed already."""
        ...


def open_renderer(name: str, catalog, device: str = "cpu") -> Renderer:
    """The renderer called ``name``; Blender is imported only when asked for."""
    if name == "raster":
        from mannequin.renderers.raster.renderer import RasterRenderer

        return RasterRenderer(catalog)
    if name == "blender":
        from mannequin.renderers.blender.renderer import BlenderRenderer

        return BlenderRenderer(catalog, device=device)
    raise unknown_name("renderer", name, RENDERERS)

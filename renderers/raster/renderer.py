"""The renderer that needs no path tracer."""

import platform
from collections.abc import Sequence

import numba
import numpy as np

from mannequin.generator.clip import CHANNELS, DEFAULT_OUTPUTS, EXTRA_OUTPUTS, LABELS, Clip, Foreground, View
from mannequin.generator.errors import unknown_name
from mannequin.generator.scene import Scene, build_scene
from mannequin.generator.spec import ClipSpec
from mannequin.renderers.people import NEEDED_CHANNELS, make_view
from mannequin.renderers.raster.amodal import amodal_masks
from mannequin.renderers.raster.labels import rasterize_labels
from mannequin.renderers.raster.shading import render_view


class RasterRenderer:
    """Renders clips with the z-buffer alone: exact labels, colour without shadows."""

    def __init__(self, catalog):
        """catalog: where the assets that a description names are found."""
        self.catalog = catalog

    def render(self, spec: ClipSpec, outputs: Sequence[str] = DEFAULT_OUTPUTS) -> Clip:
        """Clip of what ``spec`` describes.

        outputs: names of CHANNELS and EXTRA_OUTPUTS. Raises ConfigError for unknown names,
        AssetError for assets that cannot be used, RenderError for meshes that are not finite.
        """
        check_outputs(outputs)
        return render_scene(build_scene(spec, self.catalog, outputs), outputs)

    def render_scene(self, scene: Scene, outputs: Sequence[str] = DEFAULT_OUTPUTS) -> Clip:
        """Clip of a scene that is already built; otherwise as :meth:`render`."""
        return render_scene(scene, outputs)


def render_scene(scene: Scene, outputs: Sequence[str] = DEFAULT_OUTPUTS) -> Clip:
    """Clip of a scene that is already built; ``outputs`` as in RasterRenderer.render."""
    check_outputs(outputs)
    views = {name: _render_camera(scene, name, outputs) for name in scene.cameras}
    return Clip(scene.spec, views, scene.people, versions=versions(), hands=scene.hands, objects=scene.objects)


def _render_camera(scene: Scene, camera: str, outputs: Sequence[str]) -> View:
    channels = label_channels(outputs)
    if "rgb" in outputs:
        rgb, labels = render_view(scene, camera, channels)
    else:
        rgb, labels = None, rasterize_labels(scene, camera, channels)
    return make_view(scene, camera, rgb, labels, keep(labels, outputs), amodal_masks(scene, camera, labels))


def label_channels(outputs: Sequence[str]) -> tuple[str, ...]:
    """The label channels to compute: those asked for and those that people are located with."""
    return tuple(name for name in LABELS if name in outputs or name in NEEDED_CHANNELS)


def keep(labels: Foreground, outputs: Sequence[str]) -> Foreground:
    """Only the channels that were asked for."""
    values = {name: value for name, value in labels.values.items() if name in outputs}
    return Foreground(labels.resolution, labels.offsets, labels.pixels, values)


def check_outputs(outputs: Sequence[str]) -> None:
    """Raise ConfigError for a name that is no output."""
    known = (*CHANNELS, *EXTRA_OUTPUTS)
    for name in outputs:
        if name not in known:
            raise unknown_name("output", name, known)


def versions() -> dict[str, str]:
    """Versions of what decides the pixels."""
    return {"python": platform.python_version(), "numpy": np.__version__, "numba": numba.__version__}

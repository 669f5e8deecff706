"""Read rendered passes from memory, without a file in between.

In background mode Blender offers no pixels of a render result, so Cycles' own render method is
wrapped: once it returns, its result still holds every pass.
"""

import numpy as np

from mannequin.generator.errors import RenderError
from mannequin.renderers.blender.session import interrupts_held, load_bpy, load_with_bpy, silence

CAPTURES = "captures"
"""Attribute of Cycles' render method that says that it is wrapped already."""


class Capture:
    """Renders the current scene and keeps the passes asked for.

    wanted: (layer, pass) pairs.
    """

    def __init__(self, wanted):
        self.wanted = frozenset(wanted)
        self.passes = {}

    def render(self) -> dict[tuple[str, str], np.ndarray]:
        """(layer, pass) → (h, w, C) float32 of the cropped image, row 0 at the top."""
        self.passes = {}
        _listener.append(self)
        try:
            with silence(), interrupts_held():
                load_bpy().ops.render.render()
        finally:
            _listener.remove(self)
        absent = self.wanted - set(self.passes)
        if absent:
            raise RenderError(f"Cycles returned no {sorted(absent)}; it has {sorted(self.passes)}.")
        return self.passes

    def read(self, result) -> None:
        """Copy the wanted passes out of a bpy RenderResult."""
        h, w = result.resolution_y, result.resolution_x
        for layer in result.layers:
            for p in layer.passes:
                if (layer.name, p.name) in self.wanted:
                    values = np.empty(h * w * p.channels, np.float32)
                    p.rect.foreach_get(values)
                    self.passes[layer.name, p.name] = values.reshape(h, w, p.channels)[::-1]


_listener: list[Capture] = []


def install() -> None:
    """Wrap Cycles' render method; a second call changes nothing."""
    cycles = load_with_bpy("cycles")
    original = cycles.CyclesRender.render
    if getattr(original, CAPTURES, False):
        return

    def render(self, depsgraph):
        original(self, depsgraph)
        for capture in _listener:
            capture.read(self.get_result())

    setattr(render, CAPTURES, True)
    cycles.CyclesRender.render = render

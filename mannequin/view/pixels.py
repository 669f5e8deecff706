"""What a clip's file says of one pixel."""

import html
from dataclasses import dataclass

import numpy as np

from mannequin.generator.body.model import PARTS, PARTS_14
from mannequin.generator.clip import CHANNELS
from mannequin.generator.dataset.source import ClipSource
from mannequin.generator.spec import ClipSpec


@dataclass(frozen=True)
class Reading:
    """One channel at one pixel. value: the file's numbers, exactly. meaning: in words, with the unit."""

    channel: str
    value: np.ndarray
    meaning: str


def read_pixel(reader: ClipSource, camera: str, t: int, x: int, y: int) -> list[Reading]:
    """Every channel of ``camera`` at column ``x`` and row ``y`` of frame ``t``."""
    channels = reader.channels(camera)
    labels = reader.labels(camera, tuple(n for n in channels if n != "rgb"), t, t + 1)
    on_surface = bool(labels.mask(0)[y, x])
    readings = []
    for name in channels:
        image = reader.frame(camera, "rgb", t) if name == "rgb" else labels.frame(name, 0)
        readings.append(Reading(name, image[y, x], _meaning(name, image[y, x], on_surface, reader.spec)))
    return readings


def readings_html(x: int, y: int, readings: list[Reading]) -> str:
    """A table of what :func:`read_pixel` found."""
    rows = "".join(
        f"<tr><td style='padding:1px 8px 1px 0;opacity:.7'>{name}</td>"
        f"<td data-channel='{name}' style='font-family:monospace;white-space:nowrap'>{numbers(r.value)}</td>"
        f"<td style='padding-left:8px'>{html.escape(r.meaning)}</td></tr>"
        for r in readings
        for name in [html.escape(r.channel)]
    )
    return (
        f"<div style='padding:0 .75em;font-size:.8em;overflow-x:auto'><table data-pixel='{x},{y}'>{rows}</table></div>"
    )


def numbers(value: np.ndarray) -> str:
    """The shortest text that reads back as exactly the same numbers."""
    return ", ".join(str(v) for v in np.atleast_1d(value))


def _meaning(name: str, value: np.ndarray, on_surface: bool, spec: ClipSpec) -> str:
    if name == "rgb":
        return "#{:02x}{:02x}{:02x}".format(*value)
    if not on_surface:
        return "background"
    if name == "segm":
        return _part(int(value))
    if name == "instance":
        return spec.instances.get(int(value), "nothing that is described")
    if name.startswith("occluded"):
        return "hidden" if value else "in sight"
    return CHANNELS[name].unit


def _part(index: int) -> str:
    from mannequin.generator.body.model import MERGE_14

    if not 1 <= index <= len(PARTS):
        return "no body part"
    return f"{PARTS[index - 1]} (of 14: {PARTS_14[MERGE_14[index] - 1]})"

"""Legends as HTML, for pages that stand alone."""

import base64
import io
from html import escape

import numpy as np
from PIL import Image

from mannequin.generator.colours import Bar, Legend, Swatches, Wheel

_AROUND = {"above": "1 / 2", "left": "2 / 1", "middle": "2 / 2", "right": "2 / 3", "below": "3 / 2"}
"""Row and column of what stands on a side of a picture."""


def legend_html(legend: Legend | None) -> str:
    """A fragment that explains the colours: styles inline, pictures as data, names escaped; "" for None.

    Text has the colour and font of the page around it.
    """
    if legend is None:
        return ""
    if isinstance(legend, Swatches):
        return _swatches(legend)
    if isinstance(legend, Bar):
        return _bar(legend)
    if isinstance(legend, Wheel):
        sides = {"above": "up", "left": "left", "right": "right", "below": "down"}
        return (
            _around(legend.picture, sides)
            + f"<div>white: at rest; rim: {legend.longest:.3g} {escape(legend.unit)} and more</div>"
        )
    return _around(legend.picture, dict(legend.labels))


def _swatches(legend: Swatches) -> str:
    rows = (
        '<span style="white-space:nowrap"><span '
        'style="display:inline-block;width:0.9em;height:0.9em;margin-right:0.4em;'
        f'vertical-align:-0.1em;background:rgb({r},{g},{b})"></span>{escape(name)}</span>'
        for name, (r, g, b) in legend.entries
    )
    return (
        '<div style="display:grid;grid-template-columns:repeat(auto-fill,minmax(11.5em,1fr));gap:0.15em '
        f'0.8em">{"".join(rows)}</div>'
    )


def _bar(legend: Bar) -> str:
    strip = _data_uri(legend.colours[None])
    return (
        f'<div style="max-width:22em"><img src="{strip}" alt="" style="display:block;width:100%;height:0.9em">'
        f'<div style="display:flex;justify-content:space-between"><span>{legend.low:.3g} {escape(legend.unit)}</span>'
        f"<span>{legend.high:.3g} {escape(legend.unit)}</span></div></div>"
    )


def _around(picture: np.ndarray, sides: dict[str, str]) -> str:
    """The picture with a text on each of the sides named."""
    texts = "".join(
        "<span "
        f'style="grid-area:{_AROUND[side]};place-self:center'
        f'{";color:#000;z-index:1" if side == "middle" else ""}">{escape(text)}</span>'
        for side, text in sides.items()
    )
    image = f'<img src="{_data_uri(picture)}" alt="" style="grid-area:2 / 2;width:6em;height:6em">'
    return f'<div style="display:inline-grid;grid-template-columns:auto auto auto;gap:0.2em 0.4em">{image}{texts}</div>'


def _data_uri(picture: np.ndarray) -> str:
    """(h, w, 3) uint8 as a PNG within a URL."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")

"""Curves over the steps of a run, as an SVG picture."""

import math
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 560, 300, 64, 16, 28, 48
COLOURS = ("#0072b2", "#d55e00", "#009e73")
"""Of curves, in turn; told apart by colour-blind readers."""

Curve = list[tuple[float, float]]
"""(step, value) of each point."""


def draw(curves: dict[str, Curve], title: str) -> str:
    """SVG: each curve in its colour, named above the plot; a curve of one point is a dot. title: of the values' axis."""
    points = [point for curve in curves.values() for point in curve]
    if not points:
        raise ValueError("curves hold no points; expected at least one.")
    across = _ticks(min(p[0] for p in points), max(p[0] for p in points))
    up = _ticks(min(p[1] for p in points), max(p[1] for p in points))

    def place(point: tuple[float, float]) -> tuple[float, float]:
        x = LEFT + (WIDTH - LEFT - RIGHT) * (point[0] - across[0]) / (across[-1] - across[0])
        return x, HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (point[1] - up[0]) / (up[-1] - up[0])

    drawn = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for tick in up:
        y = place((across[0], tick))[1]
        drawn += [f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>', _text(f"{tick:g}", LEFT - 8, y + 4, "end")]
    drawn += [_text(f"{tick:g}", place((tick, up[0]))[0], HEIGHT - BOTTOM + 18, "middle") for tick in across]
    drawn.append(_text("step", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "middle"))
    drawn.append(f'<g transform="translate(16 {(HEIGHT - BOTTOM + TOP) / 2:.1f}) rotate(-90)">{_text(title, 0, 0, "middle")}</g>')
    x = LEFT
    for (name, curve), colour in zip(curves.items(), COLOURS, strict=False):
        path = " ".join("{:.1f},{:.1f}".format(*place(point)) for point in curve)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-linejoin="round"/>')
        if len(curve) == 1:
            drawn.append('<circle cx="{:.1f}" cy="{:.1f}" r="3.5" fill="{}"/>'.format(*place(curve[0]), colour))
        drawn.append(_text(name, x, TOP - 10, "start", colour))
        x += 8 * len(name) + 16
    body = "\n".join(drawn)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">\n{body}\n</svg>\n'


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers, evenly spaced, the first at or below ``low``, the last at or above ``high``."""
    span = max(high - low, 1e-6, 1e-3 * abs(high))
    step = next(s for s in (m * 10.0**p for p in range(-7, 12) for m in (1, 2, 5)) if span / s <= 6)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(k * step, 9) for k in range(first, max(last, first + 1) + 1)]


def _text(text: str, x: float, y: float, anchor: str, colour: str = "#222") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'

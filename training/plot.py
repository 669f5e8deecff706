"""A small plot as an SVG picture; the same data give the same bytes."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

COLOURS = ("#0072b2", "#d55e00", "#009e73")
"""Of curves, in turn; told apart by colour-blind readers."""

Curve = Sequence[tuple[float, float]]
"""(step, value) of each point."""

_WIDTH, _LEFT, _BOTTOM = 560, 64, 52


@dataclass
class Plot:
    """Axes, and what is drawn between them. Points are (x, y) in units of the axes.

    across, up: where the axes have their numbers, rising; the first and the last are their ends. titles: of both.
    height, top, right: of the picture and its margins, pixels. inset: between the ends of the axis across and its first
    and last number, pixels. logarithmic: of the axis across.
    """

    across: Sequence[float]
    up: Sequence[float]
    titles: tuple[str, str]
    height: int
    top: int
    right: int
    inset: int = 0
    logarithmic: bool = False
    _drawn: list[str] = field(default_factory=list)

    @property
    def ends(self) -> tuple[float, float]:
        """Pixels from the left at which the axis across begins and ends."""
        return _LEFT, _WIDTH - self.right

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Pixels from the left and from the top."""
        first, last, x = (math.log(v) if self.logarithmic else v for v in (self.across[0], self.across[-1], x))
        begin, end = self.ends[0] + self.inset, self.ends[1] - self.inset
        share = (x - first) / (last - first) if last > first else 0.0
        return begin + (end - begin) * share, self._level(y)

    def curve(self, points: Curve, colour: str) -> None:
        """Straight lines from point to point."""
        path = " ".join("{:.1f},{:.1f}".format(*self.place(*point)) for point in points)
        self._drawn.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-linejoin="round"/>'
        )

    def level(self, y: float, colour: str) -> None:
        """A dashed line right across."""
        self._drawn.append(
            _horizontal(self.ends, self._level(y), f'stroke="{colour}" stroke-width="2" stroke-dasharray="6 4"')
        )

    def dot(self, x: float | None, y: float, colour: str) -> None:
        """x: None for the left edge."""
        left, top = (self.ends[0], self._level(y)) if x is None else self.place(x, y)
        self._drawn.append(f'<circle cx="{left:.1f}" cy="{top:.1f}" r="3.5" fill="{colour}" fill-opacity="0.55"/>')

    def text(self, text: str, left: float, top: float, colour: str) -> None:
        """Text that begins at so many pixels, its baseline there."""
        self._drawn.append(_text(text, left, top, "start", colour))

    def svg(self) -> str:
        """The picture, as the content of a file."""
        foot, middle = self.height - _BOTTOM, sum(self.ends) / 2
        axes = [f'<rect width="{_WIDTH}" height="{self.height}" fill="white"/>']
        for tick in self.up:
            axes += [
                _horizontal(self.ends, self._level(tick), 'stroke="#ddd"'),
                _text(f"{tick:g}", _LEFT - 8, self._level(tick) + 4, "end"),
            ]
        axes += [_text(f"{tick:g}", self.place(tick, self.up[0])[0], foot + 18, "middle") for tick in self.across]
        axes.append(_text(self.titles[0], middle, self.height - 12, "middle"))
        axes.append(
            f'<g transform="translate(16 {(foot + self.top) / 2:.1f}) '
            f'rotate(-90)">{_text(self.titles[1], 0, 0, "middle")}</g>'
        )
        body = "\n".join([*axes, *self._drawn])
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {self.height}" '
            f'font-family="sans-serif" font-size="12">\n{body}\n</svg>\n'
        )

    def _level(self, y: float) -> float:
        foot = self.height - _BOTTOM
        return foot - (foot - self.top) * (y - self.up[0]) / (self.up[-1] - self.up[0])


def draw(curves: dict[str, Curve], title: str) -> str:
    """SVG of curves over steps, named above the plot; a curve of one point is a dot. title: of the values' axis."""
    points = [point for curve in curves.values() for point in curve]
    if not points:
        raise ValueError("curves hold no points; expected at least one.")
    plot = Plot(ticks(p[0] for p in points), ticks(p[1] for p in points), ("step", title), 300, 28, 16)
    left = plot.ends[0]
    for (name, curve), colour in zip(curves.items(), COLOURS, strict=False):
        plot.curve(curve, colour)
        if len(curve) == 1:
            plot.dot(*curve[0], colour)
        plot.text(name, left, 18, colour)
        left += 8 * len(name) + 16
    return plot.svg()


def ticks(values: Iterable[float]) -> list[float]:
    """Round numbers, evenly spaced, the first at or below the least of ``values``, the last at or above the largest."""
    values = list(values)
    low, high = min(values), max(values)
    span = max(high - low, 1e-6, 1e-3 * abs(high))
    step = next(s for s in (m * 10.0**p for p in range(-7, 12) for m in (1, 2, 5)) if span / s <= 6)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(k * step, 9) for k in range(first, max(last, first + 1) + 1)]


def _horizontal(ends: tuple[float, float], y: float, style: str) -> str:
    return f'<line x1="{ends[0]}" x2="{ends[1]}" y1="{y:.1f}" y2="{y:.1f}" {style}/>'


def _text(text: str, x: float, y: float, anchor: str, colour: str = "#222") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'

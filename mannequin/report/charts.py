"""Charts as inline SVG. Colours come from the page's style, so they follow dark and light and print."""

import math
from collections.abc import Callable

import numpy as np

from mannequin.report.html import Html, el, join, number, text
from mannequin.report.tallies import Histogram, LogHistogram, Names

WIDTH = 340
MOST_BARS = 36
MOST_NAMES = 12
LABEL_CHARACTERS = 20


def histogram(tally: Histogram, title: str, unit: str, colour: Callable[[float], str] | None = None) -> Html:
    """Bars over an axis with round numbers. colour: of a bar by the value at its middle."""
    bars = _grouped(tally)
    low, high = bars[0][0], bars[-1][1]
    width, height, left, bottom = WIDTH, 132, 8, 104
    scale = (width - 2 * left) / (high - low)
    tallest = max(n for _, _, n in bars)
    drawn = []
    for a, b, n in bars:
        if n:
            tall = max(1.0, 84 * n / tallest)
            label = f"{_span(a, b, tally)}{_with(unit)}: {n:,} of {tally.n:,} ({_share(n, tally.n)})"
            filled = colour((a + b) / 2) if colour else None
            drawn.append(
                _bar(left + (a - low) * scale, bottom - tall, max(0.5, (b - a) * scale - 1), tall, label, colour=filled)
            )
    axis = [el("line", x1=left, x2=width - left, y1=bottom + 0.5, y2=bottom + 0.5, class_="axis")]
    for tick in _ticks(low, high, whole=tally.low == -0.5):
        x = f"{left + (tick - low) * scale:.1f}"
        axis.append(el("line", x1=x, x2=x, y1=bottom, y2=bottom + 4, class_="axis"))
        axis.append(el("text", number(tick, 4), x=x, y=bottom + 17, text_anchor="middle"))
    top = el("text", f"{_share(tallest, tally.n)}", x=left, y=13, class_="dim")
    return _svg(width, height, f"{title}: {summary(tally, unit)}", *axis, top, *drawn)


def rose(tally: Histogram, title: str) -> Html:
    """Directions in degrees around a person seen from above, who faces the top of the picture."""
    width, height, x, y, reach = WIDTH, 196, WIDTH / 2, 98, 76
    counts = tally.counts.reshape(36, -1).sum(1)
    most = max(int(counts.max()), 1)
    drawn = [el("circle", cx=x, cy=y, r=f"{reach * math.sqrt(part):.1f}", class_="ring") for part in (0.25, 0.5, 1.0)]
    for k, n in enumerate(counts):
        if n:
            a, b = math.radians(-180 + 10 * k), math.radians(-170 + 10 * k)
            r = reach * math.sqrt(n / most)
            corners = [(x - r * math.sin(v), y - r * math.cos(v)) for v in (a, b)]  # counter-clockwise: left is left
            d = (
                f"M{x:.1f} {y:.1f}L{corners[0][0]:.1f} {corners[0][1]:.1f}A{r:.1f} {r:.1f} 0 0 0 "
                f"{corners[1][0]:.1f} {corners[1][1]:.1f}Z"
            )
            tip = f"{-180 + 10 * k}° to {-170 + 10 * k}°: {int(n):,} of {tally.n:,} ({_share(n, tally.n)})"
            drawn.append(el("path", _title(tip), d=d, class_="bar"))
    above = (("front", y - reach - 8), ("back", y + reach + 16))
    beside = (("left", x - reach - 8, "end"), ("right", x + reach + 8, "start"))
    labels = [el("text", name, x=f"{x:.0f}", y=f"{b:.0f}", text_anchor="middle") for name, b in above]
    labels += [el("text", name, x=f"{a:.0f}", y=f"{y + 4:.0f}", text_anchor=anchor) for name, a, anchor in beside]
    return _svg(width, height, f"{title}: {summary(tally, '°')}", *drawn, *labels)


def log_histogram(tally: LogHistogram, title: str, unit: str) -> Html:
    """Bars over powers of ten; values of 0 apart, at the left."""
    occupied = np.flatnonzero(tally.decades.counts)
    first, last = (int(occupied[0]) // 10, int(occupied[-1]) // 10 + 1) if len(occupied) else (90 // 10, 100 // 10)
    counts = tally.decades.counts[10 * first : 10 * last].reshape(-1, 2).sum(1)
    width, height, left, bottom, start = WIDTH, 118, 8, 90, 40
    tallest, step = max(int(counts.max()), tally.zeros, 1), (width - start - left) / len(counts)
    drawn, none = [], 72 * tally.zeros / tallest
    if tally.zeros:
        drawn.append(
            _bar(left, bottom - none, 16, none, f"0: {tally.zeros:,} of {tally.n:,} ({_share(tally.zeros, tally.n)})")
        )
    for k, n in enumerate(counts):
        if n:
            a, b = 10.0 ** (tally.LOWEST + first + k / 5), 10.0 ** (tally.LOWEST + first + (k + 1) / 5)
            label = f"{number(a, 2)} to {number(b, 2)}{_with(unit)}: {int(n):,} of {tally.n:,} ({_share(n, tally.n)})"
            drawn.append(
                _bar(
                    start + k * step,
                    bottom - max(1.0, 72 * n / tallest),
                    max(step - 1, 0.5),
                    max(1.0, 72 * n / tallest),
                    label,
                )
            )
    axis = [
        el("line", x1=left, x2=width - left, y1=bottom + 0.5, y2=bottom + 0.5, class_="axis"),
        el("text", "0", x=left + 8, y=bottom + 17, text_anchor="middle"),
    ]
    for power in range(first, last + 1, max(1, (last - first) // 5)):
        x = f"{start + 5 * (power - first) * step:.1f}"
        axis.append(el("line", x1=x, x2=x, y1=bottom, y2=bottom + 4, class_="axis"))
        axis.append(
            el(
                "text",
                "10",
                el("tspan", str(power + tally.LOWEST).replace("-", "−"), dy=-5, font_size=8),
                x=x,
                y=bottom + 17,
                text_anchor="middle",
            )
        )
    return _svg(
        width,
        height,
        f"{title}: n {tally.n:,}, median {number(tally.quantile(0.5), 2)}, largest "
        f"{number(tally.largest, 2)}{_with(unit)}",
        *axis,
        *drawn,
    )


def names(tally: Names, title: str) -> Html:
    """One bar for each of the most frequent names, and one for all the others."""
    ranked = tally.ranked()
    rows = [(name, n, "bar") for name, n in ranked[:MOST_NAMES]]
    rest, more = tally.n - sum(n for _, n, _ in rows), len(ranked) - len(rows)
    if rest:
        rows.append((f"{more:,} others" if more and not tally.others else "others", rest, "bar rest"))
    return bars(
        [
            (name, n, f"{n:,}", f"{name}: {n:,} of {tally.n:,} ({_share(n, tally.n)})", class_, None)
            for name, n, class_ in rows
        ],
        title,
    )


def bars(rows: list[tuple], title: str, label_width: int = 118) -> Html:
    """Horizontal bars. rows: (name, value, value in words, tooltip, class, colour or None)."""
    step, left = 18, label_width + 6
    room = WIDTH - left - 58
    longest = max((value for _, value, *_ in rows if value == value), default=0) or 1
    drawn = []
    for k, (name, value, said, tip, class_, colour) in enumerate(rows):
        y = k * step
        drawn.append(el("text", _short(name), _title(str(name)), x=label_width, y=y + 13, text_anchor="end"))
        long = max(0.8, room * value / longest) if value else 0
        drawn.append(_bar(left, y + 3, long, step - 6, tip, class_, colour))
        drawn.append(el("text", said, x=f"{left + long + 5:.1f}", y=y + 13, class_="dim"))
    return _svg(WIDTH, max(step, step * len(rows)), title, *drawn)


def stacked(rows: list[tuple[str, list[tuple[float, str, str]]]], title: str) -> Html:
    """Bars of parts that make up a whole. rows: (name, [(share, class, tooltip), …])."""
    step, left = 18, 124
    room, drawn = WIDTH - left - 4, []
    for k, (name, parts) in enumerate(rows):
        x = float(left)
        drawn.append(el("text", _short(name), x=118, y=k * step + 13, text_anchor="end"))
        for share, class_, tip in parts:
            if share > 0:
                drawn.append(_bar(x, k * step + 3, room * share, step - 6, tip, class_))
                x += room * share
    return _svg(WIDTH, step * len(rows), title, *drawn)


def ranges(rows: list[tuple[str, Histogram]], title: str) -> Html:
    """For each row a line from the 5th to the 95th percentile, a bar over the middle half, a mark at the median."""
    filled = [(name, tally) for name, tally in rows if tally.n]
    high = max(1.0, *(abs(tally.quantile(q)) for _, tally in filled for q in (0.05, 0.95)))
    step, left, right = 18, 60, WIDTH - 16
    middle, scale = (left + right) / 2, (right - left) / 2 / high
    bottom = step * len(filled) + 4
    drawn = [el("line", x1=middle, x2=middle, y1=0, y2=bottom, class_="ring")]
    for k, (name, tally) in enumerate(filled):
        p5, p25, p50, p75, p95 = (middle + scale * tally.quantile(q) for q in (0.05, 0.25, 0.5, 0.75, 0.95))
        y = k * step + 9
        drawn.append(el("text", name, x=left - 8, y=y + 4, text_anchor="end"))
        drawn.append(el("line", x1=f"{p5:.1f}", x2=f"{p95:.1f}", y1=y, y2=y, class_="whisker"))
        drawn.append(_bar(p25, y - 5, max(p75 - p25, 1.0), 10, f"{name}: {summary(tally, '')}"))
        drawn.append(el("line", x1=f"{p50:.1f}", x2=f"{p50:.1f}", y1=y - 6, y2=y + 6, class_="median"))
    axis = [
        el("text", number(v), x=f"{middle + v * scale:.1f}", y=bottom + 14, text_anchor="middle")
        for v in _ticks(-high, high)
    ]
    return _svg(WIDTH, bottom + 20, title, *drawn, *axis)


def summary(tally: Histogram, unit: str) -> str:
    """A distribution in a line."""
    if not tally.n:
        return "n 0"
    low, middle, high = (number(tally.quantile(q)) for q in (0.05, 0.5, 0.95))
    least, most = number(tally.smallest), number(tally.largest)
    said = f"n {tally.n:,}, median {middle}{_with(unit)}" + (
        f", 90\xa0% from {low} to {high}, all from {least} to {most}" if least != most else ", the same in all"
    )
    outside = tally.under + tally.over
    return (
        said
        + (f"; {outside:,} outside of the picture" if outside else "")
        + (f"; {tally.lost:,} unknown" if tally.lost else "")
    )


def _grouped(tally: Histogram) -> list[tuple[float, float, int]]:
    """(from, to, count) of at most about MOST_BARS bars of round width that hold all counts."""
    occupied = np.flatnonzero(tally.counts)
    first, last = (int(occupied[0]), int(occupied[-1]) + 1) if len(occupied) else (0, 1)
    group = next(g for k in range(6) for g in (10**k, 2 * 10**k, 5 * 10**k) if (last - first) / g <= MOST_BARS)
    origin = round(-tally.low / tally.width) % group  # borders fall on multiples of the bars' width
    start = (first - origin) // group * group + origin
    stop = max(-((origin - last) // group) * group + origin, start + 6 * group)
    found = []
    for k in range(start, stop, group):
        n = int(tally.counts[max(k, 0) : max(k + group, 0)].sum())
        found.append((tally.low + k * tally.width, tally.low + (k + group) * tally.width, n))
    return found


def _ticks(low: float, high: float, whole: bool = False) -> list[float]:
    """Round numbers from ``low`` to ``high``, about five."""
    step = next(s * 10.0**k for k in range(-6, 7) for s in (1, 2, 5) if (high - low) / (s * 10.0**k) <= 6)
    step = max(step, 1.0) if whole else step
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def _span(a: float, b: float, tally: Histogram) -> str:
    if tally.low == -0.5:
        return number(a + 0.5) if b - a == 1 else f"{number(a + 0.5)} to {number(b - 0.5)}"
    return f"{number(a, 4)} to {number(b, 4)}"


def _share(n, of) -> str:
    return f"{100 * n / of:.{0 if n * 10 >= of else 1}f}\xa0%" if of else "–"


def _with(unit: str) -> str:
    return unit if unit == "°" else f"\xa0{unit}" if unit else ""


def _short(name) -> str:
    name = str(name)
    return name if len(name) <= LABEL_CHARACTERS else name[: LABEL_CHARACTERS - 1] + "…"


def _title(words: str) -> Html:
    return el("title", words)


def _bar(
    x: float, y: float, width: float, height: float, tip: str, class_: str = "bar", colour: str | None = None
) -> Html:
    style = f"fill:{colour}" if colour else None
    return el(
        "rect",
        _title(tip),
        x=f"{x:.1f}",
        y=f"{y:.1f}",
        width=f"{width:.1f}",
        height=f"{height:.1f}",
        class_=class_,
        style=style,
    )


def _svg(width: int, height: int, label: str, *children) -> Html:
    return Html(
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{text(label, 600)}">{join(children)}</svg>'
    )

"""An experiment's outcome for readers: Markdown and an SVG plot."""

import math
from html import escape

from training.experiments.campaign import Outcome
from training.experiments.plans import Arm
from training.experiments.statistics import Paired, mean_and_reach

UNITS = {"iou": ("mean IoU of 14 parts, %", 100.0), "rmse": ("RMSE, mm", 1.0)}
"""What a metric is called, and by what it is multiplied to be that."""

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 560, 340, 64, 150, 24, 56
COLOURS = ("#0072b2", "#d55e00", "#009e73")
"""Of lines; told apart by colour-blind readers."""


def markdown(outcome: Outcome) -> str:
    """Question, direction, table of arms and table of directions."""
    unit, factor = UNITS[outcome.metric]
    return "\n".join(
        [
            f"**Asked:** {outcome.experiment.question} **Expected, written down beforehand:** {outcome.experiment.expected}",
            "",
            f"| arm | {unit}, stand-in for real | by seed | {unit}, synthetic |",
            "|---|---:|---|---:|",
            *(_arm_row(outcome, arm, factor) for arm in outcome.experiment.arms),
            "",
            f"| expected better | than | by ({unit}) | 95 % interval | seeds in favour | verdict |",
            "|---|---|---:|---|---:|---|",
            *(_direction_row(d.better, d.worse, gain, factor) for d, gain in outcome.gains.items()),
            "",
        ]
    )


def _arm_row(outcome: Outcome, arm: Arm, factor: float) -> str:
    values, synth = ([factor * v for v in outcome.values(arm, kind)] for kind in ("real", "synth"))
    return f"| {arm.name} | {_mean(values)} | {', '.join(f'{v:.1f}' for v in values)} | {_mean(synth)} |"


def _mean(values: list[float]) -> str:
    mean, reach = mean_and_reach(values)
    return f"{mean:.1f} ± {reach:.1f}"


def _direction_row(better: str, worse: str, gain: Paired, factor: float) -> str:
    favour = sum(d > 0 for d in gain.differences)
    interval = f"{factor * gain.low:+.1f} to {factor * gain.high:+.1f}"
    return f"| {better} | {worse} | {factor * gain.mean:+.1f} | {interval} | {favour} of {len(gain.differences)} | {gain.verdict} |"


def plot(outcome: Outcome) -> str:
    """SVG: the metric on the stand-in against the arms' amounts on a logarithmic axis, a dot for each seed, a line through the means."""
    unit, factor = UNITS[outcome.metric]
    arms = outcome.experiment.arms
    places = sorted({arm.at for arm in arms if arm.at is not None})
    values = {arm.name: [factor * v for v in outcome.values(arm)] for arm in arms}
    low, high, ticks = _scale([v for some in values.values() for v in some])

    def x(at: float) -> float:
        span = math.log(places[-1] / places[0]) if len(places) > 1 else 1.0
        return LEFT + 20 + (WIDTH - LEFT - RIGHT - 40) * math.log(at / places[0]) / span

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low)

    axes = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for tick in ticks:
        axes.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#ddd"/>')
        axes.append(_text(f"{tick:g}", LEFT - 8, y(tick) + 4, "end"))
    axes += [_text(f"{at}", x(at), HEIGHT - BOTTOM + 18, "middle") for at in places]
    axes.append(_text(f"{outcome.experiment.axis} (logarithmic)", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, "middle"))
    axes.append(f'<g transform="translate(16 {(HEIGHT - BOTTOM + TOP) / 2}) rotate(-90)">{_text(unit, 0, 0, "middle")}</g>')
    lines = dict.fromkeys(arm.line for arm in arms)
    drawn = [_line([a for a in arms if a.line == line], values, x, y, colour) for line, colour in zip(lines, COLOURS, strict=False)]
    names = _names({line: y(_mean_of(values, [a for a in arms if a.line == line][-1])) for line in lines})
    body = "\n".join([*axes, *drawn, *names])
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">\n{body}\n</svg>\n'


def _line(arms: list[Arm], values: dict[str, list[float]], x, y, colour: str) -> str:
    """One line of the plot. An arm without a place is a dashed level, its seeds at the left edge."""
    if arms[0].at is None:
        level = y(_mean_of(values, arms[0]))
        path = f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{level:.1f}" y2="{level:.1f}" stroke="{colour}" stroke-width="2" stroke-dasharray="6 4"/>'
    else:
        points = " ".join(f"{x(arm.at):.1f},{y(_mean_of(values, arm)):.1f}" for arm in arms)
        path = f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
    dots = (
        f'<circle cx="{LEFT if arm.at is None else x(arm.at):.1f}" cy="{y(v):.1f}" r="3.5" fill="{colour}" fill-opacity="0.55"/>'
        for arm in arms
        for v in values[arm.name]
    )
    return path + "".join(dots)


def _names(heights: dict[str, float]) -> list[str]:
    """Names of the lines at their right ends, moved apart where they would meet."""
    drawn, last = [], -math.inf
    for (line, height), colour in sorted(zip(heights.items(), COLOURS, strict=False), key=lambda item: item[0][1]):
        last = max(height + 4, last + 15)
        drawn.append(_text(line, WIDTH - RIGHT + 8, last, "start", colour))
    return drawn


def _mean_of(values: dict[str, list[float]], arm: Arm) -> float:
    return sum(values[arm.name]) / len(values[arm.name])


def _scale(values: list[float]) -> tuple[float, float, list[float]]:
    """Ends of an axis that holds ``values``, and round numbers on it."""
    span = max(max(values) - min(values), 1e-6)
    step = next(s for s in (m * 10.0**p for p in range(-7, 7) for m in (1, 2, 5)) if span / s <= 6)
    first, last = math.floor(min(values) / step), math.ceil(max(values) / step)
    last += first == last
    return first * step, last * step, [k * step for k in range(first, last + 1)]


def _text(text: str, x: float, y: float, anchor: str, colour: str = "#222") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'

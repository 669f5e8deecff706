"""An experiment's outcome for readers: Markdown and an SVG plot."""

import math

from mannequin.training.experiments.campaign import Outcome
from mannequin.training.experiments.plans import Arm
from mannequin.training.experiments.statistics import Paired, mean_and_reach
from mannequin.training.plot import COLOURS, Plot, ticks
from mannequin.training.registry import make_task


def markdown(outcome: Outcome) -> str:
    """Question, direction, table of arms and table of directions."""
    unit, factor = _unit(outcome)
    return "\n".join(
        [
            f"**Asked:** {outcome.experiment.question} **Expected, written down beforehand:** "
            f"{outcome.experiment.expected}",
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
    return (
        f"| {better} | {worse} | {factor * gain.mean:+.1f} | {interval} | {favour} of {len(gain.differences)} | "
        f"{gain.verdict} |"
    )


def plot(outcome: Outcome) -> str:
    """SVG: the metric on the stand-in against the arms' amounts on a logarithmic axis, a dot for each seed, a line
    through the means."""
    unit, factor = _unit(outcome)
    arms = outcome.experiment.arms
    places = sorted({arm.at for arm in arms if arm.at is not None})
    values = {arm.name: [factor * v for v in outcome.values(arm)] for arm in arms}
    means = {name: sum(some) / len(some) for name, some in values.items()}
    titles = (f"{outcome.experiment.axis} (logarithmic)", unit)
    drawn = Plot(
        places, ticks(v for some in values.values() for v in some), titles, 340, 24, 150, inset=20, logarithmic=True
    )
    ends = {}
    for line, colour in zip(dict.fromkeys(arm.line for arm in arms), COLOURS, strict=False):
        here = [arm for arm in arms if arm.line == line]
        if here[0].at is None:
            drawn.level(means[here[0].name], colour)
        else:
            drawn.curve([(arm.at, means[arm.name]) for arm in here if arm.at is not None], colour)
        for arm in here:
            for value in values[arm.name]:
                drawn.dot(arm.at, value, colour)
        ends[line] = drawn.place(places[-1], means[here[-1].name])[1], colour
    last = -math.inf
    for line, (height, colour) in sorted(ends.items(), key=lambda item: item[1]):
        last = max(height + 4, last + 15)  # names that would meet move apart
        drawn.text(line, drawn.ends[1] + 8, last, colour)
    return drawn.svg()


def _unit(outcome: Outcome) -> tuple[str, float]:
    """(the metric with its unit, by what it is multiplied to be that)."""
    figure = make_task(outcome.task).meter().figures[outcome.metric]
    return f"{figure.title}, {figure.unit}", figure.scale

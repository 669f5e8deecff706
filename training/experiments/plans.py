"""What each experiment compares, and what is expected of it.

The directions were written down before anything was run, that of ``finetuning`` after ``pretraining`` was. A direction
*holds* if the 95 % interval of the mean
difference, paired by seed, lies above 0; it is *contrary* if that lies below 0, and otherwise *open*.
"""

from dataclasses import dataclass, replace

from mannequin.generator.errors import unknown_name
from mannequin.training.experiments.scale import Scale


@dataclass(frozen=True)
class Part:
    """Data to learn from. kind: "synth" or "outfits" with ``count`` clips or outfits, "real" with ``count`` images.

    whole: of a second part, that it takes as many steps as both parts of other arms together.
    """

    kind: str
    count: int
    whole: bool = False

    def __str__(self) -> str:
        return f"{self.kind}-{self.count}{'-whole' if self.whole else ''}"


@dataclass(frozen=True)
class Arm:
    """One way to train. first, then: data of the two parts of training; there are as many steps in every arm, but for
    ``whole``.

    line: the line of the plot that it is on. at: where on it; None for a line that is level.
    """

    name: str
    first: Part
    then: Part
    line: str
    at: int | None


@dataclass(frozen=True)
class Direction:
    """The arm called ``better`` is expected to be better than ``worse``."""

    better: str
    worse: str


@dataclass(frozen=True)
class Experiment:
    """axis: what Arm.at counts."""

    name: str
    question: str
    expected: str
    axis: str
    arms: tuple[Arm, ...]
    directions: tuple[Direction, ...]


def pretraining(scale: Scale) -> Experiment:
    """Thesis, Tables 3.2 to 3.4."""
    synth = Part("synth", scale.clips[-1])
    arms = [Arm("synth", synth, synth, "synthetic only", None)]
    for count in scale.real:
        real = Part("real", count)
        arms += [
            Arm(f"real-{count}", real, real, "real only", count),
            Arm(f"synth+real-{count}", synth, real, "synthetic, then real", count),
        ]
    return Experiment(
        "pretraining",
        "Does training on synthetic images before few real ones beat training on those alone?",
        "Synthetic, then real is better than real only, at every number of real images.",
        "real images",
        tuple(arms),
        tuple(Direction(f"synth+real-{count}", f"real-{count}") for count in scale.real),
    )


def finetuning(scale: Scale) -> Experiment:
    """Thesis, Tables 3.2 to 3.4, where training on real images is the same whatever came before."""
    synth = Part("synth", scale.clips[-1])
    arms = []
    for count in scale.real:
        real = Part("real", count)
        arms += [Arm(f"real-{count}", real, real, "from random weights", count)]
        arms += [Arm(f"tuned-{count}", synth, replace(real, whole=True), "from synthetic weights", count)]
    return Experiment(
        "finetuning",
        "Do weights learnt on synthetic images help where the training on real ones that follows is as long "
        "as without them?",
        "From synthetic weights is better than from random ones, at every number of real images.",
        "real images",
        tuple(arms),
        tuple(Direction(f"tuned-{count}", f"real-{count}") for count in scale.real),
    )


def amount(scale: Scale) -> Experiment:
    """Thesis, Figure 3-9, left."""
    return Experiment(
        "amount",
        "Do more synthetic clips help?",
        "More clips are better than fewer.",
        "synthetic clips",
        *_rising("synth", scale.clips, "synthetic only"),
    )


def clothing(scale: Scale) -> Experiment:
    """Thesis, Figure 3-9, right."""
    return Experiment(
        "clothing",
        "Do more different outfits help, in as many clips?",
        "More outfits are better than fewer.",
        f"outfits in {scale.outfit_clips} clips",
        *_rising("outfits", scale.outfits, "synthetic only"),
    )


EXPERIMENTS = {make.__name__: make for make in (pretraining, finetuning, amount, clothing)}


def plan(name: str, scale: Scale) -> Experiment:
    """The experiment called ``name``. Raises ConfigError for an unknown one."""
    if name not in EXPERIMENTS:
        raise unknown_name("experiment", name, EXPERIMENTS)
    return EXPERIMENTS[name](scale)


def _rising(kind: str, counts: tuple[int, ...], line: str) -> tuple[tuple[Arm, ...], tuple[Direction, ...]]:
    """An arm for each count; each step up is expected to help, and so is the way from the first to the last."""
    arms = tuple(Arm(f"{kind}-{n}", Part(kind, n), Part(kind, n), line, n) for n in counts)
    pairs = list(zip(counts[1:], counts, strict=False)) + ([(counts[-1], counts[0])] if len(counts) > 2 else [])
    return arms, tuple(Direction(f"{kind}-{more}", f"{kind}-{fewer}") for more, fewer in pairs)

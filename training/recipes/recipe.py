"""A recipe: runs one after the other, each with a folder of its own.

A stage is a whole run of the one loop, so it is resumed, evaluated and predicted with like any other; the loop knows
nothing of stages. The same command goes on with the stage that was interrupted.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mannequin.training.core.config import TrainConfig
from mannequin.training.options.preset import DataConfig

if TYPE_CHECKING:
    from mannequin.training.core.loop import Progress, Result
    from mannequin.training.data.sources import TrainingData
    from mannequin.training.task import Task


@dataclass(frozen=True)
class Stage:
    """A training. name: of its folder. task: name of it. network: its options.

    init: part of the network → name of the earlier stage whose best weights it begins with; "" is the whole network.
    """

    name: str
    task: str
    network: Any
    train: TrainConfig
    data: DataConfig = DataConfig()
    init: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """learns: what, for the manual. presets: stages in order; the preset "small" is the default."""

    name: str
    learns: str
    presets: dict[str, tuple[Stage, ...]]


def folder_of_stage(out: Path, stages: tuple[Stage, ...], name: str) -> Path:
    """Where the run of the stage called ``name`` lies."""
    number = next(k for k, stage in enumerate(stages, start=1) if stage.name == name)
    return out / f"{number}-{name}"


def run_stage(
    stages: tuple[Stage, ...],
    stage: Stage,
    task: "Task",
    out: Path,
    data: "TrainingData",
    on_progress: Callable[["Progress"], None] = lambda progress: None,
    say: Callable[[str], None] = lambda line: None,
) -> "Result":
    """Run one of ``stages``, whose earlier ones are done, or go on with it; ``task`` is the stage's.

    Raises what :func:`mannequin.training.core.loop.train` raises.
    """
    from mannequin.training.core.init import read_starts
    from mannequin.training.core.loop import train

    starts = read_starts({part: folder_of_stage(out, stages, name) for part, name in stage.init.items()}, task)
    folder = folder_of_stage(out, stages, stage.name)
    return train(task, data.train, data.val, stage.train, folder, on_progress, data.about, starts, say)


def adjusted(stages: tuple[Stage, ...], **changes: Any) -> tuple[Stage, ...]:
    """The same with other values of options of training, such as seed, in all stages."""
    return tuple(replace(stage, train=replace(stage.train, **changes)) for stage in stages)

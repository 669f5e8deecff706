"""Weights that a network begins with, from checkpoints of others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from mannequin.generator.errors import ConfigError, TrainingError
from mannequin.training.core.checkpoint import fill, load_weights
from mannequin.training.task import Task


@dataclass(frozen=True, eq=False)
class Start:
    """Weights for the part of a network that is called ``prefix``; "" is the whole. about: as ``load_weights`` says."""

    prefix: str
    weights: dict[str, Tensor]
    about: dict


def read_starts(init: Mapping[str, Path], task: Task) -> list[Start]:
    """What the checkpoints ``init``, by prefix, hold for networks of ``task``.

    Raises TrainingError for one that is damaged, and for the whole network of another task; ConfigError where there is
    none for a part that stays frozen.
    """
    for part in task.frozen:
        if not any(part == prefix or part.startswith(f"{prefix}.") or not prefix for prefix in init):
            raise ConfigError(
                f"The part {part!r} of the network of the task {task.name!r} is not trained, so it must begin with the "
                f"weights of a run: give --init {part}=RUN."
            )
    starts = [Start(prefix, *load_weights(path)) for prefix, path in init.items()]
    for start in starts:
        if not start.prefix and start.about["task"] != task.name:
            raise TrainingError(
                f"The checkpoint {start.about['checkpoint']} is of the task {start.about['task']!r}; expected one of "
                f"{task.name!r}. Choose another one for --init, or say which part of the network it is for: "
                "--init PART=CHECKPOINT."
            )
    return starts


def initialise(model: nn.Module, task: Task, starts: Sequence[Start]) -> None:
    """Put the weights into ``model``, the whole's first and those of the smallest parts last, in whatever order they
    were named.

    Raises ConfigError for a part that it lacks, TrainingError for weights that do not fit.
    """
    for start in sorted(starts, key=lambda start: len(start.prefix)):
        try:
            part = model.get_submodule(start.prefix)
        except AttributeError as e:
            parts = ", ".join(name for name, _ in model.named_children())
            raise ConfigError(
                f"--init {start.prefix}=…: the network has no part {start.prefix!r}. Its parts are {parts}."
            ) from e
        lead = f"{start.prefix}." if start.prefix else ""
        anew = {name: value for name, value in part.state_dict().items() if task.may_begin_anew(lead + name)}
        fill(part, anew | start.weights, start.about["checkpoint"])


def starts_of_checkpoint(starts: Sequence[Start]) -> dict[str, dict]:
    """What stands of them in the checkpoints of the run that begins with them."""
    return {start.prefix: {name: start.about[name] for name in ("checkpoint", "step")} for start in starts}

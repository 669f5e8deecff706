"""Tasks and recipes by name: one line for each.

Nothing here needs torch until a task is asked for, so that manuals appear at once.
"""

from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mannequin.generator.errors import TrainingError, unknown_name
from mannequin.generator.io import limits
from mannequin.generator.records import from_plain
from mannequin.training.options import action, detection, hourglass, pose2d
from mannequin.training.options.preset import Preset
from mannequin.training.recipes.parts_pose import PARTS_POSE
from mannequin.training.recipes.recipe import Recipe

if TYPE_CHECKING:
    from torch import nn

    from mannequin.training.task import Task


@dataclass(frozen=True, eq=False)
class Entry:
    """A task. learns: what, for the manual. options: its config's class. presets: the first is the default.

    place: "module:Class" within mannequin.training.tasks; the class is called with the options.
    """

    name: str
    learns: str
    options: type
    presets: dict[str, Preset]
    place: str

    def task(self, options: Any = None) -> "Task":
        """A new task."""
        module, _, name = self.place.partition(":")
        made = getattr(import_module(f"mannequin.training.tasks.{module}"), name)
        return made(self.options() if options is None else options)


TASKS = {
    entry.name: entry
    for entry in (
        Entry(
            "segmentation",
            "14 parts of the body",
            hourglass.HourglassOptions,
            hourglass.PRESETS,
            "segmentation:Segmentation",
        ),
        Entry("depth", "depth from the pelvis", hourglass.HourglassOptions, hourglass.PRESETS, "depth:Depth"),
        Entry("action", "what a person does in a film", action.ActionOptions, action.PRESETS, "action:ActionTask"),
        Entry("detection", "where people are", detection.DetectionOptions, detection.PRESETS, "detection:Detection"),
        Entry("pose2d", "2D joints, after parts", pose2d.Pose2DOptions, pose2d.PRESETS, "pose2d:Pose2D"),
    )
}


RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (PARTS_POSE,)}


def entry_of(name: str) -> Entry:
    """The task called ``name``. Raises ConfigError for an unknown one."""
    if name not in TASKS:
        raise unknown_name("task", name, TASKS)
    return TASKS[name]


def make_task(name: str, options: Any = None) -> "Task":
    """The task called ``name``, with its usual options where none are given. Raises ConfigError for an unknown one."""
    return entry_of(name).task(options)


def task_of(about: dict) -> "Task":
    """The task that a checkpoint is of. about: what ``load_weights`` says of it.

    Raises TrainingError for a task that this release does not know.
    """
    name = about.get("task")
    if not isinstance(name, str) or name not in TASKS:
        raise TrainingError(
            f"The checkpoint {about.get('checkpoint')} is of the task {name!r}; this release knows {', '.join(TASKS)}. "
            "Use the release that wrote it."
        )
    options = from_plain(TASKS[name].options, about.get("task_config"), "task_config")
    for field in fields(options):
        value = getattr(options, field.name)
        if type(value) is int and value > limits.NETWORK_SIZE:
            raise TrainingError(
                f"The checkpoint {about.get('checkpoint')} is of a network whose {field.name} is {value}; at most "
                f"{limits.NETWORK_SIZE} is read. Use another checkpoint."
            )
    return make_task(name, options)


def load_trained(path: Path | str) -> "tuple[Task, nn.Module, dict]":
    """(task, network as in use, what is known of it), of a checkpoint or of a run's best one.

    Raises TrainingError if there is none, or it is damaged or of another release.
    """
    import torch

    from mannequin.training.core.checkpoint import check_weights, fill, load_weights

    weights, about = load_weights(path)
    task = task_of(about)
    with torch.device("meta"):  # without memory, which what the checkpoint says of its network may not be worth
        check_weights(task.model(), weights, about["checkpoint"])
    model = task.model()
    fill(model, weights, about["checkpoint"])
    return task, model.eval(), about

"""Tasks by name, and trained networks out of checkpoints."""

from pathlib import Path

from torch import nn

from mannequin.generator.errors import TrainingError, unknown_name
from mannequin.generator.records import from_plain
from mannequin.training.core.checkpoint import fill, load_weights
from mannequin.training.tasks.depth import Depth
from mannequin.training.tasks.maps import MapsTask, Start
from mannequin.training.tasks.network import NetworkConfig
from mannequin.training.tasks.segmentation import Segmentation

TASKS = {task.name: task for task in (Segmentation, Depth)}


def make_task(name: str, config: NetworkConfig = NetworkConfig(), start: Start | None = None) -> MapsTask:
    """The task called ``name``. Raises ConfigError for an unknown one."""
    if name not in TASKS:
        raise unknown_name("task", name, TASKS)
    return TASKS[name](config, start)


def task_of(about: dict) -> MapsTask:
    """The task that a checkpoint is of. about: what ``load_weights`` says of it.

    Raises TrainingError for a task that this release does not know.
    """
    name = about.get("task")
    if name not in TASKS:
        raise TrainingError(
            f"The checkpoint {about.get('checkpoint')} is of the task {name!r}; this release knows "
            f"{', '.join(TASKS)}. Use the release that wrote it."
        )
    return make_task(name, from_plain(NetworkConfig, about.get("task_config"), "task_config"))


def load_trained(path: Path | str) -> tuple[MapsTask, nn.Module, dict]:
    """(task, network as in use, what is known of it), of a checkpoint or of a run's best one.

    Raises TrainingError if there is none, or it is damaged or of another release.
    """
    weights, about = load_weights(path)
    task = task_of(about)
    model = task.model()
    fill(model, weights, about["checkpoint"])
    return task, model.eval(), about


def starting_from(path: Path | str, task: str) -> tuple[Start, dict]:
    """(weights to train ``task`` from, what is known of them). Raises TrainingError for a checkpoint of another
    task."""
    weights, about = load_weights(path)
    if about["task"] != task:
        raise TrainingError(
            f"The checkpoint {about['checkpoint']} is of the task {about['task']!r}; expected one of "
            f"{task!r}. Choose another one for --init."
        )
    return Start(weights, about["checkpoint"]), about

"""Small networks as training leaves them, which have learned nothing."""

from pathlib import Path

import torch

from mannequin.generator.records import to_plain
from mannequin.training.core.checkpoint import FOLDER, Best, Checkpoint, TrainState, Validation, save
from mannequin.training.core.config import TrainConfig
from mannequin.training.core.resume import prepare
from mannequin.training.options.hourglass import HourglassOptions
from mannequin.training.registry import make_task

TINY = HourglassOptions(stacks=1, features=8, depth=1, size=32)


def checkpoint(
    run: Path, task: str = "segmentation", network: HourglassOptions = TINY, data: dict | None = None
) -> Path:
    """A run of one checkpoint, whose weights are drawn from seed 0, such that several classes are found."""
    made = make_task(task, network)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        weights = {
            name: 0 * value if name.endswith("bias") else value for name, value in made.model().state_dict().items()
        }
    config = TrainConfig(steps=4, batch=2, workers=0)
    about = {
        "task": task,
        "task_config": to_plain(network),
        "config": to_plain(config),
        "data": data or {},
        "samples": 12,
        "processes": 1,
        "total_steps": 4,
    }
    name = made.best[0]
    validation = Validation(4, 0.7, {"loss": 2.5, name: 0.25, "accuracy": None})
    prepare(run, about)
    state = TrainState(
        about, {"torch": "2"}, step=4, samples=8, epoch=0.7, validations=(validation,), best=Best(4, name, 0.25)
    )
    return save(Checkpoint(state, weights, {}), run / FOLDER)

"""A task's metrics over a data set."""

from collections.abc import Callable

import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader

from mannequin.generator.errors import ConfigError
from mannequin.training.core.config import TrainConfig
from mannequin.training.core.learner import Learner
from mannequin.training.core.loader import loader, on_device
from mannequin.training.core.sampler import ValidationBatches
from mannequin.training.core.schedule import length_of
from mannequin.training.task import Batch


def validation_loader(data, config: TrainConfig, fabric: Fabric) -> DataLoader:
    """The first --validation-samples of ``data``, this process's share of them. Raises ConfigError if there are
    none."""
    length = length_of(data)
    if length == 0:
        raise ConfigError("The validation data has no samples; give a dataset, or a split of it, that has some.")
    if length is None and not config.validation_samples:
        raise ConfigError(
            "--validation-samples 0 means all, and the validation data is generated without end; say how many."
        )
    samples = min(config.validation_samples or length, length or config.validation_samples)
    batches = ValidationBatches(samples, config.batch, fabric.global_rank, fabric.world_size)
    return loader(data, batches, config.workers, fabric)


def validate(
    learner: Learner, batches: DataLoader, first: Callable[[object, Batch], None] | None = None
) -> dict[str, float]:
    """ "loss", and the results of the task's meter, over all that the processes have in ``batches``.

    The network computes as in use, not as in training, with random numbers that are the same every time and leave
    those of training as they were. first: is called with the first outputs and their batch.
    """
    task, fabric = learner.task, learner.fabric
    meter = task.meter()
    loss = torch.zeros(2, dtype=torch.float64)  # its sum over samples, and their number
    learner.agree()
    training = learner.module.training
    learner.model.eval()
    with torch.no_grad(), torch.random.fork_rng([fabric.device] if fabric.device.type == "cuda" else ()):
        torch.manual_seed(0)
        for number, (batch, _) in enumerate(on_device(batches, fabric)):
            outputs = learner.outputs(batch)
            meter.update(outputs, batch)
            samples = len(batch["id"])
            loss += torch.tensor(
                [samples * float(sum(task.loss(outputs, batch).values())), samples], dtype=torch.float64
            )
            if first and number == 0:
                first(outputs, batch)
    learner.model.train(training)
    _add_up([loss, *meter.totals.values()], fabric)
    return {"loss": float(loss[0] / loss[1]), **meter.result()}


def _add_up(totals: list[torch.Tensor], fabric: Fabric) -> None:
    """Replace each by its sum over all processes."""
    for total in totals if fabric.world_size > 1 else ():
        total.copy_(fabric.all_reduce(total.to(fabric.device, copy=True), reduce_op="sum"))

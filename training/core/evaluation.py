"""A task's metrics over a data set: the one loop that puts data through a network in use."""

from collections.abc import Callable, Iterable, Iterator

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mannequin.generator.errors import ConfigError
from mannequin.training.batch import Batch
from mannequin.training.core.config import TrainConfig
from mannequin.training.core.learner import Learner, reduced
from mannequin.training.core.loader import loader, on_device
from mannequin.training.core.sampler import ValidationBatches
from mannequin.training.core.schedule import length_of
from mannequin.training.metrics.meter import Meter
from mannequin.training.task import Step, Task


def in_use(task: Task, model: nn.Module, batches: Iterable[Batch]) -> Iterator[tuple[Step, Batch]]:
    """What ``model``, which is switched to use, makes of each batch, all of which are on its device."""
    for batch in batches:
        with torch.no_grad():
            step = task.step(model, batch)
        yield step, batch


def validation_loader(data, task: Task, config: TrainConfig, fabric: Fabric) -> DataLoader:
    """The first --validation-samples of ``data``, this process's share of them. Raises ConfigError if there are
    none."""
    length = length_of(data)
    if length == 0:
        raise ConfigError("The validation data has no samples; give a dataset, or a split of it, that has some.")
    if length is None and not config.validation_samples:
        raise ConfigError(
            "--validation-samples 0 means all, and the validation data is generated without end; say how many."
        )
    wanted = config.validation_samples
    samples = wanted if length is None else min(wanted or length, length)
    batches = ValidationBatches(samples, config.batch, fabric.global_rank, fabric.world_size)
    return loader(data, batches, config.workers, fabric, task.collate)


def validate(
    learner: Learner, batches: DataLoader, first: Callable[[object, Batch], None] | None = None
) -> dict[str, float]:
    """ "loss", and the results of the task's meter, over all that the processes have in ``batches``.

    The network computes as in use, not as in training, with random numbers that are the same every time and leave
    those of training as they were. first: is called with the first outputs and their batch.
    """
    fabric, meter = learner.fabric, learner.task.meter()
    total = torch.zeros(2, dtype=torch.float64)  # the loss's sum over samples, and their number
    learner.agree()
    training = learner.module.training
    learner.model.eval()
    with torch.random.fork_rng([fabric.device] if fabric.device.type == "cuda" else ()):
        torch.manual_seed(0)
        loaded = (learner.laid_out(batch) for batch, _ in on_device(batches, fabric))
        for number, (step, batch) in enumerate(in_use(learner.task, learner.model, loaded)):
            meter.update(step.outputs, batch)
            samples = len(batch["id"])
            loss = float(sum(step.losses.values()))
            total += torch.tensor([samples * loss, samples], dtype=torch.float64)
            if first and number == 0:
                first(step.outputs, batch)
    if training:
        learner.train_mode()
    _add_up([total, *meter.sums.values()], fabric)
    _gather(meter, fabric)
    return {"loss": float(total[0] / total[1]), **meter.result()}


def _add_up(sums: list[Tensor], fabric: Fabric) -> None:
    """Replace each by its sum over all processes."""
    for total in sums if fabric.world_size > 1 else ():
        total.copy_(reduced(total.to(fabric.device, copy=True), fabric, "sum"))


def _gather(meter: Meter, fabric: Fabric) -> None:
    """Give every process the rows of all, in the order of the processes."""
    if fabric.world_size == 1 or not meter.rows:
        return
    everyone: list = [None] * fabric.world_size
    torch.distributed.all_gather_object(everyone, {name: meter.table(name) for name in meter.rows})
    meter.rows = {name: [rows[name] for rows in everyone] for name in meter.rows}

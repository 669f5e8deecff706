"""The training loop."""

import math
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from lightning_fabric import Fabric

from mannequin.generator.errors import TrainingError
from mannequin.training.core.checkpoint import (
    FOLDER,
    ON_SIGNAL,
    Best,
    Checkpoint,
    TrainState,
    Validation,
    folder_of,
    plain_metrics,
    prune,
    save,
)
from mannequin.training.core.config import TrainConfig
from mannequin.training.core.evaluation import validate, validation_loader
from mannequin.training.core.init import Start, starts_of_checkpoint
from mannequin.training.core.interrupts import Interrupts, in_words
from mannequin.training.core.learner import Learner, reduced, session
from mannequin.training.core.loader import loader, on_device
from mannequin.training.core.logs import Pace, Records
from mannequin.training.core.resume import describe, find_start, prepare, versions
from mannequin.training.core.sampler import TrainingBatches
from mannequin.training.core.schedule import Course, length_of
from mannequin.training.core.threads import begun_with, choose, computing_on
from mannequin.training.pictures import picture
from mannequin.training.task import Task

INSPECT = "inspect"
"""Folder of a run for the state at which the loss was no longer a number."""


@dataclass(frozen=True)
class Progress:
    """How far training has come, after each step. metrics: of the last validation; empty before the first.

    samples_per_second, wait_share (of the time, for data): since the last line of the log.
    """

    step: int
    steps: int
    epoch: float
    loss: float
    samples_per_second: float
    wait_share: float
    seconds_left: float
    metrics: dict[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """How training ended. checkpoint: the last. best: the best validation. metrics: of the last one.

    stopped: the signal that ended it early, if one did.
    """

    out: Path
    step: int
    steps: int
    checkpoint: Path
    best: Best | None
    metrics: dict[str, float | None]
    stopped: int | None = None

    def __str__(self) -> str:
        if self.stopped is None:
            return f"Trained {self.steps} steps; the last checkpoint is {self.checkpoint}."
        why = "Interrupted" if self.stopped == signal.SIGINT else f"Ended by {signal.Signals(self.stopped).name}"
        return (
            f"{why} after step {self.step} of {self.steps}, which is kept in {self.checkpoint}. The same command "
            "goes on from there."
        )


def train(
    task: Task,
    train_data,
    val_data,
    config: TrainConfig,
    out: Path | str,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    data: dict | None = None,
    starts: Sequence[Start] = (),
    say: Callable[[str], None] = lambda line: None,
) -> Result:
    """Train ``task`` in the folder ``out``, or go on with what is there; the result is the same, bit for bit.

    train_data, val_data: map-style datasets, indexed by (epoch, index); the same key gives the same sample, a dict that
    the task collates, with an "id". data: plain values that decide what they hold; a run goes on only with the same.
    on_progress: is called after every step, by the first process. starts: weights to begin with.
    say: is told in a line on how many threads it computes, unless the user has said so.
    Ctrl-C and SIGTERM end the step, write a checkpoint and return. Raises ConfigError for options that make no sense
    together, and TrainingError for a folder, a checkpoint or a loss to stop at.
    """
    config, out = config.resolved(), Path(out)
    with Interrupts() as interrupts, in_words(config), session(config) as fabric:
        plain = (data or {}) | ({"init": starts_of_checkpoint(starts)} if starts else {})
        return _in_session(task, train_data, val_data, config, out, on_progress, plain, starts, say, interrupts, fabric)


def _in_session(
    task: Task,
    train_data,
    val_data,
    config: TrainConfig,
    out: Path,
    on_progress,
    data: dict,
    starts: Sequence[Start],
    say: Callable[[str], None],
    interrupts,
    fabric: Fabric,
) -> Result:
    """The training itself; what it holds of the devices is let go when it returns."""
    course = Course.of(config, length_of(train_data), fabric.world_size)
    run = describe(task, course, fabric.world_size, data)
    start = find_start(out, run)
    # of the first process for all: another number of threads rounds sums differently
    threads = fabric.broadcast(choose(config.threads, config.workers, begun_with(start.state.run) if start else 0))
    course = replace(course, config=replace(config, threads=threads.count))
    run = describe(task, course, fabric.world_size, data)
    with computing_on(threads.count):
        learner = Learner(task, course.config, fabric, () if start else starts)
        state = TrainState(run, versions())
        if start:
            learner.restore(start)
            state = replace(start.state, run=run, versions=versions())
        seen = validation_loader(val_data, task, config, fabric)
        fabric.barrier()  # all have looked at the folder before one changes it
        if not fabric.is_global_zero:
            return _loop(learner, course, state, train_data, seen, out, None, interrupts, on_progress)
        prepare(out, run)
        if threads.why:
            say(threads.why)
        with Records(out, state.step) as records:
            return _loop(learner, course, state, train_data, seen, out, records, interrupts, on_progress)


def _loop(
    learner: Learner,
    course: Course,
    state: TrainState,
    train_data,
    seen,
    out: Path,
    records: Records | None,
    interrupts,
    on_progress,
) -> Result:
    """Steps up to the last. records: of the first process; the others write nothing."""
    task, config, fabric = learner.task, course.config, learner.fabric
    rank, processes = fabric.global_rank, fabric.world_size
    keys = TrainingBatches(
        course.samples, config.seed, config.batch, config.accumulate, state.step, course.steps, rank, processes
    )
    batches = on_device(loader(train_data, keys, config.workers, fabric, task.collate), fabric)
    pace, stopped = Pace(course.per_step), None
    learner.train_mode()

    while state.step < course.steps and stopped is None:
        step, begun, waited, sums, ids = state.step + 1, time.perf_counter(), 0.0, {}, []
        for group in learner.optimizer.param_groups:
            group["lr"] = course.lr(step) * group.get("lr_scale", 1.0)
        for turn in range(config.accumulate):
            batch, seconds = next(batches)
            waited += seconds
            ids += batch["id"]
            with fabric.no_backward_sync(learner.model, enabled=turn < config.accumulate - 1):
                taken = learner.step(batch)
                fabric.backward(taken.loss / config.accumulate)
            sums = {name: sums.get(name, 0) + loss.detach() / config.accumulate for name, loss in taken.losses.items()}
        sums["gradient"] = learner.gradient_norm()
        means, number = _agreed(sums, interrupts.number, fabric)
        loss = sum(value for name, value in means.items() if name != "gradient")
        if not math.isfinite(loss + means["gradient"]):
            _refuse(learner, state, ids, means, out)
        learner.optimizer.step()
        learner.optimizer.zero_grad()
        pace.add(time.perf_counter() - begun, waited)

        state = _counted(state, course, {"loss": loss} | means)
        if records:
            left = pace.seconds_left(course.steps - step)
            on_progress(
                Progress(
                    step,
                    course.steps,
                    state.epoch,
                    loss,
                    pace.samples_per_second,
                    pace.wait_share,
                    left,
                    _latest(state),
                )
            )
        if course.log_due(step):
            state = _log(state, course, records, pace)
        better = False
        if course.validation_due(step):
            metrics = validate(learner, seen, _pictures(task, config, state, records))
            state, better = _judged(state, metrics, task)
            if records:
                records.add("validation", step, {"epoch": state.epoch} | metrics)
        stopped = number
        due = better or course.checkpoint_due(step)
        if due or stopped is not None:
            _keep(learner, state, out, records, due)

    fabric.barrier()  # what the first process writes is there for all
    return Result(
        out,
        state.step,
        course.steps,
        folder_of(out / FOLDER, state.step),
        state.best,
        _latest(state),
        stopped,
    )


def _latest(state: TrainState) -> dict[str, float | None]:
    """Metrics of the last validation."""
    return state.validations[-1].metrics if state.validations else {}


def _agreed(sums: dict[str, torch.Tensor], number: int | None, fabric: Fabric) -> tuple[dict[str, float], int | None]:
    """(means over the processes, the signal at which all of them stop), with one wait for the device.

    Each process hears of a signal at another moment, and all must stop after the same step.
    """
    values = torch.stack(
        [*(value.float() for value in sums.values()), torch.tensor(float(number or 0), device=fabric.device)]
    )
    *means, heard = reduced(values, fabric, "mean").tolist()
    return dict(zip(sums, means, strict=True)), (number or signal.SIGTERM) if heard else None


def _counted(state: TrainState, course: Course, values: dict[str, float]) -> TrainState:
    """One step further."""
    step, sums = state.step + 1, state.sums or {}
    return replace(
        state,
        step=step,
        samples=step * course.per_step,
        epoch=course.epoch(step),
        sums={name: sums.get(name, 0.0) + value for name, value in values.items()},
        summed=state.summed + 1,
    )


def _log(state: TrainState, course: Course, records: Records | None, pace: Pace) -> TrainState:
    """Write a line, and begin the next mean."""
    if records:
        means = {name: value / state.summed for name, value in (state.sums or {}).items()}
        records.add(
            "train",
            state.step,
            {"epoch": state.epoch, "samples": state.samples, "lr": course.lr(state.step)} | means,
        )
        records.add("pace", state.step, {"samples_per_second": pace.samples_per_second, "wait_share": pace.wait_share})
    pace.restart()
    return replace(state, sums=None, summed=0)


def _pictures(task: Task, config: TrainConfig, state: TrainState, records: Records | None):
    """What keeps a picture of the first outputs of a validation, if one is due."""
    if not (records and config.picture_every) or len(state.validations) % config.picture_every:
        return None
    return lambda outputs, batch: records.picture(state.step, picture(task, outputs, batch))


def _judged(state: TrainState, metrics: dict[str, float], task: Task) -> tuple[TrainState, bool]:
    """(with this validation, whether it is the best so far)."""
    name, direction = task.best
    value, best = plain_metrics(metrics)[name], state.best
    sign = 1 if direction == "max" else -1
    validation = Validation(state.step, state.epoch, plain_metrics(metrics))
    state = replace(state, validations=(*state.validations, validation))
    if value is None or (best is not None and sign * value <= sign * best.value):
        return state, False
    return replace(state, best=Best(state.step, name, value)), True


def _keep(learner: Learner, state: TrainState, out: Path, records: Records | None, due: bool) -> None:
    """Write a checkpoint, then drop those that it replaces; one that is not due replaces none."""
    learner.agree()
    tensors = learner.training_state()
    if records:
        records.sync()  # or a crash of the machine could lose rows that the checkpoint says are there
        save(Checkpoint(state, learner.weights(), tensors, "" if due else ON_SIGNAL), out / FOLDER)
        if due:
            prune(out / FOLDER, learner.config.keep, state.best.step if state.best else None)


def _refuse(learner: Learner, state: TrainState, ids: list[str], means: dict[str, float], out: Path) -> None:
    """Raise TrainingError for a loss or gradient that is no number, and keep the state before it for a look."""
    fabric, step = learner.fabric, state.step + 1
    everyone: list[list[str]] = [ids] * fabric.world_size
    if fabric.world_size > 1:
        torch.distributed.all_gather_object(everyone, ids)
    names = [name for some in everyone for name in some]
    found = ", ".join(f"{name} {value:g}" for name, value in means.items())
    tensors = learner.training_state()
    path = folder_of(out / INSPECT, state.step)
    if fabric.is_global_zero:
        note = f"In step {step} the loss was no number: {found}. Its samples: {', '.join(names)}."
        save(Checkpoint(state, learner.weights(), tensors, note), path.parent)
    shown = ", ".join(names[:20]) + (f", … ({len(names)} in all)" if len(names) > 20 else "")
    raise TrainingError(
        f"The loss of step {step} is no number ({found}). Its samples: {shown}. The state before the step is "
        f"in {path}. "
        "Look at these samples; if they are sound, use a lower --lr, a --warmup or --grad-clip in a new folder."
    )

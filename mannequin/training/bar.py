"""How far training has come, for people at a terminal and for logs."""

import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from mannequin.progress import LOG_SECONDS, duration
from mannequin.training.words import described, figure


class TrainBar:
    """Shows steps done, the loss, the pace, the share of time spent waiting for data and the time left, on standard error.

    A moving bar on a terminal, else a line now and then; nothing if ``quiet``. Nothing appears before the first step, so
    that a refusal stands alone. Validations get a line of their own.
    """

    def __init__(self, metric: str, quiet: bool = False):
        """metric: the one that decides which validation is best."""
        self.metric, self.quiet = metric, quiet
        self.console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
        self.bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps  {task.fields[pace]}", markup=False),
            console=self.console,
            transient=True,
        )
        self.task, self.logged, self.metrics = None, 0.0, {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error) -> None:
        if self.task is not None:
            self.bar.stop()

    def show(self, progress) -> None:
        """Show a training.core.loop.Progress."""
        if self.quiet:
            return
        if progress.metrics != self.metrics:
            self.metrics = progress.metrics
            value = self.metrics.get(self.metric)
            self.console.print(f"validated after step {progress.step - 1}: {described(self.metric)} {figure(self.metric, value)}")
        if self.console.is_terminal:
            self._move(progress)
        else:
            self._log(progress)

    def _move(self, progress) -> None:
        if self.task is None:
            self.task = self.bar.add_task("training", total=progress.steps, pace="")
            self.bar.start()
        self.bar.update(self.task, completed=progress.step, pace=_pace(progress))

    def _log(self, progress) -> None:
        now = time.monotonic()
        if now - self.logged < LOG_SECONDS and progress.step < progress.steps:
            return
        self.logged = now
        self.console.print(f"{progress.step} of {progress.steps} steps  {_pace(progress)}")


def _pace(progress) -> str:
    return (
        f"loss {progress.loss:.3f}, {progress.samples_per_second:.1f} samples/s, "
        f"{100 * progress.wait_share:.0f} % waiting for data, {duration(progress.seconds_left)} left"
    )

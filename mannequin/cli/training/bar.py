"""How far training has come, for people at a terminal and for logs."""

from mannequin.cli.progress import Bar, duration
from mannequin.training.figures import figure_of
from mannequin.training.task import Task


class TrainBar(Bar):
    """Of steps: the loss, the pace, the share of time spent waiting for data and the time left. Validations get a line
    of their own."""

    def __init__(self, task: Task, quiet: bool = False):
        super().__init__("steps", quiet)
        self.metric, self.metrics = task.best[0], {}
        self.figure = figure_of(self.metric, task.meter().figures)

    def say(self, line: str) -> None:
        """Print ``line``."""
        if not self.quiet:
            self.console.print(line)

    def show(self, progress) -> None:
        """Show a mannequin.training.core.loop.Progress."""
        if self.quiet:
            return
        if progress.metrics != self.metrics:
            self.metrics = progress.metrics
            self.console.print(
                f"validated after step {progress.step - 1}: {self.figure.title} "
                f"{self.figure.text(self.metrics.get(self.metric))}"
            )
        pace = (
            f"loss {progress.loss:.3f}, {progress.samples_per_second:.1f} samples/s, "
            f"{100 * progress.wait_share:.0f} % waiting for data, {duration(progress.seconds_left)} left"
        )
        if self.console.is_terminal:
            self._move(progress.step, progress.steps, "training", pace)
        else:
            self._log(progress.step, progress.steps, pace)

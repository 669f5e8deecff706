"""How far a job has come, for people at a terminal and for logs."""

import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

LOG_SECONDS = 10.0
"""Least time between two lines of a log."""


class ClipBar:
    """Shows clips done, frames per second and the time left, on standard error.

    A moving bar on a terminal, else a line now and then; nothing if ``quiet``. Nothing appears before
    the job begins, so that a refusal stands alone.
    """

    def __init__(self, quiet: bool = False):
        self.quiet = quiet
        self.console = Console(stderr=True, highlight=False)
        self.bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("clips  {task.fields[pace]}"),
            console=self.console,
            transient=True,
        )
        self.task = None
        self.logged = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error) -> None:
        if self.task is not None:
            self.bar.stop()

    def show(self, progress) -> None:
        """Show a renderers.job.Progress."""
        if self.quiet:
            return
        if not self.console.is_terminal:
            self._log(progress)
            return
        if self.task is None:
            self.task = self.bar.add_task("starting", total=progress.total, completed=progress.done, pace="")
            self.bar.start()
        if progress.clip:
            self.bar.update(self.task, description=progress.clip, completed=progress.done, pace=_pace(progress))

    def _log(self, progress) -> None:
        now = time.monotonic()
        if not progress.clip or (now - self.logged < LOG_SECONDS and progress.done < progress.total):
            return
        self.logged = now
        self.console.print(f"{progress.done} of {progress.total} clips, {_pace(progress)}", soft_wrap=True)


def _pace(progress) -> str:
    """Frames per second and the time left."""
    return f"{progress.fps:.1f} frames/s, {duration(progress.left)} left"


def duration(seconds: float) -> str:
    """Hours, minutes and seconds, or days."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours}:{minutes:02d}:{seconds:02d}"

"""How far a job has come, for people at a terminal and for logs."""

import time
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from mannequin.terminal import Console

LOG_SECONDS = 10.0
"""Least time between two lines of a log."""


class Bar:
    """Shows what is done of a whole, on standard error: a moving bar on a terminal, else a line now and then; nothing
    if ``quiet``.

    Nothing appears before there is something to show, so that a refusal stands alone.
    """

    def __init__(self, unit: str, quiet: bool = False):
        """unit: what is counted, in the plural."""
        self.unit, self.quiet = unit, quiet
        self.console = Console(stderr=True)
        self.bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(f"{unit}  {{task.fields[pace]}}", markup=False),
            console=self.console,
            transient=True,
        )
        self.task, self.logged = None, 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error) -> None:
        if self.task is not None:
            self.bar.stop()

    def _move(self, done: int, total: int, doing: str, pace: str) -> None:
        """On a terminal."""
        if self.task is None:
            self.task = self.bar.add_task(doing, total=total, pace="")
            self.bar.start()
        self.bar.update(self.task, description=doing, completed=done, pace=pace)

    def _log(self, done: int, total: int, pace: str) -> None:
        """Anywhere else; the end is always told."""
        now = time.monotonic()
        if now - self.logged >= LOG_SECONDS or done == total:
            self.logged = now
            self.console.print(f"{done} of {total} {self.unit}, {pace}")


class ClipBar(Bar):
    """Of clips: frames per second and the time left."""

    def __init__(self, quiet: bool = False):
        super().__init__("clips", quiet)

    def show(self, progress) -> None:
        """Show a mannequin.renderers.production.job.Progress."""
        pace = f"{progress.fps:.1f} frames/s, {duration(progress.left)} left" if progress.clip else ""
        if self.quiet:
            return
        if self.console.is_terminal:
            self._move(progress.done, progress.total, progress.clip or "starting", pace)
        elif progress.clip:
            self._log(progress.done, progress.total, pace)


def duration(seconds: float) -> str:
    """Hours, minutes and seconds, or days."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours}:{minutes:02d}:{seconds:02d}"

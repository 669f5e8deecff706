"""What a run leaves to look at, in its folder.

train.csv         mean terms of the loss, learning rate and gradient, every --log-every steps
validation.csv    the metrics of each validation
pace.csv          how fast it went; the others hold no times, and the same run gives the same bytes
events/           all of it for TensorBoard
pictures/         what was predicted, one picture a validation
"""

import csv
import io
import os
import time
from pathlib import Path
from typing import Self

import numpy as np
from torch.utils.tensorboard import SummaryWriter

from mannequin.generator.io.atomic import write_bytes
from mannequin.generator.pictures import save_picture


class Table:
    """A CSV file with a row for some of the steps, "step" its first column.

    A run that goes on from a checkpoint makes the steps after it again: their rows are dropped first.
    """

    def __init__(self, path: Path, step: int):
        """step: up to which rows stay."""
        rows = _rows(path)
        self.columns = rows[0] if rows else None
        kept = rows[:1] + [row for row in rows[1:] if int(row[0]) <= step]
        write_bytes(path, "".join(map(_line, kept)).encode())
        self.file = open(path, "ab", buffering=0)

    def add(self, values: dict[str, float]) -> None:
        """A row. Every one has the same columns; NaN leaves a gap."""
        if self.columns is None:
            self.columns = list(values)
            self.file.write(_line(self.columns).encode())
        assert list(values) == self.columns, f"columns {list(values)} after {self.columns}"
        self.file.write(_line("" if value != value else value for value in values.values()).encode())

    def sync(self) -> None:
        """Have it on the disk."""
        os.fsync(self.file.fileno())


def _rows(path: Path) -> list[list[str]]:
    """Whole rows, the columns' names first; a killed run may have left half of one."""
    if not path.exists():
        return []
    whole = path.read_text("utf-8").rpartition("\n")[0]
    return list(csv.reader(io.StringIO(whole)))


def _line(values) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


class Records:
    """All that is written down of a run. step: where it goes on."""

    def __init__(self, out: Path, step: int):
        self.out = out
        self.tables = {name: Table(out / f"{name}.csv", step) for name in ("train", "validation", "pace")}
        self.events = SummaryWriter(out / "events", purge_step=step + 1 if step else None)
        self.pictures = out / "pictures"
        self.pictures.mkdir(exist_ok=True)

    def add(self, table: str, step: int, values: dict[str, float]) -> None:
        """A row of a table, and a point of each of its curves."""
        self.tables[table].add({"step": step} | values)
        for name, value in values.items():
            self.events.add_scalar(f"{table}/{name}", value, step)

    def picture(self, step: int, picture: np.ndarray) -> None:
        """Keep (h, w, 3) uint8."""
        save_picture(self.pictures / f"step-{step:08d}.png", picture)
        self.events.add_image("validation/picture", picture, step, dataformats="HWC")

    def sync(self) -> None:
        """Have all of it on the disk."""
        for table in self.tables.values():
            table.sync()
        self.events.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error) -> None:
        for table in self.tables.values():
            table.file.close()
        self.events.close()


class Pace:
    """How fast samples pass, and which share of the time the loop waits for them.

    Validations and checkpoints count for the time left alone.
    """

    def __init__(self, per_step: int):
        self.per_step, self.start, self.steps = per_step, time.perf_counter(), 0
        self.restart()

    def restart(self) -> None:
        """Begin the next stretch, as after a line of the log."""
        self.stretch, self.seconds, self.waited = 0, 0.0, 0.0

    def add(self, seconds: float, waited: float) -> None:
        """A step took ``seconds``, ``waited`` of them for its batches."""
        self.steps, self.stretch = self.steps + 1, self.stretch + 1
        self.seconds, self.waited = self.seconds + seconds, self.waited + waited

    @property
    def samples_per_second(self) -> float:
        return self.stretch * self.per_step / max(self.seconds, 1e-9)

    @property
    def wait_share(self) -> float:
        return self.waited / max(self.seconds, 1e-9)

    def seconds_left(self, steps: int) -> float:
        """Until ``steps`` more are done."""
        return steps * (time.perf_counter() - self.start) / max(self.steps, 1)

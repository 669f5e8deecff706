"""``mannequin evaluate``"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro
from rich.table import Table

from mannequin.generator.io.remote import Place
from mannequin.terminal import Console

if TYPE_CHECKING:
    from mannequin.training.evaluation.published import Published
    from mannequin.training.figures import Figure
    from mannequin.training.metrics.meter import Meter

SHOWN = 8
"""Samples on each sheet of pictures."""


@dataclass(frozen=True)
class Evaluate:
    """Measure a trained network as the papers measured theirs.

    Prints IoU and pixel accuracy of parts, or errors of depth in millimetres, each beside the paper's figure and what
    that was measured on, and leaves all of it as JSON in the run. docs/evaluation.md says how data sets should lie.

    protocols:
      native    every frame of datasets that mannequin made
      surreal   SURREAL: the middle frame of every clip of the test split
      fsitting  Freiburg Sitting People: 4 test subjects
      h36m      Human3.6M with labels of mannequin label: every 64th frame of S11
      masks     any folder of images with masks of parts

    examples:
      mannequin evaluate run --data out
          all clips, or those that training held out
      mannequin evaluate run --data SURREAL/data/cmu --protocol surreal
      mannequin evaluate run --data photos --protocol masks --pictures looks
    """

    checkpoint: tyro.conf.Positional[Path]
    """A training run, whose best checkpoint is taken, or one checkpoint."""

    data: tuple[Place, ...]
    """What to measure on: a folder or several, as the protocol expects."""

    protocol: Literal["native", "surreal", "fsitting", "h36m", "masks"] = "native"
    """Which images count, and how."""

    split: Literal["protocol", "all", "train", "val", "test"] = "protocol"
    """Which split. protocol: as it has it, which is test; for masks all; for native all, or of data that the
    network has learnt from the clips that training held out."""

    every: int = 0
    """Measure only every n-th frame, for native and h36m. 0: as the protocol has it."""

    limit: int = 0
    """Measure at most this many samples, evenly spread. 0: all."""

    json: Path | None = None
    """File for the results. By default <run>/evaluations/<protocol>-<data>.json."""

    pictures: Path | None = None
    """Folder for even.png and worst.png: image, truth, prediction and error of some samples and of the worst."""

    batch: int = 8
    """Samples that go through the network at once; decides speed and memory, not results."""

    workers: int = 2
    """Processes that load data. 0: load between the batches."""

    threads: int = 0
    """Threads that compute. 0: as OMP_NUM_THREADS says, else as many as cores are free."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """What to compute on; auto is a CUDA device if there is one."""

    def run(self) -> int:
        from mannequin.cli.training.extra import need_training

        need_training()
        self._check()
        from mannequin.report.rebuild import generate_command
        from mannequin.training.card import CARD, write_card
        from mannequin.training.core.device import device_of
        from mannequin.training.core.threads import computing
        from mannequin.training.evaluation.measure import evenly, measure
        from mannequin.training.evaluation.protocols import open_data
        from mannequin.training.evaluation.published import published_for
        from mannequin.training.evaluation.record import Asked, place_in_run, plain_record, write_record
        from mannequin.training.pictures import save_sheets
        from mannequin.training.registry import load_trained

        device = device_of(self.device)
        task, model, about = load_trained(self.checkpoint)
        opened = open_data(
            self.protocol, self.data, task, about["data"], "" if self.split == "protocol" else self.split, self.every
        )
        indices = evenly(len(opened.data), self.limit)
        console = Console(stderr=True)
        with computing(self.threads, self.workers, console.print), console.doing("measuring") as tell:
            measured = measure(
                task, model, opened.data, indices, device=device, batch=self.batch, workers=self.workers,
                shown=SHOWN, progress=lambda done, total: tell(f"measured {done} of {total} samples"),
            )  # fmt: skip
        names = tuple(map(str, self.data))
        asked = Asked(self.protocol, opened.protocol, names, len(opened.data), opened.note)
        meter = task.meter()
        published = published_for(self.protocol, meter.figures)
        record = plain_record(about, asked, measured, published)
        _print(Console(soft_wrap=False), record, meter, published)
        sheets = {"even": measured.even, "worst": measured.worst}
        rows = {name: [one.row for one in some] for name, some in sheets.items()}
        written = save_sheets(self.pictures, rows, task.legend) if self.pictures else []
        path = self.json or place_in_run(about["checkpoint"], self.protocol, names)
        if path:
            write_record(path, record)
            written.append(path)
        card = Path(about["checkpoint"]).parent.parent / CARD
        if card.exists():
            written.append(write_card(card.parent, generate_command))
        for path in written:
            Console().print(f"written: {path}")
        return 0

    def _check(self) -> None:
        from mannequin.generator.errors import ConfigError
        from mannequin.training.core.config import check_threads

        check_threads(self.threads)
        for name, least in {"every": 0, "limit": 0, "batch": 1, "workers": 0}.items():
            if getattr(self, name) < least:
                raise ConfigError(f"--{name} is {getattr(self, name)}; expected at least {least}.")


def _print(console: Console, record: dict, meter: "Meter", published: "Published | None") -> None:
    """What was measured by whom, the figures in columns of their own, then each class."""
    of = f" of {record['available']:,}" if record["available"] > record["n"] else ""
    console.print(
        f"{record['task']}, {record['checkpoint']['checkpoint']}, after {record['checkpoint']['step']:,} steps",
        soft_wrap=True,
    )
    about = Table.grid(padding=(0, 2))
    about.add_row(
        "ours", f"{record['protocol']} on {', '.join(record['data'])}, {record['description']}; n = {record['n']:,}{of}"
    )
    if published:
        other = ". Other data than ours: a target, not a comparison" if record["protocol"] == "native" else ""
        about.add_row("published", f"{published.source}: {published.protocol}; n = {published.n}{other}")
    if record["note"]:
        about.add_row("note", record["note"])
    console.print(about)
    console.print(_figures(record["results"], meter.figures, published))
    if record["classes"]:
        console.print(_classes(record["classes"], meter.class_figures))


def _figures(results: dict, figures: "dict[str, Figure]", published: "Published | None") -> Table:
    """One line for each figure; ours and those published, by what was trained on, in columns of their own."""
    columns = published.columns if published else {}
    table = Table(box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column("")
    for heading in ("ours", *(f"published\n{name}" for name in columns)):
        table.add_column(heading, justify="right")
    for name, figure in figures.items():
        if name in results:
            own = results[name] and results[name] * figure.scale
            cells = [own, *(values.get(name) for values in columns.values())]
            table.add_row(figure.title, figure.unit, *(_number(cell, figure.unit) for cell in cells))
    return table


def _classes(classes: dict[str, dict], figures: "dict[str, Figure]") -> Table:
    """One line for each class."""
    table = Table(box=None, pad_edge=False)
    table.add_column("class")
    for measure in classes:
        table.add_column(f"{figures[measure].title} {figures[measure].unit}".rstrip(), justify="right")
    for name in next(iter(classes.values())):
        cells = [(values[name], figures[measure]) for measure, values in classes.items()]
        table.add_row(name, *(_number(value and value * figure.scale, figure.unit) for value, figure in cells))
    return table


def _number(value: float | None, unit: str) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.{2 if unit == '%' else 1}f}"

"""What ``mannequin train`` does."""

import os
import shlex
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mannequin.cli.training.bar import TrainBar
from mannequin.generator.errors import ConfigError, TrainingError
from mannequin.renderers.choice import open_renderer
from mannequin.report.rebuild import generate_command
from mannequin.training.card import write_card
from mannequin.training.core.checkpoint import FOLDER, checkpoints
from mannequin.training.core.loop import Result, train
from mannequin.training.feed import Feed, from_datasets, from_generator
from mannequin.training.figures import figure_of
from mannequin.training.presets import PRESETS
from mannequin.training.tasks.maps import MapsTask
from mannequin.training.tasks.registry import make_task, starting_from


def run(command) -> int:
    """Train as ``command`` (a Train) asks; returns the exit status."""
    _check(command)
    start, about = starting_from(command.init, command.task) if command.init else (None, None)
    task = make_task(command.task, command.network, start)
    feed = _feed(command, task)
    data = feed.about | ({"init": {name: about[name] for name in ("checkpoint", "step")}} if about else {})
    with TrainBar(task.best[0], command.quiet) as bar:
        result = train(task, feed.train, feed.val, command.resolved(), command.folder, bar.show, data)
    if os.environ.get("RANK", "0") == "0":  # under torchrun, one of the processes writes and speaks
        card = write_card(command.folder, generate_command) if result.stopped is None else None
        if not command.quiet:
            _print(command, result, card)
    return 0 if result.stopped is None else 128 + result.stopped


def _check(command) -> None:
    """Raise what is wrong with options together."""
    if not (command.data or command.stream):
        raise ConfigError(
            "There is nothing to learn from. Name datasets with --data, as made by: mannequin generate "
            "people --renderer raster; "
            "or learn from endless new clips with --stream."
        )
    if command.data and command.stream:
        raise ConfigError("--data and --stream exclude each other; leave one of them out.")
    if command.words and not command.stream:
        raise ConfigError("What stands behind -- says what --stream generates; give --stream, or leave it out.")
    usual = PRESETS[command.preset].data
    for name in ("frames", "every") if command.stream else ():
        if getattr(command.selection, name) != getattr(usual, name):
            raise ConfigError(
                f"--{name} chooses frames of datasets, which --stream has none of; leave one of them out."
            )
    if command.resume and not checkpoints(command.folder / FOLDER):
        raise TrainingError(
            f"--resume: there is no checkpoint in {command.folder} to go on from. Check --out, or leave "
            "--resume out to begin there."
        )


def _feed(command, task: MapsTask) -> Feed:
    options = (
        tuple(p.absolute() for p in command.val_data),
        (task.truth,),
        command.network.size,
        command.selection,
        command.train.seed,
    )
    if not command.stream:
        return from_datasets(tuple(p.absolute() for p in command.data), *options)
    return from_generator(command.sample, command.assets.located(), partial(open_renderer, "raster"), *options)


def _print(command, result: Result, card: Path | None) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    if result.stopped is not None:
        console.print(str(result))
        return
    table = Table(show_header=False, box=None)
    for name, value in result.metrics.items():
        table.add_row(figure_of(name).title, figure_of(name).text(value))
    console.print(f"Validation after step {result.step}, the last:")
    console.print(table)
    if result.best:
        figure = figure_of(result.best.metric)
        console.print(f"Best of all: {figure.title} {figure.text(result.best.value)}, after step {result.best.step}")
    run = shlex.quote(str(command.folder))
    for line in (
        *(f"Predictions: {picture}" for picture in _pictures(command.folder)[-1:]),
        f"Model card: {card}",
        f"Try it: mannequin predict {run} photo.jpg --out predicted",
        f"Judge it: mannequin evaluate {run} --data {_judged_by(command)}",
    ):
        console.print(line)


def _pictures(folder: Path) -> list[Path]:
    return sorted((folder / "pictures").glob("step-*.png"), key=lambda path: int(path.stem.removeprefix("step-")))


def _judged_by(command) -> str:
    """What to give to evaluate, which takes of the data that was learnt from only what was held out."""
    return " ".join(shlex.quote(str(path)) for path in command.val_data or command.data) or "OTHER_PEOPLE"

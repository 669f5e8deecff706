"""What ``mannequin train`` does."""

import os
from functools import partial
from pathlib import Path

from rich.table import Table

from mannequin.cli.commands.train import STREAM_VALIDATION, Train, TrainRecipe
from mannequin.cli.training.bar import TrainBar
from mannequin.generator.errors import ConfigError, TrainingError, unknown_name
from mannequin.renderers.choice import open_renderer
from mannequin.report.rebuild import generate_command
from mannequin.terminal import Console, quoted
from mannequin.training.card import write_card
from mannequin.training.core.checkpoint import FOLDER, checkpoints
from mannequin.training.core.init import read_starts
from mannequin.training.core.loop import Result, train
from mannequin.training.data.sources import TrainingData, from_datasets, from_generator
from mannequin.training.figures import figure_of
from mannequin.training.options.preset import DataConfig
from mannequin.training.recipes.recipe import adjusted, folder_of_stage, run_stage
from mannequin.training.registry import RECIPES, TASKS, make_task
from mannequin.training.task import Task


def run(command: Train) -> int:
    """Train as ``command`` asks; returns the exit status."""
    _check(command)
    _check_selection(command)
    task = make_task(command.task, command.network)
    starts = read_starts(command.starts, task)
    data = _data(command, task, command.selection, command.train.seed)
    with TrainBar(task, command.quiet) as bar:
        result = train(
            task, data.train, data.val, command.resolved(), command.folder, bar.show, data.about, starts, bar.say
        )
    if _speaks():
        card = write_card(command.folder, generate_command) if result.stopped is None else None
        if not command.quiet:
            _print(command, task, result, card)
    return 0 if result.stopped is None else 128 + result.stopped


def run_recipe(command: TrainRecipe) -> int:
    """Train the stages of a recipe; returns the exit status."""
    _check(command)
    changes = {"seed": command.seed, "accelerator": command.accelerator, "threads": command.threads}
    if command.workers is not None:
        changes["workers"] = command.workers
    stages = adjusted(RECIPES[command.task].presets[command.preset], **changes)
    if command.stream and not command.val_data:
        stages = adjusted(stages, validation_samples=STREAM_VALIDATION)
    console = Console(quiet=command.quiet or not _speaks())
    for stage in stages:
        task = make_task(stage.task, stage.network)
        data = _data(command, task, stage.data, command.seed)
        console.print(f"{stage.name}: {stage.task}, in {folder_of_stage(command.folder, stages, stage.name)}")
        with TrainBar(task, command.quiet) as bar:
            result = run_stage(stages, stage, task, command.folder, data, bar.show, bar.say)
        if result.stopped is not None:
            console.print(str(result))
            return 128 + result.stopped
        if _speaks():
            write_card(result.out, generate_command)
    run = quoted(folder_of_stage(command.folder, stages, stages[-1].name))
    console.print(
        f"Try it: mannequin predict {run} {_looked_at(make_task(stages[-1].task, stages[-1].network))} --out predicted"
    )
    console.print(f"Judge it: mannequin evaluate {run} --data {_judged_by(command)}")
    return 0


def _speaks() -> bool:
    """Under torchrun, one of the processes writes and speaks."""
    return os.environ.get("RANK", "0") == "0"


def _check(command: Train | TrainRecipe) -> None:
    """Raise what is wrong with options together."""
    _check_name(command)
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


def _check_name(command: Train | TrainRecipe) -> None:
    """Options that stand before the name may have hidden it: then they were read as those of another."""
    name = command.task
    if name not in TASKS and name not in RECIPES:
        raise unknown_name("task", name, (*TASKS, *RECIPES))
    read_as = (
        name in TASKS and isinstance(command.network, TASKS[name].options)
        if isinstance(command, Train)
        else name in RECIPES
    )
    if not read_as:
        raise ConfigError(f"The name of what to learn stands first: mannequin train {name}, then the options.")


def _check_selection(command: Train) -> None:
    usual = TASKS[command.task].presets[command.preset].data
    for name in ("sampling", "every") if command.stream else ():
        if getattr(command.selection, name) != getattr(usual, name):
            raise ConfigError(
                f"--{name} chooses frames of datasets, which --stream has none of; leave one of them out."
            )
    if command.resume and not checkpoints(command.folder / FOLDER):
        raise TrainingError(
            f"--resume: there is no checkpoint in {command.folder} to go on from. Check --out, or leave "
            "--resume out to begin there."
        )


def _data(command: Train | TrainRecipe, task: Task, selection: DataConfig, seed: int) -> TrainingData:
    val_paths = tuple(p.absolute() for p in command.val_data)
    if not command.stream:
        return from_datasets(tuple(p.absolute() for p in command.data), val_paths, task, selection, seed)
    opener = partial(open_renderer, "raster")
    return from_generator(command.sample, command.assets.located(), opener, val_paths, task, selection, seed)


def _print(command: Train, task: Task, result: Result, card: Path | None) -> None:
    console = Console()
    if result.stopped is not None:
        console.print(str(result))
        return
    figures = task.meter().figures
    table = Table(show_header=False, box=None)
    for name, value in result.metrics.items():
        table.add_row(figure_of(name, figures).title, figure_of(name, figures).text(value))
    console.print(f"Validation after step {result.step}, the last:")
    console.print(table)
    if result.best:
        figure = figure_of(result.best.metric, figures)
        console.print(f"Best of all: {figure.title} {figure.text(result.best.value)}, after step {result.best.step}")
    run = quoted(command.folder)
    for line in (
        *(f"Predictions: {picture}" for picture in _pictures(command.folder)[-1:]),
        f"Model card: {card}",
        f"Try it: mannequin predict {run} {_looked_at(task)} --out predicted",
        f"Judge it: mannequin evaluate {run} --data {_judged_by(command)}",
    ):
        console.print(line)


def _looked_at(task: Task) -> str:
    """An example of what to predict on."""
    return "photo.jpg" if task.needs.frames is None else "film.mp4"


def _pictures(folder: Path) -> list[Path]:
    return sorted((folder / "pictures").glob("step-*.png"), key=lambda path: int(path.stem.removeprefix("step-")))


def _judged_by(command) -> str:
    """What to give to evaluate, which takes of the data that was learnt from only what was held out."""
    return " ".join(quoted(path) for path in command.val_data or command.data) or "OTHER_PEOPLE"

"""``mannequin train``"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

import tyro

from mannequin.cli.commands.generate import Generate
from mannequin.generator.catalog import Assets
from mannequin.generator.config import SampleConfig
from mannequin.generator.errors import ConfigError, unknown_name
from mannequin.generator.io.remote import Place
from mannequin.training.core.config import TrainConfig
from mannequin.training.options.preset import DataConfig, Preset
from mannequin.training.registry import RECIPES, TASKS

STREAM_VALIDATION = 200
"""Samples to validate on where these are generated and their number is left open."""

PRESET = "small"
"""The preset where none is named."""

NAMES = (*TASKS, *RECIPES)
TaskName = Annotated[
    tyro.conf.Positional[str],
    tyro.conf.arg(
        metavar="TASK",
        help="What to learn. "
        + ". ".join(f"{name}: {entry.learns}" for some in (TASKS, RECIPES) for name, entry in some.items())
        + ".",
    ),
]
Options = TypeVar("Options")
Hidden = tyro.conf.SuppressFixed


@dataclass(frozen=True)
class Train(Generic[Options]):
    """Train a network on generated people, or a recipe of several.

    The presets: small gives a network that is visibly right after some minutes on two
    CPU cores; paper is SURREAL's, for a GPU; modern the same network as it is trained
    today. Every option of a preset may be changed.

    The same command goes on with a run that was interrupted, bit for bit. What a run
    leaves in its folder: checkpoints, tables, curves for TensorBoard and pictures.

    examples:
      mannequin train segmentation --data people
          body parts; a tenth of the clips is held out for validation
      mannequin train depth --data people more --val-data others --preset paper
          depth, from two datasets, validated on a third
      mannequin train action --data people --actions walk wave --frames 8 --spacing 3
          what a person does, from windows of 8 frames, each 3 frames after the other
      mannequin train segmentation --stream -- --motion walk run --size 240 320
          from endless new clips; behind -- stands what follows `mannequin generate OUT`
      mannequin train segmentation --data photos --init runs/segmentation --out tuned
          fine-tune what was trained before
      torchrun --nproc-per-node 4 -m mannequin train depth --data people
          on four GPUs
    """

    task: TaskName
    """Name of the task."""

    data: tuple[Place, ...] = ()
    """Datasets to learn from, ours or in SURREAL's layout: folders, or URLs."""

    val_data: tuple[Place, ...] = ()
    """Datasets to validate on. If none is given, some clips of --data are held out, see --val-share."""

    stream: bool = False
    """Learn from endless new clips of the rasteriser instead of --data; nothing is written."""

    preset: str = PRESET
    """What the other options are unless given: small, or another that the task has."""

    out: Path | None = None
    """Folder of the run. If none is given: runs/TASK."""

    resume: bool = False
    """Refuse to begin: go on with the run in --out, or fail. Without it the command goes on if there is a run, else
    begins."""

    init: Annotated[tuple[str, ...], tyro.conf.arg(metavar="[PART=]RUN ...", help_behavior_hint="(default: none)")] = ()
    """Run or checkpoint of the same task whose weights to begin with; or PART=RUN, for a part of the network."""

    quiet: bool = False
    """Say nothing but what went wrong."""

    network: Options = field(default_factory=lambda: TASKS["segmentation"].presets[PRESET].network)
    train: TrainConfig = field(default_factory=lambda: TASKS["segmentation"].presets[PRESET].train)
    selection: DataConfig = field(default_factory=DataConfig)

    sample: Hidden[tyro.conf.Fixed[SampleConfig]] = SampleConfig()
    """What --stream draws."""

    assets: Hidden[tyro.conf.Fixed[Assets]] = Assets()
    """What --stream draws from."""

    words: Hidden[tyro.conf.Fixed[tuple[str, ...]]] = ()
    """What stands behind --."""

    @staticmethod
    def typed(args: list[str]) -> "tuple[Any, Train[Any] | TrainRecipe]":
        """(the command's type for the task that ``args`` name, its options unless given: those of the preset).

        Raises ConfigError for an unknown task or preset.
        """
        given, rest = tyro.cli(_Given, args=args, return_unknown_args=True, add_help=False)
        first = next((word for word in rest[:1] if not word.startswith("-")), None)
        name = first or next((word for word in rest if word in TASKS or word in RECIPES), None)
        if name in RECIPES:
            _preset(RECIPES[name].presets, given.preset)
            return TrainRecipe, TrainRecipe(tyro.MISSING)
        if name is not None and name not in TASKS:
            raise unknown_name("task", name, NAMES)
        entry = TASKS[name or "segmentation"]
        preset: Preset = _preset(entry.presets, given.preset)
        train = replace(preset.train, steps=0, epochs=1) if given.epochs else preset.train  # or they would contradict
        default = Train(tyro.MISSING, network=preset.network, train=train, selection=preset.data)
        return Train[entry.options], default

    def with_command(self, words: list[str], parse: Callable[[list[str]], Generate]) -> "Train[Options]":
        """The same with what ``words`` say of the clips of --stream; ``parse`` understands or refuses them."""
        return replace(self, **_drawn(words, parse))

    @property
    def folder(self) -> Path:
        """Of the run."""
        return self.out or Path("runs", self.task)

    @property
    def starts(self) -> dict[str, Path]:
        """What --init says: part of the network → run or checkpoint. Raises ConfigError for two of one part."""
        found = {}
        for part, path in map(_start, self.init):
            if part in found:
                whose = f"the part {part!r}" if part else "the whole network"
                raise ConfigError(f"--init names two runs for {whose}, {found[part]} and {path}. Choose one.")
            found[part] = path
        return found

    def resolved(self) -> TrainConfig:
        """``train`` with what else decides it."""
        endless = self.stream and not self.val_data
        return (
            replace(self.train, validation_samples=self.train.validation_samples or STREAM_VALIDATION)
            if endless
            else self.train
        )

    def run(self) -> int:
        from mannequin.cli.training.extra import need_training

        need_training()
        from mannequin.cli.training.run import run

        return run(self)


@dataclass(frozen=True)
class TrainRecipe:
    """Train the networks of a recipe one after the other; later ones build on the earlier ones'.

    Each stage is a run of its own in the folder: OUT/1-NAME, OUT/2-NAME, …, with which to predict, evaluate and export.
    The same command goes on where it was interrupted, bit for bit.
    """

    task: TaskName
    """Name of the recipe."""

    data: tuple[Place, ...] = ()
    """Datasets to learn from, ours or in SURREAL's layout: folders, or URLs."""

    val_data: tuple[Place, ...] = ()
    """Datasets to validate on. If none is given, some clips of --data are held out."""

    stream: bool = False
    """Learn from endless new clips of the rasteriser instead of --data; nothing is written."""

    preset: str = PRESET
    """How large the networks are and how long they are trained: small, or another that the recipe has."""

    out: Path | None = None
    """Folder of the runs. If none is given: runs/RECIPE."""

    seed: int = 0
    """What initial weights, the order of samples and dropout follow from: any whole number from 0."""

    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    """What to train on; auto is a CUDA device if there is one."""

    workers: int | None = None
    """Processes that load data. If not given, as the preset has it."""

    threads: int = 0
    """Threads that compute. 0: as OMP_NUM_THREADS says, else as a run began, else as many as cores are free."""

    quiet: bool = False
    """Say nothing but what went wrong."""

    sample: Hidden[tyro.conf.Fixed[SampleConfig]] = SampleConfig()
    """What --stream draws."""

    assets: Hidden[tyro.conf.Fixed[Assets]] = Assets()
    """What --stream draws from."""

    words: Hidden[tyro.conf.Fixed[tuple[str, ...]]] = ()
    """What stands behind --."""

    def with_command(self, words: list[str], parse: Callable[[list[str]], Generate]) -> "TrainRecipe":
        """The same with what ``words`` say of the clips of --stream; ``parse`` understands or refuses them."""
        return replace(self, **_drawn(words, parse))

    @property
    def folder(self) -> Path:
        """Of the runs."""
        return self.out or Path("runs", self.task)

    def run(self) -> int:
        from mannequin.cli.training.extra import need_training

        need_training()
        from mannequin.cli.training.run import run_recipe

        return run_recipe(self)


def _preset(presets: dict[str, Any], name: str) -> Any:
    if name not in presets:
        raise unknown_name("preset", name, presets)
    return presets[name]


def _start(text: str) -> tuple[str, Path]:
    """(part of a network, run) of a word of --init."""
    part, found, path = text.partition("=")
    return (part, Path(path)) if found and re.fullmatch(r"[\w.]+", part) else ("", Path(text))


def _drawn(words: list[str], parse: Callable[[list[str]], Generate]) -> dict[str, Any]:
    """What the words behind -- say of the clips of --stream."""
    command = parse(["stream", *words])
    for f in fields(Generate):
        if f.name not in ("out", "sample", "assets") and getattr(command, f.name) != f.default:
            raise ConfigError(
                f"--{f.name.replace('_', '-')} stands behind --, where it says nothing about what clips "
                "show. Leave it out."
            )
    return {"sample": command.sample, "assets": command.assets, "words": tuple(words)}


@dataclass(frozen=True)
class _Given:
    """What decides the defaults."""

    preset: str = PRESET
    epochs: int = 0

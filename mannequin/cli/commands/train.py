"""``mannequin train``"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from mannequin.cli.commands.generate import Generate
from mannequin.generator.catalog import Assets
from mannequin.generator.config import SampleConfig
from mannequin.generator.errors import ConfigError
from mannequin.generator.io.remote import Place
from mannequin.training.core.config import TrainConfig
from mannequin.training.presets import PRESETS, DataConfig
from mannequin.training.tasks.network import NetworkConfig

STREAM_VALIDATION = 200
"""Samples to validate on where these are generated and their number is left open."""


@dataclass(frozen=True)
class Train:
    """Train a network on generated people: body parts, or depth.

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
      mannequin train segmentation --stream -- --motion walk run --size 240 320
          from endless new clips; behind -- stands what follows `mannequin generate OUT`
      mannequin train segmentation --data photos --init runs/segmentation --out tuned
          fine-tune what was trained before
      torchrun --nproc-per-node 4 -m mannequin train depth --data people
          on four GPUs
    """

    task: Annotated[tyro.conf.Positional[Literal["segmentation", "depth"]], tyro.conf.arg(metavar="segmentation|depth")]
    """What to learn: the 14 parts of the body, or the distance from the pelvis along the camera's axis."""

    data: tuple[Place, ...] = ()
    """Datasets to learn from, ours or in SURREAL's layout: folders, or URLs."""

    val_data: tuple[Place, ...] = ()
    """Datasets to validate on. If none is given, some clips of --data are held out, see --val-share."""

    stream: bool = False
    """Learn from endless new clips of the rasteriser instead of --data; nothing is written."""

    preset: Literal["small", "paper", "modern"] = "small"
    """What the other options are unless given."""

    out: Path | None = None
    """Folder of the run. If none is given: runs/TASK."""

    resume: bool = False
    """Refuse to begin: go on with the run in --out, or fail. Without it the command goes on if there is a run, else
    begins."""

    init: Path | None = None
    """Run or checkpoint of the same task whose weights to begin with."""

    quiet: bool = False
    """Say nothing but what went wrong."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    train: TrainConfig = field(default_factory=lambda: PRESETS["small"].train)
    selection: DataConfig = field(default_factory=DataConfig)

    sample: tyro.conf.SuppressFixed[tyro.conf.Fixed[SampleConfig]] = SampleConfig()
    """What --stream draws."""

    assets: tyro.conf.SuppressFixed[tyro.conf.Fixed[Assets]] = Assets()
    """What --stream draws from."""

    words: tyro.conf.SuppressFixed[tyro.conf.Fixed[tuple[str, ...]]] = ()
    """What stands behind --."""

    @classmethod
    def defaults(cls, args: list[str]) -> "Train":
        """What options are unless given: those of the preset that ``args`` name."""
        given, _ = tyro.cli(_Given, args=args, return_unknown_args=True, add_help=False)
        preset = PRESETS[given.preset] if given.preset in PRESETS else PRESETS["small"]
        train = (
            replace(preset.train, steps=0, epochs=1) if given.epochs else preset.train
        )  # or the two would contradict each other
        return cls(tyro.MISSING, network=preset.network, train=train, selection=preset.data)

    def with_command(self, words: list[str], parse: Callable[[list[str]], Generate]) -> "Train":
        """The same with what ``words`` say of the clips of --stream; ``parse`` understands or refuses them."""
        command = parse(["stream", *words])
        for f in fields(Generate):
            if f.name not in ("out", "sample", "assets") and getattr(command, f.name) != f.default:
                raise ConfigError(
                    f"--{f.name.replace('_', '-')} stands behind --, where it says nothing about what clips "
                    "show. Leave it out."
                )
        return replace(self, sample=command.sample, assets=command.assets, words=tuple(words))

    @property
    def folder(self) -> Path:
        """Of the run."""
        return self.out or Path("runs", self.task)

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
class _Given:
    """What decides the defaults."""

    preset: str = "small"
    epochs: int = 0

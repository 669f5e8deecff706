"""``mannequin farm``"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from mannequin.cli.commands.generate import Generate
from mannequin.cli.farm import openjd, slurm
from mannequin.cli.farm.arguments import located
from mannequin.cli.farm.resources import Resources, given
from mannequin.generator.errors import ConfigError
from mannequin.generator.io.atomic import write_bytes
from mannequin.terminal import Console, quoted

ADDED = ("shard", "dask", "workers")
"""Options of `mannequin generate` that job files set themselves."""


@dataclass(frozen=True)
class Farm:
    """Write a job file for a render farm: one dataset, many tasks.

    What follows -- is what would follow `mannequin generate`, the folder first;
    paths in it are made absolute. Each task renders one shard of the clips into
    that folder. docs/farm.md has the rest.

    examples:
      mannequin farm slurm people.sbatch --shards 100 -- out --clips 10000
          a SLURM array job: submit it with sbatch
      mannequin farm openjd people.yaml --shards 100 --cpus 8 -- out --clips 10000
          an Open Job Description template, for AWS Deadline Cloud and others
    """

    kind: Annotated[tyro.conf.Positional[Literal["slurm", "openjd"]], tyro.conf.arg(metavar="slurm|openjd")]
    """What runs the farm."""

    file: tyro.conf.Positional[Path]
    """The job file: .sbatch, .slurm or .sh for slurm; .yaml, .yml or .json for openjd."""

    shards: Annotated[int, tyro.conf.arg(metavar="N")]
    """How many tasks share the clips. One task should last from minutes to hours."""

    resources: Resources = field(default_factory=Resources)

    arguments: tyro.conf.SuppressFixed[tyro.conf.Fixed[tuple[str, ...]]] = ()
    """What stands behind --."""

    def with_command(self, arguments: list[str], parse: Callable[[list[str]], Generate]) -> "Farm":
        """The same for ``mannequin generate`` with ``arguments``, which ``parse`` understands or refuses."""
        if not arguments:
            return self
        command = parse(arguments)
        command.check()
        self._check_shards(command)
        return replace(self, arguments=located(arguments, command, parse))

    def run(self) -> int:
        if not self.arguments:
            raise ConfigError(
                "The command to run is missing; write it behind --, the dataset's folder first: "
                f"mannequin farm {self.kind} {quoted(self.file)} --shards {self.shards} -- OUT --clips 10000"
            )
        self.resources.check()
        write = {"slurm": self._slurm, "openjd": self._openjd}[self.kind]
        Console().print(write())
        return 0

    def _slurm(self) -> str:
        self._check_file(slurm.SUFFIXES)
        text = slurm.sbatch_script(self.file.name, sys.executable, list(self.arguments), self.shards, self.resources)
        write_bytes(self.file, text.encode())
        file = quoted(self.file)
        return f"Try one task: SLURM_ARRAY_TASK_ID=1 bash {file}\nSubmit all: sbatch {file}"

    def _openjd(self) -> str:
        self._check_file(openjd.SUFFIXES)
        for name in given(self.resources, "partition", "account"):
            raise ConfigError(
                f"--{name} is for slurm; farms with Open Job Description choose the queue when a job is "
                "submitted. Leave it out."
            )
        value = openjd.template(self.file, list(self.arguments), self.shards, self.resources)
        write_bytes(self.file, openjd.written(value, self.file.suffix).encode())
        where = "" if "default" in value["parameterDefinitions"][0] else f" -p {quoted(f'Out={self.arguments[0]}')}"
        file = quoted(self.file)
        return f"Check: openjd check {file}\nTry one task: openjd run {file} --step Render -tp Shard=1{where}"

    def _check_shards(self, command: Generate) -> None:
        for name in ADDED:
            if getattr(command, name) != getattr(Generate, name):
                raise ConfigError(
                    f"--{name} stands behind --, but the job file sets it. Leave it out; --shards and --cpus decide."
                )
        if self.shards < 1:
            raise ConfigError(f"shards is {self.shards}; expected a number from 1.")
        if 0 < command.clips < self.shards:
            raise ConfigError(
                f"{self.shards} shards would share {command.clips} clips, so that some have none. "
                "Ask for more with --clips (behind --), or for fewer --shards."
            )

    def _check_file(self, suffixes: tuple[str, ...]) -> None:
        if self.file.suffix not in suffixes:
            raise ConfigError(
                f"The file {self.file} cannot be a job for {self.kind}; expected a name that ends in "
                f"{', '.join(suffixes)}."
            )
        if self.file.exists() and b"Mannequin" not in self.file.read_bytes()[:4000]:
            raise ConfigError(
                f"{self.file} exists and is no job file of Mannequin. Choose another name, or move it away."
            )

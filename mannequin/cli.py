"""The ``mannequin`` command."""

import sys
from typing import Annotated

import tyro
from rich.console import Console

from generator.errors import MannequinError
from mannequin.commands.assets import AssetsCommand
from mannequin.commands.export import Export
from mannequin.commands.generate import Generate
from mannequin.commands.info import Info
from mannequin.commands.label import Label
from mannequin.commands.validate import Validate

DESCRIPTION = """Synthetic images of moving, clothed people with exact ground truth.

A dataset is a folder of clips, one file each. `generate` makes one from a seed, `validate` proves
its labels with a second, independent computation, `export` writes it in SURREAL's layout,
`info` shows what is in a clip, `label` makes labels for real footage, `assets` lists and checks
what people are made of. `mannequin COMMAND --help` is the manual of each.

Exit status: 0 done, 1 done but something failed, 2 cannot be done (the message says why and
what to do next), 130 interrupted (run the same command again to continue)."""

_command = tyro.conf.subcommand
Command = (
    Annotated[Generate, _command("generate")]
    | Annotated[Validate, _command("validate")]
    | Annotated[Export, _command("export")]
    | Annotated[Label, _command("label")]
    | Annotated[AssetsCommand, _command("assets")]
    | Annotated[Info, _command("info")]
)


def main(args: list[str] | None = None) -> None:
    """Run one command and exit with its status."""
    command = tyro.cli(
        Command, args=args, prog="mannequin", description=DESCRIPTION, config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff, tyro.conf.PositionalMetavarFromFieldName)
    )
    try:
        status = command.run()
    except MannequinError as e:
        _complain(str(e))
        status = 2
    except KeyboardInterrupt:
        _complain("Interrupted. Finished clips are kept; the same command continues from here.")
        status = 130
    sys.exit(status)


def _complain(message: str) -> None:
    Console(stderr=True, soft_wrap=True).print(f"[bold red]mannequin:[/] {message}", highlight=False, markup=True)

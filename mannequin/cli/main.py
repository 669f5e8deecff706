"""The ``mannequin`` command."""

import errno
import inspect
import os
import signal
import sys
import textwrap
import threading
from contextlib import contextmanager
from typing import get_origin

import tyro
from rich.text import Text

from mannequin.cli import installations
from mannequin.cli.commands.assets import AssetsCommand
from mannequin.cli.commands.evaluate import Evaluate
from mannequin.cli.commands.experiment import Experiment
from mannequin.cli.commands.export import Export
from mannequin.cli.commands.farm import Farm
from mannequin.cli.commands.generate import Generate
from mannequin.cli.commands.info import Info
from mannequin.cli.commands.label import Label
from mannequin.cli.commands.predict import Predict
from mannequin.cli.commands.report import Report
from mannequin.cli.commands.show import Show
from mannequin.cli.commands.status import Status
from mannequin.cli.commands.train import Train
from mannequin.cli.commands.validate import Validate
from mannequin.cli.commands.view import View
from mannequin.cli.options import REGISTRY
from mannequin.generator.errors import ConfigError, MannequinError, unknown_name
from mannequin.generator.io.atomic import cannot_write
from mannequin.terminal import Console, OutputError, streams

COMMANDS = {
    "generate": Generate,
    "show": Show,
    "status": Status,
    "validate": Validate,
    "report": Report,
    "evaluate": Evaluate,
    "predict": Predict,
    "experiment": Experiment,
    "export": Export,
    "label": Label,
    "assets": AssetsCommand,
    "info": Info,
    "view": View,
    "train": Train,
    "farm": Farm,
}

MANUAL = """\
usage: mannequin COMMAND [OPTIONS]

Synthetic images of moving, clothed people with exact ground truth.
A dataset is a folder of clips, one file each.

commands:
{commands}

  mannequin COMMAND --help    the manual of a command, with examples
  mannequin --version

begin with:
  mannequin generate out
  mannequin show out
  mannequin validate out

exit status:
  0    done
  1    done, but something failed or is missing
  2    cannot be done; the message says why and what to do next
  130  interrupted; the same command continues from there
  143  ended by SIGTERM; likewise"""


class Terminated(KeyboardInterrupt):
    """SIGTERM has come."""


def main(args: list[str] | None = None) -> None:
    """Run one command and exit with its status."""
    with streams():
        status = _status(list(sys.argv[1:] if args is None else args))
    sys.exit(status)


def _status(args: list[str]) -> int:
    """Run one command; whatever becomes of it is told. Returns the exit status."""
    try:
        status = _run(args)
        sys.stdout.flush()
        return status
    except OutputError as e:
        if e.error.errno == errno.EPIPE:  # whoever read our output has gone, as `head` does
            return 128 + signal.SIGPIPE
        _complain(str(cannot_write("to standard output", e.error)))
        return 2


def _run(args: list[str]) -> int:
    try:
        if not args or args[0] in ("-h", "--help"):
            Console().print(manual())
            return 0 if args else 2
        if args[0] == "--version":
            Console().print(installations.told())
            return 0
        if warning := installations.warning():
            _complain(warning)
        _check_working_folder()
        with _terminable():
            return parse(args).run()
    except SystemExit as e:  # of the parser
        return e.code if isinstance(e.code, int) else 2
    except MannequinError as e:
        _complain(str(e))
        return 2
    except Terminated:
        _complain("Ended by SIGTERM. Finished clips are kept; the same command continues from here.")
        return 128 + signal.SIGTERM
    except KeyboardInterrupt:
        _complain("Interrupted. Finished clips are kept; the same command continues from here.")
        return 130


def _check_working_folder() -> None:
    try:
        os.getcwd()
    except OSError as e:
        raise ConfigError(
            f"The folder that this command runs in cannot be used ({e.strerror}); it may have been deleted. "
            "Change to another one (cd) and run the same command again."
        ) from e


@contextmanager
def _terminable():
    """Make SIGTERM an exception, so that what was begun is finished or dropped cleanly."""

    def end(number, frame):
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def manual() -> str:
    """What ``mannequin --help`` prints: a line for each command."""
    lines = (f"  {name:<12}{_docstring(command).splitlines()[0]}" for name, command in COMMANDS.items())
    return MANUAL.format(commands="\n".join(lines))


def parse(args: list[str]):
    """The command that ``args`` ask for, an instance of one of COMMANDS; exits after --help.

    Raises ConfigError for an unknown command; tyro reports wrong options and exits with status 2.
    """
    name, rest = args[0], args[1:]
    if name not in COMMANDS:
        raise unknown_name("command", name, COMMANDS)
    command = COMMANDS[name]
    if hasattr(command, "with_command") and "--" in rest:
        end = rest.index("--")
        return parse([name, *rest[:end]]).with_command(rest[end + 1 :], lambda words: parse(["generate", *words]))
    config = (tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff, tyro.conf.PositionalMetavarFromFieldName)
    command, default = command.typed(rest) if hasattr(command, "typed") else (command, None)
    if {"-h", "--help"} & set(rest):
        console = Console()
        console.print(filled(_docstring(get_origin(command) or command), console.width) + "\n")
    return tyro.cli(
        command, args=rest, prog=f"mannequin {name}", description="", default=default, config=config, registry=REGISTRY
    )


def _docstring(command: type) -> str:
    """What the manual of a command begins with."""
    text = inspect.getdoc(command)
    if not text:
        raise TypeError(f"{command.__name__} has no docstring; expected its manual there.")
    return text


def filled(text: str, width: int) -> str:
    """``text`` with its paragraphs filled to ``width`` columns; those with indented lines stand as they are."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(
        p if "\n " in p else textwrap.fill(p, min(width, 100), break_on_hyphens=False) for p in paragraphs
    )


def _complain(message: str) -> None:
    Console(stderr=True).print(Text.assemble(("mannequin: ", "bold red"), message))

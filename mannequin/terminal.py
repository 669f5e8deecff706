"""The one way to standard output and standard error: nothing that a stranger wrote acts on the terminal.

Names, logs and descriptions may hold sequences that move the cursor, change the clipboard or turn the
direction of writing. :class:`Console` shows them as Python would write them (``\\x1b``), whatever was
printed; JSON has escapes of its own. :func:`streams` does the same for all else that a process says
(warnings, tracebacks, the parser of options), where colours alone pass.
"""

import codecs
import json
import os
import re
import shlex
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")
_PLAIN = {"–": "-", "…": "...", "≤": "<=", "≥": ">=", "×": "x", "°": " deg"}
"""What an output in ASCII gets for characters that our own tables use."""


class OutputError(Exception):
    """Standard output takes no more. error: what the system says."""

    def __init__(self, error: OSError):
        super().__init__(str(error))
        self.error = error


def escaped(text: str) -> str:
    """``text`` with every character that is neither printable, a space, a tab nor a line feed written as its escape."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(char: str) -> str:
    if char.isprintable() or char in "\n\t" or unicodedata.category(char) == "Zs":
        return char
    return char.encode("unicode_escape").decode("ascii")


def _escaped_but_colours(text: str) -> str:
    return "".join(part if k % 2 else escaped(part) for k, part in enumerate(_COLOUR.split(text)))


class Console(RichConsole):
    """Prints text as it is, whatever brackets it holds, and no character that would act on the terminal."""

    def __init__(self, *, stderr: bool = False, soft_wrap: bool = True, quiet: bool = False):
        """soft_wrap: leave it to the terminal to break long lines."""
        super().__init__(stderr=stderr, soft_wrap=soft_wrap, quiet=quiet, highlight=False, markup=False, emoji=False)

    @property
    def file(self):
        """Where it writes: past the escaping of :func:`streams`, which would undo rich's own sequences."""
        stream = super().file
        return getattr(stream, "direct", stream)

    @file.setter
    def file(self, new_file) -> None:
        self._file = new_file

    def render_str(self, text: str, **options) -> Text:
        return super().render_str(escaped(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(escaped(segment.text), segment.style)

    @contextmanager
    def doing(self, what: str) -> Iterator[Callable[[str], None]]:
        """Show ``what`` is being done, on a terminal, until the block ends; yields what changes it."""
        with self.status(Text(what)) as status:
            yield lambda text: status.update(Text(text))


def quoted(*words: object) -> str:
    """A command to be copied into a shell, whatever its words hold. Every command that is printed goes through here."""
    return shlex.join(map(str, words))


def print_json(plain) -> None:
    """Print plain values as JSON, in ASCII."""
    print(json.dumps(plain, indent=2))


@contextmanager
def streams():
    """Make ``sys.stdout`` and ``sys.stderr`` escape what is written and take what their encoding lacks.

    Output that cannot be written raises OutputError; messages that cannot are dropped. A number that
    was closed is taken, lest a file of the run get it and what is printed.
    """
    before = sys.stdout, sys.stderr
    codecs.register_error("mannequin", _replaced)
    _occupy()
    sys.stdout = _Stream(_encodable(sys.stdout), _escaped_but_colours)
    sys.stderr = _Stream(_encodable(sys.stderr), _escaped_but_colours, is_optional=True)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def abandon(stream) -> None:
    """Send what is still to come of ``stream``, the end of Python included, to nowhere."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


class _Stream:
    """A text stream. clean: applied to what is written. is_optional: drop what cannot be written.

    direct: the same without ``clean``.
    """

    def __init__(self, stream, clean: Callable[[str], str], is_optional: bool = False):
        self._stream, self._clean, self._is_optional = stream, clean, is_optional

    def __getattr__(self, name: str):
        return getattr(self._stream, name)

    @property
    def direct(self) -> "_Stream":
        return _Stream(self._stream, str, self._is_optional)

    def write(self, text: str) -> int:
        self._do(lambda: self._stream.write(self._clean(text)))
        return len(text)

    def writelines(self, lines) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        self._do(self._stream.flush)

    def _do(self, act: Callable) -> None:
        try:
            act()
        except OSError as e:
            abandon(self._stream)
            if not self._is_optional:
                raise OutputError(e) from e


def _encodable(stream):
    """``stream``, taking any text."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="mannequin")
    return stream


def _replaced(error: UnicodeError) -> tuple[str, int]:
    """What is written for characters that an encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_PLAIN.get(c) or c.encode("ascii", "backslashreplace").decode() for c in lacking), error.end


def _occupy() -> None:
    """Give the standard streams that were closed their numbers back: output to be refused, errors to nowhere."""
    for number, flags in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        with suppress(OSError):
            os.fstat(number)
            continue
        os.set_inheritable(os.open(os.devnull, flags), True)  # which takes the lowest number that is free
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)

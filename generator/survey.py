"""What of a user's files cannot be used, found before anything is drawn, and the same for every seed.

Of a small folder, every file is read whole; of a large one, what files say of themselves. A fault that only a
whole reading shows is met when the file is drawn: then another is drawn in its place (see
``presets/sampler.py``). Both depend on what the files hold alone, so all processes of all machines agree.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mannequin.generator.errors import AssetError
from mannequin.generator.io import limits
from mannequin.generator.io.listing import Found, LeftOut

WHOLE = 16 * limits.MIB
"""Bytes of all files of a kind up to which they are read whole: a few seconds."""

SHOWN = 10
"""Reasons in one message."""


def _nothing(file: Any) -> None:
    """What is read of a file that its finder has read."""


@dataclass(frozen=True)
class Kind:
    """Of files. find: all that there are. head, whole: read one in outline, or whole; they raise AssetError for one
    that cannot be used."""

    find: Callable[[], Found]
    head: Callable[[Any], object] = _nothing
    whole: Callable[[Any], object] = _nothing


class UserFiles:
    """What a user brought, by kind ("body", "motion", "texture", "environment", "photo").

    met: faults that only a whole reading showed, so far.
    """

    def __init__(self, kinds: dict[str, Kind], left_out: tuple[LeftOut, ...] | None):
        """left_out: what is left out, if that is known; None: it is found out when first needed."""
        self._kinds, self._known = kinds, left_out
        self.met: list[LeftOut] = []

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """The files that cannot be used. Raises AssetError for a kind of which nothing is left."""
        return tuple(fault for kind in self._kinds for fault in self.left_out_of(kind))

    @property
    def passed_over(self) -> tuple[str, ...]:
        """What lies in the user's folders besides, of kinds that are not read; for people."""
        return tuple(line for kind in self._kinds for line in self.found(kind).passed_over)

    @cache
    def found(self, kind: str) -> Found:
        """All files of a kind; nothing where the user brought none."""
        return self._kinds[kind].find() if kind in self._kinds else Found({})

    @cache
    def left_out_of(self, kind: str) -> tuple[LeftOut, ...]:
        """Those of one kind."""
        if self._known is not None:
            return tuple(fault for fault in self._known if fault.kind == kind)
        found = self.found(kind)
        return found.left_out + (_survey(kind, found.files, self._kinds[kind]) if found.files else ())

    @cache
    def usable(self, kind: str) -> tuple[str, ...]:
        """Ids of a kind that can be drawn, in the order of the files."""
        left_out = {fault.name for fault in self.left_out_of(kind)}
        return tuple(name for name in self.found(kind).files if name not in left_out)

    @cache
    def fault(self, kind: str, name: str) -> str:
        """Why a file cannot be used, read whole; "" if it can, or is no file of the user's."""
        files = self.found(kind).files
        try:
            if name in files:
                self._kinds[kind].whole(files[name])
        except AssetError as e:
            self.met.append(LeftOut(kind, name, str(e)))
            return str(e)
        return ""

    def check_all(self) -> tuple[LeftOut, ...]:
        """Those that cannot be used, every file read whole."""
        for kind in self._kinds:
            for name in self.usable(kind):
                self.fault(kind, name)
        return tuple(dict.fromkeys((*self.left_out, *self.met)))


def _survey(kind: str, files: dict[str, Any], readers: Kind) -> tuple[LeftOut, ...]:
    """Those of ``files`` (id → file) that cannot be used. Raises AssetError if none can."""
    paths = {file if isinstance(file, Path) else file.path for file in files.values()}
    read, found = readers.whole if sum(path.stat().st_size for path in paths) <= WHOLE else readers.head, []
    for name, file in files.items():
        try:
            read(file)
        except AssetError as e:
            found.append(LeftOut(kind, name, str(e)))
    if len(found) == len(files):
        raise none_left(found)
    return tuple(found)


def none_left(found: Sequence[LeftOut]) -> AssetError:
    """The error where nothing of a kind can be used."""
    if len(found) == 1:
        return AssetError(found[0].reason)
    return AssetError(f"None of {len(found)} {found[0].kind}s can be used:\n{told(found)}")


def unusable(found: Sequence[LeftOut]) -> AssetError:
    """The error where nothing may be left out."""
    count = "One file" if len(found) == 1 else f"{len(found)} files"
    return AssetError(
        f"{count} cannot be used:\n{told(found)}\nMend or move what is named, or leave out --strict to do without it."
    )


def told(found: Sequence[LeftOut]) -> str:
    """The reasons, a line for each, SHOWN of them."""
    more = [f"  and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return "\n".join([f"  {fault.reason}" for fault in found[:SHOWN]] + more)

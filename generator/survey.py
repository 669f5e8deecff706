"""What of a user's files cannot be used, found before anything is drawn, and the same for every seed.

Of a small folder, every file is read whole; of a large one, what files say of themselves. A fault that only a
whole reading shows is met when the file is drawn: then another is drawn in its place (see
``presets/sampler.py``). Both depend on what the files hold alone, so all processes of all machines agree.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mannequin.generator.errors import AssetError
from mannequin.generator.io import limits
from mannequin.generator.io.listing import LeftOut

WHOLE = 16 * limits.MIB
"""Bytes of all files of a kind up to which they are read whole: a few seconds."""

SHOWN = 10
"""Reasons in one message."""


def survey(
    kind: str, files: Mapping[str, Path], head: Callable[[str], object], whole: Callable[[str], object]
) -> tuple[LeftOut, ...]:
    """Those of ``files`` (id → file) that cannot be used.

    head, whole: read the file of an id in outline, or whole. Raises AssetError if none can be used.
    """
    size = sum(path.stat().st_size for path in set(files.values()))
    read, found = whole if size <= WHOLE else head, []
    for name in files:
        try:
            read(name)
        except AssetError as e:
            found.append(LeftOut(kind, name, str(e)))
    if files and len(found) == len(files):
        raise none_left(found)
    return tuple(found)


def none_left(found: Sequence[LeftOut]) -> AssetError:
    """The error where nothing of a kind can be used."""
    if len(found) == 1:
        return AssetError(found[0].reason)
    return AssetError(f"None of {len(found)} {found[0].kind}s can be used:\n{told(found)}")


def unusable(found: Sequence[LeftOut]) -> AssetError:
    """The error where nothing may be left out."""
    return AssetError(
        f"{len(found)} files cannot be used:\n{told(found)}\nMend them or move them away, or leave out --strict to do "
        "without them."
    )


def told(found: Sequence[LeftOut]) -> str:
    """The reasons, a line for each, SHOWN of them."""
    more = [f"  and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return "\n".join([f"  {fault.reason}" for fault in found[:SHOWN]] + more)

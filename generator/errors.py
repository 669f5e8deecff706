"""Errors a user can meet.

    MannequinError
    ├── AssetError           a file the user (or the catalog) named cannot be used
    │   ├── UnsafeFileError  it asks to run code while being read
    │   └── TopologyError    it was made for another mesh (vertex, face or UV count)
    ├── ConfigError          an option or a combination of options makes no sense
    ├── DatasetError         an output folder or a clip file is damaged, foreign or in the way
    ├── RenderError          a renderer failed, or its result is not trustworthy
    │   └── DisagreementError  Cycles and the rasteriser see different things
    ├── TrainingError        training cannot go on, or a checkpoint cannot be used
    └── MissingExtraError    an optional dependency or system library is absent

Every message says what is wrong, where, what was expected and what to do next.
The command line prints the message alone and exits with status 2; anything else is a bug
in Mannequin and keeps its traceback.
"""

import difflib

LONGEST = 4000
"""Characters of a message."""


class MannequinError(Exception):
    """Base of every error that Mannequin raises on purpose.

    Messages quote what stands in files of strangers: control characters, which could drive the
    terminal, are escaped, and a message beyond LONGEST loses its middle.
    """

    def __init__(self, message: str = ""):
        text = "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in str(message))
        if len(text) > LONGEST:
            text = f"{text[: LONGEST // 2]} … {text[-LONGEST // 3 :]}"
        super().__init__(text)


class AssetError(MannequinError):
    """An asset file is missing, damaged or of the wrong kind."""


class UnsafeFileError(AssetError):
    """A file asks to run code while being read; nothing of it was run."""


class TopologyError(AssetError):
    """An asset was made for another mesh than the one it is used on."""


class ConfigError(MannequinError, ValueError):
    """An option has an impossible value, or contradicts another."""


class DatasetError(MannequinError):
    """A dataset folder or clip file is damaged, foreign or in the way."""


class RenderError(MannequinError):
    """A renderer failed or produced something that cannot be trusted."""


class DisagreementError(RenderError):
    """The two renderers disagree beyond the limit, so the clip is not written."""


class TrainingError(MannequinError):
    """Training cannot go on, or a checkpoint is damaged, foreign or of another run."""


class MissingExtraError(MannequinError, ImportError):
    """An optional dependency, or a system library it links, is not installed."""


def unknown_name(kind: str, name: str, known) -> ConfigError:
    """The error for a name that is not in ``known``, with the nearest one suggested."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    shown = ", ".join(known[:20]) + (", …" if len(known) > 20 else "")
    return ConfigError(f"Unknown {kind} {name!r}.{hint} Known: {shown or 'none'}.")

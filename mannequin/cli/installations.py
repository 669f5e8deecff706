"""Which Mannequin runs, where several are installed."""

import json
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlparse

import mannequin

HERE = Path(mannequin.__file__).resolve().parent


def installed() -> Iterator[tuple[str, Path]]:
    """(version, folder of the package) of every installation that Python knows of, editable ones too."""
    for found in metadata.distributions(name="mannequin"):
        origin = json.loads(found.read_text("direct_url.json") or "{}")
        if origin.get("dir_info", {}).get("editable"):
            folder = Path(unquote(urlparse(origin["url"]).path)) / "mannequin"
        else:
            folder = Path(str(found.locate_file("mannequin")))
        if (folder / "__init__.py").is_file():
            yield found.version, folder.resolve()


def others() -> list[tuple[str, Path]]:
    """Installations beside the one that runs, whether that is installed or run from its source tree."""
    return [(version, folder) for version, folder in dict.fromkeys(installed()) if folder != HERE]


def told() -> str:
    """What ``mannequin --version`` prints."""
    lines = [f"mannequin {mannequin.__version__}, {HERE}"]
    lines += [f"also there, and not used: mannequin {version}, {folder}" for version, folder in others()]
    return "\n".join(lines)


def warning() -> str:
    """What to tell somebody who may mean another installation, as where another version is installed; else ""."""
    older = [(version, folder) for version, folder in others() if version != mannequin.__version__]
    if not older:
        return ""
    version, folder = older[0]
    return (
        f"This is Mannequin {mannequin.__version__} in {HERE}; version {version} is installed too, in {folder}, and is "
        "not used. If you meant that one, run it from another folder and without PYTHONPATH, or uninstall one of them."
    )

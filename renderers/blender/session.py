"""The only module that imports bpy: single-threaded and silent, or it says what is missing.

bpy and what it brings have no type stubs: all of their objects are Any.
"""

import contextlib
import importlib
import os
import signal
import sys
import threading
from typing import Any

from mannequin.generator.errors import MissingExtraError

PIP_LINE = 'pip install "mannequin[blender]"'
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
BPY_RELEASES = {"3.11": "5.0.1", "3.13": "5.2.3"}
"""Version of Python → release of bpy that is for it, as the extra ``blender`` in pyproject.toml."""
SYSTEM_LIBRARIES = "libx11-6 libxrender1 libxfixes3 libxi6 libxkbcommon0 libsm6 libice6 libgl1"

_loaded: Any = None


def load_bpy() -> Any:
    """The bpy module, imported once per process.

    The import runs while the process may use a single core: Blender then keeps to one thread for
    good, which makes its output the same bytes on every machine and costs no busy-waiting second
    core. Raises MissingExtraError naming what to install.
    """
    global _loaded
    if _loaded is None:
        with _one_core(), silence(), interrupts_held():
            _loaded = _import_bpy()
    return _loaded


def load_with_bpy(name: str) -> Any:
    """A module that bpy brings with it: mathutils, cycles. Raises MissingExtraError as ``load_bpy`` does."""
    load_bpy()
    return importlib.import_module(name)


def add_bundled_packages() -> None:
    """Put bpy's own site-packages at the end of sys.path: Open Shading Language needs them."""
    local = load_bpy().utils.resource_path("LOCAL")
    folder = os.path.join(local, "python", "lib", f"python{PYTHON}", "site-packages")
    if folder not in sys.path:
        sys.path.append(folder)


@contextlib.contextmanager
def _one_core():
    """Restrict the process to one of its cores, and give the others back afterwards."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@contextlib.contextmanager
def silence():
    """Drop what C code writes to standard output (Blender reports every render there)."""
    sys.stdout.flush()
    kept, null = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(null)


@contextlib.contextmanager
def interrupts_held():
    """Keep Ctrl-C and SIGTERM until the block is done, as far as they are to become exceptions.

    They would be raised in one of Blender's own scripts, which would drop them together with the frame, or amid what
    Blender sets up at its start, which it does not survive.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    held = {number: handler for number, handler in handlers.items() if callable(handler)}
    came = []
    for number in held:
        signal.signal(number, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
    for number, frame in came[:1]:
        held[number](number, frame)


def _how_to_get_bpy() -> str:
    """The end of a sentence about bpy being absent."""
    if PYTHON in BPY_RELEASES:
        return f"is not installed. Run: {PIP_LINE}"
    releases = ", ".join(f"{python} (bpy {release})" for python, release in BPY_RELEASES.items())
    return (
        f"has no release for Python {PYTHON}, which runs this. Install Mannequin for one of Python {releases}, "
        "or render with --renderer raster."
    )


def _import_bpy():
    try:
        bpy = importlib.import_module("bpy")
    except ModuleNotFoundError as e:
        if e.name != "bpy":
            raise
        raise MissingExtraError(f"Rendering with Blender needs the bpy package, which {_how_to_get_bpy()}") from e
    except ImportError as e:
        raise MissingExtraError(
            f"bpy is installed but a system library is missing ({e}). On Debian or Ubuntu run: "
            f"apt-get install --no-install-recommends {SYSTEM_LIBRARIES}"
        ) from e
    bpy.ops.wm.read_factory_settings(use_empty=True)
    # Blender puts its scripts first, where a package of theirs hides bpy from processes started later.
    scripts = bpy.utils.resource_path("LOCAL")
    sys.path.sort(key=lambda folder: folder.startswith(scripts))
    return bpy

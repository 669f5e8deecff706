"""numba's compiler, its cache where it can be written: packages are often read-only, and homes absent."""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache, wraps
from pathlib import Path

import numba
from numba.core import config

from mannequin.generator.io.cache import is_writable, writable_dir


def njit(*, cache: bool = False, **options) -> Callable:
    """``numba.njit`` with ``options``. cache: keep what is compiled for later processes, if any folder takes it."""

    def compiled(function: Callable):
        dispatcher = numba.njit(**options)(function)
        if cache and dispatcher is not function:  # it is, under NUMBA_DISABLE_JIT
            _enable(dispatcher)
        return dispatcher

    return compiled


def _enable(dispatcher) -> None:
    _choose_folder()
    try:
        dispatcher.enable_caching()
    except RuntimeError:  # numba found no folder
        _say_there_is_none()
        return
    save = dispatcher._cache.save_overload

    @wraps(save)
    def save_if_possible(*args):
        with suppress(OSError):  # a full disk; what is compiled works all the same
            save(*args)

    dispatcher._cache.save_overload = save_if_possible


@cache
def _choose_folder() -> None:
    """Where numba would find no folder, have it use ours: beside the sources it is told from other code best."""
    chosen = config.CACHE_DIR  # pyright: ignore[reportAttributeAccessIssue] (made when it is imported)
    if (chosen and is_writable(Path(chosen))) or is_writable(Path(__file__).parent / "__pycache__"):
        return
    if folder := writable_dir():
        os.environ["NUMBA_CACHE_DIR"] = str(folder / "numba")
        config.CACHE_DIR = str(folder / "numba")  # pyright: ignore[reportAttributeAccessIssue]


@cache
def _say_there_is_none() -> None:
    logging.getLogger(__name__).warning(
        "No folder can be written to keep what is compiled, so that every process takes a minute to compile it anew. "
        "Set MANNEQUIN_CACHE to a folder that you may write to."
    )

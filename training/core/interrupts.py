"""Interrupts, and errors of others in words of our options."""

import os
import signal
import threading
from collections.abc import Callable
from contextlib import contextmanager
from multiprocessing import parent_process, resource_tracker
from multiprocessing.connection import wait
from typing import Self

import torch

from mannequin.generator.errors import ConfigError, MannequinError, TrainingError
from mannequin.training.core.config import TrainConfig


class Interrupts:
    """While entered, a first Ctrl-C or SIGTERM is only noted, in ``number``; a second one acts as usual."""

    def __init__(self):
        self.number: int | None = None
        self.before = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self.before = {n: signal.signal(n, self._note) for n in (signal.SIGINT, signal.SIGTERM)}
        return self

    def _note(self, number: int, frame) -> None:
        self.number = number
        self._restore()

    def _restore(self) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def __exit__(self, *error) -> None:
        self._restore()


@contextmanager
def signals_held():
    """Hold Ctrl-C and SIGTERM back; a fork server and processes that are started meanwhile do so for good."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # which lets the signals through again, if it is started later
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin_loading(settle: Callable[[int], None] | None, worker: int) -> None:
    """What a process that loads data does first; ``settle`` is what else. This module is light for its sake."""
    _follow_parent()
    if settle:
        settle(worker)


def _follow_parent() -> None:
    """End with the parent, however that ends, or when it says so, but not before.

    A terminal sends Ctrl-C to all processes at once, and a batch system SIGTERM; the parent needs its batches to finish
    the step. torch looks for the death of the parent in the wrong place when processes come from a fork server.
    """
    parent = parent_process()
    assert parent is not None and parent.pid is not None, "only processes that load data follow"
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    if hasattr(signal, "sigwaitinfo"):  # not on macOS
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_when_told, args=(parent.pid,), daemon=True).start()


def _end_with(sentinel) -> None:
    wait([sentinel])
    os._exit(1)


def _end_when_told(by: int) -> None:
    """Heed SIGTERM from the process ``by`` alone."""
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != by:
        pass
    os._exit(128 + signal.SIGTERM)


@contextmanager
def in_words(config: TrainConfig):
    """Translate what torch says of exhausted memory, forbidden operations and failed compilation, and errors within
    loading processes."""
    try:
        yield
    except MannequinError as e:
        raise _unwrapped(e) from e
    except (RuntimeError, MemoryError, NameError) as e:
        advice = _advice(e, config)
        if advice is None:
            raise
        raise advice from e


def _unwrapped(error: MannequinError) -> MannequinError:
    """The error that a loading process met, without the story of how it got here."""
    kind, text = type(error), str(error)
    if not text.startswith("Caught "):
        return error
    return kind(text.rpartition(f"{kind.__module__}.{kind.__qualname__}: ")[2].strip())


def _advice(error: Exception, config: TrainConfig) -> MannequinError | None:
    text = str(error)
    compiler = type(error).__module__.startswith(("torch._inductor", "torch._dynamo"))
    if config.compile and (
        compiler or isinstance(error, NameError)
    ):  # the code that torch writes for a CPU may lack a variable
        line = text.splitlines()[0] if text else type(error).__name__
        return TrainingError(
            f"torch cannot compile the network here ({line}). Train without: --no-compile, or leave --compile out."
        )
    if (
        isinstance(error, (torch.OutOfMemoryError, MemoryError))
        or "allocate memory" in text
        or "not enough memory" in text
    ):
        return TrainingError(
            f"The memory is used up ({text.splitlines()[0] if text else type(error).__name__}). {_lower(config)}."
        )
    if "killed by signal: Killed" in text:
        return TrainingError(
            "The system killed a process that loads data, as it does when memory runs out. Lower --workers "
            f"{config.workers}."
        )
    if "does not have a deterministic implementation" in text:
        name = text.split(" ", 1)[0]
        return ConfigError(
            f"--deterministic is not possible here: torch has no such version of {name} on this device. Leave "
            "it out, or use --accelerator cpu."
        )
    return None


def _lower(config: TrainConfig) -> str:
    """What would need less memory."""
    ways = []
    if config.batch > 1:
        half = config.batch // 2
        ways.append(
            f"lower --batch {config.batch} to {half} and raise --accumulate to "
            f"{-(-config.batch * config.accumulate // half)}"
        )
    if config.precision == "32-true":
        ways.append("use --precision bf16-mixed")
    return "To need less, " + (", or ".join(ways) or "choose a smaller network")

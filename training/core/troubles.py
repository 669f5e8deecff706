"""Interrupts, and errors of others in words of our options."""

import signal
import threading
from contextlib import contextmanager
from typing import Self

import torch

from generator.errors import ConfigError, MannequinError, TrainingError
from training.core.config import TrainConfig


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


def leave_signals_to_parent() -> None:
    """In a process that loads data: it ends when its parent has no more use for it.

    A terminal sends Ctrl-C to all processes at once, and a batch system SIGTERM; the parent needs its
    batches to finish the step.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


@contextmanager
def in_words(config: TrainConfig):
    """Translate what torch says of exhausted memory and forbidden operations, and errors within loading processes."""
    try:
        yield
    except MannequinError as e:
        raise _unwrapped(e) from e
    except (RuntimeError, MemoryError) as e:
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


def _advice(error: RuntimeError | MemoryError, config: TrainConfig) -> MannequinError | None:
    text = str(error)
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "allocate memory" in text or "not enough memory" in text:
        return TrainingError(f"The memory is used up ({text.splitlines()[0] if text else type(error).__name__}). {_lower(config)}.")
    if "killed by signal: Killed" in text:
        return TrainingError(f"The system killed a process that loads data, as it does when memory runs out. Lower --workers {config.workers}.")
    if "does not have a deterministic implementation" in text:
        name = text.split(" ", 1)[0]
        return ConfigError(f"--deterministic is not possible here: torch has no such version of {name} on this device. Leave it out, or use --accelerator cpu.")
    return None


def _lower(config: TrainConfig) -> str:
    """What would need less memory."""
    ways = []
    if config.batch > 1:
        half = config.batch // 2
        ways.append(f"lower --batch {config.batch} to {half} and raise --accumulate to {-(-config.batch * config.accumulate // half)}")
    if config.precision == "32-true":
        ways.append("use --precision bf16-mixed")
    return "To need less, " + (", or ".join(ways) or "choose a smaller network")

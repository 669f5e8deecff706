"""Worker processes that may die: the one that does costs the call it was working on, and no other.

A pool is a function (task, tuples of arguments) → iterator of (arguments, answer), in the order of
finishing. An answer is what the task returned, or :class:`WorkerCrash`; what the task raised is raised.
"""

import faulthandler
import os
import pickle
import re
import signal
import tempfile
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path

import cv2
from joblib.externals.loky.backend import get_context, resource_tracker
from threadpoolctl import threadpool_limits

ATTEMPTS = 3
"""How often a call is made before it is given up."""

GRACE = 3.0
"""Seconds that a worker has to leave."""

LOG_BYTES = 20_000
"""Of the last words of a worker."""

Work = Callable[[Callable, Iterable[tuple]], Iterator[tuple[tuple, object]]]

_uninterrupted = threading.Lock()
"""Held while something is done whole or not at all."""


@dataclass(frozen=True)
class WorkerCrash:
    """A worker died of a call. log: what it wrote last; attempts: how often the call was made so far.

    The call is made again, after all others, until attempts is ATTEMPTS.
    """

    reason: str
    log: str
    attempts: int

    @property
    def is_final(self) -> bool:
        return self.attempts >= ATTEMPTS


def cores() -> list[int]:
    """The cores this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


@contextmanager
def pool(workers: int) -> Iterator[Work]:
    """A pool of ``workers`` processes, each on a core of its own if there are several; 0: this very process.

    All compute on a single thread, since sums split among threads round differently. When the block
    ends, for whatever reason, so do they; what is :func:`uninterrupted` is finished before.
    """
    if workers == 0:
        with _one_thread():
            yield _here
        return
    seats = cores()
    hands = [_Worker(seats[k % len(seats)] if workers > 1 else None) for k in range(workers)]
    try:
        yield lambda task, arguments: _shared_out(hands, task, arguments)
    finally:
        for hand in hands:
            hand.dismiss()
        for hand in hands:
            hand.leave()


@contextmanager
def uninterrupted():
    """Do the block whole although the worker may be told to leave meanwhile."""
    with _uninterrupted:
        yield


def limit_time(seconds: float) -> None:
    """End this process ``seconds`` from now, with a traceback on standard error; 0: never. The last call counts."""
    faulthandler.cancel_dump_traceback_later()
    if seconds:
        faulthandler.dump_traceback_later(min(seconds, 1e9), exit=True)


def _here(task, arguments) -> Iterator:
    return ((each, task(*each)) for each in arguments)


@contextmanager
def _one_thread():
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        cv2.setNumThreads(threads)


# The parent's side


def _shared_out(hands: list["_Worker"], task, arguments: Iterable[tuple]) -> Iterator:
    """Keep every worker busy; calls whose worker died come last."""
    fresh, again, busy = ((each, 1) for each in arguments), deque(), {}

    def next_call():
        return next(fresh, None) or (again.popleft() if again else None)

    idle = deque(hands)
    while True:
        while idle and (call := next_call()):
            hand = idle.popleft()
            busy[hand.give(task, *call)] = hand
        if not busy:
            return
        for line in wait(list(busy)):
            hand = busy.pop(line)
            each, attempt = hand.call
            answer = hand.answer()
            if isinstance(answer, WorkerCrash) and not answer.is_final:
                again.append((each, attempt + 1))
            if call := next_call():  # before the answer is looked at, which takes time
                busy[hand.give(task, *call)] = hand
            else:
                idle.append(hand)
            yield each, answer


class _Worker:
    """A process that starts with its first call, and the one that takes its place when it dies."""

    def __init__(self, core: int | None):
        self.core, self.process = core, None

    def give(self, task, arguments: tuple, attempt: int):
        """Hand over a call; returns what :func:`wait` waits for."""
        self.call = arguments, attempt
        if self.process is None or self.process.exitcode is not None:
            self.leave()
            self._start()
        with suppress(OSError):  # it died this instant; answer() will say so
            self.line.send_bytes(pickle.dumps((task, arguments), pickle.HIGHEST_PROTOCOL))
        return self.line

    def answer(self):
        """What the call returned, or WorkerCrash. Raises what it raised."""
        try:
            is_good, value = pickle.loads(self.line.recv_bytes())
        except (EOFError, OSError):
            self.process.join()
            return WorkerCrash(self._reason(), self._words(), self.call[1])
        self.log.truncate(0)
        if not is_good:
            raise value
        return value

    def dismiss(self) -> None:
        """Tell the process to go."""
        if self.process is not None:
            self.process.terminate()

    def leave(self) -> None:
        """Wait until the process has gone; kill one that stays."""
        if self.process is None:
            return
        self.line.close()
        self.process.join(GRACE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.log.close()
        Path(self.log.name).unlink(missing_ok=True)  # by a process that went before it could

    def _start(self) -> None:
        context = get_context("loky")  # starts afresh and, unlike spawn, does not run the user's script again
        handle, name = tempfile.mkstemp(prefix="mannequin-", suffix=".log")
        os.close(handle)
        self.log = open(name, "r+b", buffering=0)
        self.line, end = context.Pipe()
        self.process = context.Process(target=_serve, args=(end, self.core, name), daemon=True)
        with _held_back():
            self.process.start()
        end.close()

    def _words(self) -> str:
        """The end of what the process wrote on standard output and error."""
        size = self.log.seek(0, os.SEEK_END)
        self.log.seek(max(0, size - LOG_BYTES))
        return self.log.read(LOG_BYTES).decode("utf-8", "replace")

    def _reason(self) -> str:
        code = self.process.exitcode or 0
        if code >= 0:
            is_late = re.search(r"^Timeout \(", self._words(), re.MULTILINE)
            return (
                "It took longer than --clip-timeout allows."
                if is_late
                else f"The process rendering it ended with status {code}."
            )
        if -code == signal.SIGKILL:
            return "The process rendering it was killed (SIGKILL), most likely for want of memory."
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return f"The process rendering it died ({name})."


@contextmanager
def _held_back():
    """Hold Ctrl-C and SIGTERM back; processes started meanwhile do so for good, and wait for the second in _leave."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # lets signals through again when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# The worker's side


def _serve(line, core: int | None, log: str) -> None:
    """Answer calls until the other end of the line is closed."""
    _settle(core, log)
    while True:
        try:
            message = line.recv_bytes()
        except (EOFError, OSError):
            return
        answer = _answer(message)
        limit_time(0)
        line.send_bytes(answer)


def _answer(message: bytes) -> bytes:
    """(whether all went well, the result or the exception), pickled."""
    try:
        task, arguments = pickle.loads(message)
        return pickle.dumps((True, task(*arguments)), pickle.HIGHEST_PROTOCOL)
    except Exception as e:
        return _portable(e)


def _portable(error: Exception) -> bytes:
    """``error`` with its traceback, or a RuntimeError of the same text if it does not survive the journey."""
    text = "".join(traceback.format_exception(error))
    try:
        error.add_note(f"\nIn a worker process:\n{text}")
        message = pickle.dumps((False, error), pickle.HIGHEST_PROTOCOL)
        pickle.loads(message)
    except Exception:
        return pickle.dumps((False, RuntimeError(text)), pickle.HIGHEST_PROTOCOL)
    return message


def _settle(core: int | None, log: str) -> None:
    """Write to the log, leave Ctrl-C to the parent, take a core and one thread, and go when told to."""
    handle = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.unlink(log)  # the parent has it open
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    faulthandler.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave, args=(os.getppid(),), daemon=True).start()
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    cv2.setNumThreads(1)
    threadpool_limits(1)


def _leave(parent: int) -> None:
    """End this process when it is told to, or its parent is gone, whatever took it."""
    while os.getppid() == parent and not _is_told(1.0):
        continue
    with _uninterrupted:
        os._exit(128 + signal.SIGTERM)


def _is_told(seconds: float) -> bool:
    """Whether SIGTERM comes within ``seconds``."""
    if hasattr(signal, "sigtimedwait"):
        return signal.sigtimedwait({signal.SIGTERM}, seconds) is not None
    time.sleep(seconds)
    return False

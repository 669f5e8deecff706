"""Worker processes that may die: the one that does costs the call it was working on, and no other.

A pool is a function (task, tuples of arguments) → iterator of (arguments, result), in the order of
finishing. A result is what the task returned, or :class:`WorkerCrash`; what the task raised is raised.
"""

import atexit
import errno
import faulthandler
import multiprocessing.process
import os
import pickle
import re
import signal
import tempfile
import threading
import time
import traceback
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import reduction
from multiprocessing import resource_tracker as python_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, cast

import cv2
from joblib.externals.loky.backend import get_context
from joblib.externals.loky.backend import resource_tracker as loky_tracker
from threadpoolctl import threadpool_limits

from mannequin.generator.errors import RenderError

ATTEMPTS = 3
"""How often a call is made before it is given up."""

EXIT_SECONDS = 3.0
"""Seconds that a worker has to exit by itself, and again when it is killed, which one that waits for a disk ignores."""

LOG_BYTES = 20_000
"""Kept of the end of a worker's output."""

RunCalls = Callable[[Callable, Iterable[tuple]], Iterator[tuple[tuple, object]]]

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
def pool(workers: int) -> Iterator[RunCalls]:
    """A pool of ``workers`` processes, each on a core of its own if there are several; 0: this very process.

    All compute on a single thread, since sums split among threads round differently. When the block
    ends, for whatever reason, so do they; what is :func:`uninterrupted` is finished before.
    """
    if workers == 0:
        with _one_thread():
            yield _run_here
        return
    available = cores()
    processes = [_Worker(available[k % len(available)] if workers > 1 else None) for k in range(workers)]
    try:
        yield lambda task, arguments: _run_in_workers(processes, task, arguments)
    finally:
        _end([worker.process for worker in processes if worker.process])


@contextmanager
def uninterrupted():
    """Do the block whole although SIGTERM may reach the worker meanwhile."""
    with _uninterrupted:
        yield


def limit_time(seconds: float) -> None:
    """End this process ``seconds`` from now, with a traceback on standard error; 0: never. The last call counts."""
    faulthandler.cancel_dump_traceback_later()
    if seconds:
        faulthandler.dump_traceback_later(min(seconds, 1e9), exit=True)


def _run_here(task, arguments) -> Iterator:
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


# In the parent


def _run_in_workers(workers: list["_Worker"], task, arguments: Iterable[tuple]) -> Iterator:
    """Keep every worker busy; calls whose worker died come last."""
    fresh = ((each, 1) for each in arguments)
    again: deque[tuple[tuple, int]] = deque()
    busy: dict[Connection, _Worker] = {}

    def next_call() -> tuple[tuple, int] | None:
        return next(fresh, None) or (again.popleft() if again else None)

    idle = deque(workers)
    while True:
        while idle and (call := next_call()):
            worker = idle.popleft()
            busy[worker.send(task, *call)] = worker
        if not busy:
            return
        for connection in cast(list[Connection], wait(list(busy))):
            worker = busy.pop(connection)
            each, attempt = worker.call
            result = worker.receive()
            if isinstance(result, WorkerCrash) and not result.is_final:
                again.append((each, attempt + 1))
            if call := next_call():  # before the result is looked at, which takes time
                busy[worker.send(task, *call)] = worker
            else:
                idle.append(worker)
            yield each, result


class _Worker:
    """A process that starts with its first call, and the one that takes its place when it dies."""

    def __init__(self, core: int | None):
        self.core = core
        self.process: _Process | None = None
        self.call: tuple[tuple, int] = (), 0

    def send(self, task, arguments: tuple, attempt: int) -> Connection:
        """Send a call; returns what :func:`wait` waits for."""
        self.call = arguments, attempt
        process = self.process
        if process is None or process.exitcode is not None:
            if process:
                process.close()
            process = self.process = _Process(self.core)
        with suppress(OSError):  # it died this instant; receive() will say so
            process.connection.send_bytes(pickle.dumps((task, arguments), pickle.HIGHEST_PROTOCOL))
        return process.connection

    def receive(self):
        """What the call returned, or WorkerCrash. Raises what it raised."""
        process = self.process
        assert process is not None
        try:
            is_good, value = pickle.loads(process.connection.recv_bytes())
        except (EOFError, OSError):
            process.wait()
            return WorkerCrash(process.reason(), process.log_end(), self.call[1])
        process.forget()
        if not is_good:
            raise value
        return value


class _Process:
    """A running process, the connection to it, and the nameless file that it writes its output to."""

    def __init__(self, core: int | None):
        """Start it. Raises RenderError saying why the system lets none start."""
        context = cast(Any, get_context("loky"))  # starts afresh; unlike spawn, does not run the user's script again
        with ExitStack() as stack:
            try:
                self._log = stack.enter_context(tempfile.TemporaryFile(buffering=0))
                self.connection: Connection
                self.connection, end = map(stack.enter_context, context.Pipe())
                self._process = context.Process(
                    target=_serve, args=(end, _Handle(self._log.fileno()), core), daemon=True
                )
                with _signals_blocked():
                    self._process.start()
            except OSError as e:
                raise RenderError(f"Cannot start a process to render in: {_why_not(e)}") from e
            stack.pop_all()
        end.close()
        _running.add(self)

    @property
    def exitcode(self) -> int | None:
        """None while it runs."""
        return self._process.exitcode

    def terminate(self) -> None:
        """Send it SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """End it at once. loky's processes have no kill() of their own."""
        if self.exitcode is None and hasattr(signal, "SIGKILL"):
            os.kill(self._process.pid, signal.SIGKILL)

    def wait(self) -> None:
        """Wait until it has ended; kill it if it does not."""
        self._process.join(EXIT_SECONDS)
        if self.exitcode is None:
            self.kill()
            self._process.join(EXIT_SECONDS)

    def close(self) -> None:
        """Wait until it has ended, or kill it. One that even then stays is left to the system."""
        self.connection.close()
        self.wait()
        if self.exitcode is None:  # or Python would wait for it when it ends
            multiprocessing.process._children.discard(self._process)  # pyright: ignore[reportAttributeAccessIssue]
        self._log.close()
        _running.discard(self)

    def forget(self) -> None:
        """Drop what it wrote so far."""
        self._log.truncate(0)
        self._log.seek(0)  # for it too: both have the file from one opening

    def log_end(self) -> str:
        """The end of what it wrote on standard output and error."""
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), LOG_BYTES, max(0, size - LOG_BYTES)).decode("utf-8", "replace")

    def reason(self) -> str:
        """Why it ended, in a sentence."""
        code = self.exitcode or 0
        if code >= 0:
            is_late = re.search(r"^Timeout \(", self.log_end(), re.MULTILINE)
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


_running: weakref.WeakSet[_Process] = weakref.WeakSet()
"""Every process that may still be there."""


@atexit.register
def _end_all() -> None:
    """Before Python ends: it would wait for processes that something kept from being ended."""
    _end(list(_running))


def _end(processes: list[_Process]) -> None:
    """End processes; what is uninterrupted in them is finished before. A second Ctrl-C or SIGTERM kills them."""
    try:
        for process in processes:
            process.terminate()
        for process in processes:
            process.close()
    except BaseException:
        for process in processes:
            process.kill()
        for process in processes:
            process.close()
        raise


def _why_not(error: OSError) -> str:
    """Why no process can be started, and what to do."""
    try:
        os.getcwd()
    except OSError:
        return "the folder that this command runs in has been deleted. Change to another one and start again."
    if error.errno == errno.EAGAIN:
        return "the system allows no more of them (see ulimit -u). Ask for fewer --workers, or raise the limit."
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "too many files are open (see ulimit -n). Ask for fewer --workers, or raise the limit."
    if isinstance(error, FileNotFoundError):
        return f"{error.strerror}. Its output goes to a temporary file; set TMPDIR to a folder you may write to."
    return f"{error.strerror or error}. Free some memory and disk, and start again."


class _Handle:
    """The number of an open file, which a process that is started with it has too."""

    def __init__(self, number: int):
        self.number = number

    def __reduce__(self):
        return _handed, (reduction.DupFd(self.number),)


def _handed(duplicate) -> _Handle:
    return _Handle(duplicate.detach())


@contextmanager
def _signals_blocked():
    """Block Ctrl-C and SIGTERM; processes started meanwhile do so for good; _exit_on_sigterm waits for SIGTERM."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    for tracker in (python_tracker, loky_tracker):  # each lets signals through again when it starts
        tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# In a worker


def _serve(connection, log: _Handle, core: int | None) -> None:
    """Do calls until the other end of the connection is closed."""
    _set_up(core, log)
    while True:
        try:
            message = connection.recv_bytes()
        except (EOFError, OSError):
            return
        result = _call(message)
        limit_time(0)
        connection.send_bytes(result)


def _call(message: bytes) -> bytes:
    """(whether all went well, the result or the exception), pickled."""
    try:
        task, arguments = pickle.loads(message)
        return pickle.dumps((True, task(*arguments)), pickle.HIGHEST_PROTOCOL)
    except Exception as e:
        return _pickled_error(e)


def _pickled_error(error: Exception) -> bytes:
    """``error`` with its traceback, or a RuntimeError of the same text if it cannot be pickled."""
    text = "".join(traceback.format_exception(error))
    try:
        error.add_note(f"\nIn a worker process:\n{text}")
        message = pickle.dumps((False, error), pickle.HIGHEST_PROTOCOL)
        pickle.loads(message)
    except Exception:
        return pickle.dumps((False, RuntimeError(text)), pickle.HIGHEST_PROTOCOL)
    return message


def _set_up(core: int | None, log: _Handle) -> None:
    """Write to the log, leave Ctrl-C to the parent, take a core and one thread, and exit on SIGTERM."""
    os.dup2(log.number, 1)
    os.dup2(log.number, 2)
    faulthandler.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_on_sigterm, args=(os.getppid(),), daemon=True).start()
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    cv2.setNumThreads(1)
    threadpool_limits(1)


def _exit_on_sigterm(parent: int) -> None:
    """End this process when SIGTERM comes or its parent has ended, however."""
    while os.getppid() == parent and not _sigterm_comes(1.0):
        continue
    with _uninterrupted:
        os._exit(128 + signal.SIGTERM)


def _sigterm_comes(seconds: float) -> bool:
    """Whether SIGTERM comes within ``seconds``."""
    if hasattr(signal, "sigtimedwait"):
        return signal.sigtimedwait({signal.SIGTERM}, seconds) is not None
    time.sleep(seconds)
    return False

"""A pool of Dask workers, wherever they run: the tasks of lost workers are given to others.

Tasks are submitted one by one and whole. joblib's Dask backend keeps what tasks share on one of
the workers; when that one is lost, so are the tasks. Every thread of a worker keeps a process for
its tasks, since Blender belongs in a main thread.
"""

import asyncio
import logging
import multiprocessing
import socket
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice

from mannequin.generator.dataset.folder import software_versions
from mannequin.generator.errors import ConfigError, MissingExtraError, RenderError
from mannequin.renderers.production.pool import ATTEMPTS, RunCalls, WorkerCrash, pool

PIP_LINE = 'pip install "mannequin[cluster]"'
QUEUED = 1000
"""Least number of tasks that the scheduler holds, so that clusters that grow by need see the need."""
CONNECT_SECONDS = 15

_local = threading.local()
"""Of every thread of a Dask worker: its pool of one process."""


@contextmanager
def dask_pool(address: str) -> Iterator[RunCalls]:
    """A pool of all the workers of a Dask cluster, those included that join it later.

    address: of its scheduler, tcp://host:8786. Tasks are functions of modules that the workers have
    too. Raises ConfigError, MissingExtraError or RenderError saying what to do.
    """
    client = _connect(address)
    try:
        _check_versions(client)
        if not client.nthreads():
            logging.getLogger(__name__).warning(
                "The Dask scheduler at %s has no workers yet; waiting for the first.", address
            )
        yield partial(_run_calls, client, address)
    finally:
        client.close()


def _connect(address: str):
    try:
        import distributed
        from distributed.versions import VersionMismatchWarning
    except ModuleNotFoundError as e:
        raise MissingExtraError(
            f"Rendering on a Dask cluster needs dask and distributed, which are not installed. Run: {PIP_LINE}"
        ) from e
    try:
        asyncio.run(_check_scheduler(address))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VersionMismatchWarning)  # _check_versions says it better
            return distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False, name="mannequin")
    except (OSError, ValueError, TypeError) as e:
        raise ConfigError(
            f"No Dask scheduler answers at {address!r} ({_first_line(e)}). Start one with `dask scheduler`, "
            "and give the address that it prints: --dask tcp://HOST:8786"
        ) from e


async def _check_scheduler(address: str) -> None:
    """Raise if no scheduler answers. A Client that finds none hangs when the process ends."""
    from distributed import Security
    from distributed.core import rpc

    async with rpc(
        address, timeout=CONNECT_SECONDS, connection_args=Security().get_connection_args("client")
    ) as scheduler:
        await asyncio.wait_for(scheduler.identity(), CONNECT_SECONDS)


def _check_versions(client) -> None:
    """Refuse a cluster that runs another Python or Dask than this process."""
    found = client.get_versions()
    here = _cluster_versions(found["client"])
    others = {
        "the scheduler": found["scheduler"],
        **{f"the worker {name}": there for name, there in found["workers"].items()},
    }
    for name, there in others.items():
        _refuse_other(name, here, _cluster_versions(there))


def _cluster_versions(found: dict) -> dict[str, str]:
    packages = found["packages"]
    return {name: packages[name] for name in ("dask", "distributed")} | {
        "python": ".".join(packages["python"].split(".")[:2])
    }


def _refuse_other(name: str, here: dict[str, str], there: dict[str, str]) -> None:
    """Raise ConfigError if what both have differs."""
    wrong = [f"{key} {there[key]} (here {here[key]})" for key in here if there.get(key, here[key]) != here[key]]
    if wrong:
        raise ConfigError(
            f"{name[0].upper()}{name[1:]} has {', '.join(wrong)}. Clips would differ from machine to machine; "
            "install the same versions everywhere, then run the same command again."
        )


def _run_calls(client, address: str, task, arguments: Iterable[tuple]) -> Iterator:
    from distributed import as_completed

    todo, futures, given = iter(arguments), as_completed(loop=client.loop), {}
    versions = software_versions()

    def submit(calls: Iterable[tuple]) -> None:
        for each in calls:
            future = client.submit(_run_in_process, versions, task, each, pure=False)
            given[future] = each
            futures.add(future)

    submit(islice(todo, max(QUEUED, 2 * sum(client.nthreads().values()))))
    try:
        for future in futures:
            each = given.pop(future)
            submit(islice(todo, 1))
            for result in _results(future, address):
                yield each, result
    finally:
        if given and client.status == "running":
            client.cancel(list(given))


def _results(future, address: str) -> list:
    """What became of a call: WorkerCrash for every time that its process died, then what it returned, if it did."""
    from distributed import KilledWorker

    if future.cancelled():
        raise RenderError(
            f"The Dask scheduler at {address} is gone. Start it and its workers again, then run the same "
            "command; finished clips are kept."
        )
    error = future.exception()
    if isinstance(error, KilledWorker):
        return [
            WorkerCrash(
                "The Dask workers it was given to died, one after the other, most likely for want of memory.",
                _first_line(error),
                ATTEMPTS,
            )
        ]
    absent = next((e for e in (error, getattr(error, "__cause__", None)) if isinstance(e, ModuleNotFoundError)), None)
    if absent and not isinstance(error, MissingExtraError):
        raise MissingExtraError(
            f"The Dask scheduler or a worker cannot import {absent.name!r}. Start all of them in environments "
            "with the same Mannequin as this one."
        ) from error
    return future.result()


def _run_in_process(versions: dict[str, str], task, arguments: tuple) -> list:
    """On a Dask worker: make a call in the process of this thread."""
    _refuse_other(f"the Dask worker on {socket.gethostname()}", versions, software_versions())
    if not hasattr(_local, "pool"):
        _allow_processes()
        _local.pool = ExitStack()
        _local.run_calls = _local.pool.enter_context(pool(1))
    return [result for _, result in _local.run_calls(task, [arguments])]


def _allow_processes() -> None:
    """Let this Dask worker have processes.

    Its nanny starts it as a daemon, which Python forbids to have any lest they stay behind; those
    of a pool leave with their parent.
    """
    process = multiprocessing.current_process()
    process._config["daemon"] = False  # pyright: ignore[reportAttributeAccessIssue] (private; there is no other way)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]

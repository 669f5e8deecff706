"""Work done in its order, by threads that are ahead of whoever asks for it, in bounded memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from mannequin.generator.io.limits import MIB

HELD_BYTES = 256 * MIB
"""Of images that wait for their turn at each place where they do, or one image if that is larger."""

Item = TypeVar("Item")
Done = TypeVar("Done")


@contextmanager
def helpers(workers: int) -> Iterator[Executor | None]:
    """``workers`` threads, which end with the block and begin nothing more then; None for none."""
    if not workers:
        yield None
        return
    threads = ThreadPoolExecutor(workers)
    try:
        yield threads
    finally:
        threads.shutdown(cancel_futures=True)


def ahead(
    task: Callable[[Item], Done],
    items: Iterable[Item],
    threads: Executor | None,
    size: Callable[[Item], int],
    most: int,
) -> Iterator[Done]:
    """``task`` of each of ``items``, in order; what it raises, or ``items`` do, is raised in its turn.

    threads: do it up to ``most`` items ahead, together of at most HELD_BYTES by ``size``; one may always be larger.
    Without them it is done when asked for. ``items`` are drawn by the thread that asks.
    """
    waiting: deque[tuple[Future[Done], int]] = deque()
    held = 0
    source = iter(items)
    while True:
        try:
            item = next(source)
        except StopIteration:
            break
        except Exception:
            while waiting:
                yield waiting.popleft()[0].result()
            raise
        if threads is None:
            yield task(item)
            continue
        own = size(item)
        while waiting and (len(waiting) >= most or held + own > HELD_BYTES):
            done, freed = waiting.popleft()
            yield done.result()
            held -= freed
        waiting.append((threads.submit(task, item), own))
        held += own
    while waiting:
        yield waiting.popleft()[0].result()

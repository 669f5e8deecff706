"""Work that is done ahead of its turn: in order, by so many at once, in bounded memory."""

import threading

import pytest

from mannequin.training.predict import ahead as module
from mannequin.training.predict.ahead import ahead, helpers


def results(task, items, workers, size=lambda item: 1, most=4):
    with helpers(workers) as threads:
        yield from ahead(task, items, threads, size, most)


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_results_come_in_order(workers):
    assert list(results(str, range(20), workers)) == list(map(str, range(20)))
    assert list(results(str, [], workers)) == []


def test_later_ones_may_be_done_before_earlier_ones():
    later = threading.Event()

    def task(k):
        if k == 2:
            later.set()
        return k if k or later.wait() else None

    assert list(results(task, range(3), 2)) == [0, 1, 2]


@pytest.mark.parametrize("workers, drawn", [(0, 1), (2, 4)])
def test_no_more_are_drawn_than_may_wait(workers, drawn):
    asked = []
    found = results(str, (asked.append(k) or k for k in range(9)), workers, most=3)
    assert next(found) == "0" and len(asked) == drawn
    found.close()


def test_large_ones_wait_alone(monkeypatch):
    """Of items of 3, 3, 9, 3, 3 and 3 bytes, 6 may wait: never more, but one alone."""
    monkeypatch.setattr(module, "HELD_BYTES", 6)
    sizes, waiting, seen = [3, 3, 9, 3, 3, 3], [], []

    def drawn():
        for k, size in enumerate(sizes):
            seen.append(list(waiting))
            waiting.append(size)
            yield k

    for k in results(lambda k: k, drawn(), 1, sizes.__getitem__, most=100):
        waiting.remove(sizes[k])
    assert seen == [[], [3], [3, 3], [9], [3], [3, 3]]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_errors_come_in_their_turn(workers, error):
    def task(k):
        if k == 3:
            raise error("here")
        return k

    found, seen = results(task, range(9), workers), []
    with pytest.raises(error, match="here"):
        seen.extend(iter(found.__next__, None))
    assert seen == [0, 1, 2]


@pytest.mark.parametrize("workers", [0, 2])
def test_what_was_drawn_before_an_error_is_still_done(workers):
    def items():
        yield from range(3)
        raise ValueError("no more")

    found, seen = results(str, items(), workers, most=9), []
    with pytest.raises(ValueError, match="no more"):
        for each in found:
            seen.append(each)
    assert seen == ["0", "1", "2"]


def test_nothing_is_begun_once_the_block_has_ended():
    begun, go_on = [], threading.Event()

    def task(k):
        begun.append(k)
        go_on.wait()

    with pytest.raises(KeyError), helpers(1) as threads:
        assert threads is not None
        waiting = [threads.submit(task, k) for k in range(5)]
        threading.Thread(target=lambda: waiting[4].add_done_callback(lambda f: go_on.set())).start()
        raise KeyError
    assert begun in ([], [0]) and all(each.cancelled() for each in waiting[1:])

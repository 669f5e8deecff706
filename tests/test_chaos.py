"""A round of every kind of the chaos run, and that it sees what it looks for."""

import errno
import os
import random
import subprocess
import sys

import pytest

from benchmarks import chaos
from benchmarks.chaos import KINDS, Chaos, Round, Tally, found, play, usable
from benchmarks.faults import build, faults

NEEDS_PROC = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc to find processes")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return Chaos(tmp_path_factory.mktemp("chaos"), set(KINDS))


@pytest.mark.slow
@NEEDS_PROC
@pytest.mark.parametrize("kind", KINDS)
def test_what_happens_to_runs_changes_nothing(undisturbed, kind):
    if not usable([kind], undisturbed.library):
        pytest.skip("what it needs is not installed")
    tally = Tally()
    play(undisturbed, kind, 1, tally)
    assert not tally.faults
    assert tally.rounds == 1


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A round that expects two files and has them, with no command run."""
    monkeypatch.setattr(chaos, "COMMANDS", {})
    reference, at = tmp_path / "reference", tmp_path / "round"
    for folder in (reference, at):
        (folder / "out/clips/000").mkdir(parents=True)
        (folder / "out/clips/000/000000.h5").write_bytes(b"a clip")
        (folder / "out/dataset.json").write_bytes(b"{}")
    return Round(Chaos(reference, set()), at, random.Random(0), Tally(), 0)


@pytest.mark.parametrize(
    "name, data, told",
    [
        ("out/dataset.json", b"{ }", "out/dataset.json differs"),
        ("out/clips/000/.000001.h5.machine.00.part", b"", "out/clips/000/.000001.h5.machine.00.part is left over"),
        ("out/.log/.a.machine.00.part", b"", "out/.log/.a.machine.00.part is left over"),
        ("out/.log/host-1.jsonl", b"", None),
        ("out/report.html", b"<html>", "out/report.html is left over"),
    ],
)
def test_what_differs_is_seen(small, name, data, told):
    (small.at / "out/.log").mkdir()
    (small.at / name).write_bytes(data)
    small.compare(found(small.at), {"out"})
    assert small.tally.faults == [told] * bool(told)


def test_what_is_missing_is_seen(small):
    (small.at / "out/clips/000/000000.h5").unlink()
    small.compare(found(small.at), {"out"})
    assert small.tally.faults == ["out/clips/000/000000.h5 is missing"]


@pytest.mark.parametrize(
    "status, said, is_fault",
    [
        (2, "mannequin: The disk is full.", False),
        (2, "", True),
        (2, "mannequin: One.\nmannequin: Two.", True),
        (1, "Traceback (most recent call last):\n  File mannequin/cli/main.py\nOSError", True),
        (-9, "", False),
    ],
)
def test_a_command_says_one_thing(small, status, said, is_fault):
    small.judge("generate", status, said)
    assert bool(small.tally.faults) == is_fault
    assert small.tally.statuses == {status: 1}


WRITE = """
import errno, os, sys, time
folder = sys.argv[1]
for k in range(6):
    try:
        with open(f"{folder}/{k}", "wb", buffering=0) as file:
            assert file.write(b"12345678") == 8, "short"
            os.fsync(file.fileno())
        os.rename(f"{folder}/{k}", f"{folder}/{k}.whole")
    except OSError as e:
        print(errno.errorcode[e.errno])
    except AssertionError as e:
        print(e)
"""


@NEEDS_PROC
@pytest.mark.parametrize(
    "error, first, told",
    [
        (0, 1, []),
        (errno.EROFS, 5, ["EROFS"] * 5),
        (errno.ENOSPC, 6, ["short"] + ["ENOSPC"] * 4),
        (errno.EIO, 3, ["EIO"] * 6),
    ],
)
def test_disks_fail_where_they_are_told_to(tmp_path, error, first, told):
    library = build(tmp_path)
    if library is None:
        pytest.skip("there is no C compiler")
    (tmp_path / "disk").mkdir()
    environment = faults(library, tmp_path / "disk", tmp_path / "told", 0, errno=error, first=first)
    done = subprocess.run(
        [sys.executable, "-c", WRITE, str(tmp_path / "disk")],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == told
    assert (tmp_path / "told").exists() == bool(told)


@NEEDS_PROC
def test_the_clock_of_the_day_jumps_and_no_other(tmp_path):
    library = build(tmp_path)
    if library is None:
        pytest.skip("there is no C compiler")
    code = "import time; a = [(time.time(), time.monotonic()) for _ in range(50)]; d, m = zip(*a); "
    code += "print(max(d) - min(d) > 86400, list(m) == sorted(m), m[-1] - m[0] < 86400)"
    environment = faults(library, tmp_path, tmp_path / "told", 0, clock=400 * 86400)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"] * 3

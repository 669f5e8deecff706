"""Whether memory and open files stay flat while `generate`, `view` and `train` run for long.

    python -m benchmarks.soak [--minutes 60] [--only generate view train]

All run side by side: one makes clips, one shows clips to a headless Chromium that goes from one to the
next, one trains. Every second the memory (resident) and the open files of each, workers included, are
read. Prints, of the last two thirds of the time, the slope of both by least squares; exit status 1 if
the last third needs more than 5 % more memory, or more than two files more, than the one before it (medians).
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import linear_regression, median
from typing import IO

from benchmarks.chaos import ROOT, Running, stoppable

ALLOWED_GROWTH = 1.05
ALLOWED_FILES = 2
WAIT_MS = 600_000
"""For the page, which is slow on a loaded machine."""
CLIPS = 40
"""Of the dataset that is viewed and trained on."""
SMALL = ("--renderer", "raster", "--frames", "3", "--size", "48", "64", "--samples", "1", "--light", "lamps", "--quiet")


@dataclass
class Watched:
    """A command under watch. done: how much it has done so far. samples: (hours, MB, open files)."""

    running: Running
    done: Callable[[], str]
    samples: list[tuple[float, float, int]] = field(default_factory=list)

    def sample(self, start: float) -> None:
        """Read memory and open files of all its processes now."""
        if self.running.is_over:
            raise RuntimeError(f"{self.running.name} ended early: {self.running.end()}")
        megabytes, files = 0.0, 0
        for pid in self.running.members():
            with suppress(OSError):
                pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
                megabytes += pages * os.sysconf("SC_PAGE_SIZE") / 1e6
                files += len(os.listdir(f"/proc/{pid}/fd"))
        self.samples.append(((time.monotonic() - start) / 3600, megabytes, files))

    def row(self) -> str:
        """Of the table."""
        _, middle, last = _thirds(self.samples)
        hours, memory, files = zip(*(middle + last), strict=True)
        by_hour = linear_regression(hours, memory).slope, linear_regression(hours, files).slope
        return (
            f"| {self.running.name} | {self.done()} | "
            f"{_median(middle, 1):.0f} | {_median(last, 1):.0f} | {by_hour[0]:+.1f} | "
            f"{_median(middle, 2):.0f} | {_median(last, 2):.0f} | {by_hour[1]:+.1f} |"
        )

    @property
    def grows(self) -> bool:
        _, middle, last = _thirds(self.samples)
        more_files = _median(last, 2) - _median(middle, 2)
        return _median(last, 1) > ALLOWED_GROWTH * _median(middle, 1) or more_files > ALLOWED_FILES


def _thirds(samples: list) -> tuple[list, list, list]:
    third = len(samples) // 3
    return samples[:third], samples[third : 2 * third], samples[2 * third :]


def _median(samples: list, which: int) -> float:
    return median(sample[which] for sample in samples)


def generate(at: Path, stack: ExitStack) -> tuple[Watched, Callable]:
    """Makes clips without end."""
    words = ("generate", "{at}/many", "--clips", "1000000", "--workers", "1", *SMALL)
    running = _start(words, at, stack)
    return Watched(running, lambda: f"{sum(1 for _ in at.glob('many/clips/*/*.h5'))} clips"), lambda: None


def train(at: Path, stack: ExitStack) -> tuple[Watched, Callable]:
    """Trains a small network without end, with validations and checkpoints."""
    words = (
        "train segmentation --data {at}/out --out {at}/run --quiet --steps 100000000 --batch 4 --workers 1 --size 32"
    )
    words += " --features 8 --depth 1 --checkpoint-every 50 --validate-every 50"
    running = _start(tuple(words.split()), at, stack)

    def steps() -> str:
        return f"{max((int(p.name[5:]) for p in at.glob('run/checkpoints/step-*')), default=0)} steps"

    return Watched(running, steps), lambda: None


def view(at: Path, stack: ExitStack) -> tuple[Watched, Callable]:
    """Shows clip after clip to a browser."""
    from tests.browser import Visit, open_browser

    with open(at / "address", "wb") as said:
        running = _start(("view", "{at}/out", "--port", "0"), at, stack, said)
    while not (words := (at / "address").read_text().partition("\n")[0].split()):
        if running.is_over:
            raise RuntimeError(f"view ended early: {running.end()}")
        time.sleep(0.1)
    page = stack.enter_context(Visit(stack.enter_context(open_browser()), words[-1])).page
    page.get_by_text("frame 0 of").wait_for(timeout=WAIT_MS)
    page.get_by_role("tab", name="About").click()
    seen = [0]

    def go_on() -> None:
        seen[0] += 1
        way = 2 * (CLIPS - 1)  # to the last and back
        index = min(seen[0] % way, -seen[0] % way)
        page.keyboard.press("ArrowDown" if (seen[0] - 1) % way < CLIPS - 1 else "ArrowUp")
        page.get_by_text(f"({index:06d})").wait_for(state="attached", timeout=WAIT_MS)

    return Watched(running, lambda: f"{seen[0]} clips"), go_on


def _start(words: tuple[str, ...], at: Path, stack: ExitStack, output: int | IO = subprocess.DEVNULL) -> Running:
    running = Running(words, at, output=output)
    stack.callback(running.close)
    return running


KINDS = {kind.__name__: kind for kind in (generate, view, train)}


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS))
    options = parser.parse_args(words)
    stoppable()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        at = Path(name)
        make = [sys.executable, "-m", "mannequin", "generate", f"{at}/out", "--clips", str(CLIPS), *SMALL]
        subprocess.run(make, cwd=ROOT, check=True)
        watched, acts = zip(*(KINDS[kind](at, stack) for kind in options.only), strict=True)
        start = time.monotonic()
        while (now := time.monotonic()) < start + 60 * options.minutes:
            for each, act in zip(watched, acts, strict=True):
                act()
                each.sample(start)
            time.sleep(max(0.0, now + 1 - time.monotonic()))
        print(f"{options.minutes:g} minutes side by side, of which the second and the last third:\n")
        print("| command | done | MB | MB | MB per hour | files | files | files per hour |")
        print("|---|---|---:|---:|---:|---:|---:|---:|")
        for each in watched:
            print(each.row())
        return int(any(each.grows for each in watched))


if __name__ == "__main__":
    sys.exit(main())

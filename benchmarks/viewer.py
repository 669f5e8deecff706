"""How long the viewer takes to open a large dataset, and what it keeps in memory.

    python -m benchmarks.viewer [--clips 10000] [--viewed 200] [--size 240 320]

Makes a dataset of links to a few clips, starts the command, opens its page in a headless Chromium
and goes through clips. Prints seconds from the command to its address and to the first picture, and
MiB of the server after opening and while clips are viewed; fails if viewing the last half of them adds more than 5 %.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mannequin.generator.dataset.folder import create_or_resume
from mannequin.generator.dataset.native import write_clip
from tests.browser import Visit, open_browser
from tests.clips import ball_clip

ALLOWED_GROWTH = 1.05
MADE = 5
"""Clips that the others are links to."""


def resident(pid: int) -> float:
    """MiB of process ``pid`` now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def make_dataset(folder: Path, clips: int, size: tuple[int, int]) -> None:
    """``clips`` clips of ``size``, most of them links."""
    dataset = create_or_resume(folder, {"made": "by a benchmark"}, clips)
    paths = [Path(str(dataset.path_of(index))) for index in range(clips)]
    for index, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        if index < MADE:
            write_clip(path, ball_clip(20, size, index=index, name=f"clip {index}", tags={"action": "walk"}))
        else:
            path.symlink_to(paths[index % MADE])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clips", type=int, default=10_000)
    parser.add_argument("--viewed", type=int, default=200)
    parser.add_argument("--size", type=int, nargs=2, default=(240, 320))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, open_browser() as browser:
        make_dataset(Path(folder) / "out", options.clips, tuple(options.size))
        start = time.monotonic()
        command = [sys.executable, "-m", "mannequin", "view", f"{folder}/out", "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                sizes = _measure(process, browser, options.viewed, start)
            finally:
                process.terminate()
    if sizes[-1] > ALLOWED_GROWTH * sizes[len(sizes) // 2]:
        sys.exit("Memory still grows.")


def _measure(process, browser, viewed: int, start: float) -> list[float]:
    """MiB after every tenth part of the clips viewed."""
    url = process.stdout.readline().split()[-1]
    print(f"address printed        {time.monotonic() - start:6.1f} s  {resident(process.pid):6.0f} MiB", flush=True)
    with Visit(browser, url) as visit:
        page = visit.page
        page.get_by_text("frame 0 of").wait_for(timeout=60_000)
        print(f"first clip in a browser{time.monotonic() - start:6.1f} s  {resident(process.pid):6.0f} MiB", flush=True)
        page.get_by_text("indexed").wait_for(state="detached", timeout=600_000)
        print(f"all clips indexed      {time.monotonic() - start:6.1f} s  {resident(process.pid):6.0f} MiB", flush=True)
        page.get_by_role("tab", name="About").click()
        sizes = []
        for i in range(1, viewed + 1):
            page.keyboard.press("ArrowDown")
            page.get_by_text(f"({i:06d})").wait_for(state="attached", timeout=60_000)
            if i % max(1, viewed // 10) == 0:
                sizes.append(resident(process.pid))
                print(f"{i:4d} clips viewed      {time.monotonic() - start:6.1f} s  {sizes[-1]:6.0f} MiB", flush=True)
        return sizes


if __name__ == "__main__":
    main()

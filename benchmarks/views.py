"""What people and cameras cost: CPU milliseconds per frame of whole clips, from a seed to a file, side by side.

    python -m benchmarks.views [--quick] [--frames 30] [--turns 3] [--renderer raster blender]

Every setting is a clip of the studio preset at 320 × 240 in which so many people stand apart, seen by so many cameras
on a ring. Settings take turns in one process, pinned to a core, each turn with people of its own, nobody's clothes
known from before. Prints markdown: ms per frame of the clip, ms per picture, pictures per core-second; how many times
as much eight views of labels cost as one; then the memory of the process after every tenth of many small clips.
"""

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from mannequin.generator.appearance import outfit
from mannequin.generator.catalog import Catalog
from mannequin.generator.clip import DEFAULT_OUTPUTS, LABELS
from mannequin.generator.config import SampleConfig
from mannequin.generator.dataset.native import write_clip
from mannequin.generator.sampling import sample_clip
from mannequin.renderers.choice import open_renderer

PEOPLE, VIEWS = (1, 2, 4), (1, 4, 8)
WAYS = {"labels alone": LABELS, "colour and labels": DEFAULT_OUTPUTS}
MOST = 4.5
"""Times as much as one view of labels that eight may cost."""


class Maker:
    """Makes clips, one after another."""

    def __init__(self, renderer: str, frames: int, folder: Path):
        self.catalog, self.frames, self.path = Catalog(), frames, folder / "clip.h5"
        self.renderer, self.made = open_renderer(renderer, self.catalog), 0

    def turn(self, people: int, views: int, outputs, frames: int | None = None) -> float:
        """CPU seconds per frame of one more clip."""
        cameras = f"ring:{views}" if views > 1 else "fixed"
        config = SampleConfig(
            frames=frames or self.frames, size=(240, 320), people=str(people), arrangement="apart", cameras=cameras
        )
        outfit._worn.cache_clear()
        outfit._painted.cache_clear()
        start = time.process_time()
        spec = sample_clip(config, self.catalog, 0, self.made)
        write_clip(self.path, self.renderer.render(spec, outputs))
        self.made += 1
        return (time.process_time() - start) / spec.num_frames


def measure(maker: Maker, settings, turns: int) -> dict[tuple, float]:
    """(people, views, way) → median ms per frame."""
    seconds = {setting: [] for setting in settings}
    for people, views, way in settings[:1]:
        maker.turn(people, views, WAYS[way])
    for turn in range(turns):
        for people, views, way in settings:
            maker.made = turn  # all settings draw the same people
            seconds[people, views, way].append(maker.turn(people, views, WAYS[way]))
    return {setting: 1e3 * float(np.median(found)) for setting, found in seconds.items()}


def table(renderer: str, found: dict[tuple, float]) -> str:
    """Markdown of one renderer."""
    lines = [
        f"### {renderer}",
        "",
        "| | people | views | ms / frame | ms / picture | pictures / core-second |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for (people, views, way), ms in found.items():
        lines.append(f"| {way} | {people} | {views} | {ms:.1f} | {ms / views:.1f} | {1e3 * views / ms:.0f} |")
    return "\n".join(lines)


def memory(maker: Maker, clips: int) -> list[float]:
    """MiB at most so far, after each tenth of ``clips`` small clips of two people and four views."""
    told = []
    for k in range(clips):
        maker.turn(2, 4, DEFAULT_OUTPUTS, frames=4)
        if (k + 1) % max(1, clips // 10) == 0:
            told.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--frames", type=int, default=30, help="frames of a clip")
    parser.add_argument("--turns", type=int, default=3, help="turns of each setting")
    parser.add_argument("--renderer", nargs="+", default=["raster", "blender"], choices=("raster", "blender"))
    parser.add_argument("--clips", type=int, default=60, help="clips over which memory is watched")
    parser.add_argument("--quick", action="store_true", help="one and eight views of one person, labels alone")
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    settings = [(people, views, way) for way in WAYS for people in PEOPLE for views in VIEWS]
    if options.quick:
        settings = [(1, views, "labels alone") for views in (1, 8)]
    with tempfile.TemporaryDirectory() as folder:
        for renderer in options.renderer:
            maker = Maker(renderer, options.frames, Path(folder))
            found = measure(maker, settings, options.turns)
            print(table(renderer, found), end="\n\n", flush=True)
            if renderer == "raster":
                ratio = found[1, 8, "labels alone"] / found[1, 1, "labels alone"]
                verdict = "as wanted" if ratio <= MOST else "too much"
                print(f"Eight views of labels cost {ratio:.2f} × one (at most {MOST}: {verdict}).\n", flush=True)
            if not options.quick:
                told = ", ".join(f"{mib:.0f}" for mib in memory(maker, options.clips))
                print(f"Memory (MiB) over {options.clips} clips of two people and four views: {told}\n", flush=True)


if __name__ == "__main__":
    main()

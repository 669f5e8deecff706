"""Milliseconds per frame of every way to make a clip, measured side by side.

    python -m benchmarks.speed [--quick]

Every way renders the same person, motion, texture, camera, light and background, and ends with
files on disk. Each has a process of its own, all pinned to the same core; they take turns, so that
a busy machine slows all of them. A turn of ours is a whole clip from its seed to its file, nobody's
clothes known from before; a turn of SURREAL's way is a few frames of that clip, and its set-up
(body, armature, keyframes) is left out. Times are CPU time: what one idle core would take.
Prints markdown: median over the turns, how many times as fast as SURREAL's way, frames per second,
peak memory of the process; then where the time of each goes.
"""

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from mannequin.generator.appearance import outfit
from mannequin.generator.catalog import Catalog
from mannequin.generator.clip import DEFAULT_OUTPUTS, LABELS
from mannequin.generator.config import SampleConfig
from mannequin.generator.dataset.native import write_clip
from mannequin.generator.sampling import sample_clip
from mannequin.generator.scene import build_scene
from mannequin.renderers.choice import open_renderer

SIZES = ((240, 320), (256, 256), (480, 640))

WAYS = {
    "Mannequin: Cycles RGB, verified labels": ("blender", DEFAULT_OUTPUTS),
    "Mannequin: rasteriser, RGB and labels": ("raster", DEFAULT_OUTPUTS),
    "Mannequin: labels alone": ("raster", LABELS),
    "SURREAL's way, OSL light": ("osl", None),
    "SURREAL's way, light in nodes": ("nodes", None),
}


def describe(catalog: Catalog, size: tuple[int, int], frames: int):
    """One SURREAL-like clip: a walking person, harmonic light, a still camera 8 m away."""
    return sample_clip(SampleConfig(preset="surreal", frames=frames, size=size, samples=16), catalog, 0, 0)


class OurWay:
    """Describe, pose, render and write; a turn is one clip."""

    def __init__(self, renderer: str, outputs, size, frames: int, folder: Path):
        self.catalog, self.outputs, self.folder = Catalog(), outputs, folder
        self.renderer = open_renderer(renderer, self.catalog)
        self.size, self.frames = size, frames
        self.stages = StageClock(renderer)

    def turn(self) -> dict[str, float]:
        """CPU seconds per frame, by stage."""
        outfit._worn.cache_clear()
        outfit._painted.cache_clear()
        start = time.process_time()
        spec = describe(self.catalog, self.size, self.frames)
        described = time.process_time()
        scene = build_scene(spec, self.catalog, self.outputs)
        posed = time.process_time()
        with self.stages as inner:
            clip = self.renderer.render_scene(scene, self.outputs)
        rendered = time.process_time()
        write_clip(self.folder / "clip.h5", clip)
        written = time.process_time()
        stages = {"describe": described - start, "pose and paint": posed - described, **inner}
        stages["other rendering"] = rendered - posed - sum(inner.values())
        stages["write"] = written - rendered
        return {name: seconds / spec.num_frames for name, seconds in stages.items()}


class SurrealTurn:
    """Frames of SURREAL's way; each turn goes on where the last one ended."""

    FRAMES = 6

    def __init__(self, light: str, size, frames: int, folder: Path):
        from benchmarks.surreal_way import SurrealWay

        catalog = Catalog()
        spec = describe(catalog, size, frames)
        person = spec.people[0]
        model = catalog.body(person.body, person.joints)
        offsets = catalog.clothes(person.appearance.texture, model)
        scene = build_scene(spec, catalog, DEFAULT_OUTPUTS)
        self.way, self.frames, self.next = SurrealWay(scene, model, offsets, folder, light), frames, 0

    def turn(self) -> dict[str, float]:
        """CPU seconds per frame, by stage."""
        first = self.next % max(1, self.frames - self.FRAMES + 1)
        self.next = first + self.FRAMES
        last = min(self.frames, first + self.FRAMES)
        return {stage: seconds / (last - first) for stage, seconds in self.way.frames(first, last).items()}


class StageClock:
    """Seconds that a turn spends in the functions of a renderer that are worth telling apart."""

    def __init__(self, renderer: str):
        self.seconds = defaultdict(float)
        if renderer == "blender":
            self._watch_blender()

    def __enter__(self):
        self.seconds.clear()
        return self.seconds

    def __exit__(self, *_):
        pass

    def _watch_blender(self):
        from mannequin.renderers.blender import live_scene, recorders, renderer

        self._watch(recorders, "rasterize_labels", "labels by the rasteriser")
        self._watch(renderer, "_shade", "light at the vertices")
        self._watch(recorders, "touched_cells", "crops")
        self._watch(recorders, "crops_of", "crops")
        self._watch(live_scene.LiveScene, "load", "set up the scene")
        self._watch(live_scene.LiveScene, "render", "Cycles, all of it")
        self._watch(recorders, "compose", "compose")
        self._watch(recorders.agreement, "compare", "compare")

    def _watch(self, owner, name: str, stage: str) -> None:
        inner = getattr(owner, name)

        def timed(*args, **options):
            start = time.process_time()
            try:
                return inner(*args, **options)
            finally:
                self.seconds[stage] += time.process_time() - start

        setattr(owner, name, timed)


def work(pipe, core: int, way: str, size, frames: int) -> None:
    """A worker: one turn for every message until None comes."""
    os.sched_setaffinity(0, {core})
    kind, outputs = WAYS[way]
    with tempfile.TemporaryDirectory() as folder:
        if kind in ("osl", "nodes"):
            maker = SurrealTurn(kind, size, frames, Path(folder))
        else:
            maker = OurWay(kind, outputs, size, frames, Path(folder))
        maker.turn()
        pipe.send("ready")
        while pipe.recv() is not None:
            seconds = maker.turn()
            pipe.send((seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def measure(size, frames: int, turns: int, core: int) -> dict[str, tuple[list[dict], float]]:
    """way → (seconds by stage of every turn, MiB)."""
    spawn = multiprocessing.get_context("spawn")
    pipes = {}
    for way in WAYS:
        pipes[way], theirs = spawn.Pipe()
        process = spawn.Process(target=work, args=(theirs, core, way, size, frames), daemon=True)
        process.start()
        theirs.close()
        pipes[way].recv()
    found = {way: ([], 0.0) for way in WAYS}
    for _ in range(turns):
        for way, pipe in pipes.items():
            pipe.send("go")
            seconds, memory = pipe.recv()
            found[way] = (found[way][0] + [seconds], memory)
    for pipe in pipes.values():
        pipe.send(None)
    return found


def report(size, found) -> str:
    """Markdown of one image size."""
    lines = [
        f"### {size[1]} × {size[0]}",
        "",
        "| way | ms / frame | SURREAL's way is slower | frames / s | MiB |",
        "|---|---:|---:|---:|---:|",
    ]
    median = {way: 1e3 * np.median([sum(t.values()) for t in turns]) for way, (turns, _) in found.items()}
    slow = median["SURREAL's way, OSL light"]
    for way, (_, memory) in found.items():
        lines.append(
            f"| {way} | {median[way]:.1f} | {slow / median[way]:.1f} × | {1e3 / median[way]:.1f} | {memory:.0f} |"
        )
    lines += ["", "| way | stage | ms / frame |", "|---|---|---:|"]
    for way, (turns, _) in found.items():
        for stage in turns[0]:
            lines.append(f"| {way} | {stage} | {1e3 * np.median([t.get(stage, 0.0) for t in turns]):.2f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--frames", type=int, default=100, help="frames of a clip")
    parser.add_argument("--turns", type=int, default=5, help="turns of each way")
    parser.add_argument("--quick", action="store_true", help="320 × 240 alone, three turns of twenty frames")
    options = parser.parse_args()
    sizes, frames, turns = SIZES, options.frames, options.turns
    if options.quick:
        sizes, frames, turns = SIZES[:1], 20, 3
    core = min(os.sched_getaffinity(0))
    for size in sizes:
        print(report(size, measure(size, frames, turns, core)), end="\n\n", flush=True)


if __name__ == "__main__":
    main()

"""How long predictions take: in batches, with images read and pictures made meanwhile, against one image at a time.

    python -m benchmarks.prediction [--images 64] [--side 192] [--rounds 3] [--batch 8] [--workers 2] [--threads 1]

Prints a markdown table. Crops of made-up colours go through a network of the preset ``small`` of each task, with files
of values and pictures, as `mannequin predict` does it. Within each round every way takes its turn on the same images;
given are medians of the time on the wall, and of the CPU time of the whole process, over the rounds.
"""

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

from mannequin.generator.records import to_plain
from mannequin.training.core.checkpoint import FOLDER, Checkpoint, TrainState, save
from mannequin.training.predict.job import PredictOptions, predict
from mannequin.training.registry import TASKS, make_task

ASKED = ("segmentation", "depth", "pose2d", "detection")
"""Tasks whose networks look at single images."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("images", 64), ("side", 192), ("rounds", 3), ("batch", 8), ("workers", 2), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--tasks", nargs="+", choices=ASKED, default=ASKED)
    args = parser.parse_args()
    ways = {
        "one at a time": {"batch": 1, "workers": 0},
        f"batches of {args.batch}": {"batch": args.batch, "workers": 0},
        f"batches of {args.batch}, {args.workers} workers": {"batch": args.batch, "workers": args.workers},
    }
    print(f"{args.images} images of {args.side} × {args.side}, torch {torch.__version__}, {args.threads} thread(s)\n")
    print("| task | way | ms an image | times as fast | CPU ms an image |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _write_images(folder / "images", args.images, args.side)
        for task in args.tasks:
            _checkpoint(folder / task, task)
            options = PredictOptions(folder / task, folder / "images", folder, device="cpu", threads=args.threads)
            taken = {way: [] for way in ways}
            for turn in range(args.rounds):
                for number, (way, changes) in enumerate(ways.items()):
                    out = folder / f"{task}-{turn}-{number}"
                    taken[way].append(_timed(replace(options, out=out, **changes)))
            _print(task, taken, args.images)


def _timed(options: PredictOptions) -> tuple[float, float]:
    """Seconds on the wall, and of the CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    predict(options)
    return time.perf_counter() - wall, time.process_time() - cpu


def _print(task: str, taken: dict[str, list[tuple[float, float]]], images: int) -> None:
    alone = None
    for way, seconds in taken.items():
        wall, cpu = (1e3 * statistics.median(column) / images for column in zip(*seconds, strict=True))
        alone = alone or wall
        print(f"| {task} | {way} | {wall:.1f} | {alone / wall:.2f} | {cpu:.1f} |", flush=True)


def _write_images(folder: Path, count: int, side: int) -> None:
    folder.mkdir()
    rng = np.random.default_rng(0)
    for k in range(count):
        colours = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"{k:05d}.png"), cv2.resize(colours, (side, side), interpolation=cv2.INTER_CUBIC))


def _checkpoint(run: Path, task: str) -> None:
    """A run whose network has learned nothing."""
    network = TASKS[task].presets["small"].network
    torch.manual_seed(0)
    weights = dict(make_task(task, network).model().state_dict())
    about = {"task": task, "task_config": to_plain(network), "config": {}, "data": {}, "samples": 0}
    save(Checkpoint(TrainState(about, {"torch": torch.__version__}), weights, {}), run / FOLDER)


if __name__ == "__main__":
    main()

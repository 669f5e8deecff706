"""Training and measuring arms that begin with the same data: the first part is trained once."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from mannequin.generator.io.atomic import write_bytes
from mannequin.training.core.checkpoint import plain_metrics
from mannequin.training.core.config import TrainConfig
from mannequin.training.core.init import read_starts
from mannequin.training.core.loop import Result, train
from mannequin.training.core.threads import computing_on
from mannequin.training.data.clips import ClipSamples
from mannequin.training.evaluation.measure import measure
from mannequin.training.experiments.datasets import ExperimentData, samples
from mannequin.training.experiments.plans import Part
from mannequin.training.experiments.scale import Scale
from mannequin.training.options.hourglass import HourglassOptions
from mannequin.training.registry import load_trained, make_task
from mannequin.training.task import Task


@dataclass(frozen=True)
class Chain:
    """Arms of one seed: all learn from ``first``, and then from one of ``thens`` each."""

    task: str
    seed: int
    first: Part
    thens: tuple[Part, ...]


def result_path(out: Path, task: str, seed: int, first: Part, then: Part) -> Path:
    """Where the result of one run stands, a JSON file; once there, the run is not repeated."""
    return out / "results" / task / f"{first}_{then}_seed{seed}.json"


def run_folder(out: Path, task: str, seed: int, first: Part, then: Part | None = None) -> Path:
    """Where the run of the first part is, or of the second."""
    folder = out / "runs" / task / f"{first}_seed{seed}"
    return folder / f"then_{then}" if then else folder


def run_chain(chain: Chain, out: Path, scale: Scale) -> list[Path]:
    """Train and measure what is missing of ``chain``; killed at any time, it goes on from there.

    Returns the paths of the new results.
    """
    held, written = ExperimentData(out / "data", scale), []
    for then in chain.thens:
        path = result_path(out, chain.task, chain.seed, chain.first, then)
        if path.exists():
            continue
        begun = time.perf_counter()
        folder, last = (run_folder(out, chain.task, chain.seed, chain.first, part) for part in (None, then))
        _trained(chain, chain.first, scale, scale.lr, scale.steps, folder, None, held)
        steps = scale.more_steps + (scale.steps if then.whole else 0)
        ended = _trained(chain, then, scale, scale.lr / 3, steps, last, folder, held)
        task, model, _ = load_trained(ended.checkpoint)
        tests = {kind: samples(held.test(kind).paths, task) for kind in ("real", "synth")}
        record = {
            "task": chain.task,
            "seed": chain.seed,
            "first": str(chain.first),
            "then": str(then),
            "metrics": {kind: _metrics(task, model, data, scale.batch) for kind, data in tests.items()},
            "seconds": round(time.perf_counter() - begun, 1),
        }
        write_bytes(path, json.dumps(record, indent=1).encode())
        written.append(path)
    return written


def _metrics(task: Task, model: nn.Module, data: ClipSamples, batch: int) -> dict[str, float | None]:
    """Of a trained network over ``data``."""
    with computing_on(1):
        measured = measure(task, model, data, range(len(data)), device=torch.device("cpu"), batch=batch)
    return plain_metrics(measured.results)


def _trained(
    chain: Chain,
    part: Part,
    scale: Scale,
    lr: float,
    steps: int,
    folder: Path,
    start: Path | None,
    held: ExperimentData,
) -> Result:
    """One part of training, done or gone on with. start: the run with whose weights it begins."""
    config = TrainConfig(
        steps=steps,
        batch=scale.batch,
        optimiser="adamw",
        lr=lr,
        schedule="cosine",
        warmup=steps // 10,
        accelerator="cpu",
        channels_last=True,
        seed=chain.seed,
        workers=0,
        threads=1,  # the other cores have runs of their own
        validate_every=steps,
        validation_samples=8,
        checkpoint_every=steps,
        picture_every=0,
        keep=1,
    )
    network = HourglassOptions(stacks=1, features=scale.features, depth=3, size=scale.size)
    task = make_task(chain.task, network)
    learning = samples(held.learning(part, chain.seed), task, scale.augment, chain.seed)
    about = {"part": str(part), "after": start.name if start else ""}
    starts = read_starts({"": start} if start else {}, task)
    ended = train(task, learning, samples(held.test("real").paths, task), config, folder, data=about, starts=starts)
    if ended.stopped is not None:
        raise KeyboardInterrupt
    return ended

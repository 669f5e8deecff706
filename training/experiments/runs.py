"""Training and measuring arms that begin with the same data: the first part is trained once."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import default_collate

from mannequin.generator.io.atomic import write_bytes
from mannequin.training.core.checkpoint import plain_metrics
from mannequin.training.core.config import TrainConfig
from mannequin.training.core.loop import Result, train
from mannequin.training.experiments.datasets import Material, MemoryFrames
from mannequin.training.experiments.plans import Part
from mannequin.training.experiments.scale import Scale
from mannequin.training.tasks.maps import MapsTask
from mannequin.training.tasks.network import NetworkConfig
from mannequin.training.tasks.registry import load_trained, make_task, starting_from


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
    torch.set_num_threads(1)  # the other cores have runs of their own
    material, written = Material(out / "data", scale), []
    for then in chain.thens:
        path = result_path(out, chain.task, chain.seed, chain.first, then)
        if path.exists():
            continue
        begun = time.perf_counter()
        folder, last = (run_folder(out, chain.task, chain.seed, chain.first, part) for part in (None, then))
        _trained(chain, chain.first, scale, scale.lr, scale.steps, folder, None, material)
        steps = scale.more_steps + (scale.steps if then.whole else 0)
        ended = _trained(chain, then, scale, scale.lr / 3, steps, last, folder, material)
        task, model, _ = load_trained(ended.checkpoint)
        sets = {kind: MemoryFrames(material.test(kind).paths, False, 0, scale.size) for kind in ("real", "synth")}
        record = {
            "task": chain.task,
            "seed": chain.seed,
            "first": str(chain.first),
            "then": str(then),
            "metrics": {kind: plain_metrics(measured(task, model, data, scale.batch)) for kind, data in sets.items()},
            "seconds": round(time.perf_counter() - begun, 1),
        }
        write_bytes(path, json.dumps(record, indent=1).encode())
        written.append(path)
    return written


def measured(task: MapsTask, model: nn.Module, data: MemoryFrames, batch: int) -> dict[str, float]:
    """The task's metrics of a trained network over ``data``."""
    meter = task.meter()
    with torch.no_grad():
        for start in range(0, len(data), batch):
            samples = default_collate([data[0, k] for k in range(start, min(start + batch, len(data)))])
            meter.update(model(*task.inputs(samples)), samples)
    return meter.result()


def _trained(
    chain: Chain, part: Part, scale: Scale, lr: float, steps: int, folder: Path, start: Path | None, material: Material
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
        validate_every=steps,
        validation_samples=8,
        checkpoint_every=steps,
        picture_every=0,
        keep=1,
    )
    network = NetworkConfig(stacks=1, features=scale.features, depth=3, size=scale.size)
    task = make_task(chain.task, network, starting_from(start, chain.task)[0] if start else None)
    data = MemoryFrames(material.learning(part, chain.seed), scale.augment, chain.seed, scale.size)
    seen = MemoryFrames(material.test("real").paths, False, 0, scale.size)
    ended = train(task, data, seen, config, folder, data={"part": str(part), "after": start.name if start else ""})
    if ended.stopped is not None:
        raise KeyboardInterrupt
    return ended

"""What a network has learnt beyond the mean of what it learnt from: `python benchmarks/baselines.py RUN`.

On the clips that the run held out, the task's meter measures the network, and an answer that is the same for every
image: the mean box of all people that training has seen, or the mean place of every joint in the crop.
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor

from mannequin.training.batch import Batch
from mannequin.training.core.device import device_of
from mannequin.training.core.schedule import length_of
from mannequin.training.data.sources import from_datasets
from mannequin.training.evaluation.measure import measure
from mannequin.training.options.preset import DataConfig
from mannequin.training.registry import load_trained
from mannequin.training.targets.boxes import Detections
from mannequin.training.targets.heatmaps import JOINTS
from mannequin.training.tasks.pose2d import Found


def mean_box(batches: list[Batch]) -> Detections:
    """One box, of which nothing is surer."""
    boxes = torch.cat([some for batch in batches for some in batch["boxes"]])
    return Detections(boxes.mean(0)[None, None], torch.ones(1, 1))


def mean_joints(batches: list[Batch]) -> Found:
    """Each joint in its mean place of the crop."""
    joints: Tensor = torch.cat([batch["joints2d"] for batch in batches])
    return Found(joints[:, list(JOINTS)].mean(0)[None], torch.zeros(1, 0))


MEANS = {"detection": mean_box, "pose2d": mean_joints}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    task, model, about = load_trained(parser.parse_args().run)
    if task.name not in MEANS:
        parser.error(f"no mean answer is known for the task {task.name!r}; known are {', '.join(MEANS)}")
    told = about["data"]
    options = DataConfig(**told["options"] | {"augment": "none", "sampling": "all", "val_sampling": "all"})
    data = from_datasets(told["train"], told["val"], task, options, seed=0)
    learnt_from, held_out = length_of(data.train) or 0, length_of(data.val) or 0
    seen = [task.collate([data.train[0, k]]) for k in range(learnt_from)]
    answer, meter = MEANS[task.name](seen), task.meter()
    for k in range(held_out):
        meter.update(answer, task.collate([data.val[0, k]]))
    network = measure(task, model, data.val, range(held_out), device=device_of("auto"))
    print(f"{task.name}: {learnt_from} samples learnt from, {held_out} held out")
    baseline = meter.result()
    for name, value in network.results.items():
        figure = meter.figures[name]
        print(f"{figure.title}: network {figure.text(value)}, the mean {figure.text(baseline[name])}")


if __name__ == "__main__":
    main()

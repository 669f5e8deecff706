"""What the networks of an experiment make of images of the stand-in, to look at."""

from pathlib import Path

import numpy as np
import torch
from torch.utils.data import default_collate

from mannequin.training.core.checkpoint import FOLDER
from mannequin.training.data.colour import to_rgb
from mannequin.training.evaluation.measure import evenly
from mannequin.training.experiments.campaign import Outcome
from mannequin.training.experiments.datasets import Material, MemoryFrames
from mannequin.training.experiments.runs import run_folder
from mannequin.training.tasks.registry import load_trained, make_task

ROWS = 6
"""Images, evenly spread over the test set."""


def sheet(outcome: Outcome, out: Path) -> np.ndarray:
    """(h, w, 3) uint8 sRGB: in each row an image of the stand-in, the truth, and what each arm's network of seed 0
    says.

    Arms whose checkpoints in ``out`` are gone have no column.
    """
    task, paths = make_task(outcome.task), Material(out / "data", outcome.scale).test("real").paths
    data = MemoryFrames([paths[k] for k in evenly(len(paths), ROWS)], False, 0, outcome.scale.size)
    batch = default_collate([data[0, k] for k in range(len(data))])
    colours, truth = task.colours(), batch[task.truth].numpy()
    columns = {"stand-in for real": to_rgb(batch["image"].numpy()), "truth": colours[truth]}
    for arm in outcome.experiment.arms:
        folder = run_folder(out, outcome.task, 0, arm.first, arm.then)
        if (folder / FOLDER).exists():
            its, model, _ = load_trained(folder)
            with torch.no_grad():
                columns[arm.name] = colours[model(*its.inputs(batch)).labels(truth.shape[-2:]).numpy()]
    return task.sheet(({title: pictures[k] for title, pictures in columns.items()} for k in range(len(data))), across=1)

"""What the networks of an experiment make of images of the stand-in, to look at."""

from pathlib import Path

import numpy as np

from mannequin.training.core.checkpoint import FOLDER
from mannequin.training.core.evaluation import in_use
from mannequin.training.evaluation.measure import evenly
from mannequin.training.experiments.campaign import Outcome
from mannequin.training.experiments.datasets import ExperimentData, samples
from mannequin.training.experiments.runs import run_folder
from mannequin.training.options.hourglass import HourglassOptions
from mannequin.training.pictures import sheet as sheet_of
from mannequin.training.registry import load_trained, make_task

ROWS = 6
"""Images, evenly spread over the test set."""


def sheet(outcome: Outcome, out: Path) -> np.ndarray:
    """(h, w, 3) uint8 sRGB: in each row an image of the stand-in, the truth, and what each arm's network of seed 0
    says.

    Arms whose checkpoints in ``out`` are gone have no column.
    """
    task = make_task(outcome.task, HourglassOptions(size=outcome.scale.size, depth=3))
    paths = ExperimentData(out / "data", outcome.scale).test("real").paths
    data = samples([paths[k] for k in evenly(len(paths), ROWS)], task)
    batch = task.collate([data[0, k] for k in range(len(data))])
    rows: list[dict[str, np.ndarray]] = [{} for _ in range(len(data))]
    for arm in outcome.experiment.arms:
        folder = run_folder(out, outcome.task, 0, arm.first, arm.then)
        if (folder / FOLDER).exists():
            its, model, _ = load_trained(folder)
            ((step, _),) = in_use(its, model, [batch])
            for row, found in zip(rows, its.rows(step.outputs, batch), strict=True):
                row |= {"stand-in for real": found["image"], "truth": found["truth"], arm.name: found["prediction"]}
    return sheet_of(rows, task.legend, across=1)

"""Results to look at: image, truth, prediction and error of some samples and of the worst."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mannequin.generator.pictures import save_picture
from mannequin.training.evaluation.measure import Judged, Measured
from mannequin.training.tasks.maps import MapsTask


def save_sheets(folder: Path, task: MapsTask, measured: Measured) -> list[Path]:
    """Write even.png and worst.png, unless there is nothing to show; returns what was written.

    Raises DatasetError if the system refuses.
    """
    sheets = {"even": measured.even, "worst": measured.worst}
    paths = {folder / f"{name}.png": judged for name, judged in sheets.items() if judged}
    for path, judged in paths.items():
        save_picture(path, sheet(task, judged))
    return list(paths)


def sheet(task: MapsTask, samples: Sequence[Judged]) -> np.ndarray:
    """(h, w, 3) uint8: a row of pictures for each sample, two rows beside each other."""
    return task.sheet(task.row(judged.image, judged.truth, judged.predicted) for judged in samples)

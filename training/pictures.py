"""Sheets of what networks say, of rows of pictures that tasks make."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from mannequin.generator.colours import Legend
from mannequin.generator.pictures import GAP, draw_legend, grid, ground, resized, save_picture, titled
from mannequin.training.batch import Batch
from mannequin.training.task import Task

SHOWN = 8
"""Samples on a picture."""

SIDE = 192
"""Pixels that one image on a picture has, at least."""


def picture(task: Task, outputs, batch: Batch) -> np.ndarray:
    """(h, w, 3) uint8: the first SHOWN samples of a batch."""
    return sheet(islice(task.rows(outputs, batch), SHOWN), task.legend)


def sheet(rows: Iterable[dict[str, np.ndarray]], legend: Legend | None, across: int = 2) -> np.ndarray:
    """(h, w, 3) uint8: rows of pictures by title, ``across`` of them beside each other, over the legend."""
    rows = [{title: enlarged(picture) for title, picture in row.items()} for row in rows]
    across = min(across, len(rows))
    pictures = [
        picture if n >= across else titled(picture, title)
        for n, row in enumerate(rows)
        for title, picture in row.items()
    ]
    columns = across * len(rows[0])
    parts = [grid(pictures[:columns], columns)]
    if pictures[columns:]:
        parts += [ground(GAP, parts[0].shape[1]), grid(pictures[columns:], columns)]
    if legend is not None:
        parts.append(draw_legend(legend, parts[0].shape[1]))
    return np.concatenate(parts)


def save_sheets(
    folder: Path, sheets: Mapping[str, Sequence[dict[str, np.ndarray]]], legend: Legend | None
) -> list[Path]:
    """Write NAME.png of the rows of each sheet that has some; returns what was written.

    Raises DatasetError if the system refuses.
    """
    paths = {folder / f"{name}.png": rows for name, rows in sheets.items() if rows}
    for path, rows in paths.items():
        save_picture(path, sheet(rows, legend))
    return list(paths)


def enlarged(picture: np.ndarray) -> np.ndarray:
    """The picture at the least whole multiple of its size that has SIDE rows."""
    times = -(-SIDE // picture.shape[0])
    return resized(picture, times * picture.shape[0], times * picture.shape[1])

"""Results of an evaluation as files: what was measured, on what, by what, and with which software."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from mannequin.generator.io.atomic import write_bytes
from mannequin.generator.records import to_plain
from mannequin.training.core.checkpoint import FOLDER, WEIGHTS, plain_metrics
from mannequin.training.core.resume import versions
from mannequin.training.evaluation.measure import Measured
from mannequin.training.evaluation.published import Published

FORMAT, FORMAT_VERSION = "mannequin-evaluation", 1
EVALUATIONS = "evaluations"
"""Folder of a run that holds its evaluations."""


@dataclass(frozen=True)
class Asked:
    """What was to be measured: the protocol by name and in words, the data, how many samples they have. note: as of
    Opened."""

    protocol: str
    description: str
    data: tuple[str, ...]
    available: int
    note: str


def plain_record(about: dict, asked: Asked, measured: Measured, published: Published | None) -> dict:
    """JSON values; null is what could not be said.

    about: of the checkpoint, as ``load_weights`` says it. published: figures of others, on the data that they name.
    """
    checkpoint = {name: about[name] for name in ("checkpoint", "step", "epoch", "samples", "config", "data")}
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "task": about["task"],
        "task_config": about["task_config"],
        "protocol": asked.protocol,
        "description": asked.description,
        "note": asked.note,
        "data": list(asked.data),
        "n": measured.n,
        "available": asked.available,
        "results": plain_metrics(results_of(asked.protocol, measured)),
        "units": "IoU, accuracy and shares are fractions; errors are millimetres",
        "classes": {name: plain_metrics(values) for name, values in measured.classes.items()},
        "worst": [{"id": one.id, "score": one.score} for one in measured.worst],
        "published": to_plain(published) if published else None,
        "checkpoint": checkpoint
        | {"sha256": _digest(Path(about["checkpoint"]) / WEIGHTS), "versions": about["versions"]},
        "versions": versions(),
    }


def results_of(protocol: str, measured: Measured) -> dict[str, float]:
    """The meter's results, and what else the papers report under ``protocol``."""
    if protocol != "fsitting":
        return measured.results
    iou = measured.classes["iou"]
    upper_legs = (iou["leftThigh"] + iou["rightThigh"]) / 2
    return measured.results | {"iou_head": iou["head"], "iou_torso": iou["torso"], "iou_upper_legs": upper_legs}


def write_record(path: Path, record: dict) -> None:
    """Write it, whole or not at all. Raises DatasetError if the system refuses."""
    write_bytes(path, (json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())


def place_in_run(checkpoint: str, protocol: str, data: tuple[str, ...]) -> Path | None:
    """Where in its run the record of an evaluation belongs; None for a checkpoint that lies in no run."""
    folder = Path(checkpoint).parent
    if folder.name != FOLDER:
        return None
    names = "-".join(name.rstrip("/").rsplit("/", 1)[-1] for name in data)
    safe = "".join(c if c.isalnum() or c in "._-" else "_" for c in names)
    return folder.parent / EVALUATIONS / f"{protocol}-{safe[:100]}.json"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

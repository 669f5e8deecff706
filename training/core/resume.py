"""Whether a run may go on in a folder, and from where.

<run>/config.json     what the run is
<run>/checkpoints/    see checkpoint.py
<run>/train.csv, validation.csv, pace.csv, events/, pictures/    see logs.py
"""

import json
import sys
from pathlib import Path

from mannequin.generator.dataset.folder import differences
from mannequin.generator.errors import TrainingError
from mannequin.generator.io.atomic import is_empty, write_bytes
from mannequin.generator.records import to_plain
from mannequin.generator.versions import versions_of
from mannequin.training.core.checkpoint import FOLDER, Checkpoint, checkpoints, read, sweep
from mannequin.training.core.schedule import Course
from mannequin.training.task import Task

CONFIG = "config.json"
FREE = (
    "workers", "threads", "accelerator", "compile", "validate_every", "checkpoint_every", "log_every", "picture_every",
    "keep",
)  # fmt: skip
"""Options that may differ between the parts of a run."""

_LENGTH = ("steps", "epochs")


def describe(task: Task, course: Course, processes: int, data: dict) -> dict:
    """What a run is, as plain JSON values; two parts of one run agree in all but FREE options and its length."""
    plain = {
        "task": task.name,
        "task_config": to_plain(task.config),
        "config": to_plain(course.config),
        "data": to_plain(data),
        "samples": course.samples,
        "processes": processes,
        "total_steps": course.steps,
    }
    return json.loads(json.dumps(plain, allow_nan=False))


def versions() -> dict[str, str]:
    """Of the software that decides the results."""
    return {"python": sys.version.split()[0]} | versions_of(("mannequin", "torch", "lightning-fabric", "numpy"))


def find_start(out: Path, run: dict) -> Checkpoint | None:
    """The checkpoint from which ``run`` goes on in ``out``; None if it starts there. Writes nothing.

    Raises TrainingError for a folder of other things or of another run, and for a damaged checkpoint.
    """
    if out.exists() and not out.is_dir():
        raise TrainingError(f"{out} is a file; expected a folder for the run. Choose another name.")
    if out.is_dir() and not (out / CONFIG).exists() and not is_empty(out):
        raise TrainingError(
            f"{out} is not empty and not a training run (it has no {CONFIG}). Choose an empty or a new folder."
        )
    found = checkpoints(out / FOLDER)
    if not found:
        return None
    checkpoint = read(found[-1])
    _refuse_other(out, checkpoint.state.run, run)
    return checkpoint


def prepare(out: Path, run: dict) -> None:
    """Make the folder of a run, describe the run in it, and clear away what dead ones left half done."""
    write_bytes(
        out / CONFIG, (json.dumps(run | {"versions": versions()}, indent=2, ensure_ascii=False) + "\n").encode()
    )
    sweep(out / FOLDER)


def _refuse_other(out: Path, there: dict, here: dict) -> None:
    if there.get("task") != here["task"]:
        raise TrainingError(
            f"{out} holds a run of the task {there.get('task')!r}; this is {here['task']!r}. Choose another folder."
        )
    lines = differences(_fixed(there), _fixed(here))
    if lines:
        shown = "\n".join(f"  {line}" for line in lines[:20]) + ("\n  …" if len(lines) > 20 else "")
        raise TrainingError(
            f"{out} holds a run made with other options:\n{shown}\n"
            f"Use the same options to go on with it, or choose another folder. What may change: {', '.join(FREE)}; "
            "steps and epochs upwards, unless the schedule is cosine, which ends with them."
        )
    if here["total_steps"] < there["total_steps"]:
        raise TrainingError(
            f"{out} holds a run of {there['total_steps']} steps, and this one has {here['total_steps']}. "
            "Steps and epochs may only be raised; use those of before, or choose another folder."
        )


def _fixed(run: dict) -> dict:
    """What must not change."""
    config = run.get("config") or {}
    free = FREE if config.get("schedule") == "cosine" else FREE + _LENGTH
    length = {} if config.get("schedule") == "cosine" else {"total_steps": None}
    return run | length | {"config": {name: value for name, value in config.items() if name not in free}}

"""Checkpoints: what a run is continued from, and what others take a trained network from.

    <run>/checkpoints/step-00001000/weights.safetensors    the network
                                    training.safetensors   state of the optimiser and of the random numbers
                                    state.json             everything else: a TrainState, and digests of the two

A checkpoint has its name only when it is whole and on the disk, and it loses the name before it is deleted.
Nothing in it is a program: it may come from strangers.
"""

import hashlib
import json
import os
import re
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from mannequin.generator.errors import ConfigError, TrainingError
from mannequin.generator.io import limits
from mannequin.generator.io.reading import read_bytes, read_json
from mannequin.generator.records import from_plain, to_plain

FORMAT = "mannequin-checkpoint"
FORMAT_VERSION = 2
WEIGHTS, TRAINING, STATE = "weights.safetensors", "training.safetensors", "state.json"
FOLDER = "checkpoints"

ON_SIGNAL = "Kept on a signal, to go on from."
"""The note of a checkpoint that was not due."""

_NAME = re.compile(r"step-(\d{8,})")


@dataclass(frozen=True)
class Validation:
    """What a validation found. metrics: None stands for what could not be said."""

    step: int
    epoch: float
    metrics: dict[str, float | None]


@dataclass(frozen=True)
class Best:
    """The best validation so far, by the one metric that decides."""

    kind: ClassVar[str] = "best"
    step: int
    metric: str
    value: float


@dataclass(frozen=True)
class TrainState:
    """How far a run has come.

    run: what it is, as of resume.describe. step, samples, epoch: taken so far. sums: of the terms of the
    loss over the ``summed`` steps that no line of the log covers yet. versions: of the software.
    """

    run: dict
    versions: dict[str, str]
    step: int = 0
    samples: int = 0
    epoch: float = 0.0
    validations: tuple[Validation, ...] = ()
    best: Best | None = None
    sums: dict[str, float] | None = None
    summed: int = 0


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint in memory. weights: of the network. training: the other tensors. note: why it was kept.

    version: of the format that it was read from.
    """

    state: TrainState
    weights: dict[str, Tensor]
    training: dict[str, Tensor]
    note: str = ""
    version: int = FORMAT_VERSION


def save(checkpoint: Checkpoint, root: Path) -> Path:
    """Write a folder into ``root``, whole or not at all, and return it. Raises TrainingError if the system refuses."""
    path = folder_of(root, checkpoint.state.step)
    part = _hidden(path, "new")
    try:
        part.mkdir(parents=True)
        digests = {name: _write(part / name, safetensors.torch.save(tensors)) for name, tensors in _files(checkpoint)}
        head = {"format": FORMAT, "format_version": FORMAT_VERSION, "sha256": digests, "note": checkpoint.note}
        description = head | {"state": to_plain(checkpoint.state)}
        _write(part / STATE, json.dumps(description, indent=1, ensure_ascii=False, allow_nan=False).encode())
        _flush_folder(part)
        discard(path)
        os.rename(part, path)
        _flush_folder(root)
    except OSError as e:
        shutil.rmtree(part, ignore_errors=True)
        raise TrainingError(
            f"Cannot write the checkpoint {path}: {e.strerror or e}. Make room or give rights there; "
            "the same command then goes on from the last checkpoint."
        ) from e
    return path


def _files(checkpoint: Checkpoint) -> tuple:
    return (WEIGHTS, checkpoint.weights), (TRAINING, checkpoint.training)


def _hidden(path: Path, what: str) -> Path:
    """A name beside ``path`` that nobody takes for a checkpoint, and that ``sweep`` finds."""
    return path.with_name(f".{path.name}.{what}.{socket.gethostname()}-{os.getpid()}.part")


def _write(path: Path, data: bytes) -> str:
    """Put ``data`` onto the disk; returns its digest."""
    with open(path, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(data).hexdigest()


def _flush_folder(path: Path) -> None:
    """Have the names in a folder on the disk too."""
    if os.name != "posix":
        return  # no other system opens folders
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def discard(path: Path) -> None:
    """Delete a checkpoint, if it is there. Raises OSError."""
    if path.exists():
        os.rename(path, _hidden(path, "old"))  # halfway through the deletion it must not look like a checkpoint
        shutil.rmtree(_hidden(path, "old"))


def prune(root: Path, keep: int, best: int | None) -> None:
    """Delete all but the latest ``keep`` checkpoints and that of step ``best``.

    Those kept ON_SIGNAL go first: with them, a run in parts would end with others than a run in one go.
    """
    found = checkpoints(root)
    passing = [path for path in found if _note(path) == ON_SIGNAL]
    planned = [path for path in found if path not in passing]
    for path in passing + [path for path in planned[:-keep] if step_of(path) != best]:
        discard(path)


def _note(path: Path) -> str:
    """ "" for a damaged checkpoint."""
    try:
        return _read_state(path)[1]["note"]
    except TrainingError:
        return ""


def sweep(root: Path) -> None:
    """Delete what a run that was killed left half-written or half-deleted."""
    for part in root.glob(".*.part"):
        shutil.rmtree(part, ignore_errors=True)


def checkpoints(root: Path) -> list[Path]:
    """Those in ``root``, the earliest first."""
    return sorted((p for p in root.glob("step-*") if _NAME.fullmatch(p.name)), key=step_of)


def folder_of(root: Path, step: int) -> Path:
    """Where the checkpoint of ``step`` is, or will be."""
    return root / f"step-{step:08d}"


def step_of(path: Path) -> int:
    """The step after which a checkpoint was made, by its name."""
    found = _NAME.fullmatch(path.name)
    assert found, f"{path} is not called like a checkpoint"
    return int(found[1])


def read(path: Path) -> Checkpoint:
    """A whole checkpoint. Raises TrainingError for a damaged one, and for one of another version."""
    state, held = _read_state(path)
    weights, training = (_tensors(path / name, held) for name in (WEIGHTS, TRAINING))
    return Checkpoint(state, weights, training, held["note"], held["format_version"])


def load_weights(path: Path | str) -> tuple[dict[str, Tensor], dict]:
    """(weights of a network by name, what is known of them), of a checkpoint or of a run's best one.

    What is known: "task", "task_config", "config", "data", "samples", "step", "epoch", "metrics" (of its last
    validation), "versions", "checkpoint" (its folder). Raises TrainingError if there is none, or it is damaged.
    """
    folder = _chosen(Path(path))
    state, held = _read_state(folder)
    metrics = state.validations[-1].metrics if state.validations else {}
    about = state.run | {"step": state.step, "epoch": state.epoch, "metrics": metrics}
    return _tensors(folder / WEIGHTS, held), about | {"versions": state.versions, "checkpoint": str(folder)}


def digest(path: Path | str) -> str:
    """SHA-256 of a checkpoint's weights, which tells networks apart."""
    return hashlib.sha256((Path(path) / WEIGHTS).read_bytes()).hexdigest()


def _chosen(path: Path) -> Path:
    """The checkpoint meant by ``path``, which is one, or a run that has some."""
    if (path / STATE).exists():
        return path
    found = checkpoints(path / FOLDER)
    if not found:
        raise TrainingError(
            f"There is no checkpoint in {path}. Expected the folder of a training run, or one of its "
            f"{FOLDER}/step-…; check the path."
        )
    best = _read_state(found[-1])[0].best
    named = {step_of(p): p for p in found}
    return named.get(best.step, found[-1]) if best else found[-1]


def _read_state(path: Path) -> tuple[TrainState, dict]:
    """(the state, all that its file holds)."""
    held = _intact(path, lambda: read_json(path / STATE, "the state of a checkpoint", TrainingError))
    if not isinstance(held, dict) or held.get("format") != FORMAT:
        raise TrainingError(
            f"{path / STATE} does not describe a checkpoint of Mannequin (no format = {FORMAT!r}). Check the path."
        )
    version = held.get("format_version")
    if version not in (1, FORMAT_VERSION):
        raise TrainingError(
            f"{path} is a checkpoint of format version {version!r}; this release reads 1 and {FORMAT_VERSION}. "
            "Use the release that wrote it."
        )
    plain = _upgraded(held.get("standing")) if version == 1 else held.get("state")
    state = _intact(path, lambda: from_plain(TrainState, plain, "state"))
    if not (isinstance(held.get("sha256"), dict) and isinstance(held.get("note"), str)):
        raise _damaged(path, "its digests or its note are missing")
    return state, held


RENAMED = {
    "config": {"clip": "grad_clip", "smoothing": "alpha"},
    "options": {"frames": "sampling", "val_frames": "val_sampling"},
}
"""Options whose names changed with version 2, in a run's "config" and in the "options" of its "data"."""


def _upgraded(plain):
    """What version 1 called a standing, as a TrainState in plain values; other things as they are."""
    if not (isinstance(plain, dict) and isinstance(run := plain.get("run"), dict)):
        return plain
    run = run | {"config": _renamed(run.get("config"), RENAMED["config"])}
    if isinstance(data := run.get("data"), dict) and "options" in data:
        data = data | {"options": _renamed(data["options"], RENAMED["options"])}
        run["data"] = data | {"init": {"": data["init"]}} if "init" in data else data
    return plain | {"run": run}


def _renamed(values, names: dict[str, str]):
    return {names.get(name, name): value for name, value in values.items()} if isinstance(values, dict) else values


def _tensors(path: Path, held: dict) -> dict[str, Tensor]:
    data = _intact(path.parent, lambda: read_bytes(path, limits.WEIGHT_BYTES, "tensors", TrainingError))
    if hashlib.sha256(data).hexdigest() != held["sha256"].get(path.name):
        raise _damaged(path.parent, f"{path.name} is not what was written")
    return _intact(path.parent, lambda: safetensors.torch.load(data))


def _intact(path: Path, read_it):
    try:
        return read_it()
    except (TrainingError, ConfigError, SafetensorError, OSError) as e:
        raise _damaged(path, str(e)) from e


def _damaged(path: Path, how: str) -> TrainingError:
    """The error for a checkpoint that cannot be read, with the one before it to go on from."""
    others = [p for p in checkpoints(path.parent) if p != path]
    before = [p for p in others if _NAME.fullmatch(path.name) and step_of(p) < step_of(path)] or others
    advice = (
        f"{before[-1].name} is there too: delete the folder {path}"
        if before
        else f"No other one is there: delete the folder {path}"
    )
    then = "go on from there" if before else "start from the beginning"
    return TrainingError(
        f"The checkpoint {path} is damaged ({how.rstrip('.')}). {advice} and run the same command again to {then}."
    )


def fill(model: nn.Module, weights: dict[str, Tensor], where: Path | str) -> None:
    """Put the weights of the checkpoint ``where`` into ``model``. Raises TrainingError if they are of another
    network, or not all numbers."""
    check_weights(model, weights, where)
    model.load_state_dict(weights)


def check_weights(model: nn.Module, weights: dict[str, Tensor], where: Path | str) -> None:
    """Raises TrainingError unless the weights of the checkpoint ``where`` are those of a network like ``model``, which
    may be on torch's device without memory, and numbers."""
    own = model.state_dict()
    lines = [f"{name} is missing" for name in own if name not in weights]
    lines += [f"{name} has no place in it" for name in weights if name not in own]
    lines += [
        f"{name} has {_kind(weights[name])}, expected {_kind(own[name])}"
        for name in own
        if name in weights and _kind(weights[name]) != _kind(own[name])
    ]
    if lines:
        shown = "\n".join(f"  {line}" for line in lines[:10]) + ("\n  …" if len(lines) > 10 else "")
        raise TrainingError(
            f"The checkpoint {where} holds another network than {type(model).__name__}:\n{shown}\n"
            "Use the options and the release that it was trained with."
        )
    lost = [name for name, value in weights.items() if not torch.isfinite(value).all()]
    if lost:
        raise TrainingError(
            f"The checkpoint {where} has weights that are no numbers, in {lost[0]} and {len(lost) - 1} others. The "
            "training had failed by then; use an earlier checkpoint."
        )


def _kind(tensor: Tensor) -> str:
    return f"shape {tuple(tensor.shape)}, {str(tensor.dtype).removeprefix('torch.')}"


def plain_metrics(metrics: dict[str, float]) -> dict[str, float | None]:
    """Metrics as JSON can hold them: no NaN, no infinity."""
    return {name: float(value) if abs(value) < float("inf") else None for name, value in metrics.items()}

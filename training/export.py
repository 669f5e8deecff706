"""Trained networks as files for other programs: ONNX, and torch.export's .pt2.

Both take one tensor and return one, as the task's ``exportable`` has it; the first axis, the batch, is free. What they
return is compared with the network itself before they are written.
"""

import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mannequin.generator.errors import ConfigError, MissingExtraError, TrainingError
from mannequin.generator.io.atomic import write_bytes
from mannequin.training.core.checkpoint import digest
from mannequin.training.core.threads import computing
from mannequin.training.registry import load_trained
from mannequin.training.task import Exportable, Task

TOLERANCE = 1e-4
"""Largest difference of a score, as a share of the largest score."""

SUFFIXES = {"onnx": ".onnx", "torch": ".pt2"}

_BATCHES = (1, 3)  # sizes compared


@dataclass(frozen=True)
class Exported:
    """files: what was written. difference: largest of a score. largest: the largest score."""

    files: tuple[Path, ...]
    difference: float
    largest: float


def export_network(
    checkpoint: Path | str,
    out: Path,
    layout: str,
    say: Callable[[str], None] = lambda line: None,
) -> Exported:
    """Write the network of a checkpoint, or of a run's best one. layout: a key of SUFFIXES. say: as of
    :func:`mannequin.training.core.threads.computing`.

    Raises ConfigError for a name without the layout's suffix, MissingExtraError without onnx, TrainingError for
    what is no checkpoint, and if the exported network does not compute the same: nothing is written then.
    """
    suffix = SUFFIXES[layout]
    if out.suffix != suffix:
        raise ConfigError(f"Cannot write --layout {layout} to {out}. Expected a name that ends in {suffix}.")
    if layout == "onnx":
        _need_onnx()
    task, model, about = load_trained(checkpoint)
    exportable = task.exportable(model)
    with computing(0, 0, say), torch.no_grad():
        program = torch.export.export(
            exportable.module,
            (_noise(exportable.shape, 2),),
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
        )
        _forget_places(program)
        known = metadata(task, exportable, about)
        data, run = (_onnx if layout == "onnx" else _torch)(program, exportable, known)
        difference, largest = _compare(exportable, run)
    files = [out]
    write_bytes(out, data)
    if layout == "torch":
        files.append(out.with_suffix(".json"))
        write_bytes(files[-1], (json.dumps(known, indent=2, ensure_ascii=False) + "\n").encode())
    return Exported(tuple(files), difference, largest)


def metadata(task: Task, exportable: Exportable, about: dict) -> dict:
    """What must be known to use the network, as plain values. about: as of ``load_weights``."""
    head = {"format": "mannequin-network", "task": task.name}
    checkpoint = {"step": about["step"], "sha256": digest(about["checkpoint"])}
    return head | exportable.about | {"checkpoint": checkpoint, "versions": about["versions"]}


def _need_onnx() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as e:
        raise MissingExtraError(
            f"ONNX needs {e.name}. Install it: pip install 'mannequin[onnx]'. Or choose --layout torch."
        ) from e


def _forget_places(program: torch.export.ExportedProgram) -> None:
    """Drop the lines of source that made each operation: they name folders of this machine."""
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)


def _onnx(program, exportable: Exportable, known: dict) -> tuple[bytes, Callable[[Tensor], Tensor]]:
    """(the file, what runs it)."""
    import onnxruntime

    with _only_understood():
        made = torch.onnx.export(
            program, input_names=[exportable.input], output_names=[exportable.output], dynamo=True, verbose=False
        )
    assert made is not None, "with dynamo it returns what it made"
    proto = made.model_proto
    _name_batch(proto.graph)
    proto.producer_name, proto.doc_string = "mannequin", f"mannequin: {known['task']}"
    for name, value in known.items():
        proto.metadata_props.add(
            key=name, value=value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        )
    data = proto.SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return data, lambda image: torch.from_numpy(session.run([exportable.output], {exportable.input: image.numpy()})[0])


def _name_batch(graph) -> None:
    """Call the one free dimension what it is."""
    symbol = graph.input[0].type.tensor_type.shape.dim[0].dim_param
    for value in (*graph.input, *graph.output, *graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param == symbol:
                dim.dim_param = "batch"


def _torch(program, exportable: Exportable, known: dict) -> tuple[bytes, Callable[[Tensor], Tensor]]:
    """(the file, what runs it)."""
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={"mannequin.json": json.dumps(known, ensure_ascii=False)})
    return buffer.getvalue(), torch.export.load(io.BytesIO(buffer.getvalue())).module()


@contextmanager
def _only_understood() -> Iterator[None]:
    """Silence what torch says of itself while it writes ONNX: an old name that it still uses, and that torchvision is
    absent."""
    log = logging.getLogger("torch.onnx._internal.exporter._registration")

    def foreign(record: logging.LogRecord) -> bool:
        return "torchvision is not installed" not in record.getMessage()

    log.addFilter(foreign)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)` is deprecated", FutureWarning)
            yield
    finally:
        log.removeFilter(foreign)


def _compare(exportable: Exportable, run: Callable[[Tensor], Tensor]) -> tuple[float, float]:
    """(largest difference of a score, largest score). Raises TrainingError beyond TOLERANCE, and for other shapes."""
    differences, scores = [], []
    for batch in _BATCHES:
        image = _noise(exportable.shape, batch)
        expected, found = exportable.module(image), run(image)
        if found.shape != expected.shape:
            raise TrainingError(
                f"The exported network returns {tuple(found.shape)} where {tuple(expected.shape)} is right. "
                "Nothing was written; try another release of torch."
            )
        differences.append((found - expected).abs().max())
        scores.append(expected.abs().max())
    difference, largest = float(torch.stack(differences).max()), float(torch.stack(scores).max())  # NaN if any is
    if not difference <= TOLERANCE * largest:
        raise TrainingError(
            f"The exported network computes something else: scores differ by {difference:.2g}, of at most "
            f"{largest:.2g}; expected less than "
            f"{TOLERANCE * largest:.2g}. Nothing was written; try the other --layout, or another release of torch."
        )
    return difference, largest


def _noise(shape: tuple[int, ...], batch: int) -> Tensor:
    """(batch, *shape) float32, the same every time."""
    return torch.from_numpy(np.random.default_rng(batch).normal(size=(batch, *shape)).astype(np.float32))

"""Makes the file."""

from collections.abc import Callable
from pathlib import Path

from mannequin.generator.errors import ConfigError, DatasetError
from mannequin.generator.io.atomic import write_bytes
from mannequin.generator.io.remote import Place, RemotePath
from mannequin.report.page import page
from mannequin.report.source import read_source

NAME = "report.html"


def write_report(
    path: Place, out: Path | None, clips: int, on_progress: Callable = lambda progress: None
) -> tuple[Path, int]:
    """Write the report on the dataset or clip at ``path``; returns (file, bytes).

    out: the file; None for report.html in the dataset or, where that cannot be written, <name>-report.html
    in the working folder. clips: how many are read, 0 for all. on_progress: takes
    mannequin.renderers.production.job.Progress.
    Raises DatasetError if there is nothing to report or ``out`` cannot be written, ConfigError for impossible options.
    """
    if out is not None and (out.suffix != ".html" or out.is_dir()):
        raise ConfigError(f"The report {out} cannot be written; expected a file name that ends in .html.")
    source = read_source(path, clips, on_progress)
    data = page(source)
    if out is not None:
        return out, write_bytes(out, data)
    beside = Path(f"{source.name.removesuffix('.h5')}-{NAME}")
    if source.collection.kind == "clip" or isinstance(path, RemotePath):
        return beside, write_bytes(beside, data)
    try:
        return path / NAME, write_bytes(path / NAME, data)
    except DatasetError:  # of someone else, or on a disk that cannot be written
        return beside, write_bytes(beside, data)

"""Clips that could not be made, one record each: <dataset>/failed/000/000123.json.

A record tells all that is known: the description of the clip, the error, what the process said
last, where and how often it was tried. The next run passes over these clips unless told otherwise.
"""

import json
from dataclasses import asdict, dataclass

from mannequin.generator.dataset.numbered_files import NumberedFiles
from mannequin.generator.errors import DatasetError
from mannequin.generator.io.atomic import remove, write_bytes
from mannequin.generator.io.reading import read_json
from mannequin.generator.io.remote import Place, place

SUFFIX = ".json"


@dataclass(frozen=True)
class Failure:
    """One clip that was given up.

    error: one line. log: the traceback, or the last words of a process that died. attempts: how
    often it was tried, in all runs. spec: the description, None if even that could not be made.
    """

    clip: int
    name: str
    error: str
    log: str
    attempts: int
    at: str
    host: str
    versions: dict[str, str]
    spec: dict | None


def records(out: Place) -> NumberedFiles:
    """The records of the dataset ``out``."""
    return NumberedFiles(place(out) / "failed", SUFFIX)


def record(out: Place, failure: Failure) -> Place:
    """Write ``failure``, in place of an earlier one; its attempts are added. Returns the file."""
    path = records(out).path_of(failure.clip)
    told = asdict(failure) | {"attempts": failure.attempts + _attempts(path)}
    write_bytes(path, (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode("utf-8"))
    return path


def forget(out: Place, index: int) -> None:
    """Clip ``index`` has succeeded after all."""
    remove(records(out).path_of(index))


def _attempts(path: Place) -> int:
    """Those of the record that is there; 0 without a readable one."""
    if not path.exists():
        return 0
    try:
        told = read_json(path, "the record of a failed clip", DatasetError)
    except DatasetError:
        return 0
    attempts = told.get("attempts") if isinstance(told, dict) else 0
    return attempts if type(attempts) is int and attempts > 0 else 0

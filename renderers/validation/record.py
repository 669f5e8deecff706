"""The result of a validation as plain values, left with the dataset for who comes later: <dataset>/.log/validation.json

    {"format": "mannequin-validation", "format_version": 1, "at": …, "versions": …,
     "valid": true, "clips": 200, "rows": [{"check": …, "examined": 20, "failed": 0, …}, …], "notes": […]}

clips: finished ones at the time. value, limit, unit, at_least, where, note: of the worst finding of a
check; value is null where it is not a finite number.
"""

import json
import math
from contextlib import suppress

from mannequin.generator.dataset.folder import software_versions
from mannequin.generator.dataset.runlog import FOLDER, LARGEST, now
from mannequin.generator.errors import DatasetError
from mannequin.generator.io.atomic import write_bytes
from mannequin.generator.io.reading import read_json
from mannequin.generator.io.remote import Place
from mannequin.renderers.validation.table import Report

FORMAT = "mannequin-validation"
FORMAT_VERSION = 1
NAME = "validation.json"

_ROW = {
    "check": str, "ok": bool, "examined": int, "failed": int, "value": (int, float, type(None)), "limit": (int, float),
    "unit": str, "at_least": bool, "where": str, "note": str,
}  # fmt: skip


def to_plain(report: Report, clips: int) -> dict:
    """``report`` on a dataset of ``clips`` finished clips."""
    rows = [
        {
            "check": row.check,
            "ok": bool(row.ok),
            "examined": row.examined,
            "failed": row.failed,
            "value": float(row.worst.value) if math.isfinite(row.worst.value) else None,
            "limit": float(row.worst.limit),
            "unit": row.worst.unit,
            "at_least": bool(row.worst.at_least),
            "where": row.where,
            "note": row.worst.note,
        }
        for row in report.rows.values()
    ]
    about = {"format": FORMAT, "format_version": FORMAT_VERSION, "at": now(), "versions": software_versions()}
    return about | {"valid": not report.failed, "clips": clips, "rows": rows, "notes": list(report.notes)}


def leave(path: Place, plain: dict) -> None:
    """Write ``plain`` into the logs of the dataset at ``path``, if it lets itself be written."""
    with suppress(DatasetError):
        write_bytes(path / FOLDER / NAME, (json.dumps(plain, indent=2, ensure_ascii=False) + "\n").encode("utf-8"))


def latest(path: Place) -> dict | None:
    """What the last validation of the dataset at ``path`` left, or None. Raises DatasetError if that is damaged."""
    file = path / FOLDER / NAME
    if not file.exists():
        return None
    expected = "what `mannequin validate` left; validate again"
    plain = read_json(file, expected, DatasetError)
    if not _is_record(plain):
        raise DatasetError(f"{file} does not tell of a validation. Expected {expected}.")
    return plain


def _is_record(plain) -> bool:
    if not isinstance(plain, dict) or (plain.get("format"), plain.get("format_version")) != (FORMAT, FORMAT_VERSION):
        return False
    rows, notes = plain.get("rows"), plain.get("notes")
    if not isinstance(rows, list) or not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        return False
    about = (
        isinstance(plain.get("valid"), bool) and type(plain.get("clips")) is int and isinstance(plain.get("at"), str)
    )
    return about and all(
        isinstance(row, dict) and all(_is(row.get(k), kind) for k, kind in _ROW.items()) for row in rows
    )


def _is(value, kind) -> bool:
    """Whether ``value`` is of a type, and a number one that can be written as a float."""
    return isinstance(value, kind) and (not isinstance(value, int) or abs(value) < LARGEST)

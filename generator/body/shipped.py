"""The body files that ship with Mannequin: what the manifest says of them, and whether it is true."""

import hashlib
import io
import zipfile
import zlib
from pathlib import Path, PurePosixPath

import numpy as np

from mannequin import assets_manifest
from mannequin.generator.errors import AssetError
from mannequin.generator.io.reading import read_json

_FOLDER = Path(assets_manifest.__path__[0])


def manifest() -> dict:
    """The parsed ``manifest.json``: source, converter and one record per shipped file.

    Raises AssetError if it is damaged.
    """
    return read_manifest(_FOLDER / "manifest.json")


def read_manifest(path: Path) -> dict:
    """A manifest whose records name files within its own folder. Raises AssetError for another."""
    held = read_json(path, "the manifest of Mannequin's assets; reinstall Mannequin")
    records = held.get("files") if isinstance(held, dict) else None
    if not isinstance(records, list) or not all(_is_record(record) for record in records):
        raise AssetError(
            f"{path} does not list files with their path, bytes, sha256 and license_file, within its own "
            "folder. Reinstall Mannequin."
        )
    return held


def _is_record(record) -> bool:
    if not isinstance(record, dict) or type(record.get("bytes")) is not int:
        return False
    held = (record.get(key) for key in ("path", "license_file", "sha256"))
    texts = [text for text in held if isinstance(text, str) and text and "\0" not in text]
    if len(texts) < 3:
        return False
    return all(not PurePosixPath(text).is_absolute() and ".." not in PurePosixPath(text).parts for text in texts[:2])


def body_arrays(name: str) -> dict[str, np.ndarray]:
    """All arrays of a file in ``bodies/``, as stored (integers are multiples of the steps).

    Raises AssetError if it is missing or damaged.
    """
    path = _FOLDER / "bodies" / name
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as e:
        raise AssetError(f"{path} is missing or damaged ({e}). Reinstall Mannequin.") from e


def check() -> list[str]:
    """Compare every shipped file with the manifest; one sentence per problem, none if intact."""
    problems = []
    listed = set()
    for record in manifest()["files"]:
        listed.add(record["path"])
        path = _FOLDER / record["path"]
        if not path.is_file():
            problems.append(f"{record['path']} is missing; reinstall Mannequin")
            continue
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        if digest != record["sha256"]:
            problems.append(
                f"{record['path']} ({len(data)} bytes) has SHA-256 {digest}; the manifest has "
                f"{record['sha256']} ({record['bytes']} bytes); reinstall Mannequin"
            )
        if not (_FOLDER / record["license_file"]).is_file():
            problems.append(f"{record['license_file']}, licence of {record['path']}, is missing")
    for path in (_FOLDER / "bodies").iterdir():
        if path.name.endswith(".npz") and f"bodies/{path.name}" not in listed:
            problems.append(f"bodies/{path.name} is not in the manifest")
    return problems

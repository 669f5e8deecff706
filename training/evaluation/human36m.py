"""Human3.6M with labels from bodies fitted to it (thesis 3.5.4): which subjects are for what, and where their clips
lie."""

from pathlib import Path

from mannequin.generator.dataset.folder import DESCRIPTION
from mannequin.generator.errors import DatasetError

SUBJECTS = {"train": ("S1", "S5", "S6", "S7", "S8"), "val": ("S9",), "test": ("S11",)}
EVERY = 64
"""Frames between two that are measured."""


def clips_of(root: Path, split: str, layout: str) -> list[Path]:
    """Folders of the datasets of all subjects of ``split``, in order.

    layout: what ``root`` should look like, for the message. Raises DatasetError naming the subjects that are missing.
    """
    found = {
        subject: sorted(path.parent for path in (root / subject).rglob(DESCRIPTION)) for subject in SUBJECTS[split]
    }
    missing = [subject for subject, folders in found.items() if not folders]
    if missing:
        has = sorted(path.name for path in root.iterdir() if path.is_dir())
        raise DatasetError(
            f"{root} has no clips of {', '.join(missing)}, of the split {split!r}; it has the folders "
            f"{', '.join(has[:20]) or 'none'}. Expected {layout}"
        )
    return [folder for folders in found.values() for folder in folders]

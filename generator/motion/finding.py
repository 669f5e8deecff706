"""Recorded motions among the files that a user names."""

from itertools import pairwise
from pathlib import Path

from mannequin.generator.errors import AssetError
from mannequin.generator.io.reading import contained
from mannequin.generator.motion.recorded import EXPECTED, motions_of
from mannequin.generator.motion.recording import RecordedMotion


def find_motions(path) -> list[RecordedMotion]:
    """Motions of a file, or of all files below a folder, in order of their names.

    A motion is called by its file's path within the folder, without suffix; those of smpl_data.npz
    by their sequences. Other .npz files in a folder (AMASS has shapes in between) are passed over.
    """
    path = Path(path)
    if not path.exists():
        raise AssetError(f"No motion file or folder at {str(path)!r}. {EXPECTED}")
    if path.is_file():
        return motions_of(path, path.parent, strict=True)
    files = sorted(contained(p, path) for p in path.rglob("*") if p.suffix.lower() in (".bvh", ".npz") and p.is_file())
    found = [motion for file in files for motion in motions_of(file, path, strict=False)]
    if not found:
        raise AssetError(f"The folder {path} holds no motion. {EXPECTED}")
    found.sort(key=lambda motion: motion.name)
    for one, other in pairwise(found):
        if one.name == other.name:
            raise AssetError(
                f"The motions {one.path} and {other.path} have the same name {one.name!r}. Expected different "
                "ones; rename or move one."
            )
    return found

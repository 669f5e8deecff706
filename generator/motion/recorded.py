"""Recorded motion in files: BVH, AMASS .npz and SURREAL's smpl_data.npz."""

import re
from dataclasses import dataclass
from pathlib import Path

from mannequin.generator.errors import AssetError
from mannequin.generator.io.npz import NpzFile
from mannequin.generator.motion.base import Skeleton
from mannequin.generator.motion.bvh import read_bvh
from mannequin.generator.motion.recording import RecordedMotion, source_of
from mannequin.generator.motion.retarget import Retargeted, retarget
from mannequin.generator.motion.smpl_files import AmassMotion, SurrealMotion
from mannequin.generator.motion.source import Source, frame_rate, make_source, starts_at_rest

EXPECTED = "Expected a .bvh, AMASS .npz or SURREAL smpl_data.npz file, or a folder of them."


@dataclass(frozen=True)
class BvhMotion(RecordedMotion):
    """A .bvh file."""

    def _read_outline(self) -> tuple[int, float]:
        bvh = read_bvh(self.path, first=2)
        dropped = starts_at_rest(bvh, bvh.world_transforms()[0])
        return bvh.stated_frames - dropped, frame_rate(bvh.frame_time)

    @property
    def has_hands(self) -> bool:
        return bool(source_of(self).roles.fingers)

    def read(self) -> Source:
        return make_source(read_bvh(self.path), str(self.path))

    def fit(self, skeleton: Skeleton) -> Retargeted:
        return retarget(source_of(self), skeleton)


def motions_of(file: Path, folder: Path, strict: bool) -> list[RecordedMotion]:
    """The motions in one file, named by its path within ``folder``. strict: raise AssetError if there are none."""
    relative = file.relative_to(folder).with_suffix("").as_posix()
    if file.suffix.lower() == ".bvh":
        return [BvhMotion(file, relative, _subject(file.stem))]
    if file.suffix.lower() != ".npz":
        raise AssetError(f"{file} is no motion that Mannequin can read. {EXPECTED}")
    keys = NpzFile(file).keys
    if "poses" in keys and "trans" in keys:
        return [AmassMotion(file, relative, file.resolve().parent.name)]
    sequences = sorted(
        k.removeprefix("pose_") for k in keys if k.startswith("pose_") and f"trans_{k.removeprefix('pose_')}" in keys
    )
    if sequences:
        within = file.relative_to(folder).parent
        return [SurrealMotion(file, (within / s).as_posix(), _subject(s), s) for s in sequences]
    if strict:
        raise AssetError(
            f"The motion file {file} has neither 'poses' and 'trans' (AMASS) nor 'pose_…' and 'trans_…' "
            f"(SURREAL). It has: {', '.join(sorted(keys)[:20]) or 'nothing'}."
        )
    return []


def _subject(stem: str) -> str:
    """ "49" of CMU's "49_08" and "104" of its "ung_104_53"; the whole name where it is not CMU's."""
    match = re.match(r"^(?:[a-z]+_)?(\d+)_\d+$", stem)
    return match[1] if match else stem

"""Recorded motion in files: BVH, AMASS .npz and SURREAL's smpl_data.npz."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from mannequin.generator.errors import AssetError
from mannequin.generator.io.npz import NpzFile
from mannequin.generator.motion.base import Skeleton
from mannequin.generator.motion.bvh import Bvh, read_bvh
from mannequin.generator.motion.bvh_facts import bvh_facts, template
from mannequin.generator.motion.foot_contact import resting_height
from mannequin.generator.motion.joint_map import NO_MAP, JointMap, map_for, read_joint_map
from mannequin.generator.motion.people_files import SUFFIXES, has_people
from mannequin.generator.motion.recording import RecordedMotion, source_of
from mannequin.generator.motion.retarget import (
    Retargeted,
    pelvis_path,
    retarget,
    source_leg_length,
    target_orientations,
)
from mannequin.generator.motion.shared import Shared, Way, share
from mannequin.generator.motion.skeletons import usual_skeleton
from mannequin.generator.motion.smpl_files import SmplMotion, SurrealMotion
from mannequin.generator.motion.smpl_keys import has_poses, held
from mannequin.generator.motion.source import LEG_METRES, Source, frame_rate, make_source, starts_at_rest
from mannequin.generator.motion.track_files import tracks_of

_PERFORMER = (
    r"^(?:[a-z]+_)?(\d+)_\d+(?:_poses|_stageii)?$",
    r"(?:^|[_-])((?:subject|subj|performer|actor)[_-]?\d+)(?:[_-]|$)",
    r"_(d\d\d)_m",
)

EXPECTED = (
    "Expected a .bvh, AMASS .npz or SURREAL smpl_data.npz file, results of people in a video (.pkl, .pt), or a folder "
    "of them."
)


@dataclass(frozen=True)
class BvhMotion(RecordedMotion):
    """A .bvh file. joint_map: what the user says of its joints."""

    joint_map: JointMap = NO_MAP

    @cached_property
    def _head(self) -> Bvh:
        """The skeleton and the first two frames."""
        return read_bvh(self.path, first=2)

    @cached_property
    def _dropped(self) -> bool:
        """Whether the first frame is no part of the recording."""
        return starts_at_rest(self._head, self._head.world_transforms()[0])

    def _read_outline(self) -> tuple[int, float]:
        return self._head.held_frames - self._dropped, frame_rate(self._head.frame_time)

    @property
    def begin(self) -> float:
        return self._dropped / self.rate

    @property
    def notes(self) -> tuple[str, ...]:
        return self._head.notes

    @property
    def doubts(self) -> tuple[str, ...]:
        return tuple(note for note in source_of(self).notes if note not in self.notes)

    @property
    def has_hands(self) -> bool:
        return bool(source_of(self).roles.fingers)

    def read(self) -> Source:
        return _read_together(self.company)[self.name]

    def source(self, up: str) -> Source:
        """What the file holds; ``up`` is as in :func:`make_source`."""
        return make_source(read_bvh(self.path), str(self.path), self.joint_map, up)

    def template(self) -> dict[str, str | None]:
        """The map of joints that says what was recognised."""
        return template(read_bvh(self.path), source_of(self).roles)

    def facts(self) -> dict[str, Any]:
        return bvh_facts(read_bvh(self.path), source_of(self))

    def fit(self, skeleton: Skeleton) -> Retargeted:
        return retarget(source_of(self), skeleton, self.reading.floor == "trust")


@lru_cache(maxsize=4)
def _read_together(company: tuple[BvhMotion, ...]) -> dict[str, Source]:
    """By name, all of a recording: up as the surest of them says, ways along the floor by their mean length of legs."""
    sources = [motion.source(motion.reading.up) for motion in company]
    if len(sources) > 1:
        up = max((source.up for source in sources), key=lambda up: up.margin)
        told = {"up": f"{up.told}, by all who were recorded together"}
        sources = [
            replace(source if source.up.axis == up.axis else motion.source(up.axis), told=source.told | told)
            for motion, source in zip(company, sources)
        ]
        sources = [replace(source, shared=shared) for source, shared in zip(sources, _shared(sources, company))]
    return {motion.name: source for motion, source in zip(company, sources)}


def _shared(sources: Sequence[Source], company: Sequence[BvhMotion]) -> list[Shared]:
    scale = LEG_METRES * len(sources) / sum(map(source_leg_length, sources))
    skeleton, ways = usual_skeleton(), []
    for source, motion in zip(sources, company):
        orientation = target_orientations(source, skeleton)
        pelvis = pelvis_path(replace(source, shared=Shared(scale)), skeleton, orientation)
        rests = resting_height(orientation, pelvis, skeleton, source.rate)
        ways.append(Way(pelvis, source.rate, motion.begin, rests))
    return share(scale, ways)


def mapped(motions: Iterable[RecordedMotion], joint_map: str) -> list[RecordedMotion]:
    """The motions, those of .bvh files with what the file ``joint_map`` says of their joints ("": as they are)."""
    maps = read_joint_map(joint_map)
    return [replace(m, joint_map=map_for(f"{m.name}.bvh", maps)) if isinstance(m, BvhMotion) else m for m in motions]


def motions_of(file: Path, folder: Path, strict: bool) -> list[RecordedMotion]:
    """The motions in one file, named by its path within ``folder``. strict: raise AssetError if there are none."""
    relative = file.relative_to(folder).with_suffix("").as_posix()
    if file.suffix.lower() == ".bvh":
        return [BvhMotion(file, relative, _subject(file, folder))]
    arrays = NpzFile(file) if file.suffix.lower() == ".npz" else None
    if file.suffix.lower() in SUFFIXES or (arrays is not None and has_people(arrays)):
        return [*tracks_of(file, relative, _performer(file.stem) or relative, strict)]
    if arrays is None:
        raise AssetError(f"{file} is no motion that Mannequin can read. {EXPECTED}")
    keys = arrays.keys
    if has_poses(keys):
        return [SmplMotion(file, relative, _subject(file, folder))]
    sequences = sorted(
        k.removeprefix("pose_") for k in keys if k.startswith("pose_") and f"trans_{k.removeprefix('pose_')}" in keys
    )
    if sequences:
        within = file.relative_to(folder).parent
        return [SurrealMotion(file, (within / s).as_posix(), _performer(s) or s, s) for s in sequences]
    if strict:
        raise AssetError(
            f"The motion file {file} has neither 'poses' (AMASS), 'root_orient' and 'pose_body', 'global_orient' and "
            f"'body_pose', nor 'pose_…' and 'trans_…' (SURREAL). It has: {held(NpzFile(file).shapes(), keys)}."
        )
    return []


def _subject(file: Path, folder: Path) -> str:
    """Who performed it: by the name of the file where data sets say it there, else by its folder.

    AMASS has a folder for each person. BVH files that lie side by side in the folder that was named, whose names say
    nothing, are taken to be of different people.
    """
    told = _performer(file.stem)
    if told:
        return told
    return file.resolve().parent.name if file.suffix.lower() == ".npz" or file.parent != folder else file.stem


def _performer(stem: str) -> str:
    """ "49" of CMU's "49_08" and AMASS's "49_08_poses", "104" of CMU's "ung_104_53", "subject1" of LAFAN1's
    "aiming1_subject1", "d04" of AIST++'s "gBR_sBM_cAll_d04_mBR0_ch01"; "" of other names."""
    for pattern in _PERFORMER:
        if match := re.search(pattern, stem, re.IGNORECASE):
            return match[1].lower()
    return ""

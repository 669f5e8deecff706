"""Recorded motion in files: BVH, AMASS .npz and SURREAL's smpl_data.npz.

Nothing but names and headers is read until a motion is asked for. What was read, and what was
fitted to a skeleton, is kept for a few motions, as a clip asks for the same one several times.
"""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from mannequin.generator.errors import AssetError
from mannequin.generator.io import limits
from mannequin.generator.io.npz import NpzFile
from mannequin.generator.motion.base import PoseTrack, Skeleton
from mannequin.generator.motion.bvh import read_bvh
from mannequin.generator.motion.retarget import Retargeted, retarget
from mannequin.generator.motion.smpl_motion import WIDTHS, SmplSource, fit, make_smpl_source
from mannequin.generator.motion.source import Source, frame_rate, make_source, starts_at_rest
from mannequin.generator.rotations import slerp, to_axis_angle

SURREAL_RATE = 120.0
"""Hz of every sequence of smpl_data.npz, which does not say (SURREAL's generator assumes it too)."""

RATE_KEYS = ("mocap_framerate", "mocap_frame_rate")

EXPECTED = "Expected a .bvh, AMASS .npz or SURREAL smpl_data.npz file, or a folder of them."


@dataclass(frozen=True)
class RecordedMotion(ABC):
    """A recording on file: what BVH, AMASS and SURREAL motions share. See ``base.Motion``."""

    path: Path
    name: str
    subject: str

    @property
    def actions(self) -> tuple[str, ...]:
        return ()

    @abstractmethod
    def _read_outline(self) -> tuple[int, float]:
        """Frames and Hz, from what the file says of itself."""

    @abstractmethod
    def read(self) -> Any:
        """The recording, as :meth:`fit` takes it."""

    @abstractmethod
    def fit(self, skeleton: Skeleton) -> Retargeted:
        """The recording on ``skeleton``."""

    @property
    @abstractmethod
    def has_hands(self) -> bool: ...

    def facts(self) -> dict[str, Any]:
        """How the file was read, in plain values for ``mannequin info``: lists of rows (dicts), of notes, or values."""
        return {}

    @cached_property
    def _outline(self) -> tuple[int, float]:
        return self._read_outline()

    @property
    def rate(self) -> float:
        return self._outline[1]

    @property
    def duration(self) -> float:
        frames, rate = self._outline
        return (frames - 1) / rate

    def sample(self, times: np.ndarray, skeleton: Skeleton, style: dict[str, float]) -> PoseTrack:
        """See ``base.Motion``; a recording has no style."""
        return resample(_fitted(self, _Key(skeleton)), self.rate, np.asarray(times, np.float64))


@dataclass(frozen=True)
class BvhMotion(RecordedMotion):
    """A .bvh file."""

    def _read_outline(self) -> tuple[int, float]:
        bvh = read_bvh(self.path, first=2)
        dropped = starts_at_rest(bvh, bvh.world_transforms()[0])
        return bvh.stated_frames - dropped, frame_rate(bvh.frame_time)

    @property
    def has_hands(self) -> bool:
        return bool(_source(self).roles.fingers)

    def read(self) -> Source:
        return make_source(read_bvh(self.path), str(self.path))

    def fit(self, skeleton: Skeleton) -> Retargeted:
        return retarget(_source(self), skeleton)


class SmplMotion(RecordedMotion):
    """SMPL parameters in arrays of an .npz file."""

    @property
    def has_hands(self) -> bool:
        return _source(self).has_hands

    def fit(self, skeleton: Skeleton) -> Retargeted:
        return fit(_source(self), skeleton)

    def _read(self, poses: str, transl: str) -> SmplSource:
        file = NpzFile(self.path)
        _check_shapes(self.path, poses, file.shape(poses), transl, file.shape(transl))
        arrays = {key: file.array(key) for key in (poses, transl)}
        for key, array in arrays.items():
            if array.dtype.kind not in "fiu" or not (np.abs(array) <= limits.COORDINATE).all():  # NaN included
                raise AssetError(
                    f"{key!r} in the motion file {self.path} has values that are no finite numbers up to "
                    f"{limits.COORDINATE:g}. Expected radians and metres; leave the file out."
                )
        return make_smpl_source(arrays[poses], arrays[transl], self.rate)


@dataclass(frozen=True)
class AmassMotion(SmplMotion):
    """An AMASS .npz file."""

    def _read_outline(self) -> tuple[int, float]:
        file = NpzFile(self.path)
        key = next((k for k in RATE_KEYS if k in file.keys), None)
        if key is None:
            raise AssetError(
                f"The motion file {self.path} has no frame rate. Expected {' or '.join(RATE_KEYS)} among "
                f"{', '.join(sorted(file.keys))}."
            )
        rate = file.array(key)
        if (
            rate.size != 1
            or rate.dtype.kind not in "fiu"
            or not limits.MOTION_RATES[0] <= float(rate.reshape(-1)[0]) <= limits.MOTION_RATES[1]
        ):
            raise AssetError(
                f"{key!r} in the motion file {self.path} is {rate!r}. Expected one rate of "
                f"{limits.MOTION_RATES[0]:g} to {limits.MOTION_RATES[1]:g} Hz."
            )
        poses, transl = file.shape("poses"), file.shape("trans")
        _check_shapes(self.path, "poses", poses, "trans", transl)
        return poses[0], float(rate.reshape(-1)[0])

    def read(self) -> SmplSource:
        return self._read("poses", "trans")


@dataclass(frozen=True)
class SurrealMotion(SmplMotion):
    """One sequence of SURREAL's smpl_data.npz."""

    sequence: str

    def _read_outline(self) -> tuple[int, float]:
        known = _shapes(self.path)
        shapes = [
            known.get(key) or NpzFile(self.path).shape(key)
            for key in (f"pose_{self.sequence}", f"trans_{self.sequence}")
        ]
        _check_shapes(self.path, f"pose_{self.sequence}", shapes[0], f"trans_{self.sequence}", shapes[1])
        return shapes[0][0], SURREAL_RATE

    def read(self) -> SmplSource:
        return self._read(f"pose_{self.sequence}", f"trans_{self.sequence}")


def _check_shapes(path, key: str, poses, transl_key: str, transl) -> None:
    if len(poses) != 2 or poses[1] not in WIDTHS:
        known = ", ".join(f"{w} ({what})" for w, what in WIDTHS.items())
        raise AssetError(
            f"{key!r} in the motion file {path} has shape {poses}. Expected (frames, n) with n one of {known}."
        )
    if poses[0] < 1 or transl != (poses[0], 3):
        raise AssetError(
            f"{transl_key!r} in the motion file {path} has shape {transl} beside {poses[0]} poses. Expected "
            f"({poses[0]}, 3), at least one frame."
        )


@lru_cache(maxsize=4)
def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    return NpzFile(path).shapes()


@dataclass(frozen=True)
class _Key:
    """A skeleton that equals another of the same joints and soles."""

    skeleton: Skeleton

    def _bytes(self) -> bytes:
        s = self.skeleton
        return b"".join(np.ascontiguousarray(a).tobytes() for a in (s.joints, s.parents, *s.soles, *s.sole_joints))

    def __eq__(self, other):
        return self._bytes() == other._bytes()

    def __hash__(self):
        return hash(self._bytes())


@lru_cache(maxsize=4)
def _source(motion: RecordedMotion) -> Any:
    return motion.read()


@lru_cache(maxsize=16)
def _fitted(motion: RecordedMotion, key: _Key) -> Retargeted:
    return motion.fit(key.skeleton)


def resample(track: Retargeted, rate: float, times: np.ndarray) -> PoseTrack:
    """Poses at ``times`` (T,) seconds from those at ``rate`` Hz.

    Rotations turn evenly from frame to frame, the path is straight between frames, both exact at
    the frames themselves; times before the first and after the last are held.
    """
    last = len(track.transl) - 1
    at = np.clip(times * rate, 0.0, last)
    at = np.where(np.abs(at - np.round(at)) < 1e-6, np.round(at), at)
    low = np.minimum(np.floor(at).astype(int), last)
    high = np.minimum(low + 1, last)
    share = at - low
    rotations = slerp(track.rotations[low], track.rotations[high], share[:, None])
    transl = track.transl[low] + (track.transl[high] - track.transl[low]) * share[:, None]
    return PoseTrack(to_axis_angle(rotations), transl)


def read_surreal_shapes(path) -> dict[str, np.ndarray]:
    """Gender → (N, 10) float64 betas of SURREAL's smpl_data.npz."""
    file = NpzFile(path)
    shapes = {gender: file.array(f"{gender}shapes") for gender in ("female", "male")}
    for gender, betas in shapes.items():
        if (
            betas.ndim != 2
            or betas.shape[0] < 1
            or betas.dtype.kind not in "fiu"
            or not (np.abs(betas) <= limits.COORDINATE).all()
        ):
            raise AssetError(
                f"'{gender}shapes' in {path} has shape {betas.shape} or values that are no finite numbers. "
                "Expected (N, 10) betas; get the file from SURREAL's site again."
            )
    return {gender: betas.astype(np.float64) for gender, betas in shapes.items()}


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

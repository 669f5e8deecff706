"""What recordings on file share, whatever their format.

Nothing but names and headers is read until a motion is asked for. What was read, and what was
fitted to a skeleton, is kept for a few motions, as a clip asks for the same one several times.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from mannequin.generator.motion.base import PoseTrack, Reading, Skeleton
from mannequin.generator.motion.retarget import Retargeted
from mannequin.generator.rotations import slerp, to_axis_angle


@dataclass(frozen=True)
class RecordedMotion(ABC):
    """A recording on file: what BVH, AMASS and SURREAL motions share. See ``base.Motion``.

    beside: the others that were recorded with it in one space, each with nobody beside it; see ``together.py``.
    """

    path: Path
    name: str
    subject: str
    in_company: ClassVar[bool] = False
    """Whether all motions of its file were recorded together."""

    reading: Reading = field(default=Reading(), kw_only=True)
    beside: tuple["RecordedMotion", ...] = field(default=(), kw_only=True)

    def read_as(self, reading: Reading) -> Self:
        """The same recording, read otherwise."""
        return self if reading == self.reading else replace(self, reading=reading)

    @property
    def actions(self) -> tuple[str, ...]:
        return ()

    @property
    def begin(self) -> float:
        return 0.0

    @property
    def partners(self) -> tuple[str, ...]:
        return tuple(other.name for other in self.beside if other.begin < self.end and self.begin < other.end)

    @property
    def end(self) -> float:
        """Seconds on the clock of :attr:`begin` at which it ends."""
        return self.begin + self.duration

    @cached_property
    def company(self) -> tuple["RecordedMotion", ...]:
        """All of the recording, this one among them, the same for each of them."""
        return tuple(sorted((replace(self, beside=()), *self.beside), key=lambda motion: motion.name))

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

    def floor(self, skeleton: Skeleton) -> str:
        """What was done about its heights on ``skeleton``, in words."""
        return _fitted(self, _Key(skeleton)).floor

    @property
    def notes(self) -> tuple[str, ...]:
        """What is assumed of it, from its header alone."""
        return ()

    @property
    def doubts(self) -> tuple[str, ...]:
        """What is not certain of it, from reading it whole."""
        return ()

    def facts(self) -> dict[str, Any]:
        """How the file was read, in plain values for ``mannequin info``: lists of rows (dicts), of notes, or values."""
        return {}

    def check(self) -> None:
        """Read it whole. Raises AssetError if it cannot be used."""
        source_of(self)

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
def source_of(motion: RecordedMotion) -> Any:
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

"""What a motion is, whoever recorded or computed it.

A motion lives in the world (Z up, ground z = 0). It is asked for on the skeleton of the very
person who performs it, so that limbs of another length still meet the floor.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True, eq=False)
class Skeleton:
    """The shaped body at rest, as far as motion needs it. Model frame: Y up, facing +Z, left +X.

    joints: (J, 3) float64 metres, J = 24 (SMPL) or 52 (SMPL-H). parents: (J,) int.
    soles: for (left, right): (K, 3) float64 points of the shod sole at rest.
    sole_joints: for (left, right): (K,) int, the ankle or foot joint that carries each point.
    """

    joints: np.ndarray
    parents: np.ndarray
    soles: tuple[np.ndarray, np.ndarray]
    sole_joints: tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Reading:
    """What a user says of recordings: see ``catalog.Assets``, where ``rate`` is called ``motion_rate``."""

    up: str = "auto"
    floor: str = "auto"
    rate: float | None = None


@dataclass(frozen=True, eq=False)
class PoseTrack:
    """Poses at T times.

    pose: (T, J, 3) float64 axis-angles in SMPL's convention; pose[:, 0] takes the Y-up model frame
    to the Z-up world. transl: (T, 3) float64 metres, added after posing about the rest joints, so
    the pelvis is at joints[0] + transl.
    """

    pose: np.ndarray
    transl: np.ndarray


class Motion(Protocol):
    """name: asset id. duration: seconds. rate: Hz of the source (0 when procedural).

    subject: who performed it (for splits), or the action's name. actions: labels of the whole
    motion, () when unknown. has_hands: whether finger poses are part of it.
    partners: names of the motions recorded at the same time and in the same space, whose horizontal places are
    comparable on any skeletons. begin: seconds on the clock of such a recording at which this motion begins: what a
    partner does at time t of this one is found at t + begin - partner.begin of the partner's.
    """

    @property
    def name(self) -> str: ...

    @property
    def duration(self) -> float: ...

    @property
    def rate(self) -> float: ...

    @property
    def subject(self) -> str: ...

    @property
    def actions(self) -> tuple[str, ...]: ...

    @property
    def has_hands(self) -> bool: ...

    @property
    def partners(self) -> tuple[str, ...]: ...

    @property
    def begin(self) -> float: ...

    def sample(self, times: np.ndarray, skeleton: Skeleton, style: dict[str, float]) -> PoseTrack:
        """Poses at ``times`` (T,) seconds; times outside [0, duration] are held at the ends."""
        ...

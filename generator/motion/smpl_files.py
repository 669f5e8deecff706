"""Motion recorded as SMPL parameters in .npz files: AMASS, and SURREAL's smpl_data.npz."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from mannequin.generator.errors import AssetError
from mannequin.generator.io import limits
from mannequin.generator.io.npz import NpzFile
from mannequin.generator.motion.base import Skeleton
from mannequin.generator.motion.recording import RecordedMotion, source_of
from mannequin.generator.motion.retarget import Retargeted
from mannequin.generator.motion.smpl_motion import WIDTHS, SmplSource, fit, make_smpl_source

SURREAL_RATE = 120.0
"""Hz of every sequence of smpl_data.npz, which does not say (SURREAL's generator assumes it too)."""

RATE_KEYS = ("mocap_framerate", "mocap_frame_rate")


class SmplMotion(RecordedMotion):
    """SMPL parameters in arrays of an .npz file."""

    @property
    def has_hands(self) -> bool:
        return source_of(self).has_hands

    def fit(self, skeleton: Skeleton) -> Retargeted:
        return fit(source_of(self), skeleton)

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

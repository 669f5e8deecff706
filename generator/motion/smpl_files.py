"""Motion recorded as SMPL parameters in .npz files: of AMASS and its like, and SURREAL's smpl_data.npz."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from mannequin.generator.errors import AssetError
from mannequin.generator.io import limits
from mannequin.generator.io.npz import NpzFile
from mannequin.generator.motion.base import Skeleton
from mannequin.generator.motion.recording import RecordedMotion, source_of
from mannequin.generator.motion.retarget import Retargeted
from mannequin.generator.motion.smpl_keys import Layout, find_layout, layout_of
from mannequin.generator.motion.smpl_motion import SmplSource, find_space, fit, make_smpl_source, shared_by
from mannequin.generator.motion.smpl_parameters import ASSUMED_RATE, Parameters, frame_rate, read_parameters

SURREAL_RATE = 120.0
"""Hz of every sequence of smpl_data.npz, which does not say (SURREAL's generator assumes it too)."""


@dataclass(frozen=True)
class SmplMotion(RecordedMotion):
    """SMPL parameters in arrays of an .npz file."""

    @cached_property
    def layout(self) -> Layout:
        """Where in the file the parameters are."""
        return find_layout(NpzFile(self.path))

    def _read_outline(self) -> tuple[int, float]:
        return self.layout.frames, self._stated_rate or self.reading.rate or ASSUMED_RATE

    @cached_property
    def _stated_rate(self) -> float | None:
        return frame_rate(NpzFile(self.path), self.layout)

    @property
    def notes(self) -> tuple[str, ...]:
        if self._stated_rate is not None:
            return self.layout.notes
        said = "given" if self.reading.rate else "assumed; say another by --motion-rate"
        return (*self.layout.notes, f"no frame rate in the file: {self.rate:g} Hz {said}")

    @property
    def has_hands(self) -> bool:
        return source_of(self).has_hands

    def parameters(self) -> Parameters:
        """As the file has them. Raises AssetError for what cannot be used."""
        return read_parameters(self.path, self.layout)

    def read(self) -> SmplSource:
        return _read_together(self.company)[self.name]

    def fit(self, skeleton: Skeleton) -> Retargeted:
        return fit(source_of(self), skeleton, self.reading.floor == "trust")

    def facts(self) -> dict[str, Any]:
        """Where the parameters were found, and which way is up."""
        source, notes = source_of(self), [*self.notes]
        if source.unit != 1.0:
            notes.append(f"the translation is taken to be in units of {source.unit:g} m")
        return {"read from": ", ".join(self.layout.keys), "up": source.up.told, "note": notes}


@dataclass(frozen=True)
class SurrealMotion(SmplMotion):
    """One sequence of SURREAL's smpl_data.npz."""

    sequence: str

    @cached_property
    def layout(self) -> Layout:
        file = _opened(self.path)
        shapes = _shapes(self.path)
        roles = {"whole": f"pose_{self.sequence}", "transl": f"trans_{self.sequence}"}
        return layout_of(file, roles, dict(shapes), needs_transl=True)

    @cached_property
    def _stated_rate(self) -> float | None:
        return SURREAL_RATE


@lru_cache(maxsize=4)
def _read_together(company: tuple[SmplMotion, ...]) -> dict[str, SmplSource]:
    """By name, all of a recording."""
    read = [motion.parameters() for motion in company]
    space = find_space([(p, motion.rate) for p, motion in zip(read, company)], company[0].reading.up)
    sources = [make_smpl_source(p, motion.rate, space) for p, motion in zip(read, company)]
    sources = shared_by(sources, [motion.begin for motion in company]) if len(sources) > 1 else sources
    return {motion.name: source for motion, source in zip(company, sources)}


@lru_cache(maxsize=4)
def _opened(path: Path) -> NpzFile:
    return NpzFile(path)


@lru_cache(maxsize=4)
def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    return _opened(path).shapes()


def read_surreal_shapes(path) -> dict[str, np.ndarray]:
    """Gender → (N, 10) float64 betas of SURREAL's smpl_data.npz."""
    file = NpzFile(path)
    shapes = {gender: file.array(f"{gender}shapes") for gender in ("female", "male")}
    for gender, betas in shapes.items():
        if (
            betas.ndim != 2
            or betas.shape[0] < 1
            or betas.dtype.kind not in "fiu"
            or not (np.abs(betas, dtype=np.float64) <= limits.COORDINATE).all()
        ):
            raise AssetError(
                f"'{gender}shapes' in {path} has shape {betas.shape} or values that are no finite numbers. "
                "Expected (N, 10) betas; get the file from SURREAL's site again."
            )
    return {gender: betas.astype(np.float64) for gender, betas in shapes.items()}

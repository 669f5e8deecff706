"""The hand that draws one clip: its random streams, and what its split may use of the catalog."""

import math
from dataclasses import dataclass

import numpy as np

from mannequin.generator.catalog import Catalog, members
from mannequin.generator.config import ResolvedConfig
from mannequin.generator.errors import ConfigError
from mannequin.generator.motion.procedural import ACTIONS, sample_style
from mannequin.generator.spec import AppearanceSpec, MotionSpec, PersonSpec
from mannequin.generator.streams import stream


@dataclass(frozen=True)
class Draw:
    """Streams and choices of clip ``index`` of ``seed``."""

    catalog: Catalog
    seed: int
    index: int
    split: str

    def rng(self, factor: str) -> np.random.Generator:
        """The stream of one factor; asking twice gives the same numbers."""
        return stream(self.seed, self.index, factor)

    def choose(self, factor: str, items):
        """One of ``items`` that the split may use, uniformly."""
        usable = members(tuple(items), self.split)
        return usable[int(self.rng(factor).integers(len(usable)))]

    def person(self, config: ResolvedConfig, motion_id: str, start: float) -> PersonSpec:
        """Somebody over the origin, facing anywhere, performing ``motion_id`` from ``start`` (s)."""
        gender = self.catalog.genders[int(self.rng("gender").integers(len(self.catalog.genders)))]
        body = self.catalog.bodies[gender]
        return PersonSpec(
            name="person0",
            instance=1,
            body=body,
            joints=config.joints,
            betas=self._shape(body),
            motion=MotionSpec(motion_id, start, self._style(motion_id)),
            appearance=AppearanceSpec(self.choose("texture", self.catalog.textures)),
            yaw=float(self.rng("yaw").uniform(0, 2 * math.pi)),
        )

    def _shape(self, body_id: str) -> tuple[float, ...]:
        """Betas: the first 80 % of the catalog's shapes train, the rest test, as in SURREAL."""
        shapes = self.catalog.shapes(body_id)
        cut = int(len(shapes) * 0.8)
        low, high = {"train": (0, cut), "test": (cut, len(shapes)), "all": (0, len(shapes))}[self.split]
        return tuple(float(b) for b in shapes[int(self.rng("shape").integers(low, high))])

    def _style(self, motion_id: str) -> dict[str, float]:
        """Style parameters of a procedural action; a recording has none."""
        if not motion_id.startswith("action/"):
            return {}
        return sample_style(self.rng("style"), ACTIONS[motion_id.removeprefix("action/")])


def motions_of(catalog: Catalog, split: str) -> tuple[str, ...]:
    """Motion ids whose subject belongs to ``split``; built-in actions serve all splits."""
    subjects = {m: catalog.motion(m).subject for m in catalog.motions if not m.startswith("action/")}
    allowed = set(members(tuple(sorted(set(subjects.values()))), split))
    usable = tuple(m for m in catalog.motions if m not in subjects or subjects[m] in allowed)
    if not usable:
        raise ConfigError(
            f"None of the {len(catalog.motions)} motions belongs to the split {split!r}; "
            "give more subjects, or use --split all."
        )
    return usable

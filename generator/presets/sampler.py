"""What a clip's factors are sampled with: its random streams, and what its split may use of the catalog."""

import math
from dataclasses import dataclass, replace

import numpy as np

from mannequin.generator.catalog import Catalog, members
from mannequin.generator.config import ResolvedConfig
from mannequin.generator.errors import ConfigError
from mannequin.generator.io.listing import LeftOut
from mannequin.generator.motion.base import Motion
from mannequin.generator.motion.procedural import ACTIONS, sample_style
from mannequin.generator.pose_noise import COMPONENTS
from mannequin.generator.spec import AppearanceSpec, MotionSpec, PersonSpec
from mannequin.generator.streams import rank, stream
from mannequin.generator.survey import none_left

FIRST = "person0"

MOVEMENT = ("motion", "style", "noise", "yaw", "people", "arrangement", "placing", "shift")
"""Factors (their first word) of what people do and where."""

MOST_DRAWS = 100
"""Of files that turn out to be unusable, before it is given up."""


@dataclass(frozen=True)
class Sampler:
    """Streams and choices of clip ``index`` of ``seed``. owner: before the name of every factor; "" for the clip's.

    moves_as: number from which what people do and where is drawn instead of ``index``, so that clips of one number move
    alike. one_gender: everybody is of the first one's gender.
    """

    catalog: Catalog
    seed: int
    index: int
    split: str
    owner: str = ""
    moves_as: int | None = None
    one_gender: bool = False

    def rng(self, factor: str) -> np.random.Generator:
        """The stream of one factor; asking twice gives the same numbers."""
        index = self.index
        if self.moves_as is not None and factor.split()[0] in MOVEMENT:
            index = self.moves_as
        return stream(self.seed, index, f"{self.owner}/{factor}" if self.owner else factor)

    def of(self, person: str) -> "Sampler":
        """The same for the factors of one person, which nobody else draws from.

        Those of FIRST have no owner, as when clips held one person alone: seeds go on to mean the same clips.
        """
        return replace(self, owner="" if person == FIRST else person)

    def of_split(self, items: tuple[str, ...]) -> tuple[str, ...]:
        """Those of ``items`` that the split may use."""
        return members(items, self.split)

    def choose_file(self, kind: str, rng: np.random.Generator, items: tuple[str, ...]) -> str:
        """One of ``items``, uniformly among those that can be used: in place of one that cannot, which only reading it
        shows, another is drawn. kind: of the catalog's files. Raises AssetError if none can, or MOST_DRAWS in a row
        cannot."""
        left, faults = items, []
        while left and len(faults) < MOST_DRAWS:
            name = left[int(rng.integers(len(left)))]
            reason = self.catalog.files.fault(kind, name)
            if not reason:
                return name
            faults.append(LeftOut(kind, name, reason))
            left = tuple(item for item in left if item != name)
        raise none_left(faults)

    def person(self, config: ResolvedConfig, number: int = 0, motion: tuple[str, float] | None = None) -> PersonSpec:
        """Person ``number`` (from 0) of the clip, over the origin, facing anywhere.

        motion: id and start (s) of what they perform; drawn where it is left out.
        """
        name = f"person{number}"
        return self.of(name)._person(config, name, number + 1, motion)

    def _person(self, config: ResolvedConfig, name: str, instance: int, motion: tuple[str, float] | None) -> PersonSpec:
        genders = (self.of(FIRST) if self.one_gender else self).rng("gender")
        gender = self.catalog.genders[int(genders.integers(len(self.catalog.genders)))]
        body = self.catalog.bodies[gender]
        motion_id, start = motion or self._motion(config, "motion")
        return PersonSpec(
            name=name,
            instance=instance,
            body=body,
            joints=config.joints,
            betas=self._shape(body),
            motion=MotionSpec(motion_id, start, self._style(motion_id), self._noise(config.pose_noise)),
            appearance=AppearanceSpec(
                self.choose_file("texture", self.rng("texture"), self.catalog.textures_for(gender, self.split))
            ),
            yaw=float(self.rng("yaw").uniform(0, 2 * math.pi)),
        )

    def motion(self, config: ResolvedConfig, number: int, again: int) -> tuple[str, float]:
        """Another motion and start (s) of person ``number`` than the one drawn first; again: from 1, which other."""
        return self.of(f"person{number}")._motion(config, f"motion {again}")

    def _motion(self, config: ResolvedConfig, factor: str) -> tuple[str, float]:
        """A motion and a start (s) from which the clip fits into it; if it fits into none, the start of one."""
        usable = motions_of(self.catalog, self.split)
        rng, length = self.rng(factor), (config.frames - 1) / config.fps
        motion_id = self.choose_file("motion", rng, usable)
        if not lasts(self.catalog.motion(motion_id), length):
            longer = tuple(name for name in usable if lasts(self.catalog.motion(name), length))
            sound = next((name for name in longer if not self.catalog.files.fault("motion", name)), None)
            motion_id = self.choose_file("motion", rng, longer) if sound else motion_id
        spare = max(0.0, self.catalog.motion(motion_id).duration - length)
        return motion_id, float(rng.uniform(0, spare))

    def _shape(self, body_id: str) -> tuple[float, ...]:
        """Betas: the first 80 % of the catalog's shapes train, the rest test, as in SURREAL."""
        shapes = self.catalog.shapes(body_id)
        cut = int(len(shapes) * 0.8)
        low, high = {"train": (0, cut), "test": (cut, len(shapes)), "all": (0, len(shapes))}[self.split]
        return tuple(float(b) for b in shapes[int(self.rng("shape").integers(low, high))])

    def _noise(self, most: float) -> tuple[float, ...]:
        return tuple(float(n) for n in self.rng("noise").uniform(-most, most, COMPONENTS)) if most else ()

    def _style(self, motion_id: str) -> dict[str, float]:
        """Style parameters of a procedural action; a recording has none."""
        if not motion_id.startswith("action/"):
            return {}
        return sample_style(self.rng("style"), ACTIONS[motion_id.removeprefix("action/")])


def motions_of(catalog: Catalog, split: str) -> tuple[str, ...]:
    """Motion ids whose subject belongs to ``split``; built-in actions serve all splits."""
    subjects = {m: catalog.motion(m).subject for m in catalog.motions if not m.startswith("action/")}
    people = tuple(sorted(set(subjects.values())))
    allowed = _people_of(people, split)
    usable = tuple(m for m in catalog.motions if m not in subjects or subjects[m] in allowed)
    if not usable:
        raise ConfigError(
            f"None of the {len(catalog.motions)} motions belongs to the split {split!r}: all are of "
            f"{', '.join(people)}, who is for training. Give motions of more people, each in a folder of their own, "
            "or use --split all."
        )
    return usable


def _people_of(people: tuple[str, ...], split: str) -> set[str]:
    """Those whom ``split`` may use: nobody trains and tests. Of fewer than five one is for testing, a single one is
    not."""
    if split == "all" or len(people) >= 5:
        return set(members(people, split))
    test = {min(people, key=rank)} if len(people) > 1 else set()
    return test if split == "test" else set(people) - test


def lasts(motion: Motion, length: float) -> bool:
    """Whether a clip of ``length`` seconds fits into a motion; built-in actions have no end."""
    return motion.rate == 0.0 or motion.duration > length - 1e-6


def frames_that_fit(motion: Motion, start: float, config: ResolvedConfig) -> int:
    """Frames of a clip of ``motion`` from ``start`` (s) on: as many as are asked for, or as it lasts."""
    if lasts(motion, start + (config.frames - 1) / config.fps):
        return config.frames
    return max(1, min(config.frames, math.floor((motion.duration - start) * config.fps + 1e-6) + 1))

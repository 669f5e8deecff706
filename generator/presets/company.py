"""Who is in a clip: one person, or several who are placed so that nobody gets into anybody."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mannequin.generator import exact
from mannequin.generator.config import ResolvedConfig
from mannequin.generator.errors import ConfigError
from mannequin.generator.motion.base import Motion
from mannequin.generator.penetration import DEEPEST, Penetration, deepest_penetration
from mannequin.generator.people import PersonPose, frame_times, perform, person_pose, person_vertices, placed_pose
from mannequin.generator.placing import Unit, cover, place_units
from mannequin.generator.presets.arrangement import SPACING, Performer, as_recorded, facing, form_units, heading_of
from mannequin.generator.presets.sampler import Sampler, frames_that_fit, motions_of
from mannequin.generator.spec import PersonSpec
from mannequin.generator.tags import of_everybody

MOST_PEOPLE = 64

RECORDED = "recorded"
"""For a number of people: as many as were recorded together."""

FRONT = -np.pi / 2
"""rad from the world's x to the camera whom people who were recorded together are shown to from the front."""

MOST_BODIES = 2**15
"""People times frames of a clip of several; each takes some 0.17 MB while they are compared."""

MOST_TRIES = 8
"""Of placing the people of a clip, before it is given up."""

STANDING = 0.4
"""Metres that somebody who faces another may get on in a clip; else another motion is drawn, LOOKS times at most."""

LOOKS = 8

SHIFT = (0.08, 0.45)
"""Seconds after another that somebody begins who does the same together with them."""


@dataclass(frozen=True, eq=False)
class Company:
    """Everybody in a clip of ``frames`` frames.

    poses: of each of them at frames -1 … T. tags: of the clip; of several people also how many they are, how they stand
    to each other, and the metres by which they are in one another.
    """

    people: tuple[PersonSpec, ...]
    frames: int
    poses: tuple[PersonPose, ...]
    tags: dict[str, str | float]

    @property
    def joints(self) -> np.ndarray:
        """(T, J, 3) float64 world metres, of all of them."""
        return np.concatenate([pose.joints[1:-1] for pose in self.poses], axis=1)

    @property
    def reach(self) -> float:
        """Metres from the world's axis to the outermost joint of several people; 0 for one."""
        return float(exact.norm(self.joints[..., :2]).max()) if len(self.people) > 1 else 0.0

    @property
    def middle(self) -> tuple[float, float]:
        """(x, y) metres of the middle of their places."""
        x, y = (sum(person.place[a] for person in self.people) / len(self.people) for a in range(2))
        return x, y


def people_range(text: str) -> tuple[int, int]:
    """(least, most) of "3" or "1-4". Raises ConfigError for anything else."""
    match = re.fullmatch(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9}))?\s*", text, re.ASCII)
    least, most = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= least <= most <= MOST_PEOPLE:
        raise ConfigError(
            f"people is {text!r}; expected a number from 1 to {MOST_PEOPLE}, such as 3, a range, such as 1-4, or "
            f"{RECORDED}."
        )
    return least, most


def check_bodies(people: int, frames: int) -> None:
    """Raise ConfigError if so many cannot be compared with each other."""
    if people > 1 and people * frames > MOST_BODIES:
        raise ConfigError(
            f"{people} people in {frames} frames take {1.7e-4 * people * frames:.0f} GB for their meshes "
            f"alone; expected at most {1.7e-4 * MOST_BODIES:.0f} GB. Ask for fewer --people or --frames, and more "
            "--clips."
        )


def sample_company(
    sampler: Sampler, config: ResolvedConfig, motion: tuple[str, float] | None = None, frames: int | None = None
) -> Company:
    """Draw everybody in a clip, and places for them.

    motion: id and start (s) of what the first person does; drawn where it is left out. frames: of the clip at most;
    it is as long as all their motions last.
    Raises ConfigError if they cannot be placed so that nobody gets into anybody.
    """
    if config.people == RECORDED:
        return _Several(sampler, config, motion, frames, 1).recorded()
    least, most = people_range(config.people)
    count = least if least == most else int(sampler.rng("people").integers(least, most + 1))
    if count > 1:
        return _Several(sampler, config, motion, frames, count).company()
    person = sampler.person(config, motion=motion)
    done = sampler.catalog.motion(person.motion.asset)
    frames = frames or frames_that_fit(done, person.motion.start, config)
    pose = person_pose(person, sampler.catalog, frame_times(person, frames, config.fps))
    return Company((person,), frames, (pose,), _told([done]))


def _told(motions: Sequence[Motion]) -> dict[str, str | float]:
    return {
        "action": of_everybody([", ".join(motion.actions) for motion in motions]),
        "subject": of_everybody([motion.subject for motion in motions]),
    }


def partners_through(
    motion: Motion, start: float, catalog, usable: Sequence[str], config: ResolvedConfig, frames: int
) -> list[tuple[str, float]]:
    """Ids and starts (s) of those of the ``usable`` partners of ``motion`` that last through a clip of it, which begins
    ``start`` seconds into it and has ``frames`` frames at most."""
    frames, found = min(frames, frames_that_fit(motion, start, config)), []
    for name in motion.partners:
        if name in usable:
            mate = catalog.motion(name)
            begun = start + motion.begin - mate.begin
            if begun > -1e-6 and frames_that_fit(mate, begun, config) >= frames:
                found.append((name, max(0.0, begun)))
    return found


class _Several:
    """Draws and places ``count`` people."""

    def __init__(self, sampler: Sampler, config: ResolvedConfig, motion, frames: int | None, count: int):
        self.sampler, self.config, self.motion, self.count = sampler, config, motion, count
        self.most = frames or config.frames
        self.again: dict[int, int] = {}  # number of a person → how often their motion was drawn anew
        self._known: dict[tuple[str, str, float, int], Performer] = {}
        names = tuple(SPACING)
        drawn = names[int(sampler.rng("arrangement").integers(len(names)))]
        self.arrangement = drawn if config.arrangement == "any" else config.arrangement

    def company(self) -> Company:
        rng, found = self.sampler.rng("placing"), Penetration()
        for _ in range(MOST_TRIES):
            people, groups = self._people()
            frames = self._frames(people)
            performers = [self._performer(person, frames) for person in people]
            units = form_units(self.arrangement, performers, groups, rng)
            spots = place_units(units, rng, *SPACING[self.arrangement]) if units else None
            if not units or not spots:
                raise self._no_room(frames, "so that nobody passes through anybody")
            people = _at(people, units, spots)
            poses = [placed_pose(p.done, person) for p, person in zip(performers, people, strict=True)]
            found = self._penetration(people, poses)
            if found.depth <= DEEPEST:
                return self._made(people, poses, frames, found)
            self._draw_anew(groups, people, found.pair)
        raise self._no_room(
            self.most, f"without {found.pair[0]} and {found.pair[1]} being {found.depth:.3f} m in each other"
        )

    def _people(self) -> tuple[list[PersonSpec], list[list[int]]]:
        """Everybody at the origin, and the numbers of those who were recorded together; the others are each alone."""
        people: list[PersonSpec] = []
        groups: list[list[int]] = []
        while len(people) < self.count:
            number = len(people)
            person = self._person(number, people)
            people.append(person)
            mates = self._mates(person) if self.arrangement != "together" else []
            for mate in mates[: self.count - len(people)]:
                people.append(self.sampler.person(self.config, len(people), mate))
            groups.append(list(range(number, len(people))))
        return people, groups

    def _person(self, number: int, before: list[PersonSpec]) -> PersonSpec:
        sampler = self.sampler
        if number == 0 and self.motion and not self.again.get(0):
            return sampler.person(self.config, 0, self.motion)
        if self.arrangement == "together" and before:
            return self._alike(number, before[0])
        again = self.again.get(number, 0)
        person = sampler.person(self.config, number, sampler.motion(self.config, number, again) if again else None)
        if self.arrangement != "facing" or self._mates(person):
            return person
        best, least = person, self._travel(person)
        for look in range(1, LOOKS):
            if least <= STANDING:
                break
            person = sampler.person(self.config, number, sampler.motion(self.config, number, 100 * (again + 1) + look))
            if not self._mates(person) and (travel := self._travel(person)) < least:
                best, least = person, travel
        return best

    def _alike(self, number: int, first: PersonSpec) -> PersonSpec:
        """One who does the same as the first, begun a little apart in time."""
        asset, start = first.motion.asset, first.motion.start
        later = start + float(self.sampler.of(f"person{number}").rng("shift").uniform(*SHIFT)) * (1 - 2 * (number % 2))
        motion = self.sampler.catalog.motion(asset)
        if motion.rate:
            later = min(max(0.0, later), max(start, motion.duration - (self.most - 1) / self.config.fps))
        person = self.sampler.person(self.config, number, (asset, later))
        return replace(person, motion=replace(first.motion, start=later, noise=person.motion.noise))

    def _mates(self, person: PersonSpec) -> list[tuple[str, float]]:
        """Ids and starts of the motions that were recorded together with that of ``person``, through the whole clip."""
        catalog = self.sampler.catalog
        motion = catalog.motion(person.motion.asset)
        usable = motions_of(catalog, self.sampler.split) if motion.partners else ()
        found = partners_through(motion, person.motion.start, catalog, usable, self.config, self.most)
        return [(name, start) for name, start in found if not catalog.files.fault("motion", name)]

    def recorded(self) -> Company:
        """Everybody who was recorded together with the first, as they stood to each other, touching or not.

        They are over the origin on the average, and turned so that a camera at FRONT sees the first one from the front,
        or the first two side by side.
        """
        sampler, catalog = self.sampler, self.sampler.catalog
        people = [sampler.person(self.config, 0, self.motion)]
        mates = self._mates(people[0])
        if len(mates) >= MOST_PEOPLE:
            raise ConfigError(
                f"{len(mates) + 1} people were recorded together with {people[0].motion.asset!r}; expected at most "
                f"{MOST_PEOPLE} in a clip. Ask for --people {MOST_PEOPLE}, or use files of fewer."
            )
        people += [sampler.person(self.config, number, mate) for number, mate in enumerate(mates, start=1)]
        frames = self._frames(people)
        check_bodies(len(people), frames)
        done = [perform(person, catalog, frame_times(person, frames, self.config.fps)) for person in people]
        people = as_recorded(people, done, 0.0)
        front = facing([placed_pose(d, p) for d, p in zip(done, people, strict=True)])
        people = as_recorded(people, done, float((FRONT - front) % (2 * np.pi)))
        joints = np.stack([placed_pose(d, p).joints[1:-1, 0] for d, p in zip(done, people, strict=True)])
        x, y, _ = np.add.reduce(joints, axis=(0, 1)) / joints[..., 0].size
        people = [replace(p, place=(p.place[0] - float(x), p.place[1] - float(y), 0.0)) for p in people]
        poses = [placed_pose(d, p) for d, p in zip(done, people, strict=True)]
        self.arrangement = RECORDED
        if len(people) > 1:
            return self._made(people, poses, frames, self._penetration(people, poses))
        return Company(tuple(people), frames, tuple(poses), _told([catalog.motion(people[0].motion.asset)]))

    def _frames(self, people: list[PersonSpec]) -> int:
        """Of the clip: as many as are asked for, or as all motions last."""
        motions = [(self.sampler.catalog.motion(p.motion.asset), p.motion.start) for p in people]
        return min(self.most, *(frames_that_fit(motion, start, self.config) for motion, start in motions))

    def _performer(self, person: PersonSpec, frames: int) -> Performer:
        key = (person.name, person.motion.asset, person.motion.start, frames)
        if key not in self._known:
            catalog = self.sampler.catalog
            done = perform(person, catalog, frame_times(person, frames, self.config.fps))
            model = catalog.body(person.body, person.joints)
            clothes = catalog.clothes(person.appearance.texture, model)
            spheres = cover(model, person.betas, clothes, done)
            self._known[key] = Performer(person, done, spheres, heading_of(person, done))
        return self._known[key]

    def _travel(self, person: PersonSpec) -> float:
        """Metres between the places of the pelvis that are furthest apart along x or y."""
        transl = self._performer(person, self._frames([person])).done.transl[:, :2]
        return float((transl.max(axis=0) - transl.min(axis=0)).max())

    def _penetration(self, people: Sequence[PersonSpec], poses: Sequence[PersonPose]) -> Penetration:
        catalog, meshes = self.sampler.catalog, {}
        for person, pose in zip(people, poses, strict=True):
            faces = catalog.body(person.body, person.joints).topology.faces
            meshes[person.name] = (person_vertices(person, catalog, pose), faces)
        return deepest_penetration(meshes, first=-1)

    def _draw_anew(self, groups: list[list[int]], people: Sequence[PersonSpec], pair: tuple[str, str]) -> None:
        """Another motion for people who were recorded together and are in each other; all are placed anew anyway."""
        numbers = {person.name: k for k, person in enumerate(people)}
        for group in groups:
            if {numbers[name] for name in pair} <= set(group):
                self.again[group[0]] = self.again.get(group[0], 0) + 1

    def _made(self, people, poses: Sequence[PersonPose], frames: int, found: Penetration) -> Company:
        motions = [self.sampler.catalog.motion(person.motion.asset) for person in people]
        about = {"people": float(len(people)), "arrangement": self.arrangement, "penetration": found.depth}
        return Company(tuple(people), frames, tuple(poses), _told(motions) | about)

    def _no_room(self, frames: int, how: str) -> ConfigError:
        others = ", ".join(name for name in SPACING if name != self.arrangement)
        return ConfigError(
            f"The {self.count} people of clip {self.sampler.index} cannot be placed in {frames} frames {how}. Lower "
            f"--people or --frames, or use another --arrangement than {self.arrangement} ({others})."
        )


def _at(people: list[PersonSpec], units: list[Unit], spots: list[tuple[float, float]]) -> list[PersonSpec]:
    placed = list(people)
    for unit, (x, y) in zip(units, spots, strict=True):
        for m in unit.members:
            placed[m.number] = replace(people[m.number], yaw=m.yaw, place=(x + m.x, y + m.y, 0.0))
    return placed

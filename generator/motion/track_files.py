"""Motions of people who are in one file together: each track of a video is a motion of its own.

Called FILE#LABEL after what the file calls the person; FILE#LABEL.1, … where a track is cut. All have one up, and as
they are in one space, one scale.
"""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from mannequin.generator.errors import AssetError
from mannequin.generator.io import limits
from mannequin.generator.motion.gravity import AXES
from mannequin.generator.motion.people_files import CAMERAS, FRAMES, People, Person, none_in, people_of
from mannequin.generator.motion.shared import Shared
from mannequin.generator.motion.smpl_files import SmplMotion
from mannequin.generator.motion.smpl_keys import Layout, find_layout, is_of_world
from mannequin.generator.motion.smpl_motion import SmplSource, find_space, make_smpl_source, shared_by
from mannequin.generator.motion.smpl_parameters import Parameters, frame_rate, read_parameters
from mannequin.generator.motion.tracks import FEWEST, HOLE, filled, flat_way, into_one_world, pieces, smoothed

WHOLE_CAMERA = CAMERAS[0]


@dataclass(frozen=True)
class TrackMotion(SmplMotion):
    """One person of a file, in the frames [first, last]. label: what the file calls them."""

    label: str
    first: int
    last: int

    in_company = True

    @property
    def _person(self) -> Person:
        """Not kept: a folder may hold thousands of them."""
        for person in people_of(self.path).people:
            if person.label == self.label:
                return person
        raise AssetError(f"{self.path} has changed since it was looked at. Start again.")

    @cached_property
    def layout(self) -> Layout:
        return find_layout(self._person.arrays)

    @cached_property
    def _camera_layout(self) -> Layout | None:
        """Where the same is in the camera's axes, if it is there as well."""
        layout = find_layout(self._person.arrays, world=False)
        return layout if layout.keys != self.layout.keys else None

    @property
    def of_world(self) -> bool:
        """Whether its poses are told to be in the world's axes."""
        return any(map(is_of_world, self.layout.keys))

    @property
    def usual_up(self) -> str:
        """Which axis is up in such files: of cameras -Y, of worlds of video systems Y, else Z."""
        keys = self._person.arrays.keys
        video = self._person.single or any(key in FRAMES or "incam" in key for key in keys)
        return "y" if self.of_world else "-y" if video else "z"

    @property
    def placed(self) -> bool:
        """Whether it is known where the person is to others."""
        return not self.of_world or self._camera_layout is not None

    def _read_outline(self) -> tuple[int, float]:
        frames = self.last - self.first + 1
        return frames, super()._read_outline()[1]

    @cached_property
    def _stated_rate(self) -> float | None:
        return frame_rate(self._person.arrays, self.layout)

    @property
    def begin(self) -> float:
        return self.first / self.rate

    @property
    def partners(self) -> tuple[str, ...]:
        if not self.placed:
            return ()
        others = (other for other in self.beside if isinstance(other, TrackMotion))
        return tuple(other.name for other in others if _meet(self, other))

    def parameters(self) -> Parameters:
        return self._even(self.layout)

    def in_camera(self) -> Parameters:
        """The same in the camera's axes; of one whose :attr:`of_world` and :attr:`placed` hold."""
        assert self._camera_layout is not None
        return self._even(self._camera_layout)

    def _even(self, layout: Layout) -> Parameters:
        person = self._person
        parameters = read_parameters(person.arrays, layout)
        if self._flat:
            parameters = replace(parameters, transl=flat_way(_camera(person)))
        parameters = filled(parameters, person.frames, self.first, self.last)
        return smoothed(parameters) if person.single else parameters

    @property
    def _flat(self) -> bool:
        """Whether the person moves as a weak-perspective camera saw it: only where there are others to move against,
        as in SURREACT."""
        camera = self._person.arrays.held.get(WHOLE_CAMERA)
        return self.layout.transl is None and camera is not None and len(people_of(self.path).people) > 1

    def read(self) -> SmplSource:
        found = _read_together(self.company)[self.name]
        if isinstance(found, AssetError):
            raise found
        return found

    @property
    def notes(self) -> tuple[str, ...]:
        lines = [note for note in super().notes if not (self._flat and note.startswith("no translation"))]
        if self._flat:
            lines.append(f"{WHOLE_CAMERA} is a weak-perspective camera: people move across the image, without depth")
        if self._person.single:
            lines.append("estimated frame by frame: rotations and ways are smoothed")
        holes = self.last - self.first + 1 - len(self._seen)
        if holes:
            lines.append(
                f"{holes} of {self.last - self.first + 1} frames are missing and filled, up to {HOLE} in a row"
            )
        if self.of_world and self.beside:
            lines.append(
                "each person is in a world of their own; the camera's axes say where they are to each other"
                if self.placed
                else "each person is in a world of their own: nobody is set beside another"
            )
        return (*lines, *_left_out(people_of(self.path)))

    @property
    def _seen(self) -> np.ndarray:
        frames = self._person.frames
        return frames[(frames >= self.first) & (frames <= self.last)]

    def facts(self) -> dict[str, Any]:
        told = super().facts() | {"frames of the video": f"{self.first} to {self.last}"}
        if self._camera_layout is not None:
            told["read from"] += "; in the world's axes, which are preferred to the camera's"
        return told


def _camera(person: Person) -> np.ndarray:
    """(T, 4) [sx, sy, tx, ty]."""
    camera = person.arrays.array(WHOLE_CAMERA)
    expected = (len(person.frames), 4)
    if camera.shape != expected or camera.dtype.kind not in "fiu" or not (np.abs(camera, dtype=float) < 1e6).all():
        raise AssetError(
            f"{WHOLE_CAMERA!r} in {person.arrays.path} has shape {camera.shape} or values that are no finite numbers. "
            f"Expected {expected}: sx, sy, tx, ty of each frame."
        )
    return camera.astype(np.float64)


@lru_cache(maxsize=4)
def _left_out(people: People) -> tuple[str, ...]:
    """Notes on the people of a file who are not used."""
    short = [p.label for p in people.people if not pieces(p.frames)]
    lines = (
        [f"left out, of fewer than {FEWEST} frames: {', '.join(short[:10])}{' …' if short[10:] else ''}"]
        if short
        else []
    )
    cut = [p.label for p in people.people if len(np.flatnonzero(np.diff(p.frames) > HOLE + 1))]
    lines += (
        [f"cut where more than {HOLE} frames are missing: {', '.join(cut[:10])}{' …' if cut[10:] else ''}"]
        if cut
        else []
    )
    return (*lines, *(f"left out: {reason}" for _, reason in people.faults[:5]))


@lru_cache(maxsize=4)
def _read_together(company: tuple[TrackMotion, ...]) -> dict[str, SmplSource | AssetError]:
    """By name, everybody of a file, or why they cannot be used."""
    found: dict[str, SmplSource | AssetError] = {}
    sound: list[tuple[TrackMotion, Parameters, Parameters | None]] = []
    for motion in company:
        try:
            apart = motion.of_world and motion.placed
            sound.append((motion, motion.parameters(), motion.in_camera() if apart else None))
        except AssetError as e:
            found[motion.name] = e
    if not sound:
        return found
    motions, read, seen = (list(each) for each in zip(*sound))
    space = find_space(
        [(p, motion.rate) for p, motion in zip(read, motions)], company[0].reading.up, 1.0, motions[0].usual_up
    )
    if len(sound) > 1 and all(camera is not None for camera in seen):
        up = np.array(AXES[space.up.axis])
        read = into_one_world(read, seen, [(motion.first, motion.last) for motion in motions], up)
    sources = [make_smpl_source(p, motion.rate, space) for p, motion in zip(read, motions)]
    beside = [motion.placed and any(_meet(motion, other) for other in motions) for motion in motions]
    if any(beside):
        flat = any(p.single for p in people_of(company[0].path).people) or any(motion.of_world for motion in motions)
        shared = (
            [replace(s, shared=Shared(1.0)) for s in sources]
            if flat
            else shared_by(sources, [m.begin for m in motions])
        )
        sources = [one if with_others else alone for one, alone, with_others in zip(shared, sources, beside)]
    return found | {motion.name: source for motion, source in zip(motions, sources)}


def _meet(one: TrackMotion, other: TrackMotion) -> bool:
    """Whether both are seen in one frame."""
    return one is not other and one.first <= other.last and other.first <= one.last


def tracks_of(file: Path, name: str, subject: str, strict: bool) -> list[TrackMotion]:
    """The motions of a file of people, called after ``name``. strict: raise AssetError if there are none."""
    people = people_of(file)
    motions = []
    for person in people.people:
        spans = pieces(person.frames)
        called = f"{name}#{person.label}" if person.label else name
        for number, (first, last) in enumerate(spans, start=1):
            full = f"{called}.{number}" if len(spans) > 1 else called
            motions.append(TrackMotion(file, full, subject, person.label, first, last))
    if len(motions) > limits.PEOPLE:
        raise AssetError(f"{file} holds {len(motions)} tracks. Expected at most {limits.PEOPLE}; split the file.")
    if not motions and people.people:
        raise AssetError(
            f"{file} holds {len(people.people)} people, none in {FEWEST} frames or more (at most "
            f"{max(len(p.frames) for p in people.people)}). Give results of a longer video."
        )
    if not motions and (strict or people.faults):
        raise none_in(file, people)
    return motions

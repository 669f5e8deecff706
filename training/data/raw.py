"""What is read of a clip for a sample, before it is cropped: the one way from clips of any kind to samples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mannequin.generator.clip import Foreground
from mannequin.generator.dataset.source import ClipSource
from mannequin.generator.errors import DatasetError
from mannequin.generator.tags import of_person
from mannequin.training.data.crop import Crop, crop_centres

JOINTS = ("joints2d", "joints_camera", "visible")
"""Arrays of PersonView that every sample of a person is made from."""

_JOINTS_24 = {24: slice(24), 52: [*range(22), 22, 37]}  # of 52, the index knuckles stand for the hands


@dataclass(frozen=True, eq=False)
class RawPerson:
    """One person in T frames of a camera.

    instance: as in the instance channel. joints2d: (T, 24, 2) float32 pixels. joints_camera: (T, 24, 3) float32 metres.
    visible: (T, 24) bool. arrays: what else targets asked for of PersonView, by name.
    """

    name: str
    instance: int
    joints2d: np.ndarray
    joints_camera: np.ndarray
    visible: np.ndarray
    arrays: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class RawSample:
    """T frames of one camera.

    id: "clip/camera/person/frame", of the first frame, without the person where everybody is meant.
    rgb: (T, H, W, 3) uint8, or None where no image is needed. surface: label channels where there is a surface; where
    the sample is of one person, only theirs. people: the one, or everybody seen. tags: those of the clip's description
    that targets asked for and it has.
    """

    id: str
    resolution: tuple[int, int]
    rgb: np.ndarray | None
    surface: Foreground | None
    people: tuple[RawPerson, ...]
    tags: dict[str, str | float]

    @property
    def person(self) -> RawPerson:
        """Of a sample of one person."""
        (one,) = self.people
        return one

    @property
    def nbytes(self) -> int:
        """Of its images."""
        held = [self.rgb] if self.rgb is not None else []
        if self.surface is not None:
            held += [self.surface.pixels, *self.surface.values.values()]
        return sum(array.nbytes for array in held)

    def label_images(self, crop: Crop, values_of: Callable[[dict[str, np.ndarray], int], np.ndarray]) -> np.ndarray:
        """(T, size, size) cropped label images, 0 where nothing is seen.

        values_of: takes the channels' values at the N pixels with a surface, by name, and the frame's place in the
        window; returns (N,) values.
        """
        assert self.surface is not None, "a target with label images names the channels that they are made from"
        images = []
        for t in range(self.surface.num_frames):
            part = slice(self.surface.offsets[t], self.surface.offsets[t + 1])
            values = values_of({name: value[part] for name, value in self.surface.values.items()}, t)
            image = np.zeros(self.resolution, values.dtype)
            image.reshape(-1)[self.surface.pixels[part]] = values
            images.append(crop.labels(image))
        return np.stack(images)


def read_raw(
    source: ClipSource,
    camera: str,
    people: Sequence[tuple[str, int]],
    frames: np.ndarray,
    name: str,
    *,
    image: bool,
    channels: tuple[str, ...],
    arrays: tuple[str, ...] = (),
    tags: tuple[str, ...] = (),
    only: int | None = None,
) -> RawSample:
    """Frames ``frames``, ascending, of a clip.

    people: (name, instance) of those whom the sample is of. name: before the frame in its id. channels: label channels
    that targets are made from. arrays: of PersonView, besides JOINTS. tags: of the description, of a sample of one
    person what they say of them. only: the instance whose surface alone is kept; None keeps all of it.
    Raises DatasetError if the clip is damaged.
    """
    runs = _runs(frames)
    rgb = np.concatenate([source.rgb(camera, *run) for run in runs]) if image else None
    surface = None
    if channels:
        read = channels if only is None else tuple(dict.fromkeys((*channels, "instance")))
        surface = _joined([source.labels(camera, read, *run) for run in runs])
        surface = surface if only is None else _only(surface, only, channels)
    found = []
    for person, instance in people:
        parts = [source.person_arrays(camera, person, (*JOINTS, *arrays), *run) for run in runs]
        held = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        joints = {key: held.pop(key) for key in JOINTS}
        kept = _JOINTS_24[joints["joints2d"].shape[1]]
        joints2d, joints_camera, visible = (joints[key][:, kept] for key in JOINTS)
        found.append(RawPerson(person, instance, joints2d, joints_camera, visible, held))
    spec, one = source.spec, people[0][0] if len(people) == 1 else ""
    told = {tag: of_person(spec, tag, one) for tag in tags if tag in spec.tags}
    return RawSample(f"{name}/{frames[0]}", source.resolution, rgb, surface, tuple(found), told)


def usable_frames(source: ClipSource, camera: str, person: str) -> np.ndarray:
    """Indices of the frames to learn from: something of the person is seen, all joints are before the camera, and the
    middle of the crop is in the image.

    The last is the rule of SURREAL's loader, which passes such frames over. Joints behind a camera, as one on a head
    has them, have no place in the image.
    """
    h, w = source.resolution
    arrays = source.person_arrays(camera, person, ("joints2d", "joints_camera"))
    joints2d, joints_camera = arrays["joints2d"], arrays["joints_camera"]
    chosen = _JOINTS_24.get(joints2d.shape[1])
    if chosen is None:
        raise DatasetError(
            f"A person has {joints2d.shape[1]} joints; expected 24 or 52, of which training knows the order."
        )
    middles = crop_centres(joints2d[:, chosen])
    fits = ((middles >= 0) & (middles < (w, h))).all(axis=1) & (joints_camera[:, chosen, 2] > 0).all(axis=1)
    return np.flatnonzero(fits & source.in_sight(camera, person))


def _runs(frames: np.ndarray) -> list[tuple[int, int]]:
    """(start, stop) of the runs of neighbours in ``frames``: each is read at once."""
    breaks = np.flatnonzero(np.diff(frames) != 1) + 1
    return [(int(part[0]), int(part[-1]) + 1) for part in np.split(frames, breaks)]


def _joined(parts: list[Foreground]) -> Foreground:
    """Frames after frames."""
    if len(parts) == 1:
        return parts[0]
    ends = np.cumsum([part.offsets[-1] for part in parts])
    offsets = [parts[0].offsets, *(part.offsets[1:] + end for part, end in zip(parts[1:], ends))]
    values = {name: np.concatenate([part.values[name] for part in parts]) for name in parts[0].values}
    pixels = np.concatenate([part.pixels for part in parts])
    return Foreground(parts[0].resolution, np.concatenate(offsets), pixels, values)


def _only(surface: Foreground, instance: int, channels: tuple[str, ...]) -> Foreground:
    """What belongs to others and to things becomes background: the task is to find what is the one person's."""
    own = surface.values["instance"] == instance
    counts = np.concatenate([[0], np.cumsum(own)])
    values = {name: surface.values[name][own] for name in channels}
    return Foreground(surface.resolution, counts[surface.offsets], surface.pixels[own], values)

"""One person in one frame as a training sample: what all sources of samples share."""

from dataclasses import dataclass

import numpy as np

from generator.body.model import MERGE_14
from generator.clip import Foreground, PersonView
from generator.errors import DatasetError
from training.data.colour import whitened
from training.data.crop import SIZE, crop_box, transform, warp_colour, warp_labels

LABELS = ("segm", "depth")
"""What a sample may hold besides the image and the joints."""

BIN, BINS = 0.045, 19
"""Depth classes: metres of one, and how many; the middle one ends at the pelvis."""

_JOINTS_24 = {24: slice(24), 52: [*range(22), 22, 37]}  # of 52, the index knuckles stand for the hands


@dataclass(frozen=True, eq=False)
class Shot:
    """One person in one frame of one camera, not yet cropped.

    rgb: (H, W, 3) uint8. segm: (H, W) uint8, 14 parts of this person, 0 elsewhere; None if not asked
    for. depth: (H, W) float32 metres of this person's surface, 0 elsewhere; None if not asked for.
    joints2d: (24, 2) float32 pixels. joints_depth: (24,) float32 metres from the camera, planar.
    joints_visible: (24,) bool. id: "clip/camera/person/frame".
    """

    rgb: np.ndarray
    segm: np.ndarray | None
    depth: np.ndarray | None
    joints2d: np.ndarray
    joints_depth: np.ndarray
    joints_visible: np.ndarray
    id: str


def make_shot(rgb, labels: Foreground, t: int, instance: int, person: PersonView, frame: int, id: str) -> Shot:
    """Leaves of ``labels`` (its frame ``t``) what belongs to the person numbered ``instance``.

    Others, and things, become background: the task is to find the parts of the one person in the middle.
    person: over the whole clip, of which this is frame ``frame``.
    """
    part = slice(labels.offsets[t], labels.offsets[t + 1])
    pixels, values = labels.pixels[part], {name: value[part] for name, value in labels.values.items()}
    if "instance" in values:
        own = values["instance"] == instance
        pixels, values = pixels[own], {name: value[own] for name, value in values.items()}
    segm = _image(labels.resolution, pixels, MERGE_14[values["segm"]]) if "segm" in values else None
    depth = _image(labels.resolution, pixels, values["depth"]) if "depth" in values else None
    chosen = _JOINTS_24[person.joints2d.shape[1]]
    return Shot(
        rgb=rgb,
        segm=segm,
        depth=depth,
        joints2d=person.joints2d[frame, chosen],
        joints_depth=person.joints_camera[frame, chosen, 2],
        joints_visible=person.visible[frame, chosen],
        id=id,
    )


def usable_frames(person: PersonView, resolution: tuple[int, int]) -> np.ndarray:
    """Indices of the frames to learn from: something of the person is seen, and the middle of the crop is in the image.

    The second is the rule of SURREAL's loader, which passes such frames over.
    """
    h, w = resolution
    chosen = _JOINTS_24.get(person.joints2d.shape[1])
    if chosen is None:
        raise DatasetError(f"A person has {person.joints2d.shape[1]} joints; expected 24 or 52, of which training knows the order.")
    seen = np.flatnonzero(person.pixels)
    middles = np.array([crop_box(person.joints2d[t, chosen]).centre for t in seen]).reshape(-1, 2)
    return seen[((middles >= 0) & (middles < (w, h))).all(axis=1)]


def make_sample(shot: Shot, matrix: np.ndarray, gains=(1.0, 1.0, 1.0), size: int = SIZE) -> dict:
    """What the network sees and what it is to say; default_collate makes batches of it.

    matrix: (2, 3), the crop, as of :func:`training.data.crop.crop_matrix`. gains: of red, green and blue.

    image: (3, size, size) float32, whitened (training.data.colour).
    segm: (size, size) uint8, 0 background, 1…14 as PARTS_14.
    depth: (size, size) uint8, 0 background, 1…19 bins of 45 mm round the pelvis.
    depth_metres: (size, size) float32, surface minus pelvis, planar; 0 in the background. Cropping and
    scaling leave depth as it is: the bins are of the world, not of the crop.
    pelvis_depth: float32 metres. joints_depth: (24,) float32 metres, joint minus pelvis.
    joints2d: (24, 2) float32 pixel edges of the crop; joints_visible: (24,) bool, seen, and inside the crop.
    matrix: (2, 3) float32, takes points of the image to the crop. id: as in Shot.
    """
    joints2d = transform(shot.joints2d, matrix)
    inside = ((joints2d >= 0) & (joints2d < size)).all(axis=1)
    pelvis = shot.joints_depth[0]
    sample = {
        "image": whitened(warp_colour(shot.rgb, matrix, size), gains),
        "joints2d": joints2d,
        "joints_visible": shot.joints_visible & inside,
        "joints_depth": shot.joints_depth - pelvis,
        "pelvis_depth": pelvis,
        "matrix": matrix.astype(np.float32),
        "id": shot.id,
    }
    if shot.segm is not None:
        sample["segm"] = warp_labels(shot.segm, matrix, size)
    if shot.depth is not None:
        sample |= _depth(warp_labels(shot.depth, matrix, size), pelvis)
    return sample


def depth_bins(relative: np.ndarray) -> np.ndarray:
    """Metres behind the pelvis → uint8 class 1…19: ceil(metres / .045), at most 9 either way, plus 10."""
    reach = BINS // 2
    return (np.clip(np.ceil(relative / np.float32(BIN)), -reach, reach) + reach + 1).astype(np.uint8)


def _depth(depth: np.ndarray, pelvis: float) -> dict[str, np.ndarray]:
    shown = depth > 0
    relative = np.where(shown, depth - pelvis, np.float32(0))
    return {"depth": depth_bins(relative) * shown, "depth_metres": relative}


def _image(resolution, pixels: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(H, W) with ``values`` at flat ``pixels``, 0 elsewhere."""
    image = np.zeros(resolution, values.dtype)
    image.reshape(-1)[pixels] = values
    return image

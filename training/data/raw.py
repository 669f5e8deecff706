"""One person in one frame as a training sample: what all sources of samples share."""

from dataclasses import dataclass

import numpy as np

from mannequin.generator.body.model import MERGE_14
from mannequin.generator.clip import Foreground
from mannequin.generator.errors import DatasetError, unknown_name
from mannequin.training.data.colour import whitened
from mannequin.training.data.crop import SIZE, crop_centres, transform, warp_colour, warp_labels
from mannequin.training.losses import bins_of_depth

CHANNELS_OF = {"segm": "segm", "depth": "depth", "depth_metres": "depth"}
"""Label images that a sample may hold → the channel that each is made from."""

JOINTS = ("joints2d", "joints_camera", "visible")
"""Of PersonView, what a sample is made of."""

_JOINTS_24 = {24: slice(24), 52: [*range(22), 22, 37]}  # of 52, the index knuckles stand for the hands


@dataclass(frozen=True, eq=False)
class Shot:
    """One person in one frame of one camera, not yet cropped.

    rgb: (H, W, 3) uint8. labels: name of CHANNELS_OF → (H, W), 0 where this person is not seen; see make_sample.
    joints2d: (24, 2) float32 pixels. joints_depth: (24,) float32 metres from the camera, planar.
    joints_visible: (24,) bool. id: "clip/camera/person/frame".
    """

    rgb: np.ndarray
    labels: dict[str, np.ndarray]
    joints2d: np.ndarray
    joints_depth: np.ndarray
    joints_visible: np.ndarray
    id: str


def channels_of(labels) -> tuple[str, ...]:
    """The channels that ``labels`` are made from. Raises ConfigError for a name that is not in CHANNELS_OF."""
    for name in labels:
        if name not in CHANNELS_OF:
            raise unknown_name("label", name, CHANNELS_OF)
    return tuple(dict.fromkeys(CHANNELS_OF[name] for name in labels))


def make_shot(
    rgb: np.ndarray, surface: Foreground, k: int, instance: int, person: dict[str, np.ndarray], names, id: str
) -> Shot:
    """What a frame of a clip shows of one person.

    surface: of some frames, of which ``k`` is that one. instance: the person's number there; what belongs to others
    and to things becomes background, for the task is to find the parts of the one person in the middle.
    person: name of JOINTS → array of PersonView at that frame. names: of CHANNELS_OF.
    """
    part = slice(surface.offsets[k], surface.offsets[k + 1])
    pixels, values = surface.pixels[part], {name: value[part] for name, value in surface.values.items()}
    if "instance" in values:
        own = values["instance"] == instance
        pixels, values = pixels[own], {name: value[own] for name, value in values.items()}
    joints = _JOINTS_24[len(person["joints2d"])]
    depths = person["joints_camera"][joints, 2]
    return Shot(
        rgb=rgb,
        labels={name: _image(surface.resolution, pixels, _label(name, values, depths[0])) for name in names},
        joints2d=person["joints2d"][joints],
        joints_depth=depths,
        joints_visible=person["visible"][joints],
        id=id,
    )


def usable_frames(joints2d: np.ndarray, seen: np.ndarray, resolution: tuple[int, int]) -> np.ndarray:
    """Indices of the frames to learn from: something of the person is seen, and the middle of the crop is in the image.

    The second is the rule of SURREAL's loader, which passes such frames over.
    joints2d: (T, J, 2) pixels. seen: (T,) bool.
    """
    h, w = resolution
    chosen = _JOINTS_24.get(joints2d.shape[1])
    if chosen is None:
        raise DatasetError(
            f"A person has {joints2d.shape[1]} joints; expected 24 or 52, of which training knows the order."
        )
    middles = crop_centres(joints2d[:, chosen])
    return np.flatnonzero(seen & ((middles >= 0) & (middles < (w, h))).all(axis=1))


def make_sample(shot: Shot, matrix: np.ndarray, gains=(1.0, 1.0, 1.0), size: int = SIZE) -> dict:
    """What the network sees and what it is to say; default_collate makes batches of it.

    matrix: (2, 3), the crop, as of :func:`mannequin.training.data.crop.crop_matrix`. gains: of red, green and blue.

    image: (3, size, size) float32, whitened (mannequin.training.data.colour).
    segm: (size, size) uint8, 0 background, 1…14 as PARTS_14.
    depth: (size, size) uint8, 0 background, 1…19 as mannequin.training.losses.bins_of_depth. Cropping and
    scaling leave depth as it is, as in the released code: the bins are of the world, not of the crop.
    depth_metres: (size, size) float32, surface minus pelvis, planar; 0 in the background.
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
    return sample | {name: warp_labels(image, matrix, size) for name, image in shot.labels.items()}


def _label(name: str, values: dict[str, np.ndarray], pelvis: np.ndarray) -> np.ndarray:
    """(N,) values of label image ``name`` at the pixels of a person whose channels are ``values``."""
    if name == "segm":
        return MERGE_14[values["segm"]]
    if name == "depth_metres":
        return values["depth"] - pelvis
    return bins_of_depth(values["depth"], pelvis)


def _image(resolution, pixels: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(H, W) with ``values`` at flat ``pixels``, 0 elsewhere."""
    image = np.zeros(resolution, values.dtype)
    image.reshape(-1)[pixels] = values
    return image

"""Where the 24 joints are."""

from typing import ClassVar

import numpy as np

from mannequin.training.data.crop import Crop
from mannequin.training.data.raw import RawSample
from mannequin.training.targets.target import Target


class Joints(Target):
    """joints2d: (T, 24, 2) float32 pixel edges of the crop. joints_visible: (T, 24) bool, seen, and inside the crop.

    joints_depth: (T, 24) float32 metres, joint minus pelvis, planar. pelvis_depth: (T,) float32 metres.
    """

    name: ClassVar[str] = "joints2d"

    def encode(self, raw: RawSample, crop: Crop) -> dict[str, np.ndarray]:
        person = raw.person
        joints2d = crop.points(person.joints2d)
        inside = ((joints2d >= 0) & (joints2d < crop.size)).all(axis=-1)
        depth = person.joints_camera[..., 2]
        pelvis = depth[:, 0]
        return {
            "joints2d": joints2d,
            "joints_visible": person.visible & inside,
            "joints_depth": depth - pelvis[:, None],
            "pelvis_depth": pelvis,
        }

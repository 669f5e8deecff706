"""Joints of people in a user's image."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from torch import Tensor

from mannequin.generator.body.model import SMPL_JOINTS
from mannequin.generator.colours import joint_colours
from mannequin.training.predict.crops import check_options, crop_outputs
from mannequin.training.targets.heatmaps import BONES, JOINTS, NAMES, joints_of
from mannequin.training.task import PredictorOptions


@dataclass(frozen=True, eq=False)
class FoundJoints:
    """joints: (P, 16, 2) pixel edges of an image, of the person in each of P boxes. peaks: (P, 16) of their maps."""

    joints: np.ndarray
    peaks: np.ndarray

    def content(self) -> bytes:
        """JSON."""
        people = [
            {
                "joints": {
                    name: [round(float(x), 2), round(float(y), 2), round(float(peak), 4)]
                    for name, (x, y), peak in zip(NAMES, joints, peaks, strict=True)
                }
            }
            for joints, peaks in zip(self.joints, self.peaks)
        ]
        return (json.dumps({"people": people}, indent=1) + "\n").encode()

    def draw(self, image: np.ndarray, opacity: float, plain: bool) -> np.ndarray:
        """(H, W, 3) uint8: the image with joints and bones over it. There is no legend."""
        picture = image
        for joints in self.joints:
            picture = drawn(picture, joints)
        return np.rint(opacity * picture + (1 - opacity) * image.astype(np.float32)).astype(np.uint8)


def drawn(image: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8: the image with joints (16, 2) and the bones between them over it."""
    picture, line = image.copy(), max(1, round(min(image.shape[:2]) / 200))
    colours = joint_colours(len(SMPL_JOINTS))[list(JOINTS)].tolist()
    at = [(int(x), int(y)) for x, y in joints.clip(-1e4, 1e4)]  # OpenCV's lines overflow far out
    for parent, child in BONES:
        cv2.line(picture, at[parent], at[child], colours[child], line, cv2.LINE_AA)
    for place, colour in zip(at, colours):
        cv2.circle(picture, place, line + 1, colour, -1, cv2.LINE_AA)
    return picture


class JointPredictor:
    """A network of heatmaps on images of any size: a person in each box, or in the whole image."""

    folder, suffix, film_only = "joints2d", ".json", False

    def __init__(self, ask: Callable[[Tensor], Tensor], size: int, options: PredictorOptions):
        """ask: takes crops (B, 3, size, size) to heatmaps. Raises ConfigError for impossible options."""
        check_options(options)
        self.ask, self.size, self.options = ask, size, options
        self.values = {
            "folder": self.folder,
            "file": "JSON",
            "values": "people, one for each --box: joints by name, [x, y, height of the map's peak], in pixels of the "
            "image; left and right are the person's own",
        }

    def predict(self, images: Iterable[np.ndarray]) -> Iterator[FoundJoints]:
        """See :class:`mannequin.training.task.Predictor`. Raises ConfigError for a box that is not in an image."""
        for _, crops in crop_outputs(images, self.options, self.size, self.ask):
            found = [(joints_of(maps.cpu()), crop) for maps, crop in crops]
            joints = [crop.back(at[0].double().numpy()) for (at, _), crop in found]
            yield FoundJoints(np.stack(joints), np.stack([peaks[0].numpy() for (_, peaks), _ in found]))

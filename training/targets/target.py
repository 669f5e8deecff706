"""What a target is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from mannequin.training.data.crop import Crop
from mannequin.training.data.raw import RawSample


class Target(ABC):
    """A value that a network learns to say, or several that belong together.

    name: of it, and of the value in samples if there is one. channels: label channels of clips that it is made from.
    people: arrays of PersonView that it is made from, besides joints. tags: of the clip's description. of_window:
    whether its values are of the whole window, and not of each of its frames. The way back, from what a network says
    to metres or names, is a method of the target too, as each kind needs it.
    """

    name: ClassVar[str]
    channels: ClassVar[tuple[str, ...]] = ()
    people: ClassVar[tuple[str, ...]] = ()
    tags: ClassVar[tuple[str, ...]] = ()
    of_window: ClassVar[bool] = False

    @abstractmethod
    def encode(self, raw: RawSample, crop: Crop) -> Mapping[str, np.ndarray | list[np.ndarray]]:
        """Values of a sample by name, each with a leading axis of T frames, or a list of T where they differ in shape;
        without it, if they are of the window."""

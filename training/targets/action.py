"""What a person does, as one of some classes."""

from typing import ClassVar

import numpy as np

from mannequin.generator.errors import DatasetError
from mannequin.training.data.crop import Crop
from mannequin.training.data.raw import RawSample
from mannequin.training.targets.target import Target

TAG = "action"


class Action(Target):
    """``action``: () int64, the place of the clip's action among ``classes``."""

    name: ClassVar[str] = "action"
    tags: ClassVar[tuple[str, ...]] = (TAG,)
    of_window: ClassVar[bool] = True

    def __init__(self, classes: tuple[str, ...]):
        self.classes = classes

    def encode(self, raw: RawSample, crop: Crop) -> dict[str, np.ndarray]:
        """Raises DatasetError for a clip without action, or of one that is none of the classes."""
        action = raw.tags.get(TAG)
        if action not in self.classes:
            known = ", ".join(self.classes)
            if action is None:
                raise DatasetError(
                    f"The clip of {raw.id} does not say which action it shows: its description has no tag {TAG!r}. "
                    f"Learn from clips that mannequin generate made; expected is one of {known}."
                )
            raise DatasetError(
                f"The clip of {raw.id} shows the action {action!r}, which is none of the classes: {known}. Name it "
                "with --actions, too, or leave such clips out of the data."
            )
        return {self.name: np.array(self.classes.index(str(action)))}

"""Two networks in a row: where joints are, from the image and from what a frozen network says of the parts in it.

The way in which BodyNet's networks build on each other (thesis 4.3), with two hourglass networks. BodyNet's own 2D pose
network sees the image alone.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from mannequin.training.models.hourglass import HourglassConfig, Maps, StackedHourglass


class PartsPoseMaps(NamedTuple):
    """parts: (B, C, H, W) probabilities of the classes of pixels. joints: heatmaps of every stack."""

    parts: Tensor
    joints: Maps


class PartsPose(nn.Module):
    """(B, 3, H, W) → :class:`PartsPoseMaps`.

    ``parts`` says classes of pixels; its last stack's scores are brought to the image's size as its own predictions are
    (BodyNet's code aligns the outermost pixels' centres instead), then made probabilities, and go behind the image's
    channels into ``joints``. Gradients do not flow back into ``parts``.
    """

    def __init__(self, parts: HourglassConfig, joints: HourglassConfig):
        """joints: whose ``inputs`` are the image's channels and the classes."""
        super().__init__()
        assert joints.inputs == parts.inputs + parts.outputs, "the second network sees the image and the classes"
        self.parts, self.joints = StackedHourglass(parts), StackedHourglass(joints)

    @property
    def regions(self) -> tuple[nn.Module, ...]:
        """What to compile one by one."""
        return *self.parts.regions, *self.joints.regions

    def forward(self, image: Tensor) -> PartsPoseMaps:
        parts = self.parts(image).scores(image.shape[-2:]).detach().softmax(1)
        return PartsPoseMaps(parts, self.joints(torch.cat([image, parts], dim=1)))

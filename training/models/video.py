"""3D residual networks: scores of classes from a window of frames.

R3D of Tran et al., "A closer look at spatiotemporal convolutions for action recognition" (CVPR 2018): a stem that
halves height and width, four stages of basic blocks, of which all but the first halve time, height and width too, the
mean over all that is left, and one layer of scores. What it sees may be differences of neighbouring frames instead of
colours (Wang et al., "Temporal segment networks", ECCV 2016).

    VideoConfig(classes=400)                     R3D-18, 33,371,472 parameters
    VideoConfig(classes=4, width=16, depth=1)    of minutes on a CPU
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from mannequin.generator.errors import ConfigError

STAGES = 4


@dataclass(frozen=True)
class VideoConfig:
    """What distinguishes one 3D residual network from another."""

    classes: int
    """Scores of every window, C below."""
    inputs: int = 3
    """Channels of the frames."""
    width: int = 64
    """Channels of the stem and the first stage, W below; each further stage has twice as many."""
    depth: int = 2
    """Blocks of each stage."""
    differences: bool = False
    """Whether the stem sees each frame less the one before, T - 1 of them, instead of the frames."""
    dropout: float = 0.0
    """Share of the features that is dropped before the scores, in training."""

    def __post_init__(self):
        for name in ("classes", "inputs", "width", "depth"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} of a 3D residual network is {getattr(self, name)}; expected at least 1.")


def _conv_bn(inputs: int, outputs: int, kernel, stride) -> list[nn.Module]:
    """Padded so that a stride of 1 changes no size."""
    padding = tuple(k // 2 for k in kernel)
    return [nn.Conv3d(inputs, outputs, kernel, stride, padding, bias=False), nn.BatchNorm3d(outputs)]


class Block(nn.Module):
    """Basic residual block: (B, inputs, t, h, w) → (B, outputs, ⌈t/stride⌉, ⌈h/stride⌉, ⌈w/stride⌉)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        super().__init__()
        self.block = nn.Sequential(
            *_conv_bn(inputs, outputs, (3, 3, 3), stride),
            nn.ReLU(inplace=True),
            *_conv_bn(outputs, outputs, (3, 3, 3), 1),
        )
        same = inputs == outputs and stride == 1
        self.skip = nn.Identity() if same else nn.Sequential(*_conv_bn(inputs, outputs, (1, 1, 1), stride))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.block(x) + self.skip(x))


class VideoNetwork(nn.Module):
    """The whole network: (B, inputs, T, H, W) → (B, C) raw scores, no softmax.

    Any T, H and W will do, but differences need two frames.
    """

    def __init__(self, config: VideoConfig):
        super().__init__()
        self.config = config
        w = config.width
        self.stem = nn.Sequential(*_conv_bn(config.inputs, w, (3, 7, 7), (1, 2, 2)), nn.ReLU(inplace=True))
        blocks, channels = [], w
        for stage in range(STAGES):
            for place in range(config.depth):
                blocks.append(Block(channels, w << stage, stride=2 if stage and not place else 1))
                channels = w << stage
        self.blocks = nn.Sequential(*blocks)
        self.dropout = nn.Dropout(config.dropout)
        self.scores = nn.Linear(channels, config.classes)
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, video: Tensor) -> Tensor:
        if self.config.differences:
            video = video.diff(dim=2)  # (B, inputs, T - 1, H, W)
        x = self.blocks(self.stem(video))  # (B, 8 W, ⌈T/8⌉, ⌈H/16⌉, ⌈W/16⌉)
        return self.scores(self.dropout(x.mean((2, 3, 4))))

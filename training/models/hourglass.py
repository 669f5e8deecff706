"""Stacked hourglass networks: maps of scores from an image, refined stack after stack.

Newell et al., "Stacked hourglass networks for human pose estimation" (ECCV 2016), as SURREAL's
training code uses it for parts and depth (thesis 3.4): one residual module per site, biased
convolutions, nearest upsampling, no change of resolution after the stem (a quarter of the image).

    HourglassConfig(outputs=15)                               thesis ch. 3, parts: 8 stacks
    HourglassConfig(outputs=20)                               thesis ch. 3, depth
    HourglassConfig(outputs=15, up=True)                      the same with full-size maps, "+up"
    HourglassConfig(outputs=15, stacks=2)                     BodyNet, parts
    HourglassConfig(outputs=16, stacks=2)                     BodyNet, 2D joints
    HourglassConfig(outputs=16 * 19, stacks=2, inputs=34)     BodyNet, 3D joints, of colour + parts + 2D joints
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from mannequin.generator.errors import ConfigError


@dataclass(frozen=True)
class HourglassConfig:
    """What distinguishes one stacked hourglass from another."""

    outputs: int
    """Channels of every stack's maps, C below: classes, joints or joints × depth bins."""
    inputs: int = 3
    """Channels of the image."""
    stacks: int = 8
    """Hourglasses in a row, each with maps of its own."""
    features: int = 256
    """Channels inside the stacks, a multiple of 8; the stem has a quarter and a half of it."""
    depth: int = 4
    """Times that an hourglass halves the resolution."""
    up: bool = False
    """Whether the last stack's maps are also brought to the image's size by layers that learn; for
    fine-tuning from the weights of the same network without it, since from scratch it learns slowly."""

    def __post_init__(self):
        for name in ("outputs", "inputs", "stacks", "depth"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} of a hourglass network is {getattr(self, name)}; expected at least 1.")
        if self.features < 8 or self.features % 8:
            raise ConfigError(
                f"features of a hourglass network is {self.features}; expected a multiple of 8, such as 256."
            )

    @property
    def step(self) -> int:
        """Height and width of images are multiples of this."""
        return 4 * 2**self.depth


class Maps(NamedTuple):
    """What a stacked hourglass returns; B images of H × W.

    stacks: one (B, C, H/4, W/4) per stack, the last the best. full: (B, C, H, W), or None
    where the network has no ``up``. Scores are raw: no softmax.
    """

    stacks: tuple[Tensor, ...]
    full: Tensor | None

    def scores(self, size: tuple[int, ...]) -> Tensor:
        """(B, C, height, width) scores of ``size``, the network's best.

        Maps of another size are interpolated bilinearly with pixel centres at +0.5, which is how
        the thesis (3.4) brings the last stack to the image before the highest score wins.
        """
        best = self.stacks[-1] if self.full is None else self.full
        return best if best.shape[-2:] == size else F.interpolate(best, size, mode="bilinear", align_corners=False)

    def labels(self, size: tuple[int, ...]) -> Tensor:
        """(B, height, width) int64, the class of the highest score at every pixel."""
        return self.scores(size).argmax(1)


def _bn_relu_conv(inputs: int, outputs: int, kernel: int = 1) -> list[nn.Module]:
    return [nn.BatchNorm2d(inputs), nn.ReLU(inplace=True), nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)]


class Residual(nn.Module):
    """Bottleneck with the activation first: (B, inputs, h, w) → (B, outputs, h, w)."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        half = outputs // 2
        self.block = nn.Sequential(
            *_bn_relu_conv(inputs, half), *_bn_relu_conv(half, half, kernel=3), *_bn_relu_conv(half, outputs)
        )
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x) + self.skip(x)


class Hourglass(nn.Module):
    """Down ``depth`` times and up again, every resolution kept by a branch around: (B, F, h, w) → same."""

    def __init__(self, features: int, depth: int):
        super().__init__()
        self.around = Residual(features, features)
        self.down = Residual(features, features)
        self.inner = Hourglass(features, depth - 1) if depth > 1 else Residual(features, features)
        self.up = Residual(features, features)

    def forward(self, x: Tensor) -> Tensor:
        low = self.up(self.inner(self.down(F.max_pool2d(x, 2))))  # (B, F, h/2, w/2)
        return self.around(x) + F.interpolate(low, scale_factor=2, mode="nearest")


class Stack(nn.Module):
    """One hourglass and its maps; unless it is the last, also what the next one starts from."""

    def __init__(self, config: HourglassConfig, last: bool):
        super().__init__()
        f = config.features
        self.body = nn.Sequential(
            Hourglass(f, config.depth), Residual(f, f), nn.Conv2d(f, f, 1), nn.BatchNorm2d(f), nn.ReLU(inplace=True)
        )
        self.maps = nn.Conv2d(f, config.outputs, 1)
        self.from_body = None if last else nn.Conv2d(f, f, 1)
        self.from_maps = None if last else nn.Conv2d(config.outputs, f, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, F, h, w) → the next stack's input (B, F, h, w), or ``x`` for the last; maps (B, C, h, w)."""
        body = self.body(x)
        maps = self.maps(body)
        if self.from_body is None or self.from_maps is None:
            return x, maps
        return x + self.from_body(body) + self.from_maps(maps), maps


class Stem(nn.Sequential):
    """Down to a quarter: (B, inputs, H, W) → (B, features, H/4, W/4)."""

    def __init__(self, inputs: int, features: int):
        f = features
        super().__init__(
            nn.Conv2d(inputs, f // 4, 7, stride=2, padding=3),
            nn.BatchNorm2d(f // 4),
            nn.ReLU(inplace=True),
            Residual(f // 4, f // 2),
            nn.MaxPool2d(2),
            Residual(f // 2, f // 2),
            Residual(f // 2, f),
        )

    def forward(self, input: Tensor) -> Tensor:
        for layer in self:  # the parent's own is passed over by torch.compile where it is the outermost
            input = layer(input)
        return input


class StackedHourglass(nn.Module):
    """The whole network: (B, inputs, H, W) → :class:`Maps`."""

    def __init__(self, config: HourglassConfig):
        super().__init__()
        self.config = config
        f = config.features
        self.stem = Stem(config.inputs, f)
        self.stacks = nn.ModuleList(Stack(config, last=i == config.stacks - 1) for i in range(config.stacks))
        # ReLU stands between interpolation and convolution, as in SURREAL's training code.
        self.up = (
            nn.Sequential(nn.ReLU(), nn.Conv2d(config.outputs, config.outputs, 3, padding=1)) if config.up else None
        )

    @property
    def regions(self) -> tuple[nn.Module, ...]:
        """What to compile one by one: all stacks but the last are alike, and share one compilation."""
        return self.stem, *self.stacks

    def forward(self, image: Tensor) -> Maps:
        height, width = image.shape[-2:]
        if height % self.config.step or width % self.config.step:
            raise ValueError(
                f"image is {height} × {width} pixels; expected multiples of {self.config.step} "
                f"for hourglasses of depth {self.config.depth}: crop or pad it."
            )
        x = self.stem(image)  # (B, F, H/4, W/4)
        stacks = []
        for stack in self.stacks:
            x, maps = stack(x)
            stacks.append(maps)
        if self.up is None:
            return Maps(tuple(stacks), None)
        big = F.interpolate(stacks[-1], scale_factor=4, mode="bilinear", align_corners=False)  # (B, C, H, W)
        return Maps(tuple(stacks), self.up(big))

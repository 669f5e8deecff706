"""Stacked hourglass networks that give every pixel a class: options and presets."""

from dataclasses import dataclass

from mannequin.generator.errors import ConfigError
from mannequin.training.core.config import TrainConfig
from mannequin.training.options.preset import DataConfig, Preset


@dataclass(frozen=True)
class HourglassOptions:
    """The stacked hourglass network, and the crop that it sees."""

    stacks: int = 8
    """Hourglasses in a row; each refines the maps of the one before."""

    features: int = 256
    """Channels inside the network, a multiple of 8."""

    depth: int = 4
    """Times that an hourglass halves the resolution."""

    up: bool = False
    """Learn to bring the last maps to the size of the input, too; for fine-tuning (--init) from the same network
    without."""

    size: int = 256
    """Height and width of the crop that the network sees, pixels: a multiple of 4 × 2^depth."""

    def __post_init__(self):
        for name, most in (("stacks", 64), ("depth", 12), ("size", 65_536)):
            if not 1 <= getattr(self, name) <= most:
                raise ConfigError(f"--{name} is {getattr(self, name)}; expected 1 to {most}.")
        if self.features < 8 or self.features % 8:
            raise ConfigError(f"--features is {self.features}; expected a multiple of 8, such as 256.")
        if self.size % self.step:
            near = max(self.step, round(self.size / self.step) * self.step)
            raise ConfigError(
                f"--size is {self.size}; with --depth {self.depth} expected a multiple of {self.step}, such as {near}."
            )

    @property
    def step(self) -> int:
        """Sizes are multiples of this."""
        return 4 * 2**self.depth


PRESETS = {
    # Thesis 3.4 and the released code: 8 stacks, RMSprop, batches of 6, 50,000 steps (60,000 in the code).
    "paper": Preset(
        HourglassOptions(),
        TrainConfig(
            steps=50_000,
            batch=6,
            optimiser="rmsprop",
            lr=1e-3,
            alpha=0.99,
            validate_every=2_000,
            checkpoint_every=1_000,
            workers=4,
        ),
        DataConfig(sampling="random", val_sampling="middle"),
    ),
    # The same network and number of samples as it is trained today.
    "modern": Preset(
        HourglassOptions(),
        TrainConfig(
            steps=25_000,
            batch=12,
            optimiser="adamw",
            lr=1e-3,
            weight_decay=0.01,
            schedule="cosine",
            warmup=1_000,
            grad_clip=1.0,
            precision="bf16-mixed",
            compile=True,
            channels_last=True,
            validate_every=1_000,
            workers=8,
        ),
        DataConfig(sampling="random", val_sampling="middle"),
    ),
    # Minutes on two CPU cores. Without augmentation, of which a run this short makes nothing.
    "small": Preset(
        HourglassOptions(stacks=1, features=64, size=128),
        TrainConfig(
            steps=2_000,
            batch=16,
            optimiser="adamw",
            lr=3e-3,
            weight_decay=0.01,
            schedule="cosine",
            warmup=100,
            grad_clip=1.0,
            channels_last=True,
            validate_every=400,
            workers=1,
        ),
        DataConfig(augment="none", cache=1.0),
    ),
}

"""The centre-based detector of people: options and presets."""

from dataclasses import dataclass

from mannequin.generator.errors import ConfigError
from mannequin.training.core.config import TrainConfig
from mannequin.training.options.preset import DataConfig, Preset


@dataclass(frozen=True)
class DetectionOptions:
    """The detector, and the square that it sees of an image."""

    features: int = 256
    """Channels inside the network, a multiple of 8."""

    depth: int = 4
    """Times that the hourglass halves the resolution."""

    size: int = 512
    """Height and width that the square round an image is brought to, pixels: a multiple of 4 × 2^depth."""

    most: int = 50
    """Boxes that are said of an image, at most."""

    def __post_init__(self):
        for name, most in (("depth", 12), ("size", 65_536), ("most", 65_536)):
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


# Without the augmentation of SURREAL, whose turns make boxes larger than the people in them.
_DATA = DataConfig(sampling="random", augment="none", val_sampling="middle")

PRESETS = {
    # For a GPU. Not from a paper: those train on photographs, from networks that have seen ImageNet.
    "modern": Preset(
        DetectionOptions(),
        TrainConfig(
            steps=50_000,
            batch=16,
            optimiser="adamw",
            lr=5e-4,
            weight_decay=0.01,
            schedule="cosine",
            warmup=1_000,
            grad_clip=5.0,
            precision="bf16-mixed",
            compile=True,
            channels_last=True,
            validate_every=2_000,
            workers=8,
        ),
        _DATA,
    ),
    # Minutes on two CPU cores.
    "small": Preset(
        DetectionOptions(features=32, size=128, most=20),
        TrainConfig(
            steps=1_500,
            batch=16,
            optimiser="adamw",
            lr=3e-3,
            weight_decay=0.01,
            schedule="cosine",
            warmup=100,
            grad_clip=5.0,
            channels_last=True,
            validate_every=300,
            workers=1,
        ),
        DataConfig(augment="none", cache=1.0),
    ),
}

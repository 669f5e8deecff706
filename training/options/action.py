"""Networks that say what a person in a window of frames does: options and presets."""

from dataclasses import dataclass

from mannequin.generator.errors import ConfigError
from mannequin.training.core.config import TrainConfig
from mannequin.training.options.preset import DataConfig, Preset

ACTIONS = ("walk", "run", "wave", "squat", "jump", "kick", "bend", "sit", "reach", "turn", "clap", "point")
"""Those that are built in; written out, since to import them takes what manuals must not wait for."""


@dataclass(frozen=True)
class ActionOptions:
    """The 3D residual network, its classes, and the windows that it sees."""

    actions: tuple[str, ...] = ACTIONS
    """The classes, by the names that clips have for their actions; clips of any other are refused."""

    frames: int = 16
    """Frames of a window."""

    spacing: int = 2
    """Frames of the clip from one frame of a window to the next. The network learns motions at the rate that results:
    films to predict on should have the frame rate of the clips."""

    size: int = 112
    """Height and width of the crop that the network sees, pixels."""

    differences: bool = False
    """Show the network each frame less the one before instead of colours: what is still vanishes, by which a network
    that has few clips would learn these by heart."""

    width: int = 64
    """Channels of the first of four stages; each further one has twice as many."""

    depth: int = 2
    """Blocks of each stage."""

    dropout: float = 0.0
    """Share of the features that is dropped before the classes, in training."""

    def __post_init__(self):
        for name, least in (("frames", 1), ("spacing", 1), ("size", 16), ("width", 1), ("depth", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"--{name} is {getattr(self, name)}; expected at least {least}.")
        if self.depth > 64:
            raise ConfigError(f"--depth is {self.depth}; expected 1 to 64.")
        if self.differences and self.frames < 2:
            raise ConfigError(f"--differences need at least 2 frames; --frames is {self.frames}.")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"--dropout is {self.dropout}; expected a share from 0 to below 1.")
        if len(set(self.actions)) < max(2, len(self.actions)) or not all(self.actions):
            raise ConfigError(
                f"--actions {' '.join(self.actions)}: expected at least two names, each once, such as walk wave."
            )


PRESETS = {
    # Minutes on a CPU core, for a few actions and some hundred clips.
    "small": Preset(
        ActionOptions(frames=8, size=48, differences=True, width=16, depth=1),
        TrainConfig(
            steps=300,
            batch=16,
            optimiser="adamw",
            lr=2e-3,
            weight_decay=0.01,
            schedule="cosine",
            warmup=50,
            grad_clip=1.0,
            channels_last=True,
            validate_every=50,
            workers=1,
        ),
        DataConfig(sampling="random", val_sampling="clip", cache=1.0),
    ),
    # R3D-18 of Tran et al. 2018, 16 frames of 112 × 112 pixels; for a GPU.
    "large": Preset(
        ActionOptions(),
        TrainConfig(
            steps=20_000,
            batch=32,
            optimiser="adamw",
            lr=1e-3,
            weight_decay=0.01,
            schedule="cosine",
            warmup=1_000,
            grad_clip=1.0,
            precision="bf16-mixed",
            channels_last=True,
            validate_every=1_000,
            workers=8,
        ),
        DataConfig(sampling="random", val_sampling="clip"),
    ),
}

"""How large experiments are. Nothing here needs torch, so that manuals appear at once."""

from dataclasses import dataclass

from mannequin.generator.errors import ConfigError


@dataclass(frozen=True)
class Scale:
    """Amounts of data, and how long to train."""

    real: tuple[int, ...] = (5, 50)
    """Images of the stand-in for real ones to learn from, in pretraining and finetuning; rising."""

    real_pool: int = 100
    """Such images that are made; each seed takes its own of them."""

    test: int = 120
    """Images to measure with, of the stand-in, and as many synthetic ones."""

    clips: tuple[int, ...] = (4, 40, 400)
    """Synthetic clips to learn from, in amount; rising. The last is the whole set, which pretraining uses too."""

    frames: int = 4
    """Frames of a synthetic clip, 0.4 s apart."""

    outfits: tuple[int, ...] = (1, 10, 50)
    """Different outfits in the clips to learn from, in clothing; rising."""

    outfit_clips: int = 50
    """Synthetic clips to learn from, in clothing, whatever the outfits."""

    image: int = 160
    """Height and width of images, pixels."""

    steps: int = 600
    """Steps of the first part of training."""

    more_steps: int = 200
    """Steps of the second part, which begins with the weights of the first, at a third of its learning rate:
    fine-tuning, or the same data still."""

    batch: int = 8
    """Samples of a step."""

    lr: float = 5e-3
    """Highest learning rate of the first part: AdamW, rising for a tenth of the steps, then falling along a cosine."""

    augment: bool = True
    """Scale, turn and colour samples at random, as the thesis does."""

    features: int = 64
    """Channels inside the network, one hourglass that halves the resolution three times."""

    size: int = 96
    """Height and width of the crop that the network sees, pixels: a multiple of 32."""

    def __post_init__(self):
        for name in ("real", "clips", "outfits"):
            values = getattr(self, name)
            if not values or list(values) != sorted(set(values)) or values[0] < 1:
                raise ConfigError(f"--{name} are {' '.join(map(str, values))}; expected rising numbers from 1.")
        for name in ("real_pool", "test", "frames", "outfit_clips", "steps", "more_steps", "batch"):
            if getattr(self, name) < 1:
                raise ConfigError(f"--{name.replace('_', '-')} is {getattr(self, name)}; expected at least 1.")
        if self.real[-1] > self.real_pool:
            raise ConfigError(
                f"--real asks for {self.real[-1]} images, but --real-pool makes {self.real_pool}; raise that."
            )
        if self.outfits[-1] > self.outfit_clips:
            raise ConfigError(
                f"--outfits asks for {self.outfits[-1]}, but --outfit-clips is {self.outfit_clips}; raise that."
            )

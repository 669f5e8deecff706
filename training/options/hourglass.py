"""Options of the network. Nothing here needs torch, so that manuals appear at once."""

from dataclasses import dataclass

from mannequin.generator.errors import ConfigError


@dataclass(frozen=True)
class NetworkConfig:
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
        for name in ("stacks", "depth", "size"):
            if getattr(self, name) < 1:
                raise ConfigError(f"--{name} is {getattr(self, name)}; expected at least 1.")
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

"""The network of 2D joints that reads a frozen one's parts of the body: options and presets."""

from dataclasses import dataclass, replace

from mannequin.generator.errors import ConfigError
from mannequin.training.options import hourglass
from mannequin.training.options.hourglass import HourglassOptions
from mannequin.training.options.preset import Preset


@dataclass(frozen=True)
class Pose2DOptions:
    """The network of joints, the frozen one of parts (--init parts=RUN) before it, and the crop that both see."""

    stacks: int = 2
    """Hourglasses in a row; each refines the maps of the one before."""

    features: int = 256
    """Channels inside the network, a multiple of 8."""

    depth: int = 4
    """Times that an hourglass halves the resolution."""

    parts_stacks: int = 2
    """Hourglasses of the frozen network, as the run of --init parts=RUN has them."""

    parts_features: int = 256
    """Channels inside the frozen network, as the run has them."""

    parts_depth: int = 4
    """Times that an hourglass of the frozen network halves the resolution, as the run has it."""

    size: int = 256
    """Height and width of the crop that the networks see, pixels: a multiple of 4 × 2^depth, for either's depth."""

    def __post_init__(self):
        HourglassOptions(self.stacks, self.features, self.depth, size=self.size)
        try:
            _ = self.parts
        except ConfigError as e:
            raise ConfigError(f"Of the network of parts: {e}") from e

    @property
    def parts(self) -> HourglassOptions:
        """Of the frozen network."""
        return HourglassOptions(self.parts_stacks, self.parts_features, self.parts_depth, size=self.size)


def _after(parts: Preset, **changes) -> Preset:
    """The same network again, trained like ``parts`` on what it says."""
    p: HourglassOptions = parts.network
    network = Pose2DOptions(p.stacks, p.features, p.depth, p.stacks, p.features, p.depth, p.size)
    return Preset(network, replace(parts.train, **changes), parts.data)


_PAPER, _SMALL = hourglass.PRESETS["paper"], hourglass.PRESETS["small"]

_SHORT = {"steps": 600, "batch": 8, "validate_every": 200}

PARTS = {
    "paper": Preset(replace(_PAPER.network, stacks=2), _PAPER.train, _PAPER.data),
    "small": Preset(replace(_SMALL.network, features=32), replace(_SMALL.train, **_SHORT), _SMALL.data),
}
"""How the network of parts is trained that the presets of the same names build on."""

PRESETS = {
    # Two stacks, as all networks of BodyNet have; the rest as SURREAL's networks are trained.
    "paper": _after(PARTS["paper"]),
    # Minutes on two CPU cores.
    "small": _after(PARTS["small"], steps=800),
}

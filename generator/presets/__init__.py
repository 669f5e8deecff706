"""Named sets of distributions. A preset is one module with DEFAULTS and sample()."""

from collections.abc import Callable
from dataclasses import dataclass

from mannequin.generator.presets import studio, surreal


@dataclass(frozen=True)
class Preset:
    """defaults: values of SampleConfig left open. sample: (config, catalog, seed, index) → ClipSpec.

    plan_size: (config, catalog) → number of different clips, or None when endless.
    """

    defaults: dict
    sample: Callable
    plan_size: Callable


PRESETS = {
    "studio": Preset(studio.DEFAULTS, studio.sample, studio.plan_size),
    "surreal": Preset(surreal.DEFAULTS, surreal.sample, surreal.plan_size),
}

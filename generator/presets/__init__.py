"""Named sets of distributions. A preset is one module with DEFAULTS and sample()."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mannequin.generator.catalog import Catalog
from mannequin.generator.config import ResolvedConfig
from mannequin.generator.presets import crowd, studio, surreact, surreal
from mannequin.generator.spec import ClipSpec


@dataclass(frozen=True)
class Preset:
    """defaults: values of the fields that a SampleConfig may leave open. sample: of (config, catalog, seed, index).

    plan_size: of (config, catalog); number of different clips, or None when endless.
    """

    defaults: dict[str, Any]
    sample: Callable[[ResolvedConfig, Catalog, int, int], ClipSpec]
    plan_size: Callable[[ResolvedConfig, Catalog], int | None]


PRESETS = {
    "studio": Preset(studio.DEFAULTS, studio.sample, studio.plan_size),
    "crowd": Preset(crowd.DEFAULTS, crowd.sample, crowd.plan_size),
    "surreal": Preset(surreal.DEFAULTS, surreal.sample, surreal.plan_size),
    "surreact": Preset(surreact.DEFAULTS, surreact.sample, surreact.plan_size),
}

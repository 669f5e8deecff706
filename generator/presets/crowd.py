"""Many dressed people close to each other, all of them in the picture.

As studio in everything else; cameras stand 1–3 m high, so that people behind others are seen too.
"""

from mannequin.generator.catalog import Catalog
from mannequin.generator.config import ResolvedConfig
from mannequin.generator.presets import studio
from mannequin.generator.spec import ClipSpec

DEFAULTS = studio.DEFAULTS | {"people": "4-8", "arrangement": "crowd"}

plan_size = studio.plan_size


def sample(config: ResolvedConfig, catalog: Catalog, seed: int, index: int) -> ClipSpec:
    """Clip ``index``, all of it drawn afresh."""
    return studio.sample(config, catalog, seed, index, eyes=(1.0, 3.0))

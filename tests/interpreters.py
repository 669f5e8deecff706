"""Five kinds of clips by Cycles, written to a file; run by test_interpreters.py with one Python after the other.

python tests/interpreters.py OUT.npz
"""

import sys

import numpy as np

from mannequin.generator.catalog import Catalog
from mannequin.generator.clip import LABELS
from mannequin.generator.config import SampleConfig
from mannequin.generator.sampling import sample_clip
from mannequin.renderers.choice import open_renderer

SMALL = {"frames": 4, "size": (96, 128), "samples": 4}
KINDS = {
    "environment": SampleConfig(**SMALL),
    "harmonics": SampleConfig(preset="surreal", **SMALL),
    "lamps": SampleConfig(light="lamps", **SMALL),
    "fingers": SampleConfig(preset="surreal", light="hdri", joints=52, **SMALL),
    "cut": SampleConfig(light="sh", keep_in_frame=False, **SMALL),
}
"""Name → options of a clip."""


def main(out: str) -> None:
    """Write ``kind/channel`` → (T, H, W, ...) of every clip's camera, and ``kind/spec``: its description as JSON."""
    catalog = Catalog()
    renderer, arrays = open_renderer("blender", catalog), {}
    for index, (kind, config) in enumerate(KINDS.items()):
        spec = sample_clip(config, catalog, 7, index)
        clip = renderer.render(spec, ("rgb", *LABELS))
        (view,) = clip.views.values()
        arrays[f"{kind}/spec"] = np.array(spec.to_json())
        for channel in ("rgb", *LABELS):
            arrays[f"{kind}/{channel}"] = np.stack([view.frame(channel, k) for k in range(spec.num_frames)])
        for person, track in clip.people.items():
            for name in ("pose", "betas", "transl", "joints"):
                arrays[f"{kind}/{person}/{name}"] = getattr(track, name)
    np.savez(out, **arrays)


if __name__ == "__main__":
    main(sys.argv[1])

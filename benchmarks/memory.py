"""Resident memory while many clips are rendered and written in one process.

    python -m benchmarks.memory [--clips 20] [--frames 50] [--renderer blender]

Every clip has another person, outfit and light. Prints MiB after each and fails if the last
quarter of them adds more than 5 %.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from mannequin.generator.catalog import Catalog
from mannequin.generator.clip import DEFAULT_OUTPUTS
from mannequin.generator.config import SampleConfig
from mannequin.generator.dataset.native import write_clip
from mannequin.generator.sampling import sample_clip
from mannequin.renderers.choice import RENDERERS, open_renderer

ALLOWED_GROWTH = 1.05


def resident() -> float:
    """MiB of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--renderer", choices=RENDERERS, default="blender")
    parser.add_argument("--preset", default="surreal")
    options = parser.parse_args()
    catalog = Catalog()
    renderer = open_renderer(options.renderer, catalog)
    config = SampleConfig(preset=options.preset, frames=options.frames, size=(240, 320))
    sizes = []
    with tempfile.TemporaryDirectory() as folder:
        for index in range(options.clips):
            clip = renderer.render(sample_clip(config, catalog, 0, index), DEFAULT_OUTPUTS)
            write_clip(Path(folder) / "clip.h5", clip)
            sizes.append(resident())
            print(f"{(index + 1) * options.frames} frames: {sizes[-1]:.0f} MiB", flush=True)
    if sizes[-1] > ALLOWED_GROWTH * sizes[len(sizes) * 3 // 4 - 1]:
        sys.exit("Memory still grows.")


if __name__ == "__main__":
    main()

"""A dataset of clips that show several people, to train detectors on: `python benchmarks/crowds.py OUT --clips 200`.

Each clip is one that the generator draws, with up to two people of other drawn clips placed beside, before or behind
its own, and rendered by the rasteriser. Running it again goes on.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from mannequin.generator.catalog import Assets, Catalog
from mannequin.generator.config import ResolvedConfig, SampleConfig
from mannequin.generator.dataset.folder import create_or_resume
from mannequin.generator.dataset.native import write_clip
from mannequin.generator.records import to_plain
from mannequin.generator.sampling import resolve, sample_clip
from mannequin.generator.spec import ClipSpec
from mannequin.generator.streams import stream
from mannequin.renderers.choice import open_renderer

MOST = 3
"""People in a clip."""

_OTHERS = 1_000_000  # from a clip's index to those of the clips whose people stand beside its own


def crowd(config: ResolvedConfig, catalog: Catalog, seed: int, index: int) -> ClipSpec:
    """Clip ``index``: one to MOST people, at distances of their own and up to about the sides of the image."""
    spec, rng = sample_clip(config, catalog, seed, index), stream(seed, index, "crowd")
    T_world_camera = np.array(spec.cameras[0].T_world_camera[0])
    right, ahead = (axis / np.linalg.norm(axis) for axis in T_world_camera[:3, [0, 2]].T * (1, 1, 0))
    first = np.array(spec.people[0].place)
    people = []
    for k in range(int(rng.integers(1, MOST + 1))):
        person = sample_clip(config, catalog, seed, k * _OTHERS + index).people[0]
        depth = rng.uniform(-1.0, 5.0)
        distance = np.linalg.norm((first - T_world_camera[:3, 3])[:2]) + depth
        x, y, _ = first + depth * ahead + rng.uniform(-0.27, 0.27) * distance * right
        people.append(replace(person, name=f"person{k}", instance=k + 1, place=(float(x), float(y), person.place[2])))
    return replace(spec, people=tuple(people))


def main() -> None:
    """Render what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    config = resolve(SampleConfig(preset="surreal", frames=3, fps=1.5, size=(144, 192)))
    plain = {"crowds": MOST, "seed": options.seed, "of": to_plain(config)}
    dataset, catalog = create_or_resume(options.out, plain, options.clips), Catalog(Assets())
    renderer = open_renderer("raster", catalog)
    for index in sorted(set(range(options.clips)) - dataset.done()):
        write_clip(
            dataset.path_of(index), renderer.render(crowd(config, catalog, options.seed, index), ("rgb", "instance"))
        )
        print(f"clip {index + 1} of {options.clips}", flush=True)


if __name__ == "__main__":
    main()

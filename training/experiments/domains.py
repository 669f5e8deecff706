"""The two kinds of images: synthetic ones to learn from, and a stand-in for real ones.

No real photograph is involved. The stand-in differs from the synthetic images in everything that the generator
can hold out: bodies, outfits, motions and surroundings; the renderer (path tracing with shadows, not rasterising),
the light (of the environment image, not spherical harmonics), and a camera that blurs, has noise and writes JPEG.
"""

from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np

from mannequin.generator.catalog import Assets, Catalog, members
from mannequin.generator.config import SampleConfig
from mannequin.generator.sampling import sample_clip
from mannequin.generator.spec import AppearanceSpec, ClipSpec
from mannequin.generator.streams import stream

MOTIONS = ("walk", "run", "wave", "squat", "jump", "bend", "turn", "clap", "point")
"""Of synthetic images; the stand-in has the other built-in actions."""

REAL_MOTIONS = ("kick", "sit", "reach")

_SEEDS = {"synth": 1000, "synth test": 1001, "real": 1002, "real test": 1003, "outfits": 2000}
"""Of the draws of clips. Those of outfits are followed by one for each seed of the experiment."""

BLUR, GAIN, READ, QUALITY = (0.4, 1.0), (0.2, 1.0), (1.0, 4.0), (40, 80)
"""Ranges, uniform: deviation of the blur, pixels; grey values of noise variance for each grey value of light; deviation
of the noise in the dark, grey values; quality of the JPEG."""


@dataclass(frozen=True)
class Domain:
    """renderer: of mannequin.renderers.choice. camera: whether images go through the camera's faults."""

    sample: SampleConfig
    assets: Assets
    renderer: str
    camera: bool


def synthetic(image: int, frames: int, split: Literal["train", "test"] = "train") -> Domain:
    """Rasterised people under spherical harmonics before views of environment images. split "test" is for measuring."""
    sample = SampleConfig("studio", frames, fps=2.5, size=(image, image), samples=4, split=split, light="sh")
    return Domain(sample, Assets(motion=MOTIONS), "raster", camera=False)


def stand_in(image: int) -> Domain:
    """The stand-in for real images; of one frame a clip."""
    sample = SampleConfig("studio", 1, fps=2.5, size=(image, image), samples=16, split="test", light="hdri")
    return Domain(sample, Assets(motion=REAL_MOTIONS), "blender", camera=True)


def draw(
    domain: Domain, catalog: Catalog, name: str, count: int, avoid: frozenset[str] = frozenset()
) -> list[ClipSpec]:
    """The first ``count`` clips of the draw ``name`` (of _SEEDS) whose people wear nothing in ``avoid``."""
    found, index = [], 0
    while len(found) < count:
        spec = sample_clip(domain.sample, catalog, _SEEDS[name], index)
        found += [spec] if worn([spec]).isdisjoint(avoid) else []
        index += 1
    return found


def wardrobe(domain: Domain, catalog: Catalog, count: int, seed: int) -> tuple[list[ClipSpec], list[str]]:
    """``count`` clips for the experiment with outfits, and the domain's outfits in an order; both follow from
    ``seed``."""
    order = stream(seed, 0, "outfits").permutation(np.array(members(catalog.textures, domain.sample.split)))
    return [
        sample_clip(domain.sample, catalog, _SEEDS["outfits"] + seed, index) for index in range(count)
    ], order.tolist()


def dressed(clips: tuple[list[ClipSpec], list[str]], outfits: int) -> list[ClipSpec]:
    """The clips of a wardrobe, in its first ``outfits`` outfits only: each in as many clips as the others, or one
    more."""
    specs, order = clips
    return [_wearing(spec, order[k % outfits]) for k, spec in enumerate(specs)]


def worn(specs: list[ClipSpec]) -> frozenset[str]:
    """What people wear in ``specs``."""
    return frozenset(person.appearance.texture for spec in specs for person in spec.people)


def photographed(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) uint8 sRGB as a camera of faults would have recorded it: blurred, noisy, compressed."""
    blurred = cv2.GaussianBlur(rgb, (0, 0), rng.uniform(*BLUR)).astype(np.float32)
    deviation = np.sqrt(rng.uniform(*GAIN) * blurred + rng.uniform(*READ) ** 2)
    noisy = np.clip(np.rint(blurred + deviation * rng.standard_normal(rgb.shape)), 0, 255).astype(np.uint8)
    _, data = cv2.imencode(".jpg", noisy[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*QUALITY))])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


def _wearing(spec: ClipSpec, texture: str) -> ClipSpec:
    people = tuple(replace(person, appearance=AppearanceSpec(texture)) for person in spec.people)
    return replace(spec, people=people)

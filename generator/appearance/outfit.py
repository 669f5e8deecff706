"""Dresses a body: a texture for its atlas, and how far the clothes stand off the skin."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mannequin.generator.appearance.atlas import Atlas, bake_atlas
from mannequin.generator.appearance.choices import Outfit, choose
from mannequin.generator.appearance.drape import clothes_offsets
from mannequin.generator.appearance.fit import Fit, fit
from mannequin.generator.appearance.footwear import SHOE_CODES, Shoe
from mannequin.generator.appearance.hair import STYLE_CODES
from mannequin.generator.appearance.paint import CHANNELS, paint
from mannequin.generator.appearance.shoes import COLLAR
from mannequin.generator.appearance.skin import BEARD_CODES, Look
from mannequin.generator.body.model import BodyModel
from mannequin.generator.errors import ConfigError

SEEDS = 2**31
"""Noise seeds are taken modulo this."""


@dataclass(frozen=True, eq=False)
class Dressed:
    """texture: (R, R, 3) uint8 sRGB albedo, row 0 at v = 1. offsets: (V, 3) float32 metres to add
    to the rest-pose vertices, in the model frame. description: the choices in words."""

    texture: np.ndarray
    offsets: np.ndarray
    description: dict[str, str | float]


def dress(body: BodyModel, number: int, resolution: int = 1024) -> Dressed:
    """Outfit ``number`` on a body: the same arguments always give the same bytes.

    Works on any whole body with SMPL's joints and an atlas; landmarks and regions make the face
    better where a topology has them. Raises ConfigError on an impossible number or resolution,
    AssetError on a body that is no whole body.
    """
    offsets = clothes(body, number)
    if not 16 <= resolution <= 8192:
        raise ConfigError(f"Texture resolution is {resolution}; expected 16 to 8192 texels.")
    return Dressed(_painted(body, int(number), int(resolution)), offsets, _worn(body, int(number))[0].describe())


def clothes(body: BodyModel, number: int) -> np.ndarray:
    """``dress(body, number).offsets`` without painting a texture."""
    if not 0 <= number < 2**63:
        raise ConfigError(f"Outfit number is {number}; expected 0 to 2^63 - 1.")
    return _worn(body, int(number))[2]


@lru_cache(maxsize=16)
def _worn(body: BodyModel, number: int) -> tuple[Outfit, Shoe, np.ndarray]:
    cut = _fit(body)
    outfit = choose(number, body.gender, cut.measures)
    shoe = _shoe(outfit, cut)
    offsets = clothes_offsets(outfit, shoe, cut, _region(body, "ears"), body.topology.faces).astype(np.float32)
    offsets.setflags(write=False)
    return outfit, shoe, offsets


@lru_cache(maxsize=16)
def _painted(body: BodyModel, number: int, resolution: int) -> np.ndarray:
    outfit, shoe, _ = _worn(body, number)
    texture = _texture(body, _fit(body), outfit, shoe, resolution)
    texture.setflags(write=False)
    return texture


@lru_cache(maxsize=6)
def _fit(body: BodyModel) -> Fit:
    return fit(body)


@lru_cache(maxsize=3)
def _canvas(body: BodyModel, resolution: int) -> tuple[Atlas, np.ndarray]:
    """The atlas of a body and the channels (N, C) of its texels."""
    atlas = bake_atlas(body.topology.uv, resolution)
    cut = _fit(body)
    columns = {
        "x": cut.points[:, 0],
        "y": cut.points[:, 1],
        "z": cut.points[:, 2],
        "arm": cut.arm,
        "head": cut.head,
        "hand": cut.hand,
        "lips": _region(body, "lips"),
        "ears": _region(body, "ears"),
        "mouth": _region(body, "mouth_inside"),
        "nails": np.maximum(_region(body, "fingernails"), _region(body, "nails")),
        "eye": cut.eyes,
        "shoe": cut.shoe,
        "shod_x": cut.shod[:, 0],
        "shod_y": cut.shod[:, 1],
        "shod_z": cut.shod[:, 2],
    }
    values = np.stack([columns[name] for name in CHANNELS], 1)
    return atlas, atlas.interpolate(body.topology.faces, values)


def _region(body: BodyModel, name: str) -> np.ndarray:
    """(V,) membership; a region that the topology lacks is empty."""
    return body.topology.regions.get(name, np.zeros(body.num_vertices, np.float32))


def _texture(body: BodyModel, cut: Fit, outfit: Outfit, shoe: Shoe, resolution: int) -> np.ndarray:
    atlas, channels = _canvas(body, resolution)
    sock_top = float(cut.measures.ankle_y + outfit.sock_height)
    texels = paint(channels, _look(outfit), shoe, outfit.garments, sock_top, cut.measures)
    # Between the charts, far from any: skin, so that small mip levels stay plausible.
    image = np.empty((resolution * resolution, 3), np.uint8)
    image[:] = np.rint(outfit.skin * 255.0).astype(np.uint8)
    image[atlas.index] = texels
    return image.reshape(resolution, resolution, 3)


def _look(outfit: Outfit) -> Look:
    skin, hair, iris = (tuple(float(v) for v in c) for c in (outfit.skin, outfit.hair, outfit.iris))
    return Look(
        *skin,
        *hair,
        *iris,
        tone=float(outfit.tone),
        style=STYLE_CODES[outfit.hair_style],
        beard=BEARD_CODES[outfit.beard],
        brow=float(outfit.brow_strength),
        lipstick=float(outfit.lipstick),
        blush=float(outfit.blush),
        freckles=float(outfit.freckles),
        age=float(outfit.age),
        seed=outfit.number % SEEDS,
    )


def _shoe(outfit: Outfit, cut: Fit) -> Shoe:
    """The outfit's shoes, measured on the left foot's last."""
    left = cut.shod[(cut.shoe > 0.5) & (cut.points[:, 0] > 0)]
    if not len(left):
        left = cut.points[cut.points[:, 0] > 0]
    heel, toe = left[left[:, 2].argmin()], left[left[:, 2].argmax()]
    shaft = COLLAR
    if outfit.shoes == "boots" and outfit.bottom in ("leggings", "bare legs", "shorts"):
        shaft += 0.09
    return Shoe(
        SHOE_CODES[outfit.shoes],
        float(heel[0]),
        float(heel[2]),
        float(toe[0]),
        float(toe[2]),
        shaft,
        *(float(v) for v in outfit.shoe_colours.ravel()),
        seed=outfit.number % SEEDS,
    )

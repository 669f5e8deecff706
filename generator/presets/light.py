"""Light, and the background that goes with it."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mannequin.generator import exact
from mannequin.generator.presets.sampler import Sampler
from mannequin.generator.rigs.sampling import moves
from mannequin.generator.spec import (
    CameraSpec,
    EnvironmentBackground,
    HdriLight,
    Lamp,
    LampLight,
    PhotoBackground,
    ShLight,
)

EYE_HEIGHT = 1.6
"""m above the ground at which environment images are usually taken."""

WHITE = 0.6
"""Linear radiance that a white upright surface gets on average from an exposed environment."""


def sample_light(sampler: Sampler, kind: str, reach: float = 0.0) -> ShLight | HdriLight | LampLight:
    """Light of ``kind`` "sh", "hdri" or "lamps". reach: m from the middle to which several people get, 0 for one."""
    if kind == "lamps":
        return sample_lamps(sampler, reach)
    return sample_sh(sampler) if kind == "sh" else sample_hdri(sampler)


def sample_background(
    sampler: Sampler, light: ShLight | HdriLight | LampLight, cameras: Sequence[CameraSpec]
) -> PhotoBackground | EnvironmentBackground:
    """A photo of the user's where there are any; else the environment that lights; else any. Cameras that move see an
    environment: a photo would go with them."""
    place, rng = sampler.rng("background place"), sampler.rng("background")
    if sampler.catalog.photos and not any(moves(camera) for camera in cameras):
        photo = sampler.choose_file("photo", rng, sampler.of_split(sampler.catalog.photos))
        return PhotoBackground(photo, (float(place.uniform()), float(place.uniform())))
    if isinstance(light, HdriLight):
        return EnvironmentBackground(light.environment, light.yaw, light.strength, EYE_HEIGHT)
    environment = sampler.choose_file("environment", rng, sampler.of_split(sampler.catalog.environments))
    yaw = float(place.uniform(0, 2 * math.pi))
    return EnvironmentBackground(environment, yaw, _exposure(sampler, environment), EYE_HEIGHT)


def sample_sh(sampler: Sampler) -> ShLight:
    """SURREAL's: U[−0.7, 0.7], but the ambient term 0.5 + 0.9 U[0, 1) and the vertical −0.7 U[0, 1)."""
    rng = sampler.rng("light")
    c = rng.uniform(-0.7, 0.7, 9)
    c[0] = 0.5 + 0.9 * rng.uniform()
    c[1] = -0.7 * rng.uniform()
    return ShLight(tuple(float(v) for v in c))


def sample_hdri(sampler: Sampler) -> HdriLight:
    """An environment image of the split, turned anyhow, exposed within 2/3 of a stop of middle grey."""
    rng = sampler.rng("light")
    environment = sampler.choose_file(
        "environment", sampler.rng("environment"), sampler.of_split(sampler.catalog.environments)
    )
    yaw, stops = rng.uniform(0, 2 * math.pi), rng.uniform(-0.67, 0.67)
    return HdriLight(environment, float(yaw), float(exact.power(2.0, stops)) * _exposure(sampler, environment))


def _exposure(sampler: Sampler, environment: str) -> float:
    """Factor that brings the light of an environment on upright surfaces to WHITE."""
    return float(WHITE / max(sampler.catalog.brightness(environment), 1e-4))


def sample_lamps(sampler: Sampler, reach: float = 0.0) -> LampLight:
    """A key lamp, a weaker fill lamp opposite and often a rim lamp, over some ambient light.

    reach: m to which people get, beyond which lamps stand, the stronger the further.
    """
    rng = sampler.rng("light")
    key_angle = rng.uniform(0, 2 * math.pi)
    lamps = [
        _lamp(rng, key_angle, power=rng.uniform(150, 350), distance=rng.uniform(2.5, 4)),
        _lamp(rng, key_angle + math.pi * rng.uniform(0.6, 1.4), power=rng.uniform(50, 150), distance=rng.uniform(3, 5)),
    ]
    if rng.uniform() < 0.6:
        lamps.append(_lamp(rng, key_angle + math.pi, power=rng.uniform(100, 250), distance=rng.uniform(2.5, 4)))
    further = max(1.0, (reach + 1.5) / 2.5)
    return LampLight(tuple(_moved(lamp, further) for lamp in lamps), ambient=float(rng.uniform(0.15, 0.4)))


def _moved(lamp: Lamp, further: float) -> Lamp:
    """``further`` times as far from the middle, and as bright there."""
    x, y, z = lamp.position
    return replace(lamp, position=(x * further, y * further, z), power=lamp.power * further * further)


def _lamp(rng: np.random.Generator, angle: float, power: float, distance: float) -> Lamp:
    height = rng.uniform(1.8, 3.5)
    warmth = rng.uniform(-0.12, 0.12)
    return Lamp(
        position=(float(distance * exact.cos(angle)), float(distance * exact.sin(angle)), float(height)),
        target=(0.0, 0.0, 1.0),
        power=float(power),
        size=float(rng.uniform(0.3, 1.5)),
        color=(float(1 + warmth), 1.0, float(1 - warmth)),
    )

"""Drawing clip descriptions: pure, one random stream per factor."""

from dataclasses import fields

from mannequin.generator.catalog import Catalog
from mannequin.generator.config import ResolvedConfig, SampleConfig
from mannequin.generator.errors import ConfigError, unknown_name
from mannequin.generator.presets import PRESETS
from mannequin.generator.presets.arrangement import SPACING
from mannequin.generator.presets.company import RECORDED, check_bodies, people_range
from mannequin.generator.rigs.names import parse_rig
from mannequin.generator.spec import ClipSpec

MOST_PIXELS = 2**32
"""Of all frames and cameras of a clip, which is held in memory as a whole."""


def sample_clip(config: SampleConfig, catalog: Catalog, seed: int, index: int) -> ClipSpec:
    """Describe clip ``index`` of the dataset that ``seed`` stands for.

    Pure: depends on the arguments and the content of the catalog alone. Every factor draws from
    its own stream keyed by (seed, index, factor). Raises ConfigError for impossible options.
    """
    if index < 0:
        raise ConfigError(f"index is {index}; expected 0 or more.")
    resolved = resolve(config)
    return PRESETS[resolved.preset].sample(resolved, catalog, seed, index)


def plan_size(config: SampleConfig, catalog: Catalog) -> int | None:
    """Number of different clips the preset holds for this catalog; None when it has no end."""
    resolved = resolve(config)
    return PRESETS[resolved.preset].plan_size(resolved, catalog)


def resolve(config: SampleConfig) -> ResolvedConfig:
    """The same with every open field set to the preset's value, and checked. Raises ConfigError."""
    if config.preset not in PRESETS:
        raise unknown_name("preset", config.preset, PRESETS)
    given = {field.name: getattr(config, field.name) for field in fields(config)}
    defaults = PRESETS[config.preset].defaults
    resolved = ResolvedConfig(**{name: defaults[name] if value is None else value for name, value in given.items()})
    _check(resolved)
    return resolved


def _check(config: ResolvedConfig) -> None:
    limits = (
        ("frames", config.frames, 1, 100_000, "frames per clip"),
        ("fps", config.fps, 0.1, 1000, "Hz"),
        ("size (height)", config.size[0], 8, 8192, "pixels"),
        ("size (width)", config.size[1], 8, 8192, "pixels"),
        ("samples", config.samples, 1, 4096, "samples per pixel"),
    )
    for name, value, low, high, unit in limits:
        if not low <= value <= high:
            raise ConfigError(f"{name} is {value}; expected {low} to {high} {unit}.")
    if not 0 <= config.pose_noise <= 0.5:
        raise ConfigError(f"pose-noise is {config.pose_noise}; expected 0 to 0.5.")
    if config.looks == "view" and config.preset != "surreact":
        raise ConfigError(f"looks is 'view'; {config.preset} has no views to tell apart. Use --preset surreact.")
    if config.people != RECORDED:
        check_bodies(people_range(config.people)[1], config.frames)
    if config.arrangement not in ("any", *SPACING):
        raise unknown_name("arrangement", config.arrangement, ("any", *SPACING))
    rig = parse_rig(config.cameras)
    cameras = int(rig.number) if rig.kind in ("ring", "sphere") else 2 if rig.kind == "stereo" else 1
    pixels = cameras * config.frames * config.size[0] * config.size[1]
    if pixels > MOST_PIXELS:
        raise ConfigError(
            f"A clip of {config.frames} frames of {config.size[0]} x {config.size[1]} pixels and {cameras} "
            f"camera{'s' * (cameras > 1)} takes "
            f"{3e-9 * pixels:.0f} GB for "
            f"its colour alone; expected at most {3e-9 * MOST_PIXELS:.0f} GB. Ask for fewer --frames and more --clips."
        )

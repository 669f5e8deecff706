"""SURREACT's distributions (Varol et al., IJCV 2021, and its released generator): every motion from eight directions.

A clip is a whole motion (``frames`` at most), or as much of it as all who were recorded together are there; all are of
one gender. Cameras stand 45° apart, from in front of the people on, 4 to 6 m away and up to 2 m above or below their
middle, which they look at; 60 mm on a 32 mm sensor. Light is SURREAL's, the background one picture.

Departures, on purpose: people stand on the ground, no camera is below it (SURREACT's people hang in the air, where some
are seen from below), and whoever was recorded alone moves on where SURREACT keeps them in place. View 0 is in front
of people, on the average over the clip, where SURREACT has the direction from which they were filmed. Noise of poses
comes from a stream of its own, the same in all views of a motion. Light is the same for everybody.
"""

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np

from mannequin.generator.catalog import Catalog
from mannequin.generator.config import ResolvedConfig
from mannequin.generator.errors import ConfigError
from mannequin.generator.presets.company import RECORDED, Company, sample_company
from mannequin.generator.presets.light import sample_background, sample_light
from mannequin.generator.presets.sampler import Sampler, motions_of
from mannequin.generator.presets.surreal import FOCAL, SENSOR
from mannequin.generator.rigs.layouts import Stand
from mannequin.generator.rigs.names import parse_rig
from mannequin.generator.rigs.sampling import LOW, sample_cameras
from mannequin.generator.spec import ClipSpec
from mannequin.generator.streams import shuffled_position

DEFAULTS = {
    "frames": 300,
    "fps": 30.0,
    "size": (240, 320),
    "samples": 16,
    "keep_in_frame": False,
    "light": "sh",
    "people": RECORDED,
    "arrangement": "any",
    "cameras": "ring:8",
}

NEAREST, FARTHEST = 4.0, 6.0  # m, level
SHARED = 0.5
"""Share of the longest motion of a recording for which others are there at least who are in its clip."""

RISE = 2.0
"""m above and below the middle of the people between which cameras stand."""


def plan_size(config: ResolvedConfig, catalog: Catalog) -> int:
    """Number of clips: one for each motion, or for each view of it where each has looks of its own."""
    return len(_plan(config, catalog)) * _views(config)


def sample(config: ResolvedConfig, catalog: Catalog, seed: int, index: int) -> ClipSpec:
    """Clip ``index``: a seeded order of all motions, so that a few are a fair sample. Where each view has looks of its
    own, those of a motion follow each other."""
    plan, views = _plan(config, catalog), _views(config)
    number, view = divmod(index, views)
    repetition = number // len(plan)
    motion_id = plan[shuffled_position(number % len(plan), len(plan), seed)]
    sampler = Sampler(catalog, seed, index, config.split, moves_as=number, one_gender=True)
    other = f"_{number}" if catalog.files.fault("motion", motion_id) else ""
    if other:
        motion_id = sampler.choose_file("motion", sampler.rng("motion"), plan)
    begin, end, _ = _scene(catalog, motion_id, motions_of(catalog, config.split) if config.people == RECORDED else ())
    frames = min(config.frames, math.floor((end - begin) * config.fps + 1e-6) + 1)
    company = sample_company(sampler, config, (motion_id, begin), frames)
    light = sample_light(sampler, config.light, company.reach)
    cameras, rig = sample_cameras(config, sampler.rng, _stand(config, sampler, company), company.poses)
    if config.looks == "view":
        cameras = (replace(cameras[view], name="camera0"),)
        rig = {name: told for name, told in rig.items() if name != "rig"} | {"view": 360.0 * view / views}
    sequence = motion_id.replace("/", "_")
    degrees = f"_v{round(360 * view / views):03d}" if config.looks == "view" else ""
    return ClipSpec(
        name=f"{sequence}{other}/{sequence}{degrees}_r{repetition:02d}",
        seed=seed,
        index=index,
        split=config.split,
        preset="surreact",
        fps=config.fps,
        num_frames=company.frames,
        resolution=config.size,
        people=company.people,
        cameras=cameras,
        light=light,
        background=sample_background(sampler, light, cameras),
        samples=config.samples,
        tags={"sequence": sequence, "repetition": float(repetition)} | company.tags | rig,
    )


def _views(config: ResolvedConfig) -> int:
    """Clips of a motion. Raises ConfigError for cameras that cannot each be a clip of its own."""
    if config.looks == "same":
        return 1
    rig = parse_rig(config.cameras)
    if rig.kind not in ("fixed", "ring"):
        raise ConfigError(f"cameras is {config.cameras!r}; with --looks view they are ring:N or fixed.")
    return int(rig.number) if rig.kind == "ring" else 1


@lru_cache(maxsize=8)
def _plan_of(catalog: Catalog, config: ResolvedConfig) -> tuple[str, ...]:
    motions = motions_of(catalog, config.split)
    if config.people != RECORDED:
        return motions
    shown: set[str] = set()
    together = [name for name in motions if catalog.motion(name).partners]
    for name in sorted(together, key=lambda name: -catalog.motion(name).duration):
        if name not in shown:
            shown.update(_scene(catalog, name, motions)[2])
    return tuple(name for name in motions if name not in shown)


def _scene(catalog: Catalog, name: str, usable: tuple[str, ...]) -> tuple[float, float, list[str]]:
    """(begin, end) in seconds of motion ``name`` between which its partners are there too, and who they are: those of
    the ``usable`` ones who leave SHARED of it or more."""
    first = catalog.motion(name)
    begin, end, mates = 0.0, first.duration, []
    partners = [mate for mate in first.partners if mate in usable]
    for mate in sorted(partners, key=lambda mate: -catalog.motion(mate).duration):
        other = catalog.motion(mate)
        came = max(begin, other.begin - first.begin)
        went = min(end, other.begin + other.duration - first.begin)
        if went - came >= SHARED * first.duration:
            begin, end = came, went
            mates.append(mate)
    return begin, end, mates


def _plan(config: ResolvedConfig, catalog: Catalog) -> tuple[str, ...]:
    """Motions that clips are of: not those who are in the clip of somebody else they were recorded with."""
    return _plan_of(catalog, config)


def _stand(config: ResolvedConfig, sampler: Sampler, company: Company) -> Stand:
    """The first camera, in front of the people; it looks at the middle of their pelvises through the clip."""
    joints = company.joints
    pelvises = joints[:, :: joints.shape[1] // len(company.people)]
    middle = np.add.reduce(pelvises, axis=(0, 1)) / pelvises[..., 0].size
    rng = sampler.rng("camera")
    distance, rise = rng.uniform(NEAREST, FARTHEST), rng.uniform(max(-RISE, LOW - middle[2]), RISE)
    return Stand(middle + [0.0, -distance, rise], middle, FOCAL / SENSOR * max(config.size))

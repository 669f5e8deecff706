"""The default: dressed people, one unless more are asked for, under HDRI light, whole and large in the image.

Cameras stand where a photographer would: 22–60 mm (36 mm film), 0.5–2.2 m high, all around, at
the distance from which everybody fills most of the frame through the whole clip.
"""

import math

import numpy as np

from mannequin.generator import exact
from mannequin.generator.catalog import Catalog
from mannequin.generator.config import ResolvedConfig
from mannequin.generator.presets.company import Company, sample_company
from mannequin.generator.presets.light import sample_background, sample_light
from mannequin.generator.presets.sampler import Sampler
from mannequin.generator.rigs.framing import distance_to_fit
from mannequin.generator.rigs.layouts import Stand
from mannequin.generator.rigs.sampling import sample_cameras
from mannequin.generator.spec import ClipSpec

DEFAULTS = {
    "frames": 30,
    "fps": 30.0,
    "size": (480, 640),
    "samples": 16,
    "keep_in_frame": True,
    "light": "hdri",
    "people": "1",
    "arrangement": "any",
    "cameras": "fixed",
}


def plan_size(config: ResolvedConfig, catalog: Catalog) -> None:
    """Endless: every index is another clip."""
    return None


def sample(
    config: ResolvedConfig, catalog: Catalog, seed: int, index: int, eyes: tuple[float, float] = (0.5, 2.2)
) -> ClipSpec:
    """Clip ``index``: motion, start, body, clothes, place, camera and light all drawn afresh.

    eyes: m above the ground between which cameras stand. Motions are drawn into which the clip fits; where there is
    none, it is as long as the one that is drawn, and its tag ``frames_asked`` says what was asked for.
    """
    sampler = Sampler(catalog, seed, index, config.split)
    company = sample_company(sampler, config)
    light = sample_light(sampler, config.light, company.reach)
    cut = {"frames_asked": float(config.frames)} if company.frames < config.frames else {}
    cameras, rig = sample_cameras(config, sampler.rng, _stand(config, sampler, company, eyes), company.poses)
    return ClipSpec(
        name=f"{index:06d}_{company.people[0].motion.asset.replace('/', '_')}",
        seed=seed,
        index=index,
        split=config.split,
        preset=config.preset,
        fps=config.fps,
        num_frames=company.frames,
        resolution=config.size,
        people=company.people,
        cameras=cameras,
        light=light,
        background=sample_background(sampler, light, cameras),
        samples=config.samples,
        tags=company.tags | rig | cut,
    )


def _stand(config: ResolvedConfig, sampler: Sampler, company: Company, eyes: tuple[float, float]) -> Stand:
    rng = sampler.rng("camera")
    focal = float(rng.uniform(22, 60)) / 36.0 * max(config.size)
    joints = company.joints
    middle = (joints.min((0, 1)) + joints.max((0, 1))) / 2
    bearing, eye = rng.uniform(0, 2 * math.pi), rng.uniform(*eyes)
    looseness = float(rng.uniform(1.0, 1.35))
    level = np.array([exact.cos(bearing), exact.sin(bearing), 0.0])
    distance = _fit(joints, middle, level, eye, focal, config.size) if config.keep_in_frame else 3.0 + company.reach
    position = middle + level * distance * looseness
    position[2] = eye
    return Stand(position, middle, focal)


def _fit(joints, middle, level, eye, focal, size) -> float:
    """Horizontal distance of a camera at height ``eye`` from which everybody fits; two rounds
    suffice, since the tilt changes little once the distance is nearly right."""
    distance = 3.0
    for _ in range(3):
        direction = level * distance + [0.0, 0.0, eye - middle[2]]
        direction /= exact.norm(direction)
        slant = distance_to_fit(joints, middle, direction, (focal, focal), size, 1.2)
        distance = slant * float(exact.hypot(direction[0], direction[1]))
    return distance

"""SURREAL's distributions (thesis §3.3.1; the released generator), each factor once per clip.

Departures, on purpose: motions are resampled from their own rate instead of every fourth frame;
the native image is not mirrored; the body stands on the ground, with the camera at the height of
the pelvis at frame 0, where SURREAL puts the pelvis into the origin. Of several people the camera
looks at the middle.
"""

import math
from functools import lru_cache

import numpy as np

from mannequin.generator import exact
from mannequin.generator.catalog import Catalog
from mannequin.generator.config import ResolvedConfig
from mannequin.generator.motion.base import Motion
from mannequin.generator.presets.company import Company, sample_company
from mannequin.generator.presets.light import sample_background, sample_light
from mannequin.generator.presets.sampler import Sampler, motions_of
from mannequin.generator.rigs.framing import distance_to_fit
from mannequin.generator.rigs.layouts import Stand
from mannequin.generator.rigs.sampling import sample_cameras
from mannequin.generator.spec import ClipSpec
from mannequin.generator.streams import shuffled_position

DEFAULTS = {
    "frames": 100,
    "fps": 30.0,
    "size": (240, 320),
    "samples": 16,
    "keep_in_frame": False,
    "light": "sh",
    "people": "1",
    "arrangement": "any",
    "cameras": "fixed",
}

STRIDES = (50, 30, 70)
"""Frames from the start of one 100-frame clip to the next in run 0, 1 and 2: overlaps 50, 70, 30 %."""

FOCAL, SENSOR = 60.0, 32.0  # mm


def plan_size(config: ResolvedConfig, catalog: Catalog) -> int:
    """Number of clips in the three runs over all motions of the split."""
    return len(_plan(config, catalog))


def sample(config: ResolvedConfig, catalog: Catalog, seed: int, index: int) -> ClipSpec:
    """Clip ``index``: a seeded order of all (run, sequence, clip), so that a few are a fair sample."""
    plan = _plan(config, catalog)
    motion_id, run, number = plan.at(shuffled_position(index % len(plan), len(plan), seed))
    sampler = Sampler(catalog, seed, index, config.split)
    suffix = f"_{index // len(plan)}" if index >= len(plan) else ""
    if catalog.files.fault("motion", motion_id):
        motion_id, run, number = _other(plan, sampler)
        suffix = f"_r{index}"
    stride = STRIDES[run] * config.frames // 100 or 1
    start = number * stride
    motion = catalog.motion(motion_id)
    frames = min(config.frames, _num_frames(motion, config.fps) - start)
    company = sample_company(sampler, config, (motion_id, start / config.fps), frames)
    light = sample_light(sampler, config.light, company.reach)
    cameras, rig = sample_cameras(config, sampler.rng, _stand(config, sampler, company), company.poses)
    sequence = motion_id.replace("/", "_")
    return ClipSpec(
        name=f"run{run}/{sequence}/{sequence}_c{number + 1:04d}{suffix}",
        seed=seed,
        index=index,
        split=config.split,
        preset="surreal",
        fps=config.fps,
        num_frames=company.frames,
        resolution=config.size,
        people=company.people,
        cameras=cameras,
        light=light,
        background=sample_background(sampler, light, cameras),
        samples=config.samples,
        tags={
            "sequence": sequence,
            "run": float(run),
            "clip": float(number + 1),
            "stride": float(stride),
        }
        | company.tags
        | rig
        | ({"frames_asked": float(config.frames)} if motion.rate and company.frames < config.frames else {}),
    )


def _num_frames(motion: Motion, fps: float) -> int:
    return math.floor(motion.duration * fps + 1e-6) + 1


def clips_in(frames: int, length: int, stride: int) -> int:
    """Clips of a sequence of ``frames``: SURREAL's ceil((n − (length − stride)) / stride), at least one."""
    return max(1, math.ceil((frames - (length - stride)) / stride))


class Plan:
    """All (motion, run, clip number) in order, without listing them."""

    def __init__(self, motions: tuple[str, ...], counts: list[int]):
        self.motions = motions
        self.ends = np.cumsum(counts)  # counts: one per (run, motion)

    def __len__(self) -> int:
        return int(self.ends[-1])

    def at(self, position: int) -> tuple[str, int, int]:
        block = int(np.searchsorted(self.ends, position, side="right"))
        run, which = divmod(block, len(self.motions))
        return self.motions[which], run, position - int(self.ends[block - 1] if block else 0)


def _other(plan: Plan, sampler: Sampler) -> tuple[str, int, int]:
    """(motion, run, clip number) in place of a clip whose motion cannot be used: any of another motion."""
    rng = sampler.rng("motion")
    sampler.choose_file("motion", rng, plan.motions)  # or there is none, and no end of the search
    while sampler.catalog.files.fault("motion", (found := plan.at(int(rng.integers(len(plan)))))[0]):
        pass
    return found


@lru_cache(maxsize=8)
def _plan_of(catalog: Catalog, split: str, frames: int, fps: float) -> Plan:
    motions = motions_of(catalog, split)
    lengths = [_num_frames(catalog.motion(m), fps) for m in motions]
    strides = [s * frames // 100 or 1 for s in STRIDES]
    return Plan(motions, [clips_in(n, frames, s) for s in strides for n in lengths])


def _plan(config: ResolvedConfig, catalog: Catalog) -> Plan:
    return _plan_of(catalog, config.split, config.frames, config.fps)


def _stand(config: ResolvedConfig, sampler: Sampler, company: Company) -> Stand:
    """60 mm on a 32 mm sensor, level, looking along -X at the pelvis, or the middle of several, from N(8, 1) m."""
    focal = FOCAL / SENSOR * max(config.size)
    joints = company.joints
    pelvises = joints[0, :: joints.shape[1] // len(company.people)]
    target = np.array([*company.middle, np.add.reduce(pelvises[:, 2]) / len(pelvises)])
    distance = max(1.0 + company.reach, 8.0 + float(exact.normals(sampler.rng("camera"))))
    if config.keep_in_frame:
        distance = distance_to_fit(joints, target, np.array([1.0, 0.0, 0.0]), (focal, focal), config.size, distance)
    return Stand(target + [distance, 0.0, 0.0], target, focal)

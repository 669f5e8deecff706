"""Synchronised cameras against each other: what one sees is where the others see it, or hidden from them."""

from itertools import permutations

import numpy as np

from mannequin.generator.clip import Clip, View
from mannequin.renderers.validation.rays import Eye
from mannequin.renderers.validation.surface import some_frames
from mannequin.renderers.validation.table import Finding

FRAMES, POINTS, PAIRS = 3, 400, 12
"""Frames, points per frame and pair, and pairs of cameras that are looked at."""

THROUGH = 0.02
"""m by which a point that one camera sees may be in front of all that another one sees around its place. A depth image
knows the surface at pixel centres only."""

AGREE, ALIKE = 2.0, 90.0
"""% of points that may be seen through; % of those at which two cameras look together that must be of one instance."""


def view_findings(clip: Clip) -> list[Finding]:
    """Agreement of every two cameras of ``clip`` that have depth, in the world."""
    names = [n for n, view in clip.views.items() if {"depth", "instance"} <= set(view.labels.values)]
    pairs = list(permutations(names, 2))
    chosen = [pairs[i] for i in np.unique(np.linspace(0, len(pairs) - 1, min(len(pairs), PAIRS)).round().astype(int))]
    through, alike = [], []
    for one, other in chosen:
        for t in some_frames(clip.spec.num_frames, FRAMES):
            seen_through, same = _compare(clip, one, other, int(t))
            through.append(seen_through)
            alike.append(same)
    through, alike = (np.concatenate([np.zeros(0), *found]) for found in (through, alike))
    findings = []
    if len(through) >= 50:
        findings.append(Finding("surfaces agree between cameras", 100 * through.mean(), AGREE, "%"))
    if len(alike) >= 50:
        findings.append(Finding("instances agree between cameras", 100 * alike.mean(), ALIKE, "%", at_least=True))
    return findings


def _eye(clip: Clip, camera: str) -> Eye:
    view, spec = clip.views[camera], next(c for c in clip.spec.cameras if c.name == camera)
    return Eye(view.K, view.T_world_camera, spec.distortion, clip.spec.resolution)


def _compare(clip: Clip, one: str, other: str, t: int) -> tuple[np.ndarray, np.ndarray]:
    """((n,) 1 where a point that ``one`` sees is in front of what ``other`` sees there, (m,) 1 where both see the same
    instance in one place)."""
    first, second = _eye(clip, one), _eye(clip, other)
    labels = clip.views[one].labels
    span = slice(labels.offsets[t], labels.offsets[t + 1])
    kept = np.unique(np.linspace(0, max(span.stop - span.start - 1, 0), POINTS).astype(int))
    if span.stop == span.start:
        return np.zeros(0), np.zeros(0)
    pixels, depth = labels.pixels[span][kept], labels.values["depth"][span][kept].astype(float)
    instance = labels.values["instance"][span][kept]
    rays = np.concatenate([first.rays(pixels, t), np.ones((len(pixels), 1))], axis=1)
    T = first.poses[t]
    local = second.to_camera((rays * depth[:, None]) @ T[:3, :3].T + T[:3, 3], t)
    image = second.project(local, t)
    inside = second.sees(np.nan_to_num(image, nan=-1.0)) & (local[:, 2] > 0)
    nearest, depth_there, instance_there = _around(clip.views[other], t, image[inside])
    z = local[inside, 2]
    met = np.abs(depth_there - z) < THROUGH
    return (z < nearest - THROUGH).astype(float), (instance_there == instance[inside])[met].astype(float)


def _around(view: View, t: int, image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of positions (n, 2): ((n,) nearest depth of the 3 × 3 pixels around, infinite where they are empty; (n,) depth
    and (n,) instance of the pixel itself)."""
    depth, instance = view.frame("depth", t), view.frame("instance", t)
    h, w = depth.shape
    x, y = np.floor(image).astype(int).T
    nearest = np.full(len(image), np.inf)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            d = depth[np.clip(y + dy, 0, h - 1), np.clip(x + dx, 0, w - 1)]
            nearest = np.minimum(nearest, np.where(d > 0, d, np.inf))
    return nearest, depth[y, x], instance[y, x]

"""Who hides whom: stored masks against the labels, and against rays cast at each mesh alone."""

import numpy as np

from mannequin.generator.clip import (
    BY_ANOTHER,
    BY_OBJECT,
    BY_ONESELF,
    HIDDEN,
    OUTSIDE,
    UNKNOWN,
    VISIBLE,
    Clip,
    Foreground,
    ObjectView,
    PersonView,
    View,
)
from mannequin.generator.scene import MeshTrack, Scene
from mannequin.renderers.people import surface_at
from mannequin.renderers.validation.rays import Eye, cast
from mannequin.renderers.validation.surface import some_frames
from mannequin.renderers.validation.table import Finding

FRAMES, RAYS = 3, 60
"""Frames, and rays per frame and mesh: within its mask, on other things around it, and beside all of them."""

SHARE = 1.0
"""% of rays that may say otherwise: those that graze an outline."""


def amodal_findings(clip: Clip) -> list[Finding]:
    """What is stored of who hides whom, against itself and the labels of ``clip``."""
    findings = []
    for view in clip.views.values():
        has_instances = "instance" in view.labels.values
        for name, seen in {**view.people, **view.hands, **view.objects}.items():
            if name in view.amodal:
                number = next(n for n, called in clip.spec.instances.items() if called == name)
                findings.append(_counts(seen, view.amodal[name], name))
                if has_instances:
                    findings.append(_contains(view, number, view.amodal[name], name))
            else:
                findings.append(_unrecorded(seen, len(clip.spec.things) == 1, name))
        for name, person in {**view.people, **view.hands}.items():
            findings.append(_flags(person, name))
            if {"segm", "instance", "depth"} <= set(view.labels.values) and name in view.amodal:
                findings.append(_hiders(clip, view, person, name))
    return findings


def _counts(seen: PersonView | ObjectView, mask: Foreground, name: str) -> Finding:
    """Largest difference of a stored box or number of pixels from those of the mask."""
    worst = 0.0
    for t in range(mask.num_frames):
        y, x = np.nonzero(mask.mask(t))
        box = np.array([x.min(), y.min(), x.max() + 1, y.max() + 1]) if len(x) else np.zeros(4)
        worst = max(worst, float(np.abs(seen.amodal_box[t] - box).max()), abs(int(seen.amodal_pixels[t]) - len(x)))
    return Finding("amodal boxes fit their masks", worst, 0, "px", note=name)


def _contains(view: View, number: int, mask: Foreground, name: str) -> Finding:
    """Visible pixels outside the amodal mask, and amodal pixels in which there is nobody at all."""
    wrong = 0
    for t in range(mask.num_frames):
        seen, whole = view.labels.frame("instance", t), mask.mask(t)
        wrong += int(((seen == number) & ~whole).sum() + (whole & (seen == 0)).sum())
    return Finding("visible pixels are amodal too", wrong, 0, "px", note=name)


def _unrecorded(seen: PersonView | ObjectView, is_alone: bool, name: str) -> Finding:
    expected = seen.pixels if is_alone else np.full_like(seen.pixels, UNKNOWN)
    return Finding("amodal boxes fit their masks", int((seen.amodal_pixels != expected).sum()), 0, "px", note=name)


def _flags(person: PersonView, name: str) -> Finding:
    """Joints whose visibility contradicts that they are in the frame, or visible."""
    wrong = (person.visibility > HIDDEN) | ((person.visibility == OUTSIDE) == person.in_frame)
    wrong |= (person.visibility == VISIBLE) != person.visible
    return Finding("visibility fits the flags", int(wrong.sum()), 0, "joints", note=name)


def _hiders(clip: Clip, view: View, person: PersonView, name: str) -> Finding:
    """Joints that are said to be hidden by what is not in their pixel."""
    objects = [thing.instance for thing in clip.spec.objects]
    own = next(n for n, called in clip.spec.instances.items() if called == name)
    t, joints = np.nonzero(np.isin(person.visibility, (BY_ONESELF, BY_ANOTHER, BY_OBJECT)))
    x, y = np.floor(person.joints2d[t, joints]).astype(np.int64).T
    _part, instance, _depth = surface_at(view.labels, t, y * view.labels.resolution[1] + x)
    expected = np.where(instance == own, BY_ONESELF, np.where(np.isin(instance, objects), BY_OBJECT, BY_ANOTHER))
    wrong = (expected != person.visibility[t, joints]) | (instance == 0)
    return Finding("joints hidden by what is there", int(wrong.sum()), 0, "joints", note=name)


def amodal_ray_findings(clip: Clip, scene: Scene) -> list[Finding]:
    """Every stored mask of ``clip`` against rays cast at the mesh alone."""
    wrong = []
    for camera in clip.spec.cameras:
        view, (K, poses) = clip.views[camera.name], scene.cameras[camera.name]
        eye = Eye(K, poses, camera.distortion, clip.spec.resolution)
        for mesh in (m for m in scene.meshes if m.name in view.amodal):
            for t in some_frames(clip.spec.num_frames, FRAMES):
                wrong.append(_wrong_rays(view, eye, mesh, int(t)))
    found = np.concatenate(wrong) if wrong else np.zeros(0, bool)
    return [Finding("amodal masks along rays", 100 * float(found.mean()), SHARE, "%")] if len(found) else []


def _wrong_rays(view: View, eye: Eye, mesh: MeshTrack, t: int) -> np.ndarray:
    """(n,) bool: rays that meet ``mesh`` where its mask says they do not, or the other way round."""
    mask, shown = view.amodal[mesh.name].mask(t), view.labels.mask(t)
    corners = eye.to_camera(mesh.vertices[t + 1], t + 1)
    near = _around(eye.project(corners, t + 1), view.labels.resolution)
    groups = (mask, near & shown & ~mask, near & ~shown & ~mask)
    pixels = np.concatenate([_evenly(np.flatnonzero(group), t) for group in groups])
    face, _, _ = cast(corners[mesh.faces], eye.rays(pixels, t + 1), np.full(len(pixels), np.inf))
    return (face >= 0) != mask.reshape(-1)[pixels]


def _around(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W) bool: the box around positions (n, 2), with some pixels to spare; all of it where some have none."""
    near, (h, w) = np.zeros(size, bool), size
    if np.isnan(image).any():
        return ~near
    x0, y0 = np.clip(np.floor(image.min(axis=0)) - 3, 0, (w, h)).astype(int)
    x1, y1 = np.clip(np.ceil(image.max(axis=0)) + 3, 0, (w, h)).astype(int)
    near[y0:y1, x0:x1] = True
    return near


def _evenly(pixels: np.ndarray, t: int) -> np.ndarray:
    if len(pixels) <= RAYS:
        return pixels
    return pixels[((np.arange(RAYS) + (t * 0.618) % 1.0) * len(pixels) / RAYS).astype(int)]

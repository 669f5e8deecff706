"""Sampled frames rendered again by the other renderer, and compared channel by channel."""

from dataclasses import replace

import cv2
import numpy as np

from generator.clip import LABELS, Clip, View
from generator.scene import Scene
from generator.spec import HdriLight
from renderers.validation.table import Finding

LIMITS = {
    "segm": (0.02, "% of pixels"),
    "instance": (0.02, "% of pixels"),
    "chart": (0.02, "% of pixels"),
    "depth": (1e-3, "m"),
    "normal": (0.02, "(99 %)"),
    "flow": (0.02, "px (99.5 %)"),
    "flow_backward": (0.02, "px (99.5 %)"),
    "uv": (1e-3, "(99 %)"),
    "chart_uv": (3e-3, "(99 %)"),
    "occluded": (6.0, "% of foreground"),
    "occluded_backward": (6.0, "% of foreground"),
}
"""What may differ between the renderers: storage steps, and pixels cut by an edge. Occlusion, exact in
the rasteriser, is judged from depth images in Cycles, which leaves a fringe along every edge."""

ALLOWED_PIXELS = 6
"""May always differ in a label: in a small image one pixel is more than the share allowed."""


def one_frame(scene: Scene, t: int) -> Scene:
    """Frame ``t`` of ``scene`` with its two neighbours, as a scene of its own."""
    spec, keep = scene.spec, slice(t, t + 3)

    def pose(poses):
        return (poses[t if len(poses) > 1 else 0],)

    small = replace(
        spec,
        num_frames=1,
        cameras=tuple(replace(c, T_world_camera=pose(c.T_world_camera)) for c in spec.cameras),
        objects=tuple(replace(o, T_world_object=pose(o.T_world_object)) for o in spec.objects),
    )
    cut = slice(t, t + 1)
    people = {
        name: replace(p, pose=p.pose[cut], transl=p.transl[cut], joints=p.joints[cut], vertices=None)
        for name, p in scene.people.items()
    }
    return replace(
        scene,
        spec=small,
        meshes=tuple(replace(m, vertices=m.vertices[keep]) for m in scene.meshes),
        people=people,
        cameras={name: (K, poses[keep]) for name, (K, poses) in scene.cameras.items()},
        background={n: b[cut] if len(b) > 1 else b for n, b in scene.background.items()},
    )


def rerender_findings(clip: Clip, scene: Scene, t: int, label_renderer, colour_renderer) -> list[Finding]:
    """Compare frame ``t`` of ``clip`` with what two renderers make of ``scene``.

    label_renderer: makes its own labels. colour_renderer: another than made the clip's rgb, or
    None to leave colour alone.
    """
    small = one_frame(scene, t)
    findings = []
    for camera, view in clip.views.items():
        labels = tuple(n for n in view.channels if n in LABELS)
        again = label_renderer.render_scene(small, labels + ("segm", "depth")).views[camera]
        for name in labels:
            value = _difference(name, view, again, t)
            limit, unit = LIMITS[name]
            findings.append(Finding(f"{name} rendered again", value, limit, unit))
        if view.rgb is not None and colour_renderer is not None:
            other = colour_renderer.render_scene(small, ("rgb",)).views[camera]
            shaded = isinstance(scene.spec.light, HdriLight)
            findings += _colour(view.rgb[t], other.rgb[0], again.frame("depth", 0) > 0, shaded)
    return findings


def _difference(name: str, view: View, again: View, t: int) -> float:
    mine, other = view.frame(name, t), again.frame(name, 0)
    inside, inside_again = view.labels.mask(t), again.labels.mask(0)
    if name in ("segm", "instance", "chart"):
        wrong = int((mine != other).sum())
        return 0.0 if wrong <= ALLOWED_PIXELS else 100 * wrong / mine.size
    both = inside & inside_again & ~_edges(again)
    if not both.any():
        return 0.0 if not (inside ^ inside_again).sum() > ALLOWED_PIXELS else float("inf")
    if name.startswith("occluded"):
        return 100 * float((mine != other)[both].mean())
    gap = np.abs(mine[both].astype(np.float64) - other[both])
    gap = gap if gap.ndim == 1 else np.linalg.norm(gap, axis=1)
    if name == "depth":
        return float(np.percentile(gap, 99.9))
    return float(np.percentile(gap, 99.5 if name.startswith("flow") else 99))


def _edges(view: View) -> np.ndarray:
    """(H, W) bool, pixels whose neighbourhood leaves their surface."""
    depth = view.frame("depth", 0)
    cross = np.ones((3, 3), np.uint8)
    return (cv2.dilate(depth, cross) - cv2.erode(depth, cross)) > 0.05


def _colour(rgb: np.ndarray, other: np.ndarray, mask: np.ndarray, shaded: bool) -> list[Finding]:
    """The picture agrees with a second one, and better than with its mirror image.

    Renderers differ in shadow and noise, so the picture is compared with tolerance; under a
    shadow-casting light only its structure counts.
    """
    a, b = (cv2.GaussianBlur(i, (0, 0), 1.0).astype(np.float64) for i in (rgb, other))
    findings = []
    if (~mask).any():
        background = float(np.median(np.abs(a - b)[~mask]))
        findings.append(Finding("background rendered again", background, 6.0, "of 255 (median)"))
    if mask.sum() > 50:
        apart, mirrored = _distance(a, b, mask), _distance(a[:, ::-1], b, mask)
        limit = 60.0 if shaded else 12.0
        findings.append(Finding("people rendered again", apart, limit, "of 255 (mean)"))
        findings.append(Finding("picture is not mirrored", apart - mirrored, 0.0, "of 255"))
    return findings


def _distance(a, b, mask) -> float:
    return float(np.abs(a - b)[mask].mean())

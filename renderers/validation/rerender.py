"""Sampled frames rendered again by the other renderer, and compared channel by channel."""

from dataclasses import replace

import cv2
import numpy as np

from mannequin.generator.cameras import to_matrix4, with_neighbours
from mannequin.generator.clip import LABELS, Clip, View
from mannequin.generator.scene import Scene
from mannequin.generator.spec import CameraSpec
from mannequin.renderers.validation.table import Finding

LIMITS = {
    "segm": (0.02, "%"),
    "instance": (0.02, "%"),
    "chart": (0.02, "%"),
    "depth": (1e-3, "m"),
    "normal": (0.005, ""),
    "flow": (0.02, "px"),
    "flow_backward": (0.02, "px"),
    "uv": (5e-4, ""),
    "chart_uv": (3e-3, ""),
    "occluded": (6.0, "%"),
    "occluded_backward": (6.0, "%"),
}
"""What may differ between the renderers: storage steps, and pixels cut by an edge. % of all pixels, of the
foreground for occlusion, which is exact in the rasteriser and judged from depth images in Cycles, which
leaves a fringe along every edge. Of distances, a high percentile off the edges of depth."""

ALLOWED_PIXELS = 6
"""May always differ in a label: in a small image one pixel is more than the share allowed."""


AMODAL_LIMIT = 0.02
"""% of the image's pixels that may differ in a mask."""

VISIBLE_LIMIT = 13.0
"""% of joints, 3 of 24: a joint behind the very outline of a limb may be seen by one renderer alone."""


def one_frame(scene: Scene, t: int) -> Scene:
    """Frame ``t`` of ``scene`` with its two neighbours, as a scene of its own."""
    spec, keep = scene.spec, slice(t, t + 3)

    def pose(poses):
        return (poses[t if len(poses) > 1 else 0],)

    small = replace(
        spec,
        num_frames=1,
        cameras=tuple(_at(c, scene.spec.num_frames, keep) for c in spec.cameras),
        hands=tuple(replace(h, pose=pose(h.pose), transl=pose(h.transl)) for h in spec.hands),
        objects=tuple(replace(o, T_world_object=pose(o.T_world_object)) for o in spec.objects),
    )
    cut = slice(t, t + 1)

    def tracks(found):
        return {
            name: replace(p, pose=p.pose[cut], transl=p.transl[cut], joints=p.joints[cut], vertices=None)
            for name, p in found.items()
        }

    return replace(
        scene,
        spec=small,
        meshes=tuple(replace(m, vertices=m.vertices[keep]) for m in scene.meshes),
        people=tracks(scene.people),
        hands=tracks(scene.hands),
        objects={name: replace(o, T_world_object=o.T_world_object[cut]) for name, o in scene.objects.items()},
        cameras={name: (K[keep], poses[keep]) for name, (K, poses) in scene.cameras.items()},
        background={name: behind.since(t) for name, behind in scene.background.items()},
    )


def _at(camera: CameraSpec, num_frames: int, keep: slice) -> CameraSpec:
    """``camera`` at the three moments ``keep`` of frames -1 … num_frames."""
    poses = with_neighbours(camera.T_world_camera, num_frames)[keep]
    zoom = with_neighbours(camera.zoom, num_frames)[keep].tolist() if camera.zoom else ()
    return replace(camera, T_world_camera=tuple(to_matrix4(pose) for pose in poses), zoom=tuple(zoom))


def rerender_findings(clip: Clip, small: Scene, t: int, renderer) -> list[Finding]:
    """Compare the labels of frame ``t`` with what ``renderer`` makes of ``small``, that frame's scene."""
    findings = []
    wanted = {n for view in clip.views.values() for n in view.labels.values}
    drawn = renderer.render_scene(small, tuple(n for n in LABELS if n in wanted | {"segm", "instance", "depth"}))
    for camera, view in clip.views.items():
        again = drawn.views[camera]
        for name in view.labels.values:
            limit, unit = LIMITS[name]
            findings.append(Finding(f"{name} rendered again", _difference(name, view, again, t), limit, unit))
        for name in view.amodal.keys() & again.amodal.keys():
            wrong = int((view.amodal[name].mask(t) ^ again.amodal[name].mask(0)).sum())
            share = 0.0 if wrong <= ALLOWED_PIXELS else 100 * wrong / view.amodal[name].mask(t).size
            findings.append(Finding("amodal masks rendered again", share, AMODAL_LIMIT, "%"))
        for name, person in view.people.items():
            wrong = int((person.visible[t] != again.people[name].visible[0]).sum())
            share = 100 * wrong / person.visible.shape[1]
            findings.append(Finding("visible joints rendered again", share, VISIBLE_LIMIT, "%"))
    return findings


def _difference(name: str, view: View, again: View, t: int) -> float:
    mine, other = view.frame(name, t), again.frame(name, 0)
    inside, inside_again = view.labels.mask(t), again.labels.mask(0)
    if name in ("segm", "instance", "chart"):
        wrong = int((mine != other).sum())
        return 0.0 if wrong <= ALLOWED_PIXELS else 100 * wrong / mine.size
    both = inside & inside_again & ~_edges(again)
    if not both.any():
        return 0.0 if (inside ^ inside_again).sum() <= ALLOWED_PIXELS else float("inf")
    if name.startswith("occluded"):
        wrong = int((mine != other)[both].sum())
        return 0.0 if wrong <= ALLOWED_PIXELS else 100 * wrong / int(both.sum())
    gap = np.abs(mine[both].astype(np.float64) - other[both])
    gap = gap if gap.ndim == 1 else np.linalg.norm(gap, axis=1)
    return _high(gap, 0.001 if name == "depth" else 0.01)


def _high(gap: np.ndarray, share: float) -> float:
    """The largest of ``gap`` (n,) but for a share, or for ALLOWED_PIXELS where that is more."""
    left_out = max(ALLOWED_PIXELS, int(np.ceil(share * len(gap))))
    return float(np.sort(gap)[-left_out - 1]) if len(gap) > left_out else 0.0


def _edges(view: View) -> np.ndarray:
    """(H, W) bool, pixels whose neighbourhood leaves their surface."""
    depth = view.frame("depth", 0)
    cross = np.ones((3, 3), np.uint8)
    return (cv2.dilate(depth, cross) - cv2.erode(depth, cross)) > 0.05

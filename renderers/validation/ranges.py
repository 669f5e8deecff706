"""Values that cannot be, whatever the clip shows."""

import numpy as np

from mannequin.generator.cameras import camera_track
from mannequin.generator.clip import Clip, Foreground, View
from mannequin.renderers.validation.table import Finding


def range_findings(clip: Clip) -> list[Finding]:
    """Impossible values, improper cameras, objects elsewhere than described, boxes that do not fit what they are of."""
    findings = _objects(clip)
    for camera in clip.spec.cameras:
        view = clip.views[camera.name]
        findings.append(_labels(view.labels, list(clip.spec.instances)))
        findings += _camera(view, camera, clip.spec.num_frames)
        if "instance" in view.labels.values:
            findings.append(_boxes(clip, view))
    return findings


def _labels(labels: Foreground, instances: list[int]) -> Finding:
    """Entries with an impossible value, all channels together."""
    v, bad = labels.values, {}
    for name, low, high in (("segm", 0, 24), ("chart", 0, 24), ("depth", 1e-6, 1e4)):
        if name in v:
            bad[name] = ~((v[name] >= low) & (v[name] <= high))
    if "instance" in v:
        bad["instance"] = ~np.isin(v["instance"], instances)
    if "normal" in v:
        bad["normal"] = ~(np.abs(np.linalg.norm(v["normal"], axis=1) - 1) < 1e-3)
    for name in ("flow", "flow_backward"):
        if name in v:
            bad[name] = ~np.isfinite(v[name]).all(1)
    for name in ("occluded", "occluded_backward"):
        if name in v:
            bad[name] = v[name] > 1
    for name in ("uv", "chart_uv"):
        if name in v:
            bad[name] = ~((v[name] > -1e-3) & (v[name] < 1 + 1e-3)).all(1)
    counts = {name: int(wrong.sum()) for name, wrong in bad.items() if wrong.any()}
    note = ", ".join(f"{name} at {count}" for name, count in counts.items())
    return Finding("values are possible", sum(counts.values()), 0, "pixels", note=note)


def _camera(view: View, camera, num_frames: int) -> list[Finding]:
    R = view.T_world_camera[:, :3, :3]
    skew = np.abs(R @ R.transpose(0, 2, 1) - np.eye(3)).max()
    K, poses = (described[1:-1] for described in camera_track(camera, num_frames))
    moved = np.abs(view.T_world_camera - poses).max()
    zoomed = np.abs(view.K - K).max()
    return [
        Finding("camera is a rotation", float(skew), 1e-6, note=camera.name),
        Finding("camera determinant is +1", float(np.abs(np.linalg.det(R) - 1).max()), 1e-6, note=camera.name),
        Finding("camera is as described", float(max(moved, zoomed)), 1e-6, "m, px", note=camera.name),
    ]


def _boxes(clip: Clip, view: View) -> Finding:
    """Largest distance (px) of a stored box, or difference of a pixel count, from those of the instance image.

    Infinite for a person or hand without a box; of objects, files of version 1 have none.
    """
    stored = {**view.people, **view.hands, **view.objects}
    worst = [0.0 if thing.name in stored else np.inf for thing in (*clip.spec.people, *clip.spec.hands)]
    for t in range(clip.spec.num_frames):
        instance = view.frame("instance", t)
        for number, name in clip.spec.instances.items():
            if name not in stored:
                continue
            ys, xs = np.nonzero(instance == number)
            box = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]) if len(xs) else np.zeros(4)
            worst += [np.abs(stored[name].box[t] - box).max(), abs(int(stored[name].pixels[t]) - len(xs))]
    return Finding("boxes around people", float(np.max(worst, initial=0.0)), 0, "px")


def _objects(clip: Clip) -> list[Finding]:
    """Of each object described, how far (m, or 1) its track is from the description."""
    findings = []
    for thing in clip.spec.objects:
        track = clip.objects.get(thing.name)
        if track is None:
            findings.append(Finding("objects are as described", 1, 0, "missing", note=f"no track of {thing.name}"))
            continue
        described = np.broadcast_to(np.asarray(thing.T_world_object), track.T_world_object.shape)
        moved = max(np.abs(track.T_world_object - described).max(), np.abs(track.scale - thing.scale).max())
        called = (track.mesh, track.category, track.instance) == (thing.mesh, thing.category, thing.instance)
        findings.append(
            Finding("objects are as described", float(moved) if called else 1.0, 1e-6, "m", note=thing.name)
        )
    return findings

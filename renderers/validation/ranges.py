"""Values that cannot be, whatever the clip shows."""

import numpy as np

from generator.clip import Clip, Foreground, View
from renderers.validation.table import Finding


def range_findings(clip: Clip) -> list[Finding]:
    """Impossible values per channel, improper cameras, boxes that do not fit their people."""
    findings = []
    for view in clip.views.values():
        findings += _labels(view.labels, len(clip.spec.people) + len(clip.spec.objects))
        findings += _camera(view)
        findings.append(_boxes(clip, view))
    return findings


def _labels(labels: Foreground, num_instances: int) -> list[Finding]:
    v, bad = labels.values, {}
    if "segm" in v:
        bad["segm"] = v["segm"] > 24
    if "chart" in v:
        bad["chart"] = v["chart"] > 24
    if "instance" in v:
        bad["instance"] = (v["instance"] < 1) | (v["instance"] > num_instances)
    if "depth" in v:
        bad["depth"] = ~(np.isfinite(v["depth"]) & (v["depth"] > 0) & (v["depth"] < 1e4))
    if "normal" in v:
        bad["normal"] = np.abs(np.linalg.norm(v["normal"], axis=1) - 1) > 1e-3
    for name in ("flow", "flow_backward"):
        if name in v:
            bad[name] = ~np.isfinite(v[name]).all(1)
    for name in ("occluded", "occluded_backward"):
        if name in v:
            bad[name] = v[name] > 1
    for name in ("uv", "chart_uv"):
        if name in v:
            bad[name] = ((v[name] < -1e-3) | (v[name] > 1 + 1e-3)).any(1)
    return [Finding(f"values of {name}", float(wrong.sum()), 0, "pixels") for name, wrong in bad.items()]


def _camera(view: View) -> list[Finding]:
    R = view.T_world_camera[:, :3, :3]
    skew = np.abs(R @ R.transpose(0, 2, 1) - np.eye(3)).max()
    return [
        Finding("camera is a rotation", float(skew), 1e-6),
        Finding("camera determinant", float(np.linalg.det(R).min()), 0.999999, at_least=True),
    ]


def _boxes(clip: Clip, view: View) -> Finding:
    """Largest distance (px) between a stored box and the one around the instance's pixels."""
    worst = 0.0
    if "instance" not in view.labels.values:
        return Finding("boxes around people", worst, 0, "px", note="no instance channel")
    for t in range(clip.spec.num_frames):
        instance = view.frame("instance", t)
        for number, person in enumerate(clip.spec.people, start=1):
            ys, xs = np.nonzero(instance == number)
            box = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]) if len(xs) else np.zeros(4)
            worst = max(worst, float(np.abs(view.people[person.name].box[t] - box).max()))
    return Finding("boxes around people", worst, 0, "px")

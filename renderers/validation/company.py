"""Whether people keep out of one another."""

from mannequin.generator.clip import Clip
from mannequin.generator.penetration import DEEPEST, scene_penetration
from mannequin.generator.presets.company import RECORDED
from mannequin.generator.scene import Scene
from mannequin.renderers.validation.table import Finding

ROUNDING = 1e-4
"""m by which what a clip says of it may differ from what is found again."""


def penetration_findings(clip: Clip, scene: Scene) -> list[Finding]:
    """By how much anybody in ``scene`` is in somebody else, in space and time, and whether ``clip`` says so. Who are
    as they were recorded may be in one another as their recordings are."""
    if len(clip.spec.people) + len(clip.spec.hands) < 2:
        return []
    found = scene_penetration(scene)
    note = f"{found.pair[0]} in {found.pair[1]} at frame {found.frame:.1f}" if found.depth else ""
    as_recorded = clip.spec.tags.get("arrangement") == RECORDED
    findings = [] if as_recorded else [Finding("people keep out of one another", found.depth, DEEPEST, "m", note=note)]
    said = clip.spec.tags.get("penetration")
    if isinstance(said, float):
        findings.append(Finding("penetration is as the clip says", abs(said - found.depth), ROUNDING, "m"))
    return findings

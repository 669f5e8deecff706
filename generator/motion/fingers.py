"""Hands of a recorded skeleton: the point that shows where a hand points, and the joints of fingers."""

from mannequin.generator import exact
from mannequin.generator.motion.joint_names import FINGERS
from mannequin.generator.motion.joint_tree import Tree

BY_NUMBER = ("thumb", "index", "middle", "ring", "pinky")
"""Fingers that have numbers for names, in the order of the numbers."""


def hand_end(tree: Tree, wrist: int) -> int | None:
    """First joint away from ``wrist`` down the tree, the middle finger rather than a thumb; None where none is."""
    near = 1e-3 * float(tree.bones.max(initial=0.0))
    level, found = [wrist], []
    while level:
        children = [c for p in level for c in tree.children[p]]
        found += [c for c in children if tree.bones[c] > near]
        level = [c for c in children if c not in found]
    of = {c: {tree.names[j].finger for j in tree.between(wrist, c)} for c in found}
    found = [c for c in found if "thumb" not in of[c] and not tree.names[c].helper] or found
    middle = [c for c in found if "middle" in of[c]]
    if not middle and len(found) >= 3 and not any(of[c] - {None} for c in found):
        centre = tree.poses[0, found].mean(axis=0)
        middle = [min(found, key=lambda c: (round(float(exact.norm(tree.poses[0, c] - centre)), 9), c))]
    return (middle or found or [None])[0]


def find_fingers(tree: Tree, sided: dict[str, tuple[int, int]]) -> dict[tuple[int, str, int], int]:
    """(side, finger, k) → joint, k = 0 … 2, of complete hands only.

    At least four fingers of two joints on both sides, else none. Joints within the palm do not count.
    """
    found = {}
    for side, wrist in enumerate(sided["wrist"]):
        for finger, joints in _chains(tree, wrist).items():
            found |= {(side, finger, k): joint for k, joint in enumerate(joints[:3])}
    whole = all(sum((side, f, 1) in found for f in FINGERS) >= 4 for side in (0, 1))
    return found if whole else {}


def _chains(tree: Tree, wrist: int) -> dict[str, list[int]]:
    """Finger → its joints from the knuckle on."""
    below = [j for j in range(wrist + 1, len(tree.parents)) if wrist in tree.paths[j] and not tree.names[j].is_end]
    below = [j for j in below if not tree.names[j].helper or tree.children[j]]
    groups: dict[str, list[int]] = {}
    for joint in below:
        if finger := tree.names[joint].finger:
            groups.setdefault(finger, []).append(joint)
    if not groups:
        groups = _numbered(tree, below)
    return {finger: _bending(tree, finger, joints) for finger, joints in groups.items()}


def _numbered(tree: Tree, below: list[int]) -> dict[str, list[int]]:
    """Fingers as "Finger0", "Finger01" (3ds Max) or "finger2-1" (MakeHuman)."""
    groups: dict[int, list[int]] = {}
    for joint in below:
        name = tree.names[joint]
        if "finger" in name.word and name.digits:
            digits = name.digits[0]
            groups.setdefault(int(digits[0]) if len(name.digits) == 1 else int(digits), []).append(joint)
    numbers = sorted(groups)
    return {finger: groups[n] for finger, n in zip(BY_NUMBER, numbers)} if len(numbers) in (4, 5) else {}


def _bending(tree: Tree, finger: str, joints: list[int]) -> list[int]:
    """Those of one chain from the knuckle on: without joints in the palm, which a name or a fourth joint tells."""
    chain = sorted(joints, key=lambda j: (len(tree.paths[j]), j))
    chain = [j for n, j in enumerate(chain) if n == 0 or chain[n - 1] in tree.paths[j]]
    knuckles = [j for j in chain if not tree.names[j].is_palm]
    if finger == "thumb" or len(knuckles) < 2:  # a thumb bends from its metacarpal on, as SMPL-H's does
        knuckles = chain
    starts_at_zero = tree.names[knuckles[0]].digits[-1:] in (("0",), ("00",))
    return knuckles[1:] if finger != "thumb" and len(knuckles) > 3 and starts_at_zero else knuckles

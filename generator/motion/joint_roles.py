"""Which joint of a recorded skeleton is what: by what hangs where, and by names.

Limbs and head come from ``limbs``, left and right from ``facing``; the rest hangs from those. A
user's map of joints (``joint_map``) goes before all of it.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from mannequin.generator import exact
from mannequin.generator.errors import AssetError
from mannequin.generator.motion.bvh import Bvh
from mannequin.generator.motion.facing import decide
from mannequin.generator.motion.fingers import find_fingers, hand_end
from mannequin.generator.motion.joint_map import NO_MAP, SIDED, JointMap
from mannequin.generator.motion.joint_tree import Tree, make_tree
from mannequin.generator.motion.limbs import ARM, LEG, Found, find_limbs

SURE = 0.8
"""Confidence below which a role is told as a doubt."""

COMPARED = 60
"""Ways to read a skeleton that confidence is shared among."""

TOE_LENGTH = 0.35
"""From the ankle to the ball, against the shin."""

UNEVEN = 0.1
"""Relative difference of left and right limbs that is told."""


@dataclass(frozen=True, eq=False)
class Roles:
    """Indices into a Bvh's joints. ``sided`` holds (left, right).

    pelvis: the joint that both legs hang from. spine: joints from the trunk's branching above it up
    to the chest, from which the arms and the neck leave. neck: joints after the chest up to the head.
    sided: role of SIDED, or "hand_end" → (left, right); toe, collar and hand_end may miss.
    fingers: (side, finger, k) → joint, for side 0 (left) and 1 (right), k = 0 … 2.
    confidence: role (of SIDED, pelvis, head) → 0 … 1. facing: how front, left and right were told.
    doubts: sentences on what is not certain.
    """

    pelvis: int
    spine: tuple[int, ...]
    neck: tuple[int, ...]
    sided: dict[str, tuple[int, int]]
    fingers: dict[tuple[int, str, int], int]
    confidence: dict[str, float] = field(default_factory=dict)
    facing: str = ""
    doubts: tuple[str, ...] = ()

    @property
    def chest(self) -> int:
        return self.spine[-1] if self.spine else self.pelvis

    @property
    def head(self) -> int:
        return self.neck[-1]


def find_roles(bvh: Bvh, source: str, given: JointMap = NO_MAP) -> Roles:
    """Recognise the skeleton of ``source``. Raises AssetError naming what is missing, or wrong in the map ``given``."""
    fixed = given.joints(bvh.names, source)
    pairs = {role: (fixed[f"left_{role}"], fixed[f"right_{role}"]) for role in SIDED if f"left_{role}" in fixed}
    tree = make_tree(bvh, tuple(pairs.values()))
    ways, missing = find_limbs(tree, pairs, fixed.get("head"))
    if not ways:
        raise _missing(bvh, source, missing, given)
    best = ways[0]
    confidence = _confidence(tree, ways, pairs)
    sided: dict[str, tuple[int, int]] = {}
    for kind, limb in ((LEG, best.leg), (ARM, best.arm)):
        sided |= {role: (a, b) for role, a, b in zip(kind, limb.joints, limb.mirrored)}
    sided |= _more(tree, sided, best.head, pairs, confidence)
    facing = decide(tree, sided, best.head, pairs, source)
    if "toe" in sided and not facing.toes:
        del sided["toe"]
        confidence.pop("toe", None)
    for role, (first, other) in sided.items():
        sided[role] = (first, other) if facing.first_is_left(role) else (other, first)
    left, right = (hand_end(tree, joint) for joint in sided["wrist"])
    if left is not None and right is not None:
        sided["hand_end"] = (left, right)
    pelvis = fixed.get("pelvis", tree.last_common(*sided["hip"]))
    chest = fixed.get("chest", tree.last_common(*sided["shoulder"], best.head))
    neck = tree.between(tree.last_common(chest, best.head), best.head) or (best.head,)
    spine = tree.between(tree.last_common(pelvis, chest), chest)
    doubts = (*_doubts(tree, ways, sided, confidence, best), *facing.doubts)
    return Roles(pelvis, spine, neck, sided, find_fingers(tree, sided), confidence, facing.told, doubts)


def _missing(bvh: Bvh, source: str, what: str, given: JointMap) -> AssetError:
    shown = ", ".join(n for n in bvh.names if not n.endswith("End Site"))
    if given.entries:
        return AssetError(
            f"The motion {source} has a skeleton in which {what} are not recognised with the joints of the map "
            f"{given.path}. Its joints: {shown}. Expected knees that hang from hips, ankles from knees, and so on; "
            "correct the map, or leave the doubtful roles out."
        )
    return AssetError(
        f"The motion {source} has a skeleton in which {what} are not recognised. Its joints: {shown}. Expected a "
        "person, with limbs of like length left and right, or names with words such as thigh, shin, foot, upper arm, "
        "forearm, hand, head. Name its joints in a map: see mannequin info --help, --joint-map."
    )


def _confidence(tree: Tree, ways: list[Found], pairs) -> dict[str, float]:
    """Role → share of the probability of all ways to read the skeleton that give it the same joints."""
    ways = ways[:COMPARED]
    weights = exact.exp(np.array([way.score - ways[0].score for way in ways]))
    weights = weights / weights.sum()
    out = {}
    for kind, limb in ((LEG, "leg"), (ARM, "arm")):
        for k, role in enumerate(kind):
            joint = getattr(ways[0], limb).joints[k]
            same = [tree.is_at(getattr(way, limb).joints[k], joint) for way in ways]
            shape = 1.0 if role in pairs else _trust(getattr(ways[0], limb).shape)
            said = tree.names[joint].says(role) > 0.0 or role in pairs
            out[role] = float(weights[same].sum()) * (1.0 if said else 0.85) * shape
    same = [way.head == ways[0].head for way in ways]
    out["head"] = float(weights[same].sum()) * (1.0 if tree.names[ways[0].head].says("head") > 0.0 else 0.85)
    return out


def _trust(shape: float) -> float:
    """How far a limb of that shape is to be believed: full for that of a body, a half for a contorted one."""
    return float(np.clip(1.0 + (shape + 3.0) / 18.0, 0.5, 1.0))


def _more(tree: Tree, sided, head: int, pairs, confidence) -> dict[str, tuple[int, int]]:
    """Collars and toes, where there are any."""
    out = {}
    shoulders = sided["shoulder"]
    chest = tree.last_common(*shoulders, head)
    collars = [p for p in _pairs_between(tree, chest, shoulders) if not tree.names[p[0]].helper]
    if "collar" in pairs or collars:
        surest = max(collars, key=lambda p: (tree.names[p[0]].says("collar"), p[0]), default=None)
        higher = [p for p in collars if surest is not None and tree.is_at(p[0], surest[0])]
        out["collar"] = pairs.get("collar") or min(higher)
        confidence["collar"] = 1.0 if "collar" in pairs or tree.names[out["collar"][0]].says("collar") > 0 else 0.7
    toe = pairs.get("toe") or _toe(tree, sided)
    if toe is not None:
        out["toe"] = toe
        said = "toe" in pairs or tree.names[toe[0]].says("toe") > 0
        confidence["toe"] = 1.0 if said else 0.75 if not tree.names[toe[0]].is_end else 0.6
    return out


def _pairs_between(tree: Tree, top: int, pair: tuple[int, int]) -> list[tuple[int, int]]:
    """Mirror images on the two paths from ``top`` to the ``pair``, without it, downwards."""
    one, other = (set(tree.paths[j][:-1]) - set(tree.paths[top]) for j in pair)
    return [(j, tree.partner[j]) for j in sorted(one) if tree.partner.get(j) in other]


def _toe(tree: Tree, sided) -> tuple[int, int] | None:
    """The joint at the ball of the foot, the middle one of several; where there is no joint, the end of the foot."""
    (knee, _), ankle = sided["knee"], sided["ankle"]
    shin = _length(tree, (knee, ankle[0]))
    rows = []
    for joint in range(ankle[0] + 1, len(tree.parents)):
        is_below = ankle[0] in tree.paths[joint] and ankle[1] in tree.paths[tree.partner.get(joint, 0)]
        length = _length(tree, (ankle[0], joint))
        if is_below and length > 0.03 * shin:
            # A helper (a heel, an IK goal) counts less than a joint, an end least.
            said = 0.0 if tree.names[joint].is_end else 4.0 + tree.names[joint].says("toe")
            rows.append((said - abs(float(exact.log(length / (TOE_LENGTH * shin)))), -joint))
    if not rows:
        return None
    best = max(rows)
    word = tree.names[-best[1]].word
    near = [-joint for score, joint in rows if score > best[0] - 0.6 and tree.names[-joint].word == word]
    if len(near) < 3:
        near = [-best[1]]
    middle = tree.poses[0, near].mean(axis=0)
    joint = min(near, key=lambda j: (round(float(exact.norm(tree.poses[0, j] - middle)), 9), j))
    return joint, tree.partner[joint]


def _doubts(tree: Tree, ways: list[Found], sided, confidence, best: Found) -> list[str]:
    out = []
    for role, share in confidence.items():
        if share < SURE and role in sided:
            names = " and ".join(repr(tree.labels[j]) for j in sided[role])
            out.append(f"{names} may not be the {role}s ({share:.0%} sure)")
    for kind, limb in (("legs", best.leg), ("arms", best.arm)):
        one, other = (_length(tree, joints) for joints in (limb.joints, limb.mirrored))
        if abs(one - other) > UNEVEN * max(one, other):
            out.append(f"left and right {kind} differ in length by {abs(one - other) / max(one, other):.0%}")
    return out


def _length(tree: Tree, joints: tuple[int, ...]) -> float:
    """Sum of the distances from joint to joint, medians over the poses."""
    return sum(float(np.median(exact.norm(tree.poses[:, a] - tree.poses[:, b]))) for a, b in pairwise(joints))

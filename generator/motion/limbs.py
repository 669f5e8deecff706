"""Which pairs of chains of a skeleton are the legs and which the arms.

Every triple of joints on a path that has a mirror image is a candidate for (hip, knee, ankle) and
(shoulder, elbow, wrist). It is scored by its shape over all poses (two stiff bones of like length,
little below them) and by its names; then legs and arms are chosen together, with the head: legs
are longer, nearer to the root, and on the other side of the hips than the head. Scores add up
like logarithms of probabilities.
"""

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

from mannequin.generator import exact
from mannequin.generator.motion.joint_tree import Tree

LEG, ARM = ("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist")

LEVELS = 14
"""Joints upwards that a bone may be made of: split limbs have up to five."""

KEPT = 6
"""Candidates of a branch that are compared with those of other branches."""

STIFF = 14.0
"""Cost of a bone whose ends come nearer to each other by its whole length; real ones do not."""

EVEN = {LEG: (1.0, 0.25), ARM: (1.1, 0.25)}
"""Upper against lower bone, and how widely it varies (standard deviation of the logarithm)."""

ARM_LENGTH, ARM_SPREAD, LEG_SPREAD = 0.66, 0.3, 0.5
"""Arms against legs, and how widely their lengths vary; legs against the longest stiff limb."""

LEAF, LONG_END = 1.5, 3.0
"""Cost of a limb that ends without hand or foot; of one with a longer chain below it than its lower bone."""

WITHIN, FORK = 0.05, 2.0
"""Cost of a joint within a bone, and of each branch of several joints that leaves there."""

LEAST_STIFF = 0.3
"""Share of a bone's length below which its ends may not come."""

POOR = -12.0
"""Below this score a candidate is no limb."""


@dataclass(frozen=True)
class Limb:
    """joints: the three of one side; mirrored: those of the other. length: of both bones. top: the first pair above.

    shape, words: what its form and its names speak for it.
    """

    joints: tuple[int, int, int]
    mirrored: tuple[int, int, int]
    length: float
    top: int
    shape: float
    words: float

    @property
    def score(self) -> float:
        return self.shape + self.words


@dataclass(frozen=True)
class Found:
    """Legs, arms and head together. score: see the module."""

    leg: Limb
    arm: Limb
    head: int
    score: float


def find_limbs(tree: Tree, fixed: dict[str, tuple[int, int]], head: int | None) -> tuple[list[Found], str]:
    """Ways to read the skeleton, the best first; and where there is none, which limbs are missing.

    fixed: roles that the user gave → their joints (left, right). head: likewise.
    """
    measures = _Measures(tree)
    legs, arms = (_candidates(tree, measures, kind, fixed) for kind in (LEG, ARM))
    if not legs:
        return [], "legs (hip, knee, ankle)"
    if not arms:
        return [], "arms (shoulder, elbow, wrist)"
    longest = max((limb.length for limb in legs + arms if limb.shape > -2.0), default=1e-9)
    heads: dict[tuple[int, int], tuple[int, float] | None] = {}
    rows = []
    for (leg, pelvis), (arm, chest) in product(_rooted(tree, legs), _rooted(tree, arms)):
        tops = pelvis, chest
        if tops not in heads:
            heads[tops] = (head, 3.0) if head is not None else find_head(tree, *tops)
        if (at := heads[tops]) is not None and not _overlap(tree, leg, arm):
            rows.append((leg, arm, at[0], _trunk(tree, measures, leg, arm, tops, at)))
    if not rows:
        return [], "arms, legs and a head that branch off one trunk"
    lengths = np.array([(leg.length, arm.length) for leg, arm, _, _ in rows])
    arms_off = exact.log(lengths[:, 1] / (ARM_LENGTH * lengths[:, 0])) / ARM_SPREAD
    legs_off = exact.log(lengths[:, 0] / longest) / LEG_SPREAD
    cost = 0.5 * (arms_off * arms_off + legs_off * legs_off)
    found = [
        Found(leg, arm, at, leg.score + arm.score + trunk - c) for (leg, arm, at, trunk), c in zip(rows, cost.tolist())
    ]
    found.sort(key=lambda f: (-f.score, f.leg.joints, f.arm.joints))
    return found, ""


class _Measures:
    """What is asked again and again of pairs of mirror images."""

    def __init__(self, tree: Tree):
        self.tree = tree
        self.along = np.zeros(len(tree.parents))
        for joint, parent in enumerate(tree.parents):
            self.along[joint] = tree.bones[joint] + (self.along[parent] if parent >= 0 else 0.0)
        self.bone, self.says, self.interrupts = cache(self._bone), cache(self._says), cache(self._interrupts)
        self.middle, self.direction, self.likeness = cache(self._middle), cache(self._direction), cache(self._likeness)

    def _bone(self, upper: tuple[int, int], lower: tuple[int, int]) -> tuple[float, float]:
        """Length, and the share of it that is left where the ends are nearest to each other; means of both sides."""
        path = float(sum(self.along[b] - self.along[a] for a, b in zip(upper, lower))) / 2.0
        if path <= 0.0:
            return 0.0, 0.0
        direct = exact.norm(self.tree.poses[:, lower] - self.tree.poses[:, upper])
        return path, float((direct[:, 0] + direct[:, 1]).min()) / (2.0 * path)

    def _says(self, role: str, pair: tuple[int, int]) -> float:
        return sum(self.tree.names[j].says(role) for j in pair) / 2.0

    def _interrupts(self, joint: int) -> float:
        """Cost of a joint within a bone: little in a limb of several parts, much where branches leave it."""
        children = self.tree.children
        branches = [c for c in children[joint] if any(not self.tree.names[d].is_end for d in children[c])]
        return WITHIN + FORK * max(len(branches) - 1, 0)

    def _middle(self, a: int, b: int) -> np.ndarray:
        """(P, 3)"""
        return (self.tree.poses[:, a] + self.tree.poses[:, b]) / 2.0

    def _direction(self, start: tuple[int, int], end: tuple[int, int]) -> np.ndarray:
        """(P, 3) between the middles of two pairs."""
        v = self.middle(*end) - self.middle(*start)
        return v / np.maximum(exact.norm(v), 1e-12)[..., None]

    def _likeness(
        self, start: tuple[int, int], one: tuple[int, int], middle: tuple[int, int], other: tuple[int, int]
    ) -> float:
        """Mean cosine between start → one and middle → other."""
        return float(exact.dot(self.direction(start, one), self.direction(middle, other)).mean())


def _candidates(tree: Tree, measures: _Measures, kind, fixed) -> list[Limb]:
    rows = list(_triples(tree, measures, kind, fixed))
    if not rows:
        return []
    ratio, spread = EVEN[kind]
    upper, lower = (np.array([row[k] for row in rows]) for k in (1, 2))
    even = exact.log(upper / (ratio * lower)) / spread
    shapes = np.array([row[3] for row in rows]) - 0.5 * even * even
    found = []
    for (triple, up, low, _, words, top), shape in zip(rows, shapes.tolist()):
        if shape + words > POOR:
            joints, mirrored = zip(*triple)
            found.append(Limb(joints, mirrored, up + low, top, shape, words))
    return found


def _triples(tree: Tree, measures: _Measures, kind, fixed):
    """(three pairs, upper and lower length, shape but for their evenness, words, topmost pair above)."""
    least = 0.02 * max(float(tree.reach.max()), 1e-9)
    for first in tree.firsts:
        chain = _pairs_above(tree, first)
        low = chain[0]
        if not _allowed(kind[2], low, fixed):
            continue
        for n, middle in enumerate(chain[1:], start=1):
            lower = measures.bone(middle, low)
            if lower[0] < least or lower[1] < LEAST_STIFF or not _allowed(kind[1], middle, fixed):
                continue
            within = sum(measures.interrupts(pair[0]) for pair in chain[1:n]) + _ends(tree, low, lower[0])
            said = measures.says(kind[2], low) + measures.says(kind[1], middle)
            for high in chain[n + 1 :]:
                upper = measures.bone(high, middle)
                if upper[0] >= least and upper[1] >= LEAST_STIFF and _allowed(kind[0], high, fixed):
                    cost = within + STIFF * (2.0 - upper[1] - lower[1])
                    words = said + measures.says(kind[0], high)
                    yield (high, middle, low), upper[0], lower[0], -cost, words, chain[-1][0]
                within += measures.interrupts(high[0])


def _pairs_above(tree: Tree, first: int) -> list[tuple[int, int]]:
    """The pair of ``first``, then those above it that are each other's mirror image, upwards."""
    other = tree.partner[first]
    above = set(tree.paths[other])
    chain = [(joint, tree.partner[joint]) for joint in reversed(tree.paths[first]) if tree.partner.get(joint) in above]
    return chain[:LEVELS]


def _allowed(role: str, pair: tuple[int, int], fixed) -> bool:
    if role in fixed:
        return set(pair) == set(fixed[role])
    return all(set(pair) != set(other) for other in fixed.values())


def _ends(tree: Tree, low: tuple[int, int], lower: float) -> float:
    """Cost of what hangs from a limb, if that is nothing or too much."""
    below = min(float(tree.reach[j]) for j in low)
    return (LEAF if below < 0.02 * lower else 0.0) + (LONG_END if below > 0.95 * lower else 0.0)


def _rooted(tree: Tree, limbs: list[Limb]) -> list[tuple[Limb, int]]:
    """The best limbs, each with the joint that both sides hang from."""
    return [(limb, tree.last_common(limb.joints[0], limb.mirrored[0])) for limb in _best(limbs)]


def _best(limbs: list[Limb]) -> list[Limb]:
    """The best few of every branch."""
    branches: dict[int, list[Limb]] = {}
    logs = exact.log(np.array([limb.length for limb in limbs])).tolist()
    order = sorted(range(len(limbs)), key=lambda k: (-limbs[k].score - 2.0 * logs[k], limbs[k].joints))
    for limb in (limbs[k] for k in order):
        branches.setdefault(limb.top, []).append(limb)
    return [limb for branch in branches.values() for limb in branch[:KEPT]][: 8 * KEPT]


def _overlap(tree: Tree, leg: Limb, arm: Limb) -> bool:
    paths = [set(tree.paths[j]) for j in (leg.joints[2], leg.mirrored[2])]
    if any(arm.joints[0] in path or arm.mirrored[0] in path for path in paths):
        return True
    paths = [set(tree.paths[j]) for j in (arm.joints[2], arm.mirrored[2])]
    return any(leg.joints[0] in path or leg.mirrored[0] in path for path in paths)


def find_head(tree: Tree, pelvis: int, chest: int) -> tuple[int, float] | None:
    """The head beyond the arms, and how much its name speaks for it; None where nothing is there.

    By name, the one nearest to the root; else the last joint of the longest branch on the body's
    middle, or the one that a face branches off.
    """
    limbs = set(tree.paths[pelvis]) | set(tree.paths[chest])
    beyond = [j for j in np.flatnonzero(tree.is_middle).tolist() if j not in limbs]
    named = [(-tree.names[j].says("head"), j) for j in beyond if tree.names[j].says("head") >= 2.0]
    if named:
        return min(named)[1], 3.0
    roots = [j for j in beyond if tree.parents[j] == chest and tree.bones[j] + tree.reach[j] > 0.0]
    if not roots:
        return None
    at = max(roots, key=lambda j: (max(tree.names[j].says("neck"), 0.0), tree.bones[j] + tree.reach[j], -j))
    while True:
        below = [c for c in tree.children[at] if not tree.names[c].is_end]
        further = [c for c in below if tree.is_middle[c] and tree.reach[c] + tree.bones[c] > 0.0]
        if len(below) != 1 or not further or tree.names[further[0]].helper:
            return at, max(0.0, tree.names[at].says("neck") / 2.0)
        at = further[0]


def _trunk(tree: Tree, measures: _Measures, leg: Limb, arm: Limb, tops, head: tuple[int, float]) -> float:
    """How well legs and arms go together with the trunk and head between them."""
    pelvis, chest = tops
    order = 0.0
    if pelvis == chest:
        order = -3.0
    elif pelvis in tree.paths[chest]:
        order = 1.5
    elif chest in tree.paths[pelvis]:
        order = -1.5
    hips, ankles, shoulders = ((limb.joints[k], limb.mirrored[k]) for limb, k in ((leg, 0), (leg, 2), (arm, 0)))
    top = (head[0], head[0])
    posture = measures.likeness(shoulders, top, hips, top) - 1.5 * measures.likeness(hips, top, hips, ankles)
    return head[1] + order + posture

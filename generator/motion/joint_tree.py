"""A recorded skeleton as a tree of bones: lengths, reach, mirror images, poses to judge by."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mannequin.generator import exact
from mannequin.generator.motion.bvh import Bvh
from mannequin.generator.motion.joint_names import LEFT, RIGHT, Name, read_names

POSES = 32
"""Frames of a recording that are looked at, besides the rest pose."""

ALIKE = 0.15
"""Relative difference up to which two bones without names may be mirror images."""

STRANGE = 0.45
EXTRA = 3
"""Share of the joints of a branch that its mirror image may lack; of the joints of one limb, as many as that."""


@dataclass(frozen=True, eq=False)
class Tree:
    """J joints. parents: (J,). poses: (P, J, 3) positions: the rest pose, then frames spread over the recording.

    labels: the names as written. names: what they say. given: pairs (left, right) that the user names.
    """

    labels: tuple[str, ...]
    names: list[Name]
    parents: np.ndarray
    poses: np.ndarray
    given: tuple[tuple[int, int], ...] = ()

    @cached_property
    def children(self) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in self.parents]
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                found[parent].append(joint)
        return found

    @cached_property
    def bones(self) -> np.ndarray:
        """(J,) lengths from the parent, the median over the poses; 0 at the root."""
        parents = np.maximum(self.parents, 0)
        lengths = np.median(exact.norm(self.poses - self.poses[:, parents]), axis=0)
        return np.where(self.parents < 0, 0.0, lengths)

    @cached_property
    def reach(self) -> np.ndarray:
        """(J,) length of the longest path down from each joint."""
        out = np.zeros(len(self.parents))
        for joint in range(len(self.parents) - 1, 0, -1):
            if (parent := self.parents[joint]) >= 0:
                out[parent] = max(out[parent], out[joint] + self.bones[joint])
        return out

    @cached_property
    def sizes(self) -> np.ndarray:
        """(J,) joints of the branch that begins at each, itself included."""
        out = np.ones(len(self.parents), int)
        for joint in range(len(self.parents) - 1, 0, -1):
            if (parent := self.parents[joint]) >= 0:
                out[parent] += out[joint]
        return out

    def bones_below(self, top: int) -> list[float]:
        """Lengths of the bones of a branch, without the one that leads to it, sorted."""
        found, level = [], [top]
        while level:
            level = [c for joint in level for c in self.children[joint]]
            found += [float(self.bones[c]) for c in level]
        return sorted(found)

    @cached_property
    def paths(self) -> list[tuple[int, ...]]:
        """For each joint those from the root to it, both included."""
        out: list[tuple[int, ...]] = []
        for joint, parent in enumerate(self.parents):
            out.append((*out[parent], joint) if parent >= 0 else (joint,))
        return out

    def last_common(self, *joints: int) -> int:
        """The last joint above all of ``joints``, or one of them."""
        levels = zip(*(self.paths[j] for j in joints))
        return [level[0] for level in levels if len(set(level)) == 1][-1]

    def between(self, top: int, joint: int) -> tuple[int, ...]:
        """Joints after ``top`` down to ``joint``, which is included; ``top`` lies on its path."""
        path = self.paths[joint]
        return path[path.index(top) + 1 :]

    def is_at(self, one: int, other: int) -> bool:
        """Whether two joints of one path are at the same place in all poses, or are the same."""
        upper, lower = sorted((one, other))
        if upper == lower:
            return True
        return upper in self.paths[lower] and float(sum(self.bones[j] for j in self.between(upper, lower))) < 1e-6

    @cached_property
    def partner(self) -> dict[int, int]:
        """Joint → its mirror image, both ways: by name where the names tell, else by shape."""
        return _partners(self)

    @cached_property
    def firsts(self) -> list[int]:
        """One joint of each pair of mirror images, in file order: the left one where names or shape tell."""
        return sorted(_first_of(self))

    @cached_property
    def is_middle(self) -> np.ndarray:
        """(J,) bool: whether neither the joint nor one above it has a mirror image."""
        out = np.ones(len(self.parents), bool)
        for joint, parent in enumerate(self.parents):
            out[joint] = joint not in self.partner and (parent < 0 or out[parent])
        return out


def make_tree(bvh: Bvh, given: tuple[tuple[int, int], ...] = ()) -> Tree:
    """The skeleton of a file. Frames are chosen evenly."""
    chosen = np.unique(np.linspace(0, bvh.num_frames - 1, POSES).round().astype(int))
    _, positions = bvh.frames(chosen).world_transforms()
    poses = np.concatenate([bvh.rest_positions()[None], positions])
    return Tree(bvh.names, read_names(bvh.names), bvh.parents, poses, given)


def _partners(tree: Tree) -> dict[int, int]:
    found = {i: j for pair in tree.given for i, j in (pair, pair[::-1])}
    _pair_by_name(tree, found)
    middle = [True] * len(tree.parents)
    for joint, parent in enumerate(tree.parents):
        middle[joint] = joint not in found and (parent < 0 or middle[parent])
        if middle[joint]:
            kids = [c for c in tree.children[joint] if c not in found]
            _pair_alike(tree, kids, kids, found)
        elif joint in found and joint < found[joint]:
            mine, theirs = ([c for c in tree.children[j] if c not in found] for j in (joint, found[joint]))
            _pair_alike(tree, mine, theirs, found)
    return found


def _pair_by_name(tree: Tree, found: dict[int, int]) -> None:
    """Names that differ in their side alone; of equal ones (a helper beside the bone) the n-th with the n-th."""
    groups: dict[str, tuple[list[int], list[int]]] = {}
    for joint, name in enumerate(tree.names):
        if name.key is not None and name.side is not None:
            groups.setdefault(name.key, ([], []))[name.side].append(joint)
    for left, right in groups.values():
        if len(left) == len(right):
            for i, j in zip(left, right):
                if not {i, j} & set(found) and i not in tree.paths[j] and j not in tree.paths[i]:
                    found[i], found[j] = j, i


def _pair_alike(tree: Tree, some: list[int], others: list[int], found: dict[int, int]) -> None:
    """Pair branches of one shape, the most alike first. The lists may be one and the same."""
    costs = []
    for n, i in enumerate(some):
        for m, j in enumerate(others):
            extra = 0 if some is others else EXTRA
            if (some is not others or i < j) and (cost := _unlikeness(tree, i, j, extra)) < np.inf:
                costs.append((round(cost, 6), abs(n - m), i, j))
    for _, _, i, j in sorted(costs):
        if i not in found and j not in found:
            found[i], found[j] = j, i


def _unlikeness(tree: Tree, i: int, j: int, extra: int) -> float:
    """Relative difference of two bones, and share of what hangs from them that has no like on the other side.

    Infinite beyond ALIKE, and beyond STRANGE where it is more than ``extra`` joints: a sword in one
    hand is no reason for not being a hand.
    """
    scale = max(float(tree.reach.max()), 1e-9)
    below = max(tree.sizes[i], tree.sizes[j]) - 1
    bones = _difference(tree.bones[i], tree.bones[j], scale)
    if tree.names[i].is_end != tree.names[j].is_end or bones > ALIKE:
        return np.inf
    strange = below - _matching(tree.bones_below(i), tree.bones_below(j), scale) if below else 0
    return np.inf if strange > max(extra, STRANGE * below) else bones + strange / (below + 1.0)


def _difference(a: float, b: float, scale: float) -> float:
    return abs(a - b) / max(a, b, 0.02 * scale)


def _matching(some: list[float], others: list[float], scale: float) -> int:
    """How many of the lengths have one like them among the others. Both are sorted."""
    n = m = count = 0
    while n < len(some) and m < len(others):
        if _difference(some[n], others[m], scale) <= ALIKE:
            n, m, count = n + 1, m + 1, count + 1
        elif some[n] < others[m]:
            n += 1
        else:
            m += 1
    return count


def _first_of(tree: Tree) -> set[int]:
    firsts = {left for left, _ in tree.given}
    for i, j in tree.partner.items():
        if i > j or {i, j} & firsts:
            continue
        parent, other = int(tree.parents[i]), int(tree.parents[j])
        if tree.names[i].key is not None and tree.names[i].key == tree.names[j].key:
            first = i if tree.names[i].side == LEFT else j
        elif tree.partner.get(parent) == other:
            first = i if parent in firsts else j
        else:
            first = i if _leftness(tree, i) >= _leftness(tree, j) else j
        firsts.add(first)
    return firsts


def _leftness(tree: Tree, top: int) -> int:
    """How many more names of the branch say left than right."""
    sides = [n.side for j, n in enumerate(tree.names) if n.side is not None and top in tree.paths[j]]
    return sides.count(LEFT) - sides.count(RIGHT)

"""Which joint of a recorded skeleton is what, by name.

Understood: CMU conversions (LeftUpLeg …, LeftHip/LeftKnee …, lfemur …), MotionBuilder and Mixamo
(any "prefix:"), 3ds Max biped ("Bip01 L Thigh"), "thigh_l" or "Thigh.L", and SMPL's own names.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mannequin.generator import exact
from mannequin.generator.errors import AssetError
from mannequin.generator.motion.bvh import Bvh

ALIASES = {
    "hip": ("upleg", "upperleg", "thigh", "femur", "hip"),
    "knee": ("knee", "lowleg", "lowerleg", "calf", "shin", "tibia", "leg"),
    "ankle": ("ankle", "foot"),
    "toe": ("toebase", "toes", "toe", "toe0", "ball", "foot"),
    "shoulder": ("arm", "upperarm", "uparm", "humerus", "shoulder"),
    "collar": ("collar", "clavicle", "shoulder", "shldr"),
    "elbow": ("forearm", "lowerarm", "lowarm", "elbow", "radius"),
    "wrist": ("wrist", "hand"),
}
"""Names of a role without side, the surest first; a joint taken by one role is not given again."""

OPTIONAL = ("toe", "collar")

FINGER_ALIASES = {
    "index": ("index",),
    "middle": ("middle", "mid"),
    "pinky": ("pinky", "little"),
    "ring": ("ring",),
    "thumb": ("thumb",),
}

_SIDES = (
    re.compile(r"^(?P<side>left|right)[_ .]?(?P<word>.+)$", re.IGNORECASE),
    re.compile(r"^(?P<side>l|r)[_ .](?P<word>.+)$", re.IGNORECASE),
    re.compile(r"^(?P<word>.+?)[_ .](?P<side>left|right|l|r)$", re.IGNORECASE),
    re.compile(r"^(?P<side>[LR])(?P<word>[A-Z][a-z].*)$"),
    re.compile(r"^(?P<side>[lr])(?P<word>femur|tibia|foot|toes|humerus|radius|wrist|hand|clavicle)$"),
)
_PREFIX = re.compile(r"^(?:.*:|mixamorig\d*_|bip\d+[_ ]|character\d+_)", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Roles:
    """Indices into a Bvh's joints. ``sided`` holds (left, right).

    pelvis: the joint that both legs and the trunk hang from. spine: joints after it up to the
    chest, from which the arms and the neck leave. neck: joints after the chest up to the head.
    sided: role of ``ALIASES``, "hand_end" or "toe_end" → (left, right); optional ones may miss.
    fingers: (side, finger, k) → joint, for side 0 (left) and 1 (right), k = 0 … 2.
    """

    pelvis: int
    spine: tuple[int, ...]
    neck: tuple[int, ...]
    sided: dict[str, tuple[int, int]]
    fingers: dict[tuple[int, str, int], int]

    @property
    def chest(self) -> int:
        return self.spine[-1] if self.spine else self.pelvis

    @property
    def head(self) -> int:
        return self.neck[-1]


def find_roles(bvh: Bvh, source: str) -> Roles:
    """Recognise the skeleton. Raises AssetError naming what is missing in ``source``."""
    names = [split_side(name) for name in bvh.names]
    sided = _sided_joints(bvh, names, source)
    head = next((j for word in ("head", "neck1", "neck") for j, n in enumerate(names) if n == (None, word)), None)
    if head is None:
        raise _missing(bvh, source, "head")
    above = [path_from_root(bvh.parents, j) for j in (*sided["shoulder"], head)]
    pelvis = _last_common([path_from_root(bvh.parents, j) for j in sided["hip"]] + above[-1:])
    chest = _last_common(above)
    if chest in sided["shoulder"] or chest == head or pelvis in sided["hip"]:
        raise AssetError(
            f"The motion {source} has a skeleton whose arms, legs and head do not branch off one trunk. "
            "Expected a person."
        )
    spine = _between(bvh.parents, pelvis, chest)
    neck = _between(bvh.parents, chest, head)
    _check_chains(bvh, sided, source)
    sided |= _ends(bvh, names, sided)
    return Roles(pelvis, spine, neck, sided, _fingers(bvh, names, sided))


def split_side(name: str) -> tuple[int | None, str]:
    """Side (0 left, 1 right, None) and the bare lower-case word of a joint's name."""
    name = _PREFIX.sub("", name.strip())
    match = next((m for pattern in _SIDES if (m := pattern.match(name))), None)
    side, word = (match["side"], match["word"]) if match else ("", name)
    return {"l": 0, "r": 1}.get(side[:1].lower()), re.sub(r"[^a-z0-9]", "", word.lower())


def path_from_root(parents: np.ndarray, joint: int) -> list[int]:
    """Joints from the root to ``joint``, both included."""
    path = [joint]
    while parents[path[-1]] >= 0:
        path.append(int(parents[path[-1]]))
    return path[::-1]


def _last_common(paths: list[list[int]]) -> int:
    same = [level[0] for level in zip(*paths) if len(set(level)) == 1]
    return same[-1]


def _between(parents: np.ndarray, top: int, joint: int) -> tuple[int, ...]:
    """Joints after ``top`` down to ``joint``, which is included."""
    path = path_from_root(parents, joint)
    return tuple(path[path.index(top) + 1 :])


def _sided_joints(bvh: Bvh, names, source: str) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    taken: set[int] = set()
    for role, words in ALIASES.items():
        pair = next((p for word in words if (p := _pair(names, word, taken))), None)
        if pair:
            found[role] = pair
            taken |= set(pair)
        elif role not in OPTIONAL:
            raise _missing(bvh, source, role)
    return found


def _pair(names, word: str, taken: set[int]) -> tuple[int, int] | None:
    left, right = (
        next((j for j, n in enumerate(names) if n == (side, word) and j not in taken), None) for side in (0, 1)
    )
    return None if left is None or right is None else (left, right)


def _missing(bvh: Bvh, source: str, role: str) -> AssetError:
    known = ", ".join(sorted({w for words in ALIASES.values() for w in words}))
    shown = ", ".join(n for n in bvh.names if not n.endswith("End Site"))
    return AssetError(
        f"The motion {source} has no joint recognised as {role}. Its joints: {shown}. "
        f"Expected a left and a right one of the usual names ({known}), and a head; rename its joints."
    )


def _check_chains(bvh: Bvh, sided, source: str) -> None:
    for chain in (("hip", "knee", "ankle", "toe"), ("collar", "shoulder", "elbow", "wrist")):
        chain = [role for role in chain if role in sided]
        for upper, lower in pairwise(chain):
            for a, b in zip(sided[upper], sided[lower]):
                if a not in path_from_root(bvh.parents, b)[:-1]:
                    raise AssetError(
                        f"The motion {source} has a skeleton in which {bvh.names[b]!r} ({lower}) does not hang "
                        f"from {bvh.names[a]!r} ({upper}). Expected a person's skeleton."
                    )


def _ends(bvh: Bvh, names, sided) -> dict[str, tuple[int, int]]:
    """Points beyond the wrist and the toe joint (or the ankle), where the file has any."""
    ends = {}
    wrists = [_end_below(bvh, names, j) for j in sided["wrist"]]
    toes = [_end_below(bvh, names, j) for j in sided.get("toe", sided["ankle"])]
    if None not in wrists:
        ends["hand_end"] = tuple(wrists)
    if None not in toes:
        ends["toe_end" if "toe" in sided else "toe"] = tuple(toes)
    return ends


def _end_below(bvh: Bvh, names, joint: int) -> int | None:
    """First joint away from ``joint`` down the tree, the middle finger rather than a thumb."""
    reach = 1e-3 * np.abs(bvh.offsets[1:]).max(initial=0.0)
    level, found = [joint], []
    while level:
        children = [int(c) for p in level for c in np.flatnonzero(bvh.parents == p)]
        found += [c for c in children if exact.norm(bvh.offsets[c]) > reach]
        level = [c for c in children if c not in found]
    found = [c for c in found if "thumb" not in _lineage(bvh, names, joint, c)] or found
    middle = [c for c in found if "mid" in names[c][1]]
    return (middle or found or [None])[0]


def _lineage(bvh: Bvh, names, top: int, joint: int) -> str:
    return " ".join(names[j][1] for j in _between(bvh.parents, top, joint))


def _fingers(bvh: Bvh, names, sided) -> dict[tuple[int, str, int], int]:
    """Complete hands only: at least four fingers of two joints on both sides, else none."""
    found = {}
    for j, (side, word) in enumerate(names):
        match = re.match(r"^(?:hand)?(index|middle|mid|pinky|little|ring|thumb)(?:finger)?0?([123])$", word)
        if match and side is not None:
            finger = next(f for f, words in FINGER_ALIASES.items() if match[1] in words)
            found[side, finger, int(match[2]) - 1] = j
    whole = all(sum((side, f, 1) in found for f in FINGER_ALIASES) >= 4 for side in (0, 1))
    return found if whole else {}

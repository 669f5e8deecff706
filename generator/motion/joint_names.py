"""What the names of joints say: side, part of the body, finger, helper bone.

A name is split where case, digits or signs change; a prefix or suffix that most names share (a
character's name, a namespace, ".001", "_JNT") is dropped; words written together are found in the
word lists. Words are evidence, not proof: what hangs where decides with them, see ``joint_roles``.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from mannequin.generator.motion.bvh_text import END_SITE

LEFT, RIGHT = 0, 1

SIDES = {
    LEFT: (
        "left",
        "l",
        "lft",
        "lf",
        "lt",
        "links",
        "linke",
        "linker",
        "linkes",
        "gauche",
        "izquierda",
        "izquierdo",
        "izq",
    )
    + ("sinistra", "sinistro", "sx", "esquerda", "esquerdo", "hidari", "左"),
    RIGHT: (
        "right",
        "r",
        "rgt",
        "rt",
        "rechts",
        "rechte",
        "rechter",
        "rechtes",
        "droite",
        "droit",
        "derecha",
        "derecho",
        "der",
    )
    + ("destra", "destro", "dx", "direita", "direito", "migi", "右"),
}
"""Words of a side. Those of less than four letters count where the other side has a joint of that name too."""

_SIDE_OF = {word: side for side, words in SIDES.items() for word in words}

WORDS: dict[str, Mapping[str, float]] = {
    "hip": {"upleg": 3, "upperleg": 3, "thigh": 3, "femur": 3, "hip": 2, "leg": 1, "hipjoint": 0.5}
    | {
        "legup": 3,
        "legupper": 3,
        "oberschenkel": 3,
        "cuisse": 3,
        "muslo": 3,
        "coscia": 3,
        "coxa": 3,
        "足": 3,
        "hüfte": 2,
    },
    "knee": {"knee": 3, "lowleg": 3, "lowerleg": 3, "loleg": 3, "calf": 3, "shin": 3, "tibia": 3, "leg": 2, "crus": 3}
    | {"leglow": 3, "leglower": 3, "unterschenkel": 3, "knie": 3, "genou": 3, "rodilla": 3, "ひざ": 3},
    "ankle": {"ankle": 3, "foot": 2.5, "talocrural": 3, "fuss": 2.5, "fuß": 2.5, "cheville": 3, "tobillo": 3, "足首": 3}
    | {"pied": 2.5, "pie": 2},
    "toe": {
        "toe": 3,
        "toes": 3,
        "toebase": 3,
        "ball": 3,
        "forefoot": 3,
        "metatarsal": 2,
        "foot": 1,
        "zehen": 3,
        "つま先": 3,
    }
    | {"football": 3, "bigtoe": 3, "toebone": 3},
    "collar": {"collar": 3, "clavicle": 3, "clav": 3, "scapula": 2, "shoulder": 1.5, "shldr": 1, "肩": 3}
    | {"sternoclavicular": 3, "shoulderblade": 2, "schlüsselbein": 3, "innershoulder": 3},
    "shoulder": {"arm": 2.5, "upperarm": 3, "uparm": 3, "humerus": 3, "shoulder": 1.5, "shldr": 2, "bicep": 2, "腕": 3}
    | {"armup": 3, "armupper": 3, "oberarm": 3, "bras": 2.5, "brazo": 2.5, "glenohumeral": 3},
    "elbow": {"forearm": 3, "lowerarm": 3, "lowarm": 3, "loarm": 3, "elbow": 3, "radius": 3, "ulna": 2.5, "ひじ": 3}
    | {"armlow": 3, "armlower": 3, "unterarm": 3, "ellbogen": 3, "coude": 3, "codo": 3, "antebrazo": 3},
    "wrist": {"wrist": 3, "hand": 2.5, "palm": 1.5, "handgelenk": 3, "poignet": 3, "main": 2, "mano": 2.5, "手首": 3},
    "head": {"head": 3, "skull": 2.5, "kopf": 3, "tête": 3, "tete": 3, "cabeza": 3, "testa": 3, "頭": 3},
    "neck": {"neck": 3, "cervical": 2, "hals": 3, "cou": 2, "cuello": 3, "首": 3},
    "trunk": {
        "hips": 3,
        "pelvis": 3,
        "spine": 3,
        "chest": 3,
        "abdomen": 3,
        "torso": 3,
        "waist": 2,
        "lowerback": 3,
        "root": 2,
    }
    | {"upperback": 3, "thorax": 3, "ribcage": 2, "back": 1, "sternum": 1, "上半身": 3, "下半身": 3, "センター": 2},
}
"""Role → word without side → how much it speaks for that role."""

HELPERS = {
    "twist",
    "roll",
    "ik",
    "fk",
    "pole",
    "ctrl",
    "control",
    "target",
    "goal",
    "helper",
    "aux",
    "nub",
    "effector",
} | {
    *("handle", "mch", "tweak", "driver", "dummy", "attach", "socket", "weapon", "prop", "marker", "pivot", "ctl"),
    *("end", "tip", "nubend", "site", "heel", "swing", "corrective", "adjust", "muscle", "offset", "trans", "hlp"),
}
"""Words of bones that stand beside the body's own."""

FINGERS = {
    "index": ("index", "point", "indexfinger", "zeigefinger", "pointer"),
    "middle": ("middle", "mid", "middlefinger", "mittelfinger", "midfinger"),
    "pinky": ("pinky", "little", "pinkie", "small", "littlefinger", "pinkyfinger", "pink"),
    "ring": ("ring", "ringfinger"),
    "thumb": ("thumb", "pollex", "daumen", "thmb"),
}
"""In SMPL-H's order."""

PALM = {"metacarpal", "carpal", "palm", "inhand", "meta", "metacarpus"}
"""Words of bones within the palm, which is where a finger does not yet bend."""

FILLERS = {"joint", "bone", "base", "bend", "def", "org", "bip", "jnt"}
"""Words that say nothing."""

_FINGER_OF = {word: finger for finger, words in FINGERS.items() for word in words}
_VOCABULARY = (
    {word for words in WORDS.values() for word in words}
    | {word for word in _SIDE_OF if len(word) > 2}
    | HELPERS
    | set(_FINGER_OF)
    | PALM
    | {
        "up",
        "upper",
        "low",
        "lower",
        "lo",
        "finger",
        "fingers",
        "base",
        "joint",
        "bone",
        "proximal",
        "intermediate",
        "distal",
        "eye",
        "jaw",
    }
)
_LONGEST = max(map(len, _VOCABULARY))
_PARTS = re.compile(r"[A-ZÄÖÜ]+(?=[A-ZÄÖÜ][a-zäöüß])|[A-ZÄÖÜ]?[a-zäöüßêé]+|[A-ZÄÖÜ]+|\d+|[^\W\d_]+")
SHARED = 0.75
"""Share of the names that begin (or end) with a word from which on it says nothing."""


@dataclass(frozen=True)
class Name:
    """What one joint's name says.

    side: LEFT, RIGHT or None. key: the name with its side taken out, equal for a joint and its
    mirror image; None without side. word: what is left, written together, without digits.
    digits: the numbers, as written. helper: whether it is a bone beside the body's own.
    finger: of FINGERS. is_palm: within the palm. is_end: of an End Site.
    """

    side: int | None
    key: str | None
    word: str
    digits: tuple[str, ...]
    helper: bool
    finger: str | None
    is_palm: bool
    is_end: bool

    def says(self, role: str) -> float:
        """How much the name speaks for ``role`` of WORDS: below 0 where it is the name of something else."""
        if self.is_end:
            return -1.0
        own = WORDS[role].get(self.word)
        against = -2.5 if self.helper else 0.0
        if self.finger or self.word in PALM - {"palm"}:
            return -3.0 + against
        if own is not None:
            return own + against
        return (-2.0 if any(self.word in words for words in WORDS.values()) else 0.0) + against


def read_names(names: tuple[str, ...]) -> list[Name]:
    """What each of the names of a skeleton says, in their order."""
    ends = [name.endswith(END_SITE) for name in names]
    split = [_split(name) for name in names]
    own = [parts for parts, end in zip(split, ends) if not end]
    first, last = _shared(own, 0), _shared(own, -1)
    cut = [_without(parts, first, last) for parts in split]
    bare = _sides([_words(parts) for parts in cut])
    return [_name(words, side, end) for (words, side), end in zip(bare, ends)]


def _split(name: str) -> list[str]:
    """The parts of a name, in its own case, after its namespace."""
    return _PARTS.findall(re.split(r"[:|]", name.strip())[-1]) or [name]


def _shared(split: list[list[str]], end: int) -> list[str]:
    """Parts that most names have at their beginning (0) or end (-1), the outermost first."""
    found: list[str] = []
    while True:
        at = len(found) if end == 0 else -1 - len(found)
        # A name shorter than that has nothing left to lose.
        parts = [p[at].lower() for p in split if len(p) > len(found) + 1]
        if not parts:
            return found
        part, count = Counter(parts).most_common(1)[0]
        if count < SHARED * len(split) or count < 4 or part in _SIDE_OF:
            return found
        found.append(part)


def _without(parts: list[str], first: list[str], last: list[str]) -> list[str]:
    kept = list(parts)
    for part in first:
        if len(kept) > 1 and kept[0].lower() == part:
            kept.pop(0)
    for part in last:
        if len(kept) > 1 and kept[-1].lower() == part:
            kept.pop()
    return kept


def _words(parts: list[str]) -> list[str]:
    """Lower-case words: what is written together is taken apart where the vocabulary covers it."""
    return [word for part in parts for word in _segmented(part.lower())]


@lru_cache(maxsize=4096)
def _segmented(part: str) -> tuple[str, ...]:
    """``lthigh`` as l, thigh; ``bobleftarm`` as bob, left, arm; other parts as they are."""
    if part in _VOCABULARY or part in _SIDE_OF or len(part) > 60:
        return (part,)
    whole = _covered(part, True)
    if whole:
        return whole
    for start in range(1, len(part) - 5):
        found = _covered(part[start:], False)
        if found and any(word in _SIDE_OF for word in found) and len(found) > 1:
            return (part[:start], *found)
    return (part,)


def _covered(text: str, letters: bool) -> tuple[str, ...] | None:
    """``text`` as words of the vocabulary, the fewest; with ``letters`` an l or r may stand at one end."""
    best: list[tuple[str, ...] | None] = [None] * (len(text) + 1)
    best[0] = ()
    for end in range(1, len(text) + 1):
        for start in range(max(0, end - _LONGEST), end):
            before, word = best[start], text[start:end]
            single = letters and word in ("l", "r") and (start == 0 or end == len(text))
            if before is not None and (word in _VOCABULARY or single):
                now = best[end]
                if now is None or len(before) + 1 < len(now):
                    best[end] = (*before, word)
    return best[-1]


def _sides(words: list[list[str]]) -> list[tuple[list[str], int | None]]:
    """The words without their side, and the side. A short word counts where its mirror image is there."""
    known = {tuple(w) for w in words}
    out: list[tuple[list[str], int | None]] = []
    for each in words:
        at = next((k for k in _order(each) if each[k] in _SIDE_OF and _is_side(each, k, known)), None)
        rest = each if at is None else each[:at] + ["*"] + each[at + 1 :]
        out.append((rest, None if at is None else _SIDE_OF[each[at]]))
    return out


def _order(words: list[str]) -> list[int]:
    """Long words first: in "L_Hand_Right" it is Right."""
    return sorted(range(len(words)), key=lambda k: (len(words[k]) < 4 and words[k].isascii(), k))


def _is_side(words: list[str], at: int, known) -> bool:
    word = words[at]
    if len(word) >= 4 or not word.isascii():
        return True
    others = SIDES[1 - _SIDE_OF[word]]
    return any((*words[:at], other, *words[at + 1 :]) in known for other in others if len(other) < 4)


def _name(words: list[str], side: int | None, is_end: bool) -> Name:
    key = " ".join(words) if side is not None and not is_end else None
    digits = tuple(w for w in words if w.isdigit())
    bare = [w for w in words if not w.isdigit() and w != "*"]
    helper = any(w in HELPERS for w in bare)
    finger = next((_FINGER_OF[w] for w in bare if w in _FINGER_OF), None) if not {"toe", "toes"} & set(bare) else None
    if (
        finger == "middle"
        and not {"finger", "hand"} & set(bare)
        and any(_is_part(w) for w in bare if w not in _FINGER_OF)
    ):
        finger = None  # the middle of the spine
    body = [w for w in bare if w not in HELPERS]
    part = _part(body) or _part([w for w in body if w not in FILLERS]) or "".join(body)
    is_palm = bool(PALM & set(bare)) or "in" in bare
    return Name(side, key, part, digits, helper, finger, is_palm, is_end)


def _is_part(word: str) -> bool:
    return any(word in words for words in WORDS.values())


def _part(words: list[str]) -> str | None:
    """The part of the body that the words name: all of them written together, else the last that is one."""
    for start in range(len(words)):
        if _is_part(tail := "".join(words[start:])):
            return tail
    runs = ((start, end) for end in range(len(words), 0, -1) for start in range(end))
    return next((run for start, end in runs if _is_part(run := "".join(words[start:end]))), None)

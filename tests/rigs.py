"""Skeletons as rigs have them: the person of ``bvh_files`` with helpers, clothes, split limbs, fingers."""

import numpy as np

SIDES = (("l", 1), ("r", -1))


def with_extras(places):
    """Face, hair, tail, skirt, twist bones, heels, IK goals, and a sword in the right hand."""
    out = dict(places)
    for side, x in SIDES:
        out[f"{side}_eye"] = ("head", (x * 0.03, 0.06, 0.08))
        out[f"{side}_breast"] = ("chest", (x * 0.08, 0.02, 0.1))
        for n in range(4):
            parent, offset = "pelvis", (x * (0.05 + 0.03 * n), -0.03, 0.05 * (n - 1.5))
            for k in range(3):
                out[f"{side}_skirt{n}_{k}"] = (parent, offset)
                parent, offset = f"{side}_skirt{n}_{k}", (x * 0.02, -0.18, 0)
        for name, parent, offset in (
            ("upperarm_twist", "shoulder", (x * 0.14, 0, 0)),
            ("forearm_twist", "elbow", (x * 0.12, 0, 0)),
            ("thigh_twist", "hip", (0, -0.2, 0)),
            ("calf_roll", "knee", (0, -0.2, 0)),
            ("heel", "ankle", (0, -0.06, -0.06)),
        ):
            out[f"{side}_{name}"] = (f"{side}_{parent}", offset)
        out[f"{side}_ik_foot"] = ("ik_root", (x * 0.09, 0, 0))
        out[f"{side}_knee_pole"] = ("ik_root", (x * 0.09, 0.4, 0.5))
    out["ik_root"] = ("pelvis", (0, -0.9, 0))
    out["jaw"] = ("head", (0, 0.02, 0.05))
    for name, parent, offset, count in (("hair", "head", (0, -0.08, -0.04), 5), ("tail", "pelvis", (0, 0, -0.1), 6)):
        for k in range(count):
            out[f"{name}{k}"] = (f"{name}{k - 1}" if k else parent, offset)
    out["weapon"] = ("r_wrist", (-0.08, 0, 0))
    out["weapon_tip"] = ("weapon", (-0.1, 0.7, 0))
    return out


DIGITS = {"thumb": (0.03, 0.05, 0.03), "index": (0.09, 0.03, 0.035), "middle": (0.09, 0.01, 0.04)} | {
    "ring": (0.09, -0.01, 0.037),
    "pinky": (0.09, -0.03, 0.028),
}
"""Finger → place of its first joint along and across the hand, length of its bones, metres."""


def with_fingers(places):
    out = dict(places)
    for side, x in SIDES:
        for finger, (along, across, length) in DIGITS.items():
            out[f"{side}_{finger}1"] = (f"{side}_wrist", (x * along, 0, across))
            for k in (2, 3):
                out[f"{side}_{finger}{k}"] = (f"{side}_{finger}{k - 1}", (x * length, 0, 0))
            out[f"{side}_{finger}_end"] = (f"{side}_{finger}3", (x * length, 0, 0))
    return out


def split(places, parts=2):
    """Upper and lower limbs of several bones in a chain."""
    out = {}
    for name, (parent, offset) in places.items():
        if name[1:] in ("_knee", "_ankle", "_elbow", "_wrist"):
            step = tuple(np.array(offset) / parts)
            for k in range(1, parts):
                out[f"{parent}.part{k}"] = (f"{parent}.part{k - 1}" if k > 1 else parent, step)
            out[name] = (f"{parent}.part{parts - 1}", step)
        else:
            out[name] = (parent, offset)
    return out


def with_helpers(places):
    """A bone without length before hips and shoulders, which carries their word."""
    out = {}
    for name, (parent, offset) in places.items():
        if name[2:] in ("hip", "shoulder"):
            out[f"{name[:2]}__{name[2:]}"] = (parent, (0, 0, 0))
            parent = f"{name[:2]}__{name[2:]}"
        out[name] = (parent, offset)
    return out


def uneven(places, seed=0):
    """Bones of real people: left and right differ by some per cent."""
    rng = np.random.default_rng(seed)
    return {n: (parent, tuple(np.array(o) * (1 + rng.uniform(-0.04, 0.04)))) for n, (parent, o) in places.items()}


def right_first(places):
    """The same with right limbs before left ones."""
    left = {n: v for n, v in places.items() if n.startswith("l_")}
    right = {n: v for n, v in places.items() if n.startswith("r_")}
    return {n: v for n, v in places.items() if n not in left and n not in right} | right | left


def without_toes(places):
    """Ends below the ankles, as in the format's own example."""
    out = {n: v for n, v in places.items() if "toe" not in n}
    return out | {f"{side}_ankle_end": (f"{side}_ankle", (0, -0.06, 0)) for side, _ in SIDES}


def without_ends(places):
    return {n: v for n, v in places.items() if not n.endswith("_end")}


def without_collars(places):
    out = {n: v for n, v in places.items() if "collar" not in n}
    return out | {f"{side}_shoulder": ("chest", (x * 0.18, 0.15, 0)) for side, x in SIDES}


def with_collars_at_the_neck(places):
    """As 3ds Max hangs them."""
    return dict(places) | {f"{side}_collar": ("neck", (x * 0.05, -0.05, 0)) for side, x in SIDES}


def on_two_trunks(places):
    """Legs from a lower body, spine from an upper one, both from a root, as MikuMikuDance has it."""
    out = dict(places) | {"lower": ("pelvis", (0, 0.01, 0))}
    return out | {f"{side}_hip": ("lower", (x * 0.09, -0.06, 0)) for side, x in SIDES}


RIGS = {
    "plain": dict,
    "right first": right_first,
    "extras": with_extras,
    "fingers": with_fingers,
    "halves": split,
    "thirds": lambda p: split(p, 3),
    "helpers": with_helpers,
    "uneven": uneven,
    "no toes": without_toes,
    "no ends": without_ends,
    "no collars": without_collars,
    "collars at the neck": with_collars_at_the_neck,
    "two trunks": on_two_trunks,
    "uneven fingers, right first": lambda p: right_first(with_fingers(uneven(p, 3))),
    "all": lambda p: right_first(with_extras(with_fingers(split(uneven(p))))),
}
"""Kind of rig → what makes it of PERSON."""


def named(places):
    """Names of words: LeftThigh_twist, LeftHip, Chest …"""
    words = {"l_": "Left", "r_": "Right"}
    return {n: words.get(n[:2], "") + (n[2:] if n[:2] in words else n).capitalize() for n in places}


def numbered(places):
    """Names that say nothing, in no order."""
    order = np.random.default_rng(7).permutation(len(places))
    return {n: f"bone{k:03d}" for n, k in zip(places, order)}

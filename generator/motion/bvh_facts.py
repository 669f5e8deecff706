"""How a BVH file was read, for ``mannequin info``, and the map of joints that says the same."""

from mannequin.generator.motion.bvh import Bvh
from mannequin.generator.motion.joint_map import SIDED
from mannequin.generator.motion.joint_roles import Roles
from mannequin.generator.motion.retarget import source_leg_length
from mannequin.generator.motion.source import Source

LEG_METRES = 0.83
"""Of an adult."""

UNITS = {"metres": 1.0, "feet": 0.3048, "decimetres": 0.1, "inches": 0.0254, "centimetres": 0.01, "millimetres": 0.001}
LIKELY = (0.5, 1.15)
"""Metres: legs from a child's to a tall person's."""


def bvh_facts(bvh: Bvh, source: Source) -> dict:
    """Plain values: axes, unit, what each role is and how sure, notes."""
    return {
        **{key.replace(" ", "_"): value for key, value in source.told.items()},
        "unit": unit_of(source_leg_length(source)),
        "fingers": f"{len(source.roles.fingers)} joints"
        if source.roles.fingers
        else "none recognised; hands stay relaxed",
        "joints": _rows(bvh, source.roles),
        "notes": list(source.notes),
    }


def unit_of(leg: float) -> str:
    """The likely unit of a file in which legs are ``leg`` long."""
    fits = [name for name, metres in UNITS.items() if LIKELY[0] <= leg * metres <= LIKELY[1]]
    best = min(fits, key=lambda name: abs(leg * UNITS[name] - LEG_METRES), default=None)
    guess = f"probably {best}" if best else "of its own"
    return f"{guess}: legs of {leg:.4g}; the motion is scaled by the legs of whoever performs it"


def _rows(bvh: Bvh, roles: Roles) -> list[dict[str, str]]:
    """Role, joints and confidence."""
    rows = [("pelvis", [roles.pelvis]), ("spine", list(roles.spine)), ("neck", list(roles.neck[:-1]))]
    rows.append(("head", [roles.head]))
    rows += [(f"{side} {role}", [roles.sided[role][k]]) for role in SIDED if role in roles.sided for k, side in _SIDES]
    if "hand_end" in roles.sided:
        rows += [(f"{side} hand points to", [roles.sided["hand_end"][k]]) for k, side in _SIDES]
    return [
        {"role": role, "joint": ", ".join(bvh.names[j] for j in joints) or "none", "confidence": _share(roles, role)}
        for role, joints in rows
    ]


_SIDES = ((0, "left"), (1, "right"))


def _share(roles: Roles, role: str) -> str:
    share = roles.confidence.get(role.split(" ")[-1] if role.startswith(("left ", "right ")) else role)
    return "" if share is None else f"{share:.0%}"


def template(bvh: Bvh, roles: Roles) -> dict[str, str | None]:
    """The map of joints that says what was recognised; None where a role has no joint."""
    found: dict[str, str | None] = {"pelvis": bvh.names[roles.pelvis], "chest": bvh.names[roles.chest]}
    found["head"] = bvh.names[roles.head]
    for role in SIDED:
        for k, side in _SIDES:
            found[f"{side}_{role}"] = bvh.names[roles.sided[role][k]] if role in roles.sided else None
    return found

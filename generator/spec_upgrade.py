"""Descriptions of earlier versions, brought up to date as plain values."""

PRIMITIVES = ("sphere", "box", "plane")
"""Meshes of version 1 that name a class by themselves."""


def upgrade_version_1(plain):
    """A description of version 1 as plain values, as version 2 says the same; anything else as it is.

    Version 1 numbered people first, then objects, in their order; its ground was z = 0, and objects
    had no class: a primitive is one of its own kind now. What is damaged is left for the reading of
    version 2 to refuse.
    """
    if not isinstance(plain, dict) or plain.get("version") != 1 or plain["version"] is True:
        return plain
    people, objects = plain.get("people"), plain.get("objects", [])
    if not isinstance(people, list) or not isinstance(objects, list):
        return plain | {"version": 2}
    things = [*people, *objects]
    numbered = [
        thing | {"instance": k} if isinstance(thing, dict) else thing for k, thing in enumerate(things, start=1)
    ]
    classed = [_with_category(thing) for thing in numbered[len(people) :]]
    ground = {"kind": "plane", "height": 0.0}
    return plain | {"version": 2, "people": numbered[: len(people)], "objects": classed, "ground": ground}


def _with_category(thing):
    if not isinstance(thing, dict):
        return thing
    mesh = thing.get("mesh")
    return thing | {"category": mesh if mesh in PRIMITIVES else "object"}

"""Tags of a clip that say something of everybody in it, such as what they do."""

from collections.abc import Sequence

from mannequin.generator.spec import ClipSpec

_BETWEEN = "; "


def of_everybody(values: Sequence[str]) -> str:
    """What is said of everybody, in their order, separated by "; "; once where it is the same for all."""
    values = [value.replace(_BETWEEN, ", ") for value in values]
    return values[0] if len(set(values)) == 1 else _BETWEEN.join(values)


def of_person(spec: ClipSpec, tag: str, name: str) -> str | float:
    """What the tag says of the person ``name``: all of it, unless :func:`of_everybody` said something of each.

    Raises KeyError if there is no such tag.
    """
    value, names = spec.tags[tag], [person.name for person in spec.people]
    each = value.split(_BETWEEN) if isinstance(value, str) else []
    return each[names.index(name)] if name in names and len(each) == len(names) else value

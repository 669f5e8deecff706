"""The classes of what a clip shows, and the number that each has in the derived channel ``category``."""

CATEGORIES = ("person", "hand", "object", "sphere", "box", "plane")
"""Names of the classes; class k has the number k + 1, and 0 is the background. "object" is a thing of no class of
its own. New names are added at the end: the numbers of the others must not change."""


def category_number(name: str) -> int:
    """The number of a class in the channel ``category``; ``name`` is one of CATEGORIES."""
    return CATEGORIES.index(name) + 1

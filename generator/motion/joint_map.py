"""Maps of joints that users write: which joint of a recording is what, where recognition needs help.

A JSON file: {"left_hip": "bone_7", "right_hip": "bone_11", …}. Roles that it leaves out are
recognised. For recordings of several skeletons: {"walk*.bvh": {…}, "dance/*": {…}}, by patterns of
paths within the folder of motions; the first that fits counts.
"""

import difflib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from mannequin.generator.errors import AssetError, ConfigError
from mannequin.generator.io import limits
from mannequin.generator.io.reading import parse_json, read_bytes

SIDED = ("hip", "knee", "ankle", "toe", "collar", "shoulder", "elbow", "wrist")
ROLES = ("pelvis", "chest", "head", *(f"{side}_{role}" for role in SIDED for side in ("left", "right")))
"""What a map may name."""


@dataclass(frozen=True)
class JointMap:
    """entries: (role of ROLES, name of a joint). path: of the file it stands in, for messages."""

    entries: tuple[tuple[str, str], ...] = ()
    path: str = ""

    def joints(self, names: tuple[str, ...], source: str) -> dict[str, int]:
        """Role → joint among ``names``. Raises AssetError for a name that is not there, with the nearest ones."""
        found = {}
        for role, name in self.entries:
            if name not in names:
                near = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or names[:10]
                raise AssetError(
                    f"The joint map {self.path} says that {role} is {name!r}; the motion {source} has no joint of that "
                    f"name. Nearest: {', '.join(near)}. Correct the map, or print one: mannequin info FILE "
                    "--joint-map-template"
                )
            found[role] = names.index(name)
        return found


NO_MAP = JointMap()


def read_joint_map(path: str) -> tuple[tuple[str, JointMap], ...]:
    """(pattern, map) of a file, the pattern "*" for a map that all motions share; () for no path.

    Raises ConfigError naming what is wrong in the file and what may stand there.
    """
    if not path:
        return ()
    expected = "a map of joints; print one: mannequin info FILE --joint-map-template"
    text = read_bytes(path, limits.JOINT_MAP_BYTES, expected, ConfigError)
    plain = parse_json(text, path, expected, ConfigError)
    if not isinstance(plain, dict) or not plain:
        raise ConfigError(f'The joint map {path} is no object. Expected {{"left_hip": "name of a joint", …}}.')
    if all(isinstance(value, dict) for value in plain.values()):
        return tuple((pattern, _map(entries, path)) for pattern, entries in plain.items())
    return (("*", _map(plain, path)),)


def map_for(name: str, maps: tuple[tuple[str, JointMap], ...]) -> JointMap:
    """The map of the motion file at path ``name`` within its folder: the first whose pattern fits, else NO_MAP."""
    return next(
        (m for pattern, m in maps if fnmatchcase(name, pattern) or fnmatchcase(Path(name).name, pattern)), NO_MAP
    )


def _map(entries: dict, path: str) -> JointMap:
    kept = []
    for role, name in entries.items():
        if role not in ROLES:
            near = difflib.get_close_matches(role, ROLES, n=1, cutoff=0.5)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ConfigError(
                f"The joint map {path} has the role {role!r}.{hint} Expected some of: {', '.join(ROLES)}."
            )
        if name is None or name == "":
            continue
        if not isinstance(name, str):
            raise ConfigError(f"The joint map {path} gives {name!r} to {role!r}. Expected the name of a joint.")
        kept.append((role, name))
    given = dict(kept)
    for role in SIDED:
        left, right = given.get(f"left_{role}"), given.get(f"right_{role}")
        if (left is None) != (right is None):
            raise ConfigError(
                f"The joint map {path} names one {role} only. Expected left_{role} and right_{role}, or neither."
            )
    twice = sorted({name for _, name in kept if list(given.values()).count(name) > 1})
    if twice:
        raise ConfigError(
            f"The joint map {path} gives several roles to {twice[0]!r}. Expected a joint of its own for each."
        )
    return JointMap(tuple(kept), path)

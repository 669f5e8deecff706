"""Which recordings were made together: at the same time, in one space.

A user says so of files: [["18_01", "19_01"], ["20_05", "21_05"]], by the ids of motions. Each begins at its first
frame. Who appears in one recording with somebody else is one subject with them: they never part between training and
testing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from mannequin.generator.errors import ConfigError, unknown_name
from mannequin.generator.io import limits
from mannequin.generator.io.listing import LeftOut
from mannequin.generator.io.reading import parse_json, read_bytes
from mannequin.generator.motion.recording import RecordedMotion

Groups = tuple[tuple[str, ...], ...]

EXPECTED = '[["18_01", "19_01"], …]: lists of two or more ids of motions, each id once'

LENGTHS = (0.05, 0.5)
"""By which share, and how many seconds, the lengths of a recording's motions may differ without a note."""


def read_groups(path: str) -> Groups:
    """Of the file ``path``; () for no path. Raises ConfigError naming what is wrong in it."""
    if not path:
        return ()
    expected = f"groups of motions: {EXPECTED}"
    plain = parse_json(read_bytes(path, limits.GROUPS_BYTES, expected, ConfigError), path, expected, ConfigError)
    if not isinstance(plain, list) or not plain:
        raise ConfigError(f"The groups of motions {path} are no list. Expected {EXPECTED}.")
    seen: set[str] = set()
    for number, group in enumerate(plain):
        where = f"Group {number} of {path}"
        if not isinstance(group, list) or len(group) < 2 or not all(isinstance(name, str) for name in group):
            raise ConfigError(f"{where} is {str(group)[:100]}. Expected {EXPECTED}.")
        for name in group:
            if name in seen:
                raise ConfigError(f"{where} names {name!r} again. Expected {EXPECTED}.")
            seen.add(name)
    return tuple(map(tuple, plain))


def together(
    motions: Iterable[RecordedMotion], groups: Groups, left_out: Sequence[LeftOut] = ()
) -> dict[str, RecordedMotion]:
    """Id → motion, each with those ``beside`` it that were recorded with it.

    left_out: files that cannot be used, which a group may name. Raises ConfigError for a group that cannot be.
    """
    found = {motion.name: motion for motion in motions}
    unread = [fault.name.removesuffix(".bvh").removesuffix(".npz") for fault in left_out]
    recordings = [list(each) for each in _of_one_file(found.values())]
    taken = {motion.name for recording in recordings for motion in recording}
    for group in groups:
        names = [name for name in group if name in found or not any(f"/{u}".endswith(f"/{name}") for u in unread)]
        for name in names:
            if name not in found:
                raise unknown_name("motion in a group of --motion-groups", name, found)
            if name in taken:
                raise ConfigError(
                    f"The motion {name!r} of --motion-groups is of a file that holds several people, who are partners "
                    "by themselves. Leave it out of the groups."
                )
        recordings.append([found[name] for name in names])
        _check_kinds(recordings[-1])
    subjects = _linked(recordings)
    found = {name: replace(m, subject=subjects.get(m.subject, m.subject)) for name, m in found.items()}
    for recording in recordings:
        members = [found[motion.name] for motion in recording]
        for motion in members:
            found[motion.name] = replace(motion, beside=tuple(other for other in members if other is not motion))
    return found


def _of_one_file(motions: Iterable[RecordedMotion]) -> list[list[RecordedMotion]]:
    """People in files that hold several."""
    files: dict = {}
    for motion in motions:
        if motion.in_company:
            files.setdefault(motion.path, []).append(motion)
    return [people for people in files.values() if len(people) > 1]


def _check_kinds(recording: list[RecordedMotion]) -> None:
    kinds = {type(motion) for motion in recording}
    if len(kinds) > 1:
        raise ConfigError(
            f"The group of {', '.join(motion.name for motion in recording)} mixes files of several formats. Expected "
            "all .bvh or all .npz, whose axes and units are then the same."
        )


def _linked(recordings: Iterable[Sequence[RecordedMotion]]) -> dict[str, str]:
    """Subject → that of everybody whom they were ever recorded with."""
    group: dict[str, set[str]] = {}
    for recording in recordings:
        people = {motion.subject for motion in recording}
        for subject in set(people):
            people |= group.get(subject, set())
        for subject in people:
            group[subject] = people
    return {subject: "+".join(sorted(people)) for subject, people in group.items()}


def uneven_lengths(motions: Iterable[RecordedMotion]) -> list[str]:
    """Lines on recordings whose people were recorded for different times, from headers alone."""
    lines = []
    for motion in motions:
        company = motion.company
        if len(company) < 2 or company[0].name != motion.name or motion.in_company:
            continue
        ends = [each.end for each in company]
        if max(ends) - min(ends) > max(LENGTHS[1], LENGTHS[0] * max(ends)):
            each = ", ".join(f"{other.name} {end:.2f} s" for other, end in zip(company, ends))
            lines.append(f"recorded together, but not equally long: {each}; pairs last as long as the shorter")
    return lines

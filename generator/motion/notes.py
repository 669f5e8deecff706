"""What users should know of the recordings they give, before anything is made of them."""

from collections.abc import Iterable

from mannequin.generator.motion.base import Motion
from mannequin.generator.motion.recording import RecordedMotion
from mannequin.generator.motion.together import uneven_lengths

CLOSELY = 20
"""Recordings up to which each is read whole before a run; `info` does so for any."""


def motion_notes(motions: Iterable[Motion], length: float | None = None) -> list[str]:
    """Lines about recordings: what was assumed, and which are shorter than a clip of ``length`` seconds.

    From their headers alone; up to CLOSELY of them are read whole, for what is not certain of their joints.
    """
    recordings: list[RecordedMotion] = [motion for motion in motions if isinstance(motion, RecordedMotion)]
    told: dict[str, list[RecordedMotion]] = {}
    for motion in recordings:
        for note in motion.notes + (motion.doubts if len(recordings) <= CLOSELY else ()):
            told.setdefault(note, []).append(motion)
    lines = [f"{_which(found)}: {note}" for note, found in told.items()]
    lines += uneven_lengths(recordings)
    short = [motion for motion in recordings if length is not None and motion.duration < length - 1e-6]
    if short and len(short) == len(recordings):
        longest = max(motion.duration for motion in short)
        lines.append(
            f"no recording lasts the {length:.2f} s of a clip (at most {longest:.2f} s): clips are cut to them"
        )
    elif short:
        lines.append(f"{_which(short)}: shorter than the {length:.2f} s of a clip, and not used")
    return lines


def _which(motions: list[RecordedMotion]) -> str:
    return motions[0].name if len(motions) == 1 else f"{len(motions)} recordings, {motions[0].name} the first"

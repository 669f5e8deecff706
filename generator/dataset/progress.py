"""How a dataset stands: what is there, how fast it grows and when it will be whole, from its files alone."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from mannequin.generator.dataset.folder import find_dataset
from mannequin.generator.dataset.inventory import take_inventory
from mannequin.generator.dataset.runlog import number, numbers, tails, text
from mannequin.generator.io.remote import Place

MOST_PROCESSORS = 10
"""Kinds of processor that are told of."""

QUIET_SECONDS = 60.0
"""A run that has been silent for longer than this, and than five clips take it, is not running."""


@dataclass(frozen=True)
class DatasetProgress:
    """How a dataset stands, all shards and machines together.

    total: clips planned. running: runs at work. clips_per_second and frames_per_second: of the runs
    at work, lately; if none is, of those that were last. left: seconds to go at that pace, None if
    nothing is known. seconds: per stage, and peak_mb, hosts, disagreement (worst, per measure)
    and died (processes): of what the logs say of late. unread: logs that cannot be read. processors:
    instruction sets of those that made clips, as far as the ends of the logs tell.
    """

    total: int
    done: int
    failed: int
    missing: int
    running: int = 0
    hosts: int = 0
    clips_per_second: float = 0.0
    frames_per_second: float = 0.0
    left: float | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    peak_mb: float = 0.0
    disagreement: dict[str, float] = field(default_factory=dict)
    died: int = 0
    unread: int = 0
    processors: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        return self.done == self.total


def read_progress(path: Place | str) -> DatasetProgress:
    """How the dataset at ``path`` stands. Lists its folders and reads the ends of its logs; opens no clip.

    Raises DatasetError if there is no dataset.
    """
    dataset = find_dataset(path)
    planned = range(dataset.num_clips if dataset.num_clips is not None else 1_000_000_000)
    inventory = take_inventory(dataset.path, planned)
    missing = inventory.missing if dataset.num_clips is not None else 0
    logs, unread = tails(dataset.path)
    runs = [_Run(lines, changed) for changed, lines in logs]
    running = [run for run in runs if run.is_running(time.time())]
    before = [run for run in runs if run.pace]
    recent = running or [run for run in before if run.is_running(before[0].changed, or_ended=True)]
    pace = sum(run.pace for run in recent)
    return DatasetProgress(
        total=inventory.done + inventory.failed + missing,
        done=inventory.done,
        failed=inventory.failed,
        missing=missing,
        running=len(running),
        hosts=len({text(clip, "host") for run in recent for clip in run.clips}),
        clips_per_second=pace,
        frames_per_second=sum(run.frame_pace for run in recent),
        left=missing / pace if pace else None if missing else 0.0,
        seconds=_sums(numbers(clip, "seconds") for run in recent for clip in run.made),
        peak_mb=max((number(clip, "peak_mb") for run in recent for clip in run.clips), default=0.0),
        disagreement=_worst(numbers(clip, "agreement") for run in recent for clip in run.made),
        died=sum("died" in line for run in recent for line in run.lines),
        unread=unread,
        processors=_kinds(text(clip, "processor") for run in runs for clip in run.clips),
    )


class _Run:
    """The last lines of a log. changed: when the file was, by the clock of the disk."""

    def __init__(self, lines: list[dict], changed: float):
        self.lines, self.changed = lines, changed
        self.clips = [line for line in lines if "clip" in line and "died" not in line and "kept" not in line]
        self.made = [clip for clip in self.clips if isinstance(clip.get("seconds"), dict)]
        is_whole = "run" in lines[0]
        self.span = lines[-1]["t"] - lines[0]["t"]
        self.counted = len(self.clips) - (not is_whole and lines[0] in self.clips)

    @property
    def pace(self) -> float:
        """Clips per second."""
        return self.counted / self.span if self.span > 0 else 0.0

    @property
    def frame_pace(self) -> float:
        """Frames per second."""
        return self.pace * sum(number(clip, "frames") for clip in self.made) / max(len(self.clips), 1)

    def is_running(self, now: float, or_ended: bool = False) -> bool:
        """Whether it has said anything lately and not that it ends."""
        silence = max(QUIET_SECONDS, 5 / self.pace if self.pace else 0.0)
        return now - self.changed <= silence and (or_ended or "end" not in self.lines[-1])


def _kinds(processors: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(processors) - {""})[:MOST_PROCESSORS])


def _sums(parts: Iterable[dict[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for part in parts:
        for name, value in part.items():
            total[name] = total.get(name, 0.0) + value
    return total


def _worst(agreements: Iterable[dict[str, float]]) -> dict[str, float]:
    worst: dict[str, float] = {}
    for agreement in agreements:
        for name, value in agreement.items():
            if name.endswith("_worst"):
                measure = name.removesuffix("_worst")
                worst[measure] = max(worst.get(measure, value), value)
    return worst

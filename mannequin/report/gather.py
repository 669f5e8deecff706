"""One pass over the clips of a collection: tallies, pictures, and what could not be read."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from mannequin.generator.clip import CHANNELS
from mannequin.generator.dataset.collection import Collection
from mannequin.generator.errors import ConfigError, DatasetError, MannequinError
from mannequin.renderers.production.job import Progress
from mannequin.report.measures import measure
from mannequin.report.pictures import Thumbnail, thumbnail_of
from mannequin.report.statistics import Statistics

SHEET_CLIPS = 24
STRIP_CLIPS = 6
MOST_DAMAGED = 50
"""Damaged clips that are named; more are only counted."""


@dataclass
class Gathered:
    """total: clips there are. thumbnails: clips of the contact sheet; some of them, with channels, are for the strips.

    damaged: (key, message) of clips that could not be read, MOST_DAMAGED of num_damaged. channels: those that any
    clip has, in the order of CHANNELS.
    """

    total: int
    statistics: Statistics = field(default_factory=Statistics)
    thumbnails: list[Thumbnail] = field(default_factory=list)
    damaged: list[tuple[str, str]] = field(default_factory=list)
    num_damaged: int = 0

    @property
    def channels(self) -> list[str]:
        return [name for name in CHANNELS if name in self.statistics.names["channel"].counts]

    @property
    def read(self) -> int:
        """Clips that are in the statistics."""
        return self.statistics.clips


def gather(
    collection: Collection, most: int, on_progress: Callable[[Progress], None] = lambda progress: None
) -> Gathered:
    """Read ``most`` clips, evenly spread, or all for 0.

    A damaged clip is reported and adds nothing. Raises DatasetError if no clip could be read, ConfigError for
    a negative ``most``.
    """
    if most < 0:
        raise ConfigError(f"clips is {most}; expected how many to read, or 0 for all.")
    keys = collection.keys
    picked = evenly(len(keys), most or len(keys))
    sheet = {picked[i] for i in evenly(len(picked), SHEET_CLIPS)}
    strip = {sorted(sheet)[i] for i in evenly(len(sheet), STRIP_CLIPS)}
    found, start = Gathered(len(keys)), time.monotonic()
    on_progress(Progress("", 0, len(picked)))
    for number, index in enumerate(picked):
        _read(found, collection, keys[index], index in sheet, index in strip)
        wall = max(time.monotonic() - start, 1e-6)
        left = wall / (number + 1) * (len(picked) - number - 1)
        on_progress(Progress(keys[index], number + 1, len(picked), found.statistics.frames / wall, left))
    if not found.read:
        key, message = found.damaged[0]
        raise DatasetError(
            f"None of the {len(picked)} clips of {collection.path} can be read, so there is nothing to "
            f"report. The first, {key}: {message}"
        )
    return found


def evenly(total: int, most: int) -> list[int]:
    """At most ``most`` of the numbers below ``total``, evenly spread, in order."""
    return [int(i) for i in np.unique(np.linspace(0, total - 1, min(most, total)).round())]


def _read(found: Gathered, collection: Collection, key: str, with_picture: bool, with_channels: bool) -> None:
    """Add one clip, whole or not at all."""
    try:
        with collection.open(key) as reader:
            facts = measure(reader)
            thumbnail = thumbnail_of(reader, key, with_channels) if with_picture else None
    except MannequinError as e:
        found.num_damaged += 1
        if len(found.damaged) < MOST_DAMAGED:
            found.damaged.append((key, str(e).replace(f"{collection.path}/", "")))
        return
    found.statistics.add(facts)
    if thumbnail is not None:
        found.thumbnails.append(thumbnail)

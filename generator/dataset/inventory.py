"""What of a dataset is done, failed and missing, read off the names of its files."""

from collections.abc import Iterator
from dataclasses import dataclass

from mannequin.generator.dataset import failures
from mannequin.generator.dataset.native import SUFFIX
from mannequin.generator.dataset.numbered_files import PER_FOLDER, NumberedFiles
from mannequin.generator.io.remote import Place, place


@dataclass(frozen=True)
class Inventory:
    """How many clips are done, given up, and neither."""

    done: int
    failed: int
    missing: int

    @property
    def total(self) -> int:
        return self.done + self.failed + self.missing


def clips(out: Place) -> NumberedFiles:
    """The clip files of the dataset ``out``."""
    return NumberedFiles(place(out) / "clips", SUFFIX)


def take_inventory(out: Place, indices: range) -> Inventory:
    """Count the clips of ``indices``. A clip that is done counts as done, whatever a record says."""
    done = failed = 0
    failed_folders = set(failures.records(out).folders())
    for number in sorted({*clips(out).folders(), *failed_folders}):
        there = {index for index in clips(out).folder(number) if index in indices}
        done += len(there)
        if number in failed_folders:
            failed += sum(index in indices and index not in there for index in failures.records(out).folder(number))
    return Inventory(done, failed, len(indices) - done - failed)


def unfinished(out: Place, indices: range, with_failed: bool = False) -> Iterator[int]:
    """The clips of ``indices`` to be made, in order; with_failed: those given up too.

    Folders are listed as they come up, so memory stays the same for any number of clips, and what
    another run has finished meanwhile is left out.
    """
    current, settled = None, set()
    for index in indices:
        if (number := index // PER_FOLDER) != current:
            current, settled = number, clips(out).folder(number)
            if not with_failed:
                settled |= failures.records(out).folder(number)
        if index not in settled:
            yield index

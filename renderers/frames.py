"""The pictures of footage: a film, or a folder of images."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from pathlib import Path

import numpy as np

from mannequin.generator.errors import AssetError
from mannequin.generator.io import limits
from mannequin.generator.io.films import open_film
from mannequin.generator.io.listing import list_files, natural, told_others
from mannequin.generator.io.photos import FORMATS, read_photo

_NUMBER = re.compile(r"(\d+)")


def read_images(path: Path, count: int, say: Callable[[str], None] = lambda line: None) -> np.ndarray:
    """(count, H, W, 3) uint8 sRGB frames of a video file, upright, or of a folder of images in the order of the numbers
    in their names.

    say: told what is doubtful: numbers that are missing, files that are passed over. Raises AssetError unless there are
    exactly ``count``, all of one size, of one sequence.
    """
    found, frames = 0, None
    for frame in _folder_frames(path, count, say) if path.is_dir() else _video_frames(path, count):
        if frames is None:
            _check_room(path, count, frame.nbytes)
            frames = np.empty((count, *frame.shape), np.uint8)
        if frame.shape != frames.shape[1:]:
            raise AssetError(f"The images of {path} differ in size.")
        if found < count:
            frames[found] = frame
        found += 1
    if frames is None or found != count:
        held = "more" if found > count else str(found)
        raise AssetError(f"{path} holds {held} images; the parameters have {count} frames. Cut one to the other.")
    return frames


def _check_room(path: Path, count: int, each: int) -> None:
    """Raises AssetError for ``count`` frames of ``each`` bytes that take more memory than the film, or the folder of
    images, may."""
    files = sorted(path.iterdir())[: count + 1] if path.is_dir() else [path]
    stored = sum(file.stat().st_size for file in files if file.is_file())
    times = limits.EXPANSION if path.is_dir() else limits.FILM_EXPANSION
    most = min(limits.FOOTAGE_BYTES, limits.ROOM + times * stored)
    if count * each > most:
        raise AssetError(
            f"{count} images of {path} take {count * each} bytes of memory; of {stored} bytes of files at most {most} "
            "are read. Label fewer frames at a time."
        )


def in_order(files: list[Path], say: Callable[[str], None]) -> list[Path]:
    """Images in the order of their numbers. say: told of missing ones. Raises AssetError for several sequences."""
    sequences: dict[str, dict[tuple[int, ...], Path]] = defaultdict(dict)
    for file in files:
        words = _NUMBER.split(file.stem)
        numbers, frame = tuple(map(int, words[1::2])), "#".join(words[::2])
        other = sequences[frame].setdefault(numbers, file)
        if other is not file:
            raise AssetError(
                f"{other} and {file} have one number. Expected one image for each frame; move the rest away."
            )
    if any(len(found) > 1 for found in sequences.values()) and len(sequences) > 1:
        raise _several([f"{name} ({len(found)})" for name, found in sequences.items()], files)
    if len(sequences) == 1:
        _check_numbers(next(iter(sequences.values())), files, say)
    return sorted(files, key=lambda file: natural(file.name))


def _check_numbers(found: dict[tuple[int, ...], Path], files: list[Path], say: Callable[[str], None]) -> None:
    """Raises AssetError if all names differ in more than the frame's number; tells of missing ones."""
    columns = list(zip(*found))
    varying = [k for k, column in enumerate(columns) if len(set(column)) > 1]
    if len(varying) == 1:
        numbers = sorted(columns[varying[0]])
        step = min(b - a for a, b in pairwise(numbers))
        if gaps := [(a, b) for a, b in pairwise(numbers) if b - a != step]:
            shown = ", ".join(f"{a} and {b}" for a, b in gaps[:5])
            say(
                f"Images are missing between the numbers {shown}{' and elsewhere' if len(gaps) > 5 else ''} in "
                f"{files[0].parent}; those that are there are taken for frames one after the other."
            )
    elif varying:
        heads = Counter(tuple(key[k] for k in varying[:-1]) for key in found)
        lasts = Counter(key[varying[-1]] for key in found)
        if max(heads.values()) > 1 and max(lasts.values()) > 1:
            raise _several([f"{'_'.join(map(str, head))} ({count})" for head, count in sorted(heads.items())], files)


def _several(told: list[str], files: list[Path]) -> AssetError:
    more = " …" if len(told) > 8 else ""
    return AssetError(
        f"{files[0].parent} holds images of several sequences: {', '.join(told[:8])}{more}. Expected those of one; put "
        "the others into a folder of their own."
    )


def _folder_frames(path: Path, count: int, say: Callable[[str], None]) -> Iterator[np.ndarray]:
    """The first ``count`` images of a folder, and one more if there is, (H, W, 3) uint8 sRGB."""
    listing = list_files(path, FORMATS, depth=0)
    for _, reason in listing.left_out:
        raise AssetError(reason)
    if listing.others:
        say(f"Passed over in {path}: {told_others(listing.others)}.")
    for file in islice(in_order(list(listing.files), say), count + 1):
        yield read_photo(file, f"an image in {path}")


def _video_frames(path: Path, count: int) -> Iterator[np.ndarray]:
    """The first ``count`` frames of a video, and one more if there is, (H, W, 3) uint8 sRGB."""
    if not path.is_file():
        raise AssetError(f"There is no video or folder of images at {path}. Check the path.")
    with open_film(path) as film:
        yield from islice(film.frames, count + 1)

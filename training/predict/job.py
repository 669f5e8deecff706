"""Predictions for an image, a folder of images or a film, in a folder.

    <out>/predictions.json           of which network, which input, and what the values mean
    <out>/segm/<name>.png            classes of the parts, at the pixels of the image; or
    <out>/depth/<name>.png           depth from the pelvis; or
    <out>/boxes/<name>.json          people, and so on: as the task's predictor says
    <out>/overlay/<name>.png         colours over the image; .mp4 of a film
    <out>/segm/<name>/000012.png     of frame 12 of a film, if frames are asked for

Files appear whole; those that are there are not made again.
"""

import json
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mannequin.generator.dataset.folder import differences
from mannequin.generator.errors import AssetError, ConfigError, DatasetError
from mannequin.generator.io import limits
from mannequin.generator.io.atomic import is_empty, sweep, write_bytes
from mannequin.generator.io.films import FILMS, open_film, write_film
from mannequin.generator.io.image_size import check_image
from mannequin.generator.io.listing import list_files, natural, told_others
from mannequin.generator.io.photos import FORMATS, KINDS, decode_photo
from mannequin.generator.io.reading import read_bytes, read_json
from mannequin.generator.pictures import encoded, ground
from mannequin.training.core.checkpoint import digest
from mannequin.training.core.config import MOST_THREADS, check_threads
from mannequin.training.core.device import Device, device_of
from mannequin.training.core.threads import computing
from mannequin.training.predict.ahead import ahead, helpers
from mannequin.training.predict.crops import squares
from mannequin.training.registry import load_trained
from mannequin.training.task import Edges, Prediction, Predictor, PredictorOptions

EXPECTED = f"an image ({', '.join(FORMATS)})"

DESCRIPTION = "predictions.json"
FORMAT = "mannequin-predictions"


@dataclass(frozen=True)
class PredictOptions:
    """What to predict, and how.

    checkpoint: of a network, or a run. source: image, folder of images, or film. boxes, batch: as of
    mannequin.training.task.PredictorOptions. workers: threads that read images and make pictures; 0: none besides the
    one that predicts. threads: that compute, as of mannequin.training.core.threads.
    opacity: of the colours over the image, 0 to 1. plain: no legends. frames: also the values of a film's frames.
    """

    checkpoint: Path
    source: Path
    out: Path
    boxes: tuple[Edges, ...] = ()
    opacity: float = 0.6
    plain: bool = False
    frames: bool = False
    batch: int = 8
    device: Device = "auto"
    workers: int = 2
    threads: int = 0

    def __post_init__(self):
        check_threads(self.threads)
        if not 0 <= self.workers <= MOST_THREADS:
            raise ConfigError(f"--workers is {self.workers}; expected 0 to {MOST_THREADS}.")
        if not 0 <= self.opacity <= 1:
            raise ConfigError(
                f"--opacity is {self.opacity:g}; expected 0, where only the image is seen, to 1, where only "
                "the colours are."
            )


@dataclass
class Outcome:
    """task: name of it. done, skipped: names of files; the latter were there. failed: name → why it could not be
    read. passed_over: what else lies in the folder, for people."""

    task: str
    done: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    passed_over: str = ""


def predict(
    options: PredictOptions,
    on_progress: Callable[[str, int, int], None] = lambda what, done, total: None,
    say: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Do it. on_progress: told files or frames done, and in all (0 if unknown). say: as of
    :func:`mannequin.training.core.threads.computing`.

    An image of a folder that cannot be read is noted; everything else raises: AssetError for the input, TrainingError
    for the checkpoint, ConfigError for options, DatasetError for a folder of other things.
    """
    film = options.source.suffix.lower() in FILMS and options.source.is_file()
    sources, others = ({}, "") if film else _images(options.source)
    device = device_of(options.device)
    task, model, about = load_trained(options.checkpoint)
    predictor = task.predictor(model, PredictorOptions(device, options.boxes, options.batch))
    if predictor.film_only and not film:
        raise ConfigError(f"Networks of the task {task.name!r} look at films; {options.source} is none. Give a film.")
    _prepare(options, about, predictor)
    outcome = Outcome(task.name, passed_over=others)
    with computing(options.threads, options.workers, say), helpers(options.workers) as threads:
        if film:
            _film(options, predictor, outcome, threads, on_progress)
        else:
            _stills(options, predictor, sources, outcome, threads, on_progress)
    return outcome


def _images(source: Path) -> tuple[dict[Path, str], str]:
    """Files to read → what their predictions are called, and what else lies in the folder, for people.

    A prediction has its image's name without suffix, or with it where another image would have the same. Raises
    AssetError if there are none.
    """
    if source.is_file():
        return {source: source.stem}, ""
    if not source.is_dir():
        raise AssetError(f"There is no {source}. Expected an image, a folder of images, or a film; check the path.")
    listing = list_files(source, FORMATS, depth=0)
    others = told_others(listing.others)
    if not listing.files:
        reasons = "".join(f"\n{reason}" for _, reason in listing.left_out)
        raise AssetError(
            f"{source} has no images in it{f' (but {others})' if others else ''}. Expected files that end in "
            f"{', '.join(FORMATS)}; folders in it are not searched.{reasons}"
        )
    files = sorted(listing.files, key=lambda path: natural(path.name))
    names = {path: path.stem for path in files}
    while doubled := _doubled(names):
        for k, path in enumerate(doubled):
            names[path] = path.name if names[path] == path.stem else names[path] + k * "_"
    return names, others


def _doubled(names: dict[Path, str]) -> list[Path]:
    """Those whose name another has too, on disks that do not tell capital letters apart."""
    count = Counter(name.casefold() for name in names.values())
    return [path for path, name in names.items() if count[name.casefold()] > 1]


def _prepare(options: PredictOptions, about: dict, predictor: Predictor) -> None:
    """Begin the folder, or see that it is of the same options. Raises DatasetError for another."""
    path = options.out / DESCRIPTION
    here = {
        "format": FORMAT,
        "checkpoint": {
            "path": str(options.checkpoint.absolute()),
            "step": about["step"],
            "sha256": digest(about["checkpoint"]),
        },
        "task": about["task"],
        "source": str(options.source.absolute()),
        "boxes": [list(box) for box in options.boxes],
        "overlay": {"opacity": options.opacity, "plain": options.plain},
        "frames": options.frames,
        "values": predictor.values,
    }
    if path.exists():
        there = read_json(path, "a description of predictions", DatasetError)
        lines = differences(there, here)
        if lines:
            raise DatasetError(
                f"{options.out} holds other predictions:\n"
                + "\n".join(f"  {line}" for line in lines[:20])
                + "\nChoose another --out, or the same input, network and options."
            )
        sweep(options.out)
        return
    if options.out.exists() and (not options.out.is_dir() or not is_empty(options.out)):
        raise DatasetError(
            f"{options.out} is not empty, and holds no predictions (it has no {DESCRIPTION}). Choose an empty or "
            "a new folder for --out."
        )
    write_bytes(path, (json.dumps(here, indent=2, ensure_ascii=False) + "\n").encode())


def _stills(
    options: PredictOptions,
    predictor: Predictor,
    sources: dict[Path, str],
    outcome: Outcome,
    threads: Executor | None,
    on_progress,
) -> None:
    folder, alone = options.out / predictor.folder, list(sources) == [options.source]
    most = options.batch + options.workers
    begun: deque[tuple[Path, np.ndarray]] = deque()  # read, and not yet predicted

    def files() -> Iterator[_File]:
        for path, name in sources.items():
            if all(
                _newer(made, path)
                for made in (folder / f"{name}{predictor.suffix}", options.out / "overlay" / f"{name}.png")
            ):
                outcome.skipped.append(path.name)
            else:
                yield _File(path)

    def decoded(file: _File) -> tuple[Path, np.ndarray | AssetError | ConfigError]:
        try:
            image = file.decoded()
            squares(image.shape[:2], options.boxes)
        except (AssetError, ConfigError) as e:
            return file.path, e
        return file.path, image

    def images() -> Iterator[np.ndarray]:
        for path, image in ahead(decoded, files(), threads, lambda file: file.size, most):
            if isinstance(image, np.ndarray):
                begun.append((path, image))
                yield image
            elif alone:
                raise image
            else:
                outcome.failed[path.name] = str(image) if isinstance(image, AssetError) else f"{path}: {image}"

    def predictions() -> Iterator[tuple[Path, np.ndarray, Prediction]]:
        for prediction in predictor.predict(images()):
            yield *begun.popleft(), prediction

    def contents(made: tuple[Path, np.ndarray, Prediction]) -> tuple[Path, bytes, bytes]:
        path, image, prediction = made
        picture = prediction.draw(image, options.opacity, options.plain)
        return path, prediction.content(), encoded(picture, ".png")

    for path, values, picture in ahead(contents, predictions(), threads, lambda made: made[1].nbytes, most):
        write_bytes(folder / f"{sources[path]}{predictor.suffix}", values)
        write_bytes(options.out / "overlay" / f"{sources[path]}.png", picture)
        outcome.done.append(path.name)
        on_progress("image", len(outcome.done) + len(outcome.skipped) + len(outcome.failed), len(sources))


def _newer(made: Path, source: Path) -> bool:
    """Whether ``made`` is there, and of the ``source`` as it is now."""
    return made.exists() and made.stat().st_mtime_ns >= source.stat().st_mtime_ns


class _File:
    """An image file whose header has been read. size: bytes that it takes, with its pixels."""

    def __init__(self, path: Path):
        self.path, self.size, self._data, self._error = path, 0, b"", None
        try:
            self._data = read_bytes(path, limits.IMAGE_BYTES, "an image")
            self.size = len(self._data) + 3 * check_image(self._data, KINDS)[1]
        except ValueError as e:
            self._error = _no_image(path, e)
        except AssetError as e:
            self._error = e

    def decoded(self) -> np.ndarray:
        """(H, W, 3) uint8 sRGB, upright. Raises AssetError for a file that is no image."""
        if self._error:
            raise self._error
        return decode_photo(self._data, self.path, EXPECTED)


def read_image(path: Path) -> np.ndarray:
    """(H, W, 3) uint8 sRGB, upright. Raises AssetError for a file that is no image."""
    return _File(path).decoded()


def _no_image(path: Path, error: Exception) -> AssetError:
    return AssetError(f"{path} is not an image that can be read ({error}). Expected {EXPECTED}.")


def _film(
    options: PredictOptions, predictor: Predictor, outcome: Outcome, threads: Executor | None, on_progress
) -> None:
    """The film of colours last: where it is, all is done."""
    source, target = options.source, options.out / "overlay" / f"{options.source.stem}.mp4"
    folder = options.out / predictor.folder / source.stem
    if _newer(target, source):
        outcome.skipped.append(source.name)
        return
    with open_film(source) as film:
        begun: deque[np.ndarray] = deque()

        def images() -> Iterator[np.ndarray]:
            for image in film.frames:
                begun.append(image)
                yield image

        def predictions() -> Iterator[tuple[np.ndarray, Prediction]]:
            for prediction in predictor.predict(images()):
                yield begun.popleft(), prediction

        def contents(made: tuple[np.ndarray, Prediction]) -> tuple[bytes, np.ndarray]:
            image, prediction = made
            picture = prediction.draw(image, options.opacity, options.plain)
            return prediction.content() if options.frames else b"", _even(picture)

        def pictures() -> Iterator[np.ndarray]:
            made = ahead(contents, predictions(), threads, lambda made: made[0].nbytes, options.batch + options.workers)
            for t, (values, picture) in enumerate(made):
                if options.frames:
                    write_bytes(folder / f"{t:06d}{predictor.suffix}", values)
                yield picture
                on_progress("frame", t + 1, film.num_frames)

        write_film(target, pictures(), film.fps)
    outcome.done.append(source.name)


def _even(picture: np.ndarray) -> np.ndarray:
    """The picture with a row and a column more where H.264 needs them."""
    h, w = picture.shape[:2]
    whole = ground(h + h % 2, w + w % 2)
    whole[:h, :w] = picture
    return whole

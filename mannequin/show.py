"""What ``mannequin show`` draws: rows of pictures of clips, as a picture or a film."""

import math
import re
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from mannequin.generator.colours import Style, fitted
from mannequin.generator.dataset.collection import Collection, open_collection
from mannequin.generator.errors import ConfigError, DatasetError, unknown_name
from mannequin.generator.io.films import write_film
from mannequin.generator.pictures import ENCODINGS, save_picture
from mannequin.sheet import ORDER, Cell, Row, Sheet, Source
from mannequin.terminal import Console

OF_A_DATASET = ("rgb", "segm", "depth", "normal", "flow", "uv")
"""Channels that stand for a clip where several clips are shown; flow_backward where there is no flow."""

MOST_CLIPS = 6
MOST_CAMERAS = 24
MOST_COLUMNS = 5
WIDTH = 320
"""Pixels across a picture, unless a scale is asked for."""

FILM = ".mp4"
_LARGEST = 16384  # pixels along a side of what is written
_SAMPLED = 48  # frames of a film to which its colours are fitted


def show(command) -> int:
    """Draw a clip or dataset as ``command`` (a Show) asks, and say where it is."""
    _check_options(command)
    collection = open_collection(command.path)
    out = _out(command, collection)
    with ExitStack() as stack:
        sources = _sources(collection, command.camera, stack)
        frames = _frames(command, out, sources, collection)
        sheet = _sheet(command, sources, frames, collection)
        if out.suffix.lower() == FILM:
            fps = sources[0].reader.spec.fps
            write_film(
                out, (sheet.draw(t) for t in frames), fps, "Or write a picture: give --out a name that ends in .png."
            )
        else:
            save_picture(out, sheet.draw(frames[0]))
    Console().print(f"{'film' if out.suffix.lower() == FILM else 'picture'}: {out}")
    return 0


def _check_options(command) -> None:
    if command.columns < 0 or not 0 <= command.scale < math.inf:
        raise ConfigError(
            f"columns is {command.columns} and scale {command.scale:g}; expected more than 0, or 0 to let the "
            "command choose."
        )
    suffixes = (*ENCODINGS, FILM)
    if command.out is not None and command.out.suffix.lower() not in suffixes:
        raise ConfigError(
            f"Cannot write to {str(command.out)!r}. Expected a name that ends in {', '.join(suffixes[:-1])} or {FILM}."
        )
    if command.frames and command.frame:
        raise ConfigError(
            "--frame and --frames exclude each other. Give --frame for a picture, or --frames for a film."
        )
    if command.frames and command.out is not None and command.out.suffix.lower() != FILM:
        raise ConfigError(
            f"--frames makes a film, and {command.out} is none. Expected --out to end in {FILM}; for one "
            "picture give --frame."
        )
    if command.frame and command.out is not None and command.out.suffix.lower() == FILM:
        raise ConfigError(
            f"--frame makes a picture, and {command.out} is a film. Choose frames with --frames A:B, or another --out."
        )


def _out(command, collection: Collection) -> Path:
    """Where to write: by default a file named after what is shown, in the working folder."""
    if command.out is not None:
        return command.out
    path = collection.path.resolve() if isinstance(collection.path, Path) else collection.path
    stem = path.name.removesuffix(path.suffix) if collection.kind == "clip" else path.name
    return Path((stem or "clips") + (FILM if command.frames else ".png"))


def _sources(collection: Collection, camera: str, stack: ExitStack) -> list[Source]:
    """What to show, opened for as long as ``stack`` is: one camera of MOST_CLIPS clips, evenly spread; of a single
    clip all cameras if none is asked for, MOST_CAMERAS of them at most."""
    count = len(collection)
    sources = []
    for i in _spread(count, MOST_CLIPS):
        key = collection.keys[i]
        reader = stack.enter_context(collection.open(key))
        if camera and camera not in reader.cameras:
            raise unknown_name("camera", camera, reader.cameras)
        if not reader.cameras:
            raise DatasetError(f"Clip {key} of {collection.path} was seen by no camera. Show another clip.")
        name = reader.spec.name
        title = (
            key
            if collection.kind == "surreal"
            else name
            if collection.kind == "clip" or name.startswith(key)
            else f"{key}   {name}"
        )
        seen = (camera,) if camera else reader.cameras if count == 1 else reader.cameras[:1]
        sources += [Source(title, reader, seen[k]) for k in _spread(len(seen), MOST_CAMERAS)]
    return sources


def _spread(count: int, most: int) -> list[int]:
    """At most ``most`` of the numbers below ``count``, evenly spread, in order."""
    return [int(i) for i in np.unique(np.linspace(0, count - 1, min(most, count)).round())]


def _frames(command, out: Path, sources: list[Source], collection: Collection) -> range:
    """The frames to draw."""
    count = max(source.frames for source in sources)
    there = f"{collection.path} has frames 0 to {count - 1}"
    if out.suffix.lower() != FILM:
        if not 0 <= command.frame < count:
            raise ConfigError(f"frame is {command.frame}; {there}.")
        return range(command.frame, command.frame + 1)
    match = re.fullmatch(r"(\d*):(\d*)", command.frames or ":")
    if not match:
        raise ConfigError(f"frames is {command.frames!r}; expected A:B, as in 0:{count}, for frames A to B - 1.")
    first, last = int(match[1] or 0), int(match[2] or count)
    if not first < last <= count:
        raise ConfigError(
            f"frames is {command.frames!r}; {there}, so that A:B may be at most 0:{count}, with A less than B."
        )
    return range(first, last)


def _sheet(command, sources: list[Source], frames: range, collection: Collection) -> Sheet:
    """The sheet that ``command`` asks for, its colours fitted to the frames shown."""
    size = _size(command.scale, sources[0])
    open_range = command.depth_range == (0.0, 0.0)
    asked = Style(command.palette, None if open_range else command.depth_range, command.flow_range or None)
    is_one_clip = all(source.reader is sources[0].reader for source in sources)
    if is_one_clip and len(sources) > 1 and not command.channels:
        names = tuple(dict.fromkeys(_overview(source) for source in sources))
        rows = _cameras_side_by_side(command, sources)
    else:
        names = _names(command.channels, sources, collection)
        rows = _rows(command, sources, names)
    instances = sources[0].instances if is_one_clip else {i: str(i) for s in sources for i in s.instances}
    _check_size(size, len(rows), max(len(row.cells) for row in rows))
    return Sheet(rows, size, _fit(asked, sources, names, frames), instances)


def _rows(command, sources: list[Source], names: tuple[str, ...]) -> tuple[Row, ...]:
    """The channels ``names`` of one camera, in even rows; of several cameras or clips a row of each."""
    if len(sources) > 1:
        last, keys = len(sources) - 1, () if command.plain else names
        return tuple(
            Row(
                tuple(Cell(source, name, name) for name in names),
                f"{source.title}   {source.camera}",
                tuple(name for name in keys if i == last or name == "amodal"),
            )
            for i, source in enumerate(sources)
        )
    source = sources[0]
    return _even_rows(command, [Cell(source, name, name) for name in names], f"{source.title}   {source.camera}", names)


def _cameras_side_by_side(command, sources: list[Source]) -> tuple[Row, ...]:
    """A picture of each camera, with joints where there are people."""
    cells = [Cell(source, _overview(source), source.camera) for source in sources]
    return _even_rows(command, cells, sources[0].title, ())


def _overview(source: Source) -> str:
    """What stands for a camera."""
    return next((name for name in ("joints", *source.shown) if name in source.shown), "joints")


def _even_rows(command, cells: list[Cell], head: str, legends: tuple[str, ...]) -> tuple[Row, ...]:
    columns = command.columns or math.ceil(len(cells) / math.ceil(len(cells) / MOST_COLUMNS))
    parts = [tuple(cells[i : i + columns]) for i in range(0, len(cells), columns)]
    return tuple(Row(part, head if i == 0 else "", () if command.plain else legends) for i, part in enumerate(parts))


def _names(asked: tuple[str, ...], sources: list[Source], collection: Collection) -> tuple[str, ...]:
    """The channels to show. Raises ConfigError for one that no clip shown has."""
    there = tuple(name for name in ORDER if any(name in source.shown for source in sources))
    for name in asked:
        if name not in there:
            raise unknown_name("channel", name, there)
    usual = OF_A_DATASET if "flow" in there else (*OF_A_DATASET, "flow_backward")
    names = asked or tuple(name for name in there if len(sources) == 1 or name in usual)
    if not names:
        raise DatasetError(
            f"{collection.path} has none of {', '.join(OF_A_DATASET)}. Say what to show: --channels {' '.join(there)}"
        )
    return names


def _size(scale: float, source: Source) -> tuple[int, int]:
    """(height, width) of each picture."""
    h, w = source.reader.spec.resolution
    scale = scale or WIDTH / w
    return max(1, round(h * scale)), max(1, round(w * scale))


def _check_size(size: tuple[int, int], rows: int, columns: int) -> None:
    h, w = rows * size[0], columns * size[1]
    if max(h, w) > _LARGEST:
        raise ConfigError(
            f"The picture would have {w} x {h} pixels; at most {_LARGEST} each way can be written. Choose a "
            "smaller --scale, fewer channels, or one --camera."
        )


def _fit(style: Style, sources: list[Source], names: tuple[str, ...], frames: range) -> Style:
    """``style`` with its open ranges fitted to what is shown: to all frames of a film, or many spread over it."""
    steps = np.unique(np.linspace(frames[0], frames[-1], min(_SAMPLED, len(frames))).round().astype(int))
    depth, flow = [], []
    for source in sources:
        wanted = tuple(name for name in ("depth", "flow", "flow_backward") if name in names and name in source.shown)
        for t in sorted({min(int(t), source.frames - 1) for t in steps} if wanted else ()):
            values = source.reader.labels(source.camera, wanted, t, t + 1).values
            depth += [values[name] for name in wanted if name == "depth"]
            flow += [values[name] for name in wanted if name != "depth"]
    return fitted(style, np.concatenate(depth) if depth else None, np.concatenate(flow) if flow else None)

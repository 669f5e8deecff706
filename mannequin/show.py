"""What ``mannequin show`` draws: rows of pictures of clips, as a picture or a film."""

import math
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from mannequin.generator.body.model import MERGE_14
from mannequin.generator.clip import LABELS
from mannequin.generator.colours import Style, colourise, fitted, legend
from mannequin.generator.dataset.collection import Collection, open_collection
from mannequin.generator.dataset.source import ClipSource
from mannequin.generator.errors import ConfigError, DatasetError, unknown_name
from mannequin.generator.io.films import write_film
from mannequin.generator.pictures import (
    ENCODINGS,
    GAP,
    draw_joints,
    draw_legend,
    grid,
    ground,
    headed,
    resized,
    save_picture,
    titled,
)
from mannequin.terminal import Console

ORDER = (
    "rgb",
    "joints",
    "segm",
    "segm14",
    "instance",
    "depth",
    "normal",
    "flow",
    "flow_backward",
    "occluded",
    "occluded_backward",
    "uv",
    "chart",
    "chart_uv",
)
"""In which channels are shown."""

OF_A_DATASET = ("rgb", "segm", "depth", "normal", "flow", "uv")
"""Channels that stand for a clip where several clips are shown; flow_backward where there is no flow."""

MOST_CLIPS = 6
MOST_COLUMNS = 5
WIDTH = 320
"""Pixels across a picture, unless a scale is asked for."""

FILM = ".mp4"
_LARGEST = 16384  # pixels along a side of what is written
_SAMPLED = 48  # frames of a film to which its colours are fitted
_MARGIN = 12


@dataclass(frozen=True, eq=False)
class Source:
    """One camera of an open clip. title: of the clip."""

    title: str
    reader: ClipSource
    camera: str

    @property
    def frames(self) -> int:
        return self.reader.spec.num_frames

    @property
    def shown(self) -> tuple[str, ...]:
        """What there is to show, in the order of ORDER."""
        there = set(self.reader.channels(self.camera))
        there |= {"segm14"} if "segm" in there else set()
        there |= {"joints"} if self.reader.shown(self.camera) else set()
        return tuple(name for name in ORDER if name in there)

    @property
    def instances(self) -> dict[int, str]:
        """Value in the channel "instance" → name of whom or what it is."""
        return self.reader.spec.instances


@dataclass(frozen=True, eq=False)
class Row:
    """Pictures of one source beside each other. headed: under a line that names clip and frame. legends: with theirs
    below."""

    source: Source
    names: tuple[str, ...]
    headed: bool
    legends: bool


@dataclass(frozen=True, eq=False)
class Sheet:
    """Rows of pictures. size: (height, width) of each. instances: value → name, for the legend."""

    rows: tuple[Row, ...]
    size: tuple[int, int]
    style: Style
    instances: dict[int, str]

    def draw(self, t: int) -> np.ndarray:
        """(h, w, 3) uint8: frame ``t``; a clip that is too short shows its last."""
        columns = max(len(row.names) for row in self.rows)
        rows = [self._row(row, min(t, row.source.frames - 1), columns) for row in self.rows]
        return _framed(_stacked(rows))

    def _row(self, row: Row, t: int, columns: int) -> np.ndarray:
        cells = [titled(picture, name) for name, picture in zip(row.names, _pictures(row, t, self.size, self.style))]
        if row.legends:
            cells = _equal([np.concatenate([cell, self._legends[name]]) for name, cell in zip(row.names, cells)])
        cells += [ground(*cells[0].shape[:2])] * (columns - len(cells))
        strip = grid(cells, columns)
        if not row.headed:
            return strip
        return headed(strip, f"{row.source.title}   {row.source.camera}   frame {t} (last: {row.source.frames - 1})")

    @cached_property
    def _legends(self) -> dict[str, np.ndarray]:
        """Channel → its legend as a picture, the same for all frames."""
        names = {name for row in self.rows for name in row.names}
        return {name: draw_legend(legend(name, self.style, names=self.instances), self.size[1]) for name in names}


def _pictures(row: Row, t: int, size: tuple[int, int], style: Style) -> Iterator[np.ndarray]:
    """(height, width, 3) uint8 of each of the row's channels at frame ``t``; ground where the clip lacks it."""
    reader, camera = row.source.reader, row.source.camera
    there = set(row.source.shown) & set(row.names)
    needed = there | {"segm"} if "segm14" in there else there
    labels = reader.labels(camera, tuple(name for name in LABELS if name in needed), t, t + 1)
    mask = labels.mask(0)
    has_rgb = "rgb" in row.source.shown and there & {"rgb", "joints"}
    rgb = (
        reader.rgb(camera, t, t + 1)[0] if has_rgb else np.where(mask, 90, 0)[..., None].repeat(3, -1).astype(np.uint8)
    )
    h, w = _inside(row.source.reader.resolution, size)
    for name in row.names:
        if name not in there:
            yield ground(*size)
        elif name == "joints":
            people = [reader.person_view(camera, person) for person in reader.shown(camera)]
            yield _centred(draw_joints(resized(rgb, h, w), people, t, h / mask.shape[0]), size)
        else:
            image = (
                rgb
                if name == "rgb"
                else MERGE_14[labels.frame("segm", 0)]
                if name == "segm14"
                else labels.frame(name, 0)
            )
            yield _centred(resized(colourise(image, mask, name, style), h, w), size)


def _inside(resolution: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """(height, width) at which a picture fits into ``size``."""
    factor = min(size[0] / resolution[0], size[1] / resolution[1])
    h, w = (min(limit, max(1, round(factor * n))) for n, limit in zip(resolution, size))
    return h, w


def _centred(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The picture amid ground of ``size``."""
    h, w = picture.shape[:2]
    if (h, w) == size:
        return picture
    cell, y, x = ground(*size), (size[0] - h) // 2, (size[1] - w) // 2
    cell[y : y + h, x : x + w] = picture
    return cell


def _equal(cells: list[np.ndarray]) -> list[np.ndarray]:
    """The cells, made as high as the highest."""
    height = max(len(cell) for cell in cells)
    return [np.concatenate([cell, ground(height - len(cell), cell.shape[1])]) for cell in cells]


def _stacked(rows: list[np.ndarray]) -> np.ndarray:
    """Rows of one width below each other."""
    between = ground(2 * GAP, rows[0].shape[1])
    return np.concatenate([part for row in rows for part in (between, row)][1:])


def _framed(sheet: np.ndarray) -> np.ndarray:
    """The sheet with a margin; an even number of pixels each way, as videos need."""
    h, w = (n + 2 * _MARGIN + n % 2 for n in sheet.shape[:2])
    framed = ground(h, w)
    framed[_MARGIN : _MARGIN + sheet.shape[0], _MARGIN : _MARGIN + sheet.shape[1]] = sheet
    return framed


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
    """At most MOST_CLIPS clips, evenly spread, opened for as long as ``stack`` is."""
    count = len(collection)
    sources = []
    for i in np.unique(np.linspace(0, count - 1, min(MOST_CLIPS, count)).round().astype(int)):
        key = collection.keys[int(i)]
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
        sources.append(Source(title, reader, camera or reader.cameras[0]))
    return sources


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
    names = _names(command.channels, sources, collection)
    size = _size(command.scale, sources[0])
    open_range = command.depth_range == (0.0, 0.0)
    asked = Style(command.palette, None if open_range else command.depth_range, command.flow_range or None)
    if len(sources) == 1:
        columns = command.columns or math.ceil(len(names) / math.ceil(len(names) / MOST_COLUMNS))
        parts = [names[i : i + columns] for i in range(0, len(names), columns)]
        rows = tuple(Row(sources[0], part, i == 0, not command.plain) for i, part in enumerate(parts))
        instances = sources[0].instances
    else:
        last = len(sources) - 1
        rows = tuple(Row(source, names, True, not command.plain and i == last) for i, source in enumerate(sources))
        instances = {i: str(i) for source in sources for i in source.instances}
    _check_size(size, len(rows), max(len(row.names) for row in rows))
    return Sheet(rows, size, _fit(asked, sources, names, frames), instances)


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
            "smaller --scale, or fewer channels."
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

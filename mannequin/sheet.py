"""Sheets of pictures of open clips: rows of cells, each one channel as one camera saw it, with titles and legends."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from mannequin.generator.body.model import MERGE_14
from mannequin.generator.clip import LABELS, PersonView, visible_share
from mannequin.generator.colours import Style, colourise, instance_colours, legend
from mannequin.generator.dataset.source import ClipSource
from mannequin.generator.pictures import (
    GAP,
    AmodalMask,
    draw_amodal,
    draw_joints,
    draw_legend,
    grid,
    ground,
    headed,
    resized,
    titled,
)

ORDER = (
    "rgb",
    "joints",
    "segm",
    "segm14",
    "instance",
    "amodal",
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

MARGIN = 12


@dataclass(frozen=True, eq=False)
class Source:
    """One camera of an open clip. title: of the clip."""

    title: str
    reader: ClipSource
    camera: str
    _views: dict[str, PersonView] = field(default_factory=dict)

    @property
    def frames(self) -> int:
        return self.reader.spec.num_frames

    @cached_property
    def shown(self) -> tuple[str, ...]:
        """What there is to show, in the order of ORDER."""
        there = set(self.reader.channels(self.camera))
        there |= {"segm14"} if "segm" in there else set()
        there |= {"joints"} if self.reader.shown(self.camera) else set()
        there |= {"amodal"} if self._knows_amodal else set()
        return tuple(name for name in ORDER if name in there)

    @property
    def instances(self) -> dict[int, str]:
        """Value in the channel "instance" → name of whom or what it is."""
        return self.reader.spec.instances

    @property
    def bodies(self) -> dict[int, str]:
        """The same of the people and hands that this camera recorded."""
        recorded = {*self.reader.shown(self.camera), *self.reader.hands_shown(self.camera)}
        return {value: name for value, name in self.instances.items() if name in recorded}

    def values(self, names: Iterable[str]) -> list[int]:
        """Their values in the channel "instance"."""
        told = {name: value for value, name in self.instances.items()}
        return [told[name] for name in names]

    @property
    def _knows_amodal(self) -> bool:
        """Where nobody has company, the mask says nothing new."""
        if len(self.reader.spec.things) < 2:
            return False
        return any(self.reader.amodal(self.camera, name, 0, 1) is not None for name in self.bodies.values())

    def person_view(self, name: str) -> PersonView:
        """What the camera saw of a person or hand, read once."""
        if name not in self._views:
            self._views[name] = self.reader.person_view(self.camera, name)
        return self._views[name]

    def share(self, name: str, t: int) -> float:
        """What share of a person or hand is seen at frame ``t``; NaN where nothing would be."""
        view = self.person_view(name)
        return float(visible_share(view.pixels[t : t + 1], view.amodal_pixels[t : t + 1])[0])

    def amodal(self, t: int, only: Collection[str] | None = None) -> list[AmodalMask]:
        """The masks of people and hands at frame ``t``, and which of their pixels are hidden, as far as it is told.
        only: names of those wanted; all if None."""
        reader, found = self.reader, []
        instance = reader.frame(self.camera, "instance", t) if "instance" in reader.channels(self.camera) else None
        colours = instance_colours(max(self.bodies, default=0)).tolist()
        for value, name in self.bodies.items():
            whole = reader.amodal(self.camera, name, t, t + 1) if only is None or name in only else None
            if whole is not None:
                mask = whole.mask(0)
                hidden = np.zeros_like(mask) if instance is None else mask & (instance != value)
                found.append(AmodalMask(mask, hidden, tuple(colours[value])))
        return found


@dataclass(frozen=True, eq=False)
class Cell:
    """One picture: channel ``name`` of ``source`` under ``title``."""

    source: Source
    name: str
    title: str


@dataclass(frozen=True, eq=False)
class Row:
    """Pictures beside each other. head: a line above them, to which the frame is added; "" for none. legends: channels
    with theirs below."""

    cells: tuple[Cell, ...]
    head: str
    legends: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Sheet:
    """Rows of pictures. size: (height, width) of each. instances: value → name, for the legend."""

    rows: tuple[Row, ...]
    size: tuple[int, int]
    style: Style
    instances: Mapping[int, str]

    def draw(self, t: int) -> np.ndarray:
        """(h, w, 3) uint8: frame ``t``; a clip that is too short shows its last."""
        columns = max(len(row.cells) for row in self.rows)
        return _framed(_stacked([self._row(row, t, columns) for row in self.rows]))

    def _row(self, row: Row, t: int, columns: int) -> np.ndarray:
        names = {cell.name for cell in row.cells}
        drawn = {cell.source: _Frame(cell.source, names, min(t, cell.source.frames - 1)) for cell in row.cells}
        cells = [titled(drawn[cell.source].picture(cell.name, self.size, self.style), cell.title) for cell in row.cells]
        if row.legends:
            keys = [self._legend(cell, drawn[cell.source].t, row.legends) for cell in row.cells]
            cells = _equal([np.concatenate(pair) for pair in zip(cells, keys)])
        cells += [ground(*cells[0].shape[:2])] * (columns - len(cells))
        strip, first = grid(cells, columns), row.cells[0].source
        if not row.head:
            return strip
        return headed(strip, f"{row.head}   frame {drawn[first].t} (last: {first.frames - 1})")

    def _legend(self, cell: Cell, t: int, legends: tuple[str, ...]) -> np.ndarray:
        if cell.name not in legends:
            return ground(0, self.size[1])
        if cell.name != "amodal":
            return self._legends[cell.name]
        bodies, width = cell.source.bodies, self.size[1]
        told = {i: f"{name}: {_percent(cell.source.share(name, t))}" for i, name in bodies.items()}
        widest = {i: f"{name}: {_percent(1.0)}" for i, name in bodies.items()}
        key, room = (draw_legend(legend("amodal", names=names), width) for names in (told, widest))
        return np.concatenate([key, ground(max(0, len(room) - len(key)), width)])  # frames of a film are of one height

    @cached_property
    def _legends(self) -> dict[str, np.ndarray]:
        """Channel → its legend as a picture, the same for all frames."""
        names = {cell.name for row in self.rows for cell in row.cells}
        return {name: draw_legend(legend(name, self.style, names=self.instances), self.size[1]) for name in names}


def _percent(share: float) -> str:
    """How much is seen, in words."""
    return "outside" if np.isnan(share) else f"{100 * share:.0f} % seen"


class _Frame:
    """Draws frame ``t`` of one camera. names: the channels wanted, which are read together."""

    def __init__(self, source: Source, names: set[str], t: int):
        self.source, self.t = source, t
        self._there = names & set(source.shown)
        needed = self._there | ({"segm"} if "segm14" in self._there else set())
        self._labels = source.reader.labels(source.camera, tuple(n for n in LABELS if n in needed), t, t + 1)

    def picture(self, name: str, size: tuple[int, int], style: Style) -> np.ndarray:
        """(height, width, 3) uint8 of channel ``name``; ground where the clip lacks it."""
        if name not in self._there:
            return ground(*size)
        source, (h, w) = self.source, _inside(self.source.reader.resolution, size)
        if name == "joints":
            people, scale = source.reader.shown(source.camera), h / source.reader.resolution[0]
            views = [source.person_view(person) for person in people]
            drawn = draw_joints(resized(self._rgb, h, w), views, self.t, scale, source.values(people))
        elif name == "amodal":
            drawn = draw_amodal(resized(self._rgb, h, w), source.amodal(self.t))
        else:
            drawn = resized(self._coloured(name, style), h, w)
        return _centred(drawn, size)

    def _coloured(self, name: str, style: Style) -> np.ndarray:
        if name == "rgb":
            return self._rgb
        image = (
            MERGE_14[np.minimum(self._labels.frame("segm", 0), len(MERGE_14) - 1)]
            if name == "segm14"
            else self._labels.frame(name, 0)
        )
        return colourise(image, self._labels.mask(0), name, style)

    @cached_property
    def _rgb(self) -> np.ndarray:
        """The colour image; grey silhouettes if there is none."""
        if "rgb" in self.source.shown:
            return self.source.reader.rgb(self.source.camera, self.t, self.t + 1)[0]
        return np.where(self._labels.mask(0), 90, 0)[..., None].repeat(3, -1).astype(np.uint8)


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
    h, w = (n + 2 * MARGIN + n % 2 for n in sheet.shape[:2])
    framed = ground(h, w)
    framed[MARGIN : MARGIN + sheet.shape[0], MARGIN : MARGIN + sheet.shape[1]] = sheet
    return framed

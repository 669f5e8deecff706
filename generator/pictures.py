"""Pictures for people: skeletons, titles, legends, and sheets of them. Type is Pillow's own font."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mannequin.generator.body.model import SMPL_PARENTS, SMPLH_PARENTS
from mannequin.generator.clip import PersonView
from mannequin.generator.colours import Bar, Legend, Swatches, Wheel, instance_colours, joint_colours
from mannequin.generator.errors import ConfigError
from mannequin.generator.io.atomic import write_bytes
from mannequin.generator.io.remote import Place

GROUND, INK = (20, 21, 24), (232, 232, 232)
TITLE_SIZE, TEXT_SIZE = 15, 12
GAP = 6
"""Pixels between the pictures of a sheet."""

ENCODINGS = {
    ".png": {"format": "PNG", "compress_level": 2},  # a ninth larger than by default, in a third of the time
    ".jpg": {"format": "JPEG", "quality": 92, "subsampling": 0},
}
"""Suffix of a picture's file → how Pillow writes it."""

_MARGIN = 8
_DARK = 40  # of 255; a darker swatch gets an outline
_DISC = 84  # pixels, of wheels and keys
_FAR = 1e5  # pixels beyond which a joint is not drawn: OpenCV's lines overflow


_FINE = 4  # times as large is type drawn, then reduced: small type is not spaced evenly otherwise


@cache
def _font(size: int):
    return ImageFont.load_default(size=_FINE * size)


def _length(text: str, size: int = TEXT_SIZE) -> float:
    """Pixels across ``text``."""
    return _font(size).getlength(text) / _FINE


def _write(picture: np.ndarray, texts, size: int = TEXT_SIZE) -> np.ndarray:
    """The picture with ``texts``, each (x, y, anchor as Pillow names it, text, colour)."""
    h, w = picture.shape[:2]
    for colour in {colour for *_, colour in texts}:
        ink = Image.new("L", (_FINE * w, _FINE * h))
        draw = ImageDraw.Draw(ink)
        for x, y, anchor, text, its in texts:
            if its == colour:
                draw.text((_FINE * x, _FINE * y), text, fill=255, font=_font(size), anchor=anchor)
        cover = cv2.resize(np.array(ink), (w, h), interpolation=cv2.INTER_AREA)[..., None] / 255
        picture = np.rint(picture * (1 - cover) + np.array(colour) * cover).astype(np.uint8)
    return picture


def ground(height: int, width: int) -> np.ndarray:
    """(height, width, 3) uint8 of the colour that sheets lie on."""
    return np.full((height, width, 3), GROUND, np.uint8)


def resized(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """The picture at another size: pixels stay squares when enlarged, and are averaged when reduced."""
    if picture.shape[:2] == (height, width):
        return picture
    larger = height >= picture.shape[0]
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_NEAREST if larger else cv2.INTER_AREA)


def draw_joints(
    rgb: np.ndarray,
    person_views: Iterable[PersonView],
    t: int,
    scale: float = 1.0,
    instances: Sequence[int] | None = None,
) -> np.ndarray:
    """(H, W, 3) uint8: joints, bones and boxes of frame ``t`` over ``rgb``; joints that are hidden are hollow, those
    that are not before the camera are left out.

    scale: of ``rgb`` against the pixels that the joints are in. Boxes have the colour of the person. instances: their
    values in the channel "instance"; 1, 2, … if None.
    """
    picture, people = rgb.copy(), list(person_views)
    values = list(range(1, len(people) + 1) if instances is None else instances)
    line = max(1, round(min(picture.shape[:2]) / 300))
    for person, colour in zip(people, instance_colours(max(values, default=0))[values].tolist()):
        x0, y0, x1, y1 = (round(float(v) * scale) for v in person.box[t])
        if x0 < x1 and y0 < y1:  # else no pixel of the person is seen
            cv2.rectangle(picture, (x0, y0), (x1 - 1, y1 - 1), colour, line)
    for person in people:
        joints = np.where(in_front(person, t)[:, None], person.joints2d[t].astype(np.float64) * scale, np.nan)
        _draw_skeleton(picture, joints, person.visible[t], line)
    return picture


def in_front(person: PersonView, t: int) -> np.ndarray:
    """(J,) bool: joints before the camera at frame ``t``. The pixels of all others say nothing."""
    return person.joints_camera[t, :, 2] > 0


def _draw_skeleton(picture: np.ndarray, joints: np.ndarray, visible: np.ndarray, line: int) -> None:
    """Draws on ``picture``. joints: (J, 2) its pixels, NaN where none is to be drawn; visible: (J,) bool."""
    parents = SMPL_PARENTS if len(joints) == len(SMPL_PARENTS) else SMPLH_PARENTS
    colours = joint_colours(len(joints)).tolist()
    drawn = np.isfinite(joints).all(1) & (np.abs(np.nan_to_num(joints)) < _FAR).all(1)
    at = [(int(joint[0]), int(joint[1])) if ok else None for joint, ok in zip(joints, drawn)]
    for joint, parent in enumerate(parents):
        start, end = at[parent], at[joint]
        if parent >= 0 and start and end:
            cv2.line(picture, start, end, colours[joint], line, cv2.LINE_AA)
    for joint, place in enumerate(at):
        if place:
            radius = line + 2 if joint < 22 else line
            cv2.circle(picture, place, radius, colours[joint] if visible[joint] else GROUND, -1, cv2.LINE_AA)
            cv2.circle(picture, place, radius, colours[joint], max(1, line // 2), cv2.LINE_AA)


@dataclass(frozen=True, eq=False)
class AmodalMask:
    """(H, W) bool each: where somebody would be seen if nothing else were there, and where of it something hides
    them. colour: sRGB."""

    mask: np.ndarray
    hidden: np.ndarray
    colour: tuple[int, int, int]


def draw_amodal(rgb: np.ndarray, masks: Iterable[AmodalMask]) -> np.ndarray:
    """(H, W, 3) uint8: the outline of each mask over ``rgb``, hidden parts hatched. rgb may be of another size."""
    (h, w), picture, masks = rgb.shape[:2], rgb.copy(), list(masks)
    line = max(1, round(min(h, w) / 240))
    stripes = np.add.outer(np.arange(h), np.arange(w)) // (2 * line) % 3 == 0
    for each in masks:
        hidden = _mask_resized(each.hidden, h, w)
        colour = np.array(each.colour)
        picture[hidden] = np.rint(0.65 * picture[hidden] + 0.35 * colour).astype(np.uint8)
        picture[hidden & stripes] = colour
    for each in masks:
        outlines, _ = cv2.findContours(
            _mask_resized(each.mask, h, w).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE
        )
        cv2.drawContours(picture, outlines, -1, each.colour, line)
    return picture


def _mask_resized(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """(height, width) bool: where at least half of a pixel is in the mask."""
    return resized(255 * mask.astype(np.uint8), height, width) >= 128


def headed(picture: np.ndarray, text: str) -> np.ndarray:
    """The picture under a line of text, in larger type than a title's."""
    return np.concatenate([_line(picture.shape[1], text, TITLE_SIZE + 2, INK), picture])


def titled(picture: np.ndarray, title: str) -> np.ndarray:
    """The picture under a strip that names it."""
    return np.concatenate([_line(picture.shape[1], title, TITLE_SIZE, INK), picture])


def _line(width: int, text: str, size: int, colour) -> np.ndarray:
    """(h, width, 3) uint8: one line of text, cut short with dots if it is too long."""
    if _length(text, size) > width - 4:
        while text and _length(text + "...", size) > width - 4:
            text = text[:-1]
        text += "..."
    height = size + 12
    return _write(ground(height, width), [(2, height / 2, "lm", text, colour)], size)


def draw_legend(legend: Legend | None, width: int) -> np.ndarray:
    """(h, width, 3) uint8: what stands under a picture to explain its colours; h is 0 for None."""
    if legend is None:
        return ground(0, width)
    if isinstance(legend, Swatches):
        return _draw_swatches(legend, width)
    if isinstance(legend, Bar):
        return _draw_bar(legend, width)
    if isinstance(legend, Wheel):
        sides = {"left": "left", "right": "right", "above": "up", "below": "down"}
        return _draw_disc(legend.picture, sides, ("white: at rest", f"rim: {legend.longest:.3g} {legend.unit}"), width)
    return _draw_disc(legend.picture, dict(legend.labels), (), width)


def _draw_swatches(legend: Swatches, width: int) -> np.ndarray:
    """Columns of small squares and names, read downwards; as many columns as there is room for."""
    step, widths = TEXT_SIZE + 4, [_length(name) + TEXT_SIZE + 16 for name, _ in legend.entries]
    rows, across = _columns(widths, width + 8)
    spare = max(0.0, width - sum(across)) / max(1, len(across))
    picture, texts = ground(rows * step + _MARGIN, width), []
    for k, (name, colour) in enumerate(legend.entries):
        x, y = int(sum(across[: k // rows]) + spare * (k // rows)), k % rows * step + _MARGIN
        cv2.rectangle(picture, (x, y), (x + TEXT_SIZE - 1, y + TEXT_SIZE - 1), colour, -1)
        if max(colour) < _DARK:
            cv2.rectangle(picture, (x, y), (x + TEXT_SIZE - 1, y + TEXT_SIZE - 1), INK, 1)
        texts.append((x + step + 1, y + TEXT_SIZE / 2, "lm", name, INK))
    return _write(picture, texts)


def _columns(widths: list[float], room: float) -> tuple[int, list[float]]:
    """Entries of each column, and the columns' widths, for as many columns as fit into ``room``, or one."""
    columns = max(1, len(widths))
    while True:
        rows = -(-len(widths) // columns)
        across = [max(widths[i : i + rows]) for i in range(0, len(widths), rows)] if rows else []
        if columns == 1 or sum(across) <= room:
            return rows, across
        columns -= 1


def _draw_bar(legend: Bar, width: int) -> np.ndarray:
    """The colours from low to high over the whole width, with the values at the ends and in the middle."""
    height = TEXT_SIZE
    picture = ground(_MARGIN + height + TEXT_SIZE + 8, width)
    levels = np.arange(width) * len(legend.colours) // width
    picture[_MARGIN : _MARGIN + height] = legend.colours[levels]
    y = _MARGIN + height + 5
    ends = ((0, "la", legend.low), (width / 2, "ma", (legend.low + legend.high) / 2), (width - 1, "ra", legend.high))
    return _write(picture, [(x, y, anchor, f"{value:.2f} {legend.unit}", INK) for x, anchor, value in ends])


def _draw_disc(disc: np.ndarray, sides: dict[str, str], notes: tuple[str, ...], width: int) -> np.ndarray:
    """The disc or square with a text on each of its sides, and notes to the right if there is room."""
    height, left = _MARGIN + _DISC + 2 * (TEXT_SIZE + 6), 36
    picture = ground(height, max(width, left + _DISC + 40))
    top = _MARGIN + TEXT_SIZE + 6
    disc = np.where(disc.any(-1, keepdims=True), disc, np.array(GROUND, np.uint8))
    picture[top : top + _DISC, left : left + _DISC] = cv2.resize(disc, (_DISC, _DISC), interpolation=cv2.INTER_AREA)
    middle, centre = left + _DISC / 2, top + _DISC / 2
    at = {
        "left": (left - 6, centre, "rm"), "right": (left + _DISC + 6, centre, "lm"), "middle": (middle, centre, "mm"),
        "above": (middle, top - 3, "mb"), "below": (middle, top + _DISC + 4, "mt"),
    }  # fmt: skip
    texts = [(*at[side], text, (0, 0, 0) if side == "middle" else INK) for side, text in sides.items()]
    x = left + _DISC + 56
    texts += [
        (x, centre + (k - (len(notes) - 1) / 2) * (TEXT_SIZE + 6), "lm", note, INK) for k, note in enumerate(notes)
    ]
    return _write(picture, texts)[:, :width]


def grid(pictures: list[np.ndarray], columns: int) -> np.ndarray:
    """Equal pictures in rows of ``columns``, on dark ground."""
    h, w = pictures[0].shape[:2]
    rows = -(-len(pictures) // columns)
    sheet = ground(rows * h + (rows - 1) * GAP, columns * w + (columns - 1) * GAP)
    for k, picture in enumerate(pictures):
        y, x = k // columns * (h + GAP), k % columns * (w + GAP)
        sheet[y : y + h, x : x + w] = picture
    return sheet


def save_picture(path: Place, picture: np.ndarray) -> None:
    """Write (h, w, 3) uint8 sRGB to a file of ENCODINGS, whole or not at all.

    Raises ConfigError for another suffix, DatasetError if the system refuses to write.
    """
    suffix = Path(path.name).suffix.lower()
    if suffix not in ENCODINGS:
        raise ConfigError(f"Cannot write a picture to {path}. Expected a name that ends in {' or '.join(ENCODINGS)}.")
    write_bytes(path, encoded(picture, suffix))


def encoded(picture: np.ndarray, suffix: str) -> bytes:
    """(h, w, 3) uint8 sRGB as the content of a file whose name ends in ``suffix``, of ENCODINGS."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, **ENCODINGS[suffix])
    return buffer.getvalue()

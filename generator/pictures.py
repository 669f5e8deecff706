"""Channels as pictures for people: one colour rule per channel, and sheets of them."""

import colorsys

import cv2
import numpy as np
from PIL import Image

from generator.body.model import PARTS
from generator.clip import Clip, View

INSTANCE_COLOURS = np.array([[0, 0, 0], [230, 159, 0], [86, 180, 233], [0, 158, 115], [240, 228, 66], [0, 114, 178], [213, 94, 0], [204, 121, 167]], np.uint8)
"""Okabe and Ito's palette, told apart by colour-blind readers."""


def _part_palette() -> np.ndarray:
    """(25, 3) uint8: left parts warm, right parts cool, the trunk green, neighbours of differing lightness."""
    colours = [(0, 0, 0)]
    for k, name in enumerate(PARTS):
        hue, spread = (0.02, 0.12) if name.startswith("left") else (0.55, 0.15) if name.startswith("right") else (0.27, 0.15)
        step = (k * 0.618) % 1
        rgb = colorsys.hsv_to_rgb(hue + spread * step, 0.55 + 0.4 * ((k * 0.37) % 1), 0.6 + 0.4 * ((k * 0.53 + 0.4) % 1))
        colours.append(tuple(int(255 * v) for v in rgb))
    return np.array(colours, np.uint8)


PART_COLOURS = _part_palette()


def colourise(view: View, name: str, t: int) -> np.ndarray:
    """(H, W, 3) uint8 sRGB picture of channel ``name`` ("joints" and "segm14" too) at frame ``t``."""
    if name == "joints":
        return _joints(view, t)
    image = view.frame(name, t)
    mask = view.labels.mask(t)
    if name == "rgb":
        return image
    if name in ("segm", "segm14", "chart"):
        return PART_COLOURS[image]
    if name == "instance":
        return INSTANCE_COLOURS[np.where(image > 0, 1 + (image - 1) % 7, 0)]
    if name == "depth":
        return _depth(image, mask)
    if name == "normal":
        return np.where(mask[..., None], np.clip((image * [1, -1, -1] + 1) * 127.5, 0, 255), 0).astype(np.uint8)
    if name.startswith("flow"):
        return _flow(image, mask)
    if name.startswith("occluded"):
        return np.where(mask[..., None], np.where(image[..., None] > 0, [213, 94, 0], [120, 120, 120]), 0).astype(np.uint8)
    return _uv(image, mask)


def _depth(depth, mask) -> np.ndarray:
    """Near is bright, over the range of the picture."""
    if not mask.any():
        return np.zeros(depth.shape + (3,), np.uint8)
    low, high = np.percentile(depth[mask], (1, 99))
    grey = np.clip(255 - 200 * (depth - low) / max(high - low, 0.05), 30, 255).astype(np.uint8)
    coloured = cv2.cvtColor(cv2.applyColorMap(grey, cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB)
    return np.where(mask[..., None], coloured, 0)


def _flow(flow, mask) -> np.ndarray:
    """Direction is hue, length is saturation, relative to the 99th percentile of the picture."""
    length = np.linalg.norm(flow, axis=-1)
    longest = max(float(np.percentile(length[mask], 99)) if mask.any() else 0.0, 0.5)
    hue = (np.degrees(np.arctan2(flow[..., 1], flow[..., 0])) % 360 / 2).astype(np.uint8)
    saturation = np.clip(255 * length / longest, 0, 255).astype(np.uint8)
    value = np.where(mask, 255, 0).astype(np.uint8)
    return cv2.cvtColor(np.stack([hue, saturation, value], -1), cv2.COLOR_HSV2RGB)


def _uv(uv, mask) -> np.ndarray:
    """u is red, v is green."""
    blue = np.full(mask.shape, 0.4)
    return np.where(mask[..., None], 255 * np.dstack([uv[..., 0], uv[..., 1], blue]), 0).astype(np.uint8)


def _joints(view: View, t: int) -> np.ndarray:
    """Joints and boxes over the colour image; hollow where hidden."""
    base = view.rgb[t] if view.rgb is not None else np.where(view.labels.mask(t)[..., None], 90, 0).repeat(3, -1)
    picture = np.ascontiguousarray(base, np.uint8).copy()
    size = max(1, picture.shape[0] // 160)
    for person in view.people.values():
        x0, y0, x1, y1 = (int(round(float(v))) for v in person.box[t])
        cv2.rectangle(picture, (x0, y0), (x1 - 1, y1 - 1), (86, 180, 233), size)
        for joint, visible in zip(person.joints2d[t], person.visible[t]):
            if np.isfinite(joint).all() and np.abs(joint).max() < 1e5:
                cv2.circle(picture, tuple(int(v) for v in joint), size + 1, (240, 228, 66) if visible else (213, 94, 0), -1 if visible else 1, cv2.LINE_AA)
    return picture


SHEET = ("rgb", "joints", "segm", "segm14", "instance", "depth", "normal", "flow", "flow_backward", "occluded", "occluded_backward", "uv", "chart", "chart_uv")


def channel_sheet(clip: Clip, t: int, camera: str | None = None, columns: int = 5) -> np.ndarray:
    """(h, w, 3) uint8: every channel of frame ``t``, named, in a grid."""
    view = clip.views[camera or next(iter(clip.views))]
    present = set(view.channels) | {"joints"} | ({"segm14"} if "segm" in view.channels else set())
    return grid([titled(colourise(view, name, t), name) for name in SHEET if name in present], columns)


def titled(picture: np.ndarray, title: str) -> np.ndarray:
    """The picture under a strip that names it."""
    strip = np.full((22, picture.shape[1], 3), 24, np.uint8)
    cv2.putText(strip, title, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.46, (235, 235, 235), 1, cv2.LINE_AA)
    return np.concatenate([strip, picture])


def grid(pictures: list[np.ndarray], columns: int) -> np.ndarray:
    """Equal pictures in rows of ``columns``, on dark ground."""
    h, w = pictures[0].shape[:2]
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * h + (rows - 1) * 4, columns * w + (columns - 1) * 4, 3), 24, np.uint8)
    for k, picture in enumerate(pictures):
        y, x = k // columns * (h + 4), k % columns * (w + 4)
        sheet[y : y + h, x : x + w] = picture
    return sheet


def save_picture(path, picture: np.ndarray) -> None:
    """Write (h, w, 3) uint8 sRGB as an image file. Raises OSError if it cannot be written."""
    Image.fromarray(picture).save(path)

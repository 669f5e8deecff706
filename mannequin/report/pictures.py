"""Pictures of clips, small enough to stand in the page."""

import base64
import io
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from mannequin.generator.body.model import MERGE_14
from mannequin.generator.colours import Style, colourise, fitted, legend
from mannequin.generator.dataset.source import ClipSource
from mannequin.generator.pictures import draw_joints
from mannequin.legends import legend_html
from mannequin.report.html import Html, el

SIDE = 320
"""Longest side of a picture in pixels."""

JPEG_QUALITY = 82
_FLAT = ("segm", "segm14", "instance", "chart", "occluded", "occluded_backward")
"""Channels of few colours, which a PNG holds exactly and in less."""


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """The middle frame of a clip's first camera, made small.

    picture: (h, w, 3) uint8, the colour image, or the parts where there is none. labels: None unless asked for.
    """

    key: str
    action: str
    split: str
    people: int
    frames: int
    picture: np.ndarray
    labels: "ThumbnailLabels | None" = None


@dataclass(frozen=True, eq=False)
class ThumbnailLabels:
    """The labels of a thumbnail.

    joints: (h, w, 3) uint8, its picture with joints. mask: (h, w) bool. channels: name → (h, w, …).
    """

    key: str
    joints: np.ndarray
    mask: np.ndarray
    channels: dict[str, np.ndarray]


def thumbnail_of(reader: ClipSource, key: str, with_channels: bool) -> Thumbnail:
    """A picture of an open clip. Raises DatasetError if what it shows is damaged."""
    spec, camera = reader.spec, reader.cameras[0]
    t, present = spec.num_frames // 2, reader.channels(camera)
    mask = reader.labels(camera, (), t, t + 1).mask(0)
    small = _smaller(reader.frame(camera, "rgb", t)) if "rgb" in present else _unlit(reader, camera, present, t, mask)
    action = ", ".join(dict.fromkeys(person.motion.asset.removeprefix("action/") for person in spec.people))
    about = (key, action, spec.split, len(spec.people), spec.num_frames, small)
    if not with_channels:
        return Thumbnail(*about)
    views = [reader.person_view(camera, name) for name in reader.shown(camera)]
    channels = {name: _thinned(reader.frame(camera, name, t)) for name in present if name != "rgb"}
    if "segm" in channels:
        channels["segm14"] = MERGE_14[np.minimum(channels["segm"], len(MERGE_14) - 1)]
    joints = draw_joints(small, views, t, small.shape[1] / mask.shape[1])
    return Thumbnail(*about, ThumbnailLabels(key, joints, _thinned(mask), channels))


def _unlit(reader: ClipSource, camera: str, present, t: int, mask: np.ndarray) -> np.ndarray:
    """What stands for a colour image that is not there, of at most SIDE pixels."""
    mask = _thinned(mask)
    if "segm" in present:
        return colourise(_thinned(reader.frame(camera, "segm", t)), mask, "segm")
    return np.where(mask[..., None], np.uint8(160), np.uint8(24)).repeat(3, -1)


def _smaller(image: np.ndarray) -> np.ndarray:
    """A colour image of at most SIDE pixels, averaged."""
    h, w = image.shape[:2]
    scale = SIDE / max(h, w)
    return (
        image
        if scale >= 1
        else cv2.resize(image, (max(1, round(w * scale)), max(1, round(h * scale))), interpolation=cv2.INTER_AREA)
    )


def _thinned(image: np.ndarray) -> np.ndarray:
    """(H, W, …) labels with only some of their rows and columns: labels cannot be averaged."""
    h, w = image.shape[:2]
    scale = min(1.0, SIDE / max(h, w))
    rows, columns = (
        ((np.arange(max(1, round(n * scale))) + 0.5) / max(1, round(n * scale)) * n).astype(int) for n in (h, w)
    )
    return np.ascontiguousarray(image[rows][:, columns])


def strip(labels: list[ThumbnailLabels], name: str) -> tuple[Html, Html]:
    """(pictures, legend) of channel ``name`` of those that have it; colours mean the same in all of them."""
    having = [each for each in labels if name in each.channels]
    style = Style()
    if name == "depth" or name.startswith("flow"):
        values = np.concatenate([each.channels[name][each.mask] for each in having])
        style = fitted(style, **{"depth" if name == "depth" else "flow": values})
    pictures = [
        picture(colourise(each.channels[name], each.mask, name, style), f"{name} of clip {each.key}", name in _FLAT)
        for each in having
    ]
    found = {int(i) for each in having for i in np.unique(each.channels[name])} - {0} if name == "instance" else set()
    meaning = legend(name, style, names={i: str(i) for i in found})
    return el("div", *pictures, class_="strip"), Html(legend_html(meaning))


def picture(image: np.ndarray, alt: str, flat: bool = False) -> Html:
    """(h, w, 3) uint8 as an image element that holds its own data. flat: of few colours, to be kept exactly."""
    buffer = io.BytesIO()
    if flat:
        Image.fromarray(image).save(buffer, "PNG", optimize=True)
    else:
        Image.fromarray(image).save(buffer, "JPEG", quality=JPEG_QUALITY)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    h, w = image.shape[:2]
    return el("img", src=Html(f"data:image/{'png' if flat else 'jpeg'};base64,{data}"), alt=alt, width=w, height=h)

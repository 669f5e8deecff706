"""Folders of images and of masks that say which part of the body every pixel shows.

<data>/images/**/<name>.jpg     photos, of any size
<data>/masks/**/<name>.png      a mask for each, of the same size
<data>/masks.json               optional, see MaskLayout: other names, other labels, splits
"""

import io
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageOps
from torch.utils.data import Dataset

from mannequin.generator.body.model import MERGE_14, PARTS, PARTS_14
from mannequin.generator.errors import ConfigError, DatasetError, MannequinError
from mannequin.generator.io import limits
from mannequin.generator.io.image_size import check_image
from mannequin.generator.io.photos import read_photo
from mannequin.generator.io.reading import contained, read_bytes, read_json
from mannequin.generator.records import from_plain
from mannequin.training.data.crop import Box, Crop, crop_matrix
from mannequin.training.metrics.labels import IGNORE
from mannequin.training.targets.parts import Parts

LAYOUT = "masks.json"
PHOTOS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".bmp": "BMP", ".tif": "TIFF", ".tiff": "TIFF"}

_CODES = {
    "parts14": {str(k): name for k, name in enumerate(("background", *PARTS_14))},
    "parts24": {str(k): ("background", *PARTS_14)[MERGE_14[k]] for k in range(1 + len(PARTS))},
}
_CLASSES = {name: k for k, name in enumerate(("background", *PARTS_14))} | {"ignore": IGNORE}


@dataclass(frozen=True)
class MaskLayout:
    """How a folder of images with masks is to be read; ``masks.json`` holds what differs from this."""

    images: str = "images"
    """Folder of the images within the data; folders in it are searched too."""

    masks: str = "masks"
    """Folder of the masks; may be the same."""

    mask_ending: str = ""
    """What the name of a mask has after that of its image, such as "_mask"."""

    coding: Literal["parts14", "parts24", "labels"] = "parts14"
    """parts14: masks hold 0…14 in the order of the 14 parts. parts24: 0…24 in the order of SURREAL's 24, which are
    merged to 14. labels: as ``labels`` says. 255 is unlabelled in the first two."""

    labels: dict[str, str] = field(default_factory=dict)
    """Value of a mask's pixels, or its colour as "r,g,b" → a part of the 14, "background" or "ignore"."""

    splits: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Split → patterns such as "subject3/*" of names of images, without their ending, relative to ``images``."""

    def __post_init__(self):
        if bool(self.labels) != (self.coding == "labels"):
            raise ConfigError('labels go with "coding": "labels", and are needed there.')
        for code, name in self.labels.items():
            if name not in _CLASSES:
                raise ConfigError(f"labels.{code} is {name!r}; expected one of {', '.join(_CLASSES)}.")
            _code(code)
        if self.images == self.masks and not self.mask_ending:
            raise ConfigError(f"images and masks are both {self.images!r}; then masks need a mask_ending of their own.")

    def table(self) -> dict[tuple[int, ...], int]:
        """Value (v,) or colour (r, g, b) of a mask → class, or IGNORE."""
        named = self.labels or _CODES[self.coding] | {str(IGNORE): "ignore"}
        return {_code(code): _CLASSES[name] for code, name in named.items()}


def read_layout(root: Path) -> MaskLayout | None:
    """What ``masks.json`` in ``root`` says; None if there is none. Raises DatasetError for one that makes no sense."""
    path = root / LAYOUT
    if not path.exists():
        return None
    try:
        return from_plain(MaskLayout, read_json(path, "a description of images and masks", DatasetError))
    except ConfigError as e:
        raise DatasetError(f"{path} cannot be used: {e} See docs/evaluation.md.") from e


class MaskedImages(Dataset):
    """Samples of whole images, indexed by (epoch, index) as ClipSamples; the epoch has no influence.

    image: (3, size, size) float32, whitened: the image in the middle of the least square that holds it, black beside
    it. parts: (S, S) uint8, that square in the image's own pixels; IGNORE where there is no image or no label. id: name
    of the image.
    """

    def __init__(self, root: Path, layout: MaskLayout, split: str, size: int):
        """split: of layout.splits, or "all". Raises DatasetError for missing folders, images without masks, unknown
        splits."""
        self.root, self.layout, self.size = root, layout, size
        self._table = layout.table()
        photos = _named(root, layout.images, tuple(PHOTOS))
        ending = layout.mask_ending
        masks = {
            key.removesuffix(ending): path
            for key, path in _named(root, layout.masks, tuple(PHOTOS)).items()
            if key.endswith(ending)
        }
        if layout.images == layout.masks:
            photos = {key: path for key, path in photos.items() if not key.endswith(ending)}
        chosen = _split(photos, layout, split, root)
        missing = [key for key in chosen if key not in masks]
        if missing:
            raise DatasetError(
                f"{root} has no mask for {len(missing)} of {len(chosen)} images, the first {missing[0]!r}. Expected "
                f"{layout.masks}/{missing[0]}{ending}.png; add the masks, or take the images away."
            )
        self._pairs = [(key, photos[key], masks[key]) for key in chosen]

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, key: tuple[int, int]) -> dict:
        name, photo, mask = self._pairs[key[1]]
        rgb, labels = _photo(photo), self._labels(mask)
        if rgb.shape[:2] != labels.shape:
            raise DatasetError(
                f"{photo} has {rgb.shape[0]} × {rgb.shape[1]} pixels (height × width), its mask {mask} "
                f"{labels.shape[0]} × {labels.shape[1]}. Expected the same size."
            )
        h, w = labels.shape
        side = max(h, w)
        top, left = (side - h) // 2, (side - w) // 2
        square = np.full((side, side), IGNORE, np.uint8)
        square[top : top + h, left : left + w] = labels
        crop = Crop(crop_matrix(Box((side / 2 - left, side / 2 - top), side), size=self.size), self.size)
        return {"image": crop.colour(rgb), Parts.name: square, "id": name}

    def _labels(self, path: Path) -> np.ndarray:
        """(H, W) uint8 classes of a mask."""
        values = _pixels(path)
        rows = values.reshape(-1, values.shape[2])
        codes = rows @ (1 << 16 * np.arange(rows.shape[1]))  # one number for a colour: unique rows take far longer
        _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
        seen = [tuple(row) for row in rows[first].tolist()]
        unknown = [row for row in seen if row not in self._table]
        if unknown:
            raise DatasetError(self._unknown(path, unknown))
        return np.array([self._table[row] for row in seen], np.uint8)[inverse].reshape(values.shape[:2])

    def _unknown(self, path: Path, unknown: list) -> str:
        shown = "; ".join(",".join(map(str, row)) for row in unknown[:10])
        known = "; ".join(",".join(map(str, row)) for row in list(self._table)[:26])
        advice = (
            "add them to its labels" if self.layout.labels else 'say how masks are coded, as with {"coding": "parts24"}'
        )
        return (
            f"{path} holds the labels {shown}; known are {known}. In {self.root / LAYOUT}, {advice}: see "
            "docs/evaluation.md."
        )


def _code(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if len(parts) not in (1, 3) or not all(part.strip().isdecimal() and int(part) < 1 << 16 for part in parts):
        raise ConfigError(f'labels has {text!r}; expected a value such as "7", or a colour such as "255,0,0".')
    return tuple(int(part) for part in parts)


def _named(root: Path, folder: str, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Images below a folder by name without ending, in order."""
    at = root / folder
    contained(at, root)
    if not at.is_dir():
        raise DatasetError(
            f"There is no folder {at}. Expected images/ and masks/ in {root}, or a {LAYOUT} that names "
            "others: see docs/evaluation.md."
        )
    found = {}
    for path in sorted(at.rglob("*")):
        if path.suffix.lower() not in suffixes or path.name.startswith("."):
            continue
        key = path.relative_to(at).with_suffix("").as_posix()
        if key in found:
            raise DatasetError(
                f"{path} and {found[key]} have the same name. Expected one image of each name; take one away."
            )
        found[key] = path
    if not found:
        raise DatasetError(f"{at} holds no images ({', '.join(suffixes)}). Put them there; see docs/evaluation.md.")
    return found


def _split(photos: dict[str, Path], layout: MaskLayout, split: str, root: Path) -> list[str]:
    if split == "all":
        return list(photos)
    if split not in layout.splits:
        raise DatasetError(
            f"{root / LAYOUT} does not say which images are of the split {split!r} (it has: "
            f"{', '.join(layout.splits) or 'none'}). "
            f'Add it to "splits", as {{"{split}": ["subject3/*"]}}, or choose another --split.'
        )
    chosen = [key for key in photos if any(fnmatchcase(key, pattern) for pattern in layout.splits[split])]
    if not chosen:
        raise DatasetError(
            f"No image of {root / layout.images} is of the split {split!r}, whose patterns are "
            f"{', '.join(layout.splits[split])}; "
            f"one is called {next(iter(photos))!r}. Correct {LAYOUT}."
        )
    return chosen


def _photo(path: Path) -> np.ndarray:
    """(H, W, 3) uint8 sRGB."""
    return read_photo(path, "a photo", DatasetError)


def _pixels(path: Path) -> np.ndarray:
    """(H, W, C) int64 values of a mask as they are, index of a palette included, turned as its camera was held."""
    data = read_bytes(path, limits.IMAGE_BYTES, "an image", DatasetError)
    try:
        check_image(data, tuple(dict.fromkeys(PHOTOS.values())))
        with Image.open(io.BytesIO(data)) as image:
            turned = ImageOps.exif_transpose(image)
            values = np.array(turned.convert("RGB") if turned.mode == "RGBA" else turned)
    except MannequinError:
        raise
    except Exception as e:  # whatever a damaged file makes its decoder trip over
        raise DatasetError(
            f"{path} is not an image that can be read ({e}). Replace it, or take it and its partner away."
        ) from e
    values = values.astype(np.int64)
    return values if values.ndim == 3 else values[..., None]

"""Textures that the user brings: a folder of images made for one body's atlas."""

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from mannequin.generator.errors import AssetError, TopologyError
from mannequin.generator.io import limits
from mannequin.generator.io.image_size import check_image
from mannequin.generator.io.reading import contained, read_bytes, read_json

SUFFIXES = (".png", ".jpg", ".jpeg")
DECLARATIONS = ("topology.txt", "topology.json")
LEAST_SIZE = 16


def find_textures(folder: Path, topology: str) -> dict[str, Path]:
    """Texture id → image, in order of id; subfolders are searched too.

    A file topology.txt (the id alone) or topology.json ({"topology": id}) states the mesh that
    the images were made for; without one they are taken to fit ``topology``, the body in use.
    Raises AssetError if the folder is missing, holds no image or holds anything else;
    TopologyError if the images are declared for another mesh.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise AssetError(
            f"No folder of textures at {str(folder)!r}. Expected a folder of PNG or JPEG images in the body's "
            "UV layout."
        )
    declared = _declared(folder)
    if declared is not None and declared != topology:
        raise TopologyError(
            f"The textures in {str(folder)!r} are declared for topology {declared!r}, but the body in use has "
            f"{topology!r}. "
            "Use textures made for this body, or choose the body they were made for with --body."
        )
    found = {}
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        if path.is_dir() or any(part.startswith(".") for part in inner.parts) or inner.name in DECLARATIONS:
            continue
        if path.suffix.lower() not in SUFFIXES:
            raise AssetError(
                f"{str(path)!r} in the folder of textures is no PNG or JPEG image. "
                "Expected images only (and topology.txt); move other files elsewhere."
            )
        found[f"texture/{inner.as_posix()}"] = contained(path, folder)
    if not found:
        raise AssetError(
            f"The folder of textures {str(folder)!r} holds no image. Expected PNG or JPEG files in the body's "
            "UV layout."
        )
    return found


def load_texture(path: Path, topology: str) -> np.ndarray:
    """(R, R, 3) uint8 sRGB, row 0 at v = 1, of one image.

    Raises AssetError if it is no readable, square image of 16 to 8192 texels a side;
    TopologyError if its folder declares another mesh than ``topology``.
    """
    path = Path(path)
    declared = _declared(path.parent)
    if declared is not None and declared != topology:
        raise TopologyError(
            f"Texture {str(path)!r} is declared for topology {declared!r}, but the body has {topology!r}. "
            "Use it on the body it was made for."
        )
    if not path.is_file():
        raise AssetError(f"No texture at {str(path)!r}. Expected a PNG or JPEG image.")
    data = read_bytes(path, limits.IMAGE_BYTES, "a PNG or JPEG image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the limit below is stricter than Pillow's; odd metadata does not matter
            with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
                _check_size(path, *image.size)
                check_image(data, ("PNG", "JPEG"))
                return np.asarray(image.convert("RGB"))
    except AssetError:
        raise
    except Exception as e:  # Pillow's parsers raise whatever a damaged file makes them trip over
        raise AssetError(
            f"{str(path)!r} cannot be read as an image ({e}). Expected an undamaged PNG or JPEG; save it again."
        ) from e


def _check_size(path: Path, width: int, height: int) -> None:
    if width != height:
        raise AssetError(
            f"Texture {str(path)!r} is {width} × {height} texels. Expected a square image: the body's atlas "
            "covers the unit square."
        )
    if not LEAST_SIZE <= width <= limits.TEXTURE_TEXELS:
        raise AssetError(
            f"Texture {str(path)!r} is {width} × {height} texels. Expected {LEAST_SIZE} to "
            f"{limits.TEXTURE_TEXELS} a side; resize it."
        )


def _declared(folder: Path) -> str | None:
    """The topology id that a folder states, or None."""
    text, table = (folder / name for name in DECLARATIONS)
    try:
        if text.is_file():
            data = read_bytes(contained(text, folder), limits.TOPOLOGY_ID_BYTES, "a topology id")
            declared = data.decode("utf-8").strip()
        elif table.is_file():
            declared = read_json(contained(table, folder), '{"topology": id}')["topology"]
        else:
            return None
    except (UnicodeDecodeError, KeyError, TypeError) as e:
        raise AssetError(
            f"The declaration in {str(folder)!r} cannot be read ({e!r}). Expected topology.txt with the id "
            f'alone, or topology.json with {{"topology": id}}.'
        ) from e
    if not isinstance(declared, str) or not declared:
        raise AssetError(
            f"The declaration in {str(folder)!r} states no topology id. Expected the id that `--body` "
            'reports, such as "mannequin-1".'
        )
    return declared

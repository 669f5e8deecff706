"""Textures that the user brings: a folder of images made for one body's atlas, or SURREAL's own.

SURREAL's has a list for each gender and split beside the images (``female_train.txt``, ``male_test.txt``), a path on
each line; its folders are called ``female`` and ``male``. Where there are no lists, folders, then names of files, say
whose a texture is; one of nobody in particular is for all.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np

from mannequin.generator.errors import AssetError, TopologyError
from mannequin.generator.io import limits
from mannequin.generator.io.listing import Found, Listing, found_in, is_clutter, list_files
from mannequin.generator.io.photos import FORMATS, check_head, read_photo
from mannequin.generator.io.reading import contained, read_bytes, read_json

DECLARATIONS = ("topology.txt", "topology.json")
LEAST_SIZE = 16
EXPECTED = "a square image in the body's UV layout"

SPLITS = ("train", "val", "test", "all")
LIST_BYTES = 16 * limits.MIB

_LIST = re.compile(r"(female|male)_(train|val|test|all)\.txt", re.IGNORECASE)
_FOLDERS = {"female": "female", "females": "female", "f": "female", "woman": "female", "women": "female"}
_FOLDERS |= {"male": "male", "males": "male", "m": "male", "man": "male", "men": "male"}
_NAMES = {"female": "female", "male": "male"}


@dataclass(frozen=True)
class Texture:
    """An image. gender: "female", "male", or "" for anybody. lists: the splits that lists name it in; None where the
    folder has no lists."""

    path: Path
    gender: str = ""
    lists: frozenset[str] | None = None

    def is_for(self, gender: str) -> bool:
        """Whether a body of ``gender`` may wear it."""
        return not self.gender or gender == self.gender or gender not in _NAMES


def find_textures(folder: Path, topology: str) -> Found:
    """Texture id → Texture, in order of id; subfolders are searched too.

    A file topology.txt (the id alone) or topology.json ({"topology": id}) states the mesh that
    the images were made for; without one they are taken to fit ``topology``, the body in use.
    Raises AssetError if the folder is missing or holds no image; TopologyError if the images are declared for another
    mesh. An image whose list, folder and name say different genders is left out.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise AssetError(
            f"No folder of textures at {str(folder)!r}. Expected a folder of PNG or JPEG images in the body's "
            "UV layout."
        )
    check_declared(folder, topology)
    return list_textures(folder)


def list_textures(folder: Path) -> Found:
    """The same, whatever mesh they are made for."""
    listing = list_files(folder, FORMATS)
    lists, problems = _read_lists(folder, {path.relative_to(folder).as_posix(): path for path in listing.files})
    files = {}
    for path in listing.files:
        inner = path.relative_to(folder)
        on = lists.get(path, frozenset())
        genders = {gender for gender, _ in on} | {gender_of(inner)} - {""}
        if len(genders) > 1 or (not genders and _contradictory(inner)):
            reason = f"{path} is female by one of its list, folder and name, and male by another. {_RENAME}"
            problems.append((path, reason))
            continue
        splits = frozenset(split for _, split in on) if lists else None
        files[f"texture/{inner.as_posix()}"] = Texture(path, next(iter(genders), ""), splits)
    listing = Listing(folder, listing.files, listing.left_out + tuple(problems), listing.others)
    return found_in(listing, "texture", files, "images in the body's UV layout")


_RENAME = "Move or rename it, so that all say the same."


def wearable(textures: dict[str, Texture], gender: str, split: str) -> tuple[str, ...]:
    """Ids of those that bodies of ``gender`` may wear in ``split`` by the lists: all where there are none, or the
    split is "all"."""
    return tuple(
        name
        for name, texture in textures.items()
        if texture.is_for(gender) and (split == "all" or texture.lists is None or split in texture.lists)
    )


def has_lists(textures: dict[str, Texture]) -> bool:
    """Whether lists say which textures are of which split."""
    return any(texture.lists is not None for texture in textures.values())


def load_texture(path: Path, topology: str) -> np.ndarray:
    """(R, R, 3) uint8 sRGB, row 0 at v = 1, of one image.

    Raises AssetError if it is no readable, square image of 16 to 8192 texels a side;
    TopologyError if its folder declares another mesh than ``topology``.
    """
    path = Path(path)
    check_declared(path.parent, topology)
    if not path.is_file():
        raise AssetError(f"No texture at {str(path)!r}. Expected a PNG or JPEG image.")
    image = read_photo(path, EXPECTED)
    height, width = image.shape[:2]
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
    return image


def check_texture_head(path: Path) -> None:
    """Raises AssetError unless ``path`` begins as an image."""
    check_head(path, EXPECTED)


def check_declared(folder: Path, topology: str) -> None:
    """Raises TopologyError if ``folder`` declares its textures for another mesh."""
    declared = _declared(folder)
    if declared is not None and declared != topology:
        raise TopologyError(
            f"The textures in {str(folder)!r} are declared for topology {declared!r}, but the body in use has "
            f"{topology!r}. "
            "Use textures made for this body, or choose the body they were made for with --body."
        )


def gender_of(inner: PurePath) -> str:
    """The gender that the folders or the name of a file say; "" if none, or both."""
    said = _said(inner)
    return next(iter(said)) if len(said) == 1 else ""


def _contradictory(inner: PurePath) -> bool:
    return len(_said(inner)) > 1


def _said(inner: PurePath) -> set[str]:
    folders = {_FOLDERS[part.lower()] for part in inner.parts[:-1] if part.lower() in _FOLDERS}
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", inner.stem)
    return folders | {_NAMES[word.lower()] for word in words if word.lower() in _NAMES}


def _read_lists(folder: Path, images: dict[str, Path]) -> tuple[dict[Path, frozenset], list[tuple[Path, str]]]:
    """Image → {(gender, split)} by the lists in the folder and below, and (path, reason) of lines that lead nowhere."""
    found, problems = defaultdict(set), []
    for path in sorted(folder.rglob("*.txt")):
        match = _LIST.fullmatch(path.name)
        if not match or is_clutter(path.relative_to(folder).parent / "x"):
            continue
        try:
            text = read_bytes(contained(path, folder), LIST_BYTES, "a list of textures").decode("utf-8-sig")
        except UnicodeDecodeError as e:
            raise AssetError(f"{path} is no text ({e}). Expected a list of textures, a path on each line.") from e
        within = path.parent.relative_to(folder)
        for line in text.splitlines():
            entry = line.strip().replace("\\", "/")
            if not entry:
                continue
            image = _listed(images, within, PurePath(entry))
            if image is None:
                reason = f"{path} names {entry!r}, which is no image there. Get it, or take the line out."
                problems.append((path, reason))
            else:
                found[image].add((match[1].lower(), match[2].lower()))
    return {image: frozenset(on) for image, on in found.items()}, problems


def _listed(images: dict[str, Path], within: PurePath, entry: PurePath) -> Path | None:
    """The image that a line names, from its list on; SURREAL's begin at the folder above, as ``textures/female/…``."""
    for skipped in range(max(1, len(entry.parts) - 1)):
        name = within.joinpath(*entry.parts[skipped:]).as_posix()
        if name in images:
            return images[name]
    return None


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

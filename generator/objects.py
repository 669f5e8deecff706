"""Meshes of objects: unit primitives, or a mesh file of the user's with the texture that it brings."""

import io
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import trimesh
from PIL import Image
from trimesh.resolvers import Resolver

from mannequin.generator import exact
from mannequin.generator.errors import AssetError, unknown_name
from mannequin.generator.io import limits
from mannequin.generator.io.image_size import check_image
from mannequin.generator.io.photos import to_rgb
from mannequin.generator.io.reading import contained, read_bytes

SUFFIXES = (".obj", ".ply", ".stl", ".off")
"""Formats of mesh files. An .obj may name materials, these and a .ply an image, which lie within the working folder."""

IMAGES = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")

PRIMITIVES = ("sphere", "box", "plane")

MOST_TEXELS = 2048
"""A side of a texture in memory, its repetitions included; what is larger is reduced."""

MOST_REPEATS = 64
"""Times that an image may be repeated over a mesh along one axis."""

SEAM_COSINE = exact.cos(np.radians(30.0))
"""Vertices at one place whose surfaces turn by less than this belong together: the file parts them for their
texture coordinates, not for an edge."""


@dataclass(frozen=True, eq=False)
class ObjectMesh:
    """A mesh in its own frame.

    vertices: (V, 3) float64 metres. faces: (F, 3) int32. uv: (F, 3, 2) float32 in [0, 1], u right, v up.
    is_mapped: whether uv says where a texture lies; else it is all 0.
    texture: (R, R', 3) uint8 sRGB, row 0 at v = 1; None where the file brings none.
    """

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    is_mapped: bool = False
    texture: np.ndarray | None = None


@lru_cache(maxsize=32)
def object_mesh(name: str, texture: str = "") -> ObjectMesh:
    """The mesh ``name``, with the image ``texture`` on it if that is given.

    name: "sphere" (radius 1), "box" (half edge 1), "plane" (half edge 1, in z = 0, facing +Z), or
    the path of a mesh file. Files lie within the working folder, and so do those that they name:
    descriptions come from strangers, and shall not choose among all files. Raises AssetError for a
    file that is absent, elsewhere, of a suffix not in SUFFIXES, or holds no mesh, for images that
    cannot be read, and for a texture on a mesh without texture coordinates.
    """
    if name == "sphere":
        mesh = trimesh.creation.icosphere(subdivisions=4, radius=1.0)
        vertices, faces, uv, image = mesh.vertices, mesh.faces, None, None
    elif name == "box":
        mesh = trimesh.creation.box(extents=(2, 2, 2))
        vertices, faces, uv, image = mesh.vertices, mesh.faces, None, None
    elif name == "plane":
        vertices, faces, uv, image = _plane()
    elif Path(name).suffix:
        vertices, faces, uv, image = _read(Path(name))
    else:
        raise unknown_name("object mesh", name, PRIMITIVES)
    if texture and uv is None:
        raise AssetError(
            f"The mesh {name!r} has no texture coordinates, so the texture {texture!r} has no place on it. Use the "
            'plane or a mesh file that has them ("vt" in an .obj), or leave the texture out.'
        )
    if texture:
        image = _FilesBeside(Path()).image(texture)
    vertices, faces = np.asarray(vertices, np.float64), np.asarray(faces, np.int32)
    if uv is None:
        return ObjectMesh(vertices, faces, np.zeros((len(faces), 3, 2), np.float32))
    uv, repeats = _within_unit_square(uv, name)
    return ObjectMesh(
        vertices, faces, uv.astype(np.float32), True, None if image is None else _repeated(image, repeats)
    )


def _plane():
    corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float64)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    return corners, faces, ((corners[:, :2] + 1) / 2)[faces], None


def _read(path: Path):
    """(vertices, faces, (F, 3, 2) texture coordinates or None, image or None) of a mesh file."""
    kind = path.suffix.lower()
    if kind not in SUFFIXES:
        raise AssetError(
            f"Cannot read the object mesh {path}: {kind} is no format that is read. Expected "
            f"{', '.join(SUFFIXES)}; convert it."
        )
    data = read_bytes(contained(path, Path()), limits.MESH_BYTES, "an object mesh")
    if data.count(b"usemtl") > limits.MESH_MATERIALS:
        raise AssetError(
            f"The object mesh {path} turns to a material {data.count(b'usemtl')} times; at most "
            f"{limits.MESH_MATERIALS} are read. Sort its faces by material, or bake them into one."
        )
    files = _FilesBeside(path.parent)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow, on large images; the limits are ours
            mesh = trimesh.load(io.BytesIO(data), file_type=kind[1:], force="mesh", process=False, resolver=files)
        if not isinstance(mesh, trimesh.Trimesh):
            raise ValueError("it holds no surface")
        vertices, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64)
    except Exception as e:  # trimesh's loaders raise whatever their parsers raise
        raise AssetError(
            f"Cannot read the object mesh {path}: {str(e)[:200]}. Expected an undamaged {', '.join(SUFFIXES)} file."
        ) from e
    if files.problem is not None:  # trimesh goes on without
        raise AssetError(f"The object mesh {path} names a file that cannot be used. {files.problem}") from files.problem
    if len(faces) == 0 or not (np.abs(vertices) <= limits.COORDINATE).all():  # NaN included
        raise AssetError(
            f"The object mesh {path} has no faces, or vertices that are no finite numbers up to "
            f"{limits.COORDINATE:g}. Export it again, in metres."
        )
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise AssetError(
            f"The object mesh {path} has faces of vertices {faces.min()} to {faces.max()}; it has "
            f"{len(vertices)}. Export it again."
        )
    uv = _texture_coordinates(mesh, path)
    if uv is None:
        return vertices, faces, None, None
    material = getattr(mesh.visual, "material", None) if files.images else None  # trimesh paints grey what lacks one
    image = getattr(material, "image", None)
    return (*_joined(mesh, vertices, faces), uv[faces], None if image is None else _pixels(image, str(path)))


def _texture_coordinates(mesh, path: Path) -> np.ndarray | None:
    """(V, 2) of what trimesh read; None where there are none."""
    uv = getattr(mesh.visual, "uv", None)
    if uv is None or len(uv) != len(mesh.vertices):
        return None
    uv = np.asarray(uv, np.float64)[:, :2]
    if not np.isfinite(uv).all():
        raise AssetError(f"The object mesh {path} has texture coordinates that are no finite numbers. Export it again.")
    return uv


def _pixels(image: Image.Image, where: str) -> np.ndarray:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the limits on size are ours; odd metadata does not matter
            return to_rgb(image)
    except Exception as e:  # Pillow's decoders raise whatever a damaged file makes them
        raise AssetError(f"Cannot decode the texture of {where} ({str(e)[:200]}). Export it again.") from e


def _joined(mesh, vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mesh without the cuts along which texture coordinates part: they would be shaded as edges."""
    _, place = np.unique(vertices, axis=0, return_inverse=True)
    place = place.reshape(-1)
    first = np.full(place.max() + 1, len(vertices))
    np.minimum.at(first, place, np.arange(len(vertices)))
    first = first[place]
    normals = np.asarray(mesh.vertex_normals)
    target = np.where((normals * normals[first]).sum(1) > SEAM_COSINE, first, np.arange(len(vertices)))
    kept, number = np.unique(target, return_inverse=True)
    return vertices[kept], number.reshape(-1)[faces]


def _within_unit_square(uv: np.ndarray, name: str) -> tuple[np.ndarray, tuple[int, int]]:
    """Coordinates (F, 3, 2) that repeat the image, as ones within an image repeated (across, up) times."""
    slack = 1e-4  # of coordinates that were meant to be 0 or 1
    low = np.floor(uv.min((0, 1)) + slack)
    repeats = np.maximum(np.ceil(uv.max((0, 1)) - slack) - low, 1)
    if repeats.max() > MOST_REPEATS:
        raise AssetError(
            f"The mesh {name!r} repeats its texture {repeats.max():.0f} times; at most {MOST_REPEATS} are laid out. "
            "Bake the texture into one image."
        )
    return np.clip((uv - low) / repeats, 0, 1), (int(repeats[0]), int(repeats[1]))


def _repeated(image: np.ndarray, repeats: tuple[int, int]) -> np.ndarray:
    """(R, R', 3) uint8: the image side by side, reduced to at most MOST_TEXELS a side."""
    across, up = repeats
    h, w = image.shape[:2]
    size = min(w, MOST_TEXELS // across), min(h, MOST_TEXELS // up)
    if size != (w, h):
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(np.tile(image, (up, across, 1)))


class _FilesBeside(Resolver):
    """The materials and images that a mesh file in ``folder`` names, none from without the working folder.

    images: how many were read. problem: the first refusal, since trimesh reads on without what it did not get.
    """

    def __init__(self, folder: Path):
        self.folder, self._room = folder, limits.IMAGE_PIXELS
        self.images, self.problem = 0, None

    def get(self, key: str) -> bytes:
        """The bytes of one file; an absent material is no fault, as meshes are handed on without theirs."""
        try:
            path = contained(self.folder / key.replace("\\", "/"), Path())
            if path.suffix.lower() == ".mtl":
                if not path.is_file():
                    raise FileNotFoundError(str(path))
                return read_bytes(path, limits.MESH_BYTES, "the materials of a mesh")
            return self._image_bytes(path)
        except AssetError as e:
            self.problem = self.problem or e
            raise

    def image(self, name: str) -> np.ndarray:
        """(R, R', 3) uint8 sRGB of an image file."""
        path = contained(self.folder / name, Path())
        with Image.open(io.BytesIO(self._image_bytes(path)), formats=IMAGES) as image:
            return _pixels(image, str(path))

    def _image_bytes(self, path: Path) -> bytes:
        data = read_bytes(path, limits.IMAGE_BYTES, "the texture of a mesh")
        try:
            check_image(data, IMAGES)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # our own limits follow
                with Image.open(io.BytesIO(data), formats=IMAGES) as image:
                    width, height = image.size
                    image.load()  # trimesh would decode it late, and say nothing of where
        except Exception as e:  # ValueError of ours, or whatever a damaged header makes Pillow raise
            raise AssetError(
                f"Cannot read the texture {path} ({str(e)[:200]}). Expected an image ({', '.join(IMAGES)})."
            ) from e
        self._room -= width * height
        if self._room < 0:
            raise AssetError(f"The textures of a mesh in {self.folder} have more than {limits.IMAGE_PIXELS} pixels.")
        self.images += 1
        return data

    def keys(self):
        return []

    def write(self, name: str, data):
        raise AssetError(f"Nothing is written beside meshes; {name!r} was to be.")

    def namespaced(self, namespace: str):
        return self

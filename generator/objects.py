"""Meshes of objects: unit primitives, or a mesh file of the user's."""

import io
from functools import lru_cache
from pathlib import Path

import numpy as np
import trimesh

from mannequin.generator.errors import AssetError, unknown_name
from mannequin.generator.io import limits
from mannequin.generator.io.reading import contained, read_bytes

SUFFIXES = (".obj", ".ply", ".stl", ".off")
"""Formats of one file that holds a mesh and names no other file."""

PRIMITIVES = ("sphere", "box", "plane")


@lru_cache(maxsize=32)
def object_mesh(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """((V, 3) float64 vertices, (F, 3) int32 faces, (F, 3, 2) float32 uv) in the object's own frame.

    name: "sphere" (radius 1), "box" (half edge 1), "plane" (half edge 1, in z = 0, facing +Z), or
    the path of a mesh file within the working folder: descriptions come from strangers, and shall
    not choose among all files. Raises AssetError for a file that is absent, elsewhere, of a suffix
    not in SUFFIXES, or holds no mesh.
    """
    if name == "sphere":
        mesh = trimesh.creation.icosphere(subdivisions=4, radius=1.0)
    elif name == "box":
        mesh = trimesh.creation.box(extents=(2, 2, 2))
    elif name == "plane":
        return _plane()
    elif Path(name).suffix:
        mesh = _read(Path(name))
    else:
        raise unknown_name("object mesh", name, PRIMITIVES)
    faces = np.asarray(mesh.faces, np.int32)
    return np.asarray(mesh.vertices, np.float64), faces, np.zeros((len(faces), 3, 2), np.float32)


def _plane():
    corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float64)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    return corners, faces, ((corners[:, :2] + 1) / 2)[faces].astype(np.float32)


def _read(path: Path):
    kind = path.suffix.lower()
    if kind not in SUFFIXES:
        raise AssetError(
            f"Cannot read the object mesh {path}: {kind} is no format that is read. Expected "
            f"{', '.join(SUFFIXES)}; convert it."
        )
    data = read_bytes(contained(path, Path()), limits.MESH_BYTES, "an object mesh")
    try:  # from memory, so that materials and textures that it names are not looked for
        mesh = trimesh.load(io.BytesIO(data), file_type=kind[1:], force="mesh", process=False, skip_materials=True)
        vertices, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64)
    except Exception as e:  # trimesh's loaders raise whatever their parsers raise
        raise AssetError(
            f"Cannot read the object mesh {path}: {str(e)[:200]}. Expected an undamaged {', '.join(SUFFIXES)} file."
        ) from e
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
    return mesh

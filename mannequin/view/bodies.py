"""What the 3D scene is made of, as arrays: posed bodies in patches of one colour, and points seen by a camera."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import trimesh
from PIL import Image
from scipy.sparse import csr_array

from mannequin.generator.body.lbs import pose_body
from mannequin.generator.body.model import BodyModel
from mannequin.generator.catalog import Catalog
from mannequin.generator.clip import PersonTrack
from mannequin.generator.dataset.collection import Collection
from mannequin.generator.dataset.source import ClipSource
from mannequin.generator.errors import DatasetError, MannequinError
from mannequin.generator.spec import PersonSpec
from mannequin.renderers.validation.posing import Poser
from mannequin.renderers.validation.rays import ABSENT

TEXELS = 512
"""Along the atlas, for colours of faces some 8 mm wide."""

COLOURS = 16
"""Colours of a textured body. viser draws a mesh in one colour: each is a mesh of its own."""

JOINING = 900.0
"""Squared distance of sRGB colours that one neighbour of the same colour is worth."""

SWEEPS = 10

STRAY = 0.01
"""m by which posed joints may differ from the clip's before the body is held to be another."""

UNDISTORTED = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-10)


@dataclass(frozen=True, eq=False)
class Patch:
    """Faces of one colour. ids: (V,) vertices of the whole mesh. faces: (F, 3) uint32 into ``ids``."""

    colour: tuple[int, int, int]
    ids: np.ndarray
    faces: np.ndarray


@dataclass(frozen=True, eq=False)
class Body:
    """One person's surface throughout a clip. offsets: (V, 3) metres of clothes at rest."""

    model: BodyModel
    track: PersonTrack
    offsets: np.ndarray
    texture: np.ndarray | None

    def vertices(self, t: int) -> np.ndarray:
        """(V, 3) float32 world metres at frame ``t``: the stored ones, or posed anew from the stored parameters."""
        if self.track.vertices is not None:
            return self.track.vertices[t]
        return self._posed(t).vertices[0]

    def _posed(self, t: int):
        track = self.track
        return pose_body(self.model, track.pose[t : t + 1], track.betas, track.transl[t : t + 1], self.offsets)

    @cached_property
    def face_colours(self) -> np.ndarray | None:
        """(F, 3) uint8: the texture around the middle of each face; None without a texture."""
        if self.texture is None:
            return None
        corners = self.model.topology.uv
        middle = corners.mean(axis=1, keepdims=True)
        samples = np.concatenate([middle, (corners + middle) / 2], axis=1)  # (F, 4, 2)
        size = np.array(self.texture.shape[1::-1])
        texel = np.clip((samples * [1, -1] + [0, 1]) * size, 0, size - 1).astype(int)
        return self.texture[texel[..., 1], texel[..., 0]].mean(axis=1).round().astype(np.uint8)

    def check(self) -> None:
        """Raise DatasetError unless this body is the one that the clip's joints come from."""
        if self.track.vertices is not None:
            fits = self.track.vertices.shape[1] == self.model.num_vertices
        else:
            joints = self.track.joints[0]
            fits = np.abs(self._posed(0).joints[0, : len(joints)] - joints).max() < STRAY
        if not fits:
            raise DatasetError(
                f"the body {self.track.body!r} of this machine is not the one that the clip was made with"
            )


def bodies_of(reader: ClipSource, collection: Collection, catalog: Catalog) -> tuple[dict[str, Body], str]:
    """(person name → Body of all whose body is at hand, a sentence on the others or "")."""
    if collection.kind == "surreal":
        return {}, "A SURREAL-layout clip holds no surfaces: points are shown where its depth is."
    found, problem = {}, ""
    for person in (p for p in reader.spec.people if p.name in reader.people):
        try:
            found[person.name] = _body(person, reader.track(person.name), catalog)
        except MannequinError as e:
            problem = problem or f"No surface of {person.name}, points instead: {e}"
    return found, problem


def _body(person: PersonSpec, track: PersonTrack, catalog: Catalog) -> Body:
    model = catalog.body(person.body, person.joints)
    texture = person.appearance.texture
    body = Body(model, track, catalog.clothes(texture, model), _texture(texture, model, catalog))
    body.check()
    return body


def _texture(name: str, model: BodyModel, catalog: Catalog) -> np.ndarray | None:
    try:
        return catalog.texture(name, model, TEXELS)
    except MannequinError:  # footage has none; a lost one shall not cost the shape
        return None


def catalog_of(collection: Collection) -> Catalog:
    """The assets that a collection's config names; the built-in ones if it names none."""
    return Poser(collection.dataset.config if collection.dataset else {}).catalog


def textured_patches(faces: np.ndarray, face_colours: np.ndarray) -> list[Patch]:
    """Faces by their own colours, which are reduced to at most COLOURS. face_colours: (F, 3) uint8.

    Vertices between patches are sent with each, so ragged patches cost bytes: a face takes another
    colour than its nearest if that joins it to its neighbours (iterated conditional modes, Besag 1986).
    """
    reduced = Image.fromarray(face_colours[None]).quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    palette = np.array(reduced.getpalette(), np.uint8).reshape(-1, 3)[: np.asarray(reduced).max() + 1]
    misfit = ((face_colours[:, None].astype(float) - palette) ** 2).sum(axis=2)  # (F, COLOURS)
    labels, beside = misfit.argmin(axis=1), _beside(faces)
    for sweep in range(SWEEPS):
        own = beside @ np.eye(len(palette))[labels]
        turn = np.arange(len(faces)) % 2 == sweep % 2  # all at once would flicker between two states
        labels = np.where(turn, (misfit - JOINING * own).argmin(axis=1), labels)
    return labelled_patches(faces, labels, palette)


def _beside(faces: np.ndarray):
    """(F, F) sparse matrix, 1 for each pair of faces that share an edge."""
    one, other = np.asarray(trimesh.graph.face_adjacency(faces)).T
    rows, columns = np.concatenate([one, other]), np.concatenate([other, one])
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(faces), len(faces)))


def labelled_patches(faces: np.ndarray, labels: np.ndarray, colours: np.ndarray) -> list[Patch]:
    """Faces by label. labels: (F,) rows of colours (N, 3) uint8."""
    patches = []
    for label in np.unique(labels):
        ids, corners = np.unique(faces[labels == label], return_inverse=True)
        r, g, b = (int(c) for c in colours[label])
        patches.append(Patch((r, g, b), ids, corners.reshape(-1, 3).astype(np.uint32)))
    return patches


def unproject(
    pixels: np.ndarray, depth: np.ndarray, K: np.ndarray, distortion, T_world_camera: np.ndarray, resolution
) -> np.ndarray:
    """(N, 3) float64 world metres of the surface seen at pixels (N,), flat indices y * W + x.

    depth: (N,) planar metres, taken at the pixels' middles. K: (3, 3). T_world_camera: (4, 4).
    """
    y, x = np.divmod(pixels.astype(np.int64), resolution[1])
    at = np.stack([x + 0.5, y + 0.5], axis=1)
    if any(distortion) and len(at):
        at = cv2.undistortPointsIter(at[:, None], K, np.array(distortion), ABSENT, ABSENT, UNDISTORTED)[:, 0]
    else:
        at = (at - K[:2, 2]) / K[[0, 1], [0, 1]]
    local = np.concatenate([at, np.ones((len(at), 1))], axis=1) * depth[:, None]
    return local @ T_world_camera[:3, :3].T + T_world_camera[:3, 3]

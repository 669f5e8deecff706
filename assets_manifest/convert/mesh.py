"""Which parts of the base mesh make up the body, and in which order."""

from dataclasses import dataclass

import numpy as np

from .mpfb import BaseMesh

EYES = {"left": "helper-l-eye", "right": "helper-r-eye"}

NIPPLES = tuple(range(1778, 1794)) + tuple(range(8450, 8466))
"""Vertices of the nipples, taken off; ``NIPPLE_CAPS`` close the two holes."""

NIPPLE_CAPS = (
    (8437, 8438, 8439, 8440),
    (8436, 8437, 8440, 8441),
    (8435, 8436, 8441, 8442),
    (8434, 8435, 8442, 8443),
    (8449, 8434, 8443, 8444),
    (8448, 8449, 8444, 8445),
    (8447, 8448, 8445, 8446),
    (1762, 1771, 1770, 1763),
    (1763, 1770, 1769, 1764),
    (1764, 1769, 1768, 1765),
    (1765, 1768, 1767, 1766),
    (1762, 1777, 1772, 1771),
    (1777, 1776, 1773, 1772),
    (1776, 1775, 1774, 1773),
)


EYE_UV_ORIGIN = np.array([0.742, 0.868])
EYE_UV_SCALE = 4.5
"""MakeHuman gives an iris a handful of texels; the atlas' free corner has room for more."""


@dataclass(frozen=True, eq=False)
class BodyMesh:
    """Skin and eyeballs, without teeth, tongue, lashes, hair, clothes and joint markers.

    source: (V,) ids in the base mesh, ascending, so that every gender has the same order.
    quads, quad_uv: (Q, 4) ids in this mesh, and (Q, 4, 2) texture coordinates of the corners.
    mirror: (V,) vertex opposite.
    """

    source: np.ndarray
    quads: np.ndarray
    quad_uv: np.ndarray
    mirror: np.ndarray

    @property
    def faces(self) -> np.ndarray:
        """(2 Q, 3) triangles; quad q becomes the triangles 2 q and 2 q + 1."""
        return split_quads(self.quads)

    def local(self, base_ids: np.ndarray) -> np.ndarray:
        """Ids in this mesh of base-mesh vertices; those not in this mesh are left out."""
        ids = np.searchsorted(self.source, base_ids)
        ids = np.minimum(ids, len(self.source) - 1)
        return ids[self.source[ids] == base_ids]

    def mask(self, base_ids: np.ndarray) -> np.ndarray:
        """(V,) bool, true at the given base-mesh vertices."""
        out = np.zeros(len(self.source), bool)
        out[self.local(base_ids)] = True
        return out


def split_quads(quads: np.ndarray) -> np.ndarray:
    """(2 Q, 3, …) triangles of per-corner quad data (Q, 4, …)."""
    return np.stack([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]], axis=1).reshape(2 * len(quads), 3, *quads.shape[2:])


def enlarge(eyes_uv: np.ndarray) -> np.ndarray:
    """Texture coordinates (Q, 4, 2) of both eyes, moved to the free corner and scaled up."""
    return EYE_UV_ORIGIN + EYE_UV_SCALE * (eyes_uv - eyes_uv.min((0, 1)))


def body_mesh(base: BaseMesh, mirror: np.ndarray) -> BodyMesh:
    """Select the body from the base mesh; ``mirror`` is that of the whole base mesh."""
    skin, skin_uv = base.groups["body"]
    removed = np.isin(skin, NIPPLES).any(1)
    # A cap's corners take their texture coordinates from the faces which it replaces.
    uv_of = dict(zip(skin[removed].ravel(), skin_uv[removed].ravel()))
    caps = np.array(NIPPLE_CAPS)
    caps_uv = np.array([[uv_of[v] for v in cap] for cap in NIPPLE_CAPS])
    parts = [(skin[~removed], skin_uv[~removed]), (caps, caps_uv)]
    eyes = [base.groups[name] for name in EYES.values()]
    quads = np.concatenate([p[0] for p in parts + eyes])
    skin_uv = base.texcoords[np.concatenate([p[1] for p in parts])]
    eyes_uv = base.texcoords[np.concatenate([p[1] for p in eyes])]
    source = np.unique(quads)
    return BodyMesh(
        source,
        np.searchsorted(source, quads),
        np.concatenate([skin_uv, enlarge(eyes_uv)]),
        np.searchsorted(source, mirror[source]),
    )

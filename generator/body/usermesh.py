"""Labels of a mesh that a user brings: parts, charts, atlas and landmarks.

Parts and charts are computed from the body's own weights and shape, so they may differ by a few
faces between genders of one mesh. Computing takes seconds; the result is cached on disk.
"""

import hashlib
from pathlib import Path

import numpy as np

from mannequin.generator.body.charts import chart_atlas, densepose_style_charts, part_labels_from_weights
from mannequin.generator.body.model import FINGERS, Topology
from mannequin.generator.errors import AssetError, TopologyError
from mannequin.generator.io import limits
from mannequin.generator.io.cache import cached_arrays, content_key
from mannequin.generator.io.reading import read_bytes

LABELS_VERSION = 1
"""Raise it when parts or charts come out otherwise for the same mesh."""

_MESHES = {(6890, 13776): "smpl-6890", (10475, 20908): "smplx-10475", (778, 1538): "mano-778"}

_SMPL_VERTICES = {
    "nose": 332, "left_eye": 2800, "right_eye": 6260, "left_ear": 583, "right_ear": 4071,
    "left_big_toe": 3216, "left_small_toe": 3226, "left_heel": 3387,
    "right_big_toe": 6617, "right_small_toe": 6624, "right_heel": 6787,
    "left_thumb": 2746, "left_index": 2319, "left_middle": 2445, "left_ring": 2556, "left_pinky": 2673,
    "right_thumb": 6191, "right_index": 5782, "right_middle": 5905, "right_ring": 6016, "right_pinky": 6133,
}  # fmt: skip
_SMPLX_VERTICES = {
    "nose": 9120, "left_eye": 9448, "right_eye": 9929, "left_ear": 6, "right_ear": 616,
    "left_big_toe": 5770, "left_small_toe": 5780, "left_heel": 8846,
    "right_big_toe": 8463, "right_small_toe": 8474, "right_heel": 8635,
    "left_thumb": 5361, "left_index": 4933, "left_middle": 5058, "left_ring": 5169, "left_pinky": 5286,
    "right_thumb": 8079, "right_index": 7669, "right_middle": 7794, "right_ring": 7905, "right_pinky": 8022,
}  # fmt: skip
_MANO_VERTICES = {"thumb": 744, "index": 320, "middle": 443, "ring": 554, "pinky": 671}


def user_topology(template, faces, weights, joints, joint_names, uv: np.ndarray | None) -> Topology:
    """Labels of a user's mesh.

    template: (V, 3) metres at rest. faces: (F, 3). weights: (V, J). joints: (J, 3) at rest.
    uv: (F, 3, 2) the official atlas, or None; then the charts are laid out as an atlas of our
    own, and the id ends in "-charts" so that images made for the official atlas are refused.
    """
    side = None if "pelvis" in joint_names else joint_names[0].partition("_")[0]
    labels = cached_arrays(
        "topology",
        content_key(LABELS_VERSION, template, faces, weights, joints, joint_names),
        lambda: _compute_labels(template, faces, weights, joints, joint_names),
    )
    return Topology(
        id=mesh_id(len(template), faces, side) + ("-charts" if uv is None else ""),
        num_vertices=len(template),
        faces=faces,
        part=labels["part"],
        uv=(chart_atlas(labels["chart"], labels["chart_uv"]) if uv is None else uv).astype(np.float32),
        chart=labels["chart"],
        chart_uv=labels["chart_uv"],
        landmarks=_landmarks(len(template), side),
        regions={},
    )


def mesh_id(num_vertices: int, faces: np.ndarray, side: str | None = None) -> str:
    """ "smpl-6890" (SMPL and SMPL-H), "smplx-10475", "mano-778-right", else "sha256:…" of the faces."""
    known = _MESHES.get((num_vertices, len(faces)))
    if known is None:
        return "sha256:" + hashlib.sha256(np.ascontiguousarray(faces, "<i4").data).hexdigest()[:16]
    return f"{known}-{side}" if side else known


def _compute_labels(template, faces, weights, joints, joint_names):
    part = part_labels_from_weights(faces, weights, joint_names)
    if "pelvis" not in joint_names:  # a hand is a single chart: any distinct joints will do
        joints = np.arange(66.0).reshape(22, 3)
    chart, chart_uv = densepose_style_charts(faces, template, part, joints)
    return {"part": part, "chart": chart, "chart_uv": chart_uv}


def _landmarks(num_vertices: int, side: str | None) -> dict[str, int]:
    if num_vertices == 778 and side:
        return {f"{side}_{finger}": _MANO_VERTICES[finger] for finger in FINGERS}
    return dict({6890: _SMPL_VERTICES, 10475: _SMPLX_VERTICES}.get(num_vertices, {}))


def read_obj_uv(path: Path, num_vertices: int, faces: np.ndarray) -> np.ndarray:
    """(F, 3, 2) texture coordinates of an .obj of the same mesh, corner by corner.

    Raises TopologyError where its vertices, faces or corners are those of another mesh.
    """
    texture, corners, vertices = [], [], 0
    try:
        content = read_bytes(path, limits.MESH_BYTES, "an .obj with texture coordinates")
        for line in content.decode("utf-8", "replace").splitlines():
            key, *values = line.split() or [""]
            if key == "v":
                vertices += 1
            elif key == "vt":
                texture.append([float(x) for x in values[:2]])
            elif key == "f":
                corners.append([[int(n) for n in value.split("/")[:2]] for value in values])
        corners = np.array(corners, np.int64).reshape(-1, 3, 2) - 1
        texture = np.array(texture, np.float64).reshape(-1, 2)
    except (ValueError, IndexError, OverflowError) as e:
        raise AssetError(
            f"{path} cannot be read as an .obj of triangles with texture coordinates ({e}). Use SMPL's own UV file."
        ) from e
    return match_uv(str(path), num_vertices, faces, vertices, corners[..., 0], texture, corners[..., 1])


def match_uv(where, num_vertices, faces, their_vertices, their_faces, texture, index) -> np.ndarray:
    """(F, 3, 2) coordinates for ``faces``, whose triangles ``their_faces`` may list in another order."""
    if their_vertices != num_vertices or len(their_faces) != len(faces):
        raise TopologyError(
            f"{where} has {their_vertices} vertices and {len(their_faces)} faces; the body has {num_vertices} and "
            f"{len(faces)}. Use the UV file made for this very mesh."
        )
    if index.shape != faces.shape or index.min(initial=0) < 0 or index.max(initial=-1) >= len(texture):
        raise TopologyError(
            f"{where} has faces that name texture coordinates which it does not hold. Use the UV file made "
            "for this very mesh."
        )
    if not np.abs(texture).max(initial=0) <= limits.TEXTURE_COORDINATE:  # NaN included
        raise AssetError(
            f"{where} has texture coordinates beyond ±{limits.TEXTURE_COORDINATE:g}. Expected numbers around [0, 1]; "
            "use the UV file made for this very mesh."
        )
    ours, our_turn = _sorted_faces(faces)
    theirs, their_turn = _sorted_faces(their_faces)
    if not np.array_equal(ours, theirs):
        raise TopologyError(
            f"{where} joins its vertices into other faces than the body does. Use the UV file made for this very mesh."
        )
    uv = np.empty(faces.shape + (2,), np.float32)
    uv[our_turn] = texture[index[their_turn]]
    return uv


def _sorted_faces(faces):
    """The same faces, each from its lowest corner on and in lexical order; and where each came from."""
    turn = (faces.argmin(axis=1)[:, None] + np.arange(3)) % 3
    turned = np.take_along_axis(faces, turn, axis=1)
    order = np.lexsort(turned.T[::-1])
    return turned[order], (order[:, None], turn[order])

"""Soft masks of areas that textures, hair and contacts need."""

import numpy as np

from mannequin.generator.body.model import PARTS

from .mesh import EYES, BodyMesh
from .mpfb import BaseMesh, MpfbData

TEXTURE_MASKS = {
    "lips": "lips",
    "ears": "ears",
    "fingernails": "fingernails",
    "toenails": "toenails",
    "face": "face",
    "mouth_inside": "inside-mouth",
    "eyelids": "eyelids",
}
"""Region → MPFB2's mask image in the layout of the UV atlas."""

IRIS_ANGLE, PUPIL_ANGLE = np.deg2rad(24.0), np.deg2rad(10.0)
"""Half-angles, seen from the eyeball's centre, of an iris and a pupil in daylight."""


def sample_at_vertices(image: np.ndarray, body: BodyMesh) -> np.ndarray:
    """(V,) mean over a vertex's corners of the image's value at their texture coordinates."""
    height, width = image.shape
    uv = body.quad_uv.reshape(-1, 2)
    column = np.clip((uv[:, 0] * width).astype(int), 0, width - 1)
    row = np.clip(((1.0 - uv[:, 1]) * height).astype(int), 0, height - 1)
    corner = body.quads.ravel()
    total = np.bincount(corner, image[row, column], len(body.source))
    return total / np.bincount(corner, minlength=len(body.source))


def eye_regions(mean: np.ndarray, base: BaseMesh, body: BodyMesh) -> dict[str, np.ndarray]:
    """The eyeballs with iris and pupil, by the angle from each eye's foremost direction.

    The mesh is too coarse for a crisp iris by vertices: "eye_front" (1 at the pupil's centre,
    falling linearly with the angle to 0 at the back) allows one to be cut from interpolated
    values instead, at 1 - IRIS_ANGLE / π.
    """
    out = {name: np.zeros(len(mean)) for name in ("eyes", "iris", "pupil", "eye_front")}
    for name in EYES.values():
        ids = body.local(base.group_vertices(name))
        direction = mean[ids] - sphere_centre(mean[ids])
        cosine = direction[:, 2] / np.linalg.norm(direction, axis=1)
        angle = np.round(np.arccos(np.clip(cosine, -1.0, 1.0)), 4)
        out["eyes"][ids] = 1.0
        out["iris"][ids] = angle < IRIS_ANGLE
        out["pupil"][ids] = angle < PUPIL_ANGLE
        out["eye_front"][ids] = 1.0 - angle / np.pi
    return out


def sphere_centre(points: np.ndarray) -> np.ndarray:
    """(3,) centre of the sphere that fits points (N, 3) best, in the algebraic sense."""
    system = np.column_stack([2.0 * points, np.ones(len(points))])
    return np.linalg.lstsq(system, (points**2).sum(1), rcond=None)[0][:3]


def eyebrow_region(mean: np.ndarray, on_head: np.ndarray, landmarks) -> np.ndarray:
    """(V,) two arched bands on the brow ridges, by distance from the eyes' fronts."""
    eye = mean[landmarks["left_eye"]]
    beside = np.abs(mean[:, 0]) - eye[0]
    arch = eye[1] + 0.0235 - 5.0 * (beside - 0.006) ** 2
    half_height = np.interp(beside, (-0.018, -0.010, 0.015, 0.026), (0.004, 0.005, 0.004, 0.001))
    across = 1.0 - np.abs(mean[:, 1] - arch) / (half_height + 0.0025)
    along = np.minimum(beside + 0.021, 0.030 - beside) / 0.004
    front = mean[:, 2] > eye[2] - 0.035
    return on_head * front * np.clip(2.0 * np.minimum(across, along), 0.0, 1.0)


def scalp_region(mean: np.ndarray, on_head: np.ndarray, landmarks: dict[str, int]) -> np.ndarray:
    """(V,) where hair grows: above a hairline through brow, temples, ears and nape."""
    ear, eye = mean[landmarks["left_ear"]], mean[landmarks["left_eye"]]
    crown = mean[landmarks["top_of_head"]]
    behind = ear[2] - mean[:, 2]
    brow_to_crown = crown[1] - eye[1]
    front_line = eye[1] + 0.62 * brow_to_crown
    temple_line = ear[1] + 0.02
    nape_line = ear[1] - 0.05
    # Height of the hairline along the head from front (z of the eyes) over the ears to the nape.
    along = np.array([ear[2] - eye[2] - 0.02, ear[2] - eye[2] + 0.045, -0.012, 0.012, 0.10])
    line = np.interp(behind, along, [front_line, front_line - 0.02, temple_line, nape_line + 0.02, nape_line])
    return on_head * np.clip((mean[:, 1] - line) / 0.012 + 0.5, 0.0, 1.0)


def sole_regions(mean: np.ndarray, faces: np.ndarray, part_mask) -> dict[str, np.ndarray]:
    """Soles of both feet: low vertices of the foot whose normal points down."""
    normal = vertex_normals(mean, faces)
    out = {}
    for side in ("left", "right"):
        foot = part_mask(f"{side}Foot", f"{side}ToeBase")
        floor = mean[foot > 0, 1].min()
        low = np.clip((floor + 0.03 - mean[:, 1]) / 0.01, 0.0, 1.0)
        out[f"{side}_sole"] = foot * low * np.clip((-normal[:, 1] - 0.1) / 0.4, 0.0, 1.0)
    return out


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) unit normals, the faces around weighted by area."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    face_normal = np.cross(b - a, c - a)
    normal = np.zeros_like(vertices)
    for k in range(3):
        for axis in range(3):
            normal[:, axis] += np.bincount(faces[:, k], face_normal[:, axis], len(vertices))
    return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)


def find_regions(
    data: MpfbData,
    base: BaseMesh,
    body: BodyMesh,
    mean: np.ndarray,
    part: np.ndarray,
    landmarks: dict[str, int],
) -> dict[str, np.ndarray]:
    """Name → (V,) values in [0, 1]; mean (V, 3) metres, part (2 Q,) face labels."""
    eyes = eye_regions(mean, base, body)
    skin = 1.0 - eyes["eyes"]

    def part_mask(*names: str) -> np.ndarray:
        wanted = np.isin(part, [PARTS.index(n) + 1 for n in names])
        out = np.zeros(len(mean))
        out[body.faces[wanted].ravel()] = 1.0
        return out * skin

    regions = {name: sample_at_vertices(data.texture(image), body) * skin for name, image in TEXTURE_MASKS.items()}
    regions |= eyes
    regions["eyebrows"] = eyebrow_region(mean, part_mask("head"), landmarks)
    regions["scalp"] = scalp_region(mean, part_mask("head"), landmarks)
    regions["scalp"] *= 1.0 - regions["ears"]
    regions |= sole_regions(mean, body.faces, part_mask)
    for side in ("left", "right"):
        regions[f"{side}_hand"] = part_mask(f"{side}Hand", f"{side}HandIndex1")
        regions[f"{side}_foot"] = part_mask(f"{side}Foot", f"{side}ToeBase")
    return {
        name: np.clip(0.5 * (r + r[body.mirror]), 0.0, 1.0)
        if not name.startswith(("left", "right"))
        else np.clip(r, 0.0, 1.0)
        for name, r in sorted(regions.items())
    }

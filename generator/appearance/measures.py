"""Measures of a body in its T-pose, as a tailor and a barber would take them.

Everything here is found from joints, skinning weights and shape; landmarks and regions are used
where a topology has them.
"""

from typing import NamedTuple

import numpy as np

from mannequin.generator.appearance.surface import components
from mannequin.generator.body.model import SMPL_JOINTS, BodyModel
from mannequin.generator.errors import AssetError

ARM_JOINTS = ("shoulder", "elbow", "wrist", "hand")
FOOT_JOINTS = ("ankle", "foot")


class Measures(NamedTuple):
    """Metres in the model frame (Y up, facing +Z); sided ones are those of the left side.

    Both sides are averaged. ``face`` is the height from chin to eyes, 0.11 m on average.
    """

    hip_x: float
    hip_y: float
    hip_z: float
    knee_x: float
    knee_y: float
    knee_z: float
    ankle_x: float
    ankle_y: float
    ankle_z: float
    floor_y: float
    crotch_y: float
    trunk: float  # from hips to the base of the neck
    trunk_z: float
    neck_y: float
    neck_z: float
    shoulder_x: float
    shoulder_y: float
    shoulder_z: float
    elbow_x: float
    wrist_x: float
    hand_z: float
    eye_x: float
    eye_y: float
    eye_z: float
    eye_radius: float
    nose_y: float
    nose_z: float
    chin_y: float
    top_y: float
    ear_y: float
    ear_z: float
    face: float


def is_of(name: str, stems: tuple[str, ...]) -> bool:
    """Whether a joint is one of the sided ``stems`` or, for "hand", one of its fingers."""
    side, _, stem = name.partition("_")
    if side not in ("left", "right"):
        return False
    return stem in stems or ("hand" in stems and stem[-1:].isdigit())


def share_of(body: BodyModel, stems: tuple[str, ...]) -> np.ndarray:
    """(V,) skinning weight of the sided joints whose names are in ``stems``."""
    columns = [j for j, name in enumerate(body.joint_names) if is_of(name, stems)]
    return body.weights[:, columns].sum(1)


def head_share(body: BodyModel) -> np.ndarray:
    """(V,) skinning weight of the head with jaw and eyes."""
    names = ("head", "jaw", "left_eye_smplhf", "right_eye_smplhf")
    return body.weights[:, [j for j, name in enumerate(body.joint_names) if name in names]].sum(1)


def eyeballs(body: BodyModel) -> np.ndarray:
    """(V,) bool: region "eyes", else the mesh's small separate pieces inside the head."""
    if "eyes" in body.topology.regions:
        return body.topology.regions["eyes"] > 0.5
    piece = components(body.topology.faces, body.num_vertices)
    sizes = np.bincount(piece)
    return (sizes[piece] < 0.1 * body.num_vertices) & (head_share(body) > 0.5)


def measure(body: BodyModel) -> Measures:
    """Raises AssetError for a model that is no whole body with SMPL's joints."""
    missing = [name for name in SMPL_JOINTS[:22] if name not in body.joint_names]
    if missing:
        raise AssetError(
            f"Body {body.name!r} has no joint {missing[0]!r}, so clothes cannot be fitted to it. "
            "Expected a whole body with SMPL's joints; use a SMPL, SMPL-H or SMPL-X body, or give textures "
            "for this one."
        )
    points = body.v_template.astype(np.float64)
    joint = {name: body.rest_joints[j] for j, name in enumerate(body.joint_names)}

    def sided(stem: str) -> np.ndarray:
        return 0.5 * (joint[f"left_{stem}"] + joint[f"right_{stem}"] * (-1, 1, 1))

    hip, knee, ankle, shoulder = (sided(s) for s in ("hip", "knee", "ankle", "shoulder"))
    limbs = share_of(body, ("hip", "knee", "ankle", "foot", *ARM_JOINTS))
    middle = np.abs(points[:, 0]) < 0.012
    trunk_low = points[middle & (np.abs(points[:, 1] - hip[1]) < 0.25)]
    hand = share_of(body, ("wrist", "hand")) > 0.5
    trunk = (limbs < 0.3) & (points[:, 1] > hip[1]) & (points[:, 1] < shoulder[1] - 0.1)
    return Measures(
        *hip,
        *knee,
        *ankle,
        floor_y=points[:, 1].min(),
        crotch_y=trunk_low[:, 1].min() if len(trunk_low) else hip[1] - 0.08,
        trunk=joint["neck"][1] - hip[1],
        trunk_z=0.5 * (points[trunk, 2].min() + points[trunk, 2].max()) if trunk.any() else hip[2],
        neck_y=joint["neck"][1],
        neck_z=joint["neck"][2],
        shoulder_x=shoulder[0],
        shoulder_y=shoulder[1],
        shoulder_z=shoulder[2],
        elbow_x=sided("elbow")[0],
        wrist_x=sided("wrist")[0],
        hand_z=points[hand, 2].mean(),
        **_measure_head(body, points, joint),
    )


def _measure_head(body: BodyModel, points: np.ndarray, joint: dict) -> dict[str, float]:
    """The head's fields of Measures; what is not labelled is placed by proportion."""
    marks = body.topology.landmarks
    balls = eyeballs(body)
    head = (head_share(body) > 0.6) & ~balls
    top = points[head, 1].max()
    # Heads are 23 cm high on average, the eyes half-way.
    middle = head & (np.abs(points[:, 0]) < 0.012)
    height = top - joint["head"][1] + 0.03
    low = top - height
    band = middle & (points[:, 1] > low + 0.15 * height) & (points[:, 1] < low + 0.6 * height)
    nose = points[marks["nose"]] if "nose" in marks else points[band][points[band, 2].argmax()]
    if balls.any():
        ball = points[balls]
        left = ball[ball[:, 0] > 0]
        centre = 0.5 * (left.min(0) + left.max(0))
        radius = 0.5 * np.ptp(left[:, 0])
        eye = {"eye_x": centre[0], "eye_y": centre[1], "eye_z": centre[2], "eye_radius": radius}
    else:
        eye = {"eye_x": 0.031, "eye_y": nose[1] + 0.035, "eye_z": nose[2] - 0.035, "eye_radius": 0.012}
    chin = points[marks["chin"], 1] if "chin" in marks else nose[1] - 0.075
    if "left_ear" in marks:
        ear = points[marks["left_ear"]]
    else:
        beside = head & (np.abs(points[:, 1] - eye["eye_y"] + 0.02) < 0.03)
        ear = points[beside & (points[:, 0] > points[beside, 0].max() - 0.006)].mean(0)
    return dict(
        **eye,
        nose_y=nose[1],
        nose_z=nose[2],
        chin_y=chin,
        top_y=top,
        ear_y=ear[1],
        ear_z=ear[2],
        face=eye["eye_y"] - chin,
    )

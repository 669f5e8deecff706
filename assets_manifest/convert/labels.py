"""Labels every face with one of SURREAL's 24 body parts.

The parts are cut by planes through the joints of the mean T-pose, limb by limb. The largest
skinning weight would be simpler but leaves ragged borders and nearly no shoulders (collars).
"""

import numpy as np

from mannequin.generator.body.charts import keep_largest_islands
from mannequin.generator.body.model import PARTS, SMPL_JOINTS

from .mesh import BodyMesh
from .skeleton import ALL_JOINTS

SHOULDER_INNER = 0.42
"""Where the shoulder part begins, as a share of the way from the mid-line to the shoulder."""


def _beyond(points: np.ndarray, origin: np.ndarray, normal) -> np.ndarray:
    """(N,) bool: points on the side of the plane that the normal shows to."""
    return (points - origin) @ np.asarray(normal, dtype=np.float64) > 0.0


def _trunk(points: np.ndarray, joint) -> np.ndarray:
    """Part names' joints for the trunk, neck and head, from bottom to top."""
    label = np.full(len(points), "pelvis", dtype=object)
    # The uppermost must begin below the arm pits, or the shoulders would cut front from back.
    for name, lower in (("spine1", 0.0), ("spine2", 0.0), ("spine3", 0.05)):
        label[points[:, 1] > joint(name)[1] - lower] = name
    # The collar bone lies low in front and the nape high behind, and so with jaw and skull.
    label[_beyond(points, joint("neck") - (0, 0.035, 0), (0.0, 1.0, 0.35))] = "neck"
    jaw = joint("head") + np.array([0.0, -0.055, 0.06])
    skull = joint("head") + np.array([0.0, 0.005, -0.075])
    along = jaw - skull
    label[_beyond(points, jaw, (0.0, along[2], -along[1]))] = "head"
    return label


def _shoulder(label, points, joint) -> None:
    """Cut the shoulder and everything of the arm off the trunk (left half, in place)."""
    shoulder, elbow = joint("shoulder"), joint("elbow")
    inner = shoulder * (SHOULDER_INNER, 1.0, 1.0)
    upper_trunk = np.isin(label.astype(str), ("spine3", "neck", "spine2"))
    # From above the arm pit the border runs inwards and up to the side of the neck.
    armpit = shoulder + np.array([-0.035, -0.07, 0.0])
    edge = inner + np.array([0.0, 0.075, 0.0]) - armpit
    collar = upper_trunk & _beyond(points, armpit, (edge[1], -edge[0], 0.0))
    label[collar] = "collar"
    arm_root = shoulder + 0.03 * (elbow - shoulder) / np.linalg.norm(elbow - shoulder)
    arm = points[:, 0] > arm_root[0] + 0.12 * (points[:, 1] - arm_root[1])
    label[arm & (points[:, 1] > shoulder[1] - 0.2)] = "shoulder"


def _arm(label, points, joint) -> None:
    """Cut the arm at elbow, wrist and knuckles (left half, in place)."""
    on_arm = label == "shoulder"
    for name, previous, following in (("elbow", "shoulder", "wrist"), ("wrist", "elbow", "hand")):
        axis = joint(following) - joint(previous)
        label[on_arm & _beyond(points, joint(name), axis)] = name
    # From the thumb's middle joint straight to the root of the little finger, so that all
    # five fingers hang together.
    thumb, pinky = joint("thumb2"), joint("pinky1")
    across = pinky - thumb
    normal = np.array([-across[2], 0.0, across[0]])
    normal *= np.sign(normal[0])
    label[(label == "wrist") & _beyond(points, thumb, normal)] = "hand"


def _leg(label, points, joint) -> None:
    """Cut the leg off at the groin, and at knee, ankle and the balls of the feet."""
    hip, knee, ankle = joint("hip"), joint("knee"), joint("ankle")
    groin = np.array([0.0, hip[1] - 0.085, 0.0])
    flank = np.array([hip[0] + 0.06, hip[1] + 0.035, 0.0])
    edge = flank - groin
    low = points[:, 1] < hip[1] + 0.1
    leg = low & _beyond(points, groin, (edge[1], -edge[0], 0.0))
    label[leg] = "hip"
    label[leg & _beyond(points, knee, ankle - hip)] = "knee"
    label[leg & _beyond(points, ankle, (0.0, -1.0, 0.35))] = "ankle"
    toes = _beyond(points, joint("foot"), (0.0, -0.15, 1.0)) & (points[:, 1] < ankle[1])
    label[leg & toes] = "foot"


def part_labels(mean: np.ndarray, joints: np.ndarray, body: BodyMesh, eyes: np.ndarray) -> np.ndarray:
    """(2 Q,) uint8, 1…24 in the order of ``PARTS``, one label per quad.

    mean: (V, 3) metres in the T-pose; joints: (54, 3); eyes: (V,) bool.
    """
    centre = mean[body.quads].mean(1)
    right = centre[:, 0] < 0.0
    points = centre * np.where(right, -1.0, 1.0)[:, None] ** (1, 0, 0)

    def joint(name: str) -> np.ndarray:
        return joints[ALL_JOINTS.index(name if name in ALL_JOINTS else f"left_{name}")]

    label = _trunk(points, joint)
    _shoulder(label, points, joint)
    _arm(label, points, joint)
    _leg(label, points, joint)
    label[eyes[body.quads].all(1)] = "head"
    sided = np.array(["right_" if r else "left_" for r in right], dtype=object)
    names = [n if n in SMPL_JOINTS else s + n for n, s in zip(label, sided)]
    part = np.array([SMPL_JOINTS.index(n) + 1 for n in names], dtype=np.uint8)
    assert len(PARTS) == len(SMPL_JOINTS)
    skin_quads = ~eyes[body.quads].all(1)
    part[skin_quads] = keep_largest_islands(body.quads[skin_quads], part[skin_quads])
    return np.repeat(part, 2)

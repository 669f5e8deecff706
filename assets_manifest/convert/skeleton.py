"""Relates MPFB2's 163-bone rig to SMPL-H's 52 joints."""

import numpy as np

from mannequin.generator.body.model import FINGERS, SMPLH_JOINTS

from .mpfb import Rig

HAND_JOINTS = ("left_hand", "right_hand")
"""SMPL's last two joints, which stand for all fingers; SMPL-H has none of them."""

ALL_JOINTS = SMPLH_JOINTS + HAND_JOINTS
"""The 54 joints that have a row in the shipped regressor."""

FINGER_NUMBER = {"thumb": 1, "index": 2, "middle": 3, "ring": 4, "pinky": 5}

_BY_PREFIX = (
    ("upperleg", "hip"),
    ("lowerleg", "knee"),
    ("foot", "ankle"),
    ("toe", "foot"),
    ("clavicle", "collar"),
    ("shoulder01", "collar"),
    ("upperarm", "shoulder"),
    ("lowerarm", "elbow"),
    ("wrist", "wrist"),
    ("metacarpal", "wrist"),
)
_TRUNK = {
    "root": "pelvis",
    "pelvis": "pelvis",
    "spine05": "pelvis",
    "spine04": "pelvis",
    "spine03": "spine1",
    "spine02": "spine2",
    "breast": "spine2",
    "spine01": "spine3",
    "neck01": "neck",
    "neck02": "neck",
    "neck03": "neck",
}
_HEADS = {
    "spine1": ("spine03",),
    "spine2": ("spine02",),
    "spine3": ("spine01",),
    "neck": ("neck01",),
    "head": ("head",),
    "hip": ("upperleg01",),
    "knee": ("lowerleg01",),
    "ankle": ("foot",),
    "foot": ("toe1-1", "toe2-1", "toe3-1", "toe4-1"),
    "collar": ("clavicle", "shoulder01"),
    "shoulder": ("upperarm01",),
    "elbow": ("lowerarm01",),
    "wrist": ("wrist",),
    "hand": ("finger2-1", "finger3-1", "finger4-1", "finger5-1"),
}
"""Bones whose heads' mean is the joint; the sided ones are without their suffix."""

PELVIS_ABOVE_HIPS = 0.044
"""Height of SMPL's pelvis above its hip joints, as a share of stature (7.5 cm of 1.7 m)."""


def joint_of_bone(bone: str) -> str:
    """The SMPL-H joint that carries a bone of the fine rig."""
    stem, _, suffix = bone.partition(".")
    if stem in _TRUNK:
        return _TRUNK[stem]
    side = {"L": "left", "R": "right"}.get(suffix)
    for prefix, joint in _BY_PREFIX:
        if stem.startswith(prefix) and side:
            return f"{side}_{joint}"
    if stem.startswith("finger"):
        number, phalanx = stem[len("finger") :].split("-")
        finger = next(f for f in FINGERS if FINGER_NUMBER[f] == int(number))
        return f"{side}_{finger}{phalanx}"
    return "head"


def bones_at(joint: str) -> tuple[str, ...]:
    """The bones at whose heads (their mean) a joint other than the pelvis lies."""
    side, _, stem = joint.rpartition("_")
    if stem in _HEADS:
        names = _HEADS[stem]
    else:
        names = (f"finger{FINGER_NUMBER[stem[:-1]]}-{stem[-1]}",)
    return tuple(f"{n}.{side[0].upper()}" for n in names) if side else names


def bone_to_joint(rig: Rig) -> np.ndarray:
    """(B,) index in ``SMPLH_JOINTS`` of the joint that carries each bone."""
    return np.array([SMPLH_JOINTS.index(joint_of_bone(name)) for name in rig.names])


def joint_weights(rig: Rig, bone_weights: np.ndarray) -> np.ndarray:
    """(V, 52) skinning weights: those of the fine rig (V, B) summed by joint."""
    carry = np.zeros((len(rig.names), len(SMPLH_JOINTS)))
    carry[np.arange(len(rig.names)), bone_to_joint(rig)] = 1.0
    return bone_weights @ carry


def joint_positions(rig: Rig, heads: np.ndarray, stature: np.ndarray) -> np.ndarray:
    """(N, 54, 3) metres: ``ALL_JOINTS`` from the bone heads (N, B, 3) and statures (N,)."""
    out = np.empty((len(heads), len(ALL_JOINTS), 3))
    for row, joint in enumerate(ALL_JOINTS):
        names = ("upperleg01.L", "upperleg01.R") if joint == "pelvis" else bones_at(joint)
        out[:, row] = heads[:, [rig.index(n) for n in names]].mean(1)
    out[:, 0, 1] += PELVIS_ABOVE_HIPS * stature
    return out


def mirror_joints() -> np.ndarray:
    """(54,) index of the joint at the opposite side of each of ``ALL_JOINTS``."""

    def opposite(name: str) -> str:
        if name.startswith("left"):
            return "right" + name[4:]
        return "left" + name[5:] if name.startswith("right") else name

    return np.array([ALL_JOINTS.index(opposite(name)) for name in ALL_JOINTS])

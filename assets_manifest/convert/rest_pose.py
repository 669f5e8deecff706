"""Brings MakeHuman's A-pose to SMPL's T-pose.

All rotations are world rotations of the fine rig's bones, found per person from that person's
bone heads, so that limbs of every length end up in the same directions.
"""

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from .mpfb import Rig

SPREAD = {2: 0.10, 3: 0.02, 4: -0.05, 5: -0.14}
"""Forward component of the direction of each straight finger (2 index … 5 little finger)."""

FOOT_YAW = np.deg2rad(10.0)
"""Outward turn of the feet in the rest pose."""


def rotation_between(a: np.ndarray, b: ArrayLike) -> np.ndarray:
    """(N, 3, 3) smallest rotations that turn vectors a (N, 3) into direction b (3,)."""
    a = a / np.linalg.norm(a, axis=-1, keepdims=True)
    direction = np.asarray(b) / np.linalg.norm(b)
    axis = np.cross(a, direction)
    sine = np.linalg.norm(axis, axis=-1)
    angle = np.arctan2(sine, a @ direction)
    return Rotation.from_rotvec(axis * (angle / np.maximum(sine, 1e-12))[:, None]).as_matrix()


def fraction(rotations: np.ndarray, share: float) -> np.ndarray:
    """(N, 3, 3) rotations about the same axes by a share of the angles."""
    return Rotation.from_rotvec(Rotation.from_matrix(rotations).as_rotvec() * share).as_matrix()


def frame(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """(N, 3, 3) right-handed frames, first axis along x, third near z, as columns."""
    x = x / np.linalg.norm(x, axis=-1, keepdims=True)
    y = np.cross(z, x)
    y /= np.linalg.norm(y, axis=-1, keepdims=True)
    return np.stack([x, y, np.cross(x, y)], axis=-1)


def about_y(angle: np.ndarray) -> np.ndarray:
    """(N, 3, 3) rotations about the vertical axis."""
    return Rotation.from_euler("y", angle[:, None]).as_matrix()


def leg_rotations(head, sign: float) -> dict[str, np.ndarray]:
    """Bone-name prefix → (N, 3, 3) for one leg: nearly vertical, feet turned out evenly.

    head(name) gives (N, 3) positions of one side; sign is +1 on the left.
    """
    thigh = rotation_between(head("lowerleg01") - head("upperleg01"), (sign * 0.055, -1, 0))
    shank = rotation_between(head("foot") - head("lowerleg01"), (-sign * 0.02, -1, -0.09))
    forward = head("toe3-1") - head("foot")
    foot = about_y(sign * FOOT_YAW - np.arctan2(forward[:, 0], forward[:, 2]))
    half = fraction(foot, 0.5)  # knees follow half of the feet's turn
    return {"upperleg": half @ thigh, "lowerleg": half @ shank, "foot": foot, "toe": foot}


def hand_rotation(head, sign: float) -> np.ndarray:
    """(N, 3, 3) turning a hand so that it points sideways with its palm down."""
    along = (head("finger3-1") - head("wrist")) * sign
    across = head("finger2-1") - head("finger5-1")
    ones = np.ones((len(along), 1))
    target = frame(ones * (1.0, -0.06 * sign, 0.0), ones * (0.0, 0.0, 1.0))
    return target @ frame(along, across).transpose(0, 2, 1)


def arm_rotations(head, sign: float) -> dict[str, np.ndarray]:
    """Bone-name prefix → (N, 3, 3) for one arm; the twist is spread from shoulder to wrist."""
    upper = rotation_between(head("lowerarm01") - head("upperarm01"), (sign, -0.03, -0.06))
    bent = np.einsum("nij,nj->ni", upper, head("wrist") - head("lowerarm01"))
    fore = rotation_between(bent, (sign, 0.0, 0.03)) @ upper
    hand = hand_rotation(head, sign)
    twist = hand @ fore.transpose(0, 2, 1)
    return {
        "clavicle": fraction(upper, 0.12),
        "shoulder01": fraction(upper, 0.33),
        "upperarm01": fraction(twist, 0.15) @ upper,
        "upperarm02": fraction(twist, 0.25) @ upper,
        "lowerarm01": fraction(twist, 0.45) @ fore,
        "lowerarm02": fraction(twist, 0.75) @ fore,
        "wrist": hand,
        "metacarpal": hand,
        "finger1": hand,
    } | finger_rotations(head, sign, hand)


def finger_rotations(head, sign: float, hand: np.ndarray) -> dict[str, np.ndarray]:
    """Bone-name prefix → (N, 3, 3) that straightens the four fingers; the thumb stays."""
    out = {}
    for finger, spread in SPREAD.items():
        for phalanx in (1, 2, 3):
            # The last bone has no child; it continues the direction of the one before.
            first = min(phalanx, 2)
            bone = head(f"finger{finger}-{first + 1}") - head(f"finger{finger}-{first}")
            bone = np.einsum("nij,nj->ni", hand, bone)
            out[f"finger{finger}-{phalanx}"] = rotation_between(bone, (sign, -0.1, spread)) @ hand
    return out


def rest_rotations(rig: Rig, heads: np.ndarray) -> np.ndarray:
    """(N, B, 3, 3) world rotations to the T-pose for bone heads (N, B, 3) in the A-pose."""
    out = np.tile(np.eye(3), (*heads.shape[:2], 1, 1))
    for suffix, sign in ((".L", 1.0), (".R", -1.0)):

        def head(name, suffix=suffix):
            return heads[:, rig.index(name + suffix)]

        table = leg_rotations(head, sign) | arm_rotations(head, sign)
        for column, bone in enumerate(rig.names):
            if bone.endswith(suffix):
                match = [r for prefix, r in table.items() if bone.startswith(prefix)]
                if match:
                    out[:, column] = match[0]
    return out


def posed_heads(rig: Rig, heads: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """(N, B, 3) bone heads after the rotations, the root staying where it is."""
    out = heads.copy()
    for bone, parent in enumerate(rig.parents):
        if parent >= 0:
            offset = heads[:, bone] - heads[:, parent]
            out[:, bone] = out[:, parent] + np.einsum("nij,nj->ni", rotations[:, parent], offset)
    return out


def skin(vertices, weights, heads, rotations, moved_heads) -> np.ndarray:
    """Linear blend skinning with world rotations about the bones' heads.

    vertices (N, V, 3); weights (V, B); heads, moved_heads (N, B, 3); rotations (N, B, 3, 3).
    """
    shift = moved_heads - np.einsum("nbij,nbj->nbi", rotations, heads)
    affine = np.concatenate([rotations, shift[..., None]], axis=-1)
    sparse_weights = sp.csr_matrix(weights)
    out = np.empty_like(vertices)
    for n, points in enumerate(vertices):
        blend = (sparse_weights @ affine[n].reshape(-1, 12)).reshape(-1, 3, 4)
        out[n] = np.einsum("vij,vj->vi", blend[:, :, :3], points) + blend[:, :, 3]
    return out

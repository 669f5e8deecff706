"""A recorded performer in our axes, whatever axes, rest pose and unit the file has.

Everything is relative to a reference pose in which the performer stands: the file's rest pose
where that is one (T, A or arms hanging), else the frame that stands straightest. It is expressed
in the model frame of bodies: Y up, facing +Z, left +X.
"""

from dataclasses import dataclass, field

import numpy as np

from mannequin.generator import exact
from mannequin.generator.errors import AssetError
from mannequin.generator.motion.bvh import Bvh
from mannequin.generator.motion.gravity import AXES, Seen, Up, find_up
from mannequin.generator.motion.joint_map import NO_MAP, JointMap
from mannequin.generator.motion.joint_roles import Roles, find_roles
from mannequin.generator.motion.shared import Shared
from mannequin.generator.motion.skeletons import (
    ANKLE,
    COLLAR,
    ELBOW,
    FOOT,
    HEAD,
    HIP,
    KNEE,
    SHOULDER,
    WRIST,
    leg_length,
)
from mannequin.generator.rotations import angle_between, turn, unit

STANDING = np.deg2rad(50.0)
"""Limit on the angle of trunk, thighs, shins and feet to those of someone who stands."""

SNAP = np.deg2rad(15.0)
"""A reference pose this near to the file's axes is taken to be drawn along them."""

LEG_METRES = 0.83
"""Of an adult, for files in units of their own."""

MOMENTS, STANCE = 400, 0.35
"""Of a recording, looked at for which way is up; m/s below which a foot stands."""

REST_FRAME, REST_JUMP = np.deg2rad(0.5), np.deg2rad(20.0)
"""A first frame this near to the rest pose, followed by one this far from it, was put there by a converter."""


@dataclass(frozen=True, eq=False)
class Source:
    """A performer of T frames and J joints.

    roles: what the joints are. parents: (J,). rate: Hz.
    reference: (J, 3) joints of the reference pose in the model frame, in the file's unit.
    orientation: (T, J, 3, 3) takes the model frame of the reference pose to the Z-up world.
    position: (T, J, 3) in the Z-up world, in the file's unit.
    up: of the file. told: what was decided (up, forward, pose), as "word" → sentence. notes: sentences on what is
    not as expected. shared: with others of the recording, None where there are none.
    """

    roles: Roles
    parents: np.ndarray
    rate: float
    reference: np.ndarray
    orientation: np.ndarray
    position: np.ndarray
    up: Up
    told: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    shared: Shared | None = None

    def pair(self, role: str) -> np.ndarray:
        """(2,) joints (left, right) of a role."""
        return np.array(self.roles.sided[role])


def make_source(bvh: Bvh, name: str, given: JointMap = NO_MAP, up: str = "auto") -> Source:
    """Find joints, reference pose and axes. Raises AssetError where ``name`` is no person.

    given: joints that the user names. up: the axis of the file that is up, if the user says so.
    """
    roles = find_roles(bvh, name, given)
    orientation, position = bvh.world_transforms()
    notes = [*bvh.notes, *roles.doubts]
    if starts_at_rest(bvh, orientation):
        orientation, position = orientation[1:], position[1:]
        notes.append("begins with its rest pose and jumps: that frame is left out")
    still, reference, pose = np.eye(3)[None], bvh.rest_positions(), "the rest pose"
    if _bend(roles, reference[None])[0] > STANDING:
        bend = _bend(roles, position)
        best = int(np.argmin(bend))
        if bend[best] > STANDING:
            raise AssetError(
                f"The motion {name} has neither a rest pose nor a frame in which its skeleton stands upright "
                f"with feet forward (best: {np.rad2deg(bend[best]):.0f}° off). Expected one to tell front from back "
                f"and limb twist by, within {np.rad2deg(STANDING):.0f}°; start it with a T-pose."
            )
        still, reference, pose = orientation[best], position[best], f"frame {best}, as the rest pose does not stand"
    axes = _body_axes(roles, reference)
    relative = exact.matmul(orientation, np.swapaxes(still, -1, -2))
    found = _up(roles, position, relative, reference, frame_rate(bvh.frame_time), up)
    world = _world_axes(found.axis)
    told = {
        "up": found.told,
        "forward": f"{axis_name(axes[:, 2])} of the file in the reference pose; by {roles.facing}",
        "reference pose": pose,
    }
    return Source(
        roles,
        bvh.parents,
        frame_rate(bvh.frame_time),
        exact.matmul(reference - reference[roles.pelvis], axes),
        exact.matmul(world, relative, axes),
        exact.matmul(position, world.T),
        found,
        told,
        tuple(notes),
    )


def frame_rate(frame_time: float) -> float:
    """Hz; files write 120 Hz as 0.008333 or .0083333 s, so a whole rate within 0.1 % is meant."""
    rate = 1.0 / frame_time
    return float(round(rate)) if abs(rate - round(rate)) < 1e-3 * rate else rate


def starts_at_rest(bvh: Bvh, orientation: np.ndarray) -> bool:
    """Whether the first frame is the rest pose and no part of the recording: the second is far from it."""
    if len(orientation) < 2:
        return False
    angle = exact.arccos(np.clip((np.trace(orientation[:2], axis1=-2, axis2=-1) - 1.0) / 2.0, -1.0, 1.0))
    return bool(angle[0].max() < REST_FRAME and angle[1].max() > REST_JUMP)


def _middle(roles: Roles, role: str, position: np.ndarray) -> np.ndarray:
    return position[..., list(roles.sided[role]), :].mean(axis=-2)


def _axes(roles: Roles, position: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Left, up and forward (…, 3) of a body that stands."""
    left, right = (position[..., j, :] for j in roles.sided["hip"])
    up = unit(position[..., roles.head, :] - _middle(roles, "ankle", position))
    across = left - right
    across = unit(across - up * np.sum(across * up, axis=-1, keepdims=True))
    return across, up, np.cross(across, up)


def _bend(roles: Roles, position: np.ndarray) -> np.ndarray:
    """(T,) largest angle of trunk, thighs, shins and feet to those of someone who stands.

    The trunk also against the thighs: a four-legged animal has them at right angles.
    """
    _, up, forward = _axes(roles, position)
    trunk = position[:, roles.head] - _middle(roles, "hip", position)
    thighs = _middle(roles, "hip", position) - _middle(roles, "knee", position)
    angles = [angle_between(trunk, up), angle_between(trunk, thighs)]
    for a, b, direction in (("hip", "knee", -up), ("knee", "ankle", -up), ("ankle", "toe", forward)):
        for upper, lower in zip(roles.sided[a], roles.sided.get(b, ())):
            limb = position[:, lower] - position[:, upper]
            if b == "toe":
                limb = limb - up * np.sum(limb * up, axis=-1, keepdims=True)
            angles.append(angle_between(limb, direction))
    return np.max(angles, axis=0)


def _body_axes(roles: Roles, reference: np.ndarray) -> np.ndarray:
    """(3, 3) columns left, up, forward of the reference pose in the file's axes."""
    axes = np.stack(_axes(roles, reference), axis=1)
    snapped = np.zeros((3, 3))
    largest = np.abs(axes).argmax(axis=0)
    snapped[largest, range(3)] = np.sign(axes[largest, range(3)])
    near = len(set(largest)) == 3 and angle_between(axes.T, snapped.T).max() < SNAP
    return snapped if near else axes


def axis_name(direction: np.ndarray) -> str:
    """ "+Y" for a direction (3,) along a coordinate axis, else its three numbers."""
    axis = int(np.abs(direction).argmax())
    if abs(direction[axis]) > 1.0 - 1e-6:
        return f"{'+' if direction[axis] > 0 else '-'}{'XYZ'[axis]}"
    return "(" + ", ".join(f"{v:.2f}" for v in direction) + ")"


def _world_axes(up: str) -> np.ndarray:
    """(3, 3) rotation from the file's world to one with Z up, where the axis called ``up`` is up."""
    axis = np.array(AXES[up])
    x = np.eye(3)[0 if axis[0] == 0.0 else 1]
    return np.stack([x, np.cross(axis, x), axis])


def _up(roles: Roles, position: np.ndarray, turned: np.ndarray, reference: np.ndarray, rate: float, asked: str) -> Up:
    """Which axis of the file is up. turned: (T, J, 3, 3) takes the ``reference`` pose to the file's world."""
    hips, knees, ankles = (list(roles.sided[role]) for role in ("hip", "knee", "ankle"))
    metres = LEG_METRES / max(leg_length(reference, hips, knees, ankles), 1e-9)
    picks = np.unique(np.linspace(0, max(len(position) - 2, 0), MOMENTS).round().astype(int))
    following = np.minimum(picks + 1, len(position) - 1)
    joints = np.repeat(position[picks][:, roles.pelvis, None], 22, axis=1)
    for role, ours in _OURS.items():
        if role in roles.sided:
            joints[:, list(ours)] = position[picks][:, list(roles.sided[role])]
    joints[:, HEAD] = position[picks][:, roles.head]
    reference_up = _axes(roles, reference)[1]
    speed = exact.norm(position[following][:, ankles] - position[picks][:, ankles]) * metres * rate
    largest = int(np.abs(reference_up).argmax())
    rest = ("" if reference_up[largest] > 0 else "-") + "xyz"[largest]
    insteps = turn(turned[picks][:, ankles], reference_up)
    return find_up(Seen(joints * metres, insteps, speed < STANCE, True), asked, rest)


_OURS = {
    "hip": HIP, "knee": KNEE, "ankle": ANKLE, "toe": FOOT, "collar": COLLAR, "shoulder": SHOULDER, "elbow": ELBOW,
    "wrist": WRIST,
}  # fmt: skip

"""From the description of a person or a hand to joints and vertices in the world."""

from dataclasses import dataclass

import numpy as np

from mannequin.generator import exact
from mannequin.generator.body.lbs import global_transforms, make_skeleton, pose_body
from mannequin.generator.motion.base import Skeleton
from mannequin.generator.pose_noise import with_noise
from mannequin.generator.rotations import axis_angle, rodrigues
from mannequin.generator.spec import HAND_JOINTS, HandSpec, PersonSpec


@dataclass(frozen=True, eq=False)
class PersonPose:
    """A person's parameters at T times, placed in the world.

    pose: (T, J, 3) float64 axis-angles. transl: (T, 3) float64. joints: (T, J, 3) float64 metres.
    """

    pose: np.ndarray
    transl: np.ndarray
    joints: np.ndarray


@dataclass(frozen=True, eq=False)
class Performance:
    """What a person does at T times, wherever they do it.

    pose: (T, J, 3) float64 axis-angles, hands included. transl: (T, 3) float64 metres, as in PoseTrack.
    """

    skeleton: Skeleton
    pose: np.ndarray
    transl: np.ndarray


def frame_times(person: PersonSpec, num_frames: int, fps: float) -> np.ndarray:
    """(T + 2,) seconds into the motion: frames -1 … T."""
    return person.motion.start + np.arange(-1, num_frames + 1) / fps


def person_pose(person: PersonSpec, catalog, times: np.ndarray, ground: float = 0.0) -> PersonPose:
    """Pose the skeleton of ``person``, standing on shod soles, at ``times`` (T + 2,) of :func:`frame_times`.

    ground: world metres of what they stand on.
    """
    return placed_pose(perform(person, catalog, times), person, ground)


def perform(person: PersonSpec, catalog, times: np.ndarray) -> Performance:
    """What ``person`` does at ``times``; their yaw and place have no say."""
    model = catalog.body(person.body, person.joints)
    offsets = catalog.clothes(person.appearance.texture, model)
    skeleton = make_skeleton(model, np.asarray(person.betas), offsets)
    motion = catalog.motion(person.motion.asset)
    track = motion.sample(times, skeleton, person.motion.style)
    if person.motion.noise:
        track = with_noise(track, person.motion.noise, skeleton)
    return Performance(skeleton, _with_hands(track.pose, person, motion.has_hands, catalog), track.transl)


def placed_pose(done: Performance, person: PersonSpec, ground: float = 0.0) -> PersonPose:
    """Turn the motion about the vertical, bring the pelvis of frame 0 over ``place`` and the feet to ``ground``."""
    turn = rodrigues(np.array([0.0, 0.0, person.yaw]))
    pelvis = done.skeleton.joints[0] + done.transl
    start = np.array([pelvis[1, 0], pelvis[1, 1], 0.0])
    moved = exact.matmul(pelvis - start, turn.T) + (np.asarray(person.place) + [0.0, 0.0, ground])
    pose = done.pose.copy()
    pose[:, 0] = axis_angle(exact.matmul(turn, rodrigues(pose[:, 0])))
    transl = moved - done.skeleton.joints[0]
    return PersonPose(pose, transl, _joints(pose, transl, done.skeleton))


def _with_hands(pose, person, motion_has_hands, catalog):
    """(T, J, 3): finger poses of the description, or relaxed ones, where the motion has none."""
    if person.joints == 24 or (motion_has_hands and person.hands is None):
        return pose
    hands = np.asarray(person.hands) if person.hands is not None else catalog.relaxed_hands()
    full = np.zeros((len(pose), 52, 3))
    full[:, :22] = pose[:, :22]
    full[:, 22:] = hands.reshape(30, 3)
    return full


def _joints(pose, transl, skeleton: Skeleton) -> np.ndarray:
    transforms = global_transforms(rodrigues(pose), skeleton.joints, skeleton.parents)
    return transforms[:, :, :3, 3] + transl[:, None]


def person_vertices(person: PersonSpec, catalog, posed: PersonPose) -> np.ndarray:
    """(T, V, 3) float32 world metres, clothes included."""
    model = catalog.body(person.body, person.joints)
    offsets = catalog.clothes(person.appearance.texture, model)
    return pose_body(model, posed.pose, np.asarray(person.betas), posed.transl, offsets).vertices


def hand_pose(hand: HandSpec, num_frames: int) -> tuple[np.ndarray, np.ndarray]:
    """((T + 2, 16, 3) axis-angles, (T + 2, 3) metres): frames -1 … T; beyond the ends a hand stands still."""
    picks = np.clip(np.arange(-1, num_frames + 1), 0, len(hand.pose) - 1)
    pose = np.asarray(hand.pose, np.float64).reshape(-1, HAND_JOINTS, 3)
    return pose[picks], np.asarray(hand.transl, np.float64)[picks]

"""Motions of SMPL for tests, and where their joints and soles are, computed anew with scipy."""

import numpy as np
from scipy.spatial.transform import Rotation

from mannequin.generator.body.builtin import load_builtin
from mannequin.generator.body.lbs import make_skeleton
from mannequin.generator.motion.finding import find_motions

UPRIGHT = Rotation.from_euler("x", 90, degrees=True)
"""Takes SMPL's rest pose, Y up and facing Z, to a world with Z up."""

IN_FILE = {
    "z": Rotation.identity(),
    "-z": Rotation.from_euler("x", 180, degrees=True),
    "y": Rotation.from_euler("x", -90, degrees=True),
    "-y": Rotation.from_euler("x", 90, degrees=True),
    "x": Rotation.from_euler("y", 90, degrees=True),
    "-x": Rotation.from_euler("y", -90, degrees=True),
}
"""Name of an up axis → from a world with Z up to a file in which that axis is up."""


def skeleton(gender="male", joints=24):
    return make_skeleton(load_builtin(gender, joints), np.zeros(10))


def write(path, pose, pelvis, turn=IN_FILE["z"], rate=30.0, **extra):
    """An AMASS file of poses (T, J, 3) whose pelvis (T, 3) is in a world with Z up, in the axes that ``turn`` leads
    to."""
    pose = pose.copy()
    pose[:, 0] = (turn * Rotation.from_rotvec(pose[:, 0])).as_rotvec()
    transl = turn.apply(pelvis) - skeleton().joints[0]
    arrays = {"poses": pose.reshape(len(pose), -1), "trans": transl, "mocap_framerate": rate} | extra
    np.savez(path, **{k: v for k, v in arrays.items() if v is not None})


def standing(frames=60, joints=24):
    """(T, J, 3) of somebody who stands upright in a world with Z up, arms hanging, and sways a little."""
    pose = np.zeros((frames, joints, 3))
    pose[:, 0] = UPRIGHT.as_rotvec()
    pose[:, 16, 2], pose[:, 17, 2] = -1.2, 1.2
    pose[:, 18, 1] = 0.3 * np.sin(np.arange(frames) / 8)
    return pose


def squats(frames=90):
    """Poses (T, 24, 3) that go down and up once, feet flat, and the height (T,) of the pelvis over the soles."""
    pose = standing(frames)
    bend = 1.2 * np.sin(np.linspace(0, np.pi, frames)) ** 2
    for hip, knee, ankle in ((1, 4, 7), (2, 5, 8)):
        pose[:, hip, 0], pose[:, knee, 0], pose[:, ankle, 0] = -bend, 2 * bend, -bend
    _, soles = posed(pose, np.zeros((frames, 3)), skeleton())
    return pose, -soles[..., 2].min(axis=1)


def posed(pose, pelvis, body):
    """Joints (T, J, 3) and sole points (T, K, 3) of a pelvis (T, 3), by forward kinematics of its own."""
    turns, where = [], []
    for j, parent in enumerate(body.parents):
        local = Rotation.from_rotvec(pose[:, j])
        if j == 0:
            turns.append(local)
            where.append(np.asarray(pelvis, float))
            continue
        turns.append(turns[parent] * local)
        where.append(where[parent] + turns[parent].apply(body.joints[j] - body.joints[parent]))
    soles = [
        where[j] + turns[j].apply(point - body.joints[j])
        for side in (0, 1)
        for point, j in zip(body.soles[side], body.sole_joints[side])
    ]
    return np.stack(where, axis=1), np.stack(soles, axis=1)


def performed(path, reading=None, times=None):
    """Joints (T, 24, 3) and sole points (T, K, 3) of the one motion at ``path`` on a body of ours, and the motion."""
    (motion,) = find_motions(path)
    if reading is not None:
        motion = motion.read_as(reading)
    if times is None:
        times = np.arange(round(motion.duration * motion.rate) + 1) / motion.rate
    track = motion.sample(times, skeleton(), {})
    return *posed(track.pose, skeleton().joints[0] + track.transl, skeleton()), motion

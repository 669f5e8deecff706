"""Picks named vertices by geometry on the mean body in the T-pose."""

import numpy as np

from mannequin.generator.body.model import FINGERS, SMPLH_JOINTS

from .mesh import EYES, BodyMesh
from .mpfb import BaseMesh, Rig


def find_landmarks(mean: np.ndarray, base: BaseMesh, body: BodyMesh, rig: Rig, weights: np.ndarray) -> dict[str, int]:
    """Name → vertex id; mean (V, 3) metres, weights (V, 52).

    Only the left and the middle are searched; the right ones are their mirror images.
    """
    bones = rig.weights[body.source]
    eyes = {side: body.mask(base.group_vertices(name)) for side, name in EYES.items()}
    skin = ~(eyes["left"] | eyes["right"])
    head = skin & (weights[:, SMPLH_JOINTS.index("head")] > 0.9)
    middle = skin & (np.abs(mean[:, 0]) < 1e-4)
    forward, up, left = mean[:, 2], mean[:, 1], mean[:, 0]

    def extreme(among: np.ndarray, score: np.ndarray) -> int:
        # Rounding first makes ties go to the lowest id on every machine.
        ids = np.flatnonzero(among)
        return int(ids[np.argmax(np.round(score[ids], 6))])

    def bone(name: str, least: float) -> np.ndarray:
        return skin & (bones[:, rig.index(name)] > least)

    found = {
        "nose": extreme(head & middle, forward),
        "top_of_head": extreme(head & middle, up),
        "left_eye": extreme(eyes["left"], forward),
        "left_ear": extreme(head, left),
        "left_big_toe": extreme(bone("toe1-2.L", 0.6), forward),
        "left_small_toe": extreme(bone("toe5-3.L", 0.4), forward),
        "left_heel": extreme(bone("foot.L", 0.6) & (up < up[skin].min() + 0.03), -forward),
    }
    found["chin"] = _chin(mean, head & middle, found["nose"])
    found["navel"] = _navel(mean, middle)
    for finger in FINGERS:
        column = SMPLH_JOINTS.index(f"left_{finger}3")
        outward = left + 0.8 * forward - 0.8 * up if finger == "thumb" else left
        found[f"left_{finger}"] = extreme(skin & (weights[:, column] > 0.8), outward)
    for name in [n for n in found if n.startswith("left")]:
        found["right" + name[4:]] = int(body.mirror[found[name]])
    return dict(sorted(found.items()))


def _chin(mean: np.ndarray, among: np.ndarray, nose: int) -> int:
    """The foremost point of the profile between 6 and 12 cm below the tip of the nose."""
    drop = mean[nose, 1] - mean[:, 1]
    ids = np.flatnonzero(among & (drop > 0.075) & (drop < 0.12))
    return int(ids[np.argmax(np.round(mean[ids, 2] - 0.5 * mean[ids, 1], 6))])


def _navel(mean: np.ndarray, middle: np.ndarray) -> int:
    """The dimple on the front mid-line: the deepest point below the line of its surroundings."""
    ids = np.flatnonzero(middle & (mean[:, 2] > 0.05) & (np.abs(mean[:, 1] + 0.12) < 0.10))
    ids = ids[np.argsort(mean[ids, 1])]
    depth = mean[ids, 2]
    trend = np.polyval(np.polyfit(mean[ids, 1], depth, 3), mean[ids, 1])
    return int(ids[np.argmin(np.round(depth - trend, 6))])

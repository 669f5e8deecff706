"""From what was estimated of people in the frames of a video to even rows of poses in one space.

Frames in which somebody was not seen are filled by turning evenly where they are few; else the track is cut. Estimates
of single frames tremble: they are smoothed as in SURREACT (Varol et al., IJCV 2021, and its released code), rotations
by (2, 3, 2) / 7 over their quaternions, ways by a kernel of 17 frames. SURREACT does not see to it that neighbouring
quaternions have one sign; here they do.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mannequin.generator import exact
from mannequin.generator.motion.skeletons import usual_skeleton
from mannequin.generator.motion.smpl_parameters import Parameters
from mannequin.generator.rotations import (
    from_axis_angle,
    of_one_sign,
    rodrigues,
    slerp,
    to_axis_angle,
    to_matrices,
    to_quaternions,
)

HOLE = 15
"""Frames in a row that are filled: half a second of most videos."""

FEWEST = 10
"""Frames of a track that is used."""

POSE_WEIGHTS = (2.0 / 7.0, 3.0 / 7.0, 2.0 / 7.0)
_FIVE = (0.15, 0.2, 0.3, 0.2, 0.15)


def _convolved(a: Sequence[float], b: Sequence[float]) -> tuple[float, ...]:
    out = [0.0] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            out[i + j] += x * y
    return tuple(out)


_NINE = _convolved(_FIVE, _FIVE)
WAY_WEIGHTS = _convolved(_NINE, _NINE)
"""Of 17 frames."""


def pieces(frames: np.ndarray) -> list[tuple[int, int]]:
    """[first, last] frame numbers of what is left of rising ``frames`` (T,) once it is cut where more than HOLE in a
    row are missing, and pieces of fewer than FEWEST frames are left out."""
    ends = np.flatnonzero(np.diff(frames) > HOLE + 1)
    starts = np.concatenate([[0], ends + 1])
    spans = zip(frames[starts], frames[np.concatenate([ends, [len(frames) - 1]])])
    return [(int(a), int(b)) for a, b in spans if b - a + 1 >= FEWEST]


def filled(parameters: Parameters, frames: np.ndarray, first: int, last: int) -> Parameters:
    """Every frame from ``first`` to ``last`` of a person seen in ``frames`` (T,): turned evenly, on straight ways."""
    wanted = np.arange(first, last + 1)
    high = np.searchsorted(frames, wanted).clip(0, len(frames) - 1)
    low = np.where(frames[high] > wanted, high - 1, high)
    share = (wanted - frames[low]) / np.maximum(frames[high] - frames[low], 1)

    def turned(poses: np.ndarray) -> np.ndarray:
        q = from_axis_angle(poses)
        between = to_axis_angle(slerp(q[low], q[high], share[:, None]))
        return np.where((low == high)[:, None, None], poses[low], between)

    way = parameters.transl[low] + (parameters.transl[high] - parameters.transl[low]) * share[:, None]
    hands = None if parameters.hands is None else turned(parameters.hands)
    return replace(parameters, body=turned(parameters.body), palms=turned(parameters.palms), hands=hands, transl=way)


def smoothed(parameters: Parameters) -> Parameters:
    """Estimates of single frames, without their tremble."""
    body, palms = smooth_poses(parameters.body), smooth_poses(parameters.palms)
    return replace(parameters, body=body, palms=palms, transl=smooth_way(parameters.transl))


def smooth_poses(poses: np.ndarray) -> np.ndarray:
    """(T, J, 3) axis-angles; the first and last frame are kept."""
    if len(poses) < 3:
        return poses
    q = of_one_sign(from_axis_angle(poses))
    a, b, c = POSE_WEIGHTS
    out = q.copy()
    out[1:-1] = a * q[:-2] + b * q[1:-1] + c * q[2:]
    return to_axis_angle(out / exact.norm(out)[..., None])


def smooth_way(way: np.ndarray) -> np.ndarray:
    """(T, 3) metres. Beyond its ends a way goes on as its mirror image, so that it neither shrinks nor jumps there."""
    half = len(WAY_WEIGHTS) // 2
    if len(way) <= half:
        return way
    before = 2.0 * way[:1] - way[half:0:-1]
    after = 2.0 * way[-1:] - way[-2 : -half - 2 : -1]
    long = np.concatenate([before, way, after])
    out = np.zeros(way.shape)
    for k, weight in enumerate(WAY_WEIGHTS):
        out += weight * long[k : k + len(way)]
    return out


def flat_way(camera: np.ndarray) -> np.ndarray:
    """(T, 3) metres of weak-perspective cameras (T, 4) [sx, sy, tx, ty] of the whole image: no depth."""
    return np.concatenate([camera[:, 2:4], np.zeros((len(camera), 1))], axis=1)


Span = tuple[int, int]


def into_one_world(
    worlds: Sequence[Parameters], cameras: Sequence[Parameters], spans: Sequence[Span], up: np.ndarray
) -> list[Parameters]:
    """Tracks that have each a world of its own, laid into that of the longest by where they are to the camera.

    worlds, cameras: the same people in the axes of their worlds, in which ``up`` (3,) is up, and of the camera that all
    were seen by. spans: [first, last] frames. A track is turned about the vertical and moved along the floor as a
    whole, by the median over the frames it shares with one that is there already; heights stay. Tracks that share no
    frame with any begin worlds of their own.
    """
    out, left = list(worlds), sorted(range(len(worlds)), key=lambda k: spans[k][0] - spans[k][1])
    there: list[int] = []
    while left:
        shared = {(k, other): _overlap(spans[k], spans[other]) for k in left for other in there}
        k, other = max(shared, key=lambda pair: shared[pair], default=(left[0], left[0]))
        if shared.get((k, other), 0) > 0:
            out[k] = _laid(out[k], cameras[k], spans[k], out[other], cameras[other], spans[other], up)
        else:
            k = left[0]
        there.append(k)
        left.remove(k)
    return out


def _overlap(a: Span, b: Span) -> int:
    return max(0, min(a[1], b[1]) - max(a[0], b[0]) + 1)


def _laid(
    world: Parameters,
    camera: Parameters,
    span: Span,
    to: Parameters,
    to_camera: Parameters,
    to_span: Span,
    up: np.ndarray,
) -> Parameters:
    """``world`` in the world of ``to``."""
    first, last = max(span[0], to_span[0]), min(span[1], to_span[1])
    own, theirs = slice(first - span[0], last - span[0] + 1), slice(first - to_span[0], last - to_span[0] + 1)
    seen = exact.matmul(_roots(to, theirs), np.swapaxes(_roots(to_camera, theirs), -1, -2))  # camera to their world
    back = exact.matmul(_roots(camera, own), np.swapaxes(_roots(world, own), -1, -2))  # our world to the camera
    mean = exact.matmul(seen, back).mean(axis=0)
    axial = np.array([mean[2, 1] - mean[1, 2], mean[0, 2] - mean[2, 0], mean[1, 0] - mean[0, 1]])
    flat = mean[0, 0] + mean[1, 1] + mean[2, 2] - exact.dot(up, exact.matmul(mean, up))
    turn = rodrigues(up * float(exact.arctan2(exact.dot(up, axial), flat)))
    pelvis = usual_skeleton().joints[0]
    apart = exact.matmul(seen, (camera.transl[own] - to_camera.transl[theirs])[..., None])[..., 0]
    wanted = pelvis + to.transl[theirs] + apart
    shift = np.median(wanted - exact.matmul(pelvis + world.transl[own], turn.T), axis=0)
    shift -= up * float(exact.dot(up, shift))
    body = world.body.copy()
    body[:, 0] = to_axis_angle(to_quaternions(exact.matmul(turn, to_matrices(from_axis_angle(body[:, 0])))))
    return replace(world, body=body, transl=exact.matmul(pelvis + world.transl, turn.T) + shift - pelvis)


def _roots(parameters: Parameters, frames: slice) -> np.ndarray:
    return to_matrices(from_axis_angle(parameters.body[frames, 0]))

"""Rotations, vectorised over the leading axes: matrices (…, 3, 3), axis-angles (…, 3), quaternions (…, 4) as
(x, y, z, w), angles in radians. Of :mod:`mannequin.generator.exact`, so the same on every processor."""

import numpy as np

from mannequin.generator import exact

DEG = np.pi / 180.0


def unit(v: np.ndarray) -> np.ndarray:
    """(…, 3) vectors of length 1; zero vectors stay zero."""
    return v / np.maximum(exact.norm(v)[..., None], 1e-12)


def transpose(matrices: np.ndarray) -> np.ndarray:
    return np.swapaxes(matrices, -1, -2)


def turn(rotation: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(…, 3, 3) rotations of (…, 3) vectors."""
    return exact.transform(rotation, v)


def about(axis: int, angle) -> np.ndarray:
    """Right-handed rotation about coordinate axis 0, 1 or 2 by ``angle`` (…) rad: (…, 3, 3)."""
    angle = np.asarray(angle, float)
    c, s = exact.cos(angle), exact.sin(angle)
    out = np.zeros(angle.shape + (3, 3))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    out[..., axis, axis] = 1.0
    out[..., i, i] = out[..., j, j] = c
    out[..., i, j], out[..., j, i] = -s, s
    return out


def rx(angle) -> np.ndarray:
    return about(0, angle)


def ry(angle) -> np.ndarray:
    return about(1, angle)


def rz(angle) -> np.ndarray:
    return about(2, angle)


def rodrigues(axis_angle: np.ndarray) -> np.ndarray:
    """(…, 3, 3) float64 rotation matrices of (…, 3) axis-angles."""
    r = np.asarray(axis_angle, np.float64)
    angle = exact.norm(r)[..., None, None]
    cross = _cross(r)
    # sin(a) / a and (1 - cos(a)) / a²
    return np.eye(3) + exact.sinc(angle) * cross + 0.5 * exact.sinc(0.5 * angle) ** 2 * exact.matmul(cross, cross)


def axis_angle(matrices: np.ndarray) -> np.ndarray:
    """(…, 3, 3) to (…, 3), of angles in [0, π]."""
    return to_axis_angle(to_quaternions(matrices))


def to_quaternions(matrices: np.ndarray) -> np.ndarray:
    """(…, 3, 3) to (…, 4) of length 1: the largest component is computed first (Shepperd 1978)."""
    m = np.asarray(matrices, np.float64)
    trace = m[..., 0, 0] + m[..., 1, 1] + m[..., 2, 2]
    squares = np.stack([m[..., 0, 0], m[..., 1, 1], m[..., 2, 2], trace], -1)
    largest = squares.argmax(-1)[..., None]
    x, y, z = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, xz, yz = m[..., 0, 1] + m[..., 1, 0], m[..., 0, 2] + m[..., 2, 0], m[..., 1, 2] + m[..., 2, 1]
    diagonal = 1.0 + 2.0 * squares - trace[..., None]
    rows = (
        (diagonal[..., 0], xy, xz, x),
        (xy, diagonal[..., 1], yz, y),
        (xz, yz, diagonal[..., 2], z),
        (x, y, z, 1.0 + trace),
    )
    q = np.stack([np.stack(row, -1) for row in rows], -2)
    q = np.take_along_axis(q, largest[..., None], -2)[..., 0, :]
    return q / exact.norm(q)[..., None]


def to_matrices(quaternions: np.ndarray) -> np.ndarray:
    """(…, 4) of any length to (…, 3, 3)."""
    x, y, z, w = np.moveaxis(quaternions / exact.norm(quaternions)[..., None], -1, 0)
    entries = [
        [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - z * w), 2.0 * (x * z + y * w)],
        [2.0 * (x * y + z * w), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - x * w)],
        [2.0 * (x * z - y * w), 2.0 * (y * z + x * w), 1.0 - 2.0 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, -1) for row in entries], -2)


def from_axis_angle(axis_angle: np.ndarray) -> np.ndarray:
    """(…, 3) to quaternions (…, 4)."""
    half = 0.5 * exact.norm(axis_angle)[..., None]
    return np.concatenate([0.5 * exact.sinc(half) * axis_angle, exact.cos(half)], -1)


def to_axis_angle(quaternions: np.ndarray) -> np.ndarray:
    """(…, 4) of any length to axis-angles (…, 3) of angles in [0, π]."""
    q = np.where(quaternions[..., 3:] < 0.0, -quaternions, quaternions)
    sine = exact.norm(q[..., :3])[..., None]
    angle = 2.0 * exact.arctan2(sine, q[..., 3:])
    return q[..., :3] * np.where(sine > 0.0, angle / np.where(sine > 0.0, sine, 1.0), 0.0)


def of_one_sign(quaternions: np.ndarray) -> np.ndarray:
    """(T, …, 4), each as near to the one before as q or -q, the same rotation, can be."""
    turns = np.where(exact.dot(quaternions[1:], quaternions[:-1]) < 0.0, -1.0, 1.0)
    return np.concatenate([quaternions[:1], quaternions[1:] * np.cumprod(turns, axis=0)[..., None]])


def slerp(a: np.ndarray, b: np.ndarray, share) -> np.ndarray:
    """(…, 4) spherical interpolation from a (share 0) to b (share 1), the short way round."""
    share = np.asarray(share, np.float64)[..., None]
    cosine = exact.dot(a, b)[..., None]
    b = np.where(cosine < 0.0, -b, b)
    angle = exact.arccos(np.clip(np.abs(cosine), 0.0, 1.0))
    sine = exact.sin(angle)
    near = sine < 1e-6
    safe = np.where(near, 1.0, sine)
    first = np.where(near, 1.0 - share, exact.sin((1.0 - share) * angle) / safe)
    second = np.where(near, share, exact.sin(share * angle) / safe)
    q = first * a + second * b
    return q / exact.norm(q)[..., None]


def angle_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(…) angles between directions (…, 3), exact near 0 and π."""
    a, b = unit(a), unit(b)
    return 2.0 * exact.arctan2(exact.norm(a - b), exact.norm(a + b))


def rotation_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(…, 3, 3) smallest rotation from direction a to direction b (…, 3).

    For opposite directions any axis is as short; one at right angles to a is taken.
    """
    a, b = np.broadcast_arrays(unit(a), unit(b))
    cosine = exact.dot(a, b)
    opposite = cosine < -1.0 + 1e-9
    side = unit(np.cross(a, np.where(np.abs(a[..., :1]) < 0.7, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])))
    cross = _cross(np.cross(a, b))
    turn = np.eye(3) + cross + exact.matmul(cross, cross) / np.maximum(1.0 + cosine, 1e-9)[..., None, None]
    half = 2.0 * side[..., :, None] * side[..., None, :] - np.eye(3)
    return np.where(opposite[..., None, None], half, turn)


def part_of(matrices: np.ndarray, share) -> np.ndarray:
    """The ``share`` (a number or (T,)) of each rotation (T, 3, 3), about its own axis."""
    return rodrigues(axis_angle(matrices) * np.asarray(share, float)[..., None])


def blend(start: np.ndarray, end: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Shortest turn from start (T, 3, 3) to end (T, 3, 3) at weight (T,) in [0, 1]."""
    return exact.matmul(start, part_of(exact.matmul(transpose(start), end), weight))


def frame(first: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Rotations whose first column is along ``first`` and whose second is nearest to ``near``."""
    x = unit(first)
    y = unit(near - exact.dot(near, x)[..., None] * x)
    return np.stack([x, y, np.cross(x, y)], -1)


def split_twist(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Write (T, 3, 3) as rx(twist) @ swing. Returns twist (T,) rad in (-pi, pi] and swing."""
    q = to_quaternions(matrices)
    twist = 2.0 * exact.arctan2(q[:, 0], q[:, 3])
    twist = (twist + np.pi) % (2.0 * np.pi) - np.pi
    return twist, exact.matmul(transpose(rx(twist)), matrices)


def _cross(v: np.ndarray) -> np.ndarray:
    """(…, 3, 3) matrices of the cross product with (…, 3)."""
    x, y, z = np.moveaxis(v, -1, 0)
    o = np.zeros_like(x)
    return np.stack([o, -z, y, z, o, -x, -y, x, o], -1).reshape(v.shape + (3,))

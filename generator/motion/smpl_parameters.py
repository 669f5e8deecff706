"""SMPL parameters read from a file, for motions (``generate``) and for fits to footage (``label``) alike."""

import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mannequin.generator import exact
from mannequin.generator.errors import AssetError
from mannequin.generator.io import limits
from mannequin.generator.io.npz import NpzFile
from mannequin.generator.motion.smpl_keys import Arrays, Layout, Part, find_layout
from mannequin.generator.rotations import to_axis_angle, to_quaternions

BODY = 22
"""Joints that SMPL, SMPL-H and SMPL-X share, first in all of them."""

ASSUMED_RATE = 30.0
"""Hz of files that do not say, as results of videos are."""

DEGREES = 4.0 * np.pi
"""Axis-angles whose usual largest component is beyond it are in degrees."""

SKEW = 0.05
"""By how much R Rᵀ of a rotation may differ from the identity, as half precision and networks leave it."""


@dataclass(frozen=True, eq=False)
class Parameters:
    """As the file has them, in its own axes.

    body: (T, 22, 3) float64 axis-angles. palms: (T, 2, 3) of SMPL's last two joints, 0 where there are none.
    hands: (T, 30, 3) of fingers, or None. transl: (T, 3); 0 where the file has none. betas: (S,), the mean over
    frames, or None.
    """

    body: np.ndarray
    palms: np.ndarray
    hands: np.ndarray | None
    transl: np.ndarray
    betas: np.ndarray | None


def read_parameters(source: Path | Arrays, layout: Layout | None = None, needs_transl: bool = False) -> Parameters:
    """What ``layout`` (found by ``needs_transl`` and in the camera's axes if left out) names in an .npz file, or among
    arrays.

    Raises AssetError, which lists what the file holds, for what cannot be used.
    """
    file = NpzFile(source) if isinstance(source, (str, Path)) else source
    layout = layout or find_layout(file, world=False, needs_transl=needs_transl)
    poses = np.concatenate([_rotations(file, part) for part in layout.parts], axis=1)
    frames, joints = poses.shape[:2]
    palms, hands = np.zeros((frames, 2, 3)), None
    if joints == BODY + 2:
        palms = poses[:, BODY:]
    elif joints > BODY + 2:
        hands = poses[:, -30:]  # SMPL-X has jaw and eyes between body and fingers
    elif layout.hands:
        hands = np.concatenate([_rotations(file, part) for part in layout.hands], axis=1)
    transl = np.zeros((frames, 3))
    if layout.transl:
        transl = _numbers(file, layout.transl, (frames, 3))
        if layout.scale:
            transl = transl / _one_number(file, layout.scale, (1e-6, 1e6), "a size")
    return Parameters(poses[:, :BODY], palms, hands, transl, _betas(file, layout))


def frame_rate(file: Arrays, layout: Layout) -> float | None:
    """Hz, or None where the file does not say. Raises AssetError for what is no rate."""
    if layout.rate:
        return _one_number(file, layout.rate, limits.MOTION_RATES, "one rate", "Hz")
    if layout.length:
        seconds = _one_number(file, layout.length, (1e-3, 1e6), "a length", "s")
        rate = layout.frames / seconds
        if limits.MOTION_RATES[0] <= rate <= limits.MOTION_RATES[1]:
            return float(round(rate)) if abs(rate - round(rate)) < 0.02 * rate else rate
    return None


def _one_number(file: Arrays, key: str, span: tuple[float, float], what: str, unit: str = "") -> float:
    """A number, however it is wrapped: in text, in an array, once for each frame."""
    value = file.array(key)
    number = np.nan
    if value.dtype.kind in "fiu" and value.size and (value == value.reshape(-1)[0]).all():
        number = float(value.reshape(-1)[0])
    elif value.dtype.kind in "SU" and value.size == 1:
        text = value.reshape(-1)[0]
        with suppress(ValueError):
            number = float(text.decode("ascii") if isinstance(text, bytes) else str(text))
    if not span[0] <= number <= span[1]:
        raise AssetError(
            f"{key!r} in {file.path} is {str(value)[:100]}. Expected {what} of {span[0]:g} to "
            f"{span[1]:g}{f' {unit}' if unit else ''}."
        )
    return number


def _numbers(file: Arrays, key: str, shape: tuple[int, ...]) -> np.ndarray:
    """A float64 array of finite numbers, in a shape of as many."""
    array = file.array(key)
    if array.size != math.prod(shape):
        raise AssetError(f"{key!r} in {file.path} has changed since the file was looked at. Start again.")
    if array.dtype.kind not in "fiu":
        raise AssetError(
            f"{key!r} in {file.path} has values of type {array.dtype}, no finite numbers. Expected "
            "radians and metres; leave the file out."
        )
    good = np.abs(array, dtype=np.float64) <= limits.COORDINATE  # NaN is not
    if not good.all():
        bad = np.flatnonzero(~good.reshape(len(array), -1).all(axis=1))
        raise AssetError(
            f"{key!r} in {file.path} has values that are no finite numbers up to {limits.COORDINATE:g}, in {len(bad)} "
            f"of {len(array)} rows, first in row {bad[0]}. Expected radians and metres; cut these frames, or leave the "
            "file out."
        )
    return array.astype(np.float64).reshape(shape)


def _rotations(file: Arrays, part: Part) -> np.ndarray:
    """(T, J, 3) axis-angles."""
    each = (3, 3) if part.matrices else (3,)
    values = _numbers(file, part.key, (part.frames, part.joints, *each))
    where = f"{part.key!r} in {file.path}"
    if not part.matrices:
        if np.median(np.abs(values).max(axis=(1, 2))) > DEGREES:
            raise AssetError(f"{where} seems to be in degrees. Expected radians: multiply it by pi / 180.")
        return values
    if np.abs(exact.matmul(values, np.swapaxes(values, -1, -2)) - np.eye(3)).max() > SKEW:
        raise AssetError(f"{where} holds 3 x 3 matrices that are no rotations. Expected orthonormal ones.")
    if (exact.dot(np.cross(values[..., 0], values[..., 1]), values[..., 2]) < 0.0).any():
        raise AssetError(
            f"{where} holds mirrored rotations (determinant -1). Expected right-handed axes: undo the flip of an axis "
            "that was made when the file was written."
        )
    return to_axis_angle(to_quaternions(values))


def _betas(file: Arrays, layout: Layout) -> np.ndarray | None:
    """(S,) float64; of several rows, their mean."""
    if layout.betas is None:
        return None
    shape = file.shape(layout.betas)
    rows = [n for n in shape[:-1] if n != 1]
    if not shape or 0 in shape or shape[-1] > limits.BETAS or (rows and rows != [layout.frames]):
        raise AssetError(
            f"{layout.betas!r} in {file.path} has shape {shape} for {layout.frames} frames. Expected "
            "(S,), or one row per frame, which are averaged."
        )
    return _numbers(file, layout.betas, (math.prod(shape[:-1]), shape[-1])).mean(axis=0)

"""Which camera a SURREAL-layout clip was seen by, and whether its images are mirrored, from the clip itself.

Released images are mirrored against the body, our plain exports are not (see
:mod:`mannequin.generator.dataset.surreal`).
The two cases put a joint at u and at W - u, so joints2D tells them apart, given joints3D and the camera that
the file states: SURREAL's recipe (level, 60 mm on a 32 mm sensor). If it fits neither way, the camera may
be another, as in exports of other presets: rotation and focal length are then solved for, the position is camLoc.
Where joints2D is missing, the parts in the segmentation are the witness.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import rq

from mannequin.generator.body.model import PARTS
from mannequin.generator.cameras import project, to_camera
from mannequin.generator.dataset.surreal_info import Info
from mannequin.generator.errors import DatasetError

HANDEDNESS = ("auto", "mirrored", "plain")
TOLERANCE = 1.0
"""Pixels within which nine joints in ten must be; released joints2D are rounded to whole pixels."""

_FOCAL = 60.0 / 32.0  # image widths
_SQUARE = (
    0.01  # a solved camera departs from square pixels and the image's middle by less, as a share of the focal length
)
_SIDED = np.array([name.startswith(("left", "right")) for name in PARTS])
_AGREEING = 4  # joints on their part, at least, and twice those of the other hypothesis


@dataclass(frozen=True, eq=False)
class Sight:
    """K: (3, 3). T_world_camera: (4, 4), never mirrored. mirrored: whether the images in the files are."""

    K: np.ndarray
    T_world_camera: np.ndarray
    mirrored: bool


def find_sight(
    info: Info, resolution: tuple[int, int], handedness: str, segm: Iterable[tuple[int, np.ndarray]], where
) -> Sight:
    """Raises DatasetError if the clip does not tell, or contradicts the ``handedness`` stated.

    handedness: one of HANDEDNESS. segm: (frame, (H, W) image) of some frames, read only if joints2D is missing.
    where: names the clip in messages.
    """
    stated = None if handedness == "auto" else handedness == "mirrored"
    h, w = resolution
    focal = _FOCAL * max(h, w)
    recipe = np.array([[focal, 0, w / 2], [0, focal, h / 2], [0, 0, 1.0]])
    if info.joints2d is None:
        found = _by_parts(info, recipe, segm, w) if stated is None else {stated}
        return Sight(recipe, info.T_world_camera, _only(found, stated, where))
    for K, T in _cameras(info, recipe, resolution):
        fits = {m for m in (False, True) if _error(info, K, T, m, w) <= TOLERANCE}
        if fits:
            return Sight(K, T, _only(fits, stated, where))
    if stated is not None:
        return Sight(recipe, info.T_world_camera, stated)
    raise DatasetError(
        f"{where} does not tell whether its images are mirrored: joints2D are not joints3D seen from the "
        "stated camera, neither "
        f"mirrored nor plain, within {TOLERANCE} px. {_HINT}"
    )


_HINT = "If you know it, open the clip with handedness='mirrored' (as SURREAL's authors released it) or 'plain'."


def _only(fits: set[bool], stated: bool | None, where) -> bool:
    if stated is None and len(fits) != 1:
        raise DatasetError(
            f"{where} does not tell whether its images are mirrored: {'both' if fits else 'neither'} would do. {_HINT}"
        )
    if stated is not None and stated not in fits:
        names = ("plain", "mirrored")
        raise DatasetError(
            f"{where} was said to be {names[stated]}, but its joints are those of {names[not stated]} images. "
            "Open it with handedness='auto'."
        )
    return next(iter(fits)) if stated is None else stated


def _cameras(info: Info, recipe: np.ndarray, resolution):
    """Yields (K, T_world_camera): what the file states, then what fits."""
    yield recipe, info.T_world_camera
    for mirrored in (False, True):
        if found := _solve(info, resolution, mirrored):
            yield found


def _error(info: Info, K, T, mirrored: bool, width: int) -> float:
    """Pixels, of the joint of which nine in ten are nearer."""
    assert info.joints2d is not None  # or nobody asks
    seen = unmirror(info.joints2d, mirrored, width)
    known = np.isfinite(seen).all(axis=-1) & np.isfinite(info.joints).all(axis=-1)
    off = np.abs(seen[known] - image_points(to_camera(info.joints[known], T), K)).max(axis=-1)
    return float(np.quantile(np.nan_to_num(off, nan=np.inf), 0.9, method="higher")) if len(off) else np.inf


def image_points(local: np.ndarray, K: np.ndarray) -> np.ndarray:
    """Camera points (…, 3) to pixels (…, 2); NaN for what is not in front of the camera."""
    ahead = local[..., 2] > 1e-6
    image = np.full(local.shape[:-1] + (2,), np.nan)
    image[ahead] = project(local[ahead], K)
    return image


def unmirror(joints2d: np.ndarray, mirrored: bool, width: int) -> np.ndarray:
    """(…, 2) pixels of the image that is not mirrored."""
    return np.stack([width - joints2d[..., 0], joints2d[..., 1]], axis=-1) if mirrored else joints2d


def _solve(info: Info, resolution, mirrored: bool):
    """(K, T_world_camera) of a still pinhole camera at camLoc, or None if none is plausible.

    Image points are M d for directions d from the camera: nine unknowns by least squares (direct linear transform),
    then M = K R by RQ decomposition (Hartley and Zisserman, Multiple View Geometry, 2nd ed., 6.2.4 and 7.1).
    """
    assert info.joints2d is not None  # or nobody asks
    h, w = resolution
    position = info.T_world_camera[:3, 3]
    image = (unmirror(info.joints2d, mirrored, w).reshape(-1, 2) - [w / 2, h / 2]) / w
    d = (info.joints - position).reshape(-1, 3)
    known = np.isfinite(image).all(axis=1) & np.isfinite(d).all(axis=1)
    if known.sum() < 6:
        return None
    image, d = image[known], d[known] / np.linalg.norm(d[known], axis=1, keepdims=True)
    zero = np.zeros_like(d)
    rows = np.concatenate([np.hstack([d, zero, -image[:, :1] * d]), np.hstack([zero, d, -image[:, 1:] * d])])
    M = np.linalg.svd(rows, full_matrices=False)[2][-1].reshape(3, 3)
    M = M * np.sign(np.median(d @ M[2]))
    K, R = rq(M)
    signs = np.diag(np.where(np.diag(K) < 0, -1.0, 1.0))
    K, R = K @ signs, signs @ R
    if abs(K[2, 2]) < 1e-12 or np.linalg.det(R) < 0:
        return None
    K = K / K[2, 2]
    fx, fy = K[0, 0], K[1, 1]
    if max(abs(fx - fy), abs(K[0, 1]), abs(K[0, 2]), abs(K[1, 2])) > _SQUARE * fx:
        return None
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = R.T, position
    return np.array([[fx * w, 0, K[0, 2] * w + w / 2], [0, fy * w, K[1, 2] * w + h / 2], [0, 0, 1.0]]), T


def _by_parts(info: Info, K, segm, width: int) -> set[bool]:
    """The hypotheses under which clearly more joints of the left and right lie on their own part."""
    points = image_points(to_camera(info.joints, info.T_world_camera), K)
    hits = {False: 0, True: 0}
    for t, image in segm:
        for mirrored in hits:
            hits[mirrored] += _on_own_part(unmirror(points[:, t], mirrored, width), image)
    return {m for m in hits if hits[m] >= max(_AGREEING, 2 * hits[not m])}


def _on_own_part(points: np.ndarray, segm: np.ndarray) -> int:
    """How many of (P, 24, 2) points of sided joints lie on the part that moves with them."""
    h, w = segm.shape
    x, y = np.floor(np.nan_to_num(points[:, _SIDED], nan=-1.0)).clip(-1, max(h, w)).astype(int).transpose(2, 0, 1)
    inside = (x >= 0) & (x < w) & (y >= 0) & (y < h)
    part = np.broadcast_to(np.flatnonzero(_SIDED) + 1, x.shape)
    return int((segm[y[inside], x[inside]] == part[inside]).sum())

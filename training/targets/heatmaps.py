"""Maps of where joints are, as BodyNet has them (thesis 4.3.1), and the way back."""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from mannequin.generator.body.model import SMPL_JOINTS, SMPL_PARENTS
from mannequin.training.data.crop import BOX_JOINTS, Crop
from mannequin.training.data.raw import RawSample
from mannequin.training.targets.target import Target

JOINTS = BOX_JOINTS
"""Of SMPL's 24, the 16 of BodyNet: ankles, knees, hips, pelvis, spine, neck, head, wrists, elbows and shoulders."""

NAMES = tuple(SMPL_JOINTS[joint] for joint in JOINTS)
"""Left and right are the person's own; BodyNet's images are mirrored, so its channels have them the other way."""

STRIDE = 4
"""Pixels of the crop to a cell of the maps, across and down."""

SIGMA, REACH = 1.75, 3
"""Of the bell, in cells: its deviation, and how far from its middle it is cut off, in rows and columns."""


def _bones() -> tuple[tuple[int, int], ...]:
    """(parent, child) places in JOINTS; between a joint and its parent others may be left out."""
    bones = []
    for child, joint in enumerate(JOINTS):
        parent = SMPL_PARENTS[joint]
        while parent >= 0 and parent not in JOINTS:
            parent = SMPL_PARENTS[parent]
        if parent >= 0:
            bones.append((JOINTS.index(parent), child))
    return tuple(bones)


BONES = _bones()


class Heatmaps(Target):
    """``heatmaps``: (T, 16, size / 4, size / 4) float32, see :func:`heatmaps_of`, of JOINTS, hidden ones too."""

    name: ClassVar[str] = "heatmaps"

    def encode(self, raw: RawSample, crop: Crop) -> dict[str, np.ndarray]:
        return {self.name: heatmaps_of(crop.points(raw.person.joints2d)[:, JOINTS], crop.size)}


def heatmaps_of(joints: np.ndarray, size: int) -> np.ndarray:
    """(…, size / 4, size / 4) float32: 1 in the cell that a joint falls into, and round it exp(−d² / 2 SIGMA²) within
    REACH rows and columns, as far as the map goes; all 0 for a joint beyond the crop.

    joints: (…, 2) pixel edges of the crop, ``size`` pixels across. (The released code puts the bell one or two cells
    off where the map's edge cuts it.)
    """
    cells = np.arange(size // STRIDE)
    distance = cells - np.floor(joints / STRIDE)[..., None]  # (…, 2, cells)
    bell = np.where(np.abs(distance) <= REACH, np.exp(-(distance**2) / (2 * SIGMA**2)), 0).astype(np.float32)
    inside = ((joints >= 0) & (joints < size)).all(axis=-1)[..., None, None]
    return bell[..., 1, :, None] * bell[..., 0, None, :] * inside


def joints_of(heatmaps: Tensor) -> tuple[Tensor, Tensor]:
    """(joints (…, 2) float32 pixel edges of the crop, (…) height of their maps' peaks), of maps (…, h, w).

    The peak is the highest cell, of equal ones the first. The joint is in its middle, moved by a quarter of a cell
    towards the higher one of its two neighbours in the row, and so in the column; not where these are equal, nor at an
    edge. (Newell et al.'s rule.)
    """
    h, w = heatmaps.shape[-2:]
    maps = heatmaps.float().reshape(-1, h, w)
    peaks, places = maps.flatten(1).max(1)
    row, column, each = places // w, places % w, torch.arange(len(maps), device=maps.device)
    right = _lean(maps[each, row], column)
    down = _lean(maps[each, :, column], row)
    at = torch.stack([column + 0.5 + right, row + 0.5 + down], dim=-1) * STRIDE
    return at.reshape(*heatmaps.shape[:-2], 2), peaks.reshape(heatmaps.shape[:-2])


def _lean(lines: Tensor, places: Tensor) -> Tensor:
    """(N,) −.25, 0 or .25: on which side of ``places`` (N,) its neighbour in ``lines`` (N, n) is higher."""
    last = lines.shape[1] - 1
    before, after = (lines.gather(1, (places + side).clamp(0, last)[:, None])[:, 0] for side in (-1, 1))
    return 0.25 * torch.sign(after - before) * ((places > 0) & (places < last))

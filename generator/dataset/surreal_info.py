"""What a SURREAL or SURREACT ``_info.mat`` says, in our units, axes and shapes.

SURREAL's world and root are told in :mod:`mannequin.generator.dataset.surreal`. SURREACT (by its public code) puts its
camera at (d sin a, d cos a, h) for zrot_euler a, cam_dist d and cam_height h; up is -z there, so ours is (X, -Y, -Z)
of it, the root is Rx(90°) R(pose[:3]), and joints2D has y up.

MATLAB drops axes of size 1, so shapes are compared without them.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from mannequin.generator.dataset.surreal import GENDERS, WORLD
from mannequin.generator.io import limits
from mannequin.generator.io.matfile import MatFile

SUFFIX = "_info.mat"
SURREACT_WORLD = np.diag([1.0, -1.0, -1.0])
"""(3, 3), takes our world coordinates to SURREACT's."""

_GENDERS = {number: name for name, number in GENDERS.items()}
_LEVEL = np.array([[0.0, 0.0, -1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
"""(3, 3), takes coordinates of SURREAL's camera, unmirrored, to our world."""


@dataclass(frozen=True, eq=False)
class Info:
    """P people, T frames; world coordinates are ours, in metres.

    joints2d: (P, T, 24, 2) px as in the file, y down, mirrored if its images are; None if it has none.
    joints: (P, T, 24, 3). pose: (P, T, 24, 3) axis-angles, zrot folded in. betas: (P, S).
    yaw: (P,) rad. genders, textures: P names. light: nine coefficients, or None if it is not spherical harmonics.
    T_world_camera: (4, 4) of the camera, unmirrored; its rotation is that of SURREAL's or SURREACT's recipe.
    is_surreact: the file is one of SURREACT's own.
    """

    joints2d: np.ndarray | None
    joints: np.ndarray
    pose: np.ndarray
    betas: np.ndarray
    yaw: np.ndarray
    genders: tuple[str, ...]
    textures: tuple[str, ...]
    background: str
    light: tuple[float, ...] | None
    T_world_camera: np.ndarray
    sequence: str
    tags: dict[str, str | float]
    is_surreact: bool

    @property
    def num_people(self) -> int:
        return self.joints.shape[0]

    @property
    def num_frames(self) -> int:
        return self.joints.shape[1]


def read_info(path: Path, height: int) -> Info:
    """The content of an ``_info.mat``. height: of the images, for SURREACT's joints2D. Raises DatasetError for another
    file."""
    return _Reader(path).info(height)


class _Reader:
    def __init__(self, path: Path):
        self.file = MatFile(path, f"the {SUFFIX} of a SURREAL clip")
        joints = self._numbers("joints3D")
        axes = [n for n in joints.shape if n != 1]
        at = next((i for i in range(len(axes)) if axes[i : i + 2] == [3, 24]), None)
        if at is None or at > 1 or len(axes) > at + 3:
            raise self.file.damaged(
                f"joints3D has the shape {joints.shape}; expected 3 × 24 × frames, with an axis of people "
                "before if there are several"
            )
        self.p = axes[0] if at else 1
        self.t = axes[at + 2] if len(axes) > at + 2 else 1
        if self.p * self.t > limits.SURREAL_FRAMES:
            raise self.file.damaged(
                f"it has {self.t} frames of {self.p} people; at most {limits.SURREAL_FRAMES} in all are read"
            )
        self.joints = joints.reshape(self.p, 3, 24, self.t).transpose(0, 3, 2, 1)

    def info(self, height: int) -> Info:
        released = "camLoc" in self.file
        world, T = (WORLD, self._level_camera()) if released else (SURREACT_WORLD, self._surreact_camera())
        yaw = self._shaped("zrot", (self.p, self.t), (self.p,)) if "zrot" in self.file else np.zeros((self.p, self.t))
        return Info(
            joints2d=self._joints2d(None if released else height),
            joints=self.joints @ world,
            pose=self._pose(yaw, Rotation.identity() if released else Rotation.from_matrix(world.T @ WORLD)),
            betas=self._betas(),
            yaw=yaw[:, 0],
            genders=self._genders(),
            textures=self._textures(),
            background=self._text("bg"),
            light=self._light(),
            T_world_camera=T,
            sequence=self._text("sequence"),
            tags=self._tags(),
            is_surreact=not released,
        )

    def _numbers(self, name: str) -> np.ndarray:
        """float64 of a variable's shape."""
        value = self.file.read(name)
        if value.dtype.kind not in "biuf":
            raise self.file.damaged(f"{name} holds {value.dtype}; expected numbers")
        return value.astype(np.float64)

    def _shaped(self, name: str, *shapes: tuple[int, ...]) -> np.ndarray:
        """The numbers of ``name`` in the first of ``shapes`` that fits but for axes of size 1, repeated to the
        first."""
        value = self._numbers(name)
        for shape in shapes:
            if [n for n in value.shape if n != 1] == [n for n in shape if n != 1]:
                value = value.reshape(shape + (1,) * (len(shapes[0]) - len(shape)))
                return np.broadcast_to(value, shapes[0])
        raise self.file.damaged(
            f"{name} has the shape {value.shape}; expected {' or '.join(map(str, shapes))}, of {self.p} "
            f"people and {self.t} frames"
        )

    def _finite(self, name: str, value: np.ndarray) -> np.ndarray:
        if not np.isfinite(value).all():
            raise self.file.damaged(f"{name} holds numbers that are not finite")
        return value

    def _joints2d(self, flip_within: int | None) -> np.ndarray | None:
        """flip_within: height of the image where y is up."""
        if "joints2D" not in self.file:
            return None
        value = self._shaped("joints2D", (self.p, 2, 24, self.t)).transpose(0, 3, 2, 1)
        if not np.isfinite(value).any() or not np.nan_to_num(value).any():
            return None
        return value if flip_within is None else value * [1, -1] + [0, flip_within]

    def _pose(self, yaw: np.ndarray, turn: Rotation) -> np.ndarray:
        pose = (
            self._finite("pose", self._shaped("pose", (self.p, 72, self.t)))
            .transpose(0, 2, 1)
            .reshape(self.p, self.t, 24, 3)
            .copy()
        )
        root = (
            turn
            * Rotation.from_euler("z", self._finite("zrot", yaw).reshape(-1, 1))
            * Rotation.from_rotvec(pose[:, :, 0].reshape(-1, 3))
        )
        pose[:, :, 0] = root.as_rotvec().reshape(self.p, self.t, 3)
        return pose

    def _betas(self) -> np.ndarray:
        value = self._finite("shape", self._numbers("shape"))
        for frames in (self.t, 1):
            count = value.size // (self.p * frames)
            if count > 1 and [n for n in value.shape if n != 1] == [n for n in (self.p, count, frames) if n != 1]:
                return value.reshape(self.p, count, frames)[:, :, 0]
        raise self.file.damaged(
            f"shape has the shape {value.shape}; expected coefficients of {self.p} people, for {self.t} frames or once"
        )

    def _genders(self) -> tuple[str, ...]:
        numbers = self._shaped("gender", (self.p, self.t), (self.p,), ())[:, 0]
        if not set(numbers) <= set(_GENDERS):
            raise self.file.damaged(
                f"gender is {numbers.tolist()}; expected {', '.join(f'{n} for {g}' for n, g in _GENDERS.items())}"
            )
        return tuple(_GENDERS[int(n)] for n in numbers)

    def _textures(self) -> tuple[str, ...]:
        texts = self._texts("cloth")
        if len(texts) % self.p:
            raise self.file.damaged(f"cloth names {len(texts)} textures for {self.p} people")
        return tuple(texts[:: len(texts) // self.p]) if texts else ("",) * self.p

    def _light(self) -> tuple[float, ...] | None:
        if "light" not in self.file:
            return None
        light = self._shaped("light", (9, self.t), (9,))[:, 0]
        return tuple(light.tolist()) if np.isfinite(light).all() else None

    def _level_camera(self) -> np.ndarray:
        return _transform(_LEVEL, WORLD.T @ self._finite("camLoc", self._shaped("camLoc", (3,))))

    def _surreact_camera(self) -> np.ndarray:
        keys = ("zrot_euler", "cam_height", "cam_dist")
        if not all(key in self.file for key in keys):
            raise self.file.damaged(f"it says of the camera neither camLoc nor {', '.join(keys)}")
        degrees, height, distance = (float(self._finite(key, self._shaped(key, ()))) for key in keys)
        turn, pitch = math.radians(degrees), math.atan((height - 1) / distance)
        blender = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]) @ Rotation.from_euler("YX", (turn, pitch)).as_matrix()
        position = (distance * math.sin(turn), distance * math.cos(turn), height)
        return _transform(SURREACT_WORLD.T @ blender @ np.diag([1, -1, -1]), SURREACT_WORLD.T @ position)

    def _tags(self) -> dict[str, str | float]:
        texts = {"sequence": self._text("sequence"), "source": self._text("source")}
        numbers = {
            tag: float(self._shaped(key, ()))
            for tag, key in (("clip", "clipNo"), ("stride", "stride"), ("view", "zrot_euler"))
            if key in self.file
        }
        return texts | {tag: value for tag, value in numbers.items() if math.isfinite(value)}

    def _text(self, name: str) -> str:
        return next(iter(self._texts(name)), "")

    def _texts(self, name: str) -> list[str]:
        """The strings of a text or of a cell array of texts, in order; none if there is no such variable."""
        if name not in self.file:
            return []
        cells = self.file.read(name).ravel()
        if len(cells) > limits.SURREAL_FRAMES:
            raise self.file.damaged(f"{name} has {len(cells)} texts; at most {limits.SURREAL_FRAMES} are read")
        return [
            str(cell.ravel()[0]).strip()
            if isinstance(cell, np.ndarray) and cell.size
            else ""
            if isinstance(cell, np.ndarray)
            else str(cell).strip()
            for cell in cells
        ]


def _transform(rotation: np.ndarray, position) -> np.ndarray:
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = rotation, position
    return T

"""The cameras of a clip, from the one that a preset draws, the rig and the movement that are asked for."""

from collections.abc import Callable, Sequence

import numpy as np

from mannequin.generator import exact
from mannequin.generator.cameras import look_at, to_matrix4
from mannequin.generator.config import ResolvedConfig
from mannequin.generator.rigs import layouts, movements
from mannequin.generator.rigs.framing import BODY_MARGIN
from mannequin.generator.rigs.layouts import Stand
from mannequin.generator.rigs.movements import Moment, Path
from mannequin.generator.rigs.names import Rig, parse_rig
from mannequin.generator.rotations import rodrigues
from mannequin.generator.spec import CameraSpec

LAYOUTS = {"fixed": layouts.fixed, "ring": layouts.ring, "sphere": layouts.sphere, "stereo": layouts.stereo}
MOVEMENTS = {
    "still": movements.still,
    "orbit": movements.orbit,
    "dolly": movements.dolly,
    "zoom": movements.zoom,
    "track": movements.track,
    "handheld": movements.handheld,
}

LOW = 0.05
"""m above the ground, below which no camera goes."""

ROUNDS = 6
"""Of moving away until everybody fits: the view turns a little as a camera does."""


def sample_cameras(
    config: ResolvedConfig,
    rng: Callable[[str], np.random.Generator],
    stand: Stand,
    joints: Sequence[np.ndarray],
    ground: float = 0.0,
) -> tuple[CameraSpec, ...]:
    """Cameras "camera0", … of the rig around ``stand``, which is used as it is where one stands still.

    rng: stream of a factor. joints: of each person (T + 2, J, 3) world metres at frames -1 … T. ground: metres.
    Where config.keep_in_frame is set, the rig moves away from what it looks at until everybody fits into every image.
    """
    rig = parse_rig(config.cameras)
    stands = LAYOUTS[rig.kind](stand, rig.number)
    moment = _moment(config, joints)
    paths = [
        MOVEMENTS[config.camera_motion](one, moment, rng("camera motion"), rng(f"camera{i} motion"))
        for i, one in enumerate(stands)
    ]
    farther = _distance_to_fit(config, stands, paths, joints, ground) if _must_fit(config, rig) else 1.0
    return tuple(
        _camera(config, f"camera{i}", one, path, _poses(one, path, farther, ground))
        for i, (one, path) in enumerate(zip(stands, paths))
    )


def _must_fit(config: ResolvedConfig, rig: Rig) -> bool:
    """A single still camera is where the preset put it, which sees to it itself."""
    return config.keep_in_frame and (rig.kind, config.camera_motion) != ("fixed", "still")


def _moment(config: ResolvedConfig, joints: Sequence[np.ndarray]) -> Moment:
    count = len(joints[0])
    follow = np.mean([person[:, 0] for person in joints], axis=0)
    return Moment(np.arange(-1, count - 1) / config.fps, (count - 3) / config.fps, follow)


def _poses(stand: Stand, path: Path, farther: float, ground: float) -> np.ndarray:
    """(T + 2, 4, 4) T_world_camera, at ``farther`` times the distance from what is looked at; one that looks up keeps
    its height."""
    offset = farther * path.offset
    offset[:, 2] = np.maximum(offset[:, 2], np.minimum(path.offset[:, 2], 0.0))
    position = path.target + offset
    position[:, 2] = np.maximum(position[:, 2], ground + LOW)
    poses = np.stack([look_at(eye, target) for eye, target in zip(position, path.target)])
    poses[:, :3, 3] += stand.aside * poses[:, :3, 0]
    if path.angle is not None and path.step is not None:
        poses[:, :3, 3] += exact.matmul(poses[:, :3, :3], path.step[..., None])[..., 0]
        poses[:, :3, :3] = exact.matmul(poses[:, :3, :3], rodrigues(path.angle))
    return poses


def _distance_to_fit(config: ResolvedConfig, stands, paths, joints, ground: float) -> float:
    """By how much all cameras must be farther from what they look at than drawn, 1 or more."""
    points = np.concatenate([person[1:-1] for person in joints], axis=1)
    farther = 1.0
    for _ in range(ROUNDS):
        lacking = 0.0
        for stand, path in zip(stands, paths):
            poses, nearest = _poses(stand, path, farther, ground), exact.norm(path.offset).min()
            lack = _lack(points, poses[1:-1], stand.focal * path.zoom[1:-1], config.size)
            lacking = max(lacking, lack / nearest)
        if lacking <= 0.0:
            break
        farther += lacking
    return farther


def _lack(points: np.ndarray, poses: np.ndarray, focal: np.ndarray, size: tuple[int, int]) -> float:
    """Metres by which cameras (T, 4, 4) would have to step back for points (T, N, 3), with a margin, to be in sight."""
    local = exact.matmul(points - poses[:, None, :3, 3], poses[:, :3, :3])
    half = np.array([size[1] / 2, size[0] / 2]) / focal[:, None, None]
    wanted = (np.abs(local[..., :2]) + BODY_MARGIN) / half
    return float((wanted.max(axis=-1) - (local[..., 2] - BODY_MARGIN)).max())


def _camera(config: ResolvedConfig, name: str, stand: Stand, path: Path, poses: np.ndarray) -> CameraSpec:
    height, width = config.size
    moves, zooms = bool((poses != poses[:1]).any()), bool((path.zoom != path.zoom[0]).any())
    return CameraSpec(
        name,
        stand.focal,
        stand.focal,
        width / 2,
        height / 2,
        tuple(to_matrix4(pose) for pose in (poses if moves else poses[:1])),
        zoom=tuple(path.zoom.tolist()) if zooms else (),
    )

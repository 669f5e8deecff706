"""The cameras of a clip, from the one that a preset draws, the rig and the movement that are asked for."""

from collections.abc import Callable, Sequence

import numpy as np

from mannequin.generator import exact
from mannequin.generator.cameras import is_still, look_at, to_matrix4
from mannequin.generator.config import ResolvedConfig
from mannequin.generator.errors import ConfigError
from mannequin.generator.people import PersonPose
from mannequin.generator.rigs import layouts, movements
from mannequin.generator.rigs.calibrated import calibrated_cameras
from mannequin.generator.rigs.framing import BODY_MARGIN
from mannequin.generator.rigs.head import head_focal, head_poses
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
    people: Sequence[PersonPose],
    ground: float = 0.0,
) -> tuple[tuple[CameraSpec, ...], dict[str, str | float]]:
    """(cameras, tags that say how they were chosen, none for the preset's one that stands still).

    They are called "camera0", …, or as in a calibration. rng: stream of a factor. stand: the preset's camera, around
    which the rig is built. people: at frames -1 … T. ground: metres. Where config.keep_in_frame is set, a rig moves
    away from what it looks at until everybody fits into every image; a calibration and a head stay where they are.
    """
    rig, motion = parse_rig(config.cameras), config.camera_motion
    tags: dict[str, str | float] = {} if rig.kind == "fixed" else {"rig": config.cameras}
    tags |= {} if motion == "still" else {"camera_motion": motion}
    if rig.kind in ("file", "head") and motion != "still":
        raise ConfigError(
            f"camera-motion is {motion!r}; cameras of {config.cameras!r} move by themselves. Leave it out."
        )
    if rig.kind == "file":
        frames = len(people[0].joints) - 2
        told = (config.size, config.cameras_up, config.cameras_unit)
        cameras, (x, y) = calibrated_cameras(rig.path, frames, *told)
        return cameras, tags | ({"origin_x": x, "origin_y": y} if x or y else {})
    if rig.kind == "head":
        return (_head_camera(config, people[0]),), tags
    if not tags:
        return (_camera(config, "camera0", stand, look_at(stand.position, stand.target)[None], np.ones(1)),), tags
    return _around(config, rng, rig, stand, [person.joints for person in people], ground), tags


def moves(camera: CameraSpec) -> bool:
    """Whether a photo behind it would betray that it moves, or zooms."""
    return len(set(camera.T_world_camera)) > 1 or len(set(camera.zoom)) > 1


def _head_camera(config: ResolvedConfig, person: PersonPose) -> CameraSpec:
    poses, focal, (height, width) = head_poses(person.pose, person.joints), head_focal(config.size), config.size
    return CameraSpec("camera0", focal, focal, width / 2, height / 2, tuple(to_matrix4(pose) for pose in poses))


def _around(config: ResolvedConfig, rng, rig: Rig, stand: Stand, joints, ground: float) -> tuple[CameraSpec, ...]:
    stands = LAYOUTS[rig.kind](stand, rig.number)
    moment = _moment(config, joints)
    paths = [
        MOVEMENTS[config.camera_motion](one, moment, rng("camera motion"), rng(f"camera{i} motion"))
        for i, one in enumerate(stands)
    ]
    farther = _distance_to_fit(config, stands, paths, joints, ground) if config.keep_in_frame else 1.0
    return tuple(
        _camera(config, f"camera{i}", one, _poses(one, path, farther, ground), path.zoom)
        for i, (one, path) in enumerate(zip(stands, paths))
    )


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
    if (position == position[0]).all() and (path.target == path.target[0]).all():
        poses = np.repeat(look_at(position[0], path.target[0])[None], len(position), axis=0)
    else:
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


def _camera(config: ResolvedConfig, name: str, stand: Stand, poses: np.ndarray, zoom: np.ndarray) -> CameraSpec:
    height, width = config.size
    return CameraSpec(
        name,
        stand.focal,
        stand.focal,
        width / 2,
        height / 2,
        tuple(to_matrix4(pose) for pose in (poses[:1] if is_still(poses) else poses)),
        zoom=() if is_still(zoom) else tuple(zoom.tolist()),
    )

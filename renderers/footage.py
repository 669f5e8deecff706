"""Labels for real footage: a body fitted to a person, seen by the calibrated camera that filmed it.

Source: thesis §3.3.2 (SMPL bodies fitted to Human3.6M, projected with its calibration).
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from generator.body.lbs import pose_body
from generator.body.model import BodyModel
from generator.cameras import intrinsics, poses_with_neighbours, to_matrix4
from generator.clip import LABELS, Clip, PersonTrack
from generator.errors import AssetError, ConfigError
from generator.scene import MeshTrack, Scene
from generator.spec import AppearanceSpec, CameraSpec, ClipSpec, MotionSpec, PersonSpec, PlainBackground, ShLight
from renderers.raster.renderer import RasterRenderer

POSE_KEYS = ("poses", "pose", "fullpose")
TRANSL_KEYS = ("trans", "transl")


@dataclass(frozen=True, eq=False)
class BodyParameters:
    """A body fitted to footage, one entry per video frame.

    pose: (T, J, 3) float64 axis-angles, J = 24 or 52. transl: (T, 3) metres. betas: (S,).
    The frame is that which the camera's extrinsics refer to; it need not be Z-up.
    """

    pose: np.ndarray
    transl: np.ndarray
    betas: np.ndarray


def read_parameters(path: Path) -> BodyParameters:
    """Read ``poses`` (T, 72 | 156 | 165), ``trans`` (T, 3) and ``betas`` from an .npz file.

    Raises AssetError for a missing or damaged file, absent keys, wrong widths, values not finite.
    """
    where = f"The parameters {path}"
    try:
        with np.load(path, allow_pickle=False) as data:
            held = {name: np.asarray(data[name]) for name in data.files if name in POSE_KEYS + TRANSL_KEYS + ("betas",)}
    except FileNotFoundError as e:
        raise AssetError(f"There is no parameter file {path}. Expected an .npz with poses, trans and betas.") from e
    except Exception as e:  # a damaged archive fails in zip, zlib or numpy, each with errors of its own
        raise AssetError(f"{where} cannot be read ({e}). Expected an .npz with numeric poses, trans and betas.") from e
    poses = _pick(held, POSE_KEYS, where)
    transl = _pick(held, TRANSL_KEYS, where)
    betas = held.get("betas", np.zeros(10))
    poses = poses.reshape(len(poses), -1).astype(np.float64)
    if poses.shape[1] not in (72, 156, 165) or transl.shape != (len(poses), 3) or len(poses) == 0:
        raise AssetError(f"{where} have poses {poses.shape} and trans {transl.shape}; expected (T, 72), (T, 156) or (T, 165), and (T, 3).")
    if betas.ndim == 2:
        betas = betas.mean(0)
    for name, value in (("poses", poses), ("trans", transl), ("betas", betas)):
        if not np.isfinite(value).all():
            raise AssetError(f"{where} hold values in {name} that are not finite numbers.")
    return BodyParameters(_joints(poses), transl.astype(np.float64), betas.astype(np.float64).reshape(-1))


def _pick(held, names, where):
    for name in names:
        if name in held:
            return held[name]
    raise AssetError(f"{where} have no {names[0]!r} (nor {', '.join(names[1:])}). They hold: {', '.join(held) or 'nothing usable'}.")


def _joints(poses: np.ndarray) -> np.ndarray:
    """(T, 72 | 156 | 165) to (T, 24 | 52, 3); SMPL-X's jaw and eyes are left out."""
    if poses.shape[1] == 165:
        poses = np.concatenate([poses[:, :66], poses[:, 75:]], axis=1)
    return poses.reshape(len(poses), -1, 3)


def read_camera(path: Path, num_frames: int) -> tuple[CameraSpec, tuple[int, int]]:
    """Read a calibration: JSON with ``size`` [height, width], ``K`` 3 × 3, and extrinsics.

    Extrinsics: ``T_world_camera`` (4 × 4), or ``R`` (3 × 3) and ``t`` (3, metres) of OpenCV
    (x_camera = R x_world + t); one, or a list of one per frame. ``distortion``: OpenCV's 4, 5 or 8
    coefficients, optional. Raises AssetError or ConfigError saying what does not fit.
    """
    try:
        held = json.loads(path.read_text())
    except FileNotFoundError as e:
        raise AssetError(f"There is no camera file {path}. Expected JSON with size, K, and R, t or T_world_camera.") from e
    except (ValueError, UnicodeDecodeError) as e:
        raise AssetError(f"The camera {path} is not JSON ({e}).") from e
    try:
        height, width = (int(v) for v in held["size"])
        K = np.array(held["K"], float).reshape(3, 3)
        poses = _extrinsics(held)
        distortion = tuple(float(v) for v in held.get("distortion", ()))
    except (KeyError, TypeError, ValueError) as e:
        raise AssetError(f"The camera {path} lacks or garbles {e}. Expected size [height, width], K 3 x 3, and R, t or T_world_camera.") from e
    if abs(K[0, 1]) > 1e-6:
        raise ConfigError(f"The camera {path} has skew K[0][1] = {K[0, 1]}; only cameras without skew can be drawn.")
    if len(poses) not in (1, num_frames):
        raise ConfigError(f"The camera {path} has {len(poses)} poses for {num_frames} frames of parameters; expected 1 or {num_frames}.")
    rotation = poses[:, :3, :3]
    if np.abs(rotation @ rotation.transpose(0, 2, 1) - np.eye(3)).max() > 1e-3 or (np.linalg.det(rotation) < 0).any():
        raise ConfigError(f"The rotation of the camera {path} is not a proper rotation (orthonormal, determinant +1).")
    camera = CameraSpec("camera0", K[0, 0], K[1, 1], K[0, 2], K[1, 2], tuple(to_matrix4(p) for p in poses), distortion)
    return camera, (height, width)


def _extrinsics(held) -> np.ndarray:
    """(1 or T, 4, 4) T_world_camera."""
    if "T_world_camera" in held:
        return np.array(held["T_world_camera"], float).reshape(-1, 4, 4)
    R, t = np.array(held["R"], float).reshape(-1, 3, 3), np.array(held["t"], float).reshape(-1, 3, 1)
    poses = np.tile(np.eye(4), (len(R), 1, 1))
    poses[:, :3, :3] = R.transpose(0, 2, 1)
    poses[:, :3, 3:] = -R.transpose(0, 2, 1) @ t
    return poses


def label_footage(model: BodyModel, parameters: BodyParameters, camera: CameraSpec, size: tuple[int, int], name: str, fps: float, rgb=None) -> Clip:
    """All labels of the fitted body, pixel for pixel on the footage.

    size: (height, width). rgb: (T, H, W, 3) uint8 video frames to keep beside the labels, or None.
    """
    frames = len(parameters.pose)
    spec = _spec(model, parameters, camera, size, name, fps)
    scene = footage_scene(spec, model, parameters, camera)
    clip = RasterRenderer(None).render_scene(scene, LABELS)
    if rgb is None:
        return clip
    if rgb.shape != (frames, *size, 3):
        raise ConfigError(f"The images are {rgb.shape[0]} of {rgb.shape[2]} x {rgb.shape[1]} pixels; the parameters have {frames} frames and the camera {size[1]} x {size[0]} pixels.")
    view = clip.views[camera.name]
    return replace(clip, views={camera.name: replace(view, rgb=rgb)})


def _spec(model, parameters, camera, size, name, fps) -> ClipSpec:
    person = PersonSpec(
        name="person0",
        body=model.name,
        betas=tuple(float(b) for b in parameters.betas),
        motion=MotionSpec(f"footage/{name}"),
        appearance=AppearanceSpec("footage"),
        joints=parameters.pose.shape[1],
    )
    return ClipSpec(
        name=name, seed=0, index=0, split="all", preset="footage", fps=fps, num_frames=len(parameters.pose),
        resolution=size, people=(person,), cameras=(camera,), light=ShLight((0.0,) * 9), background=PlainBackground(),
    )


def footage_scene(spec: ClipSpec, model: BodyModel, parameters: BodyParameters, camera: CameraSpec) -> Scene:
    """The fitted body as a scene, without clothes, light or background."""
    posed = pose_body(model, parameters.pose, parameters.betas[: model.num_betas], parameters.transl)
    picks = np.clip(np.arange(-1, spec.num_frames + 1), 0, spec.num_frames - 1)
    topology, joints = model.topology, parameters.pose.shape[1]
    mesh = MeshTrack(
        name="person0",
        instance=1,
        vertices=posed.vertices[picks],
        faces=topology.faces,
        part=topology.part,
        chart=topology.chart,
        uv=topology.uv,
        chart_uv=topology.chart_uv,
        texture=np.zeros((4, 4, 3), np.uint8),
    )
    track = PersonTrack(
        body=model.name,
        gender=model.gender,
        pose=parameters.pose.astype(np.float32),
        betas=parameters.betas.astype(np.float32),
        transl=parameters.transl.astype(np.float32),
        joints=posed.joints[:, :joints].astype(np.float32),
        joint_names=model.joint_names[:joints],
    )
    cameras = {camera.name: (intrinsics(camera), poses_with_neighbours(camera.T_world_camera, spec.num_frames))}
    return Scene(spec, (mesh,), {"person0": track}, cameras, {}, None)


def read_images(path: Path, count: int) -> np.ndarray:
    """(count, H, W, 3) uint8 sRGB frames of a video file, or of a folder of images in name order."""
    if path.is_dir():
        names = sorted(p for p in path.iterdir() if not p.name.startswith("."))
        frames = [cv2.imread(str(p)) for p in names[:count]]
        bad = next((p for p, f in zip(names, frames) if f is None), None)
        if bad is not None:
            raise AssetError(f"{bad} is not an image that can be read. Expected only video frames in {path}.")
    else:
        video = cv2.VideoCapture(str(path))
        frames = []
        while len(frames) < count:
            ok, frame = video.read()
            if not ok:
                break
            frames.append(frame)
        video.release()
    if len(frames) < count:
        raise AssetError(f"{path} holds {len(frames)} images; the parameters have {count} frames.")
    if len({f.shape for f in frames}) > 1:
        raise AssetError(f"The images of {path} differ in size.")
    return np.stack([cv2.cvtColor(f, cv2.COLOR_BGR2RGB) for f in frames])

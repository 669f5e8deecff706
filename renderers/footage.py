"""Labels for real footage: a body fitted to a person, seen by the calibrated camera that filmed it.

Source: thesis §3.3.2 (SMPL bodies fitted to Human3.6M, projected with its calibration).
"""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from mannequin.generator.body.lbs import pose_body
from mannequin.generator.body.model import BodyModel
from mannequin.generator.cameras import intrinsics, poses_with_neighbours, to_matrix4
from mannequin.generator.clip import LABELS, Clip, PersonTrack
from mannequin.generator.errors import AssetError, ConfigError
from mannequin.generator.io import limits
from mannequin.generator.io.films import check_frame_size
from mannequin.generator.io.image_size import check_image
from mannequin.generator.io.npz import NpzFile
from mannequin.generator.io.reading import contained, read_bytes, read_json
from mannequin.generator.scene import MeshTrack, Scene
from mannequin.generator.spec import (
    AppearanceSpec,
    CameraSpec,
    ClipSpec,
    MotionSpec,
    PersonSpec,
    PlainBackground,
    ShLight,
)
from mannequin.renderers.raster.renderer import RasterRenderer

POSE_KEYS = ("poses", "pose", "fullpose")
TRANSL_KEYS = ("trans", "transl")

ROTATION_STEP = 1e-3
"""By which an entry of a rotation may be off: written with three digits."""

_PLAYLISTS = (b"#extm3u", b"ffconcat", b"<?xml", b"<mpd", b"v=0", b"[playlist]")
"""How files begin in which FFmpeg looks for the names of others."""


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
    if not path.is_file():
        raise AssetError(f"There is no parameter file {path}. Expected an .npz with poses, trans and betas.")
    file = NpzFile(path)
    held = {name: file.array(name) for name in file.keys if name in POSE_KEYS + TRANSL_KEYS + ("betas",)}
    for name, value in held.items():
        if (
            value.dtype.kind not in "fiu"
            or not 1 <= value.ndim <= 3
            or 0 in value.shape
            or not (np.abs(value) <= limits.COORDINATE).all()
        ):  # NaN included
            raise AssetError(
                f"{where} hold values in {name} that are no finite numbers, or a shape {value.shape}. "
                "Expected arrays of radians and metres."
            )
    poses = _pick(held, POSE_KEYS, where)
    transl = _pick(held, TRANSL_KEYS, where)
    betas = held.get("betas", np.zeros(10))
    poses = poses.reshape(len(poses), int(np.prod(poses.shape[1:]))).astype(np.float64)
    if poses.shape[1] not in (72, 156, 165) or transl.shape != (len(poses), 3) or len(poses) == 0:
        raise AssetError(
            f"{where} have poses {poses.shape} and trans {transl.shape}; expected (T, 72), (T, 156) or (T, "
            "165), and (T, 3)."
        )
    if betas.ndim > 2 or (betas.ndim == 2 and len(betas) not in (1, len(poses))):
        raise AssetError(
            f"{where} have betas {betas.shape} for {len(poses)} frames; expected (S,), or one row per frame, "
            "which are averaged."
        )
    if betas.ndim == 2:
        betas = betas.mean(0)
    return BodyParameters(_joints(poses), transl.astype(np.float64), betas.astype(np.float64).reshape(-1))


def _pick(held, names, where):
    for name in names:
        if name in held:
            return held[name]
    raise AssetError(
        f"{where} have no {names[0]!r} (nor {', '.join(names[1:])}). They hold: {', '.join(held) or 'nothing usable'}."
    )


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
    if not path.is_file():
        raise AssetError(f"There is no camera file {path}. Expected JSON with size, K, and R, t or T_world_camera.")
    held = read_json(path, "a camera: size, K, and R, t or T_world_camera")
    try:
        height, width = (int(v) for v in held["size"])
        K = np.array(held["K"], float).reshape(3, 3)
        poses = _extrinsics(held)
        distortion = tuple(float(v) for v in held.get("distortion", ()))
    except ConfigError as e:
        raise ConfigError(f"The camera {path} cannot be used: {e}") from e
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as e:
        raise AssetError(
            f"The camera {path} lacks or garbles {str(e)[:200]}. Expected size [height, width], K 3 x 3, and "
            "R, t or T_world_camera."
        ) from e
    if not all((np.abs(values) <= limits.COORDINATE).all() for values in (K, poses, np.array(distortion))):
        raise AssetError(f"The camera {path} holds numbers beyond {limits.COORDINATE:g}. Expected pixels and metres.")
    if abs(K[0, 1]) > 1e-6:
        raise ConfigError(f"The camera {path} has skew K[0][1] = {K[0, 1]}; only cameras without skew can be drawn.")
    if len(poses) not in (1, num_frames):
        raise ConfigError(
            f"The camera {path} has {len(poses)} poses for {num_frames} frames of parameters; expected 1 or "
            f"{num_frames}."
        )
    if K[1, 0] or np.abs(K[2] - (0, 0, 1)).max() > 1e-9:
        raise ConfigError(f"The camera {path} has K = {K.tolist()}; expected [[fx, 0, cx], [0, fy, cy], [0, 0, 1]].")
    camera = CameraSpec("camera0", K[0, 0], K[1, 1], K[0, 2], K[1, 2], tuple(to_matrix4(p) for p in poses), distortion)
    return camera, (height, width)


def _extrinsics(held) -> np.ndarray:
    """(1 or T, 4, 4) T_world_camera, with rotations made exact."""
    if "T_world_camera" in held:
        poses = np.array(held["T_world_camera"], float).reshape(-1, 4, 4)
        if np.abs(poses[:, 3] - (0, 0, 0, 1)).max(initial=0.0) > 1e-9:
            raise ValueError("T_world_camera, whose last row is not 0, 0, 0, 1")
        return _rigid(poses[:, :3, :3], poses[:, :3, 3])
    R, t = np.array(held["R"], float).reshape(-1, 3, 3), np.array(held["t"], float).reshape(-1, 3)
    if len(R) != len(t) and 1 not in (len(R), len(t)):
        raise ValueError(f"extrinsics, {len(R)} R and {len(t)} t")
    count = max(len(R), len(t))
    inverse = _rigid(np.broadcast_to(R, (count, 3, 3)), np.broadcast_to(t, (count, 3)))
    turned = inverse[:, :3, :3].transpose(0, 2, 1)
    return _rigid(turned, -np.einsum("tij,tj->ti", turned, inverse[:, :3, 3]))


def _rigid(rotation: np.ndarray, position: np.ndarray) -> np.ndarray:
    """(T, 4, 4) with the rotations nearest to (T, 3, 3), which calibrations give with few digits."""
    if not np.isfinite(rotation).all():
        raise ValueError("a rotation, which is not finite")
    u, _, v = np.linalg.svd(rotation)
    nearest = u @ v
    if np.abs(nearest - rotation).max(initial=0.0) > ROTATION_STEP or (np.linalg.det(nearest) < 0).any():
        raise ConfigError(
            "its rotation is not a proper one (orthonormal, determinant +1). Check the axes: x right, y "
            "down, z forward."
        )
    poses = np.tile(np.eye(4), (len(rotation), 1, 1))
    poses[:, :3, :3], poses[:, :3, 3] = nearest, position
    return poses


def label_footage(
    model: BodyModel,
    parameters: BodyParameters,
    camera: CameraSpec,
    size: tuple[int, int],
    name: str,
    fps: float,
    rgb=None,
) -> Clip:
    """All labels of the fitted body, pixel for pixel on the footage.

    size: (height, width). rgb: (T, H, W, 3) uint8 video frames to keep beside the labels, or None.
    """
    frames = len(parameters.pose)
    if rgb is not None and rgb.shape != (frames, *size, 3):
        raise ConfigError(
            f"The images are {rgb.shape[0]} of {rgb.shape[2]} x {rgb.shape[1]} pixels; the parameters have "
            f"{frames} frames and the camera {size[1]} x {size[0]} pixels."
        )
    if np.any(parameters.betas[model.num_betas :]):
        raise ConfigError(
            f"The parameters have {len(parameters.betas)} betas; the body {model.name!r} has "
            f"{model.num_betas}. Use the body file that they were fitted with."
        )
    parameters = replace(parameters, betas=parameters.betas[: model.num_betas])
    spec = _spec(model, parameters, camera, size, name, fps)
    clip = RasterRenderer(None).render_scene(footage_scene(spec, model, parameters, camera), LABELS)
    return clip if rgb is None else replace(clip, views={camera.name: replace(clip.views[camera.name], rgb=rgb)})


def _spec(model, parameters, camera, size, name, fps) -> ClipSpec:
    person = PersonSpec(
        name="person0",
        instance=1,
        body=model.name,
        betas=tuple(float(b) for b in parameters.betas),
        motion=MotionSpec(f"footage/{name}"),
        appearance=AppearanceSpec("footage"),
        joints=parameters.pose.shape[1],
    )
    return ClipSpec(
        name=name,
        seed=0,
        index=0,
        split="all",
        preset="footage",
        fps=fps,
        num_frames=len(parameters.pose),
        resolution=size,
        people=(person,),
        cameras=(camera,),
        light=ShLight((0.0,) * 9),
        background=PlainBackground(),
        ground=None,
    )


def footage_scene(spec: ClipSpec, model: BodyModel, parameters: BodyParameters, camera: CameraSpec) -> Scene:
    """The fitted body as a scene, without clothes, light or background."""
    posed = pose_body(model, parameters.pose, parameters.betas, parameters.transl)
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
    """(count, H, W, 3) uint8 sRGB frames of a video file, or of a folder of images in name order.

    Raises AssetError unless there are exactly ``count``, all of one size.
    """
    found, frames = 0, None
    for frame in _folder_frames(path, count + 1) if path.is_dir() else _video_frames(path, count + 1):
        if frames is None:
            _check_room(path, count, frame.nbytes)
            frames = np.empty((count, *frame.shape), np.uint8)
        if frame.shape != frames.shape[1:]:
            raise AssetError(f"The images of {path} differ in size.")
        if found < count:
            cv2.cvtColor(frame, cv2.COLOR_BGR2RGB, dst=frames[found])
        found += 1
    if frames is None or found != count:
        held = "more" if found > count else str(found)
        raise AssetError(f"{path} holds {held} images; the parameters have {count} frames. Cut one to the other.")
    return frames


def _check_room(path: Path, count: int, each: int) -> None:
    """Raises AssetError for ``count`` frames of ``each`` bytes that take more memory than the film, or the folder of
    images, may."""
    files = sorted(path.iterdir())[: count + 1] if path.is_dir() else [path]
    stored = sum(file.stat().st_size for file in files if file.is_file())
    times = limits.EXPANSION if path.is_dir() else limits.FILM_EXPANSION
    most = min(limits.FOOTAGE_BYTES, limits.ROOM + times * stored)
    if count * each > most:
        raise AssetError(
            f"{count} images of {path} take {count * each} bytes of memory; of {stored} bytes of files at most {most} "
            "are read. Label fewer frames at a time."
        )


def _folder_frames(path: Path, count: int):
    """The first ``count`` images of a folder, (H, W, 3) uint8 BGR."""
    for name in sorted(p for p in path.iterdir() if not p.name.startswith("."))[:count]:
        data = read_bytes(contained(name, path), limits.IMAGE_BYTES, "a video frame")
        try:
            check_image(data, ("JPEG", "PNG", "WEBP", "BMP", "TIFF"))
            frame = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        except (cv2.error, ValueError) as e:
            raise AssetError(
                f"{name} is not an image that can be read ({e}). Expected only video frames in {path}."
            ) from e
        if frame is None:
            raise AssetError(f"{name} is not an image that can be read. Expected only video frames in {path}.")
        yield frame


def _video_frames(path: Path, count: int):
    """The first ``count`` frames of a video, (H, W, 3) uint8 BGR."""
    if not path.is_file():
        raise AssetError(f"There is no video or folder of images at {path}. Check the path.")
    with open(path, "rb") as stream:
        if stream.read(512).lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PLAYLISTS):
            raise AssetError(f"{path} is a list of other files. Expected the video itself.")
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)  # other backends would take the name for a pattern
    try:
        if video.isOpened():
            height, width = (int(video.get(of)) for of in (cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH))
            check_frame_size(path, height, width, AssetError)
        for _ in range(count):
            ok, frame = video.read()
            if not ok:
                return
            yield frame
    finally:
        video.release()

"""Labels for real footage: a body fitted to a person, seen by the calibrated camera that filmed it.

Source: thesis §3.3.2 (SMPL bodies fitted to Human3.6M, projected with its calibration).
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mannequin.generator.body.lbs import pose_body
from mannequin.generator.body.model import BodyModel
from mannequin.generator.cameras import intrinsics, poses_with_neighbours
from mannequin.generator.clip import LABELS, Clip, PersonTrack
from mannequin.generator.errors import AssetError, ConfigError
from mannequin.generator.io import limits
from mannequin.generator.io.npz import NpzFile
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

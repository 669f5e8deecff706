"""Labels for real footage: a body fitted to a person, seen by the calibrated camera that filmed it.

Source: thesis §3.3.2 (SMPL bodies fitted to Human3.6M, projected with its calibration).
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mannequin.generator.body.lbs import pose_body
from mannequin.generator.body.model import BodyModel
from mannequin.generator.cameras import camera_track
from mannequin.generator.clip import LABELS, Clip, PersonTrack
from mannequin.generator.errors import AssetError, ConfigError
from mannequin.generator.motion import smpl_parameters
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
    """Read a fit by any of the names and shapes of ``motion.smpl_keys``.

    Fingers make it a body of 52 joints; SMPL-X's jaw and eyes are left out. Raises AssetError for a missing or damaged
    file, and for what is missing or no finite number in it.
    """
    if not path.is_file():
        raise AssetError(f"There is no parameter file {path}. Expected an .npz with poses, trans and betas.")
    read = smpl_parameters.read_parameters(path, needs_transl=True)
    ends = read.palms if read.hands is None else read.hands
    betas = np.zeros(10) if read.betas is None else read.betas
    return BodyParameters(np.concatenate([read.body, ends], axis=1), read.transl, betas)


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
    cameras = {camera.name: camera_track(camera, spec.num_frames)}
    return Scene(spec, (mesh,), {"person0": track}, cameras, {}, None)

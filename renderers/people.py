"""Where people, hands and objects are in the images of one camera."""

import numpy as np

from mannequin.generator import exact
from mannequin.generator.body.model import SMPL_JOINTS, joint_parents
from mannequin.generator.clip import (
    BY_ANOTHER,
    BY_OBJECT,
    BY_ONESELF,
    OUTSIDE,
    VISIBLE,
    Foreground,
    ObjectView,
    PersonTrack,
    PersonView,
    View,
)
from mannequin.generator.scene import MeshTrack, Scene
from mannequin.renderers.raster.lens import make_lenses, project_points
from mannequin.renderers.raster.zbuffer import NEAR

NEEDED_CHANNELS = ("segm", "instance", "depth")
"""Label channels that ``make_view`` reads."""


def make_view(
    scene: Scene,
    camera: str,
    rgb: np.ndarray | None,
    foreground: Foreground,
    kept: Foreground,
    amodal: dict[str, Foreground],
) -> View:
    """What ``camera`` recorded: the images, and where in them everybody and everything is.

    foreground: with NEEDED_CHANNELS at least. kept: the labels of it that go into the View. amodal: of every mesh.
    """
    K, poses = scene.cameras[camera]
    things = {
        name: ObjectView(*boxes(foreground, track.instance), *extents(amodal[name]))
        for name, track in scene.objects.items()
    }
    return View(
        K=K[1:-1],
        T_world_camera=poses[1:-1],
        rgb=rgb,
        labels=kept,
        people=person_views(scene, camera, foreground, amodal),
        hands=_views(scene, camera, foreground, amodal, scene.hands),
        objects=things,
        amodal=amodal,
    )


def person_views(
    scene: Scene, camera: str, foreground: Foreground, amodal: dict[str, Foreground]
) -> dict[str, PersonView]:
    """Person name → PersonView; ``foreground`` must have NEEDED_CHANNELS, ``amodal`` every person.

    A joint is visible when it is in frame and the surface in the pixel that contains it does not
    hide it. That surface (there may be none) hides the joint if it is nearer than the joint and
    - belongs to another person or an object, or
    - belongs to another part of the same person and is nearer by more than the body is thick
      there. Joints lie inside the body, so the joint's own part and those of its parent and
      children in the kinematic tree never hide it.
    How thick: twice the joint's distance to the nearest vertex at frame 0. A hand that stands alone has no parts
    that tell finger from finger: all of its surface counts as another part.
    """
    return _views(scene, camera, foreground, amodal, scene.people)


def _views(scene: Scene, camera: str, foreground: Foreground, amodal, tracks) -> dict[str, PersonView]:
    meshes = {m.name: m for m in scene.meshes}
    return {name: _view(scene, camera, foreground, amodal[name], track, meshes[name]) for name, track in tracks.items()}


def _view(
    scene: Scene, camera: str, foreground: Foreground, amodal: Foreground, track: PersonTrack, mesh: MeshTrack
) -> PersonView:
    K, poses = scene.cameras[camera]
    spec = next(c for c in scene.spec.cameras if c.name == camera)
    R, origin = poses[1:-1, :3, :3], poses[1:-1, None, :3, 3]
    points = exact.matmul(track.joints - origin, R)
    lenses = make_lenses(K[1:-1], spec.distortion)
    image = np.stack([project_points(p, lens.pinhole, lens.k, lens.radius, NEAR) for p, lens in zip(points, lenses)])
    h, w = foreground.resolution
    in_frame = (image[..., 0] >= 0) & (image[..., 0] < w) & (image[..., 1] >= 0) & (image[..., 1] < h)
    box, pixels = boxes(foreground, mesh.instance)
    amodal_box, amodal_pixels = extents(amodal)
    hidden = _hidden(scene, foreground, track, mesh, points, image, in_frame)
    visibility = np.where(in_frame, hidden, OUTSIDE).astype(np.uint8)
    return PersonView(
        joints2d=np.nan_to_num(image).astype(np.float32),
        joints_camera=points.astype(np.float32),
        in_frame=in_frame,
        visible=visibility == VISIBLE,
        box=box,
        pixels=pixels,
        visibility=visibility,
        amodal_box=amodal_box,
        amodal_pixels=amodal_pixels,
    )


def boxes(foreground: Foreground, instance: int) -> tuple[np.ndarray, np.ndarray]:
    """((T, 4) float32 pixel edges x0, y0, x1, y1, (T,) int32 pixels) of one instance."""
    own = foreground.values["instance"] == instance
    offsets = np.concatenate([[0], np.cumsum(own)])[foreground.offsets]
    return extents(Foreground(foreground.resolution, offsets, foreground.pixels[own], {}))


def extents(mask: Foreground) -> tuple[np.ndarray, np.ndarray]:
    """((T, 4) float32 pixel edges x0, y0, x1, y1, zeros where it is empty, (T,) int32 pixels) of a mask."""
    frames, w = mask.num_frames, mask.resolution[1]
    box, pixels = np.zeros((frames, 4), np.float32), np.diff(mask.offsets).astype(np.int32)
    if not pixels.any():
        return box, pixels
    some = pixels > 0
    first, last, x = mask.offsets[:-1][some], mask.offsets[1:][some] - 1, mask.pixels % w
    box[some, 0], box[some, 2] = np.minimum.reduceat(x, first), np.maximum.reduceat(x, first) + 1
    box[some, 1], box[some, 3] = mask.pixels[first] // w, mask.pixels[last] // w + 1
    return box, pixels


def _hidden(scene, foreground, track, mesh, points, image, in_frame) -> np.ndarray:
    """(T, J) visibility of the joints in the frame: see person_views."""
    own = own_parts(track.joint_names) if track.kind == "body" else np.zeros((len(track.joint_names), 25), bool)
    things = [m.instance for m in scene.meshes if m.name not in scene.people and m.name not in scene.hands]
    hidden = np.full(in_frame.shape, VISIBLE)
    t, joints = np.nonzero(in_frame)
    x, y = np.floor(image[t, joints]).astype(np.int64).T
    part, instance, depth = surface_at(foreground, t, y * foreground.resolution[1] + x)
    nearer = points[t, joints, 2] - depth
    same = instance == mesh.instance
    behind_own = (nearer > scene.thickness[mesh.name][joints]) & ~own[joints, part]
    by_other = np.where(np.isin(instance, things), BY_OBJECT, BY_ANOTHER)
    behind = np.where(same, behind_own, nearer > 0) & (instance > 0)
    hidden[t, joints] = np.where(behind, np.where(same, BY_ONESELF, by_other), VISIBLE)
    return hidden


def surface_at(foreground: Foreground, frames: np.ndarray, pixels: np.ndarray) -> list[np.ndarray]:
    """(part, instance, depth), each (n,), of the surfaces at flat ``pixels`` of ``frames``; 0 where there is none, and
    beyond the image."""
    h, w = foreground.resolution
    known = np.repeat(np.arange(foreground.num_frames) * (h * w), np.diff(foreground.offsets)) + foreground.pixels
    if len(known) == 0:
        return [np.zeros(len(pixels), foreground.values[name].dtype) for name in NEEDED_CHANNELS]
    wanted = np.where((pixels >= 0) & (pixels < h * w), frames * (h * w) + pixels, -1)
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return [np.where(known[at] == wanted, foreground.values[name][at], 0) for name in NEEDED_CHANNELS]


def own_parts(joint_names: tuple[str, ...]) -> np.ndarray:
    """(J, 25) bool: the parts that never hide a joint (its own, its parent's, its children's)."""
    part = [joint_part(name) for name in joint_names]
    own = np.zeros((len(part), 25), bool)
    for j, parent in enumerate(joint_parents(joint_names)):
        own[j, part[j]] = True
        if parent >= 0:
            own[j, part[parent]] = own[parent, part[j]] = True
    return own


def joint_part(name: str) -> int:
    """Part, 1 … 24, that moves with the joint; fingers move with the tip of the hand."""
    if name in SMPL_JOINTS:
        return SMPL_JOINTS.index(name) + 1
    return SMPL_JOINTS.index("left_hand" if name.startswith("left") else "right_hand") + 1

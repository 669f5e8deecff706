"""The 3D scene of a clip in one browser: bodies, points, skeletons, cameras and the ground.

Everything stays in the browser from frame to frame, and only what moves is sent: vertices, not
faces; poses of objects; the picture in a camera. Positions are world metres, Z up.
"""

import threading
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import viser
from scipy.spatial.transform import Rotation

from mannequin.generator.body.model import SMPL_PARENTS, SMPLH_PARENTS
from mannequin.generator.catalog import Catalog
from mannequin.generator.clip import PersonTrack
from mannequin.generator.colours import Style, colourise, part_colours
from mannequin.generator.dataset.collection import Collection
from mannequin.generator.dataset.source import ClipSource
from mannequin.generator.errors import DatasetError
from mannequin.generator.objects import object_mesh
from mannequin.generator.spec import CameraSpec, ObjectSpec
from mannequin.view.bodies import Body, Patch, bodies_of, catalog_of, labelled_patches, textured_patches, unproject

ROOT = "/clip"
BONE_COLOURS = np.array(
    [[255, 160, 0], [3, 169, 244], [139, 195, 74], [233, 30, 99], [156, 39, 176], [255, 112, 67]], np.uint8
)
"""Of one person after another."""

PLAIN = (178, 182, 190)
"""A body without a texture."""

CHOSEN, OTHER = (255, 138, 0), (96, 106, 120)
"""Cameras."""

SKY, HORIZON = (134, 170, 208), (236, 240, 243)
GLASS = 0.5
"""Opacity of a body whose skeleton is shown."""

INSIDE = 0.05
"""m. So near to a clip's camera, the browser looks through it, and its picture would hide everything."""

MAX_GROUND = 50.0
"""m from the middle to an edge of the floor."""

MAX_POINTS = 13_000
"""Some 200 kB a frame."""

PICTURE_WIDTH = 320
"""Pixels, at most, of the picture in a camera."""


@dataclass(frozen=True)
class SceneOptions:
    """What is shown. surface: "mesh" shows points where a body is not at hand. names: of the joints.

    colour: of surfaces; "parts" follows the palette of the style.
    """

    surface: Literal["mesh", "points", "none"] = "mesh"
    frustum: bool = True
    skeleton: bool = True
    names: bool = False
    ground: bool = True
    colour: Literal["texture", "parts"] = "texture"


@dataclass(frozen=True, eq=False)
class ShownClip:
    """The clip that is shown. bodies: person name → Body, of those at hand. poses: camera name → (T, 4, 4)
    T_world_camera. K: camera name → (T, 3, 3)."""

    reader: ClipSource
    bodies: dict[str, Body]
    tracks: dict[str, PersonTrack]
    cameras: dict[str, CameraSpec]
    poses: dict[str, np.ndarray]
    K: dict[str, np.ndarray]

    @property
    def centre(self) -> np.ndarray:
        """(3,) metres: the middle of all joints of all frames."""
        joints = [track.joints.reshape(-1, 3) for track in self.tracks.values()]
        return np.concatenate(joints).mean(axis=0) if joints else np.zeros(3)

    def distance(self, camera: str, t: int) -> float:
        """Metres from ``camera`` to the middle of the people, along its view; at least 0.5."""
        pose = self.poses[camera][t]
        return max(0.5, float((self.centre - pose[:3, 3]) @ pose[:3, 2]))


class Scene3D:
    """One clip at a time in ``scene``.

    style: may be replaced; the next :meth:`show` follows it.
    notice: after :meth:`open`, what cannot be shown and why; "" if all can.
    """

    def __init__(self, scene: viser.SceneApi, style: Style):
        self.scene, self.style, self.notice = scene, style, ""
        self._shown: _Shown | None = None
        self._assets: tuple[Collection, Catalog] | None = None
        self._client: viser.ClientHandle | None = None
        self._lock = threading.RLock()  # the browser tells of its camera in threads of viser's

    def open(self, reader: ClipSource, collection: Collection) -> None:
        """Take up a clip, which must stay open; its bodies are posed frame by frame as they are shown."""
        with self._lock:
            self.close()
            self._open(reader, collection)

    def _open(self, reader: ClipSource, collection: Collection) -> None:
        if self._assets is None or self._assets[0] is not collection:
            self._assets = collection, catalog_of(collection)
        bodies, self.notice = bodies_of(reader, collection, self._assets[1])
        cameras = {c.name: c for c in reader.spec.cameras if c.name in reader.cameras}
        tracks = {name: reader.track(name) for name in reader.people}
        poses = {name: reader.T_world_camera(name) for name in cameras}
        K = {name: reader.K(name) for name in cameras}
        _check_finite(poses, tracks)
        self.scene.set_up_direction("+z")
        self.scene.set_background_image(_sky(), format="png")
        root = self.scene.add_frame(ROOT, show_axes=False)
        try:
            self._shown = _add_clip(self.scene, root, ShownClip(reader, bodies, tracks, cameras, poses, K))
        except Exception:
            self._remove(root)
            raise

    def close(self) -> None:
        """Remove all from the browser and let go of the clip."""
        with self._lock:
            if self._shown is not None:
                self._remove(self._shown.root)
            self._shown, self.notice = None, ""

    def _remove(self, root: viser.FrameHandle) -> None:
        root.remove()
        self.scene.set_background_image(None)

    def show(self, camera: str, t: int, options: SceneOptions = SceneOptions()) -> None:
        """Frame ``t`` with ``camera`` chosen. Call it within ``client.atomic()``, lest half of it be drawn."""
        shown = self._opened()
        whole = len(shown.clip.bodies) == len(shown.clip.tracks)
        mesh, points = (
            options.surface == "mesh" and whole,
            options.surface == "points" or (options.surface == "mesh" and not whole),
        )
        with self._lock:
            shown.surfaces.show(t, mesh, options, self.style)
            shown.objects.show(t, mesh)
            shown.points.show(camera, t, points, options.colour, self.style)
            shown.skeletons.show(t, options.skeleton, options.names)
            shown.frusta.show(camera, t, options.frustum, self.style)
            shown.ground.visible = options.ground

    def look_through(self, client: viser.ClientHandle, camera: str, t: int) -> None:
        """Put the browser's camera where ``camera`` is at frame ``t``, with all of its image in view.

        An image centre off the middle cannot be followed: viser looks along the middle. The camera's
        own picture, which would hide everything, is left out until the browser's camera leaves it.
        """
        clip, view = self._opened().clip, client.camera
        pose, K = clip.poses[camera][t], clip.K[camera][t]
        h, w = clip.reader.spec.resolution
        with client.atomic():
            view.position = pose[:3, 3]
            view.wxyz = wxyz(pose)
            view.look_at = pose[:3, 3] + pose[:3, 2] * clip.distance(camera, t)
            view.fov = float(2 * np.arctan(max(h / 2 / K[1, 1], w / 2 / K[0, 0] / view.aspect)))
            self._watch(client)

    def _watch(self, client: viser.ClientHandle) -> None:
        if self._client is not client:
            self._client = client
            client.camera.on_update(lambda view: self._seen_from(view.position))
        self._seen_from(client.camera.position)

    def _seen_from(self, position: np.ndarray) -> None:
        with self._lock:
            if self._shown is not None:
                self._shown.frusta.seen_from(position)

    def _opened(self) -> "_Shown":
        if self._shown is None:
            raise RuntimeError("No clip is open; call open() first.")
        return self._shown


@dataclass(frozen=True, eq=False)
class _Shown:
    """What stands in the browser for one clip."""

    clip: ShownClip
    root: viser.FrameHandle
    ground: viser.GridHandle
    surfaces: "_Surfaces"
    objects: "_Objects"
    points: "_Points"
    skeletons: "_Skeletons"
    frusta: "_Frusta"


def _add_clip(scene: viser.SceneApi, root: viser.FrameHandle, clip: ShownClip) -> _Shown:
    return _Shown(
        clip=clip,
        root=root,
        ground=_add_ground(scene, clip),
        surfaces=_Surfaces(scene, clip),
        objects=_Objects(scene, clip),
        points=_Points(scene, clip),
        skeletons=_Skeletons(scene, clip),
        frusta=_Frusta(scene, clip),
    )


def _check_finite(poses: dict[str, np.ndarray], tracks: dict[str, PersonTrack]) -> None:
    """Raise DatasetError for cameras and joints that have no place in space."""
    for name, pose in poses.items():
        if not (np.abs(np.linalg.det(pose[:, :3, :3]) - 1) < 1e-3).all() or not np.isfinite(pose).all():
            raise DatasetError(
                f"The poses of camera {name!r} are not all rotations and places. Verify the clip with "
                "`mannequin validate`."
            )
    for name, track in tracks.items():
        if not np.isfinite(track.joints).all():
            raise DatasetError(f"The joints of {name!r} are not all finite. Verify the clip with `mannequin validate`.")


class _Surfaces:
    """Posed bodies, cut into patches of one colour; cut anew when the colouring changes."""

    def __init__(self, scene: viser.SceneApi, clip: ShownClip):
        self.scene, self.clip, self.cut = scene, clip, None
        self.patches: list[tuple[Body, Patch, viser.MeshHandle]] = []

    def show(self, t: int, visible: bool, options: SceneOptions, style: Style) -> None:
        if visible and self.cut != (options.colour, style.palette):
            self._cut(options.colour, style.palette)
        vertices = {body: body.vertices(t) for body in self.clip.bodies.values()} if visible else {}
        for body, patch, mesh in self.patches:
            mesh.visible = visible
            if visible:
                mesh.vertices = vertices[body][patch.ids]
                mesh.opacity = GLASS if options.skeleton else None

    def _cut(self, colour: str, palette: str) -> None:
        for _, _, mesh in self.patches:
            mesh.remove()
        self.cut, self.patches = (colour, palette), []
        for i, body in enumerate(self.clip.bodies.values()):
            vertices = body.vertices(0)
            for k, patch in enumerate(_patches(body, colour, palette)):
                name = f"{ROOT}/body{i}/{colour}{k}"
                mesh = self.scene.add_mesh_simple(name, vertices[patch.ids], patch.faces, color=patch.colour)
                self.patches.append((body, patch, mesh))


def _patches(body: Body, colour: str, palette: str) -> list[Patch]:
    faces, part = body.model.topology.faces, body.model.topology.part
    if colour == "parts":
        return labelled_patches(faces, part, part_colours(palette))
    if body.face_colours is None:
        return labelled_patches(faces, np.zeros(len(faces), int), np.array([PLAIN]))
    return textured_patches(faces, body.face_colours)


class _Objects:
    def __init__(self, scene: viser.SceneApi, clip: ShownClip):
        self.things = [
            (thing, _add_object(scene, f"{ROOT}/object{i}", thing)) for i, thing in enumerate(clip.reader.spec.objects)
        ]

    def show(self, t: int, visible: bool) -> None:
        for thing, mesh in self.things:
            poses = thing.T_world_object
            _move(mesh, np.array(poses[t if len(poses) > 1 else 0]))
            mesh.visible = visible


def _add_object(scene: viser.SceneApi, name: str, thing: ObjectSpec) -> viser.MeshHandle:
    mesh = object_mesh(thing.mesh, thing.texture)
    if mesh.texture is not None:
        r, g, b = (int(c) for c in mesh.texture.reshape(-1, 3).mean(0))  # viser draws a mesh in one colour
    else:
        r, g, b = (round(255 * c) for c in thing.color)
    return scene.add_mesh_simple(
        name, mesh.vertices * thing.scale, mesh.faces, color=(r, g, b), side="double", flat_shading=thing.mesh == "box"
    )


class _Points:
    """What the chosen camera sees, where it sees it."""

    def __init__(self, scene: viser.SceneApi, clip: ShownClip):
        self.scene, self.clip = scene, clip
        self.cloud: viser.PointCloudHandle | None = None

    def show(self, camera: str, t: int, visible: bool, colour: str, style: Style) -> None:
        if self.cloud is not None:
            self.cloud.visible = visible
        if not visible or "depth" not in self.clip.reader.channels(camera):
            return
        points, colours, radius = seen_points(self.clip, camera, t, colour, style)
        if self.cloud is None and len(points):
            self.cloud = self.scene.add_point_cloud(
                f"{ROOT}/points",
                points,
                colours,
                point_size=radius,
                point_shape="circle",
                point_shading="flat",
                precision="float32",
            )
        elif self.cloud is not None:
            self.cloud.visible = len(points) > 0
            self.cloud.points, self.cloud.colors, self.cloud.point_size = points, colours, radius


def seen_points(
    clip: ShownClip, camera: str, t: int, colour: str, style: Style
) -> tuple[np.ndarray, np.ndarray, float]:
    """((N, 3) float32 metres, (N, 3) uint8, metres of radius that close the gaps) of every k-th row and column, N at
    most MAX_POINTS."""
    reader, K = clip.reader, clip.K[camera][t]
    h, w = reader.spec.resolution
    seen = reader.labels(camera, ("depth",), t, t + 1)
    y, x = np.divmod(seen.pixels, w)
    step = next(k for k in range(1, max(h, w) + 1) if np.count_nonzero((y % k == 0) & (x % k == 0)) <= MAX_POINTS)
    kept = (y % step == 0) & (x % step == 0)
    pixels, depth = seen.pixels[kept], seen.values["depth"][kept]
    points = unproject(pixels, depth, K, clip.cameras[camera].distortion, clip.poses[camera][t], (h, w)).astype(
        np.float32
    )
    radius = 0.75 * step * float(np.median(depth)) / K[0, 0] if len(depth) else 0.01
    return points, picture(clip, camera, t, colour, style).reshape(-1, 3)[pixels], radius


def picture(clip: ShownClip, camera: str, t: int, colour: str, style: Style) -> np.ndarray:
    """(H, W, 3) uint8 of what ``camera`` sees: the colour image, or the parts if that is asked for or all there is."""
    reader, channels = clip.reader, clip.reader.channels(camera)
    if "rgb" in channels and (colour == "texture" or "segm" not in channels):
        return reader.rgb(camera, t, t + 1)[0]
    shown = next((name for name in ("segm", "instance", "depth") if name in channels), None)
    if shown is None:
        return np.full((*reader.spec.resolution, 3), PLAIN, np.uint8)
    labels = reader.labels(camera, (shown,), t, t + 1)
    return colourise(labels.frame(shown, 0), labels.mask(0), shown, style)


class _Skeletons:
    """Joints and bones of everybody, one colour each."""

    def __init__(self, scene: viser.SceneApi, clip: ShownClip):
        self.scene, self.clip = scene, clip
        self.bones: viser.LineSegmentsHandle | None = None
        self.joints: viser.PointCloudHandle | None = None
        self.names: list[viser.LabelHandle] = []

    def show(self, t: int, visible: bool, names: bool) -> None:
        for node in (self.bones, self.joints):
            if node is not None:
                node.visible = visible
        tracks = list(self.clip.tracks.values())
        if visible and tracks:
            joints = np.concatenate([track.joints[t] for track in tracks])
            self._draw(tracks, joints, np.concatenate([bones(track, t) for track in tracks]))
        self._name(tracks, t, visible and names)

    def _draw(self, tracks, joints: np.ndarray, segments: np.ndarray) -> None:
        if self.bones is not None and self.joints is not None:
            self.bones.points, self.joints.points = segments, joints
            return
        colours = [BONE_COLOURS[i % len(BONE_COLOURS)] for i in range(len(tracks))]
        of_joints = np.repeat(colours, [len(track.joint_names) for track in tracks], axis=0)
        of_bones = np.repeat(colours, [len(track.joint_names) - 1 for track in tracks], axis=0)
        self.bones = self.scene.add_line_segments(
            f"{ROOT}/bones", segments, np.repeat(of_bones[:, None], 2, axis=1), thickness=0.02
        )
        self.joints = self.scene.add_point_cloud(
            f"{ROOT}/joints", joints, of_joints, point_size=0.02, point_shape="circle", precision="float32"
        )

    def _name(self, tracks, t: int, visible: bool) -> None:
        if visible and not self.names:
            texts = [name for track in tracks for name in track.joint_names]
            self.names = [
                self.scene.add_label(f"{ROOT}/name{i}", text, font_screen_scale=0.7) for i, text in enumerate(texts)
            ]
        if not visible:
            for label in self.names:
                label.remove()
            self.names = []
        places = [place for track in tracks for place in track.joints[t]]
        for label, place in zip(self.names, places):
            label.position = place


def bones(track: PersonTrack, t: int) -> np.ndarray:
    """(J - 1, 2, 3) float32 world metres: every joint's parent, and itself."""
    joints = track.joints[t]
    parents = SMPL_PARENTS if len(joints) == len(SMPL_PARENTS) else SMPLH_PARENTS
    return np.stack([joints[list(parents[1:])], joints[1:]], axis=1)


class _Frusta:
    """The cameras, with what they see; the chosen one stands out."""

    def __init__(self, scene: viser.SceneApi, clip: ShownClip):
        self.scene, self.clip = scene, clip
        self.frusta = {name: self._add(i, name) for i, name in enumerate(clip.cameras)}
        self.wanted, self.frame, self.eye = False, 0, np.full(3, np.inf)

    def _add(self, i: int, name: str) -> viser.CameraFrustumHandle:
        wide, high = self._spread(name, 0)
        length = 0.12 * self.clip.distance(name, 0)
        scale = length * float(np.cbrt(wide * high / 12))  # viser gives all fields of view the same volume
        fov = float(2 * np.arctan(high / 2))
        return self.scene.add_camera_frustum(
            f"{ROOT}/camera{i}", fov, wide / high, scale=scale, thickness=0.012 * length
        )

    def _spread(self, name: str, t: int) -> tuple[float, float]:
        """Width and height of what a camera sees at 1 m."""
        (h, w), K = self.clip.reader.spec.resolution, self.clip.K[name][t]
        return w / K[0, 0], h / K[1, 1]

    def show(self, chosen: str, t: int, visible: bool, style: Style) -> None:
        self.wanted, self.frame = visible, t
        for name, frustum in self.frusta.items():
            if visible:
                _move(frustum, self.clip.poses[name][t])
                frustum.fov = float(2 * np.arctan(self._spread(name, t)[1] / 2))
                frustum.color = CHOSEN if name == chosen else OTHER
                frustum.image = _small(picture(self.clip, name, t, "texture", style))
        self.seen_from(self.eye)

    def seen_from(self, eye: np.ndarray) -> None:
        """Hide the camera in which the browser's, at ``eye`` (3,), stands."""
        self.eye = eye
        for name, frustum in self.frusta.items():
            frustum.visible = bool(
                self.wanted and np.linalg.norm(self.clip.poses[name][self.frame][:3, 3] - eye) > INSIDE
            )


def _small(image: np.ndarray) -> np.ndarray:
    h, w = image.shape[:2]
    if w <= PICTURE_WIDTH:
        return image
    return cv2.resize(image, (PICTURE_WIDTH, max(1, round(h * PICTURE_WIDTH / w))), interpolation=cv2.INTER_AREA)


def _add_ground(scene: viser.SceneApi, clip: ShownClip) -> viser.GridHandle:
    """A floor of half metres under people and cameras, with a metre to spare."""
    spots = [poses[:, :3, 3] for poses in clip.poses.values()] + [
        track.joints.reshape(-1, 3) for track in clip.tracks.values()
    ]
    spots = np.clip(np.concatenate(spots), clip.centre - MAX_GROUND, clip.centre + MAX_GROUND)[:, :2]
    low, high = np.floor(spots.min(axis=0)) - 1, np.ceil(spots.max(axis=0)) + 1
    middle = (low + high) / 2
    return scene.add_grid(
        f"{ROOT}/ground",
        float(high[0] - low[0]),
        float(high[1] - low[1]),
        position=(float(middle[0]), float(middle[1]), clip.reader.spec.ground_height),
        cell_color=(203, 209, 216),
        section_color=(160, 170, 181),
        plane_color=(228, 232, 237),
        plane_opacity=1.0,
        shadow_opacity=0.25,
    )


def _sky() -> np.ndarray:
    """(256, 2, 3) uint8, light towards the horizon."""
    down = np.linspace(0, 1, 256)[:, None, None]
    return np.repeat(((1 - down) * SKY + down * HORIZON).round().astype(np.uint8), 2, axis=1)


def _move(node, T_world_node: np.ndarray) -> None:
    node.position, node.wxyz = T_world_node[:3, 3], wxyz(T_world_node)


def wxyz(T_a_b: np.ndarray) -> np.ndarray:
    """(4,) unit quaternion, w first, of the rotation of a (4, 4) transform."""
    return Rotation.from_matrix(T_a_b[:3, :3]).as_quat(scalar_first=True)

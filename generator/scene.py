"""A clip description turned into posed meshes: the last step that all renderers share."""

import functools
from dataclasses import dataclass, field, replace

import numpy as np

from mannequin.generator import exact
from mannequin.generator.background import Background, make_background
from mannequin.generator.body.lbs import pose_body
from mannequin.generator.body.model import BodyModel
from mannequin.generator.cameras import camera_track, to_camera, with_neighbours
from mannequin.generator.clip import ObjectTrack, PersonTrack, described_track
from mannequin.generator.objects import object_mesh
from mannequin.generator.people import frame_times, hand_pose, person_pose, person_vertices
from mannequin.generator.rotations import transpose
from mannequin.generator.spec import (
    HAND_JOINTS,
    ClipSpec,
    HandSpec,
    HdriLight,
    ObjectSpec,
    PersonSpec,
)


@dataclass(frozen=True, eq=False)
class MeshTrack:
    """A moving mesh with the labels of its faces.

    instance: its value in the instance image, from 1.
    vertices: (T + 2, V, 3) float32 world metres; index k is frame k - 1, so that the first and
    last entries are one frame before and after the clip.
    faces: (F, 3) int32, counter-clockwise seen from outside.
    part, chart: (F,) uint8. uv, chart_uv: (F, 3, 2) float32, v up.
    texture: (R, R', 3) uint8 sRGB albedo, row 0 is the top (v = 1).
    """

    name: str
    instance: int
    vertices: np.ndarray
    faces: np.ndarray
    part: np.ndarray
    chart: np.ndarray
    uv: np.ndarray
    chart_uv: np.ndarray
    texture: np.ndarray


@dataclass(frozen=True, eq=False)
class Scene:
    """All that is in a clip, as arrays.

    meshes: of everybody and everything, in no order that matters. people, hands: name → PersonTrack.
    objects: name → ObjectTrack.
    cameras: camera name → (K (T + 2, 3, 3) float64, T_world_camera (T + 2, 4, 4) float64); as in
    MeshTrack, index k is frame k - 1.
    background: camera name → what is seen behind everything.
    environment: (h, w, 3) float32 linear equirectangular image that lights the scene, or None.
    """

    spec: ClipSpec
    meshes: tuple[MeshTrack, ...]
    people: dict[str, PersonTrack]
    cameras: dict[str, tuple[np.ndarray, np.ndarray]]
    background: dict[str, Background]
    environment: np.ndarray | None
    hands: dict[str, PersonTrack] = field(default_factory=dict)
    objects: dict[str, ObjectTrack] = field(default_factory=dict)

    @functools.cached_property
    def thickness(self) -> dict[str, np.ndarray]:
        """Name of a person or hand → (J,) metres, how thick it is around each joint: twice the distance to the nearest
        vertex at frame 0."""
        skin = {mesh.name: mesh.vertices[1] for mesh in self.meshes}
        return {
            name: 2 * np.array([np.linalg.norm(skin[name] - joint, axis=1).min() for joint in track.joints[0]])
            for name, track in (self.people | self.hands).items()
        }


def build_scene(spec: ClipSpec, catalog, outputs=()) -> Scene:
    """Pose everybody, dress them, place cameras and load what is seen behind.

    outputs: names as in CHANNELS and EXTRA_OUTPUTS; without "rgb" no texture, light or background
    is loaded, with "vertices" the tracks carry them. Raises AssetError or ConfigError for ids
    that the catalog lacks or cannot read.
    """
    colour, keep_vertices = "rgb" in outputs, "vertices" in outputs
    cameras = {c.name: camera_track(c, spec.num_frames) for c in spec.cameras}
    meshes, people, hands, objects = [], {}, {}, {}
    for person in spec.people:
        mesh, people[person.name] = _person(spec, person, catalog, cameras if colour else {}, keep_vertices)
        meshes.append(mesh)
    for hand in spec.hands:
        mesh, hands[hand.name] = _hand(spec, hand, catalog, keep_vertices)
        meshes.append(mesh)
    for thing in spec.objects:
        mesh, objects[thing.name] = _object(spec, thing)
        meshes.append(mesh)
    return Scene(
        spec=spec,
        meshes=tuple(meshes),
        people=people,
        cameras=cameras,
        background={c.name: make_background(spec, catalog, c, *cameras[c.name]) for c in spec.cameras if colour},
        environment=catalog.environment(spec.light.environment)
        if colour and isinstance(spec.light, HdriLight)
        else None,
        hands=hands,
        objects=objects,
    )


def _person(spec: ClipSpec, person: PersonSpec, catalog, cameras, keep_vertices: bool):
    """(MeshTrack, PersonTrack); the mesh is painted for ``cameras``, not at all where there are none."""
    model = catalog.body(person.body, person.joints)
    posed = person_pose(person, catalog, frame_times(person, spec.num_frames, spec.fps), spec.ground_height)
    vertices = person_vertices(person, catalog, posed)
    if cameras:
        texture = catalog.texture(person.appearance.texture, model, texture_resolution(posed.joints, cameras))
    else:
        texture = np.zeros((4, 4, 3), np.uint8)
    track = _track(person, model, posed.pose, posed.transl, posed.joints, person.joints)
    return _bodily(person, model, vertices, texture, track, keep_vertices)


def _hand(spec: ClipSpec, hand: HandSpec, catalog, keep_vertices: bool):
    """(MeshTrack, PersonTrack) of a hand in its one colour."""
    model = catalog.body(hand.body, HAND_JOINTS)
    pose, transl = hand_pose(hand, spec.num_frames)
    posed = pose_body(model, pose, np.asarray(hand.betas), transl)
    track = _track(hand, model, pose, transl, posed.joints, HAND_JOINTS)
    return _bodily(hand, model, posed.vertices, _plain_texture(hand.color), track, keep_vertices)


def _track(thing: PersonSpec | HandSpec, model: BodyModel, pose, transl, joints, count: int) -> PersonTrack:
    """The frames of the clip out of arrays that hold one more at either end."""
    inner = slice(1, -1)
    return PersonTrack(
        body=thing.body,
        gender=model.gender,
        pose=pose[inner].astype(np.float32),
        betas=np.asarray(thing.betas, np.float32),
        transl=transl[inner].astype(np.float32),
        joints=joints[inner].astype(np.float32),
        joint_names=model.joint_names[:count],
    )


def _bodily(thing: PersonSpec | HandSpec, model: BodyModel, vertices, texture, track: PersonTrack, keep_vertices: bool):
    """(MeshTrack, PersonTrack) of a posed body or hand."""
    topology = model.topology
    mesh = MeshTrack(
        name=thing.name,
        instance=thing.instance,
        vertices=vertices,
        faces=topology.faces,
        part=topology.part,
        chart=topology.chart,
        uv=topology.uv,
        chart_uv=topology.chart_uv,
        texture=texture,
    )
    return mesh, replace(track, vertices=vertices[1:-1]) if keep_vertices else track


def texture_resolution(joints: np.ndarray, cameras) -> int:
    """Texels along the atlas, 256 to 2048 by 128, that leave no camera with fewer than one per pixel or so.

    joints: (T + 2, J, 3) world metres. A body's atlas of R texels has about R / 4 of them to a metre.
    """
    density = 0.0
    for K, poses in cameras.values():
        depth = np.array([to_camera(joints[k], pose)[:, 2].min() for k, pose in enumerate(poses)])
        density = max(density, float((K[:, 0, 0] / np.maximum(0.3, depth)).max()))
    return int(np.clip(128 * np.ceil(4 * density / 128), 256, 2048))


def _object(spec: ClipSpec, thing: ObjectSpec) -> tuple[MeshTrack, ObjectTrack]:
    shape = object_mesh(thing.mesh, thing.texture)
    poses = with_neighbours(thing.T_world_object, spec.num_frames)
    scaled = shape.vertices * thing.scale
    vertices = exact.matmul(scaled, transpose(poses[:, :3, :3])) + poses[:, None, :3, 3]
    nothing = np.zeros(len(shape.faces), np.uint8)
    mesh = MeshTrack(
        name=thing.name,
        instance=thing.instance,
        vertices=vertices.astype(np.float32),
        faces=shape.faces,
        part=nothing,
        chart=nothing,
        uv=shape.uv,
        chart_uv=np.zeros_like(shape.uv),
        texture=_plain_texture(thing.color) if shape.texture is None else shape.texture,
    )
    return mesh, described_track(thing, spec.num_frames)


def _plain_texture(color) -> np.ndarray:
    """(4, 4, 3) uint8 of one sRGB colour in [0, 1]."""
    return np.broadcast_to(np.round(np.asarray(color) * 255).astype(np.uint8), (4, 4, 3)).copy()

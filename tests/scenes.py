"""Makers of Scene objects out of balls, boxes and planes, for tests and benchmarks.

The triangles are known exactly, so ray casting or pencil and paper gives what to expect.
"""

import numpy as np

from mannequin.generator.background import Background
from mannequin.generator.cameras import camera_track
from mannequin.generator.scene import MeshTrack, Scene
from mannequin.generator.spec import CameraSpec, ClipSpec, ObjectSpec, PlainBackground, ShLight

WHITE = np.full((4, 4, 3), 255, np.uint8)
EYE = tuple(tuple(row) for row in np.eye(4).tolist())
AMBIENT = ShLight((1.0,) + (0.0,) * 8)


def look_at(position, target, up=(0.0, 0.0, 1.0)):
    """(4, 4) T_world_camera at ``position`` with ``target`` on the optical axis."""
    position, target = np.asarray(position, float), np.asarray(target, float)
    z = (target - position) / np.linalg.norm(target - position)
    x = np.cross(z, up)
    x /= np.linalg.norm(x)
    T = np.eye(4)
    T[:3, :3] = np.stack([x, np.cross(z, x), z], axis=1)
    T[:3, 3] = position
    return T


def sphere(rings=24, segments=48):
    """Unit UV sphere: vertices (V, 3), faces (F, 3), corner uv (F, 3, 2) (longitude, latitude)."""
    theta = np.linspace(0, np.pi, rings + 1)[:, None]
    phi = np.linspace(0, 2 * np.pi, segments + 1)[None, :-1]
    points = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta) + 0 * phi], axis=-1)
    r, s = np.meshgrid(np.arange(rings), np.arange(segments), indexing="ij")
    a, b = r * segments + s, (r + 1) * segments + s
    c, d = (r + 1) * segments + (s + 1) % segments, r * segments + (s + 1) % segments

    def grid(i, j):
        return np.stack([(s + j) / segments, 1 - (r + i) / rings], axis=-1)

    faces = np.concatenate([np.stack([a, b, c], -1)[:-1].reshape(-1, 3), np.stack([a, c, d], -1)[1:].reshape(-1, 3)])
    uv = np.concatenate(
        [
            np.stack([grid(0, 0), grid(1, 0), grid(1, 1)], 2)[:-1].reshape(-1, 3, 2),
            np.stack([grid(0, 0), grid(1, 1), grid(0, 1)], 2)[1:].reshape(-1, 3, 2),
        ]
    )
    vertices = points.reshape(-1, 3)
    vertices[:segments], vertices[-segments:] = (0, 0, 1), (0, 0, -1)
    return weld(vertices, faces) + (uv,)


def weld(vertices, faces):
    """Merge vertices at equal places, and drop those that no face uses."""
    unique, index = np.unique(np.round(vertices, 12), axis=0, return_inverse=True)
    return unique, index.reshape(-1)[faces]


def plane():
    """Square of half edge 1 at z = 0 facing +z: vertices, faces, corner uv."""
    corners = np.array([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], float)
    faces = np.array([(0, 1, 2), (0, 2, 3)])
    return corners, faces, (corners[faces][..., :2] + 1) / 2


def mesh_track(name, instance, vertices, faces, uv=None, part=None, texture=WHITE):
    """A MeshTrack of ``vertices`` (T + 2, V, 3), or (V, 3) with ``frames`` put in by ``make_scene``."""
    faces = np.asarray(faces, np.int32)
    uv = np.zeros((len(faces), 3, 2), np.float32) if uv is None else np.asarray(uv, np.float32)
    part = np.zeros(len(faces), np.uint8) if part is None else np.asarray(part, np.uint8)
    return MeshTrack(name, instance, np.asarray(vertices, np.float32), faces, part, part, uv, uv, texture)


def moved(vertices, offsets):
    """(len(offsets), V, 3): the mesh at each of the ``offsets`` (n, 3) metres."""
    return np.asarray(vertices)[None] + np.asarray(offsets, float)[:, None]


def make_scene(
    meshes,
    poses,
    resolution=(120, 160),
    focal=(200.0, 200.0),
    centre=None,
    distortion=(),
    light=AMBIENT,
    background=None,
    samples=9,
    environment=None,
    people=None,
    zoom=(),
):
    """A Scene of ``meshes`` with one camera, "camera", at ``poses`` (T + 2, 4, 4).

    background: linear RGB, (3,) or (1 or T, H, W, 3); black if None. centre: (cx, cy) pixels.
    zoom: factors of the focal lengths, T + 2 if any.
    """
    h, w = resolution
    cx, cy = centre or (w / 2, h / 2)
    poses = np.asarray(poses, float)
    frames = len(poses) - 2
    plain = tuple(tuple(tuple(float(v) for v in row) for row in T) for T in poses)
    camera = CameraSpec("camera", focal[0], focal[1], cx, cy, plain, tuple(distortion), tuple(zoom))
    objects = tuple(ObjectSpec(m.name, m.instance, "sphere", (EYE,)) for m in meshes)
    spec = ClipSpec(
        "scene",
        0,
        0,
        "train",
        "test",
        30.0,
        frames,
        (h, w),
        (),
        (camera,),
        light,
        PlainBackground(),
        objects,
        samples=samples,
    )
    colour = np.zeros(3) if background is None else np.asarray(background)
    image = np.ascontiguousarray(np.broadcast_to(colour, (1, h, w, 3)) if colour.ndim == 1 else colour, np.float32)
    behind = Background(lambda k: image[0 if len(image) == 1 else k - 1], len(image) == 1)
    cameras = {"camera": camera_track(camera, frames)}
    return Scene(spec, tuple(meshes), people or {}, cameras, {"camera": behind}, environment)

"""Flow and occlusion under cameras that move and zoom, at the first and last frame too, against closed forms."""

from dataclasses import replace

import numpy as np
import pytest

from mannequin.generator.cameras import camera_track, with_neighbours
from mannequin.generator.clip import LABELS
from mannequin.generator.dataset.native import open_clip, read_clip, write_clip
from mannequin.generator.errors import ConfigError
from mannequin.generator.spec import CameraSpec
from mannequin.renderers.raster.labels import rasterize_labels
from mannequin.renderers.raster.renderer import render_scene
from tests.scenes import look_at, make_scene, mesh_track, plane

FRAMES = 3
POSES = [look_at((0.5 * s, -5 + 0.3 * s, 1 + 0.2 * s), (0.2 * s, 0, 0.5)) for s in np.linspace(-1, 1, FRAMES + 2)]
ZOOM = (0.7, 0.8, 1.0, 1.1, 1.4)


def wall(**options):
    """A still plane, upright and askew, that fills the image."""
    corners, faces, uv = plane()
    turn = np.array([[1, 0, 0], [0.3, 0, 0.95], [0, 1, 0]])
    vertices = (30 * corners) @ turn
    track = mesh_track("wall", 1, np.repeat(vertices[None], FRAMES + 2, axis=0), faces, uv)
    return make_scene([track], POSES, zoom=ZOOM, focal=(130, 140), **options), vertices


def homography(scene, vertices, a, b):
    """(3, 3) that takes pixels at index ``a`` to pixels at index ``b`` for points of the plane through ``vertices``.

    Source: Hartley and Zisserman, Multiple View Geometry, 13.1: K' (R - t nᵀ / d) K⁻¹.
    """
    K, poses = scene.cameras["camera"]
    first, second = np.linalg.inv(poses[a]), np.linalg.inv(poses[b])
    relative = second @ np.linalg.inv(first)
    local = vertices @ first[:3, :3].T + first[:3, 3]
    normal = np.cross(local[1] - local[0], local[2] - local[0])
    distance = normal @ local[0]
    return K[b] @ (relative[:3, :3] + np.outer(relative[:3, 3], normal) / distance) @ np.linalg.inv(K[a])


@pytest.mark.parametrize(("channel", "step"), [("flow", 1), ("flow_backward", -1)])
def test_flow_of_a_still_plane_is_that_of_the_homography(channel, step):
    scene, vertices = wall()
    labels = rasterize_labels(scene, "camera", ("flow", "flow_backward", "depth"))
    h, w = scene.spec.resolution
    x, y = np.meshgrid(np.arange(w) + 0.5, np.arange(h) + 0.5)
    for t in range(FRAMES):
        seen = labels.mask(t)
        assert seen.mean() > 0.9
        to = np.stack([x, y, np.ones_like(x)], -1) @ homography(scene, vertices, t + 1, t + 1 + step).T
        expected = to[..., :2] / to[..., 2:] - np.stack([x, y], -1)
        assert np.abs(expected[seen]).max() > 2  # the first and the last frame move too
        np.testing.assert_allclose(labels.frame(channel, t)[seen], expected[seen], atol=1e-3)


def test_what_leaves_a_picture_that_zooms_in_is_occluded():
    scene, vertices = wall()
    labels = rasterize_labels(scene, "camera", ("occluded",))
    h, w = scene.spec.resolution
    x, y = np.meshgrid(np.arange(w) + 0.5, np.arange(h) + 0.5)
    for t in range(FRAMES):
        to = np.stack([x, y, np.ones_like(x)], -1) @ homography(scene, vertices, t + 1, t + 2).T
        to = to[..., :2] / to[..., 2:]
        outside = ~((to >= 0).all(-1) & (to < (w, h)).all(-1))
        border = np.abs(to[..., None] - np.stack([np.zeros(2), (w, h)], -1)).min((-1, -2)) < 1e-3
        seen = labels.mask(t) & ~border
        assert 0.02 < outside[seen].mean() < 0.6
        assert np.array_equal(labels.frame("occluded", t)[seen] > 0, outside[seen])


def test_depth_and_joints_follow_the_lens_of_their_frame():
    scene, vertices = wall()
    labels = rasterize_labels(scene, "camera", ("depth",))
    K, poses = scene.cameras["camera"]
    for t in range(FRAMES):
        y, x = np.nonzero(labels.mask(t))
        rays = np.stack([x + 0.5, y + 0.5, np.ones(len(x))], 1) @ np.linalg.inv(K[t + 1]).T
        points = rays * labels.frame("depth", t)[y, x, None] @ poses[t + 1][:3, :3].T + poses[t + 1][:3, 3]
        normal = np.cross(vertices[1] - vertices[0], vertices[2] - vertices[0])
        off = (points - vertices[0]) @ normal / np.linalg.norm(normal)
        assert np.abs(off).max() < 1e-4


def test_lens_distortion_follows_a_zoom(monkeypatch):
    """The same frame rendered by a camera that has its focal length for good."""
    bent = (-0.2, 0.05, 0.001, -0.002)
    scene, _ = wall(distortion=bent)
    zooming = rasterize_labels(scene, "camera", ("depth", "flow"))
    for t in range(FRAMES):
        K, poses = scene.cameras["camera"]
        fixed = replace(scene, cameras={"camera": (np.repeat(K[t + 1 : t + 2], FRAMES + 2, axis=0), poses)})
        again = rasterize_labels(fixed, "camera", ("depth",))
        np.testing.assert_array_equal(zooming.frame("depth", t), again.frame("depth", t))


def test_moments_are_one_as_many_as_frames_or_with_those_around():
    np.testing.assert_array_equal(with_neighbours([7.0], 3), [7] * 5)
    np.testing.assert_array_equal(with_neighbours([1.0, 2, 3], 3), [1, 1, 2, 3, 3])
    np.testing.assert_array_equal(with_neighbours([0.0, 1, 2, 3, 4], 3), [0, 1, 2, 3, 4])
    eye = tuple(map(tuple, np.eye(4).tolist()))
    K, _ = camera_track(CameraSpec("c", 100.0, 50.0, 8.0, 6.0, (eye,), zoom=(1.0, 2.0, 4.0)), 1)
    np.testing.assert_array_equal(K[:, 0, 0], (100, 200, 400))
    np.testing.assert_array_equal(K[:, 1, 1], (50, 100, 200))
    np.testing.assert_array_equal(K[:, :2, 2], [[8, 6]] * 3)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"zoom": (1.0, 2.0)}, "zoom .*no factors, 1, 3 or 5, all above 0"),
        ({"zoom": (1.0, 2.0, -1.0)}, "above 0"),
        ({"T_world_camera": 2 * (tuple(map(tuple, POSES[0].tolist())),)}, "1 pose, 3, .* or 5"),
    ],
)
def test_cameras_of_other_numbers_are_refused(changes, says):
    scene, _ = wall()
    with pytest.raises(ConfigError, match=says):
        replace(scene.spec, cameras=(replace(scene.spec.cameras[0], **changes),))


def test_a_zooming_clip_goes_through_its_file(tmp_path):
    scene, _ = wall(resolution=(24, 32))
    clip = render_scene(scene, LABELS)
    write_clip(tmp_path / "clip.h5", clip)
    again = read_clip(tmp_path / "clip.h5")
    assert again.spec == clip.spec
    np.testing.assert_array_equal(again.views["camera"].K, clip.views["camera"].K)
    assert np.ptp(clip.views["camera"].K[:, 0, 0]) > 0
    with open_clip(tmp_path / "clip.h5") as reader:
        np.testing.assert_array_equal(reader.K("camera"), scene.cameras["camera"][0][1:-1])

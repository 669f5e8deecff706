"""The rasteriser against closed forms, OpenCV and embree."""

import cv2
import numpy as np
import pytest
import trimesh
from trimesh.ray.ray_pyembree import RayMeshIntersector

from mannequin.generator.clip import CHANNELS, LABELS
from mannequin.generator.errors import ConfigError, RenderError
from mannequin.renderers.raster.labels import rasterize_labels
from mannequin.renderers.raster.lens import image_rays, make_lens, monotone_radius, project_points
from mannequin.renderers.raster.renderer import render_scene
from mannequin.renderers.raster.shading import render_view, supersampling
from tests.scenes import WHITE, look_at, make_scene, mesh_track, moved, plane, sphere

EYE = look_at((0, -5, 0), (0, 0, 0))
BENT = (-0.28, 0.09, 0.004, -0.003)


def still(vertices, frames=1):
    return np.repeat(np.asarray(vertices)[None], frames + 2, axis=0)


def frames_of(scene, *channels):
    labels = rasterize_labels(scene, "camera", channels)
    return labels, *(np.stack([labels.frame(c, t) for t in range(labels.num_frames)]) for c in channels)


def two_balls(frames=3, pose=None, **options):
    """A small ball that passes in front of a larger one, over a floor."""
    ball, faces, uv = sphere(40, 80)
    square, square_faces, square_uv = plane()
    t = np.linspace(-1, 1, frames + 2)[:, None]
    meshes = [
        mesh_track("large", 1, moved(ball * 0.8, t * (0.1, 0, 0)), faces, uv, part=1 + np.arange(len(faces)) % 24),
        mesh_track("small", 2, moved(ball * 0.3, t * (-0.6, 0, 0.1) + (0, -1.2, 0)), faces, uv),
        mesh_track("floor", 3, still(square * 6 - (0, 0, 0.8), frames), square_faces, square_uv),
    ]
    return make_scene(meshes, pose if pose is not None else [EYE] * (frames + 2), **options)


def travelling(frames):
    """Poses of a camera that moves and turns."""
    return [look_at((0.4 * s, -5 + 0.2 * s, 0.3 * s), (0.1 * s, 0, 0.05)) for s in np.linspace(-1, 1, frames + 2)]


def pixel_rays(scene):
    """(H, W, 3) camera-frame directions with z = 1 through pixel centres, by OpenCV."""
    h, w = scene.spec.resolution
    x, y = np.meshgrid(np.arange(w) + 0.5, np.arange(h) + 0.5)
    points = np.stack([x, y], -1).reshape(-1, 1, 2)
    K = scene.cameras["camera"][0][1]
    criteria = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 100, 1e-12)
    rays = cv2.undistortPointsIter(
        points, K, np.array(scene.spec.cameras[0].distortion or (0.0,) * 4), None, None, criteria
    )
    return np.concatenate([rays[:, 0], np.ones((h * w, 1))], axis=1).reshape(h, w, 3)


def world_mesh(scene, k):
    """One trimesh of all meshes at index k, and the (mesh, face) of each of its faces."""
    parts = [trimesh.Trimesh(m.vertices[k], m.faces, process=False) for m in scene.meshes]
    source = [(i, f) for i, m in enumerate(scene.meshes) for f in range(len(m.faces))]
    return trimesh.util.concatenate(parts), np.array(source)


def embree_hits(scene, k):
    """(H, W) face number or -1, from rays through pixel centres."""
    h, w = scene.spec.resolution
    mesh, source = world_mesh(scene, k)
    T = scene.cameras["camera"][1][k]
    rays = (pixel_rays(scene) @ T[:3, :3].T).reshape(-1, 3)
    origins = np.broadcast_to(T[:3, 3], rays.shape)
    return RayMeshIntersector(mesh, scale_to_box=False).intersects_first(origins, rays).reshape(h, w), mesh, source


def test_ball_has_the_depth_normals_and_uv_of_a_ball():
    ball, faces, uv = sphere(200, 400)
    scene = make_scene([mesh_track("ball", 1, still(ball), faces, uv)], [EYE] * 3)
    labels, depth, normal, atlas = frames_of(scene, "depth", "normal", "uv")
    d = pixel_rays(scene)
    b, square = d[..., 2] * 5.0, (d**2).sum(-1)
    root = b**2 - square * 24.0
    hit = root > 0
    assert (labels.mask(0) != hit).mean() < 5e-4
    inner = root > 1.0  # away from the rim, where the polyhedron is as good as the ball
    z = (b - np.sqrt(np.where(hit, root, 0))) / square
    np.testing.assert_allclose(depth[0][inner], z[inner], atol=3e-4)
    n = d * z[..., None] - (0, 0, 5)
    np.testing.assert_allclose(normal[0][inner], n[inner], atol=2e-3)
    np.testing.assert_allclose(np.linalg.norm(normal[0][labels.mask(0)], axis=-1), 1, atol=1e-6)
    x, y, up = n[..., 0], n[..., 2], -n[..., 1]  # camera to world for EYE
    longitude = np.arctan2(y, x) / (2 * np.pi) % 1
    latitude = 1 - np.arccos(np.clip(up, -1, 1)) / np.pi
    np.testing.assert_allclose(atlas[0][inner], np.stack([longitude, latitude], -1)[inner], atol=2e-3)


def test_depth_is_planar_and_interpolation_is_perspective_correct():
    square, faces, uv = plane()
    wall = square[:, [0, 2, 1]] * 20 + (0, 2, 0)  # y = 2: planar depth 7 everywhere
    labels, depth = frames_of(make_scene([mesh_track("wall", 1, still(wall), faces, uv)], [EYE] * 3), "depth")
    np.testing.assert_allclose(depth, 7, atol=1e-5)
    floor = make_scene([mesh_track("floor", 1, still(square * 100 - (0, 0, 1)), faces, uv)], [EYE] * 3)
    labels, depth, atlas = frames_of(floor, "depth", "uv")
    d, seen = pixel_rays(floor), labels.mask(0)
    z = 1 / np.where(seen, d[..., 1], 1)
    np.testing.assert_allclose(depth[0][seen], z[seen], rtol=1e-6)
    world = np.stack([d[..., 0] * z, z - 5], -1)
    np.testing.assert_allclose(atlas[0][seen], ((world / 100 + 1) / 2)[seen], atol=1e-6)


def test_near_plane_clips_a_floor_that_passes_under_the_camera():
    square, faces, uv = plane()
    scene = make_scene([mesh_track("floor", 1, still(square * 100 - (0, 0, 1)), faces, uv)], [EYE] * 3)
    labels = rasterize_labels(scene, "camera", ())
    d = pixel_rays(scene)
    expected = (d[..., 1] > 0) & (1 / np.maximum(d[..., 1], 1e-9) < 105)
    np.testing.assert_array_equal(labels.mask(0), expected)


def test_surface_behind_the_camera_is_not_seen():
    ball, faces, _uv = sphere()
    scene = make_scene([mesh_track("ball", 1, still(ball - (0, 9, 0)), faces)], [EYE] * 3)
    assert len(rasterize_labels(scene, "camera", LABELS).pixels) == 0


def test_camera_inside_a_ball_sees_it_everywhere():
    ball, faces, _uv = sphere()
    scene = make_scene(
        [mesh_track("ball", 1, still(ball * 10), faces)], [look_at((0, 0, 0), (1, 2, 0))] * 3, focal=(60, 60)
    )
    labels, depth = frames_of(scene, "depth")
    assert labels.mask(0).all()
    length = depth[0] * np.linalg.norm(pixel_rays(scene), axis=-1)
    assert 9.9 < length.min() and length.max() < 10.001


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [{}, {"focal": (150, 240), "centre": (60.3, 71.7)}, {"distortion": BENT, "focal": (230, 240)}],
    ids=["plain", "skewed", "distorted"],
)
def test_surfaces_are_those_that_embree_hits(options):
    frames = 3
    scene = two_balls(frames, travelling(frames), resolution=(240, 320), **options)
    _labels, instance, segm = frames_of(scene, "instance", "segm")
    for t in range(frames):
        hit, _mesh, source = embree_hits(scene, t + 1)
        expected = np.where(hit >= 0, source[hit, 0] + 1, 0)
        assert (instance[t] != expected).mean() < 2e-4
        parts = np.array([scene.meshes[m].part[f] for m, f in source])
        expected = np.where(hit >= 0, parts[hit], 0)
        assert (segm[t] != expected)[expected > 0].mean() < 2e-3


def test_flow_of_a_known_motion():
    square, faces, _uv = plane()
    wall = square[:, [0, 2, 1]] * 20
    offsets = [(0.05 * k, 0, -0.025 * k) for k in range(4)]
    scene = make_scene([mesh_track("wall", 1, moved(wall, offsets), faces)], [EYE] * 4, focal=(200, 100))
    _labels, flow, back = frames_of(scene, "flow", "flow_backward")
    np.testing.assert_allclose(flow, np.broadcast_to((200 * 0.05 / 5, 100 * 0.025 / 5), flow.shape), atol=1e-4)
    np.testing.assert_allclose(back, np.broadcast_to((-200 * 0.05 / 5, -100 * 0.025 / 5), back.shape), atol=1e-4)


@pytest.mark.parametrize(
    "distortion", [(), BENT, BENT + (-0.01, 0.02, 0.001, 0.0005)], ids=["pinhole", "four", "eight"]
)
def test_flow_of_a_moving_camera_is_what_opencv_projects(distortion):
    frames = 3
    poses = travelling(frames)
    square, faces, _uv = plane()
    scene = make_scene(
        [mesh_track("floor", 1, still(square * 30 - (0, 0, 1), frames), faces)],
        poses,
        distortion=distortion,
        focal=(130, 140),
    )
    _labels, depth, flow, back = frames_of(scene, "depth", "flow", "flow_backward")
    h, w = scene.spec.resolution
    centres = np.stack(np.meshgrid(np.arange(w) + 0.5, np.arange(h) + 0.5), -1)
    K = scene.cameras["camera"][0][1]
    for t in range(frames):
        near = (depth[t] > 0) & (depth[t] < 20)
        points = (pixel_rays(scene) * depth[t][..., None])[near]
        world = points @ poses[t + 1][:3, :3].T + poses[t + 1][:3, 3]
        for image, other in ((flow, t + 2), (back, t)):
            inverse = np.linalg.inv(poses[other])
            projected, _ = cv2.projectPoints(
                world, cv2.Rodrigues(inverse[:3, :3])[0], inverse[:3, 3], K, np.array(distortion or (0.0,) * 4)
            )
            np.testing.assert_allclose(image[t][near], projected[:, 0] - centres[near], atol=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("distortion", [(), BENT], ids=["pinhole", "distorted"])
def test_occlusion_is_what_embree_says(distortion):
    frames = 5
    scene = two_balls(frames, travelling(frames), resolution=(240, 320), focal=(260, 260), distortion=distortion)
    labels, occluded, backward, depth = frames_of(scene, "occluded", "occluded_backward", "depth")
    h, w = scene.spec.resolution
    lens, poses = make_lens(scene.cameras["camera"][0][0], distortion), scene.cameras["camera"][1]
    wrong = seen = hidden = 0
    for t in range(frames):
        hit, mesh, _source = embree_hits(scene, t + 1)
        on = (hit >= 0) & labels.mask(t)
        points = (pixel_rays(scene) * depth[t][..., None])[on] @ poses[t + 1][:3, :3].T + poses[t + 1][:3, 3]
        bary = trimesh.triangles.points_to_barycentric(mesh.triangles[hit[on]], points)
        for image, other in ((occluded, t + 2), (backward, t)):
            moved_mesh, _ = world_mesh(scene, other)
            there = np.einsum("nb,nbi->ni", bary, moved_mesh.triangles[hit[on]])
            local = (there - poses[other][:3, 3]) @ poses[other][:3, :3]
            projected = project_points(local, lens.pinhole, lens.k, lens.radius, 0.01)
            out = ~((projected >= 0) & (projected < (w, h))).all(-1)
            way = there - poses[other][:3, 3]
            first = RayMeshIntersector(moved_mesh, scale_to_box=False).intersects_location(
                np.broadcast_to(poses[other][:3, 3], way.shape), way, multiple_hits=False
            )
            reach = np.full(len(way), np.inf)
            reach[first[1]] = np.linalg.norm(first[0] - poses[other][:3, 3], axis=1)
            expected = out | (reach < np.linalg.norm(way, axis=1) * (1 - 1e-4))
            wrong += (image[t][on] != expected).sum()
            seen += on.sum()
            hidden += (expected & ~out).sum()
    assert hidden > 500
    assert wrong / seen < 3e-4


def test_nothing_is_occluded_while_nothing_moves():
    scene = two_balls(1)
    frozen = [mesh_track(m.name, m.instance, still(m.vertices[1]), m.faces) for m in scene.meshes]
    _labels, occluded, backward, flow = frames_of(
        make_scene(frozen, [EYE] * 3), "occluded", "occluded_backward", "flow"
    )
    assert not occluded.any() and not backward.any()
    np.testing.assert_allclose(flow, 0, atol=1e-5)


def test_point_that_leaves_the_image_or_passes_the_camera_is_occluded():
    ball, faces, _uv = sphere()
    offsets = [(0, 0, 0), (0, 0, 0), (5, 0, 0)]
    labels, occluded, flow = frames_of(
        make_scene([mesh_track("ball", 1, moved(ball, offsets), faces)], [EYE] * 3), "occluded", "flow"
    )
    assert (occluded[0] == labels.mask(0)).all() and flow[0][labels.mask(0)][:, 0].min() > 100
    offsets[2] = (0, -20, 0)
    labels, occluded, flow = frames_of(
        make_scene([mesh_track("ball", 1, moved(ball, offsets), faces)], [EYE] * 3), "occluded", "flow"
    )
    assert (occluded[0] == labels.mask(0)).all() and not flow.any()


def test_lens_agrees_with_opencv_and_its_inverse():
    rng = np.random.default_rng(0)
    K = np.array([[310.0, 0, 155], [0, 290, 118], [0, 0, 1]])
    for distortion in (BENT, BENT + (0.02,), BENT + (0.01, 0.05, -0.02, 0.003)):
        lens = make_lens(K, distortion)
        points = rng.uniform((-0.5, -0.4, 1), (0.5, 0.4, 1), (500, 3)) * rng.uniform(1, 9, (500, 1))
        ours = project_points(points, lens.pinhole, lens.k, lens.radius, 0.01)
        theirs, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), K, np.array(distortion))
        np.testing.assert_allclose(ours, theirs[:, 0], atol=1e-9)
        rays = image_rays(ours[:, 0].copy(), ours[:, 1].copy(), lens.pinhole, lens.k, lens.radius)
        np.testing.assert_allclose(rays, points[:, :2] / points[:, 2:], atol=1e-9)


def test_a_lens_images_nothing_beyond_its_fold():
    k = np.zeros(8)
    k[0] = -0.3
    assert monotone_radius(k) == pytest.approx(np.sqrt(1 / 0.9))
    assert monotone_radius(np.zeros(8)) == np.inf
    square, faces, _uv = plane()
    wall = square[:, [0, 2, 1]] * 50
    scene = make_scene(
        [mesh_track("wall", 1, still(wall), faces)], [EYE] * 3, focal=(60, 60), distortion=(-0.3, 0, 0, 0)
    )
    labels = rasterize_labels(scene, "camera", LABELS)
    edge = 60 * np.sqrt(1 / 0.9) * 2 / 3  # distorted radius at the fold, pixels
    y, x = np.mgrid[:120, :160] + 0.5
    radius = np.hypot(x - 80, y - 60)
    assert labels.mask(0)[radius < edge - 0.1].all() and not labels.mask(0)[radius > edge + 0.1].any()


def test_only_what_is_asked_for_is_computed_and_names_are_checked():
    scene = two_balls(1)
    assert set(rasterize_labels(scene, "camera", ("depth", "uv")).values) == {"depth", "uv"}
    with pytest.raises(ConfigError, match="Did you mean 'depth'"):
        rasterize_labels(scene, "camera", ("dept",))
    with pytest.raises(ConfigError, match="camera"):
        rasterize_labels(scene, "front", ("depth",))


def test_vertices_that_are_not_finite_are_refused():
    scene = two_balls(1)
    scene.meshes[1].vertices[1, 7, 2] = np.nan
    with pytest.raises(RenderError, match="not finite"):
        rasterize_labels(scene, "camera", ("depth",))


def test_rendering_twice_gives_the_same_bytes():
    first, second = (render_scene(two_balls(2, travelling(2), distortion=BENT)) for _ in range(2))
    a, b = first.views["camera"], second.views["camera"]
    assert a.rgb.tobytes() == b.rgb.tobytes()
    for name in LABELS:
        assert a.labels.values[name].tobytes() == b.labels.values[name].tobytes()


@pytest.mark.parametrize("distortion", [(), BENT])
def test_labels_do_not_depend_on_colour(distortion):
    scene = two_balls(2, travelling(2), distortion=distortion, samples=25)
    plain, (_, coloured) = rasterize_labels(scene, "camera", LABELS), render_view(scene, "camera", LABELS)
    np.testing.assert_array_equal(plain.pixels, coloured.pixels)
    for name in LABELS:
        np.testing.assert_array_equal(plain.values[name], coloured.values[name], err_msg=name)


@pytest.mark.parametrize("distortion", [(), BENT])
def test_large_images_are_cast_in_bands_without_a_trace(distortion, monkeypatch):
    scene = two_balls(1, travelling(1), distortion=distortion)
    whole = render_scene(scene).views["camera"]
    monkeypatch.setattr("mannequin.renderers.raster.samples.BAND", 7 * 160 * 9)
    bands = render_scene(scene).views["camera"]
    np.testing.assert_array_equal(whole.rgb, bands.rgb)
    np.testing.assert_array_equal(whole.labels.pixels, bands.labels.pixels)
    for name in LABELS:
        np.testing.assert_array_equal(whole.labels.values[name], bands.labels.values[name], err_msg=name)


def test_edges_are_as_bright_as_they_cover_their_pixels():
    square, faces, uv = plane()
    wall = square[:, [0, 2, 1]] + (1 - 80 / 200 * 5 + 5 / 200 * 60.4, 0, 0)  # left edge at x = 60.4 px
    scene = make_scene([mesh_track("wall", 1, still(wall), faces, uv)], [EYE] * 3, samples=625)
    rgb = render_scene(scene, ("rgb",)).views["camera"].rgb[0, 60, 58:63, 0]
    linear = np.where(rgb / 255 <= 0.04045, rgb / 255 / 12.92, ((rgb / 255 + 0.055) / 1.055) ** 2.4)
    white = linear[-1]
    np.testing.assert_allclose(linear / white, [0, 0, 0.6, 1, 1], atol=0.03)


def test_textures_are_the_right_way_up_and_do_not_flicker_far_away():
    square, faces, uv = plane()
    wall = square[:, [0, 2, 1]]
    texture = WHITE.copy()
    texture[:2] = (255, 0, 0)  # v > 0.5
    near = render_scene(make_scene([mesh_track("w", 1, still(wall), faces, uv, texture=texture)], [EYE] * 3), ("rgb",))
    image = near.views["camera"].rgb[0]
    assert tuple(image[40, 80] > 128) == (True, False, False) and (image[80, 80] > 128).all()
    board = np.kron(np.indices((256, 256)).sum(0) % 2, np.ones((2, 2)))[..., None].repeat(3, 2).astype(np.uint8) * 255
    far = look_at((0, -40, 0), (0, 0, 0))
    distant = make_scene([mesh_track("w", 1, still(wall * 3), faces, uv, texture=board)], [far] * 3)
    rgb = render_scene(distant, ("rgb", "instance")).views["camera"]
    inside = cv2.erode(rgb.labels.mask(0).astype(np.uint8), np.ones((3, 3))) > 0
    assert np.ptp(rgb.rgb[0][inside].astype(int)) <= 4


def test_nothing_in_the_scene_leaves_the_background():
    scene = make_scene([], [EYE] * 3, background=np.array([0.2, 0.5, 1.0]))
    view = render_scene(scene).views["camera"]
    assert len(view.labels.pixels) == 0 and view.labels.values.keys() == set(CHANNELS) - {"rgb"}
    np.testing.assert_array_equal(view.rgb, np.broadcast_to((124, 188, 255), view.rgb.shape))


def test_supersampling_is_odd_and_near_the_wanted_number():
    assert [supersampling(n) for n in (1, 4, 9, 16, 17, 25, 64)] == [1, 1, 3, 3, 3, 5, 7]

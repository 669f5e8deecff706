import importlib.util
from dataclasses import replace

import numpy as np
import pytest
from scenes import look_at, make_scene, mesh_track, moved, plane, sphere

from mannequin.generator.clip import LABELS
from mannequin.generator.errors import ConfigError, DisagreementError, MissingExtraError, RenderError
from mannequin.generator.spec import HdriLight, Lamp, LampLight, ShLight
from mannequin.renderers.blender import session
from mannequin.renderers.blender.camera import lens_of
from mannequin.renderers.blender.crop import CELL, Crop, bounding_crop, crops_of

needs_bpy = pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason=f"bpy is absent: {session.PIP_LINE}")
LIT = ShLight((0.9, -0.4, 0.2, 0.3, 0.1, 0.0, 0.1, 0.0, 0.1))


@pytest.fixture
def blender():
    """labels → BlenderRenderer, or skip with what is missing."""
    try:
        from mannequin.renderers.blender.renderer import BlenderRenderer
    except MissingExtraError as e:
        pytest.skip(str(e))
    return lambda labels="raster", device="cpu": BlenderRenderer(None, device=device, labels=labels)


def still(frames=1, position=(0, -6, 1), target=(0, 0, 0.6)):
    return np.stack([look_at(position, target)] * (frames + 2))


def orbit(frames):
    angles = 0.03 * np.arange(frames + 2)
    return np.stack([look_at((6 * np.sin(a) + 0.3, -6 * np.cos(a), 1.0 + 0.3 * a), (0, 0, 0.9)) for a in angles])


def body_track(instance=1, place=(0.0, 0.0, 0.0), frames=1, gender="neutral", seed=0):
    """A built-in body that swings its limbs and drifts."""
    from mannequin.generator.body.builtin import load_builtin
    from mannequin.generator.body.lbs import pose_body

    model, rng = load_builtin(gender), np.random.default_rng(seed)
    topology, k = model.topology, np.arange(frames + 2)[:, None, None]
    pose = 0.2 * rng.standard_normal((24, 3)) * np.sin(0.2 * k + rng.uniform(0, 6, (24, 3)))
    x, up, z = np.moveaxis(pose_body(model, pose).vertices, -1, 0)
    vertices = np.stack([x, -z, up], -1) + np.array(place) + k * (0.01, 0.015, 0.0)
    vertices[..., 2] -= vertices[..., 2].min()
    texture = rng.integers(60, 255, (32, 32, 3)).astype(np.uint8)
    track = mesh_track(f"body{instance}", instance, vertices, topology.faces, topology.uv, topology.part, texture)
    return replace(track, chart=topology.chart, chart_uv=topology.chart_uv)


def ball(frames=1, radius=0.6, centre=(0, 0, 0.6), instance=1, part=5):
    vertices, faces, uv = sphere(96, 192)
    offsets = np.tile(np.asarray(centre, float), (frames + 2, 1))
    return mesh_track("ball", instance, moved(radius * vertices, offsets), faces, uv, np.full(len(faces), part))


def rays(K, T, resolution):
    """(H, W, 3) world directions through pixel centres, of camera depth 1."""
    y, x = np.mgrid[: resolution[0], : resolution[1]] + 0.5
    local = np.stack([(x - K[0, 2]) / K[0, 0], (y - K[1, 2]) / K[1, 1], np.ones_like(x)], -1)
    return local @ T[:3, :3].T


# The door


def test_without_bpy_the_error_says_what_to_install(monkeypatch):
    def absent(name):
        raise ModuleNotFoundError("No module named 'bpy'", name="bpy")

    monkeypatch.setattr(session, "_loaded", None)
    monkeypatch.setattr(session.importlib, "import_module", absent)
    monkeypatch.setattr(session, "PYTHON", "3.13")
    with pytest.raises(MissingExtraError, match=r'pip install "mannequin\[blender\]"'):
        session.load_bpy()
    monkeypatch.setattr(session, "PYTHON", "3.12")
    with pytest.raises(MissingExtraError, match=r"no release for Python 3\.12.* 3\.11 \(bpy .* 3\.13 \(bpy .*raster"):
        session.load_bpy()


def test_without_a_system_library_the_error_names_the_packages(monkeypatch):
    def broken(name):
        raise ImportError("libSM.so.6: cannot open shared object file")

    monkeypatch.setattr(session, "_loaded", None)
    monkeypatch.setattr(session.importlib, "import_module", broken)
    with pytest.raises(MissingExtraError, match="libSM.so.6.*apt-get install.*libsm6"):
        session.load_bpy()


# Cameras and crops, without bpy


def test_skew_is_refused():
    K = np.array([[500, 1.0, 160], [0, 500, 120], [0, 0, 1]])
    with pytest.raises(ConfigError, match="skew"):
        lens_of(K, (240, 320))


def test_a_centred_square_camera_needs_no_shift():
    lens = lens_of(np.array([[600, 0, 160], [0, 600, 120], [0, 0, 1.0]]), (240, 320))
    assert lens.shift == (0, 0) and lens.aspect == (1, 1)
    assert lens.lens / 100 * 320 == pytest.approx(600)


@pytest.mark.parametrize("samples", [1, 16, 256])
def test_crops_are_disjoint_and_cover(samples):
    rng = np.random.default_rng(3)
    cells = np.zeros((30, 41), bool)
    cells[5:20, 18:22] = True
    cells[8, 4:36] = True
    cells |= rng.random(cells.shape) > 0.995
    resolution = (30 * CELL - 3, 41 * CELL - 1)
    count = np.zeros(resolution, int)
    for crop in crops_of(cells, resolution, samples):
        count[crop.slices] += 1
    wanted = np.kron(cells, np.ones((CELL, CELL), int))[: resolution[0], : resolution[1]]
    assert count.max() == 1 and (count[wanted > 0] == 1).all()


def test_more_samples_split_more():
    cells = np.zeros((12, 12), bool)
    cells[:, 6] = cells[4] = True
    assert len(crops_of(cells, (48, 48), 64)) > 1
    assert crops_of(cells, (48, 48), 1) == bounding_crop(cells, (48, 48)) == [Crop(0, 0, 48, 48)]
    assert crops_of(np.zeros((4, 4), bool), (16, 16), 16) == []


# Closed forms


@needs_bpy
def test_depth_of_a_plane(blender):
    corners, faces, uv = plane()
    turned = 1.5 * corners @ np.array([[1, 0, 0], [0, 0.6, 0.8], [0, -0.8, 0.6]])
    scene = make_scene(
        [mesh_track("plane", 1, moved(turned, np.zeros((3, 3))), faces, uv)], still(), focal=(190.0, 230.0)
    )
    view = blender("cycles").render_scene(scene, ("depth", "normal")).views["camera"]
    K, poses = scene.cameras["camera"]
    normal = np.cross(turned[1] - turned[0], turned[2] - turned[0])
    normal /= np.linalg.norm(normal)
    direction = rays(K[1], poses[1], scene.spec.resolution)
    depth = (turned[0] - poses[1][:3, 3]) @ normal / (direction @ normal)
    mask = view.labels.mask(0)
    assert mask.sum() > 1000
    assert np.abs(view.frame("depth", 0) - depth)[mask].max() < 1e-4
    facing = normal if normal @ direction[60, 80] < 0 else -normal
    assert np.abs(view.frame("normal", 0)[mask] - facing @ poses[1][:3, :3]).max() < 1e-4


@needs_bpy
def test_silhouette_and_depth_of_a_ball(blender):
    scene = make_scene([ball()], still(), resolution=(121, 163), centre=(70.3, 66.8), focal=(210.0, 180.0))
    view = blender("cycles").render_scene(scene, ("depth", "segm", "instance")).views["camera"]
    K, poses = scene.cameras["camera"]
    direction = rays(K[1], poses[1], scene.spec.resolution)
    offset = np.array((0, 0, 0.6)) - poses[1][:3, 3]
    a, b, c = (direction**2).sum(-1), direction @ offset, offset @ offset - 0.6**2
    hit = b * b - a * c > 0
    depth = np.where(hit, (b - np.sqrt(np.maximum(b * b - a * c, 0))) / a, 0)
    mask = view.labels.mask(0)
    assert hit.sum() > 1000 and (mask ^ hit).sum() <= 4
    inner = mask & (b * b - a * c > 0.05)
    assert np.abs(view.frame("depth", 0) - depth)[inner].max() < 1e-3
    assert (view.frame("segm", 0)[mask] == 5).all() and (view.frame("instance", 0)[mask] == 1).all()


@needs_bpy
def test_flow_of_a_ball_that_moves_sideways(blender):
    vertices, faces, uv = sphere(48, 96)
    track = mesh_track("ball", 1, moved(0.6 * vertices, [(0, 0, 0.6), (0.1, 0, 0.6), (0.2, 0, 0.6)]), faces, uv)
    scene = make_scene([track], still(), focal=(200.0, 200.0))
    view = blender("cycles").render_scene(scene, ("flow", "flow_backward", "depth")).views["camera"]
    mask, depth = view.labels.mask(0), view.frame("depth", 0)
    expected = 200 * 0.1 / depth[mask]
    assert np.abs(view.frame("flow", 0)[mask][:, 0] - expected).max() < 1e-3
    assert np.abs(view.frame("flow_backward", 0)[mask][:, 0] + expected).max() < 1e-3
    assert np.abs(view.frame("flow", 0)[mask][:, 1]).max() < 1e-3


@needs_bpy
def test_even_light_shows_the_albedo(blender):
    """In a uniform environment of radiance 1 a lone convex matte surface shines its albedo."""
    grey = np.full((4, 4, 3), 128, np.uint8)
    scene = make_scene(
        [replace(ball(), texture=grey)],
        still(),
        light=HdriLight("even", shadow=False),
        environment=np.ones((8, 16, 3), np.float32),
        samples=32,
    )
    view = blender().render_scene(scene, ("rgb", "segm")).views["camera"]
    inner = view.labels.mask(0) & (view.rgb[0, ..., 0] > 0)
    assert np.abs(np.median(view.rgb[0][inner], axis=0) - 128).max() <= 2


@needs_bpy
def test_a_lamp_shines_as_its_power_says(blender):
    """A white floor under a lamp of P watts at height h has radiance P / (π² h²) below it."""
    corners, faces, uv = plane()
    floor = mesh_track("floor", 1, moved(corners + (0, 0, 0.01), np.zeros((3, 3))), faces, uv)
    lamp = Lamp((0.0, 0.0, 2.01), (0.0, 0.0, 0.0), power=0.4 * np.pi**2 * 4, size=0.05)
    scene = make_scene(
        [floor], still(position=(0, -3, 3), target=(0, 0, 0)), light=LampLight((lamp,), 0.0, False), samples=64
    )
    rgb = blender().render_scene(scene, ("rgb",)).views["camera"].rgb[0]
    srgb = 255 * (1.055 * 0.4 ** (1 / 2.4) - 0.055)
    assert np.abs(rgb[58:62, 78:82].mean() - srgb) < 4


# The picture


@needs_bpy
def test_background_is_untouched_where_nothing_is(blender):
    behind = np.random.default_rng(0).random((1, 120, 160, 3)).astype(np.float32)
    from mannequin.renderers.raster.shading import encode

    scene = make_scene([ball()], still(), background=behind, light=LIT)
    view = blender().render_scene(scene, ("rgb", "segm")).views["camera"]
    far = np.ones((120, 160), bool)
    far[20:115, 45:115] = False
    assert (view.rgb[0] == encode(behind[0]))[far].all()
    assert (view.rgb[0] != encode(behind[0]))[view.labels.mask(0)].mean() > 0.9


@needs_bpy
def test_lamps_themselves_are_not_seen(blender):
    """A broad lamp just above a ball, facing the camera, inside what is rendered."""
    vertices, faces, uv = sphere(24, 48)
    pair = np.concatenate([0.3 * vertices, 0.3 * vertices + (0, 0, 1.4)])
    track = mesh_track(
        "pair", 1, moved(pair, np.zeros((3, 3))), np.concatenate([faces, faces + len(vertices)]), np.tile(uv, (2, 1, 1))
    )
    light = LampLight((Lamp((0.0, 0.0, 0.7), (0.0, -6.0, 1.0), 500.0, 0.5),), 0.1, shadow=False)
    rgb = blender().render_scene(make_scene([track], still(), light=light), ("rgb",)).views["camera"].rgb[0]
    assert rgb.max() > 0 and rgb[58:62, 78:82].max() == 0


@needs_bpy
def test_shadow_falls_on_the_ground_only_when_asked(blender):
    behind = np.full(3, 0.5)
    lamp = Lamp((0.0, 0.5, 4.0), (0.0, 0.0, 0.0), 400.0)
    light = LampLight((lamp,), 0.05, shadow=True)
    scene = make_scene([ball(centre=(0, 0, 1.0))], still(), background=behind, light=light)
    with_shadow = blender().render_scene(scene, ("rgb", "segm")).views["camera"]
    without = replace(scene, spec=replace(scene.spec, light=replace(light, shadow=False)))
    plain = blender().render_scene(without, ("rgb", "segm")).views["camera"]
    assert (with_shadow.labels.pixels == plain.labels.pixels).all()
    outside = ~with_shadow.labels.mask(0)
    darker = plain.rgb[0][..., 0].astype(int) - with_shadow.rgb[0][..., 0]
    assert darker[outside].max() > 60
    corner = np.abs(darker[:30, :30])
    assert corner.mean() < 1 and corner.max() <= 10


@needs_bpy
def test_harmonic_light_agrees_with_the_rasteriser(blender):
    from mannequin.renderers.raster.renderer import RasterRenderer

    track = replace(body_track(), texture=np.full((4, 4, 3), (200, 120, 60), np.uint8))
    scene = make_scene([track], still(), light=LIT, resolution=(240, 320), focal=(500.0, 500.0), samples=16)
    mine = blender().render_scene(scene, ("rgb", "segm")).views["camera"]
    other = RasterRenderer(None).render_scene(scene, ("rgb", "segm")).views["camera"]
    inside = mine.labels.mask(0)
    difference = np.abs(mine.rgb[0].astype(int) - other.rgb[0])[inside]
    assert np.median(difference) <= 1 and difference.mean() < 4


@needs_bpy
def test_same_bytes_twice(blender):
    light = LampLight((Lamp((2.0, -2.0, 3.0), (0.0, 0.0, 1.0), 300.0),))
    scenes = [make_scene([body_track()], still(), light=lit, background=np.full(3, 0.2)) for lit in (LIT, light)]
    runs = []
    for _ in range(2):
        renderer = blender()
        clips = [renderer.render_scene(scene) for scene in scenes]
        runs.append([clip.views["camera"].rgb.tobytes() for clip in clips])
    assert runs[0] == runs[1]


@needs_bpy
def test_meshes_change_between_clips(blender):
    """Texture, number and kind of meshes of a clip leave nothing behind for the next one."""
    red, blue = (np.full((4, 4, 3), c, np.uint8) for c in ((255, 0, 0), (0, 0, 255)))
    renderer = blender()

    def picture(meshes):
        return renderer.render_scene(make_scene(meshes, still(), light=LIT), ("rgb",)).views["camera"].rgb[0]

    first = picture([replace(ball(), texture=red)])
    second = picture([replace(ball(), texture=blue)])
    third = picture([replace(ball(), texture=red), replace(ball(centre=(1, 0, 0.6), instance=2), name="other")])
    again = picture([replace(ball(), texture=red)])
    assert first[..., 0].max() > 100 and first[..., 2].max() == 0
    assert second[..., 2].max() > 100 and second[..., 0].max() == 0
    assert third[..., 2].max() > 100
    assert (first == again).all()


# Agreement with the rasteriser

CAMERAS = {
    "landscape": ((240, 320), (600.0, 600.0), None),
    "portrait, off centre": ((320, 200), (520.0, 650.0), (70.3, 190.7)),
    "odd, wide pixels": ((201, 333), (700.0, 560.0), (180.0, 90.0)),
}


@needs_bpy
def test_amodal_masks_of_cycles_agree_with_the_rasteriser(blender):
    from mannequin.renderers.raster.renderer import render_scene

    frames = 2
    tracks = [body_track(frames=frames), body_track(2, (0.25, 0.6, 0.0), frames, "male", seed=3)]
    zoom = (0.8, 0.9, 1.0, 1.2)
    scene = make_scene(tracks, orbit(frames), (240, 320), (500.0, 500.0), light=LIT, zoom=zoom)
    cycles = blender("cycles").render_scene(scene, LABELS).views["camera"]
    raster = render_scene(scene, LABELS).views["camera"]
    for name in ("body1", "body2"):
        for t in range(frames):
            a, b = cycles.amodal[name].mask(t), raster.amodal[name].mask(t)
            assert b.sum() > 2000 and (a ^ b).sum() <= 15
    hidden = raster.amodal["body2"].mask(0) & (raster.labels.frame("instance", 0) == 1)
    assert hidden.sum() > 500
    mixed = blender().render_scene(scene, LABELS).views["camera"]
    assert all(np.array_equal(mixed.amodal[n].pixels, raster.amodal[n].pixels) for n in raster.amodal)


@needs_bpy
@pytest.mark.parametrize("name", CAMERAS)
def test_all_labels_of_cycles_agree_with_the_rasteriser(blender, name):
    from mannequin.renderers.raster.labels import rasterize_labels

    resolution, focal, centre = CAMERAS[name]
    frames = 2
    tracks = [body_track(frames=frames), body_track(2, (0.5, 0.6, 0.0), frames, "male", seed=3)]
    scene = make_scene(tracks, orbit(frames), resolution, focal, centre, light=LIT)
    cycles = blender("cycles").render_scene(scene, LABELS).views["camera"].labels
    raster = rasterize_labels(scene, "camera", LABELS)
    allowed = max(3, 2e-4 * resolution[0] * resolution[1])
    for t in range(frames):
        a, b = cycles.mask(t), raster.mask(t)
        assert b.sum() > 2000 and (a ^ b).sum() <= allowed
        both = a & b

        def gap(channel):
            e = np.abs(cycles.frame(channel, t).astype(float) - raster.frame(channel, t))[both]
            return e.max(-1) if e.ndim > 1 else e

        for channel in ("segm", "instance", "chart"):
            assert (gap(channel) > 0).sum() <= allowed, channel
        limits = {"depth": 1e-4, "flow": 0.01, "flow_backward": 0.01, "uv": 1e-3, "chart_uv": 1e-2, "normal": 0.02}
        for channel, limit in limits.items():
            assert np.quantile(gap(channel), 0.98) < limit, channel
        for channel in ("flow", "flow_backward"):
            assert np.quantile(gap(channel), 0.999) < 0.01, channel
        assert np.median(gap("depth")) < 1e-5
        for channel in ("occluded", "occluded_backward"):
            assert gap(channel).mean() < 0.03, channel


@needs_bpy
def test_every_frame_is_checked_and_the_figures_are_kept(blender):
    frames = 2
    scene = make_scene(
        [body_track(frames=frames)], orbit(frames), light=LIT, resolution=(240, 320), focal=(600.0, 600.0)
    )
    clip = blender().render_scene(scene)
    assert clip.agreement["silhouette_of_image_worst"] <= 2e-4
    assert clip.agreement["part_of_image_worst"] <= 2e-4
    assert clip.agreement["depth_median_worst"] < 1e-5 and clip.agreement["depth_tail_worst"] < 1e-4


@needs_bpy
def test_a_sub_pixel_shift_of_one_renderer_is_noticed(blender, monkeypatch):
    """A principal point 0.3 px off between the two renderers must not pass."""
    from mannequin.renderers.blender import recorders

    scene = make_scene([body_track()], still(), light=LIT, resolution=(240, 320), focal=(600.0, 600.0))
    rasterize = recorders.rasterize_labels

    def shifted(scene, camera, channels):
        K, poses = scene.cameras[camera]
        return rasterize(
            replace(scene, cameras={camera: (K + [[0, 0, 0.3], [0, 0, 0], [0, 0, 0]], poses)}), camera, channels
        )

    monkeypatch.setattr(recorders, "rasterize_labels", shifted)
    with pytest.raises(DisagreementError, match="'scene'.*'camera'.*frame 0"):
        blender().render_scene(scene)


@needs_bpy
def test_wrong_depth_is_noticed(blender, monkeypatch):
    from mannequin.renderers.blender import recorders

    scene = make_scene([body_track()], still(), light=LIT, resolution=(240, 320), focal=(600.0, 600.0))
    rasterize = recorders.rasterize_labels

    def deeper(*args):
        labels = rasterize(*args)
        return replace(labels, values=labels.values | {"depth": labels.values["depth"] + np.float32(5e-4)})

    monkeypatch.setattr(recorders, "rasterize_labels", deeper)
    with pytest.raises(DisagreementError, match="depth_median"):
        blender().render_scene(scene)


# What is refused


@needs_bpy
def test_vertices_that_are_no_numbers_are_refused(blender):
    track = body_track()
    track.vertices[1, 100, 2] = np.nan
    with pytest.raises(RenderError, match="'scene'.*'body1'.*frame 0.*not finite"):
        blender("cycles").render_scene(make_scene([track], still(), light=LIT))


@needs_bpy
def test_an_empty_mesh_is_refused(blender):
    nothing = mesh_track("nothing", 1, np.zeros((3, 0, 3)), np.zeros((0, 3), int), np.zeros((0, 3, 2)))
    with pytest.raises(RenderError, match="'nothing'.*0 vertices"):
        blender("cycles").render_scene(make_scene([nothing], still(), light=LIT))


@needs_bpy
def test_lens_distortion_is_refused(blender):
    with pytest.raises(ConfigError, match="distortion.*raster renderer"):
        blender().render_scene(make_scene([ball()], still(), distortion=(0.1, 0, 0, 0), light=LIT))


@needs_bpy
def test_unknown_devices_and_labels_are_refused(blender):
    with pytest.raises(ConfigError, match="'tpu'.*cuda"):
        blender(device="tpu")
    with pytest.raises(ConfigError, match="raster"):
        blender("rasterr")


@needs_bpy
def test_a_device_that_is_not_there_is_named(blender):
    session.load_bpy()
    import _cycles

    if any(d[1] == "OPTIX" for d in _cycles.available_devices("OPTIX")):
        pytest.skip("this machine has an OptiX device")
    with pytest.raises(RenderError, match="No optix device.*device='cpu'"):
        blender(device="optix")

"""The viewer's 3D scene: against formulas of this file's own, and in a real browser against the labels."""

import base64
from dataclasses import replace
from threading import Event
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from mannequin.generator.body.model import SMPL_JOINTS
from mannequin.generator.catalog import Assets, Catalog
from mannequin.generator.clip import CHANNELS
from mannequin.generator.colours import Style, part_colours
from mannequin.generator.config import SampleConfig
from mannequin.generator.dataset.collection import open_collection
from mannequin.generator.dataset.folder import create_or_resume, open_dataset
from mannequin.generator.dataset.native import write_clip
from mannequin.generator.dataset.surreal import export_surreal
from mannequin.generator.errors import DatasetError
from mannequin.generator.scene import build_scene
from mannequin.generator.spec import ObjectSpec
from mannequin.renderers.production.job import Job, job_outputs
from mannequin.view import scene3d as scene3d_module
from mannequin.view.bodies import Body, bodies_of, catalog_of, textured_patches, unproject
from mannequin.view.scene3d import Scene3D, SceneOptions
from tests.clips import ball_clip, camera_looking
from tests.jobs import here

ALONE = SceneOptions(frustum=False, skeleton=False, ground=False)
TAGS = {"sequence": "01_01", "run": 1.0, "clip": 2.0, "stride": 30.0}


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    """One clip of three frames, with its vertices."""
    out = tmp_path_factory.mktemp("scene3d") / "out"
    config = SampleConfig(frames=3, size=(120, 160), samples=1, light="lamps")
    here(Job(config, Assets(), 5, "raster", job_outputs(("rgb", "labels", "vertices")), "jpeg"), out, 1)
    return open_collection(out)


@pytest.fixture(scope="module")
def reader(collection):
    with collection.open("000000") as opened:
        yield opened


@pytest.fixture(scope="module")
def scene(reader):
    """What the clip's description says, posed by the generator."""
    return build_scene(reader.spec, Catalog())


@pytest.fixture(scope="module")
def server():
    import viser

    started = viser.ViserServer(host="127.0.0.1", port=0, verbose=False)
    yield started
    started.stop()


@pytest.fixture
def scene3d(server):
    opened = Scene3D(server.scene, Style())
    yield opened
    opened.close()


def nodes_of_clip(server) -> list[str]:
    return [name for name in server.scene._handle_from_node_name if name.startswith("/clip")]


def nodes(server, start: str) -> list:
    return [
        server.scene._handle_from_node_name[name] for name in nodes_of_clip(server) if name.startswith(f"/clip/{start}")
    ]


def opened_balls(tmp_path, **changes):
    """(collection, reader) of a clip of balls, whose spec is changed so."""
    clip = ball_clip(2, (60, 80), tags=TAGS)
    clip = replace(clip, spec=replace(clip.spec, **changes))
    write_clip(tmp_path / "balls.h5", clip)
    found = open_collection(tmp_path / "balls.h5")
    return found, found.open("balls")


# Points


@pytest.mark.parametrize("distortion", [(), (0.1, -0.05, 0.002, -0.003)], ids=["pinhole", "lens"])
def test_unprojected_points_project_back_to_the_middles_of_their_pixels(distortion):
    rng = np.random.default_rng(3)
    K = np.array([[90.0, 0, 41.5], [0, 80.0, 28.0], [0, 0, 1]])
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = Rotation.random(random_state=4).as_matrix(), (1.0, -2.0, 3.0)
    pixels = np.sort(rng.choice(60 * 80, 50, replace=False)).astype(np.uint32)
    depth = rng.uniform(1, 9, 50).astype(np.float32)
    points = unproject(pixels, depth, K, distortion, pose, (60, 80))
    from_world = np.linalg.inv(pose)
    local = points @ from_world[:3, :3].T + from_world[:3, 3]
    image = cv2.projectPoints(local, np.zeros(3), np.zeros(3), K, np.array(distortion))[0][:, 0]
    assert np.abs(image - np.stack([pixels % 80 + 0.5, pixels // 80 + 0.5], axis=1)).max() < 1e-4
    assert np.abs(local[:, 2] - depth).max() < 1e-5


def test_points_are_those_of_the_formula_pixel_by_pixel(scene3d, server, collection, reader):
    scene3d.open(reader, collection)
    camera = reader.cameras[0]
    scene3d.show(camera, 1, SceneOptions(surface="points"))
    K, T = reader.K(camera)[1], reader.T_world_camera(camera)[1]
    depth, rgb = reader.frame(camera, "depth", 1), reader.frame(camera, "rgb", 1)
    mask = reader.labels(camera, (), 1, 2).mask(0)
    wanted, colours = [], []
    for y, x in zip(*np.nonzero(mask)):
        ray = np.linalg.inv(K) @ (x + 0.5, y + 0.5, 1.0)
        wanted.append((T @ (*(ray * depth[y, x]), 1.0))[:3])
        colours.append(rgb[y, x])
    (cloud,) = nodes(server, "points")
    assert np.abs(cloud.points - wanted).max() < 1e-5
    assert np.array_equal(cloud.colors, colours)


def test_points_lie_on_the_posed_surface(scene3d, server, collection, reader, scene):
    scene3d.open(reader, collection)
    scene3d.show(reader.cameras[0], 2, SceneOptions(surface="points"))
    surface = trimesh.Trimesh(scene.meshes[0].vertices[3], scene.meshes[0].faces, process=False)
    (cloud,) = nodes(server, "points")
    some = cloud.points[:: max(1, len(cloud.points) // 60)].astype(float)
    _, distance, _ = trimesh.proximity.closest_point_naive(surface, some)
    assert len(some) >= 60 and distance.max() < 1e-3


def test_points_of_a_large_image_are_thinned(scene3d, server, collection, reader, monkeypatch):
    monkeypatch.setattr(scene3d_module, "MAX_POINTS", 300)
    scene3d.open(reader, collection)
    scene3d.show(reader.cameras[0], 0, SceneOptions(surface="points"))
    (cloud,) = nodes(server, "points")
    assert 100 < len(cloud.points) <= 300


def test_points_may_show_parts(scene3d, server, collection, reader):
    scene3d.open(reader, collection)
    scene3d.show(reader.cameras[0], 0, SceneOptions(surface="points", colour="parts"))
    segm = reader.labels(reader.cameras[0], ("segm",), 0, 1).values["segm"]
    (cloud,) = nodes(server, "points")
    assert np.array_equal(cloud.colors, part_colours()[segm])


# Surfaces


def test_bodies_posed_anew_are_the_stored_and_the_described_ones(collection, reader, scene):
    bodies, notice = bodies_of(reader, collection, catalog_of(collection))
    (body,), stored = bodies.values(), reader.track(reader.people[0]).vertices
    anew = Body(body.model, replace(body.track, vertices=None), body.offsets, None)
    assert notice == ""
    for t in range(3):
        assert np.array_equal(body.vertices(t), stored[t])
        assert np.abs(anew.vertices(t) - stored[t]).max() < 1e-5
        assert np.abs(anew.vertices(t) - scene.meshes[0].vertices[t + 1]).max() < 1e-5


@pytest.mark.parametrize("colour", ["texture", "parts"])
def test_patches_make_up_the_whole_mesh_of_the_frame(scene3d, server, collection, reader, colour):
    scene3d.open(reader, collection)
    for t in (0, 2):
        scene3d.show(reader.cameras[0], t, replace(ALONE, colour=colour))
    track = reader.track(reader.people[0])
    faces = Catalog().body(track.body).topology.faces
    meshes = nodes(server, f"body0/{colour}")
    drawn = np.concatenate([mesh.vertices[mesh.faces] for mesh in meshes])
    assert len(drawn) == len(faces)
    assert {corners.tobytes() for corners in drawn} == {corners.tobytes() for corners in track.vertices[2][faces]}
    assert all(mesh.visible for mesh in meshes)


def test_parts_have_the_colours_of_the_palette(scene3d, server, collection, reader):
    scene3d.open(reader, collection)
    for palette in ("default", "surreal"):
        scene3d.style = Style(palette=palette)
        scene3d.show(reader.cameras[0], 0, replace(ALONE, colour="parts"))
        drawn = {tuple(mesh.color) for mesh in nodes(server, "body0/parts")}
        assert drawn == {tuple(colour) for colour in part_colours(palette)[1:].tolist()}


def test_a_textured_body_has_the_colours_of_its_texture(collection, reader):
    (body,) = bodies_of(reader, collection, catalog_of(collection))[0].values()
    u, v = np.moveaxis(body.model.topology.uv.mean(axis=1), -1, 0)
    size = len(body.texture)
    texels = body.texture[
        np.clip(((1 - v) * size).astype(int), 0, size - 1), np.clip((u * size).astype(int), 0, size - 1)
    ]
    difference = np.abs(body.face_colours.astype(int) - texels).mean(axis=1)
    assert np.median(difference) < 4
    patches = textured_patches(body.model.topology.faces, body.face_colours)
    assert 4 <= len(patches) <= 16
    assert sum(len(patch.faces) for patch in patches) == len(texels)
    area = sum(len(patch.faces) * np.array(patch.colour, float) for patch in patches) / len(texels)
    assert np.abs(area - body.face_colours.mean(axis=0)).max() < 8


def test_what_is_asked_for_is_what_is_seen(scene3d, server, collection, reader):
    scene3d.open(reader, collection)
    camera = reader.cameras[0]

    def seen(start):
        return any(node.visible for node in nodes(server, start))

    scene3d.show(camera, 0, SceneOptions())
    assert [seen(s) for s in ("body0/", "points", "bones", "joints", "name", "camera", "ground")] == [
        True,
        False,
        True,
        True,
        False,
        True,
        True,
    ]
    scene3d.show(camera, 0, SceneOptions(surface="points", frustum=False, skeleton=False, ground=False))
    assert [seen(s) for s in ("body0/", "points", "bones", "joints", "name", "camera", "ground")] == [
        False,
        True,
        False,
        False,
        False,
        False,
        False,
    ]
    scene3d.show(camera, 0, SceneOptions(surface="none", names=True))
    assert [seen(s) for s in ("body0/", "points", "bones", "joints", "name", "camera", "ground")] == [
        False,
        False,
        True,
        True,
        True,
        True,
        True,
    ]


def test_objects_stand_where_the_description_puts_them(scene3d, server, tmp_path):
    poses = np.tile(np.eye(4), (2, 1, 1))
    poses[:, :3, :3] = Rotation.from_euler("xyz", [(0.1, 0.2, 0.3), (1.0, -2.0, 0.5)]).as_matrix()
    poses[:, :3, 3] = (1, 2, 3), (-1, 0.5, 2)
    box = ObjectSpec(
        "box", 2, "box", tuple(tuple(map(tuple, pose.tolist())) for pose in poses), (0.1, 0.2, 0.3), (1.0, 0.5, 0.0)
    )
    clip = ball_clip(2, (60, 80))
    empty = replace(clip.views["camera"], people={})
    write_clip(
        tmp_path / "box.h5",
        replace(clip, spec=replace(clip.spec, people=(), objects=(box,)), people={}, views={"camera": empty}),
    )
    collection = open_collection(tmp_path / "box.h5")
    with collection.open("box") as reader:
        scene3d.open(reader, collection)
        scene3d.show("camera", 1, ALONE)
        (mesh,) = nodes(server, "object")
    turned = Rotation.from_quat(mesh.wxyz, scalar_first=True).apply(mesh.vertices) + mesh.position
    corners = np.array(np.meshgrid((-0.1, 0.1), (-0.2, 0.2), (-0.3, 0.3))).reshape(3, -1).T
    wanted = corners @ poses[1, :3, :3].T + poses[1, :3, 3]
    assert mesh.visible and tuple(mesh.color) == (255, 128, 0)
    assert np.abs(np.array(sorted(turned.tolist())) - np.array(sorted(wanted.tolist()))).max() < 1e-6


# Skeletons and cameras


def test_the_skeleton_joins_every_joint_to_its_parent(scene3d, server, collection, reader):
    scene3d.open(reader, collection)
    scene3d.show(reader.cameras[0], 0, SceneOptions())
    scene3d.show(reader.cameras[0], 2, SceneOptions(names=True))
    joints = reader.track(reader.people[0]).joints[2]
    (drawn,), (bones,) = nodes(server, "joints"), nodes(server, "bones")
    assert np.array_equal(drawn.points, joints)
    at = {name: joints[i].tobytes() for i, name in enumerate(SMPL_JOINTS)}
    segments = {(a.tobytes(), b.tobytes()) for a, b in bones.points}
    assert len(segments) == 23
    assert {
        (at["left_hip"], at["left_knee"]),
        (at["spine3"], at["right_collar"]),
        (at["right_elbow"], at["right_wrist"]),
    } <= segments
    names = {label.text: label.position for label in nodes(server, "name")}
    assert set(names) == set(SMPL_JOINTS)
    assert np.allclose(names["head"], joints[SMPL_JOINTS.index("head")])


def test_two_people_have_skeletons_of_two_colours(scene3d, server, tmp_path):
    write_clip(tmp_path / "two.h5", ball_clip(1, (60, 80), people=2))
    collection = open_collection(tmp_path / "two.h5")
    with collection.open("two") as reader:
        scene3d.open(reader, collection)
        scene3d.show("camera", 0)
        wanted = np.concatenate([reader.track(p).joints[0] for p in reader.people])
    (drawn,) = nodes(server, "joints")
    assert np.array_equal(drawn.points, wanted)
    assert len(np.unique(drawn.colors, axis=0)) == 2 and len(np.unique(drawn.colors[:24], axis=0)) == 1


def test_frusta_follow_moving_cameras_and_the_chosen_one_stands_out(scene3d, server, tmp_path):
    cameras = tuple(
        camera_looking(f"camera {i}", (1.0 + i, -5.0, 1.0), focal=120.0, resolution=(60, 80)) for i in range(2)
    )
    clip = ball_clip(3, (60, 80), cameras=cameras)
    moving = np.tile(np.eye(4), (3, 1, 1))
    moving[:, :3, :3], moving[:, :3, 3] = Rotation.random(3, random_state=1).as_matrix(), np.arange(9).reshape(3, 3)
    views = clip.views | {"camera 1": replace(clip.views["camera 1"], T_world_camera=moving)}
    write_clip(tmp_path / "moving.h5", replace(clip, views=views))
    collection = open_collection(tmp_path / "moving.h5")
    with collection.open("moving") as reader:
        scene3d.open(reader, collection)
        scene3d.show("camera 1", 0)
        before = nodes(server, "camera")[1].image
        scene3d.show("camera 1", 2)
        still, turned = nodes(server, "camera")
        assert np.array_equal(turned.image, reader.frame("camera 1", "rgb", 2))
    assert not np.array_equal(before, turned.image)
    assert np.allclose(turned.position, moving[2, :3, 3])
    assert np.allclose(Rotation.from_quat(turned.wxyz, scalar_first=True).as_matrix(), moving[2, :3, :3])
    assert tuple(turned.color) != tuple(still.color)
    assert np.isclose(np.tan(turned.fov / 2), 30 / 120) and np.isclose(turned.aspect, 80 / 60)


# What is not at hand


def test_a_body_that_is_not_here_leaves_points_and_says_so(scene3d, server, tmp_path):
    clip = ball_clip(2, (60, 80))
    collection, reader = opened_balls(tmp_path, people=(replace(clip.spec.people[0], body="user-female"),))
    with reader:
        scene3d.open(reader, collection)
        scene3d.show("camera", 0)
        assert "user-female" in scene3d.notice and "person0" in scene3d.notice
        assert not nodes(server, "body") and len(nodes(server, "points")[0].points)


def test_a_body_that_does_not_give_the_clips_joints_is_not_shown(scene3d, server, tmp_path):
    collection, reader = opened_balls(tmp_path)
    with reader:
        scene3d.open(reader, collection)
        scene3d.show("camera", 0)
        assert "not the one that the clip was made with" in scene3d.notice
        assert not nodes(server, "body") and nodes(server, "points")[0].visible


def test_assets_that_are_gone_leave_points(scene3d, server, reader, tmp_path):
    config = {
        "assets": {
            "body": str(tmp_path / "SMPL_gone.pkl"),
            "motion": [],
            "textures": "",
            "backgrounds": "",
            "environments": "",
        }
    }
    scene3d.open(reader, SimpleNamespace(kind="native", dataset=SimpleNamespace(config=config)))
    scene3d.show(reader.cameras[0], 0)
    assert "SMPL_gone.pkl" in scene3d.notice and nodes(server, "points")[0].visible


def test_a_clip_in_surreals_layout_shows_points_on_its_balls(scene3d, server, tmp_path):
    clip = ball_clip(2, cameras=(camera_looking("camera", (7.5, 0.25, 0.93), (0.0, 0.25, 0.93), 600.0),), tags=TAGS)
    write_clip(create_or_resume(tmp_path / "native", {}, 1).path_of(0), clip)
    export_surreal(open_dataset(tmp_path / "native"), tmp_path / "surreal")
    collection = open_collection(tmp_path / "surreal")
    with collection.open(collection.keys[0]) as reader:
        scene3d.open(reader, collection)
        scene3d.show(reader.cameras[0], 1)
        points = nodes(server, "points")[0].points
        assert "SURREAL" in scene3d.notice and len(points) > 1000
        joints = reader.track(reader.people[0]).joints[1]
    distance = np.linalg.norm(points[:, None] - joints, axis=2)
    assert (distance.min(axis=1) < 0.18).all()  # no ball is larger


def test_a_clip_of_labels_alone_without_depth_has_no_points(scene3d, server, tmp_path):
    clip = ball_clip(2, (60, 80), rgb=False)
    view = clip.views["camera"]
    segm = replace(view.labels, values={"segm": view.labels.values["segm"]})
    write_clip(tmp_path / "segm.h5", replace(clip, views={"camera": replace(view, labels=segm)}))
    collection = open_collection(tmp_path / "segm.h5")
    with collection.open("segm") as reader:
        scene3d.open(reader, collection)
        scene3d.show("camera", 0, SceneOptions(surface="points"))
        picture = nodes(server, "camera")[0].image
        assert np.array_equal(picture, part_colours()[reader.frame("camera", "segm", 0)])
    assert not nodes(server, "points") and set(CHANNELS) > {"segm"}


def test_a_frame_that_shows_nobody_has_no_points(scene3d, server, tmp_path):
    clip = ball_clip(2, (60, 80))
    write_clip(tmp_path / "empty.h5", replace(clip, views={"camera": without_frame(clip.views["camera"], 1)}))
    collection = open_collection(tmp_path / "empty.h5")
    with collection.open("empty") as reader:
        scene3d.open(reader, collection)
        seen = []
        for t in (1, 0, 1, 0):
            scene3d.show("camera", t)
            seen.append(any(cloud.visible and len(cloud.points) for cloud in nodes(server, "points")))
    assert seen == [False, True, False, True]


def without_frame(view, t: int):
    """The View, nobody being in its last frame ``t``."""
    labels, end = view.labels, view.labels.offsets[t]
    offsets = np.minimum(labels.offsets, end)
    values = {name: value[:end] for name, value in labels.values.items()}
    return replace(view, labels=replace(labels, offsets=offsets, pixels=labels.pixels[:end], values=values))


@pytest.mark.parametrize("broken", ["camera", "person0"])
def test_cameras_and_joints_that_are_nowhere_are_refused(scene3d, server, tmp_path, broken):
    clip = ball_clip(2, (60, 80))
    if broken == "camera":
        flat = replace(clip.views["camera"], T_world_camera=np.zeros((2, 4, 4)))
        clip = replace(clip, views={"camera": flat})
    else:
        track = clip.people["person0"]
        clip = replace(clip, people={"person0": replace(track, joints=np.full_like(track.joints, np.nan))})
    write_clip(tmp_path / "broken.h5", clip)
    collection = open_collection(tmp_path / "broken.h5")
    with collection.open("broken") as reader, pytest.raises(DatasetError, match=broken):
        scene3d.open(reader, collection)
    assert nodes_of_clip(server) == []


# From clip to clip


def test_closing_leaves_nothing_behind(scene3d, server, collection, reader):
    scene3d.open(reader, collection)
    scene3d.show(reader.cameras[0], 0, SceneOptions(names=True))
    assert len(nodes_of_clip(server)) > 30
    scene3d.close()
    scene3d.close()
    assert nodes_of_clip(server) == []


def test_opening_another_clip_replaces_all_of_the_last(scene3d, server, collection, reader, tmp_path):
    scene3d.open(reader, collection)
    scene3d.show(reader.cameras[0], 0)
    other, balls = opened_balls(tmp_path)
    with balls:
        scene3d.open(balls, other)
        scene3d.show("camera", 0)
    assert not nodes(server, "body")
    scene3d.open(reader, collection)
    scene3d.show(reader.cameras[0], 0)
    assert nodes(server, "body0/") and scene3d.notice == ""


# In a browser


CANVAS = "[...document.querySelectorAll('canvas')].sort((a, b) => b.width - a.width)[0]"


class Watched:
    """A browser that looks at a 3D scene of its own. received: bytes of the messages it got."""

    def __init__(self, browser, server):
        from tests.browser import Visit

        joined, clients = Event(), []
        server.on_client_connect(lambda client: (clients.append(client), joined.set()))
        self.received = []
        self.visit = Visit(browser, "about:blank", 640, 400)
        self.page = self.visit.page
        self.page.on(
            "websocket", lambda socket: socket.on("framereceived", lambda data: self.received.append(len(data)))
        )
        self.page.goto(f"http://127.0.0.1:{server.get_port()}/?fixedDpr=1")  # viser lowers it on slow machines
        while not joined.is_set():
            self.page.wait_for_timeout(50)
        self.client, self.scene3d = clients[0], Scene3D(clients[0].scene, Style())
        self.page.wait_for_function(f"{CANVAS}?.width > 600")

    def settled(self) -> np.ndarray:
        """(H, W, 3) uint8 of the canvas alone, once it has stopped changing."""
        self.client.flush()
        last, same = self.canvas(), 0
        while same < 5:
            self.page.wait_for_timeout(100)
            now = self.canvas()
            same, last = (same + 1 if np.array_equal(now, last) else 0), now
        return last

    def canvas(self) -> np.ndarray:
        url = self.page.evaluate(f"{CANVAS}.toDataURL('image/png')")
        coded = np.frombuffer(base64.b64decode(url.split(",")[1]), np.uint8)
        return cv2.cvtColor(cv2.imdecode(coded, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


@pytest.fixture(scope="module")
def watched(browser, server):
    opened = Watched(browser, server)
    yield opened
    opened.visit.page.close()


def overlap(watched, reader, t: int, options: SceneOptions) -> float:
    """IoU of what the surface adds to the canvas with where the clip's labels are."""
    camera = reader.cameras[0]
    watched.scene3d.show(camera, t, replace(options, surface="none"))
    watched.scene3d.look_through(watched.client, camera, t)
    empty = watched.settled().astype(int)
    watched.scene3d.show(camera, t, options)
    drawn = np.abs(watched.settled() - empty).max(axis=2) > 8
    h, w = reader.spec.resolution
    high, wide = drawn.shape
    assert wide / high > w / h  # so the image is as high as the canvas
    across = round(high * w / h)
    left = (wide - across) // 2
    mask = cv2.resize(
        reader.labels(camera, (), t, t + 1).mask(0).astype(np.uint8), (across, high), interpolation=cv2.INTER_NEAREST
    )
    wanted = np.zeros_like(drawn)
    wanted[:, left : left + across] = mask
    return float((drawn & wanted).sum() / (drawn | wanted).sum())


@pytest.mark.parametrize(
    "options",
    [ALONE, replace(ALONE, colour="parts"), replace(ALONE, surface="points")],
    ids=["texture", "parts", "points"],
)
def test_through_the_clips_camera_the_body_covers_its_mask(watched, collection, reader, options):
    watched.scene3d.open(reader, collection)
    assert overlap(watched, reader, 1, options) > 0.93
    assert watched.visit.errors == []


def test_the_cameras_own_picture_does_not_hide_what_it_looks_at(watched, collection, reader):
    watched.scene3d.open(reader, collection)
    camera, frustum = reader.cameras[0], lambda: watched.client.scene._handle_from_node_name["/clip/camera0"]
    watched.scene3d.show(camera, 0)
    watched.scene3d.look_through(watched.client, camera, 0)
    assert not frustum().visible
    watched.scene3d.show(camera, 1)
    assert not frustum().visible
    with watched.client.atomic():
        watched.client.camera.position = reader.T_world_camera(camera)[0, :3] @ (1.5, -1.0, -1.0, 1.0)  # aside and back
        watched.client.camera.look_at = reader.track("person0").joints[0, 0]
    picture = watched.settled()
    assert frustum().visible
    assert np.abs(picture.astype(int) - scene3d_module._sky().mean(axis=(0, 1))).max() > 50


def test_a_frame_of_a_playing_clip_is_light(watched, collection, reader):
    watched.scene3d.open(reader, collection)
    watched.scene3d.show(reader.cameras[0], 0)
    watched.settled()
    before = sum(watched.received)
    with watched.client.atomic():
        watched.scene3d.show(reader.cameras[0], 1)
    watched.settled()
    assert 150_000 < sum(watched.received) - before < 280_000

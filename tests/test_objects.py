"""Objects: their meshes and textures, their tracks, and what cameras see of them."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from PIL import Image

from mannequin.generator.catalog import Catalog
from mannequin.generator.categories import CATEGORIES
from mannequin.generator.errors import AssetError, ConfigError
from mannequin.generator.objects import MOST_TEXELS, PRIMITIVES, object_mesh
from mannequin.generator.scene import build_scene
from mannequin.generator.spec import CameraSpec, ClipSpec, ObjectSpec, PlainBackground, ShLight
from mannequin.renderers.raster.renderer import RasterRenderer
from tests.scenes import EYE, look_at

RED, GREEN, BLUE, YELLOW = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)
FOUR = np.array([[RED, GREEN], [BLUE, YELLOW]], np.uint8).repeat(32, 0).repeat(32, 1)
"""Red and green above, blue and yellow below."""

SQUARE = """mtllib square.mtl
v -1 -1 0
v 1 -1 0
v 1 1 0
v -1 1 0
vt 0 0
vt 1 0
vt 1 1
vt 0 1
usemtl photo
f 1/1 2/2 3/3 4/4
"""
"""The same square as "plane", as a file."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a textured square in it; meshes of other tests are forgotten."""
    monkeypatch.chdir(tmp_path)
    object_mesh.cache_clear()
    Image.fromarray(FOUR).save("four.png")
    (tmp_path / "square.mtl").write_text("newmtl photo\nKd 1 1 1\nmap_Kd four.png\n")
    (tmp_path / "square.obj").write_text(SQUARE)
    yield tmp_path
    object_mesh.cache_clear()


def described(*objects, frames=1, eye=(0.0, 0.0, 4.0), light=None):
    """Objects seen from above: image right is +x, image up +y."""
    pose = look_at(eye, (0.0, 0.0, 0.0), up=(0.0, 1.0, 0.0))
    camera = CameraSpec("camera", 100.0, 100.0, 40.0, 30.0, (tuple(map(tuple, pose.tolist())),))
    light = light or ShLight((1.0,) + (0.0,) * 8)
    return ClipSpec(
        "clip", 0, 0, "all", "test", 25.0, frames, (60, 80), (), (camera,), light, PlainBackground((0, 0, 0)), objects
    )


def quarters(rgb):
    """The colours in the middle of the four quarters of the square that :func:`described` shows, brightest = 255."""
    picked = [rgb[30 + y, 40 + x].astype(int) for y in (-12, 12) for x in (-12, 12)]
    return [tuple(int(255 * (c > 100)) for c in colour) for colour in picked]


# Meshes


def test_a_mesh_file_brings_its_texture(folder):
    mesh = object_mesh("square.obj")
    assert mesh.is_mapped and (mesh.texture == FOUR).all()
    corners = mesh.vertices[mesh.faces].reshape(-1, 3)
    np.testing.assert_allclose(mesh.uv.reshape(-1, 2), (corners[:, :2] + 1) / 2, atol=1e-7)


def test_a_ply_brings_its_texture(folder):
    plane = trimesh.Trimesh([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], [[0, 1, 2], [0, 2, 3]], process=False)
    text = plane.export(file_type="ply", encoding="ascii").decode().splitlines()
    head = text.index("end_header")
    header = [*text[:head], "end_header"]
    header.insert(2, "comment TextureFile four.png")
    at = next(i for i, line in enumerate(header) if line.startswith("property float z") or line.endswith("double z"))
    header[at + 1 : at + 1] = ["property float s", "property float t"]
    uv = ["0 0", "1 0", "1 1", "0 1"]
    rows = [f"{row} {st}" for row, st in zip(text[head + 1 :][:4], uv, strict=True)]
    (folder / "square.ply").write_text("\n".join([*header, *rows, *text[head + 5 :]]) + "\n")
    mesh = object_mesh("square.ply")
    assert mesh.is_mapped and (mesh.texture == FOUR).all()


def test_several_materials_become_one_image(folder):
    """A square with the photo, and one beside it in a plain colour."""
    (folder / "square.mtl").write_text("newmtl photo\nmap_Kd four.png\nnewmtl plain\nKd 0.2 0.4 0.6\n")
    more = "v 3 -1 0\nv 3 1 0\nusemtl plain\nf 2/1 5/2 6/3 3/4\n"
    (folder / "square.obj").write_text(SQUARE + more)
    mesh = object_mesh("square.obj")
    h, w = mesh.texture.shape[:2]
    for x, y, colour in ((-0.5, 0.5, RED), (0.5, 0.5, GREEN), (-0.5, -0.5, BLUE), (2.0, 0.0, (51, 102, 153))):
        u, v = uv_at(mesh, x, y)
        assert tuple(mesh.texture[int((1 - v) * h), int(u * w)]) == colour


def uv_at(mesh, x, y):
    """Texture coordinates of the point (x, y, 0) of a flat mesh."""
    for face, corner in zip(mesh.faces, mesh.uv):
        points = np.concatenate([mesh.vertices[face][:, :2], np.ones((3, 1))], axis=1)
        weights = np.linalg.solve(points.T, (x, y, 1))
        if (weights > -1e-9).all():
            return weights @ corner
    raise AssertionError(f"the mesh is not at {x}, {y}")


def test_repeated_textures_are_laid_out(folder):
    (folder / "square.obj").write_text(SQUARE.replace("vt 1 ", "vt 3 ").replace("vt 0 ", "vt -1 "))
    mesh = object_mesh("square.obj")
    assert mesh.texture.shape == (64, 256, 3) and (mesh.texture == np.tile(FOUR, (1, 4, 1))).all()
    assert mesh.uv.min() == 0 and mesh.uv.max() == 1


def test_large_textures_are_reduced(folder):
    Image.fromarray(FOUR.repeat(50, 0).repeat(50, 1)).save(folder / "four.png")
    mesh = object_mesh("square.obj")
    assert mesh.texture.shape == (MOST_TEXELS, MOST_TEXELS, 3) and tuple(mesh.texture[0, 0]) == RED


def test_cuts_of_the_texture_are_no_edges_but_edges_stay(folder):
    """A cylinder's mantle closes where its texture does; a cube keeps its corners apart."""
    n = 24
    turn = np.arange(n + 1) / n
    points = [(np.cos(2 * np.pi * t), np.sin(2 * np.pi * t), z) for z in (0, 1) for t in turn[:-1]]
    lines = [f"v {x} {y} {z}" for x, y, z in points] + [f"vt {t} {v}" for v in (0, 1) for t in turn]
    for i in range(n):
        j, k = (i + 1) % n, i + n + 1
        lines.append(f"f {i + 1}/{i + 1} {j + 1}/{i + 2} {j + n + 1}/{k + 2} {i + n + 1}/{k + 1}")
    (folder / "mantle.obj").write_text("\n".join(lines) + "\n")
    mesh = object_mesh("mantle.obj")
    assert len(mesh.vertices) == 2 * n and len(mesh.faces) == 2 * n
    assert np.ptp(mesh.uv[..., 0], axis=1).max() < 0.1  # no face runs back over the whole image
    cube = trimesh.creation.box()
    cube.unmerge_vertices()
    cube.visual = trimesh.visual.TextureVisuals(uv=np.tile([[0, 0], [1, 0], [1, 1]], (12, 1)))
    (folder / "cube.obj").write_text(cube.export(file_type="obj"))
    parted = object_mesh("cube.obj")
    corner = parted.vertices[parted.faces]
    face = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    at = [set(map(tuple, np.round(face[(parted.faces == v).any(1)], 9))) for v in range(len(parted.vertices))]
    assert parted.is_mapped and all(len(normals) == 1 for normals in at)


def test_a_mesh_without_its_material_is_plain(folder):
    (folder / "square.mtl").unlink()
    mesh = object_mesh("square.obj")
    assert mesh.is_mapped and mesh.texture is None


@pytest.mark.parametrize("name", PRIMITIVES)
def test_primitives_are_as_ever(name):
    mesh = object_mesh(name)
    assert mesh.texture is None and mesh.is_mapped == (name == "plane")
    assert mesh.uv.any() == (name == "plane")


def damaged(folder, what):
    if what == "absent":
        (folder / "four.png").unlink()
    elif what == "outside":
        Image.fromarray(FOUR).save(folder.parent / "four.png")
        (folder / "square.mtl").write_text("newmtl photo\nmap_Kd ../four.png\n")
    elif what == "link":
        (folder / "four.png").rename(folder.parent / "other.png")
        (folder / "four.png").symlink_to(folder.parent / "other.png")
    elif what == "materials outside":
        (folder / "square.mtl").rename(folder.parent / "square.mtl")
        (folder / "square.obj").write_text(SQUARE.replace("square.mtl", "../square.mtl"))
    elif what == "no image":
        (folder / "four.png").write_text("red green")
    elif what == "cut short":
        (folder / "four.png").write_bytes((folder / "four.png").read_bytes()[:-60])
    elif what == "too often":
        (folder / "square.obj").write_text(SQUARE.replace("vt 1 ", "vt 100 "))
    elif what == "no number":
        (folder / "square.obj").write_text(SQUARE.replace("vt 1 ", "vt nan "))


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("absent", "four.png"),
        ("outside", "leads out"),
        ("link", "leads out"),
        ("materials outside", "leads out"),
        ("no image", "four.png"),
        ("cut short", "texture"),
        ("too often", "Bake"),
        ("no number", "finite"),
    ],
)
def test_textures_that_cannot_be_used_are_refused(folder, what, says):
    damaged(folder, what)
    with pytest.raises(AssetError, match=says):
        object_mesh("square.obj")


@pytest.mark.parametrize(("mesh", "texture"), [("sphere", "four.png"), ("plane", "none.png"), ("plane", "../four.png")])
def test_a_texture_without_a_place_or_a_file_is_refused(folder, mesh, texture):
    with pytest.raises(AssetError, match="texture|four.png|none.png"):
        object_mesh(mesh, texture)


# Pictures


@pytest.mark.parametrize(("mesh", "texture"), [("square.obj", ""), ("plane", "four.png")])
def test_the_texture_is_seen_where_it_lies(folder, mesh, texture):
    spec = described(ObjectSpec("square", 5, mesh, (EYE,), texture=texture, category="plane"))
    clip = RasterRenderer(Catalog()).render(spec, ("rgb", "uv", "instance"))
    assert quarters(clip.views["camera"].rgb[0]) == [RED, GREEN, BLUE, YELLOW]
    uv = clip.frame("camera", "uv", 0)
    np.testing.assert_allclose(uv[30 - 12, 40 + 12], (0.5 + 12.5 / 50, 0.5 + 11.5 / 50), atol=1e-6)


@pytest.mark.blender
def test_cycles_shows_the_same_texture(folder):
    from mannequin.renderers.blender.renderer import BlenderRenderer

    spec = described(ObjectSpec("square", 5, "square.obj", (EYE,)))
    for labels in ("raster", "cycles"):
        clip = BlenderRenderer(Catalog(), labels=labels).render(spec, ("rgb", "instance", "uv"))
        assert quarters(clip.views["camera"].rgb[0]) == [RED, GREEN, BLUE, YELLOW]
        assert set(np.unique(clip.frame("camera", "instance", 0))) == {0, 5}


# Tracks and views


def at(x, y, z=0.0):
    pose = np.eye(4)
    pose[:3, 3] = x, y, z
    return tuple(map(tuple, pose.tolist()))


def test_tracks_and_views_of_objects():
    poses = (at(-0.5, 0), at(0.5, 0), at(9, 0))
    ball = ObjectSpec("ball", 200, "sphere", poses, (0.25,) * 3, category="sphere")
    box = ObjectSpec("box", 3, "box", (at(0, -0.9),), (0.2,) * 3)
    spec = described(ball, box, frames=3)
    clip = RasterRenderer(Catalog()).render(spec, ("instance", "segm"))
    track = clip.objects["ball"]
    assert (track.mesh, track.category, track.instance) == ("sphere", "sphere", 200)
    np.testing.assert_array_equal(track.T_world_object, np.array(poses))
    np.testing.assert_array_equal(clip.objects["box"].T_world_object, np.array([at(0, -0.9)] * 3))
    seen = clip.views["camera"].objects
    for name, instance in (("ball", 200), ("box", 3)):
        for t in range(3):
            ys, xs = np.nonzero(clip.frame("camera", "instance", t) == instance)
            box = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1) if len(xs) else (0, 0, 0, 0)
            assert tuple(seen[name].box[t]) == box and seen[name].pixels[t] == len(xs)
    assert seen["ball"].pixels[0] > 50 and seen["ball"].pixels[2] == 0
    assert seen["ball"].box[0, 0] < 30 < 50 < seen["ball"].box[1, 2]


def test_classes_of_a_frame():
    things = [
        ObjectSpec("ball", 200, "sphere", (at(-0.5, 0),), (0.25,) * 3, category="sphere"),
        ObjectSpec("thing", 3, "box", (at(0.5, 0),), (0.25,) * 3),
    ]
    clip = RasterRenderer(Catalog()).render(described(*things), ("instance",))
    instance, category = (clip.frame("camera", name, 0) for name in ("instance", "category"))
    assert category.dtype == np.uint8 and set(np.unique(category)) == {0, 3, 4}
    assert ((category == CATEGORIES.index("sphere") + 1) == (instance == 200)).all()
    assert ((category == CATEGORIES.index("object") + 1) == (instance == 3)).all()
    assert (clip.images("camera", "category") == category[None]).all()
    with pytest.raises(ConfigError, match="segm14"):
        clip.frame("camera", "segm14", 0)
    bare = replace(clip, views={"camera": replace(clip.views["camera"], labels=without(clip, "instance"))})
    with pytest.raises(ConfigError, match="category"):
        bare.frame("camera", "category", 0)


def without(clip, name):
    labels = clip.views["camera"].labels
    return replace(labels, values={n: v for n, v in labels.values.items() if n != name})


def test_tracks_that_do_not_span_the_clip_are_refused():
    scene = build_scene(described(ObjectSpec("ball", 1, "sphere", (EYE,)), frames=2), Catalog())
    clip = RasterRenderer(Catalog()).render_scene(scene, ("instance",))
    track = clip.objects["ball"]
    with pytest.raises(ValueError, match="'ball'"):
        replace(clip, objects={"ball": replace(track, T_world_object=track.T_world_object[:1])})

"""Procedural people: textures that cover the atlas, clothes that cover the body and stand off it."""

import json

import fakes
import numpy as np
import pytest
from PIL import Image

from mannequin.generator.appearance.atlas import bake_atlas
from mannequin.generator.appearance.choices import SKIN_TONES, choose, colour, tone_of
from mannequin.generator.appearance.fit import fit
from mannequin.generator.appearance.folder import find_textures, load_texture
from mannequin.generator.appearance.noise import fractal, value
from mannequin.generator.appearance.outfit import _fit, dress
from mannequin.generator.appearance.shoes import SOLE
from mannequin.generator.body.builtin import load_builtin
from mannequin.generator.errors import AssetError, ConfigError, TopologyError

NUMBERS = tuple(range(24))
SIZE = 256


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MANNEQUIN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(
    scope="module",
    params=["female", *(pytest.param(g, marks=pytest.mark.slow) for g in ("male", "neutral"))],
)
def body(request):
    return load_builtin(request.param)


@pytest.fixture(scope="module")
def user_body(tmp_path_factory):
    from mannequin.generator.body.files import load_body

    return load_body(
        fakes.fake_smpl_pkl(tmp_path_factory.mktemp("body") / "basicModel_f_lbs_10_207_0_v1.0.0.pkl", num_vertices=3000)
    )


def colours_at(body, texture, chosen):
    """(N, 3) float colours of the texels at the chosen vertices' (V,) bool atlas positions."""
    corner = chosen[body.topology.faces]
    uv = body.topology.uv[corner]
    size = len(texture)
    column = np.clip((uv[:, 0] * size).astype(int), 0, size - 1)
    row = np.clip(((1 - uv[:, 1]) * size).astype(int), 0, size - 1)
    return texture[row, column].astype(float)


def normals(vertices, faces):
    a, b, c = (vertices[faces[:, k]].astype(float) for k in range(3))
    return np.cross(b - a, c - a)


# Noise


def test_noise_is_bounded_smooth_and_seeded():
    points = np.random.default_rng(0).uniform(-40, 40, (4000, 3))
    first = np.array([value(*p, 7) for p in points])
    assert -1 <= first.min() < -0.7 and 0.7 < first.max() <= 1 and abs(first.mean()) < 0.05
    nudged = np.array([value(*(p + 1e-4), 7) for p in points])
    assert np.abs(nudged - first).max() < 2e-3
    assert np.corrcoef(first, [value(*p, 8) for p in points])[0, 1] < 0.06
    assert max(abs(fractal(*p, 3, 5)) for p in points) <= 1
    assert value(0.25, -3.5, 17.75, 1234) == value(0.25, -3.5, 17.75, 1234)


# Atlas


def test_a_square_of_two_triangles_is_mapped_linearly():
    uv = np.array([[[0.25, 0.25], [0.75, 0.25], [0.75, 0.75]], [[0.25, 0.25], [0.75, 0.75], [0.25, 0.75]]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    atlas = bake_atlas(uv, 64)
    corners = np.array([[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]])
    found = np.full((64 * 64, 2), np.nan)
    found[atlas.index] = atlas.interpolate(faces, corners)
    v, u = np.mgrid[:64, :64]
    expected = np.stack([(u + 0.5) / 64, 1 - (v + 0.5) / 64], -1).reshape(-1, 2)
    inside = (np.abs(expected - 0.5) < 0.25).all(1)
    assert np.abs(found[inside] - expected[inside]).max() < 1e-6
    margin = (np.abs(expected - 0.5) < 0.25 + 4 / 64).all(1)
    assert np.isfinite(found[margin]).all(), "charts go on for at least four texels beyond their border"
    assert np.nanmin(found) >= 0.25 - 1e-6 and np.nanmax(found) <= 0.75 + 1e-6


def test_every_texel_a_face_touches_is_painted(body):
    atlas = bake_atlas(body.topology.uv, SIZE)
    painted = np.zeros(SIZE * SIZE, bool)
    painted[atlas.index] = True
    weight = np.random.default_rng(1).dirichlet(np.ones(3), 8)
    uv = np.einsum("kc,fci->fki", weight, body.topology.uv).reshape(-1, 2)
    row, column = ((1 - uv[:, 1]) * SIZE).astype(int), (uv[:, 0] * SIZE).astype(int)
    for dr in (-1, 0, 1):
        for dc in (-1, 0, 1):
            assert painted[np.clip(row + dr, 0, SIZE - 1) * SIZE + np.clip(column + dc, 0, SIZE - 1)].all()


# Choices


def test_skin_tones_cover_the_scale_evenly():
    tones = np.array([tone_of(n) for n in range(200)])
    counts, _ = np.histogram(tones, bins=10, range=(0, 9))
    assert counts.min() >= 18 and counts.max() <= 22
    assert tones.min() < 0.1 and tones.max() > 8.9
    lightness = [colour(c).mean() for c in SKIN_TONES]
    assert (np.diff(lightness) < -0.03).all()


@pytest.mark.slow
def test_faces_have_the_skin_that_was_chosen(body):
    near_nose = np.linalg.norm(body.v_template - body.v_template[body.topology.landmarks["nose"]], axis=1) < 0.012
    measures = _fit(body).measures
    brightness, chosen = [], []
    for number in NUMBERS:
        dressed = dress(body, number, SIZE)
        brightness.append(colours_at(body, dressed.texture, near_nose).mean())
        chosen.append(255 * choose(number, body.gender, measures).skin.mean())
    assert np.corrcoef(brightness, chosen)[0, 1] > 0.97
    assert max(brightness) < 225, "no white masks"


@pytest.mark.slow
def test_beards_and_dresses_follow_gender():
    outfits = {g: [choose(n, g, _fit(load_builtin(g)).measures) for n in range(300)] for g in ("female", "male")}
    assert all(o.beard == "none" for o in outfits["female"])
    assert 0.3 < np.mean([o.beard != "none" for o in outfits["male"]]) < 0.7
    assert all(o.top != "dress" for o in outfits["male"]) and any(o.top == "dress" for o in outfits["female"])
    for people in outfits.values():
        assert len({o.top for o in people}) >= 6 and len({o.hair_style for o in people}) >= 6
        assert {o.shoes for o in people} == {"sneakers", "boots", "dress shoes"}
        assert len({o.pattern for o in people}) >= 7


# Dressing


@pytest.mark.slow
def test_the_same_number_gives_the_same_bytes(body):
    first = dress(body, 5, SIZE)
    from mannequin.generator.appearance import outfit

    outfit._worn.cache_clear()
    outfit._painted.cache_clear()
    again = dress(body, 5, SIZE)
    assert again is not first
    assert again.texture.tobytes() == first.texture.tobytes()
    assert again.offsets.tobytes() == first.offsets.tobytes()
    assert again.description == first.description
    json.dumps(again.description)


@pytest.mark.slow
def test_shapes_and_types(body):
    dressed = dress(body, 2, SIZE)
    assert dressed.texture.shape == (SIZE, SIZE, 3) and dressed.texture.dtype == np.uint8
    assert dressed.offsets.shape == (body.num_vertices, 3) and dressed.offsets.dtype == np.float32
    assert np.isfinite(dressed.offsets).all()
    with pytest.raises(ValueError, match="read-only"):
        dressed.texture[0, 0] = 0


@pytest.mark.slow
def test_different_numbers_give_different_people(body):
    textures = [dress(body, n, SIZE).texture for n in NUMBERS]
    for k, one in enumerate(textures):
        for other in textures[:k]:
            assert np.abs(one.astype(int) - other).mean() > 4


@pytest.mark.slow
def test_both_joint_counts_wear_the_same():
    few, many = (dress(load_builtin("female", joints), 3, SIZE) for joints in (24, 52))
    assert few.description == many.description
    assert np.abs(few.texture.astype(int) - many.texture).mean() < 1
    assert np.abs(few.offsets - many.offsets).max() < 2e-3


@pytest.mark.slow
def test_trunk_and_hips_are_covered_and_hands_and_face_are_not(body):
    cut = _fit(body)
    m, p = cut.measures, cut.points
    trunk = (p[:, 1] > m.crotch_y + 0.02) & (p[:, 1] < m.shoulder_y - 0.13) & (cut.arm < 0.05)
    seat = (p[:, 1] > m.crotch_y - 0.06) & (p[:, 1] < m.hip_y) & (cut.hand < 0.1)
    hands = cut.hand > 0.9
    face = (cut.head > 0.95) & (p[:, 2] > m.eye_z - 0.01) & (np.abs(p[:, 1] - m.nose_y) < 0.03)
    assert min(trunk.sum(), seat.sum(), hands.sum(), face.sum()) > 50
    for number in NUMBERS:
        offsets = dress(body, number, SIZE).offsets
        length = np.linalg.norm(offsets, axis=1)
        assert (length[trunk] > 0.0005).all(), number
        assert np.median(length[trunk]) > 0.002 and (length[seat] > 0.0005).all(), number
        assert (length[hands] == 0).all() and (length[face] == 0).all(), number


@pytest.mark.slow
def test_bare_and_clothed_texels_have_their_own_colours():
    body = load_builtin("male")
    cut = _fit(body)
    m, p = cut.measures, cut.points
    palm = (cut.hand > 0.95) & (np.abs(p[:, 0]) < m.wrist_x + 0.1) & (p[:, 1] > m.shoulder_y - 0.005)
    chest = (np.abs(p[:, 0]) < 0.1) & (np.abs(p[:, 1] - m.shoulder_y + 0.2) < 0.04) & (p[:, 2] > m.trunk_z)
    for number in NUMBERS:
        outfit, texture = choose(number, "male", m), dress(body, number, SIZE).texture
        skin = colours_at(body, texture, palm).mean(0) / 255
        assert np.abs(skin - outfit.skin).max() < 0.13, number
        if outfit.pattern == "plain":
            top = next(g for g in outfit.garments if g.sleeve > 0 or (g.strap > 0 and g.kind == 0))
            cloth = np.median(colours_at(body, texture, chest), 0) / 255
            assert np.abs(cloth - [top.red, top.green, top.blue]).max() < 0.12, number


@pytest.mark.slow
def test_offsets_are_bounded_and_smooth(body):
    cut = _fit(body)
    faces = body.topology.faces
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]]])
    bare_foot = cut.shoe < 0.5
    edges = edges[(bare_foot & (cut.head < 0.05))[edges].all(1)]
    for number in NUMBERS:
        dressed = dress(body, number, SIZE)
        length = np.linalg.norm(dressed.offsets, axis=1)
        assert length.max() < 0.12
        if dressed.description["top"] == "dress":
            continue
        assert length[bare_foot].max() < 0.08
        jump = np.linalg.norm(dressed.offsets[edges[:, 0]] - dressed.offsets[edges[:, 1]], axis=1)
        assert np.quantile(jump, 0.99) < 0.015 and np.quantile(jump, 0.8) < 0.006, number


@pytest.mark.slow
def test_no_face_is_turned_over(body):
    """Shoes apart, whose skin comes from between the toes; those may fold on hardly any area."""
    cut = _fit(body)
    faces = body.topology.faces
    foot = (cut.shoe[faces] > 0.5).any(1)
    before = normals(body.v_template, faces)
    for number in NUMBERS:
        after = normals(body.v_template + dress(body, number, SIZE).offsets, faces)
        turned = (before * after).sum(1) < 0
        assert not turned[~foot].any(), (number, np.flatnonzero(turned & ~foot))


def test_shoes_are_closed_convex_and_have_a_flat_sole(body):
    cut = _fit(body)
    m, faces = cut.measures, body.topology.faces
    left = (cut.shoe > 0.5) & (cut.points[:, 0] > 0)
    shod = cut.shod[left]
    bottom = shod[shod[:, 1] < m.floor_y - 0.8 * SOLE]
    assert np.ptp(bottom[:, 2]) > 0.7 * np.ptp(shod[:, 2]), "the sole reaches from heel to toe"
    assert abs(shod[:, 1].min() - m.floor_y + SOLE) < 0.003
    inside = (left[faces]).all(1)
    normal, centre = normals(cut.shod, faces)[inside], cut.shod[faces[inside]].mean(1)
    core = np.stack(
        [np.full(len(centre), m.ankle_x), np.full(len(centre), m.floor_y + 0.02), np.clip(centre[:, 2], -0.02, 0.12)], 1
    )
    outward = (normal * (centre - core)).sum(1) > 0
    area = np.linalg.norm(normal, axis=1)
    assert area[~outward].sum() < 0.01 * area.sum()


@pytest.mark.slow
def test_clothes_leave_room_between_the_legs(body):
    cut = _fit(body)
    m, p = cut.measures, cut.points
    inner = (p[:, 1] < m.crotch_y - 0.02) & (p[:, 1] > m.knee_y) & (p[:, 0] > 0)
    for number in NUMBERS:
        moved = p + dress(body, number, SIZE).offsets
        assert moved[inner, 0].min() >= 0


# Other bodies and bad arguments


@pytest.mark.slow
def test_a_users_body_without_landmarks_or_regions_is_dressed(user_body):
    assert not user_body.topology.regions
    cut = fit(user_body)
    for number in range(6):
        dressed = dress(user_body, number, SIZE)
        length = np.linalg.norm(dressed.offsets, axis=1)
        m, p = cut.measures, cut.points
        trunk = (p[:, 1] > m.crotch_y + 0.05) & (p[:, 1] < m.shoulder_y - 0.15) & (cut.arm < 0.02)
        assert trunk.sum() > 20 and (length[trunk] > 0.0005).all()
        shod = cut.shod[cut.shoe > 0.5]
        assert shod[:, 1].min() < m.floor_y - 0.3 * SOLE and np.ptp(shod[:, 2]) > 0.85 * np.ptp(p[cut.shoe > 0.5, 2])
        assert length.max() < 0.2 and len(np.unique(dressed.texture.reshape(-1, 3), axis=0)) > 100


def test_a_hand_alone_cannot_be_dressed(tmp_path):
    from mannequin.generator.body.files import load_body

    hand = load_body(fakes.fake_mano_pkl(tmp_path / "MANO_RIGHT.pkl"))
    with pytest.raises(AssetError, match="no joint 'pelvis'"):
        dress(hand, 0, SIZE)


@pytest.mark.parametrize(("number", "resolution"), [(-1, 256), (2**63, 256), (0, 8), (0, 10000)])
def test_impossible_arguments(number, resolution):
    with pytest.raises(ConfigError, match="expected"):
        dress(load_builtin("male"), number, resolution)


# Users' folders


def picture(path, size=(32, 32)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.arange(size[0] * size[1] * 3, dtype=np.uint8).reshape(size[1], size[0], 3)).save(path)
    return path


def test_a_folder_of_textures(tmp_path):
    picture(tmp_path / "b.png")
    picture(tmp_path / "sub" / "a.jpg")
    picture(tmp_path / ".thumbnails" / "c.png")
    (tmp_path / ".DS_Store").write_bytes(b"x")
    (tmp_path / "topology.txt").write_text("smpl\n")
    found = find_textures(tmp_path, "smpl").files
    assert list(found) == ["texture/b.png", "texture/sub/a.jpg"]
    loaded = load_texture(found["texture/b.png"].path, "smpl")
    assert loaded.shape == (32, 32, 3) and loaded.dtype == np.uint8
    assert (loaded == np.arange(32 * 32 * 3, dtype=np.uint8).reshape(32, 32, 3)).all()


def test_textures_of_another_topology_are_refused(tmp_path):
    path = picture(tmp_path / "a.png")
    (tmp_path / "topology.json").write_text('{"topology": "mannequin-1"}')
    for call in (lambda: find_textures(tmp_path, "smpl"), lambda: load_texture(path, "smpl")):
        with pytest.raises(TopologyError, match="declared for topology 'mannequin-1'"):
            call()


@pytest.mark.parametrize("text", ["[1", "{}", '{"topology": 3}', '{"topology": ""}'])
def test_a_broken_declaration(tmp_path, text):
    picture(tmp_path / "a.png")
    (tmp_path / "topology.json").write_text(text)
    with pytest.raises(AssetError, match="declaration"):
        find_textures(tmp_path, "smpl")


def test_missing_empty_and_foreign_folders(tmp_path):
    with pytest.raises(AssetError, match="No folder"):
        find_textures(tmp_path / "none", "smpl")
    with pytest.raises(AssetError, match="holds no texture"):
        find_textures(tmp_path, "smpl")
    picture(tmp_path / "a.png")
    (tmp_path / "notes.doc").write_text("x")
    assert find_textures(tmp_path, "smpl").passed_over == (f"{tmp_path}: 1 .doc",)


def test_bad_images(tmp_path):
    with pytest.raises(AssetError, match="32 × 16"):
        load_texture(picture(tmp_path / "wide.png", (32, 16)), "smpl")
    with pytest.raises(AssetError, match="16 to 8192"):
        load_texture(picture(tmp_path / "small.png", (8, 8)), "smpl")
    with pytest.raises(AssetError, match="No texture"):
        load_texture(tmp_path / "gone.png", "smpl")
    (tmp_path / "text.png").write_text("not an image")
    with pytest.raises(AssetError, match="cannot be read"):
        load_texture(tmp_path / "text.png", "smpl")
    whole = picture(tmp_path / "cut.png", (64, 64)).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AssetError, match="cannot be read"):
        load_texture(tmp_path / "cut.png", "smpl")


@pytest.mark.slow
def test_a_decompression_bomb_is_refused(tmp_path):
    Image.new("L", (20000, 20000)).save(tmp_path / "bomb.png")
    with pytest.raises(AssetError):
        load_texture(tmp_path / "bomb.png", "smpl")

"""Charts must lay any surface flat without folding it, and cover every face."""

import numpy as np
import pytest

from mannequin.generator.body.builtin import load_builtin
from mannequin.generator.body.charts import (
    boundary_loops,
    chart_atlas,
    densepose_style_charts,
    embed_disc,
    face_adjacency,
    islands,
    keep_largest_islands,
    part_labels_from_weights,
)
from mannequin.generator.body.model import PARTS


def grid(rows, columns):
    """Vertices (rows * columns, 3) in the plane z = 0 and their triangles, seen from +z."""
    y, x = np.mgrid[0:rows, 0:columns]
    points = np.stack([x.ravel(), y.ravel(), 0 * x.ravel()], axis=1).astype(float)
    a = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    quads = np.stack([a, a + 1, a + columns + 1, a + columns], axis=1)
    return points, np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def signed_areas(uv):
    first, second = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    return 0.5 * (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])


UP = np.array([0.0, 1.0, 0.0])


# --- building blocks ------------------------------------------------------------------------


def test_faces_that_share_an_edge_are_adjacent():
    adjacency = face_adjacency(np.array([[0, 1, 2], [2, 1, 3], [4, 5, 6]]))
    assert adjacency.tolist() == [[0, 1]]


def test_stray_patches_take_the_label_around_them():
    _, faces = grid(8, 8)
    centre = np.arange(len(faces)) % 49 % 7
    label = np.where(centre < 3, 1, 2)
    stray = label.copy()
    stray[[5, 54]] = 1  # the two triangles of a square in the area of label 2
    np.testing.assert_array_equal(keep_largest_islands(faces, stray), label)


def test_a_piece_by_itself_keeps_its_label():
    faces = np.array([[0, 1, 2], [2, 1, 3], [4, 5, 6]])
    assert keep_largest_islands(faces, np.array([1, 1, 1])).tolist() == [1, 1, 1]


def test_boundary_loops_of_a_ring():
    points, faces = grid(6, 6)
    middle = points[faces].mean(1)
    ring = faces[np.abs(middle - (2.5, 2.5, 0)).max(1) > 0.5]
    assert sorted(len(loop) for loop in boundary_loops(ring)) == [4, 20]


# --- flattening -----------------------------------------------------------------------------


def check_flat(faces, uv):
    areas = signed_areas(uv[faces])
    assert areas.min() > 0
    assert uv.min() >= 0 and uv.max() <= 1
    return areas


def test_a_square_is_flattened_evenly_and_upright():
    points, faces = grid(12, 12)
    uv = embed_disc(faces, points, UP)
    areas = check_flat(faces, uv)
    assert 0.8 < areas.sum() < 0.95
    top, bottom = uv[points[:, 1] == 11], uv[points[:, 1] == 0]
    assert top[:, 1].min() > bottom[:, 1].max()
    assert areas.max() / areas.min() < 12


def test_a_disc_with_holes_is_flattened():
    points, faces = grid(14, 14)
    middle = points[faces].mean(1)
    holes = (np.abs(middle[:, :2] - (4, 4)).max(1) < 1) | (np.abs(middle[:, :2] - (9, 9)).max(1) < 1)
    used, kept = np.unique(faces[~holes], return_inverse=True)
    kept = kept.reshape(-1, 3)
    check_flat(kept, embed_disc(kept, points[used], UP))


def test_a_long_finger_does_not_shrink_to_nothing():
    """Plain Tutte embeddings shrink a tube's end exponentially with its length."""
    around, along = 12, 40
    angle = 2 * np.pi * np.arange(around) / around
    rings = [np.stack([np.cos(angle), np.sin(angle), 0 * angle + 0.5 * k], 1) for k in range(along)]
    points = np.concatenate([*rings, [[0, 0, 0.5 * along]]])
    a = (np.arange(along - 1)[:, None] * around + np.arange(around)).ravel()
    b = (np.arange(along - 1)[:, None] * around + (np.arange(around) + 1) % around).ravel()
    last = (along - 1) * around + np.arange(around)
    faces = np.concatenate(
        [
            np.stack([a, b, b + around], 1),
            np.stack([a, b + around, a + around], 1),
            np.stack([last, np.roll(last, -1), np.full(around, along * around)], 1),
        ]
    )
    areas = check_flat(faces, embed_disc(faces, points, UP))
    assert areas.min() > 1e-6


# --- bodies ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def charted():
    model = load_builtin("male", 24)
    topology = model.topology
    chart, uv = densepose_style_charts(topology.faces, model.v_template, topology.part, model.rest_joints)
    return model, chart, uv


def test_every_face_has_a_chart(charted):
    _, chart, uv = charted
    assert set(chart) == set(range(1, 25))
    assert uv.shape == (len(chart), 3, 2) and uv.dtype == np.float32
    assert uv.min() >= 0 and uv.max() <= 1


@pytest.mark.parametrize("label", range(1, 25))
def test_charts_are_flat_and_cover_each_point_once(charted, label):
    """No triangle is flipped, and areas add up to that inside the outline: so none overlap."""
    model, chart, uv = charted
    skin = model.topology.regions["eyes"][model.topology.faces].min(1) == 0
    own = (chart == label) & skin
    pieces = islands(face_adjacency(model.topology.faces[own]), np.zeros(own.sum(), int))
    assert pieces.max() == 0
    areas = signed_areas(uv[own].astype(float))
    assert areas.min() > 1e-8
    assert 0.8 < areas.sum() < 0.9


@pytest.mark.slow
def test_charts_meet_inside_without_seams(charted):
    """Neighbouring faces of one chart agree about the coordinates of their common corners."""
    model, chart, uv = charted
    faces = model.topology.faces
    adjacency = face_adjacency(faces)
    for a, b in adjacency[chart[adjacency[:, 0]] == chart[adjacency[:, 1]]][::7]:
        for vertex in set(faces[a]) & set(faces[b]):
            first = uv[a, faces[a].tolist().index(vertex)]
            second = uv[b, faces[b].tolist().index(vertex)]
            np.testing.assert_allclose(first, second, atol=1e-6)


def test_charts_are_on_the_side_of_the_body_they_should(charted):
    model, chart, _ = charted
    centre = model.v_template[model.topology.faces].mean(1)

    def middle(label):
        return centre[chart == label].mean(0)

    assert middle(1)[2] < middle(2)[2]  # back, front
    assert middle(3)[0] < 0 < middle(4)[0]  # right, left hand
    assert middle(6)[0] < 0 < middle(5)[0]  # right, left foot
    assert middle(7)[2] < middle(9)[2] and middle(7)[0] < 0  # right thigh
    assert middle(12)[2] < middle(14)[2] and middle(12)[0] > 0  # left shank
    assert middle(15)[1] < middle(17)[1] and middle(15)[0] > 0  # left upper arm
    assert middle(23)[0] < 0 < middle(24)[0]  # head


def test_the_shipped_charts_are_these(charted):
    model, chart, _ = charted
    assert (chart == model.topology.chart).mean() > 0.97  # those follow the neutral body


def test_a_body_without_eyes_or_with_another_shape_works_too():
    """What a user's mesh may look like: no separate pieces, asymmetric, only weights known."""
    model = load_builtin("female", 24)
    topology = model.topology
    keep = topology.regions["eyes"][topology.faces].max(1) == 0
    faces = topology.faces[keep]
    rng = np.random.default_rng(0)
    vertices = model.v_template + model.shapedirs @ rng.normal(0, 1.5, 10)
    vertices = vertices + 0.004 * np.sin(40 * vertices[:, [1, 2, 0]])
    part = part_labels_from_weights(faces, model.weights, model.joint_names)
    chart, uv = densepose_style_charts(faces, vertices, part, model.joint_regressor @ vertices)
    assert set(chart) == set(range(1, 25))
    for label in range(1, 25):
        assert signed_areas(uv[chart == label].astype(float)).min() > 0


def test_the_atlas_keeps_charts_apart(charted):
    _, chart, uv = charted
    atlas = chart_atlas(chart, uv)
    assert atlas.min() > 0 and atlas.max() < 1
    cell = np.floor(atlas * (6, 4)).astype(int)
    for label in range(1, 25):
        cells = cell[chart == label].reshape(-1, 2)
        assert (cells == cells[0]).all()
        assert tuple(cells[0]) == ((label - 1) % 6, 3 - (label - 1) // 6)


def test_faces_without_chart_stay_at_the_origin():
    atlas = chart_atlas(np.array([0, 1], np.uint8), np.full((2, 3, 2), 0.5, np.float32))
    assert (atlas[0] == 0).all() and (atlas[1] > 0).all()


# --- labels from weights --------------------------------------------------------------------


@pytest.mark.parametrize("joints", [24, 52])
def test_labels_from_weights_agree_with_the_shipped_ones(joints):
    model = load_builtin("neutral", joints)
    topology = model.topology
    part = part_labels_from_weights(topology.faces, model.weights, model.joint_names)
    assert set(part) == set(range(1, 25))
    assert (part == topology.part).mean() > 0.8
    centre = model.v_template[topology.faces].mean(1)
    for label in (2, 5, 8, 17, 19, 21, 23):
        assert PARTS[label - 1].startswith("left") and centre[part == label, 0].min() > -0.01


def test_jaw_and_eyes_count_as_head():
    faces = np.array([[0, 1, 2], [3, 4, 5], [6, 7, 8]])
    weights = np.repeat(np.eye(3), 3, axis=0)
    names = ("jaw", "left_eye_smplhf", "right_thumb2")
    assert part_labels_from_weights(faces, weights, names).tolist() == [16, 16, 24]


def test_unknown_joints_are_refused():
    with pytest.raises(ValueError, match="tail"):
        part_labels_from_weights(np.array([[0, 1, 2]]), np.ones((3, 1)), ("tail",))

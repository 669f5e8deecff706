"""How deep meshes are in one another: closed forms, a slow version of another kind, meshes that are not tidy."""

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from mannequin.generator.inside import squared_distance
from mannequin.generator.penetration import STEP, deepest_penetration


def sphere(radius=1.0, at=(0.0, 0.0, 0.0), subdivisions=4):
    mesh = trimesh.creation.icosphere(subdivisions, radius)
    return mesh.vertices + np.asarray(at), np.asarray(mesh.faces)


def box(half, at=(0.0, 0.0, 0.0)):
    mesh = trimesh.creation.box(2 * np.asarray(half))
    return mesh.vertices + np.asarray(at), np.asarray(mesh.faces)


def still(mesh, frames=1):
    return np.repeat(mesh[0][None], frames, axis=0), mesh[1]


def moving(mesh, path):
    return mesh[0] + np.asarray(path, float)[:, None], mesh[1]


def deepest(**meshes):
    return deepest_penetration(meshes)


@pytest.mark.parametrize("direction", [(1, 0, 0), (0, 1, 0), (0.3, -0.5, 0.8)])
def test_two_spheres(direction):
    """The deepest point of one is where the line through the middles leaves it."""
    direction = np.array(direction) / np.linalg.norm(direction)
    for distance, depth in ((1.3, 0.0), (1.1, 0.1), (0.9, 0.3), (0.75, 0.45)):
        found = deepest(a=still(sphere(0.7)), b=still(sphere(0.5, direction * distance)))
        assert found.depth == pytest.approx(depth, abs=6e-3) and found.depth <= depth + 1e-6
        assert (found.pair == ("", "")) == (depth == 0)


def test_a_sphere_within_another():
    """No face meets another; every vertex of the small one is inside."""
    found = deepest(big=still(sphere(1.0)), small=still(sphere(0.1, (0.2, 0.1, -0.3), 2)))
    assert found.pair == ("small", "big")
    assert found.depth == pytest.approx(1.0 - np.sqrt(0.14) + 0.1, abs=6e-3)


def test_two_boxes():
    """The corner of one is in the other by 0.1, 0.2 and 0.3: to the nearest side it is 0.1."""
    found = deepest(a=still(box((1, 1, 1))), b=still(box((0.5, 0.5, 0.5), (1.4, 1.3, 1.2))))
    assert found.depth == pytest.approx(0.1, abs=1e-6)
    assert deepest(a=still(box((1, 1, 1))), b=still(box((0.5, 0.5, 0.5), (1.4, 1.3, 1.6)))).depth == 0.0


def test_a_fast_small_sphere_through_a_plate_between_frames():
    """It is on either side in every frame; between frames 1 and 2 it is in the plate, at a time of its own."""
    plate = still(box((1, 1, 0.03)), 4)
    path = [(0, 0, 2.3), (0, 0, 1.1), (0, 0, -0.4), (0, 0, -1.6)]
    found = deepest(plate=plate, ball=moving(sphere(0.02, subdivisions=2), path))
    assert found.pair == ("ball", "plate") and found.depth == pytest.approx(0.03, abs=STEP / 2)
    assert 1 + 1.05 / 1.5 < found.frame < 1 + 1.15 / 1.5
    missed = [(x, y, z + 3.0 * (x == 0) * (z < 0)) for x, y, z in path]
    assert deepest(plate=plate, ball=moving(sphere(0.02, subdivisions=2), missed)).depth == 0.0


def test_both_move():
    """Two spheres pass one another; nearest, their middles are 0.9 m apart halfway between two frames."""
    a = moving(sphere(0.5), [(-3, 0, 0), (-1, 0, 0), (1, 0, 0), (3, 0, 0)])
    b = moving(sphere(0.5, (0, 0.9, 0)), [(3, 0, 0), (1, 0, 0), (-1, 0, 0), (-3, 0, 0)])
    found = deepest(a=a, b=b)
    assert found.depth == pytest.approx(0.1, abs=6e-3 + STEP / 2) and found.frame == pytest.approx(1.5, abs=0.02)


def test_skin_that_overlaps_itself_and_holes():
    """Two spheres as one mesh are inside where both are, all faces count; a hole is closed by a fan."""
    one, other = sphere(0.5), sphere(0.5, (0.6, 0, 0))
    both = np.concatenate([one[0], other[0]]), np.concatenate([one[1], other[1] + len(one[0])])
    middle = still(sphere(0.05, (0.3, 0, 0), 2))
    assert deepest(a=still(both), b=middle).depth == pytest.approx(0.2, abs=6e-3)
    whole, faces = sphere(0.5)
    cut = faces[(whole[faces, 2] < 0.3).all(axis=1)]
    assert deepest(a=still((whole, cut)), b=middle).depth == pytest.approx(0.25, abs=6e-3)
    assert deepest(a=still((whole, cut)), b=still(sphere(0.05, (0, 0, 0.4), 2))).depth == 0.0


def test_nothing_to_find():
    assert deepest().depth == deepest(a=still(sphere())).depth == 0.0


def test_the_same_bits_whatever_else_is_there():
    a, b, c = still(sphere(0.7)), still(sphere(0.5, (0.9, 0.2, 0.1))), still(sphere(0.5, (9, 9, 9)))
    assert deepest(a=a, b=b) == deepest(a=a, b=b, c=c) == deepest(a=a, b=b)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=8, deadline=None)
def test_as_a_slow_version_finds(seed):
    """trimesh's rays (Embree's) say who is inside, its nearest points how deep; bumpy bodies, turned anyhow."""
    rng = np.random.default_rng(seed)
    bodies = []
    for at in ((0, 0, 0), rng.uniform(-0.9, 0.9, 3)):
        vertices, faces = sphere(1.0, subdivisions=2)
        bumps = 1 + 0.25 * np.sin(vertices @ rng.normal(size=(3, 3)) * 3).mean(axis=1, keepdims=True)
        bodies.append(((vertices * bumps * rng.uniform(0.3, 0.8) + at).astype(np.float32).astype(float), faces))
    expected = 0.0
    for one, other in (bodies, bodies[::-1]):
        mesh = trimesh.Trimesh(*other, process=False)
        inside = one[0][mesh.contains(one[0])]
        if len(inside):
            expected = max(expected, slow_distances(inside, other).max())
    assert deepest(a=still(bodies[0]), b=still(bodies[1])).depth == pytest.approx(expected, abs=1e-6)


def slow_distances(points, mesh) -> np.ndarray:
    """(N,) to the nearest point of any face, by projections onto planes, edges and corners."""
    p, q, r = (mesh[0][mesh[1][:, k]] for k in range(3))
    return np.array([triangle_distances(x, p, q, r).min() for x in points])


def triangle_distances(x, p, q, r) -> np.ndarray:
    normal = np.cross(q - p, r - p)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    height = ((x - p) * normal).sum(axis=1)
    foot = x - height[:, None] * normal
    sides = [(np.cross(b - a, foot - a) * normal).sum(axis=1) >= 0 for a, b in ((p, q), (q, r), (r, p))]
    found = np.where(np.all(sides, axis=0), np.abs(height), np.inf)
    for a, b in ((p, q), (q, r), (r, p)):
        share = np.clip(((x - a) * (b - a)).sum(axis=1) / ((b - a) ** 2).sum(axis=1), 0, 1)
        found = np.minimum(found, np.linalg.norm(a + share[:, None] * (b - a) - x, axis=1))
    return found


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_distance_from_a_triangle(seed):
    rng = np.random.default_rng(seed)
    corners = rng.normal(size=(3, 40, 3)) * rng.uniform(0.05, 1, (1, 40, 1))
    x = rng.normal(size=3)
    found = [np.sqrt(squared_distance(x, *corner)) for corner in corners.swapaxes(0, 1)]
    assert np.allclose(found, triangle_distances(x, *corners), rtol=1e-9, atol=1e-12)

"""Light against integrals over the sphere."""

import numpy as np
import pytest

from mannequin.generator.environment import equirectangular
from mannequin.generator.light import hdri_irradiance, sh_basis, surface_light
from mannequin.generator.spec import HdriLight, Lamp, LampLight, ShLight
from mannequin.renderers.raster.renderer import render_scene
from tests.scenes import look_at, make_scene, mesh_track, sphere

UP = np.array([0.0, 0.0, 1.0])


def directions(h=256, w=512):
    """((h, w, 3) world directions of an equirectangular image, (h, w) solid angles)."""
    elevation = np.pi * (0.5 - (np.arange(h) + 0.5) / h)[:, None]
    azimuth = 2 * np.pi * (0.5 - (np.arange(w) + 0.5) / w)[None]
    d = np.stack(
        [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation) + 0 * azimuth], -1
    )
    return d, np.broadcast_to(np.cos(elevation) * 2 * np.pi / w * np.pi / h, (h, w))


def sh_radiance(light, normals):
    """(…,) of a white surface with these normals (…, 3), wherever it is."""
    return surface_light(light).radiance(np.zeros(3), normals)[..., 0]


def test_basis_is_orthonormal():
    d, weight = directions()
    basis = sh_basis(d).reshape(-1, 9)
    np.testing.assert_allclose(basis.T @ (basis * weight.reshape(-1, 1)), np.eye(9), atol=2e-4)


def test_negative_vertical_coefficient_lights_what_faces_up():
    light = ShLight((1.0, -0.5) + (0.0,) * 7)
    up, side, down = sh_radiance(light, np.array([UP, (1, 0, 0), -UP]))
    assert up > side > down
    assert side == pytest.approx(0.886227, rel=1e-5)  # SURREAL's C4
    assert up - side == pytest.approx(0.5 * 2 * 0.511664, rel=1e-5)  # and C2


def test_radiance_is_that_of_surreals_shader():
    """Source: SURREAL, datageneration/spher_harm/sh.osl, whose N is (x, -z, y) of our axes."""
    rng = np.random.default_rng(1)
    c = (2.0, *rng.uniform(-0.3, 0.3, 8))
    for normal in rng.normal(size=(20, 3)):
        normal /= np.linalg.norm(normal)
        x, y, z = normal[0], -normal[2], normal[1]
        expected = 0.429043 * c[8] * (x * x - y * y) + 0.743125 * c[6] * z * z + 0.886227 * c[0] - 0.247708 * c[6]
        expected += 2 * 0.429043 * (c[4] * x * y + c[7] * x * z + c[5] * y * z) + 2 * 0.511664 * (
            c[3] * x + c[1] * y + c[2] * z
        )
        assert sh_radiance(ShLight(c), normal) == pytest.approx(expected, rel=1e-5)


def test_radiance_is_never_negative():
    assert sh_radiance(ShLight((-1.0,) + (0.0,) * 8), UP) == 0


def test_even_environment_gives_back_its_radiance():
    environment = np.full((64, 128, 3), (0.2, 0.5, 3.0), np.float32)
    c = hdri_irradiance(environment, 0.7)
    normals = np.random.default_rng(0).normal(size=(50, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    np.testing.assert_allclose(sh_basis(normals) @ c, np.tile((0.2, 0.5, 3.0), (50, 1)), rtol=2e-3)


@pytest.mark.parametrize("yaw", [0.0, 0.9])
def test_irradiance_is_the_cosine_weighted_mean_of_a_smooth_sky(yaw):
    d, weight = directions()
    turned = np.stack(
        [
            np.cos(yaw) * d[..., 0] + np.sin(yaw) * d[..., 1],
            np.cos(yaw) * d[..., 1] - np.sin(yaw) * d[..., 0],
            d[..., 2],
        ],
        -1,
    )

    def sky(v):
        return np.exp(1.5 * (v @ np.array([0.6, 0.3, 0.74])))

    image = np.repeat(sky(d)[..., None], 3, axis=2)
    c = hdri_irradiance(image, yaw)
    for n in (UP, np.array([1.0, 0, 0]), np.array([0, 1.0, 0]), np.array([-0.6, 0, -0.8])):
        exact = (sky(turned) * np.maximum(d @ n, 0) * weight).sum() / np.pi
        assert (sh_basis(n) @ c)[0] == pytest.approx(exact, rel=0.03)


def test_size_of_an_environment_does_not_matter():
    rng = np.random.default_rng(0)
    small = rng.uniform(0, 1, (25, 50, 3))
    large = small.repeat(12, 0).repeat(12, 1)
    np.testing.assert_allclose(hdri_irradiance(large, 0.4), hdri_irradiance(small, 0.4), atol=0.01)


def test_equirectangular_axes():
    u, v = equirectangular(np.array([(1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1.0)]))
    np.testing.assert_allclose(u[:3], [0.5, 0.25, 0.75])
    np.testing.assert_allclose(v, [0.5, 0.5, 0.5, 1, 0])
    assert equirectangular(np.array([np.cos(0.3), np.sin(0.3), 0]), yaw=0.3)[0] == pytest.approx(0.5)


def test_lamp_follows_distance_and_angles():
    lamp = Lamp(position=(0.0, 0.0, 2.0), target=(0.0, 0.0, 0.0), power=100.0, color=(1.0, 0.5, 0.25))
    light = surface_light(LampLight((lamp,), ambient=0.1))
    points = np.array([(0, 0, 0), (0, 0, 0), (2, 0, 0), (0, 0, 3.0)])
    normals = np.array([UP, -UP, UP, -UP])
    at = 100 / (np.pi**2 * 4)
    expected = [at, 0, 100 / (np.pi**2 * 8) * 0.5, 0]
    np.testing.assert_allclose(light.radiance(points, normals), np.outer(expected, (1, 0.5, 0.25)) + 0.1)


def test_strength_scales_an_environment():
    environment = np.random.default_rng(0).uniform(0, 1, (32, 64, 3))
    one, two = (surface_light(HdriLight("studio", strength=s), environment).sh for s in (1.0, 2.0))
    np.testing.assert_allclose(two, 2 * one)


LIGHTS = (
    ShLight((0.5, -0.3, 0.2, 0.1, -0.2, 0.1, 0.05, -0.1, 0.15)),
    HdriLight("sky", yaw=1.0, strength=0.5),
    LampLight(
        (
            Lamp((1.0, -2.0, 2.0), (0.0, 0.0, 0.0), 60.0),
            Lamp((-2.0, -1.0, 0.0), (0.0, 0.0, 0.0), 30.0, color=(0.2, 1.0, 0.5)),
        ),
        0.05,
    ),
)


@pytest.mark.parametrize("light", LIGHTS, ids=lambda light: light.kind)
def test_pixels_of_a_ball_have_the_radiance_of_the_light(light):
    ball, faces, uv = sphere(120, 240)
    sky = (
        np.random.default_rng(3).uniform(0, 1.2, (8, 16, 3)).repeat(8, 0).repeat(8, 1)
        * np.linspace(2, 0, 64)[:, None, None]
    )
    scene = make_scene(
        [mesh_track("ball", 1, np.repeat(ball[None], 3, 0), faces, uv)],
        [look_at((0, -5, 0.5), (0, 0, 0))] * 3,
        light=light,
        environment=sky,
        samples=1,
    )
    view = render_scene(scene, ("rgb", "normal", "depth")).views["camera"]
    mask, depth = view.labels.mask(0), view.frame("depth", 0)
    T = view.T_world_camera[0]
    y, x = np.argwhere(mask).T + 0.5
    rays = np.stack([(x - 80) / 200, (y - 60) / 200, np.ones(len(x))], 1)
    points = (rays * depth[mask][:, None]) @ T[:3, :3].T + T[:3, 3]
    linear = np.clip(surface_light(light, sky).radiance(points, view.frame("normal", 0)[mask] @ T[:3, :3].T), 0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055) * 255
    gap = np.abs(view.rgb[0][mask] - srgb)
    assert np.percentile(gap, 99) < 0.75
    assert gap.max() < 2.5  # where the light's cut at 0 falls inside a face, between lit and dark vertices
    assert np.ptp(srgb) > 50

"""Shadows on the ground against pencil and paper: where they fall, how dark, how far."""

from dataclasses import replace

import numpy as np
import pytest
from scenes import look_at, make_scene, mesh_track, moved

from mannequin.generator.objects import object_mesh
from mannequin.generator.spec import HdriLight, Lamp, LampLight, PlaneGround, ShLight
from mannequin.renderers.ground import Backdrop, GroundShadow, sample_environment

HEIGHT = 2.0
TOP = look_at((0.0, 0.0, 8.0), (0.0, 0.0, 0.0), up=(0.0, 1.0, 0.0))


def a_box(light, environment=None, pose=TOP, centre=(0.0, 0.0, HEIGHT), half=0.25):
    """A cube floating over the ground; a camera 8 m above looks straight down, 20 px to the metre on the ground."""
    box = object_mesh("box")
    mesh = mesh_track("box", 1, moved(box.vertices * half, [centre] * 3), box.faces, box.uv)
    scene = make_scene([mesh], [pose] * 3, resolution=(200, 200), focal=(160.0, 160.0))
    return replace(scene, spec=replace(scene.spec, light=light), environment=environment)


def sky(elevation, azimuth, size=(64, 128)):
    """Black but for one texel in the direction given (rad); (h, w, 3) float32."""
    h, w = size
    image = np.zeros((h, w, 3), np.float32)
    row = int((0.5 - elevation / np.pi) * h)
    column = int((0.5 - azimuth / (2 * np.pi)) * w) % w
    image[row, column] = 1000.0
    at = np.pi * (0.5 - (row + 0.5) / h), 2 * np.pi * (0.5 - (column + 0.5) / w)
    return image, np.array([np.cos(at[0]) * np.cos(at[1]), np.cos(at[0]) * np.sin(at[1]), np.sin(at[0])])


def ground_point(i, j):
    """World (x, y) seen at the centre of pixel (i, j) of the overhead camera."""
    x, y = (j + 0.5 - 100) / 20, (i + 0.5 - 100) / 20
    right, down = TOP[:2, 0], TOP[:2, 1]
    return x * right + y * down


def middle_of_shadow(factor):
    ys, xs = np.nonzero(factor[..., 0] < 0.5)
    return np.mean([ground_point(i, j) for i, j in zip(ys, xs)], axis=0), len(xs)


@pytest.mark.parametrize("yaw", [0.0, 1.1])
@pytest.mark.parametrize("azimuth", [0.3, 2.0, -2.5])
def test_one_bright_direction_throws_the_box_away_from_it(azimuth, yaw):
    image, toward = sky(np.radians(60), azimuth)
    turn = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
    factor = GroundShadow(a_box(HdriLight("sky", yaw), image), "camera").factor(1)
    middle, area = middle_of_shadow(factor)
    expected = -(turn @ toward[:2]) / toward[2] * HEIGHT
    assert np.linalg.norm(middle - expected) < 0.05
    side = 0.5 * (
        1 + 0.5 * np.hypot(*toward[:2]) / toward[2] * (abs(np.cos(azimuth + yaw)) + abs(np.sin(azimuth + yaw)))
    )
    assert 0.25 * 400 * 0.9 < area < side * 0.5 * 400 * 2.2  # between the box's top and its slanted hull
    assert factor.min() < 0.02 and factor.max() == 1.0


def test_an_even_sky_darkens_by_the_solid_angle_hidden():
    """Straight under a disc-like box, the cosine-weighted share of the sky that it hides."""
    image = np.ones((64, 128, 3), np.float32)
    factor = GroundShadow(a_box(HdriLight("sky"), image, centre=(0, 0, 1.25), half=0.25), "camera").factor(1)
    hidden = 0.5 * 0.5 / np.pi / 1.0**2 * 0.9  # area / (π d²) at the bottom face, d = 1 m; corners are a little farther
    assert factor[100, 100, 0] == pytest.approx(1 - hidden, abs=0.03)
    assert factor[2, 2, 0] > 0.97


def test_a_lamp_magnifies():
    lamp = Lamp((0.0, 0.0, 4.0), (0.0, 0.0, 0.0), 100.0, size=0.01)
    factor = GroundShadow(a_box(LampLight((lamp,), ambient=0.0), centre=(0, 0, 2.0)), "camera").factor(1)
    _, area = middle_of_shadow(factor)
    edge = 0.5 * 4.0 / (4.0 - 2.25)  # the top face is nearest to the lamp and throws the widest shadow
    assert area == pytest.approx((edge * 20) ** 2, rel=0.12)
    assert factor[100, 100].max() < 0.02


def test_ambient_light_stays_in_the_shadow():
    lamp = Lamp((0.0, 0.0, 4.0), (0.0, 0.0, 0.0), 100.0, size=0.01)
    on_ground = 100.0 / np.pi / 16.0
    factor = GroundShadow(a_box(LampLight((lamp,), ambient=0.5)), "camera").factor(1)
    assert factor[100, 100, 0] == pytest.approx(np.pi * 0.5 / (np.pi * 0.5 + on_ground), abs=0.02)


@pytest.mark.parametrize(
    "light", [ShLight((1.0,) + (0.0,) * 8), HdriLight("sky", shadow=False), LampLight((), shadow=False)]
)
def test_no_shadow_where_none_is_asked_for(light):
    backdrop = Backdrop(a_box(light, np.ones((8, 16, 3), np.float32)), "camera")
    assert backdrop.is_constant
    assert (backdrop.frame(1) == backdrop.background.frame(1)).all()


def test_a_camera_under_the_ground_sees_no_shadow():
    image, _ = sky(1.0, 0.0)
    below = look_at((0.0, 0.0, -3.0), (0.0, 0.0, 5.0), up=(0.0, 1.0, 0.0))
    assert (GroundShadow(a_box(HdriLight("sky"), image, pose=below), "camera").factor(1) == 1).all()


def test_directions_carry_the_light_of_the_sky():
    """Their powers add up to the irradiance of flat ground: π for a sky of radiance 1, in each colour."""
    image = np.ones((64, 128, 3), np.float32) * np.array([1.0, 2.0, 0.5], np.float32)
    directions, power = sample_environment(image, 0.0, 64)
    assert np.allclose(power.sum(0), np.pi * np.array([1.0, 2.0, 0.5]), rtol=0.01)
    assert np.allclose(np.linalg.norm(directions, axis=1), 1) and (directions[:, 2] > 0).all()
    assert np.abs((directions * [1, 1, 0]).mean(0)).max() < 0.05  # no side is preferred


# Ground at another height


def raised(scene, height):
    """Everything ``height`` metres higher, and the ground with it."""
    spec = replace(scene.spec, ground=PlaneGround(height))
    light = spec.light
    if isinstance(light, LampLight):
        up = np.array([0.0, 0.0, height])
        lamps = tuple(
            replace(lamp, position=tuple(lamp.position + up), target=tuple(lamp.target + up)) for lamp in light.lamps
        )
        spec = replace(spec, light=replace(light, lamps=lamps))
    meshes = tuple(replace(m, vertices=m.vertices + np.float32([0, 0, height])) for m in scene.meshes)
    K, poses = scene.cameras["camera"]
    poses = poses.copy()
    poses[:, 2, 3] += height
    return replace(scene, spec=spec, meshes=meshes, cameras={"camera": (K, poses)})


@pytest.mark.parametrize("height", [-1.5, 3.0])
@pytest.mark.parametrize("kind", ["hdri", "lamps"])
def test_shadows_lie_on_the_ground_whatever_its_height(kind, height):
    lamp = Lamp((1.0, 0.5, 4.0), (0.0, 0.0, 0.0), 100.0, size=0.1)
    light = HdriLight("sky") if kind == "hdri" else LampLight((lamp,), ambient=0.2)
    scene = a_box(light, sky(np.radians(60), 0.4)[0] if kind == "hdri" else None)
    low = GroundShadow(scene, "camera").factor(1)
    high = GroundShadow(raised(scene, height), "camera").factor(1)
    assert low.min() < 0.3 and np.abs(high - low).mean() < 2e-3  # points fall into cells beside by rounding
    wrong = replace(scene, spec=replace(scene.spec, ground=PlaneGround(-height)))
    assert np.abs(GroundShadow(wrong, "camera").factor(1) - low).mean() > 5e-3


def test_nothing_catches_shadows_without_a_ground():
    scene = a_box(HdriLight("sky"), sky(1.0, 0.0)[0])
    assert GroundShadow(scene, "camera")
    assert not GroundShadow(replace(scene, spec=replace(scene.spec, ground=None)), "camera")

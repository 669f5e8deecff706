"""Light as numbers that any renderer can shade with.

The axes of SURREAL's spherical harmonics: its images show the direction -y as up, so world
directions (x, y, z) with Z up enter its formulas as (x, -z, y). A negative second coefficient
therefore lights what faces up (SURREAL draws it from -0.7 U[0, 1)).
"""

from dataclasses import dataclass

import numpy as np

from mannequin.generator import exact
from mannequin.generator.spec import HdriLight, Lamp, LampLight, ShLight

BAND_GAIN = np.repeat([1.0, 2.0 / 3.0, 0.25], [1, 3, 5])
"""Per coefficient, how much of an environment's radiance a Lambertian surface of albedo 1 gives
back (Ramamoorthi and Hanrahan, "An efficient representation for irradiance environment maps",
2001: their A_l / π)."""

SH_GAIN = np.pi * BAND_GAIN
"""Radiance of a white surface per c_i Y_i(n) of an ShLight.

SURREAL's shader (datageneration/spher_harm/sh.osl) takes the coefficients for those of an
environment's radiance, and shows albedo × irradiance without dividing by π.
"""


def sh_basis(normals_world: np.ndarray) -> np.ndarray:
    """(…, 9) float64 real spherical harmonics of unit world vectors (…, 3), in SURREAL's order."""
    x, up, z = np.moveaxis(np.asarray(normals_world, np.float64), -1, 0)[[0, 2, 1]]
    y = -up
    return np.stack(
        [
            np.full(x.shape, 0.282095),
            0.488603 * y,
            0.488603 * z,
            0.488603 * x,
            1.092548 * x * y,
            1.092548 * y * z,
            0.315392 * (3 * z * z - 1),
            1.092548 * x * z,
            0.546274 * (x * x - y * y),
        ],
        axis=-1,
    )


def hdri_irradiance(environment: np.ndarray, yaw: float = 0.0) -> np.ndarray:
    """(9, 3) RGB coefficients c: a white surface under the environment shines Σ c_i Y_i(n).

    environment: (h, w, 3) linear equirectangular radiance, see generator/environment.py.
    That radiance is irradiance / π. Nine coefficients hold it to a few per cent for light that
    is not a point; there are no shadows.
    """
    power, elevation, azimuth = _pooled(environment)
    azimuth = azimuth[None, :] + yaw
    x, y = exact.cos(elevation)[:, None] * exact.cos(azimuth), exact.cos(elevation)[:, None] * exact.sin(azimuth)
    direction = np.stack([x, y, np.broadcast_to(exact.sin(elevation)[:, None], x.shape)], axis=-1)
    return exact.matmul(sh_basis(direction).reshape(-1, 9).T, power.reshape(-1, 3)) * BAND_GAIN[:, None]


def _pooled(environment: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(radiance × solid angle (r, c, 3), elevations (r,), azimuths (c,)) of blocks of an environment.

    At most 64 × 128 blocks, which is plenty for functions of degree two.
    """
    h, w = environment.shape[:2]
    rows = np.linspace(0, h, min(h, 64), endpoint=False).astype(int)
    columns = np.linspace(0, w, min(w, 128), endpoint=False).astype(int)
    elevation = np.pi * (0.5 - (np.arange(h) + 0.5) / h)
    weighted = environment * (exact.cos(elevation) * (2 * np.pi / w) * (np.pi / h))[:, None, None]
    power = np.add.reduceat(np.add.reduceat(weighted, rows, axis=0), columns, axis=1)
    middle_rows = (rows + np.append(rows[1:], h)) / 2
    middle_columns = (columns + np.append(columns[1:], w)) / 2
    return power, np.pi * (0.5 - middle_rows / h), 2 * np.pi * (0.5 - middle_columns / w)


@dataclass(frozen=True, eq=False)
class SurfaceLight:
    """Radiance of a white Lambertian surface, without shadows.

    sh: (9, 3) RGB; max(0, Σ sh_i Y_i(n)) is the even part.
    lamps: (L, 9) rows of position (metres), unit axis, RGB strength; each adds
    strength × cos(lamp) × cos(surface) / distance².
    """

    sh: np.ndarray
    lamps: np.ndarray

    def radiance(self, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """(n, 3) float64 RGB at world points (n, 3) with unit normals (n, 3)."""
        total = np.maximum(exact.matmul(sh_basis(normals), self.sh), 0.0)
        for row in self.lamps:
            way = points - row[:3]
            distance = np.linalg.norm(way, axis=-1, keepdims=True)
            way = way / distance
            facing = np.maximum(exact.matmul(way, row[3:6]), 0.0) * np.maximum(-(way * normals).sum(-1), 0.0)
            total = total + facing[:, None] * row[6:9] / distance**2
        return total


def surface_light(light: ShLight | HdriLight | LampLight, environment: np.ndarray | None = None) -> SurfaceLight:
    """Any light of a description; ``environment``: the image of an HdriLight.

    A lamp is shaded as a point at its centre, which is close while it is farther away than wide.
    """
    sh, lamps = np.zeros((9, 3)), np.zeros((0, 9))
    if isinstance(light, ShLight):
        sh[:] = (np.asarray(light.coefficients) * SH_GAIN)[:, None]
    elif isinstance(light, HdriLight):
        if environment is None:
            raise ValueError("An HdriLight was given without its image; give environment.")
        sh[:] = hdri_irradiance(environment, light.yaw) * light.strength
    else:
        sh[0] = light.ambient / 0.282095
        lamps = np.array([lamp_row(lamp) for lamp in light.lamps]).reshape(-1, 9)
    return SurfaceLight(sh, lamps)


def lamp_row(lamp: Lamp) -> np.ndarray:
    """A row of SurfaceLight.lamps.

    A Lambertian lamp of P watts sends P cos(lamp) / π per steradian, and a white Lambertian
    surface shines irradiance / π.
    """
    position, target = np.asarray(lamp.position, float), np.asarray(lamp.target, float)
    axis = target - position
    length = exact.norm(axis)
    axis = axis / length if length > 0 else np.array([0.0, 0.0, -1.0])
    return np.concatenate([position, axis, np.asarray(lamp.color) * lamp.power / np.pi**2])

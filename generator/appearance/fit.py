"""How clothes stand off one body: everything that depends on the body but not on the outfit."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy import ndimage

from mannequin.generator import exact
from mannequin.generator.appearance import surface
from mannequin.generator.appearance.measures import ARM_JOINTS, Measures, eyeballs, head_share, measure, share_of
from mannequin.generator.appearance.shoes import shoe_form
from mannequin.generator.appearance.skirt import skirt_form
from mannequin.generator.body.model import BodyModel
from mannequin.generator.io.cache import cached_arrays, content_key

BINS_AROUND, BINS_DOWN = 72, 96


@dataclass(frozen=True, eq=False)
class Fit:
    """Per-vertex data (V, …) of one body; metres, rest frame.

    points, normals: the template and its smoothed unit normals. arm, head, hand: skinning shares.
    room: how far the skin may move outward before it meets itself. fill: how far it lies inside
    its own smoothed surface. hang_trunk, hang_leg: (V, 3) from the skin to cloth that hangs
    straight from chest and seat. skirt: (V, 3) from the legs to a skirt. shod, shoe: see
    shoe_form. eyes: 0 or 1. mean: sparse rows averaging over a vertex's neighbours.
    """

    measures: Measures
    points: np.ndarray
    normals: np.ndarray
    arm: np.ndarray
    head: np.ndarray
    hand: np.ndarray
    room: np.ndarray
    fill: np.ndarray
    hang_trunk: np.ndarray
    hang_leg: np.ndarray
    skirt: np.ndarray
    shod: np.ndarray
    shoe: np.ndarray
    eyes: np.ndarray
    mean: sp.csr_matrix


def fit(body: BodyModel) -> Fit:
    """Measure a body; slow parts are kept in the cache folder."""
    m = measure(body)
    mean = surface.averaging(body.topology.faces, body.num_vertices)
    key = content_key(body.v_template, body.topology.faces, body.weights, *m)
    slow = cached_arrays("fit", key, lambda: _slow(body, m, mean))
    return Fit(
        measures=m,
        points=body.v_template.astype(np.float64),
        arm=share_of(body, ARM_JOINTS),
        head=head_share(body),
        hand=share_of(body, ("wrist", "hand")),
        eyes=eyeballs(body).astype(np.float64),
        mean=mean,
        **slow,
    )


def _slow(body: BodyModel, m: Measures, mean) -> dict[str, np.ndarray]:
    points = body.v_template.astype(np.float64)
    sharp = surface.vertex_normals(points, body.topology.faces)
    soft = surface.smooth(mean, points, 25)
    fill = exact.dot(soft - points, sharp).clip(0.0, 0.02)
    normals = surface.smooth(mean, sharp, 6)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    arms = share_of(body, ARM_JOINTS)
    shod, shoe = shoe_form(body, m)
    return {
        "normals": normals,
        "room": surface.room(points, sharp, 0.045),
        "fill": surface.smooth(mean, fill, 3),
        "hang_trunk": _hang_trunk(points, normals, m, arms),
        "hang_leg": _hang_legs(points, normals, m),
        "skirt": skirt_form(points, m),
        "shod": shod,
        "shoe": shoe,
    }


def _hang_trunk(points, normals, m, arms) -> np.ndarray:
    """Cloth that falls from chest, shoulder blades and belly."""
    centre = np.stack([np.zeros(len(points)), np.full(len(points), m.trunk_z)], 1)
    chosen = (arms < 0.3) & (points[:, 1] > m.crotch_y) & (points[:, 1] < m.shoulder_y - 0.05)
    return _hang(points, normals, centre, chosen, slope=0.16)


def _hang_legs(points, normals, m) -> np.ndarray:
    """Trouser legs that fall from seat and thighs."""
    out = np.zeros_like(points)
    level = np.array([m.ankle_y, m.knee_y, m.hip_y])
    for sign in (1.0, -1.0):
        x = sign * np.interp(points[:, 1], level, [m.ankle_x, m.knee_x, m.hip_x])
        z = np.interp(points[:, 1], level, [m.ankle_z, m.knee_z, m.hip_z])
        chosen = (points[:, 0] * sign > 0.0) & (points[:, 1] < m.crotch_y + 0.02) & (points[:, 1] > m.ankle_y - 0.03)
        out += _hang(points, normals, np.stack([x, z], 1), chosen, slope=0.09)
    return out


def _hang(points, normals, centre, chosen, slope: float) -> np.ndarray:
    """(V, 3) horizontal ways from the chosen skin to cloth hanging around the vertical ``centre`` (V, 2).

    The cloth's radius at a height is the greatest radius above it in that direction, less
    ``slope`` metres per metre of drop. Skin that faces the centre does not move.
    """
    out = np.zeros_like(points)
    if chosen.sum() < 8:
        return out
    away = points[chosen][:, [0, 2]] - centre[chosen]
    radius = np.linalg.norm(away, axis=1)
    turn = (exact.arctan2(away[:, 1], away[:, 0]) / (2 * np.pi) % 1.0) * BINS_AROUND
    height = points[chosen, 1]
    top, depth = height.max(), np.ptp(height)
    down = (top - height) / depth * (BINS_DOWN - 1)
    reach = np.zeros((BINS_DOWN, BINS_AROUND))
    np.maximum.at(reach, (np.rint(down).astype(int), np.rint(turn).astype(int) % BINS_AROUND), radius)
    # One mode for each axis is fine with scipy, whose types are guessed from the default.
    reach = ndimage.grey_closing(reach, size=(5, 5), mode=("nearest", "wrap"))  # pyright: ignore[reportArgumentType]
    step = slope * depth / (BINS_DOWN - 1)
    for k in range(1, BINS_DOWN):
        reach[k] = np.maximum(reach[k], reach[k - 1] - step)
    reach = exact.gaussian_filter1d(exact.gaussian_filter1d(reach, 2.0, 0, "nearest"), 1.5, 1, "wrap")
    cloth = ndimage.map_coordinates(reach, [down, turn], order=1, mode="grid-wrap")
    direction = away / np.maximum(radius, 1e-6)[:, None]
    facing = exact.dot(direction, normals[chosen][:, [0, 2]]).clip(0.0, 1.0)
    fade = np.clip((top - height) / 0.06, 0.0, 1.0)
    move = np.clip(cloth - radius, 0.0, 0.05) * facing * fade
    out[np.ix_(chosen, [0, 2])] = direction * move[:, None]
    return out

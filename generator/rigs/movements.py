"""How cameras move through a clip, frame by frame, the frames before and after it among them."""

from dataclasses import dataclass

import numpy as np

from mannequin.generator import exact
from mannequin.generator.rigs.layouts import Stand
from mannequin.generator.rotations import rz

ORBIT_SPEED = (10.0, 35.0)
"""Degrees a second around what is looked at, either way."""

DOLLY, ZOOM = (0.6, 0.85), (0.45, 0.8)
"""Of the distance, and of the focal length: the share to which one end of the clip has it; at the other end it is the
whole."""

FOLLOWING = 0.25
"""s by which a tracking shot smooths the steps of those whom it follows."""

SWAY, TREMOR = (0.2, 2.5), (6.0, 11.0)
"""Hz: of how a body that holds a camera sways, whose amplitude falls with the frequency, and of the tremor of hands.
Source: physiological tremor lies between 6 and 12 Hz (Elble and Koller, "Tremor", 1990); postural sway below 2 Hz."""

SHAKE_ANGLE, SHAKE_STEP, TREMBLING = np.deg2rad(0.7), 0.012, 0.06
"""Root mean square of the angle (rad) and the place (m) about each axis, and the tremor's share of them."""


@dataclass(frozen=True, eq=False)
class Path:
    """One camera at T + 2 moments; index k is frame k - 1.

    offset: (T + 2, 3) from what it looks at to where it stands; target: (T + 2, 3), both world metres.
    zoom: (T + 2,) factor of the focal length. angle, step: (T + 2, 3) rad and metres in the camera's own axes by which
    a hand turns and shifts it, None where none does.
    """

    offset: np.ndarray
    target: np.ndarray
    zoom: np.ndarray
    angle: np.ndarray | None = None
    step: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Moment:
    """What movements follow. seconds: (T + 2,) of the clip's time, frame 0 at 0. length: s from first to last frame.
    follow: (T + 2, 3) world metres, the middle of all pelvises."""

    seconds: np.ndarray
    length: float
    follow: np.ndarray

    @property
    def share(self) -> np.ndarray:
        """(T + 2,) of the clip that has passed, 0 at the first frame and 1 at the last."""
        return self.seconds / max(self.length, 1e-9)


def still(stand: Stand, moment: Moment, rng, own_rng) -> Path:
    """Where it stands."""
    count = len(moment.seconds)
    offset = np.tile(stand.position - stand.target, (count, 1))
    return Path(offset, np.tile(stand.target, (count, 1)), np.ones(count))


def orbit(stand: Stand, moment: Moment, rng, own_rng) -> Path:
    """Around what it looks at, at a constant speed drawn from ORBIT_SPEED."""
    speed = np.deg2rad(rng.uniform(*ORBIT_SPEED)) * (1 if rng.uniform() < 0.5 else -1)
    rest = still(stand, moment, rng, own_rng)
    turns = rz(speed * (moment.seconds - moment.length / 2))
    return Path(exact.matmul(turns, rest.offset[..., None])[..., 0], rest.target, rest.zoom)


def dolly(stand: Stand, moment: Moment, rng, own_rng) -> Path:
    """Straight towards or away from what it looks at, which it goes on looking at."""
    rest = still(stand, moment, rng, own_rng)
    return Path(rest.offset * _evenly(rng.uniform(*DOLLY), moment, rng)[:, None], rest.target, rest.zoom)


def zoom(stand: Stand, moment: Moment, rng, own_rng) -> Path:
    """Its lens grows longer or shorter, evenly in proportion."""
    rest = still(stand, moment, rng, own_rng)
    wide = rng.uniform(*ZOOM)
    return Path(rest.offset, rest.target, exact.power(wide, 1.0 - _evenly(0.0, moment, rng)))


def track(stand: Stand, moment: Moment, rng, own_rng) -> Path:
    """Beside those whom it follows, without turning."""
    rest = still(stand, moment, rng, own_rng)
    smooth = _smoothed(moment.follow * (1.0, 1.0, 0.0), FOLLOWING / (moment.seconds[1] - moment.seconds[0]))
    return Path(rest.offset, rest.target + smooth - smooth.mean(axis=0), rest.zoom)


def handheld(stand: Stand, moment: Moment, rng, own_rng) -> Path:
    """In the hands of somebody who tries to keep it still."""
    rest = still(stand, moment, rng, own_rng)
    angle, step = (_shaking(moment.seconds, own_rng) for _ in range(2))
    return Path(rest.offset, rest.target, rest.zoom, SHAKE_ANGLE * angle, SHAKE_STEP * step)


def _smoothed(values: np.ndarray, sigma: float) -> np.ndarray:
    """(T, 3) by a Gaussian of ``sigma`` frames; beyond the ends it goes on as it came, so that a straight way stays."""
    reach = min(len(values) - 1, int(np.ceil(4 * sigma)))
    before = 2 * values[:1] - values[reach:0:-1]
    after = 2 * values[-1:] - values[-2 : -reach - 2 : -1]
    longer = np.concatenate([before, values, after])
    return exact.gaussian_filter1d(longer, sigma, axis=0, mode="nearest")[reach : reach + len(values)]


def _evenly(start: float, moment: Moment, rng) -> np.ndarray:
    """(T + 2,) evenly from ``start`` at the first frame to 1 at the last, or the other way round."""
    share = moment.share if rng.uniform() < 0.5 else 1.0 - moment.share
    return start + (1.0 - start) * share


def _shaking(seconds: np.ndarray, rng) -> np.ndarray:
    """(T + 2, 3) noise of root mean square 1: sines whose power falls with the square of the frequency over SWAY, and
    a share of TREMOR."""
    total = np.zeros((len(seconds), 3))
    for low, high, count, falling, share in ((*SWAY, 12, True, 1.0), (*TREMOR, 6, False, TREMBLING)):
        frequency = rng.uniform(low, high, (count, 3))
        phase = rng.uniform(0, 2 * np.pi, (count, 3))
        amplitude = 1.0 / frequency if falling else np.ones_like(frequency)
        amplitude *= share * np.sqrt(2.0 / (amplitude**2).sum(axis=0))
        waves = exact.sin(2 * np.pi * frequency * seconds[:, None, None] + phase)
        total += (amplitude * waves).sum(axis=1)
    return total

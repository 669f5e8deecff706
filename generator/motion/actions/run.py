"""Running: a pelvis that falls freely in flight and is caught by a springing leg."""

import numpy as np

from mannequin.generator import exact
from mannequin.generator.motion.actions.common import HABITS, IDLE, Action
from mannequin.generator.motion.actions.walk import on_path
from mannequin.generator.motion.curves import GRAVITY, drift, habit, keyed
from mannequin.generator.motion.kinematics.arms import ArmPose, held
from mannequin.generator.motion.kinematics.feet import FootTrack
from mannequin.generator.motion.kinematics.figure import SIDE_SIGN, Figure, both
from mannequin.generator.motion.kinematics.plan import Plan, stand
from mannequin.generator.rotations import DEG

# Pitch in degrees over the stance (0 … 1) and the swing (1 … 2).
_PITCH = (
    (0.0, 7),
    (0.12, 0),
    (0.42, 0),
    (0.62, -13),
    (0.82, -36),
    (1.0, -60),
    (1.18, -80),
    (1.40, -72),
    (1.60, -34),
    (1.80, -4),
    (1.95, 8),
)
_SWING = ((0.0, 0.0), (0.1, 0.07), (0.25, 0.23), (0.5, 0.56), (0.75, 0.825), (0.9, 0.94), (1.0, 1.0))
_LIFT = ((0.0, 0), (0.96, 0), (1.04, 0.030), (1.20, 0.15), (1.42, 0.25), (1.64, 0.19), (1.84, 0.07))
_TOE_SHARE = ((0.0, 0.0), (0.42, 1.0), (1.04, 1.0), (1.3, 0.1), (1.6, 0.0))


def plan_run(times: np.ndarray, figure: Figure, style: dict[str, float]) -> Plan:
    """style: see PARAMETERS. At time 0 the left foot meets the floor."""
    speed, size = style["speed"], figure.leg / 0.88
    rate = run_rate(figure, style)
    duty = run_duty(speed)
    stride, phase = speed / rate, rate * times
    plan = stand(times, figure, style)
    plan.feet = both(lambda side: _foot(figure, side, phase + 0.5 * side, stride, duty, style, 0.5 * side))
    wave, twice = 2.0 * np.pi * (phase - 0.5 * duty), 4.0 * np.pi * (phase - 0.5 * duty)
    plan.pelvis[:, 1] = figure.pelvis_height - 0.046 * size + _spring(phase, rate, duty)
    along = stride * phase
    plan.pelvis[:, [0, 2]] = on_path(along, 0.012 * size * style["sway"] * exact.cos(wave), style["curve"])
    yaw = -8.0 * DEG * exact.cos(wave + 0.6)
    plan.heading = style["curve"] * along + yaw
    plan.tilt = (6.0 * DEG + 0.6 * style["lean"]) + 1.5 * DEG * exact.cos(twice)
    plan.roll = 3.5 * DEG * exact.cos(wave)
    plan.bend = plan.bend + 0.6 * style["lean"] + 1.5 * DEG * exact.cos(twice)
    plan.twist = -2.2 * yaw
    plan.side_bend = -1.2 * plan.roll
    plan.gaze[:, 0] += style["curve"] * along + 0.1 * yaw
    plan.gaze[:, 1] += 2.0 * DEG * exact.cos(twice - 0.5)
    plan.balance[:] = 0.0
    poses = both(lambda side: _arm(times, phase + 0.5 * side - 0.5 * duty, side, style))
    plan.arms = lambda trunk: poses
    plan.hands = [("relaxed", "loose", np.ones(len(times)))] * 2
    return plan


def run_rate(figure: Figure, style: dict[str, float]) -> float:
    """Cycles per second: about 165 steps a minute at 3 m/s, slowly rising, faster for short legs."""
    return style["tempo"] * (1.38 + 0.10 * (style["speed"] - 3.0)) * np.sqrt(0.88 / figure.leg)


def run_duty(speed: float) -> float:
    """Share of the cycle on one foot; below a half there is flight."""
    return float(np.clip(0.33 - 0.05 * (speed - 3.0), 0.22, 0.38))


def _spring(phase: np.ndarray, rate: float, duty: float) -> np.ndarray:
    """(T,) height over that of touch-down: a parabola in flight, a sine of the same speed in stance."""
    p = phase % 0.5
    contact, flight = duty / rate, (0.5 - duty) / rate
    launch = 0.5 * GRAVITY * flight
    since = np.maximum(p - duty, 0.0) / rate
    caught = -launch * contact / np.pi * exact.sin(np.pi * np.minimum(p / duty, 1.0))
    return np.where(p < duty, caught, launch * since - 0.5 * GRAVITY * since**2)


def _foot(figure, side, phase, stride, duty, style, lag) -> FootTrack:
    sign, cycle, p = SIDE_SIGN[side], np.floor(phase), phase % 1.0
    u = np.where(p < duty, p / duty, 1.0 + (p - duty) / (1.0 - duty))
    knots, ways = zip(*_SWING)
    swing = keyed(u - 1.0, knots, ways)
    along = stride * (cycle + swing + 0.30 * duty - lag)
    base = np.zeros((len(phase), 3))
    base[:, [0, 2]] = on_path(along, sign * 0.42 * figure.hip_width * style["width"], style["curve"])
    size = figure.leg / 0.88
    knee_lift = style["knee_lift"] * (0.75 + 0.25 * style["speed"] / 3.0)
    base[:, 1] = size * knee_lift * _cyclic(_LIFT, u)
    pitch = DEG * _cyclic(_PITCH, u)
    toe = np.minimum(-np.minimum(pitch, 0.0), 62.0 * DEG) * np.clip(_cyclic(_TOE_SHARE, u), 0.0, 1.0)
    return FootTrack(base, sign * 5.0 * DEG + style["curve"] * along, pitch, toe)


def _arm(times, phase, side, style) -> ArmPose:
    loose = style["idle"] * drift(times, style["variation"], f"arm{side}")
    wave = exact.cos(2.0 * np.pi * phase + 0.2)
    size = style["arm_swing"]
    return held(
        side,
        len(times),
        swing=(-12.0 - 30.0 * size * wave + loose) * DEG,
        out=20.0 * DEG + style["arms_out"],
        twist=(24.0 + 6.0 * wave) * DEG,
        elbow=(84.0 + 8.0 * habit(style["variation"], "elbow") + 10.0 * size * wave) * DEG,
        pronate=10.0 * DEG,
    )


def _cyclic(keys, phase: np.ndarray) -> np.ndarray:
    knots, values = zip(*keys)
    return keyed(phase, knots, values, 2.0)


PARAMETERS = {
    "speed": (2.0, 3.0, 5.0),  # m/s
    "tempo": (0.9, 1.0, 1.12),  # cadence against the natural one of the speed
    "arm_swing": (0.4, 1.0, 1.5),
    "knee_lift": (0.7, 1.0, 1.25),  # height of the swinging foot
    "sway": (0.3, 1.0, 1.8),
    "width": (0.5, 1.0, 1.8),
    "lean": (0.0, 0.08, 0.25),  # rad forward
    "curve": (-0.15, 0.0, 0.15),  # 1/m of the path, to the left
    **IDLE,
    **HABITS,
}
RUN = Action("run", PARAMETERS, plan_run)

"""Walking at any speed, straight or along a curve.

Step length and cadence grow together with speed at a constant walk ratio (Sekiya 1996: about
0.0065 m per step/min), scaled to the leg. Foot roll follows Perry's phases: heel contact, flat at
8 % of the cycle, heel off at 34 %, toe off at 61 %.
"""

import numpy as np

from mannequin.generator import exact
from mannequin.generator.motion.actions.common import HABITS, IDLE, Action
from mannequin.generator.motion.curves import drift, habit, keyed
from mannequin.generator.motion.kinematics.arms import ArmPose, held
from mannequin.generator.motion.kinematics.feet import FootTrack
from mannequin.generator.motion.kinematics.figure import SIDE_SIGN, Figure, both
from mannequin.generator.motion.kinematics.plan import Plan, stand
from mannequin.generator.rotations import DEG

DUTY = 0.61
"""Share of the cycle that a foot is on the floor."""
_UNDER = 0.25
"""Phase at which the pelvis passes over the standing ankle."""
_PITCH = (
    (0.0, 18),
    (0.08, 0),
    (0.30, 0),
    (0.42, -8),
    (0.50, -24),
    (0.56, -42),
    (0.61, -58),
    (0.67, -62),
    (0.76, -36),
    (0.86, 0),
    (0.94, 17),
)
_SWING = ((0.0, 0.0), (0.25, 0.16), (0.5, 0.49), (0.75, 0.81), (0.9, 0.945), (1.0, 1.0))
_LIFT = ((0.0, 0), (0.57, 0), (0.66, 0.045), (0.77, 0.030), (0.90, 0.022))
_TOE_SHARE = ((0.0, 0.0), (0.30, 1.0), (0.59, 0.95), (0.70, 0.45), (0.82, 0.0))


def plan_walk(times: np.ndarray, figure: Figure, style: dict[str, float]) -> Plan:
    """style: see PARAMETERS. At time 0 the left heel meets the floor."""
    speed = style["speed"]
    rate, stride = gait_of(figure, speed, style["tempo"])
    phase = rate * times
    plan = stand(times, figure, style)
    vigour = np.sqrt(speed / 1.27)
    curve = style["curve"]
    plan.feet = both(lambda side: _foot(figure, side, phase + 0.5 * side, stride, style, vigour, lag=0.5 * side))
    wave, twice = 2.0 * np.pi * phase, 4.0 * np.pi * phase
    sway = 0.026 * style["sway"] * figure.leg * exact.sin(wave - 0.25)
    bob = 0.020 * style["bounce"] * vigour * figure.leg
    plan.pelvis[:, 1] = figure.pelvis_height - 0.008 * figure.leg - bob * (1.0 + exact.cos(twice - 0.75))
    along = stride * phase + 0.008 * figure.leg * exact.sin(twice)
    plan.pelvis[:, [0, 2]] = on_path(along, sway, curve)
    yaw = -5.0 * DEG * vigour * exact.cos(wave - 0.1)
    heading = curve * along
    plan.heading = heading + yaw
    plan.tilt = (3.0 * DEG + 0.5 * style["lean"]) + 1.0 * DEG * exact.cos(twice)
    plan.roll = 3.6 * DEG * np.sqrt(style["sway"]) * exact.sin(wave + 0.45)
    plan.bend = plan.bend + 0.5 * style["lean"] + 1.0 * DEG * exact.cos(twice - 0.6)
    plan.twist = -2.1 * yaw + 1.0 * DEG * style["idle"] * drift(times, style["variation"], "twist")
    plan.side_bend = -1.1 * plan.roll
    plan.gaze[:, 0] += heading + 0.15 * yaw
    plan.gaze[:, 1] += 1.2 * DEG * exact.cos(twice - 0.4)
    plan.balance[:] = 0.0
    poses = both(lambda side: _arm(times, phase + 0.5 * side, side, style, vigour))
    plan.arms = lambda trunk: poses
    return plan


def gait_of(figure: Figure, speed: float, tempo: float) -> tuple[float, float]:
    """(cycles per second, metres per cycle) at a speed in m/s."""
    size = figure.leg / 0.88
    ratio = 0.0065 * size * np.sqrt(size)
    rate = tempo * np.sqrt(60.0 * speed / ratio) / 120.0
    return rate, speed / rate


def on_path(along: np.ndarray, across: np.ndarray, curve: float) -> np.ndarray:
    """(T, 2) x, z in the floor frame at ``along`` metres of an arc of curvature ``curve`` (1/m, to the left),
    ``across`` metres to its left."""
    angle = curve * along
    x = 0.5 * angle * exact.sinc(0.5 * angle) ** 2 * along + across * exact.cos(angle)
    z = exact.sinc(angle) * along - across * exact.sin(angle)
    return np.stack([x, z], -1)


def swing_progress(u: np.ndarray) -> np.ndarray:
    """Way of a swinging foot, 0 … 1 over u = 0 … 1: it is stopped late, so it never runs ahead of the step."""
    knots, ways = zip(*_SWING)
    return keyed(u, knots, ways)


def _foot(figure, side, phase, stride, style, vigour, lag) -> FootTrack:
    sign, cycle, p = SIDE_SIGN[side], np.floor(phase), phase % 1.0
    swing = swing_progress((p - DUTY) / (1.0 - DUTY))
    along = stride * (cycle + swing + _UNDER - lag)
    width = 0.62 * figure.hip_width * style["width"]
    base = np.zeros((len(phase), 3))
    base[:, [0, 2]] = on_path(along, sign * (width + 0.012 * exact.sin(np.pi * swing)), style["curve"])
    base[:, 1] = figure.leg / 0.88 * _cyclic(_LIFT, p)
    pitch = min(vigour, 1.25) * DEG * _cyclic(_PITCH, p)
    toe = np.minimum(-np.minimum(pitch, 0.0), 58.0 * DEG) * _cyclic(_TOE_SHARE, p)
    toe_out = (6.0 + 3.0 * habit(style["variation"], "toe_out")) * DEG
    return FootTrack(base, sign * toe_out + style["curve"] * along, pitch, toe)


def _arm(times, phase, side, style, vigour) -> ArmPose:
    """Swings with the other side's leg; the elbow bends as the arm comes forward."""
    loose = style["idle"] * drift(times, style["variation"], f"arm{side}")
    size = style["arm_swing"] * vigour
    wave, late = exact.cos(2.0 * np.pi * phase - 0.35), exact.cos(2.0 * np.pi * phase - 0.85)
    return held(
        side,
        len(times),
        swing=(2.0 - 20.0 * size * wave + loose) * DEG,
        out=(14.0 + 1.5 * loose) * DEG + style["arms_out"],
        twist=(14.0 - 4.0 * wave * size) * DEG,
        elbow=(18.0 + 6.0 * habit(style["variation"], "elbow") + 12.0 * size * (1.0 - late)) * DEG,
        pronate=14.0 * DEG,
    )


def _cyclic(keys, phase: np.ndarray) -> np.ndarray:
    knots, values = zip(*keys)
    return keyed(phase, knots, values, 1.0)


PARAMETERS = {
    "speed": (0.5, 1.27, 2.0),  # m/s
    "tempo": (0.85, 1.0, 1.15),  # cadence against the natural one of the speed
    "arm_swing": (0.0, 1.0, 1.8),
    "bounce": (0.4, 1.0, 1.6),
    "sway": (0.3, 1.0, 1.8),
    "width": (0.4, 1.0, 1.9),  # of the track
    "lean": (-0.05, 0.03, 0.25),  # rad forward
    "curve": (-0.25, 0.0, 0.25),  # 1/m of the path, to the left
    **IDLE,
    **HABITS,
}
WALK = Action("walk", PARAMETERS, plan_walk)

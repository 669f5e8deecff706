"""Turning on the spot by small steps: the head leads, the feet follow one after the other."""

import numpy as np

from mannequin.generator import exact
from mannequin.generator.motion.actions.common import HABITS, IDLE, SIDE, TEMPO, Action
from mannequin.generator.motion.curves import bump, min_jerk
from mannequin.generator.motion.kinematics.arms import held, mixed
from mannequin.generator.motion.kinematics.figure import LEFT, RIGHT, SIDE_SIGN, Figure
from mannequin.generator.motion.kinematics.plan import Plan, hanging_arm, stand
from mannequin.generator.rotations import DEG

STEP = 0.48
"""Seconds from one step to the next."""
AIRBORNE = 0.40
"""Seconds that a stepping foot is off the floor."""
REST = (0.5, 0.9)
"""Seconds of standing before the first step and after the last."""


def plan_turn(times: np.ndarray, figure: Figure, style: dict[str, float]) -> Plan:
    """style: see PARAMETERS. Turns left (mirrored: right) by ``angle``, again and again."""
    plan = stand(times, figure, style)
    pairs = max(1, int(np.ceil(style["angle"] / (55.0 * DEG))))
    step, before, after = STEP / style["tempo"], REST[0] / style["tempo"], REST[1] / style["tempo"]
    length = 2 * pairs * step
    period = before + length + after
    turns = np.floor(times / period)
    t = times - turns * period - before
    turned = style["angle"] * (turns + min_jerk(t / length))
    lead = style["angle"] * (turns + min_jerk((t + 0.22) / length))
    stepping = _while_stepping(t, length, 0.25)
    lift = np.zeros((2, len(times)))
    for side in (LEFT, RIGHT):
        lift[side] = _step(plan, figure, side, t, pairs, step, turns, style)
    plan.heading = plan.heading + turned
    sway = 0.5 * figure.stance * (_weight(t, pairs, step, 1) - _weight(t, pairs, step, 0))
    plan.support[:, 0] += sway
    plan.support = _rotated(plan.support, turned)
    plan.pelvis[:, 1] -= 0.012 * figure.leg * stepping
    plan.roll = plan.roll + 2.0 * DEG * (lift[RIGHT] - lift[LEFT])
    plan.side_bend = plan.side_bend - 2.0 * DEG * (lift[RIGHT] - lift[LEFT])
    plan.twist = plan.twist + 0.35 * (lead - turned)
    plan.gaze[:, 0] += turned + 1.6 * (lead - turned)
    poses = _arms(times, style, lift, stepping)
    plan.arms = lambda trunk: poses
    return plan


def _while_stepping(t: np.ndarray, length: float, edge: float) -> np.ndarray:
    """0 outside (0, length), 1 within, with edges of ``edge`` seconds."""
    return min_jerk(t / edge) * min_jerk((length - t) / edge)


def _step(plan: Plan, figure: Figure, side: int, t, pairs: int, step: float, turns, style) -> np.ndarray:
    """Move one foot round the centre, one step of every pair; returns its lift (T,) in 0 … 1."""
    foot, sign = plan.feet[side], SIDE_SIGN[side]
    share, lift = np.zeros_like(t), np.zeros_like(t)
    air = AIRBORNE / style["tempo"]
    for k in range(pairs):
        u = (t - (2 * k + side) * step - 0.5 * (step - air)) / air
        share += min_jerk(u) / pairs
        lift += bump(u)
    heading = style["angle"] * (turns + share)
    place = np.stack([sign * (figure.stance + 0.02 * lift), np.zeros_like(t)], 1)
    foot.base[:, [0, 2]] = _rotated(place, heading)
    foot.base[:, 1] = 0.05 * style["step_height"] * figure.leg * lift
    foot.heading = foot.heading + heading
    foot.pitch = -9.0 * DEG * style["step_height"] * lift
    return lift


def _weight(t, pairs: int, step: float, side: int) -> np.ndarray:
    """(T,) how far the weight is off one foot: it leaves before the foot does and is back after it."""
    return sum((bump((t - (2 * k + side - 0.35) * step) / (1.7 * step)) for k in range(pairs)), np.zeros_like(t))


def _rotated(points: np.ndarray, heading: np.ndarray) -> np.ndarray:
    """(T, 2) x, z turned about +Y."""
    c, s = exact.cos(heading), exact.sin(heading)
    return np.stack([c * points[:, 0] + s * points[:, 1], -s * points[:, 0] + c * points[:, 1]], 1)


def _arms(times, style, lift, stepping):
    """A small swing against the stepping leg."""
    poses = []
    for side in (LEFT, RIGHT):
        act = held(
            side,
            len(times),
            swing=(4.0 + 9.0 * (lift[1 - side] - lift[side])) * DEG,
            out=18.0 * DEG + style["arms_out"],
            twist=12.0 * DEG,
            elbow=24.0 * DEG,
            pronate=12.0 * DEG,
        )
        poses.append(mixed(hanging_arm(times, style, side), act, stepping))
    return tuple(poses)


PARAMETERS = {
    "angle": (0.5, 1.5708, 3.1416),  # rad per turn
    "step_height": (0.6, 1.0, 1.8),
    **SIDE,
    **TEMPO,
    **IDLE,
    **HABITS,
}
TURN = Action("turn", PARAMETERS, plan_turn)

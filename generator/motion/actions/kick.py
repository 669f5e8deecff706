"""A front kick: wind up, swing through, come back to the stance, on one planted foot."""

import numpy as np

from mannequin.generator import exact
from mannequin.generator.motion.actions.common import HABITS, IDLE, SIDE, TEMPO, Action, Rhythm
from mannequin.generator.motion.curves import min_jerk
from mannequin.generator.motion.kinematics.arms import held, mixed
from mannequin.generator.motion.kinematics.feet import ankle_offset
from mannequin.generator.motion.kinematics.figure import LEFT, RIGHT, Figure
from mannequin.generator.motion.kinematics.plan import Plan, hanging_arm, stand
from mannequin.generator.motion.skeletons import HIP, PELVIS
from mannequin.generator.rotations import DEG

PHASES = (0.2, 0.5, 0.38, 0.20, 0.34, 0.55)
"""Seconds of: rest, weight to one foot and wind-up, forward swing, kick, draw back, foot down."""


def plan_kick(times: np.ndarray, figure: Figure, style: dict[str, float]) -> Plan:
    """style: see PARAMETERS. The left foot kicks; ``height`` is the angle of the leg at its highest."""
    plan = stand(times, figure, style)
    rhythm = Rhythm.of(times, PHASES, 0.9, style["tempo"])
    one_leg = rhythm.curve((0.0, 0.35, 1.0, 1.0, 1.0, 1.0, 0.0), delay=-0.12)
    kick = rhythm.curve((0.0, 0.0, -0.35, 0.35, 1.0, 0.35, 0.0))
    foot = plan.feet[LEFT]
    foot.base, foot.pitch = _kicking_foot(figure, rhythm, foot.base[0], style)
    foot.toe = np.minimum(-np.minimum(foot.pitch, 0.0), 45.0 * DEG) * rhythm.curve((1.0, 1.0, 0.2, 0.0, 0.0, 0.2, 1.0))
    support = plan.feet[RIGHT].base[:, 0] + 0.15 * figure.hip_width
    plan.support[:, 0] += one_leg * (support - plan.support[:, 0])
    plan.pelvis[:, 1] -= one_leg * 0.015 * figure.leg
    force = style["height"] / (75.0 * DEG)
    plan.tilt = plan.tilt - np.maximum(kick, 0.0) * 14.0 * DEG * force + np.minimum(kick, 0.0) * -16.0 * DEG
    plan.roll = plan.roll - one_leg * 4.0 * DEG
    plan.side_bend = plan.side_bend + one_leg * 3.0 * DEG
    plan.heading = plan.heading - kick * 12.0 * DEG
    plan.twist = plan.twist + kick * 24.0 * DEG
    plan.bend = plan.bend + np.maximum(kick, 0.0) * 14.0 * DEG * force
    plan.gaze[:, 1] += one_leg * 8.0 * DEG
    poses = _arms(times, style, one_leg, kick)
    plan.arms = lambda trunk: poses
    plan.hands = [("relaxed", "loose", one_leg)] * 2
    return plan


def _kicking_foot(figure: Figure, rhythm: Rhythm, start: np.ndarray, style) -> tuple[np.ndarray, np.ndarray]:
    """Base (T, 3) and pitch (T,) through the positions of the ankle that make a kick."""
    angle, reach = style["height"], figure.leg_reach[LEFT]
    hip = np.array([0.6 * start[0], figure.pelvis_height - 0.03 * figure.leg + figure.bone(PELVIS, HIP[LEFT])[1], 0.0])
    back = hip + reach * np.array([0.05, -0.78, -0.42])
    through = hip + reach * np.array([0.03, -0.80, 0.18])
    out = hip + reach * np.array([0.0, -0.975 * exact.cos(angle), 0.975 * exact.sin(angle) - 0.035])
    drawn = hip + reach * np.array([0.03, -0.72, 0.26])
    pitches = np.array([0.0, -22.0 * DEG, -72.0 * DEG, -30.0 * DEG, angle - 32.0 * DEG, -22.0 * DEG, 0.0])
    flat = start + np.array([0.0, figure.ankle_height[LEFT], 0.0])
    offsets = ankle_offset(figure, LEFT, pitches)
    ankles = np.array([flat, start + offsets[1], back, through, out, drawn, flat])
    base, leave, land = rhythm.curve(ankles - offsets), rhythm.knots[1], rhythm.knots[-1]
    clear = min_jerk((rhythm.within - leave) / 0.12) * min_jerk((land - rhythm.within) / 0.12)
    base[:, 1] += 0.035 * figure.leg * clear
    return base, rhythm.curve(pitches)


def _arms(times, style, one_leg, kick):
    """Held away for balance; the arm opposite to the kick comes forward with it."""
    count, spread = len(times), style["arm_spread"]
    poses = []
    for side, forward in ((LEFT, -1.0), (RIGHT, 1.0)):
        act = held(
            side,
            count,
            swing=(8.0 + 34.0 * forward * kick) * DEG,
            out=(26.0 + 26.0 * spread) * DEG + style["arms_out"],
            twist=16.0 * DEG,
            elbow=(38.0 + 14.0 * forward * kick) * DEG,
            pronate=18.0 * DEG,
        )
        poses.append(mixed(hanging_arm(times, style, side), act, one_leg))
    return tuple(poses)


PARAMETERS = {
    "height": (0.55, 1.25, 1.6),  # rad of the leg from hanging
    "arm_spread": (0.0, 0.5, 1.0),
    **SIDE,
    **TEMPO,
    **IDLE,
    **HABITS,
}
KICK = Action("kick", PARAMETERS, plan_kick)

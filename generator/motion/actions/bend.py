"""Bending down to the floor to pick something up, and rising with it."""

import numpy as np

from mannequin.generator.motion.actions.common import HABITS, IDLE, TEMPO, Action, Rhythm
from mannequin.generator.motion.kinematics.arms import Trunk, mixed, reaching
from mannequin.generator.motion.kinematics.figure import SIDE_SIGN, Figure, both
from mannequin.generator.motion.kinematics.plan import Plan, hanging_arm, stand
from mannequin.generator.rotations import DEG


def plan_bend(times: np.ndarray, figure: Figure, style: dict[str, float]) -> Plan:
    """style: see PARAMETERS. At depth 1 the fingers touch the floor in front of the feet."""
    plan = stand(times, figure, style)
    rhythm = Rhythm.of(times, (0.25, 1.25, 0.4, 1.25), 0.7, style["tempo"])
    gesture = (0.0, 0.0, 1.0, 1.0, 0.0)
    down, late = rhythm.curve(gesture), rhythm.curve(gesture, delay=-0.04)
    depth, knees = style["depth"], style["knees"]
    plan.pelvis[:, 1] -= down * depth * (0.08 + 0.22 * knees) * figure.leg
    plan.tilt = plan.tilt + down * depth * (78.0 - 16.0 * knees) * DEG
    plan.bend = plan.bend + down * depth * (68.0 - 8.0 * knees) * DEG
    plan.gaze[:, 1] += rhythm.curve(gesture, delay=-0.15) * depth * 72.0 * DEG
    hung = both(lambda side: hanging_arm(times, style, side))

    def arms(trunk: Trunk):
        return both(
            lambda s: mixed(
                hung[s],
                reaching(
                    figure,
                    s,
                    trunk,
                    _floor_point(figure, s, depth, len(times)),
                    np.array([SIDE_SIGN[s] * 0.9, -0.3, -0.6]),
                ),
                late,
            )
        )

    plan.arms = arms
    plan.hands = [("relaxed", "loose", rhythm.curve((0.0, 0.0, 0.0, 1.0, 0.0)))] * 2
    plan.support[:, 1] += 0.02 * figure.leg * down
    return plan


def _floor_point(figure: Figure, side: int, depth: float, count: int) -> np.ndarray:
    """(T, 3) the wrist when the hand is at what lies before the feet."""
    height = 0.15 * figure.leg + (1.0 - depth) * 0.62 * figure.leg
    point = [SIDE_SIGN[side] * 0.145 * figure.leg, height, (0.30 + 0.16 * (1.0 - depth)) * figure.leg]
    return np.broadcast_to(point, (count, 3))


PARAMETERS = {
    "depth": (0.4, 1.0, 1.05),
    "knees": (0.0, 0.45, 1.0),  # how much the knees help the back
    **TEMPO,
    **IDLE,
    **HABITS,
}
BEND = Action("bend", PARAMETERS, plan_bend)

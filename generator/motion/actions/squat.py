"""Squatting down and rising, arms forward for balance."""

import numpy as np

from mannequin.generator.motion.actions.common import HABITS, IDLE, TEMPO, Action, Rhythm
from mannequin.generator.motion.kinematics.arms import held, mixed
from mannequin.generator.motion.kinematics.figure import LEFT, RIGHT, SIDE_SIGN, Figure, both
from mannequin.generator.motion.kinematics.plan import Plan, hanging_arm, stand
from mannequin.generator.rotations import DEG


def plan_squat(times: np.ndarray, figure: Figure, style: dict[str, float]) -> Plan:
    """style: see PARAMETERS. depth 1 brings the thighs a little below level."""
    plan = stand(times, figure, style)
    rhythm = Rhythm.of(times, (0.2, 1.0, 0.25, 0.9), 0.5, style["tempo"])
    gesture = (0.0, 0.0, 1.0, 1.0, 0.0)
    down, reach = rhythm.curve(gesture), rhythm.curve(gesture, delay=-0.06)
    depth = style["depth"]
    plan.pelvis[:, 1] -= down * depth * 0.50 * figure.leg
    plan.tilt = plan.tilt + down * depth * 26.0 * DEG
    plan.bend = plan.bend + down * depth * (12.0 + 10.0 * style["lean"]) * DEG
    plan.gaze[:, 1] += 6.0 * down * DEG
    for side in (LEFT, RIGHT):
        foot = plan.feet[side]
        foot.base[:, 0] *= 1.0 + 0.45 * style["width"]
        foot.heading += SIDE_SIGN[side] * 9.0 * DEG * style["width"]
    plan.knees_out += down * depth * 8.0 * DEG
    forward = tuple(
        held(
            side,
            len(times),
            swing=(50.0 + 32.0 * style["arms"]) * DEG,
            out=10.0 * DEG + style["arms_out"],
            twist=-25.0 * DEG,
            elbow=16.0 * DEG,
            pronate=-20.0 * DEG,
        )
        for side in (LEFT, RIGHT)
    )
    poses = both(lambda s: mixed(hanging_arm(times, style, s), forward[s], reach * min(1.0, 0.3 + depth)))
    plan.arms = lambda trunk: poses
    return plan


PARAMETERS = {
    "depth": (0.35, 0.85, 1.1),  # 1: thighs level
    "width": (0.0, 0.6, 1.2),  # of the stance
    "arms": (0.0, 0.7, 1.0),  # low … level in front
    "lean": (-0.5, 0.0, 1.0),
    **TEMPO,
    **IDLE,
    **HABITS,
}
SQUAT = Action("squat", PARAMETERS, plan_squat)

"""Waving: the hand goes up beside the head and swings from the elbow."""

import numpy as np

from mannequin.generator import exact
from mannequin.generator.motion.actions.common import HABITS, IDLE, SIDE, TEMPO, Action, Rhythm
from mannequin.generator.motion.curves import habit
from mannequin.generator.motion.kinematics.arms import held, mixed
from mannequin.generator.motion.kinematics.figure import LEFT, RIGHT, Figure
from mannequin.generator.motion.kinematics.plan import Plan, hanging_arm, stand
from mannequin.generator.rotations import DEG, ry


def plan_wave(times: np.ndarray, figure: Figure, style: dict[str, float]) -> Plan:
    """style: see PARAMETERS. The arm rises, waves for some 2.5 seconds and comes down again."""
    plan = stand(times, figure, style)
    rhythm = Rhythm.of(times, (0.15, 0.75, 2.5, 0.8), 0.8, style["tempo"])
    up = rhythm.curve((0.0, 0.0, 1.0, 1.0, 0.0))
    late = rhythm.curve((0.0, 0.0, 1.0, 1.0, 0.0), delay=0.08)
    beat = 2.0 * np.pi * style["rate"] * rhythm.within
    size, height = style["amplitude"] * late, style["height"]
    raised = held(
        LEFT,
        len(times),
        out=(60.0 + 40.0 * height + 3.0 * size * exact.sin(beat + 0.5)) * DEG,
        inward=(22.0 + 6.0 * habit(style["variation"], "inward")) * DEG,
        twist=-(72.0 + 7.0 * size * exact.sin(beat)) * DEG,
        elbow=(104.0 - 48.0 * height + 19.0 * size * exact.sin(beat)) * DEG,
        shrug=(2.0 + 7.0 * height) * DEG,
    )
    flap = 9.0 * DEG * size * exact.sin(beat - 0.8)
    raised.wrist = _flap(flap)
    poses = (mixed(hanging_arm(times, style, LEFT), raised, up), hanging_arm(times, style, RIGHT))
    plan.arms = lambda trunk: poses
    plan.hands[LEFT] = ("relaxed", "open", late)
    plan.side_bend = plan.side_bend - 2.5 * DEG * up * height
    plan.twist = plan.twist + (2.0 * up + 0.8 * size * exact.sin(beat)) * DEG
    plan.gaze[:, 2] += 2.5 * DEG * up
    return plan


def _flap(angle: np.ndarray) -> np.ndarray:
    """The hand trails the forearm in the plane of the palm."""
    return ry(-angle)


PARAMETERS = {
    "rate": (1.0, 1.6, 2.4),  # Hz of the hand
    "amplitude": (0.4, 1.0, 1.5),  # of the swing
    "height": (0.0, 0.4, 1.0),  # hand beside the head … arm stretched up
    **SIDE,
    **TEMPO,
    **IDLE,
    **HABITS,
}
WAVE = Action("wave", PARAMETERS, plan_wave)

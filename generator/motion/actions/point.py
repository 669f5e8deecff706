"""Pointing: a nearly straight arm, the index finger, and eyes that got there first."""

import numpy as np

from mannequin.generator import exact
from mannequin.generator.motion.actions.common import HABITS, IDLE, SIDE, TEMPO, Action, Rhythm
from mannequin.generator.motion.kinematics.arms import Trunk, hand_frame, mixed, reaching
from mannequin.generator.motion.kinematics.figure import LEFT, RIGHT, Figure, both
from mannequin.generator.motion.kinematics.plan import Plan, hanging_arm, stand
from mannequin.generator.motion.skeletons import COLLAR, SHOULDER
from mannequin.generator.rotations import turn


def plan_point(times: np.ndarray, figure: Figure, style: dict[str, float]) -> Plan:
    """style: see PARAMETERS. Looks, raises the arm, holds it about two seconds, lowers it."""
    plan = stand(times, figure, style)
    rhythm = Rhythm.of(times, (0.25, 0.8, 2.0, 0.9), 0.7, style["tempo"])
    gesture = (0.0, 0.0, 1.0, 1.0, 0.0)
    up, looked = rhythm.curve(gesture), rhythm.curve(gesture, delay=-0.18 / style["tempo"])
    azimuth, elevation = style["azimuth"], style["elevation"]
    level = exact.cos(elevation)
    direction = np.array([level * exact.sin(azimuth), exact.sin(elevation), level * exact.cos(azimuth)])
    hung = both(lambda side: hanging_arm(times, style, side))

    def arms(trunk: Trunk):
        root = trunk.collars[LEFT] + turn(trunk.chest, figure.bone(COLLAR[LEFT], SHOULDER[LEFT]))
        target = root + 0.975 * figure.arm_reach[LEFT] * direction
        palm = np.broadcast_to(hand_frame(LEFT, direction, np.array([-0.75, -0.65, 0.0])), trunk.chest.shape)
        shrug = 0.06 + 0.12 * max(elevation, 0.0)
        act = reaching(figure, LEFT, trunk, target, np.array([0.5, -1.0, -0.3]), palm, shrug)
        return mixed(hung[LEFT], act, up), hung[RIGHT]

    plan.arms = arms
    plan.hands[LEFT] = ("relaxed", "point", rhythm.curve(gesture, delay=-0.05))
    plan.gaze[:, 0] += 0.85 * azimuth * looked
    plan.gaze[:, 1] -= 0.75 * elevation * looked
    plan.twist = plan.twist + 0.30 * (azimuth - 0.25) * looked
    plan.heading = plan.heading + 0.12 * (azimuth - 0.25) * looked
    plan.side_bend = plan.side_bend - 0.05 * elevation * up
    return plan


PARAMETERS = {
    "azimuth": (-0.35, 0.4, 1.45),  # rad, across the body … out to the pointing side
    "elevation": (-0.5, 0.05, 0.75),  # rad above the horizon
    **SIDE,
    **TEMPO,
    **IDLE,
    **HABITS,
}
POINT = Action("point", PARAMETERS, plan_point)

"""Reaching for something high, low or in front, with the trunk and knees helping."""

import numpy as np

from mannequin.generator import exact
from mannequin.generator.motion.actions.common import HABITS, IDLE, SIDE, TEMPO, Action, Rhythm
from mannequin.generator.motion.kinematics.arms import Trunk, hand_frame, mixed, reaching
from mannequin.generator.motion.kinematics.figure import LEFT, RIGHT, Figure, both
from mannequin.generator.motion.kinematics.plan import Plan, hanging_arm, stand
from mannequin.generator.motion.skeletons import SHOULDER
from mannequin.generator.rotations import DEG


def plan_reach(times: np.ndarray, figure: Figure, style: dict[str, float]) -> Plan:
    """style: see PARAMETERS. Looks, reaches, holds on for a moment, and returns."""
    plan = stand(times, figure, style)
    rhythm = Rhythm.of(times, (0.25, 1.1, 0.6, 1.1), 0.7, style["tempo"])
    gesture = (0.0, 0.0, 1.0, 1.0, 0.0)
    arm = rhythm.curve(gesture)
    body = rhythm.curve(gesture, delay=0.05)
    looked = rhythm.curve(gesture, delay=-0.15 / style["tempo"])
    azimuth = style["azimuth"]
    target = reach_target(figure, style)
    low = np.clip((0.62 - style["height"]) / 0.42, 0.0, 1.0)
    high = np.clip((style["height"] - 0.95) / 0.25, 0.0, 1.0)
    far = style["distance"]
    hung = both(lambda side: hanging_arm(times, style, side))

    def arms(trunk: Trunk):
        goal = np.broadcast_to(target, (len(times), 3))
        flat = np.array([exact.sin(azimuth), -0.9 * low + 0.8 * high, exact.cos(azimuth)])
        palm = np.broadcast_to(hand_frame(LEFT, flat, np.array([-1.0, -0.25, 0.1])), trunk.chest.shape)
        act = reaching(figure, LEFT, trunk, goal, np.array([0.7, -1.0, -0.5]), palm, 0.05 + 0.2 * high)
        return mixed(hung[LEFT], act, arm), hung[RIGHT]

    plan.arms = arms
    plan.hands[LEFT] = ("relaxed", "open", rhythm.curve((0.0, 0.0, 1.0, 0.3, 0.0)))
    plan.pelvis[:, 1] -= body * low * 0.33 * figure.leg
    plan.tilt = plan.tilt + body * (46.0 * low + 5.0 * far - 2.0 * high) * DEG
    plan.bend = plan.bend + body * (42.0 * low + 9.0 * far - 8.0 * high) * DEG
    plan.twist = plan.twist + body * (0.35 * azimuth - 12.0 * DEG)
    plan.heading = plan.heading + body * (0.15 * azimuth - 3.0 * DEG)
    plan.side_bend = plan.side_bend + body * (-7.0 * high + 4.0 * exact.sin(azimuth) * far) * DEG
    plan.gaze[:, 0] += 0.75 * azimuth * looked
    plan.gaze[:, 1] += looked * (48.0 * low + 10.0 * (1.0 - low) * (1.0 - high) - 26.0 * high) * DEG
    rise = body * high * 20.0 * DEG
    for foot in plan.feet:
        foot.pitch, foot.toe = -rise, rise
    plan.pelvis[:, 1] += exact.sin(rise) * 0.1 * figure.leg
    plan.support[:, 1] += body * (0.03 * far + 0.05 * high) * figure.leg
    return plan


def reach_target(figure: Figure, style: dict[str, float]) -> np.ndarray:
    """(3,) where the wrist goes, in the floor frame: at ``height`` statures."""
    reach = figure.arm_reach[LEFT]
    out = reach * (0.80 + 0.35 * style["distance"]) * (1.0 - 0.35 * np.clip((style["height"] - 0.95) / 0.25, 0.0, 1.0))
    root = figure.joints[SHOULDER[LEFT]]
    x, z = root[0] + out * exact.sin(style["azimuth"]), root[2] + out * exact.cos(style["azimuth"])
    return np.array([x, style["height"] * figure.stature, z])


PARAMETERS = {
    "height": (0.22, 0.85, 1.2),  # of the hand, in statures
    "azimuth": (-0.3, 0.2, 1.1),  # rad to the reaching side
    "distance": (0.0, 0.6, 1.0),  # near … at arm's length and leaning
    **SIDE,
    **TEMPO,
    **IDLE,
    **HABITS,
}
REACH = Action("reach", PARAMETERS, plan_reach)

"""Sitting down on a chair that is not there, staying, and standing up, on planted feet."""

import numpy as np

from mannequin.generator import exact
from mannequin.generator.motion.actions.common import HABITS, IDLE, TEMPO, Action, Rhythm
from mannequin.generator.motion.kinematics.arms import Trunk, hand_frame, mixed, reaching
from mannequin.generator.motion.kinematics.figure import LEFT, RIGHT, SIDE_SIGN, Figure, both
from mannequin.generator.motion.kinematics.plan import Plan, hanging_arm, stand
from mannequin.generator.motion.skeletons import HIP, KNEE, PELVIS
from mannequin.generator.rotations import DEG


def plan_sit(times: np.ndarray, figure: Figure, style: dict[str, float]) -> Plan:
    """style: see PARAMETERS. The trunk leans in before the seat is left or met, then straightens."""
    plan = stand(times, figure, style)
    rhythm = Rhythm.of(times, (0.4, 0.6, 0.8, 0.6, 2.2, 0.6, 0.8, 0.6), 0.9, style["tempo"])
    lean = rhythm.curve((0.0, 0.0, 0.55, 1.0, 0.0, 0.0, 1.0, 0.5, 0.0))
    seated = rhythm.curve((0.0, 0.0, 0.3, 1.0, 1.0, 1.0, 1.0, 0.3, 0.0))
    rest = rhythm.curve((0.0, 0.0, 0.6, 1.0, 1.0, 1.0, 1.0, 0.6, 0.0))
    height, back = seat(figure, style)
    for side in (LEFT, RIGHT):
        plan.feet[side].base[:, 0] *= 1.0 + 0.5 * style["width"]
    plan.pelvis[:, 1] += seated * (height - plan.pelvis[:, 1])
    plan.pelvis[:, 2] = -back * seated
    # The chair bears the body as the pelvis comes down onto it; the feet bear it before.
    plan.balance = (1.0 - seated) ** 2
    plan.tilt = plan.tilt + lean * 30.0 * DEG - rest * 8.0 * style["slouch"] * DEG
    plan.bend = plan.bend + lean * 16.0 * DEG + rest * (4.0 + 22.0 * style["slouch"]) * DEG
    plan.gaze[:, 1] += lean * 12.0 * DEG
    plan.knees_out += seated * (2.0 + 5.0 * style["width"]) * DEG
    hung = both(lambda side: hanging_arm(times, style, side))

    def arms(trunk: Trunk):
        return both(lambda s: mixed(hung[s], _hand_on_thigh(figure, s, trunk, style), rest))

    plan.arms = arms
    return plan


def seat(figure: Figure, style: dict[str, float]) -> tuple[float, float]:
    """(height of the pelvis joint, its distance behind the ankles) on a chair of ``chair`` knee heights."""
    knee = np.mean([figure.joints[KNEE[s], 1] - figure.floor[s] for s in (LEFT, RIGHT)])
    hip = np.mean([figure.bone(HIP[s], PELVIS)[1] for s in (LEFT, RIGHT)])
    thigh = np.mean([exact.norm(figure.bone(HIP[s], KNEE[s])) for s in (LEFT, RIGHT)])
    hips_at = style["chair"] * knee + 0.01
    level = np.sqrt(max(thigh**2 - (hips_at - knee) ** 2, 0.0))
    return float(hips_at + hip), float(level - 0.06 * figure.leg)


def _hand_on_thigh(figure: Figure, side: int, trunk: Trunk, style: dict[str, float]):
    sign, hip = SIDE_SIGN[side], trunk.hips[side]
    thigh = exact.norm(figure.bone(HIP[side], KNEE[side]))
    target = hip + np.array([sign * (0.035 + 0.03 * style["width"]), 0.115 * figure.leg, 0.52 * thigh])
    fingers, palm = np.array([-0.25 * sign, -0.12, 1.0]), np.array([0.0, -1.0, -0.1])
    hand = np.broadcast_to(hand_frame(side, fingers, palm), trunk.chest.shape)
    return reaching(figure, side, trunk, target, np.array([sign * 0.8, -0.5, -0.8]), hand)


PARAMETERS = {
    "chair": (0.85, 1.0, 1.2),  # height of the hips over the floor, in knee heights
    "width": (0.0, 0.3, 1.2),  # between the feet
    "slouch": (0.0, 0.2, 1.0),
    **TEMPO,
    **IDLE,
    **HABITS,
}
SIT = Action("sit", PARAMETERS, plan_sit)

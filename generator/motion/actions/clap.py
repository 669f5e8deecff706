"""Clapping in front of the chest."""

import numpy as np

from mannequin.generator import exact
from mannequin.generator.motion.actions.common import HABITS, IDLE, TEMPO, Action, Rhythm
from mannequin.generator.motion.kinematics.arms import Trunk, hand_frame, mixed, reaching
from mannequin.generator.motion.kinematics.figure import LEFT, RIGHT, SIDE_SIGN, Figure, both
from mannequin.generator.motion.kinematics.hands import palm_centre
from mannequin.generator.motion.kinematics.plan import Plan, hanging_arm, stand
from mannequin.generator.rotations import DEG, turn

PALM_THICKNESS = 0.014
"""Metres from the bones of the hand to the skin of the palm."""


def plan_clap(times: np.ndarray, figure: Figure, style: dict[str, float]) -> Plan:
    """style: see PARAMETERS. The hands come up, clap for some three seconds and go down."""
    plan = stand(times, figure, style)
    rhythm = Rhythm.of(times, (0.15, 0.7, 3.2, 0.8), 0.7, style["tempo"])
    up = rhythm.curve((0.0, 0.0, 1.0, 1.0, 0.0))
    apart = _opening(style["rate"] * rhythm.within) * style["amplitude"]
    gap = PALM_THICKNESS + figure.arm_reach[LEFT] * 0.22 * apart
    hung = both(lambda side: hanging_arm(times, style, side))

    def arms(trunk: Trunk):
        poses = []
        for side in (LEFT, RIGHT):
            target, palm = _hand(figure, side, trunk, gap, style["height"])
            act = reaching(figure, side, trunk, target, np.array([SIDE_SIGN[side] * 0.5, -1.0, -0.35]), palm)
            poses.append(mixed(hung[side], act, up))
        return tuple(poses)

    plan.arms = arms
    plan.hands = [("relaxed", "flat", up)] * 2
    plan.gaze[:, 1] += 3.0 * DEG * up
    plan.bend = plan.bend + 0.8 * DEG * up * (1.0 - apart)
    return plan


def _opening(beats: np.ndarray) -> np.ndarray:
    """0 when the hands meet (at whole beats), 1 at their widest; the blow is quicker than the parting."""
    wave = 2.0 * np.pi * beats
    return 0.5 - 0.5 * exact.cos(wave + 0.35 * exact.sin(wave))


def _hand(figure: Figure, side: int, trunk: Trunk, gap: np.ndarray, height: float):
    """Where the wrist goes and how the hand lies so that the palm's middle is ``gap`` from the midplane."""
    sign, reach = SIDE_SIGN[side], figure.arm_reach[side]
    along = np.array([-0.12 * sign, 0.72, 0.69])
    hand = hand_frame(side, along, np.array([-sign, 0.0, 0.0]))
    middle = 0.5 * (trunk.collars[LEFT] + trunk.collars[RIGHT])
    count = len(gap)
    ahead = np.stack([sign * gap, np.full(count, (-0.22 + 0.22 * height) * reach), np.full(count, 0.60 * reach)], 1)
    palm = exact.matmul(trunk.chest, hand)
    return middle + turn(trunk.chest, ahead) - turn(palm, palm_centre(figure, side)), palm


PARAMETERS = {
    "rate": (1.4, 2.4, 3.6),  # claps per second
    "amplitude": (0.5, 1.0, 1.6),  # how far the hands part
    "height": (0.0, 0.4, 1.0),  # of the hands: below the breast … at the chin
    **TEMPO,
    **IDLE,
    **HABITS,
}
CLAP = Action("clap", PARAMETERS, plan_clap)

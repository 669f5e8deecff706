"""What an action decides before any joint is solved, and the person who just stands there."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mannequin.generator import exact
from mannequin.generator.motion.curves import drift, habit
from mannequin.generator.motion.kinematics.arms import ArmPose, Trunk, held
from mannequin.generator.motion.kinematics.feet import FootTrack, planted
from mannequin.generator.motion.kinematics.figure import Figure, both
from mannequin.generator.rotations import DEG

Arms = Callable[[Trunk], tuple[ArmPose, ArmPose]]


@dataclass(eq=False)
class Plan:
    """A performance over T times in the floor frame: Y up, floor y = 0, the performer faces +Z.

    pelvis: (T, 3) wanted position of the pelvis joint; its height gives way to the legs' reach.
    heading, tilt, roll: (T,) rad of the pelvis: about +Y; forward; towards the left.
    bend, twist, side_bend: (T,) rad of the whole spine: forward; to the left; towards the left.
    gaze: (T, 3) rad of the head: yaw in the floor frame, pitch down, roll towards the left.
    feet: (left, right). knees_out: (T,) rad, knees turned outward from the feet.
    arms: poses of (left, right), given the trunk.
    hands: (left, right) of (rest shape, acting shape, weight (T,)).
    support: (T, 2) x, z in the floor frame over which the centre of mass is held. balance: (T,) how strictly.
    """

    times: np.ndarray
    pelvis: np.ndarray
    heading: np.ndarray
    tilt: np.ndarray
    roll: np.ndarray
    bend: np.ndarray
    twist: np.ndarray
    side_bend: np.ndarray
    gaze: np.ndarray
    feet: tuple[FootTrack, FootTrack]
    knees_out: np.ndarray
    arms: Arms
    hands: list[tuple[str, str, np.ndarray]]
    support: np.ndarray
    balance: np.ndarray


def stand(times: np.ndarray, figure: Figure, style: dict[str, float]) -> Plan:
    """Standing at ease: weight shifts, breathing, a head that is never quite still.

    style: variation, mood (-1 slumped … 1 upright), idle (size of the idle motion), arms_out (rad).
    """
    count, variation, idle, mood = len(times), style["variation"], style["idle"], style["mood"]
    noise = {name: idle * drift(times, variation, name) for name in ("sway_x", "sway_z", "yaw", "nod", "roll", "spine")}
    breath = idle * exact.sin(2.0 * np.pi * (0.26 + 0.04 * habit(variation, "breath")) * times)
    toe_out = (9.0 + 4.0 * habit(variation, "toe_out")) * DEG
    feet = both(lambda side: planted(side, count, figure.stance, toe_out))
    sway = 0.009 * noise["sway_x"]
    support = np.stack([sway, 0.045 * figure.leg + 0.005 * noise["sway_z"]], 1)
    slump = -0.5 * mood
    pelvis = np.zeros((count, 3))
    pelvis[:, 1] = figure.pelvis_height - 0.004 * figure.leg
    zero = np.zeros(count)
    return Plan(
        times=times,
        pelvis=pelvis,
        heading=0.6 * DEG * noise["yaw"],
        tilt=np.full(count, 2.0 * DEG),
        roll=0.9 * DEG * noise["sway_x"],
        bend=(3.0 + 9.0 * slump) * DEG + 0.7 * DEG * breath + 0.5 * DEG * noise["spine"],
        twist=0.8 * DEG * noise["yaw"],
        side_bend=-0.9 * DEG * noise["sway_x"],
        gaze=np.stack([2.2 * noise["yaw"], 3.0 + 12.0 * slump + 1.2 * noise["nod"], 1.0 * noise["roll"]], 1) * DEG,
        feet=feet,
        knees_out=zero.copy(),
        arms=hanging(times, style),
        hands=[("relaxed", "relaxed", zero), ("relaxed", "relaxed", zero)],
        support=support,
        balance=np.ones(count),
    )


def hanging(times: np.ndarray, style: dict[str, float]) -> Arms:
    """Arms that hang at the sides, with their own small noise."""
    poses = both(lambda side: hanging_arm(times, style, side))
    return lambda trunk: poses


def hanging_arm(times: np.ndarray, style: dict[str, float], side: int) -> ArmPose:
    """One arm at the side: a little away from the hip, elbow soft, palm to the thigh."""
    variation, idle = style["variation"], style["idle"]
    loose = idle * drift(times, variation, f"arm{side}")
    breath = idle * exact.sin(2.0 * np.pi * (0.26 + 0.04 * habit(variation, "breath")) * times)
    return held(
        side,
        len(times),
        swing=(1.0 + 3.0 * habit(variation, f"swing{side}") + 0.8 * loose) * DEG,
        out=(15.0 + 1.5 * habit(variation, f"out{side}")) * DEG + style["arms_out"] + 0.3 * DEG * loose,
        twist=10.0 * DEG,
        elbow=(17.0 + 5.0 * habit(variation, f"elbow{side}") + 1.2 * loose) * DEG,
        pronate=12.0 * DEG,
        shrug=0.6 * DEG * breath,
    )

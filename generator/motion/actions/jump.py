"""Jumping on the spot: crouch, push off through the toes, fly freely, land softly."""

import numpy as np

from mannequin.generator.motion.actions.common import HABITS, IDLE, TEMPO, Action, Rhythm
from mannequin.generator.motion.curves import GRAVITY, hermite5, keyed
from mannequin.generator.motion.kinematics.arms import held
from mannequin.generator.motion.kinematics.figure import Figure, both
from mannequin.generator.motion.kinematics.plan import Plan, stand
from mannequin.generator.rotations import DEG

TIPTOE = 46.0 * DEG
"""Heel lift at take-off and landing."""


def plan_jump(times: np.ndarray, figure: Figure, style: dict[str, float]) -> Plan:
    """style: see PARAMETERS. The pelvis rises by ``height`` between leaving the floor and the top."""
    plan = stand(times, figure, style)
    launch = np.sqrt(2.0 * GRAVITY * style["height"])
    flight = 2.0 * launch / GRAVITY
    dip, push, catch, rise = 0.55 / style["tempo"], 0.30, 0.28, 0.75 / style["tempo"]
    knots = np.cumsum([0.0, 0.3, dip, push, flight, catch, rise])
    rhythm = Rhythm(times, tuple(knots), float(knots[-1]) + 0.7 / style["tempo"])
    t = rhythm.within
    plan.pelvis[:, 1] = _pelvis(t, knots, launch, figure, style)
    _feet(plan, figure, t, knots, style)
    _trunk(plan, t, knots, style)
    poses = both(lambda side: _arm(t, knots, side, style))
    plan.arms = lambda trunk: poses
    return plan


def _pelvis(t, knots, launch: float, figure: Figure, style) -> np.ndarray:
    """(T,) height: quintics that join a parabola with its own speed and acceleration."""
    stand_at = figure.pelvis_height - 0.004 * figure.leg
    top = stand_at + 0.02 * figure.leg
    crouch, absorb = stand_at - style["crouch"] * 0.30 * figure.leg, stand_at - style["crouch"] * 0.22 * figure.leg
    _, start, low, leave, land, caught, up = knots
    g = -GRAVITY
    before = hermite5(t, [start, low, leave], [stand_at, crouch, top], [0.0, 0.0, launch], [0.0, 5.0, g])
    air = top + launch * (t - leave) + 0.5 * g * (t - leave) ** 2
    after = hermite5(t, [land, caught, up], [top, absorb, stand_at], [-launch, 0.0, 0.0], [g, 5.0, 0.0])
    return np.where(t < leave, before, np.where(t < land, air, after))


def _feet(plan: Plan, figure: Figure, t, knots, style) -> None:
    """Heels rise before take-off; in the air the feet follow the pelvis and tuck a little."""
    _, _, low, leave, land, _, _ = knots
    flight = land - leave
    push = leave - low
    heel = keyed(
        t,
        (low + 0.45 * push, leave, leave + 0.15 * flight, land - 0.2 * flight, land, land + 0.11),
        (0.0, TIPTOE, 1.15 * TIPTOE, 0.75 * TIPTOE, 0.62 * TIPTOE, 0.0),
    )
    toe = heel * keyed(t, (leave, leave + 0.25 * flight, land - 0.2 * flight, land), (1.0, 0.3, 0.5, 1.0))
    u = np.clip((t - leave) / flight, 0.0, 1.0)
    air = 0.5 * GRAVITY * flight**2 * u * (1.0 - u)
    lift = air + style["tuck"] * 0.22 * figure.leg * 16.0 * (u * (1.0 - u)) ** 2
    for foot in plan.feet:
        foot.base[:, 1] = lift
        foot.pitch, foot.toe = -heel, toe


def _trunk(plan: Plan, t, knots, style) -> None:
    _, start, low, leave, land, caught, up = knots
    fold = keyed(t, (start, low, leave, land, caught, up), (0.0, 1.0, 0.0, 0.1, 0.75, 0.0)) * style["crouch"]
    plan.tilt = plan.tilt + fold * 24.0 * DEG
    plan.bend = plan.bend + fold * 16.0 * DEG - keyed(t, (low, leave, land, caught), (0.0, 5.0, 3.0, 0.0)) * DEG
    plan.gaze[:, 1] += fold * 8.0 * DEG


def _arm(t, knots, side, style):
    """Back in the crouch, up with the push, and down to catch the landing."""
    _, start, low, leave, land, caught, up = knots
    size = style["arm_swing"]
    keys = (start - 0.1, start, low - 0.05, leave + 0.03, 0.5 * (leave + land), land + 0.05, caught + 0.05, up)
    swing = keyed(t, keys, np.array([0, 0, -48, 105, 120, 55, 20, 0]) * DEG * size)
    elbow = keyed(t, keys, np.array([17, 17, 22, 40, 30, 35, 30, 17]) * DEG)
    out = keyed(t, keys, np.array([15, 15, 20, 18, 24, 30, 24, 15]) * DEG)
    return held(
        side,
        len(t),
        swing=swing + 2.0 * DEG,
        out=out + style["arms_out"],
        twist=8.0 * DEG,
        elbow=elbow,
        pronate=12.0 * DEG,
        shrug=keyed(t, keys, np.array([0, 0, -2, 8, 10, 3, 0, 0]) * DEG * size),
    )


PARAMETERS = {
    "height": (0.08, 0.25, 0.45),  # m of flight
    "crouch": (0.7, 1.0, 1.3),
    "arm_swing": (0.2, 1.0, 1.2),
    "tuck": (0.0, 0.25, 1.0),  # knees drawn up at the top
    **TEMPO,
    **IDLE,
    **HABITS,
}
JUMP = Action("jump", PARAMETERS, plan_jump)

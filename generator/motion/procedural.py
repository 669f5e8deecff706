"""The built-in, labelled actions as motions: ``load_action("walk").sample(times, skeleton, style)``."""

from dataclasses import dataclass

import numpy as np

from mannequin.generator import exact
from mannequin.generator.errors import ConfigError, unknown_name
from mannequin.generator.motion.actions.bend import BEND
from mannequin.generator.motion.actions.clap import CLAP
from mannequin.generator.motion.actions.common import Action
from mannequin.generator.motion.actions.jump import JUMP
from mannequin.generator.motion.actions.kick import KICK
from mannequin.generator.motion.actions.point import POINT
from mannequin.generator.motion.actions.reach import REACH
from mannequin.generator.motion.actions.run import RUN
from mannequin.generator.motion.actions.sit import SIT
from mannequin.generator.motion.actions.squat import SQUAT
from mannequin.generator.motion.actions.turn import TURN
from mannequin.generator.motion.actions.walk import WALK
from mannequin.generator.motion.actions.wave import WAVE
from mannequin.generator.motion.base import PoseTrack, Skeleton
from mannequin.generator.motion.kinematics.figure import Figure, check_skeleton, mirror_skeleton, mirror_track
from mannequin.generator.motion.kinematics.solve import solve
from mannequin.generator.rotations import axis_angle, rodrigues, rx

ACTIONS: dict[str, Action] = {
    action.name: action for action in (WALK, RUN, WAVE, SQUAT, JUMP, KICK, BEND, SIT, REACH, TURN, CLAP, POINT)
}


@dataclass(frozen=True)
class ProceduralMotion:
    """A Motion computed on the performer's own skeleton.

    It has no beginning or end: any time may be asked for; one-shot actions repeat after a pause.
    A person at yaw 0 faces -Y of the world (model +Z after the root's turn by +90 degrees about X).
    """

    action: Action
    duration: float = 8.0
    rate: float = 0.0
    has_hands: bool = True
    partners: tuple[str, ...] = ()
    begin: float = 0.0

    @property
    def name(self) -> str:
        return self.action.name

    @property
    def subject(self) -> str:
        return self.action.name

    @property
    def actions(self) -> tuple[str, ...]:
        return (self.action.name,)

    def sample(self, times: np.ndarray, skeleton: Skeleton, style: dict[str, float]) -> PoseTrack:
        """Poses at ``times`` (T,) seconds, a pure function of the arguments.

        style: values for any of the action's parameters; the others take their defaults.
        Raises ConfigError for unknown parameters, values out of range, or unsuitable skeletons.
        """
        times = np.asarray(times, float)
        if times.ndim != 1 or not np.isfinite(times).all():
            raise ConfigError(f"times has shape {times.shape}; expected finite seconds of shape (T,).")
        check_skeleton(skeleton)
        full = complete_style(self.action, style)
        mirrored = full.get("side", 1.0) < 0.0
        figure = Figure(mirror_skeleton(skeleton) if mirrored else skeleton)
        if len(times) == 0:
            return PoseTrack(np.zeros((0,) + skeleton.joints.shape), np.zeros((0, 3)))
        track = solve(self.action.plan(times, figure, full), figure)
        return to_world(mirror_track(track) if mirrored else track, skeleton)


def load_action(name: str) -> ProceduralMotion:
    """The built-in action of that name. Raises ConfigError, naming the nearest, if there is none."""
    if name not in ACTIONS:
        raise unknown_name("action", name, ACTIONS)
    return ProceduralMotion(ACTIONS[name])


def sample_style(rng: np.random.Generator, action: Action) -> dict[str, float]:
    """Draw every parameter: near its default more often than near its limits, and as often below as above."""
    style = {}
    for name, (low, default, high) in action.parameters.items():
        if name in ("side", "variation"):
            style[name] = float(rng.uniform(low, high))
            continue
        u = rng.triangular(-1.0, 0.0, 1.0)
        style[name] = float(default + u * ((high - default) if u > 0 else (default - low)))
    return style


def complete_style(action: Action, style: dict[str, float]) -> dict[str, float]:
    """Defaults where ``style`` is silent. Raises ConfigError for unknown names and values out of range."""
    for name, value in style.items():
        if name not in action.parameters:
            raise unknown_name(f"style parameter of {action.name!r}", name, action.parameters)
        low, _, high = action.parameters[name]
        if not low <= value <= high:
            raise ConfigError(
                f"Style parameter {name!r} of {action.name!r} is {value!r}; expected {low:g} to {high:g}. "
                "Leave it out to take the default."
            )
    return {name: float(style.get(name, default)) for name, (_, default, _) in action.parameters.items()}


def to_world(track: PoseTrack, skeleton: Skeleton) -> PoseTrack:
    """From the floor frame (Y up) to the world (Z up): a turn by +90 degrees about X."""
    up = rx(0.5 * np.pi)
    pose = track.pose.copy()
    pose[:, 0] = axis_angle(exact.matmul(up, rodrigues(track.pose[:, 0])))
    pelvis = exact.matmul(track.transl + skeleton.joints[0], up.T)
    return PoseTrack(pose, pelvis - skeleton.joints[0])

"""What ``mannequin info`` says of a motion: how it was read, and a film strip of stick figures."""

import cv2
import numpy as np
from rich.table import Column, Table

from mannequin.generator.body.builtin import load_builtin
from mannequin.generator.body.lbs import make_skeleton
from mannequin.generator.motion.base import Motion, Skeleton
from mannequin.generator.motion.ground_contact import ground_contact
from mannequin.generator.motion.recording import RecordedMotion
from mannequin.generator.motion.skeletons import PELVIS, joint_positions, world_orientations
from mannequin.generator.pictures import GROUND, grid, ground, headed, titled
from mannequin.generator.rotations import rodrigues
from mannequin.terminal import Console

FIGURES = 8
MOMENTS = 300
"""At which it is measured how a motion meets the floor."""

CELL = (220, 170)
"""Pixels of a figure's picture: height, width."""

VIEWS = {"front": 0, "side": 1}
LEFT, MIDDLE, RIGHT = (236, 120, 84), (222, 222, 222), (94, 160, 240)
"""Colours of the person's left limbs, trunk, and right limbs."""

_FINE = 16  # OpenCV's fixed point

UNITS = {"rate": "Hz", "duration": "s"}
"""Of what is a number."""


def describe_motion(motion: Motion) -> dict:
    """Plain values, as JSON has them: name, rate (Hz), duration (s), frames, subject, hands, partners, and what the
    reader of its kind has to say (``RecordedMotion.facts``). Raises AssetError for a file that cannot be read."""
    facts = getattr(motion, "facts", dict)()
    return {
        "name": motion.name,
        "subject": motion.subject,
        "rate": motion.rate,
        "duration": motion.duration,
        "frames": round(motion.duration * motion.rate) + 1 if motion.rate else None,
        "hands": motion.has_hands,
        "partners": list(motion.partners),
        **facts,
        **_on_the_floor(motion),
    }


def _on_the_floor(motion: Motion) -> dict:
    """How it meets the floor once it is used, on a body of usual proportions."""
    skeleton = make_skeleton(load_builtin("neutral", 24))
    times = np.linspace(0.0, motion.duration, MOMENTS)
    contact = ground_contact(_posed(motion, skeleton, times)[0])
    floor = {"floor": motion.floor(skeleton)} if isinstance(motion, RecordedMotion) else {}
    return floor | {
        "off the floor (share of frames)": contact.airborne,
        "under the floor (share of frames)": contact.sunk,
        "highest sole (m)": contact.highest,
    }


def print_motion(console: Console, facts: dict) -> None:
    """The facts of ``describe_motion`` for people: a line for each value, a table for each list of rows."""
    for key, value in facts.items():
        label = key.replace("_", " ") + (f" ({UNITS[key]})" if key in UNITS else "")
        if isinstance(value, list) and value and isinstance(value[0], dict):
            table = Table(*(Column(name, overflow="fold") for name in value[0]), title=label)
            for row in value:
                table.add_row(*(_told(cell) for cell in row.values()))
            console.print(table)
        elif isinstance(value, list):
            for line in value:
                console.print(f"{label}: {line}")
        elif value is not None:
            console.print(f"{label}: {_told(value)}")


def _told(value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def draw_motion(motion: Motion) -> np.ndarray:
    """(h, w, 3) uint8: FIGURES moments of the motion as it will be used, from the person's front and left side.

    Front is where the pelvis faces at the first moment. The line is the floor; left limbs are orange, right ones blue.
    """
    skeleton = make_skeleton(load_builtin("neutral", 24))
    times = np.linspace(0.0, motion.duration, FIGURES)
    position, forward = _posed(motion, skeleton, times)
    across = np.array([-forward[1], forward[0], 0.0])  # the person's left, which a viewer in front has on the right
    scale = 0.8 * CELL[0] / max(1.8, float(position[..., 2].max() - min(0.0, float(position[..., 2].min()))))
    rows = []
    for view in VIEWS:
        right = across if view == "front" else -forward
        rows += [_figure(p, right, scale, skeleton, f"{view} {t:.2f} s") for t, p in zip(times, position)]
    return headed(grid(rows, FIGURES), f"{motion.name}   left orange, right blue")


def _posed(motion: Motion, skeleton: Skeleton, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(T, J, 3) joints in the world, and (3,) where the pelvis faces at the first time, along the floor."""
    track = motion.sample(times, skeleton, {})
    turned = world_orientations(rodrigues(track.pose[:, : len(skeleton.joints)]), skeleton.parents)
    position = joint_positions(turned, skeleton.joints[0] + track.transl, skeleton)
    forward = turned[0, PELVIS, :, 2] * [1.0, 1.0, 0.0]
    length = float(np.hypot(forward[0], forward[1]))
    return position, forward / length if length > 1e-3 else np.array([0.0, -1.0, 0.0])


def _figure(joints: np.ndarray, right: np.ndarray, scale: float, skeleton: Skeleton, title: str) -> np.ndarray:
    """One stick figure. joints: (J, 3) metres; right: (3,) what goes to the right of the picture."""
    height, width = CELL
    picture, floor = ground(height, width), height - 24
    cv2.line(picture, (0, floor), (width, floor), tuple(c + 50 for c in GROUND), 1)
    x = width / 2 + scale * ((joints - joints[PELVIS]) @ right)
    at = np.rint(np.stack([x, floor - scale * joints[:, 2]], axis=1) * _FINE).astype(int)
    side = skeleton.joints[:, 0]
    for joint, parent in enumerate(skeleton.parents):
        if parent >= 0:
            colour = MIDDLE if abs(side[joint]) < 0.01 else LEFT if side[joint] > 0 else RIGHT
            cv2.line(picture, tuple(at[parent].tolist()), tuple(at[joint].tolist()), colour, 2, cv2.LINE_AA, 4)
    cv2.circle(picture, tuple(at[15].tolist()), round(0.09 * scale * _FINE), MIDDLE, 2, cv2.LINE_AA, 4)
    return titled(picture, title)

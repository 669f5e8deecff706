"""Writes BVH files of a made-up person, in several conventions."""

import numpy as np
from scipy.spatial.transform import Rotation

# Offsets in metres, Y up, facing +Z, left +X; a T-pose.
PERSON = {
    "pelvis": (None, (0, 0.95, 0)),
    "spine": ("pelvis", (0, 0.12, 0)),
    "chest": ("spine", (0, 0.15, 0)),
    "neck": ("chest", (0, 0.2, 0)),
    "head": ("neck", (0, 0.1, 0)),
    "head_end": ("head", (0, 0.15, 0)),
    "l_collar": ("chest", (0.05, 0.15, 0)),
    "l_shoulder": ("l_collar", (0.13, 0, 0)),
    "l_elbow": ("l_shoulder", (0.28, 0, 0)),
    "l_wrist": ("l_elbow", (0.25, 0, 0)),
    "l_hand_end": ("l_wrist", (0.1, 0, 0)),
    "l_hip": ("pelvis", (0.09, -0.05, 0)),
    "l_knee": ("l_hip", (0, -0.41, 0)),
    "l_ankle": ("l_knee", (0, -0.42, 0)),
    "l_toe": ("l_ankle", (0, -0.05, 0.14)),
    "l_toe_end": ("l_toe", (0, 0, 0.06)),
}
for _name, (_parent, (_x, _y, _z)) in list(PERSON.items()):
    if _name.startswith("l_"):
        _other = "r_" + _parent[2:] if _parent.startswith("l_") else _parent
        PERSON["r_" + _name[2:]] = (_other, (-_x, _y, _z))

MOTIONBUILDER = {
    "pelvis": "Hips",
    "spine": "Spine",
    "chest": "Spine1",
    "neck": "Neck",
    "head": "Head",
    "collar": "Shoulder",
    "shoulder": "Arm",
    "elbow": "ForeArm",
    "wrist": "Hand",
    "hip": "UpLeg",
    "knee": "Leg",
    "ankle": "Foot",
    "toe": "ToeBase",
}
NAMINGS = {
    "cmu": lambda n: _sided(n, "Left", "Right", MOTIONBUILDER),
    "hip-knee": lambda n: _sided(
        n, "Left", "Right", {"pelvis": "Hips", "spine": "Chest", "chest": "Chest2"}, str.capitalize
    ),
    "mixamo": lambda n: "mixamorig:" + _sided(n, "Left", "Right", MOTIONBUILDER),
    "biped": lambda n: (
        "Bip01 "
        + _sided(
            n,
            "L ",
            "R ",
            {
                "shoulder": "UpperArm",
                "collar": "Clavicle",
                "elbow": "Forearm",
                "wrist": "Hand",
                "hip": "Thigh",
                "knee": "Calf",
                "ankle": "Foot",
                "toe": "Toe0",
            },
            str.capitalize,
        )
    ),
    "smpl": lambda n: _sided(n, "L_", "R_", {"toe": "Foot"}, str.capitalize),
}


def _sided(name, left, right, words, otherwise=lambda w: w):
    side = {"l_": left, "r_": right}.get(name[:2], "")
    bare = name[2:] if side else name
    return side + words.get(bare, otherwise(bare))


def person_text(
    rotations=None,
    path=None,
    naming: str | dict[str, str] = "cmu",
    order="ZYX",
    frames=2,
    frame_time=1 / 120,
    places=PERSON,
    axes=None,
    scale=1.0,
) -> str:
    """A file in which joint ``name`` has local rotations ``rotations[name]`` (T, 3, 3) (else none).

    path: (T, 3) of the pelvis, metres. axes: (3, 3) takes our Y-up axes to those of the file.
    naming: of NAMINGS, or joint → name.
    """
    called = NAMINGS[naming] if isinstance(naming, str) else lambda joint: naming.get(joint, joint)
    rotations, axes = rotations or {}, np.eye(3) if axes is None else axes
    names = [n for n in places if not n.endswith("_end")]
    frames = len(next(iter(rotations.values()))) if rotations else frames
    path = np.tile(places["pelvis"][1], (frames, 1)) if path is None else path
    columns = [path @ axes.T * scale]
    lines = ["HIERARCHY"]

    def block(name, depth):
        pad, offset = "\t" * depth, axes @ np.array(places[name][1]) * scale
        if name.endswith("_end"):
            lines.extend(
                [
                    f"{pad}End Site",
                    pad + "{",
                    f"{pad}\tOFFSET {offset[0]:.6f} {offset[1]:.6f} {offset[2]:.6f}",
                    pad + "}",
                ]
            )
            return
        lines.extend([f"{pad}{'JOINT' if depth else 'ROOT'} {called(name)}", pad + "{"])
        lines.append(f"{pad}\tOFFSET {offset[0]:.6f} {offset[1]:.6f} {offset[2]:.6f}")
        turns = " ".join(f"{axis}rotation" for axis in order)
        lines.append(
            f"{pad}\tCHANNELS 6 Xposition Yposition Zposition {turns}" if not depth else f"{pad}\tCHANNELS 3 {turns}"
        )
        local = axes @ rotations.get(name, np.tile(np.eye(3), (frames, 1, 1))) @ axes.T
        columns.append(Rotation.from_matrix(local).as_euler(order, degrees=True))
        for child in places:
            if places[child][0] == name:
                block(child, depth + 1)
        lines.append(pad + "}")

    block("pelvis", 0)
    assert len(names) == len(columns) - 1
    values = np.concatenate(columns, axis=1)
    lines.extend(["MOTION", f"Frames: {frames}", f"Frame Time: {frame_time:.7f}"])
    lines.extend(" ".join(f"{v:.6f}" for v in row) for row in values)
    return "\n".join(lines) + "\n"

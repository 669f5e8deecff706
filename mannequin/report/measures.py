"""What is measured of one clip. Nothing here is kept from clip to clip."""

from dataclasses import dataclass, field

import numpy as np
from scipy.spatial.transform import Rotation

from mannequin.generator.appearance.measures import Measures
from mannequin.generator.clip import VISIBILITY, visible_share
from mannequin.generator.dataset.source import ClipSource
from mannequin.generator.motion.ground_contact import lowest
from mannequin.generator.spec import EnvironmentBackground, HdriLight, LampLight, PhotoBackground, ShLight
from mannequin.report.camera_motion import camera_motion

POSE_JOINTS = 22
"""Joints of a pose that is compared with others: those that bodies of 24 and of 52 joints share."""

POSES_OF_A_PERSON = 4
"""Evenly spread frames of a clip whose poses are compared with those of other clips."""

_ANY_BODY = Measures(*[1.0] * len(Measures._fields))
"""To choose an outfit for: what is worn does not depend on the body's measures, only its lengths do."""

CHUNK_PIXELS = 1 << 24
"""Of the frames whose labels are held at a time."""


@dataclass(frozen=True)
class Measure:
    """A number with a distribution. of: what n counts. low, high, bins: as in Histogram."""

    title: str
    unit: str
    of: str
    meaning: str
    low: float
    high: float
    bins: int


MEASURES = {
    "distance": Measure("Distance", "m", "people in frames", "from the camera to the pelvis", 0.0, 200.0, 4000),
    "azimuth": Measure(
        "Seen from",
        "°",
        "people in frames",
        "direction to the camera about the body's own long axis: 0° in front, 90° at the person's left, ±180° behind",
        -180.0,
        180.0,
        72,
    ),
    "elevation": Measure(
        "Seen from above or below",
        "°",
        "people in frames",
        "height of the camera over the pelvis, as an angle",
        -90.0,
        90.0,
        180,
    ),
    "pitch": Measure(
        "Camera pitch", "°", "frames of a camera", "of the optical axis; below 0° it looks down", -90.0, 90.0, 180
    ),
    "camera_height": Measure("Camera height", "m", "frames of a camera", "above the ground", -20.0, 100.0, 2400),
    "lowest": Measure(
        "Lowest point of the body",
        "m",
        "people in frames",
        "over the ground, by the joints; beyond ±0.05 m somebody jumps, climbs, floats or sinks",
        -2.0,
        6.0,
        800,
    ),
    "focal": Measure("Vertical field of view", "°", "cameras of clips", "of the whole image", 0.0, 180.0, 360),
    "camera_speed": Measure(
        "Camera speed", "m/s", "steps of cameras that move", "from each frame to the next", 0.0, 50.0, 5000
    ),
    "camera_turning": Measure(
        "Camera turning", "°/s", "steps of cameras that move", "from each frame to the next", 0.0, 720.0, 2880
    ),
    "zoom": Measure(
        "Zoom", "×", "cameras that zoom", "the longest focal length of a clip over its shortest", 1.0, 11.0, 400
    ),
    "people": Measure(
        "People in a frame", "", "frames of a camera", "of whom something is in the image", -0.5, 255.5, 256
    ),
    "height": Measure(
        "Height in the image",
        "px",
        "people in frames",
        "of the box about a person's visible pixels",
        0.0,
        16384.0,
        16384,
    ),
    "cut": Measure(
        "Truncation", "% of joints", "people in frames", "joints that project outside of the image", 0.0, 100.0, 100
    ),
    "hidden": Measure(
        "Occlusion",
        "% of joints",
        "people in frames",
        "joints inside the image that are hidden, by other parts of the body too",
        0.0,
        100.0,
        100,
    ),
    "seen": Measure(
        "Seen of people in company",
        "% of pixels",
        "people in frames",
        "in clips of several things: of the pixels in which somebody would be seen if nothing else were there",
        0.0,
        100.0,
        100,
    ),
    "cover": Measure(
        "Foreground", "% of pixels", "frames of a camera", "pixels of people and objects", 0.0, 100.0, 200
    ),
    "person_luma": Measure(
        "Brightness of people", "0–255", "middle frames", "mean luma (Rec. 601) of foreground pixels", 0.0, 256.0, 64
    ),
    "background_luma": Measure(
        "Brightness of backgrounds",
        "0–255",
        "middle frames",
        "mean luma (Rec. 601) of the other pixels",
        0.0,
        256.0,
        64,
    ),
    "penetration": Measure(
        "Deepest penetration", "mm", "clips of several people", "of any two people, by their meshes", 0.0, 100.0, 400
    ),
    "strength": Measure(
        "Strength of environment light", "", "clips", "factor on the radiance of the image", 0.0, 20.0, 400
    ),
    "ambient": Measure("Ambient light", "", "clips", "first spherical-harmonic coefficient", -5.0, 5.0, 200),
    "power": Measure("Power of lamps", "W", "clips", "sum over the lamps", 0.0, 20000.0, 2000),
    "tone": Measure(
        "Skin tone",
        "step",
        "people in clips",
        "0 light to 9 dark, the ten steps of mannequin.generator.appearance.choices.SKIN_TONES",
        0.0,
        9.0,
        90,
    ),
}


@dataclass
class Facts:
    """What one clip adds to the tallies.

    values: name in MEASURES → arrays. names: kind → names, one for each thing counted ("of" in
    statistics.NAMES). parts: (25,) int64 pixels by value of segm. visibility: (6,) int64 joints of people in
    frames by code of VISIBILITY. joints: joint → (person-frames, in frame, visible). turns: joint → ((3, 3)
    sum of its rotations, how many). poses: (POSE_JOINTS, 3) metres in the frame of the pelvis,
    POSES_OF_A_PERSON of each at most. betas: body → (S,) of each person.
    frames: of all cameras together.
    """

    values: dict[str, list] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    parts: np.ndarray = field(default_factory=lambda: np.zeros(25, np.int64))
    visibility: np.ndarray = field(default_factory=lambda: np.zeros(len(VISIBILITY), np.int64))
    joints: dict[str, np.ndarray] = field(default_factory=dict)
    turns: dict[str, tuple[np.ndarray, int]] = field(default_factory=dict)
    poses: list[np.ndarray] = field(default_factory=list)
    betas: list[tuple[str, np.ndarray]] = field(default_factory=list)
    agreement: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    frames: int = 0

    def value(self, name: str, values) -> None:
        self.values.setdefault(name, []).append(np.asarray(values, np.float64))

    def name(self, kind: str, name: str | float) -> None:
        self.names.setdefault(kind, []).append(str(name))


def azimuth(root: np.ndarray, pelvis: np.ndarray, eye: np.ndarray) -> np.ndarray:
    """(T,) rad: where the camera is, about the body's long axis.

    root: (T, 3) axis-angles that take the model frame (Y up, facing +Z, left +X) to the world.
    pelvis, eye: (T, 3) metres in the world. 0 in front of the body, π/2 at its left, ±π behind.
    """
    d = _to_body(root, eye - pelvis)
    return np.arctan2(d[:, 0], d[:, 2])


def elevation(pelvis: np.ndarray, eye: np.ndarray) -> np.ndarray:
    """(T,) rad: how steeply a line from the pelvis to the camera rises. pelvis, eye: (T, 3) in the world."""
    d = eye - pelvis
    return np.arctan2(d[:, 2], np.hypot(d[:, 0], d[:, 1]))


def pitch(T_world_camera: np.ndarray) -> np.ndarray:
    """(T,) rad: how steeply the optical axis rises; negative where the camera looks down."""
    return np.arcsin(np.clip(T_world_camera[:, 2, 2], -1.0, 1.0))


def body_pose(root: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """(T, POSE_JOINTS, 3) metres: joints in the frame of the pelvis, whatever way the person stands and faces."""
    local = joints[:, :POSE_JOINTS].astype(np.float64) - joints[:, :1]
    return np.einsum("tji,tkj->tki", Rotation.from_rotvec(root).as_matrix(), local)


def _to_body(root, vectors) -> np.ndarray:
    """(T, 3) world vectors in the model frame of a body with these root rotations."""
    return np.einsum("tji,tj->ti", Rotation.from_rotvec(root).as_matrix(), vectors)


def measure(reader: ClipSource) -> Facts:
    """All that is measured of an open clip. Raises DatasetError if any of it is damaged."""
    facts = Facts(agreement=dict(reader.agreement), versions=dict(reader.versions))
    _clip(facts, reader.spec)
    tracks = {name: reader.track(name) for name in reader.people}
    for person in reader.spec.people:
        if person.name in tracks:
            _person(facts, person, tracks[person.name])
            if reader.spec.ground is not None:
                facts.value("lowest", lowest(tracks[person.name].joints, reader.spec.ground_height))
    for camera in reader.cameras:
        _view(facts, reader, camera, tracks)
    return facts


def _clip(facts: Facts, spec) -> None:
    """What the description says of the clip as a whole."""
    h, w = spec.resolution
    facts.name("resolution", f"{h} × {w}")
    facts.name("frames", str(spec.num_frames))
    facts.name("rate", f"{spec.fps:g}")
    facts.name("split", spec.split or "none")
    facts.name("preset", spec.preset or "none")
    facts.name("people", str(len(spec.people)))
    facts.name("objects", str(len(spec.objects)))
    facts.name("cameras", str(len(spec.cameras)))
    for kind in ("rig", "camera_motion", "arrangement"):
        if kind in spec.tags:
            facts.name(kind, spec.tags[kind])
    if isinstance(spec.tags.get("penetration"), float):
        facts.value("penetration", [1000.0 * float(spec.tags["penetration"])])
    light, background = spec.light, spec.background
    if isinstance(light, HdriLight):
        facts.name("light", "environment image")
        facts.name("environment", light.environment)
        facts.value("strength", [light.strength])
    if isinstance(light, ShLight):
        facts.name("light", "spherical harmonics")
        facts.value("ambient", [light.coefficients[0]])
    if isinstance(light, LampLight):
        facts.name("light", "lamps" if light.lamps else "no lamps, or not recorded")
        if light.lamps:
            facts.value("power", [sum(lamp.power for lamp in light.lamps)])
    if isinstance(background, EnvironmentBackground):
        facts.name("background", "environment image")
    elif isinstance(background, PhotoBackground):
        facts.name("background", "photo")
        facts.name("photo", background.image)
    else:
        facts.name("background", "plain colour, or not recorded")


def _person(facts: Facts, person, track) -> None:
    """What holds of a person through a clip, whatever the camera."""
    facts.name("gender", track.gender)
    facts.name("body", track.body)
    facts.name("action", person.motion.asset.removeprefix("action/"))
    facts.betas.append((track.body, np.asarray(track.betas, np.float64)))
    _looks(facts, person.appearance.texture, track.gender)
    good = np.isfinite(track.pose).all((1, 2))
    turns = (
        Rotation.from_rotvec(track.pose[good].reshape(-1, 3)).as_matrix().reshape(-1, track.pose.shape[1], 3, 3)
        if good.any()
        else np.empty((0, track.pose.shape[1], 3, 3))
    )
    for j, name in enumerate(track.joint_names if len(turns) else ()):
        total, n = facts.turns.get(name, (np.zeros((3, 3)), 0))
        facts.turns[name] = total + turns[:, j].sum(0), n + len(turns)
    few = np.unique(np.linspace(0, len(track.pose) - 1, POSES_OF_A_PERSON).round().astype(int))
    poses = body_pose(track.pose[few, 0], track.joints[few])
    facts.poses += list(poses[np.isfinite(poses).all((1, 2))])


def _looks(facts: Facts, texture: str, gender: str) -> None:
    """What a numbered outfit stands for; any other texture is told by its name."""
    number = texture.removeprefix("outfit/")
    if number == texture or not (number.isascii() and number.isdecimal() and len(number) < 10):
        facts.name("texture", texture)
        return
    from mannequin.generator.appearance.choices import choose, tone_of

    facts.value("tone", [tone_of(int(number))])
    words = choose(int(number), gender, _ANY_BODY).describe()
    for kind in ("top", "bottom", "shoes", "hair", "pattern"):
        facts.name(kind, words[kind])


def _view(facts: Facts, reader: ClipSource, camera: str, tracks: dict) -> None:
    """What one camera saw."""
    spec, T = reader.spec, reader.T_world_camera(camera)
    h, w = spec.resolution
    facts.frames += spec.num_frames
    facts.value("pitch", np.degrees(pitch(T)))
    facts.value("camera_height", T[:, 2, 3] - reader.spec.ground_height)
    facts.value("focal", np.degrees(2.0 * np.arctan(h / (2.0 * np.unique(reader.K(camera)[:, 1, 1])))))
    motion = camera_motion(T, reader.K(camera), spec.fps)
    if motion.moves:
        facts.value("camera_speed", motion.speed)
        facts.value("camera_turning", np.degrees(motion.turning))
    if motion.zoom > 1.0:
        facts.value("zoom", [motion.zoom])
    present = np.zeros(spec.num_frames, np.int64)
    for name in reader.shown(camera):
        view = reader.person_view(camera, name)
        present += _seen(facts, view, tracks[name], T)
        share = visible_share(view.pixels, view.amodal_pixels)
        if len(spec.things) > 1:
            facts.value("seen", 100.0 * share[np.isfinite(share)])
    facts.value("people", present)
    channels = reader.channels(camera)
    for channel in channels:
        facts.name("channel", channel)
    names = ("segm",) if "segm" in channels else ()
    step = max(1, CHUNK_PIXELS // (h * w))
    for start in range(0, spec.num_frames, step):
        labels = reader.labels(camera, names, start, min(start + step, spec.num_frames))
        facts.value("cover", 100.0 * np.diff(labels.offsets) / (h * w))
        if names:
            facts.parts += np.bincount(labels.values["segm"], minlength=25)[:25]
    if "rgb" in channels:
        _brightness(facts, reader, camera)


def _seen(facts: Facts, seen, track, T: np.ndarray) -> np.ndarray:
    """Add a person as a camera saw them; returns (T,) bool, the frames with something of them in the image."""
    present = (seen.pixels > 0) | seen.in_frame.any(1)
    facts.value("distance", np.linalg.norm(seen.joints_camera[present, 0].astype(np.float64), axis=-1))
    pelvis, eye = track.joints[present, 0].astype(np.float64), T[present, :3, 3]
    facts.value("azimuth", np.degrees(azimuth(track.pose[present, 0], pelvis, eye)))
    facts.value("elevation", np.degrees(elevation(pelvis, eye)))
    facts.value("height", (seen.box[:, 3] - seen.box[:, 1])[seen.pixels > 0])
    codes = np.minimum(seen.visibility[present].ravel(), len(VISIBILITY) - 1)  # a damaged file may say more
    facts.visibility += np.bincount(codes, minlength=len(VISIBILITY))
    inside = seen.in_frame[present]
    facts.value("cut", 100.0 * (1.0 - inside.mean(1)))
    some = inside.any(1)
    facts.value(
        "hidden", 100.0 * (1.0 - (seen.visible[present] & inside)[some].sum(1) / np.maximum(inside[some].sum(1), 1))
    )
    for j, name in enumerate(track.joint_names):
        row = np.array([len(inside), inside[:, j].sum(), (seen.visible[present][:, j] & inside[:, j]).sum()], np.int64)
        facts.joints[name] = facts.joints.get(name, 0) + row
    return present


def _brightness(facts: Facts, reader: ClipSource, camera: str) -> None:
    """Mean luma of the middle frame, people and background apart."""
    t = reader.spec.num_frames // 2
    luma = reader.frame(camera, "rgb", t) @ np.array([0.299, 0.587, 0.114])
    mask = reader.labels(camera, (), t, t + 1).mask(0)
    for name, chosen in (("person_luma", mask), ("background_luma", ~mask)):
        if chosen.any():
            facts.value(name, [luma[chosen].mean()])

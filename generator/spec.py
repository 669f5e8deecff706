"""The description of one clip: everything that a renderer needs, as plain frozen values.

A ``ClipSpec`` is the unit of work, and the whole bug report. It names assets by id and holds no
arrays; :func:`mannequin.generator.scene.build_scene` turns it into posed meshes.

World: right-handed, Z up, metres; the ground is described, z = 0 by default. Cameras: OpenCV (x right,
y down, z forward). ``T_a_b`` takes coordinates of b to coordinates of a, as rows of a 4 × 4 matrix.

Everybody and everything that has pixels carries an ``instance``: its value in the instance image.
"""

import json
from dataclasses import dataclass, field
from typing import ClassVar

from mannequin.generator.categories import CATEGORIES
from mannequin.generator.errors import ConfigError, unknown_name
from mannequin.generator.io.reading import parse_json
from mannequin.generator.records import from_plain, to_plain
from mannequin.generator.spec_upgrade import upgrade_version_1

SPEC_VERSION = 2

MAX_INSTANCE = 255
"""The instance image has eight bits."""

Vec2 = tuple[float, float]
Vec3 = tuple[float, float, float]
Matrix4 = tuple[
    tuple[float, float, float, float],
    tuple[float, float, float, float],
    tuple[float, float, float, float],
    tuple[float, float, float, float],
]


@dataclass(frozen=True)
class MotionSpec:
    """A piece of a motion.

    asset: motion id. start: seconds into it at frame 0 of the clip.
    style: parameters of a procedural action (empty for recorded motion).
    noise: what is added to the quaternions of 24 joints, (x, y, z, w) of each, before they are made rotations again
    (mannequin.generator.pose_noise); empty for none.
    """

    asset: str
    start: float = 0.0
    style: dict[str, float] = field(default_factory=dict)
    noise: tuple[float, ...] = ()


@dataclass(frozen=True)
class AppearanceSpec:
    """What a person wears and looks like.

    texture: id of an image of the body's own atlas, or "outfit/<number>" for a procedural one.
    """

    texture: str


@dataclass(frozen=True)
class PersonSpec:
    """One person.

    instance: 1…255, unlike that of everything else in the clip.
    body: body id; joints: 24 or 52. betas: shape coefficients of that body.
    yaw: rotation about the world's vertical (rad) applied to the whole motion.
    place: (x, y, z) metres: the pelvis at frame 0 is over (x, y); z lifts the whole motion off the
    ground, on which it stands by itself.
    hands: axis-angles of the (left, right) hands' 15 joints each, flattened, for bodies of 52
    joints whose motion has no fingers; None for relaxed hands.
    """

    name: str
    instance: int
    body: str
    betas: tuple[float, ...]
    motion: MotionSpec
    appearance: AppearanceSpec
    joints: int = 24
    yaw: float = 0.0
    place: Vec3 = (0.0, 0.0, 0.0)
    hands: tuple[tuple[float, ...], tuple[float, ...]] | None = None


HAND_JOINTS = 16
"""Of a hand that stands alone: the wrist, then three of each finger."""


@dataclass(frozen=True)
class HandSpec:
    """A hand that stands alone, without an arm, posed by explicit parameters.

    instance: as in PersonSpec. body: id of a hand model (MANO). betas: shape coefficients of it.
    pose: one pose, or one per frame: 48 numbers, the axis-angles (rad) of the 16 joints; the first
    takes the model's frame to the world. transl: as many translations (metres) as poses, added
    after posing about the rest joints. color: of the skin, sRGB in [0, 1].
    """

    name: str
    instance: int
    body: str
    betas: tuple[float, ...]
    pose: tuple[tuple[float, ...], ...]
    transl: tuple[Vec3, ...]
    color: Vec3 = (0.78, 0.6, 0.5)


@dataclass(frozen=True)
class ObjectSpec:
    """A rigid object.

    instance: as in PersonSpec. category: one of CATEGORIES.
    mesh: "sphere", "box", "plane" (unit size: radius, half edge and half edge 1) or a mesh file.
    T_world_object: one pose, or one per frame, of the mesh after ``scale``.
    texture: image file laid on the mesh by its texture coordinates; "" shows what the mesh file
    brings with it, else ``color``, sRGB in [0, 1].
    """

    name: str
    instance: int
    mesh: str
    T_world_object: tuple[Matrix4, ...]
    scale: Vec3 = (1.0, 1.0, 1.0)
    color: Vec3 = (0.7, 0.7, 0.7)
    category: str = "object"
    texture: str = ""


@dataclass(frozen=True)
class PlaneGround:
    """Level ground everywhere at ``height`` (world metres)."""

    kind: ClassVar[str] = "plane"
    height: float = 0.0


@dataclass(frozen=True)
class CameraSpec:
    """A pinhole camera.

    fx, fy, cx, cy: pixels; pixel (i, j) has its centre at (j + 0.5, i + 0.5).
    T_world_camera: one pose; or one per frame, which stands still before and after; or those of frames
    -1 … num_frames, so that flow is that of a moving camera at the first and last frame too.
    distortion: OpenCV's (k1, k2, p1, p2[, k3[, k4, k5, k6]]) or empty.
    zoom: factors of fx and fy, as many as there may be poses; empty for none.
    """

    name: str
    fx: float
    fy: float
    cx: float
    cy: float
    T_world_camera: tuple[Matrix4, ...]
    distortion: tuple[float, ...] = ()
    zoom: tuple[float, ...] = ()


@dataclass(frozen=True)
class ShLight:
    """Light of nine real spherical-harmonic coefficients in SURREAL's order.

    They describe the radiance around; a surface of normal n shows its linear albedo ×
    max(0, Σ g_i c_i Y_i(n)), as mannequin.generator.light says.
    """

    kind: ClassVar[str] = "sh"
    coefficients: tuple[float, ...]


@dataclass(frozen=True)
class HdriLight:
    """Light from an environment image turned by ``yaw`` (rad) about the vertical.

    shadow: the ground catches the shadow of what stands on it (path-traced renderer).
    """

    kind: ClassVar[str] = "hdri"
    environment: str
    yaw: float = 0.0
    strength: float = 1.0
    shadow: bool = True


@dataclass(frozen=True)
class Lamp:
    """A round area lamp at ``position`` looking at ``target`` (world metres)."""

    position: Vec3
    target: Vec3
    power: float
    size: float = 0.5
    color: Vec3 = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class LampLight:
    """Lamps (power in watts) over an even ambient radiance. shadow: as in HdriLight."""

    kind: ClassVar[str] = "lamps"
    lamps: tuple[Lamp, ...]
    ambient: float = 0.3
    shadow: bool = True


@dataclass(frozen=True)
class PhotoBackground:
    """A photo behind everything: scaled to cover the frame, cropped at ``offset`` in [0, 1]²."""

    kind: ClassVar[str] = "photo"
    image: str
    offset: Vec2 = (0.5, 0.5)


@dataclass(frozen=True)
class EnvironmentBackground:
    """An environment image, seen by the camera.

    height: metres above the ground at which it was taken, which lays its ground under people's
    feet; 0 puts it at infinity, where it also is if the clip has no ground.
    """

    kind: ClassVar[str] = "environment"
    environment: str
    yaw: float = 0.0
    strength: float = 1.0
    height: float = 0.0


@dataclass(frozen=True)
class PlainBackground:
    """One sRGB colour in [0, 1]."""

    kind: ClassVar[str] = "plain"
    color: Vec3 = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class ClipSpec:
    """One clip: who, moving how, dressed how, lit how, seen by which cameras.

    name: unique within a dataset. index, seed: what it was sampled from.
    resolution: (height, width). fps: frames per second. samples: rays (or subpixels) per pixel.
    ground: what people stand on and shadows fall on; None where there is none, and motions stand
    on z = 0.
    Names are unique among people, hands and objects, and among cameras.
    tags: what a sampler wants to remember (sequence, run, clip number, stride, …).
    """

    name: str
    seed: int
    index: int
    split: str
    preset: str
    fps: float
    num_frames: int
    resolution: tuple[int, int]
    people: tuple[PersonSpec, ...]
    cameras: tuple[CameraSpec, ...]
    light: ShLight | HdriLight | LampLight
    background: PhotoBackground | EnvironmentBackground | PlainBackground
    objects: tuple[ObjectSpec, ...] = ()
    hands: tuple[HandSpec, ...] = ()
    ground: PlaneGround | None = PlaneGround()
    samples: int = 16
    tags: dict[str, str | float] = field(default_factory=dict)
    version: int = SPEC_VERSION

    def __post_init__(self):
        check_spec(self)

    def to_json(self) -> str:
        """One line of JSON; floats survive exactly."""
        return json.dumps(to_plain(self), separators=(",", ":"), allow_nan=False)

    @staticmethod
    def from_json(text: str) -> "ClipSpec":
        """Of version 1 too, which is upgraded. Raises ConfigError saying where the text departs from a spec."""
        plain = parse_json(text, "The clip description", "what ClipSpec.to_json wrote", ConfigError)
        return from_plain(ClipSpec, upgrade_version_1(plain))

    @property
    def things(self) -> tuple[PersonSpec | HandSpec | ObjectSpec, ...]:
        """All that has pixels, by ascending instance."""
        return tuple(sorted((*self.people, *self.hands, *self.objects), key=lambda thing: thing.instance))

    @property
    def instances(self) -> dict[int, str]:
        """Instance → name of whom or what it is, ascending."""
        return {thing.instance: thing.name for thing in self.things}

    @property
    def ground_height(self) -> float:
        """World metres of what motions stand on."""
        return 0.0 if self.ground is None else self.ground.height


def category_of(thing: PersonSpec | HandSpec | ObjectSpec) -> str:
    """Its class, one of CATEGORIES."""
    if isinstance(thing, ObjectSpec):
        return thing.category
    return "person" if isinstance(thing, PersonSpec) else "hand"


def check_spec(spec: ClipSpec) -> None:
    """Raise ConfigError for values that no renderer could honour."""
    h, w = spec.resolution
    _require(
        spec.version == SPEC_VERSION, "version", spec.version, f"{SPEC_VERSION} (re-sample the clip with this release)"
    )
    _require(
        1 <= h <= 16384 and 1 <= w <= 16384,
        "resolution",
        spec.resolution,
        "(height, width) from 1 to 16384 pixels each",
    )
    _require(1 <= spec.num_frames <= 1_000_000, "num_frames", spec.num_frames, "1 to 1,000,000")
    _require(spec.fps > 0, "fps", spec.fps, "a positive rate in Hz")
    _require(1 <= spec.samples <= 4096, "samples", spec.samples, "1 to 4096")
    _require(len(spec.cameras) > 0, "cameras", spec.cameras, "at least one camera")
    _check_instances(spec)
    for group in (spec.things, spec.cameras):
        names = [item.name for item in group]
        _require(len(set(names)) == len(names), "names", names, "a different name for each")
        _require(all(n and "/" not in n for n in names), "names", names, "non-empty names without '/'")
    for camera in spec.cameras:
        _require(
            camera.fx > 0 and camera.fy > 0,
            f"cameras.{camera.name}.fx, fy",
            (camera.fx, camera.fy),
            "positive focal lengths in pixels",
        )
        _require(
            len(camera.distortion) in (0, 4, 5, 8),
            f"cameras.{camera.name}.distortion",
            camera.distortion,
            "0, 4, 5 or 8 OpenCV coefficients",
        )
        moments = (1, spec.num_frames, spec.num_frames + 2)
        _require(
            len(camera.T_world_camera) in moments,
            f"cameras.{camera.name}.T_world_camera",
            len(camera.T_world_camera),
            f"1 pose, {moments[1]}, one per frame, or {moments[2]}, with those before and after",
        )
        _require(
            len(camera.zoom) in (0, *moments) and all(z > 0 for z in camera.zoom),
            f"cameras.{camera.name}.zoom",
            camera.zoom[:4],
            f"no factors, 1, {moments[1]} or {moments[2]}, all above 0",
        )
    for thing in spec.objects:
        _require(
            len(thing.T_world_object) in (1, spec.num_frames),
            f"objects.{thing.name}.T_world_object",
            len(thing.T_world_object),
            f"1 pose or {spec.num_frames}, one per frame",
        )
        if thing.category not in CATEGORIES:
            raise unknown_name(f"category of ClipSpec.objects.{thing.name}", thing.category, CATEGORIES)
    for hand in spec.hands:
        _check_hand(hand, spec.num_frames)
    for person in spec.people:
        _require(
            len(person.motion.noise) in (0, 96) and all(abs(n) < 1 for n in person.motion.noise),
            f"people.{person.name}.motion.noise",
            person.motion.noise[:4],
            "no numbers or 96, for 24 quaternions, all within ± 1",
        )
        _require(person.joints in (24, 52), f"people.{person.name}.joints", person.joints, "24 or 52")
        if person.hands is not None:
            _require(
                all(len(h) == 45 for h in person.hands),
                f"people.{person.name}.hands",
                [len(h) for h in person.hands],
                "45 numbers for each hand",
            )
    if isinstance(spec.light, ShLight):
        _require(len(spec.light.coefficients) == 9, "light.coefficients", spec.light.coefficients, "nine coefficients")


def _check_instances(spec: ClipSpec) -> None:
    """Every thing has a value of its own in the instance image."""
    taken: dict[int, str] = {}
    for group, things in (("people", spec.people), ("hands", spec.hands), ("objects", spec.objects)):
        for thing in things:
            where = f"{group}.{thing.name}.instance"
            _require(1 <= thing.instance <= MAX_INSTANCE, where, thing.instance, f"1 to {MAX_INSTANCE}")
            _require(
                thing.instance not in taken,
                where,
                thing.instance,
                f"another one than {taken.get(thing.instance)!r} has; each needs its own",
            )
            taken[thing.instance] = thing.name


def _check_hand(hand: HandSpec, num_frames: int) -> None:
    _require(
        len(hand.pose) in (1, num_frames) and len(hand.transl) == len(hand.pose),
        f"hands.{hand.name}.pose, transl",
        (len(hand.pose), len(hand.transl)),
        f"1 of each or {num_frames}, one per frame",
    )
    _require(
        all(len(pose) == 3 * HAND_JOINTS for pose in hand.pose),
        f"hands.{hand.name}.pose",
        [len(pose) for pose in hand.pose][:4],
        f"{3 * HAND_JOINTS} numbers, the axis-angles of {HAND_JOINTS} joints",
    )


def _require(ok: bool, name: str, value, expected: str) -> None:
    if not ok:
        raise ConfigError(f"ClipSpec.{name} is {value!r}; expected {expected}.")

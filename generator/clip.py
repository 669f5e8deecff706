"""A rendered clip in memory, and the one table that says what its channels are."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from mannequin.generator.body.model import MERGE_14
from mannequin.generator.categories import category_number
from mannequin.generator.errors import unknown_name
from mannequin.generator.spec import MAX_INSTANCE, ClipSpec, ObjectSpec, category_of


@dataclass(frozen=True)
class Channel:
    """One per-pixel output. shape follows (frames, height, width)."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    unit: str
    frame: str
    background: str
    meaning: str


CHANNELS = {
    c.name: c
    for c in (
        Channel("rgb", "uint8", (3,), "sRGB", "image", "the background", "colour image"),
        Channel(
            "segm", "uint8", (), "part index 1–24", "image", "0", "body part, SURREAL's 24 names; 0 on objects too"
        ),
        Channel(
            "instance",
            "uint8",
            (),
            "instance id 1–255",
            "image",
            "0",
            "person, hand or object: the instance that the description gives it",
        ),
        Channel("depth", "float32", (), "m", "camera", "0", "planar depth z of the surface (not ray length)"),
        Channel(
            "normal",
            "float32",
            (3,),
            "unit vector",
            "camera",
            "0, 0, 0",
            "smooth surface normal; x right, y down, z forward, so z < 0 faces the camera",
        ),
        Channel(
            "flow",
            "float32",
            (2,),
            "px",
            "image",
            "0, 0",
            "(dx, dy) of the visible surface point from frame t to t + 1; x right, y down",
        ),
        Channel(
            "flow_backward",
            "float32",
            (2,),
            "px",
            "image",
            "0, 0",
            "(dx, dy) of the visible surface point from frame t to t − 1",
        ),
        Channel(
            "occluded", "uint8", (), "0 or 1", "image", "0", "1 where the point is hidden or outside the image at t + 1"
        ),
        Channel(
            "occluded_backward",
            "uint8",
            (),
            "0 or 1",
            "image",
            "0",
            "1 where the point is hidden or outside the image at t − 1",
        ),
        Channel("uv", "float32", (2,), "atlas [0, 1]", "body atlas", "0, 0", "texture coordinates; u right, v up"),
        Channel("chart", "uint8", (), "chart index 1–24", "image", "0", "DensePose-style surface chart"),
        Channel("chart_uv", "float32", (2,), "chart [0, 1]", "chart", "0, 0", "coordinates within the chart"),
    )
}
"""Every image channel a renderer can write, by name."""

DERIVED = {"segm14": "segm", "category": "instance"}
"""Channels that are computed from another when they are asked for: name → the channel it takes. ``segm14`` is
``MERGE_14[segm]``; ``category`` holds the class of each instance, numbered as in CATEGORIES from 1."""

LABELS = tuple(name for name in CHANNELS if name != "rgb")
DEFAULT_OUTPUTS = tuple(CHANNELS)
EXTRA_OUTPUTS = ("vertices",)
"""Outputs on request that are not images: posed vertices in PersonTrack.vertices."""


def class_of_instance(spec: ClipSpec) -> np.ndarray:
    """(256,) uint8: the class of every value of the instance image, numbered as in CATEGORIES from 1; else 0."""
    table = np.zeros(MAX_INSTANCE + 1, np.uint8)
    for thing in spec.things:
        table[thing.instance] = category_number(category_of(thing))
    return table


VISIBILITY = (
    "visible",
    "hidden by oneself",
    "hidden by another",
    "hidden by an object",
    "outside the image",
    "hidden",
)
"""What may be said of a joint, by its code in ``PersonView.visibility``. "another": a person, or a hand that stands
alone. The last one where it is not recorded what hides it."""

VISIBLE, BY_ONESELF, BY_ANOTHER, BY_OBJECT, OUTSIDE, HIDDEN = range(len(VISIBILITY))

UNKNOWN = -1
"""Of ``amodal_pixels``, where they are not recorded; ``amodal_box`` is zeros there."""


@dataclass(frozen=True, eq=False)
class PersonView:
    """One person, or one hand, as one camera sees them; T frames, J joints.

    joints2d: (T, J, 2) float32 pixels, x right, y down, (0, 0) the image's outer corner.
    joints_camera: (T, J, 3) float32 metres in the camera frame.
    in_frame: (T, J) bool, the joint projects into the image, in front of the camera.
    visible: (T, J) bool, in frame and not hidden by another part, person or object.
    box: (T, 4) float32 tight (x0, y0, x1, y1) pixel edges of the visible pixels; zeros if none.
    pixels: (T,) int32 visible pixels.
    visibility: (T, J) uint8, which of VISIBILITY: why a joint is not visible.
    amodal_box, amodal_pixels: as box and pixels, of all that would be seen if nothing else were there.
    """

    joints2d: np.ndarray
    joints_camera: np.ndarray
    in_frame: np.ndarray
    visible: np.ndarray
    box: np.ndarray
    pixels: np.ndarray
    visibility: np.ndarray
    amodal_box: np.ndarray
    amodal_pixels: np.ndarray


@dataclass(frozen=True, eq=False)
class ObjectView:
    """One object as one camera sees it; T frames.

    box: (T, 4) float32 tight (x0, y0, x1, y1) pixel edges of the visible pixels; zeros if none.
    pixels: (T,) int32 visible pixels.
    amodal_box, amodal_pixels: as in PersonView.
    """

    box: np.ndarray
    pixels: np.ndarray
    amodal_box: np.ndarray
    amodal_pixels: np.ndarray


def told_by_flags(in_frame: np.ndarray, visible: np.ndarray, is_alone: bool) -> np.ndarray:
    """(T, J) uint8 visibility, as far as the flags (T, J) tell it. is_alone: nothing else is in the clip."""
    hidden = np.where(visible, VISIBLE, BY_ONESELF if is_alone else HIDDEN)
    return np.where(in_frame, hidden, OUTSIDE).astype(np.uint8)


def amodal_of_one(box: np.ndarray, pixels: np.ndarray, is_alone: bool) -> tuple[np.ndarray, np.ndarray]:
    """(amodal_box, amodal_pixels) where they are not recorded. is_alone: nothing else is in the clip."""
    return (box.copy(), pixels.copy()) if is_alone else (np.zeros_like(box), np.full_like(pixels, UNKNOWN))


def visible_share(pixels: np.ndarray, amodal_pixels: np.ndarray) -> np.ndarray:
    """(T,) float64: what share is seen of what would be seen if nothing else were there; NaN if nothing would be, or
    it is not recorded."""
    known = amodal_pixels > 0
    return np.where(known, pixels / np.where(known, amodal_pixels, 1), np.nan)


@dataclass(frozen=True, eq=False)
class PersonTrack:
    """One person, or a hand that stands alone, in the world; T frames, J joints, V vertices.

    pose: (T, J, 3) float32 axis-angles, SMPL order (a hand's: MANO's), pose[:, 0] is global_orient
    (it takes the Y-up model frame to the Z-up world). betas: (S,) float32. transl: (T, 3) float32
    metres, as SMPL's ``transl``. joints: (T, J, 3) float32 world metres. gender, body: names; the
    gender of a hand is its side. joint_names: those of the J joints, which tell the kind too.
    vertices: (T, V, 3) float32 world metres, clothes included, or None when not asked for.
    """

    body: str
    gender: str
    pose: np.ndarray
    betas: np.ndarray
    transl: np.ndarray
    joints: np.ndarray
    joint_names: tuple[str, ...]
    vertices: np.ndarray | None = None

    @property
    def kind(self) -> Literal["body", "hand"]:
        """A whole body has a pelvis."""
        return "body" if "pelvis" in self.joint_names else "hand"


@dataclass(frozen=True, eq=False)
class ObjectTrack:
    """One object in the world; T frames.

    T_world_object: (T, 4, 4) float64, takes the mesh, once scaled, to world metres.
    mesh: name of its mesh. category: one of CATEGORIES. scale: (3,) float64.
    """

    mesh: str
    category: str
    instance: int
    scale: np.ndarray
    T_world_object: np.ndarray


def described_track(thing: ObjectSpec, num_frames: int) -> ObjectTrack:
    """Where ``thing`` is at each frame, by its description."""
    poses = np.broadcast_to(np.asarray(thing.T_world_object, np.float64), (num_frames, 4, 4)).copy()
    return ObjectTrack(thing.mesh, thing.category, thing.instance, np.asarray(thing.scale, np.float64), poses)


@dataclass(frozen=True, eq=False)
class Foreground:
    """The label images of T frames of H × W pixels, kept only where there is a surface.

    pixels: (N,) uint32 flat indices y * W + x, ascending within a frame.
    offsets: (T + 1,) int64; frame t owns entries offsets[t]:offsets[t + 1].
    values: channel name → (N, …) array of CHANNELS[name].dtype. Elsewhere a channel holds 0.
    """

    resolution: tuple[int, int]
    offsets: np.ndarray
    pixels: np.ndarray
    values: dict[str, np.ndarray]

    def __post_init__(self):
        n = len(self.pixels)
        for name, value in self.values.items():
            want = (n,) + CHANNELS[name].shape
            if value.shape != want or value.dtype != CHANNELS[name].dtype:
                raise ValueError(
                    f"Channel {name!r} is {value.dtype} {value.shape}; expected {CHANNELS[name].dtype} {want}."
                )

    @property
    def num_frames(self) -> int:
        return len(self.offsets) - 1

    def frame(self, name: str, t: int) -> np.ndarray:
        """(H, W, …) image of channel ``name`` at frame ``t``."""
        part = slice(self.offsets[t], self.offsets[t + 1])
        value = self.values[name]
        image = np.zeros((self.resolution[0] * self.resolution[1],) + value.shape[1:], value.dtype)
        image[self.pixels[part]] = value[part]
        return image.reshape(self.resolution + value.shape[1:])

    def mask(self, t: int) -> np.ndarray:
        """(H, W) bool, where frame ``t`` shows a surface."""
        image = np.zeros(self.resolution, bool)
        image.reshape(-1)[self.pixels[self.offsets[t] : self.offsets[t + 1]]] = True
        return image


@dataclass(frozen=True, eq=False)
class View:
    """What one camera recorded.

    K: (T, 3, 3) float64 pixels. T_world_camera: (T, 4, 4) float64, determinant +1.
    rgb: (T, H, W, 3) uint8 sRGB, or None when not asked for.
    labels: all other image channels. people, hands: name → PersonView. objects: name → ObjectView.
    amodal: name of whom or what it is → the pixels in which it would be seen if nothing else were there, without
    channels; of all of which that is known.
    """

    K: np.ndarray
    T_world_camera: np.ndarray
    rgb: np.ndarray | None
    labels: Foreground
    people: dict[str, PersonView]
    hands: dict[str, PersonView] = field(default_factory=dict)
    objects: dict[str, ObjectView] = field(default_factory=dict)
    amodal: dict[str, Foreground] = field(default_factory=dict)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the image channels present, in the order of CHANNELS."""
        return tuple(n for n in CHANNELS if n in self.labels.values or (n == "rgb" and self.rgb is not None))

    def frame(self, name: str, t: int) -> np.ndarray:
        """(H, W, …) image of channel ``name`` at frame ``t``; "segm14" is merged from "segm"."""
        if name == "rgb" and self.rgb is not None:
            return self.rgb[t]
        if name == "segm14" and "segm" in self.labels.values:
            return MERGE_14[self.labels.frame("segm", t)]
        if name not in self.labels.values:
            raise unknown_name("channel", name, self.channels)
        return self.labels.frame(name, t)

    def images(self, name: str) -> np.ndarray:
        """(T, H, W, …) images of channel ``name``."""
        return np.stack([self.frame(name, t) for t in range(self.labels.num_frames)])


@dataclass(frozen=True, eq=False)
class Clip:
    """A rendered clip.

    views: camera name → View. people, hands: name → PersonTrack. objects: name → ObjectTrack.
    agreement: what Cycles and the rasteriser disagreed on, per measure, worst frame first; empty
    where only one renderer ran. versions: software that made it.
    """

    spec: ClipSpec
    views: dict[str, View]
    people: dict[str, PersonTrack]
    agreement: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    hands: dict[str, PersonTrack] = field(default_factory=dict)
    objects: dict[str, ObjectTrack] = field(default_factory=dict)

    def __post_init__(self):
        t, (h, w) = self.spec.num_frames, self.spec.resolution
        for camera, view in self.views.items():
            if view.labels.num_frames != t or view.labels.resolution != (h, w):
                raise ValueError(
                    f"Camera {camera!r} has {view.labels.num_frames} frames of {view.labels.resolution}; "
                    f"expected {t} of {(h, w)}."
                )
            if view.rgb is not None and view.rgb.shape != (t, h, w, 3):
                raise ValueError(f"Camera {camera!r} has rgb of shape {view.rgb.shape}; expected {(t, h, w, 3)}.")
        for name, track in self.objects.items():
            if track.T_world_object.shape != (t, 4, 4):
                raise ValueError(
                    f"Object {name!r} has T_world_object of shape {track.T_world_object.shape}; expected {(t, 4, 4)}."
                )

    def frame(self, camera: str, name: str, t: int) -> np.ndarray:
        """(H, W, …) image of channel ``name``, those of DERIVED too, at frame ``t``."""
        view = self.views[camera]
        if name == "category" and "instance" in view.channels:
            return class_of_instance(self.spec)[view.frame("instance", t)]
        return view.frame(name, t)

    def images(self, camera: str, name: str) -> np.ndarray:
        """(T, H, W, …) images of channel ``name``, as in ``frame``."""
        return np.stack([self.frame(camera, name, t) for t in range(self.spec.num_frames)])

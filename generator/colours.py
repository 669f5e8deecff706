"""The colour that every channel has in a picture, and the legend that says what it means.

One rule per channel, for pictures, films, the viewer and the report alike. The default colours were
searched for colour-blind readers: see :data:`_PARTS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np

from mannequin.generator.body.model import PARTS, PARTS_14, SMPL_JOINTS, SMPLH_JOINTS
from mannequin.generator.clip import CHANNELS
from mannequin.generator.errors import ConfigError, unknown_name

PALETTES = ("default", "surreal")
DRAWN = (*CHANNELS, "segm14")
"""The channels that :func:`colourise` knows."""

_PARTS = {
    "hips": (202, 249, 216),
    "leftUpLeg": (255, 211, 35),
    "rightUpLeg": (12, 173, 255),
    "spine": (140, 137, 147),
    "leftLeg": (255, 133, 106),
    "rightLeg": (120, 68, 143),
    "spine1": (0, 105, 21),
    "leftFoot": (232, 3, 118),
    "rightFoot": (0, 78, 213),
    "spine2": (232, 244, 179),
    "leftToeBase": (179, 128, 0),
    "rightToeBase": (54, 216, 214),
    "neck": (96, 87, 93),
    "leftShoulder": (183, 0, 14),
    "rightShoulder": (218, 130, 255),
    "head": (160, 195, 158),
    "leftArm": (232, 159, 14),
    "rightArm": (163, 252, 255),
    "leftForeArm": (255, 230, 150),
    "rightForeArm": (140, 102, 162),
    "leftHand": (192, 62, 71),
    "rightHand": (58, 113, 251),
    "leftHandIndex1": (255, 180, 74),
    "rightHandIndex1": (208, 191, 255),
}
"""Of the 24 parts. The left side is warm, the right side cool, the trunk green to grey.

Found by annealing: parts that touch on the mesh, left and right counterparts, and parts that touch
after the merge to 14 differ by 32 or more in CIELAB (ΔE*ab), to the normal eye and to eyes without
red, green or blue cones (protanopia, deuteranopia, tritanopia; simulated after Machado et al. 2009,
severity 1). Any two parts differ by 10 or more.
"""

_MAIN_OF_14 = {
    "head": "head",
    "torso": "spine1",
    "UpperArm": "Arm",
    "ForeArm": "ForeArm",
    "Hand": "Hand",
    "Thigh": "UpLeg",
    "Shin": "Leg",
    "Foot": "Foot",
}
"""Part of 14 → the part of 24 whose colour it has, without the side."""

_CHARTS = (
    ("torso back", (0, 105, 2)),
    ("torso front", (191, 252, 202)),
    ("right hand", (195, 212, 255)),
    ("left hand", (184, 73, 97)),
    ("left foot", (178, 12, 65)),
    ("right foot", (90, 194, 198)),
    ("right thigh back", (117, 71, 137)),
    ("left thigh back", (255, 113, 172)),
    ("right thigh front", (127, 255, 255)),
    ("left thigh front", (255, 72, 99)),
    ("right shin back", (85, 66, 202)),
    ("left shin back", (186, 141, 0)),
    ("right shin front", (164, 143, 255)),
    ("left shin front", (255, 221, 47)),
    ("left upper arm lower", (252, 169, 0)),
    ("right upper arm lower", (197, 164, 255)),
    ("left upper arm upper", (147, 57, 102)),
    ("right upper arm upper", (36, 109, 250)),
    ("left forearm lower", (255, 230, 150)),
    ("right forearm lower", (71, 154, 153)),
    ("left forearm upper", (192, 0, 14)),
    ("right forearm upper", (106, 71, 160)),
    ("head right", (134, 105, 202)),
    ("head left", (255, 197, 93)),
)
"""Of the 24 surface charts: name and colour, by the same rules; touching charts differ by 27 or more."""

OKABE_ITO = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167))
"""Colours of people and objects, in turn. Source: Okabe and Ito 2002, made for colour-blind readers."""

JOINTS = {"left": (230, 159, 0), "right": (86, 180, 233), "middle": (240, 240, 240)}
"""Colours of joints and bones by the person's side."""

SEEN, HIDDEN = (120, 120, 120), (213, 94, 0)
"""Colours of pixels in the occlusion channels."""

_UNSEEN = 24
"""Darkest entries of viridis that depth leaves out: they are hardly told from the black background."""

_NARROWEST = {"depth": 0.05, "flow": 0.5}
"""Least span of colours that are fitted to a picture, in the channel's unit: less is no more than noise."""


@dataclass(frozen=True)
class Style:
    """What may be chosen about colours.

    palette: of the parts, one of PALETTES. depth: (nearest, farthest) metres that the colours span.
    flow: pixels at which a colour is fully saturated. None: fitted to the picture.
    Raises ConfigError for what cannot be.
    """

    palette: str = "default"
    depth: tuple[float, float] | None = None
    flow: float | None = None

    def __post_init__(self):
        if self.palette not in PALETTES:
            raise unknown_name("palette", self.palette, PALETTES)
        if self.depth is not None and not (np.isfinite(self.depth).all() and 0 <= self.depth[0] < self.depth[1]):
            raise ConfigError(
                f"The depth range is {self.depth[0]:g} to {self.depth[1]:g} m; expected the nearest, then the "
                "farthest, in metres from 0."
            )
        if self.flow is not None and not (np.isfinite(self.flow) and self.flow > 0):
            raise ConfigError(f"The flow range is {self.flow:g} px; expected more than 0.")


@dataclass(frozen=True)
class Swatches:
    """entries: (name, sRGB colour) of each value, in order."""

    entries: tuple[tuple[str, tuple[int, int, int]], ...]


@dataclass(frozen=True, eq=False)
class Bar:
    """colours: (N, 3) uint8, evenly from value ``low`` to value ``high`` in ``unit``."""

    low: float
    high: float
    unit: str
    colours: np.ndarray


@dataclass(frozen=True, eq=False)
class Wheel:
    """picture: (n, n, 3) uint8, a disc: a vector from the middle has the colour below its tip.

    The rim is ``longest`` in ``unit``. Black beyond it.
    """

    longest: float
    unit: str
    picture: np.ndarray


@dataclass(frozen=True, eq=False)
class Key:
    """picture: (n, n, 3) uint8, the colours where they occur. labels: (side, text) of it.

    side: "left", "right", "above", "below" or "middle".
    """

    picture: np.ndarray
    labels: tuple[tuple[str, str], ...]


Legend = Swatches | Bar | Wheel | Key


def part_colours(palette: str = "default", parts: int = 24) -> np.ndarray:
    """(parts + 1, 3) uint8 sRGB; row 0 is the background, black. parts: 24 or 14.

    "surreal": SURREAL has no table of colours of its own that we know of. This is "jet" over the
    values 0…parts, the map of MATLAB and old matplotlib in which its segmentations are commonly
    shown. It is not made for colour-blind readers.
    """
    if palette not in PALETTES:
        raise unknown_name("palette", palette, PALETTES)
    if parts not in (24, 14):
        raise ConfigError(f"There are no colours for {parts} parts; expected 24 or 14.")
    if palette == "surreal":
        colours = _jet(parts)
    else:
        colours = [_PARTS[name] for name in (PARTS if parts == 24 else map(_main_part, PARTS_14))]
    return np.array([(0, 0, 0), *colours], np.uint8)


def _jet(count: int) -> list[tuple[int, ...]]:
    """Colours of the values 1…count of 0…count. Source: the piecewise linear definition of MATLAB's jet."""
    x = np.arange(1, count + 1)[:, None] / count
    return np.round(255 * np.clip(1.5 - np.abs(4 * x - (3, 2, 1)), 0, 1)).astype(int).tolist()


def _main_part(name: str) -> str:
    """The part of 24 that lends its colour to the part ``name`` of 14."""
    side = next((s for s in ("left", "right") if name.startswith(s)), "")
    return side + _MAIN_OF_14[name.removeprefix(side)]


def chart_colours() -> np.ndarray:
    """(25, 3) uint8 sRGB of the surface charts; row 0 is the background, black."""
    return np.array([(0, 0, 0), *(colour for _, colour in _CHARTS)], np.uint8)


def instance_colours(count: int) -> np.ndarray:
    """(count + 1, 3) uint8 sRGB of people and objects; row 0 is the background, black."""
    return np.array([(0, 0, 0), *(OKABE_ITO[i % len(OKABE_ITO)] for i in range(count))], np.uint8)


def joint_colours(count: int) -> np.ndarray:
    """(count, 3) uint8 sRGB of the joints of SMPL (24) or SMPL-H (52), and of the bones that end in them."""
    names = SMPL_JOINTS if count == len(SMPL_JOINTS) else SMPLH_JOINTS
    return np.array([JOINTS.get(name.split("_")[0], JOINTS["middle"]) for name in names], np.uint8)


def depth_colours() -> np.ndarray:
    """(N, 3) uint8 sRGB, viridis from near (bright) to far (dark). It is perceptually uniform."""
    levels = np.arange(255, _UNSEEN - 1, -1, dtype=np.uint8)[:, None]
    return cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB)[:, 0]


def fitted(style: Style, depth: np.ndarray | None = None, flow: np.ndarray | None = None) -> Style:
    """``style`` with what it leaves open fitted to values: depth (N,) metres, flow (N, 2) pixels.

    Give those of a whole film, and its colours keep their meaning. What is not given stays open.
    """
    near_far, longest = style.depth, style.flow
    if near_far is None and depth is not None:
        low, high = (float(v) for v in np.percentile(depth, (1, 99))) if len(depth) else (0.0, 0.0)
        near_far = low, max(high, low + _NARROWEST["depth"])
    if longest is None and flow is not None:
        longest = max(float(np.percentile(np.linalg.norm(flow, axis=-1), 99)) if len(flow) else 0.0, _NARROWEST["flow"])
    return Style(style.palette, near_far, longest)


def colourise(image: np.ndarray, mask: np.ndarray, name: str, style: Style = Style()) -> np.ndarray:
    """(H, W, 3) uint8 sRGB picture of channel ``name`` (one of DRAWN), black where nothing is.

    image: (H, W, …) of the channel's type. mask: (H, W) bool, where there is a surface.
    Raises ConfigError for an unknown channel.
    """
    if name == "rgb":
        return image
    if name in _TABLES:
        table = _TABLES[name](style, image)
        return table[np.minimum(image, len(table) - 1)]
    if name not in _RULES:
        raise unknown_name("channel", name, DRAWN)
    colours = np.zeros(mask.shape + (3,), np.uint8)
    colours[mask] = _RULES[name](image[mask], _fitted_to(image, mask, name, style))
    return colours


def legend(
    name: str, style: Style = Style(), image=None, mask=None, names: Mapping[int, str] = MappingProxyType({})
) -> Legend | None:
    """What the colours of :func:`colourise` mean for the same arguments; None for rgb. "joints" and
    "amodal" have one too.

    names: value in the channel "instance" → name of whom or what it is. image and mask are needed only where
    ``style`` leaves a range to the picture, or nothing names the instances.
    """
    if name in ("segm", "segm14"):
        labels = PARTS if name == "segm" else PARTS_14
        return _swatches(labels, part_colours(style.palette, len(labels))[1:])
    if name == "chart":
        return Swatches(_CHARTS)
    if name == "joints":
        return Swatches((*JOINTS.items(), ("hollow: hidden", (0, 0, 0))))
    if name == "amodal":
        people = _swatches(names.values(), instance_colours(max(names, default=0))[list(names)])
        return Swatches((*people.entries, ("hatched: hidden", (0, 0, 0))))
    if name == "instance":
        seen = set() if image is None else {int(i) for i in np.unique(image)} - {0}
        values = sorted(seen | set(names))
        return _swatches([names.get(i, str(i)) for i in values], instance_colours(max(values, default=0))[values])
    if name.startswith("occluded"):
        when = "t - 1" if name.endswith("backward") else "t + 1"
        return Swatches(((f"seen at {when}", SEEN), ("hidden or outside", HIDDEN)))
    if name == "rgb":
        return None
    if name not in _RULES:
        raise unknown_name("channel", name, DRAWN)
    style = _fitted_to(image, mask, name, style)
    if name == "depth":
        assert style.depth is not None  # fitted above
        return Bar(*style.depth, "m", depth_colours())
    if name.startswith("flow"):
        assert style.flow is not None  # fitted above
        return Wheel(style.flow, "px", _disc(_flow, style, scale=style.flow))
    if name == "normal":
        return Key(
            _disc(_normal, style),
            (("left", "left"), ("right", "right"), ("above", "up"), ("below", "down"), ("middle", "to you")),
        )
    return Key(_uv_square(style), (("below", "u"), ("left", "v")))


def _swatches(names, colours) -> Swatches:
    return Swatches(tuple((str(n), (int(r), int(g), int(b))) for n, (r, g, b) in zip(names, colours, strict=True)))


def _fitted_to(image, mask, name: str, style: Style) -> Style:
    """``style`` with the range that channel ``name`` needs, from the picture if need be."""
    key = name.removesuffix("_backward")
    if key not in ("depth", "flow") or getattr(style, key) is not None:
        return style
    if image is None:
        raise ValueError(
            f"The colours of {name} depend on the picture; give image and mask, or a style that says {key}."
        )
    return fitted(style, **{key: image[mask]})


def _depth(depth: np.ndarray, style: Style) -> np.ndarray:
    """(N,) metres → (N, 3) uint8."""
    assert style.depth is not None  # _fitted_to leaves none open
    colours, (low, high) = depth_colours(), style.depth
    return colours[np.rint(np.clip((depth - low) / (high - low), 0, 1) * (len(colours) - 1)).astype(int)]


def _flow(flow: np.ndarray, style: Style) -> np.ndarray:
    """(N, 2) pixels → (N, 3) uint8: direction is hue (0° right, 90° down), length is saturation; rest is white."""
    hue = np.degrees(np.arctan2(flow[:, 1], flow[:, 0])) % 360
    saturation = np.clip(np.linalg.norm(flow, axis=1) / style.flow, 0, 1)
    hsv = np.stack([hue, saturation, np.ones_like(hue)], -1).astype(np.float32)
    return (
        np.rint(255 * cv2.cvtColor(hsv[None], cv2.COLOR_HSV2RGB)[0]).astype(np.uint8)
        if len(hsv)
        else np.zeros((0, 3), np.uint8)
    )


def _normal(normal: np.ndarray, style: Style) -> np.ndarray:
    """(N, 3) camera axes → (N, 3) uint8: red to the right, green upwards, blue towards the camera."""
    return np.rint(127.5 * (np.clip(normal, -1, 1) * (1, -1, -1) + 1)).astype(np.uint8)


def _uv(uv: np.ndarray, style: Style) -> np.ndarray:
    """(N, 2) in [0, 1] → (N, 3) uint8: u is red, v is green."""
    return np.rint(255 * np.clip(np.insert(uv, 2, 0.4, axis=1), 0, 1)).astype(np.uint8)


def _disc(rule, style: Style, scale: float = 1.0, size: int = 129) -> np.ndarray:
    """(size, size, 3) uint8: the colours of vectors from the middle, ``scale`` long at the rim.

    For normals the vector is that of a ball's surface: its third component makes it a unit vector.
    """
    y, x = (np.mgrid[:size, :size] + 0.5) / size * 2 - 1
    inside = x**2 + y**2 <= 1
    vectors = scale * np.stack([x, y], -1)[inside]
    if rule is _normal:
        vectors = np.insert(vectors, 2, -np.sqrt(np.maximum(1 - (vectors**2).sum(1), 0)), axis=1)
    picture = np.zeros((size, size, 3), np.uint8)
    picture[inside] = rule(vectors, style)
    return picture


def _uv_square(style: Style, size: int = 129) -> np.ndarray:
    """(size, size, 3) uint8: u to the right, v upwards."""
    v, u = (np.mgrid[:size, :size] + 0.5) / size
    return _uv(np.stack([u, 1 - v], -1).reshape(-1, 2), style).reshape(size, size, 3)


_TABLES = {
    "segm": lambda style, image: part_colours(style.palette, 24),
    "segm14": lambda style, image: part_colours(style.palette, 14),
    "chart": lambda style, image: chart_colours(),
    "instance": lambda style, image: instance_colours(int(image.max(initial=0))),
}
"""Channels whose values index a table of colours."""

_RULES = {
    "depth": _depth,
    "normal": _normal,
    "flow": _flow,
    "flow_backward": _flow,
    "occluded": lambda hidden, style: np.array((SEEN, HIDDEN), np.uint8)[hidden],
    "occluded_backward": lambda hidden, style: np.array((SEEN, HIDDEN), np.uint8)[hidden],
    "uv": _uv,
    "chart_uv": _uv,
}
"""Channels whose colour is computed: (values at the surface, style) → (N, 3) uint8."""

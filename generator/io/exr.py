"""OpenEXR images whose colour is not simply in R, G and B of the first part: found by the names of channels."""

import io
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from mannequin.generator.io import limits

COLOUR = ("", "composite.combined", "combined", "beauty", "rgba", "rgb", "color", "colour", "image")
"""Ends of the name of the layer that shows what a camera sees, best first: none, Blender's, other renderers'."""

_CHANNELS = {"r": "R", "red": "R", "g": "G", "green": "G", "b": "B", "blue": "B"}
_CHANNEL_BYTES = 4
_MOST_CHANNELS = 1024


@dataclass(frozen=True)
class Layer:
    """Channels that belong together. part: index; name: with that of the part; channels: "R", "G", "B" (or "Y" for
    all three) → name in the file."""

    part: int
    name: str
    channels: dict[str, str]


@dataclass(frozen=True)
class Head:
    """What an EXR file says of itself. names: of all channels. data, display: windows of the layer's part as (left,
    top, right, bottom), the last pixel included. envmap: "latlong", "cube" or ""."""

    layer: Layer
    names: tuple[str, ...]
    data: tuple[int, int, int, int]
    display: tuple[int, int, int, int]
    envmap: str

    @property
    def is_plain(self) -> bool:
        """Whether simple readers find the colour: R, G, B of the first part, whose data fills what is displayed."""
        return self.layer.part == 0 and self.layer.channels in _PLAIN and self.data == self.display

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of what is displayed."""
        left, top, right, bottom = self.display
        return bottom - top + 1, right - left + 1


_PLAIN = ({c: c for c in "RGB"}, dict.fromkeys("RGB", "Y"))


def read_head(data: bytes) -> Head:
    """Raises ValueError for a file that is damaged, too large, or without one layer of colour that can be told."""
    parts = _opened(data, header_only=True).parts
    names, bytes_, windows = [], 0, []
    for part in parts:
        header = part.header
        channels = [channel.name for channel in header["channels"]]
        if len(channels) > _MOST_CHANNELS:
            raise ValueError(f"it has {len(channels)} channels")
        left_top, right_bottom = header["dataWindow"]
        width, height = (int(v) + 1 for v in np.subtract(right_bottom, left_top, dtype=np.int64))
        if not (0 < width and 0 < height and width * height <= limits.IMAGE_PIXELS):
            raise ValueError(f"it is {width} × {height} pixels; at most {limits.IMAGE_PIXELS} in all are read")
        bytes_ += 3 * _CHANNEL_BYTES * width * height * len(channels)
        names.append((str(header.get("name", "")), channels, header["channels"]))
        windows.append((_window(header["dataWindow"]), _window(header["displayWindow"]), header))
    room = limits.room(len(data))
    if bytes_ > room:
        raise ValueError(f"its channels take {bytes_} bytes of memory; of {len(data)} bytes at most {room} are read")
    layer = choose_layer([(name, channels) for name, channels, _ in names])
    shown = tuple(f"{name}: {c}" if name else c for name, channels, _ in names for c in channels)
    for channel in names[layer.part][2]:
        if channel.name in layer.channels.values() and (channel.xSampling, channel.ySampling) != (1, 1):
            raise ValueError(f"its channel {channel.name} holds every {channel.xSampling}th pixel; expected all")
    data_window, display, header = windows[layer.part]
    kind = str(header.get("envmap", "")).rpartition(".")[2].lower()
    envmap = "cube" if "cube" in kind else "latlong" if "lat" in kind else ""
    return Head(layer, shown, data_window, display, envmap)


def read_layer(data: bytes, head: Head) -> np.ndarray:
    """(H, W, 3) float32 of what is displayed of the layer of ``head``; 0 where the file has no data."""
    parts = _opened(data, header_only=False).parts
    wanted = [head.layer.channels[c] for c in "RGB"]
    channels = parts[head.layer.part].channels if head.layer.part < len(parts) else {}
    left, top, right, bottom = head.data
    shape = bottom - top + 1, right - left + 1
    if any(name not in channels or channels[name].pixels.shape != shape for name in wanted):
        raise ValueError("its pixels are not what its header says; it may be damaged or cut short")
    height, width = head.size
    left, top = (head.data[k] - head.display[k] for k in (0, 1))
    image = np.zeros((height, width, 3), np.float32)
    for k, name in enumerate(wanted):
        values = channels[name].pixels
        y, x = (max(0, top), max(0, left))
        inner = values[max(0, -top) : height - top, max(0, -left) : width - left]
        image[y : y + inner.shape[0], x : x + inner.shape[1], k] = inner
    return image


def choose_layer(parts: list[tuple[str, list[str]]]) -> Layer:
    """The layer of colour among (part's name, channels). Raises ValueError, naming the channels, where none or several
    may be it."""
    layers = [layer for k, (name, channels) in enumerate(parts) for layer in _layers(k, name, channels)]
    if len(layers) > 1:
        ranked = sorted(layers, key=lambda layer: (_rank(layer), layer.part))
        layers = [layer for layer in ranked if _rank(layer) == _rank(ranked[0])]
        if _rank(layers[0]) < len(COLOUR) and len({layer.name for layer in layers}) == 1:
            layers = layers[:1]
    if len(layers) != 1:
        held = ", ".join(f"{name}: {c}" if name else c for name, channels in parts for c in channels)[:1000]
        several = f"colour in several layers ({', '.join(layer.name for layer in layers)})"
        raise ValueError(
            f"it has {several if layers else 'no channels R, G and B'}; its channels are {held or 'none'}. Save the "
            "layer that shows the surroundings as R, G, B"
        )
    return layers[0]


def _layers(part: int, part_name: str, channels: list[str]) -> list[Layer]:
    groups: dict[str, dict[str, str]] = defaultdict(dict)
    for channel in channels:
        layer, _, last = channel.rpartition(".")
        if last.lower() in _CHANNELS:
            groups[layer].setdefault(_CHANNELS[last.lower()], channel)
        elif last == "Y" and "RY" not in channels:
            groups[layer].setdefault("Y", channel)
    found = []
    for name, group in groups.items():
        own = ".".join(filter(None, (part_name, name)))
        if set("RGB") <= set(group):
            found.append(Layer(part, own, {c: group[c] for c in "RGB"}))
        elif set(group) == {"Y"} and not any(c.lower() in (f"{name}.x".lower().lstrip("."), "x") for c in channels):
            found.append(Layer(part, own, dict.fromkeys("RGB", group["Y"])))
    return found


def _rank(layer: Layer) -> int:
    """Place among the names of layers that show what a camera sees."""
    parts = layer.name.lower().split(".")
    ends = (".".join(parts[-2:]), parts[-1])
    return next((k for k, name in enumerate(COLOUR) if name in ends), len(COLOUR))


def _opened(data: bytes, header_only: bool) -> Any:
    import OpenEXR

    try:
        return OpenEXR.File(io.BytesIO(data), separate_channels=True, header_only=header_only, num_threads=0)
    except Exception as e:  # the library's errors come as RuntimeError, TypeError or ValueError
        raise ValueError(f"OpenEXR says: {str(e)[:200]}") from e


def _window(box) -> tuple[int, int, int, int]:
    (left, top), (right, bottom) = box
    return int(left), int(top), int(right), int(bottom)

"""What a browser may say to the viewer: five kinds of messages, each of a fixed form; the rest is dropped.

viser itself would take any of its 150 kinds from anybody: uploads, requests to publish the server, new values for
every attribute of an input.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import viser

LONGEST_MESSAGE = 64 * 1024
"""Bytes of a message; those of our pages have a few hundred. A connection that sends a longer one is closed."""

LONGEST_TEXT = 1000
"""Characters typed into a field."""

LARGEST = 1e9
"""No number that a page sends is larger."""

RATE, BURST = 200.0, 400.0
"""Messages read of one browser per second, and at once. A drag sends about 50 a second; what is more waits."""

THREE = tuple[float, float, float]


class _Camera(msgspec.Struct, tag_field="type", tag="ViewerCameraMessage", forbid_unknown_fields=True):
    wxyz: tuple[float, float, float, float]
    position: THREE
    fov: float
    near: float
    far: float
    image_height: int
    image_width: int
    look_at: THREE
    up_direction: THREE

    def makes_sense(self) -> bool:
        """Whether it is the camera of a window."""
        return min(self.image_height, self.image_width) > 0 and any(self.wxyz) and any(self.up_direction)


class _Click(msgspec.Struct, tag_field="type", tag="SceneNodeClickMessage", forbid_unknown_fields=True):
    name: str
    instance_index: int | None
    ray_origin: THREE
    ray_direction: THREE
    screen_pos: tuple[float, float]
    modifier: str | None
    owner: str = ""

    def makes_sense(self) -> bool:
        """Whether it points anywhere."""
        return any(self.ray_direction)


class _Input(msgspec.Struct, forbid_unknown_fields=True):
    value: bool | int | float | str


class _Update(msgspec.Struct, tag_field="type", tag="GuiUpdateMessage", forbid_unknown_fields=True):
    uuid: str
    updates: _Input

    def makes_sense(self) -> bool:
        """See :func:`is_offered`."""
        return True


class _Command(msgspec.Struct, tag_field="type", tag="CommandTriggerMessage", forbid_unknown_fields=True):
    uuid: str

    def makes_sense(self) -> bool:
        """Always."""
        return True


class _Stored(msgspec.Struct, tag_field="type", tag="LocalStorageGetItemResponseMessage", forbid_unknown_fields=True):
    value: str | None
    error: str | None
    request_uuid: str

    def makes_sense(self) -> bool:
        """Always."""
        return True


KINDS = (_Camera, _Click, _Update, _Command, _Stored)
_DECODER = msgspec.msgpack.Decoder(_Camera | _Click | _Update | _Command | _Stored)


def is_expected(raw: bytes | str) -> bool:
    """Whether ``raw`` is a message that a page of ours may send."""
    if not isinstance(raw, bytes):
        return False
    try:
        message = _DECODER.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return False
    return message.makes_sense() and all(abs(x) <= LARGEST for x in _numbers(message))  # NaN is not


def is_offered(handle, value) -> bool:
    """Whether the input ``handle`` of viser offers ``value``."""
    if isinstance(handle, viser.GuiDropdownHandle | viser.GuiButtonGroupHandle):
        return value in handle.options
    if isinstance(handle, viser.GuiCheckboxHandle | viser.GuiButtonHandle):
        return isinstance(value, bool)
    if isinstance(handle, viser.GuiTextHandle):
        return isinstance(value, str) and len(value) <= LONGEST_TEXT
    if isinstance(handle, viser.GuiSliderHandle | viser.GuiNumberHandle):
        low, high = (-math.inf if handle.min is None else handle.min), (math.inf if handle.max is None else handle.max)
        return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    return False


@dataclass
class Allowance:
    """How many messages one browser may send. left: those at once, at ``time`` (seconds)."""

    time: float
    left: float = BURST

    def wait(self, now: float) -> float:
        """Seconds to wait before the next message, which is counted, may be read."""
        self.left = min(BURST, self.left + (now - self.time) * RATE) - 1
        self.time = now
        return max(0.0, -self.left / RATE)


def _numbers(message) -> Iterator[float]:
    """All the numbers in ``message``."""
    if isinstance(message, int | float):
        yield message
    elif isinstance(message, tuple):
        for item in message:
            yield from _numbers(item)
    elif isinstance(message, msgspec.Struct):
        yield from _numbers(tuple(getattr(message, name) for name in message.__struct_fields__))

"""Which frame is due while a clip plays."""

from dataclasses import dataclass

SPEEDS = {"1/10": 0.1, "1/4": 0.25, "1/2": 0.5, "1": 1.0, "2": 2.0, "every frame": None}
"""Multiples of the clip's own pace. None: every frame in its turn, as fast as they arrive."""


@dataclass(frozen=True)
class Playback:
    """A clip of ``frames`` at ``fps`` that was at frame ``first`` when the time was ``start`` (seconds).

    speed: as in SPEEDS. What cannot be shown in time is passed over, so that nothing queues up.
    """

    frames: int
    fps: float
    first: int
    start: float
    speed: float | None
    loop: bool

    def frame(self, now: float, shown: int) -> int:
        """The frame due at ``now``, when ``shown`` is on the screen."""
        step = 1 if self.speed is None else int((now - self.start) * self.fps * self.speed + 1e-6)
        t = (shown if self.speed is None else self.first) + step
        return t % self.frames if self.loop else min(t, self.frames - 1)

    def wait(self, now: float) -> float:
        """Seconds until the next frame is due."""
        if self.speed is None:
            return 0.0
        pace = self.fps * self.speed
        due = int((now - self.start) * pace + 1e-6) + 1
        return max(0.0, self.start + due / pace - now)

    def ends(self, t: int) -> bool:
        """Whether the playing is over at frame ``t``."""
        return not self.loop and t >= self.frames - 1

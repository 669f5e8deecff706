"""The picture against pictures rendered again: of the same frame, of its neighbours, and mirrored.

Renderers shade people differently, but lay the same background behind them. So the picture must
show background where its own frame has some, and a neighbouring or mirrored one has not.
"""

import cv2
import numpy as np

from mannequin.renderers.validation.table import Finding

VISIBLE = 24
"""Of 255: alternatives are compared where they differ by more in a colour channel."""

ENOUGH = 30
"""Pixels that must differ visibly for a comparison."""


class Comparison:
    """Sums, over the frames of one camera, how far the picture is from two alternatives."""

    def __init__(self, check: str):
        self.check, self.pixels, self.apart, self.other = check, 0, 0.0, 0.0

    def add(self, rgb: np.ndarray, again: np.ndarray, alternative: np.ndarray, where: np.ndarray) -> None:
        """rgb, again (what it should be), alternative (what it must not be): (H, W, 3) uint8.

        where: (H, W) bool, pixels to compare.
        """
        a, b, c = (image[where].astype(float) for image in (rgb, again, alternative))
        differs = np.abs(b - c).max(-1) > VISIBLE
        self.pixels += int(differs.sum())
        self.apart += float(np.abs(a - b)[differs].sum())
        self.other += float(np.abs(a - c)[differs].sum())

    def findings(self) -> list[Finding]:
        """The distance to the right picture over that to the wrong one; none where too little differs."""
        if self.pixels < ENOUGH:
            return []
        return [Finding(self.check, self.apart / max(self.other, 1e-9), 1.0, "ratio")]


def order_findings(rgb: np.ndarray, again: dict[int, tuple[np.ndarray, np.ndarray]], frames) -> list[Finding]:
    """The picture belongs to its frame and is not mirrored.

    rgb: (T, H, W, 3) pictures of one camera. again: frame → ((H, W, 3) picture, (H, W) bool
    foreground) rendered again, for ``frames`` and their neighbours. Beside a contour a picture of few samples tells
    little: only what lies a pixel away from the frame's own foreground tells it from its neighbours.
    """
    before, after = Comparison("picture is of its frame"), Comparison("picture is of its frame")
    mirrored = Comparison("picture is not mirrored")
    for t in frames:
        image, mask = again[t]
        near = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
        mirrored.add(rgb[t], image, image[:, ::-1], ~mask)
        for comparison, other in ((before, t - 1), (after, t + 1)):
            if other in again:
                comparison.add(rgb[t], image, again[other][0], ~near & again[other][1])
    return before.findings() + after.findings() + mirrored.findings()


def colour_findings(rgb: np.ndarray, other: np.ndarray, mask: np.ndarray) -> list[Finding]:
    """One picture against the other renderer's. mask: (H, W) bool, people and objects."""
    a, b = (cv2.GaussianBlur(image, (0, 0), 1.0).astype(float) for image in (rgb, other))
    gap, findings = np.abs(a - b).mean(-1), []
    if (~mask).any():
        findings.append(Finding("background rendered again", float(np.median(gap[~mask])), BACKGROUND_LIMIT, "of 255"))
    if mask.sum() >= ENOUGH:
        findings.append(Finding("people rendered again", float(gap[mask].mean()), PEOPLE_LIMIT, "of 255"))
    return findings


BACKGROUND_LIMIT = 6.0
"""Median: both renderers lay the same background under the same shadows; JPEG and the blur remain."""

PEOPLE_LIMIT = 45.0
"""Mean: the rasteriser leaves out the shadows that bodies throw on themselves, which reached 24 in 50 clips of
all kinds of light."""

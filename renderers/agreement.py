"""What Cycles and the rasteriser disagree on, frame by frame, and how much is too much."""

from dataclasses import dataclass

import numpy as np

from mannequin.generator.compiled import njit
from mannequin.generator.errors import DisagreementError

EDGE_STEP = 0.03
"""m. A pixel whose 3 × 3 neighbourhood spans more depth, or leaves the surface, is at an edge."""

MAX_FRACTION = 2e-4
"""Of the image's pixels: silhouette, part or instance may differ there."""

ALLOWED_PIXELS = 6
"""May always differ: in a tiny image one pixel is already more than MAX_FRACTION."""

MAX_DEPTH_MEDIAN = 1e-4
MAX_DEPTH = 1e-3
"""m at up to 10 m of distance, and in proportion beyond: for the median, and for all but the allowed
pixels, of the depth away from edges. Where skin and cloth touch, either may win a pixel."""


@dataclass(frozen=True)
class FrameAgreement:
    """Differences in one image.

    silhouette, part, instance: pixels that differ. depth: pixels away from edges that differ by more
    than MAX_DEPTH. pixels: of the image. foreground: pixels that either renderer covers.
    depth_*: m, over the pixels away from edges. distance: m, median depth.
    """

    silhouette: int
    part: int
    instance: int
    depth: int
    pixels: int
    foreground: int
    depth_median: float
    depth_tail: float
    depth_max: float
    distance: float

    def measures(self) -> dict[str, float]:
        """Values by name as stored in Clip.agreement."""
        of_image, of_mask = max(self.pixels, 1), max(self.foreground, 1)
        shares = {name: getattr(self, name) for name in ("silhouette", "part", "instance", "depth")}
        return (
            {f"{name}_of_image": n / of_image for name, n in shares.items()}
            | {f"{name}_of_foreground": n / of_mask for name, n in shares.items()}
            | {name: getattr(self, name) for name in ("depth_median", "depth_tail", "depth_max")}
        )


def compare(mine: dict[str, np.ndarray], other: dict[str, np.ndarray], pixels: int) -> FrameAgreement:
    """Compare two renderings of one (cropped) frame.

    mine, other: "segm" and "instance" (h, w) uint8, "depth" (h, w) float32 metres, 0 outside.
    pixels: of the whole image.
    """
    counts, errors, depths = _compare(
        mine["segm"], mine["instance"], mine["depth"], other["segm"], other["instance"], other["depth"], EDGE_STEP
    )
    silhouette, part, instance, foreground = (int(n) for n in counts)
    median, tail, worst = (float(v) for v in np.quantile(errors, (0.5, 0.999, 1.0))) if len(errors) else (0.0, 0.0, 0.0)
    distance = float(np.median(depths)) if len(depths) else 0.0
    depth = int((~(errors <= MAX_DEPTH * _scale(distance))).sum())  # NaN differs too
    return FrameAgreement(silhouette, part, instance, depth, pixels, foreground, median, tail, worst, distance)


def _scale(distance: float) -> float:
    """By how much the limits of depth grow at ``distance`` (m)."""
    return max(1.0, distance / 10)


def require(agreement: FrameAgreement, clip: str, camera: str, frame: int) -> None:
    """Raise DisagreementError naming clip, camera, frame, measure and limit if they differ too much."""
    a = agreement
    allowed = max(ALLOWED_PIXELS, MAX_FRACTION * a.pixels)
    limits = {
        "silhouette": (a.silhouette, allowed, "pixels"),
        "part": (a.part, allowed, "pixels"),
        "instance": (a.instance, allowed, "pixels"),
        "depth": (a.depth, allowed, "pixels"),
        "depth_median": (a.depth_median, MAX_DEPTH_MEDIAN * _scale(a.distance), "m"),
    }
    for name, (value, limit, unit) in limits.items():
        if not value <= limit:
            raise DisagreementError(
                f"Clip {clip!r}, camera {camera!r}, frame {frame}: Cycles and the rasteriser differ in {name} by "
                f"{value:g} {unit}; the limit is {limit:g} {unit}. The clip is not written. Render its description "
                f"again; if it fails again, please report it with the description."
            )


def summarize(frames: list[FrameAgreement]) -> dict[str, float]:
    """ "<measure>_worst" and "<measure>_mean" over the frames of all cameras of a clip."""
    rows = [f.measures() for f in frames]
    summary = {}
    for name in rows[0] if rows else ():
        values = [row[name] for row in rows]
        summary[f"{name}_worst"] = float(max(values))
        summary[f"{name}_mean"] = float(np.mean(values))
    return summary


@njit(cache=True)
def _compare(segm_a, instance_a, depth_a, segm_b, instance_b, depth_b, edge_step):
    h, w = segm_a.shape
    counts = np.zeros(4, np.int64)  # silhouette, part, instance, foreground
    errors, depths = np.empty(h * w, np.float32), np.empty(h * w, np.float32)
    n = 0
    for y in range(h):
        for x in range(w):
            a, b = instance_a[y, x], instance_b[y, x]
            if a == 0 and b == 0:
                continue
            counts[0] += (a == 0) != (b == 0)
            counts[1] += a != 0 and b != 0 and segm_a[y, x] != segm_b[y, x]
            counts[2] += a != 0 and b != 0 and a != b
            counts[3] += 1
            if a == b and not _at_edge(instance_b, depth_b, y, x, edge_step):
                errors[n] = abs(depth_a[y, x] - depth_b[y, x])
                depths[n] = depth_b[y, x]
                n += 1
    return counts, errors[:n], depths[:n]


@njit(cache=True)
def _at_edge(instance, depth, y, x, step):
    """Whether the neighbourhood of a pixel leaves its surface."""
    h, w = instance.shape
    here, nearest, farthest = instance[y, x], depth[y, x], depth[y, x]
    for j in range(max(y - 1, 0), min(y + 2, h)):
        for i in range(max(x - 1, 0), min(x + 2, w)):
            if instance[j, i] != here:
                return True
            nearest, farthest = min(nearest, depth[j, i]), max(farthest, depth[j, i])
    return farthest - nearest > step

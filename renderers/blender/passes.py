"""Labels that owe nothing to the rasteriser: Cycles' own passes at one sample, as channels."""

from collections.abc import Sequence

import numpy as np

from mannequin.generator import exact
from mannequin.generator.clip import CHANNELS, Foreground
from mannequin.renderers.blender.crop import NEAR

HIDDEN_STEP = 0.02
"""m. A point counts as hidden behind what a neighbouring frame's depth image shows that much nearer.
The image knows the depth at pixel centres only, hence a step far above rounding."""


class PassRecorder:
    """Collects one camera's frames. Occlusion needs a frame's neighbours, so a frame is finished
    when the one after it has come."""

    def __init__(self, K: np.ndarray, poses: np.ndarray, resolution: tuple[int, int], channels: Sequence[str]):
        """K: (T + 2, 3, 3). poses: (T + 2, 4, 4) T_world_camera. Index k is frame k - 1."""
        self.K, self.poses, self.resolution, self.channels = K, poses, resolution, tuple(channels)
        self.frames: list[tuple[np.ndarray, dict]] = []
        self.depths: dict[int, np.ndarray] = {}
        self.waiting = None

    def add(self, k: int, images: dict[str, np.ndarray]) -> None:
        """images: pass name → full image at index ``k``, zeros where nothing is."""
        self.depths = {i: d for i, d in self.depths.items() if i >= k - 2} | {k: images["Depth"][..., 0]}
        self._finish_waiting()
        self.waiting = (k, images) if 1 <= k <= len(self.poses) - 2 else None

    def foreground(self) -> Foreground:
        """The label images of all frames."""
        self._finish_waiting()
        offsets = np.cumsum([0] + [len(pixels) for pixels, _ in self.frames], dtype=np.int64)
        values = {name: np.concatenate([v[name] for _, v in self.frames]) for name in self.channels}
        return Foreground(self.resolution, offsets, np.concatenate([p for p, _ in self.frames]), values)

    def _finish_waiting(self) -> None:
        if self.waiting is None:
            return
        (k, images), self.waiting = self.waiting, None
        pixels = np.flatnonzero(images["Object Index"][..., 0])
        seen = {name: image.reshape(-1, image.shape[-1])[pixels] for name, image in images.items()}
        values = {name: np.asarray(self._channel(name, k, seen), CHANNELS[name].dtype) for name in self.channels}
        self.frames.append((pixels.astype(np.uint32), values))

    def _channel(self, name: str, k: int, seen: dict[str, np.ndarray]) -> np.ndarray:
        """Values of one channel at the foreground pixels."""
        if name.startswith(("flow", "occluded")):
            return self._motion(name, k, seen)
        if name == "normal":
            normal = exact.matmul(seen["truth_normal"][:, :3].astype(np.float64), self.poses[k][:3, :3])
            return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
        source, part = {
            "segm": ("Material Index", 0),
            "instance": ("Object Index", 0),
            "depth": ("Depth", 0),
            "uv": ("truth_uv", slice(0, 2)),
            "chart": ("truth_chart", 2),
            "chart_uv": ("truth_chart", slice(0, 2)),
        }[name]
        value = seen[source][:, part]
        return np.round(value) if CHANNELS[name].dtype == "uint8" else value

    def _motion(self, name: str, k: int, seen: dict[str, np.ndarray]) -> np.ndarray:
        other, attribute = (k - 1, "truth_previous") if name.endswith("backward") else (k + 1, "truth_next")
        there, z = self._project(seen[attribute], other)
        if name.startswith("flow"):
            here, _ = self._project(seen["Position"], k)
            return np.where((z >= NEAR)[:, None], there - here, 0)
        return self._hidden(there, z, self.depths[other])

    def _project(self, points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Pixels (n, 2) and depth (n,) of world points at index ``k``."""
        K, T = self.K[k], self.poses[k]
        local = exact.matmul(points[:, :3].astype(np.float64) - T[:3, 3], T[:3, :3])
        z = local[:, 2]
        safe = np.where(np.abs(z) < NEAR, NEAR, z)
        return local[:, :2] / safe[:, None] * (K[0, 0], K[1, 1]) + K[:2, 2], z

    def _hidden(self, there: np.ndarray, z: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """(n,) bool: outside the image, or behind all of the four pixel centres around."""
        h, w = self.resolution
        outside = ~((z >= NEAR) & (there >= 0).all(1) & (there < (w, h)).all(1))
        surface = np.where(depth > 0, depth, np.inf)
        corner = np.floor(np.where(outside[:, None], 0, there) - 0.5).astype(int)
        farthest = np.zeros(len(z))
        for dx in (0, 1):
            for dy in (0, 1):
                x, y = np.clip(corner[:, 0] + dx, 0, w - 1), np.clip(corner[:, 1] + dy, 0, h - 1)
                farthest = np.maximum(farthest, surface[y, x])
        return outside | (z > farthest + HIDDEN_STEP)

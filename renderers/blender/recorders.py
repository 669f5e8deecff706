"""What one camera records of a scene: pictures, and labels from either source."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from mannequin.generator.clip import Foreground, View
from mannequin.generator.scene import Scene
from mannequin.renderers import agreement
from mannequin.renderers.blender.colour import compose
from mannequin.renderers.blender.crop import bounding_crop, crops_of, touched_cells
from mannequin.renderers.blender.live_scene import COLOUR, TRUTH_PASSES, LiveScene
from mannequin.renderers.blender.passes import PassRecorder
from mannequin.renderers.ground import Backdrop
from mannequin.renderers.people import make_view
from mannequin.renderers.raster.labels import rasterize_labels
from mannequin.renderers.raster.renderer import keep, label_channels
from mannequin.renderers.raster.shading import encode


class Recorder(ABC):
    """Renders frame after frame through one camera.

    samples: per pixel, of the picture. agreement: one entry per frame compared.
    """

    passes: tuple[tuple[str, str], ...]
    """(layer, pass) pairs that ``record`` needs as whole images."""

    def __init__(self, scene: Scene, camera: str, outputs: Sequence[str], samples: int):
        self.scene, self.camera, self.samples = scene, camera, samples
        self.K, self.poses = scene.cameras[camera]
        self.resolution, self.num_frames = scene.spec.resolution, scene.spec.num_frames
        self.channels = label_channels(outputs)
        self.agreement: list[agreement.FrameAgreement] = []
        self.rgb = np.empty((self.num_frames, *self.resolution, 3), np.uint8) if "rgb" in outputs else None
        self._backdrop = Backdrop(scene, camera) if self.rgb is not None else None
        self._still = None

    def needs(self, k: int) -> bool:
        """Whether index ``k`` (frame k - 1) has to be rendered."""
        return 1 <= k <= self.num_frames

    @abstractmethod
    def record(self, k: int, images: dict[str, np.ndarray]) -> None:
        """Keep what the labels need; images: pass name → (H, W, C), 0 where nothing was rendered."""

    @abstractmethod
    def labels(self) -> Foreground:
        """The label images, once all frames are recorded."""

    def render(self, live_scene: LiveScene, k: int) -> None:
        """Render index ``k`` of the scene, posed at it already."""
        live_scene.set_camera(self.K, self.poses[k], self.resolution)
        images = {name: np.zeros((*self.resolution, CHANNELS_OF.get(name, 1)), np.float32) for _, name in self.passes}
        is_picture = self.rgb is not None and 1 <= k <= self.num_frames
        behind = self._start_picture(k) if is_picture else None
        for crop in self._crops(live_scene, k):
            rendered = live_scene.render(crop, self.resolution)
            for layer, name in self.passes:
                image = rendered[layer, name]
                images[name][crop.slices] = image[..., : images[name].shape[2]]
            if is_picture:
                compose(rendered[COLOUR, "Combined"], behind[crop.slices], self.rgb[k - 1][crop.slices])
        images["Depth"][images["Object Index"] == 0] = 0
        self.record(k, images)

    def view(self, outputs: Sequence[str]) -> View:
        """Everything recorded, as asked for."""
        labels = self.labels()
        return make_view(self.scene, self.camera, self.rgb, labels, keep(labels, outputs))

    def _start_picture(self, k: int) -> np.ndarray:
        """(H, W, 3) linear light behind everything at index ``k``, after painting it."""
        if self._still is None or not self._backdrop.is_constant:
            behind = self._backdrop.frame(k)
            self._still = behind, encode(behind)
        behind, self.rgb[k - 1] = self._still
        return behind

    def _crops(self, live_scene: LiveScene, k: int):
        meshes = [(m.vertices[k], m.faces) for m in self.scene.meshes]
        cells = touched_cells(meshes, self.K, self.poses[k], self.resolution)
        if live_scene.wants_one_crop:
            return bounding_crop(cells, self.resolution)
        return crops_of(cells, self.resolution, self.samples)


CHANNELS_OF = {name: 3 for _, name in TRUTH_PASSES if name.startswith("truth_") or name == "Position"}


class RasterRecorder(Recorder):
    """Labels by the rasteriser, compared with the passes of Cycles that are exact."""

    passes = ((COLOUR, "Depth"), (COLOUR, "Material Index"), (COLOUR, "Object Index"))

    def __init__(self, scene: Scene, camera: str, outputs: Sequence[str], samples: int):
        super().__init__(scene, camera, outputs, samples)
        self._labels = rasterize_labels(scene, camera, self.channels)

    def record(self, k: int, images: dict[str, np.ndarray]) -> None:
        mine = {
            "segm": images["Material Index"][..., 0].astype(np.uint8),
            "instance": images["Object Index"][..., 0].astype(np.uint8),
            "depth": images["Depth"][..., 0],
        }
        other = {name: self._labels.frame(name, k - 1) for name in mine}
        self.agreement.append(agreement.compare(mine, other, self.resolution[0] * self.resolution[1]))
        agreement.require(self.agreement[-1], self.scene.spec.name, self.camera, k - 1)

    def labels(self) -> Foreground:
        return self._labels


class CyclesRecorder(Recorder):
    """Labels by Cycles itself, without the rasteriser."""

    passes = TRUTH_PASSES

    def __init__(self, scene: Scene, camera: str, outputs: Sequence[str], samples: int):
        super().__init__(scene, camera, outputs, samples)
        self._truth = PassRecorder(self.K, self.poses, self.resolution, self.channels)

    def needs(self, k: int) -> bool:
        return super().needs(k) or "occluded" in self.channels or "occluded_backward" in self.channels

    def record(self, k: int, images: dict[str, np.ndarray]) -> None:
        self._truth.add(k, images)

    def labels(self) -> Foreground:
        return self._truth.foreground()


RECORDERS = {"raster": RasterRecorder, "cycles": CyclesRecorder}
"""Source of labels → how a camera records them."""

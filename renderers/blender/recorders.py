"""What one camera records of a scene: pictures, and labels from either source."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from mannequin.generator.clip import Foreground, View
from mannequin.generator.scene import MeshTrack, Scene
from mannequin.renderers import agreement
from mannequin.renderers.blender.colour import compose
from mannequin.renderers.blender.crop import Crop, bounding_crop, crops_of, touched_cells
from mannequin.renderers.blender.live_scene import COLOUR, TRUTH, TRUTH_PASSES, LiveScene
from mannequin.renderers.blender.passes import PassRecorder
from mannequin.renderers.ground import Backdrop
from mannequin.renderers.people import make_view
from mannequin.renderers.raster.amodal import amodal_masks, mask_of
from mannequin.renderers.raster.labels import rasterize_labels
from mannequin.renderers.raster.renderer import keep, label_channels
from mannequin.renderers.raster.shading import encode


class Pictures:
    """What Cycles rendered over the backdrop of one camera. rgb: (T, H, W, 3) uint8 sRGB."""

    def __init__(self, scene: Scene, camera: str):
        self.rgb = np.empty((scene.spec.num_frames, *scene.spec.resolution, 3), np.uint8)
        self._backdrop = Backdrop(scene, camera)
        self._behind: tuple[np.ndarray, np.ndarray] | None = None  # linear light, and the same encoded

    def start(self, k: int) -> None:
        """Paint what is behind everything at index ``k``."""
        if self._behind is None or not self._backdrop.is_constant:
            light = self._backdrop.frame(k)
            self._behind = light, encode(light)
        self.rgb[k - 1] = self._behind[1]

    def add(self, k: int, crop: Crop, radiance: np.ndarray) -> None:
        """Lay premultiplied RGBA ``radiance`` (h, w, 4) over ``crop`` of index ``k``, which is started."""
        assert self._behind is not None
        compose(radiance, self._behind[0][crop.slices], self.rgb[k - 1][crop.slices])


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
        self.pictures = Pictures(scene, camera) if "rgb" in outputs else None

    def needs(self, k: int) -> bool:
        """Whether index ``k`` (frame k - 1) has to be rendered."""
        return 1 <= k <= self.num_frames

    @abstractmethod
    def record(self, k: int, images: dict[str, np.ndarray]) -> None:
        """Keep what the labels need; images: pass name → (H, W, C), 0 where nothing was rendered."""

    @abstractmethod
    def labels(self) -> Foreground:
        """The label images, once all frames are recorded."""

    @abstractmethod
    def amodal(self) -> dict[str, Foreground]:
        """Of every mesh, where it would be seen alone; once all frames are recorded."""

    def render(self, live_scene: LiveScene, k: int) -> None:
        """Render index ``k`` of the scene, posed at it already."""
        live_scene.set_camera(self.K[k], self.poses[k], self.resolution)
        images = {name: np.zeros((*self.resolution, CHANNELS_OF.get(name, 1)), np.float32) for _, name in self.passes}
        pictures = self.pictures if 1 <= k <= self.num_frames else None
        if pictures is not None:
            pictures.start(k)
        for crop in self._crops(live_scene, k, self.scene.meshes):
            rendered = live_scene.render(crop, self.resolution)
            for layer, name in self.passes:
                image = rendered[layer, name]
                images[name][crop.slices] = image[..., : images[name].shape[2]]
            if pictures is not None:
                pictures.add(k, crop, rendered[COLOUR, "Combined"])
        images["Depth"][images["Object Index"] == 0] = 0
        self.record(k, images)

    def view(self, outputs: Sequence[str]) -> View:
        """Everything recorded, as asked for."""
        labels = self.labels()
        rgb = self.pictures.rgb if self.pictures is not None else None
        return make_view(self.scene, self.camera, rgb, labels, keep(labels, outputs), self.amodal())

    def _crops(self, live_scene: LiveScene, k: int, meshes: Sequence[MeshTrack]):
        posed = [(m.vertices[k], m.faces) for m in meshes]
        cells = touched_cells(posed, self.K[k], self.poses[k], self.resolution)
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

    def amodal(self) -> dict[str, Foreground]:
        return amodal_masks(self.scene, self.camera, self._labels)


class CyclesRecorder(Recorder):
    """Labels by Cycles itself, without the rasteriser. Where several things are in the scene, each is rendered once
    more alone."""

    passes = TRUTH_PASSES

    def __init__(self, scene: Scene, camera: str, outputs: Sequence[str], samples: int):
        super().__init__(scene, camera, outputs, samples)
        self._truth = PassRecorder(self.K, self.poses, self.resolution, self.channels)
        self._alone: dict[str, list[np.ndarray]] = {mesh.name: [] for mesh in scene.meshes}

    def needs(self, k: int) -> bool:
        return super().needs(k) or "occluded" in self.channels or "occluded_backward" in self.channels

    def record(self, k: int, images: dict[str, np.ndarray]) -> None:
        self._truth.add(k, images)

    def render(self, live_scene: LiveScene, k: int) -> None:
        super().render(live_scene, k)
        if 1 <= k <= self.num_frames and len(self.scene.meshes) > 1:
            for mesh in self.scene.meshes:
                self._alone[mesh.name].append(self._render_alone(live_scene, k, mesh))

    def labels(self) -> Foreground:
        return self._truth.foreground()

    def amodal(self) -> dict[str, Foreground]:
        if len(self.scene.meshes) == 1:
            labels = self.labels()
            return {name: Foreground(self.resolution, labels.offsets, labels.pixels, {}) for name in self._alone}
        return {name: mask_of(self.resolution, frames) for name, frames in self._alone.items()}

    def _render_alone(self, live_scene: LiveScene, k: int, mesh: MeshTrack) -> np.ndarray:
        """(n,) uint32 pixels of ``mesh`` with nothing else there."""
        index = np.zeros(self.resolution, np.float32)
        with live_scene.only(mesh.name):
            for crop in self._crops(live_scene, k, [mesh]):
                index[crop.slices] = live_scene.render(crop, self.resolution)[TRUTH, "Object Index"][..., 0]
        return np.flatnonzero(index).astype(np.uint32)


RECORDERS = {"raster": RasterRecorder, "cycles": CyclesRecorder}
"""Source of labels → how a camera records them."""

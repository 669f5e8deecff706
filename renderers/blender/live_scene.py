"""The Blender scene that lives as long as its process: meshes, light and camera are changed in place."""

from contextlib import contextmanager

import numpy as np

from mannequin.generator.errors import RenderError
from mannequin.generator.scene import Scene
from mannequin.generator.spec import ShLight
from mannequin.renderers.blender import capture, settings
from mannequin.renderers.blender.camera import apply_crop, apply_lens, lens_of, matrix_world
from mannequin.renderers.blender.crop import Crop
from mannequin.renderers.blender.lights import LightRig
from mannequin.renderers.blender.materials import TRUTH_OUTPUTS
from mannequin.renderers.blender.meshes import MeshObject
from mannequin.renderers.blender.session import load_bpy, load_with_bpy, silence

COLOUR, TRUTH = "colour", "truth"
"""View layers: the image with its exact index and depth passes; one sample of everything else."""

COLOUR_PASSES = tuple((COLOUR, name) for name in ("Combined", "Depth", "Material Index", "Object Index"))
TRUTH_PASSES = tuple((TRUTH, name) for name in ("Depth", "Material Index", "Object Index", "Position") + TRUTH_OUTPUTS)


_open: list["LiveScene"] = []


def open_live_scene(device: str, is_truth: bool) -> "LiveScene":
    """The scene of this process; Blender starts afresh when another kind is asked for."""
    if not _open or (_open[0].device, _open[0].is_truth) != (device, is_truth):
        _open.clear()
        load_bpy().ops.wm.read_factory_settings(use_empty=True)
        _open.append(LiveScene(device, is_truth))
    return _open[0]


class LiveScene:
    """One Blender scene for all clips of a process.

    is_truth: with the ground-truth layer, at one sample through the pixel centres.
    """

    def __init__(self, device: str, is_truth: bool):
        bpy = load_bpy()
        capture.install()
        self.device, self.is_truth = device, is_truth
        self.scene = bpy.context.scene
        settings.configure(self.scene)
        settings.use_device(self.scene, device)
        self.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
        self.camera.data.clip_start, self.camera.data.clip_end = 0.01, 1e4
        self.scene.collection.objects.link(self.camera)
        self.scene.camera = self.camera
        self.objects: list[MeshObject] = []
        self.rig = None
        self.capture = capture.Capture(COLOUR_PASSES + (TRUTH_PASSES if is_truth else ()))
        self.is_denoised = False
        self._add_layers()

    def load(self, scene: Scene, samples: int, is_colour: bool) -> None:
        """Put the meshes and the light of ``scene`` into Blender's, keeping what can be kept.

        is_colour: whether the light matters; without, every surface emits.
        """
        check_meshes(scene)
        is_emission = not is_colour or isinstance(scene.spec.light, ShLight)
        self.is_denoised = not is_emission
        with silence():
            self._place_meshes(scene.meshes, is_emission)
            self._set_light(scene, is_colour)
            settings.set_bounces(self.scene, 0 if is_emission else 1)
            settings.set_denoising(self.scene, self.colour, self.is_denoised, self.device)
            self.scene.cycles.samples = samples
            self.scene.update_tag()  # persistent data would not notice the number of samples

    @property
    def wants_one_crop(self) -> bool:
        """A denoiser must see the whole of a person; a graphics card is at its best with much to do."""
        return self.is_denoised or self.device != "cpu"

    def pose(self, k: int, shades) -> None:
        """Show entry ``k`` of every track; shades: (V,) float32 or None for each."""
        for mesh_object, shade in zip(self.objects, shades):
            mesh_object.pose(k, shade)

    def set_camera(self, K: np.ndarray, T_world_camera: np.ndarray, resolution) -> None:
        """Look through an OpenCV camera."""
        apply_lens(self.scene, self.camera, lens_of(K, resolution), resolution)
        self.camera.matrix_world = load_with_bpy("mathutils").Matrix(matrix_world(T_world_camera).tolist())

    @contextmanager
    def only(self, name: str):
        """Nothing but the mesh called ``name`` is there."""
        for mesh_object in self.objects:
            mesh_object.object.hide_render = mesh_object.track.name != name
        try:
            yield
        finally:
            for mesh_object in self.objects:
                mesh_object.object.hide_render = False

    def render(self, crop: Crop, resolution) -> dict[tuple[str, str], np.ndarray]:
        """(layer, pass) → (h, w, C) float32 of the crop, row 0 at the top."""
        apply_crop(self.scene.render, crop, resolution)
        passes = self.capture.render()
        for name, image in passes.items():
            if image.shape[:2] != crop.shape:
                raise RenderError(
                    f"Cycles returned {name} of {image.shape[:2]}; expected the crop of {crop.shape} pixels."
                )
        return passes

    def _place_meshes(self, meshes, is_emission: bool) -> None:
        kept = [o for o, m in zip(self.objects, meshes) if o.can_show(m) and o.is_emission == is_emission]
        if len(kept) == len(self.objects) == len(meshes):
            for mesh_object, mesh in zip(kept, meshes):
                mesh_object.show(mesh)
            return
        for mesh_object in self.objects:
            mesh_object.remove()
        self.objects = [MeshObject(self.scene, mesh, is_emission, self.is_truth) for mesh in meshes]

    def _set_light(self, scene: Scene, is_colour: bool) -> None:
        if self.rig is not None:
            self.rig.remove()
        self.rig = LightRig(self.scene, scene.spec.light if is_colour else None, scene.environment)

    def _add_layers(self) -> None:
        self.colour = self.scene.view_layers[0]
        self.colour.name = COLOUR
        layers = [self.colour]
        if self.is_truth:
            truth = self.scene.view_layers.new(TRUTH)
            truth.samples, truth.cycles.use_denoising = 1, False
            truth.use_pass_position = True
            layers.append(truth)
            for layer in layers:  # an AOV that one layer lacks reads zero in the other
                for name in TRUTH_OUTPUTS:
                    aov = layer.aovs.add()
                    aov.name, aov.type = name, "COLOR"
        for layer in layers:
            layer.use_pass_z = layer.use_pass_material_index = layer.use_pass_object_index = True


def check_meshes(scene: Scene) -> None:
    """Raise RenderError for what Cycles would render as garbage without a word."""
    for mesh in scene.meshes:
        where = f"Clip {scene.spec.name!r}, mesh {mesh.name!r}"
        if mesh.faces.size == 0 or mesh.vertices.shape[1] == 0:
            raise RenderError(
                f"{where}: it has {mesh.vertices.shape[1]} vertices and {len(mesh.faces)} faces; nothing to render."
            )
        if not np.isfinite(mesh.vertices).all():
            frame = int(np.argmin(np.isfinite(mesh.vertices).all((1, 2)))) - 1
            raise RenderError(
                f"{where}, frame {frame}: vertices are not finite. Look at the pose and the shape of the description."
            )

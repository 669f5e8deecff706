"""Clips rendered by Cycles, every frame of them held against the rasteriser."""

from collections.abc import Sequence

from mannequin.generator.clip import DEFAULT_OUTPUTS, Clip
from mannequin.generator.errors import ConfigError, unknown_name
from mannequin.generator.light import surface_light
from mannequin.generator.scene import Scene, build_scene
from mannequin.generator.spec import ClipSpec, ShLight
from mannequin.renderers import agreement
from mannequin.renderers.blender.colour import vertex_shade
from mannequin.renderers.blender.live_scene import open_live_scene
from mannequin.renderers.blender.recorders import RECORDERS
from mannequin.renderers.blender.session import load_bpy
from mannequin.renderers.raster.renderer import check_outputs, versions


class BlenderRenderer:
    """Path-traced colour and exact labels.

    labels: "raster" takes them from the rasteriser and compares every frame with Cycles' own
    silhouette, parts, instances and depth; "cycles" takes all of them from Cycles, independently
    of the rasteriser. device: "cpu", "cuda" or "optix". Renderers share the process's one Blender
    scene, which is set up anew when another one comes to use it.
    """

    def __init__(self, catalog, device: str = "cpu", labels: str = "raster"):
        if labels not in RECORDERS:
            raise unknown_name("source of labels", labels, RECORDERS)
        self.catalog, self.labels, self.device = catalog, labels, device
        open_live_scene(device, is_truth=labels == "cycles")

    def render(self, spec: ClipSpec, outputs: Sequence[str] = DEFAULT_OUTPUTS) -> Clip:
        """Pose and render ``spec``; outputs: names of CHANNELS and EXTRA_OUTPUTS.

        Raises ConfigError for what Blender cannot render, RenderError when it fails, and
        DisagreementError where Cycles and the rasteriser see different things.
        """
        check_outputs(outputs)
        return self.render_scene(build_scene(spec, self.catalog, outputs), outputs)

    def render_scene(self, scene: Scene, outputs: Sequence[str] = DEFAULT_OUTPUTS) -> Clip:
        """Render a scene that is posed already; outputs and errors as in ``render``."""
        check_outputs(outputs)
        check_cameras(scene)
        is_colour = "rgb" in outputs
        live_scene = open_live_scene(self.device, is_truth=self.labels == "cycles")
        samples = scene.spec.samples if is_colour else 1
        live_scene.load(scene, samples, is_colour)
        recorders = {name: RECORDERS[self.labels](scene, name, outputs, samples) for name in scene.cameras}
        light = surface_light(scene.spec.light) if is_colour and isinstance(scene.spec.light, ShLight) else None
        for k in range(scene.spec.num_frames + 2):
            due = [recorder for recorder in recorders.values() if recorder.needs(k)]
            if due:
                live_scene.pose(k, [_shade(mesh, k, light) for mesh in scene.meshes])
            for recorder in due:
                recorder.render(live_scene, k)
        views = {name: recorder.view(outputs) for name, recorder in recorders.items()}
        checked = [frame for recorder in recorders.values() for frame in recorder.agreement]
        agreed = agreement.summarize(checked)
        return Clip(scene.spec, views, scene.people, agreed, self._versions(), hands=scene.hands, objects=scene.objects)

    def _versions(self) -> dict[str, str]:
        return versions() | {"blender": load_bpy().app.version_string, "device": self.device, "labels": self.labels}


def check_cameras(scene: Scene) -> None:
    """Raise ConfigError for lenses that Blender does not have."""
    for camera in scene.spec.cameras:
        if any(camera.distortion):
            raise ConfigError(
                f"Camera {camera.name!r} of clip {scene.spec.name!r} has lens distortion {camera.distortion}, "
                "which the "
                "Blender renderer cannot make. Use the raster renderer, or leave the distortion out."
            )


def _shade(mesh, k: int, light):
    """Radiance over albedo at the vertices, None where lamps or an environment light them."""
    if light is None:
        return None
    return vertex_shade(mesh.vertices[k], mesh.faces, light.sh)

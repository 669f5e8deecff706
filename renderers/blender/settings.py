"""Cycles' settings: everything that decides speed and repeatability, in one place."""

from mannequin.generator.errors import ConfigError, RenderError
from mannequin.renderers.blender.session import load_bpy

DEVICES = {"cpu": "NONE", "cuda": "CUDA", "optix": "OPTIX"}
"""Our name → Cycles' compute device type."""

FILTER_WIDTH = 1.5
"""px, Blackman–Harris. Sample 0 still goes through the pixel's centre, so index and depth passes,
which Cycles takes from that sample alone, stay exact."""


def configure(scene) -> None:
    """One thread, no adaptive sampling, a fixed seed, data kept from frame to frame."""
    render, cycles = scene.render, scene.cycles
    render.engine = "CYCLES"
    render.threads_mode, render.threads = "FIXED", 1
    render.use_persistent_data = True
    render.film_transparent = True
    render.use_compositing = render.use_sequencer = render.use_motion_blur = False
    render.filter_size = FILTER_WIDTH
    scene.view_settings.view_transform = "Standard"
    cycles.pixel_filter_type, cycles.filter_width = "BLACKMAN_HARRIS", FILTER_WIDTH
    cycles.use_adaptive_sampling = cycles.use_denoising = False
    cycles.seed, cycles.use_animated_seed = 0, False
    # Blender 5.2 would choose blue noise, by which neighbours err in opposite directions: silhouettes look dotted.
    cycles.sampling_pattern = "TABULATED_SOBOL"
    cycles.use_auto_tile = False
    cycles.use_light_tree = False
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.use_layer_samples = "USE"


def set_bounces(scene, bounces: int) -> None:
    cycles = scene.cycles
    cycles.max_bounces = cycles.diffuse_bounces = cycles.glossy_bounces = bounces
    cycles.transmission_bounces = cycles.volume_bounces = 0
    cycles.transparent_max_bounces = bounces


def set_denoising(scene, layer, on: bool, device: str) -> None:
    """OpenImageDenoise at its fastest, guided by albedo and normals; the default quality costs
    far more than the render itself."""
    cycles = scene.cycles
    cycles.use_denoising = layer.cycles.use_denoising = on
    if on:
        cycles.denoiser = "OPENIMAGEDENOISE"
        cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
        cycles.denoising_quality, cycles.denoising_prefilter = "FAST", "FAST"
        cycles.denoising_use_gpu = device != "cpu"


def use_device(scene, device: str) -> None:
    """Render on ``device``. Raises RenderError listing what is there if it is not."""
    if device not in DEVICES:
        raise ConfigError(f"device is {device!r}; expected one of {', '.join(DEVICES)}.")
    scene.cycles.device = "CPU" if device == "cpu" else "GPU"
    if device == "cpu":
        return
    preferences = load_bpy().context.preferences.addons["cycles"].preferences
    kind = DEVICES[device]
    preferences.compute_device_type = kind
    preferences.refresh_devices()
    found = [d for d in preferences.devices if d.type == kind]
    if not found:
        present = ", ".join(f"{d.name} ({d.type})" for d in preferences.devices) or "no device at all"
        raise RenderError(
            f"No {device} device for Cycles; this machine has {present}. Use device='cpu', or install the driver."
        )
    for d in preferences.devices:
        d.use = d.type == kind

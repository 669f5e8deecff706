"""Shaders of people and objects: one node group for the surface, one material for each part.

Cycles' Material Index pass is how a rendered pixel knows its part, hence a material for each.
"""

import numpy as np

from renderers.blender.session import load_bpy

ROUGHNESS = 0.7
SPECULAR = 0.25
"""Of skin and cloth under lamps and environment images."""

SHADE = "shade"
"""Point attribute of a mesh: radiance over albedo."""

TRUTH_ATTRIBUTES = ("truth_uv", "truth_chart", "truth_previous", "truth_next")
"""Vector attributes that the ground-truth layer shows as they are."""

TRUTH_NORMAL = "truth_normal"
TRUTH_AOVS = TRUTH_ATTRIBUTES + (TRUTH_NORMAL,)


def make_image(name: str, pixels: np.ndarray, is_linear: bool):
    """A bpy image from (h, w, 3) pixels, row 0 at the top: uint8 sRGB, or float32 linear."""
    h, w = pixels.shape[:2]
    image = load_bpy().data.images.new(name, w, h, float_buffer=is_linear)
    image.colorspace_settings.name = "Linear Rec.709" if is_linear else "sRGB"
    rgba = np.ones((h, w, 4), np.float32)
    rgba[..., :3] = pixels[::-1] if is_linear else pixels[::-1] / np.float32(255)
    image.pixels.foreach_set(rgba.reshape(-1))
    image.update()
    return image


def make_surface(name: str, image, is_emission: bool, is_truth: bool):
    """Node group with one shader output.

    is_emission: texture × ``shade``, no bounces; otherwise a rough dielectric.
    is_truth: also writes the TRUTH_AOVS.
    """
    group = load_bpy().data.node_groups.new(name, "ShaderNodeTree")
    group.interface.new_socket("Surface", in_out="OUTPUT", socket_type="NodeSocketShader")
    nodes, link = group.nodes, group.links.new
    texture = nodes.new("ShaderNodeTexImage")
    texture.name, texture.image = "texture", image
    texture.interpolation, texture.extension = "Linear", "EXTEND"
    shader = _emission(nodes, link, texture) if is_emission else _dielectric(nodes, link, texture)
    link(shader, nodes.new("NodeGroupOutput").inputs[0])
    if is_truth:
        _write_truth(nodes, link)
    return group


def make_parts(name: str, surface, parts) -> list:
    """One material showing ``surface`` for each part index."""
    return [_material(f"{name}.{part}", surface, part) for part in parts]


def _emission(nodes, link, texture):
    emission, shade = nodes.new("ShaderNodeEmission"), nodes.new("ShaderNodeAttribute")
    shade.attribute_name = SHADE
    link(texture.outputs["Color"], emission.inputs["Color"])
    link(shade.outputs["Fac"], emission.inputs["Strength"])
    return emission.outputs[0]


def _dielectric(nodes, link, texture):
    principled = nodes.new("ShaderNodeBsdfPrincipled")
    principled.inputs["Roughness"].default_value = ROUGHNESS
    principled.inputs["Specular IOR Level"].default_value = SPECULAR
    link(texture.outputs["Color"], principled.inputs["Base Color"])
    return principled.outputs[0]


def _write_truth(nodes, link):
    normal = nodes.new("ShaderNodeNewGeometry").outputs["Normal"]
    sources = {TRUTH_NORMAL: normal}
    for name in TRUTH_ATTRIBUTES:
        attribute = nodes.new("ShaderNodeAttribute")
        attribute.attribute_name = name
        sources[name] = attribute.outputs["Vector"]
    for name, socket in sources.items():
        aov = nodes.new("ShaderNodeOutputAOV")
        aov.aov_name = name
        link(socket, aov.inputs["Color"])


def _material(name: str, surface, part: int):
    material = load_bpy().data.materials.new(name)
    material.use_nodes = True
    material.pass_index = part
    material.cycles.emission_sampling = "NONE"  # a glowing body must not be sampled as a lamp
    tree = material.node_tree
    tree.nodes.clear()
    node, output = tree.nodes.new("ShaderNodeGroup"), tree.nodes.new("ShaderNodeOutputMaterial")
    node.node_tree = surface
    tree.links.new(node.outputs[0], output.inputs["Surface"])
    return material

"""Shaders of people and objects: one node group for the surface, one material for each part.

Cycles' Material Index pass is how a rendered pixel knows its part, hence a material for each.
"""

import numpy as np

from mannequin.renderers.blender.session import load_bpy

SHADE = "shade"
"""Point attribute of a mesh: radiance over albedo."""

TRUTH_ATTRIBUTES = ("truth_uv", "truth_chart", "truth_previous", "truth_next")
"""Vector attributes that the ground-truth layer shows as they are, each as an output of its name."""

TRUTH_NORMAL = "truth_normal"
TRUTH_OUTPUTS = TRUTH_ATTRIBUTES + (TRUTH_NORMAL,)
"""Outputs of the ground-truth layer. The normal is the Geometry node's: Cycles' Normal pass is
bent by some surfaces at grazing angles."""


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


def remove_image(image) -> None:
    """Remove an image, and what Cycles kept of the scene.

    Cycles knows images by their address and keeps their texels from render to render: a new image
    at the address of a removed one would show the old texels.
    """
    bpy = load_bpy()
    bpy.data.images.remove(image)
    render = bpy.context.scene.render
    if render.use_persistent_data:
        render.use_persistent_data = False  # forgets at once
        render.use_persistent_data = True


def make_surface(name: str, image, is_emission: bool, is_truth: bool):
    """Node group with one shader output.

    is_emission: texture × ``shade``, no bounces; otherwise a Lambertian surface.
    is_truth: also writes the TRUTH_OUTPUTS.
    """
    group = load_bpy().data.node_groups.new(name, "ShaderNodeTree")
    group.interface.new_socket("Surface", in_out="OUTPUT", socket_type="NodeSocketShader")
    nodes, link = group.nodes, group.links.new
    texture = nodes.new("ShaderNodeTexImage")
    texture.name, texture.image = "texture", image
    texture.interpolation, texture.extension = "Linear", "EXTEND"
    shader = _emission(nodes, link, texture) if is_emission else _matte(nodes, link, texture)
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


def _matte(nodes, link, texture):
    diffuse = nodes.new("ShaderNodeBsdfDiffuse")
    link(texture.outputs["Color"], diffuse.inputs["Color"])
    return diffuse.outputs[0]


def _write_truth(nodes, link):
    sources = {TRUTH_NORMAL: nodes.new("ShaderNodeNewGeometry").outputs["Normal"]}
    for name in TRUTH_ATTRIBUTES:
        attribute = nodes.new("ShaderNodeAttribute")
        attribute.attribute_name = name
        sources[name] = attribute.outputs["Vector"]
    for name, socket in sources.items():
        output = nodes.new("ShaderNodeOutputAOV")
        output.aov_name = name
        link(socket, output.inputs["Color"])


def _material(name: str, surface, part: int):
    material = load_bpy().data.materials.new(name)
    material.pass_index = part
    material.cycles.emission_sampling = "NONE"  # an emitting body must not be sampled as a lamp
    tree = material.node_tree
    tree.nodes.clear()
    node, output = tree.nodes.new("ShaderNodeGroup"), tree.nodes.new("ShaderNodeOutputMaterial")
    node.node_tree = surface
    tree.links.new(node.outputs[0], output.inputs["Surface"])
    return material

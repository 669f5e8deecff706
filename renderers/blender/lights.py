"""The light of a clip as lamps, a world and a ground that catches shadows."""

import numpy as np

from generator.spec import HdriLight, LampLight, Lamp
from renderers.blender.materials import make_image, remove_image
from renderers.blender.session import load_bpy

GROUND = ((-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0))
GROUND_REACH = 3.0
"""How far the ground catches shadows, in heights of what stands on it."""

CLEARANCE = 1e-3
"""m between the ground and the lowest vertex, where that is not above z = 0."""


class LightRig:
    """Everything that lights a scene and must be taken down with it.

    ground_mesh: (vertices (4, 3) world metres, faces (2, 3)) of the ground, None without one.
    """

    def __init__(self, scene, light, environment: np.ndarray | None):
        self.scene, self.images, self.objects, self.materials, self.world = scene, [], [], [], None
        if isinstance(light, HdriLight):
            self._add_environment(environment, light.yaw, light.strength)
        elif isinstance(light, LampLight):
            self._add_ambient(light.ambient)
            for lamp in light.lamps:
                self._add_lamp(lamp)
        scene.world = self.world
        self.ground = self._add_ground() if getattr(light, "shadow", False) else None
        self.ground_mesh = None

    def remove(self) -> None:
        data = load_bpy().data
        for thing in self.objects:
            of = thing.data
            data.objects.remove(thing)
            (data.lights if of.id_type == "LIGHT" else data.meshes).remove(of)
        self.scene.world = None
        if self.world is not None:
            data.worlds.remove(self.world)
        for material in self.materials:
            data.materials.remove(material)
        for image in self.images:
            remove_image(image)

    def spread_ground(self, tracks) -> None:
        """Lay the ground under all vertices (frames, V, 3) that ``tracks`` lists, and around them.

        It lies a little under the lowest vertex where that is below z = 0, so that it never hides
        what the labels show.
        """
        if self.ground is None or not tracks:
            return
        low = np.min([v.min((0, 1)) for v in tracks], axis=0).astype(float)
        high = np.max([v.max((0, 1)) for v in tracks], axis=0).astype(float)
        reach = GROUND_REACH * max(high[2] - low[2], 0.1)
        middle, half = (low + high) / 2, (high - low) / 2 + reach
        height = min(0.0, low[2] - CLEARANCE)
        self.ground.location, self.ground.scale = (middle[0], middle[1], height), (half[0], half[1], 1.0)
        corners = np.array(GROUND) * (half[0], half[1], 0) + (middle[0], middle[1], height)
        self.ground_mesh = (corners.astype(np.float32), np.array([(0, 1, 2), (0, 2, 3)], np.int32))

    def show_ground_to(self, position: np.ndarray) -> None:
        """Hide the ground from a camera below it, which looks at people through it."""
        if self.ground_mesh is not None:
            hidden = bool(position[2] <= self.ground.location[2])
            if self.ground.hide_render != hidden:
                self.ground.hide_render = hidden

    def _new_world(self):
        self.world = load_bpy().data.worlds.new("world")
        return self.world.node_tree.nodes, self.world.node_tree.links.new

    def _add_environment(self, environment, yaw, strength) -> None:
        """An equirectangular image whose centre column is seen along world +X at yaw 0."""
        image = make_image("environment", environment, is_linear=True)
        self.images.append(image)
        nodes, link = self._new_world()
        texture, background = nodes.new("ShaderNodeTexEnvironment"), nodes["Background"]
        turn, direction = nodes.new("ShaderNodeMapping"), nodes.new("ShaderNodeTexCoord")
        texture.image = image
        turn.vector_type = "POINT"
        turn.inputs["Rotation"].default_value[2] = -yaw
        background.inputs["Strength"].default_value = strength
        link(direction.outputs["Generated"], turn.inputs["Vector"])
        link(turn.outputs["Vector"], texture.inputs["Vector"])
        link(texture.outputs["Color"], background.inputs["Color"])

    def _add_ambient(self, ambient: float) -> None:
        nodes, _ = self._new_world()
        nodes["Background"].inputs["Color"].default_value = (1.0, 1.0, 1.0, 1.0)
        nodes["Background"].inputs["Strength"].default_value = ambient

    def _add_lamp(self, lamp: Lamp) -> None:
        from mathutils import Vector

        data = load_bpy().data.lights.new("lamp", "AREA")
        data.shape, data.size, data.energy, data.color = "DISK", lamp.size, lamp.power, lamp.color
        thing = load_bpy().data.objects.new("lamp", data)
        thing.location = lamp.position
        thing.rotation_mode = "QUATERNION"
        thing.rotation_quaternion = (Vector(lamp.target) - Vector(lamp.position)).to_track_quat("-Z", "Y")
        self._link(thing)

    def _add_ground(self):
        """A square of half edge 1 at z = 0, seen only through the shadow on it."""
        mesh = load_bpy().data.meshes.new("ground")
        mesh.from_pydata(GROUND, [], [(0, 1, 2, 3)])
        ground = load_bpy().data.objects.new("ground", mesh)
        ground.is_shadow_catcher = True
        mesh.materials.append(self._ground_material())
        self._link(ground)
        return ground

    def _ground_material(self):
        """Lambertian: without a material Cycles would shade a glossy one, at twice the cost."""
        material = load_bpy().data.materials.new("ground")
        self.materials.append(material)
        nodes, link = material.node_tree.nodes, material.node_tree.links.new
        nodes.clear()
        diffuse, output = nodes.new("ShaderNodeBsdfDiffuse"), nodes.new("ShaderNodeOutputMaterial")
        link(diffuse.outputs[0], output.inputs["Surface"])
        return material

    def _link(self, thing) -> None:
        self.scene.collection.objects.link(thing)
        self.objects.append(thing)

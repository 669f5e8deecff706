"""The light of a clip as lamps and a world; shadows on the ground are the backdrop's."""

from typing import Any

import numpy as np

from mannequin.generator.spec import HdriLight, Lamp, LampLight
from mannequin.renderers.blender.materials import make_image, remove_image
from mannequin.renderers.blender.session import load_bpy, load_with_bpy

IMPORTANCE_WIDTH = 512
"""Columns of the map by which Cycles aims at the bright parts of an environment. By default it
takes a second for every clip."""


class LightRig:
    """Everything that lights a scene and must be removed with it."""

    def __init__(self, scene, light, environment: np.ndarray | None):
        self.scene, self.images, self.objects = scene, [], []
        self.world: Any = None
        if isinstance(light, HdriLight):
            self._add_environment(environment, light.yaw, light.strength)
        elif isinstance(light, LampLight):
            self._add_ambient(light.ambient)
            for lamp in light.lamps:
                self._add_lamp(lamp)
        scene.world = self.world

    def remove(self) -> None:
        data = load_bpy().data
        for lamp in self.objects:
            light = lamp.data
            data.objects.remove(lamp)
            data.lights.remove(light)
        self.scene.world = None
        if self.world is not None:
            data.worlds.remove(self.world)
        for image in self.images:
            remove_image(image)

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
        self.world.cycles.sampling_method, self.world.cycles.sample_map_resolution = "MANUAL", IMPORTANCE_WIDTH
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
        Vector = load_with_bpy("mathutils").Vector
        data = load_bpy().data.lights.new("lamp", "AREA")
        data.shape, data.size, data.energy, data.color = "DISK", lamp.size, lamp.power, lamp.color
        lamp_object = load_bpy().data.objects.new("lamp", data)
        lamp_object.location = lamp.position
        lamp_object.rotation_mode = "QUATERNION"
        lamp_object.rotation_quaternion = (Vector(lamp.target) - Vector(lamp.position)).to_track_quat("-Z", "Y")
        lamp_object.visible_camera = False
        self.scene.collection.objects.link(lamp_object)
        self.objects.append(lamp_object)

"""The way SURREAL renders a clip, built faithfully in today's Blender, to measure against.

As its public generator does: one mesh with 10 shape keys and 207 pose-corrective shape keys under
keyframes, an armature of 24 bones with vertex groups, 24 materials whose light is an Open Shading
Language script (or, ``light="nodes"``, the same polynomial in shader nodes), 16 samples of the
whole image, a compositor that lays the image over a photo and writes depth, normal, vector and
material-index EXR files beside the PNG, nothing kept from frame to frame, and a second pass that
reads the files into arrays and saves .mat files.
"""

import os
import time
from pathlib import Path

import numpy as np
import scipy.io

os.environ.setdefault("OPENCV_IO_ENABLE_OPENEXR", "1")

import cv2

from mannequin.generator.body.lbs import rest_joints
from mannequin.generator.light import SH_GAIN
from mannequin.generator.rotations import rodrigues
from mannequin.generator.scene import Scene
from mannequin.generator.spec import ShLight
from mannequin.renderers.blender.camera import apply_lens, lens_of, matrix_world
from mannequin.renderers.blender.materials import make_image
from mannequin.renderers.blender.session import add_bundled_packages, load_bpy, load_with_bpy, silence
from mannequin.renderers.raster.shading import encode

PASSES = {"Depth": "FLOAT", "Normal": "VECTOR", "Vector": "VECTOR", "Material Index": "FLOAT"}

OSL = """
shader harmonics(color Albedo = 0.8, float c[9] = {%s}, output closure color Out = 0)
{
  float x = N[0], y = -N[2], z = N[1];
  float s = c[0] * 0.282095 + 0.488603 * (c[1] * y + c[2] * z + c[3] * x)
    + 1.092548 * (c[4] * x * y + c[5] * y * z + c[7] * x * z)
    + c[6] * 0.315392 * (3 * z * z - 1) + c[8] * 0.546274 * (x * x - y * y);
  Out = Albedo * max(s, 0) * emission();
}
"""


class SurrealWay:
    """One clip set up SURREAL's way; ``frames`` renders and converts part of it.

    scene: one person, one still camera, ShLight. model: the person's BodyModel. offsets: (V, 3)
    clothes. folder: for the files. light: "osl" or "nodes".
    """

    def __init__(self, scene: Scene, model, offsets: np.ndarray, folder: Path, light: str):
        bpy = load_bpy()
        if light == "osl":
            add_bundled_packages()
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self.bpy, self.folder, self.model = bpy, folder, model
        self.clip, self.track = scene, next(iter(scene.people.values()))
        self.scene, self.light = bpy.context.scene, light
        self._settings()
        self._camera()
        self.body = self._mesh(offsets)
        self._materials(scene.meshes[0].texture)
        self.armature = self._armature()
        self._keyframes()
        self._compositor()

    def frames(self, first: int, last: int) -> dict[str, float]:
        """Render frames [first, last) to files, then convert them; CPU seconds by stage."""
        start = time.process_time()
        for t in range(first, last):
            self._render(t)
        rendered = time.process_time()
        self._convert(first, last)
        return {"render": rendered - start, "convert": time.process_time() - rendered}

    def _settings(self) -> None:
        s = self.scene
        s.render.engine = "CYCLES"
        s.render.threads_mode, s.render.threads = "FIXED", 1
        s.render.film_transparent, s.render.use_persistent_data = True, False
        s.view_settings.view_transform = "Standard"
        cycles = s.cycles
        cycles.samples, cycles.use_adaptive_sampling, cycles.use_denoising = 16, False, False
        cycles.shading_system = self.light == "osl"
        layer = s.view_layers[0]
        layer.use_pass_z = layer.use_pass_normal = layer.use_pass_vector = layer.use_pass_material_index = True

    def _camera(self) -> None:
        Matrix = load_with_bpy("mathutils").Matrix

        K, poses = next(iter(self.clip.cameras.values()))
        camera = self.bpy.data.objects.new("camera", self.bpy.data.cameras.new("camera"))
        self.scene.collection.objects.link(camera)
        self.scene.camera = camera
        apply_lens(self.scene, camera, lens_of(K, self.clip.spec.resolution), self.clip.spec.resolution)
        camera.matrix_world = Matrix(matrix_world(poses[1]).tolist())

    def _mesh(self, offsets: np.ndarray):
        """The rest mesh with its 217 shape keys."""
        model, topology = self.model, self.model.topology
        rest = (model.v_template + offsets).astype(np.float32)
        mesh = self.bpy.data.meshes.new("body")
        mesh.from_pydata(rest.tolist(), [], topology.faces.tolist())
        mesh.uv_layers.new(name="uv").uv.foreach_set("vector", topology.uv.reshape(-1))
        mesh.shade_smooth()
        body = self.bpy.data.objects.new("body", mesh)
        self.scene.collection.objects.link(body)
        body.shape_key_add(name="Basis")
        shapes = np.moveaxis(model.shapedirs[:, :, :10], -1, 0)
        corrections = model.posedirs.reshape(len(model.posedirs), -1, 3)
        for k, delta in enumerate(np.concatenate([shapes, corrections])):
            key = body.shape_key_add(name=f"key{k:03d}")
            key.slider_min, key.slider_max = -10, 10
            key.data.foreach_set("co", (rest + delta).astype(np.float32).reshape(-1))
        return body

    def _materials(self, texture: np.ndarray) -> None:
        part, mesh = self.model.topology.part, self.body.data
        image = make_image("texture", texture, is_linear=False)
        for index in range(1, 25):
            material = self.bpy.data.materials.new(f"part{index}")
            material.pass_index = index
            nodes, link = material.node_tree.nodes, material.node_tree.links.new
            nodes.clear()
            albedo, output = nodes.new("ShaderNodeTexImage"), nodes.new("ShaderNodeOutputMaterial")
            albedo.image = image
            shader = self._script(nodes, link, albedo) if self.light == "osl" else self._polynomial(nodes, link, albedo)
            link(shader, output.inputs["Surface"])
            mesh.materials.append(material)
        mesh.polygons.foreach_set("material_index", np.maximum(part.astype(np.int32) - 1, 0))

    def _coefficients(self) -> list[float]:
        """Of radiance over albedo, gains included."""
        light = self.clip.spec.light
        if not isinstance(light, ShLight):
            raise ValueError(f"The light is {light.kind}; expected spherical harmonics, as SURREAL has.")
        return (np.asarray(light.coefficients) * SH_GAIN).tolist()

    def _script(self, nodes, link, albedo):
        text = self.bpy.data.texts.get("harmonics.osl") or self.bpy.data.texts.new("harmonics.osl")
        text.from_string(OSL % ", ".join(map(repr, self._coefficients())))
        script = nodes.new("ShaderNodeScript")
        script.script = text
        if "Albedo" not in script.inputs:
            raise RuntimeError("The Open Shading Language script did not compile.")
        link(albedo.outputs["Color"], script.inputs["Albedo"])
        return script.outputs["Out"]

    def _polynomial(self, nodes, link, albedo):
        """Emission of strength max(0, a + b · n + n · A n): the script's polynomial."""
        c = self._coefficients()
        normal = nodes.new("ShaderNodeNewGeometry").outputs["Normal"]
        k1, k2, k6, k8 = 0.488603, 1.092548, 0.315392, 0.546274
        linear = (c[3] * k1, c[2] * k1, -c[1] * k1)
        squares = (c[8] * k8, 3 * c[6] * k6, -c[8] * k8)
        products = (c[7] * k2, -c[5] * k2, -c[4] * k2)  # of xy, yz, zx in world axes

        def vector(operation, a, b):
            node = nodes.new("ShaderNodeVectorMath")
            node.operation = operation
            link(a, node.inputs[0])
            if isinstance(b, tuple):
                node.inputs[1].default_value = b
            else:
                link(b, node.inputs[1])
            return node.outputs["Value" if operation == "DOT_PRODUCT" else "Vector"]

        def scalar(operation, a, b):
            node = nodes.new("ShaderNodeMath")
            node.operation = operation
            for socket, value in zip(node.inputs, (a, b)):
                if isinstance(value, float):
                    socket.default_value = value
                else:
                    link(value, socket)
            return node.outputs[0]

        split, turned = nodes.new("ShaderNodeSeparateXYZ"), nodes.new("ShaderNodeCombineXYZ")
        link(normal, split.inputs[0])
        for i, j in enumerate((1, 2, 0)):
            link(split.outputs[j], turned.inputs[i])
        total = scalar("ADD", vector("DOT_PRODUCT", normal, linear), float(c[0] * 0.282095 - c[6] * k6))
        total = scalar("ADD", total, vector("DOT_PRODUCT", vector("MULTIPLY", normal, normal), squares))
        total = scalar("ADD", total, vector("DOT_PRODUCT", vector("MULTIPLY", normal, turned.outputs[0]), products))
        emission = nodes.new("ShaderNodeEmission")
        link(albedo.outputs["Color"], emission.inputs["Color"])
        link(scalar("MAXIMUM", total, 0.0), emission.inputs["Strength"])
        return emission.outputs[0]

    def _armature(self):
        """24 bones at the joints of the shaped body, which move the mesh by vertex groups."""
        bpy, model = self.bpy, self.model
        joints = rest_joints(model, self.track.betas)
        armature = bpy.data.objects.new("armature", bpy.data.armatures.new("armature"))
        self.scene.collection.objects.link(armature)
        bpy.context.view_layer.objects.active = armature
        bpy.ops.object.mode_set(mode="EDIT")
        for j, name in enumerate(model.joint_names):
            bone = armature.data.edit_bones.new(name)
            bone.head, bone.tail = joints[j], joints[j] + (0, 0, 0.1)
            if model.parents[j] >= 0:
                bone.parent = armature.data.edit_bones[model.joint_names[model.parents[j]]]
        bpy.ops.object.mode_set(mode="OBJECT")
        for j, name in enumerate(model.joint_names):
            group = self.body.vertex_groups.new(name=name)
            for v in np.flatnonzero(model.weights[:, j]).tolist():
                group.add([v], float(model.weights[v, j]), "REPLACE")
        self.body.modifiers.new("armature", "ARMATURE").object = armature
        return armature

    def _keyframes(self) -> None:
        """Keyframes of all bones and shape keys; SURREAL inserts them before it renders."""
        Matrix = load_with_bpy("mathutils").Matrix

        keys, betas = self.body.data.shape_keys.key_blocks, self.track.betas
        rests = [np.array(self.armature.data.bones[n].matrix_local)[:3, :3] for n in self.model.joint_names]
        for t, pose in enumerate(self.track.pose):
            local = rodrigues(pose)
            for j, name in enumerate(self.model.joint_names):
                bone, rest = self.armature.pose.bones[name], rests[j]
                bone.rotation_quaternion = Matrix((rest.T @ local[j] @ rest).tolist()).to_quaternion()
                bone.keyframe_insert("rotation_quaternion", frame=t)
                if j == 0:
                    bone.location = (rest.T @ self.track.transl[t]).tolist()
                    bone.keyframe_insert("location", frame=t)
            features = (local[1:] - np.eye(3)).reshape(-1)
            shape = np.zeros(10)
            shape[: len(betas)] = betas
            for k, value in enumerate(np.concatenate([shape, features])):
                keys[f"key{k:03d}"].value = value
                keys[f"key{k:03d}"].keyframe_insert("value", frame=t)

    def _compositor(self) -> None:
        """Alpha-over on the background and one EXR writer per pass."""
        behind = next(iter(self.clip.background.values())).frame(1)
        cv2.imwrite(str(self.folder / "background.png"), encode(behind)[..., ::-1])
        tree = self.bpy.data.node_groups.new("compositor", "CompositorNodeTree")
        self.scene.compositing_node_group = tree
        self.scene.render.use_compositing = True
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        nodes, link = tree.nodes, tree.links.new
        layers, over, photo = (nodes.new(f"CompositorNode{n}") for n in ("RLayers", "AlphaOver", "Image"))
        photo.image = self.bpy.data.images.load(str(self.folder / "background.png"))
        link(photo.outputs["Image"], over.inputs[0])
        link(layers.outputs["Image"], over.inputs[1])
        link(over.outputs[0], nodes.new("NodeGroupOutput").inputs[0])
        self.writers = {}
        for name, kind in PASSES.items():
            writer = nodes.new("CompositorNodeOutputFile")
            writer.directory = str(self.folder)
            writer.format.media_type = "IMAGE"
            writer.format.file_format, writer.format.color_depth, writer.format.exr_codec = "OPEN_EXR", "32", "ZIP"
            writer.file_output_items.new(kind, "image")
            link(layers.outputs[name], writer.inputs["image"])
            self.writers[name] = writer
        settings = self.scene.render.image_settings
        settings.media_type = "IMAGE"
        settings.file_format = "PNG"

    def _render(self, t: int) -> None:
        self.scene.frame_set(t)
        self.scene.render.filepath = str(self.folder / f"rgb_{t:04d}.png")
        for name, writer in self.writers.items():
            writer.file_name = f"{name.replace(' ', '')}_{t:04d}_"
        with silence():
            self.bpy.ops.render.render(write_still=True)

    def read(self, name: str, t: int) -> np.ndarray:
        """A pass of a rendered frame, float32: (H, W), or (H, W, C) in the order OpenCV gives channels."""
        (path,) = self.folder.glob(f"{name.replace(' ', '')}_{t:04d}_*.exr")
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        return image if PASSES[name] == "VECTOR" else image.reshape(*image.shape[:2], -1)[..., 0]

    def _convert(self, first: int, last: int) -> None:
        """Files to one .mat file per kind, compressed, and a stack of images."""
        for name in PASSES:
            images = {f"{name.replace(' ', '')}_{t + 1}": self.read(name, t) for t in range(first, last)}
            if name == "Material Index":
                images = {key: image.astype(np.uint8) for key, image in images.items()}
            scipy.io.savemat(self.folder / f"{name.replace(' ', '')}.mat", images, do_compression=True)
        np.stack([cv2.imread(str(self.folder / f"rgb_{t:04d}.png")) for t in range(first, last)])

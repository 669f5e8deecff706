"""A MeshTrack as an object of the Blender scene, moved in place from frame to frame."""

import numpy as np

from mannequin.generator.scene import MeshTrack
from mannequin.renderers.blender.materials import (
    SHADE,
    TRUTH_ATTRIBUTES,
    make_image,
    make_parts,
    make_surface,
    remove_image,
)
from mannequin.renderers.blender.session import load_bpy


class MeshObject:
    """The Blender object of one mesh.

    is_emission: lit by the ``shade`` attribute. is_truth: carries the ground-truth attributes.
    """

    def __init__(self, scene, track: MeshTrack, is_emission: bool, is_truth: bool):
        self.track, self.is_emission, self.is_truth = track, is_emission, is_truth
        self.is_flat = is_emission and not is_truth  # emission needs no normals: Blender computes none
        self.image = make_image(track.name, track.texture, is_linear=False)
        self.surface = make_surface(track.name, self.image, is_emission, is_truth)
        self.parts = np.unique(track.part)
        self.materials = make_parts(track.name, self.surface, self.parts.tolist())
        self.mesh = self._make_mesh()
        self.object = load_bpy().data.objects.new(track.name, self.mesh)
        self.object.pass_index = track.instance
        scene.collection.objects.link(self.object)

    def can_show(self, track: MeshTrack) -> bool:
        """Whether only vertices, texture and instance differ from the mesh shown."""
        old = self.track
        return len(old.vertices[0]) == len(track.vertices[0]) and all(
            getattr(old, name) is getattr(track, name) or np.array_equal(getattr(old, name), getattr(track, name))
            for name in ("faces", "part", "uv", "chart", "chart_uv")
        )

    def show(self, track: MeshTrack) -> None:
        """Take the texture and instance of another track of the same topology."""
        if track.texture is not self.track.texture:
            remove_image(self.image)
            self.image = make_image(track.name, track.texture, is_linear=False)
            self.surface.nodes["texture"].image = self.image
        self.object.pass_index = track.instance
        self.track = track

    def pose(self, k: int, shade: np.ndarray | None) -> None:
        """Show entry ``k`` of the track's vertices; ``shade`` (V,) float32 when it emits."""
        attributes, vertices = self.mesh.attributes, self.track.vertices
        _write(attributes["position"], vertices[k])
        if shade is not None:
            _write(attributes[SHADE], shade)
        if self.is_truth:
            _write(attributes["truth_previous"], vertices[max(k - 1, 0)])
            _write(attributes["truth_next"], vertices[min(k + 1, len(vertices) - 1)])
        if self.is_flat:
            self.mesh.update_tag()
        else:
            self.mesh.update()  # also has Blender compute the normals again

    def remove(self) -> None:
        data = load_bpy().data
        data.objects.remove(self.object)
        data.meshes.remove(self.mesh)
        for material in self.materials:
            data.materials.remove(material)
        data.node_groups.remove(self.surface)
        remove_image(self.image)

    def _make_mesh(self):
        track = self.track
        mesh = load_bpy().data.meshes.new(track.name)
        mesh.vertices.add(len(track.vertices[0]))
        mesh.loops.add(track.faces.size)
        mesh.loops.foreach_set("vertex_index", np.ascontiguousarray(track.faces, np.int32).reshape(-1))
        mesh.polygons.add(len(track.faces))
        mesh.polygons.foreach_set("loop_start", np.arange(0, track.faces.size, 3, dtype=np.int32))
        for material in self.materials:
            mesh.materials.append(material)
        mesh.polygons.foreach_set("material_index", np.searchsorted(self.parts, track.part).astype(np.int32))
        mesh.uv_layers.new(name="uv").uv.foreach_set("vector", np.ascontiguousarray(track.uv, np.float32).reshape(-1))
        mesh.update(calc_edges=True)
        self._add_attributes(mesh)
        return mesh

    def _add_attributes(self, mesh) -> None:
        track = self.track
        if self.is_flat:
            mesh.shade_flat()
        else:
            mesh.shade_smooth()
        if self.is_emission:
            mesh.attributes.new(SHADE, "FLOAT", "POINT")
        if self.is_truth:
            for name in TRUTH_ATTRIBUTES:
                domain = "CORNER" if name in ("truth_uv", "truth_chart") else "POINT"
                mesh.attributes.new(name, "FLOAT_VECTOR", domain)
            chart = np.repeat(track.chart[:, None, None], 3, 1)  # (F, 3, 1)
            _write(mesh.attributes["truth_uv"], np.concatenate([track.uv, np.zeros_like(track.uv[..., :1])], -1))
            _write(mesh.attributes["truth_chart"], np.concatenate([track.chart_uv, chart], -1))


def _write(attribute, values: np.ndarray) -> None:
    """Fill a float or vector attribute."""
    field = "vector" if values.ndim > 1 else "value"
    attribute.data.foreach_set(field, np.ascontiguousarray(values, np.float32).reshape(-1))

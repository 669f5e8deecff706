"""Where everybody and everything would be seen if nothing else were there."""

import numpy as np

from mannequin.generator.clip import Foreground
from mannequin.generator.scene import MeshTrack, Scene
from mannequin.renderers.raster.lens import Lens, image_rays, make_lenses
from mannequin.renderers.raster.zbuffer import bin_points, fill_points, project_vertices, triangle_boxes


def amodal_masks(scene: Scene, camera: str, foreground: Foreground) -> dict[str, Foreground]:
    """Name → the pixels whose centre would see it, without channels; ``foreground`` must have "instance".

    What hides a surface is a surface: only pixels that show something else are looked at again.
    """
    if len(scene.meshes) == 1:
        alone = Foreground(foreground.resolution, foreground.offsets, foreground.pixels, {})
        return {scene.meshes[0].name: alone}
    K, poses = scene.cameras[camera]
    spec = next(c for c in scene.spec.cameras if c.name == camera)
    lenses = make_lenses(K, spec.distortion)
    found: dict[str, list[np.ndarray]] = {mesh.name: [] for mesh in scene.meshes}
    for t in range(foreground.num_frames):
        span = slice(foreground.offsets[t], foreground.offsets[t + 1])
        pixels, instance = foreground.pixels[span], foreground.values["instance"][span]
        rays = _rays(pixels, lenses[t + 1], foreground.resolution[1])
        for mesh in scene.meshes:
            seen = _seen_alone(mesh, t + 1, rays, instance == mesh.instance, lenses[t + 1], poses[t + 1])
            found[mesh.name].append(pixels[seen])
    return {name: mask_of(foreground.resolution, frames) for name, frames in found.items()}


def _rays(pixels: np.ndarray, lens: Lens, width: int) -> np.ndarray:
    """(n, 2) directions (x, y, 1) through the centres of flat ``pixels`` (n,)."""
    y, x = np.divmod(pixels.astype(np.int64), width)
    x, y = x + 0.5, y + 0.5
    if lens.distorted:
        return image_rays(x, y, lens.pinhole, lens.k, lens.radius)
    return np.stack([(x - lens.cx) / lens.fx, (y - lens.cy) / lens.fy], axis=1)


def _seen_alone(mesh: MeshTrack, k: int, rays, own: np.ndarray, lens: Lens, T: np.ndarray) -> np.ndarray:
    """(n,) bool: the rays (n, 2) that meet ``mesh`` at index ``k``; those that are its ``own`` (n,) do."""
    vertices = mesh.vertices[k]
    camera, screen = np.empty((len(vertices), 3)), np.empty((len(vertices), 2))
    R = np.ascontiguousarray(T[:3, :3].T)
    x0, y0, x1, y1, behind = project_vertices(vertices, R, T[:3, 3].copy(), lens.pinhole, camera, screen)
    x, y = lens.fx * rays[:, 0] + lens.cx, lens.fy * rays[:, 1] + lens.cy
    asked = ~own if behind else ~own & (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
    if not asked.any():
        return own
    depth, face = np.full(int(asked.sum()), np.inf), np.full(int(asked.sum()), -1, np.int32)
    cells, faces = bin_points(x[asked], y[asked]), mesh.faces.astype(np.uint32)
    boxes = triangle_boxes(camera, screen, faces)
    fill_points(camera, screen, faces, boxes, lens.pinhole, *cells, rays[asked], depth, face)
    seen = own.copy()
    seen[asked] = face >= 0
    return seen


def mask_of(resolution: tuple[int, int], frames: list[np.ndarray]) -> Foreground:
    """A mask of the ascending flat pixels (n,) uint32 of each frame."""
    offsets = np.cumsum([0] + [len(pixels) for pixels in frames], dtype=np.int64)
    return Foreground(resolution, offsets, np.concatenate(frames), {})

"""SURREACT's layout: names, keys and the camera of the released generator, and what our reader makes of it."""

import io
from dataclasses import replace

import numpy as np
import pytest
from scipy.io import loadmat
from scipy.spatial.transform import Rotation

from mannequin.cli.commands.export import Export
from mannequin.generator.cameras import to_matrix4
from mannequin.generator.dataset.folder import create_or_resume, open_dataset
from mannequin.generator.dataset.native import open_clip, write_clip
from mannequin.generator.dataset.surreact import export_surreact, view_files
from mannequin.generator.dataset.surreal import export_surreal
from mannequin.generator.dataset.surreal_reader import SurrealReader
from mannequin.generator.errors import ConfigError, DatasetError
from tests.clips import ball_clip, camera_looking

FRAMES = 3
KEYS = {"bg", "cloth", "gender", "joints2D", "joints3D", "pose", "sequence", "shape", "source", "zrot_euler"} | {
    "light",
    "cam_height",
    "cam_dist",
}


def ring_camera(degrees, distance=5.0, rise=1.2, middle=(0.3, -0.2, 0.9), focal=600.0, resolution=(240, 320)):
    a = np.radians(degrees)
    position = np.array(middle) + [distance * np.sin(a), -distance * np.cos(a), rise]
    return camera_looking(f"camera{degrees}", position, middle, focal, resolution)


def dataset_of(folder, *clips):
    dataset = create_or_resume(folder, {"test": 1}, len(clips))
    for i, clip in enumerate(clips):
        write_clip(dataset.path_of(i), clip, rgb="png")
    return open_dataset(folder)


def small_clip(cameras, **options):
    return ball_clip(2, (60, 80), cameras=cameras, **options)


def small_ring(*degrees):
    return tuple(ring_camera(d, focal=150.0, resolution=(60, 80)) for d in degrees)


@pytest.mark.slow
@pytest.mark.parametrize("people", [1, 2])
@pytest.mark.parametrize("degrees", [0, 45, 225])
def test_the_released_formulas_of_the_camera_see_the_joints(degrees, people):
    """Position (d sin φ, d cos φ, h), turned by φ, tilted by atan((h - 1) / d): Blender's axes, y of the image up."""
    clip = ball_clip(FRAMES, cameras=(ring_camera(degrees),), people=people)
    m = loadmat(io.BytesIO(view_files(clip, f"camera{degrees}")["_info.mat"]))
    assert set(m) - {"__header__", "__version__", "__globals__"} == KEYS
    phi, d, h = np.radians(m["zrot_euler"].item()), m["cam_dist"].item(), m["cam_height"].item()
    tilt = np.arctan((h - 1) / d)
    about_y = np.array([[np.cos(phi), 0, np.sin(phi)], [0, 1, 0], [-np.sin(phi), 0, np.cos(phi)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    camera = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]) @ about_y @ about_x
    joints = m["joints3D"].reshape(people, 3, 24, FRAMES).transpose(0, 3, 2, 1).astype(float)
    local = (joints - [d * np.sin(phi), d * np.cos(phi), h]) @ camera
    seen = 600 * local[..., :2] / -local[..., 2:] + [160, 120]
    told = m["joints2D"].reshape(people, 2, 24, FRAMES).transpose(0, 3, 2, 1)
    assert np.abs(seen - told).max() < 1e-3
    assert abs(m["zrot_euler"].item() - degrees) < 1e-4
    middle = joints[:, :, 0].mean(axis=(0, 1))  # of the people: near the axis through (0, 0, 1)
    assert np.linalg.norm(middle - [0, 0, 1]) < 1.0
    shapes = {k: m[k].squeeze().shape for k in ("pose", "shape", "light", "gender", "cloth")}
    several = (people,) * (people > 1)
    assert shapes == {
        "pose": (*several, 72, FRAMES),
        "shape": (*several, 10),
        "light": (9,),
        "gender": (),
        "cloth": several,
    }


def test_the_root_is_in_the_axes_of_a_camera():
    clip = ball_clip(1, cameras=(ring_camera(0),))
    pose = loadmat(io.BytesIO(view_files(clip, "camera0")["_info.mat"]))["pose"][:, 0]
    ours = Rotation.from_rotvec(next(iter(clip.people.values())).pose[0, 0]).as_matrix()
    x, y, z = ours
    assert np.allclose(Rotation.from_rotvec(pose[:3]).as_matrix(), [x, -z, y], atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("people", [1, 2])
def test_our_reader_finds_what_was_exported(tmp_path, people):
    cameras = (ring_camera(0), ring_camera(135, distance=5.7, rise=-0.8))
    clip = ball_clip(FRAMES, cameras=cameras, people=people, tags={"sequence": "S001", "repetition": 2.0})
    dataset = dataset_of(tmp_path / "in", clip)
    assert export_surreact(dataset, tmp_path / "out") == 1
    with open_clip(dataset.path_of(0)) as reader:
        clip = reader.read()
    ends = (".mp4", "_info.mat", "_segm.mat", "_depth.mat", "_gtflow.mat", "_normal.mat")
    names = {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert names == {f"S001/S001_v{v}_r02{e}" for v in ("000", "135") for e in ends}
    assert all(int(n.replace("_info.mat", ".mp4")[-11:-8]) in (0, 135) for n in names if n.endswith("_info.mat"))
    for number, view in ((0, "000"), (1, "135")):
        camera = cameras[number].name
        seen = clip.views[camera]
        with SurrealReader(tmp_path / "out" / f"S001/S001_v{view}_r02_info.mat") as reader:
            assert not reader.mirrored and reader.spec.tags["view"] == float(view)
            assert np.allclose(reader.K("camera"), seen.K)
            shift = clip.people["person0"].joints[0, 0] - reader.track("person0").joints[0, 0]
            T = reader.T_world_camera("camera")
            assert np.abs(T[0, :3, :3] - seen.T_world_camera[0, :3, :3]).max() < 1e-6
            assert np.abs(T[0, :3, 3] + shift - seen.T_world_camera[0, :3, 3]).max() < 2e-6
            assert np.array_equal(reader.images("camera", "segm"), seen.images("segm"))
            assert np.array_equal(reader.images("camera", "depth"), seen.images("depth"))
            for k, (name, track) in enumerate(clip.people.items()):
                assert np.abs(reader.track(f"person{k}").joints + shift - track.joints).max() < 2e-6
                turned = [Rotation.from_rotvec(p.reshape(-1, 3)) for p in (reader.track(f"person{k}").pose, track.pose)]
                assert (turned[0].inv() * turned[1]).magnitude().max() < 1e-5
                found = reader.person_view("camera", f"person{k}")
                assert np.abs(found.joints2d - seen.people[name].joints2d).max() < 1e-3


def test_a_sequence_that_is_there_already_is_a_repetition(tmp_path):
    clips = [small_clip(small_ring(0, 90), tags={"sequence": "a"}, index=i) for i in range(2)]
    clips.append(small_clip(small_ring(45), tags={"sequence": "a"}, index=2))
    export_surreact(dataset_of(tmp_path / "in", *clips), tmp_path / "out")
    names = sorted(p.name.removesuffix("_info.mat") for p in (tmp_path / "out").rglob("*_info.mat"))
    assert names == ["a_v000_r00", "a_v000_r01", "a_v045_r00", "a_v090_r00", "a_v090_r01"]


def still(layout, dataset, out):
    return (export_surreal if layout == "surreal" else export_surreact)(dataset, out)


@pytest.mark.parametrize("layout", ["surreal", "surreact"])
@pytest.mark.parametrize("how", ["moves", "zooms"])
def test_cameras_that_do_not_stand_still_are_refused(tmp_path, layout, how):
    """They were written as they stood at frame 0."""
    clip = small_clip(small_ring(0))
    camera, view = clip.spec.cameras[0], next(iter(clip.views.values()))
    T, K = view.T_world_camera.copy(), view.K.copy()
    if how == "moves":
        T[1, 0, 3] += 0.01
        camera = replace(camera, T_world_camera=tuple(to_matrix4(pose) for pose in T))
    else:
        K[1, [0, 1], [0, 1]] *= 1.1
        camera = replace(camera, zoom=(1.0, 1.1))
    spec = replace(clip.spec, cameras=(camera,))
    clip = replace(clip, spec=spec, views={camera.name: replace(view, T_world_camera=T, K=K)})
    with pytest.raises(DatasetError, match=f"{how}; the layout '{layout}' holds one still camera"):
        still(layout, dataset_of(tmp_path / "in", clip), tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*"))


def test_what_the_layout_cannot_tell_is_refused(tmp_path):
    twins = (*small_ring(90), replace(small_ring(90)[0], name="other"))
    with pytest.raises(DatasetError, match="look the same way .camera90 90°, other 90°"):
        export_surreact(dataset_of(tmp_path / "a", small_clip(twins)), tmp_path / "out")
    above = camera_looking("above", (0.02, 0.0, 6.0), (0.0, 0.0, 0.9), 150.0, (60, 80))
    with pytest.raises(DatasetError, match="looks straight down"):
        export_surreact(dataset_of(tmp_path / "b", small_clip((above,))), tmp_path / "out")
    away = camera_looking("away", (0.0, 6.0, 1.0), (0.0, 9.0, 1.0), 150.0, (60, 80))
    with pytest.raises(DatasetError, match="away from the people"):
        export_surreact(dataset_of(tmp_path / "c", small_clip((away,))), tmp_path / "out")
    with pytest.raises(ConfigError, match="not mirrored"):
        Export(tmp_path / "a", tmp_path / "out", layout="surreact", mirror=True).run()
    assert not (tmp_path / "out").exists()

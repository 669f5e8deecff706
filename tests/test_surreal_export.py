"""SURREAL's layout: its files, types and axes, checked against the formulas of the released data."""

import io
import sys

import numpy as np
import pytest
from scipy.io import loadmat
from scipy.spatial.transform import Rotation

from mannequin.generator.dataset.folder import create_or_resume, open_dataset
from mannequin.generator.dataset.native import write_clip
from mannequin.generator.dataset.surreal import export_surreal, info, view_files
from mannequin.generator.errors import DatasetError, MissingExtraError
from tests.clips import RADII, ball_clip, camera_looking, noise_clip

FRAMES = 3
TAGS = {"sequence": "01_01", "run": 1.0, "clip": 2.0, "stride": 30.0}
SMALL = (60, 80)


def surreal_camera(distance=7.5, height=0.93):
    """SURREAL's camera in our world: level, looking along -X, 60 mm on a 32 mm sensor at 320 x 240."""
    return camera_looking("camera", (distance, 0.25, height), (0.0, 0.25, height), 600.0)


@pytest.fixture(scope="module")
def clip():
    return ball_clip(FRAMES, cameras=(surreal_camera(),), tags=TAGS)


def load(files, suffix):
    return loadmat(io.BytesIO(files[suffix]))


@pytest.fixture(scope="module", params=[False, True], ids=["native", "mirror"])
def exported(request, clip):
    files = view_files(clip, "camera", mirror=request.param)
    return request.param, {suffix: load(files, suffix) for suffix in files if suffix.endswith(".mat")}


def project(camloc, points, mirror):
    """The released data's formulas; points: (3, …). Without mirror the sign of u's numerator turns."""
    x, y, z = points.astype(float)
    tx, ty, tz = camloc.astype(float).ravel()
    side = 1.0 if mirror else -1.0
    return np.stack([side * 600 * (tz - z) / (tx - x) + 160, 600 * (y - ty) / (tx - x) + 120])


def test_joints2d_are_joints3d_through_the_released_formulas(exported):
    mirror, files = exported
    m = files["_info.mat"]
    assert np.abs(project(m["camLoc"], m["joints3D"], mirror) - m["joints2D"]).max() < 1e-3
    assert np.abs(project(m["camLoc"], m["joints3D"], not mirror) - m["joints2D"]).max() > 10


def test_depth_unprojects_to_the_balls_of_its_part(clip, exported):
    mirror, files = exported
    m, depth, segm = files["_info.mat"], files["_depth.mat"]["depth_1"], files["_segm.mat"]["segm_1"]
    v, u = np.nonzero(segm)
    z = depth[v, u]
    tx, ty, tz = m["camLoc"].ravel()
    side = -1.0 if mirror else 1.0
    points = np.stack([tx - z, ty + (v + 0.5 - 120) * z / 600, tz + side * (u + 0.5 - 160) * z / 600])
    off = np.linalg.norm(points - m["joints3D"][:, segm[v, u] - 1, 0], axis=0)
    assert np.abs(off - RADII[segm[v, u] - 1]).max() < 1e-3


def test_root_is_rx90_zrot_pose(clip):
    m = info(clip, "camera")
    person = clip.spec.people[0]
    ours = Rotation.from_rotvec(clip.people[person.name].pose[0, 0])
    root = (
        Rotation.from_euler("x", 90, degrees=True)
        * Rotation.from_euler("z", m["zrot"][0, 0])
        * Rotation.from_rotvec(m["pose"][:3, 0])
    )
    model = np.eye(3)
    x, y, z = ours.apply(model).T
    assert np.abs(root.apply(model) - np.stack([x, -z, y], axis=1)).max() < 1e-6
    assert np.array_equal(m["pose"][3:, 0], clip.people[person.name].pose[0].reshape(-1)[3:])


def test_types_and_shapes_are_those_of_the_released_sample(exported):
    _, files = exported
    m = files["_info.mat"]
    t = FRAMES
    expected = {
        "joints2D": ("float32", (2, 24, t)),
        "joints3D": ("float32", (3, 24, t)),
        "pose": ("float32", (72, t)),
        "shape": ("float32", (10, t)),
        "light": ("float32", (9, t)),
        "zrot": ("float32", (t, 1)),
        "gender": ("uint8", (t, 1)),
        "camLoc": ("float32", (3, 1)),
        "camDist": ("float32", (1, 1)),
        "clipNo": ("uint8", (1, 1)),
        "stride": ("uint8", (1, 1)),
        "bg": ("object", (1, t)),
        "cloth": ("object", (1, t)),
    }
    assert {k: (m[k].dtype.name, m[k].shape) for k in expected} == expected
    assert set(m) - {"__header__", "__version__", "__globals__"} == set(expected) | {"sequence", "source"}
    assert m["clipNo"].item() == 2 and m["stride"].item() == 30 and m["cloth"][0, 1].item() == "outfit/0"
    for name, dtype, more in (
        ("segm", "uint8", ()),
        ("depth", "float32", ()),
        ("gtflow", "float32", (2,)),
        ("normal", "float32", (3,)),
    ):
        images = {k: v for k, v in files[f"_{name}.mat"].items() if not k.startswith("__")}
        assert list(images) == [f"{name}_{i + 1}" for i in range(t)]
        assert {(v.dtype.name, v.shape) for v in images.values()} == {(dtype, (240, 320) + more)}


def test_flow_is_from_the_frame_before_and_first_is_zero(exported):
    _, files = exported
    flow, segm, m = files["_gtflow.mat"], files["_segm.mat"], files["_info.mat"]
    assert not flow["gtflow_1"].any()
    for part in (1, 16):  # the balls hardly turn, so their pixels move as their joints do
        inside = segm["segm_2"] == part
        moved = m["joints2D"][:, part - 1, 1] - m["joints2D"][:, part - 1, 0]
        assert inside.sum() > 50
        assert np.abs(flow["gtflow_2"][inside].mean(0) - moved).max() < 0.05
        assert np.abs(moved).max() > 0.2


def test_depth_background_and_labels(clip, exported):
    _, files = exported
    empty = files["_segm.mat"]["segm_1"] == 0
    assert np.array_equal(files["_depth.mat"]["depth_1"] == np.float32(1e10), empty)
    assert files["_depth.mat"]["depth_1"][~empty].max() < 9


def test_mirror_flips_images_and_keeps_the_bodys_names(clip):
    plain, mirrored = (view_files(clip, "camera", mirror=m) for m in (False, True))
    a, b = load(plain, "_segm.mat")["segm_2"], load(mirrored, "_segm.mat")["segm_2"]
    assert np.array_equal(a[:, ::-1], b) and (a != b).any()
    left = 21  # leftHand keeps its index and changes sides
    assert abs((np.nonzero(a == left)[1].mean() + 0.5) + (np.nonzero(b == left)[1].mean() + 0.5) - 320) < 1e-6
    n, k = load(plain, "_normal.mat")["normal_2"], load(mirrored, "_normal.mat")["normal_2"]
    assert np.array_equal(n[:, ::-1] * [-1, 1, 1], k)
    f, g = load(plain, "_gtflow.mat")["gtflow_2"], load(mirrored, "_gtflow.mat")["gtflow_2"]
    assert np.array_equal(f[:, ::-1] * [-1, 1], g)
    first, second = load(plain, "_info.mat"), load(mirrored, "_info.mat")
    assert np.array_equal(first["joints3D"], second["joints3D"]) and np.array_equal(first["pose"], second["pose"])


def test_video_is_h264_and_shows_the_clip(clip):
    import av

    for mirror in (False, True):
        with av.open(io.BytesIO(view_files(clip, "camera", mirror=mirror)[".mp4"])) as video:
            stream = video.streams.video[0]
            assert (stream.codec_context.name, stream.codec_context.pix_fmt, float(stream.average_rate)) == (
                "h264",
                "yuv420p",
                30.0,
            )
            frames = [f.to_ndarray(format="rgb24") for f in video.decode(stream)]
        assert len(frames) == FRAMES
        rgb = clip.views["camera"].rgb[1].astype(float)
        rgb = rgb[:, ::-1] if mirror else rgb
        assert np.abs(frames[1] - rgb).mean() < 12 < np.abs(frames[1] - rgb[:, ::-1]).mean()


def test_export_is_deterministic(clip):
    assert view_files(clip, "camera") == view_files(clip, "camera")


def small(**options):
    return ball_clip(2, SMALL, **options)


def dataset_of(folder, clips):
    dataset = create_or_resume(folder, {"test": 1}, len(clips))
    for i, clip in enumerate(clips):
        write_clip(dataset.path_of(i), clip, rgb="png")
    return open_dataset(folder)


def test_a_dataset_becomes_surreals_tree(tmp_path):
    clips = [small(tags=TAGS), small(tags=TAGS, seed=1, index=1), small(name="a b/c", index=2)]
    seen = []
    count = export_surreal(dataset_of(tmp_path / "in", clips), tmp_path / "out", progress=lambda *p: seen.append(p))
    ends = (".mp4", "_info.mat", "_segm.mat", "_depth.mat", "_gtflow.mat", "_normal.mat")
    stems = ("run1/01_01/01_01_c0002", "run4/01_01/01_01_c0002", "run0/a_b_c/a_b_c_c0001")
    files = {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert files == {s + e for s in stems for e in ends}
    assert count == 3 and seen == [(1, 3), (2, 3), (3, 3)]
    assert loadmat(tmp_path / "out" / (stems[0] + "_info.mat"))["sequence"].item() == "01_01_c0002"


def test_several_cameras_and_people_are_named_as_in_surreact(tmp_path):
    cameras = tuple(
        camera_looking(n, (x, -6.0, 1.0), resolution=SMALL, focal=140.0) for n, x in (("left", -1.0), ("right", 1.0))
    )
    dataset = dataset_of(tmp_path / "in", [small(people=2, cameras=cameras, joints=52)])
    export_surreal(dataset, tmp_path / "out")
    infos = sorted(p.name for p in (tmp_path / "out").rglob("*_info.mat"))
    assert infos == ["clip_c0001_v000_info.mat", "clip_c0001_v001_info.mat"]
    m = loadmat(next((tmp_path / "out").rglob("*_v001_info.mat")))
    shapes = {k: m[k].shape for k in ("joints2D", "joints3D", "pose", "shape", "zrot", "gender", "cloth")}
    assert shapes == {
        "joints2D": (2, 2, 24, 2),
        "joints3D": (2, 3, 24, 2),
        "pose": (2, 72, 2),
        "shape": (2, 10, 2),
        "zrot": (2, 2, 1),
        "gender": (2, 2, 1),
        "cloth": (2, 2),
    }
    assert not m["pose"][:, 66:].any()


def test_without_colour_no_video_is_needed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    assert ".mp4" not in view_files(small(rgb=False), "camera")
    with pytest.raises(MissingExtraError, match=r"mannequin\[export\]"):
        view_files(small(), "camera")


def test_what_the_layout_cannot_hold_is_refused():
    with pytest.raises(DatasetError, match="even width"):
        view_files(ball_clip(1, (21, 30)), "camera")
    with pytest.raises(DatasetError, match="shows nobody"):
        info(noise_clip(0, people=0), "camera 0")


def test_an_interrupted_export_leaves_no_info(tmp_path, monkeypatch):
    from mannequin.generator.dataset import surreal

    dataset = dataset_of(tmp_path / "in", [small()])
    export_surreal(dataset, tmp_path / "out")
    real = surreal.write_bytes

    def full_disk(path, data):
        if path.name.endswith("_depth.mat"):
            raise DatasetError("the disk is full")
        return real(path, data)

    monkeypatch.setattr(surreal, "write_bytes", full_disk)
    with pytest.raises(DatasetError):
        export_surreal(dataset, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*_info.mat"))
    assert not list((tmp_path / "out").rglob("*.part"))

"""Reading SURREAL's layout: what the exporter wrote comes back, mirrored or not; other files are told apart."""

import io
from dataclasses import fields

import numpy as np
import pytest
from scipy.io import loadmat, savemat
from scipy.spatial.transform import Rotation

from mannequin.generator.body.model import SMPL_PARENTS
from mannequin.generator.dataset.native import open_clip
from mannequin.generator.dataset.surreal import view_files
from mannequin.generator.dataset.surreal_reader import SurrealReader
from mannequin.generator.errors import ConfigError, DatasetError
from tests.clips import ball_clip, camera_looking, noise_clip
from tests.jobs import here, small_job

LABELS = ("segm", "depth", "normal", "flow_backward")
TAGS = {"sequence": "01_01", "run": 1.0, "clip": 2.0, "stride": 30.0}


def level_camera(name="camera", distance=7.5, side=0.25, resolution=(240, 320)):
    """SURREAL's camera: level, looking along -X, 60 mm on a 32 mm sensor."""
    return camera_looking(name, (distance, side, 0.93), (0.0, side, 0.93), 1.875 * resolution[1], resolution)


def put(folder, files, stem="run1/01_01/01_01_c0002"):
    """Writes files of ``view_files``; returns the info file."""
    for end, content in files.items():
        path = folder / f"{stem}{end}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / f"{stem}_info.mat"


def edited(content, drop=(), **values):
    """An info file with other values."""
    plain = {k: v for k, v in loadmat(io.BytesIO(content)).items() if not k.startswith("__") and k not in drop}
    buffer = io.BytesIO()
    savemat(buffer, plain | values, do_compression=True)
    return buffer.getvalue()


def turn(a, b):
    """Largest angle between two sets of axis-angles, radians."""
    a, b = (Rotation.from_rotvec(np.asarray(v, float).reshape(-1, 3)) for v in (a, b))
    return (a.inv() * b).magnitude().max()


@pytest.mark.parametrize("mirror", [False, True], ids=["plain", "mirrored"])
@pytest.mark.parametrize(("people", "frames"), [(1, 3), (2, 2), (1, 1), (2, 1)])
def test_an_exported_clip_comes_back(tmp_path, people, frames, mirror):
    clip = ball_clip(frames, cameras=(level_camera(),), people=people, tags=TAGS)
    original = clip.views["camera"]
    with SurrealReader(put(tmp_path, view_files(clip, "camera", mirror, "01_01_c0002"))) as reader:
        assert reader.mirrored == mirror
        found = reader.read()
    view = found.views["camera"]
    assert np.array_equal(view.labels.pixels, original.labels.pixels) and np.array_equal(
        view.labels.offsets, original.labels.offsets
    )
    for name in LABELS:
        given = original.images(name)
        if name == "flow_backward":
            given[0] = 0
        assert np.array_equal(view.images(name), given), name
    assert ("instance" in view.channels) == (people == 1)
    assert (
        np.abs(view.rgb.astype(float) - original.rgb).mean()
        < 12
        < np.abs(view.rgb[:, :, ::-1].astype(float) - original.rgb).mean()
    )
    assert np.allclose(view.K, original.K) and np.allclose(view.T_world_camera, original.T_world_camera, atol=1e-6)
    for i, name in enumerate(clip.people):
        track, told = found.people[f"person{i}"], clip.people[name]
        assert np.allclose(track.joints, told.joints, atol=1e-6) and turn(track.pose, told.pose) < 1e-6
        assert np.isnan(track.transl).all() and track.gender == "female" and track.body == "smpl_female"
        seen, first = view.people[f"person{i}"], original.people[name]
        assert np.allclose(seen.joints2d, first.joints2d, atol=1e-4)
        assert np.allclose(seen.joints_camera, first.joints_camera, atol=1e-5)
        assert np.array_equal(seen.in_frame, first.in_frame)
        assert np.allclose(seen.pixels, first.pixels, rtol=0.01) and seen.pixels.sum() > 1000
        if people == 1:
            assert np.array_equal(seen.box, first.box) and np.array_equal(seen.pixels, first.pixels)


def test_the_description_says_what_the_info_file_says(tmp_path):
    clip = ball_clip(2, cameras=(level_camera(),), tags=TAGS)
    with SurrealReader(put(tmp_path / "val", view_files(clip, "camera", sequence="01_01_c0002"))) as reader:
        spec = reader.spec
    assert type(spec).from_json(spec.to_json()) == spec
    assert (spec.name, spec.split, spec.fps, spec.num_frames, spec.resolution) == (
        "run1_01_01_c0002",
        "val",
        30.0,
        2,
        (240, 320),
    )
    assert spec.tags == {"sequence": "01_01_c0002", "source": "mannequin", "clip": 2.0, "stride": 30.0, "run": 1.0}
    assert np.allclose(spec.light.coefficients, clip.spec.light.coefficients) and spec.background.kind == "plain"
    person = spec.people[0]
    assert person.appearance.texture == "outfit/0" and person.motion.asset == "01_01_c0002"
    assert np.allclose(person.betas[:3], clip.spec.people[0].betas) and not any(person.betas[3:])


@pytest.mark.parametrize("mirror", [False, True], ids=["plain", "mirrored"])
def test_any_legal_numbers_come_back(tmp_path, mirror):
    clip = noise_clip(3, frames=3, resolution=(6, 8), channels=(*LABELS,), rgb=False)
    info = put(tmp_path, view_files(clip, "camera 0", mirror))
    with SurrealReader(info, "mirrored" if mirror else "plain") as reader:
        for name in LABELS:
            given = clip.views["camera 0"].images(name)
            if name == "flow_backward":
                given[0] = 0
            assert np.array_equal(reader.images("camera", name), given), name
            assert np.array_equal(reader.frame("camera", name, 2), given[2])
        assert "rgb" not in reader.channels("camera")
        assert np.array_equal(reader.labels("camera", (), 1, 2).mask(0), clip.views["camera 0"].labels.mask(1))
    with pytest.raises(DatasetError, match="handedness='mirrored'"):
        SurrealReader(info)


@pytest.mark.parametrize("mirror", [False, True], ids=["plain", "mirrored"])
def test_two_cameras_that_are_not_surreals_are_solved_for(tmp_path, mirror):
    cameras = (
        camera_looking("left", (-2.0, -5.0, 1.6), focal=500.0),
        camera_looking("right", (3.0, -4.0, 0.4), focal=350.0),
    )
    clip = ball_clip(1, cameras=cameras)
    for number, camera in enumerate(("left", "right")):
        info = put(tmp_path, view_files(clip, camera, mirror), f"run0/a/a_c0001_v{number:03d}")
        with SurrealReader(info) as reader:
            assert reader.mirrored == mirror and reader.spec.tags["view"] == number
            assert np.allclose(reader.K("camera"), clip.views[camera].K, atol=0.05)
            assert np.allclose(reader.T_world_camera("camera"), clip.views[camera].T_world_camera, atol=1e-4)


def test_joints_that_no_still_camera_sees_are_refused(tmp_path):
    clip = ball_clip(2, cameras=(level_camera(),))
    info = loadmat(io.BytesIO(view_files(clip, "camera")["_info.mat"]))
    shifted = info["joints2D"] + np.float32([0, 40])  # as by a camera that turns between the frames
    content = edited(view_files(clip, "camera")["_info.mat"], joints2D=shifted)
    with pytest.raises(DatasetError, match="does not tell whether its images are mirrored"):
        SurrealReader(put(tmp_path, {"_info.mat": content}))


@pytest.mark.parametrize("mirror", [False, True], ids=["plain", "mirrored"])
@pytest.mark.parametrize("missing", ["absent", "nan", "zero"])
def test_without_joints2d_the_parts_tell(tmp_path, mirror, missing):
    clip = ball_clip(2, cameras=(level_camera(side=0.8),))
    files = view_files(clip, "camera", mirror)
    empty = np.full((2, 24, 2), np.nan if missing == "nan" else 0.0, np.float32)
    files["_info.mat"] = edited(
        files["_info.mat"], drop=("joints2D",), **({} if missing == "absent" else {"joints2D": empty})
    )
    with SurrealReader(put(tmp_path, files)) as reader:
        assert reader.mirrored == mirror
        seen = reader.person_view("camera", "person0")
    assert np.allclose(seen.joints2d, clip.views["camera"].people["person0"].joints2d, atol=1e-3)
    only_info = put(tmp_path / "info", {"_info.mat": files["_info.mat"]})
    with pytest.raises(DatasetError, match="neither would do"):
        SurrealReader(only_info)
    with SurrealReader(only_info, "mirrored" if mirror else "plain") as reader:
        assert reader.mirrored == mirror and reader.channels("camera") == ()


def test_a_statement_that_contradicts_the_joints_is_refused(tmp_path):
    info = put(tmp_path, view_files(ball_clip(2, cameras=(level_camera(),)), "camera", mirror=True))
    with pytest.raises(DatasetError, match="said to be plain, but its joints are those of mirrored"):
        SurrealReader(info, "plain")
    with pytest.raises(ConfigError, match="Unknown handedness"):
        SurrealReader(info, "left")


def test_rounded_joints_as_in_the_released_files(tmp_path):
    clip = ball_clip(2, cameras=(level_camera(),))
    files = view_files(clip, "camera", mirror=True)
    told = loadmat(io.BytesIO(files["_info.mat"]))["joints2D"]
    with SurrealReader(
        put(tmp_path, files | {"_info.mat": edited(files["_info.mat"], joints2D=np.round(told))})
    ) as reader:
        assert reader.mirrored
        assert np.array_equal(reader.person_view("camera", "person0").joints2d[:, :, 0], 320 - np.round(told)[0].T)


def test_matlabs_squeezed_arrays(tmp_path):
    for people in (1, 2):
        clip = ball_clip(1, cameras=(level_camera(),), people=people)
        files = view_files(clip, "camera")
        info = loadmat(io.BytesIO(files["_info.mat"]))
        squeezed = {
            k: np.squeeze(info[k])
            for k in ("joints2D", "joints3D", "pose", "shape", "zrot", "gender", "light", "camLoc")
        }
        with SurrealReader(
            put(tmp_path / str(people), files | {"_info.mat": edited(files["_info.mat"], **squeezed)})
        ) as reader:
            for i, (name, track) in enumerate(clip.people.items()):
                assert np.allclose(reader.track(f"person{i}").joints, track.joints, atol=1e-6)
                assert turn(reader.track(f"person{i}").pose, track.pose) < 1e-6
                assert np.allclose(
                    reader.person_view("camera", f"person{i}").joints2d,
                    clip.views["camera"].people[name].joints2d,
                    atol=1e-4,
                )


def test_surreacts_own_files(tmp_path):
    """Their camera as the public code places it (Blender's axes: looks along its -z, y up), two people, y up in
    joints2D."""
    rng = np.random.default_rng(0)
    degrees, height, distance, t = 45.0, 1.5, 5.0, 3
    joints = rng.normal(0, 0.4, (2, t, 24, 3)) + [0, 0, 0.9]
    a, b = np.radians(degrees), np.arctan((height - 1) / distance)
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    camera = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]) @ about_y @ about_x
    local = (joints - [distance * np.sin(a), distance * np.cos(a), height]) @ camera
    up = local[..., :2] / -local[..., 2:] * 600 + [160, 120]
    pose = rng.normal(0, 0.2, (2, t, 24, 3))
    pose[:, :, 0] = [np.pi, 0, 0]  # as estimated from videos, whose y is down: upright
    info = {
        "joints2D": np.round(up).transpose(0, 3, 2, 1),
        "joints3D": joints.transpose(0, 3, 2, 1),
        "pose": pose.reshape(2, t, 72).transpose(0, 2, 1),
        "shape": rng.normal(size=(2, 10)),
        "gender": 1,
        "zrot_euler": degrees,
        "cam_height": height,
        "cam_dist": distance,
        "light": np.arange(9.0),
        "bg": "room.jpg",
        "cloth": ["first.jpg", "second.jpg"],
        "sequence": "S001",
        "source": "ntu",
    }
    buffer = io.BytesIO()
    savemat(buffer, info, do_compression=True)
    with SurrealReader(put(tmp_path, {"_info.mat": buffer.getvalue()}, "train/S001/S001_v045_r00")) as reader:
        assert not reader.mirrored and reader.people == ("person0", "person1") and reader.spec.split == "train"
        assert [p.appearance.texture for p in reader.spec.people] == ["first.jpg", "second.jpg"]
        assert [p.body for p in reader.spec.people] == ["smpl_male"] * 2 and reader.spec.tags["view"] == 45.0
        seen, track = reader.person_view("camera", "person1"), reader.track("person1")
        assert np.allclose(seen.joints_camera, local[1] * [1, -1, -1], atol=1e-5)
        assert np.allclose(seen.joints2d, np.round(up[1]) * [1, -1] + [0, 240])
        upright = Rotation.from_rotvec(track.pose[0, 0]).apply([0.0, 1.0, 0.0])
        assert np.allclose(upright, [0, 0, 1], atol=1e-6) and np.allclose(track.betas, info["shape"][1])
        assert np.linalg.det(reader.T_world_camera("camera")[0, :3, :3]) == pytest.approx(1)


def test_people_of_a_rendered_clip_are_where_the_renderer_saw_them(tmp_path):
    here(small_job(), tmp_path / "d", 1)
    with open_clip(tmp_path / "d" / "clips" / "000" / "000000.h5") as reader:
        clip = reader.read()
    camera, person = clip.spec.cameras[0].name, clip.spec.people[0].name
    told = clip.views[camera].people[person]
    with SurrealReader(put(tmp_path, view_files(clip, camera, mirror=True))) as reader:
        seen = reader.person_view("camera", "person0")
    assert (
        np.array_equal(seen.in_frame, told.in_frame)
        and np.array_equal(seen.box, told.box)
        and np.array_equal(seen.pixels, told.pixels)
    )
    assert (seen.visible == told.visible).mean() > 0.95 and not told.visible.all()


@pytest.mark.parametrize("across", [-2.6, -2.2])
def test_one_person_hides_another(tmp_path, across):
    """Against the rule of docs/conventions.md, told by the clip's own instances and depth."""
    clip = ball_clip(1, people=2, cameras=(camera_looking("camera", (-6.0, across, 1.0), (0.4, 0.3, 0.9)),))
    view = clip.views["camera"]
    segm, instance, depth = (view.frame(name, 0) for name in ("segm", "instance", "depth"))
    with SurrealReader(put(tmp_path, view_files(clip, "camera"))) as reader:
        seen = [reader.person_view("camera", f"person{i}") for i in range(2)]
    by_same_part = 0
    for i, person in enumerate(seen):
        for j, (x, y) in enumerate(np.floor(view.people[f"person{i}"].joints2d[0]).astype(int)):
            part = int(segm[y, x]) - 1
            near = part == j or SMPL_PARENTS[j] == part or SMPL_PARENTS[part] == j
            shown = part < 0 or (instance[y, x] == i + 1 and near) or depth[y, x] >= person.joints_camera[0, j, 2]
            assert person.visible[0, j] == shown
            by_same_part += near and not shown
    assert by_same_part >= 3


@pytest.mark.parametrize("mirror", [False, True])
def test_single_frames_of_people_are_those_of_the_whole(tmp_path, mirror):
    clip = ball_clip(3, cameras=(level_camera(),), people=2)
    info = put(tmp_path, view_files(clip, "camera", mirror, "01_01_c0002"))
    with SurrealReader(info) as reader:
        whole = [reader.person_view("camera", person) for person in reader.people]
    with SurrealReader(info) as reader:
        for t in (2, 0):
            for person, expected in zip(reader.people, whole, strict=True):
                found = reader.person_view("camera", person, t, t + 1)
                for field in fields(found):
                    assert np.array_equal(getattr(found, field.name)[0], getattr(expected, field.name)[t])
    assert all(person.pixels.all() and not person.visible.all() for person in whole)


def test_joints_are_told_without_reading_images(tmp_path, monkeypatch):
    clip = ball_clip(3, cameras=(level_camera(),))
    with SurrealReader(put(tmp_path, view_files(clip, "camera", False, "01_01_c0002"))) as reader:
        monkeypatch.setattr(SurrealReader, "_matrix", lambda *_: pytest.fail("read"))
        assert reader.in_sight("camera", "person0").all()
        joints2d = reader.person_arrays("camera", "person0", ("joints2d",), 1, 3)["joints2d"]
    assert np.abs(joints2d - clip.views["camera"].people["person0"].joints2d[1:]).max() < 0.01


def test_what_is_farther_than_a_joint_hides_nothing(tmp_path):
    clip = ball_clip(1, cameras=(level_camera(),))
    files = view_files(clip, "camera")
    buffer = io.BytesIO()
    savemat(
        buffer, {"depth_1": loadmat(io.BytesIO(files["_depth.mat"]))["depth_1"] + np.float32(2)}, do_compression=True
    )
    with (
        SurrealReader(put(tmp_path, files)) as near,
        SurrealReader(put(tmp_path / "far", files | {"_depth.mat": buffer.getvalue()})) as far,
    ):
        assert (
            not near.person_view("camera", "person0").visible.all()
            and far.person_view("camera", "person0").visible.all()
        )


def test_random_frames_of_the_video_are_those_of_a_straight_reading(tmp_path, monkeypatch):
    from mannequin.generator.io import films

    clip = ball_clip(8, (60, 80), cameras=(level_camera(resolution=(60, 80)),))
    info = put(tmp_path, view_files(clip, "camera"))
    with SurrealReader(info) as reader:
        straight = reader.rgb("camera")
    monkeypatch.setattr(films, "KEPT_BYTES", 2 * straight[0].nbytes)
    decoded = []
    real = films.IndexedFilm._decode
    monkeypatch.setattr(films.IndexedFilm, "_decode", lambda self, t: (decoded.append(self._next), real(self, t)))
    with SurrealReader(info) as reader:
        for t in (5, 2, 3, 7, 6, 0):
            assert np.array_equal(reader.frame("camera", "rgb", t), straight[t])
        assert len(reader._video._kept) == 2
    assert decoded == [*range(6), *range(3), 3, *range(4, 8), 0]


@pytest.mark.parametrize("gone", [".mp4", "_segm.mat", "_depth.mat", "_gtflow.mat", "_normal.mat"])
def test_neighbours_may_be_missing(tmp_path, gone):
    clip = ball_clip(2, cameras=(level_camera(),))
    files = {end: content for end, content in view_files(clip, "camera", mirror=True).items() if end != gone}
    lost = {".mp4": {"rgb"}, "_segm.mat": {"segm", "instance"}, "_gtflow.mat": {"flow_backward"}}.get(
        gone, {gone[1:-4]}
    )
    with SurrealReader(put(tmp_path, files)) as reader:
        assert set(reader.channels("camera")) == {"rgb", "segm", "instance", "depth", "normal", "flow_backward"} - lost
        assert reader.mirrored and np.array_equal(
            reader.labels("camera", ()).mask(1), clip.views["camera"].labels.mask(1)
        )
        assert reader.person_view("camera", "person0").pixels.any() == (gone != "_segm.mat")
        with pytest.raises(ConfigError, match="Unknown channel"):
            reader.frame("camera", min(lost), 0)


def damages(files):
    """(name, files, what the message says)."""

    def other(end, content):
        return files | {end: content}

    def images(name, image, frames=2):
        buffer = io.BytesIO()
        savemat(buffer, {f"{name}_{t + 1}": image for t in range(frames)}, do_compression=True)
        return buffer.getvalue()

    info, segm = files["_info.mat"], files["_segm.mat"]
    broken = bytearray(segm)
    broken[len(segm) // 4] ^= 0xFF
    return {
        "empty info": (other("_info.mat", b""), "no MATLAB 5 file"),
        "text": (other("_info.mat", b"hello " * 100), "no MATLAB 5 file"),
        "MATLAB 7.3": (other("_info.mat", b"MATLAB 7.3 MAT-file".ljust(512)), "save it with -v7"),
        "truncated info": (other("_info.mat", info[: len(info) // 2]), "ends within a variable"),
        "truncated segm": (other("_segm.mat", segm[:-9]), "ends within a variable"),
        "flipped bits": (other("_segm.mat", bytes(broken)), "_segm.mat is damaged"),
        "no joints": (other("_info.mat", edited(info, drop=("joints3D",))), "no variable joints3D"),
        "no camera": (other("_info.mat", edited(info, drop=("camLoc",))), "neither camLoc nor"),
        "wrong pose": (other("_info.mat", edited(info, pose=np.zeros((71, 2)))), "pose has the shape"),
        "wrong joints": (other("_info.mat", edited(info, joints3D=np.zeros((3, 23, 2)))), "joints3D has the shape"),
        "no numbers": (other("_info.mat", edited(info, pose="none")), "pose holds"),
        "endless pose": (other("_info.mat", edited(info, pose=np.full((72, 2), np.inf))), "not finite"),
        "gender": (other("_info.mat", edited(info, gender=7)), "gender is"),
        "small segm": (other("_segm.mat", images("segm", np.zeros((24, 32), np.uint8))), "segm_1 has "),
        "parts": (other("_segm.mat", images("segm", np.full((240, 320), 25, np.uint8))), "parts beyond 24"),
        "one frame": (other("_depth.mat", images("depth", np.zeros((240, 320), np.float32), 1)), "no variable depth_2"),
        "video": (other(".mp4", b"no video"), "is not a film"),
    }


DAMAGED_FILES = view_files(ball_clip(2, cameras=(level_camera(),)), "camera")
DAMAGES = damages(DAMAGED_FILES)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_one_clear_error(tmp_path, damage):
    files, says = DAMAGES[damage]
    with pytest.raises(DatasetError, match=says) as e, SurrealReader(put(tmp_path, files)) as reader:
        reader.read()
    assert str(tmp_path) in str(e.value)


def test_a_shorter_or_other_video_is_refused(tmp_path):
    clip = ball_clip(2, cameras=(level_camera(),))
    files = view_files(clip, "camera")
    short = view_files(ball_clip(1, cameras=(level_camera(),)), "camera")[".mp4"]
    with (
        SurrealReader(put(tmp_path, files | {".mp4": short})) as reader,
        pytest.raises(DatasetError, match="ends after 1 frames"),
    ):
        reader.rgb("camera")
    small = view_files(ball_clip(2, (60, 80)), "camera")[".mp4"]
    with pytest.raises(DatasetError, match=r"the video beside it \(60, 80\)"):
        SurrealReader(put(tmp_path, files | {".mp4": small}))


def test_uncompressed_and_big_endian_files(tmp_path):
    """Written by hand: scipy writes the machine's order only."""
    from mannequin.generator.io.matfile import MatFile

    plain = io.BytesIO()
    savemat(plain, {"a": np.arange(6.0).reshape(2, 3), "a_longer_name": np.uint8([[7]])}, do_compression=False)
    path = tmp_path / "x.mat"
    path.write_bytes(plain.getvalue())
    file = MatFile(path, "numbers")
    assert (
        list(file) == ["a", "a_longer_name"]
        and np.array_equal(file.read("a"), np.arange(6.0).reshape(2, 3))
        and file.read("a_longer_name") == 7
    )
    body = b"".join(
        (
            np.array([6, 8, 6, 0], ">u4").tobytes(),
            np.array([5, 8, 1, 2], ">u4").tobytes(),
            np.array([1 << 16 | 1], ">u4").tobytes() + b"b\0\0\0",
            np.array([9, 16], ">u4").tobytes() + np.array([3.5, -2.0], ">f8").tobytes(),
        )
    )
    path.write_bytes(
        b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI" + np.array([14, len(body)], ">u4").tobytes() + body
    )
    assert np.array_equal(MatFile(path, "numbers").read("b"), [[3.5, -2.0]])


def test_views_can_be_looked_up_and_mistakes_are_named(tmp_path):
    with SurrealReader(put(tmp_path, DAMAGED_FILES)) as reader:
        assert reader.cameras == ("camera",) and reader.shown("camera") == ("person0",)
        assert reader.frame("camera", "segm14", 0).max() == 14
        for call in (
            lambda: reader.K("other"),
            lambda: reader.track("nobody"),
            lambda: reader.person_view("camera", "nobody"),
            lambda: reader.labels("camera", ("rgb",)),
        ):
            with pytest.raises(ConfigError, match="Unknown"):
                call()
        with pytest.raises(ConfigError, match="Frames 1 to 3"):
            reader.images("camera", "segm", 1, 3)
    with pytest.raises(DatasetError, match="ends in _info.mat"):
        SurrealReader(tmp_path / "run1/01_01/01_01_c0002_segm.mat")

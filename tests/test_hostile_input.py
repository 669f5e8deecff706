"""Assets come from strangers: whatever is in a file, reading it ends well or in an error of ours."""

import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
import trimesh
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mannequin.generator.appearance.folder import find_textures, load_texture
from mannequin.generator.body import files as body_files
from mannequin.generator.body.model import SMPL_JOINTS, SMPL_PARENTS
from mannequin.generator.body.shipped import read_manifest
from mannequin.generator.body.usermesh import read_obj_uv
from mannequin.generator.catalog import Assets, Catalog
from mannequin.generator.dataset.folder import create_or_resume, open_dataset
from mannequin.generator.dataset.native import clip_bytes, open_clip, read_clip, verify_clip
from mannequin.generator.environment import find_environments, find_photos, load_environment, load_photo
from mannequin.generator.errors import AssetError, MannequinError
from mannequin.generator.io.array_files import read_arrays
from mannequin.generator.motion.finding import find_motions
from mannequin.generator.motion.smpl_files import read_surreal_shapes
from mannequin.generator.objects import object_mesh
from mannequin.generator.rigs.calibration import read_camera
from mannequin.generator.spec import ClipSpec
from mannequin.renderers.footage import read_parameters
from mannequin.renderers.frames import read_images
from tests import fakes
from tests.bvh_files import person_text
from tests.clips import ball_clip, camera_looking, make_spec
from tests.mutations import bent, damaged, garbled

LONGEST = 5000
"""Characters of a message; a file must not write it."""


def cases(count):
    return settings(max_examples=count, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


def attempt(read, *arguments):
    """What ``read`` gives, or None where it raised an error of ours; any other is the test's failure."""
    try:
        return read(*arguments)
    except MannequinError as e:
        assert 20 < len(str(e)) < LONGEST
        return None


def read_bytes_with(read, folder, name, content):
    path = folder / name
    path.write_bytes(content)
    return attempt(read, path)


# Samples


def npz(**arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def encoded(suffix, image) -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


_RNG = np.random.default_rng(0)
_PICTURE = _RNG.integers(0, 256, (24, 24, 3), np.uint8)
_SKY = _RNG.uniform(0, 4, (8, 16, 3)).astype(np.float32)
_LITTLE_BODY = {
    "v_template": np.eye(4, 3),
    "shapedirs": np.zeros((4, 3, 2)),
    "posedirs": np.zeros((4, 3, 207)),
    "weights": np.eye(4, 24) + 0.5,
    "J_regressor": fakes.sp.csc_matrix(np.eye(24, 4)),
    "kintree_table": np.zeros((2, 24), np.uint32),
    "f": np.array([[0, 1, 2]], np.uint32),
}
_DENSE_BODY = _LITTLE_BODY | {"J_regressor": np.eye(24, 4)}
_AMASS = {
    "poses": np.zeros((6, 156)),
    "trans": np.zeros((6, 3)),
    "mocap_framerate": np.array(120.0),
    "gender": np.array("male"),
}
_SURREAL = {
    "pose_01_01": np.zeros((4, 72)),
    "trans_01_01": np.zeros((4, 3)),
    "maleshapes": np.zeros((3, 10)),
    "femaleshapes": np.zeros((3, 10)),
}
_PARAMETERS = {"poses": np.zeros((3, 72)), "trans": np.zeros((3, 3)), "betas": np.zeros(10)}
_CAMERA = {
    "size": [48, 64],
    "K": [[90.0, 0, 32], [0, 90.0, 24], [0, 0, 1]],
    "R": np.eye(3).tolist(),
    "t": [0, 0, 4.0],
    "distortion": [0.1, 0, 0, 0],
}
_BOX = trimesh.creation.box()
_OBJ = _BOX.export(file_type="obj")
_MANIFEST = {"files": [{"path": "bodies/a.npz", "bytes": 3, "sha256": "00", "license_file": "LICENSES/a"}]}
_UV = "\n".join(f"v {k} 0 0" for k in range(4)) + "\nvt 0 0\nvt 0 1\nvt 1 1\nf 1/1 2/2 3/3\nf 2/1 3/2 4/3\n"


# Motion and bodies


def motions(path):
    for motion in find_motions(path):
        assert motion.duration >= 0
        _ = motion.has_hands
        motion.read()


def shapes(path):
    for betas in read_surreal_shapes(path).values():
        assert np.isfinite(betas).all()


def body_arrays(path):
    return body_files._check(read_arrays(path, body_files._NEEDED), str(path))


@pytest.mark.slow
@given(data=st.data())
@cases(250)
def test_bvh(folder, data):
    text = person_text()
    content = data.draw(st.one_of(garbled(text).map(lambda t: t.encode("utf-8", "replace")), damaged([text.encode()])))
    read_bytes_with(motions, folder, "a.bvh", content)


@pytest.mark.slow
@given(data=st.data())
@cases(200)
def test_npz_bytes(folder, data):
    content = data.draw(damaged([npz(**_AMASS), npz(**_SURREAL), npz(**_PARAMETERS), npz(**_DENSE_BODY)]))
    for read in (motions, shapes, body_arrays, read_parameters):
        read_bytes_with(read, folder, "a.npz", content)


nasty_arrays = st.sampled_from(
    (
        np.zeros(0),
        np.zeros((0, 3)),
        np.array(3),
        np.array(np.nan),
        np.full((6, 156), np.nan),
        np.full((6, 156), 1e308),
        np.zeros((6, 156, 2)),
        np.array("text"),
        np.array(["a", "b"]),
        np.zeros(3, "f8,i4"),
        np.zeros((6, 3), complex),
        np.zeros((6, 156), bool),
        np.zeros(1, "M8[s]"),
        np.zeros((6, 0)),
        np.zeros((1,) * 30),
        np.array(b"x" * 99),
        np.zeros((2, 24), np.uint64) + 2**63,
        np.array([0]),
        np.zeros((6, 156), ">f2"),
    )
)


@pytest.mark.slow
@given(data=st.data())
@cases(200)
def test_npz_arrays(folder, data):
    sample = data.draw(st.sampled_from((_AMASS, _SURREAL, _PARAMETERS, _DENSE_BODY)))
    arrays = sample | {data.draw(st.sampled_from(sorted(sample))): data.draw(nasty_arrays)}
    for read in (motions, shapes, body_arrays, read_parameters):
        read_bytes_with(read, folder, "a.npz", npz(**arrays))


HEADERS = (
    "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 10**30), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 1000000000000000000000000000000), }",
    "{'descr': '|O', 'fortran_order': False, 'shape': (6, 156), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,), }",
    "{[]: 1}",
    "-" * 5000 + "1",
    "(" * 3000,
    "{'descr': [], 'fortran_order': 1, 'shape': ()}",
    "{'descr': '<U0', 'fortran_order': False, 'shape': (9, 9), }",
    "{'descr': ('<f8', (100000,)), 'fortran_order': False, 'shape': (6, 156), }",
    "[" * 150,
    "'",
    "\0",
    "{}",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (True, 3), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': " + str((1,) * 60) + ", }",
)


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("version", [1, 2, 3])
def test_npy_headers(folder, header, version):
    size = len(header).to_bytes(2 if version == 1 else 4, "little")
    content = b"\x93NUMPY" + bytes([version, 0]) + size + header.encode() + b"\0" * 64
    for sample, read in (
        (_AMASS, motions),
        (_SURREAL, shapes),
        (_DENSE_BODY, body_arrays),
        (_PARAMETERS, read_parameters),
    ):
        buffer = io.BytesIO(npz(**sample))
        with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(folder / "a.npz", "w") as new:
            for name in old.namelist():
                new.writestr(name, content)
        assert attempt(read, folder / "a.npz") is None


@pytest.mark.slow
@given(data=st.data())
@cases(250)
def test_pickles(folder, data):
    samples = [pickle.dumps(_LITTLE_BODY, protocol) for protocol in range(6)]
    read_bytes_with(body_arrays, folder, "a.pkl", data.draw(damaged(samples)))


OPCODES = tuple(bytes([code]) for code in range(256))


@given(
    st.lists(
        st.one_of(
            st.sampled_from(OPCODES),
            st.sampled_from([b"c", b"\x8c\x01a", b"(", b"}", b"K\x01", b"]", b"cnumpy\nndarray\n"]),
        ),
        max_size=40,
    )
)
@cases(300)
def test_pickle_programs(folder, codes):
    read_bytes_with(body_arrays, folder, "a.pkl", b"".join(codes) + b".")


@pytest.mark.parametrize("value", ["sparse", "cyclic", "scalar", "empty", "strings", "huge"])
@pytest.mark.parametrize("key", sorted(_LITTLE_BODY))
def test_bodies_with_one_odd_array(folder, key, value):
    cyclic = []
    cyclic.append(cyclic)
    odd = {
        "sparse": fakes.sp.csc_matrix(np.eye(4)),
        "cyclic": cyclic,
        "scalar": np.float64(2),
        "empty": np.zeros(0),
        "strings": ["a" * 10**6] + ["b"] * 10**4,
        "huge": [10**30],
    }
    assert read_bytes_with(body_arrays, folder, "a.pkl", pickle.dumps(_DENSE_BODY | {key: odd[value]})) is None


def test_a_real_body_survives_its_check(folder):
    data = fakes.arrays(SMPL_JOINTS, SMPL_PARENTS, 1400)
    assert read_bytes_with(body_arrays, folder, "a.pkl", pickle.dumps(data)) is not None


# Descriptions


@pytest.mark.slow
@given(data=st.data())
@cases(300)
def test_specs(data):
    spec = make_spec([camera_looking("camera", (0, -6, 1))], people=2)
    plain = json.loads(spec.to_json())
    text = data.draw(
        st.one_of(
            bent(plain).map(json.dumps), damaged([spec.to_json().encode()]).map(lambda b: b.decode("utf-8", "replace"))
        )
    )
    read = attempt(ClipSpec.from_json, text)
    if read is not None:
        assert ClipSpec.from_json(read.to_json()) == read


@given(data=st.data())
@cases(150)
def test_dataset_descriptions(folder, data):
    out = folder / "dataset"
    if not out.exists():
        create_or_resume(out, {"a": {"b": [1, 2.5]}}, 3)
        (out / "clips" / "000").mkdir(parents=True)
        (out / "clips" / "000" / "000000.h5").write_bytes(b"")
        (folder / "description.json").write_bytes((out / "dataset.json").read_bytes())
    sound = (folder / "description.json").read_bytes()
    content = data.draw(st.one_of(bent(json.loads(sound)).map(lambda p: json.dumps(p).encode()), damaged([sound])))
    (out / "dataset.json").write_bytes(content)
    attempt(open_dataset, out)
    attempt(create_or_resume, out, {"a": {"b": [1, 2.5]}}, 3)


@given(data=st.data())
@cases(100)
def test_manifests(folder, data):
    held = read_bytes_with(read_manifest, folder, "manifest.json", json.dumps(data.draw(bent(_MANIFEST))).encode())
    for record in held["files"] if held else ():
        assert ".." not in record["path"] and not record["path"].startswith("/") and "\0" not in record["path"]


@given(data=st.data())
@cases(250)
def test_cameras(folder, data):
    text = json.dumps(_CAMERA)
    content = data.draw(st.one_of(bent(_CAMERA).map(lambda p: json.dumps(p).encode()), damaged([text.encode()])))
    read_bytes_with(lambda path: read_camera(path, 3), folder, "camera.json", content)


# Images


@pytest.mark.slow
@given(data=st.data())
@cases(250)
def test_photos_and_textures(folder, data):
    content = data.draw(damaged([encoded(s, _PICTURE) for s in (".png", ".jpg", ".webp", ".bmp", ".tif")]))
    image = read_bytes_with(load_photo, folder, "a.png", content)
    assert image is None or image.dtype == np.uint8
    read_bytes_with(lambda path: load_texture(path, "mesh"), folder, "a.png", content)


@pytest.mark.slow
@given(data=st.data())
@cases(250)
def test_environments(folder, data):
    image = read_bytes_with(
        load_environment, folder, "a.hdr", data.draw(damaged([encoded(".hdr", _SKY), encoded(".exr", _SKY)]))
    )
    assert image is None or np.isfinite(image).all()


@given(data=st.data())
@cases(40)
def test_footage(folder, data):
    within = folder / "footage"
    within.mkdir(exist_ok=True)
    (within / "0.png").write_bytes(data.draw(damaged([encoded(".png", _PICTURE)])))
    attempt(read_images, within, 1)


# Meshes


def mesh(path):
    found = object_mesh.__wrapped__(path.name)
    assert np.isfinite(found.vertices).all() and 0 <= found.faces.min() and found.faces.max() < len(found.vertices)
    assert found.uv.min() >= 0 and found.uv.max() <= 1


@pytest.mark.slow
@given(data=st.data())
@cases(250)
def test_meshes(folder, monkeypatch, data):
    monkeypatch.chdir(folder)
    suffix = data.draw(st.sampled_from(("obj", "ply", "stl", "off")))
    sound = _BOX.export(file_type=suffix)
    sound = sound.encode() if isinstance(sound, str) else sound
    content = data.draw(st.one_of(damaged([sound]), garbled(_OBJ).map(lambda t: t.encode("utf-8", "replace"))))
    read_bytes_with(mesh, folder, f"a.{suffix}", content)


@given(data=st.data())
@cases(150)
def test_texture_coordinates(folder, data):
    faces = np.array([[0, 1, 2], [1, 2, 3]])
    content = data.draw(
        st.one_of(
            damaged([_UV.encode()]), garbled(_UV.replace("\n", " \n ")).map(lambda t: t.encode("utf-8", "replace"))
        )
    )
    uv = read_bytes_with(lambda path: read_obj_uv(path, 4, faces), folder, "a.obj", content)
    assert uv is None or np.isfinite(uv).all()


# Clips


@pytest.fixture(scope="module")
def sound_clip():
    return bytes(clip_bytes(ball_clip(2, (24, 32), people=1), rgb="png"))


def whole_clip(path):
    verify_clip(path)
    with open_clip(path) as reader:
        for camera in reader.cameras:
            for channel in reader.channels(camera):
                reader.frame(camera, channel, 0)
        reader.read()


@pytest.mark.slow
@given(data=st.data())
@cases(200)
def test_clip_bytes(folder, sound_clip, data):
    read_bytes_with(whole_clip, folder, "a.h5", data.draw(damaged([sound_clip])))


def _elsewhere(file, name):
    return h5py.ExternalLink(str(file.filename).replace("a.h5", "other.h5"), name)


CHANGES = {
    "gone": lambda file, name: None,
    "group": lambda file, name: file.create_group(name),
    "text": lambda file, name: file.create_dataset(name, data="../../etc/passwd"),
    "texts": lambda file, name: file.create_dataset(name, data=["a", "b"], dtype=h5py.string_dtype()),
    "scalar": lambda file, name: file.create_dataset(name, data=1.0),
    "empty": lambda file, name: file.create_dataset(name, data=h5py.Empty("f4")),
    "struct": lambda file, name: file.create_dataset(name, data=np.zeros(3, "f4,i8")),
    "reference": lambda file, name: file.create_dataset(name, data=file.ref, dtype=h5py.ref_dtype),
    "ragged": lambda file, name: file.create_dataset(name, (3,), dtype=h5py.vlen_dtype("f4")),
    "half": lambda file, name: file.create_dataset(name, data=np.zeros((2, 24, 3), "f2")),
    "soft": lambda file, name: file.__setitem__(name, h5py.SoftLink("/views")),
    "soft loop": lambda file, name: file.__setitem__(name, h5py.SoftLink("/" + name)),
    "external": lambda file, name: file.__setitem__(name, _elsewhere(file, name)),
    "cycle": lambda file, name: file.__setitem__(name, file["/"]),
    "second name": lambda file, name: file.__setitem__(name, file["spec" if name != "spec" else "versions"]),
    "huge": lambda file, name: file.create_dataset(name, (2, 2**40), "u1", chunks=(1, 16)),
    "huge and stored": lambda file, name: file.create_dataset(
        name, (2**38,), "f8", chunks=(1 << 16,), compression="gzip"
    ).__setitem__(slice(9), 1),
    "wide chunk": lambda file, name: file.create_dataset(
        name, (3, 3), "f8", chunks=(2**13, 2**13), maxshape=(None, None), compression="gzip"
    ),
    "odd filter": lambda file, name: file.create_dataset(name, data=np.zeros((2, 99), "i4"), scaleoffset=0),
    "lzf": lambda file, name: file.create_dataset(name, data=np.zeros((2, 99), "u4"), compression="lzf"),
    "deflate twice": lambda file, name: _deflated_twice(file, name),
    "foreign bytes": lambda file, name: file.create_dataset(name, (9,), "u1", external=[("other.h5", 0, 9)]),
    "virtual": lambda file, name: _virtual(file, name),
    "infinite": lambda file, name: file.create_dataset(name, data=np.full((2, 4, 4), np.inf)),
}


def _deflated_twice(file, name):
    made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    made.set_chunk((1 << 16,))
    made.set_deflate(9)
    made.set_deflate(9)
    h5py.h5d.create(file.id, name.encode(), h5py.h5t.NATIVE_UINT8, h5py.h5s.create_simple((1 << 20,)), made).write(
        h5py.h5s.ALL, h5py.h5s.ALL, np.zeros(1 << 20, np.uint8)
    )


def _virtual(file, name):
    layout = h5py.VirtualLayout((3, 3), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "views/camera/K", (3, 3))
    file.create_virtual_dataset(name, layout)


def names_in(path):
    names = []
    with h5py.File(path) as file:
        file.visit(names.append)
    return sorted(names)


def change_clip(path, name, change):
    with h5py.File(path, "r+") as file:
        about = dict(file[name].attrs)
        del file[name]
        CHANGES[change](file, name)
        if (
            name in file
            and not isinstance(file.get(name, getlink=True), (h5py.SoftLink, h5py.ExternalLink))
            and change not in ("cycle", "second name")
        ):
            file[name].attrs.update(about)


@pytest.mark.slow
@given(data=st.data())
@cases(400)
def test_clips_of_another_structure(folder, sound_clip, data):
    path = folder / "a.h5"
    for other in (path, folder / "other.h5"):
        other.write_bytes(sound_clip)
    change = data.draw(st.sampled_from(sorted(CHANGES)))
    name = data.draw(st.sampled_from(names_in(path)))
    change_clip(path, name, change)
    attempt(whole_clip, path)
    assert [found for found in verify_clip(path) if "lacks the table" not in found]


@pytest.mark.parametrize(
    "change",
    [
        "soft",
        "external",
        "cycle",
        "second name",
        "foreign bytes",
        "virtual",
        "deflate twice",
        "wide chunk",
        "lzf",
        "huge and stored",
    ],
)
def test_clips_that_lead_elsewhere_or_flood_are_refused(folder, sound_clip, change):
    path = folder / "a.h5"
    for other in (path, folder / "other.h5"):
        other.write_bytes(sound_clip)
    change_clip(path, "views/camera/K", change)
    assert attempt(read_clip, path) is None


ATTRIBUTES = (0, -1, "x", "é" * 99, [1, 2], np.zeros((2, 2)), np.nan, 10**18, b"\xff", ["a", "b"], h5py.Empty("f4"))


@pytest.mark.slow
@given(data=st.data())
@cases(150)
def test_clips_with_other_attributes(folder, sound_clip, data):
    path = folder / "a.h5"
    path.write_bytes(sound_clip)
    with h5py.File(path, "r+") as file:
        places = [(item, key) for item in ["/", *names_in_open(file)] for key in file[item].attrs]
        item, key = data.draw(st.sampled_from(places))
        file[item].attrs[key] = data.draw(st.sampled_from(ATTRIBUTES))
    attempt(whole_clip, path)


def names_in_open(file):
    names = []
    file.visit(names.append)
    return names


@pytest.mark.slow
@given(data=st.data())
@cases(100)
def test_clips_with_other_descriptions(folder, sound_clip, data):
    path = folder / "a.h5"
    path.write_bytes(sound_clip)
    with h5py.File(path, "r+") as file:
        name = data.draw(st.sampled_from(["spec", "versions", "agreement"]))
        text = json.dumps(data.draw(bent(json.loads(file[name][...].tobytes()))))
        del file[name]
        file[name] = np.frombuffer(text.encode(), np.uint8)
    attempt(whole_clip, path)


# Files that lead elsewhere


def link_out(folder, name, content):
    """A folder with a link ``name`` to a file outside it."""
    outside, within = folder / "outside", folder / "within"
    outside.mkdir()
    within.mkdir()
    (outside / name).write_bytes(content)
    (within / name).symlink_to(outside / name)
    return within


@pytest.mark.parametrize(
    ("name", "find"),
    [
        ("a.bvh", find_motions),
        ("a.npz", find_motions),
        ("a.png", lambda path: find_textures(path, "mesh")),
        ("a.jpg", find_photos),
        ("a.hdr", find_environments),
        ("SMPL_MALE.pkl", body_files.find_bodies),
        ("a.png", lambda path: read_images(path, 1)),
        ("topology.txt", lambda path: find_textures(path, "mesh")),
        ("topology.json", lambda path: find_textures(path, "mesh")),
    ],
)
def test_links_out_of_a_folder_are_not_followed(tmp_path, name, find):
    within = link_out(tmp_path, name, encoded(".png", _PICTURE))
    with pytest.raises(AssetError, match="leads out of its folder"):
        find(within)
    (within / name).unlink()
    (within / name).symlink_to(tmp_path / "within" / "b")
    (within / "b").mkdir()  # a link within the folder is fine, this one is no file
    with pytest.raises(AssetError, match="^((?!leads out)[^\n])*(\n|$)"):
        find(within)


@pytest.mark.parametrize(
    "name", ["../a.obj", "{}/a.obj", "../outside/a.obj", "http://127.0.0.1:9/a.obj", "a.gltf", "a.glb", "a\0.obj"]
)
def test_objects_of_other_folders_are_not_read(tmp_path, monkeypatch, name):
    monkeypatch.chdir(link_out(tmp_path, "a.obj", _OBJ.encode()))
    with pytest.raises(AssetError):
        object_mesh.__wrapped__(name.format(tmp_path / "outside"))
    with pytest.raises(AssetError, match="leads out"):
        object_mesh.__wrapped__("a.obj")


@pytest.mark.parametrize(
    "texture",
    [
        "outfit/x",
        "outfit/-1",
        "outfit/" + "9" * 5000,
        "outfit/../a",
        "outfit/1.5",
        "texture/../../a.png",
        "/etc/passwd",
    ],
)
def test_ids_of_textures_are_no_paths(texture):
    catalog = Catalog()
    with pytest.raises(MannequinError):
        catalog.texture(texture, None, 16) if texture.startswith("outfit/") else Catalog(
            Assets(textures="nowhere")
        ).texture(texture, catalog.body("mannequin-male"), 16)


@pytest.mark.parametrize("motion", ["action/../x", "action/", "/etc/passwd", "../a.bvh", "action/\0"])
def test_ids_of_motions_are_no_paths(motion):
    with pytest.raises(MannequinError):
        Catalog().motion(motion)


def test_pipes_do_not_keep_readers_waiting(tmp_path):
    pipe = tmp_path / "dataset.json"
    os.mkfifo(pipe)
    for read in (
        load_photo,
        load_environment,
        motions,
        body_arrays,
        read_parameters,
        open_clip,
        lambda p: read_camera(p, 1),
        lambda p: load_texture(p, "mesh"),
    ):
        with pytest.raises(MannequinError):
            read(pipe)
    with pytest.raises(MannequinError):
        open_dataset(tmp_path)


def test_messages_drive_no_terminal():
    error = AssetError("\x1b[2J" + "a" * 10**6)
    assert "\x1b" not in str(error) and len(str(error)) < LONGEST and "\\x1b[2J" in str(error)


@pytest.mark.slow
def test_bombs_and_acts_beyond_reading():
    """In a process of its own with little memory, whose acts are watched; see tests/hostile.py."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile"], capture_output=True, text=True, cwd=Path(__file__).parents[1]
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["acts"] == []
    assert report["escaped"] == {}
    assert {name: mib for name, mib in report["grown"].items() if mib > 300} == {}
    assert len(report["grown"]) >= 25

"""Users' model files: the true formats are read, and nothing in them is ever run."""

import io
import os
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from mannequin.generator.body.files import find_bodies, load_body
from mannequin.generator.body.usermesh import mesh_id
from mannequin.generator.errors import AssetError, TopologyError, UnsafeFileError
from mannequin.generator.io import cache, unpickle
from mannequin.generator.io.array_files import read_arrays
from tests import fakes


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MANNEQUIN_CACHE", str(tmp_path / "cache"))


def exact(model, data):
    assert np.array_equal(model.v_template, data["v_template"].astype(np.float32))
    assert np.allclose(model.joint_regressor.toarray(), data["J_regressor"])
    assert np.allclose(model.weights, data["weights"], atol=1e-6)
    assert np.array_equal(model.topology.faces, data["f"])


# Formats


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_reads_smpl_as_python_2_pickled_it(tmp_path, protocol):
    model = load_body(fakes.fake_smpl_pkl(tmp_path / "basicModel_f_lbs_10_207_0_v1.0.0.pkl", protocol=protocol))
    data = fakes.arrays(fakes.SMPL_JOINTS, fakes.SMPL_PARENTS, 1400)
    exact(model, data)
    assert (model.family, model.gender, model.num_betas) == ("smpl", "female", 10)
    assert np.array_equal(model.shapedirs, data["shapedirs"].astype(np.float32))
    assert np.array_equal(model.posedirs, data["posedirs"].reshape(-1, 207).T.astype(np.float32))
    assert tuple(model.parents) == fakes.SMPL_PARENTS
    assert set(model.topology.part) == set(range(1, 25))
    assert model.topology.uv.min() >= 0 and model.topology.uv.max() <= 1


def test_reads_mano_with_its_reordered_shapes(tmp_path):
    model = load_body(fakes.fake_mano_pkl(tmp_path / "MANO_RIGHT.pkl"))
    data = fakes.arrays((), fakes.MANO_PARENTS, 400, hand=True)
    exact(model, data)
    assert np.array_equal(model.shapedirs, data["shapedirs"].astype(np.float32))
    assert (model.family, model.gender) == ("mano", "right")
    assert model.joint_names[:2] == ("right_wrist", "right_index1")
    assert set(model.topology.part) <= {22, 24}


@pytest.mark.parametrize("make", [fakes.fake_smplh_pkl, fakes.fake_smplh_npz])
def test_reads_smplh(tmp_path, make):
    model = load_body(make(tmp_path / ("m.npz" if make is fakes.fake_smplh_npz else "m.pkl")), gender="male")
    assert model.family == "smplh" and model.joint_names == fakes.SMPLH_JOINTS
    assert model.num_betas == (16 if make is fakes.fake_smplh_npz else 10)


@pytest.mark.parametrize(("components", "betas"), [(20, 10), (400, 300)])
def test_smplx_keeps_shapes_and_drops_expressions(tmp_path, components, betas):
    model = load_body(fakes.fake_smplx_npz(tmp_path / "SMPLX_NEUTRAL.npz", num_betas=components))
    data = fakes.arrays(fakes.SMPLX_JOINTS, fakes.SMPLX_PARENTS, 1400, components, dtype=np.float32)
    assert model.family == "smplx" and model.num_betas == betas
    assert np.array_equal(model.shapedirs, data["shapedirs"][:, :, :betas])
    jaw = model.joint_names.index("jaw")
    assert np.array_equal(model.weights[:, jaw], data["weights"][:, 22])
    assert model.joint_names[model.parents[jaw]] == "head"


def test_true_counts_have_the_known_names():
    assert mesh_id(6890, np.zeros((13776, 3))) == "smpl-6890"
    assert mesh_id(10475, np.zeros((20908, 3))) == "smplx-10475"
    assert mesh_id(778, np.zeros((1538, 3)), "left") == "mano-778-left"
    assert mesh_id(6890, np.zeros((13775, 3))).startswith("sha256:")


@pytest.mark.slow
def test_smpl_and_smplh_share_their_mesh_and_landmarks(tmp_path):
    smpl = load_body(fakes.fake_smpl_pkl(tmp_path / "a.pkl", 6890))
    smplh = load_body(fakes.fake_smplh_npz(tmp_path / "b.npz", 6890))
    assert smpl.topology.id == smplh.topology.id == "smpl-6890-charts"
    assert smpl.topology.landmarks == smplh.topology.landmarks
    assert smpl.topology.landmarks["nose"] == 332 and smpl.topology.landmarks["right_heel"] == 6787


def test_an_ordered_dictionary_is_a_dictionary(tmp_path):
    path = tmp_path / "SMPL_MALE.pkl"
    data = fakes.arrays(fakes.SMPL_JOINTS, fakes.SMPL_PARENTS, 1400)
    path.write_bytes(pickle.dumps(OrderedDict(data, extra=OrderedDict(a=1))))
    exact(load_body(path), data)
    text = b"ccollections\nOrderedDict\n((l(S'weights'\nI7\nlatR."  # as Python 2 wrote it
    assert unpickle.load_pickle(io.BytesIO(text), len(text), "it") == {"weights": 7}


# Folders


@pytest.mark.parametrize(
    ("name", "gender"),
    [
        ("SMPL_FEMALE.pkl", "female"), ("basicModel_f_lbs_10_207_0_v1.0.0.pkl", "female"),
        ("basicmodel_m_lbs_10_207_0_v1.1.0.pkl", "male"), ("basicmodel_neutral_lbs_10_207_0_v1.1.0.pkl", "neutral"),
        ("SMPLH_MALE.npz", "male"), ("smplh/female/model.npz", "female"), ("models/smplx/SMPLX_NEUTRAL.npz", "neutral"),
        ("models/MANO_RIGHT.pkl", "right"), ("mano_v1_2/models/MANO_LEFT.pkl", "left"),
    ],
)  # fmt: skip
def test_finds_files_by_their_usual_names(tmp_path, name, gender):
    path = tmp_path / "female things" / name  # the outer folder's name says nothing
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    assert find_bodies(tmp_path / "female things") == {gender: path}
    assert find_bodies(path) == {gender: path}


def test_a_folder_gives_the_gender_asked_for(tmp_path):
    fakes.fake_smpl_pkl(tmp_path / "SMPL_FEMALE.pkl", seed=1)
    fakes.fake_smpl_pkl(tmp_path / "SMPL_MALE.pkl", seed=2)
    (tmp_path / "notes.pkl").write_bytes(b"")
    assert list(find_bodies(tmp_path)) == ["female", "male"]
    assert load_body(tmp_path, gender="male").name == "SMPL_MALE"
    with pytest.raises(AssetError, match="No neutral body"):
        load_body(tmp_path, gender="neutral")


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.mkdir()])
def test_an_absent_file_is_told_with_site_and_name(tmp_path, make):
    path = tmp_path / "models"
    make(path)
    with pytest.raises(AssetError) as error:
        load_body(path)
    for text in (
        str(path),
        "https://smpl.is.tue.mpg.de",
        "SMPL_python_v.1.1.0",
        "https://mano.is.tue.mpg.de",
        "https://smpl-x.is.tue.mpg.de",
    ):
        assert text in str(error.value)


# Code in files


class Gadget:
    """Pickles as a call of ``function`` with ``args``."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


def gadgets(proof):
    """Name that the file asks for → an object that would do harm when unpickled."""
    make = f"open({str(proof)!r}, 'w').close()"
    return {
        "system": Gadget(os.system, f"touch {proof}"),
        "eval": Gadget(eval, make),
        "exec": Gadget(exec, make),
        "getattr": Gadget(getattr, "text", "upper"),
        "numpy.fromfile": Gadget(np.fromfile, str(proof)),
        "numpy.load": Gadget(np.load, str(proof), None, True),
        "runstring": Gadget(np.testing._private.utils.runstring, make, {}),
        "system in chumpy": _holding(Gadget(os.system, f"touch {proof}")),
    }


def test_the_gadgets_are_live(tmp_path):
    for kind in ("system", "eval", "exec", "runstring"):
        proof = tmp_path / kind
        pickle.loads(pickle.dumps(gadgets(proof)[kind]))
        assert proof.exists()


def _holding(gadget):
    inside = fakes._Ch(np.zeros(3))
    inside.extra = gadget
    return inside


@pytest.fixture(params=["pkl", "npz"])
def poisoned(request, tmp_path):
    """Writes a file whose v_template, or a member beside it, is ``payload``."""

    def write(payload):
        path = tmp_path / f"SMPL_MALE.{request.param}"
        data = fakes.arrays(fakes.SMPL_JOINTS, fakes.SMPL_PARENTS, 1400)
        if request.param == "npz":
            stream = io.BytesIO()
            header = np.lib.format.header_data_from_array_1_0(np.array(None, object))
            np.lib.format.write_array_header_1_0(stream, header)
            np.savez(path, **{k: v for k, v in data.items() if k != "v_template"})
            with zipfile.ZipFile(path, "a") as archive:
                archive.writestr("v_template.npy", stream.getvalue() + payload)
        else:
            path.write_bytes(payload)
        return path

    return write


@pytest.mark.parametrize("kind", sorted(gadgets("x")))
def test_nothing_named_by_a_file_is_run(tmp_path, poisoned, kind):
    proof = tmp_path / "proof"
    stream = io.BytesIO()
    payload = gadgets(proof)[kind]
    pickler = fakes.Python2Pickler if isinstance(payload, fakes._Ch) else pickle._Pickler
    pickler(stream, 2).dump({"v_template": payload})
    with pytest.raises(UnsafeFileError, match="Nothing was run") as error:
        load_body(poisoned(stream.getvalue()))
    assert kind.removesuffix(" in chumpy") in str(error.value)
    assert not proof.exists()


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (b"cnumpy.core.multiarray\n_reconstruct\n(cposix\nsystem\n(I0\ntS'b'\ntR.", UnsafeFileError),
        (b"c__builtin__\nobject\n(S'touch'\ntR}b.", AssetError),  # data that is no dictionary
        (b"(S'touch x'\nios\nsystem\n.", UnsafeFileError),  # INST
        (b"(cchumpy.ch\nCh\no.", UnsafeFileError),  # OBJ
        (b"\x80\x02\x82\x01.", UnsafeFileError),  # EXT1
        (b"Pevil\n.", UnsafeFileError),  # PERSID
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", UnsafeFileError),  # STACK_GLOBAL
        (b"\x80\x04\x8c\x0dnumpy.ndarray\x8c\x04dump\x93.", UnsafeFileError),
        (b"\x80\x04\x8c\x0achumpy.../\x8c\x01x\x93.", AssetError),  # inert, and not a dictionary
        (b"cchumpy.ch\nCh\n}S'x'\nI1\nsb.", AssetError),  # a state for a class itself
    ],
)
def test_hand_made_opcodes_are_refused(poisoned, payload, error):
    with pytest.raises(error):
        load_body(poisoned(payload))


@settings(max_examples=300)
@given(st.data())
def test_damaged_pickles_raise_nothing_but_asset_errors(data):
    stream = io.BytesIO()
    content = {
        "a": fakes._Ch(np.arange(4.0)),
        "b": fakes._Select(np.arange(4.0)),
        "c": sp.csc_matrix(np.eye(3)),
        "d": np.float64(2),
    }
    fakes.Python2Pickler(stream, data.draw(st.sampled_from([0, 1, 2]))).dump(content)
    damaged = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = unpickle.load_pickle(io.BytesIO(damaged), len(damaged), "it")
        for value in read.values() if isinstance(read, dict) else [read]:
            unpickle.as_array(value, "it")
    except AssetError:
        pass


def array_state(shape, dtype, data):
    """What numpy would be asked to build, as our reader sees it."""
    name = unpickle.Name
    kind = unpickle.Record(name(("numpy", "dtype")), (dtype, False, True), (3, "<", None, None, None, -1, -1, 0))
    return unpickle.Record(name(("numpy.core.multiarray", "_reconstruct")), (), (1, shape, kind, False, data))


@pytest.mark.parametrize(
    "record",
    [
        array_state((1 << 40,), "f8", b""),
        array_state((-1, -8), "f8", bytes(64)),
        array_state((9,), "f8", bytes(64)),
        array_state((1,), "V8", bytes(8)),
        array_state((1,), "i4,O", bytes(12)),
        array_state((2,), "O", [1, 2]),
        unpickle.Record(
            unpickle.Name(("scipy.sparse.csc", "csc_matrix")),
            (),
            {"shape": (4, 4), "data": [1.0], "indices": [9], "indptr": [0, 1, 1, 1, 1]},
        ),
        unpickle.Record(
            unpickle.Name(("scipy.sparse.csc", "csc_matrix")),
            (),
            {"shape": (1 << 30, 1 << 30), "data": [], "indices": [], "indptr": [0]},
        ),
        unpickle.Record(unpickle.Name(("chumpy.ch", "add")), (), {"a": 1, "b": 2}),
        unpickle.Record(unpickle.Name(("chumpy.ch", "Ch")), (), None),
        {"a": 1},
        [[1, 2], [3]],
    ],
    ids=str,
)
def test_arrays_that_lie_about_themselves_are_refused(record):
    with pytest.raises(AssetError):
        unpickle.as_array(record, "it")


def test_a_length_beyond_the_file_takes_no_memory(tmp_path):
    path = tmp_path / "SMPL_MALE.pkl"
    path.write_bytes(b"\x80\x04\x8e" + (1 << 45).to_bytes(8, "little") + b"short")
    with pytest.raises(AssetError, match="truncated"):
        load_body(path)
    path.write_bytes(b"\x80\x02}r" + (0xFFFFFFF0).to_bytes(4, "little") + b".")  # a far memo slot
    with pytest.raises(AssetError, match="has no 'v_template'"):
        load_body(path)


def test_a_zip_that_would_unpack_to_an_absurd_size_is_refused(tmp_path):
    path = fakes.fake_smplh_npz(tmp_path / "SMPLH_MALE.npz", v_template=None)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (1 << 35, 3)})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("v_template.npy", header.getvalue() + bytes(1 << 20))
    with pytest.raises(AssetError, match="beyond any body model"):
        load_body(path)


def test_object_members_that_are_data_are_read(tmp_path):
    matrix = sp.csc_matrix(fakes.arrays(fakes.SMPLH_JOINTS, fakes.SMPLH_PARENTS, 1400)["J_regressor"])
    path = fakes.fake_smplh_npz(tmp_path / "m.npz", J_regressor=np.array(matrix, object))
    read = read_arrays(path, ("J_regressor",))["J_regressor"]
    assert abs(read - matrix).max() == 0
    assert load_body(path).num_joints == 52


# Damage


@pytest.mark.parametrize("make", [fakes.fake_smpl_pkl, fakes.fake_smplh_npz])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_truncated_files_say_so(tmp_path, make, share):
    whole = make(tmp_path / ("whole.npz" if make is fakes.fake_smplh_npz else "whole.pkl")).read_bytes()
    path = tmp_path / "cut.npz"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(AssetError, match=r"cut\.npz.*again"):
        load_body(path)


def damaged(key, change):
    data = fakes.arrays(fakes.SMPL_JOINTS, fakes.SMPL_PARENTS, 1400)
    value = data[key].copy()
    return change(value) if callable(change) else change


def _set(value, where, new):
    value[where] = new
    return value


@pytest.mark.parametrize(
    ("key", "change", "says"),
    [
        ("weights", lambda w: w * 0.9, "sums to 1"),
        ("weights", lambda w: w[:-1], "shape (1399, 24)"),
        ("weights", lambda w: _set(w, (0, slice(2)), (-0.5, 1.5 - w[0, 2:].sum())), "negative"),
        ("J_regressor", lambda r: sp.csc_matrix(r * 1.1), "sums to 1"),
        ("v_template", lambda v: v * 1000, "units are metres"),
        ("v_template", lambda v: v[:, [0, 2, 1]], "Y up"),
        ("v_template", lambda v: v * (-1, 1, 1), "left at +X"),
        ("v_template", lambda v: _set(v, (3, 1), np.nan), "NaN"),
        ("v_template", lambda v: v.astype(str), "numbers"),
        ("f", lambda f: _set(f, (7, 1), 1400), "naming vertices 0…1400"),
        ("f", lambda f: f[:0], "naming vertices"),
        ("posedirs", lambda p: p[..., :200], "207"),
        ("kintree_table", lambda k: k[:, :20], "20 joints"),
        ("kintree_table", lambda k: _set(k, (0, 5), 9), "parent before"),
        ("shapedirs", None, "no 'shapedirs'"),
    ],
)
def test_wrong_values_are_named(tmp_path, key, change, says):
    path = fakes.fake_smpl_pkl(tmp_path / "SMPL_MALE.pkl", **{key: damaged(key, change)})
    with pytest.raises(AssetError) as error:
        load_body(path)
    assert says in str(error.value) and str(path) in str(error.value) and key in str(error.value)


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04", b"<html>Please log in</html>", b"\x89PNG\r\n", pickle.dumps([1, 2])]
)
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "SMPL_MALE.pkl"
    path.write_bytes(content)
    with pytest.raises(AssetError, match="SMPL_MALE"):
        load_body(path)


# Texture coordinates


def write_obj(path, vertices, faces, uv):
    """A .obj whose corners each have their own texture coordinate; faces rotated and reversed in order."""
    lines = [f"v {x} {y} {z}" for x, y, z in vertices] + [f"vt {u} {v}" for u, v in uv.reshape(-1, 2)]
    for k in reversed(range(len(faces))):
        lines.append("f " + " ".join(f"{faces[k, c] + 1}/{3 * k + c + 1}" for c in (1, 2, 0)))
    path.write_text("\n".join(lines))
    return path


def test_an_obj_gives_the_official_atlas(tmp_path):
    body = fakes.fake_smpl_pkl(tmp_path / "SMPL_MALE.pkl")
    vertices, faces = fakes.person_mesh(1400)
    uv = np.random.default_rng(0).random((len(faces), 3, 2)).astype(np.float32)
    own = load_body(body).topology
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    given = load_body(body, uv_path=write_obj(elsewhere / "smpl.obj", vertices, faces, uv)).topology
    assert np.allclose(given.uv, uv, atol=1e-6)
    assert own.id == given.id + "-charts"
    write_obj(tmp_path / "smpl_uv.obj", vertices, faces, uv)
    assert np.allclose(load_body(body).topology.uv, uv, atol=1e-6)


@pytest.mark.parametrize("harm", ["vertices", "faces", "joined"])
def test_an_obj_of_another_mesh_is_refused(tmp_path, harm):
    body = fakes.fake_smpl_pkl(tmp_path / "SMPL_MALE.pkl")
    vertices, faces = fakes.person_mesh(1400)
    if harm == "vertices":
        vertices = vertices[:-1]
    elif harm == "faces":
        faces = faces[:-1]
    else:
        faces = faces[:, ::-1]
    path = write_obj(tmp_path / "other.obj", vertices, faces, np.zeros((len(faces), 3, 2)))
    with pytest.raises(TopologyError, match="this very mesh"):
        load_body(body, uv_path=path)


def test_smplx_brings_its_own_atlas(tmp_path):
    _, faces = fakes.person_mesh(1400)
    uv = np.random.default_rng(0).random((len(faces) * 3, 2))
    index = np.arange(len(faces) * 3).reshape(-1, 3)
    model = load_body(fakes.fake_smplx_npz(tmp_path / "SMPLX_MALE.npz", vt=uv, ft=index))
    assert np.allclose(model.topology.uv, uv[index], atol=1e-6) and not model.topology.id.endswith("-charts")


# Cache


def test_labels_are_computed_once(tmp_path, monkeypatch):
    path = fakes.fake_smpl_pkl(tmp_path / "SMPL_MALE.pkl")
    first = load_body(path).topology
    monkeypatch.setattr("mannequin.generator.body.usermesh._compute_labels", None)
    second = load_body(path).topology
    assert np.array_equal(first.part, second.part) and np.array_equal(first.chart_uv, second.chart_uv)


def test_the_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("MANNEQUIN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.cache_dir() == tmp_path / "mannequin"
    monkeypatch.setenv("MANNEQUIN_CACHE", str(tmp_path / "own"))
    assert cache.cache_dir() == tmp_path / "own"
    monkeypatch.delenv("MANNEQUIN_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.cache_dir() == tmp_path / ".cache" / "mannequin"


def test_an_unusable_or_damaged_cache_only_costs_time(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("MANNEQUIN_CACHE", str(blocked))
    monkeypatch.setattr(cache.tempfile, "tempdir", str(tmp_path / "absent"))
    assert cache.cached_arrays("k", "a", lambda: {"x": np.arange(3)})["x"].tolist() == [0, 1, 2]
    monkeypatch.setenv("MANNEQUIN_CACHE", str(tmp_path / "c"))
    cache.cached_arrays("k", "a", lambda: {"x": np.arange(3)})
    (stored,) = (tmp_path / "c" / "k").iterdir()
    stored.write_bytes(stored.read_bytes()[:40])
    assert cache.cached_arrays("k", "a", lambda: {"x": np.arange(4)})["x"].tolist() == [0, 1, 2, 3]

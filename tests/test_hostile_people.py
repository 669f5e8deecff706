"""Result files come from strangers, too: pickles of joblib and Python, PyTorch's zips, numpy's objects."""

import io
import pickle
import zipfile

import joblib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from people_results import joblib_bytes, save_tensors

from mannequin.generator.errors import AssetError, MannequinError, UnsafeFileError
from mannequin.generator.io import limits
from mannequin.generator.io.results import read_results
from tests import bombs
from tests.mutations import damaged

LITTLE = {1: {"pose": np.zeros((12, 72), np.float32), "trans": np.zeros((12, 3)), "frame_ids": np.arange(12)}}
FRAME = {
    "tid": [1],
    "smpl": [{"global_orient": np.eye(3)[None], "body_pose": np.tile(np.eye(3), (23, 1, 1))}],
}
OPCODES = tuple(bytes([code]) for code in range(256))


def cases(count):
    return settings(max_examples=count, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("people")


def attempt(path, content):
    """Whether what is in the file can be read; any error that is not ours is the test's failure."""
    path.write_bytes(content)
    try:
        bombs.read_people(path)
    except MannequinError as e:
        assert 20 < len(str(e)) < 5000
        return False
    return True


def tensors(folder, **more):
    save_tensors(folder / "t.pt", {"smpl_params_global": {"global_orient": np.zeros((12, 3), np.float32), **more}})
    return (folder / "t.pt").read_bytes()


def samples(folder):
    pose = {"body_pose": np.zeros((12, 63), np.float32), "transl": np.zeros((12, 3), np.float32)}
    npy = io.BytesIO()
    np.save(npy, LITTLE, allow_pickle=True)
    return {
        "pkl": [
            joblib_bytes(LITTLE),
            joblib_bytes(LITTLE, compress=3),
            joblib_bytes({f"{k}.jpg": FRAME for k in range(12)}),
        ]
        + [pickle.dumps(LITTLE, protocol) for protocol in range(6)],
        "pt": [tensors(folder, **pose)],
        "npy": [npy.getvalue()],
    }


def test_the_samples_can_be_read(folder):
    for suffix, contents in samples(folder).items():
        for content in contents:
            assert attempt(folder / f"a.{suffix}", content), suffix


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["pkl", "pt", "npy"])
def test_damaged_files(folder, suffix):
    contents = samples(folder)[suffix]

    @given(damaged(contents))
    @cases(150)
    def check(content):
        attempt(folder / f"b.{suffix}", content)

    check()


@given(
    st.lists(
        st.one_of(
            st.sampled_from(OPCODES),
            st.sampled_from(
                [b"c", b"\x8c\x01a", b"(", b"}", b"K\x01", b"]", b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}b"]
            ),
        ),
        max_size=40,
    )
)
@cases(200)
def test_programs(folder, codes):
    attempt(folder / "c.pkl", b"".join(codes) + b".")


@pytest.mark.parametrize(
    "value",
    [{}, [], [[]], None, "a", 10**400, {1: None}, {1: {}}, {1: {"pose": None}}, {1: {"pose": "a"}}, {1: {"pose": 3}},
     {"a": {"tid": 3, "smpl": 4}}, {"a": {"tid": [1], "smpl": [{}]}}, {"a": {"tid": [1], "smpl": [None]}},
     {"a": {"tid": [[]], "smpl": [FRAME["smpl"][0]], "time": 10**30}}, {"pose": [1, 2, 3]}, {"pose": np.zeros((0, 72))},
     {"a": {"tid": [1] * 20, "smpl": FRAME["smpl"] * 20, "camera": ["a"] * 20, "size": [[0, 0]] * 20}},
     {"pose": np.zeros((12, 72)), "frame_ids": np.array(["a"] * 12)}, {"pose": np.zeros((12, 72)), "fps": np.zeros(0)},
     {"pose": np.zeros((12, 72)), "frame_ids": np.arange(12) * 10**8}, {"pose": np.zeros((12, 72), complex)}],
)  # fmt: skip
def test_odd_values(folder, value):
    attempt(folder / "d.pkl", joblib_bytes(value))
    attempt(folder / "e.pkl", pickle.dumps(value, 2))


def test_values_that_hold_themselves(folder):
    ring: dict = {}
    ring[1] = ring["smpl_params"] = ring
    rings: list = []
    rings.append(rings)
    for value in (ring, rings, {1: {"pose": rings}}):
        attempt(folder / "f.pkl", pickle.dumps(value))


class _Act:
    def __reduce__(self):
        return (print, ("run",))


def test_no_kind_of_file_runs_anything(folder, capsys):
    np.save(folder / "g.npy", {"pose": _Act()}, allow_pickle=True)
    nested = np.empty(1, object)
    nested[0] = _Act()
    joblib.dump({"a": nested}, folder / "g.pkl")
    with zipfile.ZipFile(folder / "g.pt", "w") as archive:
        archive.writestr("a/data.pkl", pickle.dumps({"pose": _Act()}, 2))
    for suffix in ("npy", "pkl", "pt"):
        with pytest.raises(UnsafeFileError, match="print"):
            read_results(folder / f"g.{suffix}", lambda key: True)
    assert "run" not in capsys.readouterr().out


def test_tensors_stay_within_their_storages(folder):
    content = tensors(folder, transl=np.zeros((12, 3), np.float32))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    ahead = members["archive/data.pkl"]
    rows = b"J\x0c\0\0\0J\x03\0\0\0t"
    for what in (b"J\x0d\0\0\0J\x03\0\0\0t", b"J\xff\xff\xff\xffJ\x03\0\0\0t", b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7ft"):
        with zipfile.ZipFile(folder / "h.pt", "w") as archive:
            for name, data in (members | {"archive/data.pkl": ahead.replace(rows, what)}).items():
                archive.writestr(name, data)
        with pytest.raises(AssetError, match="cannot be read|more memory"):
            read_results(folder / "h.pt", lambda key: True)


def test_what_is_not_asked_for_takes_no_memory(folder):
    """A hundred megabytes of meshes in a file of a few is passed over; as poses it is refused."""
    big = np.lib.stride_tricks.as_strided(np.zeros(1, np.float32), (4_000, 6890, 1), (0, 0, 0))
    joblib.dump({1: LITTLE[1] | {"verts": big}}, folder / "i.pkl", compress=1)
    assert (folder / "i.pkl").stat().st_size < 4 * limits.MIB
    assert bombs.read_people(folder / "i.pkl") is None
    joblib.dump({1: {"pose": big}}, folder / "i.pkl", compress=1)
    with pytest.raises(AssetError, match="more memory"):
        bombs.read_people(folder / "i.pkl")

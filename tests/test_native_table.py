"""The table at the end of a clip file: the same content as HDF5 gives, and nothing believed."""

import json
import os
import zlib

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mannequin.generator.dataset.native import clip_bytes, open_clip, read_clip, verify_clip
from mannequin.generator.dataset.native import reader as reader_module
from mannequin.generator.dataset.native import table as tables
from mannequin.generator.dataset.native.table_file import TAIL, TableFile
from mannequin.generator.errors import ConfigError, DatasetError
from mannequin.generator.io import limits
from tests.clips import ball_clip, noise_clip
from tests.mutations import bent
from tests.test_format1 import values_of
from tests.test_hostile_input import attempt, cases, whole_clip
from tests.test_native import clips

SMALL = (48, 64)
DEPTH = "views/camera/labels/depth"
POSE = "people/person0/pose"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("table")


@pytest.fixture(scope="module")
def sound():
    return bytes(clip_bytes(ball_clip(3, SMALL, people=2), rgb="png"))


def split(data: bytes) -> tuple[bytes, dict, np.ndarray]:
    """The HDF5 file, and what its table says."""
    size, length, count, _, _ = tables.FOOT.unpack(data[-tables.FOOT.size :])
    told = json.loads(data[size : size + length])
    return data[:size], told, np.frombuffer(data, tables.CHUNK, count, size + length).copy()


def joined(inner: bytes, told, chunks: np.ndarray) -> bytes:
    """With a checksum that fits."""
    text = json.dumps(told).encode()
    body = text + chunks.tobytes()
    return inner + body + tables._foot(body, len(inner), len(text), len(chunks))


def put(folder, data) -> str:
    path = folder / "a.h5"
    path.write_bytes(data)
    return path


# the same content


@pytest.mark.slow
@given(clip=clips, effort=st.sampled_from(["fast", "small"]))
@cases(25)
def test_the_table_gives_what_hdf5_gives(folder, clip, effort):
    data = bytes(clip_bytes(clip, rgb="png", effort=effort))
    with open_clip(put(folder, data)) as reader:
        assert isinstance(reader._file, TableFile)
        through_table = reader.read()
        assert reader.check_content() == []
    with open_clip(put(folder, split(data)[0])) as reader:
        assert not isinstance(reader._file, TableFile)
        through_hdf5 = reader.read()
    assert values_of(through_table) == values_of(through_hdf5)
    assert through_table.spec == through_hdf5.spec


def test_long_clips_of_many_chunks(folder):
    """Frames across chunks, arrays that are chunked along their first axis, a table longer than the tail."""
    rng = np.random.default_rng(0)
    clip = noise_clip(4, frames=400, resolution=(60, 90), channels=("depth", "normal", "segm"), vertices=1500)
    clip.people["person0"].vertices[:] = rng.normal(size=clip.people["person0"].vertices.shape)
    data = bytes(clip_bytes(clip))
    inner, told, chunks = split(data)
    assert len(chunks) > 400 and len(data) - len(inner) > 20_000
    with open_clip(put(folder, data)) as reader, h5py.File(folder / "a.h5") as file:
        assert isinstance(reader._file, TableFile)
        for path in told["arrays"]:
            stored = reader._file.array(path)
            whole = file[path][...]
            assert np.array_equal(stored.read(), whole)
            n = stored.shape[-1]
            for start, stop in ((0, n), (n // 3, n // 3), (n // 3, n // 2), (n - 1, n)):
                assert np.array_equal(stored.read(start, stop), whole[..., start:stop])
    assert verify_clip(folder / "a.h5") == []


def test_a_table_longer_than_the_tail_is_read(folder, monkeypatch, sound):
    monkeypatch.setattr("mannequin.generator.dataset.native.table_file.TAIL", 200)
    with open_clip(put(folder, sound)) as reader:
        assert isinstance(reader._file, TableFile)
        assert reader.check_content() == [] and values_of(reader.read())


def test_a_frame_takes_few_reads(folder, monkeypatch):
    put(folder, bytes(clip_bytes(ball_clip(30, (120, 160)))))
    reads, pread = [], os.pread

    def counted(handle, size, offset):
        reads.append(size)
        return pread(handle, size, offset)

    monkeypatch.setattr(os, "pread", counted)
    monkeypatch.setattr(reader_module, "open_hdf5", lambda path: pytest.fail("read through HDF5"))
    with open_clip(folder / "a.h5") as reader:
        assert len(reads) == 1 and reads[0] == TAIL
        _ = reader.spec, reader.K("camera"), reader.T_world_camera("camera"), reader.person_view("camera", "person0")
        reader.track("person0")
        assert len(reads) == 1, "the small arrays lie at the end"
        reader.labels("camera", ("depth",), 7, 8)
        reader.rgb("camera", 7, 8)
        assert len(reads) <= 6


def test_closing_frees_the_file(folder, sound):
    before = len(os.listdir("/proc/self/fd"))
    path = put(folder, sound)
    reader = open_clip(path)
    assert len(os.listdir("/proc/self/fd")) == before + 1
    reader.close()
    reader.close()
    path.write_bytes(split(sound)[0] + b"no table")
    open_clip(path).close()
    path.write_bytes(sound[:-60] + b"x" + sound[-59:])
    with pytest.raises(DatasetError):
        open_clip(path)
    assert len(os.listdir("/proc/self/fd")) == before


# a file that another program changed


def test_a_program_that_opens_the_file_for_writing_cuts_the_table_off(folder, sound):
    path = put(folder, sound)
    with h5py.File(path, "r+"):
        pass
    assert path.stat().st_size < len(sound)
    (found,) = verify_clip(path)
    assert "lacks the table at its end" in found
    with open_clip(path) as reader:
        assert not isinstance(reader._file, TableFile)
        assert values_of(reader.read()) == values_of(read_clip(put(folder, sound)))


def test_every_flip_within_the_table_is_found(folder, sound):
    start, foot, mark = len(split(sound)[0]), len(sound) - tables.FOOT.size, len(sound) - len(tables.MARK)
    for at in (*range(start, mark, 97), *range(foot, mark)):
        broken = bytearray(sound)
        broken[at] ^= 8
        with pytest.raises(DatasetError, match="a.h5 is damaged.*table"):
            open_clip(put(folder, broken))
        assert len(verify_clip(folder / "a.h5")) == 1


def test_a_flip_of_the_data_is_met_on_reading(folder, sound):
    _, told, chunks = split(sound)
    for path, read in (
        (DEPTH, lambda reader: reader.frame("camera", "depth", 0)),
        (POSE, lambda reader: reader.track("person0")),
        ("views/camera/rgb/data", lambda reader: reader.rgb("camera", 0, 1)),
        ("spec", lambda reader: reader.spec),
    ):
        chunk = chunks[told["arrays"][path]["first"]]
        broken = bytearray(sound)
        broken[int(chunk["offset"]) + int(chunk["size"]) // 2] ^= 1
        with open_clip(put(folder, broken)) as reader, pytest.raises(DatasetError, match=f"/{path} .*checksum"):
            read(reader)


# a table that lies


def entry(path, **values):
    def change(told, chunks):
        told["arrays"][path] |= values

    return change


def of_chunk(path, name, value):
    def change(told, chunks):
        chunks[name][told["arrays"][path]["first"]] = value

    return change


LIES = {
    "no outline": lambda told, chunks: told.pop("outline"),
    "outline of numbers": lambda told, chunks: told.update(outline=3),
    "more frames": lambda told, chunks: told["outline"].update(num_frames=4),
    "no frames": lambda told, chunks: told["outline"].update(num_frames=0),
    "huge frames": lambda told, chunks: told["outline"].update(num_frames=10**30),
    "odd people": lambda told, chunks: told["outline"].update(people=[{"name": 3}]),
    "a camera that is not there": lambda told, chunks: told["outline"]["cameras"].append({"name": "x", "joints": 24}),
    "no version": lambda told, chunks: told["groups"][""].pop("format_version"),
    "other version": lambda told, chunks: told["groups"][""].update(format_version=99),
    "other format": lambda told, chunks: told["groups"][""].update(format=["x"]),
    "attributes of another kind": lambda told, chunks: told["groups"].update({"people/person0": 5}),
    "no gender": lambda told, chunks: told["groups"]["people/person0"].pop("gender"),
    "no array": lambda told, chunks: told["arrays"].pop(POSE),
    "not a dict": lambda told, chunks: told["arrays"].update({POSE: [1, 2]}),
    "a group": lambda told, chunks: (told["arrays"].pop(POSE), told["groups"].update({POSE: {}})),
    "another type": entry(POSE, dtype="<i4"),
    "objects": entry(POSE, dtype="|O"),
    "a type of dicts": entry(POSE, dtype={"a": 1}),
    "a type that is none": entry(POSE, dtype="nonsense"),
    "negative": entry(POSE, shape=[-3, 24, 3]),
    "floats": entry(POSE, shape=[3.0, 24, 3]),
    "true": entry(POSE, shape=[3, 24, True]),
    "scalar": entry(POSE, shape=[], chunk=[]),
    "huge": entry(DEPTH, shape=[1 << 60], chunk=[1 << 60]),
    "beyond numbers": entry(DEPTH, shape=[10**40], chunk=[10**40]),
    "many dimensions": entry(DEPTH, shape=[1] * 10**5, chunk=[1] * 10**5),
    "wide chunk": entry(POSE, chunk=[1 << 30, 24, 3]),
    "no chunk": entry(POSE, chunk=[0, 24, 3]),
    "small chunk": entry(POSE, chunk=[1, 1, 1]),
    "unknown filter": entry(POSE, filters=["lzf"]),
    "a filter twice": entry(DEPTH, filters=["deflate", "deflate"]),
    "filters of lists": entry(DEPTH, filters=[["deflate"]]),
    "no filter": entry(POSE, filters=[]),
    "deflate": entry(POSE, filters=["deflate"]),
    "first below": entry(POSE, first=-1),
    "first beyond": entry(POSE, first=10**9),
    "another's chunk": entry(POSE, first=0),
    "beyond the end": of_chunk(POSE, "offset", 1 << 40),
    "beyond any file": of_chunk(POSE, "offset", (1 << 64) - 1),
    "too much": of_chunk(POSE, "size", (1 << 32) - 1),
    "too little": of_chunk(POSE, "size", 2),
    "unfiltered": of_chunk(DEPTH, "unfiltered", 7),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lying_table_is_refused(folder, sound, name):
    inner, told, chunks = split(sound)
    LIES[name](told, chunks)
    path = put(folder, joined(inner, told, chunks))
    with pytest.raises((DatasetError, ConfigError), match="a.h5"):
        read_clip(path)
    assert len(verify_clip(path)) == 1


@pytest.mark.parametrize(("entries", "words"), [(None, "a chunk of more than"), (3 << 20, "has chunks of")])
def test_a_bomb_behind_the_table_is_not_unpacked(folder, sound, monkeypatch, entries, words):
    """A chunk that holds far more than its shape, and one of a shape beyond what may be read."""
    monkeypatch.setattr(limits, "CHUNK_BYTES", 1 << 20)
    inner, told, chunks = split(sound)
    bomb = zlib.compress(bytes(64 << 20), 9)
    about = told["arrays"][DEPTH]
    shape = about["shape"] if entries is None else [entries]
    about.update(shape=shape, chunk=shape, filters=["deflate"])
    chunks[about["first"]] = (len(inner), len(bomb), zlib.crc32(bomb), 0)
    path = put(folder, joined(inner + bomb, told, chunks))
    with open_clip(path) as reader, pytest.raises(DatasetError, match=words):
        reader._file.array(DEPTH).read(0, 9)


def test_a_table_that_tells_of_other_content_is_found(folder, sound):
    """Readable, for its checksums fit; but HDF5 reads something else."""
    inner, told, chunks = split(sound)
    arrays = told["arrays"]
    a, b = "people/person0/joints", "people/person1/joints"
    arrays[a], arrays[b] = arrays[b], arrays[a]
    path = put(folder, joined(inner, told, chunks))
    assert read_clip(path).people.keys() == {"person0", "person1"}
    assert "table at its end does not match" in verify_clip(path)[0]


@pytest.mark.slow
@given(data=st.data())
@cases(150)
def test_bent_tables(folder, sound, data):
    inner, told, chunks = split(sound)
    path = put(folder, joined(inner, data.draw(bent(told)), chunks))
    attempt(whole_clip, path)
    if not verify_clip(path):
        assert values_of(read_clip(path)) == values_of(read_clip(put(folder, sound)))


@pytest.mark.slow
@given(data=st.data())
@cases(150)
def test_other_places(folder, sound, data):
    inner, told, chunks = split(sound)
    number = data.draw(st.integers(0, len(chunks) - 1))
    name = data.draw(st.sampled_from(chunks.dtype.names))
    top = int(np.iinfo(chunks.dtype[name]).max)
    chunks[name][number] = data.draw(st.one_of(st.integers(0, top), st.integers(0, len(sound))))
    attempt(whole_clip, put(folder, joined(inner, told, chunks)))


def test_a_closed_reader_reads_nothing(folder, sound):
    reader = open_clip(put(folder, sound))
    reader.frame("camera", "depth", 0)
    reader.close()
    for read in (
        lambda: reader.frame("camera", "depth", 0),
        lambda: reader.track("person0"),
        lambda: reader.spec,
        reader.check_content,
    ):
        with pytest.raises(DatasetError, match="closed"):
            read()

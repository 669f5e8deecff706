"""The dataset folder: start, resume, refuse, sweep, read."""

import errno
import json
import multiprocessing
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mannequin.generator.clip import CHANNELS
from mannequin.generator.dataset.folder import create_or_resume, differences, open_dataset, software_versions
from mannequin.generator.dataset.native import write_clip
from mannequin.generator.errors import DatasetError
from mannequin.generator.io import atomic
from tests.clips import noise_clip

ROOT = Path(__file__).resolve().parents[1]
CONFIG = {"preset": "studio", "seed": 1, "sample": {"frames": 4, "size": [240, 320]}}


@dataclass(frozen=True)
class Options:
    preset: str = "studio"
    size: tuple[int, int] = (240, 320)


def fill(dataset, indices):
    for i in indices:
        write_clip(dataset.path_of(i), noise_clip(i, index=i))


def test_a_new_dataset_describes_itself(tmp_path):
    create_or_resume(tmp_path / "a" / "b", CONFIG, 10, {"mannequin": "1"})
    text = (tmp_path / "a" / "b" / "dataset.json").read_text("utf-8")
    description = json.loads(text)
    assert (
        description["config"] == CONFIG
        and description["num_clips"] == 10
        and description["versions"] == {"mannequin": "1"}
    )
    assert set(description["channels"]) == set(CHANNELS) and description["channels"]["depth"]["unit"] == "m"


def test_versions_by_default_are_those_installed(tmp_path):
    import numpy

    assert software_versions()["numpy"] == numpy.__version__
    assert create_or_resume(tmp_path, CONFIG).description["versions"] == software_versions()


def test_clips_are_counted_and_read_in_order(tmp_path):
    dataset = create_or_resume(tmp_path, CONFIG, 3000)
    fill(dataset, [1002, 3, 0])
    assert dataset.path_of(1002) == tmp_path / "clips" / "001" / "001002.h5"
    assert dataset.path_of(1_234_567).name == "1234567.h5"
    (tmp_path / "clips" / "000" / "notes.h5").write_text("not a clip's name")
    (tmp_path / "clips" / "000" / ".000004.h5.host.0123456789abcdef.part").write_text("half")
    opened = open_dataset(tmp_path)
    assert opened.done() == {0, 3, 1002} and list(opened) == [0, 3, 1002] and len(opened) == 3
    assert opened.clips() == [dataset.path_of(i) for i in (0, 3, 1002)]
    assert [opened.read(i).spec.index for i in opened] == [0, 3, 1002]
    with opened.open(3) as reader:
        assert reader.spec.index == 3
    with pytest.raises(DatasetError, match="no clip 1; it has 3 from 0 to 1002"):
        opened.read(1)
    with pytest.raises(DatasetError, match="no clip -1|cannot exist"):
        opened.read(-1)


def test_the_same_options_resume_and_may_plan_more(tmp_path):
    fill(create_or_resume(tmp_path, Options(), 5), [0, 1])
    again = create_or_resume(tmp_path, Options(), 8)
    assert again.done() == {0, 1} and again.num_clips == 8
    assert create_or_resume(tmp_path, Options(), 5).num_clips == 8
    assert open_dataset(tmp_path).config == {"preset": "studio", "size": [240, 320]}


def test_other_options_are_refused_field_by_field(tmp_path):
    fill(create_or_resume(tmp_path, CONFIG, 5), [0])
    other = {"preset": "studio", "seed": 2, "sample": {"frames": 4, "size": [120, 320], "light": "sh"}}
    with pytest.raises(DatasetError) as e:
        create_or_resume(tmp_path, other, 5)
    text = str(e.value)
    for line in (
        "seed: 1 there, 2 now",
        "sample.size: [240, 320] there, [120, 320] now",
        "sample.light: absent there, 'sh' now",
        "choose another folder",
    ):
        assert line in text
    assert "preset" not in text and "frames" not in text


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False, width=16)
    | st.text(max_size=3),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=2), children, max_size=3)
    ),
    max_leaves=8,
)


@given(plain, plain)
def test_differences_are_empty_only_for_equals(a, b):
    assert differences(a, a) == []
    assert (differences(a, b) == []) == (json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True))


def test_foreign_folders_are_refused(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    with pytest.raises(DatasetError, match=r"not empty and not a dataset \(it holds thesis.tex\)"):
        create_or_resume(tmp_path / "mine", CONFIG, 1)
    (tmp_path / "file").write_text("x")
    with pytest.raises(DatasetError, match="is a file"):
        create_or_resume(tmp_path / "file", CONFIG, 1)
    with pytest.raises(DatasetError, match="Cannot write"):
        create_or_resume(tmp_path / "file" / "below", CONFIG, 1)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["file", "mine", "thesis.tex"]


def test_a_folder_without_permission_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # the tests may run as root
    with pytest.raises(DatasetError, match="permission is denied"):
        create_or_resume(tmp_path, CONFIG, 1)


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(DatasetError, match="disk is full"):
        create_or_resume(tmp_path, CONFIG, 1)
    assert list(tmp_path.iterdir()) == []


def test_readers_say_what_is_missing(tmp_path):
    with pytest.raises(DatasetError, match="no folder"):
        open_dataset(tmp_path / "none")
    with pytest.raises(DatasetError, match="not a dataset"):
        open_dataset(tmp_path)
    create_or_resume(tmp_path, CONFIG, 1)
    with pytest.raises(DatasetError, match="no finished clips yet"):
        open_dataset(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"format": "other"}',
        '{"format": "mannequin-dataset", "format_version": 9}',
        '{"format": "mannequin-dataset", "format_version": 1}',
        "[" * 100_000,
        "\ufeff",
    ],
)
def test_a_damaged_description_is_refused(tmp_path, text):
    (tmp_path / "dataset.json").write_text(text, "utf-8")
    for attempt in (open_dataset, lambda path: create_or_resume(path, CONFIG, 1)):
        with pytest.raises(DatasetError, match="dataset.json"):
            attempt(tmp_path)
    assert (tmp_path / "dataset.json").read_text("utf-8") == text


def test_half_files_of_dead_runs_are_swept_and_others_kept(tmp_path):
    dataset = create_or_resume(tmp_path, CONFIG, 5)
    fill(dataset, [0])
    folder, here, token = dataset.path_of(0).parent, atomic._machine(), "0123456789abcdef"
    old = time.time() - atomic.STALE_SECONDS - 60
    kept = [f".000001.h5.elsewhere.{token}.part", ".mine.part", "000000.h5"]
    gone = [f".000002.h5.{here}.{token}.part", f".000003.h5.elsewhere.{token}.part"]
    for name in kept[:2] + gone:
        (folder / name).write_text("half")
    for name in (".mine.part", gone[1]):
        os.utime(folder / name, (old, old))
    with atomic.part_of(folder / "000004.h5") as part:
        part.write_text("half")
        os.utime(part, (old, old))
        create_or_resume(tmp_path, CONFIG, 5)
        assert sorted(p.name for p in folder.iterdir()) == sorted([*kept, part.name])
    assert sorted(p.name for p in folder.iterdir()) == sorted([*kept, "000004.h5"])


KILLED = """
import os, signal, sys
from mannequin.generator.io import atomic
real, os.getpid = os.getpid(), lambda: 1
atomic.socket.gethostname = lambda: "worker-0"
with atomic.part_of(sys.argv[1]) as part:
    part.write_text("half")
    os.kill(real, signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL and locks on files")
def test_a_container_that_starts_again_as_the_same_process_clears_up(tmp_path, monkeypatch):
    """Same host name, same number: what was left is neither taken for at work nor in the way."""
    dataset = create_or_resume(tmp_path, CONFIG, 5)
    path = dataset.path_of(0)
    monkeypatch.setattr(os, "getpid", lambda: 1)
    monkeypatch.setattr(atomic.socket, "gethostname", lambda: "worker-0")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, path], env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False
    )
    assert killed.returncode == -9 and len(list(path.parent.iterdir())) == 1
    assert atomic.write_bytes(path, b"whole") == 5
    create_or_resume(tmp_path, CONFIG, 5)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_disk_without_locks_is_told_by_age(tmp_path, monkeypatch):
    def unsupported(number, how):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(atomic.fcntl, "flock", unsupported)
    names = [f".{k}.{atomic._machine()}.0123456789abcdef.part" for k in range(2)]
    for name in names:
        (tmp_path / name).touch()
    os.utime(tmp_path / names[0], (1, 1))
    assert atomic.sweep(tmp_path) == 1 and [p.name for p in tmp_path.iterdir()] == names[1:]


def test_what_looks_like_half_a_file_and_is_none_is_left_alone(tmp_path):
    part = f".x.{atomic._machine()}.0123456789abcdef.part"
    (tmp_path / "kept").touch()
    for k, make in enumerate((os.mkdir, os.mkfifo, lambda path: os.symlink(tmp_path / "kept", path))):
        (tmp_path / str(k)).mkdir()
        make(tmp_path / str(k) / part)
    assert atomic.sweep(tmp_path) == 0 and len(list(tmp_path.rglob("*.part"))) == 3


def left_behind(path: Path) -> Path:
    """Half a file beside ``path``, of a run on this machine that was killed."""
    part = path.with_name(f".{path.name}.{atomic._machine()}.0123456789abcdef.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    part.touch()
    return part


def test_whoever_writes_into_a_folder_clears_up_in_it(tmp_path):
    """As report, validate, export and train do, which sweep nothing else."""
    dead, elsewhere = left_behind(tmp_path / "a.html"), left_behind(tmp_path / "deeper" / "a.html")
    with atomic.part_of(tmp_path / "b.html"):
        assert not dead.exists() and elsewhere.exists()
        atomic._swept.clear()  # as another process begins
        atomic.write_bytes(tmp_path / "c.html", b"whole")
        assert len(list(tmp_path.glob(".b.html.*.part"))) == 1  # still written, and locked
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.html", "c.html", "deeper"]


def test_a_folder_of_half_files_is_empty(tmp_path):
    left_behind(tmp_path / "config.json")
    assert atomic.is_empty(tmp_path)
    (tmp_path / "photo.jpg").touch()
    assert not atomic.is_empty(tmp_path)


def test_half_a_description_does_not_block_a_new_start(tmp_path):
    (tmp_path / ".dataset.json.elsewhere.0123456789abcdef.part").write_text("{")
    assert create_or_resume(tmp_path, CONFIG, 1).config == CONFIG


def _start(out, seed, answers):
    try:
        answers.put(create_or_resume(out, {"seed": seed}, 3).config["seed"])
    except DatasetError:
        answers.put(None)


@pytest.mark.slow
def test_of_two_different_starts_at_once_one_is_refused(tmp_path):
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    starts = [context.Process(target=_start, args=(tmp_path, seed, answers)) for seed in (1, 2)]
    for process in starts:
        process.start()
    for process in starts:
        process.join()
        assert process.exitcode == 0
    told = [answers.get() for _ in starts]
    written = json.loads((tmp_path / "dataset.json").read_text())["config"]["seed"]
    assert sorted(told, key=str) == sorted([written, None], key=str)


def test_a_description_written_meanwhile_stands(tmp_path, monkeypatch):
    """The other process writes between our look and our write."""
    from mannequin.generator.dataset import folder

    real = folder.write_bytes

    def late(path, data, replace=True):
        path.write_text(json.dumps(json.loads(data) | {"config": {"seed": 99}}))
        return real(path, data, replace)

    monkeypatch.setattr(folder, "write_bytes", late)
    with pytest.raises(DatasetError, match="seed: 99 there, 1 now"):
        create_or_resume(tmp_path, {"seed": 1}, 3)

"""Packages that cannot be written, no home: compiled code is kept elsewhere, or not at all, with a word"""

import ctypes
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mannequin.generator.io import cache

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs permissions of Linux")


def obey_permissions() -> None:
    """Before a program starts: as root it would write anywhere."""
    ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE


@pytest.fixture(scope="module")
def read_only(tmp_path_factory):
    """A copy of the package that nobody can write."""
    copy = tmp_path_factory.mktemp("package") / "package"
    for room in ("generator", "renderers", "training", "assets_manifest", "mannequin"):
        shutil.copytree(ROOT / room, copy / room, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in (copy, *(path for path in copy.rglob("*") if path.is_dir() and not path.is_symlink())):
        folder.chmod(0o555)
    probe = [sys.executable, "-c", f"open({str(copy / 'probe')!r}, 'w')"]
    if subprocess.run(probe, preexec_fn=obey_permissions, stderr=subprocess.DEVNULL, check=False).returncode == 0:
        pytest.skip("needs a process that obeys permissions")
    yield copy
    for folder in copy.rglob("*"):
        if folder.is_dir() and not folder.is_symlink():
            folder.chmod(0o755)


def run(package: Path, temporary: Path, words: list, **settings):
    """Python, with a package and a folder for temporary files, and without a home."""
    absent = {"MANNEQUIN_CACHE", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR"}
    environment = {name: value for name, value in os.environ.items() if name not in absent}
    environment |= {"HOME": "/proc/nonexistent", "TMPDIR": str(temporary), "PYTHONPATH": str(package)} | settings
    return subprocess.run(
        [sys.executable, "-B", *map(str, words)], check=False, cwd=temporary, env=environment,
        preexec_fn=obey_permissions, capture_output=True, text=True,
    )  # fmt: skip


def kept(folder: Path) -> list[Path]:
    return list(folder.rglob("*.nbi"))


CALL = "from mannequin.generator.appearance import noise; print(noise.lattice(1, 2, 3, 4))"


@pytest.mark.slow
def test_a_read_only_package_compiles_into_a_private_folder(read_only, tmp_path):
    done = run(read_only, tmp_path, ["-c", CALL])
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert kept(tmp_path / f"mannequin-{os.getuid()}" / "numba")
    assert stat.S_IMODE((tmp_path / f"mannequin-{os.getuid()}").stat().st_mode) == 0o700


@pytest.mark.slow
def test_a_folder_that_was_chosen_is_used(read_only, tmp_path):
    (tmp_path / "tmp").mkdir()
    done = run(read_only, tmp_path / "tmp", ["-c", CALL], MANNEQUIN_CACHE=str(tmp_path / "own"))
    assert done.returncode == 0 and kept(tmp_path / "own" / "numba") and not kept(tmp_path / "tmp")


@pytest.mark.slow
def test_where_nothing_can_be_written_it_compiles_anew_and_says_so(read_only, tmp_path):
    done = run(read_only, tmp_path, ["-c", f"import tempfile; tempfile.tempdir = '/proc/nonexistent'; {CALL}"])
    assert done.returncode == 0 and done.stdout and done.stderr.count("MANNEQUIN_CACHE") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("renderer", ["raster", pytest.param("blender", marks=pytest.mark.blender)])
def test_a_dataset_is_made_by_a_read_only_package_without_a_home(read_only, tmp_path, renderer):
    words = f"-m mannequin generate out --renderer {renderer} --clips 2 --frames 1 --size 24 24 --samples 1".split()
    done = run(read_only, tmp_path, [*words, "--light", "lamps", "--workers", "1", "--quiet"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(list((tmp_path / "out").glob("clips/*/*.h5"))) == 2 and kept(tmp_path)


def test_a_private_folder_of_somebody_else_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(cache.tempfile, "tempdir", str(tmp_path))
    folder = tmp_path / f"mannequin-{os.getuid()}"
    assert cache._private_dir() == folder
    folder.chmod(0o770)
    assert cache._private_dir() is None
    folder.rmdir()
    (tmp_path / "theirs").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "theirs")
    assert cache._private_dir() is None
    folder.unlink()
    tmp_path.chmod(0o777)  # where others could put theirs in its place
    assert cache._private_dir() is None


def test_somebody_without_a_home_has_a_cache(tmp_path, monkeypatch):
    for name in ("MANNEQUIN_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(cache.os.path, "expanduser", lambda path: path)  # as without HOME, for a number without a name
    monkeypatch.setattr(cache.tempfile, "tempdir", str(tmp_path))
    assert cache.cache_dir() is None and cache.writable_dir() == tmp_path / f"mannequin-{os.getuid()}"

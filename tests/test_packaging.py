"""What pip installs: everything that is in the tree, and ours even where a folder holds packages of the same names."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import cv2
import numpy as np
import pytest
from packaging.requirements import Requirement

from mannequin.renderers.blender.session import BPY_RELEASES
from tests.imports import ROOT

PARTS = ("generator", "renderers", "training", "assets_manifest")
"""Folders at the top that are packages of mannequin."""
HOOK = "import sys; from setuptools import build_meta; print(getattr(build_meta, sys.argv[1])(sys.argv[2]))"


def run(*words, cwd: Path, **environment) -> str:
    """Standard output of a command that does not know where this tree is."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | environment
    done = subprocess.run([str(word) for word in words], check=False, cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def copy_of_the_tree(folder: Path) -> Path:
    """What a clone holds of what is packaged, with what has been compiled."""
    folder.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    for name in (*PARTS, "mannequin"):
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("*.nb?"))
    return folder


def sources() -> set[str]:
    """Files of the tree that belong to mannequin, by the path they have within it."""
    found = set()
    for name in (*PARTS, "mannequin"):
        inner = "" if name == "mannequin" else f"{name}/"
        files = [p for p in (ROOT / name).rglob("*") if p.is_file() and "__pycache__" not in p.parts]
        found |= {f"mannequin/{inner}{p.relative_to(ROOT / name).as_posix()}" for p in files}
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, Path]:
    """(wheel, sdist)."""
    folder = tmp_path_factory.mktemp("built")
    tree = copy_of_the_tree(folder / "tree")
    for what in ("build_sdist", "build_wheel"):
        run(sys.executable, "-c", HOOK, what, folder, cwd=tree)
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


def in_wheel(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


@pytest.mark.slow
def test_the_wheel_holds_the_whole_package_and_nothing_else(built):
    files = {name for name in in_wheel(built[0]) if ".dist-info/" not in name}
    assert files == sources()
    assert {"mannequin/py.typed", "mannequin/training/core/loop.py", "mannequin/generator/catalog.py"} <= files
    assert {f"mannequin/assets_manifest/bodies/mannequin_{body}.npz" for body in ("female", "male", "neutral")} <= files


@pytest.mark.slow
def test_the_wheel_holds_the_licences(built):
    licences = {name.split("/licenses/")[1] for name in in_wheel(built[0]) if ".dist-info/licenses/" in name}
    assert licences == {"LICENSE", "assets_manifest/LICENSES/CC0-1.0.txt"}


@pytest.mark.slow
def test_a_wheel_from_the_sdist_is_the_same(built, tmp_path):
    with tarfile.open(built[1]) as archive:
        archive.extractall(tmp_path, filter="data")
    tree = next(tmp_path.glob("mannequin-*"))
    run(sys.executable, "-c", HOOK, "build_wheel", tmp_path, cwd=tree)
    ours, again = in_wheel(built[0]), in_wheel(next(tmp_path.glob("*.whl")))
    differ = {name for name in ours.keys() | again.keys() if ours.get(name) != again.get(name)}
    assert not {name for name in differ if not name.endswith("/RECORD")}


# Beside packages of the same names


@pytest.fixture(scope="module")
def foreign(tmp_path_factory) -> Path:
    """A project of somebody's, whose folders are named as ours are and cannot be imported."""
    folder = tmp_path_factory.mktemp("foreign")
    for name in PARTS:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("raise RuntimeError(f'{__file__} is not ours')\n")
    return folder


@pytest.fixture(scope="module", params=["wheel", "editable"])
def commands(request, built, tmp_path_factory) -> Path:
    """The folder of commands of an environment that has Mannequin installed, and this one's libraries."""
    folder = tmp_path_factory.mktemp(request.param)
    venv.create(folder / "venv", with_pip=False)
    commands = folder / "venv" / "bin"
    site = Path(run(commands / "python", "-c", "import site; print(site.getsitepackages()[0])", cwd=folder).strip())
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    what = [built[0]] if request.param == "wheel" else ["--no-build-isolation", "-e", copy_of_the_tree(folder / "tree")]
    pip = (sys.executable, "-m", "pip", "--python", commands / "python", "install", "--no-index", "--no-deps")
    run(*pip, "--ignore-installed", *what, cwd=folder)
    return commands


@pytest.mark.slow
def test_imports_from_a_script_meet_ours(commands, foreign, tmp_path):
    modules = ("generator.sampling", "renderers.raster.renderer", "training.data.crop", "assets_manifest")
    lines = [f"import mannequin.{name}; print(mannequin.{name}.__file__)" for name in modules]
    (foreign / "script.py").write_text("\n".join(lines))
    files = run(commands / "python", foreign / "script.py", cwd=foreign).split()
    assert len(files) == 4 and all(Path(file).is_relative_to(commands.parents[1]) for file in files)


def test_a_foreign_package_of_the_same_name_is_told(tmp_path):
    """As where a folder in PYTHONPATH is called so, and an editable installation still finds the modules."""
    (tmp_path / "mannequin").mkdir()
    (tmp_path / "mannequin" / "__init__.py").write_text(f"__path__.append({str(ROOT / 'mannequin')!r})\n")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    words = [sys.executable, "-m", "mannequin", "--version"]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 2 and "finds another package of this name first" in done.stderr
    assert str(tmp_path / "mannequin") in done.stderr and str(ROOT / "mannequin") in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("words", [["mannequin"], ["python", "-m", "mannequin"]], ids=["command", "module"])
def test_the_command_line_meets_ours(commands, foreign, words):
    program, *rest = words
    assert "mannequin-neutral" in run(commands / program, *rest, "assets", "list", cwd=foreign)


@pytest.mark.slow
def test_worker_processes_meet_ours(commands, foreign, tmp_path):
    sky = tmp_path / "skies" / "sky.hdr"
    sky.parent.mkdir()
    cv2.imwrite(str(sky), np.full((8, 16, 3), 0.5, np.float32))
    small = ["--preset", "surreal", "--clips", "2", "--frames", "1", "--size", "24", "32", "--outputs", "segm"]
    words = ["-m", "mannequin", "generate", tmp_path / "out", "--renderer", "raster", "--workers", "2", *small]
    words += ["--environments", sky.parent]
    run(commands / "python", *words, cwd=foreign, NUMBA_DISABLE_JIT="1")
    assert len(list((tmp_path / "out").rglob("*.h5"))) == 2


@pytest.mark.training
def test_torchrun_meets_ours(commands, foreign):
    torchrun = ("-m", "torch.distributed.run", "--nproc-per-node", "1", "-m", "mannequin")
    assert "--preset" in run(commands / "python", *torchrun, "train", "--help", cwd=foreign)
    code = "import mannequin.training.core.loop as loop; print(loop.__file__)"
    file = Path(run(commands / "python", "-c", code, cwd=foreign).strip())
    assert file.is_relative_to(commands.parents[1])


# What is asked of pip


def requirements() -> dict[str, list[Requirement]]:
    """Extra, or "" for all → what it asks for in itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    listed = {"": project["dependencies"]} | project["optional-dependencies"]
    return {extra: [Requirement(line) for line in lines] for extra, lines in listed.items()}


def reached(requirement: Requirement, seen: set[str]) -> None:
    """Add to ``seen`` what an installed distribution asks for, and what that asks for, and so on."""
    for extra in ("", *requirement.extras):
        name = f"{requirement.name.lower().replace('_', '-')}[{extra}]"
        if name in seen:
            continue
        seen.add(name)
        if requirement.name == "mannequin":
            wanted = requirements()[extra]
        else:
            try:
                wanted = [Requirement(line) for line in metadata.requires(requirement.name) or ()]
            except metadata.PackageNotFoundError:
                continue
        for one in wanted:
            if one.marker is None or one.marker.evaluate({"extra": extra}):
                reached(one, seen)


@pytest.mark.training
def test_only_training_and_what_developers_install_bring_torch():
    with_torch = set()
    for extra in requirements():
        seen: set[str] = set()
        reached(Requirement(f"mannequin[{extra}]" if extra else "mannequin"), seen)
        if "torch[]" in seen:
            with_torch.add(extra)
    assert with_torch == {"train", "test", "dev"}


def test_what_the_renderer_says_of_bpy_is_what_the_extra_asks_for():
    asked = {}
    for requirement in requirements()["blender"]:
        python = re.fullmatch(r'python_version == "(.*)"', str(requirement.marker))
        asked[python[1]] = str(requirement.specifier).removeprefix("==")
    assert asked == BPY_RELEASES


def test_the_page_on_installing_says_what_the_extras_are():
    page = (ROOT / "docs" / "install.md").read_text("utf-8")
    assert not [extra for extra in requirements() if f"`{extra}`" not in page and extra]
    assert not [line for python, bpy in BPY_RELEASES.items() if (line := f"| {python} | {bpy} |") not in page]

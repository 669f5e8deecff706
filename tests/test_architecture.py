"""The rules that keep the parts apart, read off the source itself."""

import ast
import subprocess
import sys

import pytest

from tests.imports import ROOT, imports

LINKED = ("generator", "renderers", "training", "assets_manifest")
"""Folders at the top that are packages of mannequin, by links."""
OURS = (*LINKED, "mannequin", "benchmarks", "tests")
MAY_IMPORT = {
    "generator": {"generator", "assets_manifest"},
    "renderers": {"renderers", "generator"},
    "training": {"training", "generator"},
    "assets_manifest": {"assets_manifest"},
    "mannequin": {"mannequin", "generator", "renderers", "training", "assets_manifest"},
}
SEEDED = {"default_rng", "SeedSequence", "Generator", "PCG64", "Philox", "BitGenerator"}
CONVERTER = ROOT / "assets_manifest" / "convert"
"""Makes the built-in body anew, with the generator's own charts; runs when asked for, never on import."""
FILES = [p for package in MAY_IMPORT for p in sorted((ROOT / package).rglob("*.py"))]


def room(module: str) -> str:
    """The folder at the top that a module lies in."""
    first, *rest = module.split(".")
    return rest[0] if first == "mannequin" and rest and rest[0] in LINKED else first


def users_of(library: str) -> set[str]:
    return {p.relative_to(ROOT).as_posix() for p in FILES if any(name.split(".")[0] == library for name in imports(p))}


def test_the_source_was_found():
    assert len(FILES) > 80
    assert "numpy" in imports(ROOT / "generator" / "spec.py") | imports(ROOT / "generator" / "clip.py")


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_packages_import_only_what_they_may(package):
    wrong = {
        (p.relative_to(ROOT).as_posix(), name)
        for p in FILES
        if p.is_relative_to(ROOT / package) and not p.is_relative_to(CONVERTER)
        for name in imports(p)
        if room(name) in OURS and room(name) not in MAY_IMPORT[package]
    }
    assert not wrong


def test_only_the_blender_renderer_imports_bpy():
    users = users_of("bpy") | users_of("mathutils")
    assert users and all(p.startswith("renderers/blender/") for p in users)


def test_only_training_imports_torch():
    assert all(p.startswith("training/") for p in users_of("torch") | users_of("smplx"))


def test_only_the_viewer_imports_viser():
    assert all(p.startswith("mannequin/view/") for p in users_of("viser"))


def test_the_command_line_parser_stays_out_of_the_library():
    assert all(p.startswith("mannequin/") for p in users_of("tyro") | users_of("rich"))


def modules_after(statement: str) -> set[str]:
    """Libraries, and rooms of ours, that a fresh interpreter has after ``statement``."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(map(room, done.stdout.split()))


def test_importing_generator_brings_nothing_heavy():
    assert not modules_after("import mannequin.generator") & {"numpy", "scipy", "numba", "cv2", "torch", "bpy", "h5py"}


def test_importing_the_manifest_brings_nothing_of_ours():
    assert modules_after("import mannequin.assets_manifest") & set(OURS) == {"assets_manifest", "mannequin"}


def test_describing_clips_needs_no_renderer():
    brought = modules_after("import mannequin.generator.sampling, mannequin.generator.spec")
    assert not brought & {"renderers", "torch", "bpy", "h5py"}


def test_the_manual_needs_neither_compiler_nor_renderer():
    brought = modules_after("from mannequin.cli.main import manual; manual()")
    assert not brought & {"bpy", "torch", "numba", "scipy", "cv2", "h5py", "joblib", "renderers"}


@pytest.mark.parametrize("name", LINKED)
def test_parts_have_one_name(name):
    """Imported by the name of its folder, as works where that lies in the path, a package says what it is called."""
    assert (ROOT / "mannequin" / name).is_symlink() and (ROOT / "mannequin" / name).resolve() == ROOT / name
    done = subprocess.run([sys.executable, "-c", f"import {name}"], cwd=ROOT, capture_output=True, text=True)
    assert f"import mannequin.{name}, not {name}" in done.stderr


def global_random(tree: ast.AST) -> set[str]:
    """Uses of random state that all code shares: numpy.random's functions, the random module."""
    found = set()
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and ast.unparse(node.value) in ("np.random", "numpy.random")
            and node.attr not in SEEDED
        ):
            found.add(f"np.random.{node.attr}")
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name in ("random", "numpy.random")}
        if isinstance(node, ast.ImportFrom) and node.module in ("random", "numpy.random"):
            found |= {f"{node.module}.{a.name}" for a in node.names if a.name not in SEEDED}
        if (
            isinstance(node, ast.Call)
            and getattr(node.func, "attr", "") == "default_rng"
            and not node.args + node.keywords
        ):
            found.add("default_rng() without a seed")
    return found


@pytest.mark.parametrize(
    "line", ["np.random.rand(3)", "import random", "from numpy.random import normal", "np.random.default_rng()"]
)
def test_the_lint_sees_global_random_state(line):
    assert global_random(ast.parse(line))


def test_no_global_random_state():
    wrong = {
        p.relative_to(ROOT).as_posix(): found
        for p in FILES
        if (found := global_random(ast.parse(p.read_text("utf-8"))))
    }
    assert not wrong

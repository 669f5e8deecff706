"""The same bits on every processor: the functions, that nothing else is used, and clips made as others would."""

import ast
import hashlib
import os
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from mannequin.generator import exact
from mannequin.generator.streams import stream
from mannequin.generator.versions import instruction_set, level_of
from tests.imports import ROOT

UNIT = st.floats(-1.0, 1.0)
ANGLE = st.floats(-1e5, 1e5)


def units_apart(found, true) -> float:
    """The greatest difference in units in the last place of the true values."""
    return float(np.max(np.abs(found - true) / np.spacing(np.abs(true)), initial=0.0))


@given(arrays(float, 50, elements=ANGLE))
def test_sine_and_cosine(x):
    assert units_apart(exact.sin(x), np.sin(x)) <= 3 and units_apart(exact.cos(x), np.cos(x)) <= 3
    assert np.allclose(exact.sinc(x), np.sinc(x / np.pi), rtol=0, atol=1e-15)


@given(arrays(float, 50, elements=st.floats(-700, 700)), st.floats(-3, 3))
def test_exponential_logarithm_and_powers(x, y):
    assert units_apart(exact.exp(x), np.exp(x)) <= 2
    assert units_apart(exact.log(np.exp(x)), np.log(np.exp(x))) <= 3
    assert np.allclose(exact.power(np.exp(x / 10), y), np.exp(x / 10) ** y, rtol=1e-13)
    assert np.allclose(exact.tanh(x), np.tanh(x), rtol=0, atol=1e-15)


@given(arrays(float, 50, elements=UNIT), arrays(float, 50, elements=UNIT))
def test_angles(x, y):
    assert units_apart(exact.arctan2(y, x), np.arctan2(y, x)) <= 3
    assert np.allclose(exact.arccos(x), np.arccos(x), rtol=4e-16, atol=4e-16)


def test_special_values():
    y, x = np.meshgrid([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf], [0.0, -0.0, 1.0, -1.0])
    assert np.array_equal(exact.arctan2(y, x), np.arctan2(y, x))
    assert np.array_equal(exact.arctan2(x, y), np.arctan2(x, y))
    assert np.array_equal(exact.exp([-np.inf, -800.0, 0.0, 800.0, np.inf]), [0, 0, 1, np.inf, np.inf])
    assert np.array_equal(exact.log([0.0, 1.0, np.inf]), [-np.inf, 0, np.inf])
    assert np.array_equal(exact.power([0.0, 0.0, 7.0, 1.0], [2.0, 0.0, 0.0, 5.3]), [0, 1, 1, 1])
    assert exact.sin(0.0) == 0.0 and exact.cos(0.0) == exact.sinc(0.0) == 1.0
    with np.errstate(invalid="ignore"):
        nan = [exact.sin(np.inf), exact.cos(np.nan), exact.exp(np.nan), exact.log(-1.0), exact.log(np.nan)]
        nan += [exact.arctan2(np.nan, 1.0), exact.arccos(1.5), exact.power(-1.0, 0.5)]
    assert np.isnan(nan).all()


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_products(n, k, m, seed):
    rng = np.random.default_rng(seed)
    a, b, c = rng.normal(size=(4, n, k)), rng.normal(size=(4, k, m)), rng.normal(size=m)

    def close(found, true):
        return np.allclose(found, true, rtol=1e-12, atol=1e-12)

    assert close(exact.matmul(a, b), a @ b) and close(exact.matmul(a, b, c), a @ b @ c)
    assert close(exact.matmul(c, np.swapaxes(b, -1, -2)), c @ np.swapaxes(b, -1, -2))
    assert close(exact.matmul(c, c), c @ c) and close(exact.dot(c, c), c @ c)
    assert close(exact.transform(b, c), b @ c) and close(exact.norm(b), np.linalg.norm(b, axis=-1))


def test_normals_are_normal():
    drawn = exact.normals(stream(3, 0, "normals"), (200, 500))
    assert abs(drawn.mean()) < 0.01 and abs(drawn.std() - 1.0) < 0.01
    assert abs((drawn**3).mean()) < 0.03 and abs((drawn**4).mean() - 3.0) < 0.06 and drawn.max() > 4.0


@pytest.mark.parametrize("mode", ["nearest", "reflect", "wrap"])
def test_smoothing_is_that_of_scipy(mode):
    values = np.random.default_rng(0).normal(size=(40, 3))
    expected = ndimage.gaussian_filter1d(values, 2.3, axis=0, mode=mode)
    assert np.allclose(exact.gaussian_filter1d(values, 2.3, 0, mode), expected, atol=1e-14)


# Nothing else decides what is written

DIFFER = {
    "sin",
    "cos",
    "tan",
    "sinc",
    "arctan2",
    "arctan",
    "arccos",
    "arcsin",
    "atan2",
    "atan",
    "acos",
    "asin",
    "exp",
    "expm1",
    "exp2",
    "log",
    "log1p",
    "log2",
    "log10",
    "power",
    "pow",
    "float_power",
    "sinh",
    "cosh",
    "tanh",
    "hypot",
    "cbrt",
    "dot",
    "matmul",
    "inner",
    "vdot",
    "tensordot",
    "einsum",
    "cov",
    "polyfit",
    "convolve",
    "correlate",
}
"""Of numpy and math: computed by other instructions, or added up in another order, on other processors."""
DRAWS = {
    "normal",
    "standard_normal",
    "multivariate_normal",
    "lognormal",
    "gamma",
    "beta",
    "exponential",
    "dirichlet",
    "vonmises",
    "poisson",
    "binomial",
    "laplace",
}
"""Of random generators: by way of the C library's logarithms."""
READ_BACK = "reads, measures or converts what was written"
FREE = {
    "generator/colours.py": "colours for people to look at",
    "generator/dataset/surreact.py": READ_BACK,
    "generator/dataset/surreal.py": READ_BACK,
    "generator/dataset/surreal_camera.py": READ_BACK,
    "generator/dataset/surreal_info.py": READ_BACK,
    "generator/exact.py": "its own sparse products",
    "generator/rigs/calibration.py": READ_BACK,
    "renderers/validation": READ_BACK,
}


def is_plain_power(left: ast.expr, right: ast.expr) -> bool:
    """Of whole numbers, or a square, which numpy multiplies."""
    return (isinstance(left, ast.Constant) and isinstance(left.value, int)) or ast.unparse(right) == "2"


def is_norm_of_blas(call: ast.Call) -> bool:
    return ast.unparse(call.func) == "np.linalg.norm" and "axis" not in {k.arg for k in call.keywords}


def unlike(source: str) -> list[tuple[int, str]]:
    """(line, what) of all in a source that has other bits on other processors."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.BinOp, ast.AugAssign)):
            left, right = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.target, node.value)
            if isinstance(node.op, ast.MatMult):
                found.append((node.lineno, "@"))
            if isinstance(node.op, ast.Pow) and not is_plain_power(left, right):
                found.append((node.lineno, f"** {ast.unparse(right)}"))
        if isinstance(node, ast.Attribute):
            of = ast.unparse(node.value)
            if (of in ("np", "math", "numpy") and node.attr in DIFFER) or (of == "np.linalg" and node.attr != "norm"):
                found.append((node.lineno, f"{of}.{node.attr}"))
            if of.endswith(("rng", ")")) and node.attr in DRAWS:
                found.append((node.lineno, node.attr))
        if isinstance(node, ast.Call) and is_norm_of_blas(node):
            found.append((node.lineno, "np.linalg.norm without axis"))
        if isinstance(node, ast.Name) and node.id in ("Rotation", "gaussian_filter", "gaussian_filter1d"):
            found.append((node.lineno, node.id))
    return found


@pytest.mark.parametrize(
    "source",
    ["a @ b", "a @= b", "x ** 3", "x ** 0.5", "np.sin(x)", "math.atan2(y, x)", "np.linalg.inv(a)", "np.linalg.norm(a)"]
    + ["np.einsum('ij,j', a, b)", "self.rng('camera').normal(8, 1)", "rng.gamma(2)", "Rotation.from_rotvec(v)"],
)
def test_what_differs_is_found(source):
    assert unlike(source)


@pytest.mark.slow
def test_what_is_written_is_computed_by_exact():
    files = [p for room in ("generator", "renderers") for p in sorted((ROOT / room).rglob("*.py"))]
    names = {p: p.relative_to(ROOT).as_posix() for p in files}
    wrong = {
        names[p]: found
        for p in files
        if not any(names[p] == free or names[p].startswith(f"{free}/") for free in FREE)
        if (found := unlike(p.read_text(encoding="utf-8")))
    }
    assert len(files) > 80 and not wrong


@pytest.mark.parametrize("free", FREE)
def test_exceptions_are_needed(free):
    files = [ROOT / free] if free.endswith(".py") else (ROOT / free).rglob("*.py")
    assert any(unlike(p.read_text(encoding="utf-8")) for p in files)


# Which processor this is


def test_levels_of_instruction_sets():
    second = {"popcnt", "sse4_1", "sse4_2", "ssse3"}
    third = second | {"avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"}
    assert (level_of(set()), level_of(second), level_of(third)) == ("", "x86-64-v2", "x86-64-v3")
    assert level_of(third - {"ssse3"}) == "" and level_of(second | {"avx512f"}) == "x86-64-v2"
    assert instruction_set()


# Clips, made as on other processors

CLIPS = 2
MAKE = f"--renderer raster --clips {CLIPS} --frames 4 --size 120 160 --rgb png --workers 0 --quiet"
KINDS = {
    "studio": "--people 2 --cameras ring:2 --camera-motion handheld --outputs rgb labels",
    "surreal": "--outputs labels",
}
COMPILED = "numba for Nehalem"
PROCESSORS = {
    "BLAS for Nehalem": {"OPENBLAS_CORETYPE": "Nehalem"},
    "BLAS for Sandy Bridge": {"OPENBLAS_CORETYPE": "Sandybridge"},
    "numpy without AVX2": {"NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX2 FMA3"},
    "C library without AVX2": {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-FMA4,-AVX"},
    COMPILED: {"NUMBA_CPU_NAME": "nehalem"},
}


def digests(folder, changes: dict[str, str], preset: str) -> dict[str, str]:
    """Name → sha256 of the clips that a process makes; its caches are its own."""
    caches = {"MANNEQUIN_CACHE": str(folder / "cache")}
    if "NUMBA_CPU_NAME" in changes:
        caches["NUMBA_CACHE_DIR"] = str(folder / "compiled")
    out = folder / preset
    options = ["--preset", preset, *MAKE.split(), *KINDS[preset].split()]
    command = [sys.executable, "-m", "mannequin", "generate", str(out), *options]
    done = subprocess.run(command, env=os.environ | caches | changes, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    files = [p for p in sorted((out / "clips").rglob("*")) if p.is_file()]
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def made_here(tmp_path_factory):
    return cache(lambda preset: digests(tmp_path_factory.mktemp("here"), {}, preset))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "processor"),
    [("studio", name) for name in PROCESSORS if name != COMPILED]
    + [("surreal", name) for name in ("BLAS for Nehalem", "numpy without AVX2", COMPILED)],
)
def test_clips_are_the_same_bytes_on_other_processors(made_here, tmp_path, preset, processor):
    found = digests(tmp_path, PROCESSORS[processor], preset)
    assert len(found) == CLIPS and found == made_here(preset)

"""What a source file imports, read off the source itself."""

import ast
import functools
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOADERS = {"import_module", "importorskip"}
"""Functions that import the module they are given the name of."""


@functools.cache
def imports(path: Path) -> frozenset[str]:
    """Full names of the modules that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = path.relative_to(ROOT).parent.parts
            base = ".".join(package[: len(package) - node.level + 1]) + "." if node.level else ""
            module = (base + (node.module or "")).strip(".")
            inner = module in ("mannequin", "tests")
            own = {alias.name for alias in node.names} - {"__version__"}  # which anybody may know
            names |= {f"{module}.{name}" for name in own} if inner else {module}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LOADERS:
            names |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
    return frozenset(names)

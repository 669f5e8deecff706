"""Draws docs/architecture.svg from the code: the rooms, what stands in each, and who imports whom.

    python docs/architecture.py

The same code gives the same bytes; a test compares the picture with the code.
"""

import ast
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "architecture.svg"

ROOMS = {
    "mannequin": (20, 1160),
    "renderers": (20, 340),
    "generator": (430, 340),
    "training": (840, 340),
    "assets_manifest": (430, 340),
}
"""Room → left edge and width, pixels."""

ROWS = (("mannequin",), ("renderers", "generator", "training"), ("assets_manifest",))
LINE, GAP, HEAD = 17, 64, 46
COLOURS = {
    "mannequin": "#eef3f8",
    "renderers": "#f8f2ec",
    "generator": "#eef6ef",
    "training": "#f5eef7",
    "assets_manifest": "#f4f4ee",
}


def rooms_in(room: str) -> dict[str, str]:
    """Folder within a room → the first sentence of what it says of itself, in the order of the alphabet."""
    folders = sorted(path.parent for path in (ROOT / room).glob("*/__init__.py") if not path.parent.is_symlink())
    return {folder.name: sentence(folder / "__init__.py") for folder in folders}


def sentence(path: Path) -> str:
    """The first of a module's docstring."""
    text = " ".join((ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split())
    return text.split(". ")[0].rstrip(".").replace("``", "")


def imports() -> set[tuple[str, str]]:
    """(room, another) whose modules it imports."""
    found = set()
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if any(part.is_symlink() for part in (path, *path.parents)):
                continue
            others = {name for module in _modules(path) if (name := _room(module)) != room and name in ROOMS}
            found |= {(room, other) for other in others}
    return found


def _modules(path: Path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{a.name}" if node.module == "mannequin" else node.module for a in node.names)


def _room(module: str) -> str | None:
    first, *rest = module.split(".")
    if first != "mannequin" or rest[:1] == ["__version__"]:
        return None
    return rest[0] if rest and rest[0] in ROOMS else "mannequin"


def svg() -> str:
    """The picture."""
    inner = {room: rooms_in(room) for room in ROOMS}
    height = {room: HEAD + 10 + LINE * -(-len(inner[room]) // _columns(room)) for room in ROOMS}
    top, y = {}, 20
    for row in ROWS:
        top |= dict.fromkeys(row, y)
        y += max(height[room] for room in row) + GAP
    boxes = [_box(room, top[room], max(height[r] for r in _row_of(room)), inner[room]) for room in ROOMS]
    ends = {room: (top[room], top[room] + max(height[r] for r in _row_of(room))) for room in ROOMS}
    arrows = [_arrow(_way(a, b, ends)) for a, b in sorted(imports())]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 {y - GAP + 20}" font-family="sans-serif" '
        'font-size="12">\n<defs><marker id="to" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0 8 4 0 8z" fill="#555"/></marker></defs>\n'
        f'<rect width="1200" height="{y - GAP + 20}" fill="white"/>\n'
    )
    return head + "\n".join([*boxes, *arrows]) + "\n</svg>\n"


def _row_of(room: str) -> tuple[str, ...]:
    return next(row for row in ROWS if room in row)


def _columns(room: str) -> int:
    return 3 if room == "mannequin" else 1


def _box(room: str, top: int, height: int, inner: dict[str, str]) -> str:
    left, width = ROOMS[room]
    lines = [
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="6" fill="{COLOURS[room]}" stroke="#999"/>',
        f'<text x="{left + 12}" y="{top + 22}" font-size="15" font-weight="bold">{room}/</text>',
        f'<text x="{left + 12}" y="{top + 39}" fill="#444">{escape(_short(_of_room(room), width))}</text>',
    ]
    columns = _columns(room)
    for k, (name, says) in enumerate(inner.items()):
        x = left + 12 + (k % columns) * (width // columns)
        y = top + HEAD + 14 + LINE * (k // columns)
        said = escape(_short(says, width // columns - 7 * len(name) - 24))
        lines.append(
            f'<text x="{x}" y="{y}"><tspan font-weight="bold">{name}</tspan> <tspan fill="#555">{said}</tspan></text>'
        )
    return "\n".join(lines)


def _of_room(room: str) -> str:
    return "the command line, the viewer, the report" if room == "mannequin" else sentence(ROOT / room / "__init__.py")


def _short(text: str, width: int) -> str:
    """As much as fits into so many pixels."""
    most = max(8, int(width / 6.1) - 2)
    return text if len(text) <= most else text[: most - 1].rsplit(" ", 1)[0] + " …"


def _arrow(way: list[tuple[int, int]]) -> str:
    points = " ".join(f"{x},{y}" for x, y in way)
    return f'<polyline points="{points}" fill="none" stroke="#555" stroke-width="1.4" marker-end="url(#to)"/>'


def _way(a: str, b: str, ends: dict[str, tuple[int, int]]) -> list[tuple[int, int]]:
    """Corners of the line from the edge of one box to that of another."""
    (la, wa), (lb, wb) = ROOMS[a], ROOMS[b]
    if _row_of(a) == _row_of(b):
        y = (ends[a][0] + ends[a][1]) // 2
        return [(la + wa, y), (lb, y)] if la < lb else [(la, y), (lb + wb, y)]
    narrow = min((la, wa), (lb, wb), key=lambda edge: edge[1])
    x = narrow[0] + narrow[1] // 2
    if (a, b) == ("mannequin", "assets_manifest"):  # past the generator
        y = (ends[b][0] + ends[b][1]) // 2
        return [(lb - 50, ends[a][1]), (lb - 50, y), (lb, y)]
    if ends[a][0] < ends[b][0]:
        return [(x - 20, ends[a][1]), (x - 20, ends[b][0])]
    return [(x + 20, ends[a][0]), (x + 20, ends[b][1])]


if __name__ == "__main__":
    PICTURE.write_text(svg(), "utf-8")

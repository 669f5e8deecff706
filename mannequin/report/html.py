"""HTML as nested calls. Text is escaped unless it is Html already, so names from strangers stay text."""

from collections.abc import Sequence
from html import escape as _escape

LONGEST = 300
"""Characters of a name or message on the page."""

_VOID = {"img", "meta", "br", "col", "rect", "path", "line", "circle", "use"}
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SPACES = "\n\xa0\u2009\u202f"


class Html(str):
    """Text that is markup."""


def text(value, longest: int = LONGEST) -> Html:
    """``value`` escaped; what cannot be printed, directions of writing included, becomes U+FFFD."""
    plain = str(value)
    if len(plain) > longest:
        plain = f"{plain[: longest - 20]} … {plain[-16:]}"
    shown = "".join(c if c.isprintable() or c in _SPACES else "\ufffd" for c in plain)
    return Html(_escape(shown, quote=True))


def el(tag: str, *children, **attributes) -> Html:
    """An element. children: Html, or anything that is shown as text; None is left out.

    attributes: class_ for class, aria_label for aria-label and so on; those that are None are left out.
    """
    said = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    inner = join(children)
    if tag in _VOID and not inner:
        return Html(f"<{tag}{said}/>")
    return Html(f"<{tag}{said}>{inner}</{tag}>")


def join(children) -> Html:
    """Several things one after another."""
    return Html(
        "".join(
            child if isinstance(child, Html) else text(child, 10 * LONGEST) for child in children if child is not None
        )
    )


def _value(value) -> str:
    return value if isinstance(value, Html) else text(value, 10 * LONGEST)


def table(head: list[str], rows: list[list], numbers: tuple[int, ...] = (), class_: str = "") -> Html:
    """A table that scrolls by itself where it is too wide. numbers: columns that are aligned right."""
    side = ["n" if k in numbers else None for k in range(len(head))]
    top = el("tr", *(el("th", name, class_=s, scope="col") for name, s in zip(head, side)))
    body = join(el("tr", *(el("td", cell, class_=s) for cell, s in zip(row, side))) for row in rows)
    return el(
        "div", el("table", el("thead", top), el("tbody", body), class_=class_ or None), class_="scroll", tabindex="0"
    )


def facts(rows: Sequence[tuple[str, object]]) -> Html:
    """Names and what they stand for."""
    return el("dl", *(join((el("dt", name), el("dd", value))) for name, value in rows), class_="facts")


def number(value: float, digits: int = 3) -> str:
    """For people: ``digits`` significant ones, thousands separated; a dash for what is not a number."""
    value = float(value)
    if value != value:
        return "–"
    if value in (float("inf"), float("-inf")):
        return "∞" if value > 0 else "−∞"
    if abs(value) >= 10 ** (digits - 1) or value == int(value):
        said = f"{value:,.0f}"
    else:
        said = f"{value:.{digits}g}"
    if "e" in said:
        base, power = said.split("e")
        said = f"{base}·10{str(int(power)).translate(_RAISED)}".removeprefix("1·")
    return "0" if said == "-0" else said.replace("-", "−")


def count(n: int, one: str, many: str = "") -> str:
    """As in "1 clip" and "2 clips"."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def size(n: float) -> str:
    """Bytes for people, in decimal units."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if n < 1000:
            return f"{n:.0f} {unit}" if unit == "bytes" else f"{number(n)} {unit}"
        n /= 1000
    return f"{number(n)} TB"

"""Ways to damage files: blindly, byte by byte, and knowingly, value by value."""

import copy

from hypothesis import strategies as st

NASTY_TEXT = (
    "",
    "..",
    "../../etc/passwd",
    "/etc/passwd",
    "\0",
    "\ud800",
    "nan",
    "1e999",
    "a" * 5000,
    "%s%n",
    "http://127.0.0.1:9/x",
)
NASTY_NUMBERS = (0, -1, 1, 2**31, 2**63, -(2**63), 10**400, 1e308, -1e308, 1e-320, float("nan"), float("inf"), True)
NASTY = (*NASTY_TEXT, *NASTY_NUMBERS, None, [], {}, [[]], {"": {}}, [1, "a", None], {"kind": []})


def nested(depth: int):
    """Lists within lists."""
    value = []
    for _ in range(depth):
        value = [value]
    return value


@st.composite
def damaged(draw, samples):
    """Bytes of one of ``samples`` after one to four changes: flipped, cut, doubled, moved, overwritten, spliced."""
    data = bytearray(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(("flip", "noise", "cut", "drop", "double", "splice", "extreme")))
        length = draw(st.integers(1, 64))
        if kind == "flip" and at < len(data):
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "noise":
            data[at : at + length] = draw(st.binary(max_size=32))
        elif kind == "cut":
            del data[at:]
        elif kind == "drop":
            del data[at : at + length]
        elif kind == "double":
            data[at:at] = data[max(0, at - length * 16) : at]
        elif kind == "splice":
            other = draw(st.sampled_from(samples))
            data[at:] = other[draw(st.integers(0, len(other))) :]
        elif kind == "extreme":
            data[at : at + 4] = draw(st.sampled_from((b"\xff" * 4, b"\0" * 4, b"\xff\xff\xff\x7f", b"\0\0\0\x80")))
    return bytes(data)


@st.composite
def garbled(draw, text: str):
    """``text`` with one to four of its words replaced, dropped or doubled."""
    words = text.split(" ")
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(words) - 1))
        word = draw(st.sampled_from((*map(str, NASTY), words[-1], words[0])))
        words[at : at + 1] = draw(st.sampled_from(([word], [], [words[at]] * 2, [word] * 50)))
        if not words:
            return ""
    return " ".join(words)


@st.composite
def bent(draw, plain):
    """Plain values with one to three of them replaced, removed or doubled, at any depth."""
    root = {"": copy.deepcopy(plain)}
    for _ in range(draw(st.integers(1, 3))):
        places = [
            (holder, key)
            for holder in _holders(root)
            for key in (holder if isinstance(holder, dict) else range(len(holder)))
        ]
        holder, key = places[draw(st.integers(0, len(places) - 1))]
        kind = draw(st.sampled_from(("nasty", "remove", "double", "deep", "extra")))
        if kind == "nasty":
            holder[key] = copy.deepcopy(draw(st.sampled_from(NASTY)))
        elif kind == "deep":
            holder[key] = nested(draw(st.sampled_from((50, 70, 400, 900))))
        elif kind == "double":
            holder[key] = [holder[key], holder[key]]
        elif kind == "extra" and isinstance(holder[key], dict):
            holder[key][draw(st.sampled_from(NASTY_TEXT))] = 0
        elif kind == "remove" and holder is not root:
            del holder[key]
    return root[""]


def _holders(value):
    """All lists and dicts in ``value``, but none of those nested very deep."""
    level, found = [value], []
    for _ in range(12):
        level = [v for v in level if isinstance(v, (list, dict)) and v]
        found += level
        level = [inner for v in level for inner in (v.values() if isinstance(v, dict) else v)]
    return found

"""The text of BVH files: what stands in it, however carelessly it was written.

Read with a note: keywords in another case, braces on the line of other words, comments, commas and
semicolons, decimal commas, headers spelt otherwise, frame counts that are one off or too low, text
after the last frame, frames broken over lines, other line ends and encodings. Refused: what is cut
or is no number.
"""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mannequin.generator.errors import AssetError
from mannequin.generator.io import limits

POSITIONS = ("Xposition", "Yposition", "Zposition")
ROTATIONS = ("Xrotation", "Yrotation", "Zrotation")
END_SITE = " End Site"
"""What an End Site's name ends with, after its parent's."""

COMMAS = "has commas or semicolons between or within its numbers"

_CHANNELS = {name.lower(): name for name in POSITIONS + ROTATIONS}
_KEYWORDS = {"HIERARCHY", "ROOT", "JOINT", "END", "ENDSITE", "OFFSET", "CHANNELS", "{", "}"}
_MOTION = re.compile(rb"(?:\A|(?<=[\s}]))motion\s+(?=frames?\s*[:=]?\s*\d)", re.IGNORECASE)
_BARE_MOTION = re.compile(rb"(?:\A|(?<=[\s}]))MOTION(?=\s|\Z)")
_HEADER = re.compile(
    rb"\s*frames\s*[:=]?[ \t]*(\S*)\s+frame[ \t_]*time\s*[:=]?[ \t]*(\S*)[^\n]*(?:\n|\Z)", re.IGNORECASE
)
_USUAL_HEADER = re.compile(rb"\s*Frames:[ \t]*\d+[ \t]*\n\s*Frame Time:[ \t]*[\d.eE+-]+[ \t]*(?:\n|\Z)")
_NUMBER = re.compile(rb"\s*[-+]?(?:[.,]?\d|nan|inf)", re.IGNORECASE)


def error(path: Path, wrong: str, expected: str) -> AssetError:
    return AssetError(f"The BVH file {path} {wrong}. Expected {expected}.")


def sections(path: Path, data: bytes, notes: list[str]) -> tuple[str, bytes]:
    """The hierarchy's text, and what follows the word MOTION with \\n as line ends."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        notes.append("is written in UTF-16")
        data = data.decode("utf-16", "replace").encode()
    found = _MOTION.search(data) or _BARE_MOTION.search(data)
    if not found:
        raise error(path, "has no MOTION section", "HIERARCHY followed by MOTION; the file may be truncated")
    head, tail = data[: found.start()], data[found.end() :]
    if len(head) > limits.BVH_HEAD_BYTES:
        raise error(path, f"has a hierarchy of {len(head)} bytes", f"at most {limits.BVH_HEAD_BYTES}, one skeleton")
    if found[0][:6] != b"MOTION":
        notes.append("has its keywords in another case")
    if b"\r" in tail:
        tail = tail.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return head.decode("utf-8-sig", "replace"), tail


@dataclass
class Hierarchy:
    """names, parents (J,), offsets (J, 3), channels of all J joints; roots: those of ROOT."""

    names: tuple[str, ...]
    parents: np.ndarray
    offsets: np.ndarray
    channels: tuple[tuple[str, ...], ...]
    roots: list[int] = field(default_factory=list)

    def main(self) -> tuple[int, int]:
        """First joint and end of the ROOT that holds the most joints."""
        ends = [*self.roots[1:], len(self.names)]
        return max(zip(self.roots, ends), key=lambda r: (r[1] - r[0], -r[0]))


def read_hierarchy(path: Path, text: str, notes: list[str]) -> Hierarchy:
    """Raises AssetError for what is no hierarchy."""
    return _HierarchyReader(path, text, notes).read()


class _HierarchyReader:
    """Reads the HIERARCHY section token by token, without recursion."""

    def __init__(self, path: Path, text: str, notes: list[str]):
        self.path, self.notes = path, notes
        lines = text.splitlines()
        kept = [line for line in lines if not line.lstrip().startswith(("#", "//"))]
        if len(kept) < len(lines):
            notes.append("has comments in its hierarchy, which are passed over")
        text = "\n".join(kept)
        if re.search(r"[^\s{}][{}]|[{}][^\s{}]", text):
            notes.append("has braces joined to other words")
        self.tokens = re.sub(r"([{}])", r" \1 ", text).split()
        self.at = 0
        self.names: list[str] = []
        self.parents: list[int] = []
        self.offsets: list[list[float] | None] = []
        self.channels: list[tuple[str, ...]] = []
        self.roots: list[int] = []

    def read(self) -> Hierarchy:
        begin = next((k for k, word in enumerate(self.tokens) if word.upper() == "HIERARCHY"), None)
        if begin is None:
            raise error(self.path, "does not begin with HIERARCHY", "a Biovision hierarchy file")
        if begin:
            self.notes.append("has text before HIERARCHY, which is passed over")
        self._told(self.tokens[begin])
        self.at = begin + 1
        open_joints: list[int] = []
        while self.at < len(self.tokens):
            self._keyword(self._next("a keyword"), open_joints)
        if open_joints:
            raise error(
                self.path,
                f"never closes {self.names[open_joints[-1]]!r}",
                "a '}' for every '{'; the file may be truncated",
            )
        self._check()
        parents, offsets = np.array(self.parents), np.array(self.offsets, np.float64)
        return Hierarchy(tuple(self.names), parents, offsets, tuple(self.channels), self.roots)

    def _told(self, word: str) -> None:
        """Note a keyword that is not written as usual."""
        if word not in ("End", word.upper()):
            self.notes.append("has its keywords in another case")

    def _keyword(self, word: str, open_joints: list[int]) -> None:
        key = word.upper()
        if key in ("ROOT", "JOINT", "END", "ENDSITE"):
            self._told(word)
            self._joint(key, open_joints)
        elif key == "}" and open_joints:
            open_joints.pop()
        elif key == "OFFSET" and open_joints:
            self._told(word)
            self.offsets[open_joints[-1]] = self._numbers(3)
        elif key == "CHANNELS" and open_joints:
            self._told(word)
            self.channels[open_joints[-1]] = self._channels()
        else:
            raise error(
                self.path,
                f"has an unexpected {word!r} in its hierarchy",
                "ROOT, JOINT, End Site, OFFSET, CHANNELS or braces",
            )

    def _joint(self, key: str, open_joints: list[int]) -> None:
        words = []
        while (word := self._next("'{'")) != "{":
            words.append(word)
        if (key == "ROOT") == bool(open_joints) or (not self.names and key != "ROOT"):
            raise error(
                self.path, f"has {key} {' '.join(words)!r} out of place", "one ROOT that holds every other joint"
            )
        if sum(map(len, words)) > limits.BVH_NAME:
            raise error(
                self.path, f"has a joint whose name begins {words[0][:40]!r}", f"at most {limits.BVH_NAME} characters"
            )
        if len(self.names) >= limits.BVH_JOINTS:
            raise error(self.path, f"has more than {limits.BVH_JOINTS} joints", "one skeleton")
        parent = open_joints[-1] if open_joints else -1
        if key == "ROOT":
            self.roots.append(len(self.names))
        is_end = key.startswith("END")
        name = f"{self.names[parent]}{END_SITE}" if is_end else " ".join(words) or f"joint {len(self.names)}"
        self.names.append(name)
        self.parents.append(parent)
        self.offsets.append(None)
        self.channels.append(())
        open_joints.append(len(self.names) - 1)

    def _channels(self) -> tuple[str, ...]:
        count = self._number(self._next("a number").rstrip(",;"))
        if count not in range(7):
            raise error(self.path, f"gives {count:g} channels to {self.names[-1]!r}", "0 to 6")
        words = [self._next("a channel") for _ in range(int(count))]
        names = tuple(_CHANNELS.get(re.sub(r"[^a-z]", "", w.lower()), "") for w in words)
        if "" in names or len(set(names)) < len(names):
            raise error(
                self.path,
                f"gives the channels {' '.join(words)!r} to {self.names[-1]!r}",
                "different ones of " + ", ".join(_CHANNELS.values()),
            )
        return names

    def _next(self, expected: str) -> str:
        if self.at >= len(self.tokens):
            raise error(self.path, "ends within its hierarchy", f"{expected}; the file may be truncated")
        self.at += 1
        return self.tokens[self.at - 1]

    def _numbers(self, count: int) -> list[float]:
        """The next numbers, which commas may separate, or divide from their decimals."""
        end = self.at
        while end < min(len(self.tokens), self.at + 2 * count) and self.tokens[end].upper() not in _KEYWORDS:
            end += 1
        text = " ".join(self.tokens[self.at : end])
        if not re.search("[,;]", text):
            return [self._number(self._next("a number")) for _ in range(count)]
        words, self.at = parted(text, count), end
        self.notes.append(COMMAS)
        if len(words) != count:
            raise error(self.path, f"has {text[:40]!r} at joint {self.names[-1]!r}", f"{count} numbers")
        return [self._number(word) for word in words]

    def _number(self, word: str) -> float:
        try:
            value = float(word)
        except ValueError:
            value = np.nan
        if not abs(value) <= limits.COORDINATE:  # NaN included
            raise error(
                self.path,
                f"has {word[:40]!r} at joint {self.names[-1]!r}",
                f"a finite number up to {limits.COORDINATE:g}",
            )
        return value

    def _check(self) -> None:
        if not any(ROTATIONS[0] in c or ROTATIONS[1] in c or ROTATIONS[2] in c for c in self.channels):
            raise error(self.path, "has no usable joints: none has rotation channels", "a skeleton that moves")
        for name, offset in zip(self.names, self.offsets):
            if offset is None:
                raise error(self.path, f"has no OFFSET for {name!r}", "one for every joint")


def parted(text: str, count: int) -> list[str]:
    """The ``count`` numbers of a text with commas or semicolons: between them, or as decimal signs."""
    words = [word for part in text.replace(";", " ").split() if (word := part.strip(","))]
    if len(words) == count:
        return words if "." in text else [word.replace(",", ".") for word in words]
    return text.replace(";", " ").replace(",", " ").split()


@dataclass(frozen=True, eq=False)
class Frames:
    """frames: how many the file holds. frame_time: seconds. values: (T, C) float64, of all or of the first ones."""

    frames: int
    frame_time: float
    values: np.ndarray


def read_motion(
    path: Path, tail: bytes, columns: int, first: int | None, check_room: Callable[[int], None], notes: list[str]
) -> Frames:
    """The numbers of the MOTION section, (frames, columns) or the ``first`` of them.

    check_room: raises for more frames than may be held. Raises AssetError for what is cut or no number.
    """
    stated, frame_time, body = _header(path, tail, notes)
    held = _count(path, body)
    width = len(_numbers_of(next(_lines(body), b""), columns, columns + 1))
    if held != stated and width < columns and len(body.split(maxsplit=stated * columns)) == stated * columns:
        notes.append("has frames that are broken over several lines")
        held, body = stated, _joined(body, columns)
    if held < stated - 1 or not held:
        raise error(path, f"says 'Frames: {stated}' and holds {held}", "both to agree; the file may be truncated")
    if held != stated:
        notes.append(f"says 'Frames: {stated}' and holds {held}, all of which are read")
    wanted = held if first is None else min(first, held)
    check_room(wanted)
    values = _values(path, body, wanted, columns)
    if b"," in body or b";" in body:
        notes.append(COMMAS)
    if sum(1 for _ in _lines(body)) > held:
        notes.append("has text after its last frame, which is passed over")
    return Frames(held, frame_time, values)


def _header(path: Path, tail: bytes, notes: list[str]) -> tuple[int, float, bytes]:
    """Frames, frame time (s) and the numbers that follow."""
    found = _HEADER.match(tail)
    try:
        if not found:
            raise ValueError("no header")
        frames = float(found[1])
        frame_time = float(found[2].replace(b",", b"."))
        if frames != int(frames):
            raise ValueError("a broken number of frames")
    except (ValueError, OverflowError) as e:
        raise error(
            path,
            "has no legible 'Frames:' and 'Frame Time:' lines with numbers after them",
            "both right after MOTION; the file may be truncated",
        ) from e
    body = tail[found.end() :]
    if not 1 <= frames <= len(body):
        raise error(
            path,
            f"has {frames:g} frames in {len(body)} bytes of numbers",
            "at least one, and as many as follow; the file may be truncated",
        )
    if not (1.0 / limits.MOTION_RATES[1] <= frame_time <= 1.0 / limits.MOTION_RATES[0]):
        raise error(
            path,
            f"has a frame time of {frame_time:g} s",
            f"{1 / limits.MOTION_RATES[1]:g} to {1 / limits.MOTION_RATES[0]:g} s; correct its 'Frame Time:' line",
        )
    if not _USUAL_HEADER.match(tail):
        notes.append("has its 'Frames:' and 'Frame Time:' lines spelt otherwise")
    return int(frames), frame_time, body


def _lines(body: bytes):
    """The lines that are not blank."""
    return (line for line in io.BytesIO(body) if not line.isspace())


def _count(path: Path, body: bytes) -> int:
    """Lines of numbers. Text may follow them, not stand among them."""
    held, text = 0, False
    for line in _lines(body):
        if not _NUMBER.match(line):
            text = True
        elif text:
            raise error(path, f"has text among its frames, after frame {held - 1}", "one line of numbers for each")
        else:
            held += 1
    return held


def _joined(body: bytes, columns: int) -> bytes:
    """Frames broken over several lines, one on a line."""
    words = body.split()
    return b"\n".join(b" ".join(words[k : k + columns]) for k in range(0, len(words), columns))


def _numbers_of(line: bytes, columns: int, most: int) -> list:
    """The first ``most`` words of a line."""
    if b"," in line or b";" in line:
        return parted(line.decode("ascii", "replace"), columns)[:most]
    return line.split(maxsplit=most - 1)[:most]


def _values(path: Path, body: bytes, frames: int, columns: int) -> np.ndarray:
    """(frames, columns) float64, read line by line so that memory follows the numbers asked for."""
    values = np.empty((frames, columns))
    for frame, line in zip(range(frames), _lines(body)):
        words = _numbers_of(line, columns, columns + 1)
        if len(words) != columns:
            found = len(words) if len(words) < columns else f"more than {columns}"
            raise error(
                path,
                f"has {found} numbers in frame {frame}",
                f"{columns}, one for every channel; the file may be truncated",
            )
        try:
            values[frame] = [float(word) for word in words]
        except ValueError as e:
            raise error(path, f"has something that is no number in frame {frame} ({str(e)[:80]})", "numbers") from e
    bad = np.argwhere(~(np.abs(values) <= limits.COORDINATE))  # NaN included
    if len(bad):
        raise error(
            path,
            f"has {values[tuple(bad[0])]} in frame {bad[0][0]}, column {bad[0][1]}",
            f"finite numbers up to {limits.COORDINATE:g}",
        )
    return values

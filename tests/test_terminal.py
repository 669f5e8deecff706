"""What reaches the terminal: nothing of a stranger acts on it, and one message tells of an output that fails."""

import ast
import json
import os
import resource
import shutil
import subprocess
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from mannequin.cli.main import main
from mannequin.generator.dataset.native import open_clip, read_clip, write_clip
from mannequin.terminal import Console, escaped

ROOT = Path(__file__).resolve().parents[1]
SMALL = ["--renderer", "raster", "--clips", "1", "--frames", "1", "--size", "24", "24"]
SMALL += ["--samples", "1", "--light", "lamps", "--workers", "0"]
HOSTILE = "x\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m\u202etxt\u200b[/bold][link=file:///]\r:smile:"
"""Clipboard, screen, C1, direction of writing, hidden characters, rich's markup, start of the line, rich's emoji."""


def acts(text: str) -> list[str]:
    """Characters of ``text`` that a terminal acts on or hides."""
    return [c for c in text if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """A dataset of one clip."""
    out = tmp_path_factory.mktemp("made") / "out"
    with pytest.raises(SystemExit) as exit_:
        main(["generate", str(out), *SMALL])
    assert exit_.value.code == 0
    return out


# Strangers


@pytest.mark.slow
def test_every_character_that_acts_is_escaped_and_letters_are_not():
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    assert not acts(escaped(every))
    for text in ("Łódź 北京 naïve 🎉 [/bold]", "a\tb\nc", "ideographic\u3000space"):
        assert escaped(text) == text
    assert escaped("\x1b\x9b\u202e\udc80") == r"\x1b\x9b\u202e\udc80"


def test_the_console_escapes_whatever_it_is_given(capsys):
    table = Table(f"head {HOSTILE}", title=HOSTILE)
    table.add_row(HOSTILE)
    table.add_row(Text(HOSTILE, "red"))
    for stderr in (False, True):
        console = Console(stderr=stderr)
        console.print(HOSTILE)
        console.print(Text.assemble(("failed", "bold"), HOSTILE))
        console.print(table)
        with console.doing(HOSTILE) as tell:
            tell(HOSTILE)
    said = capsys.readouterr()
    for text in said:
        assert not acts(text) and text.count(r"\x1b]52;c;ZXZpbA==") >= 5 and text.count("[/bold]") >= 5


def test_nothing_prints_but_through_the_console():
    """The one place: no call of print, no console of rich's own, in any room but where a library speaks for itself."""
    allowed = {
        "mannequin/terminal.py": {"print", "Console"},
        "mannequin/view/server.py": {"print"},
        "mannequin/__main__.py": {"print"},
    }  # the last says that it was interrupted before the others were imported
    for file in sorted((ROOT / "mannequin").rglob("*.py")):
        name = file.relative_to(ROOT).as_posix()
        found = set()
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                found.add("print")
            if isinstance(node, ast.ImportFrom) and node.module == "rich.console":
                found |= {alias.name for alias in node.names} & {"Console"}
        assert found <= allowed.get(name, set()), name


@pytest.fixture
def hostile(dataset, tmp_path):
    """A dataset in which every text that can be a stranger's is hostile, its own name included."""
    out = tmp_path / HOSTILE.replace("/", "_")
    shutil.copytree(dataset, out)
    description = json.loads((out / "dataset.json").read_text("utf-8"))
    description["versions"] = {HOSTILE: HOSTILE}
    description["config"]["renderer"] = HOSTILE
    description["config"]["sample"]["preset"] = HOSTILE
    (out / "dataset.json").write_text(json.dumps(description), "utf-8")
    line = {
        "run": HOSTILE, "host": HOSTILE, "device": HOSTILE, "versions": {HOSTILE: HOSTILE}, "t": 0.0,
    }  # fmt: skip
    clip = {
        "clip": 0, "t": 2.0, "host": HOSTILE, "frames": 3, "seconds": {HOSTILE: 1.0},
        "agreement": {f"{HOSTILE}_worst": 1.0}, "peak_mb": 1.0,
    }  # fmt: skip
    (out / ".log" / "a-1.jsonl").write_text("".join(json.dumps(each) + "\n" for each in (line, clip)), "utf-8")
    return out


@pytest.mark.slow
def test_no_command_passes_on_what_acts(run, hostile, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clip = hostile / "clips" / "000" / "000000.h5"
    commands = [
        ["info", hostile],
        ["info", clip],
        ["info", hostile, "--json"],
        ["info", clip, "--json"],
        ["status", hostile],
        ["status", hostile, "--json"],
        ["show", hostile],
        ["report", hostile],
        ["generate", hostile, *SMALL],
        ["export", hostile, HOSTILE.replace("/", "_") + "out"],
        ["assets", "list", "--body", HOSTILE],
        ["assets", "list", "--textures", HOSTILE],
        ["view", tmp_path / HOSTILE],
        [HOSTILE],
        ["info", hostile, HOSTILE],
        ["info", f"--{HOSTILE}"],
        ["generate", tmp_path / "new", "--renderer", HOSTILE],
        ["farm", "slurm", HOSTILE, "--shards", "2", "--", "out"],
    ]
    for command in commands:
        status, said, message = run(*command)
        assert not acts(said) and not acts(message), command[:1]
        assert status in (0, 1, 2) and said + message
        if "--json" in command:
            assert json.loads(said)


def test_a_hostile_name_in_a_clip_is_shown_as_it_is_written(run, dataset, tmp_path):
    clip = read_clip(dataset / "clips" / "000" / "000000.h5")
    named = replace(clip, spec=replace(clip.spec, name=HOSTILE, tags={"action": HOSTILE}))
    shutil.copytree(dataset, tmp_path / "out")
    write_clip(tmp_path / "out" / "clips" / "000" / "000000.h5", named)
    with open_clip(tmp_path / "out" / "clips" / "000" / "000000.h5") as opened:
        assert opened.spec.name == HOSTILE
    for path in ("out", "out/clips/000/000000.h5"):
        status, said, _ = run("info", tmp_path / path)
        assert status == 0 and not acts(said) and r"\x1b" in said


# Outputs that fail


def processes(dataset: Path, folder: Path) -> dict[str, list]:
    """Commands that print, each as it would be typed."""
    return {
        "info --json": ["info", dataset, "--json"],
        "info": ["info", dataset],
        "status": ["status", dataset],
        "status --json": ["status", dataset, "--json"],
        "show": ["show", dataset, "--out", folder / "out.png"],
        "report": ["report", dataset, "--out", folder / "out.html"],
        "generate": ["generate", folder / "out", *SMALL],
        "--version": ["--version"],
        "info --help": ["info", "--help"],
    }


SLOW = pytest.mark.slow
NAMES = [
    "info --json",
    *(pytest.param(name, marks=SLOW) for name in processes(Path(), Path()) if name != "info --json"),
]


def shell(redirection: str, command: list, **options):
    """``command`` by a shell, with ``redirection``."""
    words = [sys.executable, "-m", "mannequin", *map(str, command)]
    return subprocess.run(
        ["sh", "-c", f'"$@" {redirection}', "sh", *words],
        check=False, cwd=ROOT, capture_output=True, text=True, **options,
    )  # fmt: skip


def complaint(done) -> str:
    """The one message of a process that ended with status 2, beside the lines that say how far it is."""
    lines = [line for line in done.stderr.splitlines() if " of 1 clips, " not in line]
    assert done.returncode == 2 and len(lines) == 1 and lines[0].startswith("mannequin: "), done.stderr
    return lines[0]


def made(folder: Path, command: str) -> bool:
    """Whether what the command makes is there, and nothing beside it."""
    expected = {"show": ["out.png"], "report": ["out.html"], "generate": ["out"]}.get(command, [])
    if command == "generate":
        assert (folder / "out/clips/000/000000.h5").exists() and not list(folder.rglob("*.part"))
    return sorted(path.name for path in folder.iterdir()) == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_closed_output_is_told_once(dataset, tmp_path, name):
    said = complaint(shell(">&-", processes(dataset, tmp_path)[name]))
    assert "standard output" in said and "closed" in said and made(tmp_path, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_output_is_told_once(dataset, tmp_path, name):
    said = complaint(shell("> /dev/full", processes(dataset, tmp_path)[name]))
    assert "standard output" in said and "disk is full" in said and made(tmp_path, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_an_output_beyond_the_limit_on_files_is_told_once(dataset, tmp_path, name):
    work = tmp_path / "work"
    work.mkdir()
    said, limit = tmp_path / "said", 1 << 26
    said.touch()
    os.truncate(said, limit)  # appended to: nothing more fits
    done = shell(f'>> "{said}"', processes(dataset, work)[name], preexec_fn=lambda: limit_files(limit))
    assert "ulimit" in complaint(done) and made(work, name)


def limit_files(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_reader_that_has_gone_ends_a_command_quietly(dataset, tmp_path, name):
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "-m", "mannequin", *map(str, processes(dataset, tmp_path)[name])]
    done = subprocess.run(words, check=False, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    lines = [line for line in done.stderr.splitlines() if " of 1 clips, " not in line]
    assert done.returncode == 141 and not lines and made(tmp_path, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_an_output_in_ascii_is_legible(dataset, tmp_path, name):
    settings = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = shell("", processes(dataset, tmp_path)[name], env=os.environ | settings)
    assert done.returncode == 0 and done.stdout.isascii() and "Traceback" not in done.stderr, done.stderr
    assert "\\u" not in done.stdout and made(tmp_path, name)


@pytest.mark.slow
def test_a_name_beyond_ascii_is_told_in_ascii(tmp_path):
    done = shell("", ["info", tmp_path / "ł"], env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert r"\u0142" in complaint(done)


@pytest.mark.slow
@pytest.mark.parametrize("redirection", ["2>&-", pytest.param("2> /dev/full", marks=SLOW)])
def test_messages_that_cannot_be_written_stop_nothing(dataset, tmp_path, redirection):
    done = shell(redirection, ["generate", tmp_path / "out", *SMALL])
    assert done.returncode == 0 and "1 written" in done.stdout and made(tmp_path, "generate")
    assert shell(redirection, ["info", tmp_path / "absent"]).returncode == 2


@SLOW
def test_who_asks_for_silence_needs_no_output(dataset, tmp_path):
    done = shell("<&- >&- 2>&-", ["generate", tmp_path / "out", *SMALL[:-1], "1", "--quiet"])
    assert done.returncode == 0 and made(tmp_path, "generate")
    assert shell("<&- >&- 2>&-", ["status", tmp_path / "out", "--quiet"]).returncode == 0


INTERRUPTED = """
import sys
from mannequin.__main__ import main

class Interrupting:
    def find_spec(name, path, target=None):
        if name == "mannequin.cli.main":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting)
main()
"""


def test_ctrl_c_while_the_command_is_imported_is_told_in_a_line():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr == "mannequin: Interrupted before anything was begun.\n"

"""The README and the other pages say what is so, and what they show runs."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mannequin.cli.commands.train import TrainRecipe
from mannequin.cli.main import COMMANDS, parse
from mannequin.generator.clip import CHANNELS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = {language: re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) for language in ("sh", "python")}
PAGES = {path.name: path.read_text("utf-8") for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}


def lines_of(page: str) -> list[str]:
    """The command lines that a page shows."""
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("mannequin ")]


LINES = lines_of(README)


def channel_rows() -> list[str]:
    """The rows of the README's table as mannequin.generator.clip has them."""
    rows = []
    for channel in CHANNELS.values():
        shape = "(T, H, W" + "".join(f", {n}" for n in channel.shape) + ")"
        cells = (f"`{channel.name}`", channel.dtype, shape, channel.unit, channel.frame, channel.background)
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def test_the_table_of_channels_is_that_of_the_code():
    head = "| name | dtype | shape | unit | frame | background |\n|---|---|---|---|---|---|\n"
    table = README.split(head)[1].split("\n\n")[0]
    assert table.splitlines() == channel_rows()


def test_the_conventions_mention_every_channel():
    page = (ROOT / "docs" / "conventions.md").read_text("utf-8")
    words = set(re.findall(r"\w+", page))
    meant = {"rgb": "colour", "segm": "segm14", "normal": "normals"}
    absent = [name for name in CHANNELS if name not in words and meant.get(name) not in words]
    assert not absent


@pytest.mark.slow
def test_the_python_example_runs(tmp_path):
    assert len(BLOCKS["python"]) == 1
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", BLOCKS["python"][0]], check=False, cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "clip.h5").is_file()


def test_there_are_lines_to_check():
    assert len(LINES) > 6
    assert {line.split()[1] for line in LINES} == set(COMMANDS)


def made_of(name):
    """What command ``name`` may be parsed to: itself, or of train a recipe."""
    return {COMMANDS[name], TrainRecipe} if name == "train" else {COMMANDS[name]}


@pytest.mark.parametrize(
    "line", [pytest.param(line, id=f"{name}: {line}") for name, page in PAGES.items() for line in lines_of(page)]
)
def test_every_command_line_parses(line):
    words = shlex.split(line, comments=True)[1:]
    assert type(parse(words)) in made_of(words[0])


@pytest.mark.parametrize("name", COMMANDS)
def test_the_examples_of_the_manual_parse(name):
    text = COMMANDS[name].__doc__.replace("\\\n", " ")
    lines = re.findall(r"^ +(mannequin .*)$", text, re.MULTILINE)
    assert lines
    for command in (part for line in lines for part in line.split(" && ")):
        words = shlex.split(command)[1:]
        assert type(parse(words)) in made_of(words[0])


def test_links_lead_somewhere():
    for name, page in PAGES.items():
        folder = ROOT if name == "README.md" else ROOT / "docs"
        targets = [t for t in re.findall(r"\]\(([^)#]+)\)", page) if not t.startswith("http")]
        assert [t for t in targets if not (folder / t).exists()] == [], name


def test_the_tests_that_the_security_page_names_exist():
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+(?:\.py)?)`", page))
    tests = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "tests").glob("test_*.py"))
    missing = {
        name
        for name in named
        if not ((ROOT / "tests" / name).exists() if name.endswith(".py") else f"def {name}(" in tests)
    }
    assert len(named) > 20 and not missing

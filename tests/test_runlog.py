"""Logs that came with the dataset of a stranger: read within limits, never acted upon."""

import json
import os
import shutil

import pytest

from mannequin.cli.main import main
from mannequin.generator.dataset import runlog
from mannequin.generator.dataset.progress import read_progress
from mannequin.generator.dataset.runlog import FOLDER, RunLog
from mannequin.generator.errors import DatasetError
from mannequin.report import runs
from mannequin.report.runs import read_runs

SMALL = ["--renderer", "raster", "--clips", "1", "--frames", "1", "--size", "24", "24"]
SMALL += ["--samples", "1", "--light", "lamps", "--workers", "0"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A dataset of one clip."""
    out = tmp_path_factory.mktemp("made") / "out"
    with pytest.raises(SystemExit):
        main(["generate", str(out), *SMALL])
    return out


@pytest.fixture
def dataset(made, tmp_path):
    shutil.copytree(made, tmp_path / "out")
    return tmp_path / "out"


ODD = [None, True, "x", "[/bold]", [], [[]], {}, {"a": {}}, -1, 10**400, 1e308, float("nan"), float("inf"), "\x1b[2J"]
FIELDS = ("run", "clip", "t", "host", "pid", "frames", "seconds", "peak_mb", "agreement", "workers", "versions", "end")
FIELDS += ("died", "error", "attempts", "device", "platform", "python", "kept")


def odd_lines():
    """Lines of a log, each with one value of a wrong type or size."""
    sound = {"clip": 0, "t": 2.0, "host": "a", "frames": 3, "seconds": {"render": 1.0}, "peak_mb": 5.0}
    sound |= {"agreement": {"depth_worst": 0.1}}
    for field in FIELDS:
        for value in ODD:
            yield sound | {field: value}
    for field in ("seconds", "agreement", "versions"):
        for value in ODD:
            yield sound | {field: {"depth_worst": value, "[/bold]": value}}


def test_values_of_wrong_types_are_passed_over(run, dataset):
    name = dataset / FOLDER / "a-1.jsonl"
    for line in odd_lines():
        text = json.dumps({"run": "now", "t": 0.0}) + "\n" + json.dumps(line) + "\n"
        name.write_text(text, "utf-8")
        found, told = read_progress(dataset), read_runs(dataset)
        json.dumps([found.seconds, found.peak_mb, found.disagreement, found.left], allow_nan=False)
        json.dumps([told.seconds, told.wall, told.peak_mb], allow_nan=False)
    name.write_text("".join(json.dumps(line) + "\n" for line in odd_lines()), "utf-8")
    assert run("status", dataset)[0] == 0 and run("report", dataset)[0] == 0
    status, said, _ = run("status", dataset, "--json")
    assert status == 0 and json.loads(said)["done"] == 1


@pytest.fixture
def strange(dataset, tmp_path):
    """A dataset with logs that are no regular files, damaged ones, and one of its own."""
    folder = dataset / FOLDER
    (tmp_path / "secret").write_text('{"run": "secret", "t": 0.0}\n{"clip": 1, "t": 1.0, "host": "secret"}\n')
    os.mkfifo(folder / "pipe.jsonl")
    os.symlink("/dev/zero", folder / "zero.jsonl")
    os.symlink(tmp_path / "secret", folder / "link.jsonl")
    os.symlink("loop.jsonl", folder / "loop.jsonl")
    (folder / "folder.jsonl").mkdir()
    (folder / "deep.jsonl").write_text("[" * 100_000 + "\n" + '{"t":' * 500 + "1" + "}" * 500 + "\n")
    (folder / "digits.jsonl").write_text('{"t": ' + "9" * 100_000 + "}\n")
    (folder / "bytes.jsonl").write_bytes(bytes(range(256)) * 100)
    (folder / "sparse.jsonl").touch()
    os.truncate(folder / "sparse.jsonl", 1 << 40)
    return dataset


def test_what_is_no_regular_file_is_not_opened_and_told(run, strange, monkeypatch):
    monkeypatch.setattr(runs, "MOST_BYTES", 1 << 22)
    status, said, _ = run("status", strange)
    assert status == 0 and "5 logs: no regular files" in said
    status, said, _ = run("status", strange, "--json")
    assert json.loads(said)["unread"] == 5 and "secret" not in said
    assert run("report", strange)[0] == 0
    page = (strange / "report.html").read_text("utf-8")
    assert "logs not read" in page and "secret" not in page
    assert read_runs(strange).unread >= 6  # the pipe, three links, the folder; and what is beyond MOST_BYTES


def test_logs_beyond_the_most_are_counted_not_read(dataset, monkeypatch):
    monkeypatch.setattr(runlog, "MOST_LOGS", 3)
    for k in range(10):
        (dataset / FOLDER / f"a-{k}.jsonl").write_text('{"run": "x", "t": 0.0}\n')
    assert read_progress(dataset).unread == 8 and read_runs(dataset).unread == 8


@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_a_run_writes_its_log_into_no_trap(dataset, tmp_path, monkeypatch, kind):
    """A name that the next run will take leads elsewhere, or keeps whoever opens it waiting."""
    monkeypatch.setattr(os, "getpid", lambda: 7)
    target, path = tmp_path / "mine", dataset / FOLDER / f"{runlog._host()}-7.jsonl"
    target.write_text("mine")
    {"pipe": os.mkfifo, "link": lambda name: os.symlink(target, name), "folder": os.mkdir}[kind](path)
    with pytest.raises(DatasetError, match=f"{path.name}"):
        RunLog(dataset)
    assert target.read_text() == "mine"


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.symlink("/dev/zero", path), os.mkdir])
def test_a_validation_that_is_no_regular_file_is_told(run, dataset, make):
    make(dataset / FOLDER / "validation.json")
    assert run("report", dataset)[0] == 0
    assert "validation.json" in (dataset / "report.html").read_text("utf-8")


@pytest.mark.parametrize("value", [10**400, -(10**400), 1e308])
def test_a_validation_with_huge_numbers_is_told(run, dataset, value):
    row = {
        "check": "x", "ok": True, "examined": 1, "failed": 0, "value": 1.0, "limit": 1.0, "unit": "", "at_least": True,
        "where": "", "note": "",
    }  # fmt: skip
    for field in ("examined", "failed", "value", "limit"):
        plain = {
            "format": "mannequin-validation", "format_version": 1, "at": "", "valid": True, "clips": 1, "notes": [],
            "rows": [row | {field: value}],
        }  # fmt: skip
        (dataset / FOLDER / "validation.json").write_text(json.dumps(plain))
        assert run("report", dataset)[0] == 0

"""The check for machines with a GPU: a part that fails costs none of the others, and all is written down."""

import json
import sys
from argparse import Namespace
from zipfile import ZipFile

import pytest

from benchmarks import gpu


@pytest.fixture
def options(tmp_path):
    return Namespace(out=tmp_path / "out", budget=60.0, wheels=None, device="cpu", parts=list(gpu.SHARES))


def test_every_part_has_a_share_of_the_time():
    assert set(gpu.PARTS) == set(gpu.SHARES) and sum(gpu.SHARES.values()) == pytest.approx(1.0)


def test_a_part_that_fails_costs_none_of_the_others(options, monkeypatch, capsys):
    rooms = {}

    def part(name, args, environment, seconds):
        rooms[name] = seconds
        ok = name != "steps"
        figures = [{"way": "fp32", "step_ms": 12.5}] if name == "steps" else {"samples": 3}
        return {"ok": ok, "status": 0 if ok else 1, "seconds": 0.1, "figures": figures, "said": "" if ok else "a | b"}

    monkeypatch.setattr(gpu, "_part", part)
    monkeypatch.setattr(gpu, "_machine", lambda environment: {"python": "3", "card": "A card"})
    assert gpu.check(options) == 1
    assert list(rooms) == list(gpu.SHARES) and sum(rooms.values()) > 59 * sum(gpu.SHARES.values())
    done = json.loads((options.out / "gpu.json").read_text())
    assert [part["ok"] for part in done["parts"].values()] == [True, False, True, True]
    text = (options.out / "gpu.md").read_text()
    assert "# GPU check: A card" in text and "| fp32 | 12.5 |" in text and "steps: failed (1)" in text
    assert text in capsys.readouterr().out


@pytest.mark.slow
def test_a_process_that_fails_or_takes_too_long_is_told(options, monkeypatch):
    options.out.mkdir()
    monkeypatch.setattr(gpu, "ROOT", options.out)  # where there is no module benchmarks.gpu
    failed = gpu._part("tests", options, {"PATH": ""}, 30.0)
    assert not failed["ok"] and failed["figures"] is None and "benchmarks" in failed["said"]
    slow = options.out / "benchmarks"
    slow.mkdir()
    (slow / "gpu.py").write_text("import time, sys; print('begun', flush=True); time.sleep(600)")
    late = gpu._part("tests", options, {"PYTHONPATH": str(options.out)}, 5.0)
    assert not late["ok"] and late["status"] == "its time was over"


def test_wheels_stand_in_for_what_is_missing_alone(tmp_path):
    for name in ("pytest-9.9.9-py3-none-any.whl", "not_there-1.0-py3-none-any.whl"):
        with ZipFile(tmp_path / name, "w") as wheel:
            wheel.writestr(f"{name.split('-')[0]}/__init__.py", "")
    site = tmp_path / "site"
    environment = gpu._environment(tmp_path, site)
    assert [path.name for path in site.iterdir()] == ["not_there"]
    assert environment["PYTHONPATH"].split(":")[:2] == [str(gpu.ROOT), str(site)]
    assert sys.modules["pytest"].__version__ != "9.9.9"

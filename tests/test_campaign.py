"""Hostile files of every kind, each read with a gigabyte of memory and twenty seconds: see tests/campaign.py."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

LEAST = {
    "arrays": 140,
    "datasets": 200,
    "descriptions": 165,
    "films": 90,
    "footage": 25,
    "meshes": 60,
    "people": 50,
    "pickles": 40,
    "pictures": 140,
    "recordings": 38,
    "surreal": 180,
    "tables": 250,
    "clips": 220,
    "clip_structures": 115,
}
"""Kind → cases that there are at least, no two the same."""
EVERY = 3
"""Cases of which one is read here; `python -m tests.campaign` reads all."""


def test_the_campaign_is_of_five_hundred_files():
    assert sum(LEAST.values()) // EVERY >= 500


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(LEAST))
def test_hostile_files_end_in_an_error_of_ours_or_a_reading(kind):
    done = subprocess.run(
        [sys.executable, "-m", "tests.campaign", f"tests.bombs.{kind}", str(EVERY)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert done.returncode == 0, done.stderr[-4000:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["bad"] == {}
    left = report["ends"].pop("passed over")
    assert (EVERY - 1) * sum(report["ends"].values()) >= left and sum(report["ends"].values()) + left >= LEAST[kind]

"""Shards: together they are the whole job, whoever runs them, and the bytes are those of one run."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jobs import OPTIONS, ROOT, digests, here, small_job

from mannequin.generator.dataset.folder import DESCRIPTION
from mannequin.generator.errors import ConfigError
from mannequin.renderers.production.shards import MOST_SHARDS, Shard, parse_shard

pytestmark = pytest.mark.usefixtures("fresh_tools")


@pytest.fixture(scope="module")
def at_once(tmp_path_factory):
    """Five clips made in one go."""
    out = tmp_path_factory.mktemp("at_once") / "out"
    here(small_job(), out, 5)
    return digests(out)


@given(st.integers(0, 500), st.integers(1, 60))
def test_shards_have_every_clip_once(total, of):
    indices = [index for number in range(1, of + 1) for index in Shard(number, of).indices(total)]
    assert sorted(indices) == list(range(total))


def test_shards_differ_by_one_clip_at_most():
    sizes = {len(Shard(number, 100).indices(65_432)) for number in range(1, 101)}
    assert sizes == {654, 655}


def test_the_third_of_a_hundred_starts_at_the_third_clip():
    assert list(parse_shard("3/100").indices(300)) == [2, 102, 202]
    assert parse_shard("1/1") == Shard()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3",
        "0/4",
        "5/4",
        "-1/4",
        "1/0",
        "1/-2",
        "1.0/2",
        "a/b",
        "1/2/3",
        " 1/2",
        "1/2\n",
        "１/２",
        f"1/{MOST_SHARDS + 1}",
        "1/" + "9" * 5000,
    ],
)
def test_other_texts_are_refused(text):
    with pytest.raises(ConfigError, match="3/100"):
        parse_shard(text)


def test_the_command_refuses_a_wrong_shard_and_makes_nothing(tmp_path, capsys):
    from mannequin.cli.main import main

    with pytest.raises(SystemExit) as exit_:
        main(["generate", str(tmp_path / "out"), *OPTIONS, "--shard", "4/3"])
    said = capsys.readouterr()
    assert exit_.value.code == 2 and said.out == "" and said.err.count("mannequin: ") == 1 and "'4/3'" in said.err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_shards_in_folders_of_their_own_are_merged_by_copying(tmp_path, at_once):
    descriptions = set()
    for number in (1, 2, 3):
        out = tmp_path / f"shard{number}"
        summary = here(small_job(), out, 5, indices=Shard(number, 3).indices)
        assert summary.clips == len(Shard(number, 3).indices(5))
        descriptions.add((out / DESCRIPTION).read_bytes())
        shutil.copytree(out, tmp_path / "whole", dirs_exist_ok=True)
    assert len(descriptions) == 1
    assert digests(tmp_path / "whole") == at_once


@pytest.mark.slow
def test_shards_that_run_at_the_same_time_fill_one_folder(tmp_path, at_once):
    command = [
        sys.executable,
        "-m",
        "mannequin",
        "generate",
        str(tmp_path / "out"),
        *OPTIONS,
        "--clips",
        "5",
        "--workers",
        "0",
    ]
    runs = [
        subprocess.Popen(
            [*command, "--shard", f"{number}/3"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for number in (1, 2, 3)
    ]
    said = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0] * 3, said
    assert digests(tmp_path / "out") == at_once


def test_a_shard_beyond_the_clips_has_nothing_to_do(tmp_path):
    summary = here(small_job(), tmp_path / "out", 2, indices=Shard(3, 3).indices)
    assert (summary.clips, summary.kept, summary.is_complete) == (0, 0, True)


def test_a_shard_is_continued_where_it_was(tmp_path):
    job, second = small_job(), Shard(2, 2).indices
    here(job, tmp_path / "out", 2, indices=second)
    summary = here(job, tmp_path / "out", 5, indices=second)
    assert (summary.kept, summary.clips) == (1, 1)
    assert {p.stem for p in Path(tmp_path / "out").rglob("*.h5")} == {"000001", "000003"}


def test_a_machine_that_does_not_see_the_folder_says_so_and_writes_nothing(tmp_path):
    from mannequin.generator.dataset.folder import create_or_resume
    from mannequin.generator.errors import DatasetError
    from mannequin.renderers.production.worker import make_clip

    dataset = create_or_resume(tmp_path / "out", {})
    shutil.rmtree(tmp_path / "out")
    with pytest.raises(DatasetError, match="all machines see"):
        make_clip(small_job(), dataset, 0, "cpu", 0.0)
    assert not (tmp_path / "out").exists()

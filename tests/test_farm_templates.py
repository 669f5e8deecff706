"""Job files for farms: they say what was asked for, and they run, whatever characters names have."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jobs import OPTIONS, ROOT, digests

from mannequin.cli.commands.generate import Generate
from mannequin.cli.farm import openjd, slurm
from mannequin.cli.farm.arguments import located
from mannequin.cli.farm.resources import Resources
from mannequin.cli.main import main, parse
from mannequin.generator.errors import ConfigError

AWKWARD = "a b'c\";d$e`f`(g)&h*é\\{i}"
"""A name with most of what shells treat specially."""
BIN = Path(sys.executable).parent
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}


def farm(*arguments) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["farm", *map(str, arguments)])
    assert exit_.value.code == 0


def shell(*command, **environment) -> subprocess.CompletedProcess:
    env = ENVIRONMENT | environment
    return subprocess.run([str(word) for word in command], check=False, env=env, capture_output=True, text=True)


@pytest.fixture
def refuses(tmp_path, capsys, monkeypatch):
    """Runs the command with arguments that cannot be; returns its one message."""
    monkeypatch.chdir(tmp_path)

    def refuses(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main(["farm", *arguments])
        said = capsys.readouterr()
        assert exit_.value.code == 2 and said.out == "" and said.err.count("mannequin: ") == 1
        assert not list(tmp_path.iterdir())
        return said.err

    return refuses


# SLURM


@pytest.mark.slow
def test_all_tasks_of_an_array_make_the_dataset(tmp_path):
    job, out = tmp_path / f"{AWKWARD}.sbatch", tmp_path / AWKWARD / "out"
    farm(
        "slurm", job, "--shards", "2", "--cpus", "1", "--", out, *OPTIONS, "--clips", "3", "--outputs", "segm", "depth"
    )
    assert shell("bash", "-n", job).returncode == 0
    for task in "12":
        done = shell("bash", job, SLURM_ARRAY_TASK_ID=task, SLURM_CPUS_PER_TASK="1")
        assert done.returncode == 0, done.stderr
    with pytest.raises(SystemExit):
        main(
            [
                "generate",
                str(tmp_path / "alone"),
                *OPTIONS,
                "--clips",
                "3",
                "--outputs",
                "segm",
                "depth",
                "--workers",
                "0",
            ]
        )
    assert digests(out) == digests(tmp_path / "alone")


@pytest.mark.slow
def test_the_exit_status_is_passed_on(tmp_path):
    (tmp_path / "file").write_text("mine")
    farm("slurm", tmp_path / "job.sbatch", "--shards", "2", "--", tmp_path / "file", *OPTIONS)
    done = shell("bash", tmp_path / "job.sbatch", SLURM_ARRAY_TASK_ID="1")
    assert done.returncode == 2 and "is a file" in done.stderr


def test_a_script_that_is_not_run_by_slurm_says_how(tmp_path):
    farm("slurm", tmp_path / "job.sh", "--shards", "8", "--", tmp_path / "out")
    done = shell("bash", tmp_path / "job.sh", SLURM_ARRAY_TASK_ID="")
    assert done.returncode != 0 and "sbatch" in done.stderr and "up to 8" in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_script_asks_slurm_for_what_tasks_need():
    resources = Resources(cpus=8, memory=12, time="1-02:03:04", gpus=1, partition="long", account="vision")
    text = slurm.sbatch_script("job.sbatch", "/env/bin/python", ["/data/out"], 40, resources)
    asked = dict(re.findall(r"^#SBATCH --([\w-]+)=?(.*)$", text, re.MULTILINE))
    wanted = {
        "array": "1-40",
        "cpus-per-task": "8",
        "mem": "12G",
        "time": "1-02:03:04",
        "gpus-per-task": "1",
        "partition": "long",
        "account": "vision",
    }
    assert wanted.items() <= asked.items() and "requeue" in asked
    assert text.startswith("#!/usr/bin/env bash\n#SBATCH") and "set -euo pipefail" in text


def test_what_was_not_asked_for_is_left_to_the_farm():
    text = slurm.sbatch_script("job.sbatch", "python", ["/data/out"], 40, Resources())
    assert not re.search("--mem|--time|--gpus|--partition|--account", text)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8), max_size=4))
def test_bash_sees_the_arguments_as_they_were(arguments):
    text = slurm.sbatch_script("job.sbatch", "python", ["/out", *arguments], 1, Resources())
    array = text[text.index("command=(\n") + len("command=(") : text.index("\n)\n\ntask=")]
    assert shlex.split(array)[4:] == ["/out", *arguments]


def test_bash_itself_sees_the_arguments_as_they_were():
    arguments = ["/out", AWKWARD, "", "two\nlines", "--", "~", "!", "#no comment", "$(touch harm)"]
    text = slurm.sbatch_script("job.sbatch", "python", arguments, 1, Resources())
    shown = text.replace('exec "${command[@]}"', 'printf "%s\\0" "${command[@]}"')
    done = shell("bash", "-c", shown, SLURM_ARRAY_TASK_ID="1")
    assert done.stdout.split("\0")[4:-5] == arguments, done.stderr


# Open Job Description


def template(path: Path) -> Path:
    """A template beside the dataset that it is for."""
    farm(
        "openjd",
        path,
        "--shards",
        "2",
        "--cpus",
        "1",
        "--",
        path.parent / AWKWARD,
        *OPTIONS,
        "--clips",
        "3",
        "--outputs",
        "segm",
    )
    return path


@pytest.mark.cluster
@pytest.mark.parametrize("suffix", openjd.SUFFIXES)
def test_templates_are_valid(tmp_path, suffix):
    done = shell(BIN / "openjd", "check", template(tmp_path / f"job{suffix}"))
    assert done.returncode == 0, done.stdout


@pytest.mark.cluster
def test_a_job_makes_the_dataset(tmp_path):
    done = shell(
        BIN / "openjd",
        "run",
        template(tmp_path / "job.yaml"),
        "--step",
        "Render",
        "-p",
        f"Mannequin={BIN / 'mannequin'}",
    )
    assert done.returncode == 0, done.stdout
    with pytest.raises(SystemExit):
        main(["generate", str(tmp_path / "alone"), *OPTIONS, "--clips", "3", "--outputs", "segm", "--workers", "0"])
    assert digests(tmp_path / AWKWARD) == digests(tmp_path / "alone")


@pytest.mark.cluster
def test_a_folder_elsewhere_is_named_when_the_job_is_submitted(tmp_path, capsys):
    path = tmp_path / "here" / "job.json"
    path.parent.mkdir()
    farm("openjd", path, "--shards", "2", "--", tmp_path / "else where", *OPTIONS)
    line = capsys.readouterr().out.splitlines()[-1].removeprefix("Try one task: ")
    arguments = shlex.split(line.replace("openjd", str(BIN / "openjd"), 1))
    done = shell(*arguments, "-p", f"Mannequin={BIN / 'mannequin'}")
    assert done.returncode == 0, done.stdout
    assert len(list((tmp_path / "else where").rglob("*.h5"))) == 4


def test_yaml_and_json_hold_the_same(tmp_path):
    value = openjd.template(
        tmp_path / "job.yaml",
        ["/out", AWKWARD, "", "yes", "1e3", "a: b", "# c", "\U0001f600"],
        3,
        Resources(time="00:10:00", memory=2),
    )
    yaml = pytest.importorskip("yaml")
    assert yaml.safe_load(openjd.written(value, ".yaml")) == value == json.loads(openjd.written(value, ".json"))
    assert value["steps"][0]["script"]["actions"]["onRun"]["timeout"] == 600
    assert value["steps"][0]["hostRequirements"]["amounts"] == [
        {"name": "amount.worker.vcpu", "min": 4},
        {"name": "amount.worker.memory", "min": 2048},
    ]


@pytest.mark.parametrize("argument", ["{{Param.Out}}", "a\tb", "a\nb"])
def test_arguments_that_a_template_cannot_hold_are_refused(argument):
    with pytest.raises(ConfigError, match="[Rr]ename"):
        openjd.template(Path("job.yaml"), ["/out", argument], 2, Resources())


# Paths


def test_relative_paths_become_absolute_and_nothing_else_changes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "walks").mkdir()
    arguments = ["out", "--motion", "walks", "run", "--textures", "./skins/", "--clips", "9", "--preset", "studio"]
    found = located(arguments, parse(["generate", *arguments]), lambda arguments: parse(["generate", *arguments]))
    assert found == (
        str(tmp_path / "out"),
        "--motion",
        str(tmp_path / "walks"),
        "run",
        "--textures",
        str(tmp_path / "skins"),
        *arguments[6:],
    )


def test_paths_that_cannot_be_told_from_other_words_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "studio").mkdir()
    for arguments in (["out", "--textures", "studio", "--preset", "studio"], ["out", "--textures=studio"]):
        with pytest.raises(ConfigError, match="'studio'"):
            located(arguments, parse(["generate", *arguments]), lambda arguments: parse(["generate", *arguments]))


# Mistakes


@pytest.mark.parametrize(
    "arguments, says",
    [
        ("slurm j.sbatch --shards 2", "behind --"),
        ("slurm j.sbatch --shards 2 --", "behind --"),
        ("slurm j.sbatch --shards 0 -- out", "shards is 0"),
        ("slurm j.sbatch --shards 9 -- out --clips 8", "fewer --shards"),
        ("slurm j.yaml --shards 2 -- out", ".sbatch"),
        ("openjd j.sbatch --shards 2 -- out", ".yaml"),
        ("openjd j.yaml --shards 2 --partition long -- out", "--partition"),
        ("slurm j.sbatch --shards 2 --cpus 0 -- out", "cpus"),
        ("slurm j.sbatch --shards 2 --memory -1 -- out", "memory"),
        ("slurm j.sbatch --shards 2 --time 3h -- out", "HOURS"),
        ("slurm j.sbatch --shards 2 --time 00:00:00 -- out", "HOURS"),
        ("slurm j.sbatch --shards 2 --partition a;b -- out", "partition"),
        ("slurm j.sbatch --shards 2 -- --clips 8 out", "first"),
        ("slurm j.sbatch --shards 2 -- out --motion wlak", "'walk'"),
        ("slurm j.sbatch --shards 2 -- out --outputs detph", "'depth'"),
        ("slurm j.sbatch --shards 2 -- out --body absent.pkl", "absent.pkl"),
        ("slurm j.sbatch --shards 2 -- out --shard 1/2", "--shard"),
        ("slurm j.sbatch --shards 2 -- out --workers 3", "--workers"),
        ("slurm j.sbatch --shards 2 -- out --dask tcp://h:1", "--dask"),
    ],
)
def test_mistakes_show_before_anything_is_written(refuses, arguments, says):
    assert says in refuses(*arguments.split())


def test_a_wrong_option_behind_the_dashes_is_refused_by_the_parser_of_generate(tmp_path, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["farm", "slurm", str(tmp_path / "j.sbatch"), "--shards", "2", "--", "out", "--colour", "red"])
    assert exit_.value.code == 2 and "--colour" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_files_of_other_kinds_are_not_overwritten(tmp_path, capsys):
    path = tmp_path / "mine.sh"
    path.write_text("echo mine\n")
    with pytest.raises(SystemExit) as exit_:
        main(["farm", "slurm", str(path), "--shards", "2", "--", str(tmp_path / "out")])
    assert exit_.value.code == 2 and "exists" in capsys.readouterr().err and path.read_text() == "echo mine\n"
    farm("slurm", tmp_path / "job.sh", "--shards", "2", "--", tmp_path / "out")
    farm("slurm", tmp_path / "job.sh", "--shards", "4", "--", tmp_path / "out")
    assert "shards=4" in (tmp_path / "job.sh").read_text()


def test_options_that_job_files_set_are_options_of_generate():
    from mannequin.cli.commands.farm import ADDED

    assert all(hasattr(Generate, name) for name in ADDED)
